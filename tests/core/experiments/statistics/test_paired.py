"""Paired tests, intervals and effects are those of the literature, and find no more by chance than they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import nct, permutation_test

from workbench.core.experiments.samples import Value
from workbench.core.experiments.statistics.paired import (
    Effect,
    Pairs,
    cohens_dz,
    cohens_g,
    difference,
    mcnemar_exact,
    odds_ratio,
    paired,
    sides,
    sign_flip,
    wilcoxon_signed_rank,
)

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Cross- less self-fertilized maize, in eighths of an inch (Fisher 1935, The Design of Experiments, ch. 3)."""

Table = dict[str, list[Value]]


def tables(both: int, only_a: int, only_b: int, neither: int) -> tuple[Table, Table]:
    """Two variants with one seed for each request."""
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return {str(i): [each] for i, each in enumerate(a)}, {str(i): [each] for i, each in enumerate(b)}


def rates(a: np.ndarray, b: np.ndarray, seeds: int) -> Pairs:
    count = len(a) * seeds
    return Pairs("rate", tuple(map(float, a)), tuple(map(float, b)), count, count, 0, seeds == 1)


@pytest.mark.parametrize(
    ("table", "p", "gap", "low", "high"),
    [
        # Approval of the Prime Minister, asked twice: Agresti 1990, sec. 10.1; he has z² = 17.36, and −0.06 to −0.02.
        ((794, 150, 86, 570), 3.72e-5, -0.04, -0.0587, -0.0212),
        # Complete response before and after therapy, Cavo 2012: Fagerland, Lydersen and Laake 2017, ch. 8.
        ((59, 6, 16, 80), 0.0525, 0.0621, 0.0046, 0.1186),
        # Airway hyper-responsiveness, Bentur 2009: Fagerland, Lydersen and Laake 2014.
        ((1, 1, 7, 12), 0.0703, 0.286, 0.026, 0.507),
        # Altman, Machin, Bryant and Gardner 2000, table 6.2.
        ((14, 5, 0, 22), 0.0625, -0.122, -0.226, -0.011),
        # Two media for tubercle bacilli: Armitage and Berry 1994, p. 127.
        ((20, 12, 2, 16), 0.0129, -0.2, None, None),
    ],
)
def test_mcnemar_and_newcombe_are_those_of_the_books(
    table: tuple[int, int, int, int], p: float, gap: float, low: float | None, high: float | None
) -> None:
    pairs = paired(*tables(*table), "rate")
    assert pairs.table == table
    assert mcnemar_exact(table[1], table[2]) == pytest.approx(p, rel=5e-3)
    seen = difference(pairs)
    assert seen.value == pytest.approx(gap, abs=5e-4)
    if low is not None and high is not None:
        assert (seen.low, seen.high) == pytest.approx((low, high), abs=6e-4)


def test_the_effects_of_agrestis_table() -> None:
    ratio, g = odds_ratio(86, 150), cohens_g(150, 86)
    assert ratio is not None
    assert ratio.value == pytest.approx(1.74, abs=5e-3)
    assert g is not None
    assert g.value == pytest.approx(86 / 236 - 0.5)
    assert (g.size, ratio.size) == ("small", "small")
    assert g.low < g.value < (g.high or 0) < 0


def test_effects_without_an_end() -> None:
    assert cohens_g(0, 0) is None
    assert odds_ratio(0, 5) is None
    never = odds_ratio(5, 0)
    assert never == Effect("odds ratio", 0.0, 0.0, never.high if never else None, "large")
    assert cohens_dz([1.0, 1.0, 1.0]) is None
    assert cohens_dz([0.0] * 5) is None
    assert cohens_dz([1.0, 2.0]) is None


def test_fishers_sign_flips_of_darwins_maize() -> None:
    """Fisher counts 863 of 32,768 ways on one side (1935, sec. 21); Wilcoxon's rank sum is 24."""
    assert sign_flip(DARWIN) == 2 * 863 / 32_768
    assert wilcoxon_signed_rank(DARWIN) == pytest.approx(0.04126, abs=5e-6)
    dz = cohens_dz(DARWIN)
    assert dz is not None
    assert dz.value * math.sqrt(15) == pytest.approx(2.148, abs=5e-4), "Student's t, as Fisher has it"
    assert nct.cdf(2.148, 14, dz.low * math.sqrt(15)) == pytest.approx(0.975, abs=2e-4)
    assert nct.cdf(2.148, 14, (dz.high or 0) * math.sqrt(15)) == pytest.approx(0.025, abs=2e-4)


def test_wilcoxons_depression_scores() -> None:
    """Hollander and Wolfe 1973, p. 29: nine patients before and after a tranquillizer; two-sided, twice 0.01953."""
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    gaps = [b - a for a, b in zip(before, after, strict=True)]
    assert wilcoxon_signed_rank(gaps) == pytest.approx(2 * 0.01953, abs=1e-5)


