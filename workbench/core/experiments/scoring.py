"""What a run over a frozen test set says of its models, for the gate that a tuned model has to pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.versions import facts_of_version
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import METRICS, Context, measure_sample
from workbench.core.experiments.runs import Run, ended, find_result, find_run
from workbench.core.experiments.samples import Value
from workbench.core.experiments.specification import Specification, Variant
from workbench.core.finetune.models import BASE, model_named
from workbench.core.finetune.scores import Score, write_score
from workbench.core.library.database import Database

COMPLIANCE, ADHERENCE = "valid-schema", "plan-kept-first"
"""The metrics that format compliance and plan adherence are means of: both look at the first answer alone."""


@dataclass
class _Marks:
    """What one subject scored, cell by cell; ``unanswered`` are cells in which nothing was learned of the model."""

    requests: set[str] = field(default_factory=set)
    compliance: list[float] = field(default_factory=list)
    adherence: list[float] = field(default_factory=list)
    unanswered: int = 0


def write_scores(database: Database, run_id: str) -> tuple[Score, ...]:
    """Keep what each tuned model and the base model scored, where a finished run asked all of a frozen test set.

    Cells that failed say nothing of the model and are left out; of several variants of one model the first counts.

    Raises:
        InvalidInputError: there is no such run, or it is not done.
    """
    run = find_run(database, run_id)
    if run is None or (run.done < run.cells):
        raise InvalidInputError("Only a run that is done has scores.", hint="Let it go on to its end.", field="run")
    specification = run.ordered()
    tests = [each.name for each in frozen_tests(database) if each.version_id == run.version_id]
    if run.imported or not tests or not _whole(database, run, specification):
        return ()
    written: list[Score] = []
    for subject, variant in _subjects(database, specification):
        marks = _marks(database, run, variant)
        if not marks.compliance:
            continue
        details = {
            "run": run.id, "label": run.label, "variant": variant, "answers": len(marks.compliance),
            "unanswered": marks.unanswered, "metrics": [COMPLIANCE, ADHERENCE],
        }  # fmt: skip
        compliance, adherence = (sum(each) / len(each) for each in (marks.compliance, marks.adherence))
        written += [
            write_score(
                database, subject=subject, test=test, rows=len(marks.requests), format_compliance=compliance,
                plan_adherence=adherence, details=details, source=f"experiment {run.id}",
            )
            for test in tests
        ]  # fmt: skip
    return tuple(written)


def _whole(database: Database, run: Run, specification: Specification) -> bool:
    """Whether every test row was asked."""
    wanted = specification.requests
    if not wanted.dataset or wanted.split != "test" or run.version_id is None:
        return False
    return wanted.most is None or wanted.most >= sum(
        1 for _ in facts_of_version(database, run.version_id, split="test")
    )


def _subjects(database: Database, specification: Specification) -> Iterator[tuple[str, str]]:
    """Whom the gate knows, and the name of the first variant that is that."""
    seen: set[str] = set()
    for each in specification.variants:
        subject = _subject(database, each)
        if subject and subject not in seen:
            seen.add(subject)
            yield subject, each.name


def _subject(database: Database, variant: Variant) -> str:
    if variant.registered:
        try:
            return model_named(database, variant.registered).id
        except InvalidInputError:
            return ""  # it is gone
    plain = variant.asks_a_model and not (variant.model or variant.endpoint)
    return BASE if plain and variant.variant == "base" else ""


def _marks(database: Database, run: Run, variant: str) -> _Marks:
    marks = _Marks()
    for each in ended(database, run.id, metrics=(COMPLIANCE, ADHERENCE), variant=variant):
        values = dict(each.values)
        if COMPLIANCE not in values or ADHERENCE not in values:
            values = _measured(database, run, each.position)
        compliance, adherence = values.get(COMPLIANCE), values.get(ADHERENCE)
        if each.fault or compliance is None or adherence is None:
            marks.unanswered += 1
            continue
        marks.requests.add(each.request)
        marks.compliance.append(float(compliance))
        marks.adherence.append(float(adherence))
    return marks


def _measured(database: Database, run: Run, position: int) -> dict[str, Value]:
    """Both metrics of a sample, where the run has measured others."""
    found = find_result(database, run.id, position)
    if found is None:
        return {}
    return dict(measure_sample(found.sample, Context(), [METRICS[COMPLIANCE], METRICS[ADHERENCE]]).values)
