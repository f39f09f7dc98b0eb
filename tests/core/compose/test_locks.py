"""What is locked stays, note for note; what is not becomes other music that goes with it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.checks.music import GOOD, good
from tests.core.compose.test_replan import COMPOSED, Pair, assert_sound, everything, pieces, skeleton
from tests.core.generate.answers import PIECE
from workbench.core.compose import compose, realize
from workbench.core.compose.locks import Lock, dominants_raised, keep_locked, regenerate
from workbench.core.compose.replan import heard_phrases, with_phrases
from workbench.core.errors import InvalidInputError
from workbench.core.generate.agreement import agrees
from workbench.core.music.cadences import CADENCE_TYPES
from workbench.core.music.meters import divisions, meter_of
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import Leitmotif, Motif, MotifUse, MusicStructure, Phrase


def some_locks(piece: MusicStructure, seed: int) -> set[Lock]:
    """A few sections and a few phrases."""
    rng = random.Random(seed)
    locks: set[Lock] = set()
    for index in range(len(piece.sections)):
        locks |= {(index, None)} if rng.random() < 0.25 else set()
        locks |= {(index, number) for number in range(len(heard_phrases(piece, index))) if rng.random() < 0.3}
    return locks


def phrase_at(piece: MusicStructure, section: int, number: int) -> Phrase:
    return (piece.sections[section].phrases or ())[number]


def assert_kept(base: MusicStructure, piece: MusicStructure, locks: set[Lock]) -> None:
    for section, number in locks:
        if number is None:
            assert piece.sections[section] == base.sections[section]
        elif base.sections[section].phrases or piece.sections[section].phrases:
            assert heard_phrases(piece, section)[number] == heard_phrases(base, section)[number]


def tune(piece: MusicStructure, section: int) -> list[tuple[int, int, int]]:
    """The section's tune as it sounds: onset, duration and pitch class."""
    score = realize(piece)
    own = (score.voice == 0) & (score.section == section)
    return list(
        zip(score.onset[own].tolist(), score.duration[own].tolist(), (score.midi[own] % 12).tolist(), strict=True)
    )


@settings(max_examples=150)
@given(everything, st.integers(0, 2**31), st.integers(0, 2**63 - 1))
def test_locked_parts_stay_and_all_others_change(pair: Pair, draw: int, seed: int) -> None:
    base, request = pair
    locks = some_locks(base, draw)
    piece = regenerate(base, request, locks, seed=seed)
    assert_sound(base, piece)
    assert skeleton(piece) == skeleton(base)
    assert_kept(base, piece, locks)
    for index in range(len(base.sections)):
        heard = heard_phrases(base, index)
        free = [number for number in range(len(heard)) if not {(index, None), (index, number)} & locks]
        for number in free:
            new = phrase_at(piece, index, number)
            assert (new.chords, new.melody) != (heard[number].chords, heard[number].melody)


@given(everything, st.integers(0, 2**31), st.integers(0, COMPOSED - 1))
def test_any_fresh_piece_can_be_joined_to_what_is_locked(pair: Pair, draw: int, other: int) -> None:
    base, locks = pair[0], some_locks(pair[0], draw)
    kept = keep_locked(base, pieces()[other][0], locks)
    assert_kept(base, kept.structure, locks)
    if locks:
        assert_sound(base, kept.structure)
        assert [(section.name, section.key) for section in kept.structure.sections] == [
            (section.name, section.key) for section in base.sections
        ]
        for name in ("title", "key", "tempo", "time_signature", "form", "period"):
            assert getattr(kept.structure, name) == getattr(base, name)
    for index in kept.unchanged:
        assert (index, None) not in locks
        assert kept.structure.sections[index] == base.sections[index]


def test_without_locks_everything_is_fresh_and_with_all_nothing() -> None:
    base, request = pieces()[0]
    fresh = compose(request, seed=99)
    assert keep_locked(base, fresh, ()) == (fresh, ())
    every: set[Lock] = {(index, None) for index in range(len(base.sections))}
    assert keep_locked(base, fresh, every) == (base, ())
    assert regenerate(base, request, every, seed=5) == base
    again = regenerate(base, request, (), seed=5)
    assert again.sections != base.sections
    assert again.title == base.title


