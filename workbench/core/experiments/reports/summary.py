"""The summary of a run: every variant by every metric with its interval, and what is better than what, in words.

It takes a while for many results, so a page computes it once and keeps it (``to_dict``, ``read_summary``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, cast

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import SHARE, Context, Metric, SetMetric, metrics_named
from workbench.core.experiments.reports.marks import Mark, mark_of
from workbench.core.experiments.reports.measured import MeasuredCells
from workbench.core.experiments.reports.of_sets import sets_of
from workbench.core.experiments.results import Ended, Result, without_sample
from workbench.core.experiments.statistics.averages import Averages, Better, Kind
from workbench.core.experiments.statistics.corrections import Correction
from workbench.core.experiments.statistics.intervals import Interval, prepare_means, summary_interval
from workbench.core.experiments.statistics.verdicts import ALPHA, Comparison, Measured, compare_all
from workbench.core.experiments.statistics.words import interval_words

FACETS = ("form", "period", "mood", "mode", "meter")
HEADLINES = (
    "valid-before-repair", "valid-json", "cadences-sound-first", "valid", "plan-kept", "plan-sounds", "cadences-sound",
    "finished", "latency",
)  # fmt: skip
"""The metrics that come first and are broken down, where nobody says otherwise."""
MOST_LEVELS = 30
"""Levels of a facet that are told: those with the most requests."""
NO_VALUE = Interval(None, None, None, 0, 0, note="There is no value.")


@dataclass(frozen=True)
class Column:
    """What a metric is; ``of_set`` is one of all samples of a variant together."""

    name: str
    kind: Kind
    better: Better = ""
    unit: str = ""
    family: str = "own"
    title: str = ""
    explanation: str = ""
    of_set: bool = False


@dataclass(frozen=True)
class Tally:
    """How many cells a variant has, how many of them gave no piece, and how many requests and answers to a request."""

    cells: int
    failed: int
    requests: int
    seeds: int


@dataclass(frozen=True)
class Cell:
    """A variant's value of a metric: the interval, the same in words, and how it stands against the others."""

    interval: Interval
    words: str
    mark: Mark


@dataclass(frozen=True)
class Level:
    """A variant's value of a metric for the requests of one level of a facet; ``interval.requests`` says how many."""

    facet: str
    level: str
    metric: str
    variant: str
    interval: Interval


@dataclass(frozen=True)
class Summary:
    """What a run says. ``cells`` by variant and metric; ``notes`` are sentences on what is lacking.

    Comparisons are corrected for all ``family`` of them, those of whole sets among themselves. Where ``against`` names
    a variant each is compared with that one, else each with each.
    """

    variants: tuple[str, ...]
    columns: tuple[Column, ...]
    tallies: Mapping[str, Tally]
    cells: Mapping[str, Mapping[str, Cell]]
    comparisons: tuple[Comparison, ...]
    levels: tuple[Level, ...]
    notes: tuple[str, ...]
    against: str | None
    alpha: float
    correction: Correction
    family: int

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence for each difference that was found, those of the headlines first."""
        first = headlines(self.columns)
        found = sorted(
            (each for each in self.comparisons if each.found), key=lambda each: each.measure.name not in first
        )
        return tuple(self.sentence(each) for each in found)

    @property
    def open_questions(self) -> tuple[tuple[Comparison, str], ...]:
        """What may be noise, the soonest settled first, with how many more requests would settle it."""
        noise = [each for each in self.comparisons if each.verdict == "noise"]
        noise.sort(key=lambda each: (each.more.requests is None, each.more.requests or 0))
        return tuple((each, f"{self.sentence(each)} {each.more.words}") for each in noise)

    def column(self, metric: str) -> Column | None:
        """A metric by its name."""
        return next((each for each in self.columns if each.name == metric), None)

    def comparisons_of(self, metric: str) -> tuple[Comparison, ...]:
        """The comparisons by one metric."""
        return tuple(each for each in self.comparisons if each.measure.name == metric)

    def sentence(self, comparison: Comparison) -> str:
        """``Valid JSON, tuned against base: …``."""
        column = self.column(comparison.measure.name)
        title = column.title if column is not None else comparison.measure.name
        return f"{title}, {comparison.b} against {comparison.a}: {comparison.words}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; ``stored.read_summary`` reads it."""
        return {
            "variants": list(self.variants),
            "columns": [asdict(each) for each in self.columns],
            "tallies": {variant: asdict(tally) for variant, tally in self.tallies.items()},
            "cells": {
                variant: {metric: asdict(cell) for metric, cell in row.items()} for variant, row in self.cells.items()
            },
            "comparisons": [each.to_dict() for each in self.comparisons],
            "levels": [asdict(each) for each in self.levels],
            "notes": list(self.notes),
            "against": self.against,
            "alpha": self.alpha,
            "correction": self.correction,
            "family": self.family,
        }


