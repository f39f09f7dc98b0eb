"""How many more requests: as published, and enough when they are asked."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.core.experiments.statistics.test_paired import rates, tables
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.statistics.paired import Pairs, difference, mcnemar_exact, paired
from workbench.core.experiments.statistics.power import (
    MOST,
    least_pairs,
    more_requests,
    pairs_for_numbers,
    pairs_for_rates,
)


@pytest.mark.parametrize(("only_a", "only_b", "needed"), [(0.05, 0.45, 23), (0.45, 0.05, 23), (0.15, 0.30, 155)])
def test_connors_formula(only_a: float, only_b: float, needed: int) -> None:
    """Connor 1987; the numbers are those of powerandsamplesize.com and of a calculator for clinical trials."""
    assert pairs_for_rates(only_a, only_b) == needed


@pytest.mark.parametrize(("dz", "power", "needed"), [(0.5, 0.8, 34), (0.421637, 0.832114, 50), (-0.2, 0.95, 327)])
def test_the_paired_t_test(dz: float, power: float, needed: int) -> None:
    """As G*Power has it; the second is the example of its manual, ch. 19.3."""
    assert pairs_for_numbers(dz, power=power) == needed


def test_about_nothing_needs_more_than_there_is() -> None:
    assert pairs_for_numbers(0.0) is pairs_for_numbers(0.001) is None
    assert pairs_for_rates(0.1, 0.1) is None
    assert pairs_for_rates(0.2, 0.2001) is None
    assert (pairs_for_numbers(0.01) or 0) > 50_000
    assert pairs_for_numbers(math.inf) == least_pairs(0.05) == 6


def test_with_fewer_than_the_least_nothing_can_be_found() -> None:
    for alpha in (0.05, 0.01, 0.03125, 0.001):
        least = least_pairs(alpha)
        assert mcnemar_exact(0, least) <= alpha < mcnemar_exact(0, least - 1)


def test_impossible_parts_and_levels_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        pairs_for_rates(0.7, 0.6)
    with pytest.raises(InvalidInputError):
        pairs_for_numbers(0.5, alpha=0)


def test_so_many_requests_settle_it_as_often_as_was_said() -> None:
    """A rate of 80 against 90 %: as many as are said to be needed find it in 80 % or a little more."""
    pairs = paired(*tables(76, 4, 14, 6), "rate")
    more = more_requests(pairs, difference(pairs), settled=False)
    assert more.requests is not None
    assert more.at_best is not None
    assert more.at_best < more.requests
    assert more.words.startswith(f"About {more.requests} more requests would settle it")
    random = np.random.default_rng(41)
    drawn = random.multinomial(100 + more.requests, (0.76, 0.04, 0.14, 0.06), 1_000)
    found = np.mean([mcnemar_exact(int(a), int(b)) <= 0.05 for _, a, b, _ in drawn])
    assert 0.77 <= found <= 0.86


def test_more_requests_for_numbers_are_those_of_the_t_test() -> None:
    numbers = np.random.default_rng(43).normal(0, 1, 20)
    numbers = (numbers - numbers.mean()) / numbers.std(ddof=1) + 0.3
    pairs = Pairs("number", (0.0,) * 20, tuple(map(float, numbers)), 20, 20, 0, True)
    more = more_requests(pairs, difference(pairs), settled=False)
    assert more.requests == (pairs_for_numbers(0.3) or 0) - 20
    stricter = more_requests(pairs, difference(pairs), settled=False, alpha=0.005)
    assert (stricter.requests or 0) > more.requests


def test_no_promise_where_there_is_none_to_make() -> None:
    same = paired(*tables(50, 0, 0, 10), "rate")
    told = more_requests(same, difference(same), settled=False)
    assert (told.requests, told.words) == (
        None, f"The difference seen is about nothing: {MOST:,} requests would not settle it.",
    )  # fmt: skip
    few = rates(np.array([1.0, 0.0]), np.array([1.0, 1.0]), 1)
    assert more_requests(few, difference(few), settled=False).words.startswith("Ask at least 4 more requests")
    assert more_requests(few, difference(few), settled=True).requests == 0
