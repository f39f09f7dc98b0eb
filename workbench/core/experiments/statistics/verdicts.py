"""Verdicts: which of two variants is better by a metric, in words that say how sure one may be.

A difference is a finding where its test, after correction for all comparisons made, is below ``alpha`` and its
interval leaves 0 out. Short of that it may be noise, or none is found, and then the words say how large it may be yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, Protocol

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.statistics.averages import Averages, Better, Kind, Values, averages
from workbench.core.experiments.statistics.corrections import Correction, corrected
from workbench.core.experiments.statistics.intervals import Interval, prepare_means, summary_interval
from workbench.core.experiments.statistics.paired import (
    Effect,
    Pairs,
    cohens_dz,
    cohens_g,
    difference,
    mcnemar_exact,
    odds_ratio,
    paired,
    prepare,
    sides,
    sign_flip,
    wilcoxon_signed_rank,
)  # fmt: skip
from workbench.core.experiments.statistics.power import More, least_pairs, more_requests
from workbench.core.experiments.statistics.words import difference_words, span_words, turned

Verdict = Literal["better", "worse", "higher", "lower", "noise", "none", "few"]
"""Of B against A. Higher and lower are findings of a metric of which neither is better."""
ALPHA = 0.05
NEAR = 0.1
"""A difference whose p is up to this, but no finding, may be noise; above it none is found."""
MANY_LEFT_OUT = 0.1
"""From this part of the requests on, leaving them out is told."""


class Measured(Protocol):
    """What stands for a ``Measure``."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> Kind: ...  # noqa: D102
    @property
    def better(self) -> Better: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Measure:
    """A metric as the statistics need it: what its values are, which are better, and their unit.

    Whatever has these four, as a registered metric has, may stand for it.
    """

    name: str
    kind: Kind
    better: Better = ""
    unit: str = ""


@dataclass(frozen=True)
class Comparison:
    """What a metric says of variant ``b`` against variant ``a``.

    ``of_a`` and ``of_b`` are over the ``pairs`` requests that both have a value of; ``left_out`` have one on one side
    or none. ``difference`` is B - A. ``p`` is that of ``test``, ``corrected`` the same after correction for
    ``family`` comparisons, both None where there were too few to test; ``others`` are the p of other tests.
    ``table`` counts the requests of a rate with one seed: both, only_a, only_b, neither.
    """

    measure: Measure
    a: str
    b: str
    alpha: float
    of_a: Interval
    of_b: Interval
    difference: Interval
    pairs: int
    left_out: int
    test: str
    p: float | None
    corrected: float | None
    family: int
    others: Mapping[str, float]
    effects: tuple[Effect, ...]
    table: Mapping[str, int]
    verdict: Verdict
    words: str
    cautions: tuple[str, ...]
    more: More

    @property
    def found(self) -> bool:
        """Whether a difference was found."""
        return self.verdict in ("better", "worse", "higher", "lower")

    @property
    def winner(self) -> str | None:
        """The variant that is better, where one is."""
        return self.b if self.verdict == "better" else self.a if self.verdict == "worse" else None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            **self.__dict__,
            "measure": dict(self.measure.__dict__),
            "of_a": self.of_a.to_dict(),
            "of_b": self.of_b.to_dict(),
            "difference": self.difference.to_dict(),
            "others": dict(self.others),
            "effects": [each.to_dict() for each in self.effects],
            "table": dict(self.table),
            "cautions": list(self.cautions),
            "more": self.more.to_dict(),
            "found": self.found,
            "winner": self.winner,
        }


