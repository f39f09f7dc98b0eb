from __future__ import annotations

from workbench.core.experiments.runs import Run


def summary_tab(run: Run) -> None:
    """To be written."""
