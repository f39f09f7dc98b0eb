"""Ideas and how phrases are made of them.

An idea is one or two bars of rhythm with, once it has been heard, its line. A phrase is sketched bar by bar: statements
of the idea, sequences of its head, free bars in related rhythms, and the close. The sketch says which notes there are
and how each would like to move; ``tunes`` finds the pitches.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from workbench.core.compose.rhythms import Rhythm, bar_rhythm, closing_bar, fit, loosened
from workbench.core.compose.tunes import Slot
from workbench.core.music.cadences import CadenceType
from workbench.core.music.degrees import parse_degree
from workbench.core.music.meters import Meter
from workbench.core.music.structure import Motif

# Openings that themes are known by, as moves in scale steps: (after Gjerdingen 2007 and the usual triadic heads).
_GESTURES: tuple[tuple[int, ...], ...] = (
    (2, 2, -1, -1),
    (1, 1, 2, -1),
    (-1, -1, 2, 1),
    (0, 1, 1, -2),
    (3, -1, -1, 0),
    (2, -1, -1, -1),
    (-2, -2, 1, 1),
    (1, -1, -1, 2),
    (4, -1, -1, -1),
    (-1, 1, 2, -1),
    (1, 1, 1, -2),
    (-1, -1, -1, 3),
    (0, 0, 2, -1),
    (2, 2, 3, -1),
)
_INTENSE = frozenset({"continuation", "fortspinnung", "fragmentation", "standing-on-the-dominant"})


class Idea(NamedTuple):
    """A basic idea: bars of rhythm, moves for its opening, and its line (positions, None for rests) once written."""

    bars: tuple[Rhythm, ...]
    gesture: tuple[int, ...]
    line: tuple[int | None, ...] = ()
    given: bool = False

    @property
    def notes(self) -> int:
        """Notes and rests in the idea."""
        return sum(len(bar) for bar in self.bars)


class Palette(NamedTuple):
    """What a theme is made of: its ideas by name (``m1``, ``m2``) and bars of related rhythm for the rest."""

    ideas: dict[str, Idea]
    free: tuple[Rhythm, ...]
    busy: tuple[Rhythm, ...]


def make_palette(
    meter: Meter, density: float, rng: random.Random, *, cells: Sequence[Motif] = (), dotted: float = 1.0
) -> Palette:
    """Ideas of a certain density (notes to the beat); ``cells`` are motifs that the first ideas must be made of."""
    ideas: dict[str, Idea] = {}
    gestures = rng.sample(_GESTURES, 2)
    for number in range(2):
        name = f"m{number + 1}"
        cell = cells[number] if number < len(cells) else None
        if cell is not None:
            ideas[name] = idea_of(cell, meter, density, rng)
            continue
        level = density if number == 0 else max(0.5, density * rng.choice((0.7, 1.25)))
        first = bar_rhythm(meter, level, rng, dotted=dotted)
        for _ in range(6):
            if len(first) > 1:
                break
            first = bar_rhythm(meter, level + 0.5, rng, dotted=dotted)
        second = bar_rhythm(meter, level * 0.8, rng, dotted=dotted)
        ideas[name] = Idea((first, second), gestures[number])
    own = [bar for idea in ideas.values() for bar in idea.bars]
    free = (own[0], own[1], loosened(own[0], meter, rng), own[0], bar_rhythm(meter, density, rng, dotted=dotted))
    busy = tuple(bar_rhythm(meter, density * 1.5 + 0.3, rng, dotted=dotted) for _ in range(2))
    return Palette(ideas, free, busy)


def idea_of(cell: Motif, meter: Meter, density: float, rng: random.Random) -> Idea:
    """An idea made of a given motif: its rhythm fitted to the bar, its degrees kept as the line."""
    positions = [parsed.position if (parsed := parse_degree(degree)) else None for degree in cell.degrees]
    if cell.rhythm:
        bars = fit(cell.rhythm, meter, 2)
    else:
        bars = []
        while sum(len(bar) for bar in bars) < len(positions) and len(bars) < 2:
            bars.append(bar_rhythm(meter, max(density, len(positions) / meter.beats / (2 - len(bars))), rng))
    if len(bars) == 1:
        bars.append(loosened(bars[0], meter, rng))
    count = sum(len(bar) for bar in bars)
    line = tuple(positions[:count])
    return Idea(tuple(bars), (), line, given=bool(line))


class Sketch(NamedTuple):
    """The slots of a phrase, and where each bar's slots begin."""

    slots: tuple[Slot, ...]
    bar_offsets: tuple[int, ...]


