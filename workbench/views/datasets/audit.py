"""Being built."""

from __future__ import annotations

from workbench.core.datasets.versions import Version


def audit(version: Version) -> None:
    """Being built."""