def test_the_same_seed_regenerates_the_same_music() -> None:
    base, request = pieces()[3]
    assert regenerate(base, request, {(0, 0)}, seed=8) == regenerate(base, request, {(0, 0)}, seed=8)
    assert regenerate(base, request, {(0, 0)}, seed=8) != regenerate(base, request, {(0, 0)}, seed=9)


def _first_bar(piece: MusicStructure, section: int, number: int) -> list[tuple[int | str, int]]:
    melody = phrase_at(piece, section, number).melody
    assert melody is not None
    bar, at, notes = meter_of(piece.time_signature).bar, 0, []
    for degree, length in zip(melody.degrees, melody.rhythm, strict=True):
        if at < bar:
            notes.append((degree, divisions(length)))
        at += divisions(length)
    return notes


@pytest.mark.parametrize("seed", range(5))
def test_the_consequent_of_a_locked_antecedent_keeps_its_opening(seed: int) -> None:
    base = good()
    piece = regenerate(base, Request(period="classical"), {(0, 0)}, seed=seed)
    assert _first_bar(piece, 0, 1) == _first_bar(base, 0, 0)
    assert phrase_at(piece, 0, 1) != phrase_at(base, 0, 1)
    assert (phrase_at(piece, 0, 1).chords or ())[0] == (phrase_at(base, 0, 0).chords or ())[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_antecedent_of_a_locked_consequent_begins_like_it(seed: int) -> None:
    piece = regenerate(good(), Request(period="classical"), {(0, 1)}, seed=seed)
    assert _first_bar(piece, 0, 0) == _first_bar(good(), 0, 1)


def test_a_locked_theme_returns_recognizably() -> None:
    for number, (base, request) in enumerate(pieces()[:COMPOSED]):
        if base.form in {"ABA", "rondo", "minuet-trio"} and len(base.sections) > 2:
            if min(phrase_at(base, index, 0).measures for index in (0, 2)) < 4:
                continue
            piece = regenerate(base, request, {(0, None)}, seed=number)
            assert piece.sections[2].chord_progression[:1] == base.sections[0].chord_progression[:1]
            assert _first_bar(piece, 2, 0)[:2] == _first_bar(base, 0, 0)[:2]


def test_the_motif_of_a_locked_phrase_is_the_material_of_its_section() -> None:
    piece = regenerate(good(), Request(), {(0, 0)}, seed=4)
    assert piece.sections[0].motifs == good().sections[0].motifs
    assert (piece.sections[0].texture, piece.sections[0].dynamics) == ("homophonic", "mf")


def test_locked_phrases_of_a_plan_without_phrases_are_written_out_as_they_are_heard() -> None:
    for base, request in pieces()[COMPOSED : COMPOSED + 12]:
        if len(heard_phrases(base, 0)) == 1:
            continue  # with its only phrase the whole section is locked
        piece = regenerate(base, request, {(0, 0), (1, None)}, seed=2)
        assert phrase_at(piece, 0, 0) == heard_phrases(base, 0)[0]
        assert piece.sections[1] == base.sections[1]
        assert tune(piece, 1) == tune(base, 1)
        count = len(phrase_at(piece, 0, 0).melody.degrees)  # type: ignore[union-attr]
        sounding = sum(degree != 0 for degree in phrase_at(piece, 0, 0).melody.degrees[:count])  # type: ignore[union-attr]
        assert tune(piece, 0)[:sounding] == tune(base, 0)[:sounding]


def test_a_fresh_section_in_another_key_or_of_another_length_is_not_used() -> None:
    base = good()
    fresh = regenerate(base, Request(), (), seed=1)
    away = fresh.sections[1].model_copy(update={"key": "e minor"})
    short = with_phrases(fresh.sections[2], (fresh.sections[2].phrases or ())[:1])
    kept = keep_locked(base, fresh.model_copy(update={"sections": (fresh.sections[0], away, short)}), {(0, 0)})
    assert kept.unchanged == (1, 2)
    assert kept.structure.sections[1:] == base.sections[1:]
    assert phrase_at(kept.structure, 0, 1) == phrase_at(fresh, 0, 1)
    assert keep_locked(base, fresh.model_copy(update={"sections": fresh.sections[:1]}), {(0, 0)}).unchanged == (1, 2)
    slow = fresh.model_copy(update={"time_signature": "2/2"})
    assert keep_locked(base, slow, {(0, None)}).unchanged == (1, 2)


def test_leitmotifs_that_are_spoken_of_are_kept() -> None:
    named = phrase_at(good(), 1, 0).model_copy(update={"motif": MotifUse(ref="joy")})
    section = with_phrases(good().sections[1], (named, phrase_at(good(), 1, 1)))
    base = good().model_copy(update={"sections": (good().sections[0], section, good().sections[2])})
    other = Leitmotif(tag="grief", degrees=(6, 5), rhythm=(1, 1))
    fresh = regenerate(good(), Request(), (), seed=3).model_copy(update={"leitmotifs": (other,)})
    assert [each.tag for each in keep_locked(base, fresh, {(1, 0)}).structure.leitmotifs or ()] == ["joy", "grief"]
    assert [each.tag for each in keep_locked(base, fresh, {(0, 0)}).structure.leitmotifs or ()] == ["grief"]


def test_a_close_on_one_chord_keeps_the_phrase_that_it_leans_on() -> None:
    first, second = good().sections[2].phrases or ()
    head = second.model_copy(
        update={"measures": 3, "cadence": None, "chords": ("I", "V7"), "chord_beats": (8.0, 4.0), "melody": None}
    )
    end = Phrase(
        label="z", role="codetta", measures=1, cadence="PAC", chords=("I",), melody=Motif(degrees=(1,), rhythm=(4,))
    )
    section = with_phrases(good().sections[2], (first, head, end))
    base = good().model_copy(update={"sections": (*good().sections[:2], section)})
    piece = regenerate(base, Request(), {(2, 2)}, seed=6)
    assert (piece.sections[2].phrases or ())[1:] == (head, end)
    assert_sound(base, piece)


def test_a_fresh_neighbour_claims_no_period_with_what_is_locked() -> None:
    fresh = regenerate(good(), Request(), (), seed=3)
    weak = phrase_at(fresh, 0, 1).model_copy(update={"cadence": "HC", "chords": ("I", "V"), "chord_beats": (12.0, 4.0)})
    section = with_phrases(fresh.sections[0], (phrase_at(fresh, 0, 0), weak))
    offered = fresh.model_copy(update={"sections": (section, *fresh.sections[1:])})
    joined = keep_locked(good(), offered, {(0, 0)}).structure
    assert (phrase_at(joined, 0, 1).role, phrase_at(joined, 0, 1).cadence) == ("phrase", "HC")
    assert_sound(good(), joined)


def test_notes_over_barlines_and_chords_of_other_styles_can_be_locked() -> None:
    data = dict(GOOD["sections"][0]["phrases"][0])
    odd = Phrase.model_validate(data | {
        "chords": ["I", "V+", "Vsus4", "V"], "melody": {"degrees": [5, "#4", 20], "rhythm": [9, 0.333333, 6.666667]},
    })  # fmt: skip
    section = with_phrases(good().sections[0], (odd, phrase_at(good(), 0, 1)))
    base = good().model_copy(update={"sections": (section, *good().sections[1:])})
    for seed in range(3):
        piece = regenerate(base, Request(), {(0, 0)}, seed=seed)
        assert_sound(base, piece)
        assert phrase_at(piece, 0, 0) == odd


@pytest.mark.parametrize("lock", [(9, None), (-1, None), (0, 7), (0, -1)])
def test_a_lock_on_nothing_is_refused(lock: Lock) -> None:
    with pytest.raises(InvalidInputError) as caught:
        regenerate(good(), Request(), {lock}, seed=0)
    assert caught.value.hint


figures = st.lists(st.sampled_from(["i", "i6", "iv", "v", "v6", "V", "V7", "VI", "VII", "I"]), min_size=1, max_size=6)


@given(figures, st.sampled_from([None, *CADENCE_TYPES]))
def test_a_close_in_minor_has_its_leading_tone(chords: list[str], cadence: str | None) -> None:
    raised = dominants_raised(chords, cadence)  # type: ignore[arg-type]
    assert [one for one, other in zip(chords, raised, strict=True) if one != other and one[0] != "v"] == []
    phrase = {"measures": 4, "chords": raised, "cadence": cadence}
    section = {"name": "A", "key": "a minor", "measures": 4, "chordProgression": raised, "phrases": [phrase]}
    assert agrees(read_structure(PIECE | {"key": "a minor", "sections": [section]}))
