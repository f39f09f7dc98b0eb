import math
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.datasets.review.audits import (
    Looked,
    allocation,
    draw,
    error_rate,
    rule_of_three,
    stratified_error_rate,
)
from workbench.core.errors import InvalidInputError

KEYS = [f"examples/{at}" for at in range(200)]
SIZES = st.dictionaries(st.text(max_size=3), st.integers(0, 50), min_size=1, max_size=8)


def test_the_same_seed_draws_the_same_rows_whatever_their_order():
    shuffled = random.Random(1).sample(KEYS, len(KEYS))
    assert draw(KEYS, 30, seed=7) == draw(shuffled, 30, seed=7)
    assert draw(KEYS, 30, seed=7) != draw(KEYS, 30, seed=8)


def test_what_is_drawn_is_known_for_good():
    assert draw(KEYS, 3, seed=0) == ("examples/144", "examples/1", "examples/71")


def test_an_audit_that_goes_on_keeps_what_it_has_seen():
    assert draw(KEYS, 50, seed=7)[:30] == draw(KEYS, 30, seed=7)


def test_no_row_is_drawn_twice_and_no_more_than_there_are():
    assert sorted(draw([*KEYS, *KEYS], 1_000, seed=7)) == sorted(KEYS)
    assert draw(KEYS, 0, seed=7) == draw([], 5, seed=7) == ()


def test_fewer_than_no_rows_cannot_be_drawn():
    with pytest.raises(InvalidInputError):
        draw(KEYS, -1, seed=7)


def test_every_row_has_the_same_chance():
    drawn = Counter(key for seed in range(1_000) for key in draw(KEYS, 20, seed))
    # 1,000 draws of 20 from 200: 100 each, with a standard deviation of 9.5; five of them either way.
    assert all(52 < drawn[key] < 148 for key in KEYS)


def test_strata_are_drawn_in_proportion_with_at_least_one_from_each():
    strata = {key: "rare" if at < 2 else "common" if at < 150 else "middling" for at, key in enumerate(KEYS)}
    drawn = Counter(strata[key] for key in draw(KEYS, 20, 7, strata))
    assert drawn == {"rare": 1, "common": 14, "middling": 5}


def test_rows_without_a_stratum_make_one_of_their_own():
    drawn = draw(KEYS, 10, 7, dict.fromkeys(KEYS[:100], "a"))
    assert sum(key in KEYS[:100] for key in drawn) == 5


def test_largest_remainders_take_what_is_left_over():
    # Ten seats by Hamilton's method: quotas 4.30, 3.14, 2.56.
    assert allocation({"a": 43, "b": 31, "c": 26}, 10) == {"a": 4, "b": 3, "c": 3}


@given(SIZES, st.integers(0, 500))
def test_an_allocation_gives_out_exactly_what_there_is(sizes: dict[str, int], n: int):
    given_out = allocation(sizes, n)
    assert sum(given_out.values()) == min(n, sum(sizes.values()))
    assert all(0 <= given_out[name] <= sizes[name] for name in sizes)
    if n >= len(sizes):
        assert all(given_out[name] for name in sizes if sizes[name])


