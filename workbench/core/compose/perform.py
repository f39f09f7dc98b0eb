"""From a score to a performance: tempo that breathes, dynamics that follow the phrase, articulation, a last ritardando.

The tempo map is drawn beat by beat and keeps the written length on average (rubato gives back what it takes); only the
end slows. Velocities join the section's dynamics, the phrase's arch, the metre's accents and the balance of voices
(after Todd 1992 and Friberg, Bresin and Sundberg 2006).
"""

from __future__ import annotations

import numpy as np

from workbench.core.music.meters import DIVISIONS
from workbench.core.music.score import Performance, Score
from workbench.core.music.structure import Humanize

_LOUDNESS = {"pp": 38, "p": 50, "mp": 60, "mf": 70, "f": 84, "ff": 98}
_RUBATO = {"none": 0.0, "subtle": 0.045, "expressive": 0.11}
_DETACHED = {"contrapuntal": 0.86, "waltz": 0.82, "homophonic": 0.92, "alberti": 0.96}
_DEFAULT = Humanize()


def perform(score: Score, *, humanize: Humanize | None = None, seed: int = 0) -> Performance:
    """Play a score. ``humanize`` None is the gentle default; ``seed`` fixes the small irregularities of a hand.

    Returns seconds and velocities for each note, and the tempo map. The same arguments always give the same result.
    """
    manner = humanize or _DEFAULT
    grid, times = _tempo_map(score, manner)
    onset = score.onset.astype(np.float64)
    start = np.interp(onset, grid, times)
    sounding = score.duration * _articulation(score)
    end = np.interp(onset + sounding, grid, times)
    velocity = _velocities(score, manner)
    if len(start):
        rng = np.random.default_rng(seed)
        loose = 0.0 if manner.rubato == "none" else 0.004 if manner.rubato == "subtle" else 0.008
        if loose:
            start = np.maximum(0.0, start + rng.normal(0.0, loose, len(start)).clip(-2 * loose, 2 * loose))
            velocity = velocity + rng.normal(0.0, 1.6, len(start))
        end = np.maximum(end, start + 0.03)
    return Performance(score, start, end, np.clip(np.rint(velocity), 8, 124).astype(np.int32), grid, times)


def _tempo_map(score: Score, manner: Humanize) -> tuple[np.ndarray, np.ndarray]:
    """Score positions (every beat) and their clock times in seconds."""
    step = score.meter.beat
    grid = np.arange(0, score.length + step, step, dtype=np.int64)
    grid[-1] = score.length
    grid = np.unique(grid)
    plain = np.diff(grid) * (60.0 / score.tempo / DIVISIONS)
    middle = (grid[:-1] + grid[1:]) / 2
    stretch = np.ones(len(plain))
    depth = _RUBATO[manner.rubato]
    if depth and score.phrases:
        starts = np.array([phrase.start for phrase in score.phrases])
        lengths = np.array([phrase.end - phrase.start for phrase in score.phrases])
        of = np.searchsorted(starts, middle, side="right") - 1
        where = (middle - starts[of]) / lengths[of]
        # Slow in, on through the middle, slow out: a parabola whose mean over each phrase is zero.
        shape = (2 * where - 1) ** 2
        beats = np.maximum(1, np.bincount(of, minlength=len(starts)))
        stretch += depth * 2 * (shape - (np.bincount(of, shape, minlength=len(starts)) / beats)[of])
    seconds = plain * stretch
    # The close: the last bar broadens, less in quick dances.
    last = score.length - score.meter.bar
    closing = middle >= last
    if closing.any() and score.measures > 2:
        progress = (middle[closing] - last) / score.meter.bar
        seconds[closing] *= 1 + (0.10 if manner.rubato == "none" else 0.28) * progress
    return grid.astype(np.int32), np.concatenate([[0.0], np.cumsum(seconds)])


def _articulation(score: Score) -> np.ndarray:
    """The share of its length that each note sounds: legato tunes, detached basses, a breath at phrase ends."""
    if not len(score):
        return np.ones(0)
    by_section = np.array([_DETACHED.get(section.texture, 0.97) for section in score.sections])
    share = by_section[score.section]
    melody = score.voice == 0
    share = np.where(melody, np.where(score.duration >= DIVISIONS // 2, 0.97, 0.94), share)
    sustained = score.duration >= 2 * DIVISIONS
    return np.asarray(np.where(sustained, 0.97, share))


def _velocities(score: Score, manner: Humanize) -> np.ndarray:
    if not len(score):
        return np.zeros(0)
    level = np.array([_LOUDNESS[section.dynamics] for section in score.sections], float)[score.section]
    starts = np.array([phrase.start for phrase in score.phrases], float)
    ends = np.array([phrase.end for phrase in score.phrases], float)
    where = (score.onset - starts[score.phrase]) / (ends - starts)[score.phrase]
    if manner.velocity_curve == "phrase":
        # Grow to a peak at two thirds, then come away.
        arch = np.where(where < 0.66, where / 0.66, (1 - where) / 0.34)
        level = level * (1 + manner.peak_boost * 0.5 * (arch - 0.45))
        level = level * (1 - manner.phrase_end_softness * 0.3 * np.clip((where - 0.8) / 0.2, 0, 1))
    meter = score.meter
    inside = score.onset % meter.bar
    accent = np.where(inside == 0, 5.0, np.where(inside % meter.beat == 0, 1.5, -2.5))
    # The tune above, the bass clear, the filling soft.
    balance = np.array([7.0, -9.0, -10.0, -4.0])[np.minimum(score.voice, 3)]
    figure = (score.voice == 3) & (score.duration < meter.beat) & (inside % meter.beat != 0)
    height = np.where(score.voice == 0, (score.midi - 70) * 0.35, 0.0)
    return np.asarray(level + accent + balance - 5.0 * figure + height)
