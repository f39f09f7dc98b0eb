"""What a composer does who has models: asks, chooses, waits, looks."""

from __future__ import annotations

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from driving import Journey
from loopback import KEY, Loopback
from playwright.sync_api import Locator, Page, expect

FINE_TUNED = "ft:loop-large:acme::abc123"
SHORT = "/?duration=20&form=ABA&seed=3"


def connected(server: Loopback) -> dict[str, str]:
    """The environment of an app that composes with a server's models."""
    return {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": KEY,
        "WORKBENCH_PROVIDER": "openai",
        "WORKBENCH_MODEL_BASE": "loop-large",
        "WORKBENCH_MODEL_FT": FINE_TUNED,
    }


def open_tab(journey: Journey, name: str) -> None:
    journey.page.get_by_role("tab", name=name, exact=True).click()
    journey.rest()


def choose(journey: Journey, name: str, option: str) -> None:
    """Choose in a box by typing what is wanted. A list that is moved while it lies open closes, and is opened again."""
    page = journey.page
    box = page.get_by_role("combobox", name=name, exact=True).locator("visible=true").last
    wanted = page.get_by_role("option", name=option, exact=True)
    box.scroll_into_view_if_needed()
    for _ in range(5):
        box.fill("")
        box.fill(option)
        page.wait_for_timeout(250)
        if wanted.count():
            break
    wanted.click()
    journey.rest()


def brief_of(page: Page) -> Locator:
    return page.get_by_label("In your words")


def begin(journey: Journey, button: str = "Another one") -> None:
    """Press, and wait until it is being written."""
    journey.press(button)
    # By the event: a fast model is done before one would look at the address again.
    journey.page.wait_for_url(re.compile(r"[?&]run="), wait_until="commit")


def ended(journey: Journey) -> str:
    """Wait until what was being written is the take on the page."""
    expect(journey.page).not_to_have_url(re.compile("run="))
    journey.rest()
    return journey.piece


def compose(journey: Journey, button: str = "Another one") -> str:
    """Have a piece written and wait for it."""
    begin(journey, button)
    return ended(journey)


def drawn_run(page: Page) -> Locator:
    """The player of a piece that is being written, as soon as there is something of it to be seen."""
    return page.locator("[class*='st-key-player_'] .wb-player[data-piece]")


def takes(page: Page) -> Locator:
    return page.locator(".wb-takes button")


def structure(journey: Journey, piece: str = "") -> dict[str, Any]:
    """The JSON of a piece."""
    answer = journey.page.request.get(f"{journey.url}/files/{piece or journey.piece}/json")
    assert answer.ok
    found: dict[str, Any] = answer.json()
    return found


def bars(player: Locator) -> int:
    """How many bars a player shows."""
    words = player.locator(".wb-seek").evaluate("(bar) => bar.ariaValueText ?? ''")
    found = re.search(r"of (\d+)", words)
    return int(found[1]) if found else 0


def said(server: Loopback) -> str:
    """What the model was told last."""
    body = [seen.body for seen in server.seen if seen.path.endswith("/chat/completions")][-1]
    assert body is not None
    return "\n".join(str(message["content"]) for message in body["messages"])


def card(page: Page, number: int) -> Locator:
    return page.locator("[class*='st-key-run_']").nth(number)


def barriers(page: Page, where: str) -> list[str]:
    """What stands in the way of assistive technology."""
    found = Axe().run(page).response["violations"]
    return [
        f"{where}: {one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def over_the_edge(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    found: list[int] = page.evaluate(
        "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((element) => element.scrollWidth - element.clientWidth)"
    )
    return max(found)
