"""Audits by sampling: which rows to look at, and what the mistakes among them say about all the others."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbench.core.errors import InvalidInputError

CONFIDENCE = 0.95


class Looked(NamedTuple):
    """What an audit found in one stratum: rows that were wrong, rows looked at, rows that there are."""

    stratum: str
    wrong: int
    looked: int
    population: int


class Interval(NamedTuple):
    """An error rate with its confidence interval, all 0 to 1.

    ``unseen`` are strata that nobody has looked into; it says nothing about them.
    """

    wrong: int
    looked: int
    population: int
    rate: float
    low: float
    high: float
    confidence: float
    unseen: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The rate in words: ``2 of 30 wrong: 6.7 % (95 % interval 0.8 to 22.1 %)``."""
        if not self.looked:
            return "Nothing has been looked at."
        said = f"{self.wrong} of {self.looked} wrong: {_percent(self.rate)} %"
        if self.looked < self.population or not self.population:
            sure = f"{100 * self.confidence:g} %"
            bounds = f"{sure} interval {_percent(self.low)} to {_percent(self.high)} %"
            rule = rule_of_three(self.looked, self.confidence)
            if not self.wrong and rule < self.high:
                bounds += f"; by the rule of three at most {_percent(rule)} % with {sure} confidence"
            said += f" ({bounds})"
        else:
            said += ", and these are all"
        return said + (f"; not looked into: {', '.join(self.unseen)}" if self.unseen else "")


