"""How long an experiment takes beside a model that takes 50 ms: 400 calls, 32 at a time; ideally 0.63 seconds.

First all of it, with every check and metric; then, of the same run, from the first request to the last answer kept.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.experiment_model import DELAY, SECONDS, SEEDS, brief
from workbench.core.experiments import questions, runs
from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.specification import Specification, read_specification
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.settings import Settings

ROOT = Path(__file__).parents[1]
CALLS = len(SECONDS) * SEEDS
AT_ONCE = 32
IDEAL = CALLS * DELAY / AT_ONCE
_spans: list[float] = []


@cache
def model_settings() -> Settings:
    """The settings by which the model is found; it is begun at the first call."""
    model = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.experiment_model"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    atexit.register(model.kill)
    assert model.stdout is not None
    url = model.stdout.readline().strip()
    return Settings.model_validate(
        {
            "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-bench-0123456789", "WORKBENCH_PROVIDER": "openai",
            "WORKBENCH_MODEL_BASE": "bench",
        }
    )  # fmt: skip


@cache
def _database() -> Database:
    folder = tempfile.TemporaryDirectory(prefix="workbench-bench-")
    atexit.register(folder.cleanup)
    database = Database(f"sqlite:///{folder.name}/bench.sqlite3").upgrade()
    load_built_in(database, load_examples())
    return database


def specification() -> Specification:
    """What is run."""
    requests = [{"form": "ABA", "duration": seconds, "brief": brief(number)} for number, seconds in enumerate(SECONDS)]
    return read_specification(
        {
            "name": "bench", "requests": {"list": requests}, "seeds": list(range(SEEDS)),
            "variants": [{"name": "base", "variant": "base", "examples": 0}], "limits": {"concurrency": AT_ONCE},
        }
    )  # fmt: skip


def experiment(processes: int | None = None) -> float:
    """Run it; the seconds from the first request to the last answer kept."""
    began: list[float] = []
    kept: list[float] = []
    ask, keep = questions.ask, runs.keep

    async def asked(*args: Any) -> Any:
        began.append(time.perf_counter())
        return await ask(*args)

    def keeping(*args: Any, **told: Any) -> Any:
        found = keep(*args, **told)
        if args[3]:
            kept.append(time.perf_counter())
        return found

    questions.ask, runs.keep = asked, keeping
    try:
        run = order(model_settings(), _database(), specification(), curator="bench")
        ended = run_now(model_settings(), _database(), run.id, processes=processes)
    finally:
        questions.ask, runs.keep = ask, keep
    assert (ended.state, ended.done, ended.failed, len(began)) == ("done", CALLS, 0, CALLS), ended
    return kept[-1] - began[0]


def _whole() -> Callable[[], object]:
    model_settings()
    return lambda: _spans.append(experiment())


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds."""
    return [
        (f"an experiment of {CALLS} calls, all checks and metrics", _whole(), 6 * IDEAL),
        ("of it from the first request to the last answer kept", lambda: time.sleep(min(_spans)), 1.3 * IDEAL),
    ]
