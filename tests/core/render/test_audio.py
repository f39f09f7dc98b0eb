import io
import wave

import numpy as np
import pytest
from handmade import TRIO, build, play

from workbench.core.errors import SoundError
from workbench.core.music.score import Score
from workbench.core.render import audio


def test_the_mix_peaks_just_below_full_scale(tune: Score):
    samples = audio.synthesize(play(tune))
    assert samples.dtype == np.float32
    assert samples.shape[0] == 2
    assert 0.8 < abs(samples).max() < 0.86


def test_voices_played_together_are_the_mix():
    performance = play(build(["E5:2 F5:2", "A4:4", "C3:4"], voices=TRIO, tempo=160))
    mix = audio.synthesize(performance, stereo=False)
    voices = audio.synthesize_voices(performance)
    assert {voice.shape for voice in voices} == {mix.shape}
    assert np.allclose(sum(voices), mix, atol=1e-4)
    assert np.allclose(audio.synthesize(performance, voice=2, stereo=False), voices[2], atol=1e-5)


def test_the_last_note_rings_out_and_ends_in_silence(tune: Score):
    performance = play(tune, tempo=200)
    samples = audio.synthesize(performance, sample_rate=16_000)
    end = int(performance.seconds * 16_000)
    assert samples.shape[1] == end + 24_000
    assert abs(samples[:, end : end + 800]).max() > 0.001
    assert abs(samples[:, -160:]).max() < 0.001


def test_a_silent_piece_is_silence():
    assert abs(audio.synthesize(play(build(["r:4"])))).max() == 0


def test_wav_is_sixteen_bit_stereo(tune: Score):
    with wave.open(io.BytesIO(audio.wav_bytes(play(tune)))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 44_100)
        assert file.getnframes() == int(np.ceil((10 + 1.5) * 44_100))


@pytest.mark.parametrize("kind", ["ogg", "flac"])
def test_voice_files_are_all_as_long_as_each_other(tune: Score, kind):
    import soundfile

    infos = [soundfile.info(io.BytesIO(data)) for data in audio.voice_files(play(tune), kind=kind)]
    assert {(info.frames, info.samplerate, info.channels) for info in infos} == {(368_000, 32_000, 1)}


def test_ogg_holds_the_mix(tune: Score):
    import soundfile

    data, rate = soundfile.read(io.BytesIO(audio.ogg_bytes(play(tune))))
    assert (rate, data.shape[1]) == (32_000, 2)
    assert abs(data).max() < 1


def test_hours_of_sound_are_refused_with_a_way_out(tune: Score):
    with pytest.raises(SoundError, match="lasts 60 minutes") as caught:
        audio.synthesize(play(tune, tempo=16 / 60))
    assert caught.value.hint


def test_a_missing_soundfont_says_how_to_get_it(tune: Score, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(audio, "find_spec", lambda _: None)
    with pytest.raises(SoundError, match="make setup"):
        audio.synthesize(play(tune))


def test_an_impossible_sample_rate_is_refused(tune: Score):
    with pytest.raises(SoundError, match="sample rate"):
        audio.synthesize(play(tune), sample_rate=1)
