"""Musical statistics of a piece, from its sounding notes alone: nothing here shares code with the composer."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from benchmarks.pieces import Close, Piece, Sound

INTERVALS = ("step", "third", "repeat", "4th-5th", "6th-octave", "wider")


def interval_kind(semitones: int) -> str:
    """What a melodic interval counts as."""
    size = abs(semitones)
    bounds = ((0, "repeat"), (2, "step"), (4, "third"), (7, "4th-5th"), (12, "6th-octave"))
    return next((name for limit, name in bounds if size <= limit), "wider")


def melody_intervals(piece: Piece) -> Counter[str]:
    """Intervals between consecutive notes of the top line, none across sections."""
    counts: Counter[str] = Counter()
    starts = [start for start, _ in piece.sections]
    melody = piece.melody
    for before, after in itertools.pairwise(melody):
        if bisect_right(starts, before.onset) == bisect_right(starts, after.onset):
            counts[interval_kind(after.midi - before.midi)] += 1
    return counts


def _bars(piece: Piece) -> list[tuple[tuple[Fraction, Fraction, int, int], ...]]:
    """For each bar its melody: (offset, duration, midi, letter)."""
    bars: list[list[tuple[Fraction, Fraction, int, int]]] = [[] for _ in piece.bars]
    for note in piece.melody:
        index = piece.bar_of(note.onset)
        bars[index].append((note.onset - piece.bars[index], note.duration, note.midi, note.letter))
    return [tuple(bar) for bar in bars]


def _repeated(contents: Iterable[tuple[Any, ...]]) -> tuple[int, int]:
    seen: set[tuple[Any, ...]] = set()
    again = total = 0
    for content in contents:
        if content:
            total += 1
            again += content in seen
            seen.add(content)
    return again, total


def repeated_melody(piece: Piece) -> tuple[int, int]:
    """Bars whose melody is exactly that of an earlier bar, and bars with any melody."""
    return _repeated(tuple(note[:3] for note in bar) for bar in _bars(piece))


def repeated_rhythm(piece: Piece) -> tuple[int, int]:
    """Bars whose melodic rhythm is that of an earlier bar, and bars with any melody."""
    return _repeated(tuple(note[:2] for note in bar) for bar in _bars(piece))


def _runs(piece: Piece, signature: Any) -> int:
    longest = 0
    bars = _bars(piece)
    for start, end in piece.sections:
        run, last = 0, None
        for index in range(piece.bar_of(start), min(len(bars), piece.bar_of(end - Fraction(1, 1000)) + 1)):
            mark = signature(bars[index])
            run = run + 1 if mark and mark == last else 1
            last = mark
            longest = max(longest, run if mark else 0)
    return longest


def copied_run(piece: Piece) -> int:
    """The longest run of bars within a section whose melody is the same cell, at whatever pitch (a sequence counts)."""

    def cell(bar: tuple[tuple[Fraction, Fraction, int, int], ...]) -> Any:
        return (
            tuple((offset, length, letter - bar[0][3]) for offset, length, _, letter in bar) if len(bar) > 1 else None
        )

    return _runs(piece, cell)


def exact_run(piece: Piece) -> int:
    """The longest run of bars within a section with exactly the same melody."""
    return _runs(piece, lambda bar: bar)


def outer_parallels(piece: Piece) -> tuple[int, int, list[Fraction]]:
    """Parallel fifths and octaves of the outer voices, moves in which both voices move, and where the parallels lie.

    The outer voices are the highest and the lowest note that sound at each onset; a move counts when both change.
    """
    onsets = sorted({note.onset for note in piece.notes})
    outer: list[tuple[Fraction, int, int]] = []
    for onset, sounding in _slices(piece, onsets):
        if len(sounding) > 1:
            outer.append((onset, min(note.midi for note in sounding), max(note.midi for note in sounding)))
    moves, places = 0, []
    for (_, low, high), (onset, next_low, next_high) in itertools.pairwise(outer):
        if low == next_low or high == next_high:
            continue
        moves += 1
        together = (next_low > low) == (next_high > high)
        if together and (high - low) % 12 == (next_high - next_low) % 12 and (high - low) % 12 in (0, 7):
            places.append(onset)
    return len(places), moves, places


def _slices(piece: Piece, times: list[Fraction]) -> Iterable[tuple[Fraction, list[Sound]]]:
    """What sounds at each time (rising)."""
    active: list[Sound] = []
    index = 0
    for time in times:
        active = [note for note in active if note.end > time]
        while index < len(piece.notes) and piece.notes[index].onset <= time:
            if piece.notes[index].end > time:
                active.append(piece.notes[index])
            index += 1
        yield time, active


def downbeat_clashes(piece: Piece) -> tuple[int, int]:
    """Downbeats on which two sounding notes are a semitone (or its compounds) apart, and downbeats that sound."""
    clashes = total = 0
    for _, sounding in _slices(piece, piece.bars):
        if sounding:
            total += 1
            classes = {note.midi % 12 for note in sounding}
            clashes += any((pitch + 1) % 12 in classes for pitch in classes)
    return clashes, total


def rest_share(piece: Piece) -> float:
    """The share of the time in which the top line is silent."""
    if not piece.end:
        return 0.0
    sounding, reached = Fraction(0), Fraction(0)
    for note in piece.melody:
        sounding += max(Fraction(0), note.end - max(note.onset, reached))
        reached = max(reached, note.end)
    return float(1 - sounding / piece.end)


def climax(piece: Piece) -> tuple[float, int]:
    """Where the highest melody note first comes (0 to 1) and how many times it comes."""
    melody = piece.melody
    top = max(note.midi for note in melody)
    places = [note.onset for note in melody if note.midi == top]
    return float(places[0] / piece.end), len(places)


class Closing(NamedTuple):
    """What a claimed cadence sounds like at its arrival."""

    type: str
    root_tonic: bool
    root_dominant_triad: bool
    melody_on_tonic: bool


def closing(piece: Piece, close: Close) -> Closing:
    """Judge one claimed cadence by the notes between its arrival and its end."""
    inside = [note for note in piece.notes if close.start <= note.onset < close.end]
    held = [note for note in piece.notes if note.onset < close.start < note.end] if not inside else []
    notes = inside or held
    if not notes:
        return Closing(close.type, False, False, False)
    first = min(note.onset for note in notes)
    bass = min((note for note in notes if note.onset - first < Fraction(1, 2)), key=lambda note: note.midi)
    classes = {(note.midi - close.tonic) % 12 for note in notes}
    thirds = {3, 4}
    line = [note for note in piece.melody if note.onset <= first]
    return Closing(
        close.type,
        (bass.midi - close.tonic) % 12 == 0 and bool(classes & thirds or classes <= {0, 7}),
        (bass.midi - close.tonic) % 12 == 7 and 11 in classes and 5 not in classes,
        bool(line) and (line[-1].midi - close.tonic) % 12 == 0,
    )


def final_bar_closes(piece: Piece) -> bool:
    """Whether the last bar's lowest note is the tonic that the piece claims to end on, and nothing runs beyond it."""
    if not piece.closes or not piece.notes:
        return False
    last = piece.closes[-1]
    lowest = min((note for note in piece.notes if note.end > piece.bars[-1]), key=lambda note: (note.midi, note.onset))
    return (lowest.midi - last.tonic) % 12 == 0 and max(note.end for note in piece.notes) <= piece.end
