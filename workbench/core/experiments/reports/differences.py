"""What differs between two pieces, said in a line each: ``Section B, phrase 2: cadence HC instead of PAC``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.core.music.differences import Difference, differences
from workbench.core.music.structure import MusicStructure
from workbench.core.render.labels import numeral_text

UNTOLD = frozenset({"title", "version", "reasoning", "functions"})
"""Kinds that say nothing of the music."""
_KINDS = {
    "chords": "chords", "chord-lengths": "chord lengths", "tune": "tune", "motif": "motif", "measures": "measures",
    "length": "measures", "phrases": "phrases",
}  # fmt: skip
_PLACE = re.compile(r"/sections/(\d+)(?:/phrases/(\d+))?")
_MAX_VALUE = 60


@dataclass(frozen=True)
class Told:
    """One element that differs. ``element`` is a word to filter by (``cadence``, ``key``, ``chords`` …), ``path`` a
    JSON pointer into B's structure, for what B lacks (``gone``) into A's; ``bars`` the first and last bar, from 1."""

    element: str
    place: str
    words: str
    path: str
    bars: tuple[int, int] | None = None
    gone: bool = False

    @property
    def line(self) -> str:
        """Place and words."""
        return f"{self.place}: {self.words}" if self.place else f"{self.words[:1].upper()}{self.words[1:]}"


def told_differences(a: MusicStructure, b: MusicStructure) -> tuple[Told, ...]:
    """What B has instead of A, in the order of the piece; at most as many as ``music.differences`` finds."""
    return tuple(_told(a, b))


def _told(a: MusicStructure, b: MusicStructure) -> Iterator[Told]:
    for each in differences(a, b):
        if each.kind not in UNTOLD and not each.path.endswith(
            "/melody"
        ):  # none, or one without a motif: as good as none
            yield _one(each, a, b)


def _one(found: Difference, a: MusicStructure, b: MusicStructure) -> Told:
    element, _, change = found.kind.partition("-")
    if change in ("added", "removed"):
        what = f"{element} {_value(found.after if change == 'added' else found.before)}"
        words = f"{what} {'is new' if change == 'added' else 'is missing'}"
        place = "" if element != "phrase" else _place(found, a if change == "removed" else b, phrase=False)
        return Told(f"{element}s", place, words, found.path, found.bars, gone=change == "removed")
    kind = _KINDS.get(found.kind, found.kind)
    if found.kind in ("chords", "tune", "chord-lengths") and found.bars is not None:
        return Told(kind, _bars(found.bars), _instead(found, kind), found.path, found.bars)
    return Told(kind, _place(found, b), _instead(found, kind), found.path, found.bars)


def _instead(found: Difference, kind: str) -> str:
    before, after = found.before, found.after
    if kind == "tune":
        before, after = _notes(before, after)
    elif kind == "chords":
        before, after = ([numeral_text(each) for each in some or ()] for some in (before, after))
        kind = "chord" if max(len(before), len(after)) == 1 else kind
    if not before and before != 0:
        return f"{kind} {_value(after)}, not there before" if kind != "chord" else f"chord {_value(after)} is new"
    if not after and after != 0:
        return f"{kind} {_value(before)} is missing"
    return f"{kind} {_value(after)} instead of {_value(before)}"


def _place(found: Difference, piece: MusicStructure, *, phrase: bool = True) -> str:
    place = _PLACE.match(found.path)
    if place is None:
        return ""
    at = int(place[1])
    name = piece.sections[at].name if at < len(piece.sections) else str(at + 1)
    number = f", phrase {int(place[2]) + 1}" if phrase and place[2] else ""
    return f"Section {_value(name)}{number}"


def _bars(bars: tuple[int, int]) -> str:
    first, last = bars
    return f"Bar {first}" if first == last else f"Bars {first} to {last}"


def _notes(before: Any, after: Any) -> tuple[Any, Any]:
    """The degrees of two tunes; the lengths, where only these differ."""
    if not all(each is None or isinstance(each, list | tuple) for each in (before, after)):
        return before, after
    degrees, lengths = ([[note[at] for note in each or ()] for each in (before, after)] for at in (0, 1))
    if degrees[0] != degrees[1]:
        return degrees[0], degrees[1]
    return ["lengths", *lengths[0]], ["lengths", *lengths[1]]


def _value(value: Any) -> str:
    """A value as it stands in a line of text: plain, and never long."""
    if isinstance(value, Mapping) and isinstance(value.get("degrees"), list | tuple):
        value = value["degrees"]
    elif isinstance(value, Mapping) and value.get("ref"):
        value = [each for each in (value["ref"], value.get("transformation")) if each]
    if isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, list | tuple) and not any(isinstance(item, list | tuple | dict) for item in value):
        text = " ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in value)
    elif value is None or value == "":
        text = "none"
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"
