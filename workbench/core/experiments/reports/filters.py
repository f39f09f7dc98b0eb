"""Filters: which results, or pairs of results of two variants, to look at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.elements import ELEMENTS, Element, texts_of
from workbench.core.experiments.results import Result
from workbench.core.experiments.samples import Value
from workbench.core.experiments.statistics.averages import Better
from workbench.core.music.structure import MusicStructure

Choice = Literal["", "only-a", "only-b", "differ", "worst", "best"]
"""Of pairs: A's value is yes and B's is not, the other way round, an element differs, and B's greatest losses or gains
against A by a metric, the greatest first; empty for all pairs."""
MAX_TEXT = 200


@dataclass(frozen=True)
class Filter:
    """What results have to be; what is empty or None is not asked.

    ``facets`` holds by facet the level, or levels, that are let in. ``text`` has to stand in the request's key, brief
    or theme, the piece's title, the model's name or the error, in any case of letters. ``metric`` with ``low`` and
    ``high`` lets in values from and to these (yes is 1), with ``unknown`` those that are None.

    For pairs ``a`` and ``b`` are variants, and ``choice`` what is asked of them: of ``metric``, or of ``element``. The
    rest is asked of the request, and of either of the two results.
    """

    variants: tuple[str, ...] = ()
    failed: bool | None = None
    outcomes: tuple[str, ...] = ()
    facets: Mapping[str, str | Collection[str]] = field(default_factory=dict)
    text: str = ""
    metric: str = ""
    low: float | None = None
    high: float | None = None
    unknown: bool = False
    a: str = ""
    b: str = ""
    choice: Choice = ""
    element: Element | Literal[""] = ""
    better: Better = "higher"
    most: int | None = None

    def __post_init__(self) -> None:
        """Refuse what no filter can be.

        Raises:
            InvalidInputError: an unknown choice or element, or one of a pair, a metric, an element that is missing.
        """
        lacks = None
        if self.choice not in get_args(Choice):
            lacks = "Pairs cannot be chosen like this.", "choice", "only-a, only-b, differ, worst, best"
        elif self.element not in ("", *get_args(Element)):
            lacks = "There is no such element.", "element", ", ".join(get_args(Element))
        elif self.choice and not (self.a and self.b and self.a != self.b):
            lacks = "Two variants are needed.", "a", "two of the run's variants"
        elif self.choice == "differ" and not self.element:
            lacks = "What is to differ?", "element", ", ".join(get_args(Element))
        elif self.choice not in ("", "differ") and not self.metric:
            lacks = "A metric is needed.", "metric", "a metric's name"
        elif len(self.text) > MAX_TEXT:
            lacks = "The words are too long.", "text", f"up to {MAX_TEXT} letters"
        elif self.most is not None and self.most < 0:
            lacks = "Fewer than none cannot be shown.", "most", "a number from 0 on"
        if lacks:
            raise InvalidInputError(lacks[0], hint=f"Give {lacks[2]}.", field=lacks[1])


@dataclass(frozen=True)
class Pair:
    """What two variants made of one request with one seed. ``gap`` is B's value less A's by the filter's metric."""

    request: str
    seed: int
    a: Result
    b: Result
    gap: float | None = None


def where(results: Iterable[Result], filter: Filter) -> list[Result]:
    """The results that a filter lets in, in their order; of pairs both, A before B.

    Raises:
        InvalidInputError: a variant of the pair, or a metric, that no result has.
    """
    if filter.choice:
        return [each for pair in pairs_where(results, filter) for each in (pair.a, pair.b)]
    found = list(results)
    if filter.metric:
        _demand_measured(found, filter.metric)
    asked = _asked(filter, measured=True)
    return [each for each in found if asked(each)][: filter.most]


