"""Journeys on the Datasets screen: an audit by keyboard, downloads, the frozen test set, and imports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import App, Journey
from playwright.sync_api import Page, expect

from workbench.core.datasets.building.build import build
from workbench.core.datasets.files.export import file_names, stream
from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.recipes import Augmentation, Ratios, Recipe
from workbench.core.datasets.review.samples import find_sample, judge, samples_of
from workbench.core.datasets.versions import Version, versions
from workbench.core.datasets.withdrawn import withdrawn
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app of its own, whose library holds the examples."""
    app = App(tmp_path_factory.mktemp("audits"))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def library(app: App) -> Iterator[Database]:
    made = Database(f"sqlite:///{app.data}/workbench.sqlite3").upgrade()
    load_built_in(made, load_examples())
    yield made
    made.close()


@pytest.fixture(scope="module")
def version(library: Database) -> Version:
    """A version with rows in every split."""
    recipe = Recipe(
        name="audited", augmentation=Augmentation(keys=1), split=Ratios(train=0.5, validation=0.25, test=0.25)
    )
    made = build(library, recipe, curator="ann").version
    assert made is not None
    return made


@pytest.fixture
def visit(visitor: Callable[..., Journey], app: App, version: Version) -> Callable[..., Journey]:
    """Opens the version on one of its tabs."""

    def opened(tab: str, more: str = "", **options: object) -> Journey:
        journey = visitor(app.url, **options)
        journey.expected = DEEP_LINK
        journey.open(f"/datasets?version={version.id}{more}")
        journey.page.wait_for_selector(".wb-player [data-drawn=true]")
        journey.page.get_by_role("tab", name=tab, exact=True).click()
        settle(journey.page)
        return journey

    return opened


def settle(page: Page) -> None:
    """Wait until the script has run, and what it has begun has run as well."""
    for _ in range(2):
        page.wait_for_timeout(300)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def stroke(page: Page, key: str) -> None:
    """One key, as somebody presses whose hands do nothing else."""
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press(key)
    settle(page)


def draw(page: Page, *, by: str = "") -> None:
    button = page.get_by_role("button", name="Draw", exact=True)
    if not button.is_visible():
        page.get_by_text("Draw a sample").click()
        expect(button).to_be_visible()
        page.wait_for_timeout(500)  # it unfolds, and a menu that opens meanwhile closes again
    if by:
        page.get_by_role("combobox", name="Drawn").click()
        page.get_by_role("option", name=by).click()
        settle(page)
    button.click()
    settle(page)


def sound(page: Page, where: str) -> None:
    found = Axe().run(page).response["violations"]
    serious = [
        f"{where}: {one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
    assert not serious, "\n".join(serious)


def test_a_sample_is_judged_by_keyboard_and_is_there_after_a_reload(
    visit: Callable[..., Journey], library: Database, version: Version
) -> None:
    journey = visit("Audit")
    page = journey.page
    draw(page)
    sample = samples_of(library, version.id)[0]
    assert len(sample.keys) == 30
    expect(page.get_by_text("0 of 30 judged")).to_be_visible()
    stroke(page, "y")
    expect(page.get_by_text("1 of 30 judged")).to_be_visible()
    note = page.get_by_label("Note", exact=True)
    note.fill("The cadence comes too soon: why, yes.")
    page.wait_for_timeout(1200)
    stroke(page, "w")
    expect(page.get_by_text("2 of 30 judged")).to_be_visible()
    expect(page.get_by_label("Note", exact=True)).to_have_value("")
    stroke(page, "s")
    stroke(page, "y")
    expect(page.get_by_text("3 of 30 judged")).to_be_visible()
    rate = page.get_by_text("Error rate of the version: 1 of 3 wrong: 33.3 % (95 % interval")
    expect(rate).to_be_visible()
    said = find_sample(library, sample.id)
    assert said is not None
    assert [said.results[key]["verdict"] for key in (*sample.keys[:2], sample.keys[3])] == ["right", "wrong", "right"]
    assert said.results[sample.keys[1]]["note"] == "The cadence comes too soon: why, yes."
    assert f"sample={sample.id}" in page.url
    page.reload()
    journey.rest()
    page.get_by_role("tab", name="Audit", exact=True).click()
    settle(page)
    expect(page.get_by_text("3 of 30 judged")).to_be_visible()
    expect(rate).to_be_visible()
    # The wrong one stands first; opened again it can be judged anew.
    page.get_by_role("button", name="Look again").first.click()
    settle(page)
    expect(page.get_by_label("Note", exact=True)).to_have_value("The cadence comes too soon: why, yes.")
    stroke(page, "y")
    expect(page.get_by_text("Error rate of the version: 0 of 3 wrong")).to_be_visible()


def test_two_people_at_once_lose_nothing(visit: Callable[..., Journey], library: Database, version: Version) -> None:
    ann = visit("Audit")
    draw(ann.page, by="by form")
    sample = samples_of(library, version.id)[0]
    assert sample.by == "form"
    # Somebody else judges another row, which does not matter here, and then the very row that is shown.
    elsewhere = judge(library, sample.id, sample.keys[-1], "right", curator="Bob", version=sample.version)
    stroke(ann.page, "y")
    expect(ann.page.get_by_text("2 of 30 judged")).to_be_visible()
    after = find_sample(library, sample.id)
    assert after is not None
    assert after.version == elsewhere.version + 1
    note = ann.page.get_by_label("Note", exact=True)
    note.fill("I doubt it.")
    ann.page.wait_for_timeout(1200)
    judge(library, sample.id, sample.keys[1], "wrong", curator="Bob", version=after.version, note="Bob's reason")
    stroke(ann.page, "y")
    expect(ann.page.get_by_text("Bob has judged this row wrong meanwhile.")).to_be_visible()
    expect(ann.page.get_by_label("Note", exact=True)).to_have_value("I doubt it.")
    kept = find_sample(library, sample.id)
    assert kept is not None
    assert kept.results[sample.keys[1]]["note"] == "Bob's reason"
    stroke(ann.page, "y")
    replaced = find_sample(library, sample.id)
    assert replaced is not None
    assert replaced.results[sample.keys[1]]["note"] == "I doubt it."


def test_a_sample_of_what_the_filters_let_through(
    visit: Callable[..., Journey], library: Database, version: Version
) -> None:
    journey = visit("Rows")
    page = journey.page
    page.locator("label", has_text="validation").click()
    settle(page)
    page.wait_for_selector(".wb-player [data-drawn=true]")
    page.get_by_role("tab", name="Audit", exact=True).click()
    settle(page)
    page.get_by_text("Draw a sample").click()
    page.get_by_text("Only what the filters of Rows let through: Split validation").click()
    settle(page)
    draw(page)
    sample = samples_of(library, version.id)[0]
    assert sum(sample.sizes.values()) == version.summary["splits"]["validation"]


def test_files_come_down_as_the_core_makes_them(
    visit: Callable[..., Journey], library: Database, version: Version, tmp_path: Path
) -> None:
    page = visit("Files").page
    for name in ("openai-chat-train.jsonl", "test.parquet", "README.md"):
        with page.expect_download() as waiting:
            page.get_by_role("link", name=name, exact=True).click()
        assert waiting.value.suggested_filename == name
        waiting.value.save_as(tmp_path / name)
        expected = hashlib.sha256(b"".join(stream(library, version, name))).hexdigest()
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == expected
    for name in file_names(version):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page.get_by_text("gpt-4.1-mini").first).to_be_visible()


