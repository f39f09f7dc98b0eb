"""Two variants over the requests that both have answered: what differs, how surely, and how much.

Requests with a value on one side alone are left out, and counted. Each request counts once, by the average over its
seeds (see ``averages``). The tests ask whether it could be chance which variant has the better value of a request:

- a rate with one seed for each request: McNemar's exact test (1947), which looks at the requests where one alone
  succeeds; the interval of the difference is Newcombe's square-and-add for pairs (1998, Statistics in Medicine
  17:2635, method 10), the effect Cohen's g (1988, ch. 5) and the odds ratio;
- a rate with several seeds: the sign-flip test of the average difference, which with one seed is McNemar's; the same
  interval from Wilson's for several seeds and their correlation (Zou and Donner 2008); the effect is Cohen's dz;
- a number: the sign-flip test (Fisher 1935, sec. 21) of the average difference, with Wilcoxon's signed-rank test
  (1945) beside it; the interval is the bootstrap's over requests, the effect Cohen's dz.

Differences are always of the second variant against the first: B - A.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.core.experiments.statistics.averages import Averages, Kind, Values, averages
from workbench.core.experiments.statistics.intervals import (
    CONFIDENCE,
    Interval,
    clustered_rate_interval,
    mean_interval,
    prepare_means,
    rate_interval,
)  # fmt: skip
from workbench.core.experiments.statistics.resampling import FLIPS, SAME, flip_chances

if TYPE_CHECKING:
    import numpy as np

EXACT = 15
"""With up to so many differences signs are flipped in every way there is."""


@dataclass(frozen=True)
class Pairs:
    """The shared requests: each variant's average of each, in the same order. ``single`` is one seed everywhere."""

    kind: Kind
    a: tuple[float, ...]
    b: tuple[float, ...]
    values_a: int
    values_b: int
    left_out: int
    single: bool

    @property
    def count(self) -> int:
        """How many requests are shared."""
        return len(self.a)

    @cached_property
    def differences(self) -> tuple[float, ...]:
        """B - A of each request; what is rounding is 0, and equal differences are equal to the last bit."""
        import numpy as np

        a, b = np.array(self.a), np.array(self.b)
        unit = SAME * float(max(np.abs(a).max(initial=0.0), np.abs(b).max(initial=0.0)))
        raw = np.rint((b - a) / unit) * unit + 0.0 if unit > 0 else np.zeros(len(a))  # and no -0
        return tuple(raw.tolist())

    @cached_property
    def spread(self) -> tuple[float, float]:
        """The average difference, and the standard deviation of the differences, of two or more."""
        return spread(self.differences)

    @cached_property
    def table(self) -> tuple[int, int, int, int] | None:
        """Of a rate with one seed for each request: how often both succeed, A alone, B alone, neither."""
        if self.kind != "rate" or not self.single:
            return None
        seen = list(zip(self.a, self.b, strict=True))
        return seen.count((1.0, 1.0)), seen.count((1.0, 0.0)), seen.count((0.0, 1.0)), seen.count((0.0, 0.0))


@dataclass(frozen=True)
class Effect:
    """A size of effect, positive where B is higher, with its interval; ``size`` says it in a word (Cohen 1988).

    The odds ratio is above 1 where B is higher, and ``high`` is None where it has no end.
    """

    name: str
    value: float
    low: float
    high: float | None
    size: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)


def paired(a: Values | Averages, b: Values | Averages, kind: Kind) -> Pairs:
    """The requests that both have a value of.

    Raises:
        InvalidInputError: an unknown kind, or a value that is not of it.
    """
    left, right = averages(a, kind), averages(b, kind)
    one, other = _over(left, right), _over(right, left)
    asked = left.by_request.keys() | left.without | right.by_request.keys() | right.without
    single = max((*one.seeds.values(), *other.seeds.values()), default=0) <= 1
    return Pairs(
        kind, tuple(one.by_request.values()), tuple(other.by_request[key] for key in one.by_request), one.values,
        other.values, len(asked) - len(one.by_request), single,
    )  # fmt: skip


