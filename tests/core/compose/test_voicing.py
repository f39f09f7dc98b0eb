"""The voice-leading search keeps the rules that it is made of."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from music21 import pitch
from music21.voiceLeading import VoiceLeadingQuartet

from workbench.core.compose.voicing import Register, Under, chord_voicings, lead
from workbench.core.music.keys import ALL_KEYS, Key, parse_key
from workbench.core.music.numerals import parse_numeral

CHORALE = Register((55, 74), (48, 67), (40, 60))
FIGURES = ["I", "ii6", "IV", "V", "V7", "V65", "V42", "vi", "viio6", "V7/V", "I6", "ii65"]
SILENT = Under(-1, -1, -1)


def _led(figures: list[str], key: Key, tune: list[int] | None = None) -> list[tuple[int, int, int]]:
    sets = [chord_voicings(parse_numeral(figure, key.mode), key, CHORALE) for figure in figures]
    unders = [SILENT] * len(sets) if tune is None else [Under(note, note, note) for note in tune]
    path = lead([(tuple(sets), tuple(unders))])
    return [
        (int(alto), int(tenor), int(bass))
        for voicings, index in zip(sets, path, strict=True)
        for alto, tenor, bass in [voicings.pitches[index]]
    ]


def _quartet(a: tuple[int, ...], b: tuple[int, ...], upper: int, lower: int) -> VoiceLeadingQuartet:
    notes = [pitch.Pitch(midi=value) for value in (a[upper], b[upper], a[lower], b[lower])]
    return VoiceLeadingQuartet(*notes)


@given(
    st.lists(st.sampled_from(FIGURES), min_size=2, max_size=10),
    st.sampled_from([k for k in ALL_KEYS if not k.is_minor]),
)
def test_music21_finds_no_parallels_between_the_lower_voices(figures: list[str], key: Key) -> None:
    for before, after in pairwise(_led(figures, key)):
        for upper, lower in ((0, 1), (0, 2), (1, 2)):
            quartet = _quartet(before, after, upper, lower)
            assert not quartet.parallelFifth()
            assert not quartet.parallelOctave()
            assert not quartet.parallelUnison()


@given(
    st.lists(st.sampled_from(FIGURES), min_size=1, max_size=8), st.sampled_from([k for k in ALL_KEYS if not k.is_minor])
)
def test_voices_keep_their_ranges_and_order_and_the_bass_its_tone(figures: list[str], key: Key) -> None:
    for figure, (alto, tenor, bass) in zip(figures, _led(figures, key), strict=True):
        assert bass <= tenor <= alto
        assert 40 <= bass <= 60
        assert 48 <= tenor <= 67
        assert 55 <= alto <= 74
        chord = parse_numeral(figure, key.mode)
        assert bass % 12 == (key.tonic + chord.bass) * 7 % 12
        assert {alto % 12, tenor % 12, bass % 12} <= set(chord.pitch_classes(key))


def test_the_leading_tone_rises_and_the_seventh_falls() -> None:
    key = parse_key("C major")
    for before, after in pairwise(_led(["V65", "I", "V42", "I6"], key)):
        for was, now in zip(before, after, strict=True):
            if was % 12 == 11:
                assert now - was in {1, 0} or (now - was) == -4
            if was % 12 == 5:
                assert was - now in {0, 1, 2}


def test_the_leading_tone_is_never_doubled() -> None:
    key = parse_key("f minor")
    for chord in ("V", "V7", "viio6", "V65"):
        voicings = chord_voicings(parse_numeral(chord, "minor"), key, CHORALE)
        assert ((voicings.pitches % 12 == 4).sum(axis=1) <= 1).all()


def test_parallels_with_the_tune_are_avoided_too() -> None:
    key = parse_key("C major")
    tune = [67, 69, 71, 72]  # G A B C over I ii6 V I
    led = _led(["I", "ii6", "V", "I"], key, tune)
    for index in range(3):
        for lower in range(2):
            first = (tune[index] - led[index][lower]) % 12
            second = (tune[index + 1] - led[index + 1][lower]) % 12
            assert not (first == second and first in (0, 7) and led[index][lower] != led[index + 1][lower])


def test_a_register_that_is_too_narrow_still_gives_a_chord() -> None:
    narrow = Register((60, 61), (60, 61), (60, 61))
    voicings = chord_voicings(parse_numeral("V7", "major"), parse_key("Db major"), narrow)
    assert len(voicings.pitches) == 1
