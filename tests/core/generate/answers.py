"""Answers that the tests break: small ones by hand, and what they are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from workbench.core.compose import realize
from workbench.core.errors import InvalidInputError
from workbench.core.generate import Sanitized, sanitize
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request

PIECE: dict[str, Any] = {
    "key": "C major",
    "tempo": 96,
    "timeSignature": "4/4",
    "form": "ABA",
    "sections": [
        {
            "name": "A",
            "key": "C major",
            "measures": 8,
            "chordProgression": ["I", "IV", "V", "I", "V7", "I"],
            "cadence": "PAC",
            "phrases": [
                {
                    "label": "a",
                    "measures": 4,
                    "cadence": "HC",
                    "chords": ["I", "IV", "V"],
                    "chordBeats": [8, 4, 4],
                    "melody": {"degrees": [1, 2, 3, 4, 5], "rhythm": [4, 4, 4, 2, 2]},
                },
                {"label": "a'", "measures": 4, "cadence": "PAC", "chords": ["I", "V7", "I"]},
            ],
        },
        {
            "name": "B",
            "key": "G major",
            "measures": 4,
            "chordProgression": ["I", "ii6", "V", "I"],
            "melody": {"motifs": [{"degrees": [5, 6, 5], "rhythm": [1, 0.5, 0.5]}]},
            "dynamics": "p",
        },
        {"name": "A'", "key": "C major", "measures": 4, "chordProgression": ["I", "IV", "V7", "I"], "cadence": "PAC"},
    ],
    "leitmotifs": [{"tag": "sigh", "degrees": [6, 5], "rhythm": [1, 1], "transformations": ["inversion"]}],
}
PIECE["sections"][0]["chordProgression"] = ["I", "IV", "V", "I", "V7", "I"]


def piece(**changes: Any) -> dict[str, Any]:
    """The piece with other members at its top."""
    return deepcopy(PIECE) | changes


def section(**changes: Any) -> dict[str, Any]:
    """A piece of one plain section with these members changed; None leaves one out."""
    own = {"name": "A", "key": "C major", "measures": 4, "chordProgression": ["I", "IV", "V", "I"]} | changes
    return piece(sections=[{name: value for name, value in own.items() if value is not None}])


def phrase(**changes: Any) -> dict[str, Any]:
    """A piece of one phrase of four bars."""
    own = {"measures": 4, "chords": ["I", "IV", "V", "I"]} | changes
    inner = {name: value for name, value in own.items() if value is not None}
    return section(
        phrases=[inner], chordProgression=inner.get("chords", ["I", "V", "I"]), measures=inner.get("measures")
    )


def text(value: Any) -> str:
    """JSON as models lay it out."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def mended(answer: str | bytes | Mapping[str, Any], *, request: Request | None = None) -> Sanitized:
    """The mended answer, held to every promise that ``sanitize`` makes of any answer."""
    result = sanitize(answer, request=request)
    structure = result.structure
    assert result.valid_before_repair == (not result.repairs)
    assert read_structure(structure.to_json()) == structure
    json.dumps([repair.to_dict() for repair in result.repairs], allow_nan=False, ensure_ascii=False).encode()
    assert all(repair.why.endswith(".") and repair.kind.count(".") == 1 for repair in result.repairs)
    again = sanitize(structure.to_json())
    assert again.valid_before_repair, again.repairs
    assert again.structure == structure
    if structure.measures <= 300:
        realize(structure)
    return result


def refused(answer: Any) -> InvalidInputError:
    """The error that an answer is refused with."""
    with pytest.raises(InvalidInputError) as caught:
        sanitize(answer)
    error = caught.value
    assert error.message
    assert error.hint
    assert len(str(error)) < 600
    return error


def kinds(result: Sanitized) -> set[str]:
    """The kinds of all repairs."""
    return {repair.kind for repair in result.repairs}
