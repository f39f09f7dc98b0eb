"""The loopback provider's batches live and end as real ones do, as OpenAI's own client sees them."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from batches import BatchPlan
from loopback import Loopback, Status
from loopback_asking import user
from openai import OpenAI


def questions(count: int = 4) -> bytes:
    lines = [
        {
            "custom_id": f"q{at}", "method": "POST", "url": "/v1/chat/completions",
            "body": {"model": "loop-large", "messages": user(), "seed": at},
        }
        for at in range(count)
    ]  # fmt: skip
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def made(client: OpenAI, data: bytes | None = None, **more: Any) -> Any:
    file = client.files.create(file=("questions.jsonl", data or questions()), purpose="batch")
    order: dict[str, Any] = {
        "input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h",
    }  # fmt: skip
    return client.batches.create(**order | more)


def life(client: OpenAI, id: str) -> list[str]:
    """The states from the creation to the end."""
    found = []
    while not found or found[-1] not in ("completed", "failed", "expired", "cancelled"):
        found.append(client.batches.retrieve(id).status)
    return found


def lines(client: OpenAI, file: str | None) -> list[dict[str, Any]]:
    assert file is not None
    return [json.loads(line) for line in client.files.content(file).text.splitlines()]


def test_a_batch_is_answered_and_its_file_holds_chat_completions(server: Loopback, client: OpenAI) -> None:
    batch = made(client, metadata={"mark": "mine"})
    assert (batch.status, batch.metadata, batch.request_counts.total) == ("validating", {"mark": "mine"}, 4)
    assert life(client, batch.id) == ["in_progress", "finalizing", "completed"]
    ended = client.batches.retrieve(batch.id)
    assert (ended.request_counts.completed, ended.error_file_id) == (4, None)
    found = lines(client, ended.output_file_id)
    assert [each["custom_id"] for each in found] == ["q0", "q1", "q2", "q3"] == server.tuning.batches.paid
    assert all(json.loads(each["response"]["body"]["choices"][0]["message"]["content"]) for each in found)
    assert [each.id for each in client.batches.list()] == [batch.id]
    with pytest.raises(openai.ConflictError):
        client.batches.cancel(batch.id)


def test_batches_end_otherwise(server: Loopback, client: OpenAI) -> None:
    batches = server.tuning.batches
    batches.plan = BatchPlan(ends="failed")
    failed = made(client)
    assert life(client, failed.id) == ["failed"]
    assert client.batches.retrieve(failed.id).errors.data[0].code == "invalid_json_line"  # type: ignore[union-attr,index]
    batches.plan = BatchPlan(ends="expired", behave=lambda body: Status(500) if body["seed"] == 0 else None)
    late = made(client)
    assert life(client, late.id) == ["in_progress", "expired"]
    ended = client.batches.retrieve(late.id)
    assert [each["custom_id"] for each in lines(client, ended.output_file_id)] == ["q1"]
    errors = lines(client, ended.error_file_id)
    assert errors[0]["response"]["status_code"] == 500
    assert [each["error"]["code"] for each in errors[1:]] == ["batch_expired"] * 2
    batches.plan = BatchPlan(answering=100, share=0.0)
    left = made(client)
    assert client.batches.retrieve(left.id).status == "in_progress"
    assert client.batches.cancel(left.id).status == "cancelling"
    assert life(client, left.id) == ["cancelled"]
    assert client.batches.retrieve(left.id).output_file_id is None


def test_what_is_out_of_order_is_refused(server: Loopback, client: OpenAI) -> None:
    for wrong in (
        {"endpoint": "/v1/embeddings"}, {"completion_window": "1h"}, {"input_file_id": "file-none"},
        {"metadata": {str(at): "x" for at in range(17)}},
    ):  # fmt: skip
        with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
            made(client, **wrong)
    with pytest.raises(openai.BadRequestError):
        made(client, questions(1) * 2)
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve("batch_none")
    server.tuning.batches.plan = BatchPlan(available=False)
    with pytest.raises(openai.NotFoundError):
        client.batches.list()
