"""A piece as it sounds: (onset, duration, pitch, line), and where its bars, sections and phrases lie.

Read from a Score, from MIDI or MusicXML bytes, or from a DCML note table. The spans say only *where* to look; what is
found there is judged by what sounds.
"""

from __future__ import annotations

import csv
import io
from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple


class Sound(NamedTuple):
    """One sounding note, in quarters; ``line`` 0 is the top player or stave, ``letter`` counts staff steps."""

    onset: Fraction
    duration: Fraction
    midi: int
    line: int
    letter: int

    @property
    def end(self) -> Fraction:
        """Where it stops."""
        return self.onset + self.duration


class Close(NamedTuple):
    """A claimed cadence: its type, and from where to where its last chord lasts; the tonic's pitch class; minor?"""

    type: str
    start: Fraction
    end: Fraction
    tonic: int
    minor: bool


@dataclass
class Piece:
    """A piece as it sounds. ``bars`` are the onsets of the bars, ``sections`` spans in quarters."""

    title: str
    notes: list[Sound]
    bars: list[Fraction]
    end: Fraction
    sections: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    phrases: list[int] = field(default_factory=list)
    closes: list[Close] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.notes.sort()
        self.sections = self.sections or [(Fraction(0), self.end)]

    @property
    def melody(self) -> list[Sound]:
        """The top line: of the notes that begin together on line 0, the highest."""
        highest: dict[Fraction, Sound] = {}
        for note in self.notes:
            if note.line == 0 and (note.onset not in highest or highest[note.onset].midi < note.midi):
                highest[note.onset] = note
        return [highest[onset] for onset in sorted(highest)]

    def bar_of(self, onset: Fraction) -> int:
        """The bar (from 0) that a time lies in."""
        return bisect_right(self.bars, onset) - 1


_LETTERS = {"C": 0, "D": 1, "E": 2, "F": 3, "G": 4, "A": 5, "B": 6}


def _letter(name: str, octave: int) -> int:
    return _LETTERS[name[0].upper()] + 7 * octave


def from_score(score: Any) -> Piece:
    """A Score's notes, with the places of its sections, phrases and cadences."""
    from workbench.core.music.meters import DIVISIONS

    def quarters(divisions: int) -> Fraction:
        return Fraction(int(divisions), DIVISIONS)

    notes = []
    for note in score.notes:
        name = note.name
        octave = int(name.lstrip("ABCDEFG#b"))
        notes.append(Sound(note.onset, note.duration, note.midi, note.voice, _letter(name, octave)))
    bar, end = quarters(score.meter.bar), quarters(score.length)
    piece = Piece(
        score.title,
        notes,
        [bar * index for index in range(score.measures)],
        end,
        [(quarters(section.start), quarters(section.end)) for section in score.sections],
        [phrase.measures for phrase in score.phrases],
    )
    for index, phrase in enumerate(score.phrases):
        chords = [chord for chord in score.chords if chord.phrase == index]
        if phrase.cadence and chords:
            last, key = chords[-1], score.sections[phrase.section].key
            # A close may be prolonged by more of the same chord: look at where it arrives.
            start = last.start
            for chord in reversed(chords):
                if chord.numeral != last.numeral:
                    break
                start = chord.start
            piece.closes.append(
                Close(phrase.cadence, quarters(start), quarters(last.end), key.pitch_class, key.is_minor)
            )
    return piece


def from_midi(data: bytes, title: str = "") -> Piece:
    """MIDI bytes: the first track with notes is line 0; bars from the first time signature."""
    import mido

    midi = mido.MidiFile(file=io.BytesIO(data))
    notes, bar, line, end = [], Fraction(4), 0, Fraction(0)
    for track in midi.tracks:
        time, sounding, found = 0, {}, False
        for message in track:
            time += message.time
            if message.type == "time_signature":
                bar = Fraction(4 * message.numerator, message.denominator)
            elif message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note] = time
            elif message.type in {"note_on", "note_off"} and (message.channel, message.note) in sounding:
                began = sounding.pop((message.channel, message.note))
                start = Fraction(began, midi.ticks_per_beat)
                stop = Fraction(time, midi.ticks_per_beat)
                end, found = max(end, stop), True
                notes.append(Sound(start, stop - start, message.note, line, message.note * 7 // 12))
        line += found
    return Piece(title, notes, [bar * index for index in range(int(-(-end // bar)))], end)


def untied(part: Any) -> list[tuple[Fraction, Fraction, Any]]:
    """The onset, duration and pitch of a music21 part's notes, ties joined.

    (music21's own ``stripTies`` mixes up the voices of a stave.)
    """
    notes: list[tuple[Fraction, Fraction, Any]] = []
    held: list[tuple[Fraction, Fraction, str]] = []  # first onset, where it has got to, pitch
    for element in part.flatten().notes:
        onset, length = Fraction(element.offset), Fraction(element.quarterLength)
        for note in getattr(element, "notes", (element,)):
            tie = note.tie.type if note.tie else None
            began, name = onset, note.pitch.nameWithOctave
            if tie in {"stop", "continue"}:
                began = next(first for first, reached, pitch in held if (reached, pitch) == (onset, name))
                held.remove((began, onset, name))
            if tie in {"start", "continue"}:
                held.append((began, onset + length, name))
            else:
                notes.append((began, onset + length - began, note.pitch))
    return notes


def from_musicxml(data: bytes | str, title: str = "") -> Piece:
    """MusicXML through music21: the first part is line 0, the bars are the file's own."""
    from music21 import converter

    text = data.decode() if isinstance(data, bytes) else data
    score = converter.parseData(text, format="musicxml")
    notes, bars = [], []
    for line, part in enumerate(score.parts):
        bars = bars or [Fraction(measure.offset) for measure in part.getElementsByClass("Measure")]
        for onset, duration, pitch in untied(part):
            notes.append(Sound(onset, duration, pitch.midi, line, _letter(pitch.step, pitch.octave)))
    return Piece(title, notes, bars, Fraction(score.highestTime))


def from_dcml(text: str, title: str = "") -> Piece:
    """A DCML ``.notes.tsv`` table: to hold the yardstick itself against published music."""
    notes, bars, end = [], {}, Fraction(0)
    tied: dict[tuple[str, str], Sound] = {}
    for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
        place = row.get("quarterbeats")
        if row.get("gracenote") or not place:
            continue
        onset, duration = Fraction(place), Fraction(row["duration_qb"])
        bars.setdefault(row["mc"], onset - 4 * Fraction(row["mc_onset"]))
        end = max(end, onset + duration)
        where = (row["staff"], row["midi"])
        if row["tied"] in {"0", "-1"} and where in tied:
            tied[where] = tied[where]._replace(duration=onset + duration - tied[where].onset)
            continue
        sound = Sound(
            onset, duration, int(row["midi"]), int(row["staff"]) - 1, _letter(row["name"], int(row["octave"]))
        )
        if row["tied"] == "1":
            if where in tied:
                notes.append(tied[where])
            tied[where] = sound
        else:
            notes.append(sound)
    return Piece(title, [*notes, *tied.values()], sorted(bars.values()), end)
