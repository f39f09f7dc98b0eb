"""The neighbours of a piece in the whole library, kept up to date as the library changes."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sqlalchemy import select

from workbench.core.library.curation import changed_since
from workbench.core.library.database import Database
from workbench.core.library.likeness import Duplicates, Fingerprint, Neighbour, fingerprint
from workbench.core.library.tables import ExampleRow
from workbench.core.music.structure import MusicStructure

MANY = 300
"""Examples to be read anew; for more nobody is kept waiting: they are read beside the page."""


class Nearness:
    """Fingerprints of every example; only what has changed is read again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Fingerprint] = {}
        self._index = Duplicates(())
        self._seen = 0
        self._lock = threading.Lock()

    def nearest(self, structure: MusicStructure, count: int = 5, *, without: str = "") -> tuple[Neighbour, ...] | None:
        """The examples most like a piece, the likest first; None while a large library is still being read."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            changed, seen = changed_since(self._database, self._seen)
            if len(changed) > MANY:
                threading.Thread(target=self._read_beside, args=(changed, seen), name="nearness", daemon=True).start()
                return None
            self._read(changed, seen)
            index = self._index
        finally:
            self._lock.release()
        return index.nearest(structure, count, without=(without,) if without else ())

    def _read_beside(self, changed: Sequence[str], seen: int) -> None:
        with self._lock:
            self._read(changed, seen)

    def _read(self, changed: Sequence[str], seen: int) -> None:
        if seen == self._seen:
            return
        before = {id: self._known[id].runs.tobytes() for id in changed if id in self._known}
        with self._database.reading() as session:
            for start in range(0, len(changed), 500):
                part = list(changed[start : start + 500])
                rows = session.execute(select(ExampleRow.id, ExampleRow.structure).where(ExampleRow.id.in_(part)))
                for id, data in rows:
                    self._known[id] = fingerprint(MusicStructure.model_validate(data))
        if any(id in self._known and before.get(id) != self._known[id].runs.tobytes() for id in changed):
            self._index = Duplicates(self._known.items())
        self._seen = seen