def pairs_where(results: Iterable[Result], filter: Filter) -> list[Pair]:
    """The pairs that a filter lets in, by position; the worst and the best first where these are asked for.

    Raises:
        InvalidInputError: no two variants are named, or a variant or metric that no result has.
    """
    found = list(results)
    demand_variants((each.variant for each in found), (filter.a, filter.b))
    if filter.metric:
        _demand_measured(found, filter.metric)
    asked = _asked(filter, measured=False)
    wanted = [pair for pair in _paired(found, filter) if asked(pair.a) or asked(pair.b)]
    if filter.choice == "differ":
        part = ELEMENTS[cast("Element", filter.element)]
        wanted = [pair for pair in wanted if _differ(pair, part)]
    elif filter.choice in ("only-a", "only-b"):
        yes, no = (1.0, 0.0) if filter.choice == "only-a" else (0.0, 1.0)
        wanted = [
            pair for pair in wanted
            if (pair.a.values.get(filter.metric), pair.b.values.get(filter.metric)) == (yes, no)
        ]  # fmt: skip
    elif filter.choice:
        sign = (-1 if filter.better == "lower" else 1) * (1 if filter.choice == "best" else -1)
        wanted = [pair for pair in wanted if pair.gap is not None and pair.gap * sign > 0]
        wanted.sort(key=lambda pair: -(pair.gap or 0.0) * sign)
    return wanted[: filter.most]


def _paired(results: Iterable[Result], filter: Filter) -> Iterator[Pair]:
    sides: dict[str, dict[tuple[str, int], Result]] = {filter.a: {}, filter.b: {}}
    for each in results:
        if each.variant in sides:
            sides[each.variant][each.request, each.seed] = each
    others = sides[filter.b]
    for (request, seed), one in sides[filter.a].items():
        other = others.get((request, seed))
        if other is not None:
            yield Pair(request, seed, one, other, _gap(one, other, filter.metric))


def _gap(a: Result, b: Result, metric: str) -> float | None:
    one, other = a.values.get(metric), b.values.get(metric)
    return None if one is None or other is None else float(other) - float(one)


def _asked(filter: Filter, *, measured: bool) -> Callable[[Result], bool]:
    """What is asked of one result; of its value only where ``measured``."""
    demands: list[Callable[[Result], bool]] = []
    if filter.variants:
        demands.append(lambda each: each.variant in filter.variants)
    if filter.failed is not None:
        demands.append(lambda each: (each.sample.structure is None) == filter.failed)
    if filter.outcomes:
        demands.append(lambda each: each.sample.outcome in filter.outcomes)
    for facet, level in filter.facets.items():
        levels = {level} if isinstance(level, str) else set(level)
        demands.append(lambda each, facet=facet, levels=levels: each.facets.get(facet, "") in levels)  # type: ignore[misc]
    if words := filter.text.strip().casefold():
        demands.append(lambda each: any(words in text.casefold() for text in _texts(each)))
    if measured and filter.metric and (filter.unknown or filter.low is not None or filter.high is not None):
        demands.append(lambda each: _within(each.values.get(filter.metric), filter))
    return lambda each: all(demand(each) for demand in demands)


def _texts(result: Result) -> Iterator[str]:
    yield result.request
    yield from texts_of(result.sample)


def _within(value: Value, filter: Filter) -> bool:
    if value is None or filter.unknown:
        return value is None and filter.unknown
    number = float(value)
    return (filter.low is None or number >= filter.low) and (filter.high is None or number <= filter.high)


def _differ(pair: Pair, part: Callable[[MusicStructure], Any]) -> bool:
    """Whether an element of the two pieces differs; a piece that is not there differs in nothing."""
    one, other = pair.a.sample.structure, pair.b.sample.structure
    return one is not None and other is not None and one is not other and part(one) != part(other)


def demand_variants(known: Iterable[str], wanted: Iterable[str]) -> None:
    """Refuse variants that there are not, with an InvalidInputError."""
    names = dict.fromkeys(known)
    for name in wanted:
        if name not in names:
            raise InvalidInputError(
                f"There is no variant {name[:80]!r}.", hint=f"Name one of {', '.join(names)}."[:600], field="a"
            )


def demand_metric(known: Collection[str], metric: str) -> None:
    """Refuse a metric that no result has, with an InvalidInputError."""
    if metric not in known:
        raise InvalidInputError(
            f"No result has the metric {metric[:60]!r}.", hint="Choose one that was measured.", field="metric"
        )


def _demand_measured(results: list[Result], metric: str) -> None:
    if results and not any(metric in each.values for each in results):
        demand_metric((), metric)
