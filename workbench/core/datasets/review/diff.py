"""What differs between two versions: rows added, removed and changed, and what moved in the distributions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session, aliased

from workbench.core.datasets.review.statistics import Counts, Moved, moved
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
    with database.reading() as session:
        shared, changed, sides = _shared(session, before.id, after.id)
        counts = {
            "added": after.rows - shared, "removed": before.rows - shared, "changed": changed, "moved": sides,
            "same": shared - changed - sides,
        }  # fmt: skip
        return Difference(
            counts,
            _only(session, after.id, before.id) if counts["added"] else (),
            _only(session, before.id, after.id) if counts["removed"] else (),
            tuple(key for key, *_ in _first(session, before.id, after.id, _CHANGED)) if changed else (),
            _first(session, before.id, after.id, _MOVED) if sides else (),
            tuple(_moved(before.summary, after.summary)), recipe_difference(before.recipe, after.recipe),
        )  # fmt: skip


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


# What two rows of one key are to each other is told by an expression that no index answers: the database has to go by
# the keys, which are there once in a version, and never by contents, which may be there often.
_ONE, _OTHER = aliased(DatasetRow), aliased(DatasetRow)
_SAME, _MOVED, _CHANGED = range(3)
_state = case((_ONE.digest != _OTHER.digest, _CHANGED), (_ONE.split != _OTHER.split, _MOVED), else_=_SAME)


def _both(before: str, after: str) -> ColumnElement[bool]:
    return and_(_ONE.key == _OTHER.key, _ONE.version_id == before, _OTHER.version_id == after)


def _shared(session: Session, before: str, after: str) -> tuple[int, int, int]:
    """How many keys both have, and of those how many rows say something else, or the same on another side."""
    wanted = select(
        func.count(), *(func.sum(case((_state == state, 1), else_=0)) for state in (_CHANGED, _MOVED))
    ).select_from(_ONE)
    shared, changed, sides = session.execute(wanted.join(_OTHER, _both(before, after))).one()
    return int(shared), int(changed or 0), int(sides or 0)


def _first(session: Session, before: str, after: str, state: int) -> tuple[tuple[str, str, str], ...]:
    """The first rows of a state: key and both splits."""
    wanted = select(_ONE.key, _ONE.split, _OTHER.split).join(_OTHER, _both(before, after)).where(_state == state)
    rows = session.execute(wanted.order_by(_ONE.position).limit(MOST)).all()
    return tuple((key, one, other) for key, one, other in rows)


def _only(session: Session, here: str, there: str) -> tuple[str, ...]:
    """The first keys that one version has and the other has not."""
    missing = ~select(_OTHER.key).where(_OTHER.version_id == there, _OTHER.key == _ONE.key).exists()
    wanted = select(_ONE.key).where(_ONE.version_id == here, missing)
    return tuple(session.scalars(wanted.order_by(_ONE.position).limit(MOST)).all())
