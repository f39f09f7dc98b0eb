"""How fast a structure becomes notes and MIDI, a request a structure, and how soon the command line answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from workbench.core.music.reading import read_request, read_structure
from workbench.core.music.structure import MusicStructure

ROOT = Path(__file__).resolve().parents[1]


def eighty_bars() -> MusicStructure:
    """80 bars of 4/4 in five sections: about 1,300 notes, half of them in broken chords."""
    plans = (
        ("A", "C major", ["I", "vi", "ii6", "V7", "I6", "IV", "V", "V7", "I", "V65/V", "V", "I"], "alberti"),
        ("B", "G major", ["I", "V6", "vi", "iii6", "IV", "I6", "ii65", "V7", "I"], "homophonic"),
        ("C", "a minor", ["i", "iiø65", "V", "i", "VI", "iv6", "V7", "i"], "broken"),
        ("A'", "C major", ["I", "vi", "ii6", "V7", "I6", "IV", "V", "V7", "I", "V65/V", "V", "I"], "alberti"),
        ("Coda", "C major", ["I", "IV", "V7/IV", "IV", "ii", "V7", "I"], "alberti"),
    )
    motif = {"degrees": [5, 6, 5, 4, 3, 2, 3, 1], "rhythm": [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]}
    sections = [
        {
            "name": name,
            "key": key,
            "measures": 16,
            "chordProgression": chords,
            "melody": {"motifs": [motif]},
            "texture": texture,
            "dynamics": "mf",
            "cadence": "PAC",
        }
        for name, key, chords, texture in plans
    ]
    return read_structure({"key": "C major", "tempo": 112, "timeSignature": "4/4", "form": "ABA", "sections": sections})


def _command(*arguments: str) -> Callable[[], object]:
    def call() -> object:
        command = [sys.executable, "-m", "workbench", *arguments]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    return call


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured here, and its targets in seconds."""
    from workbench.core.compose import compose, perform, realize
    from workbench.core.render.midi import midi_bytes

    structure = eighty_bars()
    count = len(realize(structure))
    request = read_request({"form": "sonata", "period": "classical", "duration": 180, "seed": 1})
    return [
        (
            f"80 bars, {count:,} notes: structure to MIDI bytes",
            lambda: midi_bytes(perform(realize(structure))),
            1 / 500,
        ),
        ("a sonata of 180 s: request to structure", lambda: compose(request), 0.25),
        ("generate --json from a cold start", _command("generate", "--json"), 2.0),
        ("--help from a cold start", _command("--help"), 0.5),
    ]
