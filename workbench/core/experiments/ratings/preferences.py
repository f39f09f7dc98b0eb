"""Which of two pieces raters preferred clearly enough to train on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.ratings.agreement import BAD, TIE, Unit, answer_of, unit_of, votes_of
from workbench.core.experiments.ratings.ratings import Rating


class Preferred(NamedTuple):
    """For a request the id of the piece that was preferred, and of the other; ``why`` is a sentence for people.

    ``votes`` of ``raters`` preferred it.
    """

    request: str
    chosen: str
    rejected: str
    why: str
    votes: int
    raters: int


def preferred(
    ratings: Iterable[Rating], *, raters: int = 2, share: float = 2 / 3, criterion: str = ""
) -> tuple[Preferred, ...]:
    """The pairs on which enough raters agree, by request.

    A rater has one vote on two pieces; one who answered otherwise when they were shown once more has none. Ties are
    votes for neither. Where anybody called both bad there is no pair: no model should learn from what may be bad.

    Args:
        ratings: of one contest.
        raters: how many votes there must be at least.
        share: how many of the votes must be for the piece: over 0.5, up to 1.
        criterion: as in ``rank``.

    Raises:
        InvalidInputError: fewer than one rater, or a share that is no majority.
    """
    if raters < 1 or not 0.5 < share <= 1:
        raise InvalidInputError(
            "Preferences need a majority of one rater or more.", hint="Give a share over 0.5 and up to 1."
        )
    every = list(ratings)
    bad = {unit for unit, votes in votes_of(every).items() if BAD in votes.values()}
    wavering = _wavering(every, criterion)
    found = []
    for unit, votes in sorted(votes_of(every, criterion=criterion).items()):
        request, pieces = unit
        said = Counter(vote for rater, vote in votes.items() if (unit, rater) not in wavering)
        total, best = said.total(), 0 if said[0] > said[1] else 1
        if unit not in bad and total >= raters and said[best] >= share * total - 1e-9:
            why = _why(said[best], said[TIE], total)
            found.append(Preferred(request, pieces[best], pieces[1 - best], why, said[best], total))
    return tuple(found)


def _wavering(ratings: Iterable[Rating], criterion: str) -> set[tuple[Unit, str]]:
    """Where a rater said something else the second time."""
    answers: dict[tuple[Unit, str], set[int]] = defaultdict(set)
    for rating in ratings:
        if (said := answer_of(rating, criterion)) is not None:
            answers[unit_of(rating), rating.pair.rater].add(said)
    return {key for key, said in answers.items() if len(said) > 1}


def _why(votes: int, ties: int, total: int) -> str:
    who = f"{votes} of {total} raters preferred it" if total > 1 else "The one rater preferred it"
    return f"{who}, heard blind{f'; {ties} heard no difference' if ties else ''}."
