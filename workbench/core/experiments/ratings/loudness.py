"""How loud two sounds are, and the gains that make them equally loud: of two pieces the louder one sounds better.

Loudness is that of ITU-R BS.1770-4: K-weighted, in blocks of 400 ms of which each begins 100 ms after the last, without
those that are nearly silent, in LUFS. The K-weighting is applied to the power spectrum of each block.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import SoundError

CEILING = -1.0
"""The highest peak after the gain, in dB below full scale; samples are looked at, not what is between them."""
LEVEL = -18.0
"""The loudness that both are brought to, in LUFS, where no peak is in the way."""

_BLOCK, _STEP = 0.4, 0.1
_SILENCE, _RELATIVE, _OFFSET = -70.0, -10.0, -0.691
_AT_ONCE = 512

Floats = NDArray[np.float64]


class Gains(NamedTuple):
    """Factors for both sounds, and the loudness that both then have, in LUFS (None where both are silent)."""

    first: float
    second: float
    level: float | None


def matching_gains(
    first: NDArray[Any], second: NDArray[Any], sample_rate: int, *, level: float = LEVEL, ceiling: float = CEILING
) -> Gains:
    """The gains at which two sounds are equally loud and neither clips. A silent one keeps a gain of 1.

    Args:
        first: shape (channels, frames) or (frames,), as floats between -1 and 1 or as integers.
        second: likewise.
        sample_rate: frames a second, of both.
        level: the loudness to bring them to, in LUFS; it is lower where a peak would exceed the ceiling.
        ceiling: the highest peak, in dBFS, 0 or less.

    Raises:
        SoundError: not one or two channels of finite samples, or numbers out of range.
    """
    if not (np.isfinite(level) and np.isfinite(ceiling) and ceiling <= 0):
        raise SoundError("The level or ceiling is no number of decibels.", hint="Take -18 and -1.")
    sounds = [_samples(first), _samples(second)]
    loud = [loudness(sound, sample_rate) for sound in sounds]
    heard = [
        each + ceiling - 20 * float(np.log10(np.abs(sound).max()))
        for each, sound in zip(loud, sounds, strict=True)
        if np.isfinite(each)
    ]
    if not heard:
        return Gains(1.0, 1.0, None)
    to = min(level, *heard)
    one, two = (10 ** ((to - each) / 20) if np.isfinite(each) else 1.0 for each in loud)
    return Gains(one, two, to)


def loudness(samples: NDArray[Any], sample_rate: int) -> float:
    """The integrated loudness in LUFS; minus infinity where it is silent, or nearly so throughout.

    One channel counts as two alike, since that is how it is played. A sound of under 400 ms is one block.

    Raises:
        SoundError: as ``matching_gains``.
    """
    sound = _samples(samples)
    if not 8_000 <= sample_rate <= 192_000:
        raise SoundError("The sample rate is out of range.", hint="Take 8,000 to 192,000 frames a second.")
    powers = _block_powers(sound, sample_rate)
    levels = _decibels(powers)
    kept = powers[levels > _SILENCE]
    if not kept.size:
        return -np.inf
    kept = kept[_decibels(kept) > float(_decibels(kept.mean())) + _RELATIVE]
    return float(_decibels(kept.mean()))


def _decibels(power: Floats | float) -> Floats:
    return np.asarray(_OFFSET + 10 * np.log10(np.maximum(power, 1e-300)))


def _block_powers(sound: Floats, sample_rate: int) -> Floats:
    """The K-weighted mean square of each block, summed over channels."""
    size, step = round(_BLOCK * sample_rate), round(_STEP * sample_rate)
    if sound.shape[1] < size:
        size = sound.shape[1]
    blocks = np.lib.stride_tricks.sliding_window_view(sound, size, axis=1)[:, ::step]
    weights = _k_weighting(np.fft.rfftfreq(size, 1 / sample_rate), sample_rate) / size**2
    weights[1 : (size + 1) // 2] *= 2  # each of these stands for a negative frequency, too
    parts = [
        (np.abs(np.fft.rfft(blocks[:, at : at + _AT_ONCE], axis=2)) ** 2 @ weights).sum(axis=0)
        for at in range(0, blocks.shape[1], _AT_ONCE)
    ]
    return np.asarray(np.concatenate(parts) * (2 / sound.shape[0]))


def _k_weighting(frequencies: NDArray[np.floating[Any]], sample_rate: int) -> Floats:
    """The power gain of BS.1770's two filters, a high shelf and a high pass, at any sample rate.

    Their analogue values are those that give the standard's coefficients at 48 kHz (De Man 2014, "Evaluation of
    implementations of the EBU R128 loudness measurement").
    """
    turn = np.exp(-2j * np.pi * frequencies / sample_rate)
    k, q = np.tan(np.pi * 1681.974450955533 / sample_rate), 0.7071752369554196
    high = 10 ** (3.999843853973347 / 20)
    band = high**0.4996667741545416
    shelf = _biquad(turn, high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k, k, q)
    k, q = np.tan(np.pi * 38.13547087602444 / sample_rate), 0.5003270373238773
    scale = 1 + k / q + k * k
    return np.asarray(shelf * _biquad(turn, scale, -2 * scale, scale, k, q))


def _biquad(turn: NDArray[np.complex128], b0: float, b1: float, b2: float, k: float, q: float) -> Floats:
    below = (1 + k / q + k * k) + 2 * (k * k - 1) * turn + (1 - k / q + k * k) * turn**2
    return np.asarray(np.abs((b0 + b1 * turn + b2 * turn**2) / below) ** 2)


def _samples(samples: NDArray[Any]) -> Floats:
    """Shape (channels, frames), full scale 1."""
    given = np.asarray(samples)
    if given.dtype.kind not in "fiu" or given.ndim not in (1, 2) or not given.size:
        raise SoundError("There is no sound in this.", hint="Give one or two channels of samples.")
    sound = np.atleast_2d(given).astype(np.float64)
    if sound.shape[0] > 2:
        raise SoundError("A sound has one or two channels.", hint="Give an array of channels by frames.")
    if given.dtype.kind == "i":
        sound /= -float(np.iinfo(given.dtype).min)
    elif given.dtype.kind == "u":
        half = (np.iinfo(given.dtype).max + 1) / 2
        sound = sound / half - 1
    if not np.isfinite(sound).all():
        raise SoundError("A sample is not a finite number.", hint="Render the sound again.")
    return sound
