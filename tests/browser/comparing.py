"""A data folder with a run in it, for journeys on the Compare screen."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from loopback import Loopback
from loopback_pieces import asked, piece, schema_of, written
from studio import settings_of

from tests.fresh import fresh
from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.runs import Run
from workbench.core.experiments.specification import read_specification
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

LIBRARY = "workbench.sqlite3"
FORMS, PERIODS, DURATIONS = ("ABA", "binary"), ("classical", "baroque"), (20, 24)
BROKEN = 24
"""Seconds: whatever is asked for that length, ``broken`` answers with other cadences than planned."""
VARIANTS = (
    {"name": "rules", "provider": "rules"},
    {"name": "adapt", "provider": "adapt"},
    {"name": "broken", "provider": "openai", "variant": "base", "examples": 0, "reasks": 0},
)  # fmt: skip


def opened(data: Path) -> Database:
    """The database of a data folder, with the examples that ship; made where there is none."""
    file = data / LIBRARY
    data.mkdir(parents=True, exist_ok=True)
    made = Database(f"sqlite:///{file}").upgrade() if file.exists() else fresh(file)
    load_built_in(made, load_examples())
    return made


def finished(data: Path, *, name: str = "first", seeds: int = 1, **more: Any) -> Run:
    """A run that has ended: eight requests over two forms and two periods, asked of ``rules``, ``adapt`` and
    ``broken``, whose cadences are others than planned in half of them. ``more`` is further specification."""
    grid = {"form": FORMS, "period": PERIODS, "duration": DURATIONS}
    told = {
        "name": name, "requests": {"grid": grid}, "variants": list(VARIANTS), "seeds": list(range(seeds)), **more,
    }  # fmt: skip
    database = opened(data)
    try:
        with Loopback(answer=broken) as server:
            settings = settings_of(server)
            run = order(settings, database, read_specification(told), curator="ada · 1234")
            with ThreadPoolExecutor(1) as beside:  # a browser's event loop may run in this thread
                return beside.submit(run_now, settings, database, run.id, processes=0).result()
    finally:
        database.close()


def broken(body: dict[str, Any]) -> str:
    """A model's answer: as the rules compose, but where it breaks, sections close as they were not planned to."""
    request = asked(body)
    found = json.loads(json.dumps(piece(request, body.get("seed") or 0)))
    if json.loads(request).get("duration") == BROKEN:
        for section in found["sections"][:-1]:
            phrases = section.get("phrases") or []
            section["cadence"] = "HC" if section.get("cadence") == "PAC" else "PAC"
            for phrase in phrases[-1:]:
                phrase["cadence"] = section["cadence"]
    return written(found, schema_of(body))
