"""From tokens to text while they come: whole characters only, and nothing of what is to end the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_HALF = "\ufffd"
_PATIENCE = 64
"""Tokens after which text is told even if it seems to end within a character: it is noise."""


class Decoder:
    """The text of a growing list of tokens, piece by piece.

    What a token says may depend on the one before it (a leading space, half a character), so a few are always decoded
    together and only what is new is given.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._before: list[int] = []
        self._new: list[int] = []
        self._told = 0

    def add(self, tokens: Sequence[int]) -> str:
        """What these tokens say, but for a character that is not whole yet."""
        self._new += tokens
        text = self._text()
        whole = text.rstrip(_HALF)
        if (text and whole == text) or len(self._new) > _PATIENCE:
            return self._settled(text)
        told, self._told = self._told, max(self._told, len(whole))
        return whole[told:]

    def end(self) -> str:
        """What is left, whole or not."""
        return self._settled(self._text()) if self._new else ""

    def _settled(self, text: str) -> str:
        said = text[self._told :]
        self._before, self._new, self._told = self._new, [], 0
        return said

    def _text(self) -> str:
        return self._decode(self._before + self._new)[len(self._decode(self._before)) :]


class Stops:
    """Holds text back as long as it may be the beginning of a text that ends the answer."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self._held = ""
        self.found = False

    def add(self, text: str) -> str:
        """What may be told of the answer now; ``found`` says that it has ended."""
        self._held += text
        ends = [place for stop in self._stops if (place := self._held.find(stop)) >= 0]
        self.found = bool(ends)
        keep = len(self._held) - min(ends) if ends else self._begun()
        told = self._held[: len(self._held) - keep]
        self._held = "" if ends else self._held[len(told) :]
        return told

    def end(self) -> str:
        """What was held back and turned out to be no end."""
        told, self._held = self._held, ""
        return told

    def _begun(self) -> int:
        """Characters at the end that a stop begins with."""
        longest = 0
        for stop in self._stops:
            for length in range(min(len(stop) - 1, len(self._held)), longest, -1):
                if stop.startswith(self._held[-length:]):
                    longest = length
                    break
        return longest
