"""Thirty keys, spelled and related as musicians do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import key as m21key

from workbench.core.music.keys import ALL_KEYS, Key, accidentals_of, make_key, parse_key
from workbench.core.music.pitches import pitch_class_name


def music21_key(key: Key) -> m21key.Key:
    tonic, mode = key.name.split(" ")
    return m21key.Key(tonic[0] + tonic[1:].replace("b", "-"), mode)


def test_there_are_thirty_keys_and_no_two_alike() -> None:
    assert len(set(ALL_KEYS)) == len({key.name for key in ALL_KEYS}) == 30


@pytest.mark.parametrize("key", ALL_KEYS, ids=str)
def test_every_key_is_spelled_as_music21_spells_it(key: Key) -> None:
    other = music21_key(key)
    assert key.signature == other.sharps
    names = [pitch.name.replace("-", "b") for pitch in other.pitches[:7]]
    assert [pitch_class_name(fifths) for fifths in key.scale] == names
    assert len(accidentals_of(key)) == abs(key.signature)


@pytest.mark.parametrize("key", ALL_KEYS, ids=str)
def test_every_name_reads_back(key: Key) -> None:
    assert parse_key(key.name) == key
    assert parse_key(key.pretty) == key
    assert parse_key(key.name.upper() if not key.is_minor else key.name.title()) == key


@pytest.mark.parametrize("key", ALL_KEYS, ids=str)
def test_the_relative_shares_the_signature_and_is_mutual(key: Key) -> None:
    assert key.relative.signature == key.signature
    assert key.relative.mode != key.mode
    assert key.relative.relative == key
    assert key.distance(key.relative) == 0


def test_the_relative_of_c_minor_is_e_flat_major() -> None:
    assert parse_key("c minor").relative.name == "Eb major"


@pytest.mark.parametrize("key", ALL_KEYS, ids=str)
def test_neighbours_stay_within_seven_accidentals(key: Key) -> None:
    for other in (
        key.parallel,
        key.dominant,
        key.subdominant,
        key.on_degree(2, "minor"),
        key.on_degree(6, "major", -1),
    ):
        assert -7 <= other.signature <= 7
    assert key.parallel.pitch_class == key.pitch_class
    assert (key.dominant.pitch_class - key.pitch_class) % 12 == 7
    assert key.is_closely_related(key.dominant)
    assert key.is_closely_related(key.parallel)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("C", "C major"),
        ("c", "c minor"),
        ("Em", "e minor"),
        ("F-sharp minor", "f# minor"),
        ("f♯ Minor", "f# minor"),
        ("Bb", "Bb major"),
        ("B-flat major", "Bb major"),
        ("b flat minor", "bb minor"),
        ("  E♭  maj ", "Eb major"),
        ("CM", "C major"),
        ("a_minor", "a minor"),
        ("b", "b minor"),
        ("bb", "bb minor"),
    ],
)
def test_usual_spellings_are_read(text: str, name: str) -> None:
    assert parse_key(text).name == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "H major",
        "B dur",  # B flat where it is said so: left to the sanitizer, which reads it and tells
        "C dorian",
        "major",
        "C##",
        "G# major",
        "Fb major",
        "db minor",
        "C major " * 20,
        "C\0",
        "Ⅽ",
        "1",
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a key|accidentals"):
        parse_key(text)


def test_a_key_with_too_many_accidentals_names_the_one_to_write() -> None:
    with pytest.raises(ValueError, match="'Ab major'"):
        parse_key("G# major")


@given(st.text(max_size=40))
def test_any_text_is_a_key_or_a_value_error(text: str) -> None:
    try:
        key = parse_key(text)
    except ValueError:
        return
    assert key in ALL_KEYS


@given(st.integers(-60, 60), st.sampled_from(["major", "minor"]))
def test_any_tonic_becomes_one_of_the_thirty(tonic: int, mode: str) -> None:
    key = make_key(tonic, mode)  # type: ignore[arg-type]
    assert key in ALL_KEYS
    assert (key.tonic - tonic) % 12 == 0
