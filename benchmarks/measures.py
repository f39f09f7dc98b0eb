"""Musical statistics of a piece, from its sounding notes alone.

Nothing here shares code with the composer: a piece is a list of (onset, duration, pitch, line) and where its bars,
sections and phrases lie, read from a Score, from MIDI or MusicXML bytes, or from a DCML note table. The spans say only
*where* to look; what is found there is judged by what sounds.
"""

from __future__ import annotations

import csv
import io
import itertools
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

INTERVALS = ("step", "third", "repeat", "4th-5th", "6th-octave", "wider")


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


# Reading ------------------------------------------------------------------------------------------------------------

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


def from_musicxml(data: bytes | str, title: str = "") -> Piece:
    """MusicXML through music21: the first part is line 0, the bars are the file's own."""
    from music21 import converter

    text = data.decode() if isinstance(data, bytes) else data
    score = converter.parseData(text, format="musicxml")
    notes, bars = [], []
    for line, part in enumerate(score.parts):
        tied = part.stripTies()
        bars = bars or [Fraction(measure.offset) for measure in part.getElementsByClass("Measure")]
        for element in tied.flatten().notes:
            for pitch in element.pitches:
                notes.append(
                    Sound(
                        Fraction(element.offset).limit_denominator(3360),
                        Fraction(element.quarterLength).limit_denominator(3360),
                        pitch.midi,
                        line,
                        _letter(pitch.step, pitch.octave or 4),
                    )
                )
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


# Measuring ----------------------------------------------------------------------------------------------------------


def interval_kind(semitones: int) -> str:
    """What a melodic interval counts as."""
    size = abs(semitones)
    bounds = ((0, "repeat"), (2, "step"), (4, "third"), (7, "4th-5th"), (12, "6th-octave"))
    return next((name for limit, name in bounds if size <= limit), "wider")


def melody_intervals(piece: Piece) -> Counter[str]:
    """Intervals between consecutive notes of the top line, none across sections."""
    counts: Counter[str] = Counter()
    starts = [start for start, _ in piece.sections]
    melody = piece.melody
    for before, after in itertools.pairwise(melody):
        if bisect_right(starts, before.onset) == bisect_right(starts, after.onset):
            counts[interval_kind(after.midi - before.midi)] += 1
    return counts


def _bars(piece: Piece) -> list[tuple[tuple[Fraction, Fraction, int, int], ...]]:
    """For each bar its melody: (offset, duration, midi, letter)."""
    bars: list[list[tuple[Fraction, Fraction, int, int]]] = [[] for _ in piece.bars]
    for note in piece.melody:
        index = piece.bar_of(note.onset)
        bars[index].append((note.onset - piece.bars[index], note.duration, note.midi, note.letter))
    return [tuple(bar) for bar in bars]


def _repeated(contents: Iterable[tuple[Any, ...]]) -> tuple[int, int]:
    seen: set[tuple[Any, ...]] = set()
    again = total = 0
    for content in contents:
        if content:
            total += 1
            again += content in seen
            seen.add(content)
    return again, total


def repeated_melody(piece: Piece) -> tuple[int, int]:
    """Bars whose melody is exactly that of an earlier bar, and bars with any melody."""
    return _repeated(tuple(note[:3] for note in bar) for bar in _bars(piece))


def repeated_rhythm(piece: Piece) -> tuple[int, int]:
    """Bars whose melodic rhythm is that of an earlier bar, and bars with any melody."""
    return _repeated(tuple(note[:2] for note in bar) for bar in _bars(piece))


def _runs(piece: Piece, signature: Any) -> int:
    longest = 0
    bars = _bars(piece)
    for start, end in piece.sections:
        run, last = 0, None
        for index in range(piece.bar_of(start), min(len(bars), piece.bar_of(end - Fraction(1, 1000)) + 1)):
            mark = signature(bars[index])
            run = run + 1 if mark and mark == last else 1
            last = mark
            longest = max(longest, run if mark else 0)
    return longest


def copied_run(piece: Piece) -> int:
    """The longest run of bars within a section whose melody is the same cell, at whatever pitch (a sequence counts)."""

    def cell(bar: tuple[tuple[Fraction, Fraction, int, int], ...]) -> Any:
        return (
            tuple((offset, length, letter - bar[0][3]) for offset, length, _, letter in bar) if len(bar) > 1 else None
        )

    return _runs(piece, cell)


