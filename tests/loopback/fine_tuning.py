"""Files, fine-tuning jobs and batches at the loopback provider: uploads, jobs, their pages, results, misbehaviour.

What it checks and says follows OpenAI's reference; what becomes of a job is in ``fine_tuning_jobs``, what becomes of a
batch in ``batches``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from batches import Batches
from fine_tuning_jobs import BEGAN, ENDED, Asked, Job, Plan
from loopback_behaviours import Behaviour, Cut, Slow
from loopback_http import Connection, Incoming, response
from loopback_requests import USUAL, refuse
from loopback_sending import Turn
from training_files import Method, file_object, read_upload

PATHS = ("/v1/files", "/v1/fine_tuning", "/v1/batches")
MAX_SUFFIX, MAX_PAGE, USUAL_PAGE = 64, 100, 20
_KNOWN = {
    "model", "training_file", "validation_file", "method", "suffix", "seed", "metadata", "integrations",
    "hyperparameters",
}  # fmt: skip
_IN_A_METHOD = {
    "supervised": {"n_epochs", "batch_size", "learning_rate_multiplier"},
    "dpo": {"n_epochs", "batch_size", "learning_rate_multiplier", "beta"},
}


@dataclass
class Stored:
    """A file as it is kept; ``polls`` retrievals have yet to come until it is processed."""

    described: dict[str, Any]
    data: bytes
    polls: int = 0


class FineTuning:
    """The part of a loopback server that trains. A model that a job has made joins ``models`` and answers chats."""

    def __init__(self, models: dict[str, dict[str, Any]]) -> None:
        self.models = models
        self.plan = Plan()
        self.behave: Callable[[Incoming], Behaviour | None] | None = None
        self.files: dict[str, Stored] = {}
        self.jobs: dict[str, Job] = {}
        self.batches = Batches(models, self._put)
        self._queue: deque[Behaviour | None] = deque()
        self._numbers = itertools.count(1)
        self._made: set[str] = set()

    def queue(self, *behaviours: Behaviour | None) -> None:
        """The next calls behave like these, one each; None is as usual.

        Known are what replaces an answer (``Status``, ``Hang``, ``Garbage``, ``Leaky``), ``Slow``, and ``Cut``: with
        ``after`` 0 nothing is done, else it is done and the answer is lost.
        """
        self._queue.extend(behaviours)

    def forget(self) -> None:
        """Begin anew: no files, no jobs, no models made, nothing queued, the usual plan."""
        self.plan, self.behave = Plan(), None
        for made in self._made:
            self.models.pop(made, None)
        self.batches.forget()
        for held in (self.files, self.jobs, self._queue, self._made):
            held.clear()

    async def answer(self, connection: Connection, incoming: Incoming, body: dict[str, Any] | None) -> None:
        """Answer a call under one of ``PATHS``, or misbehave.

        Raises:
            Refused: with the status and the body of what is wrong with the call.
        """
        behaviour = self._queue.popleft() if self._queue else self.behave(incoming) if self.behave else None
        turn = Turn(connection, behaviour, 0, 0)
        if await turn.instead({"model": (body or {}).get("model", "")}, incoming.headers["authorization"]):
            return
        if isinstance(behaviour, Slow):
            await asyncio.sleep(behaviour.delay)
        elif behaviour is not None and not isinstance(behaviour, Cut):
            raise TypeError(f"files and jobs know no {type(behaviour).__name__}")
        answer = self._answer(incoming, body)
        if answer is None:
            refuse(f"Invalid URL ({incoming.method} {incoming.path})", status=404)
        if isinstance(answer, bytes):
            whole = response(200, answer, kind="application/octet-stream")
        else:
            whole = response(200, json.dumps(_without(answer, self.plan.lacks)).encode())
        if isinstance(behaviour, Cut):
            await connection.send(whole[: int(len(whole) * behaviour.after)])
            connection.end(reset=behaviour.how == "reset")
        else:
            await connection.send_whole(whole)

    def _answer(self, incoming: Incoming, body: dict[str, Any] | None) -> dict[str, Any] | bytes | None:
        address = urlsplit(incoming.path)
        path = unquote(address.path).rstrip("/")
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        match (incoming.method, *path.removeprefix("/v1/").split("/")):
            case ("POST", "files"):
                return self._upload(incoming)
            case ("GET", "files"):
                files = [each.described for each in reversed(self.files.values())]
                return _page(
                    [each for each in files if each["purpose"] == query.get("purpose", each["purpose"])], query
                )
            case ("GET", "files", id):
                return self._file(id).described
            case ("GET", "files", id, "content"):
                return self._file(id).data
            case ("DELETE", "files", id):
                self._file(id)
                del self.files[id]
                return {"id": id, "object": "file", "deleted": True}
            case ("POST", "fine_tuning", "jobs"):
                return self._create(body)
            case ("GET", "fine_tuning", "jobs"):
                return _page([job.to_dict() for job in reversed(self.jobs.values())], query)
            case ("GET", "fine_tuning", "jobs", id):
                return self._retrieve(id)
            case ("POST", "fine_tuning", "jobs", id, "cancel" | "pause" | "resume" as what):
                return self._change(id, what)
            case ("GET", "fine_tuning", "jobs", id, "events"):
                return _page(self._job(id).events[::-1], query)
            case ("GET", "fine_tuning", "jobs", id, "checkpoints"):
                return _page(self._job(id).checkpoints[::-1], query)
            case (_, "batches", *_) if self.batches.plan.available:
                return self._batches(incoming.method, path, query, body)
            case _:
                return None

    def _batches(
        self, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        match (method, *path.removeprefix("/v1/batches").split("/")[1:]):
            case ("POST",):
                return self.batches.create(body, self._input)
            case ("GET",):
                return _page([each.to_dict() for each in reversed(self.batches.made.values())], query)
            case ("GET", id):
                return self.batches.retrieve(id)
            case ("POST", id, "cancel"):
                return self.batches.cancel(id)
            case _:
                return None

    def _input(self, id: str) -> tuple[str, bytes]:
        stored = self._file(id)
        return stored.described["purpose"], stored.data

    def _put(self, name: str, data: bytes) -> str:
        id = f"file-loop{next(self._numbers):08d}"
        self.files[id] = Stored(self._described(id, name, data, "batch_output"), data)
        return id

    def _upload(self, incoming: Incoming) -> dict[str, Any]:
        upload = read_upload(incoming.headers, incoming.raw)
        id = f"file-loop{next(self._numbers):08d}"
        if self.plan.check_uploads:
            described = file_object(upload, id=id, created=BEGAN)
        else:
            described = self._described(id, upload.name, upload.data, upload.fields.get("purpose", ""))
        self.files[id] = Stored(described, upload.data, self.plan.file_polls)
        if self.plan.file_polls:
            described["status"] = "pending"
        return described

    def _file(self, id: str) -> Stored:
        if id not in self.files:
            refuse(f"No such File object: {id}", param="id", status=404)
        stored = self.files[id]
        if stored.polls:
            stored.polls -= 1
            if not stored.polls:
                broken = self.plan.file_fails
                stored.described |= {"status": "error" if broken else "processed", "status_details": broken or None}
        return stored

    def _create(self, body: dict[str, Any] | None) -> dict[str, Any]:
        if body is None:
            refuse("We could not parse the JSON body of your request. The API expects a JSON payload.")
        for key in body:
            if key not in _KNOWN:
                refuse(f"Unrecognized request argument supplied: {key}")
        if not self.plan.available:
            text = "Training is not available for this organization. Fine-tuning is being wound down."
            refuse(text, code="training_not_available", status=403)
        if body.get("model") not in self.models:
            text = f"Model {body.get('model')} is not available for fine-tuning or does not exist."
            refuse(text, param="model", code="model_not_available")
        if len(body.get("suffix") or "") > MAX_SUFFIX:
            refuse("'suffix' is too long: at most 64 characters.", param="suffix", code="string_above_max_length")
        method, hyperparameters = _method(body)
        training = self._data(body, "training_file")
        assert training is not None
        asked = Asked(body, method, hyperparameters, training, self._data(body, "validation_file"))
        job = Job(next(self._numbers), asked, self.plan)
        self.jobs[job.id] = job
        return job.to_dict()

    def _data(self, body: dict[str, Any], param: str) -> bytes | None:
        id = body.get(param)
        if id is None and param == "validation_file":
            return None
        stored = self.files.get(str(id))
        if stored is None:
            refuse(f"invalid {param}: {id}", param=param, code="invalid_value")
        if stored.described["status"] != "processed":
            refuse(f"The {param} {id} is not ready.", param=param, code="file_not_ready")
        return stored.data

    def _job(self, id: str) -> Job:
        if id not in self.jobs:
            refuse(f"Could not find fine tune: {id}", param="fine_tune_id", code="fine_tune_not_found", status=404)
        return self.jobs[id]

    def _retrieve(self, id: str) -> dict[str, Any]:
        job = self._job(id)
        job.advance()
        if job.status == "succeeded" and job.model is not None and job.model not in self._made:
            self._finished(job)
        return job.to_dict()

    def _finished(self, job: Job) -> None:
        """Keep what a job has made: its models answer from now on, its curves are a file."""
        names = [each["fine_tuned_model_checkpoint"] for each in job.checkpoints]
        base = self.models[job.asked.body["model"]]
        for name in names:
            self.models[name] = {**USUAL, **base, "id": name, "fine_tuned": True}
        self._made.update(names)
        if job.plan.results:
            id, data = f"file-loop{next(self._numbers):08d}", job.result()
            self.files[id] = Stored(self._described(id, "step_metrics.csv", data, "fine-tune-results"), data)
            job.result_files.append(id)

    def _change(self, id: str, what: str) -> dict[str, Any]:
        job = self._job(id)
        if job.status in ENDED or (what != "cancel" and (what == "resume") != (job.status == "paused")):
            refuse(f"Job {id} is {job.status}: it cannot be changed by {what}.", code="invalid_job_state")
        getattr(job, what)()
        return job.to_dict()

    @staticmethod
    def _described(id: str, name: str, data: bytes, purpose: str) -> dict[str, Any]:
        return {
            "id": id, "object": "file", "bytes": len(data), "created_at": BEGAN, "filename": name,
            "purpose": purpose, "status": "processed", "status_details": None, "expires_at": None,
        }  # fmt: skip


def _method(body: dict[str, Any]) -> tuple[Method, dict[str, Any]]:
    """The method and its hyperparameters, in order."""
    given = body.get("method") or {"type": "supervised"}
    kind = given.get("type") if isinstance(given, dict) else None
    if kind not in ("supervised", "dpo"):
        refuse(f"Invalid value: '{kind}'.", param="method.type", code="invalid_value")
    values: dict[str, Any] = (given.get(kind) or {}).get("hyperparameters") or {}
    for name, value in values.items():
        param = f"method.{kind}.hyperparameters.{name}"
        if name not in _IN_A_METHOD[kind]:
            refuse(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")
        whole = name in ("n_epochs", "batch_size")
        fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool) and value > 0
        if value != "auto" and not fits:
            refuse(f"Invalid value for '{param}': {value}.", param=param, code="invalid_value")
    return kind, values


def _page(rows: Sequence[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """The page behind the row of the id ``after``, newest first."""
    limit = int(query.get("limit", USUAL_PAGE))
    if not 1 <= limit <= MAX_PAGE:
        refuse(f"Invalid 'limit': {limit}.", param="limit", code="invalid_value")
    start = 0
    if "after" in query:
        ids = [row["id"] for row in rows]
        if query["after"] not in ids:
            refuse(f"No such object: {query['after']}", param="after", status=404)
        start = ids.index(query["after"]) + 1
    data = list(rows[start : start + limit])
    more = start + limit < len(rows)
    return {"object": "list", "data": data, "has_more": more, "first_id": None, "last_id": None}


def _without(value: Any, names: Sequence[str]) -> Any:
    """A JSON value without the members of some names, at any depth."""
    if isinstance(value, dict):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list) else value
