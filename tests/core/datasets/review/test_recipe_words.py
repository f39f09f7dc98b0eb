from typing import Any

import pytest

from workbench.core.datasets.recipes import STARTER, Recipe, read_recipe
from workbench.core.datasets.review.diff import recipe_difference
from workbench.core.datasets.review.recipe_words import recipe_words


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"augmentation": {"keys": 11}}, "Other keys: 0 → 11"),
        ({"sources": {"periods": ["modern", "baroque"]}}, "Periods: all → modern, baroque"),
        ({"split": {"train": 1, "validation": 0, "test": 0}}, "Share for training: 80 % → 100 %"),
        ({"system": False}, "System prompt: yes → no"),
        ({"max_tokens": 4000}, "Longest row in tokens: the model's own limit → 4000"),
        ({"profile": "baroque"}, "Profile: each piece's own period → baroque"),
        ({"quotas": [{"form": "rondo", "mode": "minor", "most": 1200}]}, "Quotas: none → at most 1,200 rondo minor"),
        ({"quotas": [{"most": 5}]}, "Quotas: none → at most 5 rows"),
        ({"use": "training"}, "Use: commercial training → training"),
    ],
)
def test_a_changed_recipe_is_told_in_words(changed: dict[str, Any], line: str):
    assert line in recipe_words(recipe_difference(Recipe().to_dict(), read_recipe(changed).to_dict()))


def test_an_unknown_field_is_told_as_it_is():
    assert recipe_words({"imported.file": (None, "a.jsonl")}) == ["imported.file: not there → a.jsonl"]


def test_every_field_of_a_recipe_has_a_name_for_people():
    nothing: dict[str, Any] = {}
    told = recipe_words(recipe_difference(nothing, STARTER.to_dict()))
    flat = recipe_difference(
        {name: {} if isinstance(value, dict) else None for name, value in STARTER.to_dict().items()}, STARTER.to_dict()
    )
    assert told
    assert not [line for line in recipe_words(flat) if "." in line.split(":")[0] or "_" in line.split(":")[0]]
