"""Journeys on the Fine-tune screen: a training from its start to a model that answers everybody, and back again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from composing import barriers, connected, over_the_edge
from driving import App, Journey
from fine_tuning_jobs import Plan
from loopback import KEY, Loopback
from playwright.sync_api import Page, expect

from workbench.core.datasets.building.build import build
from workbench.core.datasets.recipes import read_recipe
from workbench.core.datasets.versions import Version
from workbench.core.finetune.models import models
from workbench.core.finetune.rollout import state
from workbench.core.finetune.trail import trail
from workbench.core.finetune.trainings import metrics_of, trainings
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""
RECIPE = {
    "name": "lessons", "augmentation": {"keys": 1, "everywhere": True}, "sources": {"forms": ["rondo", "ABA"]},
    "split": {"train": 0.55, "validation": 0.45, "test": 0.0},
}  # fmt: skip
LONG, SHORT = Plan(polls=1, running=60), Plan(polls=0, running=1)


@pytest.fixture(scope="module")
def trainer() -> Iterator[Loopback]:
    """A service that trains."""
    with Loopback() as server:
        yield server


@pytest.fixture(scope="module")
def app(trainer: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app that trains at the service."""
    app = App(tmp_path_factory.mktemp("finetune"), **connected(trainer))
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
    built = build(library, read_recipe(RECIPE), curator="ada", processes=0)
    assert built.version is not None
    return built.version


def settle(page: Page) -> None:
    """Wait until the script has run, and what it has begun has run as well."""
    for _ in range(2):
        page.wait_for_timeout(250)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def enter(visitor: Callable[..., Journey], app: App, path: str = "", **options: object) -> Journey:
    journey = visitor(app.url, **options)
    journey.expected = DEEP_LINK
    journey.page.goto(f"{app.url}/finetune{path}")
    expect(journey.page.get_by_role("tab", name="New training")).to_be_visible()
    settle(journey.page)
    return journey


