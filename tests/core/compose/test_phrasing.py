"""Sections fall into phrases as Caplin describes them."""

from __future__ import annotations

import random
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose.phrasing import PhraseShape, divide
from workbench.core.music.cadences import CadenceType
from workbench.core.music.forms import PERIODS

ROLES = ("theme", "development", "transition", "coda", "contrast", "retransition", "variation", "")


@given(
    st.integers(1, 200),
    st.sampled_from(ROLES),
    st.sampled_from(PERIODS),
    st.sampled_from(get_args(CadenceType)),
    st.integers(),
    st.sampled_from([1, 2]),
)
def test_phrases_fill_the_section_and_the_last_has_its_cadence(
    bars: int, role: str, period: str, cadence: CadenceType, seed: int, scale: int
) -> None:
    shapes = divide(bars, role, period, cadence, random.Random(seed), scale=scale)
    assert sum(shape.measures for shape in shapes) == bars
    assert min(shape.measures for shape in shapes) >= 1
    if not (role == "coda" and bars > 5 and cadence == "PAC"):  # a coda may add a plagal amen
        assert shapes[-1].cadence == cadence
    for index, shape in enumerate(shapes):
        assert shape.model is None or shape.model < index
        assert shape.label


def _kinds(bars: int, period: str, cadence: CadenceType = "PAC", role: str = "theme") -> set[tuple[str, ...]]:
    return {
        tuple(shape.role for shape in divide(bars, role, period, cadence, random.Random(seed))) for seed in range(40)
    }


def test_an_eight_bar_classical_theme_is_a_period_a_sentence_or_a_hybrid() -> None:
    assert _kinds(8, "classical") == {
        ("antecedent", "consequent"),
        ("presentation", "continuation"),
        ("antecedent", "continuation"),
    }


def test_baroque_themes_spin_out() -> None:
    assert any("fortspinnung" in kinds for kinds in _kinds(8, "baroque"))


def test_a_consequent_begins_like_its_antecedent() -> None:
    for seed in range(40):
        shapes = divide(8, "theme", "classical", "PAC", random.Random(seed))
        if shapes[1].role == "consequent":
            assert (shapes[1].model, shapes[1].likeness) == (0, "opening")
            assert (shapes[0].label, shapes[1].label) == ("a", "a′")


def test_twenty_four_bars_make_a_small_ternary() -> None:
    shapes = divide(24, "theme", "classical", "PAC", random.Random(1))
    middle = [shape for shape in shapes if shape.role == "contrasting"]
    assert middle[-1].cadence == "HC"
    assert any(shape.likeness == "whole" and shape.model == 0 for shape in shapes)


def test_developments_run_model_sequence_fragmentation_dominant() -> None:
    shapes = divide(16, "development", "classical", "HC", random.Random(2))
    roles = [shape.role for shape in shapes]
    assert roles[:2] == ["model", "sequence"]
    assert roles[-1] == "standing-on-the-dominant"
    assert (shapes[1].model, shapes[1].likeness) == (0, "sequence")


def test_codettas_grow_no_longer() -> None:
    shapes = divide(14, "coda", "romantic", "PAC", random.Random(3))
    assert all(shape.role == "codetta" for shape in shapes)


def test_quick_music_has_phrases_of_eight_bars() -> None:
    shapes: tuple[PhraseShape, ...] = divide(32, "theme", "classical", "PAC", random.Random(4), scale=2)
    assert {shape.measures for shape in shapes} == {8}
