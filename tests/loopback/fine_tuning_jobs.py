"""The life of a fine-tuning job at the loopback provider: a clock of polls, events, curves, checkpoints, an end.

Nothing is trained: the losses are a curve that falls. Each retrieval of a job moves it on by one poll, which is a
minute of its own time.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import Any

from training_files import Method, problems_in

BEGAN = 1_767_225_600
MINUTE = 60
ENDED = ("succeeded", "failed", "cancelled")
KEPT_CHECKPOINTS = 3
MAX_STEPS = 2_000


@dataclass(frozen=True)
class Plan:
    """How the provider treats what is uploaded and created from now on.

    ``available``: jobs are taken at all, else 403 after the upload. ``check_uploads``: a broken file is refused when it
    is uploaded, else the job fails over it. ``file_polls``: retrievals until an upload is processed, or found broken
    for the reason ``file_fails``. ``polls``:
    retrievals that validating and queueing take, each; ``running`` those of the training. ``odd``: a status nobody has
    heard of, before the training. ``pauses``: halfway it waits until it is resumed. ``fails``: the code and the message
    of a failure halfway. ``results``: there is a result file, in base64 where ``encoded``. ``lacks``: members that no
    answer has, as with services that follow OpenAI loosely.
    """

    available: bool = True
    check_uploads: bool = True
    file_polls: int = 0
    file_fails: str = ""
    polls: int = 1
    running: int = 4
    odd: str = ""
    pauses: bool = False
    fails: tuple[str, str] | None = None
    results: bool = True
    encoded: bool = False
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What a job was created with, its files as their bytes."""

    body: dict[str, Any]
    method: Method
    hyperparameters: dict[str, Any]
    training: bytes
    validation: bytes | None


