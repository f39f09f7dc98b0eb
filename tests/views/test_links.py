"""A link brings the same request back, and says what is wrong with one that cannot."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InvalidRequestError
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.reading import read_request
from workbench.core.music.request import MAX_SEED, Request
from workbench.views.links import FIRST_SEED, link_of, read_degrees, read_link, read_rhythm

REQUESTS = st.fixed_dictionaries(
    {
        "valence": st.integers(-20, 20).map(lambda value: value / 20),
        "arousal": st.integers(0, 20).map(lambda value: value / 20),
    },
    optional={
        "form": st.sampled_from(FORM_IDS),
        "period": st.sampled_from(PERIODS),
        "key": st.sampled_from([key.name for key in ALL_KEYS]),
        "time_signature": st.sampled_from(TIME_SIGNATURES),
        "duration": st.integers(20, 600),
        "tempo": st.integers(40, 220),
        "focus": st.integers(0, 20).map(lambda value: value / 20),
        "instrumentation": st.sampled_from(["piano", "string quartet", "flute & harp = ?"]),
        "motif_seed": st.lists(st.integers(-7, 14) | st.sampled_from(["#4", "b6"]), max_size=6),
        "rhythm_seed": st.lists(st.sampled_from([0.25, 0.5, 1, 1.5, 2, 4]), max_size=6),
    },
)


@given(data=REQUESTS, seed=st.integers(0, MAX_SEED))
def test_a_link_brings_the_same_request_and_seed_back(data: dict[str, Any], seed: int) -> None:
    request = read_request(data)
    assert read_link(link_of(request, seed)) == (request, seed)


def test_an_empty_link_is_the_first_piece() -> None:
    assert read_link({}) == (Request(), FIRST_SEED)


def test_a_link_names_only_what_was_asked_for() -> None:
    request = read_request({"valence": -0.6, "form": "rondo"})
    assert link_of(request, 12) == {"mood": "-0.6,0.4", "form": "rondo", "seed": "12"}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"mood": "1"}, "/mood"),
        ({"mood": "7,0"}, "/valence"),
        ({"seed": "-1"}, "/seed"),
        ({"seed": "9" * 30}, "/seed"),
        ({"duration": "1e999"}, "/duration"),
        ({"tempo": "2"}, "/tempo"),
        ({"meter": "5/4"}, "/time_signature"),
        ({"key": "H major"}, "/key"),
        ({"motif": "1,x"}, "/motif_seed/1"),
        ({"for": "x" * 301}, "/for"),
        ({"utm": "1"}, "/utm"),
    ],
)
def test_an_impossible_part_is_named(params: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        read_link(params)
    assert raised.value.field == field
    assert raised.value.hint


@given(params=st.dictionaries(st.text(max_size=8), st.text(max_size=40), max_size=4))
def test_no_link_does_worse_than_one_clear_error(params: dict[str, str]) -> None:
    with suppress(InvalidRequestError):
        read_link(params)
        return
    with pytest.raises(InvalidRequestError) as raised:
        read_link(params)
    assert len(str(raised.value)) < 400
    assert "<" not in raised.value.message


def test_degrees_and_lengths_are_read_as_people_type_them() -> None:
    assert read_degrees(" 1, 3 5;#4  ") == (1, 3, 5, "#4")
    assert read_rhythm("1 1/2 0.25,1/3") == (1, 0.5, 0.25, 0.333333)
    assert read_degrees("") == ()
