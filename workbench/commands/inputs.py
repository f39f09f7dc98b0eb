"""Reading what a person names on the command line: never more than may be read, and every failure in words."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from workbench.core.errors import InputTooLargeError, InvalidInputError

STDIN = "-"
MAX_BYTES = 1_000_000
"""As in ``core.music.reading`` (a test holds the two together): importing that takes long, and --help needs none."""


class Line(NamedTuple):
    """One line of a ``.jsonl``: its number (from 1) and its bytes, None where it is longer than may be read."""

    number: int
    data: bytes | None


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """A file or, for ``-``, standard input.

    Raises:
        InvalidInputError: there is no such file, it is a folder, or it may not be read.
    """
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        handle = open(name, "rb")  # noqa: SIM115 - closed below, and only opening it is to be explained
    except IsADirectoryError:
        raise InvalidInputError(f"{name} is a folder.", hint="Name a file in it.") from None
    except FileNotFoundError:
        raise InvalidInputError(f"{name} does not exist.", hint="Check the path.") from None
    except PermissionError:
        raise InvalidInputError(f"{name} may not be read.", hint="Check the file's permissions.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise InvalidInputError(f"{name} cannot be opened: {reason}.", hint="Check the path.") from None
    with handle:
        yield handle


def read_one(name: str) -> bytes:
    """All of a file or of standard input, at most 1 MB: never more is read, however long the file is.

    Raises:
        InvalidInputError: the file cannot be read, is empty or is too large.
    """
    with opened(name) as handle:
        data = handle.read(MAX_BYTES + 1)
    shown = "standard input" if name == STDIN else name
    if len(data) > MAX_BYTES:
        raise InputTooLargeError(
            f"{shown} is longer than {MAX_BYTES:,} bytes.",
            hint="Give one piece at a time; many requests belong in a .jsonl file, one a line.",
        )
    if not data.strip():
        raise InvalidInputError(f"{shown} is empty.", hint="Give a JSON object.")
    return data


def is_many(name: str) -> bool:
    """Whether a file's name says that it holds one request a line."""
    return Path(name).suffix.lower() in {".jsonl", ".ndjson"}


def read_lines(name: str) -> Iterator[Line]:
    """The lines of a ``.jsonl`` that are not blank, one at a time; a line that is too long is passed over, not read."""
    with opened(name) as handle:
        number = 0
        while line := handle.readline(MAX_BYTES + 2):
            number += 1
            if len(line.rstrip(b"\r\n")) > MAX_BYTES:
                while line and not line.endswith(b"\n"):
                    line = handle.readline(MAX_BYTES)
                yield Line(number, None)
            elif line.strip(b" \t\r\n\xef\xbb\xbf"):
                yield Line(number, line)


def count_lines(name: str) -> int:
    """How many lines a ``.jsonl`` has, blank ones included: for the progress bar."""
    with opened(name) as handle:
        return sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b"")) or 1
