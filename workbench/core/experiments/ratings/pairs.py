"""Which pair a rater hears next, and what of it a rater may see.

A rater sees a ``Blind``: tokens that are keyed hashes (HMAC, RFC 2104) of what they stand for, under a secret of the
contest. Nobody without it can tell which variant is behind one, make one up, or see that two stand for the same piece.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import combinations
from math import floor
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.ratings.ratings import MAX_TEXT, Answer, Pair, Rating, Side, read_rater
from workbench.core.music.structure import MusicStructure

MAX_REQUESTS, MAX_VARIANTS = 20_000, 40
SHARED = 1 / 3
"""How many of a rater's pairs another rater has judged already: without them there is no agreement to measure."""

_REQUEST, _PAIR = 16, 32
_LEAN = 4
_BETWEEN = 5

Two = tuple[str, str]


@dataclass(frozen=True)
class Contest:
    """What is compared: for each request, the id of the piece that each variant made; failed cells are left out.

    Two pieces with the same id are the same music. ``secret`` is what tokens hang on: it is kept, and never shown.

    Raises:
        InvalidInputError: too much, a short secret, or no request for which two variants made different pieces.
    """

    id: str
    pieces: Mapping[str, Mapping[str, str]]
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < 16:
            raise InvalidInputError("The secret of a contest is too short.", hint="Take one from new_secret().")
        if len(self.pieces) > MAX_REQUESTS or len(self.variants) > MAX_VARIANTS:
            raise InvalidInputError(
                f"At most {MAX_REQUESTS:,} requests and {MAX_VARIANTS} variants can be rated.", hint="Choose fewer."
            )
        names = {*self.pieces, *self.variants, *(piece for made in self.pieces.values() for piece in made.values())}
        if any(not 0 < len(name) <= MAX_TEXT for name in names):
            raise InvalidInputError("A request, variant or piece has no name, or a long one.", hint="Rename it.")
        if not self.requests_of:
            raise InvalidInputError(
                "There is nothing to compare: no request has two different pieces.",
                hint="Run the experiment with two variants or more.",
            )

    @cached_property
    def variants(self) -> tuple[str, ...]:
        """Every variant, by name."""
        return tuple(sorted({variant for made in self.pieces.values() for variant in made}))

    @cached_property
    def requests_of(self) -> dict[Two, tuple[str, ...]]:
        """For every two variants the requests for which they made different pieces; those without are left out."""
        found = {
            (x, y): tuple(sorted(request for request, made in self.pieces.items() if _differ(made, x, y)))
            for x, y in combinations(self.variants, 2)
        }
        return {two: requests for two, requests in found.items() if requests}


@dataclass(frozen=True)
class Blind:
    """All that a rater's page may know of a pair: tokens of the pair and of its sides, and its number."""

    token: str
    a: str
    b: str
    number: int

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__)


def new_secret() -> bytes:
    """A secret for a contest."""
    return secrets.token_bytes(32)


def unnamed(structure: MusicStructure) -> MusicStructure:
    """A structure without title and remarks, for showing it: in these a model may say its name."""
    return structure.model_copy(update={"title": None, "character": None, "reasoning": None})


def next_pair(
    contest: Contest, ratings: Sequence[Rating], rater: str, *, seed: int = 0, shared: float = SHARED,
    repeats: float = 0.0,
) -> Pair | None:  # fmt: skip
    """The pair that a rater should hear next; None when there is none left.

    First the two variants of which one more rating tells most, by what is known of their strengths so far (the expected
    gain of information); then the request that was rated least. Nobody hears the same two pieces twice, but for
    ``repeats``. The same ratings always give the same pair. Which side is which is a coin that only the secret tells,
    held to be even for each rater.

    Args:
        contest: what is compared.
        ratings: all that was said so far, by everybody.
        rater: who rates.
        seed: another one gives another order among pairs that tell as much.
        shared: how many of the rater's pairs should be among those that others have judged, from 0 to 1.
        repeats: how many should be shown once more, the other way round, to see how consistent the rater is, from 0 to
            1. They count for nothing else.

    Raises:
        InvalidInputError: no name.
    """
    rater = read_rater(rater)
    mine = [rating for rating in ratings if rating.pair.rater == rater]
    if _due(len(mine), repeats) and (again := _repeat(contest, mine, rater)):
        return again
    first = [rating for rating in ratings if not rating.pair.repeat]
    asked = Counter((rating.pair.request, rating.pair.pieces) for rating in first)
    seen = {(rating.pair.request, rating.pair.pieces) for rating in mine}
    choice = _Choice(contest, first, mine, f"{seed}", rater)
    twos = choice.most_telling()
    for least in (1, 0) if _due(len(mine), shared) else (0,):
        for x, y in twos:
            open_requests = [
                request
                for request in contest.requests_of[x, y]
                if (at := (request, _pieces(contest, request, x, y))) not in seen and asked[at] >= least
            ]
            if open_requests:
                request = choice.least_rated(open_requests, x, y, asked)
                a, b = choice.sides(request, x, y)
                return _pair(contest, rater, request, a, b, len(mine) + 1)
    return None


def blind(contest: Contest, pair: Pair) -> Blind:
    """What the rater may see of a pair."""
    return Blind(pair.token, _sound(contest, pair, "a"), _sound(contest, pair, "b"), pair.number)


