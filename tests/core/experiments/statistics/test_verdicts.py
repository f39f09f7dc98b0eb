"""Verdicts: a planted difference is found, a planted nothing is called so, and every number has its interval."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.experiments.statistics.test_paired import Table, tables
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics.registry import METRICS
from workbench.core.experiments.samples import Value
from workbench.core.experiments.statistics.averages import Better, Kind, Values
from workbench.core.experiments.statistics.intervals import Interval, mean_interval, rate_interval
from workbench.core.experiments.statistics.verdicts import Comparison, Measure, compare_all, compare_values
from workbench.core.experiments.statistics.words import interval_words

VALID = Measure("valid", "rate", "higher")
SECONDS = Measure("seconds", "number", "lower", "s")


def numbers(*values: float) -> Table:
    return {str(key): [float(value)] for key, value in enumerate(values)}


def drawn(rate: float, *, seed: int, requests: int = 200, seeds: int = 1) -> Table:
    answers = np.random.default_rng(seed).random((requests, seeds)) < rate
    return {str(key): [bool(each) for each in row] for key, row in enumerate(answers)}


def test_a_finding_says_who_by_how_much_and_how_surely() -> None:
    told = compare_values(*tables(794, 86, 150, 570), kind="rate", better="higher")
    assert told.words == "B is better: 4.0 points (95 % interval 2.1 to 5.9)."
    assert (told.verdict, told.winner, told.test) == ("better", "B", "McNemar, exact")
    assert told.table == {"both": 794, "only_a": 86, "only_b": 150, "neither": 570}
    assert told.more.requests == 0
    swapped = compare_values(*tables(794, 150, 86, 570), kind="rate", better="higher", names=("base", "tuned"))
    assert swapped.words == "base is better: 4.0 points (95 % interval 2.1 to 5.9)."
    less = compare_values(*tables(794, 150, 86, 570), kind="rate", better="lower")
    assert less.words == "B is better: 4.0 points less (95 % interval 2.1 to 5.9)."
    neither = compare_values(*tables(794, 150, 86, 570), kind="rate", better="")
    assert neither.words == "A is higher: 4.0 points (95 % interval 2.1 to 5.9)."
    assert (neither.verdict, neither.winner, neither.found) == ("lower", None, True)


def test_what_may_be_noise_is_called_so() -> None:
    """The interval leaves 0 out, the exact test does not: no finding."""
    told = compare_values(*tables(59, 6, 16, 80), kind="rate", better="higher")
    assert told.verdict == "noise"
    assert told.words == "May be noise: B is ahead by 6.2 points (95 % interval 0.5 to 11.9)."
    less = compare_values(*tables(59, 6, 16, 80), kind="rate", better="lower")
    assert less.words == "May be noise: A is ahead with 6.2 points less (95 % interval 0.5 to 11.9)."
    assert not told.found
    assert (told.more.requests or 0) > 0


def test_no_difference_says_how_large_it_may_be() -> None:
    told = compare_values(*tables(100, 20, 22, 58), kind="rate", better="higher")
    assert told.verdict == "none"
    high = told.difference.high or 0
    assert told.words.startswith(f"No difference found; it is at most {100 * high:.1f} points either way (B − A: 95 % ")
    same = compare_values(numbers(*range(20)), numbers(*range(20)), kind="number", better="higher")
    assert same.words == (
        "No difference found: both are the same in all 20 shared requests; "
        "up to 14 % of requests may be different, unseen."
    )


def test_too_few_is_called_so() -> None:
    told = compare_values(numbers(1, 2, 3, 4, 5), numbers(9, 9, 9, 9, 9), kind="number", better="higher")
    assert (told.verdict, told.p, told.corrected) == ("few", None, None)
    assert told.words == "Too few: 5 shared requests; at least 6 are needed to tell anything."
    assert compare_values({}, {}, kind="rate", better="higher").verdict == "few"


def test_a_planted_difference_is_found_and_held_and_a_planted_nothing_is_none() -> None:
    """As a loopback model that breaks 15 % of cadences: 30 runs of 200 requests with 2 seeds."""
    found = held = false = 0
    for run in range(30):
        whole, broken, again = (drawn(rate, seed=3 * run + i, seeds=2) for i, rate in enumerate((0.95, 0.8, 0.95)))
        told = compare_values(whole, broken, kind="rate", better="higher")
        found += told.verdict == "worse"
        held += (told.difference.low or 0) <= -0.15 <= (told.difference.high or 0)
        false += compare_values(whole, again, kind="rate", better="higher").found
    assert found >= 29
    assert held >= 26
    assert false <= 4
    assert compare_values(whole, dict(whole), kind="rate", better="higher").verdict == "none"


def test_seeds_are_no_more_requests() -> None:
    """Ten seeds that repeat each other say no more than one."""
    once = compare_values(*tables(10, 2, 8, 5), kind="rate", better="higher")
    a, b = ({key: row * 10 for key, row in each.items()} for each in tables(10, 2, 8, 5))
    ten = compare_values(a, b, kind="rate", better="higher")
    assert ten.p == pytest.approx(once.p)
    assert (ten.difference.low, ten.difference.high) == pytest.approx(
        (once.difference.low, once.difference.high), abs=0.05
    )


def test_requests_left_out_are_told() -> None:
    a, b = tables(30, 4, 20, 30)
    b.update({str(key): [None] for key in range(20)})
    told = compare_values(a, b, kind="rate", better="higher")
    assert (told.pairs, told.left_out) == (64, 20)
    assert "20 of 84 requests are left out" in told.cautions[0]


def test_an_average_that_few_requests_carry_is_told() -> None:
    gaps = [0.1, -0.1] * 12 + [9.0, 9.5, 8.0, 9.0, 10.0, 7.0]
    told = compare_values(numbers(*[0.0] * 30), numbers(*gaps), kind="number", better="lower", unit="s")
    assert told.verdict == "worse"
    assert told.words.startswith("A is better: 1.8 s less (95 % interval 0.6 to ")
    assert told.cautions == (
        "Wilcoxon, signed ranks: no difference (p 0.07). A few requests with large differences may carry the average.",
    )
    lone = compare_values(numbers(*[0.0] * 30), numbers(*[0.1, -0.2] * 14, 0.1, 50), kind="number", better="lower")
    assert not lone.found


def test_the_more_is_compared_the_surer_each_finding_has_to_be() -> None:
    a, b = tables(150, 8, 21, 21)
    alone = compare_values(a, b, kind="rate", better="higher")
    assert alone.verdict == "better"
    noise: dict[str, Values] = {f"m{i}": drawn(0.5, seed=i) for i in range(9)}
    other: dict[str, Values] = {f"m{i}": drawn(0.5, seed=100 + i) for i in range(9)}
    measures = [VALID, *(Measure(f"m{i}", "rate", "higher") for i in range(9))]
    told = compare_all({"A": {"valid": a, **noise}, "B": {"valid": b, **other}}, measures)
    one = told.between("B", "A", "valid")
    assert told.family == 10
    assert one is not None
    assert one.p == alone.p
    assert one.corrected == pytest.approx(10 * (alone.p or 0))
    assert one.words.startswith("May be noise, with 10 comparisons made: B is ahead by 6.5 points (95 % interval ")
    assert (one.more.requests or 0) > 0
    uncorrected = compare_all({"A": {"valid": a}, "B": {"valid": b}}, [VALID], correction="none")
    assert uncorrected.comparisons[0].found


def test_all_variants_by_all_metrics() -> None:
    slow, fast = numbers(*[3, 4, 5] * 10), numbers(*[1, 2, 2.5] * 10)
    table: dict[str, dict[str, Values]] = {
        "base": {"valid": drawn(0.6, seed=1), "seconds": slow},
        "tuned": {"valid": drawn(0.9, seed=2), "seconds": fast},
        "rules": {"valid": drawn(1.0, seed=3)},
    }
    every = compare_all(table, [VALID, SECONDS])
    assert [(each.a, each.b, each.measure.name) for each in every.comparisons] == [
        ("base", "tuned", "valid"), ("base", "rules", "valid"), ("tuned", "rules", "valid"),
        ("base", "tuned", "seconds"),
    ]  # fmt: skip
    assert every.between("tuned", "base", "seconds").winner == "tuned"  # type: ignore[union-attr]
    assert every.between("rules", "base", "seconds") is None
    assert set(every.summary["base"]) == {"valid", "seconds"}
    against = compare_all(table, [VALID, SECONDS], against="tuned")
    assert {each.a for each in against.comparisons} == {"tuned"}
    assert len(against.comparisons) == 3
    assert json.loads(json.dumps(every.to_dict(), allow_nan=False))["family"] == 4
    assert compare_all({}, []).comparisons == ()


def test_registered_metrics_stand_for_themselves() -> None:
    """They have what a measure has, and more that has no place in JSON."""
    told = compare_all({"a": {"valid": drawn(0.5, seed=1)}, "b": {"valid": drawn(0.6, seed=2)}}, [METRICS["valid"]])
    assert told.comparisons[0].measure == VALID
    json.dumps(told.to_dict())


def test_what_cannot_be_compared_is_refused() -> None:
    a, b = tables(1, 1, 1, 1)
    with pytest.raises(InvalidInputError, match="better"):
        compare_values(a, b, kind="rate", better="more")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="level"):
        compare_values(a, b, kind="rate", better="higher", alpha=5)
    with pytest.raises(InvalidInputError, match="no variant"):
        compare_all({"a": {"valid": a}}, [VALID], against="b")
    with pytest.raises(InvalidInputError, match="correction"):
        compare_all({"a": {"valid": a}, "b": {"valid": b}}, [VALID], correction="x")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="nor no"):
        compare_values({"a": [0.5]}, {"a": [True]}, kind="rate", better="higher")


def test_of_many_runs_without_a_difference_few_find_one_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 variants that are the same by 4 metrics, 12 comparisons: corrected, at most 5 % of runs find anything."""
    monkeypatch.setattr("gc.collect", lambda: 0)  # slow, and 40 times for nothing
    measures = [Measure(f"m{i}", "rate", "higher") for i in range(4)]
    false = 0
    for run in range(40):
        table: dict[str, dict[str, Values]] = {
            str(variant): {
                each.name: drawn(0.7, seed=1_000 * run + 10 * variant + i, requests=60)
                for i, each in enumerate(measures)
            }
            for variant in range(3)
        }
        false += any(each.found for each in compare_all(table, measures).comparisons)
    assert false <= 5


