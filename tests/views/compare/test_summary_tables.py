"""The tables of the Compare screen: what stands in a cell, and which requests it opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.experiments.reports.planted import METRICS, results
from workbench.core.experiments.reports.filters import Filter
from workbench.core.experiments.reports.summary import Summary, column_of, summary
from workbench.core.experiments.statistics.intervals import Interval
from workbench.views.compare.breakdown_tab import columns_of, grouped
from workbench.views.compare.breakdown_tab import table_of as levels_table
from workbench.views.compare.results_table import shown
from workbench.views.compare.summary_tab import CELLS, FAILED, table_of, wanted
from workbench.views.compare.summary_words import care, lead


@pytest.fixture(scope="module")
def told() -> Summary:
    return summary(results(80), METRICS, facets=("form",))


def test_counts_and_headlines_come_first_and_the_rest_by_family(told: Summary) -> None:
    table = table_of(told)
    assert [each.title for each in table.groups[:1]] == [""]
    assert [each.id for each in table.groups[0].rows] == [CELLS, FAILED, "valid-before-repair", "latency"]
    rest = [row.id for group in table.groups[1:] for row in group.rows]
    assert sorted(rest) == ["errors", "plan-cadences"]
    assert all(group.title and not group.open for group in table.groups[1:])
    assert all(row.about and row.way for group in table.groups for row in group.rows if not row.id.startswith("#"))


def test_a_cell_says_its_value_interval_and_mark_in_words_and_shape(told: Summary) -> None:
    row = next(row for row in table_of(told).groups[0].rows if row.id == "latency")
    cell = row.cells["tuned"]
    assert cell.value.endswith(" s")
    assert " to " in cell.span
    assert "%" not in cell.span
    assert (cell.shape, cell.words) == ("▲", "better than base, same")
    assert cell.place is not None
    low, middle, high = cell.place
    assert low is not None
    assert high is not None
    assert 0 <= low <= middle <= high <= 100
    other = row.cells["base"].place
    assert other is not None
    assert middle < other[1], "one scale for the row"


def test_with_many_variants_a_cell_counts_and_its_title_names_them() -> None:
    some = results(40)
    more = [replace(each, variant=f"{each.variant} {at}", position=each.position + at * 1000)
            for at in range(2) for each in some]  # fmt: skip
    row = next(row for row in table_of(summary(more, ["latency"], facets=())).groups[0].rows if row.id == "latency")
    assert row.cells["tuned 0"].words == "better than 4; no difference found to 1"
    assert "better than base 0, same 0, base 1, same 1" in row.cells["tuned 0"].about


def test_a_value_without_an_interval_or_no_value_is_told_as_it_is() -> None:
    from workbench.core.experiments.metrics import METRICS as KNOWN

    column = column_of(KNOWN["latency"])
    assert shown(Interval(None, None, None, 0, 0), column, None) is None
    alone = shown(Interval(2.0, None, None, 1, 1, note="1 is too few for an interval."), column, (0.0, 4.0))
    assert alone is not None
    assert (alone.span, alone.place) == ("1 is too few for an interval", (None, 50.0, None))


@pytest.mark.parametrize("against", [None, "base"])
def test_every_cell_opens_what_a_filter_takes(against: str | None) -> None:
    found = summary(results(12), METRICS, against=against, facets=())
    for group in table_of(found).groups:
        for row in group.rows:
            for variant in row.cells:
                asked = Filter(**wanted(found, row.id, variant))
                assert variant in (*asked.variants, asked.b)
    pair = wanted(found, "latency", "tuned")
    assert ("a" in pair) == (against is not None)
    assert pair["better"] == "lower"
    assert wanted(found, FAILED, "tuned") == {"variants": ("tuned",), "failed": True}


def test_the_lead_counts_what_was_found_and_says_when_nothing_could_be(told: Summary) -> None:
    assert lead(told).startswith("Of 12 comparisons: **a difference was found in ")
    assert "all 12 comparisons together (Holm)" in care(told)
    few = summary(results(6), METRICS, facets=())
    assert "no difference was found" in lead(few)
    assert "So few requests cannot show any: 6 were asked, at least 9 are needed." in lead(few)
    alone = summary([each for each in results(6) if each.variant == "base"], METRICS, facets=())
    assert lead(alone) == "There is only one variant to measure, so nothing is compared."


def test_levels_stand_on_one_scale_under_names_for_people(told: Summary) -> None:
    levels = grouped([each for each in told.levels if each.metric == "latency"])
    column = columns_of(["latency", "errors", "unheard-of"])["latency"]
    assert list(columns_of(["errors", "latency", "unheard-of"])) == ["latency", "errors"], "headlines first"
    table = levels_table(levels, "form", told.variants, column, "Latency by form")
    assert [row.id for row in table.groups[0].rows] == ["ABA", "binary"]
    assert [row.title for row in table.groups[0].rows] == ["Ternary", "Binary"]
