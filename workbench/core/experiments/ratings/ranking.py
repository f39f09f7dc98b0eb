"""How strong each variant is by what raters preferred, over all or by one criterion.

What counts: a side that was preferred wins, ``tie`` and ``both-bad`` are ties (neither was better), a skip and what was
shown once more count for nothing. How often a variant's piece was called bad is told beside its strength, since a
strength only says which is better. What comes out holds for these raters; other requests are allowed for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

from workbench.core.experiments.ratings.ratings import CRITERIA, Rating
from workbench.core.experiments.ratings.strengths import PRIOR, TIE, A, B, Estimate, Fit, Judged, fit, gain
from workbench.core.experiments.statistics.corrections import corrected
from workbench.core.experiments.statistics.intervals import Interval, rate_interval

ALPHA = 0.05
FEW = 10
"""With fewer requests than this an interval is a rough guess."""

_OUTCOMES = {"a": A, "b": B, "tie": TIE, "both-bad": TIE}


@dataclass(frozen=True)
class Standing:
    """One variant: its strength in log-odds (the average is 0), and what that is made of.

    ``bad`` is the rate of its pairs in which both were called bad.
    """

    variant: str
    strength: Estimate
    wins: int
    losses: int
    ties: int
    bad: Interval


@dataclass(frozen=True)
class Duel:
    """Two variants, the stronger one first.

    ``chance`` is that the first is preferred where either is, by the model, which uses all pairs; ``wins`` and
    ``losses`` are of these two alone. ``p`` is corrected for the number of duels (Holm 1979). Where ``linked`` is False
    no chain of ratings leads from one to the other, and nothing can be said.
    """

    first: str
    second: str
    difference: Estimate
    chance: float
    low: float
    high: float
    p: float
    wins: int
    losses: int
    ties: int
    linked: bool

    @property
    def differs(self) -> bool:
        """Whether the difference is more than noise."""
        return self.linked and self.p < ALPHA


@dataclass(frozen=True)
class SideEffect:
    """Whether side A is preferred for being side A: the log-odds, and the chance for two equally good pieces."""

    advantage: Estimate
    chance: float
    low: float
    high: float
    a: int
    b: int

    @property
    def matters(self) -> bool:
        """Whether it is more than noise."""
        return self.advantage.p < ALPHA


@dataclass(frozen=True)
class Ranking:
    """Standings, strongest first, and every duel. ``side`` is None where nothing was judged.

    ``tied`` is the chance that raters find two variants of one strength equal, None where nobody ever did. ``skipped``
    ratings said nothing of the criterion, ``repeated`` ones were shown once more; both count for nothing else.
    """

    criterion: str
    standings: tuple[Standing, ...]
    duels: tuple[Duel, ...]
    side: SideEffect | None
    tied: Interval | None
    judged: int
    skipped: int
    repeated: int
    requests: int


def rank(
    ratings: Iterable[Rating], *, criterion: str = "", variants: Sequence[str] = (), prior: float = PRIOR
) -> Ranking:
    """Rank the variants.

    Args:
        ratings: of one contest.
        criterion: one of ``CRITERIA``; "" is the verdict itself.
        variants: those to be ranked even if nobody has heard them.
        prior: as in ``fit``.
    """
    every = list(ratings)
    once = [rating for rating in every if not rating.pair.repeat]
    judged = [rating for rating in once if rating.said(criterion) in _OUTCOMES]
    found = fit(_judged(judged, criterion), variants, prior=prior)
    counts = {"judged": len(judged), "skipped": len(once) - len(judged), "repeated": len(every) - len(once)}
    if not judged:
        return Ranking(criterion, (), (), None, None, requests=0, **counts)
    standings, duels = _standings(found, judged, criterion), _duels(found, judged, criterion)
    side, tied = _side(found, judged, criterion), _tied(found, len(judged))
    return Ranking(criterion, standings, duels, side, tied, requests=found.requests, **counts)


def by_criterion(ratings: Iterable[Rating], variants: Sequence[str] = ()) -> dict[str, Ranking]:
    """The rankings by each criterion that something was said of."""
    every = list(ratings)
    found = {criterion: rank(every, criterion=criterion, variants=variants) for criterion in CRITERIA}
    return {criterion: ranking for criterion, ranking in found.items() if ranking.judged}


def gains(ratings: Iterable[Rating], variants: Sequence[str]) -> dict[tuple[str, str], float]:
    """For every two variants (by name) what one rating more would tell, in nats."""
    judged = [rating for rating in ratings if rating.verdict in _OUTCOMES]
    found = fit(_judged(judged, ""), variants)
    return {(x, y): gain(found, x, y) for x, y in combinations(sorted(variants), 2)}


def rate_words(rate: Interval) -> str:
    """A rate with its interval: ``12 % (95 % interval 5 to 26 %)``."""
    if rate.value is None or rate.low is None or rate.high is None:
        return "no known share"
    return f"{100 * rate.value:.0f} % (95 % interval {100 * rate.low:.0f} to {100 * rate.high:.0f} %)"


def words(ranking: Ranking) -> tuple[str, ...]:
    """What a ranking says, in sentences."""
    if not ranking.judged:
        return ("Nothing has been rated yet.",)
    said = [_duel_words(duel) for duel in ranking.duels]
    if ranking.requests < FEW:
        said.append(f"Only {_count(ranking.requests, 'request')} rated: the intervals are rough.")
    if ranking.side is not None:
        said.append(_side_words(ranking.side))
    for standing in ranking.standings:
        if standing.bad.value:
            said.append(f"Of the pairs with “{standing.variant}”, both were called bad in {rate_words(standing.bad)}.")
    return tuple(said)


def _duel_words(duel: Duel) -> str:
    if not duel.linked:
        return f"“{duel.first}” and “{duel.second}” cannot be compared yet: no ratings link them."
    low, chance, high = (round(100 * share) for share in (duel.low, duel.chance, duel.high))
    said = f"preferred in {chance} % of decided pairs (95 % interval {low} to {high} %)"
    if duel.differs:
        return f"“{duel.first}” is better than “{duel.second}”: {said}."
    return f"Between “{duel.first}” and “{duel.second}” the difference may be noise: the first is {said}."


def _side_words(side: SideEffect) -> str:
    low, chance, high = (round(100 * share) for share in (side.low, side.chance, side.high))
    said = f"of two equal pieces A is preferred in {chance} % (95 % interval {low} to {high} %)"
    if side.matters:
        return f"Raters lean to side {'A' if side.advantage.value > 0 else 'B'}: {said}. The ranking allows for it."
    return f"No sign that the side matters: {said}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun} was" if number == 1 else f"{number} {noun}s were"


def _judged(ratings: Iterable[Rating], criterion: str) -> list[Judged]:
    return [
        Judged(rating.pair.a, rating.pair.b, _OUTCOMES[str(rating.said(criterion))], rating.pair.request)
        for rating in ratings
    ]


def _standings(found: Fit, judged: Sequence[Rating], criterion: str) -> tuple[Standing, ...]:
    wins, losses, ties, bad = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for rating in judged:
        winner, loser = _winner(rating, criterion)
        wins[winner] += 1
        losses[loser] += 1
        for variant in rating.pair.variants:
            ties[variant] += not winner
            bad[variant] += rating.said(criterion) == "both-bad"
    heard = {variant: wins[variant] + losses[variant] + ties[variant] for variant in found.variants}
    rows = [
        Standing(
            variant, found.strength(variant), wins[variant], losses[variant], ties[variant],
            rate_interval(bad[variant], heard[variant]),
        )
        for variant in found.variants
        if heard[variant]
    ]  # fmt: skip
    return tuple(sorted(rows, key=lambda row: (-row.strength.value, row.variant)))


def _duels(found: Fit, judged: Sequence[Rating], criterion: str) -> tuple[Duel, ...]:
    """Every two variants, in the order of their strengths."""
    from scipy.special import expit

    won, tied = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for rating in judged:
        winner, loser = _winner(rating, criterion)
        won[winner, loser] += 1
        tied[rating.pair.variants] += not winner
    order = sorted(found.variants, key=lambda variant: (-found.strength(variant).value, variant))
    parts = _linked(judged, found.variants)
    twos = list(combinations(order, 2))
    linked = [parts[x] == parts[y] for x, y in twos]
    differences = [found.difference(x, y) for x, y in twos]
    ps = corrected([each.p if joined else None for each, joined in zip(differences, linked, strict=True)])
    return tuple(
        Duel(
            x, y, each, float(expit(each.value)), float(expit(each.low)), float(expit(each.high)),
            1.0 if p is None else p, won[x, y], won[y, x], tied[min(x, y), max(x, y)], joined,
        )
        for (x, y), each, joined, p in zip(twos, differences, linked, ps, strict=True)
    )  # fmt: skip


def _side(found: Fit, judged: Sequence[Rating], criterion: str) -> SideEffect:
    from scipy.special import expit

    each = found.side()
    said = Counter(rating.said(criterion) for rating in judged)
    chance, low, high = (float(expit(value)) for value in each[:3])
    return SideEffect(each, chance, low, high, said["a"], said["b"])


def _tied(found: Fit, judged: int) -> Interval | None:
    """ν / (2 + ν): the chance that two of one strength tie (Davidson 1970)."""
    from scipy.special import expit

    tie = found.tie()
    if tie is None:
        return None
    value, low, high = (float(expit(each - log(2))) for each in tie[:3])
    return Interval(value, low, high, found.requests, judged, method="Davidson's model")


def _winner(rating: Rating, criterion: str) -> tuple[str, str]:
    """The variants that won and lost; both empty where neither did."""
    pair, said = rating.pair, rating.said(criterion)
    return (pair.a, pair.b) if said == "a" else (pair.b, pair.a) if said == "b" else ("", "")


def _linked(judged: Iterable[Rating], variants: Sequence[str]) -> Mapping[str, str]:
    """For each variant the name of one that a chain of ratings leads to: the same for all that are linked."""
    part = {variant: variant for variant in variants}
    for x, y in {rating.pair.variants for rating in judged}:
        old, new = part[y], part[x]
        part = {variant: new if name == old else name for variant, name in part.items()}
    return part
