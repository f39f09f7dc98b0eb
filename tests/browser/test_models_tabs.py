"""Change, Trace, Prompts and History: journeys of a composer who looks into a piece, changes it, and comes back."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from composing import (
    FINE_TUNED,
    SHORT,
    barriers,
    begin,
    brief_of,
    card,
    choose,
    compose,
    ended,
    open_tab,
    over_the_edge,
    said,
    structure,
    takes,
)
from driving import App, Journey
from loopback import KEY, EchoModel, Leaky, Loopback, Slow
from loopback_pieces import schema_of, written
from playwright.sync_api import expect

from workbench.core.compose.locks import regenerate
from workbench.core.music.reading import read_structure
from workbench.core.music.request import Request

pytestmark = pytest.mark.browser

TABS = ("About", "Score", "Findings", "Change", "JSON", "Trace", "Downloads", "Prompts", "History")


@pytest.fixture(scope="module")
def app(models_app: App) -> App:
    """The app of all journeys here."""
    return models_app


# --- changing --------------------------------------------------------------------------------------------------------


def rewriting(piece: dict[str, Any]) -> Callable[[dict[str, Any]], str]:
    """A model that keeps to the plan of a piece, and writes all of it anew."""
    base = read_structure(piece)

    def answer(body: dict[str, Any]) -> str:
        return written(regenerate(base, Request(), (), seed=body["seed"]).to_dict(), schema_of(body))

    return answer


def test_what_is_locked_stays_and_the_rest_is_written_anew(journey: Journey, server: Loopback) -> None:
    page = journey.open("/?duration=60&form=ABA&period=classical&seed=4")
    before = structure(journey)["sections"]
    server.answer = rewriting(structure(journey))
    open_tab(journey, "Change")
    page.get_by_text(re.compile(rf"^Keep {before[1]['name']} \(")).click()
    begin(journey, "Regenerate the rest")
    ended(journey)
    after = structure(journey)["sections"]
    assert after[1] == before[1]
    assert after[0] != before[0]
    assert '[{"section":2,' in said(server), "the model reads what stays"

    open_tab(journey, "Change")
    expect(page.get_by_role("checkbox", name=f"Keep {before[1]['name']} ")).to_be_checked()
    number = next(number for number in (0, 2) if len(after[number].get("phrases") or ()) > 1)
    box = page.locator(f"[class*='st-key-lock_{journey.piece}_{number}_box']")
    box.locator("[data-testid=stCheckbox]").nth(1).click()
    journey.rest()
    begin(journey, "Regenerate the rest")
    ended(journey)
    last = structure(journey)["sections"]
    assert last[number]["phrases"][0] == after[number]["phrases"][0]
    assert last[number] != after[number]
    assert [other for other in range(len(last)) if last[other] == after[other]] == [1]

    server.answer = None  # a model that does not keep to the plan
    piece = journey.piece
    open_tab(journey, "Change")
    page.get_by_text(re.compile(rf"^Keep {last[0]['name']} \(")).click()
    begin(journey, "Regenerate the rest")
    ended(journey)
    assert structure(journey)["sections"][0] == last[0]
    if journey.piece == piece:
        expect(page.get_by_text("did not fit, and stayed as before")).to_be_visible()


def test_a_piece_is_changed_by_hand_named_and_sent_on(journey: Journey) -> None:
    page = journey.open("/?duration=40&form=ABA&period=classical&key=C+major&seed=4")
    open_tab(journey, "Change")
    before, own = structure(journey), journey.piece
    choose(journey, "Section", f"2. {before['sections'][1]['name']}")
    choose(journey, "Key", "G major")
    journey.press("Change the key")
    journey.until_piece_changes(own)
    assert structure(journey)["sections"][1]["key"] == "G major" != before["sections"][1]["key"]

    own = journey.piece
    assert structure(journey)["sections"][1]["cadence"] != "DC"
    choose(journey, "Close", "DC deceptive cadence")
    journey.press("Change the close")
    journey.until_piece_changes(own)
    assert structure(journey)["sections"][1]["phrases"][-1]["cadence"] == "DC", "the section stays chosen"

    own = journey.piece
    for label, text in (("Motif", "5 4 3 2 1"), ("Its lengths", "1 0.5 0.5 1 1")):
        page.get_by_role("tabpanel").get_by_role("textbox", name=label, exact=True).fill(text)
        page.keyboard.press("Tab")
    journey.press("Change the motif")
    journey.until_piece_changes(own)
    assert structure(journey)["sections"][1]["melody"]["motifs"][0]["degrees"] == [5, 4, 3, 2, 1]

    own = journey.piece
    choose(journey, "Duplicate in", "E♭ major")
    journey.press("Duplicate")
    piece = journey.until_piece_changes(own)
    assert structure(journey)["key"] == "Eb major"
    expect(takes(page)).to_have_count(5)

    page.get_by_role("textbox", name="Name of this take").fill("Snow, second draft")
    page.keyboard.press("Tab")
    journey.press("Name it")
    expect(page.get_by_role("heading", name="Snow, second draft")).to_be_visible()
    page.get_by_role("textbox", name="What is good about it").fill("The bridge")
    journey.press("Send to curators")
    expect(page.get_by_text("It is in their queue.")).to_be_visible()
    page.reload()
    journey.rest()
    assert journey.piece == piece
    expect(page.get_by_role("heading", name="Snow, second draft")).to_be_visible()
    expect(takes(page).first).to_contain_text("Snow, second draft")
    open_tab(journey, "Change")
    expect(page.get_by_text("It is in their queue.")).to_be_visible()
    expect(page.get_by_role("button", name="Send to curators")).to_be_disabled()


# --- looking into it -------------------------------------------------------------------------------------------------


def test_a_template_is_changed_compared_saved_and_used(journey: Journey, server: Loopback) -> None:
    page = journey.open(SHORT)
    open_tab(journey, "Prompts")
    part = page.get_by_label("The part “system”")
    own = part.input_value()
    counted = page.get_by_text(re.compile(r"about [\d,]+ tokens in \d+ messages"))
    tokens = counted.inner_text()
    part.fill(f"{own}\nNever write a waltz.")
    preview = page.locator("[data-testid=stExpander]").filter(has_text="system").locator("[data-testid=stCode]")
    expect(preview).to_contain_text("Never write a waltz.")
    expect(counted).not_to_have_text(tokens)
    difference = page.locator("[data-testid=stCode]").filter(has_text="default@1/system")
    expect(difference).to_contain_text("+Never write a waltz.")
    page.wait_for_timeout(800)
    page.reload()
    journey.rest()
    open_tab(journey, "Prompts")
    expect(part).to_have_value(f"{own}\nNever write a waltz.")
    part.fill(f"{own}{{% if %}}")
    expect(page.get_by_role("button", name="Save as new version")).to_be_disabled()
    expect(page.get_by_role("alert")).to_be_visible()
    part.fill(f"{own}\nAlways write a waltz.")
    expect(difference).to_contain_text("+Always write a waltz.")
    page.get_by_role("textbox", name="What is new").fill("Waltzes")
    page.keyboard.press("Tab")
    journey.press("Save as new version")
    expect(page.get_by_text("Saved as default@2.")).to_be_visible()
    expect(page.get_by_text("Waltzes")).to_be_visible()
    expect(part).to_have_value(f"{own}\nAlways write a waltz.")
    choose(journey, "Template and version", "default@1")
    expect(part).to_have_value(own)

    page.get_by_text("How the model is asked").click()
    choose(journey, "Template", "default@2")
    compose(journey)
    assert "Always write a waltz." in said(server)
    open_tab(journey, "Trace")
    expect(page.get_by_text("default@2").first).to_be_visible()


def test_the_trace_tells_all_and_can_be_replayed_and_taken_along(journey: Journey, server: Loopback) -> None:
    page = journey.open(SHORT)
    brief_of(page).fill("A lullaby")
    page.wait_for_timeout(700)
    compose(journey, "Compose")
    open_tab(journey, "Trace")
    page.get_by_text(re.compile(r"^\d\. Call")).click()
    opened = page.get_by_role("tabpanel").locator("[data-testid=stExpanderDetails]").locator("visible=true")
    expect(opened).to_contain_text("You are a composer.")
    expect(opened).to_contain_text("A lullaby")
    expect(opened.locator("[data-testid=stCode]").last).to_contain_text('"sections":')
    journey.press("Replay")
    expect(page.get_by_text("The same piece, by the same way: valid at the first try.")).to_be_visible()
    with page.expect_download() as waiting:
        journey.press("Download the trace")
    trace = json.loads(waiting.value.path().read_text("utf-8"))
    assert trace["request"]["brief"] == "A lullaby"
    assert [step["kind"] for step in trace["trace"]][-1] == "outcome"
    assert structure(journey)["sections"] == trace["structure"]["sections"]


def test_neither_a_key_nor_the_fine_tuned_model_is_ever_named(journey: Journey, server: Loopback) -> None:
    page = journey.open(SHORT)
    told: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: told.append(str(data))))
    page.reload()
    journey.rest()
    choose(journey, "Written by", "Fine-tuned model")
    server.queue(EchoModel())
    compose(journey)
    assert [seen.body["model"] for seen in server.seen if seen.body] == [FINE_TUNED]
    title = page.get_by_role("heading", level=1).inner_text()
    assert title == "Prelude by [fine-tuned model]"

    def look(*tabs: str) -> None:
        for name in tabs:
            open_tab(journey, name)
            if name == "Trace":
                for step in page.get_by_role("tabpanel").locator("summary").all():
                    step.click()
                journey.rest()
            content = page.content() + " ".join(box.input_value() for box in page.locator("textarea").all())
            assert FINE_TUNED not in content, name
            assert KEY not in content, name

    look(*TABS)
    server.queue(Leaky())
    compose(journey)
    look("About", "Trace", "History")
    expect(page.get_by_text("by a model").first).to_be_visible()
    assert told
    assert not [frame for frame in told if FINE_TUNED in frame or KEY in frame]


# --- what was made before --------------------------------------------------------------------------------------------


def yesterday(app: App) -> None:
    """Let everything that is kept have been made a day earlier."""
    with sqlite3.connect(next(app.data.glob("*.sqlite3")), timeout=10) as connection:
        connection.execute("UPDATE takes SET created_at = datetime(created_at, '-1 day')")
    connection.close()


def test_yesterday_s_takes_are_found_opened_compared_and_deleted(journey: Journey, app: App, server: Loopback) -> None:
    page = journey.open(SHORT)
    pieces: list[str] = []
    for brief in ("A walk home in the snow", "雪の夜道を、静かに歩いて帰る"):
        brief_of(page).fill(brief)
        page.wait_for_timeout(700)
        pieces.append(compose(journey))
    yesterday(app)
    open_tab(journey, "History")
    rows = page.locator("[class*='st-key-take_']")
    expect(rows).to_have_count(3)
    find = page.get_by_role("textbox", name="Find a take")
    for words in ("夜道", "snow WALK"):
        find.fill(words)
        find.press("Enter")
        expect(rows).to_have_count(1)
        expect(rows.first).to_contain_text("yesterday")
    rows.first.get_by_role("button", name="Open", exact=True).click()
    assert journey.until_piece_changes(pieces[1]) == pieces[0]
    expect(brief_of(page)).to_have_value("A walk home in the snow")

    find.fill("")
    find.press("Enter")
    expect(rows).to_have_count(3)
    other = rows.filter(has_text="夜道")
    other.get_by_role("button", name="Compare").click()
    panel = page.get_by_role("tabpanel")
    expect(panel.locator(".wb-player[data-piece]")).to_have_count(2)
    found = [player.get_attribute("data-piece") for player in panel.locator(".wb-player").all()]
    assert found == pieces
    expect(panel.get_by_role("listitem").filter(has_text="→").nth(3)).to_be_attached()
    journey.press("Close the comparison")
    expect(panel.locator(".wb-player")).to_have_count(0)
    other.get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(2)
    journey.rest()
    page.reload()
    journey.rest()
    expect(takes(page)).to_have_count(2)


# --- for everybody ---------------------------------------------------------------------------------------------------


def test_every_view_is_open_to_everybody_on_every_screen(themed: Journey, server: Loopback) -> None:
    page, barred, wide = themed.open(SHORT), list[str](), list[str]()
    light = page.evaluate("matchMedia('(prefers-color-scheme: light)').matches")

    def look(where: str) -> None:
        barred.extend(barriers(page, where))
        for width in (390, 768, 1440) if light else ():
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(250)
            if over_the_edge(page) > 0:
                wide.append(f"{where} at {width}: {over_the_edge(page)}")

    page.set_viewport_size({"width": 1440, "height": 900})
    themed.press("Compare with a variant")
    choose(themed, "Written by 1", "Rules")
    server.queue(Slow(0.05, 32))
    begin(themed)
    card(page, 1).locator(".wb-player[data-piece]").wait_for()
    barred.extend(barriers(page, "while it is written"))
    expect(card(page, 1)).to_contain_text("Valid at the first try")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)  # it fades for a moment
    look("side by side")
    card(page, 1).locator("[class*='st-key-open_'] button").click()
    ended(themed)
    for name in ("Change", "Trace", "Prompts", "History"):
        open_tab(themed, name)
        if name == "Trace":
            page.get_by_text(re.compile(r"^\d\. Call")).click()
        elif name == "Change":
            page.get_by_role("tabpanel").locator("[data-testid=stCheckbox]").first.click()
        elif name == "Prompts":
            box = page.get_by_label("The part “system”")
            box.fill(box.input_value().replace("You are a composer.", "You are a patient composer."))
            expect(page.get_by_text("+You are a patient composer.")).to_be_visible()
        elif name == "History":
            page.get_by_role("button", name="Compare", exact=True).last.click()
            page.get_by_role("tabpanel").locator(".wb-player[data-piece]").nth(1).wait_for()
        themed.rest()
        look(name)
    assert not barred, "\n".join(barred)
    assert not wide, "\n".join(wide)
