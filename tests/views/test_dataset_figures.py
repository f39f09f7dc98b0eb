"""The figures of a version's counts, alone and with another collection beside them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qs

import plotly.graph_objects as go
import pytest

from workbench.core.datasets.review.statistics import NAMES, Counts
from workbench.core.datasets.versions import Version
from workbench.core.library.examples import load_examples
from workbench.core.music.moods import mood_word
from workbench.views.datasets.compare import row_link, usual_other
from workbench.views.datasets.figures import by_form_and_period, figure_of

VERSION = Version("a1", "small", 2, "chat", "", {}, {}, 9, "ada", datetime(2026, 1, 2))


@pytest.fixture(scope="module")
def counts() -> Counts:
    counted = Counts()
    for each in load_examples()[::3]:
        mood = mood_word(each.request.valence, each.request.arousal)
        counted.add(each.structure, mood=mood, seconds=50, tokens=2_000)
    return counted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dark", [False, True])
def test_every_name_has_a_figure_that_plotly_takes_and_that_is_told_in_words(
    counts: Counts, name: str, dark: bool
) -> None:
    for sides in ((("small 2", counts),), (("library", Counts()), ("small 2", counts))):
        drawn = figure_of(name, sides, dark=dark)
        go.Figure(drawn)
        assert "small 2, of" in drawn["layout"]["meta"]["description"]


def test_bins_that_only_one_side_has_stand_in_their_place() -> None:
    one, other = Counts(), Counts()
    one.tallies["seconds"], other.tallies["seconds"] = Counter({"60 to 90": 2}), Counter({"30 to 45": 1})
    drawn = figure_of("seconds", (("before", one), ("after", other)), dark=False)
    assert drawn["data"][0]["x"] == ["30 to 45", "45 to 60", "60 to 90"]
    assert drawn["data"][0]["y"] == [0, 0, 100]
    assert drawn["data"][1]["y"] == [100, 0, 0]


def test_the_map_is_of_all_moods_or_of_one() -> None:
    counted = Counts()
    counted.tallies["cells"] = Counter({"rondo|baroque|calm": 2, "rondo|baroque|warm": 3, "a|b|modern|calm": 1})
    assert by_form_and_period(counted) == {("rondo", "baroque"): 5, ("a|b", "modern"): 1}
    assert by_form_and_period(counted, "calm") == {("rondo", "baroque"): 2, ("a|b", "modern"): 1}


def test_a_version_is_compared_with_the_one_before_it_else_with_the_newest_other() -> None:
    first = replace(VERSION, id="a0", number=1)
    newest = replace(VERSION, id="b1", name="other", number=7)
    assert usual_other(VERSION, [newest, first]) == first
    assert usual_other(first, [newest, VERSION]) == newest


def test_the_link_of_a_row_brings_back_its_key_whatever_is_in_it() -> None:
    key = "examples/elise~key=f# minor~mood=calmer&x=%?)[a](b)"
    link = row_link("094a", key)
    assert parse_qs(link.removeprefix("?")) == {"version": ["094a"], "row": [key]}
    assert not set(link) & set("()[] \"'<>")
