"""Trainings are followed to their end, whatever fails, and by somebody else when their process is gone."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fine_tuning_asking import calls
from fine_tuning_jobs import Plan
from loopback import Cut, Loopback, Slow, Status

from tests.core.datasets.small_version import copied
from tests.core.finetune.following_material import begun, followed_elsewhere, settings_for, until
from workbench.core.datasets.versions import Version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.finetune import following, trainings
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.following import Follower
from workbench.core.finetune.trainings import (
    ask_to_cancel,
    events_of,
    find_training,
    forget,
    metrics_of,
    training_named,
    try_again,
)
from workbench.core.library.database import Database
from workbench.core.settings import Settings


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.forget()
    return running


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Database, Version]]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


@pytest.fixture
def settings(server: Loopback, tmp_path: Path) -> Settings:
    return settings_for(tmp_path, server)


@pytest.fixture
def follower(kept: tuple[Database, Version], settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    monkeypatch.setattr(HostedTraining, "pace", 0.01)
    monkeypatch.setattr(following, "BEAT", 0.05)
    monkeypatch.setattr(following, "REST", 0.1)
    made = Follower(settings, kept[0])
    yield made
    made.close()


def test_a_training_is_followed_to_its_end_with_all_that_is_told(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback
) -> None:
    database, version = kept
    training = begun(database, settings, version, name="first", suffix="airia", seed=7)
    assert (training.state, training.handle, training.endpoint) == ("preparing", None, server.url)
    follower.start()
    done = until(database, training.id, lambda each: bool(each.settled))
    (job,) = server.tuning.jobs.values()
    assert (done.state, done.model, done.owner) == ("succeeded", job.model, "")
    assert done.ended_at is not None
    assert done.trained_tokens
    assert [each["model"] for each in done.checkpoints][-1] == job.model
    assert {event.message for event in events_of(database, done.id)} == {each["message"] for each in job.events}
    points = metrics_of(database, done.id)
    assert [point.step for point in points] == list(range(1, job.steps + 1))  # those of the result file as well
    losses = [point.train_loss for point in points if point.train_loss is not None]
    assert losses[-1] < losses[0]
    assert training_named(database, "first").id == training_named(database, done.id[:6]).id == done.id


def test_a_refusal_after_the_upload_is_told_and_a_second_try_uploads_nothing(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback
) -> None:
    database, version = kept
    server.tuning.plan = Plan(available=False)
    training = begun(database, settings, version)
    follower.start()
    failed = until(database, training.id, lambda each: bool(each.settled))
    assert failed.state == "failed"
    assert "takes no training jobs" in failed.problem
    assert "open weights" in failed.hint
    assert list(failed.kept["files"].values()) == list(server.tuning.files)
    server.tuning.plan = Plan()
    assert try_again(database, training.id).state == "preparing"
    with pytest.raises(ConflictError):
        try_again(database, training.id)
    follower.wake()
    done = until(database, training.id, lambda each: bool(each.settled))
    assert (done.state, done.problem, done.tries) == ("succeeded", "", 2)
    assert calls(server, "POST", "/v1/files") == 1


def test_a_job_that_fails_says_why_and_its_curve_stays_beside_the_next_one(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback
) -> None:
    database, version = kept
    server.tuning.plan = Plan(fails=("server_error", "The machine caught fire."))
    training = begun(database, settings, version)
    follower.start()
    failed = until(database, training.id, lambda each: bool(each.settled))
    assert failed.state == "failed"
    assert "caught fire" in failed.problem
    before = metrics_of(database, training.id)
    assert before
    server.tuning.plan = Plan()
    try_again(database, training.id)
    follower.wake()
    until(database, training.id, lambda each: each.state == "succeeded" and bool(each.settled))
    assert metrics_of(database, training.id, 1) == before
    assert len(metrics_of(database, training.id)) > len(before)
    assert len(server.tuning.jobs) == 2
    assert calls(server, "POST", "/v1/files") == 1


def test_a_training_is_stopped_before_and_after_it_was_taken(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback
) -> None:
    database, version = kept
    early = begun(database, settings, version)
    ask_to_cancel(database, early.id)
    server.tuning.plan = Plan(running=10_000)
    late = begun(database, settings, version)
    follower.start()
    until(database, late.id, lambda each: each.state == "running")
    assert ask_to_cancel(database, late.id).cancel == trainings.ASKED
    for id in (early.id, late.id):
        assert until(database, id, lambda each: bool(each.settled)).state == "cancelled"
    (job,) = server.tuning.jobs.values()
    assert job.status == "cancelled"
    assert ask_to_cancel(database, late.id).state == "cancelled"  # once more does nothing
    forget(database, early.id)
    assert find_training(database, early.id) is None


def test_a_service_that_falls_silent_is_waited_for(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback
) -> None:
    database, version = kept
    server.tuning.plan = Plan(running=30)
    training = begun(database, settings, version)
    follower.start()
    until(database, training.id, lambda each: each.state == "running")
    server.tuning.behave = lambda _: Status(503, retry_after=0.01)
    troubled = until(database, training.id, lambda each: bool(each.trouble))
    assert troubled.state == "running"
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() not in troubled.trouble
    with pytest.raises(ConflictError):
        forget(database, training.id)
    server.tuning.behave = None
    done = until(database, training.id, lambda each: bool(each.settled))
    assert (done.state, done.trouble) == ("succeeded", "")


def test_odd_and_paused_states_are_told_as_they_are(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback
) -> None:
    database, version = kept
    server.tuning.plan = Plan(odd="pondering", pauses=True)
    training = begun(database, settings, version)
    follower.follow_once(training.id)
    (job,) = server.tuning.jobs.values()
    job.advance()  # each look asks for the job twice
    seen = set()
    for _ in range(12):
        found = follower.follow_once(training.id)
        assert found is not None
        seen.add((found.state, found.raw))
    assert {("unknown", "pondering"), ("paused", "paused")} <= seen
    job.resume()
    done = follower.follow(training.id)
    assert done is not None
    assert (done.state, done.settled) == ("succeeded", 1)


def test_a_job_that_its_service_has_lost_has_failed(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback
) -> None:
    database, version = kept
    training = begun(database, settings, version)
    follower.follow_once(training.id)
    server.tuning.jobs.clear()
    done = follower.follow(training.id, lambda _: None)
    assert done is not None
    assert (done.state, done.problem) == ("failed", "The endpoint no longer knows this training.")


def test_a_training_is_not_asked_for_at_another_endpoint(
    kept: tuple[Database, Version], settings: Settings, follower: Follower, server: Loopback, tmp_path: Path
) -> None:
    database, version = kept
    training = begun(database, settings, version)
    follower.follow_once(training.id)
    with Loopback() as other:
        elsewhere = Follower(settings_for(tmp_path, other), database)
        found = elsewhere.follow_once(training.id)
        assert found is not None
        assert server.url in found.trouble
        assert not other.seen
    assert follower.follow(training.id) is not None


def test_one_process_follows_at_a_time(kept: tuple[Database, Version], settings: Settings, server: Loopback) -> None:
    database, version = kept
    training = begun(database, settings, version)
    living = f"{os.uname().nodename[:20]}:{os.getppid()}:cafe"
    assert trainings.claim(database, training.id, living) is not None
    assert Follower(settings, database).follow_once(training.id) is not None
    assert not server.tuning.files  # somebody else has it
    assert not trainings.stands(database, training.id, "nobody", trainings.Status("failed"))
    trainings.let_go(database, training.id, living)
    dead = f"{os.uname().nodename[:20]}:{2**22 + 1}:cafe"
    assert trainings.claim(database, training.id, dead) is not None
    assert trainings.claim(database, training.id, living) is not None  # the dead one is followed


def test_what_there_is_not_is_refused(kept: tuple[Database, Version]) -> None:
    for action in (try_again, ask_to_cancel, forget, training_named):
        with pytest.raises(InvalidInputError):
            action(kept[0], "nothing")


def test_the_app_and_the_service_die_at_random_and_nothing_is_lost_or_done_twice(
    kept: tuple[Database, Version], settings: Settings, server: Loopback, tmp_path: Path
) -> None:
    database, version = kept
    server.tuning.plan = Plan(running=25, file_polls=2)
    faults = random.Random(7)

    def behave(_: object) -> Cut | Slow | Status | None:
        kinds = (Cut(0.0), Cut(0.5), Slow(0.05), Status(502, retry_after=0.01))
        return faults.choice(kinds) if faults.random() < 0.3 else None

    server.tuning.behave = behave  # the service drops connections, before and after it has done what was asked
    training = begun_quietly(database, settings, version, server, behave)
    killed, steps = 0, 0
    end = time.monotonic() + 150
    while not (found := trainings.find_training(database, training.id)) or not found.settled:
        assert time.monotonic() < end, found
        calm = killed >= 4
        killed += followed_elsewhere(training.id, settings, 60 if calm else 1.0 + faults.random() * 1.5)
        points = [point.step for point in metrics_of(database, training.id)]
        assert len(points) >= steps  # no point is lost
        steps = len(points)
        if calm:
            server.tuning.behave = None
    server.tuning.behave = None
    (job,) = server.tuning.jobs.values()
    assert (found.state, found.model) == ("succeeded", job.model)
    assert calls(server, "POST", "/v1/fine_tuning/jobs") >= 1
    assert set(found.kept["files"].values()) == {job.asked.body["training_file"]}
    assert [point.step for point in metrics_of(database, training.id)] == list(range(1, job.steps + 1))
    told = [event.message for event in events_of(database, training.id)]
    assert sorted(told) == sorted(each["message"] for each in job.events)
    assert killed >= 1


def begun_quietly(
    database: Database, settings: Settings, version: Version, server: Loopback, behave: object
) -> trainings.Training:
    """Begin a training while the service behaves, and let it misbehave again."""
    server.tuning.behave = None
    training = begun(database, settings, version, epochs=2)
    server.tuning.behave = behave  # type: ignore[assignment]
    return training
