"""Roman numerals agree with music21 in all thirty keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import key as m21key
from music21 import roman

from workbench.core.music.keys import ALL_KEYS, Key, Mode, parse_key
from workbench.core.music.numerals import (
    MAX_FIGURE,
    chord_names,
    normalize_figure,
    parse_numeral,
    tonicized_key,
)
from workbench.core.music.pitches import parse_pitch_class

MAJOR = """
    I I6 I64 ii ii6 iii iii6 IV IV6 IV64 V V6 V64 vi vi6 viio viio6 I7 ii7 ii65 ii43 ii42 IV7 V7 V65 V43 V42
    vi7 viiø7 viiø65 viiø43 V/V V7/V V65/V V6/V V7/IV V7/vi V65/ii V/ii V7/iii viio7/V viio6/V viio7/vi
    viio65/ii bVI bIII bVII iv iv6 i iio6 N6 It6 Ger65 Fr43 Cad64 V9 Vsus4 I+ V7/V/V
"""
MINOR = """
    i i6 i64 iio iio6 III III6 iv iv6 iv64 V V6 V64 v v6 VI VI6 VII VII6 viio viio6 i7 iiø7 iiø65 iiø43 iv7 V7
    V65 V43 V42 VI7 VII7 viio7 viio65 viio43 viio42 V/V V7/V V7/iv V65/iv V7/III V7/VI V7/VII viio7/V viio7/iv
    viio6/iv I IV ii III+ N6 It6 Ger65 Fr43 Cad64 V9 Vsus4 i42 V65/V VI64 III64
