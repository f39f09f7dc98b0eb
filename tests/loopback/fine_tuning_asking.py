"""How tests ask the hosted backend: training files, orders, what a job keeps, a training to its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from loopback import Behaviour, Loopback
from loopback_http import Incoming
from training_rows import written

from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.training import ENDED, Order
from workbench.core.finetune.training import Status as Standing
from workbench.core.settings import Settings

CHAT, PAIRS = (written(format, 24).splitlines(keepends=True) for format in ("openai-chat", "openai-dpo"))


def hosted_of(server: Loopback, **variables: str) -> HostedTraining:
    """The backend of a workbench whose endpoint is this server."""
    values = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key, **variables}
    return HostedTraining(Settings.model_validate(values))


def ordered(folder: Path, train: list[bytes], validation: list[bytes] | None = None, **more: Any) -> Order:
    """An order for the rows, written into files of the folder."""
    files = {"train": folder / "train.jsonl", "validation": folder / "validation.jsonl"}
    files["train"].write_bytes(b"".join(train))
    files["validation"].write_bytes(b"".join(validation or []))
    chosen = files["validation"] if validation is not None else None
    return Order("job-1", "loop-large", "supervised", files["train"], chosen, folder, **more)


class Kept:
    """What a job keeps, as the backend asks it to."""

    def __init__(self) -> None:
        self.all: dict[str, Any] = {}

    def __call__(self, held: Mapping[str, Any]) -> None:
        self.all = json.loads(json.dumps(held))


def started(hosted: HostedTraining, order: Order, kept: Kept | None = None) -> Mapping[str, Any]:
    """The handle of a training that was started, with what an earlier try has kept."""
    kept = kept if kept is not None else Kept()
    return hosted.start(order, kept.all, kept)


def ended(hosted: HostedTraining, handle: Mapping[str, Any], most: int = 30) -> Standing:
    """How a training stands when it is over."""
    for _ in range(most):
        standing = hosted.status(handle)
        if standing.state in ENDED:
            return standing
    raise AssertionError("it never ended")


def calls(server: Loopback, method: str, path: str) -> int:
    """How often something was asked."""
    return sum(seen.method == method and seen.path.partition("?")[0] == path for seen in server.seen)


def creations(*behaviours: Behaviour) -> Callable[[Incoming], Behaviour | None]:
    """The next creations of jobs behave so; every other call is as usual."""
    coming = list(behaviours)

    def behave(incoming: Incoming) -> Behaviour | None:
        creating = (incoming.method, incoming.path) == ("POST", "/v1/fine_tuning/jobs")
        return coming.pop(0) if creating and coming else None

    return behave
