"""Metrics of whole sets, such as diversity, of each variant and between two: there is an interval, but no test.

A difference is a finding where its interval leaves 0 out even when it is as wide as all those comparisons demand
(Bonferroni).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.core.experiments.metrics import Context, SetMetric, measure_set
from workbench.core.experiments.results import Ended, Result
from workbench.core.experiments.samples import Sample
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.power import More
from workbench.core.experiments.statistics.resampling import SEED
from workbench.core.experiments.statistics.sets import set_interval
from workbench.core.experiments.statistics.verdicts import Comparison, Measure, Verdict
from workbench.core.experiments.statistics.words import difference_words, span_words, turned

MOST = 120
"""Pieces of a variant that are looked at, each of its metrics 41 times; always the same ones."""
_UNTOLD = More(None, None, "How many more requests would settle it is not told for metrics of whole sets.")
_TEST = "interval, parts of the requests left out"


@dataclass
class Sets:
    """The samples of every variant by request, and what was measured of them."""

    samples: Mapping[str, Mapping[str, Sequence[Sample]]]
    contexts: Mapping[str, Context]
    _known: dict[tuple[str, str, tuple[str, ...]], float | None] = field(default_factory=dict)

    @property
    def largest(self) -> int:
        """The most requests that are looked at of a variant."""
        return max((len(each) for each in self.samples.values()), default=0)

    def interval(self, metric: SetMetric, variant: str, *, confidence: float) -> Interval:
        """A variant's value with its interval."""
        keys = list(self.samples[variant])
        return set_interval(keys, lambda some: self._value(metric, variant, some), confidence=confidence)

    def compare(self, metric: SetMetric, a: str, b: str, *, alpha: float, family: int) -> Comparison:
        """B against A over the requests that both have answered."""
        shared = [key for key in self.samples[a] if key in self.samples[b]]

        def gap(some: Sequence[str]) -> float | None:
            one, other = self._value(metric, a, some), self._value(metric, b, some)
            return None if one is None or other is None else other - one

        of_a, of_b = (
            set_interval(shared, lambda some, who=who: self._value(metric, who, some), confidence=1 - alpha)  # type: ignore[misc]
            for who in (a, b)
        )
        seen = set_interval(shared, gap, confidence=1 - alpha)
        strict = seen if family <= 1 else set_interval(shared, gap, confidence=1 - alpha / family)
        verdict = _verdict(metric, seen, strict)
        left_out = len(self.samples[a].keys() | self.samples[b].keys()) - len(shared)
        found = verdict in ("better", "worse", "higher", "lower")
        return Comparison(
            measure=Measure(metric.name, metric.kind, metric.better, metric.unit), a=a, b=b, alpha=alpha, of_a=of_a,
            of_b=of_b, difference=seen, pairs=len(shared), left_out=left_out, test=_TEST, p=None, corrected=None,
            family=family, others={}, effects=(), table={}, verdict=verdict, words=_words(metric, a, b, seen, verdict),
            cautions=(), more=More(0, 0, "No more are needed.") if found else _UNTOLD,
        )  # fmt: skip

    def _value(self, metric: SetMetric, variant: str, keys: Sequence[str]) -> float | None:
        place = (metric.name, variant, tuple(keys))
        if place not in self._known:
            samples = [sample for key in keys for sample in self.samples[variant][key]]
            value = measure_set(samples, self.contexts[variant], [metric]).values[metric.name]
            self._known[place] = None if value is None else float(value)
        return self._known[place]


def sets_of(
    cells: Iterable[Ended], load: Callable[[Sequence[int]], Iterable[Result]], contexts: Mapping[str, Context], *,
    most: int = MOST,
) -> Sets:  # fmt: skip
    """The samples by variant and request: so many requests, drawn alike for all, that ``most`` pieces are looked at.

    ``load`` gives the results at some positions; no others are read.
    """
    places: dict[str, dict[str, list[int]]] = {}
    for cell in sorted(cells, key=lambda each: (each.request, each.seed)):
        places.setdefault(cell.variant, {}).setdefault(cell.request, []).append(cell.position)
    order = sorted({key for by_request in places.values() for key in by_request})
    random.Random(SEED).shuffle(order)
    drawn = {variant: _drawn(by_request, order, most) for variant, by_request in places.items()}
    wanted = sorted(at for by_request in drawn.values() for some in by_request.values() for at in some)
    samples = {each.position: each.sample for each in load(wanted)} if wanted else {}
    return Sets(
        {
            variant: {key: [samples[at] for at in some] for key, some in by_request.items()}
            for variant, by_request in drawn.items()
        },
        {variant: contexts.get(variant) or Context() for variant in drawn},
    )


def _drawn(by_request: Mapping[str, Sequence[int]], order: Sequence[str], most: int) -> dict[str, Sequence[int]]:
    chosen: dict[str, Sequence[int]] = {}
    pieces = 0
    for key in order:
        if key in by_request:
            pieces += len(by_request[key])
            if chosen and pieces > most:
                break
            chosen[key] = by_request[key]
    return {key: chosen[key] for key in sorted(chosen)}


def _clear(seen: Interval) -> bool:
    return seen.low is not None and seen.high is not None and (seen.low > 0 or seen.high < 0)


def _verdict(metric: SetMetric, seen: Interval, strict: Interval) -> Verdict:
    if not seen.known:
        return "few"
    if _clear(strict):
        up = (seen.value or 0.0) > 0
        if not metric.better:
            return "higher" if up else "lower"
        return "better" if up == (metric.better == "higher") else "worse"
    return "noise" if _clear(seen) else "none"


def _words(metric: SetMetric, a: str, b: str, seen: Interval, verdict: Verdict) -> str:
    kind, unit = metric.kind, metric.unit
    if verdict == "few":
        return f"Too few to tell: {seen.note}"
    if verdict == "none":
        most = max(abs(seen.low or 0.0), abs(seen.high or 0.0))
        return (
            f"No difference found; it is at most {difference_words(most, seen, kind, unit)} either way "
            f"({b} − {a}: {span_words(seen, kind, unit)})."
        )
    up = (seen.value or 0.0) >= 0
    gap = seen if up else turned(seen)
    ahead = b if up == (metric.better != "lower") else a
    less = " less" if metric.better == "lower" else ""
    size = f"{difference_words(gap.value or 0.0, gap, kind, unit)}{less} ({span_words(gap, kind, unit)})"
    if verdict == "noise":
        return f"May be noise: {ahead} is {'ahead' if metric.better else 'higher'} {'with' if less else 'by'} {size}."
    return f"{ahead} is {'better' if metric.better else 'higher'}: {size}."
