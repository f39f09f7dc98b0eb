"""The files of a training's folder: its order, what it tells line by line, and how it stands.

The trainer writes them and anybody may read them meanwhile. A line that a killed trainer left unfinished is passed
over; a point that was told twice, since a trainer went on from an earlier checkpoint, counts as told last.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.training import Event, Metric, Order

ORDER = "order.json"
JOURNAL = "journal.jsonl"
STATUS = "status.json"
STOP = "stop"
"""A file of this name in the folder asks the trainer to stop, whether or not it hears the signal."""
LOG = "trainer.log"
CHECKPOINTS = "checkpoints"
ADAPTER = "adapter"
MERGED = "merged"
CARD = "README.md"
COMPLETE = "complete"
"""The last file to be written into a checkpoint: one without it broke off."""
CURVES = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy")


def order_text(order: Order) -> str:
    """An order as JSON text: the same order is always the same text."""
    data = asdict(replace(order, more=dict(order.more)))
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True, default=str)


def same_order(one: Order, other: Order) -> bool:
    """Whether two orders come to the same training, however it is started."""
    bare = [replace(each, folder=Path(), more={**each.more, "command": None}) for each in (one, other)]
    return order_text(bare[0]) == order_text(bare[1])


def read_order(folder: Path) -> Order:
    """The order in a folder.

    Raises:
        InvalidInputError: there is none, or it is broken.
    """
    try:
        data = json.loads((folder / ORDER).read_text("utf-8"))
        validation = Path(data["validation"]) if data["validation"] else None
        paths = {"train": Path(data["train"]), "validation": validation, "folder": folder}
        return Order(**{**data, **paths})
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise InvalidInputError(
            f"{folder / ORDER} cannot be read: {type(problem).__name__}.", hint="Start the training anew."
        ) from None


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody ever reads half of it."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}.part")
    temporary.write_text(text, "utf-8")
    os.replace(temporary, path)


def write_status(folder: Path, **told: Any) -> None:
    """Put members into the status; those that are not given stay as they are."""
    write_whole(folder / STATUS, json.dumps({**read_status(folder), **told, "at": now()}, ensure_ascii=False))


def read_status(folder: Path) -> dict[str, Any]:
    """How a training stands, empty where nothing was told yet."""
    try:
        found = json.loads((folder / STATUS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def now() -> str:
    """The time in UTC as ISO text."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Journal:
    """Appends to a journal, each line at once on its way to the disk."""

    def __init__(self, folder: Path) -> None:
        self._stream = (folder / JOURNAL).open("ab")
        if self._stream.tell() and not (folder / JOURNAL).read_bytes().endswith(b"\n"):
            self._stream.write(b"\n")  # the end of the line at which an earlier trainer was killed

    def event(self, message: str, level: str = "info") -> None:
        """Tell something."""
        self._append({"at": now(), "level": level, "message": message})

    def metric(self, step: int, values: Mapping[str, float | None]) -> None:
        """Tell a point of the curves; names as in ``CURVES``."""
        self._append(
            {"at": now(), "step": step, **{name: value for name, value in values.items() if value is not None}}
        )

    def close(self) -> None:
        """Tell nothing more."""
        self._stream.close()

    def _append(self, line: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())


def read_events(folder: Path, after: str = "") -> tuple[Event, ...]:
    """What was told after the event of that id, oldest first; an id is the number of the journal's line."""
    last = int(after) if after.isdecimal() else 0
    return tuple(
        Event(str(number), datetime.fromisoformat(line["at"]), str(line["level"]), str(line["message"]))
        for number, line in _lines(folder)
        if number > last and "message" in line
    )


def read_metrics(folder: Path, after: int = -1) -> tuple[Metric, ...]:
    """The points of the curves beyond a step, in order, each step once."""
    points: dict[int, Metric] = {}
    for _, line in _lines(folder):
        if isinstance(step := line.get("step"), int) and step > after:
            points[step] = Metric(step, *(line.get(name) for name in CURVES))
    return tuple(points[step] for step in sorted(points))


def last_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that was written to its end."""
    whole = [path.parent for path in (folder / CHECKPOINTS).glob(f"checkpoint-*/{COMPLETE}")]
    return max(whole, key=lambda path: int(path.name.partition("-")[2]), default=None)


def _lines(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        data = (folder / JOURNAL).read_bytes()
    except FileNotFoundError:
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "at" in value:
            yield number, value
