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
    """A phrase that wants a tune. ``low`` and ``high`` bound the positions; ``peak`` (0 to 1) places the climax.

    ``start`` is the position of the note just before, ``before`` the chord under it where both share a key.
    """

    mode: Mode
    meter: Meter
    chords: tuple[Chord, ...]
    slots: tuple[Slot, ...]
    cadence: CadenceType | None
    low: int
    high: int
    start: int | None = None
    before: Chord | None = None
    peak: float = 0.62
    final: bool = False
    climax: bool = False
    other: tuple[tuple[int | None, int | None], ...] | None = None
    """For a second voice: the first voice just before and at each slot, in semitones from the tonic modulo 12 (None:
    it rests)."""


@lru_cache(maxsize=64)
def _moves(width: int) -> tuple[Floats, NDArray[np.int32]]:
    """The price of every move and its size in scale steps, (to, from)."""
    positions = np.arange(width)
    delta = positions[:, None] - positions[None, :]
    return _MOVE[np.abs(delta)], delta.astype(np.int32)


@lru_cache(maxsize=1024)
def _wished(width: int, motion: int, pull: float) -> Floats:
    """The price of every move where the motif would move by ``motion``."""
    base, delta = _moves(width)
    wrong_way = (np.sign(delta) != np.sign(motion)) * 1.2
    return np.asarray(base * 0.5 + (np.minimum(np.abs(delta - motion), 5) + wrong_way) * pull, np.float32)


def write_tune(task: TuneTask, rng: np.random.Generator) -> tuple[int | None, ...]:
    """The position of each slot (None for rests) on the cheapest line; ``rng`` breaks ties, so seeds give variety."""
    slots = [slot for slot in task.slots if slot.sounding]
    if not slots:
        return tuple(None for _ in task.slots)
    notes = _notes(task, slots)
    here = _unary(task, notes, rng)
    moves = _pairwise(task, notes)
    cost = here[0]
    if task.start is not None and task.before is not None and task.low <= task.start <= task.high:
        cost = cost + _entering(task, slots[0])
    back: list[NDArray[np.intp]] = []
    for order in range(1, len(slots)):
        total = moves[order - 1] + cost  # rows: where it goes, columns: whence
        back.append(total.argmin(axis=1))
        cost = np.minimum.reduce(total, axis=1) + here[order]
    found = [int(cost.argmin())]
    for choice in reversed(back):
        found.append(int(choice[found[-1]]))
    line = iter(found[::-1])
    return tuple(next(line) + task.low if slot.sounding else None for slot in task.slots)


def _entering(task: TuneTask, first: Slot) -> Floats:
    """The price of each first note after the note before the phrase, as a move within the phrase would cost."""
    assert task.start is not None
    assert task.before is not None
    pair = [Slot(0, first.duration, 0), Slot(first.start, first.duration, 1)]
    chords = (task.before, task.chords[first.chord])
    entering = task._replace(chords=chords, slots=tuple(pair), other=None)
    moves: Floats = _pairwise(entering, _notes(entering, pair))[0][:, task.start - task.low]
    return moves


class _Notes(NamedTuple):
    """The sounding slots as columns; the masks are (notes, positions) over the window of the task."""

    slots: list[Slot]
    start: NDArray[np.int64]
    strong: Floats
    change: NDArray[np.bool_]
    member: NDArray[np.bool_]
    semitones: NDArray[np.int32]
    leading: NDArray[np.bool_]
    seventh: NDArray[np.bool_]
    bass: NDArray[np.int32]
    other: NDArray[np.int32] | None


def _notes(task: TuneTask, slots: list[Slot]) -> _Notes:
    window = slice(task.low - LOWEST, task.high - LOWEST + 1)
    tables = [chord_table(chord) for chord in task.chords]
    chord = np.array([slot.chord for slot in slots])
    other = None
    if task.other is not None:
        pairs = [pair for pair, slot in zip(task.other, task.slots, strict=True) if slot.sounding]
        other = np.array([[-1 if value is None else value for value in pair] for pair in pairs], np.int32)
    change = np.ones(len(slots), bool)
    change[1:] = chord[1:] != chord[:-1]
    return _Notes(
        slots,
        np.array([slot.start for slot in slots]),
        np.array([task.meter.weight(slot.start) for slot in slots], np.float32),
        change,
        np.array([table.member[window] for table in tables])[chord],
        np.array([table.semitones[window] for table in tables])[chord],
        np.array([table.leading[window] for table in tables])[chord],
        np.array([table.seventh[window] for table in tables])[chord],
        np.array([table.bass for table in tables], np.int32)[chord],
        other,
    )


