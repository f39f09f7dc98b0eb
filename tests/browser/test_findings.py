"""Journeys through what is wrong with a piece: break it, read it, go there, mend it, hear it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import Journey
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

PIECE = "/?duration=60&tempo=120&form=ABA&seed=3"


def open_tab(journey: Journey, name: str) -> None:
    journey.page.get_by_role("tab", name=name).click()
    journey.rest()


def editor(journey: Journey) -> Locator:
    return journey.page.get_by_label("The piece as JSON")


def says(journey: Journey) -> Locator:
    return journey.page.locator(".wb-says")


def written(journey: Journey) -> dict[str, Any]:
    """The piece in the editor."""
    found: dict[str, Any] = json.loads(editor(journey).input_value())
    return found


def break_the_close(data: dict[str, Any]) -> str:
    """Put IV where the last close has its dominant."""
    section = data["sections"][-1]
    chords = section["phrases"][-1]["chords"]
    chords[max(n for n, chord in enumerate(chords) if chord.startswith("V"))] = "IV"
    data["title"] = "Broken"
    section["chordProgression"] = [chord for phrase in section["phrases"] for chord in phrase["chords"]]
    return json.dumps(data, indent=2, ensure_ascii=False)


def test_a_broken_piece_is_found_visited_mended_and_heard(journey: Journey) -> None:
    page = journey.open(PIECE)
    first = journey.piece
    open_tab(journey, "Findings")
    expect(page.get_by_text("Nothing to mend")).to_be_visible()
    open_tab(journey, "JSON")
    editor(journey).fill(break_the_close(written(journey)))
    expect(says(journey)).to_contain_text("1 error")
    found = page.locator(".wb-findings li").filter(has_text="The PAC comes from IV.")
    expect(found).to_be_visible()
    found.get_by_role("button", name="Line").click()
    chosen = editor(journey).evaluate("(box) => box.value.slice(box.selectionStart, box.selectionEnd)")
    assert '"cadence"' in chosen
    assert journey.piece == first, "the player waits until the text is used"

    journey.press("Use this")
    spoilt = journey.until_piece_changes(first)
    open_tab(journey, "Findings")
    found = page.locator(".wb-findings li").filter(has_text="The PAC comes from IV.")
    expect(found).to_contain_text("Error")
    button = found.get_by_role("button", name="Bar")
    bar = button.inner_text().removeprefix("Bar ")
    expect(page.locator(".wb-measure")).to_have_text("1")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".wb-measure")).to_have_text(bar)
    assert int(bar) > 20
    expect(page.locator(".wb-stage")).to_be_in_viewport()

    offer = page.get_by_role("checkbox", name="Make each cadence as planned")
    expect(offer).to_be_checked()
    expect(page.get_by_text("IV → V7")).to_be_visible()
    page.get_by_text("Make each cadence as planned").click()
    expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    page.get_by_text("Make each cadence as planned").click()
    expect(page.get_by_role("button", name="Apply")).to_be_enabled()
    journey.press("Apply")
    journey.until_piece_changes(spoilt)
    expect(page.get_by_text("Nothing to mend")).to_be_visible()
    expect(page.locator(".wb-takes button")).to_have_count(3)
    journey.play()
    page.wait_for_function("Number(document.querySelector('.wb-player').dataset.position) > 0.5")
    open_tab(journey, "JSON")
    assert written(journey)["sections"][-1]["phrases"][-1]["chords"][-2:] == ["V7", "I"]


def test_rubbish_is_kept_and_explained(journey: Journey) -> None:
    page = journey.open(PIECE)
    before = journey.piece
    open_tab(journey, "JSON")
    own = editor(journey).input_value()
    editor(journey).fill("la la la")
    expect(says(journey)).to_contain_text("not JSON")
    expect(editor(journey)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("button", name="Use this")).to_be_disabled()
    expect(page.get_by_role("button", name="Mend it")).to_have_count(0)
    open_tab(journey, "About")
    open_tab(journey, "JSON")
    expect(editor(journey)).to_have_value("la la la")
    assert journey.piece == before

    torn = own.replace('"tempo": 120,', '"tempo": "about 120"', 1)
    editor(journey).fill(torn)
    line = next(number for number, text in enumerate(own.splitlines(), 1) if '"timeSignature"' in text)
    expect(says(journey)).to_contain_text(f"line {line}")
    page.reload()
    journey.rest()
    open_tab(journey, "JSON")
    expect(editor(journey)).to_have_value(torn)
    journey.press("Mend it")
    expect(page.get_by_text("Mended in")).to_be_visible()
    expect(says(journey)).to_contain_text("Nothing to mend")
    assert written(journey)["tempo"] == 120
    journey.press("Take the mend back")
    expect(editor(journey)).to_have_value(torn)
    journey.press("Undo my changes")
    expect(editor(journey)).to_have_value(own)
    journey.press("Bring my changes back")
    expect(editor(journey)).to_have_value(torn)


def test_what_was_just_typed_is_not_lost_to_a_quick_switch(journey: Journey) -> None:
    page = journey.open(PIECE)
    open_tab(journey, "JSON")
    editor(journey).focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" and more")
    open_tab(journey, "Score")
    open_tab(journey, "JSON")
    assert editor(journey).input_value().endswith("} and more")


def test_a_text_over_a_megabyte_is_refused_in_words(journey: Journey) -> None:
    page = journey.open(PIECE)
    open_tab(journey, "JSON")
    own = editor(journey).input_value()
    page.evaluate(
        """() => {
          const box = document.querySelector(".wb-editor textarea");
          box.value = "é".repeat(600000);
          box.dispatchEvent(new Event("input", { bubbles: true }));
        }"""
    )
    expect(says(journey)).to_contain_text("1.2 MB long; at most 1 MB is read.")
    expect(editor(journey)).to_have_value(own)


def test_nothing_runs_over_the_edge_of_a_narrow_screen(visitor: Callable[..., Journey]) -> None:
    journey = visitor(viewport={"width": 400, "height": 900})
    page = journey.open(PIECE)
    open_tab(journey, "JSON")
    editor(journey).fill(break_the_close(written(journey)))
    expect(says(journey)).to_contain_text("1 error")
    before = journey.piece
    for tab in ("JSON", "Findings"):
        open_tab(journey, tab)
        over = page.evaluate(
            "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".map((element) => element.scrollWidth - element.clientWidth)"
        )
        assert max(over) <= 0, tab
        if tab == "JSON":
            journey.press("Use this")
            journey.until_piece_changes(before)


def test_findings_and_editor_are_open_to_assistive_technology(themed: Journey) -> None:
    page = themed.open(PIECE)

    def serious() -> list[str]:
        found = Axe().run(page).response["violations"]
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in {"serious", "critical"}
        ]

    open_tab(themed, "JSON")
    text = break_the_close(written(themed))
    editor(themed).fill("{")
    expect(says(themed)).to_contain_text("not JSON")
    assert not serious()
    editor(themed).fill(text.replace('"PAC"', '"perfect"', 1))
    expect(says(themed)).to_contain_text("Line")
    assert not serious()
    themed.press("Mend it")
    expect(page.get_by_text("Mended in")).to_be_visible()
    assert not serious()
    before = themed.piece
    themed.press("Use this")
    themed.until_piece_changes(before)
    open_tab(themed, "Findings")
    page.locator(".wb-about summary").first.click()
    assert not serious()
