"""Voice-leading on the realized score: the four voices that carry the harmony, and what sounds around them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.score import IntColumn

_ASC = "Aldwell, Schachter and Cadwallader 2011, ch. 5-6"
_STRICT = ("airia", "baroque", "classical", "romantic")
_NAMES = ("tune", "alto", "tenor", "bass")


def _last_of_tune(piece: Piece) -> IntColumn:
    """The last note of the tune over each chord (-1 where it rests): what moves when the next chord enters."""
    score = piece.score
    assert score is not None
    tune = score.voice == 0
    onset, midi = score.onset[tune], score.midi[tune]
    ends = np.array([span.end for span in score.chords])
    starts = np.array([span.start for span in score.chords])
    at = np.searchsorted(onset, ends, side="left") - 1
    sounding = (at >= 0) & (onset[np.maximum(at, 0)] >= starts)
    return np.where(sounding, midi[np.maximum(at, 0)], -1).astype(np.int32)


def _parallels(piece: Piece, upper: int, lower: int) -> tuple[int, list[int], int]:
    """Consecutive perfect intervals between two voices of the skeleton: moves, the chords they reach, and how many."""
    score = piece.score
    assert score is not None
    a, b = score.skeleton[:, upper].astype(int), score.skeleton[:, lower].astype(int)
    if len(a) < 2:
        return 0, [], 0
    leaving = a[:-1] if upper else _last_of_tune(piece)[:-1]
    moved = (a[1:] != leaving) & (b[1:] != b[:-1]) & (a[1:] >= 0) & (leaving >= 0)
    before, after = (leaving - b[:-1]) % 12, (a[1:] - b[1:]) % 12
    same_way = np.sign(a[1:] - leaving) == np.sign(b[1:] - b[:-1])
    bad = moved & same_way & (before == after) & ((before == 0) | (before == 7))
    bad &= piece.same_section
    return int(moved.sum()), [int(at) + 1 for at in np.flatnonzero(bad)], int(bad.sum())


@register(
    "voice-leading.parallels-inner",
    "warning",
    source=f"{_ASC}: no parallel fifths and octaves",
    profiles=_STRICT,
    needs_score=True,
)
def parallels_inner(piece: Piece) -> Iterator[Found]:
    """Alto, tenor and bass do not move together in fifths or octaves."""
    score = piece.score
    assert score is not None
    for upper, lower in ((1, 2), (1, 3), (2, 3)):
        for at in _parallels(piece, upper, lower)[1]:
            span = score.chords[at]
            yield (
                f"{_NAMES[upper].capitalize()} and {_NAMES[lower]} move in parallel perfect intervals.",
                f"/sections/{span.section}",
                span.start // piece.meter.bar + 1,
                "Change an inversion or the chord between.",
            )


@register(
    "voice-leading.parallels-outer",
    "warning",
    source="FACTS: 0.5 (Corelli) to 5.0 (Beethoven) per 100 moves",
    profiles=_STRICT,
    needs_score=True,
)
def parallels_outer(piece: Piece) -> Iterator[Found]:
    """Tune and bass move in parallel fifths or octaves no oftener than in the repertoire: five times in a hundred chord
    changes, and always allowed twice."""
    moves, _, count = _parallels(piece, 0, 3)
    if count > max(2, 0.08 * moves):
        yield (
            f"Tune and bass move {count} times in parallel fifths or octaves ({moves} moves).",
            "/sections",
            None,
            "Let the tune move against the bass.",
        )


@register("voice-leading.crossing", "warning", source=_ASC, needs_score=True)
def crossing(piece: Piece) -> Iterator[Found]:
    """Alto, tenor and bass keep their order."""
    score = piece.score
    assert score is not None
    skeleton = score.skeleton
    for at in np.flatnonzero((skeleton[:, 3] > skeleton[:, 2]) | (skeleton[:, 2] > skeleton[:, 1])):
        span = score.chords[int(at)]
        yield (
            "Voices cross.",
            f"/sections/{span.section}",
            span.start // piece.meter.bar + 1,
            "Choose another position.",
        )


@register("voice-leading.tune-on-top", "info", source=_ASC, needs_score=True)
def tune_on_top(piece: Piece) -> Iterator[Found]:
    """The tune lies above the accompaniment where chords change, all but a few times."""
    score = piece.score
    assert score is not None
    skeleton = score.skeleton
    under = (skeleton[:, 0] >= 0) & (skeleton[:, 0] < skeleton[:, 1])
    if under.sum() > 0.1 * max(1, len(skeleton)):
        yield f"The tune dips under the alto {int(under.sum())} times.", "/sections", None, "Write the tune higher."


@register("voice-leading.ranges", "error", source="Instrument ranges: Adler 2002", needs_score=True)
def ranges(piece: Piece) -> Iterator[Found]:
    """Every note can be played on its instrument."""
    score = piece.score
    assert score is not None
    for number, voice in enumerate(score.voices):
        mine = score.voice == number
        outside = mine & ((score.midi < voice.instrument.low) | (score.midi > voice.instrument.high))
        if outside.any():
            at = int(np.flatnonzero(outside)[0])
            yield (
                f"{voice.name} leaves the range of the {voice.instrument.name.lower()} {int(outside.sum())} times.",
                "/instrumentation",
                int(score.onset[at]) // piece.meter.bar + 1,
                "Transpose, or choose another instrument.",
            )


def _tendency(piece: Piece, which: str) -> Iterator[tuple[int, int, int, int]]:
    """Places where a chord's leading tone or seventh lies in a voice and the next chord could take its resolution."""
    score = piece.score
    assert score is not None
    skeleton = score.skeleton
    for at in range(len(score.chords) - 1):
        here, following = score.chords[at], score.chords[at + 1]
        tone = here.chord.leading if which == "leading" else here.chord.seventh
        if tone is None or here.section != following.section or here.phrase != following.phrase:
            continue
        pitch = (here.key.tonic + tone) * 7 % 12
        classes = following.chord.pitch_classes(following.key)
        goals = {(pitch + 1) % 12} if which == "leading" else {(pitch - 1) % 12, (pitch - 2) % 12}
        if pitch in classes or not goals & set(classes):
            continue
        for voice in (1, 2, 3):
            if skeleton[at, voice] % 12 == pitch:
                yield at, voice, int(skeleton[at, voice]), int(skeleton[at + 1, voice])


