"""A piece as a link: a request and a seed in the query string, short enough to read and to send to somebody.

``?mood=-0.6,0.8&form=rondo&period=baroque&seed=12`` names what differs from the defaults, and always the seed. A piece
that came from a file has no request: its link is ``?piece=`` and its id, good for as long as the server holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.core.errors import InvalidRequestError
from workbench.core.music.reading import read_request
from workbench.core.music.request import MAX_SEED, Request

FIRST_SEED = 1
LONGEST_SEED = 9999
"""New seeds go up to this: short enough to read in a link."""
MAX_LENGTH = 300
_FIELDS = {
    "form": "form",
    "period": "period",
    "key": "key",
    "meter": "time_signature",
    "for": "instrumentation",
    "duration": "duration",
    "tempo": "tempo",
    "focus": "focus",
}
_NUMBERS = {"duration", "tempo", "focus"}
_LISTS = {"motif": "motif_seed", "rhythm": "rhythm_seed"}
NAMES = ("mood", *_FIELDS, *_LISTS, "seed", "piece")
_HINT = "Correct the link, or leave the part out; a first piece is shown meanwhile."


def link_of(request: Request, seed: int) -> dict[str, str]:
    """The query parameters of a request and its seed."""
    parts: dict[str, str] = {}
    plain = Request()
    if (request.valence, request.arousal) != (plain.valence, plain.arousal):
        parts["mood"] = f"{request.valence:g},{request.arousal:g}"
    for name, field in _FIELDS.items():
        value = getattr(request, field)
        if value is not None and value != getattr(plain, field):
            parts[name] = f"{value:g}" if isinstance(value, float) else str(value)
    for name, field in _LISTS.items():
        values = getattr(request, field)
        if values:
            parts[name] = ",".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    return parts | {"seed": str(seed)}


def read_link(params: Mapping[str, str]) -> tuple[Request, int]:
    """The request and the seed of a query string; the first piece's when it is empty.

    Raises:
        InvalidRequestError: a part is unknown or impossible; ``field`` names it.
    """
    data: dict[str, Any] = {}
    seed = FIRST_SEED
    for name, text in params.items():
        if name not in NAMES:
            raise InvalidRequestError(
                f"The link holds {_short(name)}, which this page does not know.",
                hint=f"It reads {', '.join(NAMES[:-1])}. A first piece is shown meanwhile.",
                field=f"/{name[:40]}",
            )
        if len(text) > MAX_LENGTH:
            raise _bad(name, text, f"longer than {MAX_LENGTH} characters")
        if name == "mood":
            numbers = text.split(",")
            if len(numbers) != 2:
                raise _bad(name, text, "not two numbers, valence and arousal, such as 0.3,0.4")
            data["valence"], data["arousal"] = (_number(name, number) for number in numbers)
        elif name == "seed":
            if not re.fullmatch(r"\d{1,19}", text) or int(text) > MAX_SEED:
                raise _bad(name, text, f"not a whole number from 0 to {MAX_SEED}")
            seed = int(text)
        elif name in _LISTS:
            data[_LISTS[name]] = read_degrees(text) if name == "motif" else read_rhythm(text)
        elif name in _NUMBERS:
            data[_FIELDS[name]] = _number(name, text)
        elif name != "piece":
            data[_FIELDS[name]] = text
    try:
        return read_request(data), seed
    except InvalidRequestError as problem:
        raise InvalidRequestError(
            f"The link cannot be read: {problem.message}", hint=_HINT, field=problem.field
        ) from None


def read_degrees(text: str) -> tuple[int | str, ...]:
    """Scale degrees typed with spaces or commas: ``1 3 5 #4``.

    Raises:
        InvalidRequestError: one of them is not a degree.
    """
    items = tuple(int(part) if re.fullmatch(r"-?\d{1,3}", part) else part for part in _parts(text))
    return _seeds({"motif_seed": items}).motif_seed


def read_rhythm(text: str) -> tuple[float, ...]:
    """Lengths in quarters typed with spaces or commas: ``1 0.5 0.5 2``; ``1/3`` is read as well.

    Raises:
        InvalidRequestError: one of them is not a length.
    """
    return _seeds({"rhythm_seed": tuple(_length(part) for part in _parts(text))}).rhythm_seed


def _seeds(data: dict[str, Any]) -> Request:
    try:
        return read_request(data)
    except InvalidRequestError as problem:
        # "motif_seed.2" is what a program calls the third note.
        message = re.sub(
            r"\b(motif|rhythm)_seed\.(\d+)", lambda at: f"Note {int(at[2]) + 1} of the {at[1]}", problem.message
        )
        raise InvalidRequestError(message.replace("_seed", ""), hint=problem.hint, field=problem.field) from None


def _parts(text: str) -> list[str]:
    return [part for part in re.split(r"[\s,;]+", text.strip()) if part]


def _length(part: str) -> float:
    match = re.fullmatch(r"(\d{1,3})/(\d{1,3})", part)
    if match and int(match[2]):
        return round(int(match[1]) / int(match[2]), 6)
    return _number("rhythm", part)


def _number(name: str, text: str) -> float:
    try:
        value = float(text) if len(text) <= 24 else float("nan")
    except ValueError:
        value = float("nan")
    if value != value or value in (float("inf"), float("-inf")):
        raise _bad(name, text, "not a number")
    return value


def _bad(name: str, text: str, why: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{name} is {_short(text)}, {why}.", hint="Correct it, or leave it out.", field=f"/{name}"
    )


def _short(text: str) -> str:
    # No characters that could change how the message around them is displayed.
    plain = re.sub(r"[^\w .,;:+/#-]", "·", text)
    return f"“{plain if len(plain) <= 40 else plain[:39] + '…'}”"
