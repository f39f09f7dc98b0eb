"""Training on one's own machine: starts the trainer in a process of its own, and follows it by the files it writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from socket import gethostname
from typing import Any, ClassVar

from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.finetune.backends.registry import Backend, BaseModel, backend
from workbench.core.finetune.local import journal
from workbench.core.finetune.local.asking import refuse_files, refuse_model, refuse_processor, refuse_space
from workbench.core.finetune.local.cards import licence_of
from workbench.core.finetune.local.environment import beside_environment
from workbench.core.finetune.training import Event, Method, Metric, Order, Status

NEEDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")
TRAINER = "workbench.core.finetune.local.trainer"
LAUNCHERS = ("accelerate.commands.launch", "torch.distributed.run")
MODELS = "models"
"""The folder in the data folder where base models lie, each in a folder of its own."""
PATIENCE = 120.0
"""Seconds that a trainer has to stop after the step at hand, before it is ended."""
DIED = "The trainer ended without a word; it goes on from its last checkpoint when tried again."


def command_of(order: Order, processes: int = 1) -> tuple[str, ...]:
    """How the trainer is started: as ``more["command"]`` says, or by itself, or by ``accelerate launch``."""
    given = order.more.get("command")
    if given:
        return tuple(given)
    launcher = ("-m", LAUNCHERS[0], "--num_processes", str(processes)) if processes > 1 else ()
    return (sys.executable, *launcher, "-m", TRAINER, str(order.folder.resolve()))


@backend("local")
class LocalBackend(Backend):
    """Open weights are tuned on this machine, on the processor or on its GPUs; nothing leaves it."""

    title = "This machine (TRL and PEFT)"
    formats: ClassVar[Mapping[Method, str]] = {"supervised": "trl-sft", "dpo": "trl-dpo"}
    extras: ClassVar[tuple[str, ...]] = (
        "lora", "rank", "steps", "save_every", "accumulate", "max_length", "licence", "dataset", "command", "cpu",
    )  # fmt: skip
    remote: ClassVar[bool] = False

    def ready(self) -> str:
        """What is missing and how to install it; nothing of it is loaded."""
        missing = [name for name in NEEDED if find_spec(name) is None]
        if not missing:
            return ""
        return f"Training here needs {', '.join(missing)}: pip install -r requirements-local.txt"

    def models(self) -> tuple[BaseModel, ...]:
        """The models in the data folder; any other is named by its path or its id on the hub."""
        folders = sorted(path.parent for path in (self.settings.data_dir / MODELS).glob("*/config.json"))
        return tuple(self.described(str(folder.resolve())) for folder in folders)

    def described(self, id: str) -> BaseModel:
        """What a model's own files tell, wherever it lies."""
        folder = Path(id)
        return BaseModel(id, ("supervised", "dpo"), _limit(folder), licence=licence_of(folder))

    def refuse(self, order: Order) -> None:
        """Refuse a model, files or a disk that would make the training fail, and a command that is none of ours."""
        if problem := self.ready():
            raise InvalidInputError(problem)
        refuse_command(command_of(order), order.folder)
        refuse_model(order)
        refuse_processor(order)
        refuse_files(order, self.formats[order.method])
        refuse_space(order)

    def start(
        self, order: Order, kept: Mapping[str, Any], keep: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Start the trainer, or find the one that already does this order; the handle is kept in the folder as well."""
        folder = order.folder
        folder.mkdir(parents=True, exist_ok=True)
        handle = kept if "pid" in kept else _read(folder / "handle.json")
        if handle and (_lives(handle) or journal.read_status(folder).get("state") == "succeeded"):
            keep(handle)
            return handle
        if (folder / journal.ORDER).exists() and not journal.same_order(journal.read_order(folder), order):
            raise InvalidInputError(
                "This folder holds another training.", hint="Give each training a folder of its own."
            )
        command = command_of(order)
        refuse_command(command, folder)
        journal.write_whole(folder / journal.ORDER, journal.order_text(order))
        (folder / journal.STOP).unlink(missing_ok=True)
        journal.write_status(folder, state="queued", raw="starting", problem="", hint="", pid=None)
        handle = _launch(command, folder)
        journal.write_whole(folder / "handle.json", json.dumps(handle))
        keep(handle)
        return handle

    def taken(self, kept: Mapping[str, Any]) -> bool:
        """Whether a trainer that was started lives."""
        return "pid" in kept and _lives(kept)

    def status(self, handle: Mapping[str, Any]) -> Status:
        """What the trainer wrote last; one that is gone without an end has failed, or was cancelled if asked to."""
        folder, host = _folder(handle), str(handle.get("host", ""))
        if host not in ("", gethostname()) and not folder.exists():
            raise WorkbenchError(f"It is trained on the machine {host[:60]}.", hint="It is followed from there.")
        lives = _lives(handle)  # looked at before the file: a trainer writes its end first and goes then
        told = journal.read_status(folder)
        state, problem, hint = told.get("state", "unknown"), told.get("problem", ""), told.get("hint", "")
        if state in ("queued", "running"):
            stopping = folder / journal.STOP
            if lives and stopping.exists() and time.time() - stopping.stat().st_mtime > PATIENCE:
                _signal(handle, signal.SIGKILL)
            elif not lives and stopping.exists():
                state = "cancelled"
            elif not lives:
                state, problem, hint = "failed", DIED, f"What it printed is in {journal.LOG}."
        tokens, seconds = told.get("trained_tokens"), told.get("seconds")
        return Status(state, told.get("raw", ""), told.get("model"), tokens, seconds, problem, hint)

    def events(self, handle: Mapping[str, Any], after: str = "") -> tuple[Event, ...]:
        """What the journal tells after that event."""
        return journal.read_events(_folder(handle), after)

    def metrics(self, handle: Mapping[str, Any], after: int = -1) -> tuple[Metric, ...]:
        """The journal's points beyond that step."""
        return journal.read_metrics(_folder(handle), after)

    def cancel(self, handle: Mapping[str, Any]) -> None:
        """Ask the trainer to stop after the step at hand; a checkpoint is kept."""
        if _lives(handle):
            (_folder(handle) / journal.STOP).touch()
            _signal(handle, signal.SIGTERM)


def refuse_command(command: Sequence[str], folder: Path) -> None:
    """Refuse to start anything but the trainer, by itself or by a launcher with options of its own.

    Raises:
        InvalidInputError: the command does something else.
    """
    words = [str(word) for word in command]
    ends = words[-3:] == ["-m", TRAINER, str(folder.resolve())]
    head = words[1:-3]
    launched = not head or (head[0] == "-m" and head[1:2] and head[1] in LAUNCHERS and "--no_python" not in head)
    if not (words and words[0] == sys.executable and ends and launched):
        raise InvalidInputError(
            "The command does not start the trainer.",
            hint=f"It has to be {sys.executable}, with -m {LAUNCHERS[0]} and its options or without, and at its end "
            f"-m {TRAINER} and the folder.",
        )


def _launch(command: Sequence[str], folder: Path) -> dict[str, Any]:
    with (folder / journal.LOG).open("ab") as log:
        try:
            process = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=beside_environment(),
            )  # fmt: skip
        except OSError as problem:
            raise WorkbenchError(f"The trainer cannot be started: {problem.strerror}.", hint="Try again.") from None
    _STARTED[process.pid] = process
    return {
        "folder": str(folder.resolve()), "pid": process.pid, "started": _born(process.pid), "host": gethostname(),
    }  # fmt: skip


