"""Journeys on the Examples screen: two curators, one queue, and the keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import App, Journey
from playwright.sync_api import Page, expect

from workbench.core.compose import compose
from workbench.core.library.curation import counts, find, submit
from workbench.core.library.database import Database
from workbench.core.library.decisions import trail
from workbench.core.library.rights import own_rights
from workbench.core.music.request import Request

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""
QUEUED = 20


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with a queue of twenty, three of which may not be approved yet."""
    app = App(tmp_path_factory.mktemp("curators"))
    library = Database(f"sqlite:///{app.data}/workbench.sqlite3").upgrade()
    for number in range(QUEUED):
        request = Request(duration=20, form="ABA", valence=-0.9 + number * 0.09, brief=f"piece {number}")
        rights = own_rights("Ada", "written here") if number not in (3, 7, 11) else None
        submit(
            library, request, compose(request, seed=number).model_copy(update={"title": f"Piece {number:02}"}),
            curator="ada", origin={"kind": "take"}, rights=rights,
        )  # fmt: skip
    library.close()
    yield app
    app.stop()


@pytest.fixture
def library(app: App) -> Iterator[Database]:
    made = Database(f"sqlite:///{app.data}/workbench.sqlite3")
    yield made
    made.close()


def enter(visitor: Callable[..., Journey], app: App, name: str) -> Journey:
    """A curator opens the queue and says who they are."""
    journey = visitor(app.url)
    journey.expected = DEEP_LINK
    page = journey.open("/examples")
    box = page.get_by_role("textbox", name="Your name")
    box.fill(name)
    box.press("Enter")
    journey.rest()
    return journey


def stroke(journey: Journey, key: str) -> None:
    """One key, as somebody presses whose hands do nothing else."""
    journey.page.locator("[data-testid=stMain]").focus()
    journey.page.evaluate("document.activeElement?.blur()")
    journey.page.keyboard.press(key)
    for _ in range(2):
        journey.page.wait_for_timeout(250)
        journey.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def title(page: Page) -> str:
    return page.locator("h1").inner_text()


def current(page: Page) -> str:
    return page.locator(".wb-queue button[aria-current=true]").get_attribute("data-item") or ""


def test_two_curators_work_through_a_queue_by_keyboard_alone(
    visitor: Callable[..., Journey], app: App, library: Database
) -> None:
    ada, bob = enter(visitor, app, "Ada"), enter(visitor, app, "Bob")
    assert title(ada.page) == title(bob.page) == "Piece 00"
    stroke(ada, "a")
    expect(ada.page.get_by_text("Approved: Piece 00. U takes it back.")).to_be_visible()
    assert title(ada.page) == "Piece 01"
    # Bob still sees the first: he is told, and nothing is overwritten.
    note = bob.page.get_by_label("Note", exact=True)
    note.fill("The bass stands still.")
    bob.page.wait_for_timeout(1200)
    stroke(bob, "x")
    expect(bob.page.get_by_text("Somebody has changed this example since you opened it.")).to_be_visible()
    expect(bob.page.get_by_label("Note", exact=True)).to_have_value("The bass stands still.")
    stroke(bob, "x")
    assert find(library, current(ada.page)) is not None
    first = next(row for row in trail(library, most=400) if row.action == "reject")
    assert first.note == "The bass stands still."
    # Ada walks, undoes and decides on the rest of the queue.
    stroke(ada, "g")
    assert counts(library)["changes"] == 1
    stroke(ada, "u")
    assert counts(library)["changes"] == 0
    assert title(ada.page) == "Piece 01"
    stroke(ada, "n")
    assert title(ada.page) == "Piece 02"
    stroke(ada, "p")
    assert title(ada.page) == "Piece 01"
    for _ in range(60):
        if not counts(library)["waiting"]:
            break
        hindered = ada.page.get_by_role("button", name="Approve").first.is_disabled()
        stroke(ada, "x" if hindered else "a")
    assert counts(library)["waiting"] == 0
    told = trail(library, most=1000)
    assert {row.curator.partition(" ·")[0] for row in told} >= {"Ada", "Bob"}
    assert {"approve", "reject", "changes", "undone", "submitted"} <= {row.action for row in told}
    state: dict[str, str] = {}
    for row in reversed(told):
        assert row.after is not None
        state[row.example_id] = row.after["status"]
    for id, status in state.items():
        item = find(library, id)
        assert item is not None
        assert item.status == status, "the trail tells another story than the library"


