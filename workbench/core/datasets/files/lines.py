"""Reading JSON Lines of any size in constant memory: each line with its number and its value, or with what is wrong.

A line ends at LF; a CR before it is taken off and told once. Nothing of a line that is too long is kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from workbench.core.datasets.faults import Fault
from workbench.core.errors import InvalidInputError
from workbench.core.music.reading import MAX_DEPTH, bracket_depth, outside_strings

MAX_LINE = 4_000_000
"""Bytes of a line that are read; a row with its examples has some twenty thousand."""
BLOCK = 1 << 18
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Line(NamedTuple):
    """A line as it stands, numbered from 1, without its end; ``data`` is None where it was too long to keep.

    ``blank`` is how many empty lines stood just before it.
    """

    number: int
    data: bytes | None
    blank: int = 0


class BrokenLineError(ValueError):
    """A line holds no JSON object; the fault says why, still without the line's number."""

    def __init__(self, check: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.fault = Fault(f"line.{check}", "error", message, hint)


class Lines(Iterable[Line]):
    """The lines of a binary stream that have something in them, read once; afterwards it knows the whole file.

    ``size`` is in bytes, ``rows`` counts the lines given, ``first`` is the first one's number, ``returns`` counts those
    that ended in CR LF; ``bom`` and ``wide`` say that the file began with the mark of UTF-8 or UTF-16. Empty lines at
    the end harm nobody and are not told.
    """

    def __init__(self, stream: BinaryIO, *, cap: int = MAX_LINE) -> None:
        self.stream, self.cap = stream, cap
        self.size = self.count = self.rows = self.returns = self.first = 0
        self.bom = self.wide = False

    def __iter__(self) -> Iterator[Line]:
        blank = 0
        for data in self._split():
            self.count += 1
            if data is not None:
                if data.endswith(b"\r"):
                    self.returns += 1
                    data = data[:-1]
                if not data or data.isspace():
                    blank += 1
                    continue
            self.rows += 1
            self.first = self.first or self.count
            yield Line(self.count, data, blank)
            blank = 0

    def _split(self) -> Iterator[bytes | None]:
        """The bytes between line feeds; None for too many of them."""
        rest: list[bytes] = []
        held, skipping = 0, False
        while block := self._block():
            *whole, last = block.split(b"\n")
            for piece in whole:
                if skipping or held + len(piece) > self.cap:
                    yield None
                else:
                    yield b"".join([*rest, piece]) if rest else piece
                rest, held, skipping = [], 0, False
            held += len(last)
            if held > self.cap:
                rest, skipping = [], True
            elif last and not skipping:
                rest.append(last)
        if skipping or held:
            yield None if skipping else b"".join(rest)

    def _block(self) -> bytes:
        block = self.stream.read(BLOCK)
        if not self.size:
            while 0 < len(block) < 3 and (more := self.stream.read(BLOCK)):
                block += more
            self.wide = block.startswith(_WIDE)
            self.bom = block.startswith(_BOM)
        self.size += len(block)
        if self.bom and self.size == len(block):
            block = block[3:] or self._block()
        return block


@contextmanager
def opened(source: BinaryIO | Path | str) -> Iterator[BinaryIO]:
    """A stream of bytes: the one that was given, left open, or that of a file.

    Raises:
        InvalidInputError: the file cannot be read.
    """
    if not isinstance(source, str | Path):
        yield source
        return
    try:
        stream = open(source, "rb")  # noqa: SIM115
    except OSError as problem:
        said = problem.strerror or "it cannot be opened"
        raise InvalidInputError(f"{source} cannot be read: {said}.", hint="Name a file that is there.") from problem
    with stream:
        yield stream


def parse_line(line: Line, *, cap: int = MAX_LINE) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        BrokenLineError: there is none.
    """
    if line.data is None:
        message = f"The line is longer than {cap:,} bytes."
        raise BrokenLineError("too-long", message, "A row is one conversation: is a line break missing?")
    try:
        text = line.data.decode()
    except UnicodeDecodeError as problem:
        where = f"The line is not UTF-8 text (byte {problem.start + 1})."
        raise BrokenLineError("utf-8", where, "Save the file as UTF-8.") from None
    if "\0" in text:
        raise BrokenLineError("nul", "The line holds a NUL character.", "The file is damaged or not UTF-8 text.")
    if (depth := bracket_depth(outside_strings(line.data))) > MAX_DEPTH:
        message = f"The line is nested {depth:,} levels deep; at most {MAX_DEPTH} are read."
        raise BrokenLineError("depth", message, "Check for brackets that were never closed.")
    value = _parsed(text)
    if not isinstance(value, dict):
        raise BrokenLineError("object", "The line is no JSON object.", "Each line has one object in curly brackets.")
    return value


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except BrokenLineError:
        raise
    except json.JSONDecodeError as problem:
        message = f"The line is not JSON: {problem.msg} at column {problem.colno:,}."
        raise BrokenLineError("json", message, "Mend the text there.") from None
    except UnicodeEncodeError:
        raise BrokenLineError("utf-8", "The line holds half a character.", "Save the file as UTF-8.") from None
    except RecursionError:
        raise BrokenLineError("depth", "The line is nested too deeply.", "Close its brackets.") from None
    except ValueError:  # the interpreter's own limit for whole numbers
        raise BrokenLineError("number", "A number has thousands of digits.", "Write plain numbers.") from None
    return value


def _refuse(name: str) -> None:
    raise BrokenLineError("number", f"{name} is not a number in JSON.", "Write plain numbers.")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BrokenLineError("number", f"{text[:40]} is too large a number.", "Write plain numbers.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        message = f"The key {twice[:40]!r} stands twice in one object."
        raise BrokenLineError("duplicate-key", message, "Keep the one that is meant.")
    return result
