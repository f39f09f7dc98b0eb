"""The course of a run: questions are made and judged by workers, models are asked from one event loop.

A cell goes from step to step: a worker makes its next question of what was said so far, or its result. What a model
said is kept as soon as it is there, so a run that was killed goes on without paying twice; a result is kept once.

While a model takes its time, workers judge beside it. One that answers at once leaves no such time: then questions are
made, asked and judged in turn, a window of cells after the other. Variants that are asked in batches have one cell
asked alone, which teaches how; then the first questions of all others are made and handed over, whatever else is done.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from itertools import islice
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.experiments import runs
from workbench.core.experiments.batches.bundles import Bundles
from workbench.core.experiments.cells import cells
from workbench.core.experiments.heard import Said
from workbench.core.experiments.judging import Judged
from workbench.core.experiments.keeping import Keeper, Standing
from workbench.core.experiments.lanes import Job, Lane
from workbench.core.experiments.limits import Budget
from workbench.core.experiments.questions import REST, Questions
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.runs import Finished, Run, Spoken
from workbench.core.experiments.specification import Specification
from workbench.core.experiments.steps import Kind, Steps
from workbench.core.experiments.workers import Crew
from workbench.core.library.database import Database

__all__ = ["REST", "Course", "Lane", "Standing"]


class Course:
    """One run on its way, in one event loop, for a process that has claimed it.

    ``told`` hears how it stands. ``pause`` and ``stop`` may be called from any thread.
    """

    def __init__(
        self, database: Database, run: Run, specification: Specification, asked: Sequence[Asked],
        lanes: Mapping[str, Lane], crew: Crew, *, owner: str, budget: float | None = None,
        told: Callable[[Standing], None] = lambda _: None, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Any] = asyncio.sleep, rest: float = REST,
    ) -> None:  # fmt: skip
        self._database, self._run = database, run
        self._specification, self._asked, self._lanes = specification, asked, lanes
        limits = specification.limits
        self._most = limits.concurrency
        self._ahead, self._beside = max(64, 16 * self._most), 4 * crew.batch * crew.slots
        self._steps = Steps(self, crew)
        self._keeper = Keeper(database, run, owner, self, told)
        money = Budget(limits.budget_usd if budget is None else budget, self._keeper.sum["spent"])
        self._questions = Questions(self, limits, money, clock=clock, sleep=sleep, rest=rest)
        self._bundles = Bundles(self, self._keeper, self._questions, database, run, owner, rest=rest)

        self._fresh: deque[Job] = deque()  # their first question is to be made
        self._plain: deque[Job] = deque()  # they ask nobody
        self._heard: deque[Job] = deque()  # something new was said in them
        self._open = 0  # cells that ask a model, taken up and not ended, but for those in batches
        self._front = -1
        self.wish = ""
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event

    # --- from outside ------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Ask nothing more; what is being asked is waited for, and kept. Batches are cancelled."""
        self._wished("pause")

    def stop(self) -> None:
        """Ask nothing more, and wait for nothing. Batches are cancelled."""
        self._wished("stop")

    def halt(self) -> None:
        """As ``pause``, but wait for nothing, and let batches go on at their service."""
        self._wished("halt")

    def _wished(self, what: str) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            self.wish = what
        else:
            with suppress(RuntimeError):  # it has ended just now
                loop.call_soon_threadsafe(self._heed, what)

    def heed(self, wished: str) -> None:
        """Do what somebody has written down as a wish, unless something was wished already."""
        if not self.wish:
            self._heed(wished)

    def _heed(self, what: str) -> None:
        self.wish = what
        self._questions.cancel(waiting=what == "pause")
        self._bundles.cancel(sending=what == "halt")
        self.drive()

    @property
    def standing(self) -> Standing:
        """How the run stands."""
        return self._keeper.standing

    # --- the whole ---------------------------------------------------------------------------------------------------

    async def go(self) -> tuple[str, str]:
        """Run until it ends, rests or is stopped; the state and a sentence. All that came of it is kept.

        Raises:
            WorkbenchError: the database refuses, or a worker has died.
        """
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._before = await asyncio.to_thread(runs.open_answers, self._database, self._run.id)
        ended = await asyncio.to_thread(runs.ended_positions, self._database, self._run.id)
        self._coming = self._jobs(ended, lambda lane: lane.asks and not lane.batches)
        self._coming_plain = self._jobs(ended, lambda lane: not lane.asks)
        self._coming_bulk = self._jobs(ended, lambda lane: lane.batches)
        self._more = self._more_plain = self._more_bulk = True
        await self._bundles.load(self._lanes)
        keeping = self._keeper.begin()
        self.drive()
        await self._over.wait()
        with suppress(asyncio.CancelledError):
            await self._questions.ended()
        said = await self._bundles.leave(self.wish)
        self._keeper.over()
        await keeping
        if self._failure is not None:
            raise self._failure
        state, message = self._outcome()
        return state, f"{message} {said}".strip()

    def _outcome(self) -> tuple[str, str]:
        left = self._run.cells - self._keeper.sum["done"]
        cells_left = f"{left:,} cell{' is' if left == 1 else 's are'} left."
        if left and self.wish == "stop":
            return "stopped", f"It was stopped; {cells_left}"
        if left and self.wish:
            return "paused", f"It was paused; {cells_left}"
        if not left:
            return "done", ""
        down = [lane for lane in self._lanes.values() if lane.down]
        why = " ".join(dict.fromkeys(lane.down for lane in down))
        state = "stopped" if down and all(lane.broke for lane in down) else "paused"
        return state, f"{why} {cells_left}".strip()

    def _jobs(self, ended: set[int], of: Callable[[Lane], bool]) -> Iterator[Job]:
        """The cells of some lanes that have not ended, as they are needed.

        Of one request and seed the variants come in an order by lot (ids are hashes), since who is asked first may
        answer later than who is asked last.
        """
        placed = enumerate(cells(self._specification, self._asked))
        while together := list(islice(placed, len(self._specification.variants))):
            for position, cell in sorted(together, key=lambda each: each[1].id):
                lane = self._lanes[cell.variant.name]
                if of(lane) and position not in ended and not lane.down:
                    yield Job(position, cell, self._asked[cell.asked], lane, self._before.pop(cell.id, []))

    # --- what is done next -------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether something is being asked, made, judged or handed over."""
        return bool(self._questions.now or self._steps.now or self._bundles.sending)

    def drive(self) -> None:
        """Begin whatever can be begun now; called whenever something has changed."""
        if self._over.is_set():
            return
        try:
            if not self.wish and self._failure is None:
                self._begin_asking()  # where there is nothing more to ask, other things may be done
                self._fill()
                self._fill_bulk()
                self._begin_steps()
                self._begin_asking()
                self._bundles.begin(made=not (self._more_bulk or self._steps.cells["bulk"] or self._bulk))
            if not self.busy and (self.wish or self._failure is not None or not self._anything_left()):
                self._over.set()
        except Exception as problem:
            self.fail(problem)

    def fail(self, problem: BaseException) -> None:
        """The run cannot go on: leave all, and raise it in the end."""
        if isinstance(problem, BrokenExecutor):
            problem = WorkbenchError(
                "A process that did a part of the work has died.", hint="Let the run go on, with fewer processes."
            )
        self._failure = self._failure or problem
        self._questions.cancel(waiting=False)
        self._bundles.cancel(sending=True)
        if not self.busy:
            self._over.set()
        self._keeper.wake()

    def _anything_left(self) -> bool:
        waiting = self._fresh or self._plain or self._heard or self._questions.waiting or self._bulk
        return bool(waiting or self._more or self._more_plain or self._more_bulk or self._bundles.waits)

    @property
    def _bulk(self) -> int:
        """How many cells wait for their question to be made for a batch."""
        return sum(len(lane.bulk) for lane in self._lanes.values())

    def _fill(self) -> None:
        """Take up more cells, as far as the window goes."""
        slow = self._questions.slow
        if self._more and (slow or not self._questions.asking) and not (self._heard and not slow):
            room = self._ahead - self._open
            for job in islice(self._coming, max(0, room)):
                self._open += 1
                (self._heard if job.said else self._fresh).append(job)
                room -= 1
            self._more = room <= 0
        if self._more_plain and len(self._plain) < self._beside:
            room = self._beside
            for job in islice(self._coming_plain, room):
                self._plain.append(job)
                room -= 1
            self._more_plain = room <= 0

    def _fill_bulk(self) -> None:
        """Take up cells that are asked in batches; one of each variant is asked alone before the others."""
        while self._more_bulk and not self._bundles.full and self._bulk < self._beside:
            job = next(self._coming_bulk, None)
            if job is None:
                self._more_bulk = False
            elif job.said:
                self._open += 1
                self._heard.append(job)
            else:
                self._bundles.take(job)
        for lane in self._lanes.values():
            if lane.bulk and lane.pilot is None and not lane.taught:
                lane.pilot = lane.bulk.popleft()
                self.alone(lane.pilot)

    # --- steps -------------------------------------------------------------------------------------------------------

    def _begin_steps(self) -> None:
        while self._steps.has_room:
            pile = self._next_pile()
            if pile is None:
                return
            kind: Kind = "fresh" if pile is self._fresh else "bulk" if pile is pile[0].lane.bulk else "other"
            self._steps.begin(pile, kind)

    def _next_pile(self) -> deque[Job] | None:
        """The cells to do a step of now; None where it is better to wait."""
        slow = self._questions.slow
        if self._questions.asking and not slow:
            return None
        waiting = len(self._questions.waiting) + self._steps.cells["fresh"]
        plain = self._plain or None
        if plain and not slow and (self._more or self._open) and plain[0].position > self._front:
            plain = None  # request by request: what is done of a run that stops can be compared
        if slow and self._fresh and waiting < 2 * self._most:
            return self._fresh
        lanes = (lane for lane in self._lanes.values() if lane.bulk and lane.taught and self._bundles.takes(lane))
        bulk = next((lane.bulk for lane in lanes), None)
        return bulk or self._heard or plain or self._fresh or None

    def made(self, job: Job) -> None:
        """A cell's next question is made; it is asked alone or with a batch."""
        if job.lane.down:
            self._open -= not job.bulk
        elif job.bulk:
            self._bundles.add(job)
        else:
            self._questions.waiting.append(job)

    def ended(self, job: Job, found: Judged) -> None:
        """A cell has ended: keep what came of it."""
        lane = job.lane
        if job is lane.pilot:
            lane.pilot = None  # where it has taught nothing, another does
        if lane.asks and not job.bulk:
            self._open -= 1
            self._front = max(self._front, job.position)
        self._keeper.ended(Finished(job.position, job.cell.id, job.asked.key, job.lane.name, job.cell.seed, found))

    # --- asking ------------------------------------------------------------------------------------------------------

    def _begin_asking(self) -> None:
        made = not self._fresh and not self._steps.cells["fresh"] and (not self._more or self._open >= self._ahead)
        self._questions.begin(made=made)

    def heard(self, job: Job, said: Said, cost: float | None) -> None:
        """A model has said something, which counts so many US dollars: keep it, and go on with it."""
        self._keeper.spoke(Spoken(job.cell.id, len(job.said), said, cost))
        job.lane.taught = job.lane.taught or not said.batched
        job.said.append(said)
        self._heard.append(job)

    def faulty(self, job: Job) -> None:
        """A job has a fault of its own: that is to be its result."""
        self._heard.append(job)

    def left(self, jobs: int) -> None:
        """So many jobs are asked no more."""
        self._open -= jobs

    def given_up(self, lane: Lane) -> None:
        """A lane is down: its questions need not be made."""
        left = [job for job in self._fresh if job.lane is not lane]
        self._open -= len(self._fresh) - len(left)
        self._fresh.clear()
        self._fresh.extend(left)
        lane.bulk.clear()
        self._bundles.given_up(lane)

    # --- batches -----------------------------------------------------------------------------------------------------

    def answered(self, job: Job, said: Said, cost: float | None) -> None:
        """A batch has an answer: keep it, and go on with it."""
        job.bulk = False
        self._open += 1
        self.heard(job, said, cost)

    def answered_early(self, cell: str, said: Said) -> None:
        """A batch has an answer for a cell that was not taken up yet; it is kept already."""
        self._before[cell] = [said]

    def alone(self, job: Job) -> None:
        """A cell is asked alone after all."""
        job.bulk = False
        if not job.lane.down:
            self._open += 1
            self._fresh.append(job)

    def again(self, job: Job) -> None:
        """A cell's first question goes with another batch."""
        if not job.lane.down:
            job.lane.bulk.append(job)
