"""Libraries to build from: of each kind of database, and copies of a small one that are quick to make."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.core.library.conftest import at_once, cluster, database, empty, empty_url, opened, two_processes
from workbench.core.datasets.building.build import build
from workbench.core.datasets.recipes import Recipe
from workbench.core.datasets.rows import Facts, Row
from workbench.core.datasets.versions import (
    Version,
    bodies,
    facts_of_version,
    in_order,
    packed,
    put_bodies,
    write_version,
)
from workbench.core.library.curation import Item, find, load_built_in, submit
from workbench.core.library.database import Database
from workbench.core.library.dataset_tables import BodyRow, DatasetRow, VersionRow
from workbench.core.library.decisions import edit, vote
from workbench.core.library.examples import Example, load_examples
from workbench.core.library.rights import read_rights

__all__ = ["at_once", "cluster", "database", "empty", "empty_url", "opened", "two_processes"]

SHIPPED = {each.id: each for each in load_examples()}
FEW = (
    "aba-modern-village", "aba-romantic-wild-horseman", "binary-baroque-bourree", "binary-classical-contredanse",
    "binary-romantic-chopin-prelude", "minuet-trio-baroque-petzold", "minuet-trio-romantic-photograph",
    "rondo-baroque-spring", "rondo-classical-elise", "rounded-binary-classical-alarm", "rounded-binary-modern-snow",
    "theme-variation-classical-maman",
)  # fmt: skip
"""Examples that ship: twelve of all forms but one, none related to another."""

Change = Callable[[Facts, Row], tuple[Facts, Row] | None]


@pytest.fixture(scope="session")
def few_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with a few examples in it, to be copied."""
    path = tmp_path_factory.mktemp("few") / "few.sqlite3"
    filled(made := Database(f"sqlite:///{path}").upgrade())
    made.close()
    return path


@pytest.fixture
def library(few_examples: Path, tmp_path: Path) -> Iterator[Database]:
    """A library of a few examples, in SQLite."""
    path = tmp_path / "library.sqlite3"
    shutil.copy(few_examples, path)
    copied = Database(f"sqlite:///{path}")
    yield copied
    copied.close()


@pytest.fixture
def each_library(database: Database) -> Database:
    """A library of a few examples, in a database of each kind."""
    return filled(database)


def filled(database: Database, ids: Sequence[str] = FEW) -> Database:
    """The database, with examples that ship."""
    examples: list[Example] = [SHIPPED[id] for id in ids]
    assert load_built_in(database, examples) == len(examples)
    return database


def built(database: Database, recipe: Recipe | None = None, **more: Any) -> Version:
    """The version that a recipe makes, without a fault."""
    found = build(database, recipe or Recipe(), curator="ada", processes=0, **more)
    assert found.version is not None, found.tally.told
    return found.version


def rows_of(database: Database, version: Version) -> list[tuple[Facts, Row]]:
    """All rows of a version, with their facts."""
    facts = facts_of_version(database, version.id)
    return [(each, row) for each, (_, row) in zip(facts, bodies(database, version.id), strict=True)]


def rewritten(database: Database, version: Version, change: Change, more: Sequence[Change] = ()) -> Version:
    """A version with the rows of another one, each as the change makes it, or without it; ``more`` make more rows."""
    rows = []
    for each, row in rows_of(database, version):
        rows += [made for made in (one(each, row) for one in (change, *more)) if made is not None]
    rows = [(replace(each, digest=row.digest, key=row.key), row) for each, row in rows]
    put_bodies(database, [packed(row) for _, row in rows])
    written, new = write_version(
        database, {**version.recipe, "name": "rewritten"}, in_order(each for each, _ in rows), version.summary,
        name="rewritten", kind=version.kind, curator="eve",
    )  # fmt: skip
    assert new
    return written


def changed(database: Database, id: str, *, approve: bool = True, **more: Any) -> Item:
    """Edit an example as it is now, and approve it anew."""
    item = edit(database, id, curator="ada", version=_seen(database, id).version, **more)
    return vote(database, id, "approve", curator="ada", version=item.version) if approve else item


def rejected(database: Database, id: str) -> Item:
    """Take an example out of the library."""
    return vote(database, id, "reject", curator="ada", version=_seen(database, id).version)


def twin_of(database: Database, id: str, twin: str, *, keeps: Sequence[str] = ()) -> None:
    """Put a piece into the library that is nearly the same as another of it: faster, and asked for in other words."""
    example = SHIPPED[id]
    structure = example.structure.model_copy(update={"tempo": example.structure.tempo + 7})
    request = example.request.model_copy(update={"brief": "The same once more"})
    _, new = submit(
        database, request, structure, curator="ada", origin={"kind": "test"}, id=twin, status="approved",
        rights=read_rights(dict(example.rights)),
    )  # fmt: skip
    assert new


def rework(database: Database, id: str, other: str) -> Item:
    """Put other music in the place of an example's: that of one that ships and is not in the library."""
    assert find(database, other) is None
    return changed(database, id, structure=SHIPPED[other].structure, request=SHIPPED[other].request)


def kept(database: Database) -> dict[str, int]:
    """How many versions (whole ones, and others), rows and contents the tables hold."""
    with database.reading() as session:
        return {
            "ready": session.scalar(select(func.count()).where(VersionRow.state == "ready")) or 0,
            "writing": session.scalar(select(func.count()).where(VersionRow.state != "ready")) or 0,
            "rows": session.scalar(select(func.count()).select_from(DatasetRow)) or 0,
            "bodies": session.scalar(select(func.count()).select_from(BodyRow)) or 0,
        }


NOTHING = {"ready": 0, "writing": 0, "rows": 0, "bodies": 0}


def _seen(database: Database, id: str) -> Item:
    item = find(database, id)
    assert item is not None
    return item
