"""From a structure to exact notes in voices: the Score.

The tune is read, or written where the structure has none; a search finds alto, tenor and bass under it; the texture of
each section lays them out in time. Any structure whose numerals can be read is realized, with or without phrases.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from workbench.core.compose.layout import LaidPhrase, lay_out
from workbench.core.compose.second_voice import second_voice
from workbench.core.compose.textures import patterns_of, register_for, texture_named
from workbench.core.compose.tune_for import tune_for
from workbench.core.compose.voicing import Register, Under, Voicings, chord_voicings, lead
from workbench.core.music.degrees import DegreeValue, degree_midi, parse_degree, spell_degree
from workbench.core.music.instruments import Ensemble, ensemble_for
from workbench.core.music.keys import Key
from workbench.core.music.meters import Meter, meter_of
from workbench.core.music.numerals import Chord
from workbench.core.music.pitches import nearest_midi
from workbench.core.music.score import ChordSpan, IntColumn, PhraseSpan, Score, SectionSpan, Voice
from workbench.core.music.structure import MusicStructure

MELODY_CENTRE = 65
"""The reference tonic of a tune lies within a tritone of this MIDI number, so between C4 and B4."""


class Line(NamedTuple):
    """A tune in notes: columns of onset, duration (divisions from the phrase's start), MIDI, fifths and chord index."""

    columns: IntColumn
    under: tuple[Under, ...]


def reference_tonic(key: Key) -> int:
    """The MIDI number that degree 1 of a tune means in a key."""
    return nearest_midi(key.tonic, MELODY_CENTRE)


def realize(structure: MusicStructure) -> Score:
    """Turn a structure into exact notes.

    The same structure always gives the same notes. Voices are melody, alto, tenor and bass; a keyboard plays them as
    one part on two staves.

    Raises:
        InvalidStructureError: a Roman numeral cannot be read; ``field`` points at it.
    """
    meter = meter_of(structure.time_signature)
    ensemble = ensemble_for(structure.instrumentation)
    keyboard = ensemble.bass.keyboard
    bass_range = (ensemble.bass.low, ensemble.bass.high)
    phrases = lay_out(structure)
    tempo = round(structure.tempo)
    textures = [texture_named(section.texture, structure.period) for section in structure.sections]

    sets: list[Voicings] = []
    unders: list[Under] = []
    led: list[tuple[tuple[Voicings, ...], tuple[Under, ...]]] = []
    lines: list[Line] = []
    for phrase in phrases:
        degrees, rhythm = phrase.degrees, phrase.rhythm
        if degrees is None:
            degrees, rhythm = tune_for(phrase, meter, reference_tonic(phrase.key))
        line = _line(degrees, rhythm, phrase.key, phrase.chords, phrase.starts, phrase.ends)
        register = register_for(textures[phrase.section], ensemble)
        voicings = _voicings(phrase.chords, phrase.key, register)
        sets += voicings
        unders += line.under
        led.append((voicings, line.under))
        lines.append(line)
    path = lead(led)
    chosen = np.array([voicings.pitches[index] for voicings, index in zip(sets, path, strict=True)], np.int32)

    melody = _melody(lines, phrases, ensemble)
    accompaniment = _accompaniment(phrases, chosen, textures, meter, tempo, keyboard, bass_range)
    table = np.concatenate([melody, accompaniment])
    table = table[np.lexsort((table[:, 2], table[:, 4], table[:, 0]))]
    sections, phrase_spans, chord_spans = _spans(structure, phrases, textures, meter)
    soprano = np.array([under.first for under in unders], np.int32)[:, None]
    return Score(
        title=structure.title or "",
        key=structure.tonality,
        tempo=structure.tempo,
        meter=meter,
        voices=_voices(ensemble),
        sections=sections,
        phrases=phrase_spans,
        chords=chord_spans,
        measures=sum(phrase.measures for phrase in phrases),
        onset=table[:, 0].copy(),
        duration=table[:, 1].copy(),
        midi=table[:, 2].copy(),
        fifths=table[:, 3].copy(),
        voice=table[:, 4].copy(),
        section=table[:, 5].copy(),
        phrase=table[:, 6].copy(),
        chord=table[:, 7].copy(),
        skeleton=np.concatenate([soprano, chosen], axis=1),
    )


@lru_cache(maxsize=8192)
def _voicings(chords: tuple[Chord, ...], key: Key, register: Register) -> tuple[Voicings, ...]:
    return tuple(chord_voicings(chord, key, register) for chord in chords)


@lru_cache(maxsize=4096)
def _line(
    degrees: tuple[DegreeValue, ...],
    rhythm: tuple[int, ...],
    key: Key,
    chords: tuple[Chord, ...],
    starts: tuple[int, ...],
    ends: tuple[int, ...],
) -> Line:
    """The notes of a tune, and what each chord has above it."""
    tonic = reference_tonic(key)
    rows: list[tuple[int, int, int, int, int]] = []
    at = chord = 0
    for value, length in zip(degrees, rhythm, strict=True):
        while chord + 1 < len(chords) and at >= starts[chord + 1]:
            chord += 1
        degree = parse_degree(value, key.mode)
        if degree is not None:
            fifths = spell_degree(degree, key, chords[chord].spelled(key))
            rows.append((at, length, degree_midi(degree, fifths, key, tonic), fifths, chord))
        at += length
    under: list[Under] = []
    index = 0
    for start, end in zip(starts, ends, strict=True):
        while index < len(rows) and rows[index][0] + rows[index][1] <= start:
            index += 1
        here = []
        look = index
        while look < len(rows) and rows[look][0] < end:
            here.append(rows[look][2])
            look += 1
        first = here[0] if here and rows[index][0] <= start else (here[0] if here else -1)
        under.append(Under(first, here[-1], min(here)) if here else Under(-1, -1, -1))
    return Line(np.array(rows, np.int32).reshape(-1, 5), tuple(under))


def _melody(lines: list[Line], phrases: tuple[LaidPhrase, ...], ensemble: Ensemble) -> IntColumn:
    """The tune of the whole piece in the score's columns, moved by octaves into the player's range."""
    counts = [len(line.columns) for line in lines]
    rows = np.concatenate([line.columns for line in lines])
    base, bases = 0, []
    for phrase in phrases:
        bases.append(base)
        base += len(phrase.chords)
    of = np.repeat(np.arange(len(phrases), dtype=np.int32), counts)
    table = np.empty((len(rows), 8), np.int32)
    table[:, :4] = rows[:, :4]
    table[:, 0] += np.array([phrase.start for phrase in phrases], np.int32)[of]
    table[:, 4] = 0
    table[:, 5] = np.array([phrase.section for phrase in phrases], np.int32)[of]
    table[:, 6] = of
    table[:, 7] = rows[:, 4] + np.array(bases, np.int32)[of]
    low, high = ensemble.melody.low, ensemble.melody.high
    if len(table):
        midi = table[:, 2]
        # A few notes out of reach are folded back; only a tune that lies wrong as a whole is moved.
        outside = {move: int(((midi + move < low) | (midi + move > high)).sum()) for move in (0, 12, -12, 24)}
        shift = min(outside, key=lambda move: outside[move] + 0.1 * len(midi) * abs(move) / 12)
        midi += shift
        midi += np.where(midi < low, -((midi - low) // 12) * 12, 0).astype(np.int32)
        midi -= np.where(midi > high, -((high - midi) // 12) * 12, 0).astype(np.int32)
    return table


def _accompaniment(
    phrases: tuple[LaidPhrase, ...],
    chosen: IntColumn,
    textures: list[str],
    meter: Meter,
    tempo: int,
    keyboard: bool,
    bass_range: tuple[int, int],
) -> IntColumn:
    patterns: list[IntColumn] = []
    counts: list[int] = []
    info: list[tuple[int, int, int]] = []
    spelling: list[IntColumn] = []
    extra: list[IntColumn] = []
    number = 0
    for index, phrase in enumerate(phrases):
        texture = textures[phrase.section]
        spelling.append(_spellings(phrase.chords, phrase.key))
        if texture == "contrapuntal":
            rows = second_voice(phrase._replace(start=0), meter, reference_tonic(phrase.key), *bass_range)
            table = np.empty((len(rows), 8), np.int32)
            table[:, :4] = rows[:, :4]
            table[:, 0] += phrase.start
            table[:, 4], table[:, 5], table[:, 6], table[:, 7] = 3, phrase.section, index, rows[:, 4] + number
            extra.append(table)
        else:
            ends_section = index + 1 == len(phrases) or phrases[index + 1].section != phrase.section
            made = patterns_of(texture, meter, tempo, keyboard)
            rows = made(phrase.starts, phrase.ends, ends_section and phrase.cadence is not None)
            patterns.append(rows)
            counts.append(len(rows))
            info.append((phrase.start, number, index))
        number += len(phrase.chords)
    if patterns:
        rows = np.concatenate(patterns)
        where = np.repeat(np.array(info, np.int32), counts, axis=0)
        chord = rows[:, 4] + where[:, 1]
        table = np.empty((len(rows), 8), np.int32)
        table[:, 0] = rows[:, 0] + where[:, 0]
        table[:, 1] = rows[:, 1]
        table[:, 2] = chosen[chord, rows[:, 2]]
        table[:, 3] = np.concatenate(spelling)[chord, table[:, 2] % 12]
        table[:, 4] = rows[:, 3]
        table[:, 5] = np.array([phrase.section for phrase in phrases], np.int32)[where[:, 2]]
        table[:, 6] = where[:, 2]
        table[:, 7] = chord
        extra.append(_without_doubles(table))
    return np.concatenate(extra) if extra else np.zeros((0, 8), np.int32)


def _without_doubles(table: IntColumn) -> IntColumn:
    """Drop a note that the same voice already has at the same moment (tenor and alto in unison)."""
    same = (table[1:, 0] == table[:-1, 0]) & (table[1:, 2] == table[:-1, 2]) & (table[1:, 4] == table[:-1, 4])
    if not same.any():
        return table
    kept: IntColumn = table[np.concatenate([[True], ~same])]
    return kept


@lru_cache(maxsize=8192)
def _spellings(chords: tuple[Chord, ...], key: Key) -> IntColumn:
    """For each chord and pitch class in semitones, its spelling in the chord (0 where the chord has none such)."""
    result = np.zeros((len(chords), 12), np.int32)
    for number, chord in enumerate(chords):
        for fifths in chord.spelled(key):
            result[number, fifths * 7 % 12] = fifths
    return result


def _spans(
    structure: MusicStructure, phrases: tuple[LaidPhrase, ...], textures: list[str], meter: Meter
) -> tuple[tuple[SectionSpan, ...], tuple[PhraseSpan, ...], tuple[ChordSpan, ...]]:
    bar = meter.bar
    phrase_spans, chord_spans = [], []
    bounds: dict[int, list[int]] = {}
    for index, phrase in enumerate(phrases):
        start, end = phrase.start, phrase.start + phrase.measures * bar
        bounds.setdefault(phrase.section, [start, end])[1] = end
        phrase_spans.append(
            PhraseSpan(
                phrase.section, phrase.label, phrase.role, start, end, start // bar + 1, phrase.measures,
                phrase.cadence, phrase.motif, phrase.transformation,
            )
        )  # fmt: skip
        for figure, chord, first, last in zip(phrase.figures, phrase.chords, phrase.starts, phrase.ends, strict=True):
            chord_spans.append(ChordSpan(phrase.section, index, start + first, start + last, figure, phrase.key, chord))
    sections = []
    for index, section in enumerate(structure.sections):
        start, end = bounds[index]
        sections.append(
            SectionSpan(
                section.name, section.role or "", section.tonality, start, end, start // bar + 1, (end - start) // bar,
                section.dynamics or "mf", textures[index], section.cadence,
            )
        )  # fmt: skip
    return tuple(sections), tuple(phrase_spans), tuple(chord_spans)


@lru_cache(maxsize=256)
def _voices(ensemble: Ensemble) -> tuple[Voice, ...]:
    if ensemble.is_keyboard:
        staves = (0, 0, 1, 1)
        return tuple(
            Voice(name, ensemble.melody, 0, staff, "bass" if staff else "treble")
            for name, staff in zip(("Melody", "Alto", "Tenor", "Bass"), staves, strict=True)
        )
    if ensemble.accompanied_by_keyboard:
        return (
            Voice("Melody", ensemble.melody, 0, 0, ensemble.melody.clef),
            Voice("Alto", ensemble.bass, 1, 0, "treble"),
            Voice("Tenor", ensemble.bass, 1, 1, "bass"),
            Voice("Bass", ensemble.bass, 1, 1, "bass"),
        )
    players = (ensemble.melody, ensemble.alto, ensemble.tenor, ensemble.bass)
    clefs = ("treble", "treble", "bass", "bass")
    return tuple(
        Voice(name, player, part, 0, clef if _covers_all(player) else player.clef)
        for part, (name, player, clef) in enumerate(
            zip(("Melody", "Alto", "Tenor", "Bass"), players, clefs, strict=True)
        )
    )


def _covers_all(player: object) -> bool:
    return getattr(player, "low", 0) <= 43 and getattr(player, "high", 0) >= 79