@dataclass(frozen=True)
class Comparisons:
    """Every variant's rate or average by every metric, and every comparison, corrected for all ``family`` of them.

    The correction is in the p values, and so in what is called a finding; each interval stands for itself.
    """

    summary: Mapping[str, Mapping[str, Interval]]
    comparisons: tuple[Comparison, ...]
    correction: Correction
    family: int
    alpha: float

    def between(self, a: str, b: str, metric: str) -> Comparison | None:
        """The comparison of two variants by a metric, whichever of them is its ``a``."""
        wanted = ({a, b}, metric)
        return next((each for each in self.comparisons if ({each.a, each.b}, each.measure.name) == wanted), None)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; ``summary`` by variant, then by metric."""
        summary = {
            variant: {metric: interval.to_dict() for metric, interval in row.items()}
            for variant, row in self.summary.items()
        }
        comparisons = [each.to_dict() for each in self.comparisons]
        return {**self.__dict__, "summary": summary, "comparisons": comparisons}


def compare_values(
    a: Values, b: Values, *, kind: Kind, better: Better, alpha: float = ALPHA, names: tuple[str, str] = ("A", "B"),
    name: str = "", unit: str = "",
) -> Comparison:  # fmt: skip
    """Compare two variants by one metric, given its values by request; ``names`` are theirs, ``unit`` is its.

    Raises:
        InvalidInputError: an unknown kind or side, a value that is not of the kind, or an alpha that is no level.
    """
    _demand(alpha, better)
    looked = _look(Measure(name, kind, better, unit), names, paired(a, b, kind), alpha)
    return _judge(looked, looked.p, 1, alpha)


def compare_all(
    table: Mapping[str, Mapping[str, Values | Averages]], measures: Iterable[Measured], *, against: str | None = None,
    alpha: float = ALPHA, correction: Correction = "holm",
) -> Comparisons:  # fmt: skip
    """Compare all variants by all metrics: ``table`` holds by variant and metric the values by request, or
    their averages.

    Each variant is compared with each, or with the one that ``against`` names. A metric that a variant has no values
    of is skipped there.

    Raises:
        InvalidInputError: as ``compare_values``, a variant that is not there, or an unknown correction.
    """
    if against is not None and against not in table:
        raise InvalidInputError(f"There is no variant {against[:80]!r}.", hint="Name one of them.", field="against")
    chosen = [Measure(each.name, each.kind, each.better, each.unit) for each in measures]
    _demand(alpha, *(each.better for each in chosen))
    found = {
        variant: {each.name: averages(row[each.name], each.kind) for each in chosen if each.name in row}
        for variant, row in table.items()
    }
    kinds = {each.name: each.kind for each in chosen}
    prepare_means(
        (list(one.by_request.values()) for row in found.values() for name, one in row.items() if kinds[name] != "rate"),
        confidence=1 - alpha,
    )  # fmt: skip
    summary = {
        variant: {name: summary_interval(one, kinds[name], confidence=1 - alpha) for name, one in row.items()}
        for variant, row in found.items()
    }
    comparisons = compare_each(
        (
            (each, (a, b), found[a][each.name], found[b][each.name])
            for each in chosen for a, b in _rivals(list(found), against)
            if each.name in found[a] and each.name in found[b]
        ), alpha=alpha, correction=correction,
    )  # fmt: skip
    family = sum(each.p is not None for each in comparisons)
    return Comparisons(summary, comparisons, correction, family, alpha)


def compare_each(
    wanted: Iterable[tuple[Measured, tuple[str, str], Values | Averages, Values | Averages]], *, alpha: float = ALPHA,
    correction: Correction = "holm",
) -> tuple[Comparison, ...]:  # fmt: skip
    """Compare one with another many times, corrected for all of them: each a metric, two names, and their values.

    Raises:
        InvalidInputError: as ``compare_values``, or an unknown correction.
    """
    shared = [
        (Measure(each.name, each.kind, each.better, each.unit), names, paired(a, b, each.kind))
        for each, names, a, b in wanted
    ]
    _demand(alpha, *(each.better for each, _, _ in shared))
    prepare((pairs for _, _, pairs in shared), confidence=1 - alpha)
    looked = [_look(each, names, pairs, alpha) for each, names, pairs in shared]
    family = sum(each.p is not None for each in looked)
    ps = corrected([each.p for each in looked], correction)
    strict = family if correction != "none" else 1
    return tuple(_judge(each, p, max(1, strict), alpha) for each, p in zip(looked, ps, strict=True))


@dataclass(frozen=True)
class _Looked:
    """What can be said of a comparison before the others are known."""

    measure: Measure
    names: tuple[str, str]
    pairs: Pairs
    of_a: Interval
    of_b: Interval
    difference: Interval
    test: str
    p: float | None
    others: Mapping[str, float]
    effects: tuple[Effect, ...]


def _rivals(variants: list[str], against: str | None) -> Iterator[tuple[str, str]]:
    if against is None:
        yield from combinations(variants, 2)
    else:
        yield from ((against, each) for each in variants if each != against)


def _look(measure: Measure, names: tuple[str, str], pairs: Pairs, alpha: float) -> _Looked:
    confidence = 1 - alpha
    of_a, of_b = sides(pairs, confidence=confidence)
    seen = difference(pairs, confidence=confidence)
    table, differences = pairs.table, pairs.differences
    effects: tuple[Effect | None, ...]
    others: dict[str, float] = {}
    enough = pairs.count >= least_pairs(alpha)
    if table is not None:
        test, p = "McNemar, exact", mcnemar_exact(table[1], table[2])
        effects = (
            cohens_g(table[1], table[2], confidence=confidence), odds_ratio(table[1], table[2], confidence=confidence),
        )  # fmt: skip
    else:
        test, p = "sign flips of the average difference", sign_flip(differences) if enough else 1.0
        effects = (cohens_dz(differences, confidence=confidence),)
        if enough and measure.kind != "rate":
            others["Wilcoxon, signed ranks"] = wilcoxon_signed_rank(differences)
    kept = tuple(each for each in effects if each is not None)
    return _Looked(measure, names, pairs, of_a, of_b, seen, test, p if enough else None, others, kept)


def _judge(looked: _Looked, p: float | None, family: int, alpha: float) -> Comparison:
    seen, better = looked.difference, looked.measure.better
    clear = seen.known and ((seen.low or 0.0) > 0 or (seen.high or 0.0) < 0)
    verdict: Verdict
    if p is None or looked.p is None:
        verdict = "few"
    elif p <= alpha and clear:
        verdict = _direction((seen.value or 0.0) > 0, better)
    else:
        verdict = "noise" if clear or looked.p <= NEAR else "none"
    table = looked.pairs.table
    found = verdict in ("better", "worse", "higher", "lower")
    return Comparison(
        measure=looked.measure, a=looked.names[0], b=looked.names[1], alpha=alpha, of_a=looked.of_a,
        of_b=looked.of_b, difference=seen, pairs=looked.pairs.count, left_out=looked.pairs.left_out,
        test=looked.test, p=looked.p, corrected=p, family=family, others=looked.others, effects=looked.effects,
        table=dict(zip(("both", "only_a", "only_b", "neither"), table, strict=True)) if table else {},
        verdict=verdict, words=_words(looked, verdict, family, alpha),
        cautions=tuple(_cautions(looked, found, family, alpha)),
        more=more_requests(looked.pairs, seen, settled=found, alpha=alpha / family),
    )  # fmt: skip


def _direction(up: bool, better: Better) -> Verdict:
    if not better:
        return "higher" if up else "lower"
    return "better" if up == (better == "higher") else "worse"


def _words(looked: _Looked, verdict: Verdict, family: int, alpha: float) -> str:
    """The verdict as a sentence."""
    pairs, seen, kind = looked.pairs, looked.difference, looked.measure.kind
    if verdict == "few":
        return f"Too few: {pairs.count} shared requests; at least {least_pairs(alpha)} are needed to tell anything."
    unit = looked.measure.unit
    if verdict == "none":
        if seen.low == seen.high == 0:
            rest = seen.note.partition("; ")[2]
            return f"No difference found: both are the same in all {pairs.count} shared requests; {rest}"
        most = max(abs(seen.low or 0.0), abs(seen.high or 0.0))
        side = f"{looked.names[1]} − {looked.names[0]}"
        return (
            f"No difference found; it is at most {difference_words(most, seen, kind, unit)} either way "
            f"({side}: {span_words(seen, kind, unit)})."
        )
    ahead, gap = _ahead(looked)
    less = " less" if looked.measure.better == "lower" else ""
    size = f"{difference_words(gap.value or 0.0, gap, kind, unit)}{less} ({span_words(gap, kind, unit)})"
    neither = not looked.measure.better
    if verdict == "noise":
        after = f", with {family} comparisons made" if family > 1 else ""
        return f"May be noise{after}: {ahead} is {'higher' if neither else 'ahead'} {'with' if less else 'by'} {size}."
    return f"{ahead} is {'higher' if neither else 'better'}: {size}."


def _ahead(looked: _Looked) -> tuple[str, Interval]:
    """Which variant is ahead, or higher where neither is better, and by how much (above 0)."""
    up = (looked.difference.value or 0.0) >= 0
    size = looked.difference if up else turned(looked.difference)
    return looked.names[1 if up == (looked.measure.better != "lower") else 0], size


def _cautions(looked: _Looked, found: bool, family: int, alpha: float) -> Iterator[str]:
    left_out, total = looked.pairs.left_out, looked.pairs.left_out + looked.pairs.count
    if left_out > MANY_LEFT_OUT * total:
        yield (
            f"{left_out} of {total} requests are left out: they have no value on one side. "
            "If those are the hard ones, this flatters whoever failed there."
        )
    if found and looked.difference.note:
        yield looked.difference.note
    for name, p in looked.others.items():
        if found and p > alpha:
            yield f"{name}: no difference (p {p:.2g}). A few requests with large differences may carry the average."
        elif not found and p * family <= alpha:
            yield f"{name}: most requests lean one way (p {p:.2g}), though the averages do not tell."


def _demand(alpha: float, *sides: object) -> None:
    if not 0 < alpha < 0.5:
        raise InvalidInputError("A level is above 0 and below 0.5.", hint="Take 0.05.", field="alpha")
    for better in sides:
        if better not in ("higher", "lower", ""):
            raise InvalidInputError(
                f"Values cannot be better {better!r}.", hint="Give higher, lower or nothing.", field="better"
            )
