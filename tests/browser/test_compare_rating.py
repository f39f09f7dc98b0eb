"""Two raters in two browsers rate blind; nothing that reaches them tells whose piece is which; a ranking comes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from comparing import finished
from composing import barriers, over_the_edge
from driving import App, Journey
from playwright.sync_api import Page, expect
from sqlalchemy import select

from workbench.core.experiments.ratings.contests import contests
from workbench.core.experiments.ratings.judging import ratings_of
from workbench.core.experiments.runs import Run, results
from workbench.core.library.curation import content_hash
from workbench.core.library.database import Database
from workbench.core.library.experiment_tables import BlindRatingRow
from workbench.core.music.structure import piece_id

pytestmark = pytest.mark.browser

DEEP_LINK = ("404",)
"""Streamlit asks for its own files beside a page's address before it asks at the root."""
STRENGTH = ("copperline", "zincfield", "tinmaker")
"""The variants, the one first that both raters like best."""
VARIANTS = [
    {"name": "copperline", "provider": "rules"},
    {"name": "zincfield", "provider": "adapt"},
    {"name": "tinmaker", "provider": "openai", "variant": "base", "examples": 0, "reasks": 0},
]
GRID = {"form": ["ABA", "binary"], "period": ["classical", "baroque", "romantic"], "duration": [20, 21]}
PAIRS = 30
STATIC = ("/static/", "/lib/")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("rating"))
    yield app
    app.stop()


@pytest.fixture(scope="module")
def run(app: App) -> Run:
    made = {"variants": VARIANTS, "requests": {"grid": GRID}, "metrics": ["finished"]}
    with ThreadPoolExecutor(1) as apart:  # the browser's own loop runs in this thread
        return apart.submit(finished, app.data, name="weatherhouse", **made).result()  # type: ignore[arg-type]


@pytest.fixture
def library(app: App) -> Iterator[Database]:
    opened = Database(f"sqlite:///{app.data}/workbench.sqlite3").upgrade()
    yield opened
    opened.close()


class Wire:
    """Everything that reaches a browser, but for Streamlit's own static files."""

    def __init__(self, page: Page) -> None:
        self.seen: list[bytes] = []
        self.frames = 0
        self.asked: set[str] = set()
        self.sounds: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._page = page
        page.on("websocket", self._websocket)
        page.on("request", self._request)
        page.on("response", self._response)

    def _websocket(self, socket: Any) -> None:
        self._keep(socket.url)
        for event in ("framereceived", "framesent"):
            socket.on(event, self._frame)

    def _frame(self, data: str | bytes) -> None:
        self._keep(data)
        self.frames += b"/blind/" in self.seen[-1]

    def _keep(self, data: str | bytes) -> None:
        self.seen.append(data if isinstance(data, bytes) else data.encode())

    def _request(self, request: Any) -> None:
        self._keep(request.url)
        if "/blind/" in request.url:
            self.asked.add(request.url)

    def _response(self, response: Any) -> None:
        self._keep(response.url)
        path = response.url.partition("?")[0]
        if any(part in path for part in STATIC):
            return
        headers = response.headers
        self._keep("\n".join(f"{name}: {value}" for name, value in headers.items()))
        if "/blind/" in path:
            self.sounds.append(path)
            self.headers.append(headers)

    def all(self) -> bytes:
        self._keep(self._page.content())
        self._keep(self._page.url)
        return b"\n".join(self.seen)


def test_two_raters_rate_blind_and_the_ranking_comes_out(
    visitor: Callable[..., Journey], app: App, run: Run, library: Database
) -> None:
    researcher = visitor(app.url)
    link = begun(researcher, run)
    journeys = [visitor(app.url, color_scheme=scheme) for scheme in ("light", "dark")]
    wires = [Wire(journey.page) for journey in journeys]
    names = ("Ada", "Grace")
    for journey, name in zip(journeys, names, strict=True):
        enters(journey, link, name)
    contest = contests(library, run.id)[0].id
    looks_and_listens(journeys[0].page)
    for number in range(1, PAIRS + 1):
        for journey, name in zip(journeys, names, strict=True):
            judges(journey.page, library, contest, name, number)
    for journey in journeys:
        expect(journey.page.get_by_text("You have judged all pairs")).to_be_visible()
    telling = secrets_of(library, run)
    for wire in wires:
        heard = wire.all().lower()
        assert len(wire.asked) >= 2 * PAIRS, "every side of every pair has a sound of its own name"
        assert len(wire.sounds) >= PAIRS // 5
        assert wire.frames >= PAIRS, "what Streamlit sends can be read here"
        assert [word for word in telling if word.lower().encode() in heard] == []
        assert {name.lower() for headers in wire.headers for name in headers} <= HEADERS
        served = wire._page.request.get(wire.sounds[0])
        assert served.body()[:4] == b"OggS"
        assert [word for word in telling if word.encode() in served.body()] == []
    assert {len(ratings_of(library, contest))} == {2 * PAIRS}
    ranks(researcher)