def exact_run(piece: Piece) -> int:
    """The longest run of bars within a section with exactly the same melody."""
    return _runs(piece, lambda bar: bar)


def outer_parallels(piece: Piece) -> tuple[int, int, list[Fraction]]:
    """Parallel fifths and octaves of the outer voices, moves in which both voices move, and where the parallels lie.

    The outer voices are the highest and the lowest note that sound at each onset; a move counts when both change.
    """
    onsets = sorted({note.onset for note in piece.notes})
    outer: list[tuple[Fraction, int, int]] = []
    for onset, sounding in _slices(piece, onsets):
        if len(sounding) > 1:
            outer.append((onset, min(note.midi for note in sounding), max(note.midi for note in sounding)))
    moves, places = 0, []
    for (_, low, high), (onset, next_low, next_high) in itertools.pairwise(outer):
        if low == next_low or high == next_high:
            continue
        moves += 1
        together = (next_low > low) == (next_high > high)
        if together and (high - low) % 12 == (next_high - next_low) % 12 and (high - low) % 12 in (0, 7):
            places.append(onset)
    return len(places), moves, places


def _slices(piece: Piece, times: list[Fraction]) -> Iterable[tuple[Fraction, list[Sound]]]:
    """What sounds at each time (rising)."""
    active: list[Sound] = []
    index = 0
    for time in times:
        active = [note for note in active if note.end > time]
        while index < len(piece.notes) and piece.notes[index].onset <= time:
            if piece.notes[index].end > time:
                active.append(piece.notes[index])
            index += 1
        yield time, active


def downbeat_clashes(piece: Piece) -> tuple[int, int]:
    """Downbeats on which two sounding notes are a semitone (or its compounds) apart, and downbeats that sound."""
    clashes = total = 0
    for _, sounding in _slices(piece, piece.bars):
        if sounding:
            total += 1
            classes = {note.midi % 12 for note in sounding}
            clashes += any((pitch + 1) % 12 in classes for pitch in classes)
    return clashes, total


def rest_share(piece: Piece) -> float:
    """The share of the time in which the top line is silent."""
    if not piece.end:
        return 0.0
    sounding, reached = Fraction(0), Fraction(0)
    for note in piece.melody:
        sounding += max(Fraction(0), note.end - max(note.onset, reached))
        reached = max(reached, note.end)
    return float(1 - sounding / piece.end)


def climax(piece: Piece) -> tuple[float, int]:
    """Where the highest melody note first comes (0 to 1) and how many times it comes."""
    melody = piece.melody
    top = max(note.midi for note in melody)
    places = [note.onset for note in melody if note.midi == top]
    return float(places[0] / piece.end), len(places)


class Closing(NamedTuple):
    """What a claimed cadence sounds like at its arrival."""

    type: str
    root_tonic: bool
    root_dominant_triad: bool
    melody_on_tonic: bool


def closing(piece: Piece, close: Close) -> Closing:
    """Judge one claimed cadence by the notes between its arrival and its end."""
    inside = [note for note in piece.notes if close.start <= note.onset < close.end]
    held = [note for note in piece.notes if note.onset < close.start < note.end] if not inside else []
    notes = inside or held
    if not notes:
        return Closing(close.type, False, False, False)
    first = min(note.onset for note in notes)
    bass = min((note for note in notes if note.onset - first < Fraction(1, 2)), key=lambda note: note.midi)
    classes = {(note.midi - close.tonic) % 12 for note in notes}
    thirds = {3, 4}
    line = [note for note in piece.melody if note.onset <= first]
    return Closing(
        close.type,
        (bass.midi - close.tonic) % 12 == 0 and bool(classes & thirds or classes <= {0, 7}),
        (bass.midi - close.tonic) % 12 == 7 and 11 in classes and 5 not in classes,
        bool(line) and (line[-1].midi - close.tonic) % 12 == 0,
    )


def final_bar_closes(piece: Piece) -> bool:
    """Whether the last bar's lowest note is the tonic that the piece claims to end on, and nothing runs beyond it."""
    if not piece.closes or not piece.notes:
        return False
    last = piece.closes[-1]
    lowest = min((note for note in piece.notes if note.end > piece.bars[-1]), key=lambda note: (note.midi, note.onset))
    return (lowest.midi - last.tonic) % 12 == 0 and max(note.end for note in piece.notes) <= piece.end
