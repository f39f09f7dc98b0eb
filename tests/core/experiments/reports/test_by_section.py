"""Differences are gathered where a reader looks for them."""

from __future__ import annotations

from typing import Any

from tests.core.experiments.metrics.pieces import changed
from tests.core.experiments.reports.planted import a_sample
from workbench.core.experiments.reports.by_section import WHOLE, by_section, place_in_section
from workbench.core.experiments.reports.differences import told_differences
from workbench.core.music.structure import MusicStructure, section_measures


def piece() -> MusicStructure:
    structure = a_sample().structure
    assert structure is not None
    return structure


def gathered(change: Any, *, turned: bool = False) -> list[tuple[str, tuple[int, int] | None, list[str]]]:
    a, b = piece(), changed(piece(), change)
    if turned:
        a, b = b, a
    found = by_section(told_differences(a, b), a, b)
    return [(each.title, each.bars, [line.element for line in each.lines]) for each in found]


def test_what_is_about_the_whole_piece_comes_first_and_sections_in_their_order() -> None:
    def change(data: dict[str, Any]) -> None:
        data["tempo"] = 90
        data["sections"][0]["cadence"] = "HC"
        data["sections"][1]["phrases"][0]["cadence"] = "DC"

    first, second = (section_measures(each) for each in piece().sections[:2])
    names = [each.name for each in piece().sections]
    assert gathered(change) == [
        (WHOLE, None, ["tempo"]),
        (f"Section {names[0]}", (1, first), ["cadence"]),
        (f"Section {names[1]}", (first + 1, first + second), ["cadence"]),
    ]


def test_a_section_that_only_one_of_them_has_stands_alone() -> None:
    last = piece().sections[-1]
    shorter = lambda data: data["sections"].pop()  # noqa: E731
    bars = sum(section_measures(each) for each in piece().sections)
    span = (bars - section_measures(last) + 1, bars)
    assert (f"Section {last.name}, only in A", span, ["sections"]) in gathered(shorter)
    assert (f"Section {last.name}", span, ["sections"]) in gathered(shorter, turned=True)


def test_a_phrase_that_is_gone_stands_with_its_section() -> None:
    def change(data: dict[str, Any]) -> None:
        data["sections"].insert(0, dict(data["sections"][1], name="New"))
        del data["sections"][2]["phrases"][0]

    name = piece().sections[1].name
    if len(piece().sections[1].phrases or ()) > 1:
        found = {title: elements for title, _, elements in gathered(change)}
        assert "phrases" in found[f"Section {name}"]


def test_the_place_within_a_section_is_told_in_bars_or_by_its_phrase() -> None:
    def change(data: dict[str, Any]) -> None:
        phrase = data["sections"][0]["phrases"][0]
        phrase["cadence"], phrase["chords"][1] = "DC", "ii65"
        data["sections"][0]["texture"] = "bare"

    told = {each.element: place_in_section(each) for each in told_differences(piece(), changed(piece(), change))}
    assert told["cadence"] == "Phrase 1"
    assert told["chords"].startswith("Bar")
    assert told["texture"] == ""
