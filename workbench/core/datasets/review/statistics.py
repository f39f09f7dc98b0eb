"""What a dataset holds, counted piece by piece and put together from the counts of many processes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

from workbench.core.library.coverage import MOODS, Cell, Coverage, Held
from workbench.core.music.cadences import CADENCE_TYPES
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS, Key, Mode
from workbench.core.music.numerals import normalize_figure
from workbench.core.music.structure import MusicStructure, Section

TITLES = {
    "cells": "Form, period and mood",
    "forms": "Forms",
    "periods": "Periods",
    "modes": "Modes",
    "moods": "Moods",
    "keys": "Home keys",
    "local_keys": "Keys of sections",
    "cadences": "Cadences",
    "last_cadence": "Last cadences",
    "phrase_lengths": "Phrase lengths in bars",
    "chords": "Chords",
    "meters": "Meters",
    "seconds": "Seconds",
    "tokens": "Tokens",
    "measures": "Bars",
}
"""What is counted, with a title for people."""
NAMES = tuple(TITLES)
SEVERAL = frozenset({"local_keys", "cadences", "phrase_lengths", "chords"})
"""Names that a piece counts towards more than once."""
EDGES = {
    "seconds": (15, 30, 45, 60, 90, 120, 180, 240, 300, 600),
    "tokens": (500, 1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 16_000, 32_000, 64_000),
    "measures": (8, 16, 24, 32, 48, 64, 96, 128, 192, 256),
}
"""Where the bins of a measured name begin; the first begins at 0, the last has no end."""
BETWEEN = "|"
"""What stands between the parts of a category: ``rondo|baroque|agitated``, ``minor|V7``."""
OTHERS = "others"
MIN_EXPECTED = 5.0
"""Below this an expected count is too small for the chi-square test (Cochran 1954)."""
SIGNIFICANT = 0.05
ORDERS = {
    "forms": FORM_IDS,
    "periods": PERIODS,
    "modes": ("major", "minor"),
    "moods": MOODS,
    "keys": tuple(key.name for key in ALL_KEYS),
    "cadences": CADENCE_TYPES,
    "last_cadence": CADENCE_TYPES,
}
"""The known categories of a name, in the order to draw them."""

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")


@dataclass
class Counts:
    """How often each category of each of ``NAMES`` occurs, and in how many pieces that was counted."""

    pieces: int = 0
    tallies: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in NAMES})

    def add(self, structure: MusicStructure, *, mood: str, seconds: float, tokens: int, period: str = "") -> None:
        """Count one more piece.

        ``mood`` is a word of ``music.moods``, ``seconds`` as performed; ``period`` is for a piece that names none.
        """
        tallies, home = self.tallies, structure.tonality
        period = structure.period or period
        self.pieces += 1
        tallies["cells"][BETWEEN.join((structure.form, period, mood))] += 1
        tallies["forms"][structure.form] += 1
        tallies["periods"][period] += 1
        tallies["modes"][home.mode] += 1
        tallies["moods"][mood] += 1
        tallies["keys"][structure.key] += 1
        tallies["meters"][structure.time_signature] += 1
        for name, value in (("seconds", seconds), ("tokens", tokens), ("measures", structure.measures)):
            tallies[name][bin_of(name, value)] += 1
        last = None
        for section in structure.sections:
            last = self._add_section(section, home) or last
        if last:
            tallies["last_cadence"][last] += 1

    def _add_section(self, section: Section, home: Key) -> str | None:
        key, phrases = section.tonality, section.phrases or ()
        self.tallies["local_keys"][f"{home.mode}{BETWEEN}{degree_of(key, home)}"] += 1
        self.tallies["phrase_lengths"].update(str(phrase.measures) for phrase in phrases)
        closes: list[str] = [phrase.cadence for phrase in phrases if phrase.cadence]
        if not closes and section.cadence:
            closes = [section.cadence]
        self.tallies["cadences"].update(closes)
        figures = [figure for phrase in phrases for figure in phrase.chords or ()] or section.chord_progression
        chords = self.tallies["chords"]
        for figure, count in Counter(figures).items():
            chords[_chord(figure, key.mode)] += count
        return closes[-1] if closes else None

    def merge(self, other: Counts) -> None:
        """Take in what another process has counted."""
        self.pieces += other.pieces
        for name in NAMES:
            self.tallies[name].update(other.tallies[name])

    def ordered(self, name: str) -> dict[str, int]:
        """The categories of a name in the order to draw them: as they are known, by size, or the most frequent first.

        Known categories that do not occur are there with 0; so are the empty bins between others.
        """
        tally = self.tallies[name]
        if name in EDGES:
            known = _within(bins(name), tally)
        elif name == "phrase_lengths":
            lengths = sorted(map(int, tally))
            # A single phrase of 300 bars must not make 300 columns.
            whole = range(lengths[0], min(lengths[-1], 24) + 1) if lengths else ()
            known = [str(length) for length in sorted({*whole, *lengths})]
        else:
            known = list(ORDERS.get(name, ()))
        rest = sorted(tally.keys() - set(known), key=lambda category: (-tally[category], category))
        return {category: tally[category] for category in [*known, *rest]}

    def by_mode(self, name: str) -> dict[str, dict[str, int]]:
        """``chords`` or ``local_keys`` in major and in minor, the most frequent first."""
        found: dict[str, dict[str, int]] = {"major": {}, "minor": {}}
        for category, count in self.ordered(name).items():
            mode, _, rest = category.partition(BETWEEN)
            found[mode][rest] = count
        return found

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, the same for the same counts."""
        return {"pieces": self.pieces, **{name: dict(sorted(self.tallies[name].items())) for name in NAMES}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counts:
        """The counts of a JSON object that ``to_dict`` made; names that it does not have are empty."""
        return cls(int(data["pieces"]), {name: Counter(data.get(name, {})) for name in NAMES})


def count_piece(structure: MusicStructure, *, mood: str, seconds: float, tokens: int) -> Counts:
    """The counts of one piece, to be merged with others."""
    counts = Counts()
    counts.add(structure, mood=mood, seconds=seconds, tokens=tokens)
    return counts


@lru_cache(maxsize=8)
def bins(name: str) -> tuple[str, ...]:
    """The bins of ``seconds``, ``tokens`` or ``measures`` in words, in order: ``30 to 45``."""
    edges = EDGES[name]
    between = [f"{low:,} to {high:,}" for low, high in pairwise(edges)]
    return (f"under {edges[0]:,}", *between, f"{edges[-1]:,} or more")


def bin_of(name: str, value: float) -> str:
    """The bin that a value lies in; one on an edge lies in the bin that begins there."""
    return bins(name)[bisect_right(EDGES[name], value)]


@lru_cache(maxsize=1024)
def degree_of(key: Key, home: Key) -> str:
    """A key as the home key sees it, major in capitals: ``V``, ``vi``, ``bVI``; in minor ``III`` is the relative."""
    usual = {(1, -1), (3, 1), (4, -1), *((number, 1 if home.is_minor else -1) for number in (2, 5, 6))}
    found = []
    for number, tone in enumerate(home.scale):
        # Keys beyond seven accidentals are respelled: in A flat major, E major is bVI.
        for respelled in (0, -12, 12):
            alter, between = divmod(key.tonic + respelled - tone, 7)
            if not between:
                found.append((abs(alter), bool(alter) and (number, alter) not in usual, respelled != 0, number, alter))
    *_, number, alter = min(found)
    numeral = _NUMERALS[number]
    return ("b" * -alter if alter < 0 else "#" * alter) + (numeral.lower() if key.is_minor else numeral)


@lru_cache(maxsize=8192)
def _chord(figure: str, mode: Mode) -> str:
    return f"{mode}{BETWEEN}{normalize_figure(figure, mode)}"


def _within(known: tuple[str, ...], tally: Mapping[str, int]) -> list[str]:
    held = [at for at, category in enumerate(known) if tally.get(category)]
    return list(known[held[0] : held[-1] + 1]) if held else []


class Shift(NamedTuple):
    """A category and its share, 0 to 1, before and after."""

    category: str
    before: float
    after: float

    def __str__(self) -> str:
        name = self.category.replace(BETWEEN, " ") or "not told"
        return f"{name} {100 * self.before:.1f} % to {100 * self.after:.1f} %"


@dataclass(frozen=True)
class Moved:
    """How far a distribution moved. ``distance`` is the total variation distance, 0 (the same) to 1 (nothing shared).

    ``p`` is how often chance alone would move it as far, corrected for there being several distributions (Benjamini and
    Hochberg 1995); None where there is too little to tell.
    """

    name: str
    distance: float
    shifts: tuple[Shift, ...]
    p: float | None

    @property
    def noise(self) -> bool | None:
        """Whether chance alone explains it; None where there is too little to tell."""
        return None if self.p is None else self.p >= SIGNIFICANT

    @property
    def verdict(self) -> str:
        """Whether chance alone explains it, in words."""
        return {None: "too few to tell from noise", True: "within noise", False: "more than noise"}[self.noise]

    @property
    def words(self) -> str:
        """The move in a sentence."""
        shifts = ", ".join(map(str, self.shifts))
        return f"{TITLES[self.name]} moved by {100 * self.distance:.1f} %, {self.verdict}: {shifts}."


def moved(before: Counts, after: Counts, *, most: int = 3, sources: tuple[int, int] | None = None) -> list[Moved]:
    """What moved in the distributions between two versions: what is more than noise first, then the farthest first.

    Whether it is more than noise is a chi-square test of homogeneity with each side's counts scaled to as many as there
    are independent ``sources`` (the pieces, when nobody says), since phrases and chords of a piece are alike and the
    variants of a piece are one source: the design effect of Kish (1965) at its worst. Versions that share rows move
    less by chance than the test allows for, so it errs towards "within noise".
    """
    sizes = sources or (before.pieces, after.pieces)
    found = []
    for name in NAMES:
        one, other = before.tallies[name], after.tallies[name]
        distance, shifts = _distance(one, other)
        if distance > 0:
            found.append((name, distance, shifts[:most], _homogeneity(one, other, sizes)))
    ps = iter(_corrected([p for *_, p in found if p is not None]))
    told = [Moved(name, distance, shifts, None if p is None else next(ps)) for name, distance, shifts, p in found]
    return sorted(told, key=lambda each: (each.noise is not False, -each.distance))


def _distance(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[float, tuple[Shift, ...]]:
    one, other = sum(before.values()), sum(after.values())
    if not one or not other:
        return 0.0, ()
    shares = [
        Shift(category, before.get(category, 0) / one, after.get(category, 0) / other)
        for category in sorted(before.keys() | after.keys())
    ]
    shifts = [shift for shift in shares if shift.before != shift.after]
    shifts.sort(key=lambda shift: -abs(shift.after - shift.before))
    return sum(abs(shift.after - shift.before) for shift in shifts) / 2, tuple(shifts)


def _homogeneity(before: Mapping[str, int], after: Mapping[str, int], sizes: tuple[int, int]) -> float | None:
    categories = sorted(before.keys() | after.keys())
    table = np.array([[side.get(category, 0) for category in categories] for side in (before, after)], float)
    totals = table.sum(axis=1, keepdims=True)
    table *= np.minimum(1, np.array(sizes, float)[:, None] / totals)
    merged = _merged(table)
    if merged is None:
        return None
    from scipy.stats import chi2_contingency

    return float(chi2_contingency(merged, correction=False).pvalue)


def _merged(table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """The table with its rarest categories in one, until every expected count is large enough."""
    table = table[:, np.argsort(-table.sum(axis=0), kind="stable")]
    share = float(table.sum(axis=1).min() / table.sum())
    while table.shape[1] >= 2:
        if table.sum(axis=0).min() * share >= MIN_EXPECTED:
            return table
        table = np.column_stack([table[:, :-2], table[:, -2:].sum(axis=1)])
        table = table[:, np.argsort(-table.sum(axis=0), kind="stable")]
    return None


def _corrected(ps: list[float]) -> Iterator[float]:
    if not ps:
        return iter(())
    from scipy.stats import false_discovery_control

    return iter(false_discovery_control(ps).tolist())


class CellCoverage(Coverage):
    """A coverage map of counts alone: its cells know how many pieces they hold, not which."""

    def held(self, *, form: str | None = None, period: str | None = None, mood: str | None = None) -> Held:
        """How many pieces there are of a form, a period, a mood, or of several at once."""
        wanted = (form, period, mood)
        places = (cell for cell in self.cells if all(a in (None, b) for a, b in zip(wanted, cell, strict=True)))
        return Held(sum(self.cells[cell].count for cell in places), (), None)


def coverage_of_cells(cells: Mapping[str, int]) -> CellCoverage:
    """The coverage map of ``Counts.tallies["cells"]``; its ``holes`` say in words what is missing.

    ``outside`` names the cells whose form, period or mood has no place in the map.
    """
    found = {Cell(*place): 0 for place in product(FORM_IDS, PERIODS, MOODS)}
    outside = []
    for name, count in sorted(cells.items()):
        *form, period, mood = name.split(BETWEEN)
        cell = Cell(BETWEEN.join(form), period, mood)
        if cell in found:
            found[cell] += count
        else:
            outside.append(name)
    held = {cell: Held(count, (), None) for cell, count in found.items()}
    return CellCoverage(held, sum(cells.values()), tuple(outside))
