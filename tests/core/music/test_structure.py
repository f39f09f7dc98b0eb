"""The MusicStructure reads AIRIA's files, and gives back what it read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.core.errors import InvalidStructureError
from workbench.core.music.reading import read_structure
from workbench.core.music.structure import MusicStructure, section_measures

FULL: dict[str, Any] = {
    "schemaVersion": 1,
    "title": "Élégie",
    "key": "c# minor",
    "tempo": 66.5,
    "timeSignature": "12/8",
    "form": "a form of its own",
    "period": "romantic",
    "sections": [
        {
            "name": "A",
            "role": "theme",
            "key": "c# minor",
            "measures": 8,
            "chordProgression": ["i", "viio7/V", "V7", "i"],
            "harmonicRhythm": [6, 6, 1.5, 4.5],
            "melody": {"motifs": [{"degrees": [5, "#4", 0, -1, "b6"], "rhythm": [1, 0.5, 0.333333, 2, 0.166667]}]},
            "dynamics": "pp",
            "texture": "nocturne",
            "cadence": "PAC",
            "harmonicFunctions": ["release", "tension", "ambiguity"],
            "phrases": [
                {
                    "label": "a",
                    "role": "antecedent",
                    "measures": 4,
                    "cadence": "HC",
                    "chords": ["i", "V"],
                    "chordBeats": [18, 6],
                    "motif": {"ref": "sorrow", "transformation": "sequence-up"},
                },
                {"measures": 4, "melody": {"degrees": [1, 2, 3], "rhythm": [2, 2, 20]}},
            ],
        }
    ],
    "leitmotifs": [
        {
            "tag": "sorrow",
            "degrees": [5, 4, 3],
            "rhythm": [1, 1, 2],
            "meaning": "a memory",
            "transformations": ["theme", "inversion"],
        }
    ],
    "humanize": {"rubato": "expressive", "velocityCurve": "flat", "peakBoost": 0.6, "phraseEndSoftness": 0},
    "instrumentation": "cello and piano",
    "character": "inward",
    "reasoning": "because",
}


def changed(path: str, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(FULL))
    *parents, last = [int(part) if part.isdecimal() else part for part in path.strip("/").split("/")]
    place: Any = data
    for part in parents:
        place = place[part]
    place[last] = value
    return data


def test_the_twelve_airia_files_come_back_as_they_were(airia_files: list[Path]) -> None:
    assert len(airia_files) == 12
    for path in airia_files:
        pair = json.loads(path.read_text("utf-8"))
        structure = read_structure(path.read_bytes())
        assert structure.to_dict() == pair["structure"], path.name
        assert read_structure(structure.to_json()) == structure


def test_every_field_round_trips() -> None:
    structure = read_structure(FULL)
    assert structure.to_dict() == FULL
    assert read_structure(structure.to_json(indent=None)) == structure
    assert structure.to_json().endswith("}\n")
    assert read_structure({"structure": FULL, "provider": "rules"}) == structure


def test_python_names_are_read_as_well() -> None:
    data = {"time_signature" if name == "timeSignature" else name: value for name, value in FULL.items()}
    assert MusicStructure.model_validate(data).to_dict() == FULL


def test_key_names_are_written_one_way() -> None:
    structure = read_structure(changed("/key", "C-sharp Minor"))
    assert structure.key == "c# minor"
    assert structure.tonality.is_minor


def test_phrases_are_the_truth_about_length() -> None:
    structure = read_structure(changed("/sections/0/measures", 99))
    assert section_measures(structure.sections[0]) == 8
    assert structure.measures == 8


def test_a_structure_cannot_be_changed() -> None:
    structure = read_structure(FULL)
    with pytest.raises(ValueError, match="frozen"):
        structure.tempo = 100  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/swing", True),
        ("/tempo", 10**9),
        ("/tempo", 39.9),
        ("/tempo", None),
        ("/tempo", float("nan")),
        ("/timeSignature", "7/8"),
        ("/key", "H major"),
        ("/key", 5),
        ("/schemaVersion", 2),
        ("/sections", []),
        ("/sections", FULL["sections"] * 40),
        ("/sections", "A"),
        ("/sections/0/measures", 0),
        ("/sections/0/measures", 10**6),
        ("/sections/0/measures", "8"),
        ("/sections/0/measures", True),
        ("/sections/0/mood", "sad"),
        ("/sections/0/chordProgression", []),
        ("/sections/0/chordProgression", ["I"] * 5000),
        ("/sections/0/chordProgression/1", "I" * 100),
        ("/sections/0/chordProgression/1", None),
        ("/sections/0/cadence", "PERFECT"),
        ("/sections/0/dynamics", "fff"),
        ("/sections/0/harmonicFunctions/0", "relax"),
        ("/sections/0/harmonicRhythm/0", 0),
        ("/sections/0/harmonicRhythm/0", 1e-9),
        ("/sections/0/harmonicRhythm/0", float("inf")),
        ("/sections/0/melody/motifs/0/degrees/0", 22),
        ("/sections/0/melody/motifs/0/degrees/0", "x"),
        ("/sections/0/melody/motifs/0/degrees/0", 1.5),
        ("/sections/0/melody/motifs/0/degrees/0", True),
        ("/sections/0/melody/motifs/0/rhythm/0", -1),
        ("/sections/0/phrases", []),
        ("/sections/0/phrases/0/measures", 0),
        ("/sections/0/phrases/0/motif/transformation", "upside-down"),
        ("/leitmotifs/0/degrees/1", "q"),
        ("/humanize/peakBoost", 0.61),
        ("/humanize/rubato", "wild"),
        ("/character", "x" * 4001),
        ("/title", ["x"]),
    ],
)
def test_what_does_not_fit_is_named(path: str, value: Any) -> None:
    with pytest.raises(InvalidStructureError) as caught:
        read_structure(changed(path, value))
    error = caught.value
    assert error.field == path
    assert error.message
    assert error.hint
    assert len(str(error)) < 400


def test_what_is_missing_is_named() -> None:
    for name in ("key", "tempo", "timeSignature", "form", "sections"):
        data = {field: value for field, value in FULL.items() if field != name}
        with pytest.raises(InvalidStructureError) as caught:
            read_structure(data)
        assert caught.value.field == f"/{name}"
        assert "missing" in caught.value.message
