"""The running app, and a visitor in a browser who drives it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


class App:
    """The app in a process of its own, as ``python -m workbench`` starts it, with its data in a folder of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log, self.data = folder / "log.txt", folder / "data"
        self.environment = {"WORKBENCH_DATA_DIR": str(self.data), "HOME": str(folder)} | environment
        # Nobody's own settings and secrets count; and who edits while the tests run does not change the app under them.
        config = folder / ".streamlit" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text('[server]\nfileWatcherType = "none"\n')
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "workbench", "--port", str(self.port), "--headless"],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PYTHONPATH": str(ROOT)} | self.environment,
            )
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/api/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None:
                    break
            time.sleep(0.1)
        self.stop()
        pytest.fail(f"The app does not answer:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop, as a person at the terminal does."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End at once, as when the power fails (``kill -9``)."""
        self.process.kill()
        self.process.wait()


class Journey:
    """One visitor's page, and what went wrong on it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.expected: tuple[str, ...] = ()
        """Complaints that a test provokes on purpose: those that hold one of these texts."""
        page.set_default_timeout(60_000)
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "response", lambda answer: answer.status >= 400 and self.complaints.append(f"{answer.status} {answer.url}")
        )

    def open(self, path: str = "/", *, drawn: bool = True) -> Page:
        """Go to an address and wait until the page rests."""
        self.page.goto(self.url + path)
        self.rest(drawn=drawn)
        return self.page

    def rest(self, *, drawn: bool = True) -> None:
        """Wait until the script has run and the piece is drawn."""
        page = self.page
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        page.wait_for_selector(".wb-player[data-piece]" if drawn else ".wb-player")
        page.wait_for_timeout(400)
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")

    @property
    def piece(self) -> str:
        """The id of the piece that is drawn."""
        return self.page.locator(".wb-player").get_attribute("data-piece") or ""

    @property
    def position(self) -> float:
        """Where the playhead is, in quarters."""
        return float(self.page.locator(".wb-player").get_attribute("data-position") or 0)

    def until_piece_changes(self, before: str) -> str:
        """Wait for another piece to be drawn."""
        self.page.wait_for_selector(f".wb-player[data-piece]:not([data-piece='{before}'])")
        self.rest()
        return self.piece

    def press(self, name: str) -> None:
        """Press one of the page's own buttons."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def play(self) -> None:
        """Press play and wait until it sounds."""
        self.page.get_by_role("button", name="Play", exact=True).click()
        self.page.wait_for_selector(".wb-player[data-state=playing]")
