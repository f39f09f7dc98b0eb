from __future__ import annotations

from workbench.core.experiments.runs import Run


def standing(run: Run) -> None:
    """To be written."""