HEADERS = {
    "cache-control", "content-length", "content-type", "date", "server", "vary", "content-encoding",
    "transfer-encoding", "x-content-type-options",
}  # fmt: skip
"""What an answer with a sound may say."""


def begun(journey: Journey, run: Run) -> str:
    """Begin a comparison on the run's page; the link that raters are given."""
    page, journey.expected = journey.page, DEEP_LINK
    page.goto(f"{journey.url}/compare?run={run.id}&view=rate")
    pairs = page.get_by_label("Pairs for each rater")
    expect(pairs).to_be_visible()
    page.get_by_role("button", name="Begin", exact=True).click()
    code = page.locator("[data-testid=stCode]")
    expect(code).to_contain_text("/rate?contest=")
    return str(re.search(r"http\S+contest=[0-9a-f]+", code.inner_text())[0])  # type: ignore[index]


def enters(journey: Journey, link: str, name: str) -> None:
    page, journey.expected = journey.page, DEEP_LINK
    page.goto(link)
    page.get_by_role("textbox", name="Your name").fill(name)
    page.get_by_role("button", name="Begin", exact=True).click()
    expect(page.get_by_text("Pair 1 of 30")).to_be_visible()


def looks_and_listens(page: Page) -> None:
    """The page can be used, is the same after it is loaded again, plays, and takes an answer back."""
    before = drawn(page)
    expect(page.locator(".wb-blind-side[data-ready=yes]")).to_have_count(2)
    page.reload()
    expect(page.locator(".wb-blind-side[data-ready=yes]")).to_have_count(2)
    assert drawn(page) == before
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Pause A")).to_be_visible()
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="Pause B")).to_be_visible()
    expect(page.get_by_role("button", name="Play A")).to_be_visible()
    found = barriers(page, "light")
    page.emulate_media(color_scheme="dark")
    found += barriers(page, "dark")
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_timeout(300)
    found += barriers(page, "narrow")
    assert (found, over_the_edge(page)) == ([], 0)
    page.set_viewport_size({"width": 1400, "height": 1000})
    page.emulate_media(color_scheme="light")
    page.keyboard.press("s")
    expect(page.get_by_text("Pair 2 of 30")).to_be_visible()
    expect(page.get_by_role("button", name="Undo my last answer")).to_be_visible()
    settle(page)
    page.keyboard.press("u")
    expect(page.get_by_text("Pair 1 of 30")).to_be_visible()
    expect(page.locator(f".wb-blind[data-pair='{before}']")).to_be_visible()


def judges(page: Page, library: Database, contest: str, name: str, number: int) -> None:
    """Answer by the keyboard as somebody would who always hears which variant is better."""
    expect(page.get_by_text(f"Pair {number} of {PAIRS}")).to_be_visible()
    token = drawn(page)
    with library.reading() as session:
        row = session.scalars(select(BlindRatingRow).where(BlindRatingRow.token == token)).one()
    assert (row.rater, row.number, row.verdict, row.contest_id) == (name, number, "", contest)
    a, b = STRENGTH.index(row.a), STRENGTH.index(row.b)
    if number % 10 == 0:
        expect(page.locator(".wb-blind-side[data-ready=yes]")).to_have_count(2)
    page.keyboard.press("t" if number % 10 == 0 else "a" if a < b else "b")
    if number < PAIRS:
        page.wait_for_selector(f".wb-blind[data-pair]:not([data-pair='{token}'])")


def settle(page: Page) -> None:
    page.wait_for_timeout(100)
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def drawn(page: Page) -> str:
    return page.locator(".wb-blind[data-pair]").get_attribute("data-pair") or ""


def secrets_of(library: Database, run: Run) -> list[str]:
    """Whatever would tell whose piece is which: names, models, hashes, ids and titles."""
    found = {run.id, run.name, *STRENGTH, "loop-large", "openai", "adapt"}
    for result in results(library, run.id):
        sample = result.sample
        assert sample.structure is not None
        found |= {result.cell, content_hash(sample.structure), content_hash(sample.structure)[:16]}
        found |= {piece_id(sample.structure), sample.structure.title or "", sample.model}
    return sorted(found - {""})


def ranks(journey: Journey) -> None:
    """The researcher is told who is better, and how far raters agree."""
    page = journey.page
    page.reload()
    expect(page.get_by_role("heading", name="Who is better")).to_be_visible()
    expect(page.get_by_text("“copperline” is better than “tinmaker”")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Raters agree (well|fairly|more than chance)"))).to_be_visible()
    expect(page.get_by_text("Ada: 30 of 30")).to_be_visible()
    places = page.locator("table tr td:nth-child(2)").all_inner_texts()
    assert places[:3] == list(STRENGTH)
    assert barriers(page, "the tab") == []
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_text("nobody can rate any more")).to_be_visible()
    page.get_by_text("Make preference pairs for a dataset").click()
    page.get_by_role("button", name="Make pairs").click()
    expect(page.get_by_text(re.compile(r"\d+ pairs are kept.*come into no dataset"))).to_be_visible()