@pytest.mark.parametrize(
    ("seen", "kind", "unit", "words"),
    [
        (rate_interval(81, 263), "rate", "", "30.8 % (95 % interval 25.5 to 36.6)"),
        (Interval(0.845, 0.79, 0.887, 9, 9), "number", "share", "84.5 % (95 % interval 79.0 to 88.7)"),
        (Interval(1.5, 1.21, 1.9, 9, 9), "count", "", "1.50 (95 % interval 1.21 to 1.90)"),
        (rate_interval(0, 0), "rate", "", "no value"),
        (mean_interval([1.0, 2.0]), "number", "s", "1.50 s (2 is too few for an interval)"),
        (Interval(1234.5678, 1200.0, 1260.0, 9, 9), "number", "ms", "1,235 ms (95 % interval 1,200 to 1,260)"),
        (Interval(-0.0312, -0.05, 0.01, 9, 9), "number", "", "−0.031 (95 % interval −0.050 to 0.010)"),
        (Interval(-0.0001, -0.4, 0.4, 9, 9), "number", "", "0.00 (95 % interval −0.40 to 0.40)"),
        (Interval(2e-9, 1e-9, 3e-9, 9, 9), "number", "", "2e-09 (95 % interval 1e-09 to 3e-09)"),
    ],
)
def test_numbers_are_told_to_the_digits_that_the_interval_vouches_for(
    seen: Interval, kind: Kind, unit: str, words: str
) -> None:
    assert interval_words(seen, kind, unit) == words


