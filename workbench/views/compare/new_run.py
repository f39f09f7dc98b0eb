from __future__ import annotations


def new_run() -> None:
    """To be written."""
