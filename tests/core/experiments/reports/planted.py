"""Results with a planted difference: one variant breaks fewer cadences than the other two, which are alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Any

from tests.core.experiments.metrics.pieces import REQUEST, changed, composed, sample_of
from workbench.core.experiments.results import Result
from workbench.core.experiments.samples import Sample

METRICS = ("valid-before-repair", "plan-cadences", "latency", "errors")
FORMS, PERIODS = ("ABA", "binary"), ("classical", "baroque")
PLANTED = 0.2
"""How much of ``tuned``'s answers are valid more often than ``base``'s."""


@lru_cache(maxsize=2)
def a_sample(broken: bool = False) -> Sample:
    """A short piece as the rules compose it, or with cadences changed to half cadences."""
    request = REQUEST.model_copy(update={"duration": 24.0})
    whole = composed(request, key="1")
    if not broken or whole.structure is None:
        return whole

    def spoil(data: dict[str, Any]) -> None:
        for section in data["sections"]:
            section["cadence"] = "HC"
        data["sections"][0]["phrases"][0]["cadence"] = "HC"

    return sample_of(changed(whole.structure, spoil), request, key="1", valid_piece=False)


VARIANTS = ("base", "tuned", "same")


def results(requests: int = 200, *, seed: int = 9) -> list[Result]:
    """Three variants over the same requests: ``tuned`` is valid in 0.9 of them and a second quicker, others in 0.7."""
    return list(_results(requests, Random(seed)))


def _results(requests: int, random: Random) -> Iterator[Result]:
    for position in range(requests * len(VARIANTS)):
        number, at = divmod(position, len(VARIANTS))
        variant = VARIANTS[at]
        tuned = variant == "tuned"
        valid = random.random() < 0.7 + (PLANTED if tuned else 0.0)
        values = {
            "valid-before-repair": valid, "plan-cadences": 1.0 if valid else 0.25,
            "latency": (2.0 if tuned else 3.0) + random.gauss(0, 0.5), "errors": 0.0 if valid else 1.0,
        }  # fmt: skip
        facets = {
            "form": FORMS[number % 2], "period": PERIODS[number // 2 % 2], "mood": "calm", "mode": "major",
            "meter": "4/4",
        }  # fmt: skip
        sample = replace(a_sample(not valid), variant=variant)
        yield Result(position, f"{position:020x}", f"r{number}", variant, 0, sample, values, facets)
