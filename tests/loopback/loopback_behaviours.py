"""What the loopback server can do to a chat request instead of answering it well.

Where a ``share`` or ``after`` is named, it runs from 0 to 1; times are in seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal


class Behaviour:
    """What happens to one chat request."""


@dataclass(frozen=True)
class Say(Behaviour):
    """Answers with this text."""

    text: str


@dataclass(frozen=True)
class Refuse(Behaviour):
    """The model declines: a refusal, and no content."""

    text: str = "I'm sorry, I can't help with that."


@dataclass(frozen=True)
class ContentFilter(Behaviour):
    """The answer breaks off early with finish_reason content_filter."""

    share: float = 0.2


@dataclass(frozen=True)
class LengthStop(Behaviour):
    """The answer is cut there with finish_reason length."""

    share: float = 0.5


@dataclass(frozen=True)
class Malformed(Behaviour):
    """The answer in single quotes with trailing commas, fenced, with prose around it."""


@dataclass(frozen=True)
class Half(Behaviour):
    """The JSON stops in the middle though finish_reason is stop."""

    share: float = 0.5


@dataclass(frozen=True)
class Empty(Behaviour):
    """The content is an empty text."""


@dataclass(frozen=True)
class NotMusic(Behaviour):
    """Valid JSON that is no structure."""


@dataclass(frozen=True)
class WrongPiece(Behaviour):
    """A valid structure for another request: another key, another form, fewer sections."""


@dataclass(frozen=True)
class Status(Behaviour):
    """An error status with OpenAI's usual body for it; ``retry_after`` (seconds) becomes the header.

    A 502 comes as a proxy's HTML page unless ``code_text`` or ``message`` is given.
    """

    code: int
    retry_after: float | None = None
    code_text: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Hang(Behaviour):
    """Sends nothing until the client leaves or the time is up; then the connection is closed."""

    seconds: float = 3600.0


@dataclass(frozen=True)
class HangMidStream(Behaviour):
    """Sends this share of the response, and then nothing more until the client leaves or the time is up."""

    after: float = 0.4
    seconds: float = 3600.0


@dataclass(frozen=True)
class Cut(Behaviour):
    """The connection ends after this share of the response; with 0 before its first byte.

    ``close`` ends it in order (FIN), ``reset`` at once (RST). ``tidy`` is what a proxy makes of it: the HTTP response
    is complete, but the stream inside has no end.
    """

    after: float = 0.4
    how: Literal["close", "reset", "tidy"] = "close"


@dataclass(frozen=True)
class WrongModel(Behaviour):
    """Answers well, but says that another model did."""

    name: str = "loop-small"


@dataclass(frozen=True)
class OddChunks(Behaviour):
    """A stream in odd pieces.

    It is split inside UTF-8 sequences, lines and HTTP chunks; some packets hold several events; between them come
    comment lines, CRLF line ends, missing spaces and empty deltas. Not streamed: odd pieces of the body.
    """

    seed: int = 0


@dataclass(frozen=True)
class Garbage(Behaviour):
    """Status 200 with an HTML page."""


@dataclass(frozen=True)
class BadEvent(Behaviour):
    """A stream with an event whose data is not JSON; not streamed: such a body."""

    after: float = 0.4


@dataclass(frozen=True)
class StreamError(Behaviour):
    """A stream with an error object in it, as OpenAI sends when it fails late; not streamed: status 500."""

    after: float = 0.4


@dataclass(frozen=True)
class Slow(Behaviour):
    """Each delta of ``size`` characters comes after ``delay`` seconds; not streamed: the whole answer does."""

    delay: float = 0.05
    size: int = 32


@dataclass(frozen=True)
class Huge(Behaviour):
    """Text without end, up to that many bytes."""

    bytes: int = 20_000_000


@dataclass(frozen=True)
class Leaky(Behaviour):
    """A 400 whose message repeats the Authorization header and the model id."""


@dataclass(frozen=True)
class EchoModel(Behaviour):
    """Answers well, and names the requested model in ``title`` and ``reasoning``."""


def every_failure() -> list[Behaviour]:
    """One of each kind that gives no good answer, with short times."""
    return [
        Refuse(),
        ContentFilter(),
        LengthStop(),
        Malformed(),
        Half(),
        Empty(),
        NotMusic(),
        WrongPiece(),
        *(Status(code) for code in (400, 401, 403, 404, 409, 500, 502, 503)),
        Status(429, retry_after=0.05),
        Status(429, code_text="insufficient_quota"),
        Hang(0.3),
        HangMidStream(seconds=0.3),
        Cut(0.0),
        Cut(),
        Cut(how="reset"),
        Cut(how="tidy"),
        Garbage(),
        BadEvent(),
        StreamError(),
        Huge(2_000_000),
        Leaky(),
    ]


def every_success(seed: int = 0) -> list[Behaviour]:
    """One of each kind that gives a good answer in an unusual way."""
    return [OddChunks(seed), Slow(0.001, 400), WrongModel(), EchoModel()]


def at_random(rng: random.Random) -> Behaviour | None:
    """One of everything, for a soak: about four in ten requests get a good answer, half of these the plain one."""
    if rng.random() < 0.4:
        return rng.choice([None, None, None, None, *every_success(rng.randrange(2**31))])
    return rng.choice(every_failure())
