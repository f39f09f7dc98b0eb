"""The form for a new run and the specification that it stands for say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.experiments.specification import Specification, read_specification
from workbench.views.compare.form_values import (
    KINDS,
    LEVELS,
    a_variant,
    free_name,
    new_id,
    seeds_text,
    sound,
    told_of,
    usual,
    values_of,
)

GRID = {
    "form": ["ABA"], "period": ["baroque"], "mood": ["calm", {"valence": 0.3, "arousal": 0.8}], "key": ["D minor"],
    "time_signature": ["3/4"], "duration": [20, 37.5],
}  # fmt: skip
VARIANTS = [
    {"name": "r", "provider": "rules"}, {"name": "a", "provider": "adapt", "ban_held_out": False},
    {"name": "b", "variant": "base", "temperature": None}, {"name": "f", "provider": "openai", "variant": "ft"},
    {"name": "m", "model": "loop", "template": "default@1", "examples": 3, "reasks": 0},
    {"name": "o", "provider": "openai"}, {"name": "g", "registered": "Evening"},
    {"name": "e", "model": "x", "endpoint": "http://localhost:1/v1", "variant": "ft"},
    {"name": "u"}, {"name": "h", "variant": "base", "batch": True, "editor": True},
]  # fmt: skip


def a_specification(**changes: Any) -> Specification:
    told = {
        "name": "all", "requests": {"grid": GRID, "most": 9, "seed": 4}, "variants": VARIANTS, "seeds": [0, 1, 2, 7],
        "metrics": ["calls", "finished"], "limits": {"concurrency": 3, "budget_usd": 2.5, "requests_per_minute": 10},
    }  # fmt: skip
    return read_specification(told | changes)


@pytest.mark.parametrize(
    "requests",
    [
        {"grid": GRID},
        {"dataset": "small 1", "split": "validation", "most": 5},
        {"list": [{"form": "rondo", "duration": 30, "brief": "Snow – ☃"}, {"key": "G major", "id": "two"}]},
    ],
)
def test_a_specification_comes_out_of_the_form_as_it_went_in(requests: dict[str, Any]) -> None:
    wanted = a_specification(requests=requests)
    told, problems = told_of(values_of(wanted))
    assert not problems
    assert read_specification(told) == wanted
    assert told_of(sound(values_of(wanted)))[0] == told, "also out of a draft"


def test_each_kind_of_variant_is_known_by_what_it_says() -> None:
    kinds = [each["kind"] for each in values_of(a_specification())["variants"]]
    assert kinds == ["rules", "adapt", "base", "ft", "model", "openai", "registered", "endpoint", "usual", "base"]
    assert set(kinds) == set(KINDS)


def test_a_mood_in_the_middle_of_its_field_is_its_word() -> None:
    assert values_of(a_specification())["mood"] == ["calm", "0.3/0.8"]


def test_what_the_form_begins_with_can_be_run() -> None:
    told, problems = told_of(usual())
    assert not problems
    assert read_specification(told).requests.at_most == 9


def test_another_kind_leaves_nothing_of_the_one_before() -> None:
    values = usual()
    given_variant = a_variant(1, "endpoint", "x") | {"model": "m", "endpoint": "http://localhost:1/v1", "batch": True}
    values["variants"] = [given_variant | {"kind": kind, "name": kind} for kind in KINDS if kind != "registered"]
    found = read_specification(told_of(values)[0])
    assert [each.name for each in found.variants if each.endpoint] == ["endpoint"]
    assert [each.name for each in found.variants if each.model] == ["model", "endpoint"]


@pytest.mark.parametrize(
    ("seeds", "told"), [([0], "0"), ([0, 1, 2, 9], "0-2, 9"), ([3, 1], "3, 1"), (range(100), "0-99")]
)
def test_seeds_are_written_short_and_read_again(seeds: Any, told: str) -> None:
    assert seeds_text(seeds) == told
    assert told_of(usual() | {"seeds": told})[0]["seeds"] == list(seeds)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seeds": "one"}, "'one' is no seed."),
        ({"seeds": ""}, "No seed is given."),
        ({"seeds": "0-999999"}, "'0-999999' are too many seeds."),
        ({"seeds": "5-1"}, "'5-1' are too many seeds."),
        ({"duration": ["long"]}, "'long' is no length."),
        ({"all_metrics": False}, "No metric is chosen."),
        ({"source": "list", "list": '{"form": "ABA"}\n{]'}, "Line 2: "),
    ],
)
def test_what_cannot_be_put_into_a_specification_is_told(changes: dict[str, Any], said: str) -> None:
    _, problems = told_of(usual() | changes)
    assert len(problems) == 1
    assert problems[0].message.startswith(said)


@pytest.mark.parametrize(
    "text",
    ['{"form": "ABA"}\n\n{"form": "rondo"}', '[{"form": "ABA"}, {"form": "rondo"}]',
     '{"request": {"form": "ABA"}, "raw": "{}"}\n{"request": {"form": "rondo"}, "raw": ""}'],
)  # fmt: skip
def test_a_list_is_lines_or_an_array_or_answers(text: str) -> None:
    told, problems = told_of(usual() | {"source": "list", "list": text})
    assert not problems
    assert [each.form for each in read_specification(told).requests.listed or ()] == ["ABA", "rondo"]


def test_a_copy_has_a_name_and_a_number_of_its_own() -> None:
    assert free_name("rules", ["rules", "rules 2"]) == "rules 3"
    assert free_name("rules 2", ["rules", "rules 2"]) == "rules 3"
    assert new_id(usual()["variants"]) == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from([*KINDS, "grid"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
A_VARIANT = st.fixed_dictionaries(
    {"id": st.integers(0, 3) | JSON, "kind": st.sampled_from([*KINDS, "odd"])},
    optional=dict.fromkeys(("name", "provider", "model", "examples", "temperature", "reasks", "editor", "batch"), JSON),
)


@given(st.dictionaries(st.sampled_from([*usual(), "odd"]), JSON), st.none() | st.lists(A_VARIANT, max_size=4))
def test_a_draft_of_another_time_leaves_nothing_that_the_form_cannot_take(kept: dict[str, Any], variants: Any) -> None:
    found = sound(kept if variants is None else kept | {"variants": variants})
    assert set(found) == set(usual())
    told, _ = told_of(found)
    assert isinstance(told["requests"], dict)
    assert len({each["id"] for each in found["variants"]}) == len(found["variants"])
    assert all(isinstance(each, str) for name in LEVELS for each in found[name])
    for each in found["variants"]:
        assert each["examples"] is None or 0 <= each["examples"] <= 3
        assert each["temperature"] is None or isinstance(each["temperature"], float)
