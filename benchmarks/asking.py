"""How much the pipeline adds to a model's own time, how many generations one process holds, how fast the API answers.

The model is the loopback server of the tests, in a process of its own, so that its work is not counted as ours.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from workbench.core.compose import compose
from workbench.core.generate.generation import GenerationSettings, Workshop, settings_for
from workbench.core.generate.growing import SectionWatch, as_far_as_it_goes
from workbench.core.generate.jobs import Jobs
from workbench.core.generate.live import Order
from workbench.core.generate.pipeline import generate
from workbench.core.generate.providers import Answer, Call, ModelInfo, Providers, Tokens
from workbench.core.generate.providers.calls import OnText
from workbench.core.generate.templates import all_templates
from workbench.core.generate.wire import wire_text
from workbench.core.library.database import Database
from workbench.core.library.tokens import admit, create_token
from workbench.core.music.request import Request
from workbench.core.settings import Settings

ROOT = Path(__file__).parents[1]
WISH = Request(form="ABA", duration=60, period="classical", brief="A walk in the snow")
IN_FLIGHT = 64
CALLS = 10
SEEDS = 60
"""Different pieces, so that nothing is known from the call before."""


class AtOnce:
    """A model that takes no time at all: what is left is the pipeline's own."""

    name = "openai"
    needs_model = True

    async def answer(self, call: Call, on_text: OnText) -> Answer:
        """The answer that was prepared for the call's seed."""
        text = _answer(call.seed or 0)
        on_text(text)
        return Answer(text, tokens=Tokens(len(call.messages), 1))

    async def models(self) -> tuple[ModelInfo, ...]:
        """None."""
        return ()

    async def close(self) -> None:
        """Nothing to let go of."""


@cache
def _answer(seed: int) -> str:
    return wire_text(compose(WISH, seed=seed))


def _settings(**values: object) -> Settings:
    return Settings.model_validate({"WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": "bench"} | values)


def _overhead() -> Callable[[], object]:
    settings = _settings()
    providers = Providers(settings)
    providers.put(AtOnce())
    for seed in range(SEEDS):
        _answer(seed)
    workshop = Workshop(settings, providers, all_templates)
    turn = itertools.count()
    runner = asyncio.Runner()
    atexit.register(runner.close)

    def call() -> None:
        for _ in range(CALLS):
            how = settings_for(settings, seed=next(turn) % SEEDS)
            made = runner.run(generate(WISH, how, workshop))
            assert made.outcome == "first-try", made.outcome

    return call


@cache
def _database() -> Database:
    folder = tempfile.TemporaryDirectory(prefix="workbench-bench-")
    atexit.register(folder.cleanup)
    return Database(f"sqlite:///{folder.name}/bench.sqlite3").upgrade()


def _api() -> Callable[[], object]:
    """What ``POST /api/music/generate`` does for a request with the rules, HTTP itself included."""
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    from workbench import api

    settings, database = Settings(), _database()
    jobs = Jobs(settings, database)
    atexit.register(jobs.close)
    api.settings, api.database, api.jobs = lambda: settings, lambda: database, lambda: jobs  # type: ignore[assignment]
    _, token = create_token(database, "bench", requests_a_minute=0, tokens_a_day=0)
    client = TestClient(Starlette(routes=api.ROUTES))
    headers = {"Authorization": f"Bearer {token}"}
    turn = itertools.count()
    body = {"duration": 60, "form": "ABA", "period": "classical"}

    def call() -> None:
        for _ in range(CALLS):
            seed = next(turn)
            answer = client.post("/api/music/generate", json=body | {"seed": seed}, headers=headers)
            assert answer.status_code == 200, answer.text

    return call


def _admitted() -> Callable[[], object]:
    database = _database()
    _, token = create_token(database, "bench", requests_a_minute=0, tokens_a_day=0)
    return lambda: [admit(database, token) for _ in range(CALLS)]


def _growing() -> Callable[[], object]:
    text = _answer(0)

    def call() -> None:
        watch = SectionWatch()
        for at in range(0, len(text), 16):
            if watch.feed(text[at : at + 16]):
                assert as_far_as_it_goes(text[: at + 16], watch, WISH) is not None

    return call


def _many() -> Callable[[], object]:
    """Many at the same time against a slow model: the time beyond the slowest, and how long another thread waits."""
    server = [sys.executable, str(ROOT / "tests" / "loopback" / "loopback.py"), "--port", "0", "--delay", "0.02"]
    port_of = subprocess.Popen(
        [*server, "--key", "sk-bench-0123456789"],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    atexit.register(port_of.kill)
    assert port_of.stdout is not None
    url = port_of.stdout.readline().split()[0].partition("=")[2]
    settings = _settings(
        OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-bench-0123456789", WORKBENCH_MODEL_BASE="loop-large",
        WORKBENCH_MODEL_CONCURRENCY=IN_FLIGHT,
    )  # fmt: skip
    jobs = Jobs(settings, _database())
    atexit.register(jobs.close)
    how: GenerationSettings = settings_for(settings, examples=0)

    def call() -> None:
        waits: list[float] = []
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                began = time.perf_counter()
                time.sleep(0.01)
                waits.append(time.perf_counter() - began - 0.01)

        watcher = threading.Thread(target=watch)
        watcher.start()
        orders = [
            Order(Request(duration=30), GenerationSettings(**how.to_dict() | {"seed": seed}))
            for seed in range(IN_FLIGHT)
        ]
        batch = jobs.start(orders, "bench")
        for live in jobs.batch(batch):
            jobs.wait(live.id)
            assert live.state == "done", live.message
        done.set()
        watcher.join()
        waits.sort()
        _waits.append(waits[int(len(waits) * 0.99)])

    return call


_waits: list[float] = []


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds."""
    return [
        (f"{CALLS} requests through the pipeline, a model of no time", _overhead(), CALLS * 0.030),
        (f"{CALLS} requests to the API, composed by rule", _api(), CALLS / 50),
        (f"{CALLS} tokens admitted", _admitted(), CALLS * 0.005),
        ("an answer followed section by section", _growing(), 0.05),
        (f"{IN_FLIGHT} generations in flight, the model takes about 3 s", _many(), 8.0),
        ("how long another thread waited meanwhile (99%)", lambda: time.sleep(_waits[-1] if _waits else 0), 0.1),
    ]