@pytest.mark.parametrize(
    ("wrong", "looked", "low", "high"),
    [
        # Clopper and Pearson 1934 as tabled in Agresti and Coull 1998 and by R's binom.test.
        (0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (2, 30, 0.0082, 0.2207), (10, 10, 0.6915, 1.0),
        (5, 10, 0.1871, 0.8129),
    ],
)  # fmt: skip
def test_an_error_rate_has_the_exact_interval(wrong: int, looked: int, low: float, high: float):
    found = error_rate(wrong, looked)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_an_error_rate_is_told_in_words():
    assert error_rate(2, 30).words == "2 of 30 wrong: 6.7 % (95 % interval 0.8 to 22.1 %)"


def test_a_sample_without_a_mistake_tells_the_rule_of_three():
    assert rule_of_three(100) == pytest.approx(0.03, rel=0.002)
    said = "0 of 30 wrong: 0 % (95 % interval 0 to 11.6 %; by the rule of three at most 10 % with 95 % confidence)"
    assert error_rate(0, 30).words == said


def test_nothing_looked_at_tells_nothing():
    found = error_rate(0, 0, 100)
    assert (found.low, found.high, found.words) == (0, 1, "Nothing has been looked at.")


def test_whoever_has_looked_at_everything_knows():
    found = error_rate(3, 50, 50)
    assert found.low == found.rate == found.high == 0.06
    assert found.words == "3 of 50 wrong: 6 %, and these are all"


def test_a_large_part_of_the_whole_tells_more_than_a_small_one():
    half, hardly = error_rate(2, 30, 60), error_rate(2, 30, 1_000_000)
    assert half.high - half.low < hardly.high - hardly.low
    assert hardly.low == pytest.approx(error_rate(2, 30).low, abs=1e-3)
    assert hardly.high == pytest.approx(error_rate(2, 30).high, abs=1e-3)


@pytest.mark.parametrize("population", [20, 61])
@pytest.mark.parametrize("looked", [5, 12])
def test_the_interval_holds_the_truth_as_often_as_it_says(population: int, looked: int):
    found = [error_rate(wrong, looked, population) for wrong in range(looked + 1)]
    for truth in range(population + 1):
        held = sum(
            math.comb(truth, wrong) * math.comb(population - truth, looked - wrong)
            for wrong in range(looked + 1) if found[wrong].low <= truth / population <= found[wrong].high
        )  # fmt: skip
        assert held / math.comb(population, looked) >= 0.95


@pytest.mark.parametrize("bad", [(3, 2, 10), (-1, 2, 10), (1, 20, 10), (0, 0, -1)])
def test_numbers_that_are_no_sample_are_refused(bad: tuple[int, int, int]):
    with pytest.raises(InvalidInputError):
        error_rate(*bad)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_is_a_share(confidence: float):
    with pytest.raises(InvalidInputError):
        error_rate(1, 2, 10, confidence)


def test_strata_are_weighted_by_what_they_hold():
    found = stratified_error_rate([Looked("common", 0, 20, 900), Looked("rare", 10, 20, 100)])
    assert found.rate == pytest.approx(0.05)
    assert (found.wrong, found.looked, found.population) == (10, 40, 1_000)
    assert found.low < 0.05 < found.high


def test_a_proportional_sample_without_a_mistake_is_worth_as_many_rows_as_it_has():
    found, plain = stratified_error_rate([Looked("a", 0, 10, 100), Looked("b", 0, 20, 200)]), error_rate(0, 30)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))


def test_a_proportional_sample_has_no_narrower_an_interval_than_a_plain_one():
    found, plain = stratified_error_rate([Looked("a", 1, 10, 100), Looked("b", 2, 20, 200)]), error_rate(3, 30)
    assert plain.low - 0.01 < found.low <= plain.low
    assert plain.high <= found.high < plain.high + 0.01


def test_strata_that_nobody_looked_into_are_named():
    found = stratified_error_rate([Looked("a", 1, 10, 100), Looked("b", 2, 20, 200), Looked("c", 0, 0, 50)])
    assert found.unseen == ("c",)
    assert found.words.endswith("; not looked into: c")
    assert stratified_error_rate([Looked("a", 0, 0, 5)]).words == "Nothing has been looked at."


def test_one_stratum_is_a_plain_sample():
    assert stratified_error_rate([Looked("a", 2, 30, 500)]) == error_rate(2, 30, 500)


@pytest.mark.parametrize(
    "strata",
    [
        [(900, 27, 0.05), (100, 3, 0.05)], [(900, 15, 0.02), (100, 15, 0.40)], [(500, 10, 0.30), (500, 40, 0.01)],
        [(700, 21, 0.0), (200, 6, 0.1), (100, 3, 0.6)], [(800, 12, 0.10), (150, 12, 0.10), (50, 12, 0.0)],
    ],
)  # fmt: skip
def test_a_stratified_interval_holds_the_truth_nearly_as_often_as_it_says(strata: list[tuple[int, int, float]]):
    """Over every outcome that can be, weighted by its chance; binomial, so without credit for a finite population."""
    truth = sum(size * rate for size, _, rate in strata) / sum(size for size, *_ in strata)
    held, outcomes = 0.0, [(1.0, [])]
    for size, looked, rate in strata:
        chances = [math.comb(looked, k) * rate**k * (1 - rate) ** (looked - k) for k in range(looked + 1)]
        outcomes = [
            (chance * more, [*found, Looked(str(len(found)), k, looked, size)])
            for chance, found in outcomes for k, more in enumerate(chances) if chance * more > 1e-6
        ]  # fmt: skip
    for chance, found in outcomes:
        interval = stratified_error_rate(found)
        held += chance * (interval.low <= truth <= interval.high)
    assert held >= 0.94


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20)), max_size=6))
def test_any_audit_by_strata_has_a_rate_within_its_interval(numbers: list[tuple[int, int, int]]):
    strata = [Looked(str(at), a, a + b, a + b + c) for at, (a, b, c) in enumerate(numbers)]
    found = stratified_error_rate(strata)
    assert 0 <= found.low <= found.rate + 1e-9
    assert found.rate - 1e-9 <= found.high <= 1
