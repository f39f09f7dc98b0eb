"""A piece in another meter keeps its bars, its harmony in step with its tune, and what is strong in them strong."""

from __future__ import annotations

import random
from itertools import product

import pytest

from workbench.core.checks import check
from workbench.core.compose import compose, realize
from workbench.core.compose.meter_change import with_meter
from workbench.core.library.examples import load_examples
from workbench.core.library.likeness import tune_likeness
from workbench.core.music.meters import TIME_SIGNATURES, TimeSignature, divisions, meter_of
from workbench.core.music.request import Request
from workbench.core.music.structure import Motif, MusicStructure, Phrase, Section

PIECES = {example.id: example.structure for example in load_examples()} | {
    f"composed-{meter}": compose(Request(form="ABA", duration=40, time_signature=meter, seed=3))
    for meter in TIME_SIGNATURES
}
every_meter = pytest.mark.parametrize("meter", TIME_SIGNATURES)
every_piece = pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)


def bar_of(meter: TimeSignature, rhythm: tuple[float, ...], *, bars: int = 1) -> MusicStructure:
    """A piece of one phrase with this rhythm in its tune."""
    degrees = tuple(number % 9 + 1 for number in range(len(rhythm)))
    quarters = meter_of(meter).bar_quarters
    phrase = Phrase(
        measures=bars, chords=("I",) * bars, chord_beats=(quarters,) * bars,
        melody=Motif(degrees=degrees, rhythm=rhythm),
    )  # fmt: skip
    section = Section(name="A", key="C major", measures=bars, chord_progression=("I",) * bars, phrases=(phrase,))
    return MusicStructure(key="C major", tempo=100, time_signature=meter, form="song", sections=(section,))


def rhythm_in(piece: MusicStructure, meter: TimeSignature, **how: float) -> tuple[float, ...]:
    phrase = (with_meter(piece, meter, **how).sections[0].phrases or ())[0]
    assert phrase.melody is not None
    return phrase.melody.rhythm


@every_piece
@every_meter
def test_every_piece_goes_into_every_meter(piece: MusicStructure, meter: TimeSignature) -> None:
    new = with_meter(piece, meter)
    assert new.time_signature == meter
    realize(new)
    profile = piece.period or "classical"
    assert check(new, profile=profile).counts["error"] <= check(piece, profile=profile).counts["error"]


@every_piece
@every_meter
def test_chords_and_tune_still_fill_their_phrase(piece: MusicStructure, meter: TimeSignature) -> None:
    bar = meter_of(meter).bar
    for section in with_meter(piece, meter).sections:
        assert section.measures == sum(phrase.measures for phrase in section.phrases or ())
        for phrase in section.phrases or ():
            assert phrase.melody is not None
            for lengths in (phrase.chord_beats or (), phrase.melody.rhythm):
                if lengths:
                    assert abs(sum(map(divisions, lengths)) - phrase.measures * bar) <= 32


@every_piece
def test_the_same_meter_changes_nothing(piece: MusicStructure) -> None:
    assert with_meter(piece, piece.time_signature) == piece
    assert with_meter(piece, piece.time_signature, tempo=90).tempo == 90


@pytest.mark.parametrize(("old", "new"), [("4/4", "2/2"), ("2/2", "4/4")])
def test_alla_breve_is_only_another_way_to_count(old: TimeSignature, new: TimeSignature) -> None:
    rhythm = (1.5, 0.5, 0.75, 0.25, 1.0)
    assert rhythm_in(bar_of(old, rhythm), new) == rhythm


@pytest.mark.parametrize(
    ("old", "new", "before", "after"),
    [
        ("2/4", "2/2", (0.5, 0.25, 0.25, 1), (1, 0.5, 0.5, 2)),
        ("3/4", "3/8", (1, 0.5, 0.5, 1), (0.5, 0.25, 0.25, 0.5)),
        ("2/4", "6/8", (0.5, 0.5, 1), (1, 0.5, 1.5)),
        ("2/4", "6/8", (0.5, 0.25, 0.25, 1), (1, 0.25, 0.25, 1.5)),
        ("6/8", "2/4", (1, 0.5, 1.5), (0.5, 0.5, 1)),
        ("3/4", "9/8", (1, 1, 1), (1.5, 1.5, 1.5)),
        ("4/4", "12/8", (1, 0.5, 0.5, 2), (1.5, 1, 0.5, 3)),
        ("4/4", "3/4", (1, 1, 1, 1), (1, 1, 0.5, 0.5)),
        ("3/4", "4/4", (1, 1, 1), (2, 1, 1)),
        ("3/4", "2/4", (1, 1, 1), (1, 0.5, 0.5)),
        ("2/4", "3/4", (1, 1), (2, 1)),
        ("6/8", "3/4", (1.5, 1.5), (2, 1)),
        ("2/2", "3/4", (1, 1, 2), (1, 1, 1)),
    ],
)
def test_bars_become_bars_and_what_is_strong_stays_strong(
    old: TimeSignature, new: TimeSignature, before: tuple[float, ...], after: tuple[float, ...]
) -> None:
    assert rhythm_in(bar_of(old, before), new) == after


