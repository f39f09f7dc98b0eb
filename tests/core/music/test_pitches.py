"""Spelled pitches on the line of fifths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import pitch as m21pitch

from workbench.core.music.pitches import (
    alter_of,
    diatonic_number,
    fifths_of,
    nearest_midi,
    octave_of,
    parse_pitch_class,
    pitch_class,
    pitch_class_name,
    pitch_name,
    step_of,
)

fifths = st.integers(-15, 19)


@given(fifths)
def test_letter_and_accidental_give_the_place_back(place: int) -> None:
    assert fifths_of(step_of(place), alter_of(place)) == place
    assert parse_pitch_class(pitch_class_name(place)) == place


@given(fifths, st.integers(24, 96))
def test_names_sound_as_music21_says(place: int, target: int) -> None:
    midi = nearest_midi(place, target)
    assert midi % 12 == pitch_class(place)
    assert abs(midi - target) <= 6
    other = m21pitch.Pitch(pitch_name(midi, place).replace("b", "-"))
    assert other.midi == midi
    assert other.diatonicNoteNum == diatonic_number(midi, place) + 1


@pytest.mark.parametrize(("midi", "place", "name"), [(60, 0, "C4"), (60, 12, "B#3"), (59, -7, "Cb4"), (66, 6, "F#4")])
def test_octaves_follow_the_letter(midi: int, place: int, name: str) -> None:
    assert pitch_name(midi, place) == name
    assert octave_of(midi, place) == int(name[-1])


@pytest.mark.parametrize("name", ["", "H", "c####", "C#b", "C4", "##", "C\n", "Cb#"])
def test_what_is_no_pitch_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a pitch name"):
        parse_pitch_class(name)
