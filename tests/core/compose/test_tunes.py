"""Tunes sit on their harmony, keep their motif and close as the cadence demands."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose.tunes import Slot, TuneTask, chord_table, tune_chords, write_tune, written
from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Mode
from workbench.core.music.meters import DIVISIONS, meter_of
from workbench.core.music.numerals import parse_numeral

QUARTER = DIVISIONS
METER = meter_of("4/4")


def _task(figures: list[str], cadence: CadenceType | None, mode: Mode = "major", **more: object) -> TuneTask:
    """Four quarters over each chord."""
    slots = tuple(Slot((bar * 4 + beat) * QUARTER, QUARTER, bar) for bar in range(len(figures)) for beat in range(4))
    return TuneTask(mode, METER, tune_chords(figures, mode), slots, cadence, -3, 10, **more)  # type: ignore[arg-type]


def _line(task: TuneTask, seed: int = 0) -> list[int]:
    return [position for position in write_tune(task, np.random.default_rng(seed)) if position is not None]


@pytest.mark.parametrize("seed", range(10))
def test_strong_beats_are_chord_tones_and_dissonances_move_by_step(seed: int) -> None:
    task = _task(["I", "IV", "V7", "I"], "PAC")
    line = _line(task, seed)
    for index, position in enumerate(line[:-1]):
        table = chord_table(task.chords[index // 4])
        if not table.member[position + 14]:
            assert index % 4 != 0, "a downbeat is consonant"
            assert abs(line[index + 1] - position) == 1


@pytest.mark.parametrize(("cadence", "last", "ends"), [
    ("PAC", "I", {0}), ("HC", "V", {1, 4, 6}), ("IAC", "I", {2, 4}), ("DC", "vi", {0, 2}),
])  # fmt: skip
def test_the_arrival_is_what_the_cadence_demands(cadence: CadenceType, last: str, ends: set[int]) -> None:
    for seed in range(8):
        line = _line(_task(["I", "ii6", "V7", last], cadence), seed)
        assert line[12] % 7 in ends


def test_the_bass_is_not_shadowed_in_fifths_or_octaves() -> None:
    for seed in range(12):
        task = _task(["I", "ii", "iii", "IV", "V", "vi", "V", "I"], None)
        line = _line(task, seed)
        for bar in range(7):
            before, after = chord_table(task.chords[bar]), chord_table(task.chords[bar + 1])
            first = (before.semitones[line[bar * 4 + 3] + 14] - before.bass) % 12
            second = (after.semitones[line[bar * 4 + 4] + 14] - after.bass) % 12
            assert not (first == second and first in (0, 7))


def test_a_given_contour_is_followed() -> None:
    wish = [None, 1, 1, -2]
    slots = tuple(
        Slot(beat * QUARTER, QUARTER, 0, True, wish[beat], 0 if beat == 0 else None, 3.0) for beat in range(4)
    )
    task = TuneTask("major", METER, tune_chords(["I"], "major"), slots, None, -3, 10)
    assert _line(task) == [0, 1, 2, 0]


def test_the_climax_reaches_the_top_near_its_place() -> None:
    task = _task(["I", "vi", "ii6", "V7", "I"], "PAC", climax=True, peak=0.6)
    line = _line(task, 3)
    top = max(line)
    assert top >= 9
    assert 0.3 < line.index(top) / len(line) < 0.85


def test_rests_stay_rests() -> None:
    task = _task(["I", "I"], None)
    slots = tuple(slot._replace(sounding=index != 3) for index, slot in enumerate(task.slots))
    line = write_tune(task._replace(slots=slots), np.random.default_rng(1))
    assert [index for index, position in enumerate(line) if position is None] == [3]
    assert written(task._replace(slots=slots), line)[0][3] == 0


def test_leading_tones_are_written_raised_in_minor() -> None:
    slots = (Slot(0, QUARTER, 0, True, None, 6, 9.0), Slot(QUARTER, QUARTER, 1, True, None, 7, 9.0))
    task = TuneTask("minor", METER, tune_chords(["V7", "i"], "minor"), slots, "PAC", -3, 10)
    line = write_tune(task, np.random.default_rng(0))
    assert written(task, line)[0] == ("#7", 8)


def test_a_rising_sixth_and_seventh_take_melodic_minor() -> None:
    positions = (4, 5, 6, 7)
    slots = tuple(Slot(beat * QUARTER, QUARTER, 0, True, None, place, 20.0) for beat, place in enumerate(positions))
    task = TuneTask("minor", METER, tune_chords(["i"], "minor"), slots, None, -3, 10)
    assert written(task, positions)[0] == (5, "#6", "#7", 8)
    assert written(task, positions[::-1])[0] == (8, 7, 6, 5)


@given(st.lists(st.sampled_from(["I", "V65", "ii6", "viio7/V", "N6", "Ger65", "V7"]), min_size=1, max_size=6))
def test_any_harmony_gets_a_singable_line(figures: list[str]) -> None:
    line = _line(_task(figures, None))
    assert all(-3 <= position <= 10 for position in line)
    assert all(abs(after - before) <= 8 for before, after in pairwise(line))


def test_chord_tables_alter_letters_as_the_chord_does() -> None:
    table = chord_table(parse_numeral("V7/V", "major"))
    assert table.fifths[3 + 14] == 6  # the fourth degree is raised
    assert table.member[3 + 14]
    assert table.semitones[7 + 14] - table.semitones[0 + 14] == 12
