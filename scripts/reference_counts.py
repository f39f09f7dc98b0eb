"""Write workbench/core/experiments/metrics/reference.json: what the tunes of the library that ships are made of.

A test keeps it in step.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.core.experiments.metrics.context import counts_of
from workbench.core.library.examples import load_examples

FILE = Path(__file__).resolve().parents[1] / "workbench" / "core" / "experiments" / "metrics" / "reference.json"


def counts() -> dict[str, list[float]]:
    """Interval and length counts of the library's tunes, each piece counting the same."""
    intervals, lengths = counts_of(example.structure for example in load_examples())
    return {"intervals": intervals.tolist(), "lengths": lengths.tolist()}


if __name__ == "__main__":
    FILE.write_text(json.dumps(counts(), indent=1) + "\n", encoding="utf-8")
