"""The base model and what was tuned from it are asked the same held-out requests, and what they answer is counted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Loopback, Say, Slow, Status

from tests.core.datasets.small_version import copied
from tests.core.finetune.following_material import begun, settings_for, until
from workbench.core.datasets.versions import Version
from workbench.core.errors import ConflictError, InvalidInputError, WorkbenchError
from workbench.core.finetune import measuring
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.compliance import Compliance
from workbench.core.finetune.following import Follower
from workbench.core.finetune.measuring import Measurements, measure_training
from workbench.core.finetune.trainings import Training, find_training, keep_compliance, try_again
from workbench.core.library.database import Database, now
from workbench.core.settings import Settings

KEY = "sk-" + "m" * 40


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback(KEY) as server:
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
def trained(
    kept: tuple[Database, Version], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> tuple[Database, Training]:
    monkeypatch.setattr(HostedTraining, "pace", 0.01)
    monkeypatch.setattr(measuring, "TELL", 0.0)
    database, version = kept
    training = begun(database, settings, version)
    done = Follower(settings, database).follow(training.id)
    assert done is not None
    assert done.state == "succeeded"
    return database, done


def test_both_models_are_asked_the_same_and_the_counts_are_kept(
    trained: tuple[Database, Training], settings: Settings, server: Loopback
) -> None:
    database, training = trained
    server.seen.clear()
    server.queue(Say("No music today."), Say("No music today."))
    seen: list[tuple[str, int, int]] = []
    state = measure_training(database, settings, training.id, told=lambda *words: seen.append(words))
    base, tuned = (Compliance.from_dict(state[name]) for name in ("base", "tuned"))
    assert (base.rows, base.fits) == (2, 0)
    assert base.failures
    assert (tuned.rows, tuned.json) == (2, 2)
    assert tuned.fits > base.fits
    assert seen == [("base", 1, 4), ("base", 2, 4), ("tuned", 3, 4), ("tuned", 4, 4)]
    calls = [call for call in server.seen if call.path.endswith("/chat/completions")]
    assert [call.body["model"] for call in calls] == ["loop-large"] * 2 + [training.model] * 2
    assert [call.body["messages"] for call in calls[:2]] == [call.body["messages"] for call in calls[2:]]
    assert not any("response_format" in call.body for call in calls)  # nothing holds them to the schema
    kept = find_training(database, training.id)
    assert kept is not None
    assert kept.compliance == state
    assert state["state"] == "done"
    assert KEY not in str(state)
    failed = measured_anew(database, training.id)
    assert failed is None  # what is tried again is another model


def measured_anew(database: Database, id: str) -> object:
    from sqlalchemy import update

    from workbench.core.library.tuning_tables import TrainingRow

    with database.writing() as session:
        session.execute(update(TrainingRow).where(TrainingRow.id == id).values(state="failed"))
    return try_again(database, id).compliance


def test_a_model_that_cannot_be_asked_is_told_without_the_key(
    trained: tuple[Database, Training], settings: Settings, server: Loopback
) -> None:
    database, training = trained
    server.queue(*[Status(401, message=f"Incorrect API key provided: {KEY}")] * 4)
    with pytest.raises(WorkbenchError):
        measure_training(database, settings, training.id)
    kept = find_training(database, training.id)
    assert kept is not None
    assert kept.compliance is not None
    assert kept.compliance["state"] == "failed"
    assert "key" in kept.compliance["message"]
    assert KEY not in str(kept.compliance)


def test_a_measurement_beside_a_page_is_watched_and_stopped(
    trained: tuple[Database, Training], settings: Settings, server: Loopback
) -> None:
    database, training = trained
    beside = Measurements(settings, database)
    server.queue(*[Slow(0.3, 4000)] * 4)
    beside.begin(training.id)
    beside.begin(training.id)  # twice is once
    until(database, training.id, lambda each: bool((each.compliance or {}).get("done")))
    with pytest.raises(ConflictError):
        measure_training(database, settings, training.id)
    beside.stop(training.id)
    stopped = until(database, training.id, lambda each: (each.compliance or {})["state"] == "failed")
    assert (stopped.compliance or {})["message"] == "It was stopped."
    for thread in threading.enumerate():
        if thread.name.startswith("measuring"):
            thread.join(10)
    assert not beside.runs(training.id)


def test_one_that_was_left_may_be_measured_again(trained: tuple[Database, Training], settings: Settings) -> None:
    database, training = trained
    left = {"state": "running", "owner": "elsewhere:1:beef", "done": 1, "total": 4, "at": "2026-01-01T00:00:00+00:00"}
    keep_compliance(database, training.id, left)
    assert measure_training(database, settings, training.id)["state"] == "done"
    keep_compliance(database, training.id, {**left, "at": now().isoformat()})
    with pytest.raises(ConflictError):
        measure_training(database, settings, training.id)


def test_what_cannot_be_measured_is_refused(
    kept: tuple[Database, Version], settings: Settings, server: Loopback
) -> None:
    database, version = kept
    for id in ("nothing", begun(database, settings, version).id):
        with pytest.raises(InvalidInputError):
            measure_training(database, settings, id)
        with pytest.raises(InvalidInputError):
            Measurements(settings, database).begin(id)
