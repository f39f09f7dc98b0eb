"""Scores made by hand: small, exact, and full of the edges that real pieces rarely show."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from workbench.core.music.instruments import INSTRUMENTS
from workbench.core.music.keys import parse_key
from workbench.core.music.meters import DIVISIONS, meter_of
from workbench.core.music.numerals import parse_numeral
from workbench.core.music.pitches import alter_of, parse_pitch_class, pitch_class
from workbench.core.music.score import ChordSpan, Performance, PhraseSpan, Score, SectionSpan, Voice

PIANO = INSTRUMENTS["Piano"]
TWO_HANDS = (Voice("Melody", PIANO, 0, 0, "treble"), Voice("Bass", PIANO, 0, 1, "bass"))
FOUR_AT_ONE_PIANO = (
    Voice("Melody", PIANO, 0, 0, "treble"),
    Voice("Alto", PIANO, 0, 0, "treble"),
    Voice("Tenor", PIANO, 0, 1, "bass"),
    Voice("Bass", PIANO, 0, 1, "bass"),
)
TRIO = (
    Voice("Violin", INSTRUMENTS["Violin"], 0, 0, "treble"),
    Voice("Viola", INSTRUMENTS["Viola"], 1, 0, "alto"),
    Voice("Cello", INSTRUMENTS["Cello"], 2, 0, "bass"),
)


def midi_of(name: str) -> tuple[int, int]:
    """``F#4`` as its MIDI number and place on the line of fifths."""
    fifths = parse_pitch_class(name[:-1])
    alter = alter_of(fifths)
    return (int(name[-1]) + 1) * 12 + pitch_class(fifths - 7 * alter) + alter, fifths


def build(
    lines: Sequence[str],
    *,
    voices: tuple[Voice, ...] = TWO_HANDS,
    key: str = "C major",
    meter: str = "4/4",
    tempo: float = 96,
    sections: Sequence[tuple[str, str, int]] | None = None,
    numerals: Sequence[str] = ("I", "IV", "V7", "I"),
    cadence: str = "PAC",
    title: str = "By hand",
) -> Score:
    """A score from one line of text a voice: ``C4:1 r:1/2 [E4,G4]:3/2``, lengths in quarters.

    ``sections`` are (name, key, measures); each is one phrase, and ``numerals`` fill its bars one a bar, in turn.
    """
    form = meter_of(meter)
    rows: list[tuple[int, int, int, int, int]] = []
    for voice, line in enumerate(lines):
        at = Fraction(0)
        for word in line.split():
            names, _, length = word.partition(":")
            quarters = Fraction(length or 1)
            for name in () if names == "r" else names.strip("[]").split(","):
                midi, fifths = midi_of(name)
                rows.append((int(at * DIVISIONS), voice, midi, int(quarters * DIVISIONS), fifths))
            at += quarters
    rows.sort()
    length = max((row[0] + row[3] for row in rows), default=form.bar)
    measures = -(-length // form.bar)
    plan = list(sections or [("A", key, measures)])
    measures = max(measures, sum(item[2] for item in plan))
    section_spans, phrase_spans, chord_spans = [], [], []
    first = 0
    for index, (name, local, bars) in enumerate(plan):
        tonic = parse_key(local)
        start, end = first * form.bar, (first + bars) * form.bar
        section_spans.append(
            SectionSpan(
                name, "theme", tonic, start, end, first + 1, bars, ("p", "mf", "f")[index % 3], "chorale", cadence
            )
        )
        phrase_spans.append(
            PhraseSpan(index, chr(97 + index), "antecedent", start, end, first + 1, bars, cadence, "m1", "sequence-up")
        )
        for bar in range(bars):
            figure = numerals[bar % len(numerals)]
            at = start + bar * form.bar
            chord_spans.append(
                ChordSpan(index, index, at, at + form.bar, figure, tonic, parse_numeral(figure, tonic.mode))
            )
        first += bars
    columns = np.array(rows, np.int32).reshape(-1, 5)
    onset = columns[:, 0]
    ends = np.array([span.end for span in section_spans])
    owner = np.minimum(np.searchsorted(ends, onset, side="right"), len(ends) - 1).astype(np.int32)
    return Score(
        title=title,
        key=parse_key(key),
        tempo=tempo,
        meter=form,
        voices=voices[: len(lines)] if len(voices) > len(lines) else voices,
        sections=tuple(section_spans),
        phrases=tuple(phrase_spans),
        chords=tuple(chord_spans),
        measures=measures,
        onset=onset.copy(),
        duration=columns[:, 3].copy(),
        midi=columns[:, 2].copy(),
        fifths=columns[:, 4].copy(),
        voice=columns[:, 1].copy(),
        section=owner,
        phrase=owner.copy(),
        chord=np.minimum(onset // form.bar, len(chord_spans) - 1).astype(np.int32),
    )


def play(score: Score, *, tempo: float | None = None, velocity: int = 80) -> Performance:
    """The score played straight."""
    seconds = 60 / (tempo or score.tempo) / DIVISIONS
    grid = np.arange(0, score.length + 1, score.meter.beat, dtype=np.int32)
    return Performance(
        score,
        score.onset * seconds,
        (score.onset + score.duration) * seconds,
        np.full(len(score), velocity, np.int32),
        grid,
        grid * seconds,
    )


def long_score(notes: int, *, bars: int = 80) -> Score:
    """A piano piece of about so many notes in eighths or shorter, four voices, eight-bar sections in eight keys."""
    per_bar = notes // bars // 4
    length = f"4/{per_bar}"
    pool = ("C5", "D5", "E5", "G5", "F5", "E5", "D5", "B4")
    lines = []
    for voice, octave in enumerate((0, -1, -2, -3)):
        names = [f"{pool[(step + voice) % 8][0]}{int(pool[(step + voice) % 8][1]) + octave}" for step in range(per_bar)]
        lines.append(" ".join(f"{name}:{length}" for _ in range(bars) for name in names))
    keys = (
        "C major",
        "G major",
        "a minor",
        "F major",
        "e minor",
        "D major",
        "c minor",
        "C major",
        "Eb major",
        "C major",
    )
    return build(
        lines,
        voices=FOUR_AT_ONE_PIANO,
        sections=[(f"Section {index + 1}", keys[index % 10], bars // 10) for index in range(10)],
        numerals=("I", "V65", "vi", "ii65", "V7", "IV", "V43", "I"),
    )
