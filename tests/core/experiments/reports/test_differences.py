"""What differs between two pieces is said as a musician would say it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.experiments.metrics.pieces import changed
from tests.core.experiments.reports.planted import a_sample
from workbench.core.experiments.reports.differences import told_differences
from workbench.core.library.examples import load_examples
from workbench.core.music.structure import MusicStructure


def piece() -> MusicStructure:
    structure = a_sample().structure
    assert structure is not None
    return structure


def lines_after(**top: Any) -> list[str]:
    return [each.line for each in told_differences(piece(), changed(piece(), lambda data: data.update(top)))]


def test_a_cadence_is_told_with_its_section_and_phrase() -> None:
    def change(data: dict[str, Any]) -> None:
        data["sections"][1]["phrases"][0]["cadence"] = "DC"

    before = piece().sections[1].phrases
    assert before is not None
    (told,) = told_differences(piece(), changed(piece(), change))
    assert told.line == f"Section B, phrase 1: cadence DC instead of {before[0].cadence}"
    assert (told.element, told.path) == ("cadence", "/sections/1/phrases/0/cadence")


def test_a_chord_is_told_with_its_bar() -> None:
    def change(data: dict[str, Any]) -> None:
        data["sections"][0]["phrases"][0]["chords"][1] = "ii65"

    first = piece().sections[0].phrases
    assert first is not None
    old = (first[0].chords or ())[1]
    told = told_differences(piece(), changed(piece(), change))
    assert [each.element for each in told] == ["chords"]
    assert told[0].line.startswith("Bar ")
    assert ": chord ii⁶₅ instead of " in told[0].line
    assert old


def test_key_meter_and_tempo_are_of_the_whole_piece() -> None:
    assert lines_after(key="A major") == ["Key A major instead of D major"]
    assert lines_after(tempo=90) == ["Tempo 90 instead of 120"]
    assert lines_after(timeSignature="3/4")[0] == "Meter 3/4 instead of 4/4"
    assert lines_after(title="Another") == []


def test_a_tune_is_told_with_its_bars() -> None:
    def change(data: dict[str, Any]) -> None:
        degrees = data["sections"][0]["phrases"][0]["melody"]["degrees"]
        degrees[0] = 5 if degrees[0] != 5 else 3

    (told,) = told_differences(piece(), changed(piece(), change))
    assert told.element == "tune"
    assert told.line.startswith("Bar 1: tune ")


def test_a_section_that_is_gone_or_new_is_told() -> None:
    without = changed(piece(), lambda data: data["sections"].pop(1))
    assert "Section B is missing" in [each.line for each in told_differences(piece(), without)]
    assert "Section B is new" in [each.line for each in told_differences(without, piece())]


def test_the_same_piece_differs_in_nothing() -> None:
    assert told_differences(piece(), piece()) == ()


@pytest.mark.parametrize("at", range(0, 12, 2))
def test_any_two_pieces_are_told_apart_in_short_lines(at: int) -> None:
    one, other = (example.structure for example in load_examples()[at : at + 2])
    told = told_differences(one, other)
    assert told
    assert all(0 < len(each.line) < 240 and "\n" not in each.line and each.element for each in told)
