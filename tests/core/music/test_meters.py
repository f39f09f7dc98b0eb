"""Eight time signatures, their beats, and exact time."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.music.meters import DIVISIONS, TIME_SIGNATURES, divisions, meter_of, plain_quarters, quarters

BEATS = {"2/4": 2, "3/4": 3, "4/4": 4, "2/2": 2, "3/8": 3, "6/8": 2, "9/8": 3, "12/8": 4}


@pytest.mark.parametrize("name", TIME_SIGNATURES)
def test_bars_and_beats(name: str) -> None:
    meter = meter_of(name)
    over, under = (int(part) for part in name.split("/"))
    assert meter.bar_quarters == 4 * over / under
    assert meter.beats == BEATS[name]
    assert meter.beat * meter.beats == meter.bar
    assert meter.compound == (name in {"6/8", "9/8", "12/8"})


@pytest.mark.parametrize("name", TIME_SIGNATURES)
def test_the_downbeat_is_the_heaviest(name: str) -> None:
    meter = meter_of(name)
    weights = [meter.weight(position) for position in range(0, meter.bar, DIVISIONS // 4)]
    assert weights[0] == 1.0 > max(weights[1:])
    assert meter.weight(meter.bar) == 1.0
    assert meter.weight(1) == 0.1


def test_the_middle_of_four_is_the_second_heaviest() -> None:
    for name in ("4/4", "12/8"):
        meter = meter_of(name)
        assert meter.weight(meter.bar // 2) > meter.weight(meter.beat)


@pytest.mark.parametrize(
    ("length", "exact"),
    [
        (0.33, Fraction(1, 3)),
        (0.333, Fraction(1, 3)),
        (0.6667, Fraction(2, 3)),
        (0.2, Fraction(1, 5)),
        (1 / 7, Fraction(1, 7)),
        (0.0625, Fraction(1, 16)),
        (1.5, Fraction(3, 2)),
        (64, Fraction(64)),
    ],
)
def test_lengths_are_taken_for_what_they_mean(length: float, exact: Fraction) -> None:
    assert quarters(divisions(length)) == exact


@given(st.fractions(min_value=Fraction(1, 16), max_value=16, max_denominator=16))
def test_what_is_written_reads_back(length: Fraction) -> None:
    value = divisions(float(length))
    assert divisions(plain_quarters(value)) == value


def test_whole_quarters_are_written_without_a_point() -> None:
    assert repr(plain_quarters(2 * DIVISIONS)) == "2"
    assert plain_quarters(DIVISIONS // 2) == 0.5
