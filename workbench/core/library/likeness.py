"""How alike two pieces are: near-duplicates and nearest neighbours, heard as a musician hears them.

What counts is the tune (moves in scale steps, and how long each note is beside the one before) and the succession of
chords, both counted from the local tonic: a piece in another key, at another tempo, with other names or dynamics is the
same piece. A piece is kept as a set of short runs, and two pieces are as alike as the runs that they share (Dice 1945).
That short runs of intervals know a tune again is from Downie 1999 and Uitdenbogerd and Zobel 1999.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.degrees import parse_degree
from workbench.core.music.keys import Mode
from workbench.core.music.meters import divisions
from workbench.core.music.numerals import parse_numeral
from workbench.core.music.structure import Motif, MusicStructure, Section

TUNE, MOVES, RHYTHM, CHORDS = range(4)
WEIGHTS = np.array([3.0, 1.0, 0.25, 1.0], np.float32)
"""What a run counts for: of moves with their rhythm, of moves alone, of rhythm alone, of chords."""
NEAR_DUPLICATE = 0.8
"""From this likeness on two pieces are nearly the same."""
MAX_NEIGHBOURS = 50

_SHORTLIST, _LOOKED_UP = 256, 3_000_000
"""Pieces that are compared in full, and places that are looked up to find them."""
_SAME, _NEARLY, _AKIN = 0.95, 0.6, 0.3
_SHIFT = 29

Runs = NDArray[np.uint32]
Floats = NDArray[np.float32]

_NONE: Runs = np.zeros(0, np.uint32)


class Fingerprint(NamedTuple):
    """The runs of a piece, sorted, each once, the kind in the highest three bits; ``key`` is for words alone."""

    runs: Runs
    key: str


class Neighbour(NamedTuple):
    """A piece that is like another: its id, how like (0 to 1), and why, for people."""

    id: str
    likeness: float
    why: str


def fingerprint(structure: MusicStructure) -> Fingerprint:
    """What a piece is known by. Without written tunes it is known by its motifs and chords."""
    lines: list[tuple[list[int], list[int]]] = []
    chords: list[int] = []
    for number, section in enumerate(structure.sections):
        lines.append(_line(_tunes_of(section), section.tonality.mode))
        chords += [_chord(figure, section.tonality.mode) for figure in _figures_of(section)]
        chords.append(-1 - number)
    runs = np.concatenate([*_tune_runs(lines), _chord_runs(chords)])
    return Fingerprint(np.unique(runs), structure.key)


def likeness(one: Fingerprint, other: Fingerprint) -> float:
    """How alike two pieces are, 0 to 1."""
    return overlap(one.runs, other.runs)


def opening_runs(structure: MusicStructure) -> Runs:
    """The runs of a piece's first tunes (two phrases), by which one piece is told from another in little time."""
    section = structure.sections[0]
    return np.unique(np.concatenate([_NONE, *_tune_runs([_line(_tunes_of(section)[:2], section.tonality.mode)])]))


def overlap(one: Runs, other: Runs) -> float:
    """How many of their runs two pieces share, by weight, 0 to 1."""
    whole = _weight(one) + _weight(other)
    return 2 * _weight(_shared(one, other)) / whole if whole else 0.0


def kinds(runs: Runs) -> Runs:
    """The kind of each run: ``TUNE``, ``MOVES``, ``RHYTHM`` or ``CHORDS``."""
    return runs >> np.uint32(_SHIFT)


def tune_likeness(theme: Motif, tune: Motif, mode: Mode = "major") -> float:
    """How much of a theme is heard in a tune, 0 to 1, or of the tune in the theme where the tune is shorter.

    The better known of two: by its moves and rhythm together, and by its moves alone, as in another meter.
    """
    first, second = (
        np.unique(np.concatenate([_NONE, *_tune_runs([_line([each], mode)], 2, 3)])) for each in (theme, tune)
    )
    shared = _shared(first, second)
    found = [0.0]
    for kind, needed, trust in ((TUNE, 1, 1.0), (MOVES, 4, 0.9)):
        least = min(_count(first, kind), _count(second, kind))
        found.append(trust * _count(shared, kind) / least if least >= needed else 0.0)
    return max(found)


