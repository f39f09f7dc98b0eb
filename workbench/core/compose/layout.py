"""Laying a structure out in time: every phrase with its chords and, where one is written, its tune.

Any structure can be laid out. A section without phrases gets them from ``phrasing``; a progression shorter than its
section is stated again in each phrase, a longer one is spread over several; lengths that do not add up are cut or held.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from workbench.core.compose.phrasing import divide
from workbench.core.errors import InvalidStructureError
from workbench.core.music.cadences import CadenceType
from workbench.core.music.degrees import DegreeValue
from workbench.core.music.keys import Key, Mode
from workbench.core.music.meters import DIVISIONS, Meter, divisions, meter_of
from workbench.core.music.motifs import MotifCell, transform
from workbench.core.music.numerals import Chord, parse_numeral
from workbench.core.music.structure import Motif, MotifUse, MusicStructure, Phrase, Section


class LaidPhrase(NamedTuple):
    """A phrase in time. Chord ``starts`` and ``ends`` and the tune's ``rhythm`` are in divisions from its start.

    ``degrees`` is None where no tune was written; ``cell`` is then the motif that one should grow from.
    """

    section: int
    key: Key
    label: str
    role: str
    start: int
    measures: int
    cadence: CadenceType | None
    motif: str
    transformation: str
    figures: tuple[str, ...]
    chords: tuple[Chord, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    degrees: tuple[DegreeValue, ...] | None
    rhythm: tuple[int, ...]
    cell: Motif | None


def lay_out(structure: MusicStructure) -> tuple[LaidPhrase, ...]:
    """Every phrase of the piece in order.

    Raises:
        InvalidStructureError: a Roman numeral cannot be read; ``field`` points at it.
    """
    meter = meter_of(structure.time_signature)
    result: list[LaidPhrase] = []
    start = 0
    for index, section in enumerate(structure.sections):
        for laid in _section(structure, index, section, meter, start):
            result.append(laid)
            start += laid.measures * meter.bar
    return tuple(result)


def _section(structure: MusicStructure, index: int, section: Section, meter: Meter, start: int) -> Iterator[LaidPhrase]:
    key = section.tonality
    phrases: Sequence[Phrase] = section.phrases or _phrases_for(structure, index, section)
    written = all(phrase.chords for phrase in phrases)
    dealt = [] if written else _spread_progression(section, [phrase.measures for phrase in phrases], meter)
    for number, phrase in enumerate(phrases):
        path = f"/sections/{index}"
        length = phrase.measures * meter.bar
        if phrase.chords:
            figures: tuple[str, ...] = phrase.chords
            lengths = _lengths(phrase.chord_beats, len(figures), length, meter)
            path += f"/phrases/{number}/chords"
        else:
            figures, lengths = dealt[number]
            path += "/chordProgression"
        starts, ends = _edges(lengths)
        chords = _chords(figures, key, path)
        motif = phrase.motif.ref if phrase.motif else ""
        transformation = (phrase.motif.transformation if phrase.motif else None) or ""
        degrees: tuple[DegreeValue, ...] | None = None
        rhythm: tuple[int, ...] = ()
        if phrase.melody is not None and phrase.melody.degrees:
            degrees, rhythm = _tune(phrase.melody.degrees, phrase.melody.rhythm, length)
        cell = None if degrees is not None else _cell(structure, section, motif, transformation, number)
        yield LaidPhrase(
            index, key, phrase.label or "", phrase.role or "", start, phrase.measures, phrase.cadence, motif,
            transformation, figures, chords, starts, ends, degrees, rhythm, cell,
        )  # fmt: skip
        start += length


def _phrases_for(structure: MusicStructure, index: int, section: Section) -> tuple[Phrase, ...]:
    """Phrases for a section that has none, always the same for the same section."""
    rng = random.Random(f"{section.name}/{section.key}/{section.measures}/{index}")
    last = index == len(structure.sections) - 1
    implied = _implied(section.chord_progression, section.tonality)
    cadence: CadenceType = section.cadence or implied or ("PAC" if last else "IAC")
    shapes = divide(section.measures, section.role or "", structure.period or "classical", cadence, rng)
    return tuple(
        Phrase.model_construct(
            label=shape.label,
            role=shape.role,
            measures=shape.measures,
            # The progression as written decides the inner cadences; only the section's own is known.
            cadence=shape.cadence if number == len(shapes) - 1 else None,
            chords=None,
            chord_beats=None,
            motif=MotifUse(ref=shape.motif, transformation=shape.transformation),
            melody=None,
        )
        for number, shape in enumerate(shapes)
    )


@lru_cache(maxsize=4096)
def _edges(lengths: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    starts, ends, at = [], [], 0
    for length in lengths:
        starts.append(at)
        at += length
        ends.append(at)
    return tuple(starts), tuple(ends)


def _chords(figures: tuple[str, ...], key: Key, path: str) -> tuple[Chord, ...]:
    try:
        return _parsed(figures, key.mode)
    except ValueError:
        for number, figure in enumerate(figures):
            try:
                parse_numeral(figure, key.mode)
            except ValueError as problem:
                raise InvalidStructureError(
                    f"{path}/{number}: {problem}.",
                    hint="Write Roman numerals as music21 reads them, such as I, ii65, V7/V or viio7.",
                    field=f"{path}/{number}",
                ) from None
        raise


@lru_cache(maxsize=8192)
def _parsed(figures: tuple[str, ...], mode: Mode) -> tuple[Chord, ...]:
    return tuple(parse_numeral(figure, mode) for figure in figures)


@lru_cache(maxsize=4096)
def _lengths(beats: tuple[float, ...] | None, count: int, length: int, meter: Meter) -> tuple[int, ...]:
    """Chord lengths that fill ``length``: as written, the last one held or cut, or spread evenly."""
    if beats is None:
        return spread(count, length // meter.bar, meter)
    result: list[int] = []
    left = length
    for number in range(count):
        value = divisions(beats[number]) if number < len(beats) else meter.bar
        value = min(value, left - (count - number - 1))
        result.append(max(1, value))
        left -= result[-1]
    if left > 0:
        result[-1] += left
    return tuple(result)


@lru_cache(maxsize=1024)
def spread(count: int, bars: int, meter: Meter) -> tuple[int, ...]:
    """Lengths of ``count`` chords over ``bars``: whole bars where they suffice, else more chords towards the end."""
    if count <= bars:
        base, extra = divmod(bars, count)
        return tuple(meter.bar * (base + (number < extra)) for number in range(count))
    per_bar = [count // bars + (bar >= bars - count % bars) for bar in range(bars)]
    result: list[int] = []
    for chords in per_bar:
        if chords <= meter.beats:
            base, extra = divmod(meter.beats, chords)
            result += [meter.beat * (base + (number < extra)) for number in range(chords)]
        else:
            base, extra = divmod(meter.bar, chords)
            result += [base + (number < extra) for number in range(chords)]
    return tuple(result)


def _spread_progression(
    section: Section, measures: list[int], meter: Meter
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """The section's progression dealt out to its phrases."""
    progression = section.chord_progression
    if section.harmonic_rhythm and not section.phrases:
        total = sum(measures) * meter.bar
        lengths = _lengths(section.harmonic_rhythm, len(progression), total, meter)
        if divisions(sum(section.harmonic_rhythm)) * 2 > total:
            return _cut(progression, lengths, [bars * meter.bar for bars in measures])
    result: list[tuple[tuple[str, ...], tuple[int, ...]]] = []
    at = 0
    while at < len(measures):
        group = 1
        while at + group < len(measures) and sum(measures[at : at + group]) * 2 < len(progression):
            group += 1
        if at + group < len(measures) and sum(measures[at + group :]) * 2 < len(progression):
            group = len(measures) - at
        bars = measures[at : at + group]
        count = min(len(progression), sum(bars) * meter.bar // (DIVISIONS // 4))
        chosen = progression[:count]
        result += _cut(chosen, spread(len(chosen), sum(bars), meter), [n * meter.bar for n in bars])
        at += group
    return result


def _cut(
    figures: Sequence[str], lengths: Sequence[int], spans: list[int]
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Cut a run of chords at the ends of consecutive spans (divisions)."""
    result: list[tuple[tuple[str, ...], tuple[int, ...]]] = []
    queue = list(zip(figures, lengths, strict=True))
    for span in spans:
        taken: list[tuple[str, int]] = []
        left = span
        while left > 0:
            figure, length = queue.pop(0) if queue else (figures[-1], left)
            use = min(length, left)
            taken.append((figure, use))
            if length > use:
                queue.insert(0, (figure, length - use))
            left -= use
        result.append((tuple(figure for figure, _ in taken), tuple(use for _, use in taken)))
    return result


@lru_cache(maxsize=4096)
def _tune(
    degrees: tuple[DegreeValue, ...], rhythm: tuple[float, ...], length: int
) -> tuple[tuple[DegreeValue, ...], tuple[int, ...]]:
    """A written tune made to fill its phrase exactly: cut at the end, or followed by a rest."""
    kept: list[DegreeValue] = []
    lengths: list[int] = []
    left = length
    for degree, value in zip(degrees, rhythm, strict=False):
        if left <= 0:
            break
        kept.append(degree)
        lengths.append(min(divisions(value), left))
        left -= lengths[-1]
    if left > 0:
        kept.append(0)
        lengths.append(left)
    return tuple(kept), tuple(lengths)


def _cell(
    structure: MusicStructure, section: Section, motif: str, transformation: str | None, number: int
) -> Motif | None:
    """What a phrase without a tune grows from: the motif it names, or the section's own, or the first leitmotif."""
    found: Motif | None = None
    if section.motifs:
        which = int(motif[1:]) - 1 if motif[:1] == "m" and motif[1:].isdigit() else number
        found = section.motifs[which % len(section.motifs)]
    for leitmotif in structure.leitmotifs or ():
        if leitmotif.tag == motif or found is None:
            found = Motif(degrees=leitmotif.degrees, rhythm=leitmotif.rhythm)
            break
    if found is None or not found.degrees or not found.rhythm:
        return None
    count = min(len(found.degrees), len(found.rhythm))
    degrees, rhythm = found.degrees[:count], found.rhythm[:count]
    if transformation in {"inversion", "retrograde", "fragmentation"}:
        changed = transform(MotifCell(degrees, rhythm), transformation)
        degrees, rhythm = changed.degrees, changed.rhythm
    return Motif.model_construct(degrees=degrees, rhythm=rhythm)


def _implied(progression: Sequence[str], key: Key) -> CadenceType | None:
    """The cadence that a progression's last two numerals spell."""
    try:
        last = parse_numeral(progression[-1], key.mode)
        before = parse_numeral(progression[-2], key.mode) if len(progression) > 1 else last
    except ValueError:
        return None
    if last.degree == 5 and not last.is_applied:
        return "HC"
    if last.degree == 1 and before.degree in (5, 7):
        return "PAC" if before.degree == 5 and before.inversion == last.inversion == 0 else "IAC"
    if last.degree == 1 and before.degree == 4:
        return "PC"
    if last.degree == 6 and before.degree == 5:
        return "DC"
    return None
