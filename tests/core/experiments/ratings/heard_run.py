"""A finished run whose pieces are quick to make: as the rules compose one, a little faster for each variant."""

from __future__ import annotations

from dataclasses import replace

from tests.core.experiments.metrics.pieces import REQUEST, changed, composed
from workbench.core.experiments import runs
from workbench.core.experiments.judging import judged
from workbench.core.experiments.metrics import Context
from workbench.core.experiments.requests import Expanded
from workbench.core.experiments.runs import Finished, Run
from workbench.core.experiments.specification import read_specification
from workbench.core.library.database import Database

VARIANTS = ("alpha base", "beta tuned", "gamma rules")
OWNER = "tests"


def heard_run(
    database: Database, requests: int = 12, variants: tuple[str, ...] = VARIANTS, *, silent: str = "", same: int = 0
) -> Run:
    """A run over some requests. ``silent`` names a variant that failed in the first; in the last ``same`` requests all
    variants made the same piece."""
    named = [{"name": name, "provider": "rules"} for name in variants]
    told = {"name": "heard", "requests": {"grid": {"form": ["ABA"], "duration": [24]}}, "variants": named}
    made = runs.begin(
        database, read_specification(told), Expanded(()), curator="ada", cells=requests * len(variants)
    )  # fmt: skip
    runs.claim(database, made.id, OWNER)
    whole = composed(REQUEST.model_copy(update={"duration": 24.0}), key="1")
    assert whole.structure is not None
    ended = []
    for number in range(requests):
        for at, name in enumerate(variants):
            position = number * len(variants) + at
            tempo = 60 + number * 4 + (0 if number >= requests - same else at)
            structure = changed(whole.structure, lambda data, tempo=tempo: data.update(tempo=tempo))  # type: ignore[misc]
            structure = structure.model_copy(update={"title": f"Title by {name}"})
            failed = name == silent and not number
            sample = replace(whole, key=f"r{number}", variant=name, structure=None if failed else structure)
            result = judged(sample, "broke" if failed else "", Context(), ())
            ended.append(Finished(position, f"{position:020x}", f"r{number}", name, 0, result))
    assert runs.keep(database, made.id, OWNER, [], ended, done=len(ended)) is not None
    runs.let_go(database, made.id, OWNER, "done")
    found = runs.find_run(database, made.id)
    assert found is not None
    return found
