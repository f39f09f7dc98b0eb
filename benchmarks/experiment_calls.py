"""What an experiment is held against: its calls by a bare client, the command from its start, and judging alone."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.experiment_model import SECONDS, SEEDS, brief
from benchmarks.experimenting import AT_ONCE, CALLS, IDEAL, ROOT, model_settings, specification
from benchmarks.spread import draw_requests
from workbench.core.compose import compose
from workbench.core.experiments.heard import Said
from workbench.core.experiments.judging import Judged, Task, kit_of, metrics_of, work
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.specification import Variant
from workbench.core.experiments.variants import prepare
from workbench.core.experiments.workers import crew
from workbench.core.generate.generation import Workshop
from workbench.core.generate.providers import Providers
from workbench.core.generate.templates import all_templates
from workbench.core.generate.wire import wire_schema, wire_text
from workbench.core.settings import Settings

PIECES = 200
CORES = 2


@cache
def _bodies() -> list[dict[str, Any]]:
    return [
        {
            "model": "bench", "seed": seed, "stream": True, "stream_options": {"include_usage": True},
            "messages": [{"role": "user", "content": brief(number) + " Write it." * 1_000}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "piece", "schema": wire_schema()}},
        }
        for number in range(len(SECONDS))
        for seed in range(SEEDS)
    ]  # fmt: skip


async def _asked(url: str, bodies: list[dict[str, Any]]) -> None:
    """Ask all, so many at a time, and read what comes as JSON; nothing else."""
    import aiohttp

    left = iter(bodies)

    async def one_after_the_other(session: aiohttp.ClientSession) -> None:
        for body in left:
            async with session.post(f"{url}/chat/completions", json=body) as response:
                async for line in response.content:
                    if line.startswith(b"data: {"):
                        json.loads(line[6:])

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(one_after_the_other(session) for _ in range(AT_ONCE)))


def bare() -> None:
    """The calls by a bare client."""
    asyncio.run(_asked(model_settings().openai_base_url or "", _bodies()))


@cache
def _command() -> Callable[[], object]:
    folder = tempfile.TemporaryDirectory(prefix="workbench-bench-")
    atexit.register(folder.cleanup)
    file = Path(folder.name) / "bench.json"
    file.write_text(json.dumps(specification().to_dict()), "utf-8")
    environment = os.environ | {
        "OPENAI_BASE_URL": model_settings().openai_base_url or "", "OPENAI_API_KEY": "sk-bench-0123456789",
        "WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": "bench", "WORKBENCH_DATA_DIR": folder.name,
    }  # fmt: skip
    command = [sys.executable, "-m", "workbench", "evaluate", "run", str(file)]
    return lambda: subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


@cache
def _judging() -> Callable[[], object]:
    """Answers that are there already are read, checked and measured, with all that there is to measure."""
    settings = Settings.model_validate({"WORKBENCH_PROVIDER": "openai", "WORKBENCH_MODEL_BASE": "bench"})
    workshop = Workshop(settings, Providers(settings), all_templates)
    ready = prepare(Variant(name="base", variant="base", examples=0), workshop)
    names = [each.name for each in metrics_of(())]
    known, packed = kit_of(ready, training=(), metrics=names, own=()).packed()
    tasks = []
    for number, request in enumerate(draw_requests(PIECES)):
        said = Said(wire_text(compose(request, seed=number)), "stop")
        tasks.append(Task(number, f"{number:016x}", number, Asked(str(number), request), (said,)))
    pool = crew(Settings(), CORES)
    atexit.register(pool.close)

    def call() -> None:
        parts = [pool.submit(work, known, packed, tasks[at : at + 8]) for at in range(0, PIECES, 8)]
        found = [each for part in parts for each in part.result()]
        assert sum(isinstance(each, Judged) and not each.fault for each in found) == PIECES

    return call


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds."""
    return [
        (f"{CALLS} calls by a bare client, to hold the next against", bare, 1.3 * IDEAL),
        (f"evaluate run with {CALLS} calls, from its start to its end", lambda: _command()(), 6 * IDEAL),
        (f"checks and metrics of {PIECES} pieces on {CORES} cores", lambda: _judging()(), 30 * PIECES / 1_000),
    ]
