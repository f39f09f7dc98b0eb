"""A run against one before it: what became better or worse for each variant, and what is asked otherwise.

Variants are the same where they have one name, requests where they ask for the same piece, whatever their keys. So the
comparison is paired, as between the variants of one run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.boards import board
from workbench.core.experiments.metrics import Metric, all_metrics
from workbench.core.experiments.reports.changed import changes
from workbench.core.experiments.reports.levels import values_of
from workbench.core.experiments.reports.marks import Mark, mark_of
from workbench.core.experiments.reports.summary import Column, column_of, headlines
from workbench.core.experiments.requests import expand
from workbench.core.experiments.runs import Run
from workbench.core.experiments.statistics.averages import Values
from workbench.core.experiments.statistics.corrections import Correction
from workbench.core.experiments.statistics.verdicts import ALPHA, Comparison, Measured, compare_each
from workbench.core.library.database import Database

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Change:
    """What a metric says of a variant now (``comparison.b``) against before (``comparison.a``)."""

    variant: str
    comparison: Comparison
    mark: Mark

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"variant": self.variant, "comparison": self.comparison.to_dict(), "mark": asdict(self.mark)}


@dataclass(frozen=True)
class BeforeAfter:
    """Two runs. ``now`` and ``before`` are their labels, ``variants`` those in both, ``shared`` counts the requests
    that both have asked, ``only_now`` and ``only_before`` the others.

    ``changed`` are sentences on what is asked otherwise, ``notes`` on what limits the comparison. ``family``
    comparisons were made, and all are corrected for that.
    """

    now: str
    before: str
    variants: tuple[str, ...]
    columns: tuple[Column, ...]
    changes: tuple[Change, ...]
    shared: int
    only_now: int
    only_before: int
    changed: tuple[str, ...]
    notes: tuple[str, ...]
    alpha: float
    correction: Correction
    family: int

    def of(self, variant: str, metric: str) -> Change | None:
        """What one metric says of one variant."""
        return next(
            (each for each in self.changes if (each.variant, each.comparison.measure.name) == (variant, metric)), None
        )

    @property
    def lead(self) -> str:
        """The whole in one sentence."""
        if not self.changes:
            return "Nothing can be compared."
        counted = {kind: sum(_kind(each.comparison) == kind for each in self.changes) for kind in _TOLD}
        told = ", ".join(f"{count:,} {_TOLD[kind]}" for kind, count in counted.items() if count)
        return f"Of {_count(len(self.changes), 'comparison')}: {told}."

    @property
    def findings(self) -> tuple[str, ...]:
        """A sentence for each difference that was found, the worse first, those of the headlines first in each."""
        first = headlines(self.columns)
        found = sorted(
            (each for each in self.changes if each.comparison.found),
            key=lambda each: (_ORDER[_kind(each.comparison)], each.comparison.measure.name not in first),
        )
        return tuple(map(self.sentence, found))

    @property
    def open_questions(self) -> tuple[str, ...]:
        """What may be noise, the soonest settled first, with how many more requests would settle it."""
        noise = [each for each in self.changes if each.comparison.verdict == "noise"]
        noise.sort(key=lambda each: (each.comparison.more.requests is None, each.comparison.more.requests or 0))
        return tuple(f"{self.sentence(each)} {each.comparison.more.words}" for each in noise)

    def sentence(self, change: Change) -> str:
        """``Valid JSON, tuned: first 2 is better: …``."""
        name = change.comparison.measure.name
        title = next((each.title for each in self.columns if each.name == name), name)
        return f"{title}, {change.variant}: {change.comparison.words}"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        told = {**self.__dict__, "columns": [asdict(each) for each in self.columns]}
        told |= {name: list(told[name]) for name in ("variants", "changed", "notes")}
        told["changes"] = [each.to_dict() for each in self.changes]
        return told | {
            "lead": self.lead, "findings": list(self.findings), "open_questions": list(self.open_questions),
        }  # fmt: skip


_TOLD = {
    "worse": "worse", "better": "better", "moved": "higher or lower, which is neither better nor worse",
    "noise": "may be noise", "none": "show no difference", "few": "rest on too few requests to tell",
}  # fmt: skip
_ORDER = {kind: at for at, kind in enumerate(_TOLD)}


def before_after(
    database: Database, now: Run, before: Run, metrics: Sequence[str] | None = None, *, alpha: float = ALPHA,
    correction: Correction = "holm",
) -> BeforeAfter:  # fmt: skip
    """Compare a run with one before it, by the metrics of samples that both have, or by some of them.

    Raises:
        InvalidInputError: it is the same run, one has no result yet, or they share no variant or no request.
    """
    if now.id == before.id:
        raise InvalidInputError("A run is not compared with itself.", hint="Choose another run.", field="before")
    mine, theirs = board(database, now), board(database, before)
    for each in (mine, theirs):
        if not len(each.frame):
            raise InvalidInputError(f"{each.run.label} has no result yet.", hint="Wait, or choose another run.")
    variants = tuple(each for each in mine.variants if each in theirs.variants)
    if not variants:
        raise InvalidInputError(
            f"{now.label} and {before.label} share no variant.", hint="Variants are matched by their names.",
            field="before",
        )  # fmt: skip
    requests, others = (tuple(dict.fromkeys(each.frame["request"].tolist())) for each in (mine, theirs))
    same, by_key = _same_requests(database, now, before, requests, others)
    if not same:
        raise InvalidInputError(
            f"{now.label} and {before.label} share no request.", hint="Choose a run of the same requests.",
            field="before",
        )  # fmt: skip
    seeds = [set(each.frame["seed"].tolist()) for each in (mine, theirs)]
    chosen = _metrics(mine.metrics, theirs.metrics, metrics)
    kept = seeds[0] & seeds[1]
    keys = {old: key for key, old in same.items()}
    wanted = [
        (metric, variant, a, b)
        for variant in variants
        for metric, a, b in _paired(
            _part(theirs.frame, variant, keys, kept), _part(mine.frame, variant, {key: key for key in same}, kept),
            chosen,
        )
    ]  # fmt: skip
    order = {each.name: at for at, each in enumerate(chosen)}
    wanted.sort(key=lambda each: order[each[0].name])
    compared = compare_each(
        ((cast("Measured", metric), (before.label, now.label), a, b) for metric, _, a, b in wanted), alpha=alpha,
        correction=correction,
    )  # fmt: skip
    told = tuple(
        Change(variant, each, mark_of(now.label, [each]))
        for (_, variant, _, _), each in zip(wanted, compared, strict=True)
    )
    return BeforeAfter(
        now.label, before.label, variants, tuple(column_of(each) for each in chosen), told, len(same),
        len(requests) - len(same), len(others) - len(same), changes(now, before), tuple(_notes(by_key, *seeds)), alpha,
        correction, sum(each.p is not None for each in compared),
    )  # fmt: skip


def _kind(comparison: Comparison) -> str:
    return "moved" if comparison.verdict in ("higher", "lower") else comparison.verdict


def _same_requests(
    database: Database, now: Run, before: Run, requests: Sequence[str], others: Sequence[str]
) -> tuple[dict[str, str], bool]:
    """The key before by the key now of each request that both have answered, and whether keys alone had to tell."""
    digests, earlier = (_digests(database, run) for run in (now, before))
    by_key = digests is None or earlier is None
    mine, theirs = ({}, {}) if digests is None or earlier is None else (digests, earlier)
    known = {theirs.get(key, f"key {key}"): key for key in others}
    found = ((key, known.get(mine.get(key, f"key {key}"))) for key in requests)
    return {key: old for key, old in found if old is not None}, by_key


def _digests(database: Database, run: Run) -> dict[str, str] | None:
    """What each request asks for, by its key; None where that can no longer be looked up."""
    try:
        return {each.key: each.digest for each in expand(run.ordered(), database).asked}
    except InvalidInputError:
        return None


def _notes(by_key: bool, seeds: set[int], others: set[int]) -> Iterator[str]:
    if by_key:
        yield "The requests of one run can no longer be looked up: they are matched by their keys alone."
    if not seeds & others:
        yield "The runs have no seed in common: each request counts by the average of its own seeds."
    elif seeds != others:
        yield f"Only seeds in both are compared: {', '.join(str(each) for each in sorted(seeds & others)[:20])}."


def _metrics(mine: Sequence[str], theirs: Sequence[str], metrics: Sequence[str] | None) -> list[Metric]:
    """The metrics of samples that both runs have, in the order of their families."""
    wanted = set(mine) & set(theirs) & set(mine if metrics is None else metrics)
    return [each for each in all_metrics() if isinstance(each, Metric) and each.name in wanted]


def _part(frame: pd.DataFrame, variant: str, keys: Mapping[str, str], seeds: set[int]) -> pd.DataFrame:
    """A variant's cells of the shared requests, under the keys that both share; of some seeds, where there are any."""
    part = frame[(frame["variant"] == variant) & frame["request"].isin(keys)]
    part = part[part["seed"].isin(seeds)] if seeds else part
    return part.assign(request=part["request"].map(keys)).sort_values(["request", "seed"])


def _paired(
    before: pd.DataFrame, now: pd.DataFrame, metrics: Sequence[Metric]
) -> Iterator[tuple[Metric, Values, Values]]:
    """The values before and now of each metric that has some in both."""
    for each in metrics:
        if before[each.name].notna().any() and now[each.name].notna().any():
            yield each, values_of(before, each.name), values_of(now, each.name)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
