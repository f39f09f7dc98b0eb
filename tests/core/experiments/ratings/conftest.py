"""Databases of each kind, for what is kept of ratings."""

from __future__ import annotations

from tests.core.library.conftest import at_once, cluster, database, empty, empty_url, opened

__all__ = ["at_once", "cluster", "database", "empty", "empty_url", "opened"]
