"""Phrases of a piece go into the phrases of a plan: whole, linked, cut, held, or continued by a part to be composed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.core.checks import check
from workbench.core.compose import compose, plan
from workbench.core.compose.plan import PhrasePlan, SectionPlan
from workbench.core.compose.refitting import Parts, blank, brought_back, fitted, joined
from workbench.core.compose.replan import with_phrases
from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import parse_key
from workbench.core.music.meters import divisions
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, Phrase

PIECE = compose(Request(form="ABA", period="classical", duration=90, key="C major", time_signature="4/4", seed=3))
SOLO = PIECE.model_copy(update={"sections": PIECE.sections[:1]})
OWN = SOLO.sections[0].phrases or ()
"""Phrases of four bars, the last with a PAC."""


def planned(
    *lengths: int, cadence: CadenceType = "PAC", key: str = "C major", inner: CadenceType | None = "HC"
) -> SectionPlan:
    phrases = tuple(
        PhrasePlan("abcdefgh"[at], "phrase", bars, cadence if at == len(lengths) - 1 else inner, "m1")
        for at, bars in enumerate(lengths)
    )
    return SectionPlan("A", "theme", parse_key(key), sum(lengths), cadence, "alberti", "mf", phrases)


def bars(parts: Parts) -> list[int]:
    return [part.measures for part in parts]


def tune(phrase: Phrase) -> tuple[object, ...]:
    assert phrase.melody is not None
    return phrase.melody.degrees


def filled(phrase: Phrase) -> bool:
    """Whether chords and tune last as long as the phrase."""
    assert phrase.melody is not None
    wanted = phrase.measures * 4 * 3360
    return all(sum(map(divisions, each)) == wanted for each in (phrase.chord_beats or (), phrase.melody.rhythm))


def sound(parts: Parts) -> bool:
    """Whether a phrase alone makes what it says it makes."""
    section = with_phrases(SOLO.sections[0], parts)
    return check(SOLO.model_copy(update={"sections": (section,), "form": "song"}), profile="classical").valid


def test_the_mould_is_what_these_tests_take_it_for() -> None:
    assert [phrase.measures for phrase in OWN] == [4] * len(OWN)
    assert len(OWN) >= 2
    assert OWN[-1].cadence == "PAC"


def test_what_fits_stays_as_it_is() -> None:
    parts = fitted(SOLO, planned(*(phrase.measures for phrase in OWN)))
    assert [tune(part) for (part,) in parts] == [tune(phrase) for phrase in OWN]
    assert [part.chords for (part,) in parts] == [phrase.chords for phrase in OWN]
    assert [part.cadence for (part,) in parts] == [phrase.cadence for phrase in OWN], "inner ones keep their own"


def test_two_phrases_become_one_where_that_fits() -> None:
    ((part,), *_) = fitted(SOLO, planned(8, 4))
    assert tune(part) == tune(OWN[0]) + tune(OWN[1])
    assert part.cadence == OWN[1].cadence
    assert filled(part)


@pytest.mark.parametrize("length", [2, 3])
def test_a_longer_phrase_gives_its_opening_and_its_close(length: int) -> None:
    ((part,), *_) = fitted(SOLO, planned(length, 4))
    assert part.measures == length
    assert tune(part)[:2] == tune(OWN[0])[:2]
    assert part.cadence == OWN[0].cadence
    assert filled(part)


def test_a_bar_too_few_is_held() -> None:
    ((part,), *_) = fitted(SOLO, planned(5, 4))
    assert part.measures == 5
    assert part.chords == OWN[0].chords
    assert filled(part)


@pytest.mark.parametrize("length", [6, 7, 11])
def test_what_is_shorter_is_continued_by_a_part_to_be_composed(length: int) -> None:
    solo = SOLO.model_copy(update={"sections": (with_phrases(SOLO.sections[0], OWN[:1]),)})
    ((first, second),) = fitted(solo, planned(length))
    assert (first.measures, second.measures) == (4, length - 4)
    assert tune(first) == tune(OWN[0])
    assert first.cadence is None
    assert second.melody is None
    assert second.cadence == "PAC"
    assert second.role == ("continuation" if length > 7 else "cadential")


def test_where_the_phrases_end_the_rest_is_blank() -> None:
    parts = fitted(SOLO, planned(*[4] * (len(OWN) + 2)))
    assert [part.melody is None for (part,) in parts] == [False] * len(OWN) + [True] * 2


def test_one_bar_is_too_little_for_a_phrase() -> None:
    ((part,), *_) = fitted(SOLO, planned(1, 4))
    assert part.melody is None


@pytest.mark.parametrize("cadence", ["PAC", "IAC", "HC", "DC", "PC"])
@pytest.mark.parametrize("length", [3, 4, 5, 8])
def test_the_last_phrase_closes_as_planned(length: int, cadence: CadenceType) -> None:
    parts = fitted(SOLO, planned(length, cadence=cadence))[-1]
    assert parts[-1].cadence == cadence
    assert bars(parts) == [length] or sum(bars(parts)) == length
    if all(part.melody for part in parts):
        assert sound(parts)


def test_a_phrase_of_few_chords_keeps_its_opening_and_gets_its_close_composed() -> None:
    held = OWN[0].model_copy(update={"chords": ("I", "V"), "chord_beats": (8.0, 8.0), "cadence": "HC"})
    solo = SOLO.model_copy(update={"sections": (with_phrases(SOLO.sections[0], (held,)),)})
    ((first, second),) = fitted(solo, planned(4))
    assert (first.measures, second.measures, second.melody) == (2, 2, None)
    assert first.chords == ("I",)


def test_chords_without_lengths_are_spread() -> None:
    plain = OWN[0].model_copy(update={"chord_beats": None})
    solo = SOLO.model_copy(update={"sections": (with_phrases(SOLO.sections[0], (plain, *OWN[1:])),)})
    ((part,), *_) = fitted(solo, planned(8, 4))
    assert len(part.chord_beats or ()) == len(part.chords or ())


def test_a_return_is_to_be_composed_in_the_parts_of_its_theme() -> None:
    theme = fitted(SOLO, planned(6, 4))
    back = replace(planned(6, 4, cadence="IAC"), returns=0)
    back = replace(back, phrases=tuple(replace(each, source=(0, at)) for at, each in enumerate(back.phrases)))
    parts = brought_back(back, theme)
    assert [bars(each) for each in parts] == [bars(each) for each in theme]
    assert all(part.melody is None for each in parts for part in each)
    assert parts[-1][-1].cadence == "IAC"
    assert parts[0][-1].cadence == theme[0][-1].cadence


def test_a_return_of_another_length_is_left_to_the_composer() -> None:
    back = replace(planned(4, 5), returns=0)
    back = replace(back, phrases=tuple(replace(each, source=(0, at)) for at, each in enumerate(back.phrases)))
    assert [bars(each) for each in brought_back(back, fitted(SOLO, planned(8, 4)))] == [[4], [5]]


def test_parts_are_put_together_again() -> None:
    section = planned(8)
    dealt: list[Parts] = [(OWN[0], OWN[1])]
    (phrase,) = joined([OWN[0], OWN[1]], section, dealt)
    assert (phrase.measures, phrase.label, phrase.role, phrase.cadence) == (8, "a", "phrase", OWN[1].cadence)
    assert filled(phrase)


def test_roles_that_no_longer_hold_are_given_up() -> None:
    asks = OWN[0].model_copy(update={"role": "antecedent", "cadence": "PAC"})
    answers = OWN[1].model_copy(update={"role": "consequent", "cadence": "HC"})
    phrases = joined([asks, answers], planned(4, 4), [(asks,), (answers,)])
    assert [phrase.role for phrase in phrases] == ["phrase", "consequent"]
    presents = OWN[0].model_copy(update={"role": "presentation", "cadence": None})
    assert joined([presents, answers], planned(4, 4), [(presents,), (answers,)])[0].role == "phrase"
    goes_on = OWN[1].model_copy(update={"role": "continuation"})
    assert joined([presents, goes_on], planned(4, 4), [(presents,), (goes_on,)])[0].role == "presentation"


def test_closes_in_minor_have_their_leading_tone() -> None:
    phrase = OWN[0].model_copy(update={"chords": ("i", "iv", "v", "i"), "chord_beats": (4.0,) * 4, "cadence": "PAC"})
    (mended,) = joined([phrase], planned(4, key="c minor"), [(phrase,)])
    assert mended.chords == ("i", "iv", "V", "i")


@pytest.mark.parametrize("mode", ["major", "minor"])
def test_a_blank_has_chords_that_can_be_read(mode: str) -> None:
    form = plan(Request(form="ABA", duration=60, key="C major" if mode == "major" else "c minor"))
    phrase = blank(form.sections[0].phrases[0], form.sections[0].key.mode)
    piece: MusicStructure = PIECE.model_copy(update={"sections": (with_phrases(PIECE.sections[0], (phrase,)),)})
    assert piece.sections[0].chord_progression[0].lower() == "i"
