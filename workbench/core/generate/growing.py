"""Following an answer while it is written: which sections are complete, and the piece as far as it goes."""

from __future__ import annotations

import re

from workbench.core.errors import InvalidInputError
from workbench.core.generate.sanitize import sanitize
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

_MAX_DEPTH = 40
_LISTS = frozenset({"sections", "Sections"})
_THOUGHT = re.compile(r"<(/?)(think|thinking|thought|reasoning|scratchpad|analysis)>", re.IGNORECASE)


class SectionWatch:
    """Reads an answer piece by piece and counts the sections that are complete.

    ``end`` is the place in the text just behind the last complete one. What stands before the first bracket is passed
    over, and so are thoughts before the answer; an answer that is no JSON is never counted, and does no harm.
    """

    def __init__(self) -> None:
        self.complete = 0
        self.end = 0
        self.open_brackets = ""
        self._at = 0
        self._stack: list[tuple[str, str]] = []
        self._string: list[str] | None = None
        self._escaped = False
        self._last = ""
        self._name = ""
        self._tag = ""
        self._thinking = False
        self._thought = False

    def feed(self, piece: str) -> bool:
        """Read on; True when another section is complete."""
        before = self.complete
        for char in piece:
            self._at += 1
            if char == "<" or self._tag:
                self._in_tag(char)
            if self._thinking:
                continue
            if self._string is not None:
                self._in_string(char)
            elif char == '"' and self._stack:
                self._string = []
            elif char == ":":
                self._name = self._last
            elif char in "{[" and len(self._stack) < _MAX_DEPTH:
                self._stack.append((char, self._name))
                self._name = ""
            elif char in "}]" and self._stack:
                opened, _ = self._stack.pop()
                if opened == "{" and self._stack and self._stack[-1][0] == "[" and self._stack[-1][1] in _LISTS:
                    self.complete += 1
                    self.end = self._at
                    self.open_brackets = "".join("}" if kind == "{" else "]" for kind, _ in reversed(self._stack))
        return self.complete > before

    def _in_tag(self, char: str) -> None:
        """A thought begins before the first bracket; what was closed but never opened was one, too."""
        self._tag = char if char == "<" else self._tag + char
        if char != ">" and len(self._tag) < 16:
            return
        found, self._tag = _THOUGHT.fullmatch(self._tag), ""
        if found is None:
            return
        if not found[1]:
            self._thinking = self._thinking or not self._stack
        elif self._thinking or not self._thought:
            self._thinking, self._thought = False, True
            self.complete, self.end, self._stack, self._string, self._escaped = 0, 0, [], None, False

    def _in_string(self, char: str) -> None:
        assert self._string is not None
        if self._escaped:
            self._escaped = False
        elif char == "\\":
            self._escaped = True
        elif char == '"':
            self._last = "".join(self._string)
            self._string = None
        elif len(self._string) < 40:
            self._string.append(char)


def as_far_as_it_goes(text: str, watch: SectionWatch, request: Request | None = None) -> MusicStructure | None:
    """The piece of the complete sections of an unfinished answer; None where there is none yet."""
    if not watch.complete:
        return None
    return complete_part(text[: watch.end] + watch.open_brackets, request)


def complete_part(text: str, request: Request | None = None) -> MusicStructure | None:
    """The piece that an answer holds although it broke off; None where it holds none."""
    try:
        return sanitize(text, request=request).structure
    except InvalidInputError:
        return None


def salvaged(text: str, request: Request | None = None) -> MusicStructure | None:
    """What was complete of an answer that will not go on; None where no section was."""
    watch = SectionWatch()
    watch.feed(text)
    return as_far_as_it_goes(text, watch, request)
