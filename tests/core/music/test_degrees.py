"""Scale degrees: octaves, alterations, and the sixth and seventh of minor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.music.degrees import MAX_DEGREE, degree_midi, parse_degree, spell_degree, write_degree
from workbench.core.music.keys import ALL_KEYS, Key, parse_key
from workbench.core.music.numerals import parse_numeral
from workbench.core.music.pitches import pitch_class, pitch_class_name

numbers = st.integers(-MAX_DEGREE, MAX_DEGREE)


def test_positions_count_from_the_tonic() -> None:
    values = [1, 7, 8, 14, -1, -2, -7, -8]
    assert [parse_degree(value).position for value in values] == [0, 6, 7, 13, -1, -2, -7, -8]  # type: ignore[union-attr]
    assert [parse_degree(value).step for value in values] == [1, 7, 1, 7, 7, 6, 1, 7]  # type: ignore[union-attr]
    assert parse_degree(0) is None


@given(numbers, st.sampled_from(["", "#", "b", "##", "bb"]), st.sampled_from(["major", "minor"]))
def test_what_is_written_reads_back(number: int, sign: str, mode: str) -> None:
    degree = parse_degree(f"{sign}{number}" if sign else number, mode)
    if degree is None:
        assert number == 0
        return
    again = parse_degree(write_degree(degree.position, degree.alter, mode=mode, fixed=degree.fixed), mode)
    assert again is not None
    assert (again.position, again.alter) == (degree.position, degree.alter)


@pytest.mark.parametrize("value", ["", "x", "#", "b#3", "###4", "#22", "22", -22, 10**9, "1e3", "9" * 30, "#b1"])
def test_what_is_no_degree_is_refused(value: int | str) -> None:
    with pytest.raises(ValueError, match="not a scale degree"):
        parse_degree(value)


@given(st.text(max_size=8) | st.integers())
def test_anything_is_a_degree_or_a_value_error(value: int | str) -> None:
    try:
        degree = parse_degree(value)
    except ValueError:
        return
    assert degree is None or abs(degree.position) <= MAX_DEGREE


def name_in(key: Key, value: int | str, chord: str | None = None) -> str:
    degree = parse_degree(value, key.mode)
    assert degree is not None
    tones = parse_numeral(chord, key.mode).spelled(key) if chord else ()
    return pitch_class_name(spell_degree(degree, key, tones))


@pytest.mark.parametrize(
    ("value", "chord", "name"),
    [
        (7, None, "G"),
        (7, "V", "G#"),
        (7, "VII", "G"),
        (7, "v", "G"),
        (7, "viio7", "G#"),
        (7, "i", "G"),
        (6, "iv", "F"),
        (6, "IV", "F#"),
        ("#7", "VII", "G#"),
        ("#6", None, "F#"),
        ("b7", "V", "G"),
        ("b6", "IV", "F"),
        ("b2", None, "Bb"),
        ("#4", None, "D#"),
    ],
)
def test_the_sixth_and_seventh_of_minor_follow_the_chord(value: int | str, chord: str | None, name: str) -> None:
    assert name_in(parse_key("a minor"), value, chord) == name


def test_major_alters_from_its_own_scale() -> None:
    assert name_in(parse_key("Eb major"), "b6") == "Cb"
    assert name_in(parse_key("F# major"), "#4") == "B#"
    assert name_in(parse_key("C# major"), 7) == "B#"


@pytest.mark.parametrize("key", ALL_KEYS, ids=str)
def test_every_scale_rises_through_its_octaves(key: Key) -> None:
    tonic = 60 + key.pitch_class
    sounding = []
    for number in [*range(-14, 0), *range(1, 15)]:
        degree = parse_degree(number, key.mode)
        assert degree is not None
        fifths = spell_degree(degree, key)
        midi = degree_midi(degree, fifths, key, tonic)
        assert midi % 12 == pitch_class(fifths)
        sounding.append(midi)
    assert sounding == sorted(set(sounding))
    assert sounding[14] == tonic
    assert sounding[21] == tonic + 12
    assert sounding[7] == tonic - 12
