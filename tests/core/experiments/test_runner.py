"""A run asks each cell once, keeps what it learns, and stops, rests and goes on as it is told."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from loopback import Loopback, NotMusic, Status
from sqlalchemy import delete, update
from studio import settings_of

from tests.core.experiments.running import FOUR, a_specification, found, priced, ran
from tests.fresh import fresh
from workbench.core.errors import ConflictError, DatabaseError, InvalidInputError
from workbench.core.experiments import runner, runs
from workbench.core.experiments.asking import first_call
from workbench.core.experiments.cells import Cell
from workbench.core.experiments.course import Standing
from workbench.core.experiments.limits import dearest
from workbench.core.experiments.runner import Runs, order, prepared, run_now
from workbench.core.experiments.runs import Run
from workbench.core.experiments.specification import read_specification
from workbench.core.generate.templates import all_templates, find_template, save_version
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.experiment_tables import AnswerRow, CellRow, RunRow

BASE, TUNED = FOUR[2], FOUR[3]


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback(size=100_000) as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Iterator[Loopback]:
    running.forget()
    yield running
    running.delay = 0.0


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = fresh(tmp_path_factory.mktemp("runs") / "workbench.sqlite3")
    load_built_in(made, load_examples())
    yield made
    made.close()


def slow(server: Loopback, seconds: float = 0.1) -> None:
    server.delay = seconds


# Running ------------------------------------------------------------------------------------------------------------


def test_every_cell_ends_once_and_processes_change_nothing(server: Loopback, database: Database) -> None:
    heard: list[Standing] = []
    specification = a_specification(metrics=[])
    here = ran(server, database, specification, told=heard.append)
    asked = len(server.seen)
    there = ran(server, database, specification, processes=2)
    assert (here.state, here.done, here.failed, here.cells, here.number) == ("done", 12, 0, 12, 1)
    assert (there.state, there.number, there.digest) == ("done", 2, here.digest)
    assert asked == 6
    assert len(server.seen) == 12
    first, second = found(database, here), found(database, there)
    assert [each.position for each in first] == list(range(12))
    assert first == second
    assert {each.variant for each in first if each.sample.raw} == {"base", "tuned"}
    assert heard[-1].done == 12
    assert here.tokens_in > 0 < here.tokens_out
    assert here.remaining is None
    assert server.key not in str(first)


def test_a_bad_answer_is_asked_again_and_kept_and_a_failing_cell_is_a_result(
    server: Loopback, database: Database
) -> None:
    server.queue(Status(400), NotMusic())
    run = ran(server, database, a_specification([BASE]))
    assert (run.state, run.done, run.failed) == ("done", 3, 1)
    assert len(server.seen) == 4
    results = list(runs.results(database, run.id))
    failed = next(each for each in results if each.sample.error)
    assert failed.sample.structure is None
    assert failed.values["finished"] is False
    assert sorted(each.sample.outcome for each in results) == ["", "first-try", "re-asked"]
    assert runs.counts(database, run.id, "fault") == {"": 2, "http-400": 1}
    assert [each.position for each in runs.ended(database, run.id, state="failed")] == [failed.position]
    assert runs.table(database, run.id, ["calls"])["base"]["calls"][failed.request] == [1.0]


def test_what_was_found_is_never_changed_and_goes_only_with_its_run(server: Loopback, database: Database) -> None:
    run = ran(server, database, a_specification([BASE], 1))
    for table in (CellRow, AnswerRow):
        for doing in (update(table).values(run_id="x"), delete(table)):
            with pytest.raises(DatabaseError), database.writing() as session:
                session.execute(doing.where(table.run_id == run.id))
    with database.writing() as session:
        session.delete(session.get(RunRow, run.id))
    assert runs.find_run(database, run.id) is None
    assert list(runs.ended(database, run.id)) == []
    with pytest.raises(InvalidInputError, match="no such run"):
        run_now(settings_of(server), database, run.id)


# Stopping and going on ----------------------------------------------------------------------------------------------


def test_a_run_pauses_and_goes_on_beside_a_page_without_asking_twice(server: Loopback, database: Database) -> None:
    slow(server, 0.08)
    here = Runs(settings_of(server), database, processes=0)
    run = here.begin(a_specification([BASE], 8, limits={"concurrency": 2}), curator="ada")
    assert server.until(lambda each: len(each.seen) >= 3)
    with pytest.raises(ConflictError, match="running already"):
        run_now(settings_of(server), database, run.id)
    here.pause(run.id)
    here.wait(run.id, 10)
    rested = runs.find_run(database, run.id)
    assert rested is not None
    assert rested.state == "paused"
    assert "It was paused; " in rested.message
    asked = len(server.seen)
    assert 3 <= asked < 8
    slow(server, 0.0)
    here.resume(run.id)
    here.wait(run.id, 10)
    assert not here.runs(run.id)
    done = runs.find_run(database, run.id)
    assert done is not None
    assert (done.state, done.done, done.message) == ("done", 8, "")
    assert len(server.seen) == 8
    with pytest.raises(InvalidInputError, match="is done"):
        run_now(settings_of(server), database, run.id)


def test_who_goes_on_while_the_thread_before_is_still_leaving_can_be_paused_again(
    server: Loopback, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, left = threading.Event(), threading.Event()

    def late(*given: Any, **named: Any) -> Run:
        ended = run_now(*given, **named)
        leaving.set()
        left.wait(10)
        return ended

    slow(server, 0.08)
    here = Runs(settings_of(server), database, processes=0)
    monkeypatch.setattr(runner, "run_now", late)
    run = here.begin(a_specification([BASE], 30, limits={"concurrency": 1}), curator="ada")
    assert server.until(lambda each: len(each.seen) >= 1)
    here.pause(run.id)
    assert leaving.wait(10)
    monkeypatch.setattr(runner, "run_now", run_now)
    asked = len(server.seen)
    here.resume(run.id)
    assert server.until(lambda each: len(each.seen) > asked)
    left.set()
    time.sleep(0.1)  # the first thread ends
    here.pause(run.id)
    here.wait(run.id, 10)
    rested = runs.find_run(database, run.id)
    assert rested is not None
    assert (rested.state, rested.done < 30) == ("paused", True)


def test_another_process_is_asked_to_stop_and_waits_for_nothing(server: Loopback, database: Database) -> None:
    slow(server, 20)
    here = Runs(settings_of(server, WORKBENCH_MODEL_TIMEOUT=60), database, processes=0)
    run = here.begin(a_specification([BASE], 2), curator="ada")
    assert server.until(lambda each: each.in_flight == 2)
    assert runs.wish(database, run.id, "stop")
    here.wait(run.id, 5)
    stopped = runs.find_run(database, run.id)
    assert stopped is not None
    assert (stopped.state, stopped.message) == ("stopped", "It was stopped; 2 cells are left.")
    assert not runs.wish(database, run.id, "pause")


def test_a_run_belongs_to_one_process_and_is_found_again_when_that_is_gone(
    server: Loopback, database: Database
) -> None:
    run = order(settings_of(server), database, a_specification([BASE], 1), curator="ada")
    host = socket.gethostname()[:20]
    runs.claim(database, run.id, f"{host}:{os.getppid()}:abcd")
    runs.forget_here(run.id)
    with pytest.raises(ConflictError):
        run_now(settings_of(server), database, run.id)
    with database.writing() as session:
        session.execute(update(RunRow).where(RunRow.id == run.id).values(owner=f"{host}:{2**22 + 1}:abcd"))
    found = runs.run_named(database, run.id[:6])
    assert (found.state, found.message[:21]) == ("interrupted", "Its process has ended")
    assert run_now(settings_of(server), database, run.id, processes=0).state == "done"
    assert runs.keep(database, run.id, "somebody else", (), ()) is None


def test_a_run_does_not_go_on_with_other_questions(server: Loopback, database: Database) -> None:
    settings = settings_of(server)
    run = order(settings, database, a_specification([BASE], 1), curator="ada")
    parts = find_template("default", all_templates(database)).parts
    save_version(database, "default", dict(parts) | {"system": "Write music."}, note="shorter")
    with pytest.raises(InvalidInputError, match="'base' would be asked otherwise now"):
        run_now(settings, database, run.id)
    after = runs.find_run(database, run.id)
    assert after is not None
    assert after.state == "failed"
    assert server.seen == []


# Endpoints that are down --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Status(401), Status(503, retry_after=0.001)], ids=["refused", "fails"])
def test_a_variant_that_is_down_rests_the_run_after_the_others(
    server: Loopback, database: Database, fault: Status
) -> None:
    server.behave = lambda body: fault if body["model"].startswith("ft:") else None
    specification = a_specification([TUNED, BASE, FOUR[0]], 3)
    run = ran(server, database, specification)
    assert (run.state, run.done, run.failed) == ("paused", 6, 0)
    assert run.message.startswith("'tuned' cannot be asked now. The endpoint ")
    assert run.message.endswith("3 cells are left.")
    assert runs.counts(database, run.id, "variant") == {"base": 3, "rules": 3}
    asked = sum(seen.body is not None and seen.body["model"] == "loop-large" for seen in server.seen)
    server.behave = None
    done = run_now(settings_of(server), database, run.id, processes=0)
    assert (done.state, done.done, done.message) == ("done", 9, "")
    again = sum(seen.body is not None and seen.body["model"] == "loop-large" for seen in server.seen)
    assert asked == again == 3


def test_a_cell_that_always_fails_among_others_that_do_not_is_a_result(server: Loopback, database: Database) -> None:
    def behave(body: dict[str, Any]) -> Status | None:
        return Status(503, retry_after=0.001) if body["seed"] == 7 else None

    server.behave = behave
    slow(server, 0.03)
    run = ran(server, database, a_specification([BASE], 1, seeds=[7, *range(6)], limits={"concurrency": 1}))
    assert (run.state, run.done, run.failed) == ("done", 7, 1)


# Money --------------------------------------------------------------------------------------------------------------


def test_a_budget_stops_a_run_before_the_call_that_may_exceed_it(
    server: Loopback, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    priced(monkeypatch, loop_large=(10.0, 100.0))
    whole = ran(server, database, a_specification([BASE], 4, limits={"concurrency": 1}))
    each, most = whole.spent / 4, most_for_one(server, database)
    assert 0 < each < most
    budget = round(most + each * 1.5, 4)  # after one call another fits, after two none
    server.forget()
    run = ran(server, database, a_specification([BASE, FOUR[0]], 4, limits={"concurrency": 3, "budget_usd": budget}))
    assert run.state == "stopped"
    assert f"The next call may exceed the budget of ${budget:,.2f}" in run.message
    assert run.spent <= budget
    assert 0 < len(server.seen) < 4
    assert runs.counts(database, run.id, "variant")["rules"] == 4
    done = run_now(settings_of(server), database, run.id, processes=0, budget=50.0)
    assert (done.state, len(server.seen)) == ("done", 4)
    assert done.spent == pytest.approx(whole.spent)


def most_for_one(server: Loopback, database: Database) -> float:
    """US dollars that the longest piece may cost."""
    found = prepared(settings_of(server), database, a_specification([BASE], 4))
    cell = Cell("a", 3, found.specification.variants[0], 0)
    call = asyncio.run(first_call(cell, found.expanded.asked[3], found.ready["base"]))
    assert call is not None
    return dearest(call, server.url) or 0.0


def test_a_budget_without_a_price_is_refused_before_anything_is_asked(server: Loopback, database: Database) -> None:
    before = len(runs.runs(database))
    with pytest.raises(InvalidInputError, match="No price is known for 'base'"):
        ran(server, database, a_specification([BASE], limits={"budget_usd": 5}))
    assert len(runs.runs(database)) == before
    free = [{"name": "own", "endpoint": server.url, "model": "loop-large", "examples": 0}, FOUR[0]]
    assert ran(server, database, a_specification(free, 1, limits={"budget_usd": 0})).state == "done"


def test_limits_a_minute_hold(server: Loopback, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.now += seconds

    class Clock:
        now = time.monotonic()

        def __call__(self) -> float:
            return self.now

    clock = Clock()
    monkeypatch.setattr("workbench.core.experiments.runner.CLOCK", (clock, sleep))
    limits = {"requests_per_minute": 2, "tokens_per_minute": 1_000_000}
    run = ran(server, database, a_specification([BASE], 5, limits=limits))
    assert run.state == "done"
    assert [round(each) for each in waits] == [60, 60]


def test_unknown_things_are_told_before_a_run_is_written(server: Loopback, database: Database) -> None:
    before = len(runs.runs(database))
    whole = a_specification([BASE]).to_dict()
    for change, said in (
        ({"metrics": ["beauty"]}, "no metric 'beauty'"),
        ({"variants": [{"name": "a", "registered": "nobody"}]}, "no tuned model"),
        ({"requests": {"dataset": "nothing"}}, "is no version"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            ran(server, database, read_specification(whole | change))
    assert len(runs.runs(database)) == before