def summary(
    results: Iterable[Result], metrics: Iterable[Metric | SetMetric | str], *, against: str | None = None,
    alpha: float = ALPHA, correction: Correction = "holm", facets: Sequence[str] = FACETS,
    broken_down: Sequence[str] | None = None, contexts: Mapping[str, Context] | None = None,
) -> Summary:  # fmt: skip
    """What results say by some metrics, given or named.

    ``broken_down`` are the metrics of which each level of each facet is told, None for the headlines among them.
    ``contexts`` are what metrics of sets are measured against, by variant.

    Raises:
        InvalidInputError: no result, an unknown metric, a variant ``against`` that is not there, an ``alpha`` that is
            no level, or an unknown correction.
    """
    known = {each.position: each for each in results}
    return summary_of(
        map(without_sample, known.values()), lambda wanted: (known[at] for at in wanted), metrics, against=against,
        alpha=alpha, correction=correction, facets=facets, broken_down=broken_down, contexts=contexts,
    )  # fmt: skip


def summary_of(
    cells: Iterable[Ended], load: Callable[[Sequence[int]], Iterable[Result]],
    metrics: Iterable[Metric | SetMetric | str], *, against: str | None = None, alpha: float = ALPHA,
    correction: Correction = "holm", facets: Sequence[str] = FACETS, broken_down: Sequence[str] | None = None,
    contexts: Mapping[str, Context] | None = None,
) -> Summary:  # fmt: skip
    """As ``summary``, of cells without their samples; ``load`` gives the few results that metrics of sets look at."""
    found = sorted(cells, key=lambda each: each.position)
    chosen = _chosen(metrics)
    variants = tuple(dict.fromkeys(each.variant for each in found))
    _demand(variants, against)
    single = [each for each in chosen if isinstance(each, Metric)]
    of_sets = [each for each in chosen if isinstance(each, SetMetric)]
    measures = cast("list[Measured]", single)
    table = MeasuredCells(found, measures).by_variant(variants)
    compared = compare_all(table, measures, against=against, alpha=alpha, correction=correction)
    intervals = {variant: dict(row) for variant, row in compared.summary.items()}
    comparisons = list(compared.comparisons)
    tallies = {each: _tally(found, each) for each in variants}
    sets = sets_of(found if of_sets else (), load, contexts or {})
    if of_sets:
        for variant in variants:
            for each in of_sets:
                intervals[variant][each.name] = sets.interval(each, variant, confidence=1 - alpha)
        rivals = [(against, each) for each in variants if each != against] if against else combinations(variants, 2)
        pairs = [
            (each, str(a), b) for a, b in rivals for each in of_sets
            if intervals[str(a)][each.name].value is not None and intervals[b][each.name].value is not None
        ]  # fmt: skip
        comparisons += [sets.compare(each, a, b, alpha=alpha, family=len(pairs)) for each, a, b in pairs]
    notes = list(_notes(found, variants))
    if of_sets and (most := max(tally.requests for tally in tallies.values())) > (drawn := sets.largest):
        notes.append(f"Metrics of whole sets look at {drawn:,} of {most:,} requests, drawn once for all variants.")
    columns = tuple(column_of(each) for each in chosen)
    comparisons = _in_order(comparisons, columns)
    wanted = [each for each in single if each.name in (headlines(columns) if broken_down is None else broken_down)]
    return Summary(
        variants, columns, tallies, _cells(variants, columns, intervals, comparisons),
        tuple(comparisons), breakdown(found, wanted, facets, confidence=1 - alpha), tuple(notes), against, alpha,
        correction, compared.family,
    )  # fmt: skip


