"""First questions go with batches: for half the price, once, and whatever the service makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from batches import BatchPlan
from fine_tuning import FineTuning
from loopback import Cut, Loopback, NotMusic, Status
from loopback_http import Incoming
from studio import settings_of

from tests.core.experiments.running import FOUR, a_specification, found, priced, ran
from tests.fresh import fresh
from workbench.core.errors import InvalidInputError, ModelRefusedError, ModelUnreachableError
from workbench.core.experiments import runs
from workbench.core.experiments.batches import gathering
from workbench.core.experiments.batches.hosted import Service
from workbench.core.experiments.batches.kept import batches
from workbench.core.experiments.runner import Runs, run_now
from workbench.core.experiments.runs import Run
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples

BASE = FOUR[2]
BATCHED: dict[str, Any] = {**BASE, "name": "batched", "batch": True}


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback(size=100_000) as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.forget()
    return running


@pytest.fixture
def hosted(server: Loopback) -> FineTuning:
    return server.tuning


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = fresh(tmp_path_factory.mktemp("batches") / "workbench.sqlite3")
    load_built_in(made, load_examples())
    yield made
    made.close()


def chats(server: Loopback) -> int:
    """Questions that were asked one by one."""
    return sum(seen.path == "/v1/chat/completions" for seen in server.seen)


def states(database: Database, run: Run) -> list[tuple[str, str, int]]:
    return [(each.state, each.told, each.answered) for each in batches(database, run.id)]


def again(server: Loopback, database: Database, run: Run, **options: Any) -> Run:
    return run_now(settings_of(server), database, run.id, processes=0, rest=0.01, **options)


# As it should be ----------------------------------------------------------------------------------------------------


def test_a_batch_finds_what_questions_one_by_one_find_for_half_the_price(
    server: Loopback, hosted: FineTuning, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    priced(monkeypatch, loop_large=(10.0, 100.0))
    monkeypatch.setattr(gathering, "MOST_LINES", 3)
    run = ran(server, database, a_specification([BATCHED, BASE, FOUR[0]], 6, metrics=["latency", "price", "finished"]))
    assert (run.state, run.message, run.done, run.failed) == ("done", "", 18, 0)
    assert chats(server) == 6 + 1, "one shows how to ask"
    assert len(set(hosted.batches.paid)) == len(hosted.batches.paid) == 5
    assert states(database, run) == [("taken", "completed", 3), ("taken", "completed", 2)]
    results = found(database, run)
    of = {name: [each for each in results if each.variant == name] for name in ("batched", "base")}
    assert [each.sample.structure for each in of["batched"]] == [each.sample.structure for each in of["base"]]
    assert all(each.sample.raw and each.sample.outcome == "first-try" for each in of["batched"])
    costs = {name: [each.sample.cost or 0.0 for each in cells] for name, cells in of.items()}
    shares = [one / other for one, other in zip(costs["batched"], costs["base"], strict=True)]
    assert sorted(shares) == pytest.approx([0.5] * 5 + [1.0])
    assert run.spent == pytest.approx(sum(costs["batched"] + costs["base"]))
    assert runs.table(database, run.id, ["latency"])["batched"]["latency"] == {
        each.request: [None] for each in of["batched"]
    }, "nobody took the time"


def test_bad_answers_are_asked_again_one_by_one(server: Loopback, hosted: FineTuning, database: Database) -> None:
    hosted.batches.plan = BatchPlan(behave=lambda _: NotMusic(), uncounted=True)
    run = ran(server, database, a_specification([BATCHED], 3))
    assert (run.state, run.done, run.failed) == ("done", 3, 0)
    assert runs.counts(database, run.id, "outcome") == {"first-try": 1, "re-asked": 2}
    assert chats(server) == 3
    assert run.tokens_in > 0 < run.tokens_out


# Files that are not tidy, and services that fail --------------------------------------------------------------------

DEEP = b'{"custom_id":' * 20_000
HOSTILE = (
    b"", b"<html>", b"\xff\xfe", b"[]", b"null", b"17", DEEP, b'{"custom_id": 7}', b'{"custom_id": "somebody else"}',
    b'{"custom_id": "x", "response": {"status_code": 200, "body": {"choices": []}}}', b"x" * 9_000_000,
)  # fmt: skip


def test_an_untidy_file_is_read_as_far_as_it_goes(server: Loopback, hosted: FineTuning, database: Database) -> None:
    hosted.batches.plan = BatchPlan(shuffled=True, missing=2, twice=2, odd=HOSTILE)
    run = ran(server, database, a_specification([BATCHED], 7))
    assert (run.state, run.done, run.failed) == ("done", 7, 0)
    assert runs.counts(database, run.id, "outcome") == {"first-try": 7}
    assert chats(server) == 1 + 2, "what has no line is asked alone"
    assert states(database, run) == [("taken", "completed", 4)]
    assert batches(database, run.id)[0].words == "batch 1 of batched: 6 questions, answered. 2 without an answer"


def test_what_a_service_refuses_or_leaves_is_asked_alone(
    server: Loopback, hosted: FineTuning, database: Database
) -> None:
    hosted.batches.plan = BatchPlan(ends="expired", behave=lambda body: Status(500) if body["seed"] == 2 else None)
    run = ran(server, database, a_specification([BATCHED], 1, seeds=list(range(9))))
    assert (run.state, run.done, run.failed) == ("done", 9, 0)
    assert len(hosted.batches.paid) == 3
    assert chats(server) == 1 + 1 + 4
    (batch,) = batches(database, run.id)
    assert batch.words == (
        "batch 1 of batched: 8 questions, not answered in time, 3 answered. "
        "5 without an answer (batch_expired, http-500)"
    )


def test_a_refused_batch_rests_the_run_before_anything_is_paid_in_full(
    server: Loopback, hosted: FineTuning, database: Database
) -> None:
    hosted.batches.plan = BatchPlan(ends="failed", fails=("no_such_model", f"Not in batches. {server.key}"))
    run = ran(server, database, a_specification([BATCHED, FOUR[0]], 4))
    assert (run.state, run.done) == ("paused", 5)
    assert "The service refuses a batch of 'batched': Not in batches. [secret]" in run.message
    assert chats(server) == 1
    hosted.batches.plan = BatchPlan()
    done = again(server, database, run)
    assert (done.state, done.done, done.message) == ("done", 8, "")
    assert chats(server) == 2
    assert states(database, run) == [("taken", "failed", 0), ("taken", "completed", 2)]
    assert server.key not in str([each.to_dict() for each in batches(database, run.id)])


def test_a_service_with_little_room_gets_smaller_batches_one_after_the_other(
    server: Loopback, hosted: FineTuning, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_LINES", 5)
    hosted.batches.plan = BatchPlan(room=3)
    run = ran(server, database, a_specification([BATCHED], 11))
    assert (run.state, run.done, run.failed, chats(server)) == ("done", 11, 0, 1)
    assert len(set(hosted.batches.paid)) == len(hosted.batches.paid) == 10
    assert sum(each.told == "completed" for each in batches(database, run.id)) >= 4


def test_an_endpoint_without_batches_is_refused_before_anything_is_asked(
    server: Loopback, hosted: FineTuning, database: Database
) -> None:
    hosted.batches.plan = BatchPlan(available=False)
    before = len(runs.runs(database))
    with pytest.raises(InvalidInputError, match=r"The endpoint of 'batched' has no batches\."):
        ran(server, database, a_specification([BATCHED]))
    away = {"name": "away", "endpoint": "http://127.0.0.1:9/v1", "model": "loop-large", "batch": True}
    with pytest.raises(ModelUnreachableError, match="cannot be reached"):
        ran(server, database, a_specification([away]))
    with pytest.raises(InvalidInputError, match="asks nothing in batches"):
        a_specification([{**FOUR[0], "batch": True}])
    assert len(runs.runs(database)) == before
    assert chats(server) == 0


def test_an_endpoint_that_falters_is_asked_again_and_one_that_is_gone_rests_the_run(
    server: Loopback, hosted: FineTuning, database: Database
) -> None:
    hosted.batches.plan = BatchPlan(answering=6)
    looks = iter([Status(500)] * 6)  # the client tries each three times

    def falters(incoming: Incoming) -> Status | None:
        return next(looks, None) if incoming.path.startswith("/v1/batches/") else None

    hosted.behave = falters
    run = ran(server, database, a_specification([BATCHED], 3))
    assert (run.state, run.done, len(hosted.batches.paid)) == ("done", 3, 2)
    hosted.behave = lambda incoming: Status(401) if incoming.path.startswith("/v1/batches/") else None
    rests = ran(server, database, a_specification([BATCHED], 3))
    assert (rests.state, rests.done) == ("paused", 1)
    assert "'batched' cannot be asked in batches now. The endpoint refuses the key." in rests.message
    assert "1 batch left at the service. The answers" in rests.message
    hosted.behave = None
    done = again(server, database, rests)
    assert (done.state, done.done, len(hosted.batches.paid)) == ("done", 3, 4)


# Not twice ----------------------------------------------------------------------------------------------------------


def test_a_creation_whose_answer_is_lost_is_found_and_not_repeated(
    server: Loopback, hosted: FineTuning, database: Database
) -> None:
    for plan in (BatchPlan(), BatchPlan(unmarked=True)):
        server.forget()
        hosted.batches.plan = plan
        lost = iter([Cut(0.5)])

        def loses(incoming: Incoming, lost: Iterator[Cut] = lost) -> Cut | None:
            return next(lost, None) if (incoming.method, incoming.path) == ("POST", "/v1/batches") else None

        hosted.behave = loses
        run = ran(server, database, a_specification([BATCHED], 4))
        assert (run.state, run.done, len(hosted.batches.made), len(hosted.batches.paid)) == ("done", 4, 1, 3)


@pytest.mark.parametrize("wish", ["pause", "stop"])
def test_pausing_and_stopping_cancel_and_what_was_answered_is_not_lost(
    server: Loopback, hosted: FineTuning, database: Database, wish: str
) -> None:
    hosted.batches.plan = BatchPlan(answering=10_000, share=0.5)
    here = Runs(settings_of(server), database, processes=0)
    run = here.begin(a_specification([BATCHED], 5), curator="ada")
    assert server.until(lambda _: [each.state for each in batches(database, run.id)] == ["sent"], 30)
    getattr(here, wish)(run.id)
    here.wait(run.id, 10)
    rested = runs.find_run(database, run.id)
    assert rested is not None
    assert rested.state == {"pause": "paused", "stop": "stopped"}[wish]
    assert "1 batch cancelled. Answers that are there already are taken when the run goes on." in rested.message
    (made,) = hosted.batches.made.values()
    assert made.status == "cancelling"
    hosted.batches.plan = BatchPlan()
    done = again(server, database, run)
    assert (done.state, done.done) == ("done", 5)
    assert states(database, run) == [("taken", "cancelled", 2), ("taken", "completed", 1)]
    assert len(set(hosted.batches.paid)) == len(hosted.batches.paid) == 3
    assert chats(server) == 2


def test_a_budget_counts_batches_at_their_price(
    server: Loopback, hosted: FineTuning, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    priced(monkeypatch, loop_large=(10.0, 100.0))
    free = ran(server, database, a_specification([BATCHED], 6))
    one = free.spent / 3.5
    server.forget()
    budget = round(8.0 * one, 4)
    run = ran(server, database, a_specification([BATCHED], 6, limits={"budget_usd": budget}))
    (first, *_) = batches(database, run.id)
    assert run.spent <= budget
    assert 0 < first.held <= budget
    assert run.state == "done" or "may exceed the budget" in run.message
    none = ran(server, database, a_specification([BATCHED], 6, limits={"budget_usd": 0.0001}))
    assert (none.state, none.done) == ("stopped", 0)


def test_a_foreign_endpoint_gets_no_key(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-ours")
    settings = settings_of(server, OPENAI_BASE_URL="http://127.0.0.1:9/v1")

    async def look() -> None:
        service = Service(settings, server.url)
        try:
            await service.demand()
        finally:
            await service.close()

    with pytest.raises(ModelRefusedError, match="refuses the key"):
        asyncio.run(look())
    (seen,) = server.seen
    assert seen.headers["authorization"] == "Bearer none"
    assert "org-of-ours" not in str(seen)
