"""The trace of a generation: every step from request to piece, so that it can be read, replayed and trusted.

A step is a plain object: its kind, a sentence for people, seconds since the beginning, and whatever belongs to it
(messages, raw answer, repairs, findings). No secret is in it: texts from endpoints were cleaned before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "plan",
    "rollout",
    "examples",
    "prompt",
    "call",
    "sanitize",
    "refine",
    "check",
    "editor",
    "fallback",
    "outcome",
)
TRACE_VERSION = 1


@dataclass(frozen=True)
class Step:
    """One step. ``at`` and ``seconds`` are in seconds, from the beginning of the generation and for the step."""

    kind: str
    about: str
    at: float
    seconds: float
    data: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "kind": self.kind,
            "about": self.about,
            "at": round(self.at, 4),
            "seconds": round(self.seconds, 4),
            **self.data,
        }


class Trace:
    """Steps as they happen."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = self._last = clock()
        self.steps: list[Step] = []

    def add(self, kind: str, about: str, **data: Any) -> None:
        """Note a step that has just ended."""
        now = self._clock()
        self.steps.append(Step(kind, about, self._last - self._began, now - self._last, data))
        self._last = now

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._began


def recorded_answers(trace: list[Any]) -> list[dict[str, Any]]:
    """The calls of a kept trace, in order: what a replay answers with."""
    return [step for step in trace if isinstance(step, dict) and step.get("kind") == "call"]
