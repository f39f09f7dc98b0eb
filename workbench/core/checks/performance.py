"""Performance: tempo, dynamics, density and humanization."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.meters import DIVISIONS


@register("performance.tempo", "warning", source="Parncutt 1994: beats between 30 and 240 a minute are felt")
def tempo(piece: Piece) -> Iterator[Found]:
    """The beat of the meter can be felt: between 24 and 300 beats a minute (3/8 is felt in one)."""
    beat = piece.meter.bar if piece.meter.name == "3/8" else piece.meter.beat
    rate = piece.structure.tempo * DIVISIONS / beat
    if not 20 <= rate <= 300:
        yield f"{rate:.0f} beats a minute in {piece.meter.name}.", "/tempo", None, "Change the tempo or the meter."


@register(
    "performance.too-fast",
    "warning",
    source="Playing practice: faster than 14 notes a second cannot be played",
    needs_score=True,
)
def too_fast(piece: Piece) -> Iterator[Found]:
    """No line asks for more than fourteen notes a second for a whole bar."""
    score = piece.score
    assert score is not None
    bar_seconds = piece.meter.bar_quarters * 60 / piece.structure.tempo
    for number, voice in enumerate(score.voices):
        onsets = np.unique(score.onset[score.voice == number])
        if not len(onsets):
            continue
        per_bar = np.bincount(onsets // piece.meter.bar)
        most = int(per_bar.max())
        if most / bar_seconds > 14:
            yield (
                f"{voice.name} has {most} notes in {bar_seconds:.1f} s.",
                "/tempo",
                int(per_bar.argmax()) + 1,
                "Slow down, or use longer notes.",
            )


@register("performance.dynamics-plan", "info", source="Design of this workbench: dynamics follow form")
def dynamics_plan(piece: Piece) -> Iterator[Found]:
    """Over four sections or more, dynamics change somewhere."""
    marks = [section.dynamics for section in piece.structure.sections]
    if len(marks) >= 4 and len(set(marks)) == 1:
        yield (
            f"Every section is {marks[0] or 'unmarked'}.",
            "/sections/1/dynamics",
            None,
            "Set a section off by its dynamics.",
        )


@register("performance.humanize", "warning", source="Limits of the contract; Todd 1992")
def humanize(piece: Piece) -> Iterator[Found]:
    """Humanization agrees with itself: a phrase curve has a peak or a soft end to shape."""
    manner = piece.structure.humanize
    if manner and manner.velocity_curve == "phrase" and manner.peak_boost == 0 and manner.phrase_end_softness == 0:
        yield "A phrase curve without peak and softness is flat.", "/humanize", None, "Set peakBoost to about 0.2."


@register("performance.length", "info", source="Requests of this workbench run from 20 to 600 s")
def length(piece: Piece) -> Iterator[Found]:
    """The piece is neither over in a moment nor endless."""
    seconds = piece.structure.measures * piece.meter.bar_quarters * 60 / piece.structure.tempo
    if not 8 <= seconds <= 900:
        yield f"The piece lasts {seconds:.0f} s.", "/sections", None, "Change the number of bars or the tempo."
