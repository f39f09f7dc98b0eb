"""The library that commands work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.core.library.database import Database


def library() -> Database:
    """The database, with the examples that ship in it."""
    from workbench.core.library.curation import load_built_in
    from workbench.core.library.database import shared_database
    from workbench.core.library.examples import load_examples
    from workbench.core.settings import load_settings

    database = shared_database(load_settings())
    load_built_in(database, load_examples())
    return database