def test_between_two_and_four_beats_bars_are_cut_or_joined_so_that_the_pace_stays() -> None:
    four = bar_of("4/4", (1, 1, 1, 1))
    assert with_meter(four, "2/4").measures == 2
    assert rhythm_in(four, "2/4") == (1, 1, 1, 1)
    two = bar_of("6/8", (1, 0.5, 1.5, 1.5, 1.5), bars=2)
    assert with_meter(two, "12/8").measures == 1
    assert rhythm_in(two, "12/8") == (1, 0.5, 1.5, 1.5, 1.5)


def test_where_the_tempo_makes_up_for_it_the_bars_stay() -> None:
    four = bar_of("4/4", (1, 1, 1, 1))
    slower = with_meter(four, "2/4", tempo=60)
    assert (slower.measures, slower.tempo) == (1, 60)
    assert rhythm_in(four, "2/4", tempo=60) == (0.5, 0.5, 0.5, 0.5)


def test_an_odd_number_of_bars_holds_its_end_when_they_are_joined() -> None:
    three = bar_of("2/4", (1, 1, 1, 1, 2), bars=3)
    new = with_meter(three, "4/4")
    assert new.measures == 2
    phrase = (new.sections[0].phrases or ())[0]
    assert phrase.chord_beats == (2, 2, 4)
    assert phrase.melody is not None
    assert phrase.melody.degrees[-1] == 0


def test_too_many_notes_for_a_shorter_bar_are_thinned() -> None:
    runs = bar_of("4/4", (0.25,) * 16)
    assert rhythm_in(runs, "3/4") == (0.25,) * 12


def test_triplets_survive_where_the_bar_is_only_scaled() -> None:
    triplets = bar_of("2/4", (1, 0.333333, 0.333333, 0.333333))
    assert rhythm_in(triplets, "2/2") == (2, 0.666667, 0.666667, 0.666667)


@every_piece
def test_a_theme_is_known_again_in_most_meters(piece: MusicStructure) -> None:
    theme = next(phrase.melody for phrase in piece.sections[0].phrases or () if phrase.melody)
    known = 0
    for meter in TIME_SIGNATURES:
        tune = (with_meter(piece, meter).sections[0].phrases or ())[0].melody
        assert tune is not None
        known += tune_likeness(theme, tune) >= 0.6
    assert known >= 5


def test_a_piece_without_phrases_is_written_out() -> None:
    piece = compose(Request(form="ABA", duration=40, time_signature="4/4", seed=1))
    plain = piece.model_copy(
        update={"sections": tuple(section.model_copy(update={"phrases": None}) for section in piece.sections)}
    )
    new = with_meter(plain, "3/4")
    assert all(phrase.melody for section in new.sections for phrase in section.phrases or ())
    assert check(new, profile=piece.period or "classical").valid


def test_leitmotifs_go_with_the_piece() -> None:
    piece = compose(Request(form="ABA", duration=40, time_signature="4/4", motif_tags=["sea"], seed=1))
    (before,) = piece.leitmotifs or ()
    (after,) = with_meter(piece, "12/8").leitmotifs or ()
    assert after.tag == "sea"
    assert after.degrees == before.degrees
    assert sum(after.rhythm) == pytest.approx(1.5 * sum(before.rhythm))


def test_random_rhythms_never_break_it() -> None:
    rng = random.Random(1)
    for old, new in product(TIME_SIGNATURES, TIME_SIGNATURES):
        left, rhythm = meter_of(old).bar * 2, []
        while left > 0:
            length = min(left, rng.choice((105, 420, 840, 1120, 1680, 2240, 3360, 5040)))
            rhythm.append(max(length, 105) / 3360)
            left -= length
        piece = with_meter(bar_of(old, tuple(rhythm), bars=2), new)
        assert check(piece, profile="modern").valid, (old, new, rhythm)
