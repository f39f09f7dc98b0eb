"""What a rater was shown and said: plain records that can be kept as JSON, and answers from outside that are read.

A ``Pair`` and a ``Rating`` say which variant is which and never leave the server; what a rater gets is a ``Blind`` of
``pairs``, and what a rater sends is an ``Answer``. An answer names its pair by a token alone.

A verdict is ``a`` or ``b`` (the better one), ``tie``, ``both-bad`` or ``skip``. A skip says nothing, but the pair is
not shown to this rater again. Both bad says two things: neither is better, and neither is good.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from workbench.core.errors import InvalidInputError

Side = Literal["a", "b"]
Verdict = Literal["a", "b", "tie", "both-bad", "skip"]
Opinion = Literal["a", "b", "tie"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)
CRITERIA = {"musicality": "Musicality", "fits": "Fits the request", "structure": "Structure"}
"""What raters may also compare by itself, and what each is called."""

MAX_NAME, MAX_TEXT, MAX_TOKEN = 80, 600, 64
MAX_SECONDS = 86_400.0
"""Longer than a day is a page that was left open: it counts as a day."""


@dataclass(frozen=True)
class Pair:
    """Two pieces for one request, as they are shown to one rater.

    ``a`` and ``b`` are the variants on each side, ``piece_a`` and ``piece_b`` the ids of their pieces. ``number`` is
    the pair's place among those of this rater, from 1. A ``repeat`` was shown before, the other way round.
    """

    token: str
    rater: str
    request: str
    a: str
    b: str
    piece_a: str
    piece_b: str
    number: int
    repeat: bool = False

    @property
    def variants(self) -> tuple[str, str]:
        """Both variants, by name."""
        return (self.a, self.b) if self.a < self.b else (self.b, self.a)

    @property
    def pieces(self) -> tuple[str, str]:
        """Both pieces, by id: the same however they are shown, and whichever variants made them."""
        return (self.piece_a, self.piece_b) if self.piece_a < self.piece_b else (self.piece_b, self.piece_a)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Rating:
    """What a rater said of a pair. ``seconds`` is how long it took, ``at`` when it was said (in UTC)."""

    pair: Pair
    verdict: Verdict
    at: datetime
    criteria: Mapping[str, Opinion] = field(default_factory=dict)
    seconds: float = 0.0

    def said(self, criterion: str = "") -> Verdict | None:
        """The verdict, or what was said of one criterion: None where nothing was, or the pair was skipped."""
        if not criterion:
            return self.verdict
        return None if self.verdict == "skip" else self.criteria.get(criterion)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; ``at`` in ISO 8601."""
        return {
            "pair": self.pair.to_dict(), "verdict": self.verdict, "criteria": dict(self.criteria),
            "seconds": self.seconds, "at": self.at.astimezone(UTC).isoformat(),
        }  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a rater sent: the token of a pair, and the rest as in a ``Rating``."""

    token: str
    verdict: Verdict
    criteria: Mapping[str, Opinion] = field(default_factory=dict)
    seconds: float = 0.0


def read_answer(data: object) -> Answer:
    """An answer from outside.

    Raises:
        InvalidInputError: not an answer; ``field`` names what is wrong. It never repeats what was sent.
    """
    given = _members(data, {"token", "verdict", "criteria", "seconds"}, "")
    return Answer(_text(given, "token", MAX_TOKEN), *_opinions(given))


def read_rating(data: object) -> Rating:
    """A rating from the JSON of ``Rating.to_dict``.

    Raises:
        InvalidInputError: not a rating; ``field`` names what is wrong.
    """
    given = _members(data, {"pair", "verdict", "criteria", "seconds", "at"}, "")
    verdict, criteria, seconds = _opinions(given)
    try:
        at = datetime.fromisoformat(_text(given, "at", 40))
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInputError("at is no time.", hint="Write it in ISO 8601.", field="/at") from None
    return Rating(_read_pair(given.get("pair")), verdict, at, criteria, seconds)


def _read_pair(data: object) -> Pair:
    given = _members(data, {each.name for each in fields(Pair)}, "/pair")
    names = ("request", "a", "b", "piece_a", "piece_b")
    texts = {name: _text(given, name, MAX_TEXT, "/pair") for name in names}
    number, repeat = given.get("number"), given.get("repeat", False)
    if type(number) is not int or not 1 <= number < 2**31:
        raise InvalidInputError("number is no count.", hint="Count from 1.", field="/pair/number")
    if not isinstance(repeat, bool):
        raise InvalidInputError("repeat is neither true nor false.", hint="Say which.", field="/pair/repeat")
    if texts["a"] == texts["b"] or texts["piece_a"] == texts["piece_b"]:
        raise InvalidInputError(
            "A pair has the same thing on both sides.", hint="Compare two variants with two pieces.", field="/pair/b"
        )
    token, rater = _text(given, "token", MAX_TOKEN, "/pair"), read_rater(given.get("rater"), "/pair/rater")
    return Pair(token=token, rater=rater, number=number, repeat=repeat, **texts)


def read_rater(name: object, where: str = "/rater") -> str:
    """A rater's name, as every database takes it.

    Raises:
        InvalidInputError: no text, an empty one, or a long one.
    """
    kept = name.replace("\x00", "").encode("utf-8", "replace").decode().strip() if isinstance(name, str) else ""
    if not 0 < len(kept) <= MAX_NAME:
        raise InvalidInputError(
            f"A rater's name has 1 to {MAX_NAME} characters.", hint="Say who is rating.", field=where
        )
    return kept


def _opinions(given: Mapping[str, Any]) -> tuple[Verdict, dict[str, Opinion], float]:
    """The verdict, what was said of criteria (None is nothing), and the seconds."""
    verdict, criteria, seconds = given.get("verdict"), given.get("criteria"), given.get("seconds", 0.0)
    if not isinstance(verdict, str) or verdict not in VERDICTS:
        raise InvalidInputError(
            "verdict is unknown.", hint=f"It is one of {', '.join(VERDICTS)}.", field="/verdict"
        )  # fmt: skip
    said: dict[str, Opinion] = {}
    for name, opinion in _members({} if criteria is None else criteria, set(CRITERIA), "/criteria").items():
        if opinion is None:
            continue
        if not isinstance(opinion, str) or opinion not in OPINIONS:
            raise InvalidInputError(
                f"What was said of {name} is unknown.", hint="It is a, b, tie or null.", field=f"/criteria/{name}"
            )
        said[name] = opinion
    if type(seconds) not in (int, float) or not 0 <= seconds < math.inf:
        raise InvalidInputError("seconds is no length of time.", hint="Send a number of 0 or more.", field="/seconds")
    return verdict, said, float(min(seconds, MAX_SECONDS))


def _members(data: object, known: set[str], where: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or not set(data) <= known:
        raise InvalidInputError(
            f"{where[1:] or 'The rating'} cannot be read.", hint=f"It is an object of {', '.join(sorted(known))}.",
            field=where,
        )  # fmt: skip
    return data


def _text(given: Mapping[str, Any], name: str, most: int, where: str = "") -> str:
    value = given.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= most:
        raise InvalidInputError(
            f"{name} is no text of 1 to {most} characters.", hint="Send it as it came.", field=f"{where}/{name}"
        )
    return value
