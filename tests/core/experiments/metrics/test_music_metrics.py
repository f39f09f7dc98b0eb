"""Statistics of notes: what is known of pieces made by hand, and definitions worked out the long way."""

from __future__ import annotations

from itertools import combinations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.experiments.metrics.pieces import REQUEST, composed, phrase_of, sample_of
from workbench.core.compose import realize
from workbench.core.experiments.metrics import METRICS, Context
from workbench.core.experiments.metrics.histograms import bars_of, distance, entropy, intervals_of, lengths_of
from workbench.core.library.examples import load_examples
from workbench.core.music.structure import MusicStructure

SAME = phrase_of(["I", "I", "I", "I"], [1, 2, 3, 1] * 4, texture="chorale")


def value(name: str, structure: MusicStructure, context: Context | None = None) -> float:
    found = METRICS[name].look(sample_of(structure), context or Context(reference=(SAME,)))
    assert found is not None
    return float(found)


def test_entropy_of_one_of_two_and_of_all_pitch_classes() -> None:
    assert entropy(np.array([0, 5, 0.0])) == 0.0
    assert entropy(np.array([3, 3, 0.0])) == 1.0
    assert entropy(np.ones(12)) == pytest.approx(log2(12))
    assert entropy(np.zeros(12)) == 0.0


@given(st.lists(st.integers(0, 50), min_size=12, max_size=12))
def test_entropy_lies_between_nothing_and_that_of_twelve(counts: list[int]) -> None:
    assert 0 <= entropy(np.array(counts, float)) <= log2(12) + 1e-9


@given(st.lists(st.integers(0, 50), min_size=5, max_size=5), st.lists(st.integers(0, 50), min_size=5, max_size=5))
def test_distance_is_symmetric_and_0_for_the_same(one: list[int], other: list[int]) -> None:
    first, second = np.array(one, float), np.array(other, float)
    there, back = distance(first, second), distance(second, first)
    if not first.any() or not second.any():
        assert there is None
        return
    assert there is not None
    assert there == pytest.approx(back)
    assert 0 <= there <= 1
    assert distance(first, first * 3) == pytest.approx(0, abs=1e-7)


def test_distributions_with_nothing_in_common_are_at_1() -> None:
    assert distance(np.array([1, 0.0]), np.array([0, 4.0])) == pytest.approx(1.0)


def test_moves_and_lengths_are_those_of_the_tune() -> None:
    score = realize(phrase_of(["I", "V7", "I", "I"], [1, 3, 5, 3, 1], rhythm=[2, 2, 4, 4, 4]))
    moves = {index - 12: int(count) for index, count in enumerate(intervals_of(score)) if count}
    assert moves == {4: 1, 3: 1, -3: 1, -4: 1}
    assert lengths_of(score)[[8 + 2, 8 + 4]].tolist() == [2, 3]
    assert lengths_of(score).sum() == 5


def test_a_piece_is_at_no_distance_from_itself() -> None:
    other = phrase_of(["I", "IV", "V7", "I"], [5, 8, 4, 2], texture="chorale")
    for name in ("interval-distance", "rhythm-distance"):
        assert value(name, SAME) == pytest.approx(0, abs=1e-7)
        assert 0 < value(name, other) <= 1


def test_a_piece_that_repeats_one_bar_is_like_itself_in_all_of_them() -> None:
    assert value("self-similarity", SAME) == pytest.approx(1)
    assert value("groove", SAME) == pytest.approx(1)
    varied = phrase_of(["I", "ii", "V7", "I"], [1, 2, 6, 4, 7, 1], rhythm=[3, 1, 0.5, 3.5, 4, 4], texture="alberti")
    assert value("self-similarity", varied) < 0.9
    assert value("groove", varied) < 1


