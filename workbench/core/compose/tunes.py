"""Writing a tune over given harmony: the pitches of a phrase found by dynamic programming over scale degrees.

The rhythm and the motif's contour are given; what is searched is the line that keeps the contour where it can, lands on
chord tones where the metre is strong, leaves dissonances by step, follows the phrase's arch to its climax, ends as the
cadence demands, and makes no consecutive fifths or octaves with the bass. Interval costs are set so that the shares of
steps, thirds and leaps come out as in the repertoire (see ``benchmarks``); dissonance treatment follows Aldwell,
Schachter and Cadwallader 2011, ch. 21-23.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.cadences import CadenceType
from workbench.core.music.degrees import DegreeValue, write_degree
from workbench.core.music.keys import Mode
from workbench.core.music.meters import Meter, plain_quarters
from workbench.core.music.numerals import Chord, parse_numeral
from workbench.core.music.pitches import alter_of

LOWEST, HIGHEST = -14, 21
_SPAN = HIGHEST - LOWEST + 1
_MAJOR = (0, 2, 4, -1, 1, 3, 5)
_MINOR = (0, 2, -3, -1, 1, -4, -2)
_NATURAL = (0, 2, 4, 5, 7, 9, 11)

Floats = NDArray[np.float32]

# The price of moving by n scale steps, before anything else is weighed.
_MOVE = np.array([1.25, 0.3, 1.05, 1.05, 1.15, 1.0, 4.0, 0.9] + [9.0 + n for n in range(_SPAN)], np.float32)
_FINALS: dict[str, tuple[int, ...]] = {"PAC": (0,), "PICARDY": (0,), "PC": (0,), "IAC": (2, 4), "DC": (0, 2)}


class ChordTable(NamedTuple):
    """What each position (scale steps from the reference tonic, from ``LOWEST``) is over one chord.

    ``fifths`` and ``semitones`` are relative to the tonic; the other columns are masks.
    """

    fifths: NDArray[np.int32]
    semitones: NDArray[np.int32]
    member: NDArray[np.bool_]
    leading: NDArray[np.bool_]
    seventh: NDArray[np.bool_]
    bass: int


@lru_cache(maxsize=2048)
def chord_table(chord: Chord) -> ChordTable:
    """The table of a chord, shared by all keys of its mode."""
    scale = _MINOR if chord.mode == "minor" else _MAJOR
    by_letter = {tone * 4 % 7: tone for tone in reversed(chord.tones)}
    fifths, semitones = np.zeros(_SPAN, np.int32), np.zeros(_SPAN, np.int32)
    for index, position in enumerate(range(LOWEST, HIGHEST + 1)):
        step = position % 7
        fifths[index] = by_letter.get(step, scale[step])
        semitones[index] = _NATURAL[step] + alter_of(int(fifths[index])) + 12 * (position // 7)
    member = np.isin(fifths, chord.tones)
    leading = fifths == (chord.leading if chord.leading is not None else 99)
    seventh = fifths == (chord.seventh if chord.seventh is not None else 99)
    return ChordTable(fifths, semitones, member, leading, seventh, chord.bass * 7 % 12)


class Slot(NamedTuple):
    """A note to be found, or a rest: ``start`` and ``duration`` in divisions from the phrase's start.

    ``motion`` is how many steps the motif moves here from the note before (None: free); ``anchor`` is the position
    that the motif would have (None: free); ``pull`` weighs both.
    """

    start: int
    duration: int
    chord: int
    sounding: bool = True
    motion: int | None = None
    anchor: int | None = None
    pull: float = 0.0


class TuneTask(NamedTuple):
    """A phrase that wants a tune. ``low`` and ``high`` bound the positions; ``peak`` (0 to 1) places the climax."""

    mode: Mode
    meter: Meter
    chords: tuple[Chord, ...]
    slots: tuple[Slot, ...]
    cadence: CadenceType | None
    low: int
    high: int
    start: int | None = None
    peak: float = 0.62
    final: bool = False
    climax: bool = False
    other: tuple[tuple[int | None, int | None], ...] | None = None
    """For a second voice: the first voice just before and at each slot, in semitones from the tonic modulo 12 (None:
    it rests)."""


@lru_cache(maxsize=64)
def _moves(width: int) -> tuple[Floats, NDArray[np.int32]]:
    positions = np.arange(width)
    delta = positions[None, :] - positions[:, None]
    return _MOVE[np.abs(delta)], delta.astype(np.int32)


@lru_cache(maxsize=512)
def _contour(width: int, motion: int) -> Floats:
    delta = _moves(width)[1]
    wrong_way = (np.sign(delta) != np.sign(motion)) * 1.2
    return np.asarray(np.minimum(np.abs(delta - motion), 5) + wrong_way, np.float32)


def write_tune(task: TuneTask, rng: np.random.Generator) -> tuple[int | None, ...]:
    """The position of each slot (None for rests) on the cheapest line; ``rng`` breaks ties, so seeds give variety."""
    sounding = [index for index, slot in enumerate(task.slots) if slot.sounding]
    if not sounding:
        return tuple(None for _ in task.slots)
    low, high = task.low, task.high
    width = high - low + 1
    window = slice(low - LOWEST, high - LOWEST + 1)
    positions = np.arange(low, high + 1)
    base, delta = _moves(width)
    steps = np.abs(delta)
    tables = [chord_table(chord) for chord in task.chords]
    length = max(1, task.slots[-1].start + task.slots[-1].duration)
    noise = rng.normal(0.0, 0.35, (len(sounding), width)).astype(np.float32)
    middle, reach = (low + high) / 2, (high - low) / 2
    cost = np.zeros(width, np.float32)
    back: list[NDArray[np.intp]] = []
    previous: Slot | None = None
    for order, index in enumerate(sounding):
        slot = task.slots[index]
        table = tables[slot.chord]
        member = table.member[window]
        foreign = ~member
        last = order == len(sounding) - 1
        strong = task.meter.weight(slot.start)
        at_change = previous is None or previous.chord != slot.chord
        weight = 0.5 + 3.2 * strong + 1.2 * (slot.duration >= task.meter.beat) + 1.0 * at_change
        unary: Floats = noise[order] + foreign * np.float32(weight)
        # The arch: rise to the peak, then fall; the line is only drawn to it.
        when = slot.start / length
        height = when / task.peak if when < task.peak else 1 - 0.9 * (when - task.peak) / (1 - task.peak)
        goal = middle - 0.55 * reach + (1.55 if task.climax else 1.15) * reach * height
        drawn = 3.0 if task.climax else 1.1
        unary = unary + np.square((positions - goal) / reach, dtype=np.float32) * np.float32(drawn)
        if task.climax and abs(when - task.peak) < 0.14:
            unary = np.asarray(unary - (positions >= high - 1) * np.float32(2.5), np.float32)
        if slot.anchor is not None:
            unary = unary + np.minimum(np.abs(positions - slot.anchor), 6).astype(np.float32) * np.float32(
                slot.pull * 0.9
            )
        if task.other is not None:
            unary = unary + _as_bass(table, positions, window, at_change, strong, task.other[index][1])
        if last and task.other is None:
            unary = unary + _ending(task, table, positions, window)
        elif order == len(sounding) - 2 and task.other is None and task.cadence in {"PAC", "PICARDY"}:
            unary = unary + 1.5 * ~np.isin(positions % 7, (1, 6))
        if previous is None:
            if task.start is not None:
                unary = unary + _MOVE[np.abs(positions - task.start)] * np.float32(0.5)
            cost = unary
        else:
            before = tables[previous.chord]
            was_foreign = ~before.member[window]
            matrix: Floats = base
            if slot.motion is not None:
                matrix = matrix * np.float32(0.5) + _contour(width, slot.motion) * np.float32(slot.pull)
            # A dissonance is left by step; a weak one is also reached by step.
            left_by_leap = (was_foreign[:, None] & (steps != 1)) * np.float32(5.0)
            reached_by_leap = (foreign[None, :] & (steps > 1)) * np.float32(4.0 if strong < 0.5 else 2.0)
            against = None if task.other is None else task.other[index]
            harmonic = _harmonic_moves(before, table, window, steps, delta, at_change, against)
            matrix = np.asarray(matrix + left_by_leap + reached_by_leap + harmonic, np.float32)
            total = cost[:, None] + matrix
            choice = total.argmin(axis=0)
            back.append(choice)
            cost = total[choice, np.arange(width)] + unary
        previous = slot
    found = [int(cost.argmin())]
    for choice in reversed(back):
        found.append(int(choice[found[-1]]))
    line = iter(found[::-1])
    return tuple(next(line) + low if slot.sounding else None for slot in task.slots)


def _harmonic_moves(
    before: ChordTable,
    after: ChordTable,
    window: slice,
    steps: NDArray[np.int32],
    delta: NDArray[np.int32],
    at_change: bool,
    against: tuple[int | None, int | None] | None,
) -> Floats:
    tones_before, tones_after = before.semitones[window], after.semitones[window]
    size = np.abs(tones_after[None, :] - tones_before[:, None])
    # Augmented seconds and tritones are not sung.
    cost: Floats = ((size == 3) & (steps == 1)).astype(np.float32) * np.float32(6.0)
    cost += (size % 12 == 6) * np.float32(2.5)
    cost += ((size > 0) & (steps == 0)) * np.float32(2.0)
    first, second = (before.bass, after.bass) if against is None else against
    if first is not None and second is not None and first != second:
        intervals_before, intervals_after = (tones_before - first) % 12, (tones_after - second) % 12
        for perfect in (0, 7):
            parallel = (intervals_before == perfect)[:, None] & (intervals_after == perfect)[None, :]
            cost = cost + parallel * np.float32(9.0 if against is None else 16.0)
    if at_change:
        cost = cost + (before.leading[window][:, None] & (delta != 1)) * np.float32(3.0)
        cost = cost + (before.seventh[window][:, None] & (delta != -1) & (delta != 0)) * np.float32(3.0)
    return np.asarray(cost, np.float32)


def _as_bass(
    table: ChordTable,
    positions: NDArray[np.int64],
    window: slice,
    at_change: bool,
    strong: float,
    other: int | None,
) -> Floats:
    """A second voice carries the harmony: the chord's own bass where the chord enters, consonance on strong beats."""
    semitones = table.semitones[window] % 12
    cost = np.zeros(len(positions), np.float32)
    if at_change:
        cost += (semitones != table.bass) * np.float32(9.0)
    if other is not None:
        interval = (other - semitones) % 12
        harsh = np.isin(interval, (1, 2, 10, 11)) & ~table.member[window]
        cost += harsh * np.float32(1.0 + 3.0 * strong)
    return cost


