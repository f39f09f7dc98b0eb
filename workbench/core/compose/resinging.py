"""Tunes sung anew: some notes stay, others are sought again where the harmony or a new motif asks for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from workbench.core.compose.changing import chord_of, is_tonic
from workbench.core.compose.layout import spread
from workbench.core.compose.realize import reference_tonic
from workbench.core.compose.replan import holdable
from workbench.core.compose.rhythms import fit
from workbench.core.compose.tune_for import tune_bounds
from workbench.core.compose.tunes import HIGHEST, LOWEST, Slot, TuneTask, tune_chords, write_tune, written
from workbench.core.music.cadences import CadenceType
from workbench.core.music.degrees import MAX_DEGREE, DegreeValue, parse_degree, write_degree
from workbench.core.music.keys import Key, Mode
from workbench.core.music.meters import DIVISIONS, Meter, divisions, plain_quarters
from workbench.core.music.motifs import MotifCell, transform
from workbench.core.music.structure import Motif, Phrase

FIXED, STATED, LOOSE = 14.0, 7.0, 2.0
"""How strongly a note is drawn to its place: not to be moved, stated as it is given, moved where the harmony asks."""


class TuneNote(NamedTuple):
    """A note of a tune, ``length`` in divisions. With a ``pull`` its pitch is sought anew, near the position ``wish``
    and ``motion`` steps from the note before, where those are given."""

    value: DegreeValue
    length: int
    pull: float | None = None
    wish: int | None = None
    motion: int | None = None


def tune_notes(tune: Motif) -> list[TuneNote]:
    """The notes of a written tune."""
    return [TuneNote(value, divisions(beats)) for value, beats in zip(tune.degrees, tune.rhythm, strict=False)]


def position_of(value: DegreeValue, mode: Mode) -> int | None:
    """A degree's position, in scale steps from the tonic; None for a rest."""
    degree = parse_degree(value, mode)
    return None if degree is None else degree.position


def chord_lengths(phrase: Phrase, meter: Meter) -> list[int]:
    """The lengths of a phrase's chords in divisions, as they are laid out."""
    count = len(phrase.chords or ())
    if phrase.chord_beats is not None and len(phrase.chord_beats) == count:
        return [divisions(beats) for beats in phrase.chord_beats]
    return list(spread(count, phrase.measures, meter))


def sung(
    notes: Sequence[TuneNote], phrase: Phrase, key: Key, meter: Meter, cadence: CadenceType | None = None
) -> Motif:
    """The tune, its free notes on the line that the composer would draw; ``cadence`` where they reach the close."""
    chords, goal = tune_chords(phrase.chords or (), key.mode), goal_of(phrase.chords or (), key.mode, cadence)
    lengths = chord_lengths(phrase, meter)
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    slots: list[Slot] = []
    at = 0
    for note in notes:
        chord = goal if at < starts[goal] < at + note.length else min(bisect_right(starts, at) - 1, goal)
        position = position_of(note.value, key.mode)
        wish, pull = (position, FIXED) if note.pull is None else (note.wish, note.pull)
        slots.append(Slot(at, note.length, chord, position is not None, note.motion, wish, pull))
        at += note.length
    wishes = [note.wish for note in notes if note.wish is not None and LOWEST <= note.wish <= HIGHEST]
    low, high = tune_bounds(reference_tonic(key))
    low, high = min(max(low, -4), 0, *wishes), max(min(high, 12), 0, *wishes)
    values = [note.value for note in notes]
    first = 0
    while first < len(notes):
        end = first
        while end < len(notes) and notes[end].pull is not None:
            end += 1
        run, before = slots[first:end], [slot for slot in slots[:first] if slot.sounding][-1:]
        ahead = [slot for slot in slots[end:] if slot.sounding][:1]  # what the line must lead to
        if any(slot.sounding for slot in run):
            closes = not ahead and any(slot.sounding and slot.chord == goal for slot in run)
            task = TuneTask(
                key.mode, meter, (*chords, *(chords[slot.chord] for slot in ahead)),
                (*run, *(slot._replace(chord=len(chords)) for slot in ahead)), cadence if closes else None, low, high,
            )  # fmt: skip
            if before:
                task = task._replace(start=before[0].anchor, before=chords[before[0].chord])
            line = tuple(slot.anchor if slot.sounding else None for slot in task.slots)
            placed = all(note.pull == FIXED for note in notes[first:end])
            if not placed or any(p is not None and not LOWEST <= p <= HIGHEST for p in line):
                line = write_tune(task, np.random.default_rng(len(notes)))
            degrees, _ = written(task, line)
            for at, value in enumerate(degrees[: end - first], start=first):
                given = notes[at].value
                exact = notes[at].pull == FIXED and isinstance(given, str)
                values[at] = given if exact and position_of(given, key.mode) == position_of(value, key.mode) else value
        first = max(end, first + 1)
    return Motif(degrees=tuple(values), rhythm=tuple(float(plain_quarters(note.length)) for note in notes))