def draw(keys: Sequence[str], n: int, seed: int, strata: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """``n`` keys at random, in random order; all of them where there are fewer.

    The same keys in any order and the same seed give the same sample, and a larger ``n`` keeps what a smaller one drew,
    so an audit can go on. With ``strata`` (the stratum of each key; keys that it lacks make one of their own) each gets
    its share, at least one where ``n`` allows, and a larger ``n`` may shift a share.

    Raises:
        InvalidInputError: ``n`` is below 0.
    """
    if n < 0:
        raise InvalidInputError(
            "A sample cannot have fewer than 0 rows.", hint="Say how many rows to look at.", field="n"
        )
    by_lot = sorted(set(keys), key=lambda key: (_lot(key, seed), key))
    if strata is None:
        return tuple(by_lot[:n])
    room = allocation(Counter(strata.get(key, "") for key in by_lot), n)
    drawn = []
    for key in by_lot:
        stratum = strata.get(key, "")
        if room[stratum]:
            room[stratum] -= 1
            drawn.append(key)
    return tuple(drawn)


def allocation(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """How many of ``n`` rows to draw from each stratum: in proportion, by largest remainder.

    At least one from each that holds any, where ``n`` allows, and never more than it holds.
    """
    total = sum(sizes.values())
    n = min(n, total)
    names = sorted(sizes, key=lambda name: (-sizes[name], name))
    if not n:
        return dict.fromkeys(names, 0)
    shares = {name: n * sizes[name] / total for name in names}
    given = {name: math.floor(shares[name]) for name in names}
    if n >= sum(size > 0 for size in sizes.values()):
        given = {name: max(count, min(1, sizes[name])) for name, count in given.items()}
    # What is left over goes to those that came off worst; what the ones at least took is given back by the others.
    while sum(given.values()) < n:
        given[
            max((name for name in names if given[name] < sizes[name]), key=lambda name: shares[name] - given[name])
        ] += 1
    while sum(given.values()) > n:
        given[min((name for name in names if given[name] > 1), key=lambda name: shares[name] - given[name])] -= 1
    return given


def error_rate(wrong: int, looked: int, population: int = 0, confidence: float = CONFIDENCE) -> Interval:
    """The error rate of a random sample with its exact interval.

    Without a population, Clopper and Pearson's (1934). With one, the same idea for draws without putting back: all
    numbers of wrong rows that would give a sample like this with more than half the doubt on either side (Buonaccorsi
    1987), which narrows as the sample nears the whole.

    Raises:
        InvalidInputError: the numbers cannot be those of a sample.
    """
    _demand(wrong, looked, population, confidence)
    if not looked:
        return Interval(0, 0, population, 0.0, 0.0, 1.0, confidence)
    if population:
        low, high = _finite(wrong, looked, population, (1 - confidence) / 2)
    else:
        from scipy.stats import binomtest

        proportion = binomtest(wrong, looked).proportion_ci(confidence, method="exact")
        low, high = float(proportion.low), float(proportion.high)
    return Interval(wrong, looked, population, wrong / looked, low, high, confidence)


def stratified_error_rate(strata: Sequence[Looked], confidence: float = CONFIDENCE) -> Interval:
    """The error rate of a sample drawn by strata, each weighted by the rows that it holds.

    The interval is Clopper and Pearson's for as many rows as the sample is worth (Korn and Graubard 1998): the
    smaller of what its unequal weights leave of it (Kish 1965) and what the variance within strata says. It takes no
    credit for strata that differ, and so is rather too wide than too narrow. A single stratum is as in ``error_rate``.

    Raises:
        InvalidInputError: the numbers cannot be those of samples.
    """
    for each in strata:
        _demand(each.wrong, each.looked, each.population, confidence)
    seen = [each for each in strata if each.looked]
    unseen = tuple(each.stratum for each in strata if not each.looked and each.population)
    if len(seen) <= 1:
        only = seen[0] if seen else Looked("", 0, 0, 0)
        return error_rate(only.wrong, only.looked, only.population, confidence)._replace(unseen=unseen)
    wrong, looked = sum(each.wrong for each in seen), sum(each.looked for each in seen)
    population = sum(each.population for each in seen)
    if population == looked:
        return error_rate(wrong, looked, population, confidence)._replace(unseen=unseen)
    weights = [each.population / population for each in seen]
    rate = sum(weight * each.wrong / each.looked for weight, each in zip(weights, seen, strict=True))
    low, high = _clopper_pearson(rate, _worth(seen, weights, rate), (1 - confidence) / 2)
    return Interval(wrong, looked, population, rate, low, high, confidence, unseen)


def rule_of_three(looked: int, confidence: float = CONFIDENCE) -> float:
    """The highest error rate, 0 to 1, that a random sample without a mistake leaves likely: 3/n at 95 % (Hanley and
    Lippman-Hand 1983)."""
    return min(1.0, -math.log(1 - confidence) / looked) if looked else 1.0


def _worth(seen: Sequence[Looked], weights: Sequence[float], rate: float) -> float:
    """How many rows of a simple random sample the stratified one is worth."""
    pairs = list(zip(weights, seen, strict=True))
    worth = 1 / sum(weight**2 / each.looked for weight, each in pairs)
    shares = [each.wrong / each.looked for each in seen]
    # A stratum of one row tells nothing about its own variance: the whole sample's stands in for it.
    variance = sum(
        weight**2 * (share * (1 - share) / (each.looked - 1) if each.looked > 1 else rate * (1 - rate))
        for (weight, each), share in zip(pairs, shares, strict=True)
    )
    return min(worth, rate * (1 - rate) / variance) if variance > 0 else worth


def _clopper_pearson(rate: float, looked: float, doubt: float) -> tuple[float, float]:
    """Clopper and Pearson's interval from the beta distribution, which takes numbers that are not whole, too."""
    from scipy.stats import beta

    wrong = rate * looked
    low = 0.0 if wrong <= 0 else float(beta.ppf(doubt, wrong, looked - wrong + 1))
    high = 1.0 if wrong >= looked else float(beta.ppf(1 - doubt, wrong + 1, looked - wrong))
    return low, high


def _finite(wrong: int, looked: int, population: int, doubt: float) -> tuple[float, float]:
    """The least and the greatest share of wrong rows in a population that do not make the sample unlikely."""
    from scipy.stats import hypergeom

    least, most = wrong, population - looked + wrong

    def too_few(total: int) -> bool:
        return bool(hypergeom.sf(wrong - 1, population, total, looked) <= doubt)

    def too_many(total: int) -> bool:
        return bool(hypergeom.cdf(wrong, population, total, looked) <= doubt)

    low, above = least, most
    while low < above:
        middle = (low + above) // 2
        low, above = (middle + 1, above) if too_few(middle) else (low, middle)
    below, high = low, most
    while below < high:
        middle = (below + high + 1) // 2
        below, high = (below, middle - 1) if too_many(middle) else (middle, high)
    return low / population, high / population


def _demand(wrong: int, looked: int, population: int, confidence: float) -> None:
    if not 0 <= wrong <= looked or (population and looked > population) or population < 0:
        raise InvalidInputError(
            f"{wrong} wrong of {looked} looked at, of {population}, cannot be a sample.",
            hint="Each number has to be at most the next; a population of 0 stands for an unknown one.",
        )
    if not 0 < confidence < 1:
        raise InvalidInputError("The confidence has to lie between 0 and 1.", hint="0.95 is usual.", field="confidence")


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0")


def _lot(key: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}\n{key}".encode(), digest_size=16).digest()
