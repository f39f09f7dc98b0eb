"""What a run has found out: one result a cell, as tables, filters, comparisons and reports read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


Table = dict[str, dict[str, dict[str, list[Value]]]]
"""By variant, metric and request: the values, one for each seed, in the order of the seeds."""


def table_of(results: Iterable[Result], metrics: Iterable[str]) -> Table:
    """The values of some metrics, as the statistics read them."""
    wanted, found = tuple(metrics), Table()
    for result in sorted(results, key=lambda each: (each.request, each.seed)):
        columns = found.setdefault(result.variant, {name: {} for name in wanted})
        for name in wanted:
            columns[name].setdefault(result.request, []).append(result.values.get(name))
    return found


def by_facet(results: Iterable[Result], facet: str) -> Iterator[tuple[str, list[Result]]]:
    """The results of each level of a facet, by level."""
    levels: dict[str, list[Result]] = {}
    for result in results:
        levels.setdefault(result.facets.get(facet, ""), []).append(result)
    yield from sorted(levels.items())
