"""Which examples of the few-shot library are in a test split, or nearly so.

A prompt that shows one of them gives the answer away. So an evaluation on the test split has to ban them from
retrieval; training prompts never show them, since they show examples of the training side alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select

from workbench.core.datasets.building.splits import leaks
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.withdrawn import examples_of
from workbench.core.library.database import Database
from workbench.core.library.likeness import Fingerprint, fingerprint
from workbench.core.library.tables import ExampleRow
from workbench.core.music.structure import MusicStructure

PAGE = 200


def held_out(database: Database, facts: Iterable[Facts], fingerprints: Mapping[str, Fingerprint]) -> tuple[str, ...]:
    """The ids of the approved examples that must not be shown when a model is tried on the test rows.

    ``fingerprints`` are those of the pieces by their sources. What the version holds in another split is near no test
    row; so only what it does not hold has to be compared.
    """
    sides: dict[str, str] = {each.source: each.split for each in facts}
    tested = [source for source, split in sides.items() if split == "test"]
    found = {id for source in tested for id in examples_of(source)}
    marks = [(f"test/{source}", "test", fingerprints[source]) for source in tested if source in fingerprints]
    if not marks:
        return tuple(sorted(found))
    known = {id for source in sides for id in examples_of(source)}
    others = [(f"library/{id}", "library", mark) for id, mark in _others(database, known)]
    for one, other, _ in leaks([*marks, *others]):
        found |= {name.removeprefix("library/") for name in (one, other) if name.startswith("library/")}
    return tuple(sorted(found))


def _others(database: Database, known: set[str]) -> Sequence[tuple[str, Fingerprint]]:
    """The approved examples that prompts may show and that the version does not hold."""
    may = (ExampleRow.status == "approved", ExampleRow.may_prompt.is_(True))
    with database.reading() as session:
        ids = [id for id in session.scalars(select(ExampleRow.id).where(*may)).all() if id not in known]
    found: list[tuple[str, Fingerprint]] = []
    for at in range(0, len(ids), PAGE):
        part = ids[at : at + PAGE]
        with database.reading() as session:
            rows = session.execute(
                select(ExampleRow.id, ExampleRow.structure).where(ExampleRow.id.in_(part)).order_by(ExampleRow.id)
            ).all()
        found += [(id, fingerprint(MusicStructure.model_validate(data))) for id, data in rows]
    return found
