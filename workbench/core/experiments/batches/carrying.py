"""Carrying one bundle: having it answered once, reading what came of it, and saying so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.core.errors import ModelError
from workbench.core.experiments.batches.hosted import Hosted, Service
from workbench.core.experiments.batches.kept import Batch
from workbench.core.experiments.batches.lines import Line, read_line
from workbench.core.experiments.lanes import Job, Lane
from workbench.core.experiments.questions import FAULTS
from workbench.core.generate.secrecy import scrubber

SEARCHES = 3
"""Times that a batch is looked for whose making may have come to nothing."""


@dataclass(eq=False)
class Bundle:
    """Cells of one lane, with the tokens of their questions.

    ``asked`` says that its making was asked for by ``task``, ``left`` that it was cancelled from here, and ``lost``
    that it is not waited for any more.
    """

    lane: Lane
    cells: dict[str, int] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    held: float = 0.0
    row: Batch | None = None
    batch_id: str = ""
    told: str = ""
    answered: int = 0
    asked: bool = False
    left: bool = False
    lost: bool = False
    task: asyncio.Task[None] | None = None


async def uploaded(service: Service, name: str, data: bytes, sleep: Callable[[float], Any], rest: float) -> str:
    """Upload questions, more than once if need be: that costs nothing; the file's id.

    Raises:
        ModelError: the service does not take them.
    """
    for number in range(FAULTS):
        try:
            return await service.upload(name, data)
        except ModelError as problem:
            if is_refusal(problem) or number == FAULTS - 1:
                raise
        await sleep(rest * 2**number)
    raise AssertionError("the last try has returned or raised")


async def made_once(service: Service, mark: str, file: str, sleep: Callable[[float], Any], rest: float) -> Hosted:
    """Have an uploaded file answered; where the answer to that is lost, look whether it was heard.

    Raises:
        ModelError: it was refused (``is_refusal``), or it is not known whether it was heard.
    """
    try:
        return await service.make(mark, file)
    except ModelError as problem:
        if is_refusal(problem):
            raise
        for number in range(SEARCHES):
            await sleep(rest * 2**number)
            try:
                found = await service.find(mark, file)
            except ModelError:
                continue
            if found is not None:
                return found
        raise


async def answers(service: Service, bundle: Bundle, told: Hosted) -> dict[str, Line]:
    """What came of each cell: the first answer, or else the first fault; a file that is gone tells nothing.

    Raises:
        ModelError: a file cannot be read now.
    """
    found: dict[str, Line] = {}
    ready = bundle.lane.ready
    scrub = scrubber(ready.workshop.settings, ready.workshop.rollout().secret)
    for file in (told.output, told.errors):
        if not file:
            continue
        try:
            async for raw in service.lines(file):
                line = read_line(raw, bundle.cells, ready.attempt.model, scrub)
                if line is not None and (line.cell not in found or (line.said and not found[line.cell].said)):
                    found[line.cell] = line
        except ModelError as problem:
            if problem.kind != "http-404":
                raise
    return found


def is_refusal(problem: ModelError) -> bool:
    """Whether a call was refused, so that it has done nothing."""
    return problem.kind.startswith("http-4") and problem.kind not in ("http-408", "http-409")


def what_was_wrong(told: Hosted, found: Mapping[str, Line], missing: int) -> str:
    """Why questions have no answer, in a few words."""
    if told.state == "failed":
        return told.problem
    if not missing:
        return ""
    faults = sorted({line.fault for line in found.values() if line.fault})
    why = f" ({', '.join(faults[:3])})" if faults else ""
    return f"{missing:,} without an answer{why}"


def sentence(count: int, what: str, *, has: bool) -> str:
    """What became of some batches; ``has`` says that only what is answered already is still to come."""
    if not count:
        return ""
    batches = "1 batch" if count == 1 else f"{count:,} batches"
    answers = "Answers that are there already" if has else "The answers"
    return f" {batches} {what}. {answers} are taken when the run goes on."