class Duplicates:
    """Fingerprints by id, in which those like a piece are found at once. It does not change."""

    def __init__(self, fingerprints: Iterable[tuple[str, Fingerprint]]) -> None:
        known = dict(sorted(fingerprints, key=lambda pair: pair[0]))
        self._ids = tuple(known)
        self._fingerprints = tuple(known.values())
        sizes = np.array([len(each.runs) for each in self._fingerprints], np.int64)
        self._ends = np.concatenate([[0], np.cumsum(sizes)])
        self._runs = np.concatenate([each.runs for each in self._fingerprints] or [_NONE])
        self._weights = np.add.reduceat(
            np.append(WEIGHTS[self._runs >> _SHIFT], np.float32(0)), self._ends[:-1]
        ) * (sizes > 0) if len(known) else np.zeros(0, np.float32)  # fmt: skip
        order = np.argsort(self._runs, kind="stable")
        owners = np.repeat(np.arange(len(known), dtype=np.int32), sizes)
        self._owners = owners[order]
        self._known, self._starts = np.unique(self._runs[order], return_index=True)
        self._stops = np.append(self._starts[1:], len(self._owners))
        for each in (self._ends, self._runs, self._weights, self._owners, self._known, self._starts, self._stops):
            each.setflags(write=False)

    @classmethod
    def of(cls, structures: Iterable[tuple[str, MusicStructure]]) -> Duplicates:
        """The index of pieces with their ids."""
        return cls((id, fingerprint(structure)) for id, structure in structures)

    def __len__(self) -> int:
        return len(self._ids)

    def nearest(self, structure: MusicStructure, count: int, *, without: Collection[str] = ()) -> tuple[Neighbour, ...]:
        """The pieces most like a structure, most alike first (ties by id), without those of which nothing is shared."""
        return self._ranked(fingerprint(structure), without)[: max(0, min(count, MAX_NEIGHBOURS))]

    def near_duplicates(
        self, structure: MusicStructure, threshold: float = NEAR_DUPLICATE, *, without: Collection[str] = ()
    ) -> tuple[Neighbour, ...]:
        """The pieces that are nearly a structure, most alike first."""
        ranked = self._ranked(fingerprint(structure), without)
        return tuple(each for each in ranked if each.likeness >= threshold)

    def _ranked(self, wanted: Fingerprint, without: Collection[str]) -> tuple[Neighbour, ...]:
        total = self._weights + np.float32(_weight(wanted.runs))
        rough = np.divide(2 * self._sharing(wanted.runs), total, out=np.zeros_like(total), where=total > 0)
        count = min(_SHORTLIST + len(without), len(rough))
        chosen = np.argpartition(-rough, count - 1)[:count] if count else np.zeros(0, np.int64)
        found = [
            (-likeness(wanted, self._fingerprints[at]), at)
            for at in chosen.tolist()
            if rough[at] > 0 and self._ids[at] not in without
        ]
        return tuple(
            Neighbour(self._ids[at], -value, _why(wanted, self._fingerprints[at]))
            for value, at in sorted(found)[:MAX_NEIGHBOURS]
        )

    def _sharing(self, runs: Runs) -> Floats:
        """The weight of the runs that each piece shares; of the commonest runs only as many as there is time for."""
        places = np.searchsorted(self._known, runs)
        inside = places < len(self._known)
        inside[inside] = self._known[places[inside]] == runs[inside]
        starts, stops = self._starts[places[inside]], self._stops[places[inside]]
        weights = WEIGHTS[runs[inside] >> _SHIFT]
        rarest = np.argsort(stops - starts, kind="stable")
        rarest = rarest[np.cumsum((stops - starts)[rarest]) <= max(_LOOKED_UP, len(self))]
        shared = np.zeros(len(self), np.float32)
        for start, stop, weight in zip(starts[rarest], stops[rarest], weights[rarest], strict=True):
            shared[self._owners[start:stop]] += weight
        return shared


def _weight(runs: Runs) -> float:
    return float(WEIGHTS[runs >> _SHIFT].sum())


def _shared(one: Runs, other: Runs) -> Runs:
    return np.intersect1d(one, other, assume_unique=True)


def _count(runs: Runs, kind: int) -> int:
    first, after = np.searchsorted(runs, np.array([kind << _SHIFT, (kind + 1) << _SHIFT], np.uint64))
    return int(after - first)


