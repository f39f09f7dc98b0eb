"""The heads of motifs: the few notes by which a motif is known, and whether a tune has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from workbench.core.music.degrees import DegreeValue, parse_degree
from workbench.core.music.meters import divisions
from workbench.core.music.structure import MusicStructure, Section

_LEAST, _MOST = 3, 4
"""Notes of a head."""
_MAX_HEADS = 64


class Head(NamedTuple):
    """Moves in scale steps, and note lengths as shares of the first one (rounded)."""

    moves: tuple[int, ...]
    rhythm: tuple[float, ...]


def motif_heads(section: Section, structure: MusicStructure) -> tuple[Head, ...]:
    """The heads of a section's motifs and of the leitmotifs, as they are, upside down and backwards.

    A motif of fewer than three sounding notes is known by nothing, and left out.
    """
    found: dict[Head, None] = {}
    for degrees, rhythm in _cells(section, structure):
        places, lengths = _sounding(degrees, [divisions(each) for each in rhythm])
        if len(places) >= _LEAST:
            found |= dict.fromkeys(_forms(places, lengths))
        if len(found) >= _MAX_HEADS:
            break
    return tuple(found)


def uses_any(degrees: Sequence[DegreeValue], rhythm: Sequence[int], heads: Sequence[Head]) -> bool:
    """Whether a tune has any of the heads, anywhere in it; moves may differ by a step where they go the same way."""
    places, lengths = _sounding(degrees, rhythm)
    wanted: dict[int, dict[tuple[float, ...], list[tuple[int, ...]]]] = {}
    for head in heads:
        wanted.setdefault(len(head.rhythm), {}).setdefault(head.rhythm, []).append(head.moves)
    for size, by_rhythm in wanted.items():
        for at in range(len(places) - size + 1):
            known = by_rhythm.get(_ratios(lengths[at : at + size]))
            if known:
                moves = _moves(places[at : at + size])
                if any(all(map(_alike, moves, each)) for each in known):
                    return True
    return False


def _cells(section: Section, structure: MusicStructure) -> Iterator[tuple[Sequence[DegreeValue], Sequence[float]]]:
    for motif in section.motifs:
        yield motif.degrees, motif.rhythm
    for leitmotif in structure.leitmotifs or ():
        yield leitmotif.degrees, leitmotif.rhythm


def _sounding(degrees: Sequence[DegreeValue], rhythm: Sequence[int]) -> tuple[list[int], list[int]]:
    places, lengths = [], []
    for value, length in zip(degrees, rhythm, strict=False):
        degree = parse_degree(value)
        if degree is not None:
            places.append(degree.position)
            lengths.append(length)
    return places, lengths


def _forms(places: list[int], lengths: list[int]) -> Iterator[Head]:
    for line, beats in ((places, lengths), (places[::-1], lengths[::-1])):
        head = Head(_moves(line[:_MOST]), _ratios(beats[:_MOST]))
        yield head
        yield Head(tuple(-move for move in head.moves), head.rhythm)


def _moves(places: Sequence[int]) -> tuple[int, ...]:
    return tuple(after - before for before, after in pairwise(places))


def _ratios(lengths: Sequence[int]) -> tuple[float, ...]:
    first = max(1, lengths[0])
    return tuple(round(length / first, 3) for length in lengths)


def _alike(one: int, other: int) -> bool:
    """Whether two moves go the same way, up, down or nowhere, and differ by a step at most."""
    return abs(one - other) <= 1 and (one > 0) - (one < 0) == (other > 0) - (other < 0)
