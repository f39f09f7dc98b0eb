"""Runs of results that tests made themselves, kept as a run keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from workbench.core.experiments import runs
from workbench.core.experiments.judging import FACETS, judged
from workbench.core.experiments.metrics import Context
from workbench.core.experiments.requests import expand
from workbench.core.experiments.results import Result
from workbench.core.experiments.runs import Finished, Run
from workbench.core.experiments.specification import read_specification
from workbench.core.library.database import Database


def kept_run(
    database: Database, results: Sequence[Result], *, metrics: Sequence[str] = (), cells: int | None = None,
    traits: bool = True, state: str = "done",
) -> Run:  # fmt: skip
    """A run with these results; ``traits`` False is as runs were kept before there were any."""
    variants = [{"name": each, "provider": "rules"} for each in dict.fromkeys(each.variant for each in results)]
    specification = read_specification(
        {
            "name": "kept", "requests": {"list": [{"duration": 20}]}, "metrics": list(metrics),
            "variants": variants or [{"name": "rules", "provider": "rules"}],
        }
    )  # fmt: skip
    count = cells or len(results)
    run = runs.begin(database, specification, expand(specification), curator="ada", cells=count)
    runs.claim(database, run.id, "ada")
    add_results(database, run, results, traits=traits)
    runs.let_go(database, run.id, "ada", state)
    runs.forget_here(run.id)
    return now_of(database, run)


def add_results(database: Database, run: Run, results: Sequence[Result], *, traits: bool = True) -> Run:
    """Some more cells of a run that goes on."""
    done = now_of(database, run).done + len(results)
    finished = [_finished(each, traits) for each in results]
    assert runs.keep(database, run.id, "ada", (), finished, done=done) is not None
    return now_of(database, run)


def now_of(database: Database, run: Run) -> Run:
    """A run as it stands."""
    found = runs.find_run(database, run.id)
    assert found is not None
    return found


def _finished(result: Result, traits: bool) -> Finished:
    fault = "http-500" if result.sample.structure is None else ""
    made = judged(result.sample, fault, Context(), ())
    told: dict[str, Any] = {
        "values": dict(result.values), "problems": dict(result.problems),
        "facets": {name: result.facets.get(name, "") for name in FACETS},
    }  # fmt: skip
    if not traits:
        told["traits"] = None
    return Finished(result.position, result.cell, result.request, result.variant, result.seed, replace(made, **told))
