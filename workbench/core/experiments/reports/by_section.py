"""What differs between two pieces, gathered by the section that it is in: for a page that shows a section at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.core.experiments.reports.differences import Told
from workbench.core.music.structure import MusicStructure, section_measures

WHOLE = "The whole piece"
_SECTION = re.compile(r"/sections/(\d+)(?:/|$)")
_PHRASE = re.compile(r"/phrases/(\d+)")


@dataclass(frozen=True)
class Gathered:
    """The differences of one section, or of the piece as a whole, in the order of the piece.

    ``bars`` are the section's first and last one, from 1, in the piece that it is in.
    """

    title: str
    lines: tuple[Told, ...]
    bars: tuple[int, int] | None = None


def by_section(told: Iterable[Told], a: MusicStructure, b: MusicStructure) -> tuple[Gathered, ...]:
    """The differences of A and B by section: first those of the whole piece, then in the order in which they came."""
    found: dict[tuple[bool, int], list[Told]] = {}
    for each in told:
        at = _SECTION.match(each.path)
        # What is gone from a section that both have stands with the section; a section that is gone stands alone.
        alone = each.gone and each.element == "sections"
        number = _counterpart(int(at[1]), each, a, b) if at else -1
        found.setdefault((alone, number), []).append(each)
    first = sorted(found, key=lambda key: key[1] >= 0)  # stable: sections stay as they came
    return tuple(_gathered(key, found[key], a if key[0] else b) for key in first)


def place_in_section(told: Told) -> str:
    """Where in its section a difference is: ``Bars 5 to 6``, ``Phrase 2``, or nothing where it is about all of it."""
    if told.place.startswith("Bar"):
        return told.place
    phrase = _PHRASE.search(told.path)
    return f"Phrase {int(phrase[1]) + 1}" if phrase else ""


def _counterpart(at: int, told: Told, a: MusicStructure, b: MusicStructure) -> int:
    """The index in B of the section that a phrase is gone from; by name, since sections are matched so."""
    if not told.gone or told.element == "sections":
        return at
    name = a.sections[at].name if at < len(a.sections) else ""
    return next((index for index, section in enumerate(b.sections) if section.name == name), at)


def _gathered(key: tuple[bool, int], lines: list[Told], piece: MusicStructure) -> Gathered:
    alone, at = key
    if at < 0:
        return Gathered(WHOLE, tuple(lines))
    if at >= len(piece.sections):
        return Gathered(f"Section {at + 1}", tuple(lines))
    name = " ".join(piece.sections[at].name.split())[:60]
    first = 1 + sum(section_measures(each) for each in piece.sections[:at])
    last = first + section_measures(piece.sections[at]) - 1
    return Gathered(f"Section {name}{', only in A' if alone else ''}", tuple(lines), (first, last))
