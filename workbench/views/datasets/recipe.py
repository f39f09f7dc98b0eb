"""Being built."""

from __future__ import annotations

from workbench.core.datasets.versions import Version


def recipe_editor(version: Version | None) -> None:
    """Being built."""
