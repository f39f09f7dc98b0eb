"""A run that is killed goes on where it was: what was answered and kept is not asked again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback import Loopback
from sqlalchemy import func, select
from studio import settings_of

from tests.core.experiments.running import a_specification
from tests.fresh import fresh
from workbench.core.experiments import runs
from workbench.core.experiments.runner import order, run_now
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.experiment_tables import AnswerRow, CellRow

ROOT = Path(__file__).parents[3]
AT_ONCE = 2
GO = """
import sys, json
from workbench.core.experiments.runner import run_now
from workbench.core.library.database import Database
from workbench.core.settings import Settings
url, run, settings = sys.argv[1:]
run_now(Settings.model_validate(json.loads(settings)), Database(url), run, processes=0)
"""


def test_a_run_killed_twice_pays_once_and_ends_every_cell_once(tmp_path: Path) -> None:
    database = fresh(tmp_path / "workbench.sqlite3")
    load_built_in(database, load_examples())
    with Loopback(size=100_000, delay=0.06) as server:
        settings = settings_of(server)
        specification = a_specification(requests=12, limits={"concurrency": AT_ONCE})
        run = order(settings, database, specification, curator="ada")
        lost = 0
        for enough in (
            lambda: kept(database, AnswerRow, run.id) >= 6,
            lambda: kept(database, CellRow, run.id) >= 8,
        ):
            asked = len(server.seen)
            before = kept(database, AnswerRow, run.id)
            killed(tmp_path, server, run.id, enough)
            fresh_answers = kept(database, AnswerRow, run.id) - before
            gone = len(server.seen) - asked - fresh_answers
            assert 0 <= gone <= 2 * AT_ONCE, "only what was under way, or not yet kept"
            lost += gone
            interrupted = runs.find_run(database, run.id)
            assert interrupted is not None
            assert interrupted.state == "interrupted"
        done = run_now(settings, database, run.id, processes=0)
        assert (done.state, done.done, done.failed) == ("done", 48, 0)
        assert len(server.seen) - lost == 24
    results = list(runs.results(database, run.id))
    assert [each.position for each in results] == list(range(48))
    assert {each.sample.outcome for each in results} == {"first-try"}
    assert runs.counts(database, run.id, "variant") == dict.fromkeys(("adapt", "base", "rules", "tuned"), 12)
    assert kept(database, AnswerRow, run.id) == 24
    assert done.tokens_out == sum(each.sample.tokens_out for each in results)
    database.close()


def kept(database: Database, table: type[AnswerRow] | type[CellRow], run: str) -> int:
    with database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(table).where(table.run_id == run)) or 0)


def killed(folder: Path, server: Loopback, run: str, enough: Callable[[], bool]) -> None:
    """Let the run go on in a process of its own, and kill that without a warning."""
    told = {
        "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key, "WORKBENCH_PROVIDER": "openai",
        "WORKBENCH_MODEL_BASE": "loop-large", "WORKBENCH_MODEL_FT": "ft:loop-large:acme::abc123",
        "WORKBENCH_MODEL_TIMEOUT": 3,
    }  # fmt: skip
    url = f"sqlite:///{folder / 'workbench.sqlite3'}"
    going = subprocess.Popen([sys.executable, "-c", GO, url, run, json.dumps(told)], cwd=ROOT)
    try:
        end = time.monotonic() + 30
        while not enough():
            assert going.poll() is None, "it ended too soon"
            assert time.monotonic() < end
            time.sleep(0.01)
    finally:
        if going.poll() is None:
            os.kill(going.pid, signal.SIGKILL)
        going.wait()
    if going.returncode != -signal.SIGKILL:
        pytest.fail("it was not killed")