_STARTED: dict[int, subprocess.Popen[bytes]] = {}
"""Trainers that this process has started: it has to hear of their end, or they stay as zombies."""


def _born(pid: int) -> float | None:
    """When a process began, in seconds of the epoch; None where it is gone."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.NoSuchProcess:
        return None


def _lives(handle: Mapping[str, Any]) -> bool:
    """Whether it is still the same process that has this number, or a trainer that its launcher has left behind."""
    pid = int(handle["pid"])
    if pid in _STARTED and _STARTED[pid].poll() is not None:
        del _STARTED[pid]
    born = _born(pid)
    if born is not None and handle["started"] is not None and abs(born - float(handle["started"])) < 1.0:
        return True
    trainer = journal.read_status(_folder(handle)).get("pid")
    if not isinstance(trainer, int) or trainer == pid or _born(trainer) is None:
        return False
    try:
        return os.getpgid(trainer) == pid
    except ProcessLookupError:
        return False


def _signal(handle: Mapping[str, Any], number: signal.Signals) -> None:
    try:
        os.killpg(int(handle["pid"]), number)
    except ProcessLookupError:
        return  # it has ended meanwhile


def _folder(handle: Mapping[str, Any]) -> Path:
    return Path(handle["folder"])


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and "pid" in found else {}


def _limit(folder: Path) -> int | None:
    try:
        found = json.loads((folder / "config.json").read_text("utf-8")).get("max_position_embeddings")
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, int) else None