def typed(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")
    settle(page)


def pressed(page: Page, name: str | re.Pattern[str]) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    settle(page)


def ordered(page: Page) -> None:
    """A training at the service is filled in and checked."""
    page.get_by_role("tab", name="New training").click()
    settle(page)
    page.locator("label", has_text="Hosted service").click()
    settle(page)
    box = page.get_by_role("combobox", name="Base model")
    if box.input_value() != "loop-large":
        box.click()
        page.get_by_role("option", name="loop-large", exact=True).click()
        settle(page)
    pressed(page, "Check")


def begun(page: Page) -> str:
    """It is started; its id."""
    pressed(page, "Start, though the price is not known")
    page.wait_for_url(re.compile(r"training=\w+"), wait_until="commit")
    return page.url.partition("training=")[2]


def stands(page: Page, state: str) -> None:
    """Wait until the training that is shown is in a state."""
    expect(page.locator(".stMarkdownBadge", has_text=re.compile(f"{state}$"))).to_be_visible()


def drawn(page: Page) -> str:
    """What the loss curve says to those who cannot see it."""
    return (
        page.locator(".st-key-curve_loss [aria-label], .st-key-curve_loss[aria-label]").first.get_attribute(
            "aria-label"
        )
        or ""
    )


def test_a_training_grows_is_stopped_tried_again_goes_live_and_is_rolled_back(
    visitor: Callable[..., Journey], app: App, trainer: Loopback, library: Database, version: Version
) -> None:
    page = enter(visitor, app).page
    expect(page.get_by_text("Nothing has been trained yet.")).to_be_visible()
    trainer.tuning.plan = LONG
    ordered(page)
    typed(page, "Name", "Evening lessons")
    expect(page.get_by_text("Something was changed since. Check again.")).to_be_visible()
    page.reload()  # what was filled in is found again
    settle(page)
    ordered(page)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Evening lessons")
    told = page.get_by_role("table")
    for words in ("to train on", "3 epochs", "not known here: ask the provider", "commercial training", trainer.url):
        expect(told).to_contain_text(words)
    assert not trainer.tuning.files, "nothing is uploaded before it is confirmed"

    id = begun(page)
    expect(page.get_by_role("heading", name="Evening lessons")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^Step \d+ of \d+$"))).to_be_visible()
    first = drawn(page)
    assert "at step" in first
    page.reload()
    expect(page.get_by_text(re.compile(r"^Step \d+ of \d+$"))).to_be_visible()
    page.wait_for_function(
        "(before) => { const curve = document.querySelector('.st-key-curve_loss [aria-label]');"
        " return curve && curve.getAttribute('aria-label') !== before }",
        arg=first,
    )
    seen = len(metrics_of(library, id))
    page.locator(".st-key-training_stop button").click()  # Streamlit has a button of this name as well
    settle(page)
    stands(page, "Stopped")
    assert len(metrics_of(library, id)) >= seen > 1
    uploads = len(trainer.tuning.files)

    trainer.tuning.plan = SHORT
    pressed(page, "Try again")
    stands(page, "Done")
    assert len([each for each in trainer.tuning.files.values() if each.described["purpose"] == "fine-tune"]) == uploads
    assert trainings(library)[0].tries == 2
    expect(page.get_by_text("The job has successfully completed")).to_be_visible()

    typed(page, "Name", "Evening model")
    pressed(page, "Register")
    expect(page.get_by_text("Evening model is registered.")).to_be_visible()
    [model] = models(library)
    assert (model.training_id, model.dataset_hash) == (id, version.content_hash)
    assert f"model={model.id}" in page.url
    expect(page.get_by_role("button", name="Make it live", exact=True)).to_be_disabled()
    typed(page, "Share of the requests, %", "25")
    pressed(page, "Make it the canary")
    expect(page.get_by_test_id("stMarkdown").get_by_text("answers 25 % of the requests")).to_be_visible()
    assert state(library).share == 0.25

    page.get_by_text("Go live all the same").click()
    why = page.get_by_label("Why it goes live though the gate is shut")
    expect(why).to_be_visible()
    pressed(page, "Make it live all the same")
    expect(page.get_by_text("The gate is shut.")).to_be_visible()
    why.fill("Shown to the class today.")
    why.press("Tab")
    settle(page)
    pressed(page, "Make it live all the same")
    expect(page.get_by_text("Evening model is live.")).to_be_visible()
    live = state(library).live
    assert live is not None
    assert live.id == model.id
    assert trail(library)[0].override == "Shown to the class today."

    pressed(page, "Roll back")
    expect(page.get_by_text("Rolled back.")).to_be_visible()
    now = state(library)
    assert (now.live, now.share) == (None, 0.25)
    assert KEY not in page.content()


def test_a_training_that_fails_says_why_and_is_tried_again(
    visitor: Callable[..., Journey], app: App, trainer: Loopback, library: Database, version: Version
) -> None:
    assert version.rows
    page = enter(visitor, app).page
    trainer.tuning.plan = Plan(polls=0, running=2, fails=("internal", "The machine that trained it was lost."))
    ordered(page)
    begun(page)
    stands(page, "Failed")
    expect(page.get_by_role("alert").filter(has_text="The machine that trained it was lost.")).to_be_visible()
    trainer.tuning.plan = Plan(available=False)
    pressed(page, "Try again")
    expect(page.get_by_role("alert").filter(has_text="Train open weights with the backend local")).to_be_visible()
    pressed(page, "Forget")
    pressed(page, "Forget it")
    expect(page.get_by_role("heading", name="lessons 1 on loop-large")).to_be_hidden()
    assert "lessons 1 on loop-large" not in {each.name for each in trainings(library)}


def test_two_who_change_the_rollout_at_once_do_not_overrule_each_other(
    visitor: Callable[..., Journey], app: App, library: Database, version: Version
) -> None:
    assert version.rows
    page = enter(visitor, app).page
    page.get_by_role("tab", name="Models").click()
    settle(page)
    page.get_by_text("Register a model trained elsewhere").click()
    page.get_by_label("Name", exact=True).wait_for()
    for label, text in (
        ("Name", "From elsewhere"),
        ("Model id", "loop-json"),
        ("Base model", "loop"),
        ("Licence", "MIT"),
    ):
        typed(page, label, text)
    pressed(page, "Register the model")
    other = enter(visitor, app, page.url.partition("/finetune")[2]).page
    pressed(page, "Make it the canary")
    expect(page.get_by_text("From elsewhere is the canary.")).to_be_visible()
    pressed(other, "Retire")
    expect(
        other.get_by_role("alert").filter(has_text="Somebody else has changed the rollout meanwhile")
    ).to_be_visible()
    canary = state(library).canary
    assert canary is not None
    assert canary.name == "From elsewhere"
    expect(other.get_by_role("button", name="Change the share")).to_be_visible()


def test_every_part_is_accessible_in_both_themes_and_fits_a_phone(
    visitor: Callable[..., Journey], app: App, trainer: Loopback, library: Database, version: Version
) -> None:
    assert version.rows
    journey = enter(visitor, app, color_scheme="light")
    page = journey.page
    found: list[str] = []

    def looked(where: str, *screens: tuple[int, str]) -> None:
        for width, scheme in screens or ((1400, "light"), (420, "dark")):
            page.set_viewport_size({"width": width, "height": 1000})
            page.emulate_media(color_scheme=scheme)
            settle(page)
            found.extend(barriers(page, f"{where} {scheme}"))
            if (over := over_the_edge(page)) > 0:
                found.append(f"{where} {scheme}: {over} pixels over the edge")
        page.set_viewport_size({"width": 1400, "height": 1000})

    trainer.tuning.plan = SHORT
    ordered(page)
    page.get_by_text("More settings").click()
    looked("the form with an offer")
    begun(page)
    stands(page, "Done")
    settle(page)
    looked("a training")
    pressed(page, "All trainings")
    looked("the trainings", (420, "light"))
    page.get_by_role("tab", name="Models").click()
    settle(page)
    looked("the models", (420, "dark"))
    page.goto(f"{app.url}/finetune?model={models(library)[0].id}")
    page.get_by_role("heading", name="Rollout").wait_for()
    settle(page)
    looked("a model")
    assert not found, "\n".join(found)