def test_all_ways_to_flip_are_those_of_scipy() -> None:
    gaps = [0.3, -1.2, 2.0, 0.3, 0.0, 1.1, -0.3, 0.9]
    theirs = permutation_test((np.array(gaps),), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip(gaps) == pytest.approx(theirs.pvalue)


def test_flips_of_rates_are_mcnemars() -> None:
    assert sign_flip([1.0] * 9 + [-1.0] * 3 + [0.0] * 50) == pytest.approx(mcnemar_exact(3, 9))


def test_no_difference_is_no_evidence() -> None:
    assert sign_flip([0.0] * 5) == sign_flip([]) == sign_flip([3.0]) == 1.0
    assert wilcoxon_signed_rank([0.0, 0.0]) == mcnemar_exact(0, 0) == 1.0


def test_a_small_p_is_told_below_what_flips_can_tell() -> None:
    """Where many comparisons are corrected for; it may never be below the exact p, which is 2 / 2⁴⁰ here."""
    assert 2 / 2**40 <= sign_flip([1.0] * 40) < 1e-8


def test_rounding_is_no_difference_and_breaks_no_tie() -> None:
    pairs = paired({"a": [0.1 + 0.2], "b": [1.1], "c": [2.2]}, {"a": [0.3], "b": [1.2], "c": [2.3]}, "number")
    first, second, third = pairs.differences
    assert first == 0
    assert second == third == pytest.approx(0.1)


def test_only_shared_requests_count() -> None:
    a: Table = {"1": [True], "2": [None], "3": [False], "4": []}
    b: Table = {"1": [False, True], "2": [True], "5": [True], "3": [None, False]}
    pairs = paired(a, b, "rate")
    assert (pairs.count, pairs.left_out, pairs.single, pairs.table) == (2, 3, False, None)
    assert (pairs.a, pairs.b) == ((1.0, 0.0), (0.5, 0.0))
    assert [each.values for each in sides(pairs)] == [2, 3]


def test_a_difference_of_nothing_has_an_interval_all_the_same() -> None:
    seen = difference(paired(*tables(100, 0, 0, 0), "rate"))
    assert seen.value == 0
    assert (seen.low or 0) < -0.01 < 0.01 < (seen.high or 0)
    assert difference(paired({}, {}, "rate")).value is None


@pytest.mark.parametrize("seeds", [1, 4])
@pytest.mark.parametrize(("a", "b"), [(0.6, 0.6), (0.9, 0.8)])
def test_the_interval_of_a_difference_holds_it_as_often_as_it_says(seeds: int, a: float, b: float) -> None:
    """100 requests, hard and easy ones for both; 400 times, so 95 % ± 3.3."""
    random = np.random.default_rng(23)
    held = 0
    for _ in range(400):
        ease = random.beta(2, 2, 100) - 0.5
        one, two = (np.clip(rate + ease * 2 * min(1 - rate, rate), 0, 1) for rate in (a, b))
        seen = difference(rates(random.binomial(seeds, one) / seeds, random.binomial(seeds, two) / seeds, seeds))
        assert seen.low is not None
        assert seen.high is not None
        held += seen.low <= b - a <= seen.high
    assert 0.917 <= held / 400 <= 0.983


def test_the_tests_find_by_chance_no_more_than_they_say_and_more_the_more_there_is() -> None:
    """12 requests, 400 times: at 5 %, with no difference 5 % ± 2.4 of findings; then more, as the difference grows."""
    random = np.random.default_rng(29)
    found: list[tuple[float, float]] = []
    for shift in (0.0, 0.5, 1.0):
        flips = ranks = 0
        for _ in range(400):
            gaps = list(random.normal(shift, 1, 12))
            flips += sign_flip(gaps) <= 0.05
            ranks += wilcoxon_signed_rank(gaps) <= 0.05
        found.append((flips / 400, ranks / 400))
    assert all(0.026 <= each <= 0.074 for each in found[0])
    assert found[0] < found[1] < found[2]
    assert min(found[2]) > 0.8


def test_random_flips_find_by_chance_no_more_than_they_say() -> None:
    random = np.random.default_rng(31)
    found = sum(sign_flip(list(random.exponential(1, 40) * random.choice((-1, 1), 40))) <= 0.05 for _ in range(300))
    assert 0.02 <= found / 300 <= 0.08


def test_mcnemar_finds_by_chance_no_more_than_it_says() -> None:
    """By the binomial distribution, without chance."""
    for apart in (6, 15, 40):
        chance = sum(
            math.comb(apart, k) / 2**apart for k in range(apart + 1) if mcnemar_exact(k, apart - k) <= 0.05
        )  # fmt: skip
        assert 0 < chance <= 0.05
