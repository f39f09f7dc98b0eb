import json
from typing import Any

import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.music.keys import ALL_KEYS
from workbench.core.render.circle_of_fifths import circle_of_fifths
from workbench.core.render.colors import contrast, text_on, theme_of
from workbench.core.render.distributions import bars, chords, coverage_map, histogram
from workbench.core.render.time_axis import FigureJson, figure

BEFORE, AFTER = {"PAC": 6, "HC": 3, "DC": 1}, {"PAC": 30, "HC": 60, "IAC": 10}
PAIR = {"library": BEFORE, "version 3": AFTER}
ROWS, COLUMNS = {"ABA": "Ternary", "rondo": "Rondo"}, {"baroque": "Baroque", "modern": "Modern"}
CELLS = {("ABA", "baroque"): 4, ("rondo", "modern"): 1, ("fugue", "baroque"): 9}
COUNTS = st.dictionaries(st.text(max_size=30), st.integers(0, 1_000), max_size=6)


def valid(drawn: FigureJson) -> go.Figure:
    """Plotly's own check of the figure, and that it is JSON."""
    json.dumps(drawn)
    return go.Figure(drawn)


def marks(drawn: FigureJson) -> list[dict[str, Any]]:
    return [trace for trace in drawn["data"] if trace.get("name")]


def all_figures(series: dict[str, dict[str, int]], *, dark: bool = False) -> list[FigureJson]:
    table = {name: {("ABA", "modern"): sum(counts.values())} for name, counts in series.items()}
    return [
        bars(series, "Title", dark=dark), histogram(series, "Title", unit="bars", dark=dark),
        chords(series, "Title", dark=dark), circle_of_fifths(series, "Title", dark=dark),
        coverage_map(table, "Title", rows=ROWS, columns=COLUMNS, dark=dark),
    ]  # fmt: skip


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("series", [PAIR, {"library": BEFORE}, {"library": {}}, {"a": {}, "b": AFTER}])
def test_every_figure_is_one_that_plotly_takes(series: dict[str, dict[str, int]], dark: bool):
    for drawn in all_figures(series, dark=dark):
        valid(drawn)
        figure(drawn)
        assert drawn["layout"]["paper_bgcolor"] == drawn["layout"]["plot_bgcolor"] == "rgba(0,0,0,0)"
        assert 100 < drawn["layout"]["height"] < 1_200


def test_collections_of_different_sizes_are_compared_by_shares():
    before, after = marks(bars(PAIR, "Cadences"))
    assert before["x"] == [60, 30, 10, 0]
    assert after["x"] == [30, 60, 0, 10]
    assert before["hovertext"][0] == "<b>PAC</b><br>library: 60 % (6)"
    assert after["hovertext"][1] == "<b>HC</b><br>version 3: 60 % (60)"


def test_two_series_differ_in_more_than_colour():
    for drawn in (*all_figures(PAIR)[:3], circle_of_fifths({"a": {"C major": 1}, "b": {"C major": 2}}, "Keys")):
        first, second = (trace["marker"] for trace in marks(drawn))
        assert first["pattern"]["shape"]
        assert "pattern" not in second
        assert drawn["layout"]["showlegend"]


def test_one_series_needs_no_legend_and_no_hatching():
    drawn = bars({"library": BEFORE}, "Cadences")
    assert not drawn["layout"]["showlegend"]
    assert "pattern" not in marks(drawn)[0]["marker"]


@pytest.mark.parametrize("dark", [False, True])
def test_bars_stand_out_from_the_page(dark: bool):
    theme = theme_of(dark)
    before, after = marks(bars(PAIR, "Cadences", dark=dark))
    assert contrast(after["marker"]["color"], theme.paper) >= 3
    assert contrast(before["marker"]["line"]["color"], theme.paper) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_every_number_on_the_map_can_be_read(dark: bool):
    cells = {(str(count), "modern"): count for count in range(1, 101)}
    rows = {row: row for row, _ in cells}
    box = coverage_map({"library": cells}, "Map", rows=rows, columns={"modern": "Modern"}, dark=dark)["data"][0]
    for fill, ink in zip(box["marker"]["color"], box["insidetextfont"]["color"], strict=True):
        assert ink == text_on(fill)
        assert contrast(fill, ink) >= 4.5


def test_what_a_figure_shows_is_said_in_words():
    said = bars(PAIR, "Cadences")["layout"]["meta"]["description"]
    assert said == (
        "Cadences. library, of 10: PAC 60 %, HC 30 %, DC 10 %. version 3, of 100: HC 60 %, PAC 30 %, IAC 10 %."
    )


