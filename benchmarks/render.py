"""How fast a piece becomes MIDI, sound, figures and a score."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from workbench.core.compose import compose, perform, realize
from workbench.core.music.meters import DIVISIONS
from workbench.core.music.request import Request
from workbench.core.music.score import Performance, Score
from workbench.core.music.structure import MusicStructure
from workbench.core.render import engrave, midi_bytes, musicxml, phrase_plan, piano_roll, synthesize


@cache
def _structure() -> MusicStructure:
    """About 80 bars, three minutes."""
    return compose(Request(form="rondo", duration=180, tempo=108, time_signature="4/4", period="classical", seed=1))


@cache
def _piece() -> tuple[Score, Performance]:
    score = realize(_structure())
    return score, perform(score, humanize=_structure().humanize)


@cache
def _dense() -> tuple[Score, Performance]:
    """A piece of 5,000 notes: a real one with every note split into as many as that takes."""
    score, _ = _piece()
    times = -(-5000 // len(score))
    each = np.maximum(score.duration // times, 1).astype(np.int32)
    steps = np.tile(np.arange(times, dtype=np.int32), len(score))
    columns = {
        name: np.repeat(getattr(score, name), times)
        for name in ("midi", "fifths", "voice", "section", "phrase", "chord")
    }
    onset = (np.repeat(score.onset, times) + steps * np.repeat(each, times)).astype(np.int32)
    order = np.argsort(onset, kind="stable")
    values = {**score.__dict__, **columns, "onset": onset, "duration": np.repeat(each, times)}
    fields = {
        name: value[order] if name in (*columns, "onset", "duration") else value for name, value in values.items()
    }
    dense = Score(**{name: fields[name] for name in Score.__dataclass_fields__})
    seconds = 60 / dense.tempo / DIVISIONS
    grid = np.array([0, dense.length], np.int32)
    start = dense.onset * seconds
    end = start + dense.duration * seconds
    return dense, Performance(dense, start, end, np.full(len(dense), 80, np.int32), grid, grid * seconds)


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds."""
    score, performance = _piece()
    dense, played = _dense()
    return [
        (f"MIDI bytes of {len(score):,} notes", lambda: midi_bytes(performance), 0.001),
        (f"{performance.seconds:.0f} s of stereo sound", lambda: synthesize(performance, sample_rate=44_100), 0.5),
        (
            f"both figures of {len(dense):,} notes",
            lambda: (phrase_plan(_structure(), score=dense), piano_roll(dense, played)),
            0.1,
        ),
        (f"MusicXML of {score.measures} bars", lambda: musicxml(score), 0.5),
        (f"MusicXML and SVG pages of {score.measures} bars", lambda: engrave(musicxml(score)), 2.0),
    ]