@register(
    "voice-leading.leading-tone",
    "warning",
    source=f"{_ASC}: in an outer voice the leading tone rises",
    profiles=_STRICT,
    needs_score=True,
)
def leading_tone(piece: Piece) -> Iterator[Found]:
    """A leading tone in the bass rises to its tonic; an inner one may fall to complete the chord."""
    score = piece.score
    assert score is not None
    for at, voice, before, after in _tendency(piece, "leading"):
        span = score.chords[at]
        home = span.chord.leading is not None and score.chords[at + 1].chord.root == span.chord.leading - 5
        if voice == 3 and home and after != before + 1:
            yield (
                f"The leading tone in the bass of {span.numeral} does not rise.",
                f"/sections/{span.section}",
                span.start // piece.meter.bar + 1,
                "Let I in root position follow.",
            )


@register(
    "voice-leading.sevenths", "warning", source=f"{_ASC}: sevenths fall by step", profiles=_STRICT, needs_score=True
)
def sevenths(piece: Piece) -> Iterator[Found]:
    """Most sevenths fall by step: no more than one in seven of those that could does otherwise (and two always may)."""
    found = list(_tendency(piece, "seventh"))
    wrong = [entry for entry in found if entry[3] - entry[2] not in (-1, -2)]
    if len(wrong) > max(2, len(found) / 7):
        score = piece.score
        assert score is not None
        span = score.chords[wrong[0][0]]
        yield (
            f"{len(wrong)} of {len(found)} sevenths do not fall by step.",
            f"/sections/{span.section}",
            span.start // piece.meter.bar + 1,
            "Let the seventh go down a step in the next chord.",
        )


@register(
    "voice-leading.doubled-leading-tone",
    "warning",
    source=f"{_ASC}: never double the leading tone",
    profiles=_STRICT,
    needs_score=True,
)
def doubled_leading_tone(piece: Piece) -> Iterator[Found]:
    """The leading tone stands in one of the lower voices only."""
    score = piece.score
    assert score is not None
    for at, span in enumerate(score.chords):
        if span.chord.leading is None:
            continue
        pitch = (span.key.tonic + span.chord.leading) * 7 % 12
        if int((score.skeleton[at, 1:] % 12 == pitch).sum()) > 1:
            yield (
                f"The leading tone of {span.numeral} is doubled.",
                f"/sections/{span.section}",
                span.start // piece.meter.bar + 1,
                "Double the root instead.",
            )


@register(
    "voice-leading.clashes",
    "warning",
    source="FACTS: semitone clashes on 1.2 to 3.1% of downbeats",
    profiles=_STRICT,
    needs_score=True,
)
def clashes(piece: Piece) -> Iterator[Found]:
    """Tune and harmony seldom clash by a semitone on downbeats: on no more than one in ten (and twice always may)."""
    score = piece.score
    assert score is not None
    tune = score.voice == 0
    ends = score.onset + score.duration
    downbeats = np.arange(score.measures) * piece.meter.bar
    # What sounds on each downbeat: the tune's one note, and every note of the others.
    onsets, pitches, releases = score.onset[tune], score.midi[tune], ends[tune]
    if not len(onsets):
        return
    at = np.searchsorted(onsets, downbeats, side="right") - 1
    top = np.where((at >= 0) & (releases[np.maximum(at, 0)] > downbeats), pitches[np.maximum(at, 0)], -1)
    others = ~tune
    # Each note with the downbeats that it sounds on: as many pairs as there are sounding notes, however long the piece.
    first = -(-score.onset[others] // piece.meter.bar)
    counts = np.clip(-(-ends[others] // piece.meter.bar), 0, score.measures) - np.clip(first, 0, score.measures)
    bars = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
    interval = (top[bars] - np.repeat(score.midi[others], counts)) % 12
    harsh = np.zeros(score.measures, bool)
    harsh[bars[((interval == 1) | (interval == 11)) & (top[bars] >= 0)]] = True
    clashing = (np.flatnonzero(harsh) + 1).tolist()
    if len(clashing) > max(2, 0.1 * score.measures):
        yield (
            f"Tune and harmony clash on {len(clashing)} of {score.measures} downbeats.",
            "/sections",
            clashing[0],
            "Put chord tones on strong beats.",
        )


@register("voice-leading.bass-leaps", "info", source=_ASC, needs_score=True)
def bass_leaps(piece: Piece) -> Iterator[Found]:
    """The bass seldom leaps more than an octave from chord to chord."""
    score = piece.score
    assert score is not None
    bass = score.skeleton[:, 3].astype(int)
    wide = int((np.abs(np.diff(bass)) > 12).sum()) if len(bass) > 1 else 0
    if wide > 0.1 * max(10, len(bass)):
        yield f"The bass leaps over an octave {wide} times.", "/sections", None, "Use inversions."
