"""A specification is read strictly, and says in one sentence what is wrong with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.experiments.specification import MAX_CELLS, Mood, Specification, read_specification
from workbench.core.music.moods import WORDS, mood_word

METRICS = {"valid_json", "entropy"}
PLAIN: dict[str, Any] = {
    "name": "first",
    "requests": {"grid": {"form": ["ABA", "rondo"], "mood": ["calm", {"valence": -1, "arousal": 0.5}]}},
    "variants": [{"name": "rules", "provider": "rules"}],
}
FULL: dict[str, Any] = {
    "name": "Études ♭",
    "requests": {"list": [{"form": "ternary", "brief": "Snow"}, {"meter": "3/4", "id": "two"}], "most": 1},
    "variants": [
        {"name": "base", "variant": "base", "template": "default@1", "examples": 0, "temperature": None},
        {"name": "ours", "registered": "first steps", "editor": True, "reasks": 0, "ban_held_out": False},
        {"name": "theirs", "model": "small", "endpoint": "https://models.example.org/v1/", "variant": "ft"},
        {"name": "adapt", "provider": "adapt"},
    ],
    "seeds": [0, 2**31 - 1],
    "metrics": ["entropy"],
    "limits": {
        "concurrency": 256,
        "requests_per_minute": 60,
        "tokens_per_minute": 9,
        "budget_usd": 0.5,
        "most_cells": 8,
    },
}


def changed(**changes: Any) -> dict[str, Any]:
    return PLAIN | changes


def variant(**more: Any) -> dict[str, Any]:
    return changed(variants=[{"name": "a"} | more])


def grid(**levels: Any) -> dict[str, Any]:
    return changed(requests={"grid": levels})


def read(data: object) -> Specification:
    return read_specification(data, metrics=lambda: METRICS)


def test_what_is_left_out_has_a_usual_value() -> None:
    found = read(PLAIN)
    assert (found.seeds, found.metrics, found.limits.concurrency, found.requests.at_most) == ((0,), (), 8, 4)
    asked = read(variant()).variants[0]
    assert (asked.temperature, asked.reasks, asked.examples, asked.ban_held_out, asked.asks_a_model) == (
        0.8, 2, None, True, True
    )  # fmt: skip


@pytest.mark.parametrize("data", [PLAIN, FULL], ids=["plain", "full"])
def test_it_is_the_same_after_json_and_so_is_its_digest(data: dict[str, Any]) -> None:
    found = read(data)
    again = read(json.dumps(found.to_dict()))
    assert again == found
    assert (again.to_json(), again.digest) == (found.to_json(), found.digest)
    backwards = {name: found.to_dict()[name] for name in reversed(found.to_dict())}
    assert read(backwards).digest == found.digest


def test_anything_else_that_is_said_is_another_digest() -> None:
    others = [PLAIN, changed(name="b"), changed(seeds=[1]), grid(form=["ABA"]), variant(), variant(temperature=0.7)]
    assert len({read(each).digest for each in others}) == len(others)


def test_a_mood_s_word_stands_for_the_middle_of_its_field() -> None:
    for word in (word for row in WORDS for word in row):
        mood = Mood.model_validate(word)
        assert mood_word(mood.valence, mood.arousal) == word


def test_two_variants_may_differ_in_name_alone() -> None:
    assert len(read(changed(variants=[{"name": "a"}, {"name": "b"}])).variants) == 2


FAULTS: list[tuple[Any, str, str]] = [
    (3, "A specification is a JSON object.", ""),
    ([], "A specification is a JSON object.", ""),
    ("{", "not JSON", ""),
    ({}, "name is missing", "/name"),
    (changed(more=1), "more is not a field", "/more"),
    (changed(name=" "), "Write a name", "/name"),
    (changed(metrics=["entropie"]), "There is no metric 'entropie'.", "/metrics"),
    (changed(metrics=["entropy", "entropy"]), "Two metrics are called 'entropy'", ""),
    (changed(seeds=[]), "seeds is too short", "/seeds"),
    (changed(seeds=[1, 1]), "Two seeds are 1.", ""),
    (changed(seeds=[True]), "integer", "/seeds/0"),
    (changed(seeds=[2**31]), "at most 2,147,483,647", "/seeds/0"),
    (changed(requests={}), "name one of them", "/requests"),
    (changed(requests={"dataset": "x", "list": [{}]}), "name one of them", "/requests"),
    (changed(requests={"dataset": " "}), "name one of them", "/requests"),
    (changed(requests={"dataset": "x", "split": "exam"}), "'train', 'validation' or 'test'", "/requests/split"),
    (changed(requests={"dataset": "x", "most": 0}), "at least 1", "/requests/most"),
    (changed(requests={"list": []}), "The list holds no request.", "/requests"),
    (changed(requests={"list": [{"valence": 3}]}), "at most 1", "/requests/list/0/valence"),
    (grid(), "The grid is empty", "/requests/grid"),
    (grid(form=[], key=[]), "The grid is empty", "/requests/grid"),
    (grid(form=["fugue"]), "A form is one of ABA", "/requests/grid/form/0"),
    (grid(form=["ABA", "ABA"]), "Form lists the same twice.", "/requests/grid"),
    (grid(mood=["calm", {"valence": 0.0, "arousal": 0.1667}]), "Mood lists the same twice.", "/requests/grid"),
    (grid(mood=["odd"]), "A mood is one of", "/requests/grid/mood/0"),
    (grid(mood=[{"valence": 1}]), "arousal is missing", "/requests/grid/mood/0/arousal"),
    (grid(key=["H major"]), "not a key", "/requests/grid/key/0"),
    (grid(time_signature=["5/4"]), "must be", "/requests/grid/time_signature/0"),
    (grid(duration=[1]), "at least 20", "/requests/grid/duration/0"),
    (grid(duration=[float("nan")]), "", "/requests/grid/duration/0"),
    (changed(variants=[]), "variants is too short", "/variants"),
    (changed(variants=[{"name": str(number)} for number in range(21)]), "at most 20", "/variants"),
    (changed(variants=[{"name": "a"}, {"name": " a"}]), "Two variants are called 'a'.", ""),
    (variant(provider="else"), "must be", "/variants/0/provider"),
    (variant(provider="rules", model="m"), "'a' is made by rules, which takes no model.", "/variants/0"),
    (variant(provider="adapt", endpoint="http://x"), "takes no endpoint", "/variants/0"),
    (variant(endpoint="http://x/v1"), "name the model", "/variants/0"),
    (variant(model="m", endpoint="ftp://x"), "The endpoint is no address.", "/variants/0/endpoint"),
    (variant(model="m", endpoint="http://u:secret@x"), "no user, password or query", "/variants/0/endpoint"),
    (variant(model="m", variant="ft"), "leave out variant", "/variants/0"),
    (variant(model="m\u202e"), "The model holds a character", "/variants/0/model"),
    (variant(registered="r", model="m"), "leave out model", "/variants/0"),
    (variant(registered="r", variant="base"), "leave out", "/variants/0"),
    (variant(examples=4), "at most 3", "/variants/0/examples"),
    (variant(temperature=float("inf")), "", "/variants/0/temperature"),
    (variant(reasks=6), "at most 5", "/variants/0/reasks"),
    (changed(limits={"concurrency": 0}), "at least 1", "/limits/concurrency"),
    (changed(limits={"concurrency": 257}), "at most 256", "/limits/concurrency"),
    (changed(limits={"budget_usd": -1}), "at least 0", "/limits/budget_usd"),
    (variant() | {"limits": {"budget_usd": 0}}, "A budget of nothing cannot pay for 'a'.", ""),
    (changed(limits={"most_cells": MAX_CELLS + 1}), "at most 1,000,000", "/limits/most_cells"),
    (changed(limits={"most_cells": 3}), "are 4 cells; at most 3 are run", ""),
]


@pytest.mark.parametrize(("data", "said", "field"), FAULTS, ids=[str(number) for number in range(len(FAULTS))])
def test_a_bad_specification_is_refused_with_one_clear_sentence(data: Any, said: str, field: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(data)
    assert said in caught.value.message
    assert caught.value.message.count("\n") == 0
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    assert caught.value.field == field
    assert "secret" not in str(caught.value)


def test_ten_million_cells_are_refused_unbuilt() -> None:
    names = [{"name": str(number), "provider": "rules"} for number in range(20)]
    many = changed(requests={"dataset": "x", "most": 100_000}, variants=names, seeds=list(range(5)))
    with pytest.raises(InvalidInputError, match=r"are 10,000,000 cells; at most 20,000 are run"):
        read(many)
    keys = [f"{tonic} {mode}" for tonic in ("C", "G", "D", "A", "E", "F") for mode in ("major", "minor")]
    wide = {
        "form": ["ABA", "rondo", "binary"], "period": ["baroque", "classical", "romantic", "modern"], "key": keys,
        "time_signature": ["2/4", "3/4", "4/4", "6/8"], "duration": list(range(20, 80)), "mood": ["calm", "joyful"],
    }  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"cells; at most"):
        read(grid(**wide))
    assert read(changed(requests={"grid": wide, "most": 50})).requests.at_most == 50


def test_a_budget_of_nothing_is_enough_for_what_costs_nothing() -> None:
    free = [{"name": "a", "provider": "rules"}, {"name": "b", "model": "m", "endpoint": "http://localhost:1/v1"}]
    assert read(changed(variants=free, limits={"budget_usd": 0})).limits.budget_usd == 0


def test_a_megabyte_is_not_even_parsed() -> None:
    with pytest.raises(InputTooLargeError):
        read('{"name": "' + "x" * 1_000_000 + '"}')


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([*PLAIN, "seeds", "metrics", "limits"]), JSON)
def test_whatever_stands_in_a_field_it_is_read_or_refused(name: str, value: Any) -> None:
    said = ""
    try:
        found = read(PLAIN | {name: value})
        assert read(found.to_dict()) == found
    except InvalidInputError as problem:
        said = problem.message
    assert said.count("\n") == 0
    assert len(said) < 700
