"""A tune for a phrase that has none, grown from the motif it names."""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np

from workbench.core.compose.layout import LaidPhrase
from workbench.core.compose.themes import make_palette, sketch
from workbench.core.compose.tunes import TuneTask, write_tune, written
from workbench.core.music.degrees import DegreeValue
from workbench.core.music.meters import Meter, divisions

LOWEST_NOTE, HIGHEST_NOTE = 58, 83
"""Bounds of a written tune in MIDI numbers, before it is moved to the player's range."""


def tune_bounds(tonic: int) -> tuple[int, int]:
    """The lowest and highest position (scale steps from the reference tonic) that a tune may use."""
    return -((tonic - LOWEST_NOTE) * 7 // 12), (HIGHEST_NOTE - tonic) * 7 // 12


@lru_cache(maxsize=2048)
def tune_for(phrase: LaidPhrase, meter: Meter, tonic: int) -> tuple[tuple[DegreeValue, ...], tuple[int, ...]]:
    """Degrees and rhythm (divisions) for a phrase; the same phrase always gets the same tune."""
    seed = random.Random(f"{phrase.figures}{phrase.start}{phrase.label}{phrase.measures}{phrase.key.name}")
    cells = (phrase.cell,) if phrase.cell is not None else ()
    palette = make_palette(meter, 1.1, seed, cells=cells)
    idea = palette.ideas["m1"]
    drawn = sketch(
        phrase.measures, meter, phrase.starts, phrase.role, phrase.cadence, idea, palette, seed, faithful=0.8
    )
    low, high = tune_bounds(tonic)
    task = TuneTask(phrase.key.mode, meter, phrase.chords, drawn.slots, phrase.cadence, low, high)
    line = write_tune(task, np.random.default_rng(seed.randrange(2**32)))
    degrees, rhythm = written(task, line)
    return degrees, tuple(divisions(value) for value in rhythm)
