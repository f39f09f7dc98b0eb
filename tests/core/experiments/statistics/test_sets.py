"""The interval of a metric of a whole set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.statistics.sets import set_interval


def averaged(values: Mapping[str, float]) -> Callable[[Sequence[str]], float]:
    return lambda keys: math.fsum(values[key] for key in keys) / len(keys)


def apart(values: Mapping[str, float]) -> Callable[[Sequence[str]], float]:
    """How far two of them are apart, on average (Gini's mean difference)."""

    def measure(keys: Sequence[str]) -> float:
        ordered = np.sort([values[key] for key in keys])
        count = len(ordered)
        return float(2 * np.sum((2 * np.arange(count) - count + 1) * ordered) / (count * (count - 1)))

    return measure


def normal(random: np.random.Generator, count: int) -> dict[str, float]:
    return {str(key): float(each) for key, each in enumerate(random.normal(0, 1, count))}


def test_of_an_average_it_is_students() -> None:
    """Leaving out one at a time gives the standard error of an average exactly."""
    values = normal(np.random.default_rng(1), 20)
    numbers = np.array(list(values.values()))
    margin = 2.093024 * numbers.std(ddof=1) / math.sqrt(20)
    seen = set_interval(list(values), averaged(values))
    assert (seen.low, seen.high) == pytest.approx((numbers.mean() - margin, numbers.mean() + margin))


def test_it_holds_how_far_pieces_are_apart_as_often_as_it_says() -> None:
    """Normal numbers are 2 / √π apart; 100 at a time in 40 parts, 200 times: 95 % ± 4.6."""
    random = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        values = normal(random, 100)
        seen = set_interval(list(values), apart(values))
        held += (seen.low or 0) <= 2 / math.sqrt(math.pi) <= (seen.high or 0)
    assert 0.904 <= held / 200 <= 0.996


def test_the_order_of_requests_changes_nothing() -> None:
    values = normal(np.random.default_rng(3), 90)
    assert set_interval(list(values), apart(values)).low == set_interval(list(values)[::-1], apart(values)).low


def test_too_little_is_called_so() -> None:
    assert set_interval([], lambda _: 1.0).value is None
    assert set_interval(["a"], lambda _: None).note == "There is no value."
    assert set_interval(["a"], lambda _: math.nan).value is None
    few = set_interval(list("abcde"), lambda _: 1.0)
    assert (few.value, few.known, few.note) == (1.0, False, "5 is too few for an interval.")
    partly = set_interval(list("abcdef"), lambda keys: 1.0 if "a" in keys else None)
    assert (partly.value, partly.known) == (1.0, False)
    with pytest.raises(InvalidInputError):
        set_interval(list("abcdef"), lambda _: 1.0, confidence=2)