def goal_of(figures: Sequence[str], mode: Mode, cadence: CadenceType | None) -> int:
    """The chord of arrival: the last, or the first of the tonics that end a phrase which closes on the tonic."""
    at, home = len(figures) - 1, [is_tonic(chord_of(figure, mode)) for figure in figures]
    while cadence not in {None, "HC", "DC"} and at > 0 and home[at] and home[at - 1]:
        at -= 1
    return at


def restated(phrase: Phrase, old: Motif | None, motif: Motif, key: Key, meter: Meter) -> Phrase:
    """The phrase with the new motif wherever its tune stated the old one."""
    change = (phrase.motif.transformation if phrase.motif else None) or "theme"
    tune, bar, room = tune_notes(phrase.melody or motif), meter.bar, phrase.measures
    if phrase.cadence:
        goal = goal_of(phrase.chords or (), key.mode, phrase.cadence)
        room = min(room - 1, sum(chord_lengths(phrase, meter)[:goal]) // bar)
    if room < 1 or not tune:
        return phrase
    line, rhythm = laid(motif, change, key, meter)
    known, (known_bar, *_) = laid(old, change, key, meter) if old and old.rhythm else (line, [(0,)])
    heard = next((position for note in tune if (position := position_of(note.value, key.mode)) is not None), 0)
    lies = next((position for position in known if position is not None), heard)
    step = {"sequence-up": 1, "sequence-down": -1}.get(change, 0)

    def stated(number: int, shift: int, pull: float) -> list[TuneNote]:
        octaves = (octave for octave in (0, -7, 7, -14, 14, -21, 21) if all(_writable(p, shift + octave) for p in line))
        shift += next(octaves, -shift)
        notes: list[TuneNote] = []
        before: int | None = None
        for order, length in enumerate(rhythm[number], start=sum(map(len, rhythm[:number]))):
            position = line[order] if order < len(line) else None
            if position is None:
                filler = order >= len(line) and before is not None  # the bar goes on after the motif
                notes.append(TuneNote(1, length, 0.6, (before or 0) + shift) if filler else TuneNote(0, length))
                continue
            degree = parse_degree(motif.degrees[order], key.mode) if change == "theme" and shift % 7 == 0 else None
            alter, fixed = (degree.alter, degree.fixed) if degree else (0, False)
            value = write_degree(position + shift, alter, mode=key.mode, fixed=fixed)
            motion = None if before is None else position - before
            notes.append(TuneNote(value, length, pull, position + shift, motion))
            before = position
        return notes

    opening, pull = min(len(rhythm), room), FIXED if change == "theme" else LOOSE if step else STATED
    shift = 7 * round((heard - lies) / 7) + step
    notes = [note for number in range(opening) for note in stated(number, shift, pull)]
    edge, at = opening * bar, 0
    for number, note in enumerate(tune):
        onset, at = at, at + note.length
        if at <= edge:
            continue
        ahead = tune[number : number + len(known_bar)]
        states = edge <= onset < room * bar and onset % bar == 0 and alike(ahead, known, known_bar, key.mode)
        if states:
            moved = next(position for n in ahead if (position := position_of(n.value, key.mode)) is not None)
            notes += stated(0, moved - lies, LOOSE)
            edge = onset + bar
        elif at - max(onset, edge) >= DIVISIONS // 32:
            notes.append(TuneNote(note.value, at - max(onset, edge)))
        else:
            notes[-1] = notes[-1]._replace(length=notes[-1].length + at - edge)
    notes = [note._replace(length=length) for note, length in holdable([(note, note.length) for note in notes])]
    return phrase.model_copy(update={"melody": sung(notes, phrase, key, meter)})


def _writable(position: int | None, shift: int) -> bool:
    return position is None or -MAX_DEGREE <= position + shift < MAX_DEGREE


def laid(motif: Motif, change: str, key: Key, meter: Meter) -> tuple[list[int | None], list[tuple[int, ...]]]:
    """A motif, transformed, as positions and as one or two bars of rhythm (divisions)."""
    cell = MotifCell(motif.degrees, motif.rhythm)
    cell = cell if change.startswith("sequence") else transform(cell, change)
    return [position_of(value, key.mode) for value in cell.degrees], fit(cell.rhythm, meter, 2)


def alike(notes: Sequence[TuneNote], line: Sequence[int | None], rhythm: tuple[int, ...], mode: Mode) -> bool:
    """Whether notes state a motif's first bar: in its rhythm, two moves of three in the same direction."""
    if tuple(note.length for note in notes) != rhythm or len(rhythm) < 2:
        return False
    here = [position_of(note.value, mode) for note in notes]
    moves = [
        (b - a, d - c)
        for (a, b), (c, d) in zip(pairwise(here), pairwise(line[: len(here)]), strict=False)
        if a is not None and b is not None and c is not None and d is not None
    ]
    return bool(moves) and 3 * sum((x > 0) - (x < 0) == (y > 0) - (y < 0) for x, y in moves) >= 2 * len(moves)
