"""A performance as sound, through the General MIDI soundfont that pretty_midi ships.

Every sound of a piece, the mix and each voice alone, has the same number of frames and the same gain, chosen so that
the mix peaks at -1.5 dBFS: voices played together are the mix, and a voice can be muted by leaving it out.
"""

from __future__ import annotations

import io
import math
import wave
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import SoundError
from workbench.core.music.score import Performance
from workbench.core.render.midi import midi_score

Samples = NDArray[np.float32]
"""Samples between -1 and 1, shape (channels, frames)."""

SoundFormat = Literal["ogg", "flac"]

SAMPLE_RATE = 32_000
TAIL = 1.5
"""Seconds after the last note for it to ring out."""

MAX_SECONDS = 1_800.0
PEAK = 10 ** (-1.5 / 20)
_QUALITY = 3  # of 0 to 4: sample interpolation; what 4 adds cannot be heard and costs half as much again
_BLOCK = 65_536  # libsndfile's Vorbis encoder overruns its stack when it is given a long piece at once
_KINDS = {"ogg": ("OGG", "VORBIS"), "flac": ("FLAC", "PCM_16")}


def synthesize(
    performance: Performance, *, voice: int | None = None, sample_rate: int = SAMPLE_RATE, stereo: bool = True
) -> Samples:
    """The sound of a performance, or of one voice of it at the gain it has in the mix.

    Args:
        performance: what to play; frame ``n`` sounds at ``n / sample_rate`` seconds of its clock.
        voice: an index into ``performance.score.voices``; the mix when None.
        sample_rate: frames a second, 8,000 to 96,000.
        stereo: two channels or one.

    Raises:
        SoundError: the piece is too long, or the synthesizer or its soundfont fails.
    """
    mix = _render(performance, None, sample_rate, stereo)
    gain = _gain(mix)
    sound = mix if voice is None else _render(performance, voice, sample_rate, stereo)
    sound *= gain
    return sound


def synthesize_voices(
    performance: Performance, *, sample_rate: int = SAMPLE_RATE, stereo: bool = False
) -> tuple[Samples, ...]:
    """The sound of each voice, in the order of ``Score.voices``; their sum is the mix."""
    sounds = [
        _render(performance, voice, sample_rate, stereo) for voice in range(len(performance.score.voices))
    ]  # fmt: skip
    if sounds:
        mix = sounds[0].copy()
        for sound in sounds[1:]:
            mix += sound
        gain = _gain(mix)
        for sound in sounds:
            sound *= gain
    return tuple(sounds)


def wav_bytes(performance: Performance, *, sample_rate: int = 44_100) -> bytes:
    """The mix as a stereo WAV file of 16 bits."""
    samples = synthesize(performance, sample_rate=sample_rate)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(samples.shape[0])
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        out.writeframes((samples.T * 32767).astype("<i2").tobytes())
    return file.getvalue()


def ogg_bytes(performance: Performance, *, voice: int | None = None, sample_rate: int = SAMPLE_RATE) -> bytes:
    """The mix (stereo) or one voice (mono) as an Ogg Vorbis file."""
    return encode(
        synthesize(performance, voice=voice, sample_rate=sample_rate, stereo=voice is None), sample_rate, "ogg"
    )


def voice_files(
    performance: Performance, *, kind: SoundFormat = "ogg", sample_rate: int = SAMPLE_RATE
) -> tuple[bytes, ...]:
    """Each voice as a mono sound file, in the order of ``Score.voices``; all of the same length.

    FLAC is written six times as fast as Vorbis, and every browser plays it, but it is five times as long: the one for
    a listener on the same machine, the other for one far away.
    """
    sounds = synthesize_voices(performance, sample_rate=sample_rate)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return tuple(pool.map(lambda sound: encode(sound, sample_rate, kind), sounds))


def encode(samples: Samples, sample_rate: int, kind: SoundFormat) -> bytes:
    """Samples as a sound file.

    Raises:
        SoundError: the encoder fails or is not installed.
    """
    container, codec = _KINDS[kind]
    file = io.BytesIO()
    try:
        import soundfile

        with soundfile.SoundFile(file, "w", sample_rate, samples.shape[0], format=container, subtype=codec) as out:
            for start in range(0, samples.shape[1], _BLOCK):
                out.write(np.ascontiguousarray(samples[:, start : start + _BLOCK].T))
    except (ImportError, OSError, RuntimeError) as problem:
        raise SoundError(
            f"The sound could not be written as {container}: {problem}.",
            hint="Run `make setup` to install the sound packages again.",
        ) from problem
    return file.getvalue()


def _render(performance: Performance, voice: int | None, sample_rate: int, stereo: bool) -> Samples:
    frames = _frames(performance, sample_rate)
    try:
        import symusic

        score = midi_score(performance)
        if voice is not None:
            score.tracks = [score.tracks[voice]]
        score = score.to("second")
        # The synthesizer stops dead at the last note's end: one more, unheard and cut off below, lets the others ring.
        silence = symusic.Track("silence", 0, False, ttype="second")
        silence.notes.append(symusic.Note(frames / sample_rate + 0.1, 0.01, 60, 1, "second"))
        score.tracks.append(silence)
        synthesizer = symusic.Synthesizer(soundfont(), sample_rate, _QUALITY)
        samples = np.asarray(synthesizer.render(score, stereo))
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as problem:
        raise SoundError(
            f"The sound could not be rendered: {problem}.",
            hint="The rest of the piece is unharmed. Run `make setup` to install the sound packages again.",
        ) from problem
    if samples.shape[1] < frames:
        samples = np.pad(samples, ((0, 0), (0, frames - samples.shape[1])))
    return np.ascontiguousarray(samples[:, :frames], np.float32)


def _frames(performance: Performance, sample_rate: int) -> int:
    if not 8_000 <= sample_rate <= 96_000:
        raise SoundError(f"A sample rate of {sample_rate} cannot be rendered.", hint="Use 8,000 to 96,000.")
    if performance.seconds > MAX_SECONDS:
        raise SoundError(
            f"The piece lasts {performance.seconds / 60:.0f} minutes; sound is rendered up to {MAX_SECONDS / 60:.0f}.",
            hint="Render its sections as pieces of their own, or take the MIDI file to a sequencer.",
        )
    return math.ceil((performance.seconds + TAIL) * sample_rate)


def _gain(mix: Samples) -> float:
    peak = float(max(mix.max(initial=0.0), -mix.min(initial=0.0)))
    return PEAK / peak if peak > 0 else 1.0


def soundfont() -> str:
    """Where the soundfont lies.

    Raises:
        SoundError: pretty_midi, or the soundfont in it, is missing.
    """
    package = find_spec("pretty_midi")
    path = Path(package.origin).with_name("TimGM6mb.sf2") if package and package.origin else None
    if path is None or not path.is_file():
        raise SoundError(
            "The soundfont TimGM6mb.sf2, which comes with pretty_midi, is missing.",
            hint="Run `make setup` to install pretty_midi again.",
        )
    return str(path)