def test_the_test_rows_are_frozen_once_and_with_a_name(
    visit: Callable[..., Journey], library: Database, version: Version
) -> None:
    page = visit("Files").page
    page.get_by_role("button", name="Freeze the test rows").click()
    settle(page)
    go = page.get_by_role("button", name="Freeze", exact=True)
    expect(go).to_be_disabled()
    box = page.get_by_role("textbox", name="Name of the test set")
    box.fill("first exam")
    box.press("Enter")
    settle(page)
    page.get_by_text("I know that this cannot be taken back").click()
    settle(page)
    sound(page, "the dialog")
    go.click()
    expect(page.get_by_text("first exam: ")).to_be_visible()
    expect(page.get_by_role("button", name="Freeze the test rows")).to_have_count(0)
    assert [(each.name, each.version_id) for each in frozen_tests(library)] == [("first exam", version.id)]


def bring(page: Page, file: Path) -> None:
    """Import a file as one's own work."""
    page.get_by_text("Import a file").click()
    settle(page)
    page.get_by_role("button", name="All of it is our own work (CC0)").click()
    settle(page)
    page.locator("input[type=file]").first.set_input_files(file)
    go = page.get_by_role("button", name="Import", exact=True)
    expect(go).to_be_enabled()
    go.click()


def test_a_file_is_imported_and_its_rights_withdrawn(
    visit: Callable[..., Journey], library: Database, version: Version, tmp_path: Path
) -> None:
    lines = b"".join(stream(library, version, "trl-sft-train.jsonl")).splitlines(keepends=True)
    file = tmp_path / "few studies.jsonl"
    file.write_bytes(b"".join(lines[:12]))
    page = visit("Files").page
    bring(page, file)
    expect(page.get_by_text("few studies is built.")).to_be_visible()
    made = versions(library, "few studies")
    assert [each.rows for each in made] == [12]
    settle(page)
    page.get_by_role("button", name="Withdraw its rights").click()
    settle(page)
    page.get_by_text("These rows may not be used any more").click()
    settle(page)
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text("Do not train on this version")).to_be_visible()
    assert len(withdrawn(library, made[0].id)) == 12


def test_a_faulty_file_is_told_line_by_line_and_makes_no_version(
    visit: Callable[..., Journey], library: Database, version: Version, tmp_path: Path
) -> None:
    lines = b"".join(stream(library, version, "trl-sft-train.jsonl")).splitlines(keepends=True)
    file = tmp_path / "faulty.jsonl"
    file.write_bytes(b"".join([*lines[:3], b'{"prompt": "none"}\n', lines[3], b"no JSON ![x](http://x.example/)\n"]))
    page = visit("Files").page
    bring(page, file)
    expect(page.get_by_text("faulty is not built:")).to_be_visible()
    expect(page.get_by_text("Line 4:")).to_be_visible()
    expect(page.get_by_text("Line 6:")).to_be_visible()
    assert versions(library, "faulty") == ()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_audit_and_files_are_sound_and_run_over_no_edge(
    visit: Callable[..., Journey], library: Database, version: Version, scheme: str, width: int
) -> None:
    journey = visit("Audit", color_scheme=scheme, viewport={"width": width, "height": 900})
    page = journey.page
    if not samples_of(library, version.id):
        draw(page)
    stroke(page, "w")
    sound(page, f"Audit, {scheme}")
    assert over(page) <= 0
    page.get_by_role("tab", name="Files", exact=True).click()
    settle(page)
    for name in ("Read the card", "Import a file"):
        page.get_by_text(name).click()
        settle(page)
    expect(page.get_by_role("heading", name="How it was made")).to_be_visible()
    sound(page, f"Files, {scheme}")
    assert over(page) <= 0


def over(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    found: list[int] = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((element) => element.scrollWidth - element.clientWidth)"
    )
    return max(found)