def test_a_figure_of_nothing_says_so():
    drawn = bars({"library": {"PAC": 0}}, "Cadences")
    assert drawn["layout"]["annotations"][0]["text"] == "Nothing to show."
    assert drawn["layout"]["meta"]["description"] == "Cadences. library: none."


def test_categories_stand_in_the_order_given_and_by_their_names():
    drawn = bars({"a": {"z": 1, "aba": 2}}, "Forms", labels={"aba": "Ternary <A>"})
    assert marks(drawn)[0]["y"] == ["z", "Ternary &lt;A&gt;"]
    assert marks(drawn)[0]["customdata"] == ["z", "aba"]


def test_two_categories_with_one_name_stay_two_bars():
    assert len(set(marks(bars({"a": {"x": 1, "y": 2}}, "T", labels={"x": "same", "y": "same"}))[0]["y"])) == 2


def test_the_rarest_chords_are_put_together():
    counts = {f"V{at}": 100 - at for at in range(30)}
    drawn = marks(chords({"library": counts}, "Chords"))[0]
    assert len(drawn["y"]) == 25
    assert drawn["y"][-1] == "6 others"
    assert sum(drawn["x"]) == pytest.approx(100, abs=0.01)


def test_chords_are_written_as_musicians_write_them():
    assert marks(chords({"library": {"V65/V": 1}}, "Chords"))[0]["y"] == ["V⁶₅/V"]


def test_sharps_go_clockwise_from_c_with_major_outside():
    drawn = circle_of_fifths({"library": {"C major": 1, "G major": 2, "F major": 3, "a minor": 4}}, "Keys")
    bar = marks(drawn)[0]
    at = {(theta, base): r for theta, base, r in zip(bar["theta"], bar["base"], bar["r"], strict=True) if r}
    outside, inside = max(bar["base"]), min(bar["base"])
    assert set(at) == {(0, outside), (30, outside), (330, outside), (0, inside)}
    assert at[0, inside] == pytest.approx(4 * at[0, outside], rel=1e-3)
    assert drawn["layout"]["polar"]["angularaxis"] == {"rotation": 90, "direction": "clockwise", "visible": False}


def test_keys_that_sound_the_same_share_a_place_and_others_are_left_out():
    drawn = circle_of_fifths({"library": {"F# major": 1, "Gb major": 2, "nonsense": 5}}, "Keys")
    bar = marks(drawn)[0]
    assert [text for text, r in zip(bar["hovertext"], bar["r"], strict=True) if r] == [
        "<b>F♯/G♭ major</b><br>library: 100 % (3)"
    ]


def test_all_thirty_keys_have_a_place_of_their_signature():
    for key in ALL_KEYS:
        bar = marks(circle_of_fifths({"library": {key.name: 1}}, "Keys"))[0]
        (spot,) = [at for at, r in enumerate(bar["r"]) if r]
        assert bar["theta"][spot] == 30 * (key.signature % 12)
        told = bar["hovertext"][spot].split("</b>")[0]
        names = told.removeprefix("<b>").split(" ")[0].split("/")
        sounding = {key.pretty.split(" ")[0]} & set(names)
        assert sounding or abs(key.signature) >= 5


def test_a_hole_in_the_map_is_a_dash_in_a_frame():
    box = coverage_map({"library": CELLS}, "Map", rows=ROWS, columns=COLUMNS)["data"][0]
    assert box["text"] == ["4", "–", "–", "1"]
    assert box["marker"]["line"]["width"] == [0, 1.5, 1.5, 0]
    assert box["customdata"][1] == ["ABA", "modern"]


def test_a_map_of_two_collections_shows_both_numbers():
    drawn = coverage_map({"before": CELLS, "after": {("ABA", "modern"): 2}}, "Map", rows=ROWS, columns=COLUMNS)
    assert drawn["data"][0]["text"] == ["4 → –", "– → 2", "– → –", "1 → –"]
    assert drawn["layout"]["title"]["text"] == "Map: before → after"
    assert drawn["layout"]["meta"]["description"].endswith("3 of 4 places are empty.")


@settings(max_examples=40, deadline=None)
@given(COUNTS, COUNTS)
def test_any_counts_can_be_drawn(one: dict[str, int], other: dict[str, int]):
    for drawn in all_figures({"<one>": one, "other": other}):
        valid(drawn)
