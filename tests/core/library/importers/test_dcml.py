"""DCML tables become structures: local keys, cadences, elided and late phrase ends, endings, the tune."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.checks import check
from workbench.core.compose.realize import realize
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers import Imported, read_dcml
from workbench.core.music.structure import Phrase

COLUMNS = ("mc", "mn", "mn_onset", "timesig", "volta", "globalkey", "localkey", "chord", "cadence", "phraseend")
NOTE_COLUMNS = ("mn", "mn_onset", "duration_qb", "staff", "gracenote", "tied", "tpc", "midi")


def harmonies(*rows: tuple[str, ...], key: str = "C", meter: str = "4/4") -> str:
    """A table of (bar, onset, local key, chord, cadence, phrase end, volta)."""
    lines = ["\t".join(COLUMNS)]
    for row in rows:
        mn, onset, local, chord, cadence, end, volta = (*row, *[""] * (7 - len(row)))
        lines.append("\t".join([mn, mn, onset, meter, volta, key, local, chord, cadence, end]))
    return "\n".join(lines) + "\n"


def notes(*rows: tuple[str, str, str, str, str]) -> str:
    """A table of notes: (bar, onset, length in quarters, place on the fifths line, MIDI number)."""
    lines = ["\t".join(NOTE_COLUMNS)]
    lines += ["\t".join([mn, onset, length, "1", "", "", tpc, midi]) for mn, onset, length, tpc, midi in rows]
    return "\n".join(lines) + "\n"


def phrases_of(imported: Imported) -> list[Phrase]:
    return [phrase for section in imported.structure.sections for phrase in section.phrases or ()]


PERIOD = harmonies(
    ("1", "0", "I", "I", "", "{"),
    ("2", "0", "I", "ii6"),
    ("2", "1/2", "I", "V", "HC", "}"),
    ("3", "0", "I", "I", "", "{"),
    ("4", "0", "V", "I"),
    ("4", "1/2", "V", "V7"),
    ("5", "0", "V", "I", "PAC", "}"),
)


def test_phrases_keys_and_cadences_are_read() -> None:
    structure = read_dcml(PERIOD).structure
    assert [(section.key, section.cadence) for section in structure.sections] == [("C major", "HC"), ("G major", "PAC")]
    assert check(structure).valid


def test_local_keys_are_numerals_of_the_home_key() -> None:
    imported = read_dcml(
        harmonies(("1", "0", "vi", "i"), ("2", "0", "vi", "V7"), ("3", "0", "vi", "i", "PAC", "}"), key="Eb")
    )
    assert imported.structure.key == "Eb major"
    assert imported.structure.sections[0].key == "c minor"
    minor = read_dcml(harmonies(("1", "0", "III", "I"), ("2", "0", "III", "V"), ("3", "0", "III", "I"), key="c"))
    assert minor.structure.key == "c minor"
    assert minor.structure.sections[0].key == "Eb major"


def test_a_six_four_over_the_dominant_is_written_as_one() -> None:
    imported = read_dcml(harmonies(("1", "0", "I", "V(64)"), ("1", "1/2", "I", "V7"), ("2", "0", "I", "I")))
    assert phrases_of(imported)[0].chords == ("I64", "V7", "I")


def test_a_phrase_reaches_to_the_cadence_that_is_named_after_its_mark() -> None:
    imported = read_dcml(
        harmonies(
            ("1", "0", "I", "I", "", "{"),
            ("2", "0", "I", "V(64)", "", "}"),
            ("2", "3/4", "I", "V", "HC"),
            ("3", "0", "I", "I", "", "{"),
            ("4", "0", "I", "V7"),
            ("5", "0", "I", "I", "PAC", "}"),
        )
    )
    assert [phrase.cadence for phrase in phrases_of(imported)] == ["HC", "PAC"]


def test_a_cadence_that_the_numerals_do_not_spell_is_left_out_and_said() -> None:
    imported = read_dcml(harmonies(("1", "0", "I", "IV"), ("2", "0", "I", "ii", "PAC", "}")))
    assert phrases_of(imported)[0].cadence is None
    assert any("do not spell" in note for note in imported.notes)


def test_a_pickup_bar_is_left_out() -> None:
    imported = read_dcml(
        harmonies(("0", "3/4", "I", "V"), ("1", "0", "I", "I"), ("2", "0", "I", "V"), ("3", "0", "I", "I"))
    )
    assert imported.structure.measures == 3


def test_of_two_endings_the_last_is_kept() -> None:
    imported = read_dcml(
        harmonies(
            ("1", "0", "I", "I"),
            ("2", "0", "I", "V", "", "", "1"),
            ("2", "0", "I", "I", "", "", "2"),
            ("3", "0", "I", "V"),
            ("4", "0", "I", "I"),
        )
    )
    assert phrases_of(imported)[0].chords == ("I", "V", "I")
    assert any("endings" in note for note in imported.notes)


def test_the_tune_is_laid_over_the_harmony() -> None:
    table = harmonies(("1", "0", "I", "I"), ("2", "0", "I", "V7"), ("3", "0", "I", "I", "", "}"))
    tune = notes(
        ("1", "0", "2", "4", "64"),
        ("1", "1/2", "2", "1", "67"),
        ("2", "0", "4", "-1", "65"),
        ("3", "0", "4", "4", "64"),
    )
    phrase = phrases_of(read_dcml(table, tune))[0]
    assert phrase.melody is not None
    assert phrase.melody.degrees == (3, 5, 4, 3)
    assert phrase.melody.rhythm == (2, 2, 4, 4)
    assert phrase.cadence == "IAC"  # the tune is on 3


def test_a_cadence_that_the_annotator_names_is_kept_whatever_the_tune() -> None:
    table = harmonies(("1", "0", "I", "I"), ("2", "0", "I", "V7"), ("3", "0", "I", "I", "PAC", "}"))
    on_three = notes(("1", "0", "4", "1", "67"), ("2", "0", "4", "-1", "65"), ("3", "0", "4", "4", "64"))
    assert phrases_of(read_dcml(table, on_three))[0].cadence == "PAC"
    on_one_in_the_second_violin = on_three + "".join(
        "\t".join([bar, "0", "4", stave, "", "", tpc, midi]) + "\n"
        for bar, stave, tpc, midi in (
            ("1", "2", "0", "60"), ("2", "2", "5", "59"), ("3", "2", "0", "60"),
            ("1", "3", "0", "48"), ("2", "3", "1", "43"), ("3", "3", "0", "48"),
        )
    )  # fmt: skip
    melody = phrases_of(read_dcml(table, on_one_in_the_second_violin))[0].melody
    assert melody is not None
    assert melody.degrees == (1, -1, 1)


def test_what_leads_on_after_a_perfect_close_is_left_out() -> None:
    table = harmonies(("1", "0", "I", "I"), ("2", "0", "I", "V7"), ("3", "0", "I", "I", "PAC", "}"))
    line = notes(
        ("1", "0", "4", "1", "67"),
        ("2", "0", "4", "-1", "65"),
        ("3", "0", "2", "0", "60"),
        ("3", "1/2", "2", "4", "64"),
    )
    melody = phrases_of(read_dcml(table, line))[0].melody
    assert melody is not None
    assert melody.degrees == (5, 4, 1)
    assert melody.rhythm == (4, 4, 4)


def test_a_section_follows_a_key_that_lasts_inside_a_phrase() -> None:
    rows = [
        ("1", "0", "I", "I"),
        ("2", "0", "I", "V"),
        ("3", "0", "V", "ii"),
        ("4", "0", "V", "V"),
        ("5", "0", "V", "I"),
    ]
    structure = read_dcml(harmonies(*rows)).structure
    assert [(section.key, section.measures) for section in structure.sections] == [("C major", 2), ("G major", 3)]


def test_a_phrase_that_ends_as_the_next_begins_ends_before_it() -> None:
    structure = read_dcml(
        harmonies(
            ("1", "0", "I", "I", "", "{"),
            ("2", "0", "I", "V", "HC"),
            ("3", "0", "I", "I", "", "}{"),
            ("4", "0", "I", "V7"),
            ("5", "0", "I", "I", "PAC", "}"),
        )
    ).structure
    assert [(phrase.measures, phrase.cadence) for phrase in structure.sections[0].phrases or ()] == [
        (2, "HC"),
        (3, "PAC"),
    ]


def test_a_close_without_a_name_here_is_told() -> None:
    imported = read_dcml(
        harmonies(
            ("1", "0", "I", "I"), ("2", "0", "I", "V7"), ("3", "0", "I", "I", "EC"), ("4", "0", "I", "I", "PAC", "}")
        )
    )
    assert any("EC in bar 3" in note for note in imported.notes)


def test_a_tune_goes_on_through_a_change_of_meter() -> None:
    table = harmonies(("1", "0", "I", "I"), ("2", "0", "I", "V7"), ("3", "0", "I", "I", "PAC", "}"), meter="6/8")
    table = table.replace("2\t2\t0\t6/8", "2\t2\t0\t4/4")
    tune = notes(
        ("1", "0", "3", "1", "67"),
        ("2", "0", "2", "-1", "65"),
        ("2", "1/2", "2", "2", "62"),
        ("3", "0", "3", "0", "60"),
    )
    melody = phrases_of(read_dcml(table, tune))[0].melody
    assert melody is not None
    assert melody.degrees == (5, 4, 2, 1)
    assert melody.rhythm == (3, 1.5, 1.5, 3)


def test_a_tune_of_another_piece_is_left_out_and_said() -> None:
    table = harmonies(("1", "0", "I", "I"), ("2", "0", "I", "V7"), ("3", "0", "I", "I"))
    imported = read_dcml(
        table, notes(("1", "0", "4", "6", "66"), ("2", "0", "4", "8", "68"), ("3", "0", "4", "6", "66"))
    )
    assert phrases_of(imported)[0].melody is None
    assert any("tune is left out" in note for note in imported.notes)


@pytest.mark.parametrize(
    "table",
    [
        "",
        "mc\tmn\n1\t1",
        harmonies(),
        harmonies(("x", "0", "I", "I")),
        harmonies(("1", "1/0", "I", "I")),
        harmonies(("1", "9", "I", "I")),
        harmonies(("1", "0", "Q", "I")),
        harmonies(("1", "0", "I", "I"), key="H"),
        harmonies(("1", "0", "I", "I"), meter="7/9"),
        harmonies(("1", "0", "I", "I"), meter="5/4"),
        harmonies(("1", "0", "I", "@none")),
        harmonies(("1", "0", "I", "nonsense")),
        harmonies(("1", "0", "I", "I")).replace("\t", ","),
    ],
)
def test_what_is_no_table_is_one_clear_error(table: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_dcml(table)
    assert caught.value.hint


def test_endless_tables_are_refused() -> None:
    with pytest.raises(InputTooLargeError):
        read_dcml("x" * 10_000_001)
    with pytest.raises(InputTooLargeError):
        read_dcml(harmonies(("1", "0", "I", "I"), ("90000", "0", "I", "V")))


_ROWS = st.tuples(
    st.sampled_from(["0", "1", "2", "3", "4", "7"]),
    st.sampled_from(["0", "1/4", "1/2", "3/4", "1/3", "7/8"]),
    st.sampled_from(["I", "V", "vi", "IV", "i", "bIII", "V/V", "#iv"]),
    st.sampled_from(
        ["I", "V7", "ii6", "#viio7", "vii%65", "Ger6", "V(64)", "", "@none", "IVM7", "I(974)", "V+", "bVI"]
    ),
    st.sampled_from(["", "PAC", "HC", "EC", "IAC"]),
    st.sampled_from(["", "", "{", "}", "}{", "\\\\"]),
    st.sampled_from(["", "", "1", "2"]),
)


@given(st.lists(_ROWS, min_size=1, max_size=16), st.sampled_from(["C", "ab", "F#", "c"]))
def test_whatever_is_read_can_be_realized(rows: list[tuple[str, ...]], key: str) -> None:
    try:
        imported = read_dcml(harmonies(*rows, key=key))
    except InvalidInputError:
        return
    assert realize(imported.structure).measures == imported.structure.measures
