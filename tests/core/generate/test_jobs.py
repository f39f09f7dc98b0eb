"""Generations run whoever looks; stopping keeps what was complete; a killed process loses no finished take."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import EchoModel, Hang, HangMidStream, Loopback, Say, Slow, Status
from sqlalchemy import text as sql
from studio import SHORT, TUNED, place, settings_of

from workbench.core.compose import realize
from workbench.core.generate.generation import Kept, lock_set, settings_for
from workbench.core.generate.jobs import Jobs
from workbench.core.generate.live import Order
from workbench.core.generate.replay import replay
from workbench.core.library import rollouts
from workbench.core.library.database import Database
from workbench.core.library.generations import batch_of, begin, find_generation, unfinished_batches
from workbench.core.library.takes import find_take, search_takes, takes_of
from workbench.core.music.request import Request
from workbench.core.music.structure import piece_id

ROOT = Path(__file__).parents[3]
LONG = Request(duration=120, form="rondo", period="classical")


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/jobs.sqlite3").upgrade()
    yield made
    made.close()


@pytest.fixture
def jobs(server: Loopback, database: Database) -> Iterator[Jobs]:
    server.forget()
    made = Jobs(settings_of(server, WORKBENCH_MODEL_TIMEOUT=20), database)
    yield made
    made.close()


def order(jobs: Jobs, request: Request = SHORT, **changes: object) -> Order:
    return Order(request, settings_for(jobs.settings, **({"seed": 3, "examples": 0} | changes)), "one")


def until(true: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def test_a_generation_is_kept_with_its_take_and_its_trace(jobs: Jobs, database: Database) -> None:
    batch = jobs.start([order(jobs)], "me")
    live = jobs.batch(batch)[0]
    assert jobs.wait(live.id, 20)
    assert live.state == "done"
    record = find_generation(database, live.id)
    assert record is not None
    assert (record.state, record.outcome, record.provider, record.model) == (
        "done",
        "first-try",
        "openai",
        "loop-large",
    )
    assert record.trace
    take = takes_of(database, "me")[0]
    assert take.generation_id == live.id
    assert live.generation is not None
    assert take.structure == live.generation.structure


def test_several_run_side_by_side(jobs: Jobs, database: Database, server: Loopback) -> None:
    server.behave = lambda _: Slow(0.01)
    try:
        orders = [order(jobs, seed=seed) for seed in range(4)] + [order(jobs, provider="rules")]
        batch = jobs.start(orders, "me")
        until(lambda: server.in_flight >= 4)
        for live in jobs.batch(batch):
            assert jobs.wait(live.id, 30)
    finally:
        server.behave = None
    assert [record.state for record in batch_of(database, batch)] == ["done"] * 5
    assert [record.position for record in batch_of(database, batch)] == list(range(5))


def test_the_piece_grows_section_by_section(jobs: Jobs, server: Loopback) -> None:
    server.queue(Slow(0.004))
    live = jobs.batch(jobs.start([order(jobs, LONG)], "me"))[0]
    seen: list[int] = []
    until(lambda: live.sections > 0 or not live.running)
    while live.running:
        if live.growing is not None and (not seen or live.sections > seen[-1]):
            seen.append(live.sections)
            assert len(live.growing.sections) == live.sections
            realize(live.growing)
        time.sleep(0.005)
    assert live.state == "done"
    assert seen == sorted(set(seen))
    assert len(seen) >= 3
    assert seen[0] == 1


def test_what_was_complete_is_kept_when_it_is_stopped(jobs: Jobs, server: Loopback, database: Database) -> None:
    server.queue(Slow(0.01))
    live = jobs.batch(jobs.start([order(jobs, LONG)], "me"))[0]
    until(lambda: live.sections >= 2)
    jobs.stop(live.id)
    assert jobs.wait(live.id, 10)
    assert live.state == "stopped"
    take = takes_of(database, "me")[0]
    assert take.change == "stopped"
    assert 2 <= len(take.structure.sections) < 9
    record = find_generation(database, live.id)
    assert record is not None
    assert record.state == "stopped"
    until(lambda: server.in_flight == 0, 5)


def test_stopping_before_the_first_section_leaves_nothing_behind(
    jobs: Jobs, server: Loopback, database: Database
) -> None:
    server.queue(Hang(30))
    live = jobs.batch(jobs.start([order(jobs)], "me"))[0]
    until(lambda: server.in_flight == 1)
    jobs.stop(live.id)
    assert jobs.wait(live.id, 10)
    assert live.state == "stopped"
    assert takes_of(database, "me") == ()


def test_a_mistake_of_the_person_ends_it_in_words(jobs: Jobs, database: Database) -> None:
    live = jobs.batch(jobs.start([order(jobs, template="no-such")], "me"))[0]
    assert jobs.wait(live.id, 10)
    assert live.state == "failed"
    assert "no-such" in live.message
    record = find_generation(database, live.id)
    assert record is not None
    assert record.state == "failed"
    assert record.message == live.message


def test_closing_keeps_what_was_complete(server: Loopback, database: Database) -> None:
    server.forget()
    jobs = Jobs(settings_of(server), database)
    server.queue(Slow(0.01))
    live = jobs.batch(jobs.start([order(jobs, LONG)], "me"))[0]
    until(lambda: live.sections >= 1)
    jobs.close()
    assert takes_of(database, "me")[0].change == "stopped"
    assert unfinished_batches(database, "me") == ()


def test_a_caller_gets_an_answer_and_a_row(jobs: Jobs, database: Database) -> None:
    id, generation = asyncio.run(jobs.answer(order(jobs, provider="rules"), "token:x"))
    record = find_generation(database, id)
    assert record is not None
    assert record.structure == generation.structure.to_dict()
    assert takes_of(database, "token:x") == ()


def test_a_caller_who_goes_away_stops_the_model(jobs: Jobs, server: Loopback) -> None:
    server.queue(Hang(30))

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await jobs.answer(order(jobs), "token:x")

    asyncio.run(leave())
    until(lambda: server.in_flight == 0, 5)


def test_the_models_of_the_endpoint_are_listed_with_their_last_days(jobs: Jobs) -> None:
    models = {model.id: model for model in jobs.models("openai")}
    assert "loop-large" in models
    assert any(model.shutdown is not None for model in models.values())


@pytest.mark.parametrize(
    "failures", [(), (Status(404),), (Status(401), Status(401)), (HangMidStream(0.4, 0.1),)], ids=str
)
@pytest.mark.parametrize("variant", ["base", "ft"])
def test_a_replay_comes_to_the_same_piece(
    jobs: Jobs, server: Loopback, database: Database, failures: tuple[object, ...], variant: str
) -> None:
    server.queue(*failures)
    live = jobs.run(order(jobs, variant=variant), "me")
    record = find_generation(database, live.id)
    assert record is not None
    server.forget()
    result = replay(record, jobs.workshop)
    assert result.same, result.words
    assert server.seen == []


# --- the registry ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Loopback]:
    with Loopback(key="none", models=[{"id": "acme-music-7"}, {"id": "acme-music-8"}]) as server:
        yield server


def test_a_change_of_the_rollout_takes_effect_without_a_restart(
    jobs: Jobs, database: Database, elsewhere: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "FRESH", 0.02)
    elsewhere.forget()

    def writer() -> str | None:
        time.sleep(0.03)  # longer than a reading counts
        record = find_generation(database, jobs.run(order(jobs), "me").id)
        assert record is not None
        assert "acme-music" not in json.dumps(record.trace)
        return record.model

    at = {"endpoint": elsewhere.url}
    assert writer() == "loop-large"
    place(database, "a" * 16, "acme-music-7", "candidate", **at)
    assert writer() == "loop-large"
    place(database, "a" * 16, "acme-music-7", "live", **at)
    assert writer() == "fine-tuned aaaaaaaa"
    place(database, "b" * 16, "acme-music-8", "canary", share=1.0, **at)
    assert writer() == "fine-tuned bbbbbbbb"
    place(database, "b" * 16, "acme-music-8", "retired", **at)
    assert writer() == "fine-tuned aaaaaaaa"
    elsewhere.queue(EchoModel(), Say("It was acme-music-8, not acme-music-7."))
    assert writer() == "fine-tuned aaaaaaaa"
    assert writer() == "loop-large"
    with database.writing() as session:
        session.execute(sql("UPDATE tuned_models SET blocked = 'rights'"))
    assert writer() == "loop-large"
    kept = [str(row) for table in ("generations", "takes", "usage") for row in rows_of(database, table)]
    assert not [row for row in kept if "acme-music" in row or elsewhere.url in row]


def rows_of(database: Database, table: str) -> list[object]:
    with database.reading() as session:
        return list(session.execute(sql(f"SELECT * FROM {table}")))


@pytest.mark.parametrize("failures", [0, 1, 2], ids=["canary", "live", "the rest"])
@pytest.mark.parametrize("provider", ["openai", "adapt", "rules"])
def test_a_replay_of_registered_models_comes_to_the_same_piece(
    server: Loopback, elsewhere: Loopback, database: Database, failures: int, provider: str
) -> None:
    place(database, "a" * 16, "acme-music-7", "live", endpoint=elsewhere.url)
    place(database, "b" * 16, "acme-music-8", "canary", share=1.0, endpoint=elsewhere.url)
    made = Jobs(settings_of(server, WORKBENCH_PROVIDER=provider), database)
    try:
        elsewhere.queue(*[Status(404)] * failures)
        live = made.run(order(made), "me")
        record = find_generation(database, live.id)
        assert record is not None
        behind = {"openai": "loop-large", "adapt": None, "rules": None}[provider]
        assert record.model == ["fine-tuned bbbbbbbb", "fine-tuned aaaaaaaa", behind][failures]
        server.forget()
        elsewhere.forget()
        result = replay(record, made.workshop)
        assert result.same, result.words
        assert result.generation is not None
        assert result.generation.provider == record.provider
        assert server.seen + elsewhere.seen == []
    finally:
        made.close()


def test_a_replay_of_a_regeneration_knows_what_was_kept(jobs: Jobs, database: Database) -> None:
    first = jobs.run(order(jobs), "me").structure
    assert first is not None
    kept = Kept(first, lock_set([[0, None]]))
    live = jobs.run(Order(SHORT, settings_for(jobs.settings, seed=9, examples=0), kept=kept), "me")
    record = find_generation(database, live.id)
    assert record is not None
    assert replay(record, jobs.workshop).same


def test_a_replay_tells_when_the_piece_differs(jobs: Jobs, database: Database) -> None:
    live = jobs.run(order(jobs), "me")
    with database.writing() as session:
        session.execute(sql("UPDATE generations SET structure = '{}' WHERE id = :id"), {"id": live.id})
    record = find_generation(database, live.id)
    assert record is not None
    result = replay(record, jobs.workshop)
    assert not result.same
    assert result.words


def test_no_row_names_a_fine_tuned_model_or_a_key(jobs: Jobs, server: Loopback, database: Database) -> None:
    from loopback import EchoModel, Leaky

    server.queue(EchoModel(), Leaky(), EchoModel(), Status(404))
    for seed in range(4):
        jobs.run(order(jobs, variant="ft", seed=seed), "me")
    server.queue(Slow(0.005), EchoModel())
    live = jobs.batch(jobs.start([order(jobs, LONG, variant="ft")], "me"))[0]
    until(lambda: live.sections >= 1 or not live.running)
    time.sleep(1.2)
    jobs.stop(live.id)
    jobs.wait(live.id, 10)
    with database.reading() as session:
        for table in ("generations", "takes", "usage", "drafts", "templates", "settings", "tokens", "submissions"):
            for row in session.execute(sql(f"SELECT * FROM {table}")):
                told = json.dumps([str(value) for value in row])
                assert TUNED not in told
                assert server.key not in told


# --- killed ----------------------------------------------------------------------------------------------------------

WORKER = """
import sys, time
sys.path[:0] = [sys.argv[1]]
from workbench.core.generate.generation import settings_for
from workbench.core.generate.jobs import Jobs
from workbench.core.generate.live import Order
from workbench.core.library.database import open_database
from workbench.core.library.drafts import save_draft
from workbench.core.music.request import Request
from workbench.core.settings import load_settings
settings = load_settings()
database = open_database(settings)
jobs = Jobs(settings, database)
number = 0
while True:
    seed = number
    batch = jobs.start([Order(Request(duration=40 + number % 3), settings_for(settings, seed=seed, examples=0))], "me")
    save_draft(database, "me", "compose", {"number": number})
    print("draft", number, flush=True)
    live = jobs.batch(batch)[0]
    if number % 3 != 2:
        jobs.wait(live.id)
        if live.state == "done":
            print("done", live.id, flush=True)
    number += 1
