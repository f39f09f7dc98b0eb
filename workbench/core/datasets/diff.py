"""What differs between two versions: rows added, removed and changed, and what moved in the distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, aliased

from workbench.core.datasets.statistics import Counts, Moved, moved
from workbench.core.datasets.versions import Version
from workbench.core.library.database import Database
from workbench.core.library.dataset_tables import DatasetRow

MOST = 200
"""Keys that are told of each kind; all are counted."""


@dataclass(frozen=True)
class Difference:
    """What differs. Keys are the first ``MOST`` of each kind; ``counts`` are of all.

    ``changed`` rows say something else, ``moved_rows`` say the same on another side (key, before, after).
    """

    counts: Mapping[str, int]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    moved_rows: tuple[tuple[str, str, str], ...]
    moved: tuple[Moved, ...]
    recipe: Mapping[str, tuple[Any, Any]]

    @property
    def same(self) -> bool:
        """Whether the rows are the same."""
        return not any(self.counts[name] for name in ("added", "removed", "changed", "moved"))

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "counts": dict(self.counts),
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": list(self.changed),
            "moved_rows": [list(row) for row in self.moved_rows],
            "distributions": [
                {"name": each.name, "distance": each.distance, "noise": each.noise, "words": each.words}
                for each in self.moved
            ],
            "recipe": {name: {"before": one, "after": other} for name, (one, other) in self.recipe.items()},
        }


def compare(database: Database, before: Version, after: Version) -> Difference:
    """What differs between two versions, the second seen from the first."""
    one, other = aliased(DatasetRow), aliased(DatasetRow)
    both = and_(one.key == other.key, one.version_id == before.id, other.version_id == after.id)
    with database.reading() as session:
        removed = _only(session, before.id, after.id)
        added = _only(session, after.id, before.id)
        changed = _shared(session, (one, other), and_(both, one.digest != other.digest))
        sides = _shared(session, (one, other), and_(both, one.digest == other.digest, one.split != other.split))
        same = session.scalar(select(func.count()).select_from(one).join(other, and_(both, one.digest == other.digest)))
    return Difference(
        {"added": added[1], "removed": removed[1], "changed": changed[1], "moved": sides[1],
         "same": int(same or 0) - sides[1]},
        added[0], removed[0], tuple(key for key, *_ in changed[0]), tuple(sides[0]),
        tuple(_moved(before.summary, after.summary)), recipe_difference(before.recipe, after.recipe),
    )  # fmt: skip


class SharedTests(NamedTuple):
    """How many test rows two versions share, word for word, and how many only one of them has."""

    shared: int
    before: int
    after: int

    @property
    def same(self) -> bool:
        """Whether models can be compared by them: there are some, and they are the same."""
        return self.shared > 0 and not self.before and not self.after


def compare_tests(database: Database, before: Version, after: Version) -> SharedTests:
    """Whether two versions test on the same rows."""
    one, other = aliased(DatasetRow), aliased(DatasetRow)
    with database.reading() as session:
        sizes = [
            session.scalar(
                select(func.count())
                .select_from(DatasetRow)
                .where(DatasetRow.version_id == version.id, DatasetRow.split == "test")
            )
            for version in (before, after)
        ]
        shared = session.scalar(
            select(func.count())
            .select_from(one)
            .join(other, and_(one.key == other.key, one.digest == other.digest, other.version_id == after.id))
            .where(one.version_id == before.id, one.split == "test", other.split == "test")
        )
    same = int(shared or 0)
    return SharedTests(same, int(sizes[0] or 0) - same, int(sizes[1] or 0) - same)


def recipe_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields of two recipes that differ, by a dotted name, with both values."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            found |= {f"{name}.{inner}": pair for inner, pair in recipe_difference(one, other).items()}
        elif one != other:
            found[name] = (one, other)
    return found


def _moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Moved]:
    if "everything" not in before or "everything" not in after:
        return []
    sources = (int(before["groups"]), int(after["groups"]))
    return moved(Counts.from_dict(before["everything"]), Counts.from_dict(after["everything"]), sources=sources)


def _only(session: Session, here: str, there: str) -> tuple[tuple[str, ...], int]:
    """Keys that one version has and the other has not: the first of them, and how many."""
    one, other = aliased(DatasetRow), aliased(DatasetRow)
    missing = ~select(other.key).where(other.version_id == there, other.key == one.key).exists()
    where = (one.version_id == here, missing)
    count = session.scalar(select(func.count()).select_from(one).where(*where)) or 0
    keys = session.scalars(select(one.key).where(*where).order_by(one.position).limit(MOST)).all() if count else ()
    return tuple(keys), int(count)


def _shared(
    session: Session, tables: Sequence[Any], condition: ColumnElement[bool]
) -> tuple[list[tuple[str, str, str]], int]:
    """Rows that both have under a condition: key and both splits of the first of them, and how many."""
    one, other = tables
    count = session.scalar(select(func.count()).select_from(one).join(other, condition)) or 0
    if not count:
        return [], 0
    rows = session.execute(
        select(one.key, one.split, other.split).join(other, condition).order_by(one.position).limit(MOST)
    ).all()
    return [(key, before, after) for key, before, after in rows], int(count)
