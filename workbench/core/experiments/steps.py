"""Steps of cells that workers do: from what was said so far to the next question, or to the result."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Literal, Protocol

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.judging import Judged, work
from workbench.core.experiments.lanes import Job
from workbench.core.experiments.workers import Crew
from workbench.core.generate.providers import Call
from workbench.core.generate.wire import wire_schema

Kind = Literal["fresh", "bulk", "other"]


class Does(Protocol):
    """Whose steps are done."""

    def ended(self, job: Job, found: Judged) -> None:
        """A cell has ended."""

    def made(self, job: Job) -> None:
        """A cell's next question is made."""

    def drive(self) -> None:
        """Something has changed."""

    def fail(self, problem: BaseException) -> None:
        """The run cannot go on."""


class Steps:
    """The steps that are being done: ``now`` are so many piles, ``cells`` the cells in them, by their kind."""

    def __init__(self, course: Does, crew: Crew) -> None:
        self._course, self._crew = course, crew
        self.now = 0
        self.cells: Counter[Kind] = Counter()

    @property
    def has_room(self) -> bool:
        """Whether workers are to be given more: each does one step, and one waits for it."""
        return self.now < 2 * self._crew.slots

    def begin(self, pile: deque[Job], kind: Kind) -> None:
        """Give a worker some cells from the front of a pile, all of one variant."""
        lane = pile[0].lane
        most = min(self._crew.batch, -(-len(pile) // (2 * self._crew.slots)))
        batch: list[Job] = []
        while pile and pile[0].lane is lane and len(batch) < most:
            batch.append(pile.popleft())
        future = self._crew.submit(work, *lane.work(), [job.task for job in batch])
        self.now += 1
        self.cells[kind] += len(batch)
        future.add_done_callback(partial(self._came, asyncio.get_running_loop(), batch, kind))

    def _came(
        self, loop: asyncio.AbstractEventLoop, batch: list[Job], kind: Kind, done: Future[list[Call | Judged]]
    ) -> None:
        """A worker is ready; called in a thread of the executor's."""
        with suppress(RuntimeError):  # the run was left
            loop.call_soon_threadsafe(self._stepped, done, batch, kind)

    def _stepped(self, done: Future[list[Call | Judged]], batch: list[Job], kind: Kind) -> None:
        self.now -= 1
        self.cells[kind] -= len(batch)
        try:
            if done.cancelled():
                raise WorkbenchError("The work was taken away.", hint="Let the run go on.")
            for job, found in zip(batch, done.result(), strict=True):
                if isinstance(found, Judged):
                    self._course.ended(job, found)
                else:
                    job.call = found if found.schema is not None else replace(found, schema=wire_schema())
                    self._course.made(job)
        except Exception as problem:
            self._course.fail(problem)
            return
        self._course.drive()
