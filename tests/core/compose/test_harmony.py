"""Phrases are harmonized by function, quicken to their cadence and close as told."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose.harmony import in_mode, phrase_harmony, sequenced
from workbench.core.compose.progressions import COMMON, EXTRA, FORMULAS, SEQUENCES
from workbench.core.music.cadences import CadenceType
from workbench.core.music.forms import PERIODS
from workbench.core.music.keys import Mode
from workbench.core.music.meters import TIME_SIGNATURES, meter_of
from workbench.core.music.numerals import parse_numeral

MODES: tuple[Mode, ...] = ("major", "minor")


@given(
    st.integers(1, 12),
    st.sampled_from(MODES),
    st.sampled_from(TIME_SIGNATURES),
    st.sampled_from(PERIODS),
    st.sampled_from([None, *get_args(CadenceType)]),
    st.sampled_from(["antecedent", "continuation", "fortspinnung", "contrasting", "standing-on-the-dominant"]),
    st.floats(0.3, 6),
    st.integers(),
)
def test_chords_fill_the_phrase_and_can_all_be_read(
    bars: int,
    mode: Mode,
    signature: str,
    period: str,
    cadence: CadenceType | None,
    role: str,
    seconds: float,
    seed: int,
) -> None:
    meter = meter_of(signature)
    harmony = phrase_harmony(bars, mode, meter, period, role, cadence, seconds, 1.8, random.Random(seed))
    assert sum(harmony.lengths) == bars * meter.bar
    assert min(harmony.lengths) > 0
    for figure in harmony.figures:
        parse_numeral(figure, mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("seed", range(12))
def test_each_cadence_is_spelled_as_its_type_demands(mode: Mode, period: str, seed: int) -> None:
    def close(cadence: CadenceType) -> tuple[str, str]:
        harmony = phrase_harmony(4, mode, meter_of("4/4"), period, "phrase", cadence, 2.4, 2.0, random.Random(seed))
        before, last = harmony.figures[-2:]
        return before, last

    tonic = "i" if mode == "minor" else "I"
    assert close("HC")[1] == "V"
    before, last = close("PAC")
    assert (before in {"V", "V7", "V9"}, last) == (True, tonic)
    assert close("DC")[1] == ("VI" if mode == "minor" else "vi")
    assert close("PICARDY")[1] == "I"
    before, last = close("PC")
    assert (before.upper(), last) == ("IV", tonic)
    before, last = close("IAC")
    assert (before[0], last) == ("V", tonic)


def test_harmony_quickens_towards_the_cadence() -> None:
    meter = meter_of("4/4")
    quicker = 0
    for seed in range(60):
        lengths = phrase_harmony(
            4, "major", meter, "classical", "antecedent", "PAC", 2.0, 1.9, random.Random(seed)
        ).lengths
        quicker += min(lengths[-3:-1]) < max(lengths[:2])
    assert quicker > 45


def test_dominants_resolve_inside_a_phrase() -> None:
    resolved = left = 0
    for seed in range(200):
        harmony = phrase_harmony(
            8, "major", meter_of("4/4"), "romantic", "antecedent", "PAC", 2.0, 1.5, random.Random(seed)
        )
        for before, after in pairwise(harmony.figures):
            chord, following = parse_numeral(before, "major"), parse_numeral(after, "major")
            if chord.target is not None:
                kept = following.degree == chord.target or following.target == chord.target
                resolved += kept
                left += not kept
    assert resolved > 20 * left


def test_progressions_vary_with_the_seed_and_stay_with_it() -> None:
    def figures(seed: int) -> tuple[str, ...]:
        return phrase_harmony(
            8, "minor", meter_of("3/4"), "classical", "antecedent", "HC", 1.8, 1.8, random.Random(seed)
        ).figures

    assert figures(5) == figures(5)
    assert len({figures(seed) for seed in range(30)}) > 25


def test_every_table_holds_numerals_that_exist_in_their_mode() -> None:
    rows = [COMMON, *EXTRA.values()]
    names = {figure for table in rows for figure in table}
    names |= {figure for table in rows for row in table.values() for figure in row}
    names |= {figure for kinds in FORMULAS.values() for row in kinds.values() for chords, _ in row for figure in chords}
    for figure in names:
        parse_numeral(figure, "major")
    for figure in in_mode(sorted(names), "minor"):
        parse_numeral(figure, "minor")
    for mode in MODES:
        for run in SEQUENCES[mode]:
            for figure in run:
                parse_numeral(figure, mode)


def test_changing_mode_and_back_keeps_function() -> None:
    figures = ("I", "vi", "ii6", "V7", "I")
    minor = in_mode(figures, "minor")
    assert minor == ("i", "VI", "iio6", "V7", "i")
    assert in_mode(minor, "major") == figures


def test_a_sequence_tonicizes_its_new_degree() -> None:
    assert sequenced(("I", "V7", "I6"), "major", 1) == ("ii", "V7/ii", "ii6")
    assert sequenced(("i", "viio6", "i"), "minor", -1)[1] == "viio6/III"
