"""RomanText analyses become structures: keys, numerals, cadences, pick-ups, and one clear error for the rest."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import corpus

from workbench.core.checks import check
from workbench.core.compose.realize import realize
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers import Imported, read_romantext
from workbench.core.music.structure import MIN_LENGTH, MusicStructure, Phrase


def phrases_of(imported: Imported) -> list[Phrase]:
    return [phrase for section in imported.structure.sections for phrase in section.phrases or ()]


def romantext(name: str) -> str:
    path = next(path for path in corpus.getCorePaths() if path.name == name)
    return path.read_text("utf-8")


MINUET = """Composer: A. Nonymous
Title: A minuet
Analyst: Somebody
License: CC0
Time Signature: 3/4
Form: minuet
m1 C: I
m2 V6/5 b3 I
m3 ii6/5 b2 I6/4 b3 V7
m4 I ||
m5 vi b2 V/V
m6 V
m7 G: ii6 b2 V b3 V7
m8 I :||
"""


def test_numerals_and_lengths_are_those_of_the_analysis() -> None:
    first = phrases_of(read_romantext(MINUET))[0]
    assert first.chords == ("I", "V65", "I", "ii65", "I64", "V7", "I")
    assert first.chord_beats == (3, 2, 1, 1, 1, 1, 3)
    assert first.measures == 4


def test_phrase_marks_make_phrases_and_keys_make_sections() -> None:
    structure = read_romantext(MINUET).structure
    assert [(section.key, section.measures, section.cadence) for section in structure.sections] == [
        ("C major", 4, "PAC"),
        ("G major", 4, "PAC"),
    ]


def test_a_phrase_is_renamed_in_the_key_it_closes_in() -> None:
    second = phrases_of(read_romantext(MINUET))[1]
    assert second.chords is not None
    assert second.chords[:3] == ("ii", "V", "I")  # vi, V/V and V of C


def test_the_header_is_kept() -> None:
    imported = read_romantext(MINUET)
    assert imported.structure.title == "A minuet"
    assert imported.structure.form == "minuet"
    assert imported.source.analyst == "Somebody"
    assert imported.source.licence == "CC0"
    assert imported.source.format == "RomanText"


def test_what_is_assumed_is_said() -> None:
    notes = " ".join(read_romantext("m1 C: I b3 V\nm2 I").notes)
    assert "4/4 is assumed" in notes
    assert "tempo is assumed" in notes


def test_a_bach_chorale_keeps_its_keys_and_cadences() -> None:
    structure = read_romantext(romantext("riemenschneider001.rntxt")).structure
    assert structure.key == "G major"
    assert structure.time_signature == "3/4"
    assert structure.period == "baroque"
    assert [phrase.cadence for phrase in structure.sections[0].phrases or ()] == ["HC", "PAC", "HC", None, "HC", "PAC"]


def test_a_modulating_chorale_gets_a_section_for_each_key() -> None:
    structure = read_romantext(romantext("riemenschneider008.rntxt")).structure
    assert [section.key for section in structure.sections][:4] == ["f minor", "Ab major", "f minor", "Ab major"]
    assert structure.key == "f minor"
    assert structure.sections[-1].cadence == "PICARDY"


def test_a_short_pickup_is_left_out_and_said() -> None:
    imported = read_romantext("Time Signature: 4/4\nm0 b4 G: V\nm1 I b3 IV\nm2 V7 b3 I")
    assert phrases_of(imported)[0].chords == ("I", "IV", "V7", "I")
    assert imported.structure.measures == 2
    assert any("upbeats" in note for note in imported.notes)


def test_a_long_pickup_gets_a_bar_of_its_own() -> None:
    imported = read_romantext("Time Signature: 4/4\nm0 b2 G: V b4 V7\nm1 I b3 IV\nm2 V7 b3 I")
    assert phrases_of(imported)[0].chords == ("V", "V7", "I", "IV", "V7", "I")
    assert phrases_of(imported)[0].chord_beats == (3, 1, 2, 2, 2, 2)


def test_phrases_that_meet_within_a_bar_both_keep_their_harmony() -> None:
    imported = read_romantext("Time Signature: 4/4\nm1 C: I b3 V\nm2 I || b2 vi b3 ii\nm3 V7\nm4 I")
    assert [phrase.chords for phrase in phrases_of(imported)] == [("I", "V", "I"), ("vi", "ii", "V7", "I")]
    assert any("written twice" in note for note in imported.notes)


def test_minor_keys_with_many_flats_are_read() -> None:
    structure = read_romantext("Time Signature: 4/4\nm1 ab: i b3 iv\nm2 V b3 V7\nm3 vii/o7 b3 #viio6\nm4 i").structure
    assert structure.key == "ab minor"
    assert phrases_of(read_romantext("m1 ab: i\nm2 V7\nm3 i"))[0].cadence == "PAC"
    assert realize(structure).measures == 4


def test_keys_beyond_seven_accidentals_are_respelled() -> None:
    structure = read_romantext("m1 G#: I b3 V\nm2 I b3 V\nm3 I").structure
    assert structure.key == "Ab major"


def test_copied_bars_and_gaps_are_filled() -> None:
    imported = read_romantext("Time Signature: 2/4\nm1 F: I b2 V\nm2 I\nm3-4 = m1-2\nm7 V7\nm8 I")
    assert imported.structure.measures == 8
    assert phrases_of(imported)[0].chords == ("I", "V", "I", "V", "I", "V7", "I")
    assert sum(phrases_of(imported)[0].chord_beats or ()) == 16


def test_a_copied_bar_is_read_in_the_key_that_holds_there() -> None:
    imported = read_romantext("Time Signature: 2/4\nm1 C: I\nm2 IV b2 V\nm3 I ||\nm4 G: I\nm5 = m2\nm6 I")
    assert phrases_of(imported)[1].chords == ("I", "IV", "V", "I")
    assert imported.structure.sections[1].key == "G major"


def test_of_two_endings_the_last_is_kept() -> None:
    imported = read_romantext("Time Signature: 2/4\nm1 C: I\nm2a V\nm2b I\nm3 V\nm4 I")
    assert phrases_of(imported)[0].chords == ("I", "V", "I")
    assert any("endings" in note for note in imported.notes)


def test_variants_and_second_readings_are_left_out() -> None:
    imported = read_romantext("Time Signature: 4/4\nm1 C: I\nm1var1 vi\nm2 ?(G: IV ?)G: V\nm3 I")
    assert phrases_of(imported)[0].chords == ("I", "V", "I")


def test_a_pivot_is_read_in_the_new_key() -> None:
    imported = read_romantext("Time Signature: 4/4\nm1 C: I\nm2 vi G: ii\nm3 V\nm4 I")
    assert imported.structure.key == "G major"
    assert phrases_of(imported)[0].chords == ("IV", "ii", "V", "I")


@pytest.mark.parametrize(
    ("meter", "ours", "beats"), [("3/2", "3/4", 3), ("4/2", "4/4", 4), ("6/4", "6/8", 3), ("3/16", "3/8", 1.5)]
)
def test_other_meters_are_scaled(meter: str, ours: str, beats: float) -> None:
    imported = read_romantext(f"Time Signature: {meter}\nm1 C: I\nm2 V\nm3 I")
    assert imported.structure.time_signature == ours
    assert phrases_of(imported)[0].chord_beats == (beats, beats, beats)
    assert any("multiplied" in note for note in imported.notes)


def test_a_change_of_meter_is_fitted_and_said() -> None:
    text = "Time Signature: 4/4\nm1 C: I\nm2 V\nTime Signature: 2/4\nm3 vi\nTime Signature: 4/4\nm4 V\nm5 I"
    imported = read_romantext(text)
    assert imported.structure.time_signature == "4/4"
    assert imported.structure.measures == 5
    assert any("meter changes" in note for note in imported.notes)


def test_a_meter_without_counterpart_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="5/4"):
        read_romantext("Time Signature: 5/4\nm1 C: I\nm2 V\nm3 I")


def test_figures_that_no_structure_knows_are_replaced_and_said() -> None:
    imported = read_romantext("m1 C: I b2 V[no3]\nm2 vii b3 V9\nm3 wobble b3 I")
    assert phrases_of(imported)[0].chords == ("I", "V", "viio", "V9", "I")
    assert any("wobble" in note for note in imported.notes)
    assert check(imported.structure).valid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "Bach wrote this.",
        "Time Signature: 4/4",
        "m1",
        "m1 I V I",
        "m1 C: xyz b2 foo b3 I\nm2 bar b3 baz",
        "Time Signature: 0/4\nm1 C: I",
        "Time Signature: 4/0\nm1 C: I",
        "Time Signature: four\nm1 C: I",
        "m1 C: I b9 V",
        "m1 H: I",
        "m1 C: I\nm2 = m7",
        "m1 C: I\nm2-9 = m1-1",
        "m1 C: I b1.2.3.4.5 V",
        "m1-m3-m5 C: I",
        "m C: I",
        "{}",
    ],
)
def test_what_is_no_analysis_is_one_clear_error(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_romantext(text)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["m1 C: I\n" * 7000, "m1 C: " + "I " * 600_000, "m1 C: I\nm999999999 V"])
def test_endless_analyses_are_refused(text: str) -> None:
    with pytest.raises(InputTooLargeError):
        read_romantext(text)


def test_chords_too_short_to_write_join_their_neighbours() -> None:
    imported = read_romantext("Time Signature: 4/4\nm1 C: I b1.02 IV b1.04 V b2 vi b2.02 ii b3 V\nm2 I")
    lengths = phrases_of(imported)[0].chord_beats or ()
    assert min(lengths) >= MIN_LENGTH
    assert sum(lengths) == pytest.approx(8)


def test_more_chords_than_a_section_holds_make_more_sections() -> None:
    beats = " ".join(
        f"b{beat}.{part} {figure}" for beat in range(1, 5) for part, figure in ((1, "I"), (5, "V"), (8, "I"))
    )
    structure = read_romantext("\n".join(f"m{bar} C: {beats}" for bar in range(1, 400))).structure
    assert structure.measures == 399
    assert len(structure.sections) == 3
    assert all(len(section.chord_progression) <= 2000 for section in structure.sections)


_WORDS = st.sampled_from(
    [
        "I",
        "ii6",
        "V7",
        "vii/o7",
        "V6/5/V",
        "bVI",
        "N6",
        "Ger6/5",
        "i",
        "iv",
        "VI",
        "V[add4]",
        "viio",
        "b2",
        "b3",
        "b2.5",
        "b1",
        "b3.33",
        "C:",
        "g:",
        "f#:",
        "ab:",
        "Db:",
        "||",
        ":||",
        "||:",
        "(",
        ")",
        "?(a:",
        "?)C:",
        "NC",
        "=",
        "m1",
        "m3",
        "zz",
        "It6",
        "Fr4/3",
        "III+",
        "v",
        "2",
        "V13",
    ]
)
_LINES = st.one_of(
    st.builds(lambda number, words: f"m{number} {' '.join(words)}", st.integers(0, 12), st.lists(_WORDS, max_size=8)),
    st.sampled_from(
        [
            "Time Signature: 3/4",
            "Time Signature: 6/8",
            "Time Signature: 3/2",
            "m4-5 = m1-2",
            "m6 = m2",
            "Note: x",
            "m3var1 I",
        ]
    ),
)


@given(st.lists(_LINES, min_size=1, max_size=14))
def test_whatever_is_read_can_be_realized(lines: list[str]) -> None:
    try:
        imported = read_romantext("\n".join(["m0 C: I", *lines]))
    except InvalidInputError:
        return
    structure = imported.structure
    assert MusicStructure.model_validate(structure.to_dict()) == structure
    assert realize(structure).measures == structure.measures
    for section in structure.sections:
        for phrase in section.phrases or ():
            bar = realize(structure).meter.bar_quarters
            assert sum(Fraction(beats).limit_denominator(96) for beats in phrase.chord_beats or ()) == pytest.approx(
                phrase.measures * bar
            )


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, "m1 C: I\n" + text, MINUET + text):
        with suppress(InvalidInputError):
            realize(read_romantext(whole).structure)