def breakdown(
    results: Iterable[Result | Ended], metrics: Iterable[Metric], facets: Sequence[str] = FACETS, *,
    confidence: float = 0.95,
) -> tuple[Level, ...]:  # fmt: skip
    """Every variant's value of some metrics for each level of the facets; a facet of one level says nothing new."""
    wanted, everything = list(metrics), list(results)
    measured = MeasuredCells(everything, cast("list[Measured]", wanted))
    found: list[tuple[str, str, Metric, str, Averages]] = []
    for facet in facets if wanted else ():
        sizes = Counter(each.facets.get(facet, "") for each in everything)
        largest = sorted((-size, level) for level, size in sizes.items() if level)[:MOST_LEVELS]
        for level in sorted(level for _, level in largest) if len(largest) > 1 else ():
            rows = measured.where(facet, level)
            variants = dict.fromkeys(each.variant for each, chosen in zip(measured.cells, rows, strict=True) if chosen)
            for variant, row in measured.by_variant(variants, rows).items():
                found += [(facet, level, each, variant, row[each.name]) for each in wanted if each.name in row]
    prepare_means(
        (list(each.by_request.values()) for _, _, metric, _, each in found if metric.kind != "rate"),
        confidence=confidence,
    )
    return tuple(
        Level(facet, level, metric.name, variant, summary_interval(each, metric.kind, confidence=confidence))
        for facet, level, metric, variant, each in found
    )


def headlines(columns: Iterable[Column]) -> tuple[str, ...]:
    """The metrics that come first: the usual ones among the columns, else the first four."""
    names = [each.name for each in columns if not each.of_set]
    return tuple(each for each in HEADLINES if each in names) or tuple(names[:4])


def column_of(metric: Metric | SetMetric) -> Column:
    """What a metric is, without its function."""
    return Column(
        metric.name, metric.kind, metric.better, metric.unit, metric.family, metric.title, metric.explanation,
        isinstance(metric, SetMetric),
    )  # fmt: skip


def in_percent(column: Column) -> bool:
    """Whether a metric's values are told in percent."""
    return column.kind == "rate" or column.unit == SHARE


def _chosen(metrics: Iterable[Metric | SetMetric | str]) -> tuple[Metric | SetMetric, ...]:
    found: dict[str, Metric | SetMetric] = {}
    for each in metrics:
        found |= {one.name: one for one in (metrics_named([each]) if isinstance(each, str) else (each,))}
    return tuple(found.values())


def _demand(variants: Sequence[str], against: str | None) -> None:
    if not variants:
        raise InvalidInputError("There is no result yet.", hint="Run the experiment, or widen the filter.")
    if against is not None and against not in variants:
        raise InvalidInputError(
            f"There is no variant {against[:80]!r}.", hint=f"Name one of {', '.join(variants)}."[:600], field="against"
        )


def _in_order(comparisons: Iterable[Comparison], columns: Sequence[Column]) -> list[Comparison]:
    order = {column.name: at for at, column in enumerate(columns)}
    return sorted(comparisons, key=lambda each: order[each.measure.name])


def _cells(
    variants: Sequence[str], columns: Sequence[Column], intervals: Mapping[str, Mapping[str, Interval]],
    comparisons: Sequence[Comparison],
) -> dict[str, dict[str, Cell]]:  # fmt: skip
    by_metric: dict[str, list[Comparison]] = {}
    for each in comparisons:
        by_metric.setdefault(each.measure.name, []).append(each)
    cells: dict[str, dict[str, Cell]] = {}
    for variant in variants:
        cells[variant] = {}
        for column in columns:
            seen = intervals.get(variant, {}).get(column.name, NO_VALUE)
            mark = mark_of(variant, by_metric.get(column.name, ()))
            cells[variant][column.name] = Cell(seen, interval_words(seen, column.kind, column.unit), mark)
    return cells


def _tally(cells: Iterable[Ended], variant: str) -> Tally:
    own = [each for each in cells if each.variant == variant]
    failed = sum(bool(each.fault) for each in own)
    return Tally(len(own), failed, len({each.request for each in own}), len({each.seed for each in own}))


def _notes(cells: Sequence[Ended], variants: Sequence[str]) -> Iterable[str]:
    """What is lacking: cells that failed or are not there, metrics that failed."""
    asked = {(each.request, each.seed) for each in cells}
    problems: dict[str, list[str]] = {}
    for variant in variants:
        own = [each for each in cells if each.variant == variant]
        failed = sum(bool(each.fault) for each in own)
        if failed:
            yield f"{variant}: {failed:,} of {len(own):,} cells gave no piece: measures of pieces leave them out."
        if lacking := len(asked) - len({(each.request, each.seed) for each in own}):
            yield f"{variant}: {lacking:,} of {len(asked):,} cells have no result yet."
    for each in cells:
        for metric, why in each.problems.items():
            problems.setdefault(metric, []).append(why)
    for metric, whys in sorted(problems.items()):
        yield f"{metric} could not be measured of {len(whys):,} cells: {whys[0][:200]}"
