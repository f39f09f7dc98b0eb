"""All near-duplicates among many pieces, none missed: each pair as alike as ``likeness`` says, at or above a threshold.

Two pieces that share so much differ in little: what only one of them has weighs at most ``1 - threshold`` of both
together. So pieces whose weights lie too far apart are never compared. For the others a sketch, a row of bits each of
which says whether the piece has any run of a bucket, gives a bound: where two bits differ, the pieces differ by a run.
The bounds of a whole block of pieces against another are one product of matrices; only pairs that the bound leaves are
compared run by run. Everything is counted in whole numbers, so the answer does not hang on how a machine rounds.
That a length filter and a cheap bound go before the comparison is from Bayardo, Ma and Srikant 2007 (all-pairs
similarity search); the bit sketch is from Sandes, Teodoro and Melo 2020 (bitmap filters for set similarity joins).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.library.likeness import CHORDS, NEAR_DUPLICATE, TUNE, WEIGHTS, Fingerprint, Runs, kinds

Whole = NDArray[np.int64]
Places = NDArray[np.int32]
Found = tuple[Whole, Whole, NDArray[np.float64]]

_UNITS = np.rint(4 * WEIGHTS).astype(np.uint8)
"""What a run counts for, in whole numbers."""
_SKETCHED = ((TUNE, 0.85), (CHORDS, 0.15))
"""The kinds that sketches tell of, and their share of the bits: what has moves has tunes, too."""
_OWN = 0.3
"""The share of a kind's bits that the commonest runs have for themselves; the others share the rest."""
_LEAST, _MOST, _STEP, _PER_BIT = 128, 4096, 64, 4
"""Bits of a sketch: at least, at most, and in what steps; and the weight of the piece that comes on each bit."""
_ROWS, _COLUMNS = 1024, 4096
"""Pieces that are bounded at once: these against those."""
_CELLS, _ELEMENTS = 1 << 24, 1 << 21
"""Bytes of the table that pairs are compared in, and runs that are compared at once."""


class NearPairs(NamedTuple):
    """Pairs of pieces by their places in what was given, ``one`` below ``other``, sorted; and how alike they are."""

    one: Whole
    other: Whole
    likeness: NDArray[np.float64]


def near_pairs(fingerprints: Sequence[Fingerprint], threshold: float = NEAR_DUPLICATE) -> NearPairs:
    """All pairs whose likeness is at least ``threshold`` (above 0, up to 1); a piece without runs is in none.

    Of 1,000 copies of a piece come all 499,500 pairs: for groups alone ``near_groups`` needs no room for pairs.
    """
    pieces = _pieces(fingerprints)
    found = [_copies(pieces), *(_spread(pieces, *each) for each in _near(pieces, threshold))]
    one, other, alike = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((other, one))
    return NearPairs(one[order], other[order], alike[order])


def near_groups(fingerprints: Sequence[Fingerprint], threshold: float = NEAR_DUPLICATE) -> list[int]:
    """The group of each piece, named by its smallest place: pieces are in one group where near pairs connect them.

    The same as ``groups_of`` of ``near_pairs``, but pairs that are already connected are not compared again.
    """
    pieces = _pieces(fingerprints)
    labels = np.arange(len(pieces), dtype=np.int64)
    for one, other, _ in _near(pieces, threshold, labels):
        _connect(labels, one, other)
    names = np.arange(len(fingerprints), dtype=np.int64)
    owner = np.repeat(np.arange(len(pieces)), np.diff(pieces.copies))
    smallest = np.full(len(pieces), len(fingerprints), np.int64)
    np.minimum.at(smallest, labels[owner], pieces.members)
    names[pieces.members] = smallest[labels[owner]]
    return [int(name) for name in names]


def groups_of(count: int, pairs: NearPairs | Iterable[tuple[int, int]]) -> list[int]:
    """The group of each of ``count`` things, named by its smallest place: pairs connect what is in one group."""
    labels = np.arange(count, dtype=np.int64)
    if isinstance(pairs, NearPairs):
        _connect(labels, pairs.one, pairs.other)
    else:
        ends = np.array(list(pairs), np.int64).reshape(-1, 2)
        _connect(labels, ends[:, 0], ends[:, 1])
    return [int(label) for label in labels]


