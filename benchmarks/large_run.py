"""A run of many cells, made quickly: some pieces that are composed, checked and measured, each of them many times.

Values of a kind are mixed anew from cell to cell, so that statistics have something to tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from workbench.core.experiments import runs
from workbench.core.experiments.imports import sample_of_raw
from workbench.core.experiments.judging import Judged, judged, metrics_of
from workbench.core.experiments.metrics import Context
from workbench.core.experiments.requests import Asked, expand
from workbench.core.experiments.runs import Finished, Run
from workbench.core.experiments.specification import read_specification
from workbench.core.library.database import Database
from workbench.core.music.request import Request

FORMS, PERIODS = ("ABA", "AB"), ("classical", "baroque", "romantic")
VARIANTS = ("rules", "base", "examples", "tuned")
_LOT = 500


def large_run(database: Database, *, requests: int = 5_000, seeds: int = 1, name: str = "large") -> Run:
    """A finished run of four variants, with every metric of a sample."""
    grid = {"form": ["ABA"], "duration": [20]}
    specification = read_specification(
        {
            "name": name, "requests": {"grid": grid}, "seeds": list(range(seeds)),
            "variants": [{"name": each, "provider": "rules"} for each in VARIANTS],
        }
    )  # fmt: skip
    cells = requests * seeds * len(VARIANTS)
    run = runs.begin(database, specification, expand(specification), curator="bench", cells=cells)
    runs.claim(database, run.id, "bench")
    lot: list[Finished] = []
    for each in _finished(requests, seeds):
        lot.append(each)
        if len(lot) == _LOT:
            runs.keep(database, run.id, "bench", (), lot, done=each.position + 1)
            lot = []
    runs.keep(database, run.id, "bench", (), lot, done=cells)
    runs.let_go(database, run.id, "bench", "done")
    runs.forget_here(run.id)
    found = runs.find_run(database, run.id)
    assert found is not None
    return found


def _finished(requests: int, seeds: int) -> Iterator[Finished]:
    random = Random(5)
    pieces = _pieces()
    position = 0
    for request in range(requests):
        alike = pieces[request % len(pieces)]
        for seed in range(seeds):
            for at, variant in enumerate(VARIANTS):
                made = alike if random.random() < 0.7 else random.choice(pieces)
                yield Finished(
                    position, f"{position:020x}", f"r{request}", variant, seed, _mixed(made, pieces, at, random)
                )
                position += 1


def _mixed(made: Judged, pieces: tuple[Judged, ...], better: int, random: Random) -> Judged:
    values: dict[str, Any] = dict(made.values)
    for name, value in values.items():
        if random.random() < 0.5:
            values[name] = value = random.choice(pieces).values[name]
        if isinstance(value, bool):
            values[name] = value or random.random() < 0.1 * better
        elif value and not value.is_integer():
            values[name] = value * (1 + 0.01 * better + 0.05 * random.random())
    return replace(made, values=values)


@cache
def _pieces() -> tuple[Judged, ...]:
    """Pieces of each form and period, with their seeds; every fourth is broken."""
    found = []
    for form in FORMS:
        for period in PERIODS:
            for seed in range(4):
                request = Request(
                    form=form, period=period, duration=24.0, seed=seed, brief=f"A piece for {period} {seed}"
                )
                whole = sample_of_raw(Asked(f"{form} {period} {seed}", request), "", seed=seed)
                assert whole.structure is not None
                raw = whole.structure.to_json(indent=None)
                if seed == 3:
                    raw = raw.replace('"PAC"', '"HC"')
                told = {"tokens_in": 900 + seed, "tokens_out": len(raw) // 4, "seconds": 1.5 + 0.1 * seed}
                sample = sample_of_raw(Asked(f"{form} {period} {seed}", request), raw, seed=seed, told=told)
                found.append(judged(sample, "", Context(), metrics_of(())))
    return tuple(found)
