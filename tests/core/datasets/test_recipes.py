"""A recipe is read strictly, says where it is wrong, and is always the same text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from workbench.core.datasets.recipes import MAX_SEED, MOODS, Augmentation, Quota, Ratios, Recipe, Sources, read_recipe
from workbench.core.errors import InvalidInputError
from workbench.core.library.rights import USES

FULL: dict[str, Any] = {
    "name": "Études ♭",
    "kind": "pair",
    "sources": {
        "examples": False, "versions": ["v1", "v2"], "forms": ["ABA"], "periods": ["modern"], "modes": ["minor"],
        "moods": ["calm"], "origins": ["take"], "words": "snow",
    },
    "quotas": [{"form": "ABA", "period": "", "mode": "major", "most": 20}, {"most": 0}],
    "augmentation": {"keys": 11, "tempos": 4, "moods": 4, "everywhere": True},
    "split": {"train": 0.5, "validation": 0.25, "test": 0.25},
    "seed": MAX_SEED,
    "template": "short",
    "system": False,
    "examples": 3,
    "use": "training",
    "model": "gpt-4.1",
    "max_tokens": 10_000_000,
    "faults": "leave-out",
}  # fmt: skip


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """The full recipe with another value at a JSON pointer."""
    data: dict[str, Any] = json.loads(json.dumps(FULL))
    *path, last = [int(step) if step.isdecimal() else step for step in pointer.strip("/").split("/")]
    inner: Any = data
    for step in path:
        inner = inner[step]
    inner[last] = value
    return data


# What it is


def test_an_empty_recipe_takes_the_library_as_it_is() -> None:
    recipe = read_recipe({})
    assert recipe == Recipe()
    assert (recipe.kind, recipe.use, recipe.faults) == ("chat", "commercial_training", "block")
    assert recipe.sources == Sources()
    assert recipe.sources.examples
    assert recipe.augmentation == Augmentation(keys=0, tempos=0, moods=0, everywhere=False)
    assert recipe.quotas == ()


def test_every_field_is_read_and_written() -> None:
    recipe = read_recipe(FULL)
    written = recipe.to_dict()
    kept = {name: written[name] for name in FULL}
    kept["quotas"][1] = {"most": 0}
    assert kept == FULL
    assert read_recipe(written) == recipe


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Recipe().seed = 1  # type: ignore[misc]


# Canonical text


def test_the_same_recipe_is_always_the_same_text() -> None:
    backwards = {name: FULL[name] for name in reversed(FULL)}
    backwards["sources"] = {name: FULL["sources"][name] for name in reversed(FULL["sources"])}
    backwards["split"] = {"test": 0.25, "validation": 0.25, "train": 0.5}
    text = read_recipe(FULL).to_json()
    assert read_recipe(backwards).to_json() == text
    assert read_recipe(json.loads(text)).to_json() == text
    assert "Études ♭" in text
    assert ": " not in text


def test_what_is_left_out_is_the_same_as_its_default() -> None:
    assert read_recipe({"seed": 0, "sources": {"words": ""}}).to_json() == Recipe().to_json()
    assert read_recipe({"split": {"train": 1, "validation": 0, "test": 0}}).to_json() == (
        read_recipe({"split": {"train": 1.0, "validation": 0.0, "test": 0.0}}).to_json()
    )


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("name", "x"), ("kind", "chat"), ("sources/examples", True), ("sources/words", "ice"), ("quotas/1/most", 1),
        ("augmentation/keys", 1), ("split", {"train": 0.6, "validation": 0.2, "test": 0.2}), ("seed", 1),
        ("template", "x"), ("system", True), ("examples", 0), ("use", "prompt"), ("model", "x"), ("max_tokens", 0),
        ("faults", "block"),
    ],
)  # fmt: skip
def test_every_field_is_in_the_text(pointer: str, value: Any) -> None:
    assert read_recipe(changed(pointer, value)).to_json() != read_recipe(FULL).to_json()


# What is refused


@pytest.mark.parametrize("pointer", ["unknown", "sources/unknown", "quotas/0/unknown", "augmentation/x", "split/x"])
def test_an_unknown_field_is_refused_and_named(pointer: str) -> None:
    with pytest.raises(InvalidInputError, match=pointer) as caught:
        read_recipe(changed(pointer, 1))
    assert caught.value.field == f"/{pointer}"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("name", ""), ("name", "x" * 81), ("name", 1), ("kind", "text"), ("sources", []), ("sources/examples", None),
        ("sources/versions", "v1"), ("sources/versions", ["v"] * 21), ("sources/versions/0", ""),
        ("sources/forms/0", "x" * 121), ("sources/modes/0", "dorian"), ("sources/words", "x" * 201), ("quotas", {}),
        ("quotas", [{"most": 1}] * 201), ("quotas/0/most", -1), ("quotas/0/most", 1_000_001), ("quotas/0/most", 1.0),
        ("quotas/0/most", "1"), ("quotas/0/mode", "dorian"), ("augmentation/keys", 12), ("augmentation/keys", -1),
        ("augmentation/tempos", 5), ("augmentation/moods", 5), ("augmentation/moods", 1.5), ("split/train", 1.1),
        ("split/test", -0.1), ("split/test", float("nan")), ("split/test", float("inf")), ("split/train", None),
        ("seed", -1), ("seed", MAX_SEED + 1), ("seed", 10**400), ("seed", 1.0), ("seed", True), ("seed", "1"),
        ("template", ""), ("system", 2), ("examples", 4), ("examples", True), ("model", ""), ("max_tokens", -1),
        ("max_tokens", 10_000_001), ("faults", "ignore"), ("use", None), ("name", "\ud800"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_and_named(pointer: str, value: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_recipe(changed(pointer, value))
    assert caught.value.field == f"/{pointer}"
    assert caught.value.message.startswith(f"The recipe cannot be used: {pointer}: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("pointer", "value", "said"),
    [
        ("use", "anything", f"use must be one of {', '.join(USES)}"),
        ("sources/moods", ["calm", "hungry"], f"moods must be among {', '.join(MOODS)}"),
        ("sources", {"examples": False}, "sources must have the examples or a version"),
    ],
)
def test_what_has_no_meaning_is_refused_in_words(pointer: str, value: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        read_recipe(changed(pointer, value))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("mood", MOODS)
def test_every_use_and_every_mood_can_be_asked_for(use: str, mood: str) -> None:
    recipe = read_recipe({"use": use, "sources": {"moods": [mood]}})
    assert (recipe.use, recipe.sources.moods) == (use, (mood,))


@pytest.mark.parametrize("data", [None, [], "name", 1, True, [{"name": "x"}]])
def test_what_is_no_object_is_no_recipe(data: object) -> None:
    with pytest.raises(InvalidInputError, match="A recipe is a JSON object") as caught:
        read_recipe(data)
    assert caught.value.hint


# Ratios


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.1), (1, 0, 0), (0.7, 0.2, 0.1), (0.34, 0.33, 0.33), (0.9, 0, 0.1)])
def test_shares_that_add_up_are_taken(shares: tuple[float, float, float]) -> None:
    named = dict(zip(("train", "validation", "test"), shares, strict=True))
    assert read_recipe({"split": named}).split == Ratios(**named)


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.2), (0.8, 0.1, 0), (0.5, 0, 0), (1, 1, 1), (0.8, 0.1, 0.10001)])
def test_shares_have_to_add_up(shares: tuple[float, float, float]) -> None:
    with pytest.raises(InvalidInputError, match="train, validation and test must add up to 1") as caught:
        read_recipe({"split": dict(zip(("train", "validation", "test"), shares, strict=True))})
    assert caught.value.field == "/split"


def test_one_share_alone_has_to_fit_the_defaults_of_the_others() -> None:
    assert read_recipe({"split": {"train": 0.8}}) == Recipe()
    with pytest.raises(InvalidInputError, match="add up"):
        read_recipe({"split": {"train": 0.9}})


def test_nobody_trains_on_nothing() -> None:
    with pytest.raises(InvalidInputError, match="train must not be 0"):
        read_recipe({"split": {"train": 0, "validation": 0.5, "test": 0.5}})


# Anything

texts = st.text(st.characters(exclude_categories=()), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
leaves = scalars | st.sampled_from([0, 1, 0.5, "pair", "minor", "calm", "ABA", "block", "prompt", "v1", True])
parts = st.sampled_from([*Sources.model_fields, *Quota.model_fields, *Augmentation.model_fields, *Ratios.model_fields])
inner_values = leaves | st.lists(leaves, max_size=3) | st.dictionaries(parts, leaves | st.lists(leaves, max_size=3))
near = st.dictionaries(
    st.sampled_from([*Recipe.model_fields]), inner_values | st.lists(inner_values, max_size=3), max_size=4
)


@given(data=values | near | st.dictionaries(texts, values, max_size=3))
@example(data={"quotas": [{"most": 1}] * 200})
@example(data={"\ud800": 1})
@example(data={"sources": {"words": "\x00"}})
def test_any_json_is_a_recipe_that_stays_the_same_or_is_refused(data: object) -> None:
    try:
        recipe = read_recipe(data)
    except InvalidInputError:
        return
    text = recipe.to_json()
    text.encode()
    assert read_recipe(json.loads(text)) == recipe
    assert read_recipe(json.loads(text)).to_json() == text
