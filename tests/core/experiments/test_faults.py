"""All that is wrong with a specification is told at once, each fault in a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.faults import MOST, faults_of
from workbench.core.experiments.specification import read_specification

GOOD: dict[str, Any] = {
    "name": "x", "requests": {"grid": {"form": ["ABA"]}}, "variants": [{"name": "rules", "provider": "rules"}],
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def told(**changes: Any) -> list[str]:
    return [each.message for each in faults_of(GOOD | changes, ["calls"])]


def test_a_sound_specification_has_no_faults() -> None:
    assert told() == []
    assert told(metrics=["calls"]) == []


def test_every_fault_is_told_and_named_as_people_name_it() -> None:
    found = told(
        requests={"grid": {"form": ["AB"], "duration": [3]}},
        variants=[{"name": "a", "examples": 9}, {"name": "a"}, {"name": "b", "provider": "rules", "model": "m"}],
        seeds=[4, 4], metrics=["nothing"],
    )  # fmt: skip
    assert found == [
        "A form is one of ABA, rondo, theme-variation, sonata, minuet-trio, binary, rounded-binary.",
        "Duration is 3; it must be at least 20.",
        "Examples of 'a' is 9; it must be at most 3.",
        "'b' is made by rules, which takes no model.",
        "Two variants are called 'a'.",
        "Two seeds are 4.",
        "There is no metric 'nothing'.",
    ]


def test_too_many_cells_are_told_where_all_else_is_well() -> None:
    assert told(seeds=list(range(3)), limits={"most_cells": 2}) == [
        "1 request times 1 variant times 3 seeds are 3 cells; at most 2 are run."
    ]


@pytest.mark.parametrize("name", ["name", "requests", "variants"])
def test_what_is_missing_is_told(name: str) -> None:
    assert [each.field for each in faults_of({key: value for key, value in GOOD.items() if key != name})] == [
        f"/{name}"
    ]


@example({"seeds": [[], []]})
@given(st.dictionaries(st.sampled_from([*GOOD, "seeds", "metrics", "limits", "odd"]), JSON))
def test_whatever_it_is_given_it_tells_faults_exactly_where_it_cannot_be_read(data: dict[str, Any]) -> None:
    found = faults_of(data)
    assert len(found) <= MOST
    assert all(each.message for each in found)
    try:
        read_specification(data)
    except InvalidInputError:
        assert found
    else:
        assert not found
