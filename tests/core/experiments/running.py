"""What tests of runs begin with: a library, a server, and a small experiment of four variants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from loopback import Loopback
from studio import settings_of

from workbench.core.experiments import runs
from workbench.core.experiments.results import Result
from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.runs import Run
from workbench.core.experiments.specification import Specification, read_specification
from workbench.core.generate import prices
from workbench.core.library.database import Database

FOUR = (
    {"name": "rules", "provider": "rules"},
    {"name": "adapt", "provider": "adapt"},
    {"name": "base", "variant": "base", "examples": 0},
    {"name": "tuned", "variant": "ft"},
)
FEW_METRICS = ("finished", "valid-before-repair", "plan-kept-first", "calls")
TIMED = ("latency", "first-token")


def a_specification(variants: Any = FOUR, requests: int = 3, **more: Any) -> Specification:
    """A grid of short pieces."""
    grid = {"form": ["ABA"], "duration": [20 + at for at in range(requests)]}
    told = {"name": "small", "requests": {"grid": grid}, "variants": list(variants), "metrics": list(FEW_METRICS)}
    return read_specification(told | more)


def ran(server: Loopback, database: Database, specification: Specification, **options: Any) -> Run:
    """A new run, as far as it gets."""
    settings = settings_of(server)
    run = order(settings, database, specification, curator="ada")
    return run_now(settings, database, run.id, **{"processes": 0, "rest": 0.01} | options)


def found(database: Database, run: Run) -> list[Result]:
    """All results of a run, but for how long anything took."""
    return [
        replace(
            each, sample=replace(each.sample, seconds=0.0, first_token=None),
            values={name: value for name, value in each.values.items() if name not in TIMED},
        )
        for each in runs.results(database, run.id)
    ]  # fmt: skip


def priced(monkeypatch: pytest.MonkeyPatch, **models: tuple[float, float]) -> None:
    """Have models of this machine cost so much for a million tokens."""
    table: Mapping[str, prices.Price] = {name.replace("_", "-"): prices.Price(*each) for name, each in models.items()}
    monkeypatch.setattr(prices, "_OPENAI", re.compile("http://127"))
    monkeypatch.setattr(prices, "price_table", lambda: (table, "today"))
