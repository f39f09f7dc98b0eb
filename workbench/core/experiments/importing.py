"""A run of answers that were made elsewhere: nothing is asked, and all else is as in any other run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from workbench.core.datasets.building.processes import spread
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments import runs
from workbench.core.experiments.cells import cell_id
from workbench.core.experiments.imports import Output, read_outputs, sample_of_raw
from workbench.core.experiments.judging import Judged, judged, metrics_of
from workbench.core.experiments.metrics import Context, load_metrics
from workbench.core.experiments.overviews import LARGE, make_ready
from workbench.core.experiments.requests import Asked, Expanded, expand
from workbench.core.experiments.runs import Finished, Run
from workbench.core.experiments.specification import MAX_CELLS, read_specification
from workbench.core.library.database import Database
from workbench.core.library.generations import new_owner

_STEP = 25
_NAME = "imported"


@dataclass(frozen=True)
class _Task:
    """An answer to be judged."""

    asked: Asked
    output: Output
    metrics: tuple[str, ...]
    own: tuple[str, ...]


def import_run(
    database: Database, source: BinaryIO | Path | str, *, name: str, variant: str, like: Run | None = None,
    curator: str, metrics: Sequence[str] = (), own: Sequence[str] = (), processes: int = 0,
) -> Run:  # fmt: skip
    """Make a run of the answers of a file. ``like`` is a run whose requests they answer, with its plans and keys;
    without one every request stands for itself.

    Raises:
        InvalidInputError: the file cannot be used, or answers none of that run's requests.
    """
    for each in own:
        load_metrics(each)
    names = tuple(each.name for each in metrics_of(metrics))
    outputs = list(read_outputs(source))
    expanded = _asked_of(outputs) if like is None else expand(like.ordered(), database)
    known = {each.digest: each for each in expanded.asked}
    fitting = [each for each in outputs if each.digest in known]
    if not fitting and like is not None:
        raise InvalidInputError(f"No line answers a request of {like.label}.", hint="Choose the run that was answered.")
    labels = dict.fromkeys(str(each.told["model"]) for each in fitting if "model" in each.told)
    requests: dict[str, Any] = (
        {"list": [each.request.to_dict() for each in expanded.asked]}
        if like is None
        else dict(like.ordered().to_dict()["requests"])
    )
    specification = read_specification(
        {
            "name": name, "requests": requests, "metrics": list(metrics),
            "variants": [{"name": variant, "model": next(iter(labels), _NAME)}],
            "seeds": sorted({each.seed or 0 for each in fitting}), "limits": {"most_cells": MAX_CELLS},
        }
    )  # fmt: skip
    notes = ["The answers were made elsewhere."]
    if left := len(outputs) - len(fitting):
        notes.append(f"{left:,} answer{' is' if left == 1 else 's are'} to no request of this run, and left out.")
    run = runs.begin(
        database, specification, expanded, curator=curator, cells=len(fitting), notes=notes,
        settled={"imported": True, "own": list(own)},
    )  # fmt: skip
    tasks = [_Task(known[each.digest], each, names, tuple(own)) for each in fitting]
    chosen = specification.variants[0]

    def finished() -> Iterator[Finished]:
        for position, (task, found) in enumerate(spread(_judge, tasks, processes)):
            seed = task.output.seed or 0
            id = cell_id(task.asked, chosen, seed)
            yield Finished(position, id, task.asked.key, variant, seed, found)

    return _kept(database, run, finished(), tasks)


def _asked_of(outputs: Iterable[Output]) -> Expanded:
    """The requests of the answers themselves, each once."""
    found: dict[str, Asked] = {}
    keys: set[str] = set()
    for each in outputs:
        if each.digest not in found:
            key = each.request.id or each.digest
            key = f"{key} {each.digest}" if key in keys else key
            keys.add(key)
            found[each.digest] = Asked(key, each.request)
    return Expanded(tuple(found.values()))


def _judge(task: _Task) -> Judged:
    for each in task.own:
        load_metrics(each)
    output = task.output
    sample = sample_of_raw(task.asked, output.raw, seed=output.seed, told=output.told)
    return judged(sample, "", _context, metrics_of(task.metrics))


_context = Context()


def _kept(database: Database, run: Run, finished: Iterator[Finished], tasks: Sequence[_Task]) -> Run:
    owner = new_owner()
    told = {
        "done": 0, "failed": 0, "tokens_in": sum(int(each.output.told.get("tokens_in", 0)) for each in tasks),
        "tokens_out": sum(int(each.output.told.get("tokens_out", 0)) for each in tasks),
    }  # fmt: skip
    runs.claim(database, run.id, owner, imported=True)
    try:
        waiting: list[Finished] = []
        for each in finished:
            waiting.append(each)
            if len(waiting) >= _STEP:
                told["done"] += len(waiting)
                runs.keep(database, run.id, owner, (), waiting, **told)
                waiting = []
        told["done"] += len(waiting)
        runs.keep(database, run.id, owner, (), waiting, **told)
        runs.let_go(database, run.id, owner, "done")
    except BaseException as problem:
        said = str(problem) if isinstance(problem, WorkbenchError) else f"It failed: {type(problem).__name__}."
        runs.let_go(database, run.id, owner, "failed", said)
        raise
    finally:
        runs.forget_here(run.id)
    found = runs.find_run(database, run.id)
    assert found is not None
    make_ready(database, found, least=LARGE)
    return found
