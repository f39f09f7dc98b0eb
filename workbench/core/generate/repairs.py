"""What a repair says, and the log that gathers them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_REPAIRS = 400
"""More than these are counted, not listed."""

_MAX_TEXT, _MAX_ITEMS, _MAX_LEVELS = 80, 8, 3


@dataclass(frozen=True, slots=True)
class Repair:
    """One thing that was changed.

    ``path`` is a JSON pointer into the structure ("" for the text as a whole), ``kind`` a short dotted id. ``before``
    and ``after`` are JSON values, shortened where they are long; None where there was or is nothing.
    """

    path: str
    kind: str
    before: Any
    after: Any
    why: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"path": self.path, "kind": self.kind, "before": self.before, "after": self.after, "why": self.why}


class RepairLog:
    """Repairs in the order in which they were made."""

    def __init__(self) -> None:
        self._repairs: list[Repair] = []
        self._more = 0

    def __len__(self) -> int:
        return len(self._repairs) + self._more

    def add(self, path: str, kind: str, before: Any, after: Any, why: str) -> None:
        """Note a repair; ``before`` and ``after`` may be any values."""
        if len(self._repairs) >= MAX_REPAIRS:
            self._more += 1
            return
        self._repairs.append(Repair(clean_text(path)[:200], kind, trimmed(before), trimmed(after), why))

    def extend(self, other: RepairLog) -> None:
        """Take over another log's repairs."""
        self._repairs += other._repairs
        self._more += other._more

    def finished(self) -> tuple[Repair, ...]:
        """All repairs; the last one counts those that are not listed."""
        if not self._more:
            return tuple(self._repairs)
        more = Repair("", "repairs.more", self._more, None, f"{self._more:,} more repairs are not listed one by one.")
        return (*self._repairs, more)


def clean_text(text: str) -> str:
    """The text without half characters, which no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def trimmed(value: Any, level: int = 0) -> Any:
    """A value as a repair shows it: always JSON, never long, never deep."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(10**15) < value < 10**15 else "a number of many digits"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        text = clean_text(value[: _MAX_TEXT + 1])
        return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
    if level >= _MAX_LEVELS:
        return "…"
    if isinstance(value, Mapping):
        pairs = [(trimmed(str(name)), trimmed(item, level + 1)) for name, item in _first(value.items())]
        return dict(pairs) | ({"…": f"{len(value) - _MAX_ITEMS} more"} if len(value) > _MAX_ITEMS else {})
    if isinstance(value, list | tuple):
        items = [trimmed(item, level + 1) for item in value[:_MAX_ITEMS]]
        return [*items, f"… {len(value) - _MAX_ITEMS} more"] if len(value) > _MAX_ITEMS else items
    return f"a value of type {type(value).__name__[:40]}"


def _first(items: Any) -> list[tuple[Any, Any]]:
    return [pair for pair, _ in zip(items, range(_MAX_ITEMS), strict=False)]
