"""The hosted backend, through OpenAI's own client, against a provider on this machine that trains for show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fine_tuning_asking import CHAT, PAIRS, Kept, calls, ended, hosted_of, ordered, started
from fine_tuning_jobs import Plan
from loopback import KEY, Loopback, Status

from workbench.core.errors import (
    DatabaseError,
    ModelBrokeOffError,
    ModelRefusedError,
)
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.training import Metric, Order

AT_ONCE: Any = {"retry_after": 0.01}


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.forget()
    return running


@pytest.fixture(scope="module")
def hosted(running: Loopback) -> HostedTraining:
    return hosted_of(running)


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return ordered(tmp_path, CHAT[:12], CHAT[12:])


def test_a_job_is_trained_and_its_model_is_told(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    order = replace(order, suffix="airia", seed=5, batch_size=4, learning_rate=0.5, epochs=2.0)
    handle = started(hosted, order)
    (job,) = server.tuning.jobs.values()
    assert handle == {"job": job.id, "model": "loop-large"}
    told = {"n_epochs": 2, "batch_size": 4, "learning_rate_multiplier": 0.5}
    assert job.asked.body["method"] == {"type": "supervised", "supervised": {"hyperparameters": told}}
    assert (job.asked.body["suffix"], job.asked.body["seed"]) == ("airia", 5)
    assert "hyperparameters" not in job.asked.body
    assert job.asked.training == order.train.read_bytes()
    states = [hosted.status(handle).state for _ in range(6)]
    assert states == ["queued", "running", "running", "running", "running", "succeeded"]
    done = hosted.status(handle)
    assert done.model
    assert done.model.startswith("ft:loop-large:acme:airia:")
    assert (done.raw, done.seconds, done.problem) == ("succeeded", 360.0, "")
    assert done.trained_tokens == len(order.train.read_bytes()) // 4 * 2
    assert [each.step for each in done.checkpoints] == [3, 6]
    assert done.checkpoints[-1].model == done.model
    assert done.checkpoints[0].metrics


def test_preference_pairs_are_trained_with_their_beta(hosted: HostedTraining, server: Loopback, tmp_path: Path) -> None:
    order = replace(ordered(tmp_path, PAIRS[:12], PAIRS[12:], beta=0.2, epochs=1), method="dpo")
    hosted.refuse(order)
    assert ended(hosted, started(hosted, order)).state == "succeeded"
    (job,) = server.tuning.jobs.values()
    assert job.asked.hyperparameters == {"n_epochs": 1, "beta": 0.2}


def test_a_handle_is_all_that_a_restart_needs(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    handle = json.loads(json.dumps(started(hosted, order)))
    assert KEY not in json.dumps(handle)
    assert ended(hosted_of(server), handle).state == "succeeded"


def test_events_are_told_once_and_in_order(hosted: HostedTraining, order: Order) -> None:
    handle = started(hosted, replace(order, epochs=12))
    told, after = [], ""
    for _ in range(8):
        new = hosted.events(handle, after)
        told += new
        after = told[-1].id
        hosted.status(handle)
    assert len(told) > 144
    assert [each.id for each in told] == sorted({each.id for each in told})
    assert told == list(hosted.events(handle))
    assert told[0].message.startswith("Created fine-tuning job")
    assert told[-1].message == "The job has successfully completed"
    assert told[0].at < told[-1].at


def test_the_curve_grows_and_no_point_is_lost(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    server.tuning.plan = Plan(running=8)
    handle = started(hosted, replace(order, epochs=10))
    points: list[Metric] = []
    sizes = []
    for _ in range(8):
        hosted.status(handle)
        points += hosted.metrics(handle, points[-1].step if points else -1)
        sizes.append(len(points))
    assert sizes[0] == 0 < sizes[1] < sizes[2] < sizes[-1] == 120
    assert [point.step for point in points] == list(range(1, 121))
    assert points[-1].train_loss is not None
    assert points[0].train_loss is not None
    assert points[-1].train_loss < points[0].train_loss / 5
    assert points[-1].valid_loss
    assert points[-1].valid_accuracy
    assert list(hosted.metrics(handle)) == points


@pytest.mark.parametrize("plan", [Plan(), Plan(encoded=True), Plan(results=False)], ids=["csv", "base64", "no file"])
def test_the_result_file_fills_the_curve(hosted: HostedTraining, server: Loopback, order: Order, plan: Plan) -> None:
    server.tuning.plan = plan
    handle = started(hosted, order)
    assert ended(hosted, handle).state == "succeeded"
    whole = hosted.metrics(handle)
    (job,) = server.tuning.jobs.values()
    job.events = [event for event in job.events if event["type"] != "metrics" or event["data"]["step"] % 2]
    thinned = hosted.metrics(handle)
    assert thinned == (whole if plan.results else whole[::2])


def test_a_result_file_that_is_gone_is_no_trouble(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    handle = started(hosted, order)
    ended(hosted, handle)
    (job,) = server.tuning.jobs.values()
    del server.tuning.files[job.result_files[0]]
    assert len(hosted.metrics(handle)) == 36


def test_a_job_is_cancelled_and_what_has_ended_stays(hosted: HostedTraining, order: Order) -> None:
    handle = started(hosted, order)
    hosted.cancel(handle)
    assert hosted.status(handle).state == "cancelled"
    hosted.cancel(handle)
    assert hosted.status(handle).state == "cancelled"


LEFT_OUT = (
    "created_at", "finished_at", "seed", "organization_id", "hyperparameters", "method", "result_files", "error",
    "level", "type", "trained_tokens", "object", "metrics", "has_more", "validation_file", "bytes", "filename",
)  # fmt: skip


def test_a_service_that_leaves_out_most_is_understood(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    server.tuning.plan = Plan(lacks=LEFT_OUT)
    handle = started(hosted, order)
    done = ended(hosted, handle)
    assert done.model
    assert (done.state, done.seconds, done.trained_tokens) == ("succeeded", None, None)
    assert [each.metrics for each in done.checkpoints] == [None] * 3
    assert hosted.events(handle)[-1].message == "The job has successfully completed"
    assert hosted.metrics(handle) == ()


@pytest.mark.parametrize("lacking", ["id", "status", "data"])
def test_what_nothing_can_be_done_without_is_missed(
    hosted: HostedTraining, server: Loopback, order: Order, lacking: str
) -> None:
    handle = started(hosted, order)
    server.tuning.plan = Plan(lacks=(lacking,))
    if lacking == "status":
        assert hosted.status(handle).state == "unknown"
    elif lacking == "id":
        with pytest.raises(ModelBrokeOffError, match="no answer"):
            hosted.status(handle)
    else:
        assert hosted.events(handle) == ()


def test_paused_and_unknown_statuses_are_told(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    server.tuning.plan = Plan(odd="warming_up", pauses=True)
    handle = started(hosted, order)
    seen = [(each.state, each.raw) for each in (hosted.status(handle) for _ in range(8))]
    assert ("unknown", "warming_up") in seen
    assert seen[-1] == ("paused", "paused")


@pytest.mark.parametrize(
    ("plan", "says", "hint"),
    [
        (Plan(check_uploads=False), "cannot use the training file. Line 12: not valid JSON", "Correct the rows"),
        (Plan(fails=("internal", "It broke.")), "The training failed. It broke.", "need not be uploaded again"),
        (Plan(fails=("insufficient_quota", "")), "quota is used up", "plan and billing"),
    ],
    ids=["a broken file", "halfway", "no money"],
)
def test_a_failed_job_says_why(
    hosted: HostedTraining, server: Loopback, tmp_path: Path, plan: Plan, says: str, hint: str
) -> None:
    server.tuning.plan = plan
    rows = [*CHAT[:11], CHAT[11][:-30]] if not plan.check_uploads else CHAT[:12]
    failed = ended(hosted, started(hosted, ordered(tmp_path, rows)))
    assert (failed.state, failed.model) == ("failed", None)
    assert says in failed.problem
    assert hint in failed.hint


def test_a_job_that_cannot_be_stopped_is_told(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    handle = started(hosted, order)
    server.tuning.queue(Status(400))
    with pytest.raises(ModelRefusedError, match="refuses the call"):
        hosted.cancel(handle)


def test_a_job_that_came_to_nothing_is_created_anew(hosted: HostedTraining, server: Loopback, order: Order) -> None:
    kept = Kept()
    first = started(hosted, order, kept)
    hosted.cancel(first)
    second = started(hosted, order, kept)
    assert first["job"] != second["job"]
    assert calls(server, "POST", "/v1/files") == 2


def test_what_cannot_be_kept_is_told_as_it_is(hosted: HostedTraining, order: Order) -> None:
    def full(_held: Mapping[str, Any]) -> None:
        raise DatabaseError("The disk is full.")

    with pytest.raises(DatabaseError, match="disk is full"):
        hosted.start(order, {}, full)