def values_of(*kinds: st.SearchStrategy[Value]) -> st.SearchStrategy[Table]:
    keys = st.sampled_from([str(key) for key in range(12)])
    return st.dictionaries(keys, st.lists(st.one_of(st.none(), *kinds), max_size=3), max_size=12)


ANYTHING: dict[Kind, st.SearchStrategy[Table]] = {
    "rate": values_of(st.booleans()),
    "number": values_of(st.booleans(), st.floats(), st.integers(), st.integers(-2, 2)),
}


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(["rate", "number", "count"]), st.sampled_from(["higher", "lower", ""]))
def test_whatever_comes_is_told_with_an_interval(data: st.DataObject, kind: Kind, better: Better) -> None:
    a, b = (
        data.draw(ANYTHING["rate" if kind == "rate" else "number"]),
        data.draw(ANYTHING["rate" if kind == "rate" else "number"]),
    )
    told = compare_values(a, b, kind=kind, better=better)
    json.dumps(told.to_dict(), allow_nan=False)
    for seen in (told.of_a, told.of_b, told.difference):
        if seen.value is not None and seen.low is not None and seen.high is not None:
            slack = 1e-9 * max(abs(seen.value), abs(seen.low), abs(seen.high))
            assert seen.low - slack <= seen.high
    if told.verdict != "few" and "both are the same" not in told.words:
        assert "interval" in told.words
    other = compare_values(b, a, kind=kind, better=better)
    assert other.p == pytest.approx(told.p, abs=1e-9)
    _mirrored(told, other)


def _mirrored(told: Comparison, other: Comparison) -> None:
    """Who is A and who is B changes nothing."""
    assert other.found == told.found
    assert (other.winner == "A") == (told.winner == "B")
