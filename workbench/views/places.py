"""JSON pointers and values of a structure in the words of a musician."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_NAMES = {
    "chordProgression": "chords",
    "chordBeats": "beats of each chord",
    "harmonicRhythm": "harmonic rhythm",
    "timeSignature": "meter",
    "harmonicFunctions": "harmonic functions",
    "velocityCurve": "velocity curve",
    "peakBoost": "peak",
    "phraseEndSoftness": "softness of phrase ends",
}
_ONE = {
    "chords": "chord",
    "chordProgression": "chord",
    "degrees": "note",
    "rhythm": "length of note",
    "chordBeats": "beats of chord",
    "harmonicRhythm": "beats of chord",
}


def place_words(data: Mapping[str, Any], pointer: str) -> str:
    """Where a JSON pointer leads: ``Minuet, phrase 2, chord 4``; "the text" for the whole."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not parts:
        return "the text"
    words: list[str] = []
    while parts:
        name, *parts = parts
        if parts and parts[0].isdigit():
            number = int(parts.pop(0))
            words.append(_section(data, number) if name == "sections" else f"{_single(name)} {number + 1}")
        elif name != "melody" or not parts:
            words.append(_NAMES.get(name, _spaced(name)))
    return ", ".join(words)


def value_words(value: Any, *, most: int = 60) -> str:
    """A value as it is shown in a line of text: plain, and never long."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, Mapping) and isinstance(value.get("degrees"), list | tuple):
        value = value["degrees"]  # a tune is known by its notes
    elif isinstance(value, Mapping) and value.get("ref"):
        value = [each for each in (value["ref"], value.get("transformation")) if each]
    if isinstance(value, float):
        text = f"{value:g}"
    elif isinstance(value, list | tuple) and not any(isinstance(item, list | tuple | dict) for item in value):
        text = " ".join(
            "–" if item is None else f"{item:g}" if isinstance(item, float) else str(item) for item in value
        )
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def value_at(data: Any, pointer: str) -> Any:
    """The value that a JSON pointer leads to; None where there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(data, list) and name.isdigit() and int(name) < len(data):
            data = data[int(name)]
        elif isinstance(data, Mapping) and name in data:
            data = data[name]
        else:
            return None
    return data


def _section(data: Mapping[str, Any], number: int) -> str:
    section = value_at(data, f"/sections/{number}")
    name = section.get("name") if isinstance(section, Mapping) else None
    return str(name)[:60] if name else f"section {number + 1}"


def _single(name: str) -> str:
    return _ONE.get(name) or _spaced(name).removesuffix("s")


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: " " + found[1].lower(), name)
