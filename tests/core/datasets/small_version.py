"""A small version that is built once: tests of what is done with versions work on copies of its database."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbench.core.datasets.building.build import build
from workbench.core.datasets.recipes import read_recipe
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.versions import (
    Version,
    bodies,
    facts_of_version,
    find_version,
    packed,
    put_bodies,
    write_version,
)
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

ROOT = Path(__file__).parents[3]
RECIPE: dict[str, Any] = {
    "name": "small", "augmentation": {"keys": 2}, "sources": {"forms": ["rondo", "ABA"]},
}  # fmt: skip
"""Some forty rows; two of them are the test split."""
_folder = tempfile.TemporaryDirectory(prefix="workbench-small-", ignore_cleanup_errors=True)


def built(database: Database, recipe: Mapping[str, Any] = RECIPE) -> Version:
    """A version of a recipe, built in this process."""
    found = build(database, read_recipe(dict(recipe)), curator="ada", processes=0).version
    assert found is not None
    return found


def copied(folder: Path) -> tuple[Database, Version]:
    """The shipped library with the small version of it, in a database of one's own."""
    file, id = _built()
    shutil.copy(file, folder / "workbench.sqlite3")
    database = Database(f"sqlite:///{folder}/workbench.sqlite3")
    return database, only(database, id)


def carried_over(origin: Database, version: Version, other: Database) -> Version:
    """The same version, written into another database."""
    put_bodies(other, (packed(row) for _, row in bodies(origin, version.id)))
    facts = list(facts_of_version(origin, version.id))
    return write_version(
        other, version.recipe, facts, version.summary, name=version.name, kind=version.kind, curator="ada"
    )[0]


def with_facts(database: Database, facts: list[Facts], name: str) -> Version:
    """A version of these very facts, whose contents are kept already."""
    summary = {"splits": {}}
    return write_version(database, {"name": name}, facts, summary, name=name, kind="chat", curator="ada")[0]


def only(database: Database, id: str) -> Version:
    """The version of an id that is there."""
    found = find_version(database, id)
    assert found is not None
    return found


@cache
def _built() -> tuple[Path, str]:
    file = Path(_folder.name) / "small.sqlite3"
    database = Database(f"sqlite:///{file}").upgrade()
    load_built_in(database, load_examples())
    id = built(database).id
    database.close()
    return file, id
