"""Journeys into a run and out of it: ordered in the form, watched, paused, taken in and taken away as files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from comparing import finished, opened
from composing import barriers, connected, over_the_edge
from driving import App, Journey
from loopback import Loopback
from playwright.sync_api import Page, expect

from workbench.core.experiments.runs import Run, results

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""


@pytest.fixture(scope="module")
def slow() -> Iterator[Loopback]:
    """A service whose models take more than a second: a fast one has answered all before anybody can press."""
    with Loopback(delay=0.25, size=400) as server:
        yield server


@pytest.fixture(scope="module")
def app(slow: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with models, and one run in its database."""
    app = App(tmp_path_factory.mktemp("compare"), **connected(slow))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def first(app: App) -> Run:
    return finished(app.data)


def settle(page: Page) -> None:
    """Wait until the script has run, and what it has begun has run as well."""
    for _ in range(2):
        page.wait_for_timeout(250)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def enter(visitor: Callable[..., Journey], app: App, path: str = "", **options: object) -> Page:
    journey = visitor(app.url, **options)
    journey.expected = DEEP_LINK
    journey.page.goto(f"{app.url}/compare{path}")
    settle(journey.page)
    return journey.page


def pressed(page: Page, name: str | re.Pattern[str]) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    settle(page)


def typed(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")
    settle(page)


def chosen(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def stands(page: Page, words: str) -> None:
    """Wait until the run that is shown is in a state."""
    badge = page.locator(".st-key-run_standing .stMarkdownBadge")
    expect(badge).to_have_text(re.compile(rf"{words}$"))
    settle(page)


def test_a_run_is_ordered_in_the_form_watched_to_its_end_and_its_report_opens_without_a_network(
    visitor: Callable[..., Journey], app: App, tmp_path: Path
) -> None:
    page = enter(visitor, app)
    pressed(page, "New run")
    expect(page).to_have_url(re.compile("run=new"))
    expect(page.get_by_text("9 requests × 2 variants × 1 seed = 18 cells")).to_be_visible()
    typed(page, "Name of the run", "evening")
    page.get_by_role("combobox", name="Forms").press("Backspace")
    page.keyboard.press("Escape")
    settle(page)
    typed(page, "Seeds", "0-1")
    expect(page.get_by_text("6 requests × 2 variants × 2 seeds = 24 cells")).to_be_visible()
    second = page.get_by_label("Name", exact=True).nth(1)
    second.fill("rules")
    second.press("Tab")
    settle(page)
    expect(page.get_by_text("Two variants are called 'rules'.")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_have_count(0)
    second.fill("adapted")
    second.press("Tab")
    settle(page)
    page.reload()  # what was filled in is found again
    settle(page)
    expect(second).to_have_value("adapted")
    expect(page.get_by_text("6 requests × 2 variants × 2 seeds = 24 cells")).to_be_visible()

    pressed(page, "Start")
    expect(page.get_by_role("heading", name="evening 1")).to_be_visible()
    stands(page, "Done")
    expect(page.locator(".st-key-run_standing")).to_contain_text("24 of 24 cells")
    page.get_by_role("tab", name="Files").click()
    settle(page)
    pressed(page, "Make it, without sound")
    link = page.get_by_role("link", name=re.compile("Download, without sound"))
    with page.expect_download() as waiting:
        link.click()
    report = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(report)
    assert report.name == "evening-1-report-silent.html"
    with page.expect_download() as waiting:
        page.get_by_role("link", name="specification.json").click()
    told = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    assert [each["name"] for each in told["variants"]] == ["rules", "adapted"]

    context = page.context.browser.new_context(offline=True)  # type: ignore[union-attr]
    alone = context.new_page()
    complaints: list[str] = []
    alone.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    alone.on("requestfailed", lambda request: complaints.append(request.url))
    alone.goto(report.as_uri())
    expect(alone.get_by_role("heading", level=1)).to_contain_text("evening 1")
    expect(alone.get_by_text("adapted").first).to_be_visible()
    context.close()
    assert not complaints


def test_a_slow_run_that_may_cost_is_confirmed_paused_and_goes_on_and_is_run_again(
    visitor: Callable[..., Journey], app: App, first: Run, slow: Loopback
) -> None:
    page = enter(visitor, app, f"?run={first.id}")
    pressed(page, "Run again")
    expect(page.get_by_label("Name of the run", exact=True)).to_have_value("first")
    typed(page, "Name of the run", "slow")
    expect(page.get_by_text("8 requests × 3 variants × 1 seed = 24 cells")).to_be_visible()
    for name in ("Remove", "Remove"):
        page.get_by_role("button", name=name, exact=True).first.click()
        settle(page)
    page.get_by_text("Limits", exact=True).click()
    typed(page, "Calls at the same time", "1")
    pressed(page, "Start, though the price is not known")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Start", exact=True)).to_be_disabled()
    dialog.get_by_text("I know that this may cost money").click()
    dialog.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="slow 1")).to_be_visible()
    expect(page.get_by_text(re.compile("[1-7] of 8 cells"))).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    stands(page, "Paused")
    asked = len([seen for seen in slow.seen if seen.path.endswith("/chat/completions")])
    assert 0 < asked < 8
    pressed(page, "Go on")
    stands(page, "Done")
    assert len([seen for seen in slow.seen if seen.path.endswith("/chat/completions")]) == 8, "nothing is paid twice"
    pressed(page, "All runs")
    expect(page.get_by_role("button", name="slow 1")).to_be_visible()


def test_answers_made_elsewhere_are_taken_in_and_faulty_ones_are_refused_in_words(
    visitor: Callable[..., Journey], app: App, first: Run
) -> None:
    database = opened(app.data)
    lines = [
        json.dumps({"request": each.sample.request.to_dict(), "raw": each.sample.raw, "model": "elsewhere"})
        for each in results(database, first.id, variant="broken")
    ]
    database.close()
    page = enter(visitor, app)
    page.get_by_text("Import answers").click()
    settle(page)

    def uploaded(name: str, text: str) -> None:
        page.locator("input[type=file]").set_input_files(
            {"name": name, "mimeType": "application/jsonl", "buffer": text.encode()}
        )
        settle(page)
        pressed(page, "Import")

    uploaded("bad.jsonl", lines[0] + "\n{]")
    expect(page.get_by_text(re.compile("was not taken in. Line 2: "))).to_be_visible()
    page.get_by_role("button", name=re.compile("Remove bad.jsonl|close", re.I)).first.click()
    settle(page)
    chosen(page, "They answer the requests of", first.label)
    typed(page, "What answered", "brought")
    uploaded("good.jsonl", "\n".join(lines))
    expect(page.get_by_role("heading", name="first 2")).to_be_visible()
    stands(page, "Done")
    expect(page.locator(".st-key-run_standing")).to_contain_text("8 of 8 cells")
    expect(page.get_by_text("The answers were made elsewhere.")).to_be_visible()


def test_list_form_and_run_are_open_to_all_in_both_themes_and_on_a_phone(
    visitor: Callable[..., Journey], app: App, first: Run
) -> None:
    found: list[str] = []
    for theme, width in (("light", 1440), ("dark", 390)):
        page = enter(visitor, app, color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 1000})
        for path in ("", "?run=new", f"?run={first.id}&view=files"):
            page.goto(f"{app.url}/compare{path}")
            settle(page)
            if path == "?run=new":
                page.get_by_text("How it is asked").first.click()
                page.get_by_text("Limits", exact=True).click()
                settle(page)
            elif path:
                page.get_by_text("What was asked", exact=True).click()
                settle(page)
            found += barriers(page, f"{theme} {path}")
            assert over_the_edge(page) <= 0, (path, width)
            if not path:
                page.get_by_role("button", name=first.label, exact=True).click()
                expect(page.get_by_role("tab", name="Summary")).to_be_visible()
    assert not found, "\n".join(found)