def _ending(task: TuneTask, table: ChordTable, positions: NDArray[np.int64], window: slice) -> Floats:
    member = table.member[window]
    cost: Floats = (~member).astype(np.float32) * np.float32(12.0)
    if task.cadence == "HC":
        wanted = np.isin(positions % 7, (1, 4, 6))
        cost += (positions % 7 != 6) * np.float32(0.8)  # the leading tone says most clearly that this is V
    elif task.cadence is None:
        return cost
    else:
        wanted = np.isin(positions % 7, _FINALS[task.cadence])
    cost += ~wanted * np.float32(14.0)
    if task.cadence in {"PAC", "PICARDY"} and not task.final:
        cost += (positions > 8) * np.float32(1.0)
    return cost


def written(task: TuneTask, line: Sequence[int | None]) -> tuple[tuple[DegreeValue, ...], tuple[float, ...]]:
    """The degrees and rhythm (quarters) of a found line, spelled by the harmony and, in minor, by its direction."""
    scale = _MINOR if task.mode == "minor" else _MAJOR
    notes = [(slot, position) for slot, position in zip(task.slots, line, strict=True) if position is not None]
    chords = [task.chords[slot.chord] for slot, _ in notes]
    spelled = [
        int(chord_table(chord).fifths[position - LOWEST]) for chord, (_, position) in zip(chords, notes, strict=True)
    ]
    if task.mode == "minor":
        members = [tone in chord.tones for tone, chord in zip(spelled, chords, strict=True)]
        _melodic_minor([position for _, position in notes], spelled, members)
    degrees: list[DegreeValue] = []
    for (_, position), chord, tone in zip(notes, chords, spelled, strict=True):
        natural = scale[position % 7]
        raised_by_chord = natural not in chord.tones and natural + 7 in chord.tones
        degrees.append(
            write_degree(position, (tone - natural) // 7, mode=task.mode, fixed=tone == natural and raised_by_chord)
        )
    sounding = iter(degrees)
    return (
        tuple(0 if position is None else next(sounding) for position in line),
        tuple(plain_quarters(slot.duration) for slot in task.slots),
    )


def _melodic_minor(line: list[int], spelled: list[int], members: list[bool]) -> None:
    """Raise a passing 7, and the 6 before it, where the line rises to the tonic."""
    for index in range(len(line) - 1):
        if line[index] % 7 == 6 and line[index + 1] == line[index] + 1 and not members[index]:
            spelled[index] = 5
    for index in range(len(line) - 1):
        rising = line[index] % 7 == 5 and line[index + 1] == line[index] + 1 and spelled[index + 1] == 5
        if rising and not members[index]:
            spelled[index] = 3


def tune_chords(figures: Sequence[str], mode: Mode) -> tuple[Chord, ...]:
    """The chords of a phrase, read once."""
    return tuple(parse_numeral(figure, mode) for figure in figures)