def _connect(labels: Whole, one: Whole, other: Whole) -> None:
    """Join the groups of the two sides. A label is the smallest place of its group, before and after."""
    while True:
        first, second = labels[one], labels[other]
        apart = first != second
        if not apart.any():
            return
        one, other, first, second = one[apart], other[apart], first[apart], second[apart]
        np.minimum.at(labels, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(labels, nearer := labels[labels]):
            labels[:] = nearer


@dataclass(frozen=True)
class _Pieces:
    """Different pieces that have runs, lightest first.

    ``members[copies[n] : copies[n + 1]]`` are the places of piece n in what was given. ``runs[ends[n] : ends[n + 1]]``
    are its runs that another piece has, too, numbered from 0; ``lonely`` is the weight of the others. Of each numbered
    run there are ``kind`` and ``rank``, 0 for the commonest of its kind.
    """

    members: Whole
    copies: Whole
    weights: Whole
    lonely: Whole
    runs: Places
    ends: Whole
    kind: NDArray[np.uint8]
    rank: Whole

    def __len__(self) -> int:
        return len(self.weights)

    def runs_of(self, which: Whole) -> tuple[Places, Whole]:
        """The runs of some pieces, one piece after another, and how many each has."""
        sizes = self.ends[which + 1] - self.ends[which]
        before = np.cumsum(sizes) - sizes
        at = np.repeat(self.ends[which] - before, sizes)
        at += np.arange(len(at))
        return self.runs[at], sizes


def _pieces(fingerprints: Sequence[Fingerprint]) -> _Pieces:
    same: dict[bytes, list[int]] = {}
    for at, each in enumerate(fingerprints):
        if len(each.runs):
            same.setdefault(sha256(each.runs.tobytes()).digest(), []).append(at)
    members = list(same.values())
    weights = np.array([_UNITS[kinds(fingerprints[at[0]].runs)].sum(dtype=np.int64) for at in members], np.int64)
    order = np.argsort(weights, kind="stable")
    members = [members[at] for at in order]
    given = [fingerprints[at[0]].runs for at in members]
    known, often = _known(given)
    known, often = known[often > 1], often[often > 1]
    kind = kinds(known).astype(np.uint8)
    runs, sizes, lonely = _numbered(given, known)
    return _Pieces(
        np.array([at for copies in members for at in copies], np.int64),
        _ends([len(copies) for copies in members]),
        weights[order], lonely, runs, _ends(sizes), kind, _ranks(kind, often),
    )  # fmt: skip


def _portions(given: Sequence[Runs]) -> Iterator[tuple[Runs, list[int]]]:
    """The runs of pieces one after another, as many at once as there is room for, and how many each piece has."""
    sizes = [len(each) for each in given]
    start, room = 0, _ELEMENTS
    for stop, size in enumerate([*sizes, room], 1):
        room -= size
        if room <= 0 and start < stop - 1:
            yield np.concatenate(given[start : stop - 1]), sizes[start : stop - 1]
            start, room = stop - 1, _ELEMENTS - size


def _known(given: Sequence[Runs]) -> tuple[Runs, Whole]:
    """All different runs, sorted, and how many pieces have each."""
    known, often = np.zeros(0, np.uint32), np.zeros(0, np.int64)
    for runs, _ in _portions(given):
        new, counts = np.unique(runs, return_counts=True)
        both = np.union1d(known, new)
        counted = np.zeros(len(both), np.int64)
        counted[np.searchsorted(both, known)] = often
        counted[np.searchsorted(both, new)] += counts
        known, often = both, counted
    return known, often


def _numbered(given: Sequence[Runs], known: Runs) -> tuple[Places, Whole, Whole]:
    """The runs of pieces by their places among the known ones, how many each piece has, and what its others weigh."""
    numbers, sizes, lonely = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for runs, counts in _portions(given):
        places = np.searchsorted(known, runs).astype(np.int32)
        places[places == len(known)] = 0
        shared = known[places] == runs if len(known) else np.zeros(len(runs), bool)
        starts = _ends(counts)[:-1]
        numbers.append(places[shared])
        sizes.append(np.add.reduceat(shared, starts, dtype=np.int64))
        lonely.append(np.add.reduceat(np.where(shared, 0, _UNITS[kinds(runs)]), starts, dtype=np.int64))
    return np.concatenate(numbers), np.concatenate(sizes), np.concatenate(lonely)


def _ends(sizes: Sequence[int] | Whole) -> Whole:
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))]).astype(np.int64)


