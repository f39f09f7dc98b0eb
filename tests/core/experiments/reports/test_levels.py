"""Levels from a board's values are those of the summary, for any metric."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from tests.core.experiments.reports.planted import FORMS, METRICS, results
from workbench.core.experiments.metrics import METRICS as KNOWN
from workbench.core.experiments.reports.levels import facets_of, levels_of
from workbench.core.experiments.reports.summary import FACETS, MOST_LEVELS, breakdown, column_of
from workbench.core.experiments.results import Result


def frame_of(found: list[Result]) -> pd.DataFrame:
    """As a board has it."""
    rows = [
        {
            "request": each.request, "variant": each.variant, "seed": each.seed, **each.facets,
            **{name: float("nan") if value is None else float(value) for name, value in each.values.items()},
        }
        for each in found
    ]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("metric", METRICS)
def test_levels_are_those_of_the_breakdown(metric: str) -> None:
    found = [
        replace(each, values={**each.values, metric: None}) if each.position % 11 == 0 else each
        for each in results(40)
    ]  # fmt: skip
    column = column_of(KNOWN[metric])
    for facet in ("form", "period"):
        assert levels_of(frame_of(found), column, facet) == breakdown(found, [KNOWN[metric]], [facet])


def test_only_facets_of_several_levels_divide_anything() -> None:
    frame = frame_of(results(8))
    assert facets_of(frame, FACETS) == ("form", "period")
    assert levels_of(frame, column_of(KNOWN["valid"]), "mood") == ()
    assert levels_of(frame, column_of(KNOWN["latency"]), "meter") == ()


def test_a_variant_without_a_value_at_a_level_and_those_left_out_are_not_told() -> None:
    frame = frame_of(results(8))
    frame.loc[(frame["variant"] == "base") & (frame["form"] == FORMS[0]), "latency"] = float("nan")
    told = levels_of(frame, column_of(KNOWN["latency"]), "form", variants=("base", "same"))
    assert [(each.level, each.variant) for each in told] == [
        (FORMS[0], "same"), (FORMS[1], "base"), (FORMS[1], "same"),
    ]  # fmt: skip


def test_of_many_levels_those_with_the_most_cells_are_told() -> None:
    frame = frame_of(results(MOST_LEVELS + 12))
    frame["meter"] = [request if int(request[1:]) > 11 else "many" for request in frame["request"]]
    told = {each.level for each in levels_of(frame, column_of(KNOWN["latency"]), "meter", variants=("base",))}
    assert len(told) == MOST_LEVELS
    assert "many" in told