def _why(one: Fingerprint, other: Fingerprint) -> str:
    """What two pieces have in common, in words; of the key and the meter, where they are those of the second one."""
    shared = _shared(one.runs, other.runs)
    shares = [2 * _count(shared, kind) / max(1, _count(one.runs, kind) + _count(other.runs, kind)) for kind in range(4)]
    if shares[TUNE] >= _NEARLY:
        tune = "the same tune" if shares[TUNE] >= _SAME else "nearly the same tune"
        tune += f" in {other.key}" if other.key != one.key else ""
    elif shares[MOVES] >= _NEARLY:
        tune = "the same tune in another rhythm"
    else:
        tune = "tunes akin" if shares[MOVES] >= _AKIN else "other tunes"
    chords = "other chords"
    for least, words in ((_SAME, "the same chords"), (_NEARLY, "nearly the same chords"), (_AKIN, "chords akin")):
        if shares[CHORDS] >= least:
            chords = words
            break
    return f"{tune}, {chords}"


def _tunes_of(section: Section) -> list[Motif]:
    tunes = [phrase.melody for phrase in section.phrases or () if phrase.melody and phrase.melody.degrees]
    return tunes or list(section.motifs)


def _figures_of(section: Section) -> Sequence[str]:
    phrases = section.phrases or ()
    if phrases and all(phrase.chords for phrase in phrases):
        return [figure for phrase in phrases for figure in phrase.chords or ()]
    return section.chord_progression


def _line(tunes: Iterable[Motif], mode: Mode) -> tuple[list[int], list[int]]:
    """The places of a line's notes in scale steps and the time from each to the next: rests lengthen what is before."""
    places: list[int] = []
    lengths: list[int] = []
    for tune in tunes:
        for value, beats in zip(tune.degrees, tune.rhythm, strict=False):
            degree = parse_degree(value, mode)
            if degree is not None:
                places.append(degree.position)
                lengths.append(divisions(beats))
            elif lengths:
                lengths[-1] += divisions(beats)
    return places, lengths


def _tune_runs(lines: Sequence[tuple[list[int], list[int]]], tune: int = 2, moves: int = 4) -> list[Runs]:
    """Runs of moves and rhythm in lines; ``tune`` and ``moves`` are how many moves one run holds."""
    places = np.array([place for line, _ in lines for place in line], np.int64)
    lengths = np.array([length for _, line in lines for length in line], np.float64)
    owner = np.repeat(np.arange(len(lines)), [len(line) for line, _ in lines])
    if len(places) < 2:
        return []
    steps = np.clip(np.diff(places), -15, 15) + 16
    ratios = np.clip(np.rint(2 * np.log2(lengths[1:] / lengths[:-1])), -4, 4).astype(np.int64) + 5
    return [
        _packed(TUNE, steps << 4 | ratios, 9, tune, owner),
        _packed(MOVES, steps, 5, moves, owner),
        _packed(RHYTHM, ratios, 4, 5, owner),
    ]


def _packed(kind: int, cells: NDArray[np.int64], bits: int, size: int, owner: NDArray[np.int64]) -> Runs:
    """Runs of ``size`` cells within one line, each in a number."""
    count = len(cells) - size + 1
    if count < 1:
        return np.zeros(0, np.uint32)
    runs = np.full(count, kind, np.int64) << (_SHIFT - bits * size)
    for order in range(size):
        runs = runs << bits | cells[order : order + count]
    whole: Runs = runs[owner[:count] == owner[size : size + count]].astype(np.uint32)
    return whole


def _chord_runs(chords: Sequence[int]) -> Runs:
    """Runs of three chords; what is below 0 is a boundary."""
    runs = [
        CHORDS << _SHIFT | first << 18 | second << 9 | third
        for first, second, third in zip(chords, chords[1:], chords[2:], strict=False)
        if first >= 0 and second >= 0 and third >= 0
    ]
    return np.array(runs, np.uint32)


@lru_cache(maxsize=4096)
def _chord(figure: str, mode: Mode) -> int:
    """A chord's root and colour beside the tonic, below 512; its position does not count."""
    try:
        chord = parse_numeral(figure, mode)
    except ValueError:
        return crc32(figure.encode()) % 512
    third = (chord.tones[1] - chord.root) % 12 if len(chord.tones) > 1 else 0
    return (chord.root * 7 % 12) << 4 | third