"""
CASES = [("major", figure) for figure in MAJOR.split()] + [("minor", figure) for figure in MINOR.split()]


def music21_says(figure: str, key: Key) -> tuple[set[str], str, str]:
    tonic, mode = key.name.split(" ")
    numeral = roman.RomanNumeral(
        figure,
        m21key.Key(tonic[0] + tonic[1:].replace("b", "-"), mode),
        sixthMinor=roman.Minor67Default.QUALITY,
        seventhMinor=roman.Minor67Default.QUALITY,
    )
    names = {pitch.name.replace("-", "b") for pitch in numeral.pitches}
    return names, numeral.bass().name.replace("-", "b"), numeral.root().name.replace("-", "b")


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_sixty_figures_are_tried(mode: str) -> None:
    assert len({figure for which, figure in CASES if which == mode}) >= 55


@pytest.mark.parametrize(("mode", "figure"), CASES)
def test_spelling_and_bass_agree_with_music21_in_every_key(mode: Mode, figure: str) -> None:
    chord = parse_numeral(figure, mode)
    for key in ALL_KEYS:
        if key.mode != mode:
            continue
        names, bass, root = music21_says(figure, key)
        ours = chord_names(chord, key)
        # music21 does not spell triple accidentals in the same way everywhere: those keys are compared by sound.
        if any(name.count("#") > 2 or name.count("b") > 2 for name in (*ours, *names)):
            classes = {parse_pitch_class(name) * 7 % 12 for name in names}
            assert set(chord.pitch_classes(key)) == classes, key
            continue
        assert set(ours) == names, key
        assert ours[0] == root, key
        assert ours[chord.inversion] == bass, key


@pytest.mark.parametrize(
    ("key", "figure", "names"),
    [
        ("C major", "V7", ("G", "B", "D", "F")),
        ("a minor", "V", ("E", "G#", "B")),
        ("a minor", "v", ("E", "G", "B")),
        ("a minor", "VII", ("G", "B", "D")),
        ("a minor", "VI", ("F", "A", "C")),
        ("a minor", "viio7", ("G#", "B", "D", "F")),
        ("C major", "viio7/V", ("F#", "A", "C", "Eb")),
        ("ab minor", "V", ("Eb", "G", "Bb")),
        ("C# major", "V7", ("G#", "B#", "D#", "F#")),
        ("C major", "N6", ("Db", "F", "Ab")),
    ],
)
def test_known_chords(key: str, figure: str, names: tuple[str, ...]) -> None:
    tonality = parse_key(key)
    assert chord_names(parse_numeral(figure, tonality.mode), tonality) == names


def test_augmented_sixths_hold_their_interval() -> None:
    for figure in ("It6", "Ger65", "Fr43"):
        for key in ("C major", "c minor"):
            names = chord_names(parse_numeral(figure, parse_key(key).mode), parse_key(key))
            assert {"Ab", "C", "F#"} <= set(names)
            chord = parse_numeral(figure, parse_key(key).mode)
            assert chord.leading == 6
            assert chord.seventh == -4


def test_an_undecorated_vii_of_major_is_diminished() -> None:
    assert normalize_figure("vii", "major") == "viio"
    assert normalize_figure("vii6", "major") == "viio6"
    assert normalize_figure("vii7", "major") == "viiø7"
    assert normalize_figure("vii65", "major") == "viiø65"
    assert chord_names(parse_numeral("vii", "major"), parse_key("C major")) == ("B", "D", "F")


@pytest.mark.parametrize(
    ("written", "mode", "plain"),
    [
        ("vii°7", "major", "viio7"),
        ("♭VI", "major", "bVI"),
        ("bVI", "minor", "VI"),
        ("#viio7", "minor", "viio7"),
        (" V7 ", "major", "V7"),
        ("vii/o7", "major", "viiø7"),
    ],
)
def test_usual_signs_are_read(written: str, mode: Mode, plain: str) -> None:
    assert normalize_figure(written, mode) == plain


@pytest.mark.parametrize(
    ("figure", "mode", "function", "applied"),
    [
        ("I", "major", "T", False),
        ("vi", "major", "T", False),
        ("IV6", "major", "S", False),
        ("ii65", "major", "S", False),
        ("V42", "major", "D", False),
        ("viio6", "minor", "D", False),
        ("I64", "major", "D", False),
        ("Cad64", "minor", "D", False),
        ("V7/V", "major", "D", True),
        ("Ger65", "minor", "S", False),
        ("N6", "minor", "S", False),
    ],
)
def test_functions(figure: str, mode: Mode, function: str, applied: bool) -> None:
    chord = parse_numeral(figure, mode)
    assert chord.function == function
    assert chord.is_applied is applied


@pytest.mark.parametrize(("mode", "figure"), CASES)
def test_tension_rests_on_the_tonic(mode: Mode, figure: str) -> None:
    tonic = parse_numeral("i" if mode == "minor" else "I", mode)
    assert tonic.tension <= parse_numeral(figure, mode).tension <= 1


def test_the_leading_tone_and_the_seventh_are_known() -> None:
    chord = parse_numeral("V65", "minor")
    assert (chord.leading, chord.seventh, chord.inversion) == (5, -1, 1)
    assert parse_numeral("V7/ii", "major").leading == 7
    assert parse_numeral("IV", "major").leading is None


@pytest.mark.parametrize(
    ("figure", "key", "name"),
    [
        ("V", "C major", "G major"),
        ("vi", "C major", "a minor"),
        ("III", "c minor", "Eb major"),
        ("v", "c minor", "g minor"),
        ("V", "C# major", "Ab major"),
        ("VI", "ab minor", "E major"),
        ("i", "Cb major", "b minor"),
    ],
)
def test_numerals_as_keys(figure: str, key: str, name: str) -> None:
    assert tonicized_key(figure, parse_key(key)).name == name


@pytest.mark.parametrize(
    "figure",
    ["", " ", "VIII", "iX", "H", "V8", "I/", "/V", "V/V/V/V", "V" * 40, "<b>", "V7\n<script>", "0", "é", "V[", "Ger99"],
)
def test_what_is_no_numeral_is_refused(figure: str) -> None:
    for mode in ("major", "minor"):
        with pytest.raises(ValueError, match=r"Roman numeral|chord tones"):
            parse_numeral(figure, mode)  # type: ignore[arg-type]


@given(
    st.text(alphabet="IViv/bno#oø+67543290[]addsuMjmajNGerFtC", max_size=MAX_FIGURE + 2),
    st.sampled_from(["major", "minor"]),
)
def test_anything_is_a_chord_or_a_value_error(figure: str, mode: Mode) -> None:
    try:
        chord = parse_numeral(figure, mode)
    except ValueError:
        return
    assert chord.bass in chord.tones
    assert 1 <= chord.degree <= 7


def test_the_stored_numerals_are_what_music21_says() -> None:
    from scripts.numeral_table import FILE, text

    assert FILE.read_text(encoding="utf-8") == text(), "run: python -m scripts.numeral_table"


def test_composing_and_realizing_do_not_wait_for_music21() -> None:
    import subprocess
    import sys

    program = (
        "import sys\n"
        "from workbench.core.compose import compose, realize\n"
        "from workbench.core.music.request import Request\n"
        "for seed, period in enumerate(('baroque', 'classical', 'romantic', 'modern')):\n"
        "    realize(compose(Request(seed=seed, period=period)))\n"
        "assert 'music21' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
