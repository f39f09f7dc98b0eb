"""Lines that say the same: twice in one file, or in two files, told by digests in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from workbench.core.datasets.faults import MAX_TOLD, Fault
from workbench.core.datasets.files.formats import detect
from workbench.core.datasets.files.line_check import Seen, said_in, seen_in
from workbench.core.datasets.files.lines import BrokenLineError, Lines, opened, parse_line

MAX_KEPT = 1_000_000
"""Conversations that are remembered; about 200 MB."""


class Twice:
    """Remembers conversations and prompts by digest, each with its first line; when it is full it says so once."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self.most = most
        self.full = False
        self._whole: dict[bytes, int] = {}
        self._prompts: dict[bytes, int] = {}

    def find(self, seen: Seen) -> Fault | None:
        """What a line repeats; the line is remembered."""
        line, whole, prompt = seen
        first, asked = self._whole.get(whole), self._prompts.get(prompt)
        if first is not None:
            hint = "Take one of them out."
            return Fault("row.duplicate", "error", f"The same row is on line {first}.", hint, line=line)
        if len(self._whole) < self.most:
            self._whole[whole] = line
            self._prompts.setdefault(prompt, line)
        elif not self.full:
            self.full = True
            message = f"From here on, rows are compared with the first {self.most:,} alone."
            return Fault("file.many-rows", "warning", message, "Split the file to find every duplicate.", line=line)
        if asked is not None:
            hint = "Keep both only if two answers to one question are meant."
            message = f"The same prompt has another answer on line {asked}."
            return Fault("row.same-prompt", "warning", message, hint, line=line)
        return None


class Shared(NamedTuple):
    """Lines of two files that say the same: the whole conversation, or only the prompt."""

    line: int
    other: int
    whole: bool


class Overlap(NamedTuple):
    """What two files share: rows of the second whose whole conversation, or only whose prompt, is in the first.

    ``told`` holds the first hundred; ``complete`` is False where the first file has more rows than are remembered.
    """

    rows: int
    prompts: int
    told: tuple[Shared, ...]
    complete: bool


def overlap(one: BinaryIO | Path | str, other: BinaryIO | Path | str, *, most: int = MAX_KEPT) -> Overlap:
    """What the sound lines of two files have in common, whatever formats they are in.

    Raises:
        InvalidInputError: a file cannot be read.
    """
    whole: dict[bytes, int] = {}
    prompts: dict[bytes, int] = {}
    complete = True
    for seen in _sound(one):
        if len(whole) < most:
            whole.setdefault(seen.whole, seen.line)
            prompts.setdefault(seen.prompt, seen.line)
        else:
            complete = False
    rows = asked = 0
    told: list[Shared] = []
    for seen in _sound(other):
        same = whole.get(seen.whole)
        first = same if same is not None else prompts.get(seen.prompt)
        if first is None:
            continue
        rows, asked = (rows + 1, asked) if same is not None else (rows, asked + 1)
        if len(told) < MAX_TOLD:
            told.append(Shared(first, seen.line, same is not None))
    return Overlap(rows, asked, tuple(told), complete)


def _sound(source: BinaryIO | Path | str) -> Iterator[Seen]:
    with opened(source) as stream:
        for line in Lines(stream):
            try:
                value = parse_line(line)
            except BrokenLineError:
                continue
            name = detect(value)
            said = said_in(value, name) if name else None
            if said is not None:
                yield seen_in(said, line.number)