def _over(side: Averages, other: Averages) -> Averages:
    """The averages of the requests that the other has, too."""
    if side.by_request.keys() <= other.by_request.keys():
        return side
    keys = [key for key in side.by_request if key in other.by_request]
    return Averages({key: side.by_request[key] for key in keys}, {key: side.seeds[key] for key in keys}, frozenset())


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """The p of McNemar's exact test, two-sided, from how often one variant alone succeeds; 1 where that never is."""
    if not only_a + only_b:
        return 1.0
    from statsmodels.stats.contingency_tables import mcnemar

    return min(1.0, float(mcnemar([[0, only_a], [only_b, 0]], exact=True).pvalue))


def sign_flip(differences: Sequence[float]) -> float:
    """The p of the test that flips signs, two-sided: how often chance alone makes the average as far from 0.

    Differences of 0 have no sign. Up to EXACT others it is exact, else of random flips, which cannot tell a p below
    1 / FLIPS, as a correction for many comparisons may need: there Hoeffding's bound (1963) of it stands in.
    """
    told = [each for each in differences if each]
    if not told:
        return 1.0
    if len(told) <= EXACT:
        import numpy as np

        sizes = np.array(told) / max(abs(each) for each in told)
        signs = (np.arange(2 ** len(told))[:, None] >> np.arange(len(told)) & 1) * 2 - 1
        return float(np.mean(_distance(signs * sizes) >= _distance(sizes) * (1 - SAME)))
    bound = _hoeffding(told)
    return bound if bound < 1 / FLIPS else min(1.0, bound, flip_chances([differences])[0])


def prepare(many: Iterable[Pairs], *, confidence: float = CONFIDENCE) -> None:
    """Draw for many comparisons together, which takes less time; ``sides``, ``difference`` and ``sign_flip`` find what
    they need ready."""
    means: list[Sequence[float]] = []
    flips: list[Sequence[float]] = []
    for pairs in many:
        if pairs.table is not None:
            continue
        if pairs.kind != "rate":
            means += [pairs.a, pairs.b, pairs.differences]
        told = [each for each in pairs.differences if each]
        if len(told) > EXACT and _hoeffding(told) >= 1 / FLIPS:
            flips.append(pairs.differences)
    prepare_means(means, confidence=confidence)
    flip_chances(flips)


def _hoeffding(told: Sequence[float]) -> float:
    import numpy as np

    sizes = np.array(told) / max(map(abs, told))
    return 2 * math.exp(-(math.fsum(sizes) ** 2) / (2 * float(sizes @ sizes)))


def wilcoxon_signed_rank(differences: Sequence[float]) -> float:
    """The p of Wilcoxon's signed-rank test, two-sided; differences of 0 are dropped, as he did."""
    told = [each for each in differences if each]
    if not told:
        return 1.0
    import numpy as np
    from scipy.stats import wilcoxon

    return min(1.0, float(wilcoxon(np.array(told) / max(map(abs, told))).pvalue))


def sides(pairs: Pairs, *, confidence: float = CONFIDENCE) -> tuple[Interval, Interval]:
    """The rate or average of each variant over the shared requests, with its interval."""
    if pairs.kind == "rate":
        a = clustered_rate_interval(pairs.a, pairs.values_a, confidence=confidence)
        b = clustered_rate_interval(pairs.b, pairs.values_b, confidence=confidence)
    else:
        a, b = (mean_interval(each, confidence=confidence) for each in (pairs.a, pairs.b))
    return replace(a, values=pairs.values_a), replace(b, values=pairs.values_b)


def difference(pairs: Pairs, *, confidence: float = CONFIDENCE) -> Interval:
    """B - A with its interval."""
    if pairs.kind == "rate" and pairs.count:
        a, b = sides(pairs, confidence=confidence)
        found = _square_and_add(pairs, a, b)
    else:
        found = mean_interval(pairs.differences, confidence=confidence)
    return replace(found, left_out=pairs.left_out, values=pairs.values_a + pairs.values_b)


def cohens_g(only_a: int, only_b: int, *, confidence: float = CONFIDENCE) -> Effect | None:
    """How far from a half is B's part of the requests where one alone succeeds; None where there is none."""
    if not only_a + only_b:
        return None
    part = rate_interval(only_b, only_a + only_b, confidence=confidence)
    value, low, high = ((end if end is not None else 0.5) - 0.5 for end in (part.value, part.low, part.high))
    return Effect("Cohen's g", value, low, high, _size(value, (0.05, 0.15, 0.25)))