def test_rights_are_completed_and_then_it_may_be_approved(
    visitor: Callable[..., Journey], app: App, library: Database
) -> None:
    request = Request(duration=20, brief="a piece without rights")
    piece = compose(request, seed=99).model_copy(update={"title": "Without rights"})
    item, _ = submit(library, request, piece, curator="ada", origin={"kind": "take"})
    journey = enter(visitor, app, "Eve")
    page = journey.open(f"/examples?example={item.id}")
    expect(page.get_by_role("button", name="Approve").first).to_be_disabled()
    page.get_by_role("tab", name="Rights", exact=True).click()
    journey.rest()
    page.get_by_role("button", name="All of it is our own work (CC0)").click()
    journey.rest()
    expect(page.get_by_text("may be learned from for a product")).to_be_visible()
    page.get_by_role("button", name="Save the rights").click()
    expect(page.get_by_role("button", name="Approve").first).to_be_enabled()
    saved = find(library, item.id)
    assert saved is not None
    assert saved.hindrances == ()


def test_every_tab_opens_and_nothing_serious_stands_in_the_way(
    visitor: Callable[..., Journey], app: App, tmp_path: Path
) -> None:
    for scheme in ("light", "dark"):
        journey = visitor(app.url, color_scheme=scheme)
        journey.expected = DEEP_LINK
        page = journey.open("/examples?example=rondo-classical-hunt")
        for tab in ("Findings", "Rights", "Edit", "Neighbours", "Origin", "Votes and trail"):
            page.get_by_role("tab", name=tab, exact=True).click()
            journey.rest()
            _sound(page, f"{tab}, {scheme}")
        for tab in ("Coverage", "Trail", "Guideline"):
            page.get_by_role("tab", name=tab, exact=True).click()
            page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
            page.wait_for_timeout(600)
            _sound(page, f"{tab}, {scheme}")


def _sound(page: Page, where: str) -> None:
    found = Axe().run(page).response["violations"]
    serious = [
        f"{where}: {one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert not serious, "\n".join(serious)


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_runs_over_the_edge(visitor: Callable[..., Journey], app: App, width: int) -> None:
    journey = visitor(app.url, viewport={"width": width, "height": 900})
    journey.expected = DEEP_LINK
    page = journey.open("/examples?example=rondo-classical-hunt")
    over = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((element) => element.scrollWidth - element.clientWidth)"
    )
    assert max(over) <= 0


def test_a_library_where_nothing_waits_opens_on_what_it_holds(
    visitor: Callable[..., Journey], tmp_path_factory: pytest.TempPathFactory
) -> None:
    fresh = App(tmp_path_factory.mktemp("fresh"))
    try:
        journey = visitor(fresh.url)
        journey.expected = DEEP_LINK
        page = journey.open("/examples")
        expect(page.get_by_role("radio", name="all 48")).to_be_checked()
        expect(page.locator("h1")).to_have_text("Aria of the Shepherd at Noon")
        keys = page.get_by_text("Approve, and on to the next")
        expect(keys).to_be_visible()
        page.set_viewport_size({"width": 390, "height": 800})
        expect(keys).to_be_hidden()  # a phone has no keyboard
        page.locator("label", has_text="waiting 0").click()
        journey.rest()
        expect(page.get_by_text("0 examples", exact=True)).to_be_visible()
        page.goto("about:blank")  # the app is stopped now
    finally:
        fresh.stop()
