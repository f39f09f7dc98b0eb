"""The same piece is known again in another key, at another tempo, with other notes here and there; others are not."""

from __future__ import annotations

import random
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import compose
from workbench.core.compose.edits import transpose, with_key
from workbench.core.compose.meter_change import with_meter
from workbench.core.library.examples import load_examples
from workbench.core.library.likeness import (
    MAX_NEIGHBOURS,
    NEAR_DUPLICATE,
    Duplicates,
    fingerprint,
    likeness,
    tune_likeness,
)
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import parse_key
from workbench.core.music.request import Request
from workbench.core.music.structure import Motif, MusicStructure, Phrase, Section

SHIPPED = {example.id: example.structure for example in load_examples()}
STYLES = list(product(("ABA", "rondo", "sonata", "binary"), PERIODS))


def composed(seed: int, form: str = "ABA", period: str = "classical") -> MusicStructure:
    return compose(
        Request(form=form, period=period, duration=60, key="C major", time_signature="4/4", tempo=100, seed=seed)
    )


PIECES = SHIPPED | {f"composed-{form}-{period}": composed(7, form, period) for form, period in STYLES}
every_piece = pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)


def alike(one: MusicStructure, other: MusicStructure) -> float:
    return likeness(fingerprint(one), fingerprint(other))


def with_tunes(piece: MusicStructure, tunes: list[list[Motif]]) -> MusicStructure:
    def section(old: Section, new: list[Motif]) -> Section:
        phrases = [phrase.model_copy(update={"melody": m}) for phrase, m in zip(old.phrases or (), new, strict=True)]
        return old.model_copy(update={"phrases": tuple(phrases)})

    return piece.model_copy(update={"sections": tuple(map(section, piece.sections, tunes))})


def misprinted(piece: MusicStructure, notes: int, seed: int = 0) -> MusicStructure:
    """The piece with a few other notes in its tunes."""
    rng = random.Random(seed)
    tunes = [[phrase.melody or Motif(degrees=(), rhythm=()) for phrase in s.phrases or ()] for s in piece.sections]
    changed = 0
    while changed < notes:
        section = rng.choice(tunes)
        at = rng.randrange(len(section))
        degrees = list(section[at].degrees)
        note = rng.randrange(len(degrees))
        if isinstance(degrees[note], int) and degrees[note] not in (0, -1):
            degrees[note] += rng.choice((1, 2))  # type: ignore[operator]
            section[at] = section[at].model_copy(update={"degrees": tuple(degrees)})
            changed += 1
    return with_tunes(piece, tunes)


# The same piece


@every_piece
def test_a_piece_is_like_itself(piece: MusicStructure) -> None:
    assert alike(piece, piece) == 1.0


@every_piece
def test_a_piece_in_another_key_is_the_same_piece(piece: MusicStructure) -> None:
    for key in ("E major", "Bb major") if not piece.tonality.is_minor else ("f# minor", "g minor"):
        assert alike(piece, transpose(piece, key)) == 1.0


@every_piece
def test_other_names_dynamics_and_tempo_do_not_matter(piece: MusicStructure) -> None:
    sections = tuple(
        section.model_copy(update={"name": f"Part {number}", "role": None, "dynamics": "ff", "texture": "chorale"})
        for number, section in enumerate(piece.sections)
    )
    changes = {"title": "Another", "tempo": 77, "sections": sections, "instrumentation": "organ", "humanize": None}
    assert alike(piece, piece.model_copy(update=changes)) == 1.0


