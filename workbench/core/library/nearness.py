"""The neighbours of a piece in the whole library, kept up to date as the library changes."""

from __future__ import annotations

import threading

from sqlalchemy import select

from workbench.core.library.curation import revision
from workbench.core.library.database import Database
from workbench.core.library.likeness import Duplicates, Fingerprint, Neighbour, fingerprint
from workbench.core.library.tables import ExampleRow
from workbench.core.music.structure import MusicStructure

NEAR = 0.8
"""From this likeness on two pieces are nearly the same."""


class Nearness:
    """Fingerprints of every example; only what has changed is read again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[str, Fingerprint]] = {}
        self._index = Duplicates(())
        self._seen = -1
        self._lock = threading.Lock()

    def nearest(self, structure: MusicStructure, count: int = 5, *, without: str = "") -> tuple[Neighbour, ...]:
        """The examples most like a piece, the likest first."""
        with self._lock:
            self._refresh()
            index = self._index
        return index.nearest(structure, count, without=(without,) if without else ())

    def _refresh(self) -> None:
        now_at = revision(self._database)
        if now_at == self._seen:
            return
        with self._database.reading() as session:
            there = dict(session.execute(select(ExampleRow.id, ExampleRow.content_hash)).tuples().all())
            changed = [id for id, digest in there.items() if self._known.get(id, ("",))[0] != digest]
            for start in range(0, len(changed), 500):
                part = changed[start : start + 500]
                rows = session.execute(select(ExampleRow.id, ExampleRow.structure).where(ExampleRow.id.in_(part)))
                for id, data in rows:
                    self._known[id] = (there[id], fingerprint(MusicStructure.model_validate(data)))
        gone = set(self._known) - set(there)
        for id in gone:
            del self._known[id]
        if changed or gone:
            self._index = Duplicates((id, known) for id, (_, known) in self._known.items())
        self._seen = now_at
