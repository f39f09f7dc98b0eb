"""Measuring: from a sample, or all samples of a variant, to plain values. A metric that fails is no end of anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.metrics.registry import METRICS, SET_METRICS, Metric, SetMetric
from workbench.core.experiments.samples import Sample, Value

_MAX_REASON = 300


@dataclass(frozen=True)
class Measured:
    """Values by the metric's name, None where a metric says nothing; ``problems`` say why one failed."""

    values: Mapping[str, Value]
    problems: Mapping[str, str]


def measure_sample(
    sample: Sample, context: Context, metrics: Iterable[Metric | SetMetric] | None = None
) -> Measured:  # fmt: skip
    """Measure one sample; by all metrics of a sample, where none are named. Metrics of a set are passed over.

    It raises nothing for a bad sample: a metric that fails, or gives what its kind cannot be, has the value None and
    its reason in ``problems``. The same sample always gives the same values.
    """
    chosen = METRICS.values() if metrics is None else metrics
    return _measured((each, partial(each.look, sample, context)) for each in chosen if isinstance(each, Metric))


def measure_set(
    samples: Sequence[Sample], context: Context, metrics: Iterable[Metric | SetMetric] | None = None
) -> Measured:  # fmt: skip
    """Measure all samples of one variant together; otherwise as ``measure_sample``."""
    chosen = SET_METRICS.values() if metrics is None else metrics
    return _measured((each, partial(each.look, samples, context)) for each in chosen if isinstance(each, SetMetric))


def _measured(looks: Iterable[tuple[Metric | SetMetric, Callable[[], Value]]]) -> Measured:
    values: dict[str, Value] = {}
    problems: dict[str, str] = {}
    for each, look in looks:
        values[each.name] = None
        try:
            values[each.name] = plain_value(each, look())
        except Exception as problem:
            told = str(problem) if isinstance(problem, WorkbenchError) else f"{type(problem).__name__}: {problem}"
            problems[each.name] = told[:_MAX_REASON]
    return Measured(values, problems)


def plain_value(metric: Metric | SetMetric, value: object) -> Value:
    """A value as JSON holds it: True or False for a rate, else a float.

    Raises:
        ValueError: a metric of this kind cannot have this value.
    """
    if value is None:
        return None
    item = getattr(value, "item", None)  # a number of numpy's
    plain = item() if callable(item) else value
    if isinstance(plain, bool):
        return plain if metric.kind == "rate" else float(plain)
    if not isinstance(plain, int | float) or not math.isfinite(plain):
        raise ValueError(f"{str(plain)[:40]} is no finite number")
    if metric.kind == "rate":
        if plain not in (0, 1):
            raise ValueError(f"a rate is yes or no, not {plain:g}")
        return bool(plain)
    if metric.kind == "count" and (plain < 0 or plain != int(plain)):
        raise ValueError(f"a count is a whole number from 0 on, not {plain:g}")
    return float(plain)
