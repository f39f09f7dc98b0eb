"""What a tune is made of, counted: its moves and its note lengths; and what a score's bars hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.meters import DIVISIONS
from workbench.core.music.score import Score

OCTAVE = 12
INTERVALS = 2 * OCTAVE + 1
"""Moves from an octave down to an octave up, in semitones; wider ones count as an octave."""
LENGTHS = 17
"""Half octaves of length, from a 64th note (1/16 quarter) to four whole notes (16 quarters)."""
POSITIONS = 64
"""Places in a bar that an onset may fall on (Wu and Yang 2020)."""

Counts = NDArray[np.float64]


def intervals_of(score: Score) -> Counts:
    """How often the tune moves by each interval, within phrases: shape (25,), an octave down first."""
    tune = score.voice == 0
    midi, phrase = score.midi[tune], score.phrase[tune]
    moves = np.clip(np.diff(midi)[phrase[1:] == phrase[:-1]], -OCTAVE, OCTAVE) + OCTAVE
    return np.bincount(moves, minlength=INTERVALS).astype(np.float64)


def lengths_of(score: Score) -> Counts:
    """How often each note length comes in the tune: shape (17,), in half octaves of length, the shortest first."""
    lengths = score.duration[score.voice == 0] / DIVISIONS
    steps = np.clip(np.rint(2 * np.log2(np.maximum(lengths, 1 / 64))), -8, 8).astype(np.int64) + 8
    return np.bincount(steps, minlength=LENGTHS).astype(np.float64)


def pitch_classes_of(score: Score) -> Counts:
    """How often each pitch class is struck, in all voices: shape (12,), C first."""
    return np.bincount(score.midi % OCTAVE, minlength=OCTAVE).astype(np.float64)


def bars_of(score: Score) -> tuple[Counts, Counts]:
    """Bar by bar, what sounds and when it is struck, in all voices.

    Pitch classes by their sounding time in bars (the bar that a note begins in counts), shape (bars, 12), and onsets,
    1 where any note is struck, shape (bars, 64).
    """
    bars = max(score.measures, int(score.onset.max()) // score.meter.bar + 1 if len(score) else 0)
    number, inside = np.divmod(score.onset, score.meter.bar)
    classes = np.zeros((bars, OCTAVE))
    np.add.at(classes, (number, score.midi % OCTAVE), score.duration / score.meter.bar)
    onsets = np.zeros((bars, POSITIONS))
    onsets[number, np.minimum(np.rint(inside * POSITIONS / score.meter.bar).astype(np.int64), POSITIONS - 1)] = 1.0
    return classes, onsets


def entropy(counts: Counts) -> float:
    """Shannon's entropy of counts in bits, 0 where there is nothing."""
    total = counts.sum()
    shares = counts[counts > 0] / total if total else np.zeros(0)
    return float(max(0.0, -(shares * np.log2(shares)).sum()))


def distance(one: Counts, other: Counts) -> float | None:
    """The Jensen-Shannon distance between two distributions, 0 (the same) to 1; None where one is empty.

    The root of the divergence to base 2 (Endres and Schindelin 2003).
    """
    if not one.sum() or not other.sum():
        return None
    shares = np.stack([one / one.sum(), other / other.sum()])
    middle = shares.mean(axis=0)
    bits = shares * np.log2(np.divide(shares, middle, out=np.ones_like(shares), where=shares > 0))
    found = float(np.sqrt(max(0.0, bits.sum() / 2)))
    return min(1.0, max(0.0, found)) if np.isfinite(found) else 0.0
