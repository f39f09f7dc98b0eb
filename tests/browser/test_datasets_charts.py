"""Journeys on the Datasets screen: what a version covers and lacks, and what differs between two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import App, Journey
from playwright.sync_api import Page, expect

from workbench.core.datasets.building.build import build
from workbench.core.datasets.recipes import read_recipe
from workbench.core.datasets.review.diff import compare
from workbench.core.datasets.review.statistics import Counts, coverage_of_cells
from workbench.core.datasets.versions import Version, find_row
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""
RECIPES = (
    {"name": "pieces", "augmentation": {"keys": 1}},
    {"name": "pieces", "augmentation": {"keys": 2}, "sources": {"forms": ["rondo", "ABA", "binary"]}, "seed": 3},
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with two versions of a dataset."""
    app = App(tmp_path_factory.mktemp("charts"))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def library(app: App) -> Iterator[Database]:
    made = Database(f"sqlite:///{app.data}/workbench.sqlite3").upgrade()
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def pair(library: Database) -> tuple[Version, Version]:
    load_built_in(library, load_examples())
    found = [build(library, read_recipe(recipe), curator="ada", processes=0).version for recipe in RECIPES]
    assert found[0] is not None
    assert found[1] is not None
    return found[0], found[1]


def settled(page: Page) -> None:
    """Wait until the script has run and what it draws is there."""
    for _ in range(2):
        page.wait_for_timeout(400)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def enter(visitor: Callable[..., Journey], app: App, tab: str, **options: object) -> Page:
    journey = visitor(app.url, **options)
    journey.expected = DEEP_LINK
    page = journey.page
    page.goto(f"{app.url}/datasets")
    page.get_by_role("tab", name=tab, exact=True).click()
    settled(page)
    return page


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option).click()
    settled(page)


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


def holes_of(version: Version, mood: str = "") -> list[str]:
    found = coverage_of_cells(Counts.from_dict(version.summary["everything"]).tallies["cells"]).holes
    return [hole.words for hole in found if mood in ("", hole.cell.mood)]


def test_the_holes_are_told_and_one_is_filled_in_compose(
    visitor: Callable[..., Journey], app: App, pair: tuple[Version, Version]
) -> None:
    page = enter(visitor, app, "Charts")
    holes = holes_of(pair[1])
    expect(page.get_by_role("heading", name=f"{len(holes)} holes")).to_be_visible()
    expect(page.get_by_text(holes[0], exact=True)).to_be_visible()
    choose(page, "Mood", "Calm")
    calm = holes_of(pair[1], "calm")
    expect(page.get_by_role("heading", name=f"{len(calm)} holes")).to_be_visible()
    expect(page.get_by_text(calm[0], exact=True)).to_be_visible()
    page.get_by_role("button", name="Compose one").first.click()
    page.wait_for_selector(".wb-player[data-piece]")
    assert "form=" in page.url
    assert "mood=" in page.url


def test_a_click_on_the_map_shows_the_rows_of_that_form_and_period(
    visitor: Callable[..., Journey], app: App, pair: tuple[Version, Version]
) -> None:
    page = enter(visitor, app, "Charts")
    cells = Counts.from_dict(pair[1].summary["everything"]).tallies["cells"]
    count = sum(found for cell, found in cells.items() if cell.startswith("rondo|classical|"))
    assert count
    drawn = page.locator(".st-key-chart_cells")
    drawn.locator("svg.main-svg").first.wait_for()
    # The second row and the second column of the map.
    bars = drawn.locator(".trace.bars .point")
    expect(bars).to_have_count(28)
    box = bars.nth(5).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("tab", name="Rows", exact=True)).to_have_attribute("aria-selected", "true")
    settled(page)
    expect(page.get_by_text(f"{count} rows of {pair[1].rows}")).to_be_visible()


def test_the_charts_are_drawn_beside_the_library_and_beside_another_version(
    visitor: Callable[..., Journey], app: App, pair: tuple[Version, Version]
) -> None:
    page = enter(visitor, app, "Charts")
    keys = page.locator(".st-key-chart_keys")
    expect(keys.locator("svg.main-svg").first).to_be_visible()
    expect(keys.locator(".polarlayer .point")).to_have_count(48)
    choose(page, "Beside", "The approved library")
    expect(page.get_by_text("in the library", exact=False).first).to_be_visible()
    expect(keys.locator(".legendtext").filter(has_text="library")).to_be_visible()
    choose(page, "Beside", pair[0].label)
    expect(keys.locator(".legendtext").filter(has_text=pair[0].label)).to_be_visible()
    choose(page, "Beside", "The originals")
    expect(keys.locator(".legendtext").filter(has_text="originals")).to_be_visible()
    page.get_by_text("minor", exact=True).last.click()
    expect(page.locator(".st-key-chart_chords").get_by_text("Chords in minor")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
@pytest.mark.parametrize("tab", ["Charts", "Compare"])
def test_nothing_stands_in_the_way_in_any_theme_and_width(
    visitor: Callable[..., Journey], app: App, tab: str, scheme: str, width: int
) -> None:
    page = enter(visitor, app, tab, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.locator("svg.main-svg").first.wait_for()
    title = page.locator(".gtitle").first
    expect(title).to_have_css("fill", {"light": "rgb(28, 35, 48)", "dark": "rgb(233, 237, 244)"}[scheme])
    sound(page, f"{tab}, {scheme}, {width}")


def test_a_comparison_counts_what_core_counts_and_opens_a_row(
    visitor: Callable[..., Journey], app: App, library: Database, pair: tuple[Version, Version]
) -> None:
    found = compare(library, *pair)
    page = enter(visitor, app, "Compare")
    expect(page.get_by_role("heading", name=f"From {pair[0].label} to {pair[1].label}")).to_be_visible()
    expect(page.get_by_text(f"{found.counts['added']} added; {found.counts['removed']} removed;")).to_be_visible()
    expect(page.get_by_text("Other keys: 1 → 2")).to_be_visible()
    expect(page.get_by_text(found.moved[0].words)).to_be_visible()
    page.get_by_text(f"Removed: {found.counts['removed']}").click()
    link = page.get_by_role("link", name=found.removed[0], exact=True)
    expect(link).to_be_visible()
    sound(page, "Compare with its lists open")
    with page.context.expect_page() as opened:
        link.click()
    row = opened.value
    removed = find_row(library, pair[0].id, found.removed[0])
    assert removed is not None
    expect(row.locator("h1")).to_have_text(removed[1].structure.title or "")
    expect(row.get_by_role("combobox", name="Version")).to_have_value(re.compile(f"^{pair[0].label},"))
    row.close()


def test_one_version_alone_has_nothing_to_be_compared_with(visitor: Callable[..., Journey], tmp_path: Path) -> None:
    alone = App(tmp_path)
    try:
        library = Database(f"sqlite:///{alone.data}/workbench.sqlite3").upgrade()
        load_built_in(library, load_examples()[:14])
        recipe = read_recipe({"name": "alone", "split": {"train": 1, "validation": 0, "test": 0}})
        assert build(library, recipe, curator="ada", processes=0).version
        library.close()
        page = enter(visitor, alone, "Compare")
        expect(page.get_by_text("There is no other version yet")).to_be_visible()
    finally:
        alone.stop()
