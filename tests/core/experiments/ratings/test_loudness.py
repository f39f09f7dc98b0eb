from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.core.errors import SoundError
from workbench.core.experiments.ratings.loudness import loudness, matching_gains

RATE = 32_000


def sine(hertz: float, peak: float = 1.0, seconds: float = 2.0, rate: int = RATE) -> NDArray[np.float64]:
    return peak * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def stereo(left: NDArray[np.float64], right: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    return np.stack([left, np.zeros_like(left) if right is None else right])


@pytest.mark.parametrize("rate", [32_000, 44_100, 48_000])
def test_a_full_tone_at_997_hertz_in_one_channel_is_at_minus_3_01(rate: int) -> None:
    """ITU-R BS.1770-4, annex 1."""
    assert loudness(stereo(sine(997, rate=rate)), rate) == pytest.approx(-3.01, abs=0.02)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (((20, -23.0),), -23.0),
        (((20, -33.0),), -33.0),
        (((10, -36.0), (60, -23.0), (10, -36.0)), -23.0),
        (((10, -72.0), (10, -36.0), (60, -23.0), (10, -36.0), (10, -72.0)), -23.0),
        (((20.0, -26.0), (20.1, -20.0), (20.0, -26.0)), -23.0),
    ],
)
def test_the_gates_are_those_of_the_broadcasters(parts: tuple[tuple[float, float], ...], expected: float) -> None:
    """EBU Tech 3341, tests 1 to 5: stereo tones of 1,000 Hz, to 0.1 LU."""
    tone = np.concatenate([sine(1000, 10 ** (level / 20), seconds, 8_000) for seconds, level in parts])
    assert loudness(stereo(tone, tone), 8_000) == pytest.approx(expected, abs=0.1)


def test_low_tones_are_less_loud_than_high_ones_at_the_same_level() -> None:
    low, middle, high = (loudness(sine(hertz), RATE) for hertz in (40, 997, 4_000))
    assert low < middle - 3
    assert high > middle + 2


def test_one_channel_is_as_loud_as_two_alike() -> None:
    tone = sine(440, 0.3)
    assert loudness(tone, RATE) == pytest.approx(loudness(stereo(tone, tone), RATE), abs=1e-9)


def test_gains_make_a_soft_and_a_loud_sound_equal() -> None:
    soft, loud = stereo(sine(440, 0.01), sine(440, 0.02)), stereo(sine(880, 0.9), sine(300, 0.5))
    gains = matching_gains(soft, loud, RATE)
    assert gains.level == -18.0
    assert loudness(soft * gains.first, RATE) == pytest.approx(loudness(loud * gains.second, RATE), abs=0.01)


def test_a_sound_with_high_peaks_holds_both_down() -> None:
    clicks = np.zeros(2 * RATE)
    clicks[::4_000] = 1.0
    gains = matching_gains(clicks, sine(440, 0.5), RATE)
    assert gains.level is not None
    assert gains.level < -18
    assert np.abs(clicks * gains.first).max() == pytest.approx(10 ** (-1 / 20))
    assert loudness(clicks * gains.first, RATE) == pytest.approx(loudness(sine(440, 0.5) * gains.second, RATE), abs=0.1)


def test_silence_is_left_alone() -> None:
    tone, nothing = sine(440, 0.5), np.zeros(RATE)
    assert loudness(nothing, RATE) == -np.inf
    gains = matching_gains(nothing, tone, RATE)
    assert gains.first == 1.0
    assert loudness(tone * gains.second, RATE) == pytest.approx(-18, abs=0.01)
    assert matching_gains(nothing, nothing, RATE) == (1.0, 1.0, None)


def test_integers_are_read_at_their_full_scale() -> None:
    whole = np.round(sine(440, 0.5) * 32768).astype(np.int16)
    assert loudness(whole, RATE) == pytest.approx(loudness(sine(440, 0.5), RATE), abs=0.01)
    above = (np.round(sine(440, 0.5) * 128) + 128).astype(np.uint8)
    assert loudness(above, RATE) == pytest.approx(loudness(sine(440, 0.5), RATE), abs=0.1)


@given(st.floats(1e-3, 1), st.floats(1e-3, 1), st.floats(60, 3_000), st.integers(1, 6_000))
def test_both_end_equally_loud_and_under_the_ceiling(one: float, two: float, hertz: float, frames: int) -> None:
    first = sine(hertz, one, 0.5, 8_000)
    rng = np.random.default_rng(frames)
    second = rng.normal(0, 0.2, 4_000) * two
    gains = matching_gains(first, second, 8_000)
    ceiling = 10 ** (-1 / 20) + 1e-9
    assert np.abs(first * gains.first).max() <= ceiling
    assert np.abs(second * gains.second).max() <= ceiling
    assert loudness(first * gains.first, 8_000) == pytest.approx(loudness(second * gains.second, 8_000), abs=0.2)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(0), np.zeros((3, 100)), np.zeros((1, 2, 3)), np.array(["a"]), np.array([0.1, np.nan]), np.array([1j])],
    ids=["empty", "three-channels", "three-dimensions", "text", "nan", "complex"],
)
def test_what_is_no_sound_is_refused(samples: NDArray[np.generic]) -> None:
    with pytest.raises(SoundError):
        matching_gains(samples, np.ones(100), RATE)


def test_numbers_out_of_range_are_refused() -> None:
    for options in ({"ceiling": 1.0}, {"ceiling": np.nan}, {"level": np.inf}):
        with pytest.raises(SoundError):
            matching_gains(sine(440), sine(440), RATE, **options)
    with pytest.raises(SoundError):
        loudness(sine(440), 10)
