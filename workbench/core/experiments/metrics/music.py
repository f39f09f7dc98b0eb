"""Musical statistics of a piece, from its realized notes. None of them says by itself what is good music."""

from __future__ import annotations

import numpy as np

from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.metrics.heads import motif_heads, uses_any
from workbench.core.experiments.metrics.histograms import (
    Counts,
    bars_of,
    distance,
    entropy,
    intervals_of,
    lengths_of,
    pitch_classes_of,
)
from workbench.core.experiments.metrics.registry import SHARE, metric
from workbench.core.experiments.samples import Sample
from workbench.core.music.score import Score


@metric("motif-use", kind="number", unit=SHARE, family="music", title="Phrases that use a motif")
def motif_use(sample: Sample, context: Context) -> float | None:
    """The share of the phrases in which a motif of the section, or a leitmotif, is heard.

    A motif is known by its head, three or four notes: the same rhythm at any speed, and moves that go the same way and
    differ by a step at most (Schoenberg 1967, ch. 3); also turned upside down or backwards. A phrase without a written
    tune uses the motif that it names, since its tune is grown from it. 0 where the piece has no motif.
    """
    piece = context.piece(sample)
    if piece is None or not piece.piece.phrases:
        return None
    structure = piece.structure
    heads = [motif_heads(section, structure) for section in structure.sections]
    used = 0
    for phrase in piece.piece.phrases:
        if phrase.degrees is None:
            used += bool(phrase.motif) and phrase.cell is not None
        else:
            used += uses_any(phrase.degrees, phrase.rhythm, heads[phrase.section])
    return used / len(piece.piece.phrases)


@metric("duration-error", kind="number", better="lower", unit=SHARE, family="music", title="Duration error")
def duration_error(sample: Sample, context: Context) -> float | None:
    """How far the length as written is from the seconds that were asked for, as a share of these: 0.1 is ten per cent
    too long or too short."""
    piece = context.piece(sample)
    if piece is None:
        return None
    seconds = piece.structure.measures * piece.piece.meter.bar_quarters * 60 / piece.structure.tempo
    return abs(seconds - sample.request.duration) / sample.request.duration


@metric("pitch-entropy", kind="number", unit="bits", family="music", title="Pitch-class entropy")
def pitch_entropy(sample: Sample, context: Context) -> float | None:
    """How evenly the notes spread over the twelve pitch classes: 0 bits for one alone, 3.58 for all alike; a scale
    used evenly has 2.81. Entropy of the histogram of notes (Wu and Yang 2020, The Jazz Transformer on the Front Line,
    where short windows are taken; here the whole piece is)."""
    score = _score(sample, context)
    return None if score is None else entropy(pitch_classes_of(score))


@metric("pitch-entropy-4-bars", kind="number", unit="bits", family="music", title="Pitch-class entropy of four bars")
def pitch_entropy_4_bars(sample: Sample, context: Context) -> float | None:
    """Pitch-class entropy in four bars running, the mean over all such windows (H4 of Wu and Yang 2020)."""
    score = _score(sample, context)
    if score is None:
        return None
    classes = np.zeros((max(score.measures, int(score.onset.max()) // score.meter.bar + 1), 12))
    np.add.at(classes, (score.onset // score.meter.bar, score.midi % 12), 1.0)
    size = min(4, len(classes))
    sums = np.cumsum(np.vstack([np.zeros(12), classes]), axis=0)
    windows = sums[size:] - sums[:-size]
    windows = windows[windows.sum(axis=1) > 0]
    shares = windows / windows.sum(axis=1, keepdims=True)
    bits = -np.where(shares > 0, shares * np.log2(np.where(shares > 0, shares, 1.0)), 0.0).sum(axis=1)
    return float(max(0.0, bits.mean()))


@metric("interval-distance", kind="number", better="lower", family="music", title="Distance of intervals")
def interval_distance(sample: Sample, context: Context) -> float | None:
    """How far the tune's moves (in semitones, within phrases) are distributed from those of the reference set: the
    Jensen-Shannon distance, 0 for the same and 1 for nothing in common. After Yang and Lerch 2020, On the Evaluation
    of Generative Models in Music. A short piece is never at 0, however good."""
    score = _score(sample, context)
    return None if score is None else distance(intervals_of(score), context.expected[0])


@metric("rhythm-distance", kind="number", better="lower", family="music", title="Distance of rhythm")
def rhythm_distance(sample: Sample, context: Context) -> float | None:
    """How far the tune's note lengths are distributed from those of the reference set: the Jensen-Shannon distance, 0
    for the same and 1 for nothing in common. After Yang and Lerch 2020."""
    score = _score(sample, context)
    return None if score is None else distance(lengths_of(score), context.expected[1])


@metric("self-similarity", kind="number", unit=SHARE, family="music", title="Self-similarity")
def self_similarity(sample: Sample, context: Context) -> float | None:
    """How alike the bars are, the mean over all pairs: the cosine between what two bars hold, pitch classes and onsets
    weighing the same. 1 where every bar is the same, 0 where none share anything. After the self-similarity matrix of
    Foote 1999, of which this is the mean off the diagonal."""
    score = _score(sample, context)
    if score is None:
        return None
    classes, onsets = (_unit(part) for part in bars_of(score))
    bars = _unit(np.hstack([classes, onsets]))
    bars = bars[bars.any(axis=1)]
    count = len(bars)
    if count < 2:
        return None
    total = bars.sum(axis=0)
    return float(np.clip((total @ total - count) / (count * (count - 1)), 0.0, 1.0))


@metric("groove", kind="number", unit=SHARE, family="music", title="Groove consistency")
def groove(sample: Sample, context: Context) -> float | None:
    """How alike the bars' onset patterns are: 1 minus the share of the 64 places in a bar at which one bar has an onset
    and the other none, the mean over all pairs of bars (grooving pattern similarity of Wu and Yang 2020)."""
    score = _score(sample, context)
    if score is None:
        return None
    onsets = bars_of(score)[1]
    bars, places = onsets.shape
    if bars < 2:
        return None
    struck = onsets.sum(axis=0)
    differing = (struck * (bars - struck)).sum() / (bars * (bars - 1) / 2)
    return float(1 - differing / places)


def _score(sample: Sample, context: Context) -> Score | None:
    piece = context.piece(sample)
    score = piece.score if piece is not None else None
    return score if score is not None and len(score) else None


def _unit(rows: Counts) -> Counts:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Counts = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return unit
