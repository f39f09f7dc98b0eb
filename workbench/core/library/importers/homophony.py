"""Harmony read from the notes of a music21 score in four parts, such as a chorale.

Each beat is heard as one chord of one key (``hearing``). Fermatas end phrases.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.library.importers.analysis import Analysis, Bar, Break, Imported, Source, Timeline, WrittenChord
from workbench.core.library.importers.assembly import Period, assemble
from workbench.core.library.importers.hearing import Slice, hear
from workbench.core.library.importers.tunes import TuneNote, notes_of_part, with_melody

MAX_BEATS = 4000
_HINT = "Give a score in four parts that move together, such as a chorale."


def read_homophony(score: Any, *, title: str = "", composer: str = "", period: Period | None = None) -> Imported:
    """Read a music21 score in four parts: its harmony by search, its tune from the first part.

    Raises:
        InvalidInputError: no bars, an unfit meter, over 4,000 beats, or parts that do not move together.
    """
    parts = list(getattr(score, "parts", ()))
    if len(parts) < 3:
        raise InvalidInputError(f"The score has {len(parts)} parts; harmony needs three or more.", hint=_HINT)
    analysis, tunes = _heard(parts, title, composer)
    imported = assemble(analysis, period=period)
    imported = imported._replace(notes=("The numerals were found by a machine.", *imported.notes))
    return with_melody(imported, tunes)


def _heard(parts: Sequence[Any], title: str, composer: str) -> tuple[Analysis, tuple[TuneNote, ...]]:
    measures = list(parts[0].getElementsByClass("Measure"))
    signatures = [measure.timeSignature for measure in measures if measure.timeSignature is not None]
    if not measures or not signatures:
        raise InvalidInputError("The score has no bars or no meter.", hint=_HINT)
    if len({signature.ratioString for signature in signatures}) > 1:
        raise InvalidInputError("The meter changes in this score.", hint=_HINT)
    length = Fraction(signatures[0].barDuration.quarterLength)
    beat = Fraction(signatures[0].beatDuration.quarterLength)
    first, last = measures[0].number, max(measure.number for measure in measures)
    names = [str(number) for number in range(first, last + 1)]
    starts = {name: index * length for index, name in enumerate(names)}
    voices = [_placed(part, starts, length) for part in parts[:4]]
    ends = _fermatas(parts[0], starts)
    total = length * len(names)
    if total / beat > MAX_BEATS:
        raise InvalidInputError(f"The score has over {MAX_BEATS} beats.", hint="Import one movement at a time.")
    beats = _beats(voices, beat, total, ends)
    signature = next((sig.sharps for sig in parts[0].recurse().getElementsByClass("KeySignature")), 0)
    chords = _read(beats, int(signature))
    bars = []
    for name in names:
        start = starts[name]
        own = tuple(
            chord._replace(offset=chord.offset - start) for chord in chords if start <= chord.offset < start + length
        )
        breaks = tuple(Break(end - start) for end in sorted(ends) if start < end <= start + length)
        bars.append(Bar(name, length, own, breaks))
    source = Source(title=title, composer=composer, form="chorale" if ends else "", format="score")
    return Analysis(source, signatures[0].ratioString, tuple(bars)), voices[0]


def _placed(part: Any, starts: dict[str, Fraction], length: Fraction) -> tuple[TuneNote, ...]:
    notes = notes_of_part(part, Timeline(starts, (), ()))
    return tuple(note for note in notes if note.onset < length * len(starts))


def _fermatas(part: Any, starts: dict[str, Fraction]) -> set[Fraction]:
    ends: set[Fraction] = set()
    for note in part.recurse().notes:
        if any("Fermata" in expression.classes for expression in note.expressions):
            measure = note.getContextByClass("Measure")
            start = starts.get(str(measure.number))
            if start is not None and not measure.numberSuffix:
                padding = Fraction(measure.paddingLeft or 0)
                offset = Fraction(note.getOffsetInHierarchy(measure))
                ends.add(start + padding + offset + Fraction(note.duration.quarterLength))
    return ends


def _beats(voices: Sequence[Sequence[TuneNote]], beat: Fraction, total: Fraction, ends: set[Fraction]) -> list[Slice]:
    count = int(total / beat)
    weights: list[dict[int, float]] = [{} for _ in range(count)]
    bass = [99] * count
    low: list[tuple[int, int]] = [(999, 0)] * count
    for number, voice in enumerate(voices):
        for note in voice:
            index = int(note.onset / beat)
            while index < count and index * beat < note.onset + note.duration:
                begin, stop = max(note.onset, index * beat), min(note.onset + note.duration, (index + 1) * beat)
                share = float((stop - begin) / beat) * (1.0 if begin == index * beat else 0.5)
                weights[index][note.fifths] = weights[index].get(note.fifths, 0.0) + share
                on_beat = begin == index * beat
                if number == len(voices) - 1 and (on_beat or bass[index] == 99):
                    bass[index] = note.fifths
                low[index] = min(low[index], (note.midi, note.fifths))
                index += 1
    result = []
    begins = True
    for index in range(count):
        if not weights[index]:
            begins = True
            continue
        ending = (index + 1) * beat in ends
        own = bass[index] if bass[index] != 99 else low[index][1]
        result.append(Slice(index * beat, weights[index], own, begins, ending))
        begins = ending
    if not result:
        raise InvalidInputError("The score has no notes.", hint=_HINT)
    return result


def _read(beats: Sequence[Slice], signature: int) -> list[WrittenChord]:
    chords: list[WrittenChord] = []
    for beat, heard in zip(beats, hear(beats, signature), strict=True):
        written = WrittenChord(beat.onset, heard.inverted(beat.bass), heard.key)
        if not chords or beat.begins or chords[-1][1:] != written[1:]:
            chords.append(written)
    return chords