def _unary(task: TuneTask, notes: _Notes, rng: np.random.Generator) -> Floats:
    """What each note costs at each position by itself, (notes, positions)."""
    slots = notes.slots
    positions = np.arange(task.low, task.high + 1)
    last = task.slots[-1]
    length = max(1, last.start + last.duration)
    middle, reach = (task.low + task.high) / 2, (task.high - task.low) / 2
    long = np.array([slot.duration >= task.meter.beat for slot in slots])
    weight = 0.5 + 3.2 * notes.strong + 1.2 * long + 1.0 * notes.change
    cost = rng.normal(0.0, 0.35, (len(slots), len(positions))).astype(np.float32)
    cost += ~notes.member * weight[:, None].astype(np.float32)
    # The arch: rise to the peak, then fall; the line is only drawn to it.
    when = notes.start / length
    height = np.where(when < task.peak, when / task.peak, 1 - 0.9 * (when - task.peak) / (1 - task.peak))
    goal = middle - 0.55 * reach + (1.55 if task.climax else 1.15) * reach * height
    cost += np.square((positions - goal[:, None]) / reach) * (3.0 if task.climax else 1.1)
    if task.climax:
        cost -= (np.abs(when - task.peak) < 0.14)[:, None] * (positions >= task.high - 1) * np.float32(2.5)
    pulls = np.array([0.0 if slot.anchor is None else slot.pull * 0.9 for slot in slots], np.float32)
    if pulls.any():
        anchors = np.array([slot.anchor or 0 for slot in slots])
        cost += np.minimum(np.abs(positions - anchors[:, None]), 6) * pulls[:, None]
    if task.other is None:
        window = slice(task.low - LOWEST, task.high - LOWEST + 1)
        # The cadence is heard where its last chord enters; what follows it is an echo or leads on.
        goal_chord = slots[-1].chord
        arrival = next(order for order, slot in enumerate(slots) if slot.chord == goal_chord)
        cost[arrival] += _ending(task, chord_table(task.chords[goal_chord]), positions, window)
        cost[arrival + 1 :] += np.abs(positions - _resting_place(task)) * np.float32(0.25)
        if arrival > 0 and task.cadence in {"PAC", "PICARDY"}:
            cost[arrival - 1] += 1.5 * ~np.isin(positions % 7, (1, 6))
    else:
        cost += _as_bass(notes)
    if task.start is not None and task.before is None:
        cost[0] += _MOVE[np.minimum(np.abs(positions - task.start), _SPAN)] * np.float32(0.5)
    return cost


def _pairwise(task: TuneTask, notes: _Notes) -> Floats:
    """What each move between neighbouring notes costs, (notes - 1, to, from)."""
    width = task.high - task.low + 1
    base, delta = _moves(width)
    steps = np.abs(delta)
    count = len(notes.slots) - 1
    cost = np.empty((count, width, width), np.float32)
    cost[:] = base
    for order, slot in enumerate(notes.slots[1:]):
        if slot.motion is not None:
            cost[order] = _wished(width, slot.motion, slot.pull)
    # A dissonance is left by step; a weak one is also reached by step.
    was_foreign, foreign = ~notes.member[:-1], ~notes.member[1:]
    cost += (was_foreign[:, None, :] & (steps != 1)) * np.float32(5.0)
    price = np.where(notes.strong[1:] < 0.5, 4.0, 2.0).astype(np.float32)
    cost += (foreign * price[:, None])[:, :, None] * (steps > 1)
    before, after = notes.semitones[:-1], notes.semitones[1:]
    size = np.abs(after[:, :, None] - before[:, None, :])
    # Augmented seconds and tritones are not sung, nor one letter altered two ways.
    cost += ((size == 3) & (steps == 1)) * np.float32(6.0)
    cost += (size % 12 == 6) * np.float32(2.5)
    cost += ((size > 0) & (steps == 0)) * np.float32(2.0)
    if notes.other is None:
        first, second, price_of_parallels = notes.bass[:-1], notes.bass[1:], np.float32(9.0)
        apart = first != second
    else:
        first, second, price_of_parallels = notes.other[1:, 0], notes.other[1:, 1], np.float32(16.0)
        apart = (first != second) & (first >= 0) & (second >= 0)
    intervals, next_intervals = (before - first[:, None]) % 12, (after - second[:, None]) % 12
    for perfect in (0, 7 if notes.other is None else 5):  # a fifth below is a fourth above
        reached = (next_intervals == perfect) & apart[:, None]
        cost += (reached[:, :, None] & (intervals == perfect)[:, None, :]) * price_of_parallels
    change = notes.change[1:, None]
    cost += ((notes.leading[:-1] & change)[:, None, :] & (delta != 1)) * np.float32(3.0)
    cost += ((notes.seventh[:-1] & change)[:, None, :] & (delta != -1) & (delta != 0)) * np.float32(3.0)
    return cost


def _as_bass(notes: _Notes) -> Floats:
    """A second voice carries the harmony: the chord's own bass where the chord enters, consonance on strong beats."""
    assert notes.other is not None
    semitones = notes.semitones % 12
    price = np.full(len(notes.slots), 9.0, np.float32)
    price[[slot.chord == notes.slots[-1].chord for slot in notes.slots]] = 40.0  # the close is not to be argued with
    cost = ((semitones != notes.bass[:, None]) & notes.change[:, None]) * price[:, None]
    other = notes.other[:, 1]
    interval = (other[:, None] - semitones) % 12
    harsh = np.isin(interval, (1, 2, 10, 11)) & ~notes.member & (other >= 0)[:, None]
    return np.asarray(cost + harsh * (1.0 + 3.0 * notes.strong[:, None]), np.float32)


def _resting_place(task: TuneTask) -> int:
    """Where notes after the arrival stay near: the middle of the window, on the tonic or its octave."""
    return 0 if task.low + task.high < 7 else 7


def _ending(task: TuneTask, table: ChordTable, positions: NDArray[np.int64], window: slice) -> Floats:
    cost: Floats = (~table.member[window]).astype(np.float32) * np.float32(80.0)
    if task.cadence == "HC":
        wanted = np.isin(positions % 7, (1, 4, 6))
        cost += (positions % 7 != 6) * np.float32(0.8)  # the leading tone says most clearly that this is V
    elif task.cadence is None:
        return cost
    else:
        wanted = np.isin(positions % 7, _FINALS[task.cadence])
    cost += ~wanted * np.float32(90.0)  # stronger than any wish to repeat a tune to the letter
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