def odds_ratio(only_a: int, only_b: int, *, confidence: float = CONFIDENCE) -> Effect | None:
    """B's odds in the requests where one alone succeeds; None where A never does alone."""
    if not only_a:
        return None
    part = rate_interval(only_b, only_a + only_b, confidence=confidence)
    low, high = part.low or 0.0, part.high if part.high is not None else 1.0
    value = only_b / only_a
    # Cohen's g of 0.05, 0.15 and 0.25, as odds.
    size = _size(math.log(value) if value else math.inf, (0.2007, 0.6190, 1.0986))
    return Effect("odds ratio", value, low / (1 - low), high / (1 - high) if high < 1 else None, size)


def cohens_dz(differences: Sequence[float], *, confidence: float = CONFIDENCE) -> Effect | None:
    """The average difference in standard deviations of the differences, its interval from the noncentral t.

    None where there are fewer than three, or all are the same.
    """
    count = len(differences)
    largest = max(map(abs, differences), default=0.0)
    if count < 3 or not largest:
        return None
    mean, deviation = spread(differences)
    if deviation <= SAME * largest:
        return None
    value = mean / deviation
    low, high = _noncentral(value, count, (1 - confidence) / 2)
    return Effect("Cohen's dz", value, low, high, _size(value, (0.2, 0.5, 0.8)))


def spread(numbers: Sequence[float]) -> tuple[float, float]:
    """Their average, and how far from it they lie (the standard deviation, of a sample of two or more)."""
    import numpy as np

    largest = max(map(abs, numbers))
    parts = np.array(numbers) / largest if largest else np.zeros(len(numbers))
    return float(parts.mean()) * largest, float(parts.std(ddof=1)) * largest


def _distance(numbers: np.ndarray[Any, Any], axis: int = -1) -> Any:
    return abs(numbers.sum(axis=axis))


def _noncentral(dz: float, count: int, tail: float) -> tuple[float, float]:
    from scipy.special import nctdtrinc
    from scipy.stats import norm

    root = math.sqrt(count)
    low, high = (float(nctdtrinc(count - 1, part, dz * root)) / root for part in (1 - tail, tail))
    if math.isfinite(low) and math.isfinite(high) and low <= dz <= high:
        return low, high
    # Far out the search fails; there the normal approximation serves (Hedges and Olkin 1985).
    margin = float(norm.isf(tail)) * math.sqrt(1 / count + dz**2 / (2 * count))
    return dz - margin, dz + margin


def _square_and_add(pairs: Pairs, a: Interval, b: Interval) -> Interval:
    """Newcombe's interval of the difference of two rates, from the interval of each and their correlation."""
    value_a, low_a, high_a = (end or 0.0 for end in (a.value, a.low, a.high))
    value_b, low_b, high_b = (end or 0.0 for end in (b.value, b.low, b.high))
    phi, gap = _correlation(pairs), value_b - value_a

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one**2 - 2 * phi * one * other + other**2))

    low = max(-1.0, gap - reach(value_b - low_b, high_a - value_a))
    high = min(1.0, gap + reach(high_b - value_b, value_a - low_a))
    return Interval(gap, low, high, pairs.count, 0, 0, a.confidence, "Newcombe, paired")


def _correlation(pairs: Pairs) -> float:
    """Of the two rates; with one seed as Newcombe has it, with a correction for continuity where it is above 0."""
    table = pairs.table
    if table is not None:
        both, only_a, only_b, neither = table
        product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
        excess = float(both * neither - only_a * only_b)
        if excess > 0:
            excess = max(0.0, excess - pairs.count / 2)
        return excess / math.sqrt(product) if product else 0.0
    mean_a, mean_b = math.fsum(pairs.a) / pairs.count, math.fsum(pairs.b) / pairs.count
    off_a, off_b = [each - mean_a for each in pairs.a], [each - mean_b for each in pairs.b]
    square = math.fsum(each**2 for each in off_a) * math.fsum(each**2 for each in off_b)
    if square <= SAME:
        return 0.0
    found = math.fsum(one * other for one, other in zip(off_a, off_b, strict=True)) / math.sqrt(square)
    return max(-1.0, min(1.0, found))


def _size(value: float, steps: tuple[float, float, float]) -> str:
    small, medium, large = steps
    size = abs(value) + SAME
    return "large" if size >= large else "medium" if size >= medium else "small" if size >= small else "very small"
