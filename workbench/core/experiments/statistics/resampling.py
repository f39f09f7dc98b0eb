"""Requests drawn anew, and signs flipped: of many metrics at once, since they may share what is drawn.

Whether alone or among others, the same numbers give the same results: they are taken in steps so small that they do not
matter, and so large that sums are exact in any order. What was worked out is remembered for a while.
"""

from __future__ import annotations

import hashlib
import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

T = TypeVar("T")

SEED = 20_241
"""What every drawing starts from."""
RESAMPLES, LEAST_RESAMPLES, DRAWN = 4_999, 999, 5_000_000
"""How often requests are drawn anew: fewer times for many requests, so that no more than DRAWN numbers are drawn."""
FLIPS, LEAST_FLIPS, FLIPPED = 19_999, 4_999, 10_000_000
"""So many times signs are flipped by chance: fewer for many requests, so that no more than FLIPPED signs are drawn."""
BATCH = 250_000
"""Numbers drawn at a time."""
MANY = 1_000
"""From so many requests on, BCa's corrections are nothing; the plain percentiles are taken."""
SAME = 1e-12
"""Parts of the largest value below which a difference is rounding."""
_AT_ONCE = 4_000_000
"""Numbers of many metrics that are looked at together."""
_REMEMBERED = 4_096


class _Remembered:
    """What was worked out of some numbers, by a short hash of them: the latest ones."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: OrderedDict[tuple[bytes, float], Any] = OrderedDict()

    def of(
        self, many: Sequence[Sequence[float]], what: float, work: Callable[[list[Sequence[float]]], Sequence[T]]
    ) -> list[T]:
        """What ``work`` makes of each, where it has not been made yet; ``what`` tells different works apart."""
        keys = [(_digest(each), what) for each in many]
        with self._guard:
            known = {key: self._known[key] for key in keys if key in self._known}
        fresh = {key: numbers for key, numbers in zip(keys, many, strict=True) if key not in known}
        for length in {len(numbers) for numbers in fresh.values()}:
            alike = {key: numbers for key, numbers in fresh.items() if len(numbers) == length}
            known |= zip(alike, work(list(alike.values())), strict=True)
        with self._guard:
            for key in fresh:
                self._known[key] = known[key]
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return [known[key] for key in keys]

    def forget(self) -> None:
        """Remember nothing any more."""
        with self._guard:
            self._known.clear()


_ends, _chances = _Remembered(), _Remembered()


def forget_drawn() -> None:
    """Work everything out anew from now on."""
    _ends.forget()
    _chances.forget()


def bootstrap_ends(many: Sequence[Sequence[float]], confidence: float) -> list[tuple[float, float, str]]:
    """The bootstrap's interval of the average of each, and its method, at just this confidence.

    None of them may be empty or all the same.
    """
    return _ends.of(many, confidence, lambda alike: _bootstrapped(alike, confidence))


def flip_chances(many: Sequence[Sequence[float]]) -> list[float]:
    """How often the average of each is as far from 0 when signs are flipped by chance, from 1 / (flips + 1) on.

    None of them may be empty or all 0.
    """
    return _chances.of(many, 0.0, _flipped)


def means_drawn(columns: Floats) -> Floats:
    """The averages of columns (requests, metrics) over requests drawn anew: shape (times, metrics)."""
    import numpy as np

    count = len(columns)
    times = max(LEAST_RESAMPLES, min(RESAMPLES, DRAWN // count))
    random = np.random.default_rng(SEED)
    found = np.empty((times, columns.shape[1]))
    for start, stop in _steps(times, count):
        drawn = random.integers(0, count, (stop - start, count))
        drawn += np.arange(stop - start)[:, None] * count
        often = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        found[start:stop] = often.astype(np.float64) @ columns / count
    return found


def _bootstrapped(alike: Sequence[Sequence[float]], confidence: float) -> list[tuple[float, float, str]]:
    import numpy as np
    from scipy.stats import bootstrap

    found: list[tuple[float, float, str]] = []
    method = "percentile" if len(alike[0]) >= MANY else "BCa"
    for columns, scales, step in _columns(alike):
        drawn = means_drawn(columns)
        for at, scale in enumerate(scales):
            before = SimpleNamespace(bootstrap_distribution=np.ascontiguousarray(drawn[:, at]))
            ends = bootstrap(
                (columns[:, at],), np.mean, confidence_level=confidence, method=method, n_resamples=0,
                batch=max(1, BATCH // len(columns)), bootstrap_result=before,
            ).confidence_interval  # fmt: skip
            low, high = (0.0 if abs(end) <= step else float(end) * scale for end in (ends.low, ends.high))
            found.append((low, high, method))
    return found


def _flipped(alike: Sequence[Sequence[float]]) -> list[float]:
    import numpy as np

    found: list[float] = []
    for columns, *_ in _columns(alike):
        count = len(columns)
        times = max(LEAST_FLIPS, min(FLIPS, FLIPPED // count))
        seen = np.abs(columns.sum(axis=0)) * (1 - SAME)
        random = np.random.default_rng(SEED)
        as_far = np.zeros(columns.shape[1], dtype=np.int64)
        for start, stop in _steps(times, count):
            signs = random.integers(0, 2, (stop - start, count), dtype=np.int8).astype(np.float64) * 2 - 1
            as_far += (np.abs(signs @ columns) >= seen).sum(axis=0)
        found += ((as_far + 1) / (times + 1)).tolist()
    return found


def _columns(alike: Sequence[Sequence[float]]) -> Iterator[tuple[Floats, list[float], float]]:
    """Numbers of the same length as columns, each in parts of its largest, those, and the steps that they are taken in;
    as many as fit at a time."""
    import numpy as np

    most = max(1, _AT_ONCE // max(len(alike[0]), FLIPS))
    for start in range(0, len(alike), most):
        some = alike[start : start + most]
        columns = np.array(some, dtype=np.float64).T
        scales = np.abs(columns).max(axis=0)
        step = 2.0 ** (len(columns).bit_length() - 51)
        yield np.ascontiguousarray(np.rint(columns / scales / step) * step), scales.tolist(), step


def _steps(times: int, count: int) -> Iterator[tuple[int, int]]:
    step = max(1, BATCH // count)
    for start in range(0, times, step):
        yield start, min(times, start + step)


def _digest(numbers: Sequence[float]) -> bytes:
    return hashlib.blake2b(array("d", numbers).tobytes(), digest_size=16).digest()
