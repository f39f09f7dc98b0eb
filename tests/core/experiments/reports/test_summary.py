"""A summary finds what was planted, calls nothing what is nothing, and can be stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.core.experiments.reports.planted import METRICS, PLANTED, a_sample, results
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import Context, metric, set_metric
from workbench.core.experiments.metrics.registry import METRICS as KNOWN
from workbench.core.experiments.metrics.registry import all_or_none
from workbench.core.experiments.reports.of_sets import sets_of
from workbench.core.experiments.reports.stored import read_summary
from workbench.core.experiments.reports.summary import Summary, breakdown, summary
from workbench.core.experiments.results import Result, without_sample


class _ForgetError(Exception):
    pass


@pytest.fixture(scope="module")
def planted() -> list[Result]:
    return results()


@pytest.fixture(scope="module")
def told(planted: list[Result]) -> Summary:
    return summary(planted, METRICS, against="base")


def test_a_planted_difference_is_found_with_an_interval_that_holds_it_and_nothing_else_is() -> None:
    held = wrong = 0
    for seed in range(20):
        told = summary(results(seed=seed), METRICS[:1], against="base", facets=())
        tuned, same = told.comparisons
        assert tuned.verdict == "better"
        low, high = tuned.difference.low, tuned.difference.high
        assert low is not None
        assert high is not None
        held += 0 < low <= PLANTED <= high
        wrong += same.found
    assert held >= 17, "95 % of the intervals hold it"
    assert wrong <= 2


def test_a_finding_stands_in_words_and_as_a_shape(told: Summary) -> None:
    assert "Valid before repair, tuned against base: tuned is better" in " ".join(told.findings)
    cell = told.cells["tuned"]["valid-before-repair"]
    assert (cell.mark.shape, cell.mark.words) == ("▲", "better than base")
    assert "95 % interval" in cell.words
    mark = told.cells["base"]["valid-before-repair"].mark
    assert (mark.shape, mark.words) == ("▼", "worse than tuned; no difference found to same")


def test_a_planted_nothing_is_called_none(told: Summary) -> None:
    none = next(each for each in told.comparisons_of("valid-before-repair") if each.b == "same")
    assert none.verdict == "none"
    assert none.words.startswith("No difference found; it is at most")
    mark = told.cells["same"]["valid-before-repair"].mark
    assert (mark.shape, mark.words) == ("=", "no difference found to base")
    assert not any("same is" in sentence for sentence in told.findings)


def test_less_is_better_where_it_is(told: Summary) -> None:
    assert told.cells["tuned"]["latency"].mark.words == "better than base"
    assert "s less" in next(each.words for each in told.comparisons_of("latency") if each.b == "tuned")


def test_without_one_to_compare_with_each_is_compared_with_each(planted: list[Result]) -> None:
    found = summary(planted, ["valid-before-repair"], facets=())
    assert {(each.a, each.b) for each in found.comparisons} == {("base", "tuned"), ("base", "same"), ("tuned", "same")}
    assert found.cells["tuned"]["valid-before-repair"].mark.words == "better than base, same"


def test_what_may_be_noise_says_how_many_more_requests_would_settle_it() -> None:
    drawn = (summary(results(40, seed=seed), METRICS[:1], against="base", facets=()) for seed in range(30))
    comparison, words = next(each.open_questions[0] for each in drawn if each.open_questions)
    assert comparison.verdict == "noise"
    assert "May be noise" in words
    assert "more requests" in words


def test_each_level_of_a_facet_has_its_interval_and_its_count(told: Summary) -> None:
    forms = [each for each in told.levels if (each.facet, each.metric) == ("form", "valid-before-repair")]
    assert {(each.level, each.variant) for each in forms} == {
        (form, variant) for form in ("ABA", "binary") for variant in ("base", "tuned", "same")
    }
    assert all(each.interval.known and each.interval.requests == 100 for each in forms)
    assert not {each.metric for each in told.levels} & {"errors"}, "only headlines are broken down"


def test_levels_of_other_metrics_are_there_when_they_are_asked_for(planted: list[Result]) -> None:
    assert {each.level for each in breakdown(planted, [KNOWN["errors"]], ["period"])} == {"classical", "baroque"}


def test_a_summary_is_stored_and_read_again(told: Summary) -> None:
    again = read_summary(json.loads(json.dumps(told.to_dict())))
    assert again.to_dict() == told.to_dict()
    assert again.findings == told.findings
    for bad in (None, [], {}, {**told.to_dict(), "columns": [{"nome": 1}]}, {**told.to_dict(), "cells": 3}):
        with pytest.raises(InvalidInputError, match="no summary"):
            read_summary(bad)


def test_a_variant_that_a_metric_says_nothing_of_stands_there_without_a_value() -> None:
    found = [
        replace(each, values={**each.values, "valid-before-repair": None}) if each.variant == "same" else each
        for each in results(20)
    ]
    told = summary(found, METRICS[:1], facets=())
    cell = told.cells["same"]["valid-before-repair"]
    assert (cell.interval.value, cell.words, cell.mark.shape) == (None, "no value", "")


def test_failed_cells_missing_cells_and_failed_metrics_are_told() -> None:
    found = results(12)[:-1]
    gone = replace(found[0].sample, structure=None, report=None, error="The server is down.")
    found[0] = replace(found[0], sample=gone, values={}, problems={"errors": "ValueError: no"})
    notes = " ".join(summary(found, METRICS, facets=()).notes)
    assert "base: 1 of 12 cells gave no piece" in notes
    assert "same: 1 of 12 cells have no result yet" in notes
    assert "errors could not be measured of 1 cells: ValueError: no" in notes


@pytest.mark.parametrize(
    ("more", "said"),
    [({"metrics": ["nothing"]}, "no metric"), ({"against": "nobody"}, "no variant"), ({"results": []}, "no result")],
)
def test_what_cannot_be_summed_up_is_refused(planted: list[Result], more: dict[str, object], said: str) -> None:
    given = {"results": planted[:3], "metrics": METRICS, **more}
    with pytest.raises(InvalidInputError, match=said):
        summary(**given)  # type: ignore[arg-type]


@pytest.fixture
def own() -> Iterator[None]:
    """Metrics that a test registers are forgotten after it."""
    with suppress(_ForgetError), all_or_none():
        yield
        raise _ForgetError


@pytest.mark.usefixtures("own")
def test_metrics_of_whole_sets_have_intervals_and_are_compared() -> None:
    set_metric("share-valid", kind="number", better="higher", unit="share")(
        lambda samples, _: sum(each.valid_piece is True for each in samples) / len(samples)
    )
    set_metric("lost")(lambda samples, _: len(samples) / 0)
    told = summary(results(120), ["share-valid", "lost"], against="base", contexts={"base": Context()}, facets=())
    found = next(each for each in told.comparisons if each.b == "tuned")
    assert found.difference.low is not None
    assert found.difference.high is not None
    assert found.difference.low <= PLANTED <= found.difference.high
    assert (found.verdict, found.p) == ("better", None)
    assert "tuned is better" in found.words
    assert told.cells["base"]["lost"].words == "no value"
    assert read_summary(json.loads(json.dumps(told.to_dict()))).comparisons[0].words == told.comparisons[0].words


def test_the_same_requests_are_drawn_for_all_variants() -> None:
    found = results(30)
    read: list[int] = []

    def load(positions: Sequence[int]) -> list[Result]:
        read.extend(positions)
        return [found[at] for at in positions]

    sets = sets_of(map(without_sample, found), load, {}, most=10)
    assert len(read) == 30  # those of ten requests
    assert len({tuple(some) for some in sets.samples.values()}) == 1
    assert sets.largest == 10
    assert a_sample().structure is not None


@pytest.mark.usefixtures("own")
def test_a_neutral_metric_is_higher_and_not_better() -> None:
    metric("length", kind="number")(lambda *_: None)
    found = [
        replace(each, values={"length": each.position % 3 + (2.0 if each.variant == "tuned" else 0.0)})
        for each in results(30)
    ]
    told = summary(found, ["length"], facets=())
    assert told.cells["tuned"]["length"].mark.shape == "↑"
    assert told.cells["tuned"]["length"].mark.words == "higher than base, same"
