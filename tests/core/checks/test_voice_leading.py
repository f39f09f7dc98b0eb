"""The checks that listen to voices, on notes that are doctored to be wrong."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from tests.core.checks.music import good, plain
from workbench.core.checks import all_checks
from workbench.core.checks.piece import Piece
from workbench.core.checks.profiles import PROFILES
from workbench.core.compose import realize
from workbench.core.music.score import Score
from workbench.core.music.structure import MusicStructure

CHECKS = {each.id: each for each in all_checks()}


def _said(id: str, structure: MusicStructure, score: Score) -> list[Any]:
    class Doctored(Piece):
        @cached_property
        def score(self) -> Score:  # type: ignore[override]
            return score

    return list(CHECKS[id].look(Doctored(structure, PROFILES["classical"], None, None)))


def _with_skeleton(rows: list[list[int]], chords: list[str], **more: Any) -> tuple[MusicStructure, Score]:
    phrase = {"measures": len(chords), "chords": chords}
    structure = plain(chords, measures=len(chords), section={"phrases": [phrase]}, **more)
    return structure, replace(realize(structure), skeleton=np.array(rows, np.int32))


FAILING = {
    "voice-leading.parallels-inner": _with_skeleton([[72, 60, 55, 48], [74, 62, 57, 50]], ["I", "ii"]),
    "voice-leading.crossing": _with_skeleton([[72, 55, 60, 48], [72, 60, 55, 48]], ["I", "I"]),
    "voice-leading.tune-on-top": _with_skeleton([[55, 64, 55, 48], [55, 64, 55, 48]], ["I", "I6"]),
    "voice-leading.leading-tone": _with_skeleton([[74, 62, 55, 47], [72, 60, 55, 52]], ["V6", "I6"]),
    "voice-leading.sevenths": _with_skeleton([[71, 65, 62, 55], [72, 67, 60, 48]] * 4, ["V7", "I"] * 4),
    "voice-leading.doubled-leading-tone": _with_skeleton([[74, 71, 59, 55], [72, 64, 55, 48]], ["V", "I"]),
    "voice-leading.bass-leaps": _with_skeleton([[72, 64, 55, 36], [74, 65, 59, 55]] * 6, ["I", "V"] * 6),
}


def _parallel_tune() -> tuple[MusicStructure, Score]:
    chords = ["I", "ii", "iii", "IV", "V", "vi", "V", "IV"]
    structure = plain(chords, measures=8, section={"phrases": [{"measures": 8, "chords": chords}]})
    score = realize(structure)
    notes = np.array([67, 69, 71, 72, 74, 76, 74, 72])
    tune = score.voice == 0
    midi = score.midi.copy()
    midi[tune] = notes[(score.onset[tune] // score.meter.bar)]
    bass = [48, 50, 52, 53, 55, 57, 55, 53]
    skeleton = np.array([[a, 64, 60, b] for a, b in zip(notes, bass, strict=True)], np.int32)
    return structure, replace(score, midi=midi, skeleton=skeleton)


def _clashing() -> tuple[MusicStructure, Score]:
    structure = plain(["I"] * 8, measures=8)
    score = realize(structure)
    midi = np.where(score.voice == 0, 71, np.where(score.voice == 3, 48, 60)).astype(np.int32)
    return structure, replace(score, midi=midi)


def _too_low() -> tuple[MusicStructure, Score]:
    structure = plain(["I", "V", "I"], instrumentation="flute and piano")
    score = realize(structure)
    return structure, replace(score, midi=np.where(score.voice == 0, score.midi - 24, score.midi).astype(np.int32))


FAILING |= {
    "voice-leading.parallels-outer": _parallel_tune(),
    "voice-leading.clashes": _clashing(),
    "voice-leading.ranges": _too_low(),
}


def test_every_check_of_voices_has_its_wrong_notes() -> None:
    assert set(FAILING) == {id for id in CHECKS if id.startswith("voice-leading.")}


@pytest.mark.parametrize("id", sorted(FAILING))
def test_it_hears_what_is_wrong(id: str) -> None:
    assert _said(id, *FAILING[id])


@pytest.mark.parametrize("id", sorted(FAILING))
def test_it_is_content_with_the_realized_theme(id: str) -> None:
    structure = good()
    assert not _said(id, structure, realize(structure))


def test_a_long_piece_takes_memory_by_its_notes_and_not_by_notes_times_bars() -> None:
    bars = 1000
    section = {"name": "A", "key": "C major", "measures": bars, "chordProgression": ["I", "V"]}
    structure = MusicStructure.model_validate(
        {**plain(["I"]).to_dict(), "sections": [{**section, "name": f"{number}"} for number in range(3)]}
    )
    score = realize(structure)
    tracemalloc.start()
    try:
        _said("voice-leading.clashes", structure, score)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