@pytest.mark.parametrize("example", load_examples()[::9], ids=lambda each: each.id)
def test_means_over_pairs_of_bars_are_those_of_the_definitions(example: object) -> None:
    structure = example.structure  # type: ignore[attr-defined]
    classes, onsets = bars_of(realize(structure))
    pairs = list(combinations(range(len(onsets)), 2))
    alike = [1 - np.logical_xor(onsets[one], onsets[other]).sum() / 64 for one, other in pairs]
    assert value("groove", structure) == pytest.approx(float(np.mean(alike)))

    def cosine(table: np.ndarray, one: int, other: int) -> float:
        product = np.linalg.norm(table[one]) * np.linalg.norm(table[other])
        return float(table[one] @ table[other] / product) if product else 0.0

    assert classes.any(axis=1).all()
    assert onsets.any(axis=1).all()
    both = [(cosine(classes, *pair) + cosine(onsets, *pair)) / 2 for pair in pairs]
    assert value("self-similarity", structure) == pytest.approx(float(np.mean(both)))


def test_windows_of_four_bars_hold_no_more_than_the_piece() -> None:
    short = phrase_of(["I", "IV", "V7", "I"], [1, 2, 3, 4, 5, 6, 7, 8])
    assert value("pitch-entropy-4-bars", short) == pytest.approx(value("pitch-entropy", short))
    for example in load_examples()[::12]:
        assert value("pitch-entropy-4-bars", example.structure) <= value("pitch-entropy", example.structure) + 0.2


def test_the_duration_error_is_a_share_of_what_was_asked() -> None:
    structure = phrase_of(["I"] * 12, [1] * 12)  # 12 bars of 4/4 at 120: 24 seconds
    for asked, expected in ((24.0, 0.0), (48.0, 0.5), (20.0, 0.2)):
        request = REQUEST.model_copy(update={"duration": asked})
        found = METRICS["duration-error"].look(sample_of(structure, request), Context())
        assert found == pytest.approx(expected)


TUNE = [1, 2, 3, 5, 4, 4, 2, 2, 6, 5, 4, 2, 3, 2, 1, 1]


@pytest.mark.parametrize(
    ("motif", "used"),
    [
        ([1, 2, 3, 5], 1.0),  # as it is
        ([5, 6, 7, 9], 1.0),  # a fifth higher
        ([1, 2, 3, 4], 1.0),  # its last move a step narrower
        ([5, 4, 3, 1], 1.0),  # upside down
        ([5, 3, 2, 1], 1.0),  # backwards
        ([1, 0, 2, 3, 5], 1.0),  # with a rest inside, which is no note
        ([1, 5, 1, 5], 0.0),
        ([1, 2], 0.0),  # too short to be known by
    ],
)
def test_a_motif_is_known_by_its_head(motif: list[int], used: float) -> None:
    structure = phrase_of(["I", "V7", "IV", "I"], TUNE, motif=motif)
    assert value("motif-use", structure) == used


def test_a_motif_in_another_rhythm_is_another() -> None:
    structure = phrase_of(["I", "V7", "IV", "I"], [1, 2, 3, 5, 1], rhythm=[3, 1, 3, 1, 8], motif=[1, 2, 3, 5])
    assert value("motif-use", structure) == 0.0
    slow = phrase_of(["I", "V7", "IV", "I"], [1, 2, 3, 5, 1], rhythm=[2, 2, 2, 2, 8], motif=[1, 2, 3, 5])
    assert value("motif-use", slow) == 1.0


def test_without_motifs_none_is_used() -> None:
    assert value("motif-use", phrase_of(["I", "V7", "IV", "I"], TUNE)) == 0.0
    assert value("motif-use", composed().structure) > 0.4  # type: ignore[arg-type]


def test_real_music_lies_near_the_reference_and_between_the_bounds() -> None:
    context = Context()
    for example in load_examples()[::6]:
        assert value("interval-distance", example.structure, context) < 0.6
        assert 2 < value("pitch-entropy", example.structure, context) < log2(12)
