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
from workbench.core.library.importers.closes import close_of
from workbench.core.library.importers.timing import bar_of, written
from workbench.core.music.degrees import MAX_DEGREE, DegreeValue, write_degree
from workbench.core.music.keys import Key
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


def with_melody(
    imported: Imported, *tunes: Sequence[TuneNote], fitting: float = FITTING, hold: bool = True
) -> Imported:
    """The same piece with its real tune, and authentic cadences that the source does not name told apart by it.

    Of notes that sound together the highest is kept; upbeats that the harmony has lost are lost here too. Of several
    tunes a phrase has the first that sounds through half of it, or the one that sounds most. ``fitting`` is the share
    of notes that must belong to the chord that they begin with. ``hold`` lets a phrase's last note fill its bar;
    without it, only where the next phrase has an upbeat.

    Raises:
        InvalidInputError: the notes do not fit the chords.
    """
    lines = [_laid(_one_line(tune), imported.timeline) for tune in tunes]
    phrases: dict[tuple[int, int], Phrase] = {}
    met = asked = 0
    for source in imported.timeline.phrases:
        section = imported.structure.sections[source.section]
        phrase = (section.phrases or ())[source.phrase]
        notes = _chosen([_within(line, source) for line in lines], source, phrase, section.tonality)
        belonging, begun = _fit(notes, phrase, section.tonality)
        met, asked = met + belonging, asked + begun
        phrases[source.section, source.phrase] = _sung(
            phrase, notes, section.tonality, imported.structure.time_signature, source, hold=hold
        )
    if fitting and (asked == 0 or met / asked < fitting):
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


def _laid(line: Sequence[TuneNote], timeline: Timeline) -> list[TuneNote]:
    """A line in laid-out quarters."""
    onsets = timeline.laid([note.onset for note in line])
    ends = timeline.laid([note.onset + note.duration for note in line])
    return [
        note._replace(onset=onset, duration=end - onset)
        for note, onset, end in zip(line, onsets, ends, strict=True)
        if end > onset
    ]


def _within(line: Sequence[TuneNote], source: PhraseSource) -> list[TuneNote]:
    """The notes of a phrase in quarters from its first downbeat."""
    first = bisect_left(line, source.begin, key=lambda note: note.onset)
    notes = []
    for note in line[first:]:
        if note.onset >= source.end:
            break
        onset = note.onset - source.begin + source.lead
        notes.append(note._replace(onset=onset, duration=min(note.duration, source.end - note.onset)))
    return notes


def _chosen(lines: Sequence[list[TuneNote]], source: PhraseSource, phrase: Phrase, key: Key) -> list[TuneNote]:
    """The line that is a phrase's tune.

    Where the source names a perfect cadence it is one that arrives on 1, if there is one; what leads on to the next
    phrase after the arrival is left out.
    """
    sounding = [sum((note.duration for note in line), Fraction(0)) for line in lines]
    half = (source.end - source.begin) / 2
    able = [line for line, length in zip(lines, sounding, strict=True) if length >= half]
    if not able:
        return lines[sounding.index(max(sounding))] if lines else []
    if source.named and phrase.cadence in {"PAC", "PICARDY"}:
        for line in able:
            if line[-1].fifths == key.tonic:
                return line
        closing = sum(map(Fraction, phrase.chord_beats or ())) - Fraction((phrase.chord_beats or (0,))[-1])
        for line in able:
            arrivals = [number for number, note in enumerate(line) if note.fifths == key.tonic]
            if arrivals and line[arrivals[-1]].onset >= closing - MIN_LENGTH:
                return line[: arrivals[-1] + 1]
    return able[0]


def _fit(notes: Sequence[TuneNote], phrase: Phrase, key: Key) -> tuple[int, int]:
    """How many notes that begin with a chord belong to it, and how many begin with one."""
    at, starts = Fraction(0), {}
    for figure, beats in zip(phrase.chords or (), phrase.chord_beats or (), strict=True):
        starts[at] = {key.tonic + tone for tone in parse_numeral(figure, key.mode).tones}
        at += Fraction(beats).limit_denominator(96)
    begun = [(note.fifths, starts[note.onset]) for note in notes if note.onset in starts]
    return sum(fifths in tones or fifths - 12 in tones or fifths + 12 in tones for fifths, tones in begun), len(begun)


def _sung(
    phrase: Phrase, notes: Sequence[TuneNote], key: Key, meter: str, source: PhraseSource, *, hold: bool
) -> Phrase:
    if not notes or len(notes) > MAX_NOTES // 2:
        return phrase
    total = bar_of(meter) * phrase.measures
    line: list[tuple[DegreeValue, Fraction]] = []  # degrees and where they end
    at = Fraction(0)
    for number, note in enumerate(notes):
        if note.onset > at:
            line.append((0, note.onset))
        at = min(total, note.onset + note.duration)
        held = hold or source.end - source.begin + source.lead < total
        if number == len(notes) - 1 and held and total - at <= Fraction(total, phrase.measures):
            at = total  # also where the next phrase's upbeat was
        line.append((degree_of(note, key), at))
    if at < total:
        line.append((0, total))
    degrees, rhythm = written(line, after_longest=0)
    melody = Motif(degrees=degrees, rhythm=rhythm)
    step = (
        diatonic_number(notes[-1].midi, notes[-1].fifths) - diatonic_number(reference_tonic(key), key.tonic)
    ) % 7 + 1
    cadence = phrase.cadence
    if cadence in {"PAC", "IAC", "PICARDY"} and not source.named:
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
