import json

import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.render.curves import MOST, curves, thinned

TRAIN, VALID = [(1, 2.5), (2, 1.5), (3, 0.25)], [(3, 0.5)]
VALUES = st.lists(st.floats(-1e6, 1e6, allow_nan=False), max_size=1_500)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("lines", [{"Training": TRAIN, "Validation": VALID}, {"Training": TRAIN}, {"Training": []}])
def test_every_figure_is_one_that_plotly_takes(lines: dict[str, list[tuple[int, float]]], log: bool, dark: bool):
    drawn = curves(lines, "Loss", log=log, dark=dark)
    json.dumps(drawn)
    go.Figure(drawn)


def test_two_curves_differ_in_more_than_colour():
    first, second = curves({"Training": TRAIN, "Validation": VALID}, "Loss")["data"]
    assert first["line"]["dash"] != second["line"]["dash"]
    assert first["marker"]["symbol"] != second["marker"]["symbol"]


def test_the_description_says_where_each_curve_begins_and_ends():
    told = curves({"Training": TRAIN, "Validation": VALID}, "Loss")["layout"]["meta"]["description"]
    assert told == (
        "Loss. Training: from 2.5 at step 1 to 0.25 at step 3, lowest 0.25 at step 3. Validation: 0.5 at step 3."
    )


def test_what_is_not_above_zero_has_no_place_on_a_logarithmic_axis():
    points = [(1, 1.0), (2, 0.0), (3, -1.0)]
    assert curves({"Loss": points}, "Loss", log=True)["data"][0]["x"] == [1]
    assert curves({"Loss": points}, "Loss")["data"][0]["x"] == [1, 2, 3]


def test_a_logarithmic_axis_has_labels_that_can_be_read():
    axis = curves({"Loss": [(1, 2.4), (2, 0.22)]}, "Loss", log=True)["layout"]["yaxis"]
    assert axis["tickvals"] == [0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
    axis = curves({"Loss": [(1, 1e9), (2, 5e-9)]}, "Loss", log=True)["layout"]["yaxis"]
    assert len(axis["tickvals"]) < 24


@settings(deadline=None, max_examples=40)
@given(VALUES)
def test_a_thinned_curve_keeps_its_ends_its_order_and_its_extremes(values: list[float]):
    points = list(enumerate(values))
    kept = list(thinned(points))
    assert len(kept) <= MOST
    assert kept == sorted(set(kept))
    assert set(kept) <= set(points)
    if points:
        assert (kept[0], kept[-1]) == (points[0], points[-1])
        assert {min(values), max(values)} <= {value for _, value in kept}
