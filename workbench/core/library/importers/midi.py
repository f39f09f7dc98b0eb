"""MIDI files: played or exported notes brought onto the grid of the file's own bars.

A file says nothing of spelling, rests or voices: notes are drawn to the simplest division of each beat that they lie
near to, and named in the key that is heard.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil
from statistics import fmean

from workbench.core.errors import InputTooLargeError
from workbench.core.library.importers.analysis import MAX_BARS, Fact, Source
from workbench.core.library.importers.listening import piece_of_score
from workbench.core.library.importers.midi_events import MAX_MIDI, Events, Stroke, Track, read_events
from workbench.core.library.importers.registry import File, ImportedPiece, importer
from workbench.core.library.importers.scores import MELODIES, Part, ScoreBar, Signature, WrittenScore, refuse_unfit
from workbench.core.library.importers.timing import bar_of
from workbench.core.library.importers.tunes import TuneNote

_DIVISIONS = (1, 2, 4, 3, 6, 8, 12)
"""Parts of a quarter, the plainest first."""
_NEAR = 0.03
"""Quarters: how far from its place a note may lie, so that a division is believed."""
_FREE = 0.017
"""Quarters: notes that lie so far from eighths of a beat and its triplets on average were not played to these beats."""


def _looks(file: File) -> bool:
    return file.data.startswith(b"MThd")


@importer("midi", endings=(".mid", ".midi", ".smf"), title="MIDI", most=MAX_MIDI, looks=_looks)
def import_midi(file: File) -> Iterator[ImportedPiece]:
    """One piece."""
    yield piece_of_score("midi", file, read_midi(file.data))


def read_midi(data: bytes) -> WrittenScore:
    """The score that a MIDI file comes down to.

    Raises:
        InputTooLargeError: more notes or a longer time than a movement has.
        InvalidInputError: broken, without pitched notes, or without beats.
    """
    events = read_events(data)
    refuse_unfit(_empty([Part(track.name, _as_notes(track.strokes), ()) for track in events.tracks]))
    divisions = _division_of_each(events.tracks)
    tracks = [(track.name, _drawn(track, divisions)) for track in events.tracks]
    off = fmean(_distance(stroke.onset) for track in events.tracks for stroke in track.strokes)
    last = max(note.onset + note.duration for _, notes in tracks for note in notes)
    bars, shift = _bars(events, last)
    first = min(note.onset for _, notes in tracks for note in notes) + shift
    silent = max(0, bisect_right(bars, first, key=lambda bar: bar.start) - 1)
    moved = shift - bars[silent].start
    bars = [bar._replace(start=bar.start - bars[silent].start) for bar in bars[silent:]]
    parts = [
        Part(name, placed, placed)
        for name, notes in tracks
        if (placed := tuple(note._replace(onset=note.onset + moved) for note in notes))
    ]
    notes, guesses = _told(events, silent, off)
    return WrittenScore(
        source=Source(title=events.title, licence=events.rights, format="MIDI"),
        bars=tuple(bars),
        parts=tuple(sorted(parts, key=_tunefulness)),
        signatures=tuple(Signature(at + moved, key.signature, key.mode) for at, key in events.keys),
        headings=_headings(events, bars, moved),
        tempo=_tempo(events, float(last)),
        spelled=False,
        pick_up=bool(shift) and not silent,
        guesses=guesses,
        notes=notes,
    )


def _empty(parts: Sequence[Part]) -> WrittenScore:
    return WrittenScore(Source(), (), tuple(parts))


def _as_notes(strokes: Sequence[Stroke]) -> tuple[TuneNote, ...]:
    return tuple(
        TuneNote(Fraction(each.onset).limit_denominator(96), Fraction(max(0.0, each.end - each.onset)), each.midi, 0)
        for each in strokes
    )


def _division_of_each(tracks: Sequence[Track]) -> dict[int, int]:
    """The plainest division of each quarter that all notes which begin in it lie near to."""
    onsets: dict[int, list[float]] = {}
    for track in tracks:
        for stroke in track.strokes:
            beat = int(stroke.onset + _NEAR)
            onsets.setdefault(beat, []).append(stroke.onset - beat)
    return {beat: _division(places) for beat, places in onsets.items()}


def _division(places: Sequence[float]) -> int:
    for parts in _DIVISIONS:
        if all(abs(place * parts - round(place * parts)) <= _NEAR * parts for place in places):
            return parts
    return min(
        (1, 2, 3, 4, 6),
        key=lambda parts: fmean(abs(place - round(place * parts) / parts) for place in places) + 0.01 * parts,
    )


def _distance(onset: float) -> float:
    return min(abs(onset - round(onset * parts) / parts) for parts in (6, 8))


def _drawn(track: Track, divisions: dict[int, int]) -> tuple[TuneNote, ...]:
    """The notes of a track on the grid; a note let go a little early is as long as it is meant."""
    notes: dict[tuple[Fraction, int], TuneNote] = {}
    for stroke in track.strokes:
        parts = divisions.get(int(stroke.onset + _NEAR), 4)
        onset = Fraction(round(stroke.onset * parts), parts)
        end = _end(onset, stroke, divisions)
        known = notes.get((onset, stroke.midi))
        if known is None or known.duration < end - onset:
            notes[onset, stroke.midi] = TuneNote(onset, end - onset, stroke.midi, stroke.midi * 7 % 12)
    return tuple(sorted(notes.values(), key=lambda note: (note.onset, -note.midi)))


def _end(onset: Fraction, stroke: Stroke, divisions: dict[int, int]) -> Fraction:
    length = stroke.end - stroke.onset
    parts = divisions.get(int(stroke.end), 4)
    parts = parts if parts % 3 == 0 else max(4, parts)
    exact = abs(stroke.end * parts - round(stroke.end * parts)) < 0.004 * parts
    meant = Fraction(ceil(2 * (stroke.end - _NEAR)), 2)
    if not exact and meant > onset and float(meant) - stroke.end <= 0.08 * length + _NEAR:
        return meant
    return max(Fraction(round(stroke.end * parts), parts), onset + Fraction(1, max(8, parts)))


def _bars(events: Events, last: Fraction) -> tuple[list[ScoreBar], Fraction]:
    """The bars up to the last note's end, and how far a pick-up moves everything on."""
    meters = [*events.meters]
    if not meters or meters[0][0] > 0:
        meters.insert(0, (Fraction(0), "4/4"))
    meters = [each for number, each in enumerate(meters) if not number or each[1] != meters[number - 1][1]]
    shift = Fraction(0)
    if len(meters) > 1 and meters[1][0] == bar_of(meters[0][1]) < bar_of(meters[1][1]):
        shift = bar_of(meters[1][1]) - bar_of(meters[0][1])
        meters = [(Fraction(0), meters[1][1]), *meters[2:]]
        meters = [(at + shift if at else at, meter) for at, meter in meters]
    bars: list[ScoreBar] = []
    for number, (begin, meter) in enumerate(meters):
        until = min(meters[number + 1][0], last + shift) if number + 1 < len(meters) else last + shift
        at, whole = begin, bar_of(meter)
        while at < until:
            cut = number + 1 < len(meters) and at + whole > meters[number + 1][0]
            length = meters[number + 1][0] - at if cut else whole
            bars.append(ScoreBar(str(len(bars) + (not shift)), meter, at, length))
            at += length
            if len(bars) > MAX_BARS:
                raise InputTooLargeError(f"There are over {MAX_BARS} bars.", hint="Import one movement at a time.")
    return bars, shift


