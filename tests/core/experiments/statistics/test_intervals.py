"""Intervals are as published, hold what they should as often as they say, and are honest about too little."""

from __future__ import annotations

import math

import numpy as np
import pytest

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.statistics.intervals import (
    Interval,
    clustered_rate_interval,
    mean_interval,
    rate_interval,
    summary_interval,
)


def holds(seen: Interval, truth: float) -> bool:
    assert seen.low is not None
    assert seen.high is not None
    return seen.low <= truth <= seen.high


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_newcombe_1998(successes: int, n: int, low: float, high: float) -> None:
    """Statistics in Medicine 17:857, table I, method 3."""
    seen = rate_interval(successes, n)
    assert (seen.low, seen.high) == pytest.approx((low, high), abs=5e-5)
    assert seen.value == successes / n


def test_nothing_seen_leaves_every_rate_possible() -> None:
    seen = rate_interval(0, 0)
    assert (seen.value, seen.low, seen.high) == (None, 0.0, 1.0)
    assert rate_interval(7, 7).high == 1.0


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 4), (0, math.inf), (math.nan, 3)])
def test_impossible_counts_are_refused(successes: float, n: float) -> None:
    with pytest.raises(InvalidInputError):
        rate_interval(successes, n)


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0, 95.0, math.nan])
def test_a_confidence_is_a_part(confidence: float) -> None:
    with pytest.raises(InvalidInputError):
        rate_interval(1, 2, confidence=confidence)
    with pytest.raises(InvalidInputError):
        mean_interval([1.0, 2.0, 3.0], confidence=confidence)


def test_a_large_sample_has_students_interval() -> None:
    """Where the bootstrap has to agree with Student's t: many numbers from a normal distribution."""
    numbers = np.random.default_rng(7).normal(10, 2, 400)
    margin = 1.966 * numbers.std(ddof=1) / 20
    seen = mean_interval(list(numbers))
    assert (seen.low, seen.high) == pytest.approx((numbers.mean() - margin, numbers.mean() + margin), abs=0.02)
    assert seen == mean_interval(list(numbers))
    assert "BCa" in seen.method
    assert "percentile" in mean_interval(list(numbers) * 3).method


def test_an_interval_scales_with_its_values() -> None:
    numbers = [1.0, 2.0, 4.0, 9.0, 3.0, 2.5]
    seen = mean_interval(numbers)
    for factor in (1e-300, 1e90, -1.0):
        scaled = mean_interval([factor * each for each in numbers])
        assert scaled.value == pytest.approx(factor * (seen.value or 0))
        if factor > 0:
            assert (scaled.low, scaled.high) == pytest.approx((factor * (seen.low or 0), factor * (seen.high or 0)))


def test_too_little_is_called_so() -> None:
    assert mean_interval([]).value is None
    two = mean_interval([1.0, 2.0])
    assert (two.value, two.low, two.high, two.known) == (1.5, None, None, False)
    assert two.note == "2 is too few for an interval."
    same = mean_interval([0.1] * 100)
    assert same.low == same.high == pytest.approx(0.1)
    assert "up to 3 % of requests" in same.note
    for bad in (math.nan, -math.inf, 1e308):
        with pytest.raises(InvalidInputError):
            mean_interval([1.0, bad, bad])


def test_a_request_counts_once_whatever_its_seeds() -> None:
    seen = summary_interval({"a": [True, True, True, True], "b": [False], "c": [None], "d": []}, "rate")
    assert (seen.value, seen.requests, seen.values, seen.left_out) == (0.5, 2, 5, 2)
    numbers = summary_interval({"a": [1.0, 3.0], "b": [4.0], "c": [6.0, None, math.inf, math.nan]}, "number")
    assert (numbers.value, numbers.values, numbers.left_out) == (4.0, 4, 0)


def test_seeds_that_always_agree_are_worth_one() -> None:
    """Five seeds that say the same are no more than one; five that differ by chance alone are nearly five."""
    alike = clustered_rate_interval([1.0] * 30 + [0.0] * 10, 200)
    one = rate_interval(30, 40)
    assert (alike.low, alike.high) == pytest.approx((one.low, one.high))
    apart = clustered_rate_interval([0.8, 0.6, 1.0, 0.8, 0.6, 0.8, 0.6, 0.8] * 5, 200)
    five = rate_interval(150, 200)
    assert (apart.low, apart.high) == pytest.approx((five.low, five.high))
    assert clustered_rate_interval([1.0] * 40, 200).low == rate_interval(40, 40).low


@pytest.mark.parametrize(("values", "kind"), [([0.5], "rate"), (["yes"], "number"), ([2], "rate"), ([[1]], "number")])
def test_values_of_another_kind_are_refused(values: list[object], kind: str) -> None:
    with pytest.raises(InvalidInputError, match="request 'a'"):
        summary_interval({"a": values}, kind)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="kind"):
        summary_interval({"a": [1]}, "share")  # type: ignore[arg-type]


@pytest.mark.parametrize(("rate", "n"), [(0.5, 30), (0.9, 60), (0.98, 200)])
def test_wilsons_interval_holds_the_rate_as_often_as_it_says(rate: float, n: int) -> None:
    """By the binomial distribution, without chance; Wilson's is 95 % on average, not everywhere."""
    counts = np.arange(n + 1)
    chances = np.array([math.comb(n, int(k)) * rate**k * (1 - rate) ** (n - k) for k in counts])
    held = np.array([holds(rate_interval(int(k), n), rate) for k in counts])
    assert 0.93 <= chances[held].sum() <= 0.98


@pytest.mark.parametrize(("alike", "rate"), [(0.0, 0.9), (0.3, 0.5), (0.9, 0.9)])
def test_the_interval_over_seeds_holds_the_rate_as_often_as_it_says(alike: float, rate: float) -> None:
    """40 requests with 5 seeds that are alike to a degree (intraclass correlation); 400 times, so 95 % ± 3.3."""
    random = np.random.default_rng(11)
    held = naive = 0
    for _ in range(400):
        odds = 1 / alike - 1 if alike else 0
        rates = random.beta(rate * odds, (1 - rate) * odds, 40) if alike else np.full(40, rate)
        means = random.binomial(5, rates) / 5
        held += holds(clustered_rate_interval(list(means), 200), rate)
        naive += holds(rate_interval(float(means.sum() * 5), 200), rate)
    assert 0.917 <= held / 400 <= 0.983
    if alike == 0.9:
        assert naive / 400 < 0.8, "the seeds have to matter for this to show anything"


@pytest.mark.parametrize(("shape", "count", "least"), [("normal", 8, 0.91), ("skewed", 40, 0.90)])
def test_the_bootstraps_interval_holds_the_average_as_often_as_it_says(shape: str, count: int, least: float) -> None:
    """300 times, so 95 % ± 3.8; the average of few skewed numbers is known to be harder."""
    random = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        numbers = random.normal(1, 1, count) if shape == "normal" else random.exponential(1, count)
        held += holds(mean_interval(list(numbers)), 1.0)
    assert least <= held / 300 <= 0.99
