"""Journeys on the Compare screen: the verdict of a run, its breakdown, and a run against the one before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from comparing import finished
from driving import App, Journey
from playwright.sync_api import Page, expect

from workbench.core.experiments.runs import Run

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""
GRID = {
    "form": ["ABA", "binary"], "period": ["classical", "baroque"], "mood": ["calm", "joyful", "sombre"],
    "duration": [24],
}  # fmt: skip
MODEL = {"provider": "openai", "variant": "base", "examples": 0, "reasks": 0}
METRICS = ("valid", "plan-cadences", "calls")
FOUND = "Planned cadence tags, tuned@100 against rules: rules is better"


def tuned(step: int, **more: Any) -> dict[str, Any]:
    """A checkpoint, which breaks cadences; one that is made by the rules keeps them."""
    return {"name": f"tuned@{step}"} | (more or MODEL)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("summary"))
    yield app
    app.stop()


@pytest.fixture(scope="module", autouse=True)
def pair(app: App) -> tuple[Run, Run]:
    """Two runs of the same twelve requests; in the second ``tuned@100`` keeps the cadences that it broke before."""
    asked: dict[str, Any] = {"requests": {"grid": GRID}, "metrics": list(METRICS)}
    rules = {"name": "rules", "provider": "rules"}
    first = finished(app.data, variants=[rules, tuned(100), tuned(200)], **asked)
    return first, finished(app.data, variants=[rules, tuned(100, provider="rules"), tuned(200)], **asked)


def enter(visitor: Callable[..., Journey], app: App, run: Run, tab: str = "", **options: Any) -> Page:
    journey = visitor(app.url, **options)
    journey.expected = DEEP_LINK
    journey.page.goto(f"{app.url}/compare?run={run.id}" + (f"&view={tab}" if tab else ""))
    journey.page.wait_for_selector(".wb-results td")
    settled(journey.page)
    return journey.page


def settled(page: Page) -> None:
    """Wait until the script has run and what it draws is there."""
    for _ in range(2):
        page.wait_for_timeout(300)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def sound(page: Page, where: str) -> None:
    """Nothing serious stands in the way, and nothing runs over the edge."""
    serious = [
        f"{where}: {one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
    assert not serious, "\n".join(serious)
    over = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((element) => element.scrollWidth - element.clientWidth)"
    )
    assert max(over) <= 0, where


def cell(page: Page, row: str, column: str) -> Any:
    return page.locator(f".wb-results td button[data-row='{row}'][data-column='{column}']")


def test_the_verdict_is_read_and_a_cell_opens_the_requests_behind_it(
    visitor: Callable[..., Journey], app: App, pair: tuple[Run, Run]
) -> None:
    page = enter(visitor, app, pair[0])
    expect(page.get_by_text(re.compile(r"a difference was found in \d"))).to_be_visible()
    expect(page.get_by_text(FOUND).first).to_be_visible()
    expect(cell(page, "#cells", "rules")).to_contain_text("12 requests, 1 seed")
    sound(page, "summary")

    # The arrow keys move from cell to cell, into a group that was opened, and to a metric's explanation.
    group = page.get_by_role("button", name="How far the plan was kept", exact=False)
    group.click()
    expect(cell(page, "plan-cadences", "tuned@100")).to_contain_text(
        "▼ worse than rules; no difference found to tuned@200"
    )
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    expect(cell(page, "plan-cadences", "tuned@100")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-about:visible")).to_have_count(1)
    assert page.locator(".wb-results [tabindex='0']").count() == 1, "the Tab key has one way in"

    # Against one variant: marks are of that one alone.
    page.get_by_role("combobox", name="Compare", exact=True).click()
    page.get_by_role("option", name="each with rules").click()
    expect(cell(page, "plan-cadences", "tuned@100").locator(".wb-mark")).to_have_text("▼ worse than rules")
    settled(page)
    cell(page, "plan-cadences", "tuned@100").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Pieces", exact=True)).to_have_attribute("aria-selected", "true")
    page.wait_for_function("location.search.includes('view=pieces')")


def test_a_breakdown_draws_what_its_table_says(
    visitor: Callable[..., Journey], app: App, pair: tuple[Run, Run]
) -> None:
    page = enter(visitor, app, pair[0], "breakdown", color_scheme="dark")
    for box, option in (("Metric", "Planned cadence tags"), ("By", "period")):
        page.get_by_role("combobox", name=box, exact=True).click()
        page.get_by_role("option", name=option).click()
        settled(page)
    expect(page.get_by_role("columnheader", name="Period", exact=True)).to_be_visible()
    expect(cell(page, "baroque", "rules")).to_contain_text("100.0")
    chart = page.get_by_test_id("stPlotlyChart").first
    expect(chart).to_be_visible()
    expect(page.get_by_text("Differences between levels are not tested", exact=False)).to_be_visible()
    sound(page, "breakdown")
    cell(page, "baroque", "tuned@100").click()
    expect(page.get_by_role("tab", name="Pieces", exact=True)).to_have_attribute("aria-selected", "true")


def test_a_run_stands_against_the_one_before_on_a_narrow_screen(
    visitor: Callable[..., Journey], app: App, pair: tuple[Run, Run]
) -> None:
    page = enter(visitor, app, pair[1], "before and after", viewport={"width": 390, "height": 900})
    expect(page.get_by_text("From first 1 to first 2:", exact=False)).to_be_visible()
    expect(page.get_by_text("Planned cadence tags, tuned@100: first 2 is better", exact=False)).to_be_visible()
    expect(page.get_by_text("tuned@100: provider openai → rules", exact=False)).to_be_visible()
    expect(page.get_by_text("12 requests are in both", exact=False)).to_be_visible()
    page.get_by_role("button", name="How far the plan was kept", exact=False).click()
    expect(cell(page, "plan-cadences", "tuned@100")).to_contain_text("▲ better than before")
    expect(cell(page, "plan-cadences", "tuned@200")).to_contain_text("= no difference found")
    sound(page, "before and after")
    expect(page.get_by_text("No two variants of this run are checkpoints", exact=False)).to_be_visible()
    table = page.locator(".wb-results .wb-scroll").first
    assert table.evaluate("(each) => each.scrollWidth > each.clientWidth"), "it scrolls inside"

    # The first run's checkpoints are alike, and their curve says so.
    page.goto(f"{app.url}/compare?run={pair[0].id}&view=before+and+after")
    expect(page.get_by_text("tuned, step 200 against step 100: No difference found", exact=False)).to_be_visible()
    expect(page.get_by_role("rowheader", name="step 200")).to_be_visible()
    settled(page)
    sound(page, "checkpoints")
    page.emulate_media(color_scheme="dark")
    page.goto(f"{app.url}/compare?run={pair[0].id}")
    page.wait_for_selector(".wb-results td")
    settled(page)
    sound(page, "summary, narrow and dark")
