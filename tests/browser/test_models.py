"""Journeys with models: a composer asks, watches, leaves, compares, and nothing is lost, whatever goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from composing import (
    SHORT,
    bars,
    begin,
    brief_of,
    card,
    choose,
    compose,
    connected,
    drawn_run,
    ended,
    open_tab,
    said,
    structure,
    takes,
)
from driving import App, Journey
from loopback import Hang, Loopback, Slow, Status
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app(models_app: App) -> App:
    """The app of all journeys here."""
    return models_app


# --- asking and watching ---------------------------------------------------------------------------------------------


def test_a_brief_in_any_language_outlives_a_reload_and_reaches_the_model(journey: Journey, server: Loopback) -> None:
    page = journey.open(SHORT)
    for brief in ("A walk home in the snow", "雪の夜道を、静かに歩いて帰る"):
        brief_of(page).fill("")
        brief_of(page).press_sequentially(brief, delay=10)
        page.wait_for_timeout(1200)
        page.reload()
        journey.rest()
        expect(brief_of(page)).to_have_value(brief)
        before = journey.piece
        piece = compose(journey)
        assert piece != before
        assert f"piece={piece}" in page.url
        assert brief in said(server)
        expect(page.locator(".wb-roll .point").nth(20)).to_be_attached()
        expect(brief_of(page)).to_have_value(brief)


def test_a_piece_grows_section_by_section_and_a_reload_finds_it_again(journey: Journey, server: Loopback) -> None:
    page = journey.open("/?duration=60&form=rondo&seed=3")
    server.queue(Slow(0.06, 32))
    begin(journey)
    address, shown, found_again = page.url, [0], False
    while "run=" in page.url:
        words = page.evaluate("document.querySelector('[class*=st-key-player_] .wb-seek')?.ariaValueText ?? ''")
        grown = int(words.partition(" of ")[2].partition(",")[0] or 0)
        if grown > shown[-1]:
            shown.append(grown)
        if len(shown) == 3 and not found_again:
            page.reload()
            assert page.url == address
            own = page.get_by_test_id("stMain")  # Streamlit has a Stop of its own, in the head
            expect(own.get_by_role("button", name="Stop", exact=True)).to_be_visible()
            found_again = True
        page.wait_for_timeout(100)
    assert len(shown) >= 4, shown
    assert found_again
    piece = ended(journey)
    assert f"piece={piece}" in page.url
    assert shown[-1] <= sum(section["measures"] for section in structure(journey)["sections"])
    assert bars(page.locator(".wb-player")) == sum(section["measures"] for section in structure(journey)["sections"])
    expect(takes(page)).to_have_count(2)


def test_who_leaves_a_piece_that_is_being_written_finds_it_again(journey: Journey, server: Loopback) -> None:
    page = journey.open(SHORT)
    first, word = journey.piece, page.get_by_text("A piece is still being written")
    server.queue(Slow(0.08, 32), Slow(0.15, 32))
    begin(journey)
    drawn_run(page).wait_for()
    page.go_back()
    expect(word).to_be_visible()
    assert ended(journey) == first
    journey.play()
    expect(word).to_have_count(0)
    expect(takes(page)).to_have_count(2)
    assert page.locator(".wb-player").get_attribute("data-state") == "playing", "what is heard is not disturbed"

    begin(journey)
    other = Journey(page.context.new_page(), journey.url)
    other.open("/?seed=9&duration=24")
    expect(other.page.get_by_text("A piece is still being written")).to_be_visible()
    other.press("Watch it")
    expect(other.page).to_have_url(re.compile("run="))
    piece = ended(other)
    assert ended(journey) == piece
    expect(other.page.locator(f".wb-takes [data-take='{piece}']")).to_have_attribute("aria-current", "true")
    other.page.close()
    assert not other.complaints


# --- side by side ----------------------------------------------------------------------------------------------------


def three_variants(journey: Journey) -> None:
    """The rules, the model with examples, the model without."""
    page = journey.page
    journey.press("Compare with a variant")
    expect(page.get_by_role("combobox", name="Written by 2")).to_be_visible()
    journey.press("Add a variant")
    expect(page.get_by_role("combobox", name="Written by 3")).to_be_visible()
    choose(journey, "Written by 1", "Rules")
    page.get_by_text("How the model is asked 3").click()
    examples = page.get_by_role("slider", name="Examples").locator("visible=true")
    examples.focus()
    examples.press("Home")
    journey.rest()


def test_three_variants_are_written_side_by_side(journey: Journey, server: Loopback) -> None:
    page = journey.open("/?duration=30&form=ABA&seed=3")
    three_variants(journey)
    server.behave = lambda _: Slow(0.08, 20)
    begin(journey, "Compose")
    for number, name in enumerate(("Rules", "Server's choice", "no examples")):
        expect(card(page, number)).to_contain_text(name)
        expect(card(page, number).locator(".wb-player")).to_have_count(1)
    expect(card(page, 0).get_by_role("button", name="Play", exact=True)).to_be_in_viewport()
    assert len({len(seen.body["messages"]) for seen in server.seen if seen.body}) == 2, "with examples and without"

    card(page, 0).get_by_role("button", name="Play", exact=True).click()
    expect(card(page, 0).locator(".wb-player")).to_have_attribute("data-state", "playing")
    card(page, 2).locator(".wb-player[data-piece]").wait_for()
    card(page, 2).get_by_role("button", name="Stop", exact=True).click()
    expect(card(page, 2)).to_contain_text("Stopped. What was complete is kept.")
    kept = card(page, 2).locator(".wb-player").get_attribute("data-piece") or ""
    assert 1 <= len(structure(journey, kept)["sections"]) < 3

    expect(card(page, 1)).to_contain_text("Valid at the first try")
    expect(card(page, 0).locator(".wb-player")).to_have_attribute("data-state", "playing")
    expect(card(page, 1)).to_contain_text(re.compile(r"\d errors?, \d warnings?"))
    expect(card(page, 1)).to_contain_text(re.compile(r"[\d.]+ s .* [\d,]+ tokens .* no price known"))
    expect(card(page, 0)).not_to_contain_text("tokens")
    pieces = [card(page, number).locator(".wb-player").get_attribute("data-piece") for number in range(3)]
    card(page, 1).get_by_role("button", name="Open").last.click()
    assert ended(journey) == pieces[1]
    open_tab(journey, "History")
    expect(page.get_by_text("4 takes", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile("stopped · just now"))).to_be_visible()
    expect(takes(page)).to_have_count(4)


# --- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[App, Loopback]]:
    """An app with little patience, and its endpoint; either may be stopped."""
    with Loopback() as server:
        app = App(tmp_path_factory.mktemp("frail"), **connected(server), WORKBENCH_MODEL_TIMEOUT="10")
        yield app, server
        app.stop()


def test_a_composer_gets_a_piece_whatever_happens_to_the_model(
    visitor: Callable[..., Journey], frail: tuple[App, Loopback]
) -> None:
    app, server = frail
    journey = visitor(app.url)
    page = journey.open(SHORT)

    def stepped_in(why: str) -> None:
        before = journey.piece
        assert compose(journey) != before
        expect(page.get_by_role("alert")).to_contain_text(why)
        expect(page.get_by_text("Rules stepped in", exact=True).first).to_be_visible()
        open_tab(journey, "Trace")
        expect(page.get_by_role("tabpanel").get_by_text("Rules stepped in", exact=True)).to_be_visible()
        expect(page.get_by_role("tabpanel").locator("summary").filter(has_text="Call").first).to_contain_text(why)
        assert bars(page.locator(".wb-player")) > 3

    server.queue(Status(401))
    stepped_in("refuses")
    server.queue(Hang())
    stepped_in("did not finish within 10 seconds")
    server.close()
    stepped_in("cannot be reached")
    server.start()
    compose(journey)
    open_tab(journey, "Trace")
    expect(page.get_by_text("Valid at the first try", exact=True)).to_have_count(2)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_killed_server_loses_nothing(visitor: Callable[..., Journey], frail: tuple[App, Loopback]) -> None:
    app, server = frail
    journey = visitor(app.url)
    journey.expected = ("WebSocket", "Failed to load resource", "ERR_", "disconnected", "/live/", "Is Streamlit still")
    page = journey.open("/?duration=90&form=rondo&seed=3")
    finished = compose(journey)
    server.queue(Slow(0.12, 32))
    begin(journey)
    drawn_run(page).wait_for()
    brief_of(page).fill("Left behind")
    page.wait_for_timeout(2000)
    app.kill()
    page.wait_for_timeout(500)
    brief_of(page).press_sequentially(" and typed meanwhile", delay=10)
    app.start()
    page.wait_for_selector("[data-testid=stApp][data-test-connection-state=CONNECTED]")
    expect(page.get_by_text(re.compile("The server stopped meanwhile"))).to_be_visible()
    journey.rest()
    rest = page.locator(".wb-player[data-piece]").get_attribute("data-piece") or ""
    assert 1 <= len(structure(journey, rest)["sections"]) < 5
    page.wait_for_timeout(2500)
    page.reload()
    journey.rest()
    expect(brief_of(page)).to_have_value("Left behind and typed meanwhile")
    page.locator("[class*='st-key-open_'] button").click()
    assert ended(journey) == rest
    expect(page.locator(f".wb-takes [data-take='{finished}']")).to_be_visible()
    expect(takes(page)).to_have_count(3)
    journey.play()
