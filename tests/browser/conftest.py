"""The running app and a browser that drives it. Whatever the browser complains about fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from composing import connected
from driving import App, Journey
from loopback import Loopback
from playwright.sync_api import Browser, expect, sync_playwright

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)

expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One running app for all journeys."""
    app = App(tmp_path_factory.mktemp("app"))
    yield app
    app.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that ``CHROMIUM`` names."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        message = "There is no Chromium here: run `sudo apt-get install chromium`."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def visitor(chromium: Browser, app: App) -> Iterator[Callable[..., Journey]]:
    """Makes new visitors; at the end, what their browsers complained of fails the test."""
    visits: list[tuple[Any, Journey]] = []
    kept = chromium.contexts[0] if chromium.contexts else chromium.new_context()

    def visit(url: str = app.url, **options: Any) -> Journey:
        # The first visitor takes the context that is kept, where scripts are cached: only the cookies are new.
        context = chromium.new_context() if visits or options else kept
        context.clear_cookies()
        page = context.new_page()
        page.set_viewport_size(options.pop("viewport", {"width": 1400, "height": 1000}))
        page.emulate_media(**options)
        visits.append((context, Journey(page, url)))
        return visits[-1][1]

    yield visit
    complaints: list[str] = []
    for context, journey in visits:
        journey.page.close()
        if context is not kept:
            context.close()
        complaints += [text for text in journey.complaints if not any(part in text for part in journey.expected)]
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


@pytest.fixture
def journey(visitor: Callable[..., Journey]) -> Journey:
    """A new visitor on a wide, light screen."""
    return visitor()


@pytest.fixture(scope="module")
def opened(chromium: Browser, app: App) -> Iterator[Journey]:
    """One page with a piece on it, for all tests that leave it as it was."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    journey = Journey(context.new_page(), app.url)
    journey.open("/?duration=60&tempo=120&form=ABA&seed=3")
    yield journey
    context.close()


@pytest.fixture
def shown(opened: Journey) -> Iterator[Journey]:
    """The page that is already open, at the beginning of its piece."""
    yield opened
    page = opened.page
    page.evaluate("document.querySelector('.wb-player[data-state=playing] .wb-play')?.click()")
    page.evaluate("document.querySelector('.wb-loop-button[aria-pressed=true]')?.click()")
    for name in ("Back to the start", "Show the whole piece"):
        page.get_by_role("button", name=name).click()
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 0)")
    complaints, opened.complaints = opened.complaints, []
    assert not complaints, "the browser complained:\n" + "\n".join(complaints)


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, visitor: Callable[..., Journey]) -> Journey:
    """A new visitor, once in each theme."""
    return visitor(color_scheme=request.param)


@pytest.fixture
def own_app(tmp_path: Path) -> Iterator[App]:
    """An app that a test may stop and start."""
    app = App(tmp_path)
    yield app
    app.stop()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Loopback]:
    """An endpoint on this machine with models that compose."""
    with Loopback() as server:
        yield server


@pytest.fixture(scope="session")
def models_app(endpoint: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One running app for all journeys with models; a module takes it as its ``app``."""
    app = App(tmp_path_factory.mktemp("models"), **connected(endpoint))
    yield app
    app.stop()


@pytest.fixture
def server(endpoint: Loopback) -> Loopback:
    """The endpoint, as if new."""
    assert endpoint.until(lambda server: server.in_flight == 0, 30)
    endpoint.forget()
    endpoint.answer = None
    return endpoint
