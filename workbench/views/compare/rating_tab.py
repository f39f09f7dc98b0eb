from __future__ import annotations

from workbench.core.experiments.runs import Run


def rating_tab(run: Run) -> None:
    """To be written."""
