from __future__ import annotations


def run_list() -> None:
    """To be written."""
