"""Databases that are up to date at once: the migrations run once, and each test has a copy of what they made."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from workbench.core.library.database import Database

_folder = tempfile.TemporaryDirectory(prefix="workbench-fresh-", ignore_cleanup_errors=True)


def fresh(path: Path | str) -> Database:
    """A new SQLite file, up to date and with nothing in it: there is nothing left to upgrade."""
    shutil.copy(_upgraded(), path)
    return Database(f"sqlite:///{path}").upgrade()


@cache
def _upgraded() -> Path:
    file = Path(_folder.name) / "fresh.sqlite3"
    Database(f"sqlite:///{file}").upgrade().close()
    return file
