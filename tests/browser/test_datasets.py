"""Journeys on the Datasets screen: build a version, look through a large one, flag and exclude, all found again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import App, Journey
from playwright.sync_api import Page, expect

from benchmarks.dataset_versions import big_version
from workbench.core.datasets.building.build import build
from workbench.core.datasets.building.builds import builds
from workbench.core.datasets.recipes import read_recipe
from workbench.core.datasets.review.browsing import RowFilters, page_of
from workbench.core.datasets.review.marks import excluded, marks_of
from workbench.core.datasets.versions import Version, versions
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""
SMALL = {"name": "small", "augmentation": {"keys": 1}, "sources": {"forms": ["rondo", "ABA"]}}
ROWS = 100_000


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with a small version and a large one."""
    app = App(tmp_path_factory.mktemp("datasets"))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def library(app: App) -> Iterator[Database]:
    made = Database(f"sqlite:///{app.data}/workbench.sqlite3").upgrade()
    load_built_in(made, load_examples())
    yield made
    made.close()


@pytest.fixture(scope="module")
def big(library: Database) -> Version:
    return big_version(library, ROWS)


@pytest.fixture(scope="module")
def small(library: Database) -> Version:
    built = build(library, read_recipe(SMALL), curator="ada", processes=0)
    assert built.version is not None
    return built.version


def enter(
    visitor: Callable[..., Journey], app: App, path: str = "", *, drawn: bool = True, **options: object
) -> Journey:
    """A researcher opens the page."""
    journey = visitor(app.url, **options)
    journey.expected = DEEP_LINK
    journey.page.goto(f"{app.url}/datasets{path}")
    settle(journey, drawn=drawn)
    return journey


def settle(journey: Journey, *, drawn: bool = True) -> None:
    """Wait until the page rests, with or without a piece on it."""
    if drawn:
        journey.rest()
        return
    for _ in range(2):
        journey.page.wait_for_timeout(400)
        journey.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def stroke(journey: Journey, key: str) -> None:
    """One key, as somebody presses whose hands do nothing else."""
    journey.page.evaluate("document.activeElement?.blur()")
    journey.page.keyboard.press(key)
    for _ in range(2):
        journey.page.wait_for_timeout(300)
        journey.page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def tab(journey: Journey, name: str, *, drawn: bool = False) -> Page:
    journey.page.get_by_role("tab", name=name, exact=True).first.click()
    settle(journey, drawn=drawn)
    return journey.page


def test_the_first_version_is_built_from_a_recipe(
    visitor: Callable[..., Journey], tmp_path_factory: pytest.TempPathFactory
) -> None:
    fresh = App(tmp_path_factory.mktemp("first"))
    try:
        journey = enter(visitor, fresh, drawn=False)
        page = journey.page
        expect(page.get_by_role("heading", name="No dataset yet")).to_be_visible()
        expect(page.get_by_text("rows from 48 pieces")).to_be_visible()
        name = page.get_by_label("Name", exact=True)
        name.fill("first steps")
        name.press("Enter")
        settle(journey, drawn=False)
        page.get_by_role("combobox", name="Forms").click()
        page.get_by_role("option", name="Rondo").click()
        page.keyboard.press("Escape")
        settle(journey, drawn=False)
        expect(page.get_by_text("rows from 7 pieces")).to_be_visible()
        page.reload()  # what was being written is found again
        settle(journey, drawn=False)
        expect(page.get_by_label("Name", exact=True)).to_have_value("first steps")
        expect(page.get_by_text("rows from 7 pieces")).to_be_visible()
        page.get_by_role("button", name="Build").click()
        expect(page.get_by_text("first steps is built.")).to_be_visible(timeout=120_000)
        settle(journey)
        library = Database(f"sqlite:///{fresh.data}/workbench.sqlite3")
        try:
            [version] = versions(library)
            assert version.name == "first steps"
            assert version.recipe["sources"]["forms"] == ["rondo"]
            expect(page.get_by_text(f"{version.rows:,} rows", exact=True)).to_have_count(1)
            assert builds(library)[0].version_id == version.id
        finally:
            library.close()
        page.get_by_role("button", name="Close").click()
        settle(journey)
        expect(page.get_by_text("first steps is built.")).to_be_hidden()
        page.goto("about:blank")  # the app is stopped now
    finally:
        fresh.stop()


def test_a_build_that_faults_block_says_which(
    visitor: Callable[..., Journey], app: App, small: Version, library: Database
) -> None:
    journey = enter(visitor, app, f"?version={small.id}")
    page = tab(journey, "Recipe")
    name = page.get_by_label("Name", exact=True)
    name.fill("too long")
    name.press("Enter")
    settle(journey, drawn=False)
    page.locator(".st-key-recipe_part_terms summary").click()
    most = page.get_by_label("Longest row, tokens", exact=True)
    most.fill("900")
    most.press("Enter")
    settle(journey, drawn=False)
    page.get_by_role("button", name="Build").click()
    expect(page.get_by_text("too long is not built:")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("gpt-4.1-mini takes 900").first).to_be_visible()
    assert not versions(library, "too long")


