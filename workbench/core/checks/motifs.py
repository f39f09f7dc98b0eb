"""Motifs and tunes: recurrence, development, singability, shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.degrees import DegreeValue, parse_degree
from workbench.core.music.meters import divisions

_SCHOENBERG = "Schoenberg 1967, ch. 2-5"


def _positions(degrees: Sequence[DegreeValue]) -> list[int]:
    return [parsed.position for degree in degrees if (parsed := parse_degree(degree)) is not None]


@register("motifs.singable", "warning", source="Aldwell, Schachter and Cadwallader 2011, ch. 5: leaps up to an octave")
def singable(piece: Piece) -> Iterator[Found]:
    """A motif can be sung: no leap over a tenth, no range over two octaves."""
    for index, section, path in piece.sections:
        for number, motif in enumerate(section.motifs):
            line = _positions(motif.degrees)
            leap = max((abs(b - a) for a, b in pairwise(line)), default=0)
            if leap > 9 or (line and max(line) - min(line) > 14):
                yield (
                    f"Motif {number + 1} of {section.name} is hard to sing.",
                    f"{path}/melody/motifs/{number}",
                    piece.first_measures[index],
                    "Keep leaps within an octave.",
                )


@register("motifs.fit-meter", "warning", source=_SCHOENBERG)
def fit_meter(piece: Piece) -> Iterator[Found]:
    """A motif's rhythm fits the meter: it fills whole beats and is no longer than four bars."""
    for index, section, path in piece.sections:
        for number, motif in enumerate(section.motifs):
            total = sum(map(divisions, motif.rhythm))
            unit = piece.meter.beat // (3 if piece.meter.compound else 2)
            if (total % unit > 8 and unit - total % unit > 8) or total > 4 * piece.meter.bar:
                yield (
                    f"Motif {number + 1} of {section.name} does not fit {piece.meter.name}.",
                    f"{path}/melody/motifs/{number}/rhythm",
                    piece.first_measures[index],
                    "Make its lengths fill whole beats.",
                )


@register("motifs.recur", "warning", source=_SCHOENBERG)
def recur(piece: Piece) -> Iterator[Found]:
    """A motif that a section names is heard in its tune: its rhythm opens a phrase or comes in one."""
    for index, section, path in piece.sections:
        tunes = [phrase.melody for phrase in section.phrases or () if phrase.melody]
        if not tunes or not section.motifs or not section.motifs[0].rhythm:
            continue
        wanted = tuple(map(divisions, section.motifs[0].rhythm[:3]))
        size = len(wanted)
        heard = any(
            tuple(map(divisions, tune.rhythm[at : at + size])) == wanted
            for tune in tunes
            for at in range(len(tune.rhythm) - size + 1)
        )
        if not heard:
            yield (
                f"The first motif of {section.name} is never heard.",
                f"{path}/melody/motifs/0",
                piece.first_measures[index],
                "Begin a phrase with it.",
            )


@register("motifs.leitmotifs-vary", "info", source=_SCHOENBERG)
def leitmotifs_vary(piece: Piece) -> Iterator[Found]:
    """A leitmotif comes back transformed: it names at least one transformation besides the theme itself."""
    for number, leitmotif in enumerate(piece.structure.leitmotifs or ()):
        if leitmotif.transformations is not None and set(leitmotif.transformations) <= {"theme"}:
            yield (
                f"{leitmotif.tag!r} never changes.",
                f"/leitmotifs/{number}/transformations",
                None,
                "Add a transformation.",
            )


@register("motifs.develop", "info", source=_SCHOENBERG)
def develop(piece: Piece) -> Iterator[Found]:
    """A development works on its motifs: some phrase in it transforms one."""
    for index, section, path in piece.sections:
        if "development" not in (section.role or section.name).lower() or not section.phrases:
            continue
        if not any(phrase.motif and phrase.motif.transformation for phrase in section.phrases):
            yield f"{section.name} develops nothing.", path, piece.first_measures[index], "Name a transformation."


