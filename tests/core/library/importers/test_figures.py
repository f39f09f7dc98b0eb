"""Foreign figures are read plainly, and chords of one key named in another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.library.importers.closes import close_of, divide
from workbench.core.library.importers.figures import named_in, plain_figure
from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import ALL_KEYS, Key, parse_key
from workbench.core.music.numerals import parse_numeral


@pytest.mark.parametrize(
    ("figure", "key", "plain"),
    [
        ("V6/5", "C", "V65"),
        ("vii/o4/3", "a", "viiø43"),
        ("V4/3/V", "C", "V43/V"),
        ("#viio7", "a", "viio7"),
        ("#vi6", "a", "vi6"),
        ("vii%65", "C", "viiø65"),
        ("Ger6/5", "c", "Ger65"),
        ("I[no5]", "F", "I"),
        ("vii6", "G", "viio6"),
        ("V7(4)", "G", "V7"),
    ],
)
def test_foreign_figures_are_read_plainly(figure: str, key: str, plain: str) -> None:
    reading = plain_figure(figure, parse_key(key))
    assert reading is not None
    assert reading.figure == plain


@pytest.mark.parametrize("figure", ["", "x", "@none", "VIIII", "V" * 100, "b", "/", "7", "Gerrr", "(64)"])
def test_what_is_no_numeral_is_none_or_readable(figure: str) -> None:
    reading = plain_figure(figure, parse_key("C"))
    assert reading is None or parse_numeral(reading.figure, "major")


@pytest.mark.parametrize(
    ("figure", "key", "other", "name"),
    [
        ("I", "G", "C", "V"),
        ("V", "G", "C", "V/V"),
        ("V7", "d", "C", "V7/ii"),
        ("iio6", "d", "C", "iio6/ii"),
        ("V", "F", "C", "I"),
        ("V7", "C", "a", "V7/III"),
        ("V", "C", "g", "I"),
        ("I", "Bb", "C", "bVII"),
        ("N6", "a", "C", "N6/vi"),
        ("i", "a", "C", "vi"),
    ],
)
def test_chords_are_named_as_the_listener_hears_them(figure: str, key: str, other: str, name: str) -> None:
    assert named_in(figure, parse_key(key), parse_key(other)).figure == name


_FIGURES = st.sampled_from(["I", "V7", "ii6", "viio6", "IV64", "V65/V", "vi", "iii", "N6", "V42"])


@given(_FIGURES, st.sampled_from(ALL_KEYS), st.sampled_from(ALL_KEYS))
def test_a_renamed_chord_keeps_its_notes_or_says_what_it_lost(figure: str, key: Key, other: Key) -> None:
    reading = named_in(figure, key, other)
    before = set(parse_numeral(figure, key.mode).pitch_classes(key))
    after = set(parse_numeral(reading.figure, other.mode).pitch_classes(other))
    assert before == after or reading.given_up


@pytest.mark.parametrize(
    ("figures", "key", "cadence"),
    [
        (("ii6", "V7", "I"), "C", "PAC"),
        (("V7", "I", "I6", "I"), "C", "PAC"),
        (("V6", "I"), "C", "IAC"),
        (("V", "I6", "I"), "C", "IAC"),
        (("viio6", "I"), "C", "IAC"),
        (("IV", "V"), "C", "HC"),
        (("iv6", "V"), "a", "HC"),
        (("V7/V", "V"), "C", "HC"),
        (("V", "vi"), "C", "DC"),
        (("V", "VI"), "a", "DC"),
        (("V", "I", "IV", "I"), "C", "PC"),
        (("V7", "I"), "a", "PICARDY"),
        (("I64", "V", "I"), "C", "PAC"),
        (("V", "I64"), "C", None),
        (("I", "IV"), "C", None),
        (("I",), "C", None),
        (("V7/IV", "IV"), "C", None),
        (("v", "i"), "a", None),
    ],
)
def test_cadences_are_told_from_numerals(figures: tuple[str, ...], key: str, cadence: str | None) -> None:
    assert close_of(figures, parse_key(key)) == cadence


def test_the_tune_tells_a_perfect_cadence_from_an_imperfect_one() -> None:
    assert close_of(("V7", "I"), parse_key("C"), tune_step=1) == "PAC"
    assert close_of(("V7", "I"), parse_key("C"), tune_step=3) == "IAC"


def test_unmarked_music_is_divided_where_it_closes() -> None:
    four_bars: dict[int, CadenceType] = {3: "HC", 7: "PAC", 11: "HC", 15: "PAC"}
    five_bars: dict[int, CadenceType] = {4: "PAC", 9: "PAC"}
    assert divide(16, lambda _, bar: four_bars.get(bar)) == [4, 4, 4, 4]
    assert divide(10, lambda _, bar: five_bars.get(bar)) == [5, 5]
