"""Power: how many more requests would settle what may be noise, and when no number of them would.

A plan, not a promise: it takes the difference that was seen, which may be too large or too small by chance. Ask that
many once and compare then; whoever adds a few, looks, and stops at the first finding, finds what is not there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.paired import Pairs

POWER = 0.8
"""The chance of finding the difference, if it is as seen."""
MOST = 100_000
"""More requests than this settle nothing that matters."""
NORMAL = 1_000
"""From so many requests on, the normal distribution tells as much (Guenther 1981, The American Statistician 35:243)."""


@dataclass(frozen=True)
class More:
    """How many more requests would settle a comparison, if the difference is as seen; 0 where it is settled.

    None is none up to MOST. ``at_best`` is the same if the difference is as large as its interval allows. There is no
    number for the worst case: while 0 is in the interval, there may be nothing to find.
    """

    requests: int | None
    at_best: int | None
    words: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)


def pairs_for_rates(only_a: float, only_b: float, *, alpha: float = 0.05, power: float = POWER) -> int | None:
    """How many requests McNemar's test needs (Connor 1987, Biometrics 43:207), if A alone succeeds in so large a part
    of them (0 to 1), and B alone in so large a one. None where they are as good as equal.

    Raises:
        InvalidInputError: parts that cannot be, or an alpha or power that is not between 0 and 1.
    """
    _demand(alpha, power)
    if not (only_a >= 0 and only_b >= 0 and only_a + only_b <= 1 + 1e-9):
        raise InvalidInputError("Two parts of one whole are expected.", hint="Give parts from 0 to 1.", field="only_a")
    from scipy.stats import norm

    apart, gap = only_a + only_b, abs(only_b - only_a)
    if gap**2 <= 1 / MOST**2:
        return None
    reach = float(norm.isf(alpha / 2)) * math.sqrt(apart) + float(norm.isf(1 - power)) * math.sqrt(
        max(0.0, apart - gap**2)
    )
    return _within(reach**2 / gap**2)


def pairs_for_numbers(dz: float, *, alpha: float = 0.05, power: float = POWER) -> int | None:
    """How many requests the paired t test needs, which the sign-flip test takes after, for a Cohen's dz.

    None where that is more than MOST.

    Raises:
        InvalidInputError: an alpha or power that is not between 0 and 1.
    """
    _demand(alpha, power)
    from scipy.stats import norm

    size, level = abs(dz), float(norm.isf(alpha / 2))
    rough = ((level + float(norm.isf(1 - power))) / size) ** 2 if size > 1 / MOST else math.inf
    if rough > MOST:
        return None
    if rough > NORMAL:
        return _within(rough + level**2 / 2)
    least = least_pairs(alpha)
    if size >= 3:
        return least
    from statsmodels.stats.power import TTestPower

    def enough(count: int) -> bool:
        return float(TTestPower().power(size, count, alpha)) >= power

    low, high = 2, max(4, 2 * math.ceil(rough) + 50)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return _within(max(low, least))


def least_pairs(alpha: float) -> int:
    """With fewer requests than this no test can find anything: even if all speak for one side, it may be chance."""
    return math.ceil(1 - math.log2(alpha) - 1e-9)


def more_requests(pairs: Pairs, seen: Interval, *, settled: bool, alpha: float = 0.05, power: float = POWER) -> More:
    """How many more requests than ``pairs`` would settle the difference ``seen``."""
    if settled:
        return More(0, 0, "No more are needed.")
    least = least_pairs(alpha)
    if pairs.count < least or not seen.known or seen.value is None or seen.low is None or seen.high is None:
        lacking = max(1, least - pairs.count)
        return More(None, None, f"Ask at least {lacking:,} more requests to tell anything.")
    far = seen.low if abs(seen.low) > abs(seen.high) else seen.high
    needed, best = (_needed(pairs, gap, alpha, power) for gap in (seen.value, far))
    at_best = None if best is None else max(1, best - pairs.count)
    if needed is None:
        return More(None, at_best, f"The difference seen is about nothing: {MOST:,} requests would not settle it.")
    more = max(1, needed - pairs.count)
    best_words = f"at best {at_best:,}, and " if at_best is not None and at_best < more else ""
    words = f"About {more:,} more requests would settle it if the difference is as seen; {best_words}more if smaller."
    return More(more, at_best, words)


def _needed(pairs: Pairs, gap: float, alpha: float, power: float) -> int | None:
    """How many requests it takes if the difference is ``gap``, and the rest is as seen."""
    table = pairs.table
    if table is not None:
        apart = min(1.0, max((table[1] + table[2]) / pairs.count, abs(gap)))
        found = pairs_for_rates((apart - gap) / 2, (apart + gap) / 2, alpha=alpha, power=power)
        # The exact test needs some more than the formula, by the correction for continuity (Fleiss and Levin 1988).
        return None if found is None else max(least_pairs(alpha), found + math.ceil(1 / abs(gap)))
    _, deviation = pairs.spread
    if not gap or not any(pairs.differences):
        return None
    return pairs_for_numbers(gap / deviation if deviation > 0 else math.inf, alpha=alpha, power=power)


def _within(count: float) -> int | None:
    return math.ceil(count - 1e-9) if count <= MOST else None


def _demand(alpha: float, power: float) -> None:
    if not (0 < alpha < 1 and 0 < power < 1):
        raise InvalidInputError("A level and a power are between 0 and 1.", hint="Take 0.05 and 0.8.", field="alpha")
