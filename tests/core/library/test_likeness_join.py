"""Among many pieces all near-duplicates are found, none too many, none too few, and each as alike as it is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import compose
from workbench.core.compose.edits import transpose
from workbench.core.library import likeness_join
from workbench.core.library.likeness import NEAR_DUPLICATE, Fingerprint, fingerprint, likeness
from workbench.core.library.likeness_join import groups_of, near_groups, near_pairs
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.request import Request

THRESHOLDS = (0.05, 0.3, 0.5, 2 / 3, NEAR_DUPLICATE, 0.9, 1.0)


def piece(*runs: int) -> Fingerprint:
    return Fingerprint(np.unique(np.array(runs, np.uint32)), "C major")


def pairs_of(pieces: Sequence[Fingerprint], threshold: float) -> list[tuple[int, int, float]]:
    found = near_pairs(pieces, threshold)
    return list(zip(found.one.tolist(), found.other.tolist(), found.likeness.tolist(), strict=True))


def compared(pieces: Sequence[Fingerprint], threshold: float) -> list[tuple[int, int, float]]:
    every = ((i, j, likeness(pieces[i], pieces[j])) for i, j in combinations(range(len(pieces)), 2))
    return [each for each in every if each[2] >= threshold]


def without(one: Fingerprint, share: float, rng: random.Random) -> Fingerprint:
    """The piece with some of its runs changed for others of the same kind."""
    return piece(
        *(run if rng.random() > share else run & ~0xFFFF | rng.randrange(1 << 16) for run in one.runs.tolist())
    )


def composed_pieces(count: int) -> list[Fingerprint]:
    rng = random.Random(2)
    return [
        fingerprint(
            compose(
                Request(
                    form=rng.choice(FORM_IDS), period=rng.choice(PERIODS), duration=rng.choice((20, 30, 45)), seed=seed
                )
            )
        )
        for seed in range(count)
    ]


@pytest.fixture(scope="module")
def varied() -> list[Fingerprint]:
    """Composed pieces, and pieces made of them that are anything from copies to hardly related."""
    rng = random.Random(1)
    made = composed_pieces(60)
    copies = [without(rng.choice(made), rng.choice((0, 0.02, 0.05, 0.1, 0.2, 0.4)), rng) for _ in range(300)]
    mixed = [
        piece(*one.runs[: len(one.runs) * part // 8].tolist(), *other.runs[len(other.runs) * part // 8 :].tolist())
        for one, other, part in ((rng.choice(made), rng.choice(made), rng.randrange(1, 8)) for _ in range(100))
    ]
    pieces = [*made, *copies, *mixed, piece(), piece()]
    rng.shuffle(pieces)
    return pieces


# Runs of few numbers, so that pieces share much and differ little, in all four kinds.
runs = st.builds(lambda kind, number: kind << 29 | number, st.integers(0, 3), st.integers(0, 9))
small = st.lists(st.builds(lambda each: piece(*each), st.lists(runs, max_size=30)), max_size=14)


@st.composite
def families(draw: st.DrawFn) -> list[Fingerprint]:
    """Pieces that come from one another by a few changes."""
    pieces = draw(st.lists(st.builds(lambda each: piece(*each), st.lists(runs, min_size=8, max_size=40)), max_size=4))
    for _ in range(draw(st.integers(0, 8)) if pieces else 0):
        base = draw(st.sampled_from(pieces)).runs.tolist()
        gone = draw(st.sets(st.sampled_from(base), max_size=3)) if base else set()
        pieces.append(piece(*(set(base) - gone), *draw(st.lists(runs, max_size=3))))
    return pieces


@given(st.one_of(small, families()), st.sampled_from(THRESHOLDS))
def test_the_same_pairs_are_found_as_when_each_is_compared_with_each(pieces: list[Fingerprint], least: float) -> None:
    assert pairs_of(pieces, least) == compared(pieces, least)
    assert near_groups(pieces, least) == groups_of(len(pieces), near_pairs(pieces, least))


@given(st.lists(st.tuples(runs, runs, runs), min_size=2, max_size=8), st.floats(0.01, 1))
def test_a_pair_right_at_the_threshold_is_found(each: list[tuple[int, int, int]], anywhere: float) -> None:
    pieces = [piece(*three) for three in each]
    for least in {anywhere, *(alike for _, _, alike in compared(pieces, 0.01))}:
        assert pairs_of(pieces, least) == compared(pieces, least)


@pytest.mark.no_cover  # what it covers is covered by others, and measuring makes it twice as long
@pytest.mark.parametrize("least", [0.6, NEAR_DUPLICATE, 0.95])
def test_no_pair_of_composed_pieces_is_missed(varied: list[Fingerprint], least: float) -> None:
    expected = compared(varied, least)
    assert len(expected) > 100, "or nothing is tested"
    assert pairs_of(varied, least) == expected


@pytest.mark.parametrize("least", [NEAR_DUPLICATE, 0.95])
def test_blocks_and_portions_of_any_size_find_the_same(
    varied: list[Fingerprint], least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, groups = pairs_of(varied, least), near_groups(varied, least)
    for name, value in {"_ROWS": 37, "_COLUMNS": 53, "_CELLS": 20_000, "_ELEMENTS": 700}.items():
        monkeypatch.setattr(likeness_join, name, value)
    assert pairs_of(varied, least) == expected
    assert near_groups(varied, least) == groups


def test_sketches_leave_few_pairs_to_compare(varied: list[Fingerprint]) -> None:
    pieces = likeness_join._pieces(varied)
    left = sum(len(one) for one, _ in likeness_join._possible(pieces, NEAR_DUPLICATE))
    near = len(compared(varied, NEAR_DUPLICATE))
    assert near / 2 < left < 4 * near < len(varied) ** 2 / 50


def test_a_piece_in_another_key_is_a_near_duplicate() -> None:
    first = compose(Request(form="ABA", key="C major", duration=30, seed=3))
    other = compose(Request(form="rondo", key="C major", duration=30, seed=4))
    prints = [fingerprint(each) for each in (other, first, transpose(first, "Eb major"))]
    assert pairs_of(prints, NEAR_DUPLICATE) == [(1, 2, 1.0)]
    assert near_groups(prints) == [0, 1, 1]


def test_copies_are_pairs_with_each_other_and_with_all_that_is_near() -> None:
    ten = piece(*range(10))
    nearly = piece(*range(9))
    assert [pair[:2] for pair in pairs_of([ten, nearly, ten, nearly, ten], 0.9)] == list(combinations(range(5), 2))


def test_pieces_of_nothing_are_like_nothing() -> None:
    assert pairs_of([piece(), piece(), piece(1)], 0.1) == []
    assert near_groups([piece(), piece(), piece(1)], 0.1) == [0, 1, 2]
    assert pairs_of([], NEAR_DUPLICATE) == []
    assert near_groups([]) == []


@pytest.mark.no_cover  # what it covers is covered by others, and measuring makes it twice as long
def test_ten_thousand_near_duplicates_of_one_piece_are_one_group() -> None:
    base = np.arange(200, dtype=np.uint32)
    many = [Fingerprint(np.delete(base, [n % 200, n // 200]), "C major") for n in range(10_000)]
    assert set(near_groups(many)) == {0}


@pytest.mark.parametrize("threshold", [0, -1, 1.01, float("nan")])
def test_a_threshold_that_means_nothing_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        near_pairs([piece(1), piece(1)], threshold)


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_groups_are_what_pairs_connect(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = drawn
    reached = [{at} for at in range(count)]
    for one, other in pairs * 2:
        whole = reached[one] | reached[other]
        for at in whole:
            reached[at] = whole
    assert groups_of(count, pairs) == [min(each) for each in reached]
