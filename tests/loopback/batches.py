"""Batches at the loopback provider: their life, poll by poll, and the files that they end in, tidy or not.

The lines are checked and answered as chat requests are; half of what is billed there is not told here.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fine_tuning_jobs import BEGAN
from loopback_behaviours import Behaviour, Status
from loopback_replies import completion, make_reply
from loopback_requests import Refused, check_chat, refuse, usual_error

ENDED = ("completed", "failed", "expired", "cancelled")
MOST_LINES = 50_000
_KNOWN = {"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"}
_CROWDED = ("token_limit_exceeded", "Enqueued token limit reached for this model in this organization.")
_LATE = "This request could not be executed before the completion window expired."


@dataclass(frozen=True)
class BatchPlan:
    """How batches fare that are created from now on.

    ``available``: there are batches at all, else 404. ``polls``: retrievals that each state takes, except the one in
    which it is answered, which takes ``answering``. ``ends``: the state that it comes to. ``share`` of the questions is
    answered by then where it ends early; the rest is in the error file. ``fails``: the code and the message of a failed
    validation. ``behave``: what happens to a question; a ``Status`` is a line of the error file. ``shuffled``,
    ``missing`` (lines left out), ``twice`` (lines repeated, with another answer) and ``odd`` (bytes between the lines)
    are of the output file; ``room``: questions that may wait at a time, else a batch fails; ``uncounted``: answers have
    no usage. ``unmarked``: metadata is lost. ``cancels``: it can be cancelled, which takes ``polls``.
    """

    available: bool = True
    polls: int = 1
    answering: int = 1
    ends: str = "completed"
    share: float = 0.5
    fails: tuple[str, str] = ("invalid_json_line", "Line 1 is no question.")
    behave: Callable[[dict[str, Any]], Behaviour | None] | None = None
    shuffled: bool = False
    missing: int = 0
    twice: int = 0
    odd: tuple[bytes, ...] = ()
    room: int = MOST_LINES
    uncounted: bool = False
    unmarked: bool = False
    cancels: bool = True


class HostedBatch:
    """A batch from its creation on."""

    def __init__(
        self, number: int, body: Mapping[str, Any], lines: list[dict[str, Any]], plan: BatchPlan, *, crowded: bool
    ) -> None:
        self.id = f"batch_loop{number:08d}"
        self.body, self.lines, self.plan, self.crowded = body, lines, plan, crowded
        self.status = "validating"
        self.output_file_id: str | None = None
        self.error_file_id: str | None = None
        self.answered = self.failed = 0
        self._left = plan.polls

    def advance(self) -> bool:
        """One poll passes; whether it has ended with it."""
        if self.status in ENDED:
            return False
        self._left -= 1
        if self._left > 0:
            return False
        self.status = self._next()
        self._left = self.plan.answering if self.status == "in_progress" else self.plan.polls
        return self.status in ENDED

    def _next(self) -> str:
        if self.status == "validating":
            return "failed" if self.plan.ends == "failed" or self.crowded else "in_progress"
        if self.status == "in_progress":
            return "finalizing" if self.plan.ends == "completed" else self.plan.ends
        return "cancelled" if self.status == "cancelling" else "completed"

    def end_soon(self) -> None:
        """The state that it is in ends with the next poll."""
        self._left = 1

    def cancel(self) -> None:
        """Somebody wants it no more."""
        self.status, self._left = "cancelling", self.plan.polls

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        failed = self.status == "failed"
        code, message = _CROWDED if self.crowded else self.plan.fails
        error = {"code": code, "message": message, "param": None, "line": None}
        counts = {"total": len(self.lines), "completed": self.answered, "failed": self.failed}
        return {
            "id": self.id, "object": "batch", "endpoint": self.body["endpoint"], "status": self.status,
            "errors": {"object": "list", "data": [error]} if failed else None,
            "input_file_id": self.body["input_file_id"], "completion_window": "24h",
            "output_file_id": self.output_file_id, "error_file_id": self.error_file_id, "created_at": BEGAN,
            "expires_at": BEGAN + 86_400, "request_counts": counts,
            "metadata": None if self.plan.unmarked else self.body.get("metadata"),
        }  # fmt: skip


class Batches:
    """The batches of a loopback server. ``paid`` are the ids of all questions that were answered, in order."""

    def __init__(self, models: Mapping[str, dict[str, Any]], put: Callable[[str, bytes], str]) -> None:
        self._models, self._put = models, put
        self.plan = BatchPlan()
        self.made: dict[str, HostedBatch] = {}
        self.paid: list[str] = []
        self._numbers = itertools.count(1)

    def forget(self) -> None:
        """Begin anew."""
        self.plan = BatchPlan()
        self.made.clear()
        self.paid.clear()

    def found(self, id: str) -> HostedBatch:
        """A batch by its id.

        Raises:
            Refused: there is none.
        """
        if id not in self.made:
            refuse(f"No batch found with id '{id}'.", param="batch_id", status=404)
        return self.made[id]

    def create(self, body: dict[str, Any] | None, file: Callable[[str], tuple[str, bytes]]) -> dict[str, Any]:
        """Take an order; ``file`` gives the purpose and the bytes of a file.

        Raises:
            Refused: the order is not in order.
        """
        if body is None:
            refuse("We could not parse the JSON body of your request. The API expects a JSON payload.")
        for key in body:
            if key not in _KNOWN:
                refuse(f"Unknown parameter: '{key}'.", param=key, code="unknown_parameter")
        if body.get("completion_window") != "24h":
            refuse("Invalid value for 'completion_window'.", param="completion_window", code="invalid_value")
        if body.get("endpoint") != "/v1/chat/completions":
            refuse("Invalid value for 'endpoint'.", param="endpoint", code="invalid_value")
        marks = body.get("metadata") or {}
        if len(marks) > 16 or any(len(name) > 64 or len(str(value)) > 512 for name, value in marks.items()):
            refuse("Invalid 'metadata'.", param="metadata", code="invalid_value")
        purpose, data = file(str(body.get("input_file_id")))
        if purpose != "batch":
            refuse("The file's purpose must be 'batch'.", param="input_file_id", code="invalid_value")
        lines = _questions(data)
        waiting = sum(len(each.lines) for each in self.made.values() if each.status not in ENDED)
        crowded = waiting + len(lines) > self.plan.room
        made = HostedBatch(next(self._numbers), body, lines, self.plan, crowded=crowded)
        self.made[made.id] = made
        return made.to_dict()

    def retrieve(self, id: str) -> dict[str, Any]:
        """How a batch stands, a poll later.

        Raises:
            Refused: there is none.
        """
        batch = self.found(id)
        if batch.advance():
            self._finish(batch)
        return batch.to_dict()

    def cancel(self, id: str) -> dict[str, Any]:
        """Have a batch left.

        Raises:
            Refused: there is none, or it has ended.
        """
        batch = self.found(id)
        if batch.status in ENDED or not batch.plan.cancels:
            refuse(f"Cannot cancel a batch with status '{batch.status}'.", code="invalid_state", status=409)
        batch.cancel()
        return batch.to_dict()

    def _finish(self, batch: HostedBatch) -> None:
        """Write the files of a batch that has ended."""
        if batch.status == "failed":
            return
        count = len(batch.lines)
        whole = batch.status == "completed"
        reached = count if whole else int(count * batch.plan.share)
        output, errors = [], []
        for at, line in enumerate(batch.lines):
            told = self._answer(line, batch.plan) if at < reached else _not_reached(line, batch.status)
            answered = told["response"] is not None and told["response"]["status_code"] == 200
            (output if answered else errors).append(told)
        batch.answered, batch.failed = len(output), len(errors)
        self.paid += [each["custom_id"] for each in output]
        if output:
            batch.output_file_id = self._put(f"{batch.id}_output.jsonl", _untidy(output, batch.plan))
        if errors:
            batch.error_file_id = self._put(f"{batch.id}_error.jsonl", b"".join(map(_line, errors)))

    def _answer(self, line: dict[str, Any], plan: BatchPlan) -> dict[str, Any]:
        body = line["body"]
        behaviour = plan.behave(body) if plan.behave else None
        try:
            model = check_chat(body, self._models)
            if body.get("stream"):
                refuse("Batches cannot be streamed.", param="stream")
            if isinstance(behaviour, Status):
                raise Refused(behaviour.code, usual_error(behaviour.code))
            answer = completion(make_reply(body, model, behaviour, None, enforce=True))
        except Refused as refused:
            return _result(line, refused.status, refused.body)
        if plan.uncounted:
            del answer["usage"]
        return _result(line, 200, answer)


def _questions(data: bytes) -> list[dict[str, Any]]:
    """The lines of an input file.

    Raises:
        Refused: it is none. (The real service creates the batch, and fails it.)
    """
    lines = [json.loads(line) for line in data.splitlines()]
    ids = [line["custom_id"] for line in lines]
    if not lines or len(lines) > MOST_LINES or len(set(ids)) < len(ids):
        refuse("The input file is empty, too long, or has an id twice.", param="input_file_id")
    for line in lines:
        if (line["method"], line["url"]) != ("POST", "/v1/chat/completions") or set(line) != _IN_A_LINE:
            refuse("A line is no question.", param="input_file_id")
    return lines


_IN_A_LINE = {"custom_id", "method", "url", "body"}


def _result(line: dict[str, Any], status: int, body: Any) -> dict[str, Any]:
    response = {"status_code": status, "request_id": f"req_{line['custom_id']}", "body": body}
    return {"id": f"batch_req_{line['custom_id']}", "custom_id": line["custom_id"], "response": response, "error": None}


def _not_reached(line: dict[str, Any], status: str) -> dict[str, Any]:
    text = _LATE if status == "expired" else "This request was cancelled."
    error = {"code": f"batch_{status}", "message": text}
    return {"id": f"batch_req_{line['custom_id']}", "custom_id": line["custom_id"], "response": None, "error": error}


def _untidy(output: list[dict[str, Any]], plan: BatchPlan) -> bytes:
    """The output file as the plan wants it."""
    lines = output[plan.missing :]
    again = [json.loads(json.dumps(each)) for each in lines[: plan.twice]]
    for each in again:
        each["response"]["body"]["choices"][0]["message"]["content"] = "the second time"
    if plan.shuffled:
        random.Random(0).shuffle(lines)
    pieces = [_line(each) for each in (*lines, *again)]
    for at, odd in enumerate(plan.odd):
        pieces.insert((at * 3) % (len(pieces) + 1), odd + b"\n")
    return b"".join(pieces)


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
