"""What tests of views stand on: a database of their own, and takes to keep in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fresh import fresh
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.takes import Take
from workbench.core.music.structure import piece_id


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite file."""
    made = fresh(tmp_path / "views.sqlite3")
    yield made
    made.close()


@pytest.fixture(scope="session")
def make_take() -> Callable[..., Take]:
    """Makes takes that are not kept yet: a title is a piece."""
    structure = load_examples()[0].structure

    def made(title: str = "First", **more: Any) -> Take:
        titled = structure.model_copy(update={"title": title})
        return Take(piece_id(titled), titled, **more)

    return made