class Job:
    """A job from its creation on; ``events`` holds what it told, oldest first."""

    def __init__(self, number: int, asked: Asked, plan: Plan) -> None:
        self.id = f"ftjob-loop{number:08d}"
        self.asked, self.plan = asked, plan
        self.status = "validating_files"
        self.error: dict[str, Any] | None = None
        self.model: str | None = None
        self.result_files: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.checkpoints: list[dict[str, Any]] = []
        self.step = self.polls = 0
        self.finished_at: int | None = None
        self._paused_once = False
        self._stages = [
            *["validating_files"] * plan.polls, *["queued"] * plan.polls, *[plan.odd] * bool(plan.odd),
            *["running"] * plan.running,
        ]  # fmt: skip
        rows = asked.training.count(b"\n") or 1
        self.epochs = _number(asked.hyperparameters.get("n_epochs"), 3)
        self._epoch = math.ceil(rows / _number(asked.hyperparameters.get("batch_size"), 1))
        self.steps = min(MAX_STEPS, self._epoch * self.epochs)
        self._tell(f"Created fine-tuning job: {self.id}")
        self._tell(f"Validating training file: {asked.body['training_file']}")

    @property
    def now(self) -> int:
        """Its own time, in seconds since 1970."""
        return BEGAN + MINUTE * self.polls

    def advance(self) -> None:
        """Move on by one poll."""
        if self.status in ENDED or self.status == "paused":
            return
        self.polls += 1
        stage = self._stages[self.polls] if self.polls < len(self._stages) else "succeeded"
        if self.status == "validating_files" and stage != self.status:
            if self._broken():
                return
            self._tell("Files validated, moving job to queued state")
        if stage == "running" and self.status != "running" and not self._paused_once:
            self._tell("Fine-tuning job started")
        self.status = stage
        if stage == "running":
            self._run()
        elif stage == "succeeded":
            self._succeed()

    def cancel(self) -> None:
        """Stop it; what has ended stays as it ended."""
        self._end("cancelled", "The job was cancelled.")

    def resume(self) -> None:
        """Go on after a pause."""
        self.status = "running"
        self._tell("Fine-tuning job resumed")

    def pause(self) -> None:
        """Wait until it is resumed."""
        self.status, self._paused_once = "paused", True
        self._tell("Fine-tuning job paused")

    def result(self) -> bytes:
        """The curves as a CSV file."""
        names = "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
        lines = [names, *(",".join(map(str, self._cells(step))) for step in range(1, self.step + 1))]
        data = ("\n".join(lines) + "\n").encode()
        return base64.b64encode(data) if self.plan.encoded else data

    def to_dict(self) -> dict[str, Any]:
        """The object that OpenAI's client reads."""
        body, told = self.asked.body, {"n_epochs": self.epochs, "batch_size": "auto", "learning_rate_multiplier": 1.8}
        hyperparameters = {**told, **self.asked.hyperparameters}
        method = {"type": self.asked.method, self.asked.method: {"hyperparameters": hyperparameters}}
        trained = len(self.asked.training) // 4 * self.epochs if self.status == "succeeded" else None
        return {
            "id": self.id, "object": "fine_tuning.job", "created_at": BEGAN, "finished_at": self.finished_at,
            "model": body["model"], "fine_tuned_model": self.model, "organization_id": "org-loop",
            "status": self.status, "error": self.error, "hyperparameters": hyperparameters, "method": method,
            "training_file": body["training_file"], "validation_file": body.get("validation_file"),
            "result_files": self.result_files, "trained_tokens": trained, "seed": body.get("seed", 0),
            "estimated_finish": None, "integrations": [], "user_provided_suffix": body.get("suffix"),
            "metadata": body.get("metadata"),
        }  # fmt: skip

    def _broken(self) -> bool:
        """Whether a file is refused, now that somebody has looked at it."""
        for param, data in (("training_file", self.asked.training), ("validation_file", self.asked.validation)):
            found = problems_in(data, method=self.asked.method) if data is not None else []
            if found:
                self._fail(f"invalid_{param}", " ".join(found), param)
                return True
        return False

    def _run(self) -> None:
        running = self.polls - self._stages.index("running") + 1
        self._to_step(self.steps * running // (self.plan.running + 1))
        if running <= self.plan.running // 2:
            return
        if self.plan.fails:
            self._fail(*self.plan.fails, None)
        elif self.plan.pauses and not self._paused_once:
            self.pause()

    def _to_step(self, last: int) -> None:
        while self.step < last:
            self.step += 1
            metrics = self._metrics(self.step)
            self._tell(f"Step {self.step}/{self.steps}: training loss={metrics['train_loss']:.2f}", data=metrics)
            if self.step % self._epoch == 0 and self.step < self.steps:
                self._checkpoint(metrics)

    def _checkpoint(self, metrics: dict[str, Any]) -> None:
        self.checkpoints.append(
            {
                "id": f"ftckpt-{self.id[6:]}-{self.step:05d}", "object": "fine_tuning.job.checkpoint",
                "created_at": self.now, "fine_tuning_job_id": self.id, "step_number": self.step, "metrics": metrics,
                "fine_tuned_model_checkpoint": f"{self._model()}:ckpt-step-{self.step}",
            }
        )  # fmt: skip
        del self.checkpoints[:-KEPT_CHECKPOINTS]
        self._tell(f"Checkpoint created at step {self.step}")

    def _succeed(self) -> None:
        self._to_step(self.steps)
        self.model = self._model()
        self._checkpoint(self._metrics(self.step))
        self.checkpoints[-1]["fine_tuned_model_checkpoint"] = self.model
        self._tell("New fine-tuned model created")
        self._end("succeeded", "The job has successfully completed")

    def _fail(self, code: str, message: str, param: str | None) -> None:
        self.error = {"code": code, "message": message, "param": param}
        self._end("failed", f"The job failed: {message}", level="error")

    def _end(self, status: str, message: str, level: str = "info") -> None:
        self.status, self.finished_at = status, self.now
        self._tell(message, level=level)

    def _model(self) -> str:
        return f"ft:{self.asked.body['model']}:acme:{self.asked.body.get('suffix') or ''}:{self.id[-8:]}"

    def _metrics(self, step: int) -> dict[str, Any]:
        _, loss, accuracy, valid_loss, valid_accuracy = self._cells(step)
        found = {"step": step, "train_loss": loss, "train_mean_token_accuracy": accuracy}
        if self.asked.validation is not None:
            found |= {"valid_loss": valid_loss, "valid_mean_token_accuracy": valid_accuracy}
        return found

    def _cells(self, step: int) -> tuple[Any, ...]:
        loss = round(2.4 * math.exp(-3 * step / self.steps) + 0.1, 4)
        valid = round(loss + 0.05, 4)
        if self.asked.validation is None:
            return step, loss, _accuracy(loss), "", ""
        return step, loss, _accuracy(loss), valid, _accuracy(valid)

    def _tell(self, message: str, *, level: str = "info", data: dict[str, Any] | None = None) -> None:
        kind = "message" if data is None else "metrics"
        self.events.append(
            {
                "id": f"ftevent-{self.id[6:]}-{len(self.events) + 1:05d}", "object": "fine_tuning.job.event",
                "created_at": self.now, "level": level, "message": message, "type": kind, "data": data or {},
            }
        )  # fmt: skip


def _number(value: Any, usual: int) -> int:
    return value if isinstance(value, int) else usual


def _accuracy(loss: float) -> float:
    return round(math.exp(-loss), 4)
