"""How far raters agree with each other and with themselves.

Raters are compared on the pairs that two or more of them judged. What somebody said of a pair is which of the two
pieces, tie, or both bad: a kind of answer without order. Krippendorff's alpha sets the disagreement against what chance
would give: 1 is full agreement, 0 is chance. Raters do not know which variant is which, so that one variant wins more
often is no chance: every pair is counted both ways round.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from workbench.core.experiments.ratings.ranking import FEW, rate_words
from workbench.core.experiments.ratings.ratings import Rating
from workbench.core.experiments.statistics.intervals import Interval, rate_interval
from workbench.core.library.decisions import nominal_alpha

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESAMPLES = 1_000
_SEED = 20_260_801
TIE, BAD = 2, 3
"""Answers to two pieces: 0 is the first of them by id, 1 the second, then tie and both bad."""
_TURNED = [1, 0, TIE, BAD]

Unit = tuple[str, tuple[str, str]]
"""A request and two pieces."""


@dataclass(frozen=True)
class Agreement:
    """How far raters agree: alpha, and the share of two raters' answers to a pair that are the same.

    Intervals are bootstrap intervals of 95 % over requests. ``pairs`` were judged by two or more of the ``raters``;
    where there are none both are None.
    """

    alpha: Interval | None
    same: Interval | None
    pairs: int
    raters: int


@dataclass(frozen=True)
class RaterReport:
    """One rater: how many pairs were judged, skipped, and shown once more, and the median of seconds.

    ``side_a`` is how often A was preferred where either was, ``consistent`` how often a pair that was shown once more
    got the same answer, ``with_others`` how often the answer was that of another rater.
    """

    rater: str
    judged: int
    skipped: int
    repeats: int
    seconds: float
    side_a: Interval
    consistent: Interval
    with_others: Interval


def agreement(ratings: Iterable[Rating], *, criterion: str = "", resamples: int = RESAMPLES) -> Agreement:
    """How far the raters of a contest agree, over all or on one criterion."""
    said = {unit: votes for unit, votes in votes_of(ratings, criterion=criterion).items() if len(votes) > 1}
    raters = len({rater for votes in said.values() for rater in votes})
    if not said:
        return Agreement(None, None, 0, 0)
    import numpy as np

    table = np.array([_row(votes) for votes in said.values()])
    groups: dict[str, list[int]] = defaultdict(list)
    for index, (request, _) in enumerate(said):
        groups[request].append(index)
    rows = [np.array(group) for group in groups.values()]
    rng = np.random.default_rng(_SEED)
    drawn = [np.concatenate([rows[at] for at in rng.integers(len(rows), size=len(rows))]) for _ in range(resamples)]
    alphas = [_alpha(table[index]) for index in drawn]
    shares = [_same(table[index]) for index in drawn]
    return Agreement(
        _interval(_alpha(table), alphas, len(rows), len(table)), _interval(_same(table), shares, len(rows), len(table)),
        len(table), raters,
    )  # fmt: skip


def reports(ratings: Iterable[Rating]) -> tuple[RaterReport, ...]:
    """A report on each rater, by name."""
    every = list(ratings)
    votes = votes_of(every)
    names = sorted({rating.pair.rater for rating in every})
    return tuple(_report(name, [each for each in every if each.pair.rater == name], votes) for name in names)


def votes_of(ratings: Iterable[Rating], *, criterion: str = "") -> dict[Unit, dict[str, int]]:
    """What each rater answered to each pair when it was first shown, without skips."""
    found: dict[Unit, dict[str, int]] = {}
    for rating in ratings:
        if not rating.pair.repeat and (said := answer_of(rating, criterion)) is not None:
            found.setdefault(unit_of(rating), {}).setdefault(rating.pair.rater, said)
    return found


def unit_of(rating: Rating) -> Unit:
    """What a rating is of, whichever way round and whoever made the pieces."""
    return rating.pair.request, rating.pair.pieces


def answer_of(rating: Rating, criterion: str = "") -> int | None:
    """What a rating says of its two pieces, whichever way round they were; None where it says nothing."""
    said = rating.said(criterion)
    if said in ("a", "b"):
        chosen = rating.pair.piece_a if said == "a" else rating.pair.piece_b
        return rating.pair.pieces.index(chosen)
    return TIE if said == "tie" else BAD if said == "both-bad" else None


def words(found: Agreement) -> str:
    """What the agreement says, in a sentence; the marks are those of Krippendorff (2004): 0.8 and 0.667."""
    if found.alpha is None or found.same is None or found.alpha.value is None:
        return "No pair was judged by two raters yet: how far they agree is unknown."
    pairs = f"{found.pairs} pair{'' if found.pairs == 1 else 's'}"
    if found.alpha.low is None or found.alpha.high is None:
        return f"Only {pairs} judged by two raters or more: too few to tell how far they agree."
    low, high = found.alpha.low, found.alpha.high
    if low <= 0:
        meaning = "That raters agree may be chance"
    elif low >= 0.8:
        meaning = "Raters agree well"
    elif low >= 0.667:
        meaning = "Raters agree fairly"
    else:
        meaning = "Raters agree more than chance"
    return (
        f"{meaning}: alpha {found.alpha.value:.2f} (95 % interval {low:.2f} to {high:.2f}), the same answer in "
        f"{rate_words(found.same)}, over {pairs}."
    )


def _report(name: str, mine: Sequence[Rating], votes: Mapping[Unit, Mapping[str, int]]) -> RaterReport:
    judged = [rating for rating in mine if rating.verdict != "skip"]
    once = [rating for rating in judged if not rating.pair.repeat]
    again = [rating for rating in judged if rating.pair.repeat and name in votes.get(unit_of(rating), {})]
    sides = Counter(rating.verdict for rating in once)
    others = [
        (votes[unit][name], said)
        for unit in {unit_of(rating) for rating in once}
        for rater, said in votes[unit].items()
        if rater != name
    ]
    return RaterReport(
        name, len(once), sum(rating.verdict == "skip" for rating in mine), len(again),
        float(median(rating.seconds for rating in judged)) if judged else 0.0,
        rate_interval(sides["a"], sides["a"] + sides["b"]),
        rate_interval(sum(answer_of(rating) == votes[unit_of(rating)][name] for rating in again), len(again)),
        rate_interval(sum(mine == theirs for mine, theirs in others), len(others)),
    )  # fmt: skip


def _row(votes: Mapping[str, int]) -> list[int]:
    """How many gave each answer."""
    counts = Counter(votes.values())
    return [counts[answer] for answer in range(BAD + 1)]


def _alpha(table: NDArray[np.int_]) -> float:
    import numpy as np

    return nominal_alpha(np.concatenate([table, table[:, _TURNED]]))


def _same(table: NDArray[np.int_]) -> float:
    """The share of two raters' answers that are the same, each pair of pieces counted once."""
    raters = table.sum(axis=1)
    return float(((table * (table - 1)).sum(axis=1) / (raters * (raters - 1))).mean())


def _interval(value: float, drawn: Sequence[float], requests: int, pairs: int) -> Interval:
    if requests < FEW:
        return Interval(value, None, None, requests, pairs, note=f"{requests} is too few for an interval.")
    import numpy as np

    low, high = (float(each) for each in np.quantile(drawn, [0.025, 0.975]))
    return Interval(value, low, high, requests, pairs, method="bootstrap (percentile)")
