"""What can be wrong with a text as JSON, counted by kind."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from workbench.core.generate.repairs import RepairLog

_MAX_TWICE = 500

WHY = {
    "json.comment": "JSON has no comments.",
    "json.extra-comma": "JSON has no comma there.",
    "json.missing-comma": "A comma was missing between two values.",
    "json.quotes": "JSON writes text in double quotes.",
    "json.missing-quote": "A quotation mark was never closed.",
    "json.inner-quotes": "Quotation marks inside a text were not escaped.",
    "json.escape": "A backslash stood before a character that needs none.",
    "json.unquoted": "Names and texts need quotation marks.",
    "json.literal": "JSON writes true, false and null.",
    "json.not-a-number": "NaN and Infinity are not numbers that JSON or music knows; nothing stands there now.",
    "json.number": "The number was not written as JSON writes numbers.",
    "json.missing-value": "A name had no value and was left out.",
    "json.missing-bracket": "A bracket was missing and was put where the next name or bracket asks for it.",
    "json.extra-bracket": "A closing bracket belonged to nothing.",
    "json.missing-colon": "A colon was missing between a name and its value.",
    "json.ellipsis": "Dots stand for something that was not written; they were left out.",
    "json.control-characters": "Line breaks and other control characters inside a text were not escaped.",
}


def _says_nothing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, dict | list) and not value)


class Twice(NamedTuple):
    """A name that stood twice in one object: the object, the name, and the value that was given up."""

    owner: dict[str, Any]
    name: str
    dropped: Any


class Problems:
    """What was wrong with a text as JSON: one entry a kind, with how often and the first place."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, str]] = {}
        self.twice: list[Twice] = []

    def note(self, kind: str, text: str, at: int) -> None:
        """Count a problem; the first one keeps its place as a sample."""
        count, sample = self.found.get(kind) or (0, text[max(0, at - 12) : at + 24])
        self.found[kind] = (count + 1, sample)

    def report(self, log: RepairLog) -> None:
        """One repair for each kind."""
        for kind, (count, sample) in self.found.items():
            times = f" ({count} times)" if count > 1 else ""
            log.add("", kind, " ".join(sample.split()), None, WHY[kind][:-1] + times + ".")

    def decoder(self) -> json.JSONDecoder:
        """A strict decoder, but for names that stand twice and for NaN, which it notes."""
        return json.JSONDecoder(object_pairs_hook=self._pairs, parse_constant=self._constant)

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            result = {}
            for name, value in pairs:
                self.put(result, name, value)
        return result

    def put(self, owner: dict[str, Any], name: str, value: Any, *, still_open: bool = False) -> None:
        """Set a member; of two with one name the last that says something is kept (one ``still_open`` may yet)."""
        if name in owner:
            empty = not still_open and _says_nothing(value)
            if len(self.twice) < _MAX_TWICE:
                self.twice.append(Twice(owner, name, value if empty else owner[name]))
            if empty:
                return
        owner[name] = value

    def _constant(self, name: str) -> None:
        self.note("json.not-a-number", name, 0)
