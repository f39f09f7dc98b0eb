"""Batches of rows, as worker processes make them: each source with its variants, checked, counted and packed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from workbench.core.datasets.building.making import Made, Terms, facts_of, make_row
from workbench.core.datasets.building.row_checks import Looked, check_row
from workbench.core.datasets.building.whole_checks import Trace, trace_of
from workbench.core.datasets.faults import Fault, Tally
from workbench.core.datasets.review.statistics import Counts
from workbench.core.datasets.rows import Changes, Facts, Source
from workbench.core.datasets.versions import packed
from workbench.core.errors import InvalidInputError
from workbench.core.generate.judging import weight
from workbench.core.library.examples import Example

UNTRUE = "a variant that could not be made truthfully"
WORSE = "a variant that came out worse than its source"
FAULTY = "rows with errors"


@dataclass(frozen=True)
class Job:
    """One source, the rows that are wanted of it (``()`` is itself), and where they go."""

    source: Source
    wanted: tuple[Changes, ...]
    split: str
    group: str
    shown: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Jobs that are done together, on the same terms."""

    jobs: tuple[Job, ...]
    terms: Terms

    def __len__(self) -> int:
        return sum(len(job.wanted) for job in self.jobs)


@dataclass
class Done:
    """What became of a batch: rows with their contents and traces, faults, what is not there and why, and counts."""

    facts: list[Facts] = field(default_factory=list)
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    traces: dict[str, Trace] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    left_out: Counter[str] = field(default_factory=Counter)
    originals: Counts = field(default_factory=Counts)
    everything: Counts = field(default_factory=Counts)
    exact: bool = True


def make_batch(batch: Batch) -> Done:
    """Make every row of a batch. A source with errors makes no row at all; a variant is never worse than its source."""
    done = Done()
    for job in batch.jobs:
        try:
            made = make_row(job.source, (), batch.terms, job.shown)
        except InvalidInputError as problem:
            done.tally.add(_unmade(job.source.id, problem))
            done.left_out[FAULTY] += len(job.wanted)
            continue
        looked = Looked(made.row, batch.terms, made.structure)
        faults = check_row(looked)
        done.tally.add(*faults)
        if any(fault.severity == "error" for fault in faults) or looked.report is None:
            done.left_out[FAULTY] += len(job.wanted)
            continue
        if () in job.wanted:
            _take(done, job, made, looked, derived=False)
        for changes in job.wanted:
            if changes:
                _vary(done, job, changes, batch.terms, weight(looked.report))
    return done


def _unmade(key: str, problem: InvalidInputError) -> Fault:
    return Fault("made", "error", f"No row can be made of it: {problem.message}", problem.hint, key)


def _vary(done: Done, job: Job, changes: Changes, terms: Terms, least: tuple[int, int]) -> None:
    """One variant, where it is as good as its source."""
    try:
        made = make_row(job.source, changes, terms, job.shown)
    except InvalidInputError:
        done.left_out[UNTRUE] += 1
        return
    looked = Looked(made.row, terms, made.structure)
    if check_row(looked) or looked.report is None or weight(looked.report) > least:
        done.left_out[WORSE] += 1
        return
    _take(done, job, made, looked, derived=True)


def _take(done: Done, job: Job, made: Made, looked: Looked, *, derived: bool) -> None:
    assert looked.report is not None
    facts = facts_of(
        made.row,
        made.structure,
        looked.report,
        tokens_in=looked.tokens_in.tokens,
        tokens_out=looked.tokens_out.tokens,
        split=job.split,
        group=job.group,
    )
    done.facts.append(facts)
    done.bodies.append(packed(made.row))
    done.traces[made.row.key] = trace_of(made.row)
    done.exact &= looked.tokens.exact
    for counts in (done.everything,) if derived else (done.everything, done.originals):
        counts.add(
            made.structure,
            mood=facts.mood,
            seconds=facts.seconds,
            tokens=facts.tokens_in + facts.tokens_out,
            period=facts.period,
        )
