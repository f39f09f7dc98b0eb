"""What changed between two recipes, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_NAMES = {
    "name": "Name", "kind": "Kind of rows", "sources.examples": "Approved library",
    "sources.versions": "Other versions",
    "sources.forms": "Forms", "sources.periods": "Periods", "sources.modes": "Modes", "sources.moods": "Moods",
    "sources.origins": "Origins", "sources.words": "Words", "quotas": "Quotas", "augmentation.keys": "Other keys",
    "augmentation.tempos": "Other tempos", "augmentation.moods": "Other moods",
    "augmentation.everywhere": "Augmented in every split", "split.train": "Share for training",
    "split.validation": "Share for validation", "split.test": "Share for the test", "seed": "Seed",
    "template": "Template", "system": "System prompt", "examples": "Few-shot examples", "use": "Use",
    "profile": "Profile", "model": "Model", "max_tokens": "Longest row in tokens", "faults": "Rows with faults",
}  # fmt: skip
_EMPTY = {"sources.words": "none", "quotas": "none", "sources.versions": "none", "profile": "each piece's own period"}
_ALL = "all"
"""What an empty list of a filter lets through."""
MAX_TOLD = 200


def recipe_words(changes: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """The fields that differ, a line each: ``Other keys: 3 → 11``. Fields without a name are told as they are."""
    return [
        f"{_NAMES.get(name, name)}: {_value(name, one)} → {_value(name, other)}"
        for name, (one, other) in changes.items()
    ]


def _value(name: str, value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in ("", [], ()):
        return _EMPTY.get(name, _ALL)
    if name == "max_tokens" and not value:
        return "the model's own limit"
    if name.startswith("split."):
        return f"{100 * value:.0f} %"
    if name == "quotas":
        return "; ".join(map(_quota, value))[:MAX_TOLD]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)[:MAX_TOLD]
    if isinstance(value, str):
        return value.replace("_", " ")[:MAX_TOLD] if name == "use" else value[:MAX_TOLD]
    return json.dumps(value, ensure_ascii=False, sort_keys=True)[:MAX_TOLD]


def _quota(quota: Mapping[str, Any]) -> str:
    what = " ".join(str(quota[name]) for name in ("form", "period", "mode") if quota.get(name))
    return f"at most {quota['most']:,} {what or 'rows'}"