@register(
    "motifs.copied-bars", "warning", needs_score=True, source="FACTS: real tunes repeat 8 to 24% of their bars exactly"
)
def copied_bars(piece: Piece) -> Iterator[Found]:
    """A section does not fill bar after bar with the same music: no bar of the tune comes over three times running."""
    bars = piece.tune_bars
    run = 1
    for number in range(1, len(bars)):
        run = run + 1 if bars[number] == bars[number - 1] else 1
        if run == 4:
            section = piece.structure.sections[bars[number][0]]
            yield (
                f"{section.name} repeats one bar of its tune over and over.",
                f"/sections/{bars[number][0]}",
                number + 1,
                "Vary the motif: sequence, fragment or invert it.",
            )


@register(
    "motifs.repetition", "warning", needs_score=True, source="FACTS: real tunes repeat 8 to 24% of their bars exactly"
)
def repetition(piece: Piece) -> Iterator[Found]:
    """Not more than 60% of the tune's bars are literal repeats of earlier ones."""
    bars = [notes for _, notes in piece.tune_bars]
    if len(bars) < 12:
        return
    again = len(bars) - len(set(bars))
    if again > 0.6 * len(bars):
        yield f"{again} of {len(bars)} bars repeat an earlier one exactly.", "/sections", None, "Vary the returns."


@register(
    "motifs.tune-range", "warning", needs_score=True, source="Human voices and instruments: two octaves and a fifth"
)
def tune_range(piece: Piece) -> Iterator[Found]:
    """The tune keeps within two octaves and a fifth."""
    score = piece.score
    assert score is not None
    tune = score.midi[score.voice == 0]
    if len(tune) and int(np.ptp(tune)) > 31:
        yield f"The tune spans {int(np.ptp(tune))} semitones.", "/sections", None, "Keep it within two octaves."


@register("motifs.leaps-recovered", "info", needs_score=True, source="Aldwell, Schachter and Cadwallader 2011, ch. 5")
def leaps_recovered(piece: Piece) -> Iterator[Found]:
    """Most leaps of a sixth or more turn back afterwards."""
    score = piece.score
    assert score is not None
    line = score.midi[score.voice == 0].astype(int)
    steps = np.diff(line)
    leaps = np.abs(steps[:-1]) >= 8
    if leaps.sum() >= 6:
        back = np.sign(steps[:-1][leaps]) != np.sign(steps[1:][leaps])
        if back.mean() < 0.5:
            yield (
                "Wide leaps are not answered by a turn back.",
                "/sections",
                None,
                "Let steps follow in the other direction.",
            )


@register("motifs.climax", "info", needs_score=True, source="Toch 1948: one high point, past the middle")
def climax(piece: Piece) -> Iterator[Found]:
    """The highest note is special: it is not heard in more than a quarter of the bars."""
    bars = [notes for _, notes in piece.tune_bars]
    if len(bars) < 8:
        return
    top = max(note[2] for notes in bars for note in notes)
    count = sum(any(note[2] == top for note in notes) for notes in bars)
    if count > len(bars) / 4:
        yield f"The highest note comes in {count} of {len(bars)} bars.", "/sections", None, "Keep it for one place."


@register("motifs.rests", "info", needs_score=True, source="Tunes breathe: rests or long notes end phrases")
def rests(piece: Piece) -> Iterator[Found]:
    """The tune breathes: somewhere it rests or holds a note of two beats."""
    bars = [notes for _, notes in piece.tune_bars]
    if len(bars) < 8:
        return
    lengths = Counter(note[1] for notes in bars for note in notes)
    sounding = sum(length * count for length, count in lengths.items())
    if max(lengths) < 2 * piece.meter.beat and piece.score is not None and sounding >= piece.score.length:
        yield "The tune never breathes.", "/sections", None, "End phrases with a long note or a rest."