def _headings(events: Events, bars: Sequence[ScoreBar], moved: Fraction) -> tuple[tuple[int, str], ...]:
    """Markers by the bar whose beginning is nearest."""
    found: dict[int, str] = {}
    starts = [float(bar.start) for bar in bars]
    for at, name in events.markers:
        place = at + float(moved)
        number = max(0, bisect_right(starts, place + 0.5) - 1)
        if name and abs(starts[number] - place) <= 0.5:
            found.setdefault(number, name)
    return tuple(sorted(found.items()))


def _tempo(events: Events, last: float) -> float | None:
    """The tempo that is in the middle of all that is played."""
    changes = [*events.tempi, (max(last, 1.0), 0.0)]
    spans = sorted(
        (pace, max(0.0, min(after[0], last) - at))
        for (at, pace), after in zip(events.tempi, changes[1:], strict=True)
        if 5 <= pace <= 1000
    )
    half = sum(length for _, length in spans) / 2
    for pace, length in spans:
        half -= length
        if half <= 0:
            return float(round(pace))
    return None


def _tunefulness(part: Part) -> tuple[bool, float]:
    """Parts that are marked as the tune first, then the higher the sooner."""
    return not MELODIES.search(part.name), -fmean(note.midi for note in part.notes)


def _told(events: Events, silent: int, off: float) -> tuple[tuple[str, ...], tuple[Fact, ...]]:
    notes = ["The notes were drawn to a grid."]
    guesses = []
    if silent:
        notes.append(f"{silent} silent bars at the beginning are left out.")
    if events.drums:
        notes.append("Percussion is left out.")
    if not events.meters:
        guesses.append(Fact("meter", "4/4", "The file names no meter, which means 4/4.", 0.5))
    if off > _FREE:
        sure = round(max(0.1, 0.8 - 40 * (off - _FREE)), 2)
        notes.append("The notes lie off the file's beats: it was played freely, and its bars may be wrong.")
        guesses.append(Fact("meter", events.meters[0][1] if events.meters else "4/4", "The bars may be wrong.", sure))
    return tuple(notes), tuple(guesses)
