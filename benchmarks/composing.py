"""How fast a structure becomes notes and MIDI, a request a structure, and how soon the command line answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.reading import read_request
from workbench.core.music.structure import MusicStructure

ROOT = Path(__file__).resolve().parents[1]


def eighty_bars(count: int = 24) -> list[MusicStructure]:
    """Pieces of about 80 bars and 1,300 notes over all forms and periods, with their tunes written out."""
    from workbench.core.compose import compose, realize

    pieces: list[MusicStructure] = []
    seed = 0
    while len(pieces) < count:
        seed += 1
        request = {
            "form": FORM_IDS[seed % len(FORM_IDS)],
            "period": PERIODS[seed % len(PERIODS)],
            "timeSignature": ("4/4", "12/8", "2/2", "9/8")[seed // 4 % 4],
            "arousal": 0.5 + seed % 5 / 10,
            "valence": (seed % 7 - 3) / 4,
            "tempo": 120,
            "duration": 80 * (4, 6, 4, 4.5)[seed // 4 % 4] / 2,
            "seed": seed,
        }
        piece = compose(read_request(request))
        if 1100 <= len(realize(piece)) <= 1500:
            pieces.append(piece)
    return pieces


def _command(*arguments: str) -> Callable[[], object]:
    def call() -> object:
        command = [sys.executable, "-m", "workbench", *arguments]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    return call


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured here, and its targets in seconds."""
    from workbench.core.compose import compose, perform, realize
    from workbench.core.render.midi import midi_bytes

    pieces = eighty_bars()
    count = sum(len(realize(piece)) for piece in pieces) // len(pieces)
    turn = cycle(pieces)
    request = read_request({"form": "sonata", "period": "classical", "duration": 180, "seed": 1})
    return [
        (
            f"80 bars, {count:,} notes: structure to MIDI bytes ({len(pieces)} pieces in turn)",
            lambda: midi_bytes(perform(realize(next(turn)))),
            1 / 500,
        ),
        ("a sonata of 180 s: request to structure", lambda: compose(request), 0.25),
        ("generate --json from a cold start", _command("generate", "--json"), 2.0),
        ("--help from a cold start", _command("--help"), 0.5),
    ]
