"""The coverage map: what a library holds by form, period and mood, how good it is, and what it lacks.

Moods are the nine words of ``music.moods``: thirds of valence by thirds of arousal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from statistics import mean
from typing import Any, NamedTuple, cast

from workbench.core.library.examples import Example
from workbench.core.music.forms import FORM_IDS, FORMS, PERIODS
from workbench.core.music.moods import WORDS, mood_word
from workbench.core.music.request import Period, Request

MOODS: tuple[str, ...] = tuple(word for row in WORDS for word in row)
"""The nine words, from aroused to calm, in each row from dark to bright."""
DURATION = 60.0
"""Seconds that a piece which fills a hole should last."""

_PLACES = {
    word: (round(-2 / 3 + column * 2 / 3, 2), round(5 / 6 - row / 3, 2))
    for row, words in enumerate(WORDS)
    for column, word in enumerate(words)
}


class Cell(NamedTuple):
    """One form in one period and mood."""

    form: str
    period: str
    mood: str

    @property
    def name(self) -> str:
        """The cell in words: ``agitated rondo, baroque``."""
        title = FORMS[self.form].title.split(" (")[0] if self.form in FORMS else self.form
        return f"{self.mood} {title.lower()}, {self.period}"

    @property
    def request(self) -> Request:
        """What to ask for, so that a piece falls into the cell: the middle of its mood; key and meter stay open."""
        valence, arousal = _PLACES[self.mood]
        return Request(
            form=self.form, period=cast(Period, self.period), valence=valence, arousal=arousal, duration=DURATION
        )


@dataclass(frozen=True)
class Held:
    """What a library has of something: how many pieces, their ids, and findings a piece where they were counted."""

    count: int
    ids: tuple[str, ...]
    findings: float | None


class Hole(NamedTuple):
    """A cell without an example. ``distance`` is how far the nearest example lies, in thirds of the plane of moods;
    None where the library has none of this form in this period at all."""

    cell: Cell
    distance: int | None

    @property
    def words(self) -> str:
        """What is missing, in a sentence."""
        reach = {None: "none of this form and period", 1: "the next mood is there"}
        return f"There is no {self.cell.name}: {reach.get(self.distance, 'none of a mood near it')}."


@dataclass(frozen=True)
class Coverage:
    """The map. ``cells`` has every cell; ``outside`` the ids of those with a form or period that has no place in it."""

    cells: Mapping[Cell, Held]
    total: int
    outside: tuple[str, ...] = ()
    quality: float | None = None
    """Findings a piece in the whole library, where they were counted."""
    _findings: Mapping[str, float] = field(default_factory=dict, repr=False)

    @property
    def holes(self) -> tuple[Hole, ...]:
        """What is missing, the emptiest corners first: whole forms of a period, then moods far from any other that is
        there, then moods that are rare in the whole library."""
        found = [Hole(cell, self._distance(cell)) for cell, held in self.cells.items() if not held.count]
        rare = {mood: self.held(mood=mood).count for mood in MOODS}
        far = {hole: 9 if hole.distance is None else hole.distance for hole in found}
        return tuple(sorted(found, key=lambda hole: (-far[hole], rare[hole.cell.mood])))

    @property
    def filled(self) -> float:
        """The share of cells with an example, 0 to 1."""
        return sum(held.count > 0 for held in self.cells.values()) / len(self.cells)

    def held(self, *, form: str | None = None, period: str | None = None, mood: str | None = None) -> Held:
        """What the library has of a form, a period, a mood, or of several at once."""
        wanted = (form, period, mood)
        ids = [
            id
            for cell, held in self.cells.items()
            if all(one in (None, other) for one, other in zip(wanted, cell, strict=True))
            for id in held.ids
        ]
        return _held(sorted(ids), self._findings)

    def to_dict(self) -> dict[str, Any]:
        """The map as plain JSON: only the cells that hold something, and the holes with their requests."""
        return {
            "total": self.total,
            "filled": round(self.filled, 4),
            "findings": self.quality,
            "cells": [
                {**cell._asdict(), "count": held.count, "ids": list(held.ids), "findings": held.findings}
                for cell, held in self.cells.items()
                if held.count
            ],
            "holes": [{**hole.cell._asdict(), "request": hole.cell.request.to_dict()} for hole in self.holes],
            "outside": list(self.outside),
        }

    def _distance(self, cell: Cell) -> int | None:
        row, column = divmod(MOODS.index(cell.mood), 3)
        near = [
            max(abs(row - at // 3), abs(column - at % 3))
            for at, mood in enumerate(MOODS)
            if self.cells[cell._replace(mood=mood)].count
        ]
        return min(near, default=None)


def coverage(examples: Iterable[Example], findings: Mapping[str, float] | None = None) -> Coverage:
    """Count a library by form, period and mood.

    An example's mood is that of its request, its period that of its structure or else of its request. ``findings`` are
    the numbers of errors and warnings by id; pieces that are not in it have no quality.
    """
    told = dict(findings or {})
    known = {example.id: example for example in examples}
    found: dict[Cell, list[str]] = {Cell(*place): [] for place in product(FORM_IDS, PERIODS, MOODS)}
    outside: list[str] = []
    for id in sorted(known):
        cell = cell_of(known[id])
        if cell in found:
            found[cell].append(id)
        else:
            outside.append(id)
    cells = {cell: _held(ids, told) for cell, ids in found.items()}
    return Coverage(cells, len(known), tuple(outside), _held(sorted(known), told).findings, told)


def cell_of(example: Example) -> Cell:
    """Where an example belongs; a form or period that the map does not have is told as it is."""
    structure, request = example.structure, example.request
    return Cell(structure.form, structure.period or request.period or "", mood_word(request.valence, request.arousal))


def _held(ids: Iterable[str], findings: Mapping[str, float]) -> Held:
    held = tuple(ids)
    counted = [findings[id] for id in held if id in findings]
    return Held(len(held), held, round(mean(counted), 2) if counted else None)