"""


@pytest.mark.parametrize("after", [0.0, 0.13, 0.41, 0.77, 1.3])
def test_a_killed_process_loses_no_finished_take(server: Loopback, tmp_path: Path, after: float) -> None:
    server.forget()
    server.behave = lambda _: Slow(0.002)
    environment = os.environ | {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": server.key,
        "WORKBENCH_PROVIDER": "openai",
        "WORKBENCH_MODEL_BASE": "loop-large",
        "WORKBENCH_DATA_DIR": str(tmp_path),
    }
    try:
        with subprocess.Popen(
            [sys.executable, "-c", WORKER, str(ROOT)], env=environment, stdout=subprocess.PIPE, text=True
        ) as worker:
            assert worker.stdout is not None
            first = worker.stdout.readline()
            time.sleep(after)
            os.kill(worker.pid, signal.SIGKILL)
            told = [first.split(), *(line.split() for line in worker.stdout)]
    finally:
        server.behave = None
    database = Database(f"sqlite:///{tmp_path}/workbench.sqlite3").upgrade()
    try:
        with database.reading() as session:
            assert session.execute(sql("PRAGMA integrity_check")).scalar() == "ok"
        for word, name in (line for line in told if len(line) == 2):
            if word == "done":
                record = find_generation(database, name)
                assert record is not None
                assert record.state == "done"
                assert record.structure is not None
                assert any(take.generation_id == name for take in search_takes(database, most=1000)[0])
        from workbench.core.library.drafts import load_draft

        last = max(int(name) for word, name in told if word == "draft")
        draft = load_draft(database, "me", "compose")
        assert draft is not None
        assert draft["number"] >= last
        jobs = Jobs(settings_of(server), database)
        try:
            until(lambda: unfinished_batches(database, "me") == ())
        finally:
            jobs.close()
    finally:
        database.close()


def test_what_a_killed_process_had_written_is_kept(server: Loopback, database: Database) -> None:
    from workbench.core.compose import compose
    from workbench.core.generate.wire import wire_text

    whole = compose(LONG, seed=1)
    begin(
        database, "lost", "batch", 0, visitor="me", owner="elsewhere:1:dead", label="",
        request=LONG.to_dict(), settings={},
    )  # fmt: skip
    half = wire_text(whole)
    with database.writing() as session:
        session.execute(
            sql("UPDATE generations SET state = 'running', partial = :text, beat_at = '2020-01-01 00:00:00'"),
            {"text": half[: int(len(half) * 0.6)]},
        )
    jobs = Jobs(settings_of(server), database)
    try:
        until(lambda: unfinished_batches(database, "me") == ())
    finally:
        jobs.close()
    record = find_generation(database, "lost")
    assert record is not None
    assert record.state == "interrupted"
    take = takes_of(database, "me")[0]
    assert 1 <= len(take.structure.sections) < len(whole.sections)
    for kept, section in zip(take.structure.sections, whole.sections, strict=False):
        assert kept.phrases == section.phrases
    assert find_take(database, piece_id(take.structure), "me") is not None


def test_a_generation_given_up_for_lost_may_still_be_done(jobs: Jobs, server: Loopback, database: Database) -> None:
    server.queue(Slow(0.005))
    live = jobs.batch(jobs.start([order(jobs)], "me"))[0]
    until(lambda: live.state == "running")
    with database.writing() as session:
        session.execute(sql("UPDATE generations SET state = 'interrupted'"))
    assert jobs.wait(live.id, 20)
    record = find_generation(database, live.id)
    assert record is not None
    assert record.state == "done"
    assert takes_of(database, "me")[0].generation_id == live.id