def _ranks(kind: NDArray[np.uint8], often: Whole) -> Whole:
    """How many runs of the same kind are commoner than each."""
    ranks = np.zeros(len(kind), np.int64)
    for each in np.unique(kind):
        at = np.flatnonzero(kind == each)
        ranks[at[np.argsort(-often[at], kind="stable")]] = np.arange(len(at))
    return ranks


def _near(pieces: _Pieces, threshold: float, labels: Whole | None = None) -> Iterator[Found]:
    """Near pairs of different pieces; with ``labels``, which may change meanwhile, only those of unlike label."""
    if not 0 < threshold <= 1:
        raise ValueError("the threshold must be above 0 and at most 1")
    comparison = _Comparison(pieces)
    for left, right in _possible(pieces, threshold):
        for one, other in comparison.portions(*_apart(labels, left, right)):
            one, other = _apart(labels, one, other)
            alike = comparison.likeness(one, other)
            near = alike >= threshold
            if near.any():
                yield one[near], other[near], alike[near]


def _apart(labels: Whole | None, one: Whole, other: Whole) -> tuple[Whole, Whole]:
    """The pairs of unlike label, where there are labels."""
    if labels is None:
        return one, other
    apart = labels[one] != labels[other]
    return one[apart], other[apart]


def _possible(pieces: _Pieces, threshold: float) -> Iterator[tuple[Whole, Whole]]:
    """All pairs that weights and sketches leave, block by block, the first below the second, sorted by the first."""
    for start in range(0, len(pieces), _ROWS):
        stop = min(start + _ROWS, len(pieces))
        heaviest = int(pieces.weights[stop - 1])
        sketch = _Sketch(pieces, threshold, heaviest)
        rows = sketch.rows(start, stop)
        # A piece beyond this weight has too much that the heaviest of the block lacks.
        last = int(np.searchsorted(pieces.weights, int(heaviest * (2 - threshold) / threshold) + 1, "right"))
        for first in range(start, last, _COLUMNS):
            columns = sketch.columns(first, min(first + _COLUMNS, last))
            left, right = np.divmod(np.flatnonzero(rows @ columns.T >= 0), len(columns))
            left, right = left + start, right + first
            after = left < right
            if after.any():
                yield left[after], right[after]


