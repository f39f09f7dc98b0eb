"""The columns of rows and their values in words."""

from __future__ import annotations

import re

from workbench.core.music.forms import FORMS
from workbench.core.music.keys import parse_key

LABELS = {
    "split": "Split", "form": "Form", "period": "Period", "mode": "Mode", "mood": "Mood", "tonic": "Key",
    "meter": "Meter", "origin": "Origin", "cadence": "Last cadence", "title": "Title", "changes": "Derived by",
    "key": "Row", "tempo": "Tempo", "seconds": "Length", "measures": "Bars", "tokens_in": "Prompt tokens",
    "tokens_out": "Answer tokens", "warnings": "Warnings", "valence": "Valence", "arousal": "Arousal", "marks": "Marks",
    "source": "Source", "position": "As built",
}  # fmt: skip
_CHANGE = re.compile(r" (?=(?:key|tempo|mood)=)")


def value_words(name: str, value: str) -> str:
    """A value of a column as people read it."""
    if name == "form":
        return FORMS[value].title.partition(" (")[0] if value in FORMS else value
    if name == "tonic":
        return parse_key(value).pretty
    if name == "changes":
        return changes_words(value)
    return {"": "none"}.get(value, value) if name == "cadence" else value


def changes_words(changes: str) -> str:
    """The changes of a row in words: ``in D major, tempo 96``. They are written as ``key=D major tempo=96``."""
    said = []
    for part in _CHANGE.split(changes):
        kind, _, value = part.partition("=")
        said.append({"key": f"in {value}", "tempo": f"tempo {value}", "mood": value}.get(kind, part))
    return ", ".join(filter(None, said))
