"""Metrics of a whole set, such as how far pieces differ: their interval, from what each request adds to them.

Drawing requests anew would draw some twice, which look like copies of each other; so a part of the requests is left
out instead, each part once (the grouped jackknife: Tukey 1958, Miller 1974, Biometrika 61:1). It serves averages of
any kind, not what jumps from request to request, as a maximum does.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from workbench.core.experiments.statistics.averages import MOST
from workbench.core.experiments.statistics.intervals import CONFIDENCE, Interval, demand_confidence
from workbench.core.experiments.statistics.resampling import SEED

GROUPS = 40
"""Into so many parts requests are divided: the metric is measured once more than that."""
LEAST_GROUPS = 6
"""With fewer requests than this there is no interval."""


def set_interval(
    requests: Sequence[str], measure: Callable[[Sequence[str]], float | None], *, confidence: float = CONFIDENCE
) -> Interval:
    """What ``measure`` gives for all requests, given their keys, with its interval.

    For the difference of two variants, over the requests that both have answered, let ``measure`` give B less A.
    There is no interval where it gives None, or nothing finite, without some of them.

    Raises:
        InvalidInputError: a confidence that is not between 0.5 and 1.
    """
    demand_confidence(confidence)
    count = len(requests)
    whole = _finite(measure(requests)) if count else None
    if whole is None:
        return Interval(None, None, None, count, count, 0, confidence, "", "There is no value.")
    if count < LEAST_GROUPS:
        return Interval(whole, None, None, count, count, 0, confidence, "", f"{count} is too few for an interval.")
    parts = _parts(sorted(requests), min(GROUPS, count))
    without = [_finite(measure([key for key in requests if key not in part])) for part in parts]
    if any(each is None for each in without):
        return Interval(whole, None, None, count, count, 0, confidence, "", "Some requests alone give a value.")
    low, high = _jackknife(whole, [each for each in without if each is not None], confidence)
    return Interval(whole, low, high, count, count, 0, confidence, "jackknife")


def _parts(keys: list[str], groups: int) -> list[frozenset[str]]:
    """The requests, shuffled the same way each time, in parts of the same size or one more."""
    random.Random(SEED).shuffle(keys)
    return [frozenset(keys[start::groups]) for start in range(groups)]


def _jackknife(whole: float, without: Sequence[float], confidence: float) -> tuple[float, float]:
    from scipy.stats import t

    groups = len(without)
    mean = math.fsum(without) / groups
    error = math.sqrt((groups - 1) / groups * math.fsum((each - mean) ** 2 for each in without))
    margin = float(t.ppf((1 + confidence) / 2, groups - 1)) * error
    return whole - margin, whole + margin


def _finite(value: float | None) -> float | None:
    return None if value is None or not abs(value) <= MOST else float(value)
