"""The library's likeness of one piece to many at once, and of many to each other: the same numbers, in less time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.core.library.likeness import WEIGHTS, Fingerprint, kinds

Floats = NDArray[np.float64]


class Nearest:
    """Pieces, to find how like the nearest of them is. It does not change."""

    def __init__(self, pieces: Sequence[Fingerprint]) -> None:
        sizes = [len(each.runs) for each in pieces]
        runs = np.concatenate([np.zeros(0, np.uint32), *(each.runs for each in pieces)])
        owner = np.repeat(np.arange(len(pieces)), sizes)
        order = np.argsort(runs, kind="stable")
        self._count = len(pieces)
        self._owners = owner[order]
        self._known, self._starts = np.unique(runs[order], return_index=True)
        self._lengths = np.diff(np.append(self._starts, len(runs)))
        self._weights = np.bincount(owner, _weights(runs), minlength=len(pieces))

    def likeness(self, piece: Fingerprint) -> float:
        """How like the nearest one is, 0 to 1; 0 where there is none."""
        return float(self.likenesses(piece).max(initial=0.0))

    def likenesses(self, piece: Fingerprint) -> Floats:
        """How like each of them is, in their order."""
        places = np.searchsorted(self._known, piece.runs)
        inside = places < len(self._known)
        inside[inside] = self._known[places[inside]] == piece.runs[inside]
        places, runs = places[inside], piece.runs[inside]
        lengths = self._lengths[places]
        before = np.cumsum(lengths) - lengths
        at = np.arange(lengths.sum()) + np.repeat(self._starts[places] - before, lengths)
        shared = np.bincount(self._owners[at], np.repeat(_weights(runs), lengths), minlength=self._count)
        whole = self._weights + _weights(piece.runs).sum()
        alike: Floats = np.divide(2 * shared, whole, out=np.zeros(self._count), where=whole > 0)
        return alike


def likenesses(pieces: Sequence[Fingerprint]) -> Floats:
    """How alike each two of many pieces are, 0 to 1: shape (pieces, pieces)."""
    index = Nearest(pieces)
    return np.array([index.likenesses(each) for each in pieces]).reshape(len(pieces), len(pieces))


def _weights(runs: NDArray[np.uint32]) -> Floats:
    weights: Floats = WEIGHTS[kinds(runs)].astype(np.float64)
    return weights