def pair_of(contest: Contest, token: str, rater: str, ratings: Sequence[Rating] = ()) -> Pair:
    """Unblind: the pair that a token stands for, which must have been made for this rater.

    Args:
        contest: the one that the token is of.
        token: of a pair.
        rater: who sends it.
        ratings: what was said so far: by it ``number`` and ``repeat`` are known.

    Raises:
        InvalidInputError: the token is of no pair of this contest, or was made for somebody else.
    """
    rater = read_rater(rater)
    mine = [rating for rating in ratings if rating.pair.rater == rater]
    for request in contest.pieces:
        if not hmac.compare_digest(
            _of_request(contest, rater, request).encode(), token[:_REQUEST].encode("utf-8", "replace")
        ):
            continue
        for two in contest.requests_of:
            for a, b in (two, two[::-1]):
                if _differ(contest.pieces[request], a, b) and _of_pair(contest, rater, request, a, b) == token:
                    pieces = _pieces(contest, request, a, b)
                    before = any(each.pair.request == request and each.pair.pieces == pieces for each in mine)
                    return _pair(contest, rater, request, a, b, len(mine) + 1, repeat=before)
    raise _unknown()


def rate(
    contest: Contest, answer: Answer, rater: str, ratings: Sequence[Rating], *, at: datetime | None = None
) -> Rating:
    """What an answer says, unblinded.

    Raises:
        InvalidInputError: the token is unknown, was made for somebody else, or was answered before.
    """
    if any(rating.pair.token == answer.token for rating in ratings):
        raise InvalidInputError("You have rated this pair already.", hint="Go on to the next one.", field="/token")
    pair = pair_of(contest, answer.token, rater, ratings)
    return Rating(pair, answer.verdict, at or datetime.now(UTC), answer.criteria, answer.seconds)


@dataclass(frozen=True)
class _Choice:
    """How the next pair of a rater is chosen; ``first`` are everybody's ratings without repeats."""

    contest: Contest
    first: Sequence[Rating]
    mine: Sequence[Rating]
    seed: str
    rater: str

    def most_telling(self) -> list[Two]:
        """Every two variants, those first of which a rating more tells most."""
        from workbench.core.experiments.ratings.ranking import gains

        told = gains(self.first, self.contest.variants)
        asked = Counter(rating.pair.variants for rating in self.first)
        own = Counter(rating.pair.variants for rating in self.mine)
        return sorted(
            self.contest.requests_of, key=lambda two: (-round(told[two], 6), asked[two], own[two], self._lot(*two))
        )

    def least_rated(self, requests: Sequence[str], x: str, y: str, asked: Mapping[Any, int]) -> str:
        """The request of which this pair was rated least, then that of which the rater has heard least."""
        own = Counter(rating.pair.request for rating in self.mine)
        all_ = Counter(rating.pair.request for rating in self.first)
        return min(
            requests,
            key=lambda request: (
                asked[request, _pieces(self.contest, request, x, y)], own[request], all_[request],
                self._lot(request, x, y),
            ),
        )  # fmt: skip

    def sides(self, request: str, x: str, y: str) -> Two:
        """Which variant is A and which B: a coin, unless one of them was A too often. Strict turns could be guessed."""
        lean = Counter[str]()
        for rating in self.mine:
            lean[rating.pair.a] += 1
            lean[rating.pair.b] -= 1
        if abs(lean[x] - lean[y]) >= _LEAN:
            return (x, y) if lean[x] < lean[y] else (y, x)
        return (x, y) if int(self._lot("side", request, x, y)[-1], 16) % 2 else (y, x)

    def _lot(self, *parts: str) -> str:
        return _hash(self.contest, "lot", self.seed, self.rater, *parts)


def _due(done: int, share: float) -> bool:
    """Whether the next of a row is one of those that make up a share, spread evenly."""
    return floor((done + 1) * share + 1e-9) > floor(done * share + 1e-9)


def _repeat(contest: Contest, mine: Sequence[Rating], rater: str) -> Pair | None:
    """The rater's earliest judged pair that was not repeated, and is a few pairs ago, the other way round."""
    known = Counter((rating.pair.request, rating.pair.pieces) for rating in mine)
    for rating in mine[:-_BETWEEN]:
        pair = rating.pair
        made = contest.pieces.get(pair.request, {})
        if rating.verdict != "skip" and known[pair.request, pair.pieces] == 1 and _differ(made, pair.a, pair.b):
            return _pair(contest, rater, pair.request, pair.b, pair.a, len(mine) + 1, repeat=True)
    return None


def _pair(
    contest: Contest, rater: str, request: str, a: str, b: str, number: int, *, repeat: bool = False
) -> Pair:  # fmt: skip
    made = contest.pieces[request]
    return Pair(_of_pair(contest, rater, request, a, b), rater, request, a, b, made[a], made[b], number, repeat)


def _differ(made: Mapping[str, str], x: str, y: str) -> bool:
    return x in made and y in made and made[x] != made[y]


def _pieces(contest: Contest, request: str, x: str, y: str) -> Two:
    made = contest.pieces[request]
    return (made[x], made[y]) if made[x] < made[y] else (made[y], made[x])


def _of_request(contest: Contest, rater: str, request: str) -> str:
    """The beginning of a token, by which its request is found without trying every pair."""
    return _hash(contest, "request", rater, request)[:_REQUEST]


def _of_pair(contest: Contest, rater: str, request: str, a: str, b: str) -> str:
    return _of_request(contest, rater, request) + _hash(contest, "pair", rater, request, a, b)[:_PAIR]


def _sound(contest: Contest, pair: Pair, side: Side) -> str:
    return _hash(contest, "sound", pair.token, side)[:_PAIR]


def _hash(contest: Contest, *parts: str) -> str:
    return hmac.digest(contest.secret, json.dumps([contest.id, *parts]).encode(), "sha256").hex()


def _unknown() -> InvalidInputError:
    return InvalidInputError("There is no such pair for you.", hint="Go on to the next one.", field="/token")
