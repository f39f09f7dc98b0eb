"""Edits by hand change what they are about, keep the rest, and leave a piece that holds together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.core.checks.music import broken, good, plain
from tests.core.compose.test_locks import phrase_at
from tests.core.compose.test_replan import COMPOSED, Pair, assert_sound, everything, pieces
from workbench.core.compose import realize
from workbench.core.compose.edits import transpose, with_cadence, with_key, with_motif
from workbench.core.compose.replan import heard_phrases, heard_section, returns_to, with_phrases
from workbench.core.errors import InvalidInputError
from workbench.core.music.cadences import CADENCE_TYPES, CadenceType
from workbench.core.music.forms import FORMS
from workbench.core.music.keys import ALL_KEYS, Key
from workbench.core.music.motifs import MotifCell, transform
from workbench.core.music.structure import Motif, MotifUse, MusicStructure, Phrase

some = st.integers(0, 2**31)
degrees = st.one_of(st.integers(-4, 10), st.sampled_from(["#4", "b7", "b6", "#1"]))
motifs = st.lists(st.tuples(degrees, st.sampled_from([0.25, 1 / 3, 0.5, 1.0, 1.5, 2.0])), min_size=1, max_size=8).map(
    lambda notes: Motif(degrees=(*(degree for degree, _ in notes), 3), rhythm=(*(length for _, length in notes), 1.0))
)


def others_of(piece: MusicStructure, index: int) -> list[object]:
    return [section for number, section in enumerate(piece.sections) if number != index]


def chords(piece: MusicStructure, section: int = 0, number: int = 0) -> tuple[str, ...]:
    return phrase_at(piece, section, number).chords or ()


def refused(edit: Any, *args: Any) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        edit(*args)
    assert caught.value.hint
    return caught.value


# Keys


@settings(max_examples=150)
@given(everything, some, st.sampled_from(ALL_KEYS))
def test_a_section_goes_into_any_key_that_means_something_there(pair: Pair, draw: int, key: Key) -> None:
    piece = pair[0]
    index = draw % len(piece.sections)
    home = piece.tonality
    returns = piece.form in FORMS and returns_to(piece, index) is not None and key.pitch_class != home.pitch_class
    try:
        changed = with_key(piece, index, key.name)
    except InvalidInputError:
        refused(with_key, piece, index, key.name)
        assert returns or not key.is_closely_related(home)
        return
    assert changed.sections[index].key == key.name
    assert others_of(changed, index) == others_of(piece, index)
    assert changed.sections[index].measures == piece.sections[index].measures
    assert_sound(piece, changed)


def test_in_the_same_mode_numerals_and_degrees_stay() -> None:
    changed = with_key(good(), 1, "e minor")
    assert changed.sections[1] == good().sections[1].model_copy(update={"key": "e minor"})
    assert with_key(good(), 1, "b minor") == good()


def test_in_the_other_mode_chords_keep_their_function_and_degrees_take_its_form() -> None:
    minor = with_key(good(), 0, "d minor")
    assert chords(minor, 0, 1) == ("i", "V7", "i", "i64", "V7", "i")
    assert phrase_at(minor, 0, 0).melody == phrase_at(good(), 0, 0).melody
    major = with_key(good(), 1, "G major")
    assert chords(major, 1, 1) == ("vi", "ii6", "V7", "I")
    melody = phrase_at(major, 1, 1).melody
    assert melody is not None
    assert melody.degrees[11] == 7  # it was #7


def _plainly(phrase: Phrase) -> list[int]:
    assert phrase.melody is not None
    return [int(str(degree).lstrip("b#")) for degree in phrase.melody.degrees]


@settings(max_examples=60)
@given(st.sampled_from(range(COMPOSED)))
def test_there_and_back_again_is_the_same_tune(number: int) -> None:
    piece = pieces()[number][0]
    assume(not piece.tonality.is_minor)
    away = with_key(piece, 0, piece.tonality.parallel.name)
    back = with_key(away, 0, piece.key)
    for one, other in zip(piece.sections[0].phrases or (), back.sections[0].phrases or (), strict=True):
        # What was borrowed from minor is at home there, and does not come back.
        assert _plainly(one) == _plainly(other)


def test_odd_chords_find_their_place_in_the_other_mode() -> None:
    def turned(figures: list[str], old: str, new: str) -> tuple[str, ...]:
        piece = plain(figures, key=old, section={"phrases": [{"measures": 4, "chords": figures}]})
        return chords(with_key(piece, 0, new))

    assert turned(["i", "iio", "VII6", "III", "viio7", "i"], "c minor", "C major") == (
        "I", "ii", "V6", "iii", "viiø7", "I",
    )  # fmt: skip
    assert turned(["I", "ii7", "viiø7", "iii", "IV64", "vi6"], "C major", "c minor") == (
        "i", "iiø7", "viio7", "III", "iv64", "VI6",
    )  # fmt: skip
    assert turned(["I", "V7/V", "Ger65", "V", "v", "V"], "C major", "c minor")[-2:] == ("V", "V")


def test_a_picardy_third_that_goes_to_major_is_a_plain_close() -> None:
    piece = with_cadence(good(), 1, "PICARDY")
    assert (chords(piece, 1, 1)[-1], phrase_at(piece, 1, 1).cadence) == ("I", "PICARDY")
    major = with_key(piece, 1, "B major")
    assert (major.sections[1].cadence, phrase_at(major, 1, 1).cadence, chords(major, 1, 1)[-1]) == ("PAC", "PAC", "I")


def test_keys_that_would_be_misread_or_break_the_form_are_refused() -> None:
    slip = refused(with_key, good(), 1, "Ab major")
    assert "A major" in slip.hint
    assert "rounds off the form" in refused(with_key, good(), 2, "A major").message
    assert with_key(good(), 2, "d minor").sections[2].key == "d minor"
    refused(with_key, good(), 3, "A major")
    refused(with_key, good(), -1, "A major")
    refused(with_key, good(), 0, "H dur")


# Transposition


@settings(max_examples=120)
@given(everything, st.sampled_from(ALL_KEYS))
def test_a_transposed_piece_is_the_same_piece_somewhere_else(pair: Pair, key: Key) -> None:
    piece = pair[0]
    if key.mode != piece.tonality.mode:
        assert piece.tonality.mode in refused(transpose, piece, key.name).hint
        return
    moved = transpose(piece, key.name)
    assert_sound(piece, moved)
    assert moved.key == key.name
    interval = (key.pitch_class - piece.tonality.pitch_class) % 12
    for one, other in zip(piece.sections, moved.sections, strict=True):
        assert (other.tonality.pitch_class - one.tonality.pitch_class) % 12 == interval
        assert other.tonality.mode == one.tonality.mode
    before, after = realize(piece), realize(moved)
    tune, again = before.voice == 0, after.voice == 0
    assert (before.onset[tune] == after.onset[again]).all()
    assert np.array_equal((before.midi[tune] + interval) % 12, after.midi[again] % 12)


@given(st.sampled_from(range(COMPOSED)), st.sampled_from(ALL_KEYS))
def test_transposing_back_gives_the_piece_again(number: int, key: Key) -> None:
    piece = pieces()[number][0]
    interval = key.tonic - piece.tonality.tonic
    respelled = any(abs(section.tonality.signature + interval) > 7 for section in piece.sections)
    assume(key.mode == piece.tonality.mode and not respelled)
    assert transpose(transpose(piece, key.name), piece.key) == piece


def test_words_about_the_key_follow() -> None:
    piece = good().model_copy(
        update={"title": "Song in D major", "reasoning": "From D major to b minor; C♯ major not."}
    )
    moved = transpose(piece, "Eb major")
    assert (moved.title, moved.reasoning) == ("Song in E♭ major", "From E♭ major to c minor; C♯ major not.")


def test_keys_past_seven_accidentals_are_respelled() -> None:
    dominant = good().sections[1].model_copy(update={"key": "A major"})
    piece = with_key(good(), 1, "f# minor")
    assert transpose(piece, "Cb major").sections[1].key == "eb minor"
    sharp = good().model_copy(update={"sections": (good().sections[0], dominant, good().sections[2])})
    assert transpose(sharp, "C# major").sections[1].key == "Ab major"


def test_a_spelling_that_would_be_misread_is_refused() -> None:
    far = good().model_copy(update={"form": "fantasy", "period": "romantic"})
    mediant = with_key(far, 1, "Bb major")
    assert transpose(mediant, "C major").sections[1].key == "Ab major"
    assert "slip" in refused(transpose, mediant, "Ab major").message


# Cadences


@settings(max_examples=200)
@given(everything, some, st.sampled_from(CADENCE_TYPES))
def test_any_cadence_can_be_written_anywhere_and_sounds(pair: Pair, draw: int, cadence: CadenceType) -> None:
    piece = pair[0]
    index = draw % len(piece.sections)
    count = len(heard_phrases(piece, index))
    number = draw // 64 % count if draw % 3 else None
    if cadence == "PICARDY" and not piece.sections[index].tonality.is_minor:
        assert "PAC" in refused(with_cadence, piece, index, cadence).hint
        return
    changed = with_cadence(piece, index, cadence, number)
    assert_sound(piece, changed)
    at = count - 1 if number is None else number
    assert phrase_at(changed, index, at).cadence == cadence
    assert others_of(changed, index) == others_of(piece, index)
    assert with_cadence(changed, index, cadence, number) == changed
    same = [each for where, each in enumerate(heard_phrases(piece, index)) if where != at]
    assert [each for where, each in enumerate(changed.sections[index].phrases or ()) if where != at] == same


def test_as_few_chords_as_possible_change() -> None:
    def close(cadence: CadenceType) -> tuple[str, ...]:
        return chords(with_cadence(good(), 0, cadence), 0, 1)

    assert close("PAC") == chords(good(), 0, 1) == ("I", "V7", "I", "I64", "V7", "I")
    assert close("DC") == ("I", "V7", "I", "I64", "V7", "vi")
    assert close("HC") == ("I", "V7", "I", "ii6", "V")
    assert close("PC") == ("I", "V7", "I", "I", "IV", "I")
    assert close("IAC") == chords(good(), 0, 1)
    opened = with_cadence(good(), 0, "PAC", 0)
    assert chords(opened, 0, 0) == ("I", "V7", "V7", "I")


def test_the_tune_arrives_and_what_came_before_stays() -> None:
    for cadence, wanted in (("PAC", {1, 8}), ("IAC", {3, 5, 10, -3}), ("HC", {2, 5, 7, -1, 9})):
        tune = phrase_at(with_cadence(good(), 0, cadence, 0), 0, 0).melody  # type: ignore[arg-type]
        old = phrase_at(good(), 0, 0).melody
        assert tune is not None
        assert old is not None
        assert tune.rhythm == old.rhythm
        assert tune.degrees[:8] == old.degrees[:8]
        assert tune.degrees[12] in wanted


def test_a_period_that_is_none_any_more_is_not_called_one() -> None:
    changed = with_cadence(good(), 0, "PAC", 0)
    assert [phrase.role for phrase in changed.sections[0].phrases or ()] == ["phrase", "consequent"]
    changed = with_cadence(good(), 0, "HC")
    assert [phrase.role for phrase in changed.sections[0].phrases or ()] == ["antecedent", "phrase"]


def test_a_single_chord_becomes_a_close() -> None:
    piece = plain(["I"], section={"phrases": [{"measures": 4, "chords": ["I"]}]})
    for cadence, wanted in (("PAC", ("V7", "I")), ("HC", ("I", "V")), ("PC", ("IV", "I")), ("DC", ("V", "vi"))):
        changed = with_cadence(piece, 0, cadence)  # type: ignore[arg-type]
        assert chords(changed) == wanted
        assert phrase_at(changed, 0, 0).chord_beats == (12, 4)
        assert_sound(piece, changed)


def test_a_phrase_that_leaned_on_the_changed_one_stands_by_itself() -> None:
    def lean(data: Any) -> None:
        first, second = data["sections"][0]["phrases"]
        second |= {"measures": 3, "cadence": None, "chords": ["I", "V7"], "chordBeats": [8, 4], "melody": None}
        end = {"measures": 1, "cadence": "PAC", "chords": ["I"], "melody": {"degrees": [1], "rhythm": [4]}}
        data["sections"][0] |= {
            "phrases": [first, second, end], "harmonicRhythm": None, "chordProgression": ["I", "V7", "I", "V"],
        }  # fmt: skip
        data["sections"][0]["chordProgression"] += ["I", "V7", "I"]

    piece = broken(lean)
    changed = with_cadence(piece, 0, "DC", 1)
    assert chords(changed, 0, 2) == ("V7", "I")
    assert_sound(piece, changed)


def test_what_cannot_close_so_is_refused() -> None:
    refused(with_cadence, good(), 7, "PAC")
    refused(with_cadence, good(), 0, "PAC", 2)
    refused(with_cadence, good(), 0, "plagal")
    assert "minor" in refused(with_cadence, good(), 0, "PICARDY").message


# Motifs


@settings(max_examples=150)
@given(everything, some, motifs)
def test_any_motif_can_be_a_sections_first(pair: Pair, draw: int, motif: Motif) -> None:
    piece = pair[0]
    index = draw % len(piece.sections)
    changed = with_motif(piece, index, motif)
    assert changed.sections[index].motifs == (motif, *piece.sections[index].motifs[1:])
    assert others_of(changed, index) == others_of(piece, index)
    assert changed.sections[index].chord_progression == piece.sections[index].chord_progression
    assert_sound(piece, changed)


def _tune(piece: MusicStructure, section: int, number: int) -> list[tuple[int | str, float]]:
    melody = phrase_at(piece, section, number).melody
    assert melody is not None
    return list(zip(melody.degrees, melody.rhythm, strict=True))


def test_phrases_that_use_the_motif_open_with_it_and_close_as_before() -> None:
    motif = Motif(degrees=(5, "#4", 5, 8), rhythm=(1, 0.5, 0.5, 2))
    changed = with_motif(good(), 0, motif)
    for number in range(2):
        assert _tune(changed, 0, number)[:4] == [(5, 1), ("#4", 0.5), (5, 0.5), (8, 2)]
        assert _tune(changed, 0, number)[4:8] == _tune(good(), 0, number)[4:8]
        # The third bar of the theme is its first, a third lower: so it is with the new one.
        assert [length for _, length in _tune(changed, 0, number)[8:12]] == [1, 0.5, 0.5, 2]
        assert _tune(changed, 0, number)[-3:] == _tune(good(), 0, number)[-3:]


def test_the_motif_is_transformed_as_the_phrase_says() -> None:
    motif = Motif(degrees=(1, 2, 3, 5), rhythm=(1, 1, 1, 1))
    for change in ("inversion", "retrograde"):
        use = MotifUse(ref="m1", transformation=change)  # type: ignore[arg-type]
        phrases = [phrase.model_copy(update={"motif": use}) for phrase in good().sections[0].phrases or ()]
        section = with_phrases(good().sections[0], phrases)
        piece = good().model_copy(update={"sections": (section, *good().sections[1:])})
        wanted = transform(MotifCell(motif.degrees, motif.rhythm), change).degrees
        heard = [degree for degree, _ in _tune(with_motif(piece, 0, motif), 0, 0)[:4]]
        assert np.sign(np.diff(np.array(heard, int))).tolist() == np.sign(np.diff(np.array(wanted, int))).tolist()


def test_later_statements_of_the_old_motif_become_the_new_one() -> None:
    changed = with_motif(good(), 1, Motif(degrees=(1, 3, 2, 1), rhythm=(2, 1, 0.5, 0.5)))
    rhythm = [length for _, length in _tune(changed, 1, 0)]
    assert rhythm == [2, 1, 0.5, 0.5] * 3 + [1, 1, 1, 1]


def test_a_plan_without_tunes_grows_them_from_the_new_motif() -> None:
    piece = pieces()[COMPOSED][0]
    motif = Motif(degrees=(5, 3, 1), rhythm=(1, 1, 2))
    changed = with_motif(piece, 0, motif)
    assert changed.sections[0] == piece.sections[0].model_copy(update={"melody": changed.sections[0].melody})
    assert heard_section(changed, 0) != heard_section(piece, 0)


def test_the_same_motif_changes_nothing_and_an_empty_one_is_refused() -> None:
    assert with_motif(good(), 0, good().sections[0].motifs[0]) == good()
    refused(with_motif, good(), 0, Motif(degrees=(), rhythm=()))
    refused(with_motif, good(), 0, Motif(degrees=(0, 0), rhythm=(1, 1)))
    refused(with_motif, good(), 0, Motif(degrees=(1, 2), rhythm=(1,)))
    refused(with_motif, good(), 5, Motif(degrees=(1,), rhythm=(1,)))