@every_piece
def test_a_few_other_notes_leave_a_near_duplicate(piece: MusicStructure) -> None:
    notes = sum(len(phrase.melody.degrees) for s in piece.sections for phrase in s.phrases or () if phrase.melody)
    for seed in range(3):
        changed = misprinted(piece, max(1, notes // 50), seed)
        assert NEAR_DUPLICATE <= alike(piece, changed) < 1.0


@pytest.mark.parametrize(("meter", "other"), [("4/4", "2/2"), ("2/4", "2/2"), ("3/4", "3/8"), ("6/8", "12/8")])
def test_the_same_music_in_another_notation_is_a_near_duplicate(meter: str, other: str) -> None:
    pieces = [piece for piece in PIECES.values() if piece.time_signature == meter]
    for piece in pieces:
        assert alike(piece, with_meter(piece, other)) >= NEAR_DUPLICATE  # type: ignore[arg-type]


def test_repeats_change_nothing() -> None:
    piece = composed(1)
    longer = piece.model_copy(update={"sections": (*piece.sections, *piece.sections)})
    assert alike(piece, longer) == 1.0


@every_piece
def test_a_piece_in_the_other_mode_is_still_near(piece: MusicStructure) -> None:
    first = piece.model_copy(update={"sections": piece.sections[:1], "key": piece.sections[0].key})
    turned = with_key(first, 0, first.tonality.parallel.name)
    assert alike(first, turned) >= 0.35


# Other pieces


def test_no_two_examples_are_near_duplicates() -> None:
    prints = [fingerprint(piece) for piece in SHIPPED.values()]
    values = sorted(likeness(one, other) for one, other in combinations(prints, 2))
    assert values[-1] < NEAR_DUPLICATE
    assert values[int(len(values) * 0.95)] < 0.5


@pytest.mark.parametrize(("form", "period"), STYLES)
def test_two_pieces_in_the_same_style_are_not_alike(form: str, period: str) -> None:
    prints = [fingerprint(composed(seed, form, period)) for seed in range(6)]
    assert max(likeness(one, other) for one, other in combinations(prints, 2)) < 0.5


def test_the_same_chords_under_another_tune_do_not_make_the_same_piece() -> None:
    piece = composed(1)
    tunes = [
        [Motif(degrees=(1, 3, 2, 5) * p.measures, rhythm=(1.5, 0.5, 1, 1) * p.measures) for p in section.phrases or ()]
        for section in piece.sections
    ]
    assert alike(piece, with_tunes(piece, tunes)) < 0.5


@given(st.sampled_from(list(PIECES.values())), st.sampled_from(list(PIECES.values())))
def test_likeness_is_mutual_and_between_nothing_and_one(one: MusicStructure, other: MusicStructure) -> None:
    assert alike(one, other) == alike(other, one)
    assert 0 <= alike(one, other) <= 1


def test_without_tunes_a_piece_is_known_by_its_motifs_and_chords() -> None:
    section = Section.model_validate(
        {
            "name": "A", "key": "C major", "measures": 8, "chordProgression": ["I", "vi", "IV", "V", "I"],
            "melody": {"motifs": [{"degrees": [1, 2, 3, 5, 3], "rhythm": [1, 1, 1, 0.5, 0.5]}]},
        }
    )  # fmt: skip
    piece = composed(1).model_copy(update={"sections": (section,)})
    other = section.model_copy(update={"chord_progression": ("I", "V", "I", "IV", "I"), "melody": None})
    moved = section.model_copy(update={"key": "D major"})
    assert alike(piece, piece.model_copy(update={"key": "D major", "sections": (moved,)})) == 1.0
    assert alike(piece, piece.model_copy(update={"sections": (other,)})) < 0.5


def test_almost_nothing_is_like_nothing() -> None:
    phrase = Phrase(measures=1, chords=("I",), melody=Motif(degrees=(1,), rhythm=(4.0,)))
    section = Section(name="A", key="C major", measures=1, chord_progression=("I",), phrases=(phrase,))
    piece = composed(1).model_copy(update={"sections": (section,)})
    assert alike(piece, piece) == 0.0
    assert Duplicates.of([("a", piece)]).nearest(piece, 3) == ()


def test_numerals_that_cannot_be_read_are_still_compared() -> None:
    piece = composed(1)
    odd = piece.sections[0].model_copy(update={"phrases": None, "chord_progression": ("H", "X9", "Q", "H")})
    strange = piece.model_copy(update={"sections": (odd,)})
    assert alike(strange, strange) == 1.0


# Themes


@every_piece
def test_a_theme_is_heard_in_its_opening_and_its_opening_in_the_theme(piece: MusicStructure) -> None:
    theme = next(p.melody for p in piece.sections[0].phrases or () if p.melody and len(p.melody.degrees) > 5)
    half = len(theme.degrees) // 2 + 1
    opening = Motif(degrees=theme.degrees[:half], rhythm=theme.rhythm[:half])
    assert tune_likeness(theme, opening) == tune_likeness(opening, theme) > 0.85


def test_a_theme_in_another_rhythm_is_known_by_its_moves() -> None:
    theme = Motif(degrees=(5, 3, 4, 2, 1, 2, 3, 1), rhythm=(1, 1, 0.5, 0.5, 1, 1, 1, 2))
    even = Motif(degrees=theme.degrees, rhythm=(1,) * 8)
    assert 0.8 < tune_likeness(theme, even) < 1
    assert tune_likeness(theme, Motif(degrees=(1, 1, 2, 2, 3, 3, 4, 4), rhythm=(1,) * 8)) < 0.2
    assert tune_likeness(theme, Motif(degrees=(), rhythm=())) == 0


# Among many


@pytest.fixture(scope="module")
def library() -> Duplicates:
    return Duplicates.of(PIECES.items())


@every_piece
def test_a_changed_copy_finds_its_original_first(piece: MusicStructure, library: Duplicates) -> None:
    copy = misprinted(transpose(piece, "f# minor" if piece.tonality.is_minor else "E major"), 1)
    first = library.nearest(copy, 3)[0]
    assert PIECES[first.id] == piece
    assert first.likeness >= NEAR_DUPLICATE
    assert [each.id for each in library.near_duplicates(copy)] == [first.id]


def test_neighbours_come_most_alike_first_and_say_why(library: Duplicates) -> None:
    piece = composed(7)
    found = library.nearest(transpose(piece, "D major"), 5)
    assert [each.likeness for each in found] == sorted((each.likeness for each in found), reverse=True)
    assert found[0].why == "the same tune in C major, the same chords"
    assert found[-1].why.startswith(("other tunes", "tunes akin", "nearly the same tune"))


def test_what_differs_is_said(library: Duplicates) -> None:
    piece = composed(7)
    id = "composed-ABA-classical"
    few = next(each for each in library.nearest(misprinted(piece, 6), 3) if each.id == id)
    assert few.why == "nearly the same tune, the same chords"
    plain = [phrase.model_copy(update={"chords": ("I", "V")}) for phrase in piece.sections[0].phrases or ()]
    chords = piece.sections[0].model_copy(update={"phrases": tuple(plain)})
    other = piece.model_copy(update={"sections": (chords,)})
    assert "other chords" in next(each for each in library.nearest(other, 9) if each.id == id).why


def test_a_piece_can_be_left_out(library: Duplicates) -> None:
    piece = composed(7)
    ids = [each.id for each in library.nearest(piece, 2)]
    assert [each.id for each in library.nearest(piece, 1, without=ids[:1])] == ids[1:]
    assert library.near_duplicates(piece, without=ids) == ()


def test_the_threshold_decides_what_is_near(library: Duplicates) -> None:
    piece = composed(7)
    assert len(library.near_duplicates(piece, 0.0)) > len(library.near_duplicates(piece, 0.5)) >= 1


@pytest.mark.parametrize(("count", "given"), [(-1, 0), (0, 0), (2, 2), (1000, MAX_NEIGHBOURS)])
def test_as_many_neighbours_as_asked_come(count: int, given: int) -> None:
    piece = composed(7)
    many = Duplicates((f"copy-{number:03}", fingerprint(piece)) for number in range(200))
    found = many.nearest(piece, count)
    assert [each.id for each in found] == [f"copy-{number:03}" for number in range(given)], "ties go by id"


def test_an_empty_library_has_no_neighbours() -> None:
    empty = Duplicates(())
    assert len(empty) == 0
    assert empty.nearest(composed(1), 5) == empty.near_duplicates(composed(1)) == ()


def test_the_library_is_not_changed_by_being_asked(library: Duplicates) -> None:
    piece = composed(3)
    assert library.nearest(piece, 5) == library.nearest(piece, 5)
    with pytest.raises(ValueError, match="read-only"):
        library._runs[0] = 0


def test_an_original_is_found_among_thousands_of_other_pieces() -> None:
    base = [fingerprint(composed(seed, form)) for seed, form in product(range(8), FORM_IDS)]
    rng = np.random.default_rng(1)
    others = (
        (f"other-{number}", one._replace(runs=np.unique(np.concatenate([one.runs[::2], other.runs[1::2]]))))
        for number in range(5000)
        for one, other in [[base[at] for at in rng.integers(len(base), size=2)]]
    )
    piece = composed(99)
    library = Duplicates([*others, ("original", fingerprint(piece))])
    found = library.near_duplicates(misprinted(transpose(piece, "Ab major"), 3))
    assert [each.id for each in found] == ["original"]


def test_keys_are_told_as_people_write_them() -> None:
    piece = composed(7)
    (found,) = Duplicates.of([("a", transpose(piece, "Bb major"))]).nearest(piece, 1)
    assert found.why == f"the same tune in {parse_key('Bb major').name}, the same chords"
