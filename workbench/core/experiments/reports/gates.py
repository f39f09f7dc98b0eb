"""Gates: what a run has to reach, such as ``valid_before_repair>=0.98``, for use where a program decides.

A gate is met by the value that was seen; whether the whole interval meets it too is told beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import SHARE, metrics_named
from workbench.core.experiments.reports.summary import Summary
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import interval_words

_GATE = re.compile(
    r"(?:(?P<variant>[^\n]{1,80}?)\s*:)?\s*(?P<metric>[A-Za-z][A-Za-z0-9_-]{0,79})\s*"
    r"(?P<operator>>=|<=|≥|≤|>|<)\s*(?P<bound>[+-]?[0-9.][0-9.eE+-]{0,30})\s*(?P<percent>%?)\s*"
)
_OPERATORS = {"≥": ">=", "≤": "<="}
_SAME = 1e-12
_HINT = "Write a metric, >=, >, <= or <, and a number, such as valid_before_repair>=0.98 or tuned:errors<1."
_MAX_TEXT = 300


@dataclass(frozen=True)
class Gate:
    """One demand. Without ``variant`` it is of every variant that has a value; ``bound`` of a rate is 0 to 1."""

    text: str
    metric: str
    operator: str
    bound: float
    variant: str = ""

    def meets(self, value: float) -> bool:
        """Whether a value reaches the bound."""
        edge = _SAME * max(1.0, abs(self.bound))
        if self.operator == ">=":
            return value >= self.bound - edge
        if self.operator == "<=":
            return value <= self.bound + edge
        return value > self.bound + edge if self.operator == ">" else value < self.bound - edge


@dataclass(frozen=True)
class Held:
    """What became of a gate. ``surely`` says whether the interval meets it throughout (True), nowhere (False), or
    leaves it open (None); ``words`` are a sentence. ``interval`` is that of the variant which decided."""

    gate: Gate
    met: bool
    surely: bool | None
    variant: str
    interval: Interval | None
    words: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        seen = None if self.interval is None else self.interval.to_dict()
        return {
            "gate": self.gate.text, "met": self.met, "surely": self.surely, "variant": self.variant, "interval": seen,
            "words": self.words,
        }  # fmt: skip


def require(text: str) -> Gate:
    """A gate as it is written: ``METRIC>=NUMBER``, with a variant and ``:`` before it, if one is meant.

    The operator is ``>=``, ``>``, ``<=`` or ``<``; ``98%`` is 0.98.

    Raises:
        InvalidInputError: it is no gate, there is no such metric, or the number is none that the metric can have.
    """
    found = _GATE.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise InvalidInputError(f"{text[:80]!r} is no gate.", hint=_HINT, field="require")
    metrics = metrics_named([found["metric"]])
    if len(metrics) > 1 or metrics[0].name != found["metric"].lower().replace("_", "-"):
        raise InvalidInputError(f"{found['metric']!r} is more than one metric.", hint="Name one.", field="require")
    metric = metrics[0]
    percent = metric.kind == "rate" or metric.unit == SHARE
    try:
        bound = float(found["bound"])
    except ValueError:
        raise InvalidInputError(f"{found['bound']!r} is no number.", hint=_HINT, field="require") from None
    if found["percent"]:
        bound /= 100
    if not math.isfinite(bound) or (found["percent"] and not percent) or (percent and not 0 <= bound <= 1):
        hint = "Write 0.98, or 98%." if percent else "Write a plain number."
        said = found["bound"] + found["percent"]
        raise InvalidInputError(f"{metric.title} cannot be {said}.", hint=hint, field="require")
    operator = _OPERATORS.get(found["operator"], found["operator"])
    return Gate(text.strip(), metric.name, operator, bound, (found["variant"] or "").strip())


def evaluate(gates: Iterable[Gate], summary: Summary) -> tuple[Held, ...]:
    """What became of each gate. Where no value was measured, none is met.

    Raises:
        InvalidInputError: a gate is of a variant that is not there.
    """
    return tuple(_held(each, summary) for each in gates)


def all_met(held: Iterable[Held]) -> bool:
    """Whether every gate is met: if not, a command ends with status 1."""
    return all(each.met for each in held)


def _held(gate: Gate, summary: Summary) -> Held:
    if gate.variant and gate.variant not in summary.variants:
        hint = f"Name one of {', '.join(summary.variants)}."[:600]
        raise InvalidInputError(f"There is no variant {gate.variant!r}.", hint=hint, field="require")
    variants = (gate.variant,) if gate.variant else summary.variants
    seen = {
        variant: cell.interval for variant in variants
        if (cell := summary.cells[variant].get(gate.metric)) is not None and cell.interval.value is not None
    }  # fmt: skip
    if not seen:
        whose = f" of {gate.variant}" if gate.variant else ""
        return Held(gate, False, None, gate.variant, None, f"Not met: {gate.text}. There is no value{whose}.")
    variant = _hardest(gate, seen)
    interval = seen[variant]
    met = gate.meets(interval.value or 0.0)
    surely = _surely(gate, interval)
    return Held(gate, met, surely, variant, interval, _words(gate, summary, variant, interval, met, surely, len(seen)))


def _hardest(gate: Gate, seen: dict[str, Interval]) -> str:
    """The variant that is farthest from meeting it."""
    sign = 1 if gate.operator.startswith(">") else -1
    return min(seen, key=lambda each: sign * (seen[each].value or 0.0))


def _surely(gate: Gate, interval: Interval) -> bool | None:
    if interval.low is None or interval.high is None:
        return None
    ends = gate.meets(interval.low), gate.meets(interval.high)
    return ends[0] if ends[0] == ends[1] else None


def _words(
    gate: Gate, summary: Summary, variant: str, interval: Interval, met: bool, surely: bool | None, variants: int
) -> str:
    column = summary.column(gate.metric)
    told = interval_words(interval, column.kind, column.unit) if column else f"{interval.value:g}"
    which = f"{variant}, the farthest from it," if variants > 1 else variant
    sure = {
        True: "the whole interval meets it" if met else "the interval would meet it",
        False: "the whole interval misses it",
        None: "the interval leaves it open" if interval.known else "there is no interval to tell how surely",
    }[surely]
    return f"{'Met' if met else 'Not met'}: {gate.text}. {which} has {told}; {sure}."
