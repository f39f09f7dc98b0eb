"""A piece in another meter: every bar becomes a bar, beat by beat, with its harmony and its tune in step.

Between two and four beats, bars may be cut in two or joined, so that the music keeps its pace. What is strong stays
strong; even notes become long and short where the beat becomes compound, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from workbench.core.compose.changing import change_sections
from workbench.core.compose.layout import LaidPhrase, lay_out
from workbench.core.compose.replan import heard_section, holdable, with_phrases
from workbench.core.music.meters import DIVISIONS, Meter, TimeSignature, divisions, meter_of, plain_quarters
from workbench.core.music.structure import Leitmotif, Motif, MusicStructure, Phrase, Section, SectionMelody

_BEATS: dict[tuple[int, int], tuple[float, ...]] = {
    (4, 3): (0, 1, 2, 2.5, 3), (3, 4): (0, 2, 3, 4), (3, 2): (0, 1, 1.5, 2), (2, 3): (0, 2, 3),
}  # fmt: skip
"""Where each beat of a bar goes in a bar of another number of beats."""
_EVEN, _SWUNG = (0, 1 / 4, 1 / 2, 3 / 4, 1), (0, 1 / 3, 2 / 3, 5 / 6, 1)
"""Places in a simple beat, and those in a compound beat that they become."""
_SHORTEST = DIVISIONS // 32
_SLOWEST, _QUICKEST = 0.6, 1.7
"""How far the pace may change before bars are cut in two or joined instead."""

T = TypeVar("T")


class _Move(NamedTuple):
    """The two meters, and where each moment (in divisions from a barline) goes."""

    old: Meter
    new: Meter
    place: Callable[[int], int]


def with_meter(
    structure: MusicStructure, time_signature: TimeSignature, *, tempo: float | None = None
) -> MusicStructure:
    """The piece in another meter and, where one is given, at another tempo; tunes that were heard are written out.

    Notes and chords that would begin at the same time as the one before are left out: too many of them for a shorter
    bar. Where bars are joined, a phrase with an odd number of them holds its last chord to the end of the bar.
    """
    old, new = meter_of(structure.time_signature), meter_of(time_signature)
    changed = {"time_signature": time_signature, "tempo": tempo or structure.tempo}
    if old is new:
        return structure.model_copy(update=changed)
    move = _Move(old, new, _placing(old, new, (tempo or structure.tempo) / structure.tempo))
    written = structure.model_copy(
        update={"sections": tuple(heard_section(structure, index) for index in range(len(structure.sections)))}
    )
    laid = lay_out(written)

    def change(index: int, section: Section) -> Section:
        phrases = [
            _retimed_phrase(phrase, each, move)
            for phrase, each in zip(section.phrases or (), (one for one in laid if one.section == index), strict=True)
        ]
        motifs = tuple(_retimed_motif(motif, move) for motif in section.motifs)
        melody = section.melody and SectionMelody(motifs=motifs)
        return with_phrases(section.model_copy(update={"melody": melody, "harmonic_rhythm": None}), phrases)

    def retimed(leitmotif: Leitmotif) -> Leitmotif:
        cell = _retimed_motif(Motif(degrees=leitmotif.degrees, rhythm=leitmotif.rhythm), move)
        return leitmotif.model_copy(update={"degrees": cell.degrees, "rhythm": cell.rhythm})

    leitmotifs = structure.leitmotifs and tuple(map(retimed, structure.leitmotifs))
    return change_sections(written, change).model_copy(update=changed | {"leitmotifs": leitmotifs})


def _retimed_phrase(phrase: Phrase, laid: LaidPhrase, move: _Move) -> Phrase:
    lengths = [end - start for start, end in zip(laid.starts, laid.ends, strict=True)]
    chords = _retimed(list(zip(laid.figures, lengths, strict=True)), move)
    tune = _retimed(list(zip(laid.degrees or (), laid.rhythm, strict=False)), move)
    total = sum(length for _, length in chords)
    measures = -(-total // move.new.bar)
    rest = measures * move.new.bar - total
    if rest:
        chords[-1] = (chords[-1][0], chords[-1][1] + rest)
        tune.append((0, rest))
    return phrase.model_copy(
        update={
            "measures": measures,
            "chords": tuple(figure for figure, _ in chords),
            "chord_beats": tuple(float(plain_quarters(length)) for _, length in chords),
            "melody": Motif(
                degrees=tuple(degree for degree, _ in tune),
                rhythm=tuple(float(plain_quarters(length)) for _, length in tune),
            ),
        }
    )


def _retimed_motif(motif: Motif, move: _Move) -> Motif:
    pairs = list(zip(motif.degrees, map(divisions, motif.rhythm), strict=False))
    kept = _retimed(pairs, move)
    rhythm = tuple(float(plain_quarters(length)) for _, length in kept)
    return Motif(degrees=tuple(degree for degree, _ in kept), rhythm=rhythm)


def _retimed(items: Sequence[tuple[T, int]], move: _Move) -> list[tuple[T, int]]:
    """What follows one another, at its new places; of what would begin at once the metrically stronger is kept."""
    kept: list[tuple[T, int, float]] = []
    at, end = 0, move.place(sum(length for _, length in items))
    for value, length in items:
        start, weight = move.place(at), move.old.weight(at)
        at += length
        room = start - kept[-1][1] if kept else end
        if min(room, end - start) >= _SHORTEST or not kept:
            kept.append((value, start, weight))
        elif room < _SHORTEST and weight > kept[-1][2]:
            kept[-1] = (value, kept[-1][1], weight)
    ends = [start for _, start, _ in kept[1:]] + [end]
    return holdable([(value, after - start) for (value, start, _), after in zip(kept, ends, strict=True)])


def _placing(old: Meter, new: Meter, faster: float) -> Callable[[int], int]:
    """Where each moment (in divisions from a barline) goes; ``faster`` is how much quicker a quarter becomes."""
    alike = old.compound == new.compound
    if old.bar == new.bar and alike:
        return lambda at: at
    beats = old.beats, new.beats
    pace = old.bar / new.bar * faster
    scaled = alike and not old.compound
    if {*beats} == {2, 4} and not (_SLOWEST <= pace <= _QUICKEST and (scaled or not alike)):
        beats = 2, 2
    whole, made = old.beat * beats[0], new.beat * beats[1]
    line = _BEATS.get(beats) or tuple(number * beats[1] / beats[0] for number in range(beats[0] + 1))
    grid = min(DIVISIONS // 4, new.beat // 4)

    def place(at: int) -> int:
        bars, inside = divmod(at, whole)
        if alike and beats not in _BEATS:
            return bars * made + inside * made // whole
        beat, share = divmod(inside / old.beat, 1)
        share = float(np.interp(share, _SWUNG, _EVEN)) if old.compound else share
        beat, share = divmod(float(np.interp(beat + share, range(beats[0] + 1), line)), 1)
        share = float(np.interp(share, _EVEN, _SWUNG)) if new.compound else share
        return bars * made + round((beat + share) * new.beat / grid) * grid

    return place