def sketch(
    measures: int,
    meter: Meter,
    chord_starts: Sequence[int],
    role: str,
    cadence: CadenceType | None,
    idea: Idea,
    palette: Palette,
    rng: random.Random,
    *,
    shift: int = 0,
    faithful: float = 1.0,
    final: bool = False,
    ends_section: bool = False,
) -> Sketch:
    """Lay out a phrase: which notes it has, and what each is asked to do.

    ``shift`` moves the idea by scale steps (a sequence); ``faithful`` weighs how closely statements follow it.
    """
    bars: list[tuple[Rhythm, str, int, int]] = []
    closing = cadence is not None
    body = measures - 1 if closing else measures
    head = idea.bars[0]
    while len(bars) < body:
        at = len(bars)
        left = body - at
        if role in _INTENSE and at < max(1, body - 1):
            step = -1 if shift <= 0 else 1
            if at % 3 == 2:
                bars.append((rng.choice(palette.busy), "free", 0, 0))
            else:
                rhythm = head if at < 3 else loosened(head, meter, rng)
                bars.append((rhythm, "head", 0, shift + step * (at % 6)))
        elif role == "presentation" and at + 1 < body + 1 and (at // 2) < 2:
            bars.append((idea.bars[at % 2], "idea", at % 2, shift if at < 2 else shift + rng.choice((1, -1, 2))))
        elif at < 2 and role not in {"cadential"} and role not in _INTENSE:
            bars.append((idea.bars[at], "idea", at, shift))
        elif at in (4, 5) and left >= 3 and role not in _INTENSE:
            bars.append((idea.bars[at - 4], "idea", at - 4, shift + rng.choice((1, 2, -1))))
        else:
            lively = left <= 2 and rng.random() < 0.45
            rhythm = rng.choice(palette.busy if lively else palette.free)
            bars.append((loosened(rhythm, meter, rng) if rng.random() < 0.3 else rhythm, "free", 0, 0))
    if closing:
        offset = chord_starts[-1] - (measures - 1) * meter.bar
        offset = offset if 0 < offset < meter.bar else 0
        close = closing_bar(meter, rng, breath=not final, start=offset)
        if offset:
            close = (*_upto(rng.choice(palette.free), offset), *close)
        elif not final and not ends_section and rng.random() < 0.35:
            close = _lead_in(close, meter)
        bars.append((close, "close", 0, 0))
    return _slots(bars, meter, chord_starts, idea, faithful)


def _upto(rhythm: Rhythm, length: int) -> Rhythm:
    kept: list[int] = []
    left = length
    for value in rhythm:
        if left <= 0:
            break
        kept.append(min(abs(value), left))
        left -= kept[-1]
    return (*kept, left) if left > 0 else tuple(kept)


def _lead_in(close: Rhythm, meter: Meter) -> Rhythm:
    """Turn the breath at a phrase's end into a short upbeat to the next phrase."""
    if len(close) == 2 and close[1] < 0:
        rest = -close[1]
        unit = meter.beat // 2 if not meter.compound else meter.beat // 3
        if rest >= 2 * unit:
            return (close[0], *([unit] * (rest // unit)))
    return close


def _slots(
    bars: list[tuple[Rhythm, str, int, int]], meter: Meter, chord_starts: Sequence[int], idea: Idea, faithful: float
) -> Sketch:
    slots: list[Slot] = []
    offsets: list[int] = []
    first = len(idea.bars[0])
    for number, (rhythm, kind, which, shift) in enumerate(bars):
        offsets.append(len(slots))
        at = number * meter.bar
        for order, value in enumerate(rhythm):
            length = abs(value)
            note = order + (first if which else 0)
            motion, anchor, pull = None, None, 0.0
            if kind in {"idea", "head"} and value > 0:
                motion, anchor, pull = _wish(idea, note, shift, faithful)
                if kind == "head" and order >= max(2, len(rhythm) - 1):
                    motion, anchor, pull = None, None, 0.0
            chord = bisect_right(chord_starts, at) - 1
            sounding = value > 0 and not (idea.given and kind == "idea" and _is_rest(idea, note))
            slots.append(Slot(at, length, max(0, chord), sounding, motion, anchor, pull))
            at += length
    return Sketch(tuple(slots), tuple(offsets))


def _is_rest(idea: Idea, note: int) -> bool:
    return note < len(idea.line) and idea.line[note] is None


def _wish(idea: Idea, note: int, shift: int, faithful: float) -> tuple[int | None, int | None, float]:
    """How an idea's note would move, and where it would lie, when stated ``shift`` steps away."""
    if idea.line:
        here = idea.line[note] if note < len(idea.line) else None
        if here is None:
            return None, None, 0.0
        before = next((p for p in reversed(idea.line[:note]) if p is not None), None)
        motion = here - before if before is not None else None
        pull = (7.0 if idea.given and shift == 0 else 2.6 if idea.given else 2.0) * faithful
        return motion, here + shift, pull
    if 0 < note <= len(idea.gesture):
        return idea.gesture[note - 1], None, 1.3
    return None, None, 0.0


def heard(idea: Idea, line: Sequence[int | None]) -> Idea:
    """The idea with its line, taken from the first phrase that states it (``line`` begins with the idea)."""
    return idea if idea.line else idea._replace(line=tuple(line[: idea.notes]))
