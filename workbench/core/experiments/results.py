"""What a run has found out: one result a cell, as tables, filters, comparisons and reports read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.core.experiments.samples import Sample, Value


@dataclass(frozen=True)
class Result:
    """One cell of a run: its place, what was asked of whom, the sample, and what the metrics say of it.

    ``request`` is the request's key, which variants share; ``variant`` the variant's name in the specification.
    ``facets`` are what results are broken down by (``form``, ``period``, ``mood``, ``mode``, ``meter``). ``problems``
    say why a metric gave nothing.
    """

    position: int
    cell: str
    request: str
    variant: str
    seed: int
    sample: Sample
    values: Mapping[str, Value]
    facets: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """What came of a cell, without its sample: enough for tables, filters and statistics. Otherwise as ``Result``.

    ``state`` is ``done`` or ``failed``; ``fault``, a short word for why, stands where there is no piece.
    """

    position: int
    cell: str
    request: str
    variant: str
    seed: int
    state: str
    fault: str
    outcome: str
    values: Mapping[str, Value]
    problems: Mapping[str, str] = field(default_factory=dict)
    facets: Mapping[str, str] = field(default_factory=dict)


Table = dict[str, dict[str, dict[str, list[Value]]]]
"""By variant, metric and request: the values, one for each seed, in the order of the seeds."""


def without_sample(result: Result) -> Ended:
    """A result without its sample."""
    gave = result.sample.structure is not None
    return Ended(
        result.position, result.cell, result.request, result.variant, result.seed, "done" if gave else "failed",
        "" if gave else "cell", result.sample.outcome, result.values, result.problems, result.facets,
    )  # fmt: skip


def table_of(results: Iterable[Result | Ended], metrics: Iterable[str]) -> Table:
    """The values of some metrics, as the statistics read them."""
    wanted = tuple(metrics)
    told: dict[str, dict[str, list[Mapping[str, Value]]]] = {}
    for result in sorted(results, key=lambda each: (each.request, each.seed)):
        told.setdefault(result.variant, {}).setdefault(result.request, []).append(result.values)
    return {
        variant: {
            name: {request: [values.get(name) for values in seeds] for request, seeds in by_request.items()}
            for name in wanted
        }
        for variant, by_request in told.items()
    }
