"""Journeys on the Compare screen: pieces of two variants found, heard at one place, and told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from comparing import VARIANTS, broken, opened
from driving import App, Journey
from loopback import Loopback
from loopback_pieces import asked
from loopback_requests import refuse
from playwright.sync_api import Page, expect
from studio import settings_of

from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.runs import Run
from workbench.core.experiments.specification import read_specification

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""
TITLE = "<img src=x onerror=window.harmed=1> **loud** [go](javascript:alert(1))"
PLAYERS = "[...document.querySelectorAll('.wb-player')]"
CHANGE_OVER = """([from, to]) => new Promise((done, fail) => {
  const players = [...document.querySelectorAll('.wb-player')];
  const [one, other] = [players[from], players[to]];
  const place = (player) => Number(player.dataset.position);
  const begun = performance.now();
  let before = place(one), silent = 0, last = begun;
  players[from].querySelectorAll('.wb-ears button')[to].click();
  const look = () => {
    const now = performance.now();
    const sounding = players.filter((player) => player.dataset.state === 'playing').length;
    if (sounding !== 1) silent += now - last;
    last = now;
    if (other.dataset.state === 'playing') {
      done({ before, after: place(other), seconds: (now - begun) / 1000, silent, left: one.dataset.state });
    } else if (now - begun > 20000) fail(new Error('it does not change over'));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with a run in it."""
    app = App(tmp_path_factory.mktemp("pieces"))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def run(app: App) -> Run:
    """Four requests of ``rules`` and ``broken``, which breaks cadences, names pieces wickedly and fails one."""
    with ThreadPoolExecutor(1) as aside:  # this thread has the browser's event loop
        return aside.submit(_finished, app.data).result()


def _finished(data: Path) -> Run:
    grid = {"form": ["ABA"], "period": ["classical", "baroque"], "duration": [20, 24]}
    variants = [each for each in VARIANTS if each["name"] != "adapt"]
    told = {"name": "first", "requests": {"grid": grid}, "variants": variants}
    database = opened(data)
    try:
        with Loopback(answer=_wicked) as server:
            settings = settings_of(server)
            begun = order(settings, database, read_specification(told), curator="ada · 1234")
            return run_now(settings, database, begun.id, processes=0)
    finally:
        database.close()


def _wicked(body: dict[str, Any]) -> str:
    request = json.loads(asked(body))
    if request.get("duration") == 20 and request.get("period") == "baroque":
        refuse("I do not write this.")
    text = broken(body)
    return json.dumps(json.loads(text) | {"title": TITLE}) if request.get("duration") == 24 else text


def settled(page: Page) -> None:
    for _ in range(2):
        page.wait_for_timeout(300)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def enter(visitor: Callable[..., Journey], app: App, run: Run, **options: Any) -> Page:
    journey = visitor(app.url, **options)
    journey.expected = DEEP_LINK
    page = journey.page
    page.goto(f"{app.url}/compare?run={run.id}&view=pieces")
    page.wait_for_selector(".wb-player[data-piece]")
    settled(page)
    return page


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def places(page: Page) -> list[float]:
    return [float(each) for each in page.evaluate(f"{PLAYERS}.map((player) => player.dataset.position)")]


def states(page: Page) -> list[str]:
    return list(page.evaluate(f"{PLAYERS}.map((player) => player.dataset.state)"))


def test_two_pieces_are_heard_at_one_place_and_told_apart(visitor: Callable[..., Journey], app: App, run: Run) -> None:
    page = enter(visitor, app, run)
    choose(page, "Show", "They differ in …")
    expect(page.get_by_role("combobox", name="Element", exact=True)).to_have_value("cadences")
    expect(page.get_by_text("2 pairs", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="B: broken")).to_be_visible()
    page.wait_for_selector(".wb-player[data-piece] >> nth=1")
    expect(page.locator(".wb-player")).to_have_count(2)

    a = page.locator(".wb-player").first
    a.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{PLAYERS}[0].dataset.state === 'playing'")
    page.wait_for_timeout(1200)
    one, other = places(page)
    assert one > 0.5
    assert abs(one - other) < 0.15
    page.wait_for_timeout(1500)  # the other's sound is there by now
    for sides in ([0, 1], [1, 0]):
        told = page.evaluate(CHANGE_OVER, sides)
        tempo = 96 / 60  # quarters a second
        assert abs(told["after"] - told["before"] - told["seconds"] * tempo) / tempo < 0.15
        assert told["left"] == "paused"
        assert told["silent"] < 60
        page.wait_for_timeout(300)
    page.keyboard.press("x")
    page.wait_for_function(f"{PLAYERS}[1].dataset.state === 'playing' && {PLAYERS}[0].dataset.state === 'paused'")
    page.locator(".wb-stage").first.hover(position={"x": 5, "y": 5})
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    page.wait_for_function(f"{PLAYERS}.every((player) => player.dataset.state === 'paused')")
    assert abs(places(page)[0] - places(page)[1]) < 0.01

    loops = page.get_by_role("button", name="Loop this phrase")
    for pressed in ("true", "false"):
        loops.nth(1).click()
        for at in (0, 1):
            expect(loops.nth(at)).to_have_attribute("aria-pressed", pressed)
    page.locator(".wb-player").nth(0).locator(".wb-seek").press("Home")
    assert places(page) == [0, 0]

    differences = page.locator(".wb-differences")
    differences.get_by_role("button", name="cadence", exact=False).first.click()
    expect(differences.locator(".wb-count")).to_contain_text(" of ")
    line = differences.locator("li:visible").first
    expect(line).to_contain_text("instead of PAC")
    button = line.get_by_role("button")
    bar = int(button.inner_text().removeprefix("Bar "))
    assert bar > 1
    button.press("Enter")
    there = page.evaluate(f"{PLAYERS}.map((player) => player.querySelector('.wb-measure').textContent)")
    assert there == [str(bar), str(bar)]
    assert places(page)[0] == places(page)[1] > 0

    before = page.url
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    settled(page)
    expect(page.get_by_text("2 of 2", exact=True)).to_be_visible()
    assert page.url != before
    assert "pair=" in page.url
    page.reload()
    page.wait_for_selector(".wb-player[data-piece] >> nth=1")
    expect(page.get_by_role("heading", name="baroque").first).to_be_visible()
    for name, words in (
        ("Values", "B against A"),
        ("First answers", "Before any repair"),
        ("Request and cost", "Tokens"),
    ):
        page.get_by_role("tab", name=name, exact=True).click()
        expect(page.get_by_text(words).locator("visible=true").first).to_be_visible()
    page.get_by_role("tab", name="Findings", exact=True).click()
    settled(page)

    # Of other lengths: the longer goes on, the shorter waits at its end.
    page.goto(f"{app.url}/compare?run={run.id}&view=pieces&pair=0-3")
    page.wait_for_selector(".wb-player[data-piece] >> nth=1")
    settled(page)
    expect(page.get_by_text("the shorter one waits at its end", exact=False)).to_be_visible()
    stage = page.locator(".wb-stage").nth(1)
    size = stage.bounding_box()
    assert size
    stage.click(position={"x": size["width"] * 0.97, "y": size["height"] - 60})
    bars = page.evaluate(f"{PLAYERS}.map((player) => Number(player.querySelector('.wb-measure').textContent))")
    lengths = page.evaluate(f"{PLAYERS}.map((player) => player.querySelector('.wb-seek').max)")
    assert bars[1] > bars[0] > 8
    assert float(lengths[1]) > float(lengths[0])


def test_a_cell_that_failed_says_why_and_the_other_plays(visitor: Callable[..., Journey], app: App, run: Run) -> None:
    page = enter(visitor, app, run)
    page.get_by_role("button", name="More", exact=False).last.click()
    choose(page, "Pieces", "Failed")
    page.keyboard.press("Escape")
    expect(page.get_by_text("1 pair", exact=True)).to_be_visible()
    expect(page.get_by_text("There is nothing to hear", exact=False)).to_contain_text("I do not write this")
    expect(page.locator(".wb-player")).to_have_count(1)
    expect(page.locator(".wb-ears")).to_be_hidden()
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{PLAYERS}[0].dataset.state === 'playing'")
    expect(page.get_by_text("There is nothing to compare: B failed.")).to_be_visible()

    settled(page)
    page.get_by_role("button", name="More", exact=False).last.click()
    page.get_by_role("button", name="Clear the filters").click()
    settled(page)
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Words", exact=True).fill("onerror")
    page.get_by_role("textbox", name="Words", exact=True).press("Enter")
    settled(page)
    expect(page.get_by_text("2 pairs", exact=True)).to_be_visible()
    expect(page.get_by_text(TITLE, exact=True)).to_be_visible()
    assert page.evaluate("window.harmed") is None
    assert page.locator("img[src=x], a[href^=javascript]").count() == 0

    page.get_by_role("tab", name="Summary").click()
    page.get_by_role("button", name="Look at what failed").click()
    expect(page.get_by_role("tab", name="Pieces")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pieces_can_be_used_by_everybody(visitor: Callable[..., Journey], app: App, run: Run, scheme: str) -> None:
    page = enter(visitor, app, run, color_scheme=scheme)
    page.wait_for_selector(".wb-player[data-piece] >> nth=1")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 1000})
        settled(page)
        for name in ("Values", "Differences")[width == 390 :]:
            page.get_by_role("tab", name=name, exact=True).click()
            settled(page)
            sound(page, f"{name}, {scheme}, {width} wide")
    boxes = page.evaluate(f"{PLAYERS}.map((player) => player.getBoundingClientRect().top)")
    assert boxes[1] - boxes[0] > 300  # one below the other


def sound(page: Page, where: str) -> None:
    """Nothing serious stands in the way, and nothing runs over the edge."""
    serious = [
        f"{where}: {one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert not serious, "\n".join(serious)
    over = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((element) => element.scrollWidth - element.clientWidth)"
    )
    assert max(over) <= 0, where
