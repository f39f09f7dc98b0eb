"""Intervals: between what a rate or an average is likely to be, given that only some requests were asked.

A rate has Wilson's interval (1927), which Newcombe (1998, Statistics in Medicine 17:857) recommends: it is honest for
few requests, and where all or none succeed. Several seeds for each request are worth less than as many requests: then
Wilson's is taken for the number of independent answers that they are worth, by how much requests differ more than
chance alone would make them (Kish 1965; Dean and Pagano 2015).

Other averages have the bootstrap's interval (BCa, Efron 1987): requests are drawn anew, each with its seeds, from a
fixed start, so that the same values give the same interval. For few requests it is widened as Hesterberg (2015, The
American Statistician 69:371) does, by as much as Student's t is wider than the normal distribution.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.statistics.averages import MOST, Averages, Kind, Values, averages
from workbench.core.experiments.statistics.resampling import SAME, bootstrap_ends

CONFIDENCE = 0.95
LEAST = 3
"""Fewer requests than this give no interval of an average."""


@dataclass(frozen=True)
class Interval:
    """What was seen (``value``) and between what it may lie, with ``confidence`` (0.95 is 95 %).

    Rates are 0 to 1. ``value`` is None where nothing was seen, ``low`` and ``high`` where there is too little for an
    interval: ``note`` says so. ``requests`` and ``values`` are what it rests on, ``left_out`` the requests without a
    value.
    """

    value: float | None
    low: float | None
    high: float | None
    requests: int
    values: int
    left_out: int = 0
    confidence: float = CONFIDENCE
    method: str = ""
    note: str = ""

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return self.value is not None and self.low is not None and self.high is not None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)


def rate_interval(successes: float, n: float, *, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval of a rate of independent answers. Of none, everything from 0 to 1 is possible.

    Raises:
        InvalidInputError: not 0 <= successes <= n, or a confidence that is not between 0.5 and 1.
    """
    demand_confidence(confidence)
    if not (math.isfinite(n) and 0 <= successes <= n):
        raise InvalidInputError("A rate needs as many answers as successes or more.", hint="Count again.", field="n")
    count = round(n)
    if n == 0:
        return Interval(None, 0.0, 1.0, 0, 0, 0, confidence, "Wilson", "There is no value.")
    low, high = _wilson(successes / n, n, confidence)
    return Interval(successes / n, low, high, count, count, 0, confidence, "Wilson")


def mean_interval(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Interval:
    """The bootstrap's interval of the average of independent numbers, such as each request's average over its seeds.

    Raises:
        InvalidInputError: a number that is not finite or beyond MOST, or a confidence that is not between 0.5 and 1.
    """
    demand_confidence(confidence)
    count = len(values)
    if not count:
        return Interval(None, None, None, 0, 0, 0, confidence, "", "There is no value.")
    mean = math.fsum(values) / count if max(map(abs, values)) <= MOST else math.nan
    if math.isnan(mean):  # so is the sum where one of them is
        raise InvalidInputError("An average needs finite numbers.", hint="Leave the others out.", field="values")
    low, high, method = _bootstrap(values, mean, confidence)
    note = ""
    if low is None:
        note = f"{count} is too few for an interval."
    elif low == high:
        rare = 1 - (1 - confidence) ** (1 / count)
        note = f"All {count} are the same; up to {100 * rare:.2g} % of requests may be different, unseen."
    return Interval(mean, low, high, count, count, 0, confidence, method, note)


def summary_interval(values: Values | Averages, kind: Kind, *, confidence: float = CONFIDENCE) -> Interval:
    """A metric's rate or average over requests, each counted once, with its interval.

    Raises:
        InvalidInputError: as ``averages`` and the intervals do.
    """
    found = averages(values, kind)
    means = list(found.by_request.values())
    if kind == "rate":
        interval = clustered_rate_interval(means, found.values, confidence=confidence)
    else:
        interval = mean_interval(means, confidence=confidence)
    return replace(interval, values=found.values, left_out=found.left_out)


def clustered_rate_interval(means: Sequence[float], values: int, *, confidence: float = CONFIDENCE) -> Interval:
    """The interval of a rate from each request's own rate over its seeds, ``values`` answers in all."""
    demand_confidence(confidence)
    count = len(means)
    if not count:
        return rate_interval(0, 0, confidence=confidence)
    rate = min(1.0, math.fsum(means) / count)
    worth = float(count)
    if values > count:
        spread = math.fsum((each - rate) ** 2 for each in means) / max(1, count - 1)
        if spread > 0:
            worth = count * rate * (1 - rate) / spread * _spared(count, confidence)
            worth = min(float(values), max(float(count), worth))
    low, high = _wilson(rate, worth, confidence)
    method = "Wilson" if values == count else "Wilson, seeds of a request counted by what they are worth"
    return Interval(rate, low, high, count, values, 0, confidence, method)


def demand_confidence(confidence: float) -> None:
    """Refuse what is no confidence with an InvalidInputError."""
    if not 0.5 < confidence < 1:
        raise InvalidInputError("A confidence is between 0.5 and 1.", hint="Take 0.95.", field="confidence")


def _spared(count: int, confidence: float) -> float:
    """What few requests leave of that worth, as their spread is not known well (Korn and Graubard 1998)."""
    from scipy.stats import norm, t

    return float((norm.ppf((1 + confidence) / 2) / t.ppf((1 + confidence) / 2, count - 1)) ** 2)


def _wilson(rate: float, n: float, confidence: float) -> tuple[float, float]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(rate * n, n, alpha=1 - confidence, method="wilson")
    # At its ends it is exact but for rounding.
    return max(0.0, min(float(low), rate)), min(1.0, max(float(high), rate))


def prepare_means(many: Iterable[Sequence[float]], *, confidence: float = CONFIDENCE) -> None:
    """Work out the intervals of many averages together, which takes less time; ``mean_interval`` finds them ready."""
    alike: dict[float, list[Sequence[float]]] = {}
    for values in many:
        if len(values) >= LEAST and not _same(values):
            alike.setdefault(_widened(confidence, len(values)), []).append(values)
    for widened, some in alike.items():
        bootstrap_ends(some, widened)


def _bootstrap(values: Sequence[float], mean: float, confidence: float) -> tuple[float | None, float | None, str]:
    if len(values) < LEAST:
        return None, None, ""
    if _same(values):
        return mean, mean, "bootstrap"
    low, high, method = bootstrap_ends([values], _widened(confidence, len(values)))[0]
    return low, high, f"bootstrap ({method})"


def _same(values: Sequence[float]) -> bool:
    """Whether all are the same, but for rounding."""
    largest, smallest = max(values), min(values)
    scale = max(abs(largest), abs(smallest))
    return scale == 0 or largest / scale - smallest / scale <= SAME


@lru_cache(maxsize=512)
def _widened(confidence: float, count: int) -> float:
    """The confidence that makes the bootstrap's interval of few values as wide as Student's (Hesterberg 2015)."""
    from scipy.stats import norm, t

    quantile = float(t.ppf((1 + confidence) / 2, count - 1)) * math.sqrt(count / (count - 1))
    return min(1 - 1e-9, 1 - 2 * float(norm.sf(quantile)))