class _Sketch:
    """Bits that tell pieces apart, and with them what two pieces may differ by and still be near.

    The product of a row and a column is: twice the weight of the bits that both have, less the weight that both have
    in bits and in lonely runs, and more what they may differ by. Below 0 they differ by too much.
    """

    def __init__(self, pieces: _Pieces, threshold: float, heaviest: int) -> None:
        self._pieces = pieces
        self._unlike = 1 - threshold
        bits = min(max(_LEAST, heaviest // _PER_BIT // _STEP * _STEP), _MOST)
        self._bucket = np.full(len(pieces.kind), -1, np.int32)
        weights: list[float] = []
        for kind, share in _SKETCHED:
            at = np.flatnonzero(pieces.kind == kind)
            rank, count = pieces.rank[at], int(bits * share)
            own = int(count * _OWN)
            self._bucket[at] = len(weights) + np.where(rank < own, rank, own + (rank - own) % (count - own))
            weights += [float(_UNITS[kind])] * count
        self._weights = np.array(weights, np.float32)

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """What pieces are as the left side of a product."""
        bits, spare = self._bits(start, stop)
        bits[:, :-2] *= 2 * self._weights
        bits[:, -2], bits[:, -1] = spare, 1
        return bits

    def columns(self, start: int, stop: int) -> NDArray[np.float32]:
        """What pieces are as the right side of a product."""
        bits, spare = self._bits(start, stop)
        bits[:, -2], bits[:, -1] = 1, spare
        return bits

    def _bits(self, start: int, stop: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        pieces, ends = self._pieces, self._pieces.ends
        bits = np.zeros((stop - start, len(self._weights) + 2), np.float32)
        bucket = self._bucket[pieces.runs[ends[start] : ends[stop]]]
        owner = np.repeat(np.arange(stop - start), np.diff(ends[start : stop + 1]))
        told = bucket >= 0
        bits[owner[told], bucket[told]] = 1
        own = bits[:, :-2] @ self._weights + pieces.lonely[start:stop]
        # Rounded up: then all products are of whole numbers, which float32 holds exactly to 16 million.
        return bits, np.ceil(self._unlike * pieces.weights[start:stop] - own)


class _Comparison:
    """Pairs compared run by run, in a table of which pieces have which runs."""

    def __init__(self, pieces: _Pieces) -> None:
        self._pieces = pieces
        self._runs = len(pieces.kind)
        self._height = min(max(1, _CELLS // max(1, self._runs)), len(pieces))
        self._table = np.zeros(self._height * self._runs, np.uint8)

    def portions(self, one: Whole, other: Whole) -> Iterator[tuple[Whole, Whole]]:
        """The pairs in portions that ``likeness`` can take; ``one`` is sorted."""
        changes = np.cumsum(np.diff(one, prepend=one[:1]) != 0) // self._height
        runs = np.cumsum(np.diff(self._pieces.ends)[other]) // _ELEMENTS
        cuts = np.flatnonzero((np.diff(changes) != 0) | (np.diff(runs) != 0)) + 1
        yield from zip(np.split(one, cuts), np.split(other, cuts), strict=True)

    def likeness(self, one: Whole, other: Whole) -> NDArray[np.float64]:
        """How alike the two of each pair are, as ``likeness`` counts it."""
        pieces = self._pieces
        rows, row = np.unique(one, return_inverse=True)
        filled, sizes = pieces.runs_of(rows)
        cells = np.repeat(np.arange(len(rows)) * self._runs, sizes) + filled
        self._table[cells] = _UNITS[pieces.kind[filled]]
        looked, sizes = pieces.runs_of(other)
        found = self._table[np.repeat(row * self._runs, sizes) + looked]
        self._table[cells] = 0
        shared = np.zeros(len(one), np.int64)
        some = sizes > 0
        if some.any():
            shared[some] = np.add.reduceat(found, (np.cumsum(sizes) - sizes)[some], dtype=np.int64)
        whole = pieces.weights[one] + pieces.weights[other]
        alike: NDArray[np.float64] = 2 * shared / whole
        return alike


def _copies(pieces: _Pieces) -> Found:
    """All pairs of copies of the same piece."""
    counts = np.diff(pieces.copies)
    one: list[Whole] = [np.zeros(0, np.int64)]
    other: list[Whole] = [np.zeros(0, np.int64)]
    for at in np.flatnonzero(counts > 1):
        members = pieces.members[pieces.copies[at] : pieces.copies[at + 1]]
        first, second = np.triu_indices(len(members), 1)
        one.append(members[first])
        other.append(members[second])
    left = np.concatenate(one)
    return left, np.concatenate(other), np.ones(len(left))


def _spread(pieces: _Pieces, one: Whole, other: Whole, alike: NDArray[np.float64]) -> Found:
    """Pairs of pieces as pairs of all their copies."""
    across, down = np.diff(pieces.copies)[one], np.diff(pieces.copies)[other]
    times = across * down
    pair = np.repeat(np.arange(len(one)), times)
    number = np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times)
    first = pieces.members[pieces.copies[one[pair]] + number // down[pair]]
    second = pieces.members[pieces.copies[other[pair]] + number % down[pair]]
    return np.minimum(first, second), np.maximum(first, second), alike[pair]
