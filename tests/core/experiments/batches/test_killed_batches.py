"""A run that is killed while its batches are made, or waited for, finds them again and pays once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from batches import BatchPlan
from loopback import Loopback
from sqlalchemy import func, select
from studio import settings_of

from tests.core.experiments.running import FOUR, a_specification
from tests.fresh import fresh
from workbench.core.errors import DatabaseError
from workbench.core.experiments import runs
from workbench.core.experiments.batches import kept
from workbench.core.experiments.batches.kept import batches, write
from workbench.core.experiments.course import Course
from workbench.core.experiments.runner import order, run_now
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.experiment_tables import AnswerRow

ROOT = Path(__file__).parents[4]
BATCHED = {**FOUR[2], "name": "batched", "batch": True}
GO = """
import sys, json, time
from workbench.core.experiments.batches import kept
from workbench.core.experiments.runner import run_now
from workbench.core.library.database import Database
from workbench.core.settings import Settings
url, run, settings, hangs = sys.argv[1:]
noted = kept.note
def note(database, id, **values):
    if values.get("state") == hangs:
        time.sleep(60)
    noted(database, id, **values)
kept.note = note
run_now(Settings.model_validate(json.loads(settings)), Database(url), run, processes=0, rest=0.01)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback(size=100_000) as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.forget()
    return running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[Database]:
    made = fresh(folder / "workbench.sqlite3")
    load_built_in(made, load_examples())
    yield made
    made.close()


def chats(server: Loopback) -> int:
    return sum(seen.path == "/v1/chat/completions" for seen in server.seen)


def states(database: Database, run: str) -> list[tuple[str, str]]:
    return [(each.state, each.told) for each in batches(database, run)]


def test_killed_between_making_and_noting_and_while_waiting_and_while_taking(
    server: Loopback, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosted = server.tuning.batches
    hosted.plan = BatchPlan(answering=100_000)
    run = order(settings_of(server), database, a_specification([BATCHED], 5), curator="ada")
    killed(folder, server, run.id, lambda: len(hosted.made) == 1, hangs="sent")
    (row,) = batches(database, run.id)
    assert (row.state, row.asked, row.batch_id) == ("making", True, "")
    assert row.words == "batch 1 of batched: 4 questions, being handed over"
    killed(folder, server, run.id, lambda: states(database, run.id) == [("sent", "in_progress")])
    assert ", being answered, since " in batches(database, run.id)[0].words
    (made,) = hosted.made.values()
    made.end_soon()
    with monkeypatch.context() as broken:
        broken.setattr(kept, "note", unless_taken)
        with pytest.raises(DatabaseError, match="full"):
            run_now(settings_of(server), database, run.id, processes=0, rest=0.01)
    assert kept_answers(database, run.id) == 5
    assert states(database, run.id) == [("sent", "finalizing")]
    done = run_now(settings_of(server), database, run.id, processes=0, rest=0.01)
    assert (done.state, done.done, done.failed, done.message) == ("done", 5, 0, "")
    assert (len(hosted.made), len(hosted.paid), chats(server)) == (1, 4, 1)
    assert states(database, run.id) == [("taken", "completed")]
    assert kept_answers(database, run.id) == 5


def test_what_was_only_written_down_was_never_made(server: Loopback, database: Database) -> None:
    run = order(settings_of(server), database, a_specification([BATCHED], 4), curator="ada")
    runs.claim(database, run.id, "me")
    write(database, run.id, "me", "batched", dict.fromkeys(["a cell", "another"], 100), 0.0)
    runs.let_go(database, run.id, "me", "paused")
    done = run_now(settings_of(server), database, run.id, processes=0, rest=0.01)
    assert (done.state, done.done) == ("done", 4)
    assert states(database, run.id) == [("gone", ""), ("taken", "completed")]
    assert [each.number for each in batches(database, run.id)] == [1, 2]


def test_an_interrupt_leaves_batches_at_the_service(server: Loopback, database: Database) -> None:
    hosted = server.tuning.batches
    hosted.plan = BatchPlan(answering=100_000)
    run = order(settings_of(server), database, a_specification([BATCHED, FOUR[0]], 4), curator="ada")

    def interrupt(course: Course) -> None:
        def when_sent() -> None:
            server.until(lambda _: ("sent", "in_progress") in states(database, run.id), 30)
            course.halt()

        threading.Thread(target=when_sent).start()

    rested = run_now(settings_of(server), database, run.id, processes=0, rest=0.01, began=interrupt)
    assert rested.state == "paused"
    assert "1 batch left at the service. The answers are taken when the run goes on." in rested.message
    (made,) = hosted.made.values()
    assert made.status == "in_progress"
    made.end_soon()
    done = run_now(settings_of(server), database, run.id, processes=0, rest=0.01)
    assert (done.state, done.done, len(hosted.made), chats(server)) == ("done", 8, 1, 1)


noted = kept.note


def unless_taken(database: Database, id: str, **values: Any) -> None:
    if values.get("state") == "taken":
        raise DatabaseError("The disk is full.", hint="Make room.")
    noted(database, id, **values)


def kept_answers(database: Database, run: str) -> int:
    with database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(AnswerRow).where(AnswerRow.run_id == run)) or 0)


def killed(folder: Path, server: Loopback, run: str, enough: Callable[[], bool], *, hangs: str = "") -> None:
    """Let the run go on in a process of its own, which may hang before it notes a state, and kill that."""
    told = {
        "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key, "WORKBENCH_PROVIDER": "openai",
        "WORKBENCH_MODEL_BASE": "loop-large", "WORKBENCH_MODEL_FT": "ft:loop-large:acme::abc123",
        "WORKBENCH_MODEL_TIMEOUT": 3,
    }  # fmt: skip
    url = f"sqlite:///{folder / 'workbench.sqlite3'}"
    going = subprocess.Popen([sys.executable, "-c", GO, url, run, json.dumps(told), hangs], cwd=ROOT)
    try:
        end = time.monotonic() + 60
        while not enough():
            assert going.poll() is None, "it ended too soon"
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        going.kill()
        going.wait()
