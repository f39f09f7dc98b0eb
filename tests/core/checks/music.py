"""Music to check: a real theme, and ways to break it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from workbench.core.music.reading import read_structure
from workbench.core.music.structure import MusicStructure

Break = Callable[[dict[str, Any]], object]

_RHYTHM = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]


def _phrase(
    role: str, cadence: str, chords: list[str], beats: list[float], close: list[Any], rhythm: list[float]
) -> Any:
    return {
        "label": "a",
        "role": role,
        "measures": 4,
        "cadence": cadence,
        "chords": chords,
        "chordBeats": beats,
        "motif": {"ref": "m1"},
        "melody": {"degrees": [3, 3, 4, 5, 5, 4, 3, 2, 1, 1, 2, 3, *close], "rhythm": [*_RHYTHM, *rhythm]},
    }


def _theme(name: str, role: str, dynamics: str) -> dict[str, Any]:
    """The theme of Beethoven's op. 125, fourth movement: a period, its antecedent open and its consequent closed."""
    antecedent = _phrase("antecedent", "HC", ["I", "V7", "I", "V"], [4, 4, 4, 4], [3, 2, 2], [1.5, 0.5, 2])
    consequent = _phrase(
        "consequent", "PAC", ["I", "V7", "I", "I64", "V7", "I"], [4, 4, 4, 1, 1, 2], [2, 1, 1], [1.5, 0.5, 2]
    )
    return {
        "name": name,
        "role": role,
        "key": "D major",
        "measures": 8,
        "chordProgression": antecedent["chords"] + consequent["chords"],
        "harmonicRhythm": antecedent["chordBeats"] + consequent["chordBeats"],
        "melody": {"motifs": [{"degrees": [3, 3, 4, 5, 5, 4, 3, 2], "rhythm": [1] * 8}]},
        "dynamics": dynamics,
        "texture": "homophonic",
        "cadence": "PAC",
        "phrases": [antecedent, consequent],
    }


def _middle() -> dict[str, Any]:
    """A contrasting middle in the submediant, in the same spirit."""
    first = {
        "label": "b",
        "role": "presentation",
        "measures": 4,
        "cadence": None,
        "chords": ["i", "V65", "i", "iv"],
        "chordBeats": [4, 4, 4, 4],
        "motif": {"ref": "m1"},
        "melody": {
            "degrees": [5, 4, 3, 1, 2, 4, 3, 2, 3, 5, 4, 3, 4, 6, 8, 6],
            "rhythm": [1, 0.5, 0.5, 2, 1, 0.5, 0.5, 2, 1, 0.5, 0.5, 2, 1, 1, 1, 1],
        },
    }
    second = {
        "label": "c",
        "role": "continuation",
        "measures": 4,
        "cadence": "PAC",
        "chords": ["VI", "iio6", "V7", "i"],
        "chordBeats": [4, 4, 4, 4],
        "motif": {"ref": "m1", "transformation": "fragmentation"},
        "melody": {
            "degrees": [8, 6, 5, 3, 4, 4, 6, 2, 4, 3, 2, "#7", 1, 0],
            "rhythm": [1, 0.5, 0.5, 2, 2, 1, 0.5, 0.5, 1, 0.5, 0.5, 2, 3, 1],
        },
    }
    return {
        "name": "B",
        "role": "contrast",
        "key": "b minor",
        "measures": 8,
        "chordProgression": first["chords"] + second["chords"],
        "melody": {"motifs": [{"degrees": [5, 4, 3, 1], "rhythm": [1, 0.5, 0.5, 2]}]},
        "dynamics": "p",
        "texture": "broken-chord",
        "cadence": "PAC",
        "phrases": [first, second],
    }


GOOD: dict[str, Any] = {
    "title": "On a theme from op. 125",
    "key": "D major",
    "tempo": 120,
    "timeSignature": "4/4",
    "form": "ABA",
    "period": "classical",
    "sections": [_theme("A", "theme", "mf"), _middle(), _theme("A'", "return", "f")],
    "leitmotifs": [
        {"tag": "joy", "degrees": [3, 3, 4, 5], "rhythm": [1, 1, 1, 1], "transformations": ["theme", "inversion"]}
    ],
    "humanize": {"rubato": "subtle", "velocityCurve": "phrase", "peakBoost": 0.2, "phraseEndSoftness": 0.3},
    "instrumentation": "piano",
}


def good() -> MusicStructure:
    """The theme as it should be."""
    return read_structure(GOOD)


def broken(change: Break) -> MusicStructure:
    """The theme with something broken."""
    data = copy.deepcopy(GOOD)
    change(data)
    return read_structure(data)


def plain(chords: list[str], *, key: str = "C major", measures: int = 4, **more: Any) -> MusicStructure:
    """One section without phrases."""
    section = {"name": "A", "key": key, "measures": measures, "chordProgression": chords}
    data = {"key": key, "tempo": 100, "timeSignature": "4/4", "form": "song", "sections": [section]}
    section |= more.pop("section", {})
    return read_structure(data | more)
