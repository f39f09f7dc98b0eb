"""What a job at a hosted service has brought so far: its checkpoints and its result files."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from workbench.core.finetune.backends.openai_answers import told, whole
from workbench.core.finetune.backends.openai_curves import metric_of
from workbench.core.finetune.backends.openai_words import is_lasting
from workbench.core.finetune.training import ENDED, Checkpoint, State

if TYPE_CHECKING:
    from openai import OpenAI

MAX_CHECKPOINTS = 100
MAX_RESULT_BYTES = 64_000_000


def checkpoints_of(client: OpenAI, job: str, state: State) -> tuple[Checkpoint, ...]:
    """The checkpoints by step; a running job's status is worth more than they are, so it does not fail over them."""
    import openai

    if state not in ("running", "paused", *ENDED):
        return ()
    found: list[Checkpoint] = []
    try:
        for each in islice(client.fine_tuning.jobs.checkpoints.list(job, limit=MAX_CHECKPOINTS), MAX_CHECKPOINTS):
            step, model = whole(told(each, "step_number")), told(each, "fine_tuned_model_checkpoint")
            if step is not None and model:
                measured = told(each, "metrics")
                metrics = metric_of(measured.to_dict(), step) if hasattr(measured, "to_dict") else None
                found.append(Checkpoint(step, str(model), metrics))
    except openai.APIError as problem:
        if state in ENDED and not is_lasting(problem):
            raise
        return ()
    return tuple(sorted(found, key=lambda each: each.step))


def content_of(client: OpenAI, file: str) -> bytes:
    """A result file; nothing where it is gone, for the events have told the same."""
    import openai

    try:
        data = client.files.content(file).read()
    except openai.APIStatusError as problem:
        if not is_lasting(problem):
            raise
        return b""
    return data if len(data) <= MAX_RESULT_BYTES else b""
