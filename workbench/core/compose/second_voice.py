"""The lower voice of two-voice counterpoint: it carries the harmony and imitates the tune.

It enters after the tune, answers each bar with the tune's bar before (its rhythm and its contour), moves while the tune
rests or holds, and keeps clear of consecutive fifths and octaves (Kennan 1999, ch. 4-6).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from functools import lru_cache

import numpy as np

from workbench.core.compose.layout import LaidPhrase
from workbench.core.compose.tune_for import tune_for
from workbench.core.compose.tunes import Slot, TuneTask, write_tune, written
from workbench.core.music.degrees import degree_midi, parse_degree, spell_degree
from workbench.core.music.meters import Meter
from workbench.core.music.score import IntColumn


@lru_cache(maxsize=4096)
def second_voice(phrase: LaidPhrase, meter: Meter, tonic: int, lowest: int, highest: int) -> IntColumn:
    """Rows of onset, duration (divisions from the phrase's start), MIDI, fifths and chord index.

    ``lowest`` and ``highest`` are the player's range in MIDI numbers; ``tonic`` is the reference tonic.
    """
    degrees, rhythm = phrase.degrees, phrase.rhythm
    if degrees is None:
        degrees, rhythm = tune_for(phrase, meter, tonic)
    tune = _tune(degrees, rhythm, phrase)
    slots, other = _slots(phrase, meter, tune)
    low = max(-14 if tonic - 26 >= 36 else -12, -((tonic - lowest - 1) * 7 // 12))
    high = max(low + 8, min(-3, (highest - tonic) * 7 // 12))
    task = TuneTask(phrase.key.mode, meter, phrase.chords, slots, phrase.cadence, low, high, None, other=other)
    seed = random.Random(f"{phrase.figures}{degrees}{phrase.key.name}")
    line = write_tune(task, np.random.default_rng(seed.randrange(2**32)))
    values, _ = written(task, line)
    rows: list[tuple[int, int, int, int, int]] = []
    for slot, value in zip(slots, values, strict=True):
        degree = parse_degree(value, phrase.key.mode)
        if degree is None:
            continue
        fifths = spell_degree(degree, phrase.key, phrase.chords[slot.chord].spelled(phrase.key))
        midi = degree_midi(degree, fifths, phrase.key, tonic)
        rows.append((slot.start, slot.duration, midi, fifths, slot.chord))
    return np.array(rows, np.int32).reshape(-1, 5)


def _tune(
    degrees: tuple[int | str, ...], rhythm: tuple[int, ...], phrase: LaidPhrase
) -> list[tuple[int, int, int | None, int | None]]:
    """The tune as (onset, duration, position, semitones from the tonic modulo 12); the last two None for rests."""
    result: list[tuple[int, int, int | None, int | None]] = []
    at = 0
    for value, length in zip(degrees, rhythm, strict=True):
        degree = parse_degree(value, phrase.key.mode)
        if degree is None:
            result.append((at, length, None, None))
        else:
            chord = phrase.chords[max(0, bisect_right(phrase.starts, at) - 1)]
            fifths = spell_degree(degree, phrase.key, chord.spelled(phrase.key)) - phrase.key.tonic
            result.append((at, length, degree.position, fifths * 7 % 12))
        at += length
    return result


def _slots(
    phrase: LaidPhrase, meter: Meter, tune: list[tuple[int, int, int | None, int | None]]
) -> tuple[tuple[Slot, ...], tuple[tuple[int | None, int | None], ...]]:
    """A rhythm for each bar, cut where chords change, with the imitated bar's moves as wishes."""
    onsets = [note[0] for note in tune]
    slots: list[Slot] = []
    for bar in range(phrase.measures):
        start, end = bar * meter.bar, (bar + 1) * meter.bar
        changes = sorted({start, *(at for at in phrase.starts if start < at < end)})
        closes = bar == phrase.measures - 1 and phrase.cadence is not None
        imitated = [note for note in tune if start - meter.bar <= note[0] < start] if bar else []
        here = sum(start <= onset < end for onset in onsets)
        busy = here > len(imitated) and here > 2 * meter.beats
        points: dict[int, tuple[int | None, float]] = dict.fromkeys(changes, (None, 0.0))
        if closes:
            pass
        elif bar == 0:
            for at in range(start + meter.bar // 2 if meter.beats % 2 == 0 else start, end, meter.beat):
                points.setdefault(at, (None, 0.0))
        elif busy or not imitated:
            for at in range(start, end, meter.beat):
                points.setdefault(at, (None, 0.0))
        else:
            before: int | None = None
            for at, _, position, _ in imitated:
                if position is None:
                    continue
                motion = position - before if before is not None else None
                points.setdefault(at + meter.bar, (motion, 1.4))
                before = position
        ordered = sorted(points)
        for at, following in zip(ordered, [*ordered[1:], end], strict=True):
            motion, pull = points[at]
            chord = max(0, bisect_right(phrase.starts, at) - 1)
            slots.append(Slot(at, following - at, chord, True, motion, None, pull))
    other: list[tuple[int | None, int | None]] = []
    for slot in slots:
        here = max(0, bisect_right(onsets, slot.start) - 1)
        before = max(0, bisect_right(onsets, slot.start - 1) - 1)
        other.append((tune[before][3], tune[here][3]))
    return tuple(slots), tuple(other)
