"""Curves over checkpoints: the variants of a run that are stages of one training, by their steps.

A stage is known by the registered model that a variant names, by a model that a training here has made, or by a name
with a step in it, such as ``tuned@200`` or ``tuned step 200``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.reports.summary import Summary
from workbench.core.experiments.runs import Run
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.finetune.lineage import served_name
from workbench.core.finetune.models import model_named
from workbench.core.finetune.trainings import metrics_of
from workbench.core.library.database import Database
from workbench.core.library.tuning_tables import TrainingRow

_STEP = re.compile(
    r"^(?P<name>.*?)(?:[\s_-]*@|(?:[\s_-]*(?<![a-z])(?:step|ckpt|checkpoint))+)[\s_-]*(?P<step>\d{1,9})$", re.IGNORECASE
)
_WHO = ("name", "model", "registered", "endpoint", "variant")
"""What may differ between the stages of one line: the rest of a variant has to be the same."""


@dataclass(frozen=True)
class Stage:
    """A variant that is a training's model at a step."""

    step: int
    variant: str


@dataclass(frozen=True)
class Line:
    """The stages of one training, two or more, by rising steps; asked alike in all else."""

    name: str
    stages: tuple[Stage, ...]

    def intervals(self, summary: Summary, metric: str) -> tuple[tuple[int, Interval], ...]:
        """What the stages have of a metric, by step; those without a value are left out."""
        seen = [
            (each.step, summary.cells[each.variant][metric].interval)
            for each in self.stages if metric in summary.cells.get(each.variant, {})
        ]  # fmt: skip
        return tuple((step, interval) for step, interval in seen if interval.value is not None)


def lines_of(database: Database, run: Run) -> tuple[Line, ...]:
    """The lines of checkpoints among a run's variants; often there is none."""
    found: dict[tuple[str, str], dict[int, str]] = {}
    titles: dict[str, str] = {}
    known = _made(database)
    for variant in run.specification["variants"]:
        placed = _place(database, variant, known)
        if placed is None:
            continue
        training, title, step = placed
        titles.setdefault(training, title)
        found.setdefault((training, _rest(variant)), {}).setdefault(step, variant["name"])
    lines = [
        Line(titles[training], tuple(Stage(step, name) for step, name in sorted(stages.items())))
        for (training, _), stages in found.items() if len(stages) > 1
    ]  # fmt: skip
    return tuple(_apart(lines))


def step_in(name: str) -> tuple[str, int] | None:
    """What a name says before its step, and the step: ``tuned@200`` is ``tuned`` at 200."""
    found = _STEP.match(name.strip())
    return (found["name"].strip(" _-@"), int(found["step"])) if found else None


def _place(
    database: Database, variant: Mapping[str, Any], known: Mapping[str, tuple[str, str, int | None]]
) -> tuple[str, str, int] | None:
    """The training of a variant (its id and what it is called), and the step."""
    model = str(variant.get("model") or "")
    if variant.get("registered"):
        try:
            tuned = model_named(database, variant["registered"])
        except InvalidInputError:
            tuned = None
        if tuned is not None and tuned.training_id:
            step = tuned.lineage.get("step")
            last = _last_step(database, tuned.training_id) if step is None else int(step)
            if last is not None:
                return tuned.training_id, str(tuned.lineage.get("training") or tuned.name), last
    if model in known:
        training, title, step = known[model]
        last = _last_step(database, training) if step is None else step
        if last is not None:
            return training, title, last
    told = step_in(variant["name"])
    return (f"name/{told[0].casefold()}", told[0] or "the training", told[1]) if told else None


def _made(database: Database) -> dict[str, tuple[str, str, int | None]]:
    """The training, its name and the step of each model that trainings have made; the end of one has no step."""
    wanted = select(TrainingRow.id, TrainingRow.name, TrainingRow.model, TrainingRow.checkpoints)
    found: dict[str, tuple[str, str, int | None]] = {}
    with database.reading() as session:
        rows = session.execute(wanted.where(TrainingRow.model.is_not(None))).all()
    for id, name, model, checkpoints in rows:
        for each in checkpoints or ():
            found[str(each["model"])] = found[served_name(id, int(each["step"]))] = (id, name, int(each["step"]))
        found[str(model)] = found[served_name(id)] = (id, name, None)
    return found


def _last_step(database: Database, training: str) -> int | None:
    """The last step that a training has told of; None where it has told none."""
    return max((each.step for each in metrics_of(database, training)), default=None)


def _rest(variant: Mapping[str, Any]) -> str:
    return str(sorted((name, value) for name, value in variant.items() if name not in _WHO))


def _apart(lines: Iterable[Line]) -> Iterable[Line]:
    """Lines whose names tell them apart: those of one training that are asked otherwise are named by their ends."""
    some = list(lines)
    for each in some:
        twice = sum(other.name == each.name for other in some) > 1
        yield Line(f"{each.name} ({each.stages[-1].variant})", each.stages) if twice else each
