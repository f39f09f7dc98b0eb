"""Real tunes put onto imported harmony: the notes of a part become the degrees of each phrase.

A tune decides what numerals alone cannot: whether an authentic cadence is perfect, with the tune on 1.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from workbench.core.compose.realize import reference_tonic
from workbench.core.errors import InvalidInputError
from workbench.core.library.importers.analysis import Imported, PhraseSource, Timeline
from workbench.core.library.importers.assembly import LONGEST_CHORD
from workbench.core.library.importers.closes import close_of
from workbench.core.music.degrees import MAX_DEGREE, DegreeValue, write_degree
from workbench.core.music.keys import Key
from workbench.core.music.meters import DIVISIONS, plain_quarters
from workbench.core.music.numerals import parse_numeral
from workbench.core.music.pitches import diatonic_number, fifths_of
from workbench.core.music.structure import MAX_NOTES, MIN_LENGTH, Motif, Phrase

FITTING = 0.55
"""The share of tune notes that begin with a chord and must belong to it; below it, the tune is of another piece."""


class TuneNote(NamedTuple):
    """A note of a tune: onset and duration in source quarters (``Timeline``), MIDI number, place on the fifths line."""

    onset: Fraction
    duration: Fraction
    midi: int
    fifths: int


def with_melody(imported: Imported, tune: Sequence[TuneNote]) -> Imported:
    """The same piece with its real tune, and its authentic cadences told apart by it.

    Of notes that sound together the highest is kept; upbeats that the harmony has lost are lost here too.

    Raises:
        InvalidInputError: the meter changes, or the notes do not fit the chords.
    """
    if not imported.timeline.even:
        raise InvalidInputError(
            "The meter changes, so a tune cannot be laid over this analysis.", hint="Import the harmony alone."
        )
    line = _one_line(tune)
    phrases: dict[tuple[int, int], Phrase] = {}
    met = asked = 0
    for source in imported.timeline.phrases:
        section = imported.structure.sections[source.section]
        phrase = (section.phrases or ())[source.phrase]
        notes = _within(line, source, imported.timeline.scale)
        fitting, begun = _fit(notes, phrase, section.tonality)
        met, asked = met + fitting, asked + begun
        phrases[source.section, source.phrase] = _sung(
            phrase, notes, section.tonality, imported.structure.time_signature
        )
    if asked == 0 or met / asked < FITTING:
        raise InvalidInputError(
            f"Only {met} of {asked} tune notes that begin with a chord belong to it.",
            hint="Check that tune and analysis are of the same edition.",
        )
    sections = []
    for number, section in enumerate(imported.structure.sections):
        sung = tuple(phrases[number, order] for order in range(len(section.phrases or ())))
        sections.append(section.model_copy(update={"phrases": sung, "cadence": sung[-1].cadence}))
    structure = imported.structure.model_copy(update={"sections": tuple(sections)})
    return imported._replace(structure=structure)


def _one_line(tune: Sequence[TuneNote]) -> list[TuneNote]:
    """The top line: at each onset the highest note, each cut where the next begins."""
    highest: dict[Fraction, TuneNote] = {}
    for note in tune:
        if note.duration > 0 and (note.onset not in highest or highest[note.onset].midi < note.midi):
            highest[note.onset] = note
    line = [highest[onset] for onset in sorted(highest)]
    return [
        note._replace(duration=min(note.duration, after.onset - note.onset)) for note, after in pairwise(line)
    ] + line[-1:]


def _within(line: Sequence[TuneNote], source: PhraseSource, scale: Fraction) -> list[TuneNote]:
    """The notes of a phrase in structure quarters from its first downbeat."""
    first = bisect_left(line, source.begin, key=lambda note: note.onset)
    notes = []
    for note in line[first:]:
        if note.onset >= source.end:
            break
        onset = (note.onset - source.begin) * scale + source.lead
        notes.append(note._replace(onset=onset, duration=min(note.duration, source.end - note.onset) * scale))
    return notes


def _fit(notes: Sequence[TuneNote], phrase: Phrase, key: Key) -> tuple[int, int]:
    """How many notes that begin with a chord belong to it, and how many begin with one."""
    at, starts = Fraction(0), {}
    for figure, beats in zip(phrase.chords or (), phrase.chord_beats or (), strict=True):
        starts[at] = {key.tonic + tone for tone in parse_numeral(figure, key.mode).tones}
        at += Fraction(beats).limit_denominator(96)
    begun = [(note.fifths, starts[note.onset]) for note in notes if note.onset in starts]
    return sum(fifths in tones or fifths - 12 in tones or fifths + 12 in tones for fifths, tones in begun), len(begun)


def _sung(phrase: Phrase, notes: Sequence[TuneNote], key: Key, meter: str) -> Phrase:
    if not notes or len(notes) > MAX_NOTES // 2:
        return phrase
    numerator, denominator = meter.split("/")
    total = Fraction(4 * int(numerator), int(denominator)) * phrase.measures
    degrees: list[DegreeValue] = []
    rhythm: list[Fraction] = []
    at = Fraction(0)
    for number, note in enumerate(notes):
        if note.onset > at:
            degrees.append(0)
            rhythm.append(note.onset - at)
        last = number == len(notes) - 1
        degrees.append(degree_of(note, key))
        rhythm.append(min(total, note.onset + note.duration) - note.onset)
        at = note.onset + rhythm[-1]
        if last and at < total and total - at <= Fraction(total, phrase.measures):
            rhythm[-1] += total - at  # held where the next phrase's upbeat was
            at = total
    if at < total:
        degrees.append(0)
        rhythm.append(total - at)
    kept: list[tuple[DegreeValue, Fraction]] = []
    for degree, length in zip(degrees, rhythm, strict=True):
        if kept and length < MIN_LENGTH:
            kept[-1] = (kept[-1][0], kept[-1][1] + length)
            continue
        kept.append((degree, max(length, Fraction(MIN_LENGTH))))
        while kept[-1][1] > LONGEST_CHORD:  # what is longer than one length holds ends in a rest
            kept[-1:] = [(kept[-1][0], Fraction(LONGEST_CHORD)), (0, kept[-1][1] - LONGEST_CHORD)]
    melody = Motif(
        degrees=tuple(degree for degree, _ in kept),
        rhythm=tuple(float(plain_quarters(round(length * DIVISIONS))) for _, length in kept),
    )
    step = (
        diatonic_number(notes[-1].midi, notes[-1].fifths) - diatonic_number(reference_tonic(key), key.tonic)
    ) % 7 + 1
    cadence = phrase.cadence
    if cadence in {"PAC", "IAC", "PICARDY"}:
        close = close_of(phrase.chords or (), key, step)
        cadence = close if close in {"PAC", "IAC", "PICARDY"} else cadence
    return phrase.model_copy(update={"melody": melody, "cadence": cadence})


def degree_of(note: TuneNote, key: Key) -> DegreeValue:
    """A note as a degree of a key, counted from the reference tonic; raised and natural 6 and 7 in minor are told."""
    tonic = reference_tonic(key)
    position = diatonic_number(note.midi, note.fifths) - diatonic_number(tonic, key.tonic)
    natural = key.scale[position % 7]
    alter = (note.fifths - natural) // 7
    while not -MAX_DEGREE < position < MAX_DEGREE:
        position += -7 if position > 0 else 7
    alter = max(-2, min(2, alter))
    return write_degree(position, alter, mode=key.mode, fixed=True)


def notes_of_part(part: Any, timeline: Timeline) -> tuple[TuneNote, ...]:
    """The notes of a music21 part, placed in source time by bar number; bars that the analysis lacks are left out."""
    notes: list[TuneNote] = []
    for measure in part.getElementsByClass("Measure"):
        start = timeline.bars.get(str(measure.number))
        if start is None:
            continue
        padding = Fraction(measure.paddingLeft or 0)
        if measure.numberSuffix:  # the second half of a bar that a repeat sign divides
            first = next(m for m in part.getElementsByClass("Measure") if m.number == measure.number)
            padding = padding or Fraction(first.duration.quarterLength)
        for element in measure.flatten().notes:
            pitch = element.pitches[-1]
            if element.duration.isGrace:
                continue
            tied = element.tie is not None and element.tie.type in {"stop", "continue"}
            onset = start + padding + Fraction(element.offset)
            length = Fraction(element.duration.quarterLength)
            if tied and notes and notes[-1].onset + notes[-1].duration == onset and notes[-1].midi == pitch.midi:
                notes[-1] = notes[-1]._replace(duration=notes[-1].duration + length)
                continue
            notes.append(TuneNote(onset, length, int(pitch.midi), fifths_of(pitch.step, int(pitch.alter))))
    return tuple(notes)
