"""Building a version from a recipe: plan, make and check every row, check the whole, write it; or none of it.

The same recipe on the same library gives the same version, whatever the number of processes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.core.datasets.building.batches import FAULTY, Batch, Done, Job, make_batch
from workbench.core.datasets.building.held_out import held_out
from workbench.core.datasets.building.making import Terms, terms_of
from workbench.core.datasets.building.planning import BuildPlan, Entry, Told, plan_build
from workbench.core.datasets.building.processes import spread
from workbench.core.datasets.building.sources import sources
from workbench.core.datasets.building.whole_checks import Trace, Whole, check_whole, trace_of
from workbench.core.datasets.costs import limit_of
from workbench.core.datasets.faults import Fault, Tally
from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.recipes import Recipe
from workbench.core.datasets.review.balance import balance_faults
from workbench.core.datasets.review.statistics import Counts
from workbench.core.datasets.rows import SPLITS, Facts, Source
from workbench.core.datasets.versions import Version, find_body, find_row, in_order, put_bodies, write_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.generate.templates import all_templates, find_template
from workbench.core.library.curation import approved
from workbench.core.library.database import Database
from workbench.core.library.examples import Example
from workbench.core.library.retrieval import Index
from workbench.core.music.structure import MusicStructure

A_BATCH = 48
"""Rows that one task makes, about: long enough to be worth sending, short enough to show progress."""
FEW = 300
"""Rows that are made faster here than by processes that have to start first."""


@dataclass(frozen=True)
class Built:
    """What a build came to: the version, None where faults block it; what was found; what is not in it, and why.

    ``new`` is False where the very same version was there already.
    """

    version: Version | None
    new: bool
    tally: Tally
    left_out: Mapping[str, int]


@dataclass
class Gathered:
    """What has been made so far: facts and traces of rows, faults, what is not there and why, and counts."""

    facts: list[Facts] = field(default_factory=list)
    traces: dict[str, Trace] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    left_out: Counter[str] = field(default_factory=Counter)
    originals: Counts = field(default_factory=Counts)
    everything: Counts = field(default_factory=Counts)
    exact: bool = True

    def take(self, done: Done) -> None:
        """Take in what a batch came to."""
        self.facts += done.facts
        self.traces.update(done.traces)
        self.tally.merge(done.tally)
        self.left_out += done.left_out
        self.originals.merge(done.originals)
        self.everything.merge(done.everything)
        self.exact &= done.exact

    def add(self, facts: Facts, structure: MusicStructure, trace: Trace, *, exact: bool = True) -> None:
        """Take in one row."""
        self.facts.append(facts)
        self.traces[facts.key] = trace
        self.exact &= exact
        for counts in (self.everything,) if facts.derived else (self.everything, self.originals):
            counts.add(
                structure,
                mood=facts.mood,
                seconds=facts.seconds,
                tokens=facts.tokens_in + facts.tokens_out,
                period=facts.period,
            )

    def take_away(self, facts: Facts, structure: MusicStructure) -> None:
        """Take away one row that has an error."""
        one = Counts()
        one.add(
            structure,
            mood=facts.mood,
            seconds=facts.seconds,
            tokens=facts.tokens_in + facts.tokens_out,
            period=facts.period,
        )
        for counts in (self.everything,) if facts.derived else (self.everything, self.originals):
            counts.pieces -= 1
            for name, tally in one.tallies.items():
                counts.tallies[name] -= tally
        self.left_out[FAULTY] += 1

    def summary(self, facts: Sequence[Facts], terms: Terms) -> dict[str, Any]:
        """What a version says about its rows."""
        splits = Counter(each.split for each in facts)
        lengths = [(each.split, each.tokens_in + each.tokens_out) for each in facts]
        return {
            "splits": {split: splits[split] for split in SPLITS},
            "sources": len({each.source for each in facts}),
            "groups": len({each.group for each in facts}),
            "derived": sum(each.derived for each in facts),
            "tokens": {
                "train": sum(count for split, count in lengths if split == "train"),
                "all": sum(count for _, count in lengths),
                "longest": max(count for _, count in lengths),
                "limit": terms.limit,
                "exact": self.exact,
            },
            "left_out": dict(self.left_out),
            "findings": self.tally.to_dict(),
            "originals": self.originals.to_dict(),
            "everything": self.everything.to_dict(),
        }


def build(
    database: Database, recipe: Recipe, *, curator: str, processes: int | None = None, told: Told = lambda *_: None,
    build_id: str = "",
) -> Built:  # fmt: skip
    """Build a version. ``told`` hears how far it is; an error that it raises ends the build, and nothing is left.

    ``processes`` make the rows beside this one; None is one for each core where there are many rows.

    Raises:
        InvalidInputError: the recipe names something that there is not, or lets no piece through.
        ConflictError: the library was changed while the rows were made.
    """
    template = find_template(recipe.template, all_templates(database))
    terms = terms_of(recipe, template, limit_of(recipe.model))
    plan = plan_build(database, recipe, told)
    if not plan.rows:
        why = "; ".join(f"{count} {words}" for words, count in plan.left_out.items())
        raise InvalidInputError(
            "The recipe lets no piece through." + (f" Left out: {why}." if why else ""), hint="Widen its filters."
        )
    gathered = Gathered(left_out=Counter(plan.left_out))
    if processes is None:
        processes = 0 if plan.rows <= FEW else os.cpu_count() or 1
    done_rows = 0
    for batch, done in spread(make_batch, _batches(database, recipe, plan, terms), processes):
        put_bodies(database, done.bodies)
        gathered.take(done)
        done_rows += len(batch)
        told("Making and checking the rows", done_rows, plan.rows)
    _add_frozen(database, plan, gathered)
    told("Checking the whole", plan.rows, plan.rows)
    facts = in_order(gathered.facts)
    _check(database, recipe, plan, facts, gathered)
    if not facts or (gathered.tally.errors and recipe.faults == "block"):
        return Built(None, False, gathered.tally, dict(gathered.left_out))
    told("Writing the version", plan.rows, plan.rows)
    version, new = write_version(
        database, recipe.to_dict(), facts, _summary(database, terms, plan, facts, gathered),
        name=recipe.name, kind=recipe.kind, curator=curator, build_id=build_id,
    )  # fmt: skip
    return Built(version, new, gathered.tally, dict(gathered.left_out))


def _batches(database: Database, recipe: Recipe, plan: BuildPlan, terms: Terms) -> Iterator[Batch]:
    """The planned rows as tasks, in the order of their sources."""
    planned = {entry.source: entry for entry in plan.entries}
    show = _Shown(database, recipe, plan) if recipe.examples else None
    waiting: list[Job] = []
    seen = 0
    for source in sources(database, recipe):
        entry = planned.get(source.id)
        if entry is None:
            continue
        seen += 1
        if source.revision != entry.revision:
            raise _changed()
        shown = show(source, entry) if show else ()
        waiting.append(Job(source, entry.wanted, entry.split, entry.group, shown))
        if sum(len(job.wanted) for job in waiting) >= A_BATCH:
            yield Batch(tuple(waiting), terms)
            waiting = []
    if seen != len(planned):
        raise _changed()
    if waiting:
        yield Batch(tuple(waiting), terms)


def _changed() -> ConflictError:
    return ConflictError("The library was changed while the rows were made.", hint="Build again.")


class _Shown:
    """The few-shot examples for a source's prompts: retrieved as generation does, from the training side alone, and
    never one that is related to the source."""

    def __init__(self, database: Database, recipe: Recipe, plan: BuildPlan) -> None:
        self.count = recipe.examples
        self.groups = {entry.source: entry.group for entry in plan.entries}
        learned = {entry.source for entry in plan.entries if entry.split == "train"}
        self.index = Index(each for each in approved(database) if f"examples/{each.id}" in learned)
        self.related: dict[str, list[str]] = {}
        for source, group in self.groups.items():
            self.related.setdefault(group, []).append(source.removeprefix("examples/"))

    def __call__(self, source: Source, entry: Entry) -> tuple[Example, ...]:
        picked = self.index.retrieve(
            source.request, form=entry.form, period=entry.period, count=self.count,
            banned=tuple(self.related[entry.group]),
        )  # fmt: skip
        return tuple(each.example for each in picked)


def _add_frozen(database: Database, plan: BuildPlan, gathered: Gathered) -> None:
    """The rows of the frozen test sets, as they are."""
    for version, row in plan.frozen:
        found = find_row(database, version, row.key)
        if found is None:
            continue
        facts, row = found
        gathered.add(facts, row.structure, trace_of(row))


def _check(database: Database, recipe: Recipe, plan: BuildPlan, facts: list[Facts], gathered: Gathered) -> None:
    """The checks of the whole; with ``leave-out`` a row that they name is taken away."""
    faults = check_whole(Whole(facts, gathered.traces, plan.fingerprints, plan.held))
    gathered.tally.add(*faults)
    if recipe.faults == "leave-out":
        wrong = {fault.key for fault in faults if fault.severity == "error"}
        for each in (each for each in facts if each.key in wrong or each.source in wrong):
            gathered.take_away(each, find_body(database, each.digest).structure)
        facts[:] = [each for each in facts if each.key not in wrong and each.source not in wrong]
    gathered.tally.add(*_balance(recipe, facts, gathered))


def _balance(recipe: Recipe, facts: list[Facts], gathered: Gathered) -> list[Fault]:
    held = Counter(each.split for each in facts)
    splits: dict[str, int] = {split: held[split] for split in SPLITS if getattr(recipe.split, split)}
    wanted = recipe.sources
    sought = {"forms": wanted.forms, "periods": wanted.periods, "modes": wanted.modes, "moods": wanted.moods}
    return balance_faults(gathered.everything, splits, sought)


def _summary(
    database: Database, terms: Terms, plan: BuildPlan, facts: list[Facts], gathered: Gathered
) -> dict[str, Any]:
    marks = {**plan.held, **plan.fingerprints}
    return gathered.summary(facts, terms) | {
        "held_out": list(held_out(database, facts, marks)),
        "template": {"label": terms.template.label, "digest": terms.template.digest},
        "frozen": [each.name for each in frozen_tests(database)] if plan.frozen else [],
    }
