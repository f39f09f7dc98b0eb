"""Averages of all metrics at once are those of each metric alone."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.reports.measured import MeasuredCells
from workbench.core.experiments.results import Ended, table_of
from workbench.core.experiments.statistics.averages import MOST, averages
from workbench.core.experiments.statistics.verdicts import Measure, Measured

MEASURES = cast(
    "list[Measured]", [Measure("works", "rate", "higher"), Measure("size", "number"), Measure("no", "count")]
)
NAMES = [each.name for each in MEASURES]
VARIANTS = ("a", "b", "c")

cells = st.lists(
    st.builds(
        lambda at, request, variant, seed, works, size, form: Ended(
            at, "", request, variant, seed, "done", "", "", {"works": works, "size": size}, {}, {"form": form}
        ),
        st.integers(0, 99), st.sampled_from(["q", "r", "s"]), st.sampled_from(VARIANTS), st.integers(0, 2),
        st.sampled_from([True, False, None, 1.0]),
        st.none() | st.floats(-1e6, 1e6) | st.just(10 * MOST) | st.integers(-9, 9), st.sampled_from(["ABA", "AB"]),
    ),
    max_size=14,
)  # fmt: skip


@given(cells)
def test_averages_are_those_of_each_metric_alone(some: list[Any]) -> None:
    measured = MeasuredCells(some, MEASURES)
    for level in (None, "AB"):
        found = measured.by_variant(VARIANTS, None if level is None else measured.where("form", level))
        table = table_of([each for each in some if level in (None, each.facets["form"])], NAMES)
        assert found.keys() == table.keys()
        for variant, row in table.items():
            for each in MEASURES:
                alone = averages(row[each.name], each.kind)
                told = found[variant].get(each.name)
                if told is None:
                    assert not alone.by_request
                    continue
                assert (told.seeds, told.without, told.values) == (alone.seeds, alone.without, alone.values)
                assert list(told.by_request) == list(alone.by_request)
                assert told.by_request == pytest.approx(alone.by_request, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("bad", [{"works": 0.5}, {"works": "yes"}, {"size": "large"}, {"size": [1]}])
def test_what_is_no_value_is_refused_with_its_request(bad: dict[str, Any]) -> None:
    cell = Ended(0, "", "q7", "a", 0, "done", "", "", {"works": True, "size": 1.0, **bad})
    with pytest.raises(InvalidInputError, match="q7"):
        MeasuredCells([cell], MEASURES)