def test_a_row_of_a_large_version_is_found_seen_heard_and_excluded(
    visitor: Callable[..., Journey], app: App, big: Version, library: Database
) -> None:
    journey = enter(visitor, app, f"?version={big.id}")
    page = journey.page
    expect(page.get_by_text("100,000 rows", exact=True)).to_be_visible()
    words = page.get_by_label("Words", exact=True)
    words.fill("minor sonata")
    words.press("Enter")
    journey.rest()
    found, count = page_of(library, big.id, RowFilters(words="minor sonata"))
    assert 0 < count < ROWS
    expect(page.get_by_text(f"{count:,} rows of 100,000")).to_be_visible()
    # The second row of the table, by the mouse; the next ones by keyboard.
    page.locator(".dvn-scroller").first.click(position={"x": 17, "y": 35 + 30 + 15})
    journey.rest()
    expect(page.get_by_text("row 2", exact=True)).to_be_visible()
    stroke(journey, "n")
    expect(page.get_by_text("row 3", exact=True)).to_be_visible()
    stroke(journey, "p")
    expect(page.get_by_text("row 2", exact=True)).to_be_visible()
    chosen = found[1].key
    assert f"row={chosen.split('/')[0]}" in page.url
    journey.rest()
    journey.play()
    page.wait_for_function("Number(document.querySelector('.wb-player').dataset.position) > 0.2")
    page.get_by_role("button", name="Pause", exact=True).click()
    for name in ("Messages", "Findings", "Source", "Rights", "Related"):
        page.get_by_role("tab", name=name, exact=True).last.click()
        journey.rest()
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
    stroke(journey, "f")
    expect(page.get_by_role("button", name="Flagged")).to_be_visible()
    stroke(journey, "x")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Exclude").click()
    expect(dialog.get_by_text("An exclusion needs a reason.")).to_be_visible()
    dialog.get_by_label("Reason").fill("The close is weak.")
    dialog.get_by_label("Reason").press("Tab")
    settle(journey, drawn=False)
    dialog.get_by_role("button", name="Exclude").click()
    expect(page.get_by_text("1 row is excluded since.")).to_be_visible()
    journey.rest()
    assert excluded(library, big.id) == {chosen: "The close is weak."}
    assert {each.kind for each in marks_of(library, chosen)} == {"flag", "exclude"}
    # Somebody else sees it, and the row by its link.
    other = enter(visitor, app, f"?version={big.id}&row={chosen.replace('#', '%23')}")
    other.page.get_by_role("tab", name="Marks", exact=True).click()
    other.rest()
    expect(other.page.get_by_text("The close is weak.")).to_be_visible()
    other.page.get_by_role("button", name="Take back").last.click()
    other.rest()
    assert excluded(library, big.id) == {}


def test_filters_are_kept_as_a_view_and_order_the_table(
    visitor: Callable[..., Journey], app: App, big: Version
) -> None:
    journey = enter(visitor, app, f"?version={big.id}")
    page = journey.page
    page.locator("label", has_text="validation").first.click()
    journey.rest()
    page.get_by_role("button", name="Views").click()
    view = page.get_by_label("Keep these filters as")
    view.fill("To validate with")
    view.press("Enter")
    journey.rest()
    page.get_by_role("button", name="Save the view").click()
    journey.rest()
    page.keyboard.press("Escape")
    page.locator("label", has_text="all 100,000").click()
    journey.rest()
    page.reload()
    journey.rest()
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="To validate with").click()
    journey.rest()
    expect(page.get_by_role("radio", name="validation")).to_be_checked()


@pytest.mark.parametrize("name", ["Rows", "Charts", "Compare", "Audit", "Recipe", "Files"])
def test_every_tab_is_accessible_in_both_themes_and_fits_a_phone(
    visitor: Callable[..., Journey], app: App, small: Version, name: str
) -> None:
    journey = enter(visitor, app, f"?version={small.id}", color_scheme="light")
    page = tab(journey, name, drawn=name == "Rows")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        settle(journey, drawn=name == "Rows")
        results = Axe().run(page)
        serious = [v for v in results.response["violations"] if v["impact"] in {"serious", "critical"}]
        told = [(v["id"], [node["html"][:200] for node in v["nodes"]][:3]) for v in serious]
        assert not serious, told
    page.set_viewport_size({"width": 390, "height": 800})
    settle(journey, drawn=name == "Rows")
    over = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((element) => element.scrollWidth - element.clientWidth)"
    )
    assert max(over) <= 0
