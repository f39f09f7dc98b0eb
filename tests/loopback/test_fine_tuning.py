"""The loopback provider takes OpenAI's own client through the life of a fine-tuning job, and fails as planned."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import openai
import pytest
from fine_tuning_jobs import Plan
from loopback import Cut, Loopback, Slow, Status
from loopback_asking import said
from openai import OpenAI
from training_rows import written

CHAT, PAIRS = written("openai-chat"), written("openai-dpo")
SUPERVISED = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}


def uploaded(client: OpenAI, data: bytes = CHAT) -> str:
    return client.files.create(file=("train.jsonl", data), purpose="fine-tune").id


def created(client: OpenAI, **more: Any) -> Any:
    asked = {"model": "loop-large", "training_file": more.pop("training_file", None) or uploaded(client), **more}
    return client.fine_tuning.jobs.create(**asked)


def polled(client: OpenAI, job: str, end: str = "succeeded", most: int = 30) -> list[str]:
    """The statuses until one comes, each once."""
    seen: list[str] = []
    for _ in range(most):
        status: str = client.fine_tuning.jobs.retrieve(job).status
        seen += [status] if status not in seen else []
        if status == end:
            return seen
    raise AssertionError(f"{end} never came: {seen}")


def refused(client: OpenAI, **more: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        created(client, **more)
    return caught.value


def test_a_job_goes_through_its_life_and_makes_a_model_that_answers(client: OpenAI) -> None:
    job = created(client, method=SUPERVISED, suffix="airia", seed=7, validation_file=uploaded(client))
    assert (job.status, job.seed, job.fine_tuned_model, job.trained_tokens) == ("validating_files", 7, None, None)
    assert polled(client, job.id) == ["queued", "running", "succeeded"]
    done = client.fine_tuning.jobs.retrieve(job.id)
    assert done.fine_tuned_model.startswith("ft:loop-large:acme:airia:")
    assert done.trained_tokens > 0
    assert done.finished_at > done.created_at
    assert done.fine_tuned_model in [model.id for model in client.models.list()]
    assert said(client, model=done.fine_tuned_model)["key"] == "d minor"


def test_events_come_in_pages_newest_first(client: OpenAI, server: Loopback) -> None:
    job = created(client, method=SUPERVISED)
    polled(client, job.id)
    server.seen.clear()
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=10))
    assert len(events) == len({event.id for event in events}) > 36
    assert (events[0].message, events[-1].message) == (
        "The job has successfully completed",
        f"Created fine-tuning job: {job.id}",
    )
    assert len(server.seen) == -(-len(events) // 10)
    steps: Any = [event.data for event in events if event.type == "metrics"]
    assert [step["step"] for step in steps] == list(range(36, 0, -1))
    assert steps[0]["train_loss"] < steps[-1]["train_loss"] / 5
    assert "valid_loss" not in steps[0]


@pytest.mark.parametrize("encoded", [False, True])
def test_the_curves_are_a_file_at_the_end(client: OpenAI, server: Loopback, encoded: bool) -> None:
    server.tuning.plan = Plan(encoded=encoded)
    job = created(client, method=SUPERVISED, validation_file=uploaded(client))
    polled(client, job.id)
    (file,) = client.fine_tuning.jobs.retrieve(job.id).result_files
    data = client.files.content(file).read()
    rows = list(csv.DictReader(io.StringIO((base64.b64decode(data) if encoded else data).decode())))
    assert [int(row["step"]) for row in rows] == list(range(1, 37))
    assert float(rows[-1]["valid_loss"]) > float(rows[-1]["train_loss"])


def test_the_last_three_epochs_are_checkpoints_that_answer(client: OpenAI) -> None:
    method: Any = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 5, "batch_size": 4}}}
    job = created(client, method=method)
    polled(client, job.id)
    found = list(client.fine_tuning.jobs.checkpoints.list(job.id))
    assert [each.step_number for each in found] == [15, 12, 9]
    assert found[1].metrics.train_loss
    assert said(client, model=found[1].fine_tuned_model_checkpoint)["form"] == "ABA"


def test_a_job_is_cancelled_paused_and_resumed(client: OpenAI, server: Loopback) -> None:
    jobs = client.fine_tuning.jobs
    job = created(client)
    assert jobs.pause(job.id).status == "paused"
    assert {jobs.retrieve(job.id).status for _ in range(5)} == {"paused"}
    assert jobs.resume(job.id).status == "running"
    assert jobs.cancel(job.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        jobs.cancel(job.id)
    server.tuning.plan = Plan(pauses=True)
    other = created(client)
    polled(client, other.id, "paused")
    jobs.resume(other.id)
    assert polled(client, other.id)[-1] == "succeeded"
    assert [each.id for each in jobs.list()] == [other.id, job.id]


def test_preference_pairs_are_trained_by_dpo(client: OpenAI) -> None:
    method: Any = {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 1, "beta": 0.1}}}
    job = created(client, training_file=uploaded(client, PAIRS), method=method)
    assert polled(client, job.id)[-1] == "succeeded"


@pytest.mark.parametrize(
    ("plan", "data", "code", "param", "says"),
    [
        (Plan(check_uploads=False), CHAT[:-30], "invalid_training_file", "training_file", "Line 12: not valid JSON"),
        (Plan(), PAIRS, "invalid_training_file", "training_file", "Line 1: unexpected keys"),
        (Plan(fails=("internal", "It broke.")), CHAT, "internal", None, "It broke."),
    ],
    ids=["a broken file", "another method's file", "halfway"],
)
def test_a_job_fails_and_says_why(
    client: OpenAI, server: Loopback, plan: Plan, data: bytes, code: str, param: str | None, says: str
) -> None:
    server.tuning.plan = plan
    job = created(client, training_file=uploaded(client, data))
    polled(client, job.id, "failed")
    error = client.fine_tuning.jobs.retrieve(job.id).error
    assert (error.code, error.param) == (code, param)
    assert says in error.message


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"model": "loop-gone"}, "model_not_available", "not available for fine-tuning"),
        ({"training_file": "file-gone"}, "invalid_value", "invalid training_file"),
        ({"validation_file": "file-gone"}, "invalid_value", "invalid validation_file"),
        ({"suffix": "x" * 65}, "string_above_max_length", "at most 64"),
        ({"method": {"type": "magic"}}, "invalid_value", "magic"),
        ({"method": {"type": "supervised", "supervised": {"hyperparameters": {"beta": 1}}}}, "unknown_parameter", "be"),
        ({"method": {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 1.5}}}}, "invalid_value", "1.5"),
        ({"extra_body": {"colour": "red"}}, None, "Unrecognized request argument supplied: colour"),
    ],
)
def test_a_job_is_refused(client: OpenAI, change: dict[str, Any], code: str | None, says: str) -> None:
    problem = refused(client, **change)
    assert (problem.status_code, problem.code) == (400, code)
    assert says in problem.message


def test_training_may_be_refused_after_the_upload(client: OpenAI, server: Loopback) -> None:
    server.tuning.plan = Plan(available=False)
    problem = refused(client)
    assert (problem.status_code, problem.code) == (403, "training_not_available")
    assert len(server.tuning.files) == 1


def test_files_are_listed_told_given_back_and_deleted(client: OpenAI, server: Loopback) -> None:
    server.tuning.plan = Plan(file_polls=2)
    id = uploaded(client)
    assert refused(client, training_file=id).code == "file_not_ready"
    assert [client.files.retrieve(id).status for _ in range(2)] == ["pending", "processed"]
    assert [file.id for file in client.files.list(purpose="fine-tune")] == [id]
    assert list(client.files.list(purpose="batch")) == []
    assert client.files.content(id).read() == CHAT
    assert client.files.delete(id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(id)


def test_it_misbehaves_as_queued(client: OpenAI, server: Loopback) -> None:
    job = created(client)
    server.tuning.queue(Status(429), Status(500), Cut(0), Slow(0.01))
    for expected in (openai.RateLimitError, openai.InternalServerError, openai.APIConnectionError):
        with pytest.raises(expected):
            client.fine_tuning.jobs.retrieve(job.id)
    assert client.fine_tuning.jobs.retrieve(job.id).status == "queued"
    server.tuning.queue(Cut(0.5))
    with pytest.raises(openai.APIConnectionError):
        created(client, training_file=job.training_file)
    assert len(server.tuning.jobs) == 2


def test_a_status_that_nobody_knows_may_come(client: OpenAI, server: Loopback) -> None:
    server.tuning.plan = Plan(odd="warming_up")
    assert "warming_up" in polled(client, created(client).id)


def test_it_forgets(client: OpenAI, server: Loopback) -> None:
    polled(client, created(client).id)
    server.forget()
    assert (list(client.files.list()), list(client.fine_tuning.jobs.list())) == ([], [])
    assert len(list(client.models.list())) == 5
