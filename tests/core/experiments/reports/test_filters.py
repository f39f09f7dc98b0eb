"""Filters find the results and pairs that a person asks for, among many, at once."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from tests.core.experiments.reports.planted import results
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.reports.filters import Filter, pairs_where, where
from workbench.core.experiments.results import Result


@pytest.fixture(scope="module")
def many() -> list[Result]:
    return results(60)


VALID = "valid-before-repair"


def test_a_valid_b_not(many: list[Result]) -> None:
    pairs = pairs_where(many, Filter(a="tuned", b="base", choice="only-a", metric=VALID))
    assert pairs
    assert all(pair.a.values[VALID] and not pair.b.values[VALID] for pair in pairs)
    turned = pairs_where(many, Filter(a="base", b="tuned", choice="only-b", metric=VALID))
    assert {each.request for each in turned} == {each.request for each in pairs}
    assert len(where(many, Filter(a="tuned", b="base", choice="only-a", metric=VALID))) == 2 * len(pairs)


def test_they_differ_in_cadence(many: list[Result]) -> None:
    pairs = pairs_where(many, Filter(a="tuned", b="base", choice="differ", element="cadences"))
    assert {each.request for each in pairs} == {
        pair.request
        for pair in pairs_where(many, Filter(a="tuned", b="base"))
        if pair.a.values[VALID] != pair.b.values[VALID]
    }
    assert not pairs_where(many, Filter(a="tuned", b="base", choice="differ", element="chords"))


def test_the_worst_regressions_come_first(many: list[Result]) -> None:
    worst = pairs_where(many, Filter(a="base", b="same", choice="worst", metric="latency", better="lower", most=5))
    gaps = [pair.gap or 0.0 for pair in worst]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] == max(pair.gap or 0.0 for pair in pairs_where(many, Filter(a="base", b="same", metric="latency")))
    higher = pairs_where(many, Filter(a="base", b="same", choice="worst", metric="latency"))
    assert all((pair.gap or 0.0) < 0 for pair in higher)
    best = pairs_where(many, Filter(a="base", b="same", choice="best", metric="latency"))
    assert all((pair.gap or 0.0) > 0 for pair in best)


def test_failed_cells_facets_outcomes_words_and_values(many: list[Result]) -> None:
    gone = replace(many[4], sample=replace(many[4].sample, structure=None, error="Timed OUT after 60 s"))
    some = [gone if each is many[4] else each for each in many]
    assert where(some, Filter(failed=True)) == [gone]
    assert where(some, Filter(text="timed out")) == [gone]
    assert len(where(some, Filter(failed=False))) == len(some) - 1
    assert {each.facets["form"] for each in where(some, Filter(facets={"form": "ABA"}))} == {"ABA"}
    assert len(where(some, Filter(facets={"form": ["ABA", "binary"]}))) == len(some)
    assert where(some, Filter(outcomes=("re-asked",))) == []
    assert {each.variant for each in where(some, Filter(variants=("same",), most=3))} == {"same"}
    assert all(each.values[VALID] for each in where(some, Filter(metric=VALID, low=1)))
    assert all((each.values["latency"] or 0) <= 2 for each in where(some, Filter(metric="latency", high=2)))
    assert where(some, Filter(metric=VALID, unknown=True)) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"choice": "worst", "metric": VALID}, "a"), ({"a": "x", "b": "x", "choice": "best", "metric": VALID}, "a"),
        ({"a": "base", "b": "same", "choice": "only-a"}, "metric"), ({"choice": "odd"}, "choice"),
        ({"a": "base", "b": "same", "choice": "differ"}, "element"), ({"element": "smell"}, "element"),
        ({"text": "x" * 201}, "text"), ({"most": -1}, "most"),
        ({"a": "base", "b": "nobody", "choice": "worst", "metric": VALID}, "a"), ({"metric": "nothing"}, "metric"),
    ],
)  # fmt: skip
def test_what_no_filter_can_be_is_refused(many: list[Result], given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as problem:
        where(many, Filter(**given))
    assert problem.value.field == field
    assert problem.value.hint


def test_twenty_thousand_results_are_filtered_at_once(many: list[Result]) -> None:
    lots = [replace(each, request=f"{each.request}-{at}") for at in range(112) for each in many]
    assert len(lots) > 20_000
    start = time.perf_counter()
    for filter in (
        Filter(text="nothing like it"), Filter(a="base", b="tuned", choice="differ", element="cadences"),
        Filter(a="base", b="tuned", choice="worst", metric="latency", better="lower"),
    ):  # fmt: skip
        where(lots, filter)
    assert time.perf_counter() - start < 1.5, "three filters, half a second each"
