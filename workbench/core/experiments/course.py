"""The course of a run: questions are made and judged by workers, models are asked from one event loop.

A cell goes from step to step: a worker makes its next question of what was said so far, or its result. What a model
said is kept as soon as it is there, so a run that was killed goes on without paying twice; a result is kept once.

While a model takes its time, workers judge beside it. One that answers at once leaves no such time: then questions are
made, asked and judged in turn, a window of cells after the other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from workbench.core.errors import WorkbenchError
from workbench.core.experiments import runs
from workbench.core.experiments.asking import ask
from workbench.core.experiments.cells import Cell, cells
from workbench.core.experiments.heard import Said
from workbench.core.experiments.judging import Judged, Kit, Task, work
from workbench.core.experiments.limits import Budget, Minute, at_most, dearest
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.runs import Finished, Run, Spoken
from workbench.core.experiments.specification import Specification
from workbench.core.experiments.variants import Ready
from workbench.core.experiments.workers import Crew
from workbench.core.generate.prices import cost_of
from workbench.core.generate.providers import Call
from workbench.core.generate.rollout import AT_ONCE
from workbench.core.generate.wire import wire_schema
from workbench.core.library.database import Database

BEAT = 1.0
"""Seconds between two signs of life at most, and between two looks for what somebody wishes."""
GAP = 0.03
"""Seconds for which answers are gathered before they are kept together."""
HASTY = 0.5
"""Seconds under which a model answers too fast for anything to be done meanwhile."""
REST = 1.0
"""Seconds for which a variant is left alone after a fault; the second time twice as long."""
FAULTS = 3
"""Faults in a row after which an endpoint counts as down, and times that one cell is tried."""
SURE = ("http-401", "http-403", "http-404", "no-model")
"""Faults that will not go away."""
BATCH = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """How a run stands: cells that have ended of all, failed ones, US dollars, tokens, and seconds left if known."""

    cells: int
    done: int
    failed: int
    spent: float
    tokens_in: int
    tokens_out: int
    remaining: float | None = None

    def told(self) -> dict[str, Any]:
        """The values that are written down."""
        return {name: value for name, value in self.__dict__.items() if name != "cells"}


@dataclass
class Lane:
    """A variant while a run goes on. ``down`` says why it is asked no more; ``broke`` that it is for want of money."""

    name: str
    ready: Ready
    kit: Kit
    packed: tuple[str, bytes] = ("", b"")
    faults: int = 0
    until: float = 0.0
    down: str = ""
    broke: bool = False

    @property
    def asks(self) -> bool:
        """Whether a model is asked."""
        return self.ready.attempt.provider not in AT_ONCE

    def work(self) -> tuple[str, bytes]:
        """The kit as it travels, packed when it is first needed."""
        if not self.packed[1]:
            self.packed = self.kit.packed()
        return self.packed


@dataclass
class Job:
    """A cell that has been begun: what models said in it, and the question that is to be asked now."""

    position: int
    cell: Cell
    asked: Asked
    lane: Lane
    said: list[Said] = field(default_factory=list)
    fault: Said | None = None
    call: Call | None = None
    dearest: float | None = None
    tries: int = 0

    @property
    def task(self) -> Task:
        """The next step to do."""
        before = (*self.said, self.fault) if self.fault is not None else tuple(self.said)
        return Task(self.position, self.cell.id, self.cell.seed, self.asked, before)


class Course:
    """One run on its way, in one event loop, for a process that has claimed it.

    ``wanted`` hears how it stands. ``pause`` and ``stop`` may be called from any thread.
    """

    def __init__(
        self, database: Database, run: Run, specification: Specification, asked: Sequence[Asked],
        lanes: Mapping[str, Lane], crew: Crew, *, owner: str, budget: float | None = None,
        told: Callable[[Standing], None] = lambda _: None, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Any] = asyncio.sleep, rest: float = REST,
    ) -> None:  # fmt: skip
        self._database, self._run, self._owner, self._told = database, run, owner, told
        self._specification, self._asked, self._lanes, self._crew = specification, asked, lanes, crew
        limits = specification.limits
        self._most = limits.concurrency
        calls, tokens = limits.requests_per_minute, limits.tokens_per_minute
        self._calls = None if calls is None else Minute(calls, clock=clock, sleep=sleep)
        self._tokens = None if tokens is None else Minute(tokens, clock=clock, sleep=sleep)
        self._sum = runs.tally(database, run.id)
        self._budget = Budget(limits.budget_usd if budget is None else budget, self._sum["spent"])
        self._ahead = max(64, 16 * self._most)
        self._rest = rest

        self._fresh: deque[Job] = deque()  # their first question is to be made
        self._plain: deque[Job] = deque()  # they ask nobody
        self._heard: deque[Job] = deque()  # something new was said in them
        self._questions: deque[Job] = deque()
        self._open = self._asking_now = self._stepping = self._making = 0
        self._front = -1
        self._asking = False
        self._asked_at = 0.0
        self._paces: deque[float] = deque(maxlen=32)
        self._spoken: list[Spoken] = []
        self._finished: list[Finished] = []
        self._ends: deque[tuple[float, int]] = deque(maxlen=256)
        self._ended_here = 0
        self._wish = ""
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event
        self._new: asyncio.Event

    # --- from outside ------------------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Ask nothing more; what is being asked is waited for, and kept."""
        self._wished("pause")

    def stop(self) -> None:
        """Ask nothing more, and wait for nothing."""
        self._wished("stop")

    def halt(self) -> None:
        """As ``pause``, but wait for nothing."""
        self._wished("halt")

    def _wished(self, what: str) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            self._wish = what
        else:
            with suppress(RuntimeError):  # it has ended just now
                loop.call_soon_threadsafe(self._heed, what)

    def _heed(self, what: str) -> None:
        self._wish = what
        for task in self._waiting if what == "pause" else self._tasks:
            task.cancel()
        self._drive()

    @property
    def standing(self) -> Standing:
        """How the run stands."""
        return Standing(self._run.cells, **self._sum, remaining=self._remaining())

    # --- the whole ---------------------------------------------------------------------------------------------------

    async def go(self) -> tuple[str, str]:
        """Run until it ends, rests or is stopped; the state and a sentence. All that came of it is kept.

        Raises:
            WorkbenchError: the database refuses, or a worker has died.
        """
        self._loop = asyncio.get_running_loop()
        self._over, self._new = asyncio.Event(), asyncio.Event()
        before = await asyncio.to_thread(runs.open_answers, self._database, self._run.id)
        ended = await asyncio.to_thread(runs.ended_positions, self._database, self._run.id)
        self._coming = self._jobs(before, ended, asks=True)
        self._coming_plain = self._jobs(before, ended, asks=False)
        self._more = self._more_plain = True
        self._ends.append((time.monotonic(), 0))
        with ThreadPoolExecutor(1, thread_name_prefix="keep") as writer:
            keeping = asyncio.create_task(self._keep(writer))
            self._drive()
            await self._over.wait()
            self._new.set()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*self._tasks, return_exceptions=True)
            await keeping
        if self._failure is not None:
            raise self._failure
        return self._outcome()

    def _outcome(self) -> tuple[str, str]:
        left = self._run.cells - self._sum["done"]
        cells_left = f"{left:,} cell{' is' if left == 1 else 's are'} left."
        if left and self._wish == "stop":
            return "stopped", f"It was stopped; {cells_left}"
        if left and self._wish:
            return "paused", f"It was paused; {cells_left}"
        if not left:
            return "done", ""
        down = [lane for lane in self._lanes.values() if lane.down]
        why = " ".join(dict.fromkeys(lane.down for lane in down))
        state = "stopped" if down and all(lane.broke for lane in down) else "paused"
        return state, f"{why} {cells_left}".strip()

    def _jobs(self, before: dict[str, list[Said]], ended: set[int], *, asks: bool) -> Iterator[Job]:
        """The cells that have not ended, as they are needed."""
        for position, cell in enumerate(cells(self._specification, self._asked)):
            lane = self._lanes[cell.variant.name]
            if lane.asks is asks and position not in ended and not lane.down:
                yield Job(position, cell, self._asked[cell.asked], lane, before.pop(cell.id, []))

    # --- what is done next -------------------------------------------------------------------------------------------

    def _drive(self) -> None:
        """Begin whatever can be begun now; called whenever something has changed."""
        if self._over.is_set():
            return
        try:
            if not self._wish and self._failure is None:
                self._begin_asking()  # where there is nothing more to ask, other things may be done
                self._fill()
                self._begin_steps()
                self._begin_asking()
            idle = not (self._asking_now or self._stepping)
            if idle and (self._wish or self._failure is not None or not self._anything_left()):
                self._over.set()
        except Exception as problem:
            self._fail(problem)

    def _fail(self, problem: BaseException) -> None:
        if isinstance(problem, BrokenExecutor):
            problem = WorkbenchError(
                "A process that did a part of the work has died.", hint="Let the run go on, with fewer processes."
            )
        self._failure = self._failure or problem
        for task in self._tasks:
            task.cancel()
        if not (self._asking_now or self._stepping):
            self._over.set()
        self._new.set()

    def _anything_left(self) -> bool:
        return bool(self._fresh or self._plain or self._heard or self._questions or self._more or self._more_plain)

    def _fill(self) -> None:
        """Take up more cells, as far as the window goes."""
        if self._more and (self._slow or not self._asking) and not (self._heard and not self._slow):
            room = self._ahead - self._open
            for job in islice(self._coming, max(0, room)):
                self._open += 1
                (self._heard if job.said else self._fresh).append(job)
                room -= 1
            self._more = room <= 0
        if self._more_plain and len(self._plain) < 4 * BATCH * self._crew.slots:
            room = 4 * BATCH * self._crew.slots
            for job in islice(self._coming_plain, room):
                self._plain.append(job)
                room -= 1
            self._more_plain = room <= 0

    @property
    def _slow(self) -> bool:
        """Whether models take so long that other work can be done meanwhile."""
        if self._paces:
            return sum(self._paces) / len(self._paces) >= HASTY
        return self._asking and time.monotonic() - self._asked_at >= HASTY

    def _begin_steps(self) -> None:
        while self._stepping < 2 * self._crew.slots:
            pile = self._next_pile()
            if pile is None:
                return
            lane = pile[0].lane
            most = min(BATCH, -(-len(pile) // (2 * self._crew.slots)))
            batch: list[Job] = []
            while pile and pile[0].lane is lane and len(batch) < most:
                batch.append(pile.popleft())
            making = pile is self._fresh
            future = self._crew.submit(work, *lane.work(), [job.task for job in batch])
            self._stepping += 1
            self._making += len(batch) if making else 0
            future.add_done_callback(partial(self._came, batch, making))

    def _next_pile(self) -> deque[Job] | None:
        """The cells to do a step of now; None where it is better to wait."""
        if self._asking and not self._slow:
            return None
        waiting = len(self._questions) + self._making
        plain = self._plain or None
        if plain and not self._slow and (self._more or self._open) and plain[0].position > self._front:
            plain = None  # request by request: what is done of a run that stops can be compared
        if self._slow and self._fresh and waiting < 2 * self._most:
            return self._fresh
        return self._heard or plain or self._fresh or None

    def _came(self, batch: list[Job], making: bool, done: Future[list[Call | Judged]]) -> None:
        """A worker is ready; called in a thread of the executor's."""
        assert self._loop is not None
        with suppress(RuntimeError):  # the run was left
            self._loop.call_soon_threadsafe(self._stepped, done, batch, making)

    def _stepped(self, done: Future[list[Call | Judged]], batch: list[Job], making: bool) -> None:
        self._stepping -= 1
        self._making -= len(batch) if making else 0
        if done.cancelled():
            self._fail(WorkbenchError("The work was taken away.", hint="Let the run go on."))
            return
        problem = done.exception()
        if problem is not None:
            self._fail(problem)
            return
        for job, found in zip(batch, done.result(), strict=True):
            if isinstance(found, Judged):
                self._ended(job, found)
            elif job.lane.down:
                self._open -= 1
            else:
                job.call = found if found.schema is not None else replace(found, schema=wire_schema())
                self._questions.append(job)
        self._drive()

    def _ended(self, job: Job, found: Judged) -> None:
        if job.lane.asks:
            self._open -= 1
            self._front = max(self._front, job.position)
        self._sum["done"] += 1
        self._sum["failed"] += bool(found.fault)
        self._ended_here += 1
        self._finished.append(
            Finished(job.position, job.cell.id, job.asked.key, job.lane.name, job.cell.seed, found)
        )  # fmt: skip
        self._new.set()

    # --- asking ------------------------------------------------------------------------------------------------------

    def _begin_asking(self) -> None:
        if not self._asking:
            made = not self._fresh and not self._making and (not self._more or self._open >= self._ahead)
            self._asking = bool(self._questions) and (self._slow or made)
            if self._asking and not self._paces:
                self._asked_at = time.monotonic()
                asyncio.get_running_loop().call_later(HASTY + 0.001, self._drive)
        now = asyncio.get_running_loop().time()
        full = False
        passed: list[Job] = []
        while self._asking and self._questions and self._asking_now < self._most:
            job = self._questions.popleft()
            lane = job.lane
            if lane.down:
                self._open -= 1
            elif lane.until > now:
                passed.append(job)
            else:
                held = self._dearest(job)
                if held is not None and (full or not self._budget.fits(held)):
                    if self._budget.held:
                        full = True
                        passed.append(job)  # what others hold may be given back
                    else:
                        self._give_up(lane, _no_money(self._budget), broke=True)
                        self._open -= 1
                    continue
                self._budget.hold(held or 0.0)
                self._asking_now += 1
                task = asyncio.create_task(self._ask(job, held or 0.0))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        self._questions.extendleft(reversed(passed))
        if not self._asking_now:
            self._asking = False

    def _dearest(self, job: Job) -> float | None:
        """What the question of a job may cost, where money is limited; None where it costs none that is counted."""
        if self._budget.most is None or not job.lane.ready.variant.may_cost:
            return None
        if job.dearest is None:
            assert job.call is not None
            job.dearest = dearest(job.call, job.lane.ready.priced_at) or 0.0
        return job.dearest

    async def _ask(self, job: Job, held: float) -> None:
        """Ask one question; what was said is kept, and judged later."""
        call, cost, sent = job.call, 0.0, False
        assert call is not None
        try:
            taken = await self._turn(call)
            if self._wish or job.lane.down:
                self._questions.append(job)
                return
            sent = True
            said = await ask(call, job.lane.ready)
            if self._tokens is not None and taken is not None and said.answered:
                self._tokens.correct(taken, said.tokens.into + said.tokens.out)
            cost = self._heard_of(job, call, said, held)
        except asyncio.CancelledError:
            cost = held if sent else 0.0  # it may have been paid
            raise
        except Exception as problem:
            self._fail(problem)
        finally:
            self._asking_now -= 1
            self._budget.settle(held, cost)
            self._drive()

    async def _turn(self, call: Call) -> list[float] | None:
        """Wait until a question may be asked; what it takes of the minute's tokens."""
        if self._tokens is None and self._calls is None:
            return None
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            taken = None
            if self._tokens is not None:
                tokens = await asyncio.to_thread(at_most, call)
                taken = await self._tokens.take(tokens.into + tokens.out)
            if self._calls is not None:
                await self._calls.take()
            return taken
        finally:
            self._waiting.discard(task)

    def _heard_of(self, job: Job, call: Call, said: Said, held: float) -> float:
        """Take up what was said; what it counts against the budget."""
        lane = job.lane
        if not said.is_the_models:
            self._faulty(job, said)
            return 0.0
        self._paces.append(said.seconds)
        lane.faults, job.tries, job.call, job.dearest = 0, 0, None, None
        known = cost_of(call.model, said.tokens, lane.ready.priced_at) if said.answered else held or None
        self._spoken.append(Spoken(job.cell.id, len(job.said), said, known))
        self._sum["spent"] += known or 0.0
        self._sum["tokens_in"] += said.tokens.into
        self._sum["tokens_out"] += said.tokens.out
        job.said.append(said)
        self._heard.append(job)
        self._new.set()
        return known or 0.0

    def _faulty(self, job: Job, said: Said) -> None:
        """Nothing was learned of the model: try again later, or leave the variant, or take it for the cell's own."""
        lane = job.lane
        if said.kind in ("http-400", "http-413", "http-422"):
            job.fault = said
            self._heard.append(job)
            return
        assert self._loop is not None
        now = self._loop.time()
        if now >= lane.until:  # others that were asked at the same time fare the same: that is one fault
            lane.until = now + self._rest * 2**lane.faults
            lane.faults += 1
        job.tries += 1
        if said.kind in SURE or lane.faults >= FAULTS:
            self._give_up(lane, f"{lane.name!r} cannot be asked now. {said.message} {said.hint}".strip())
            self._open -= 1
        elif lane.down:
            self._open -= 1
        elif job.tries >= FAULTS:
            job.fault = said
            self._heard.append(job)
        else:
            self._loop.call_later(lane.until - now + 0.001, self._drive)
            self._questions.append(job)

    def _give_up(self, lane: Lane, why: str, *, broke: bool = False) -> None:
        """Ask a variant no more; its cells are left, and the others' go on."""
        if not lane.down:
            lane.down, lane.broke = why, broke
            _log.info("a variant is left: %s", why)
        gone = [job for pile in (self._fresh, self._questions) for job in pile if job.lane is lane]
        self._open -= len(gone)
        for pile in (self._fresh, self._questions):
            left = [job for job in pile if job.lane is not lane]
            pile.clear()
            pile.extend(left)

    # --- keeping -----------------------------------------------------------------------------------------------------

    async def _keep(self, writer: ThreadPoolExecutor) -> None:
        """Keep what comes, several together, until all is over; and say that this process lives."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._new.wait(), BEAT)
            self._new.clear()
            over = self._over.is_set()
            spoken, self._spoken = self._spoken, []
            finished, self._finished = self._finished, []
            standing = self.standing
            try:
                keep = partial(
                    runs.keep, self._database, self._run.id, self._owner, spoken, finished, **standing.told()
                )
                wished = await loop.run_in_executor(writer, keep)
                self._told(standing)
            except Exception as problem:
                self._fail(problem)
                return
            if wished is None:
                self._fail(WorkbenchError("Another process has taken up the run.", hint="Look at how it stands."))
                return
            if over:
                if not (self._spoken or self._finished):
                    return
                self._new.set()
                continue
            if wished and not self._wish:
                self._heed(wished)
            if self._asking_now or self._stepping:
                await asyncio.sleep(GAP)

    def _remaining(self) -> float | None:
        """Seconds left at the pace of the last minute or so."""
        now = time.monotonic()
        if self._ends and now - self._ends[-1][0] >= 0.25:
            self._ends.append((now, self._ended_here))
        while len(self._ends) > 2 and now - self._ends[0][0] > 120:
            self._ends.popleft()
        began, then = self._ends[0] if self._ends else (now, 0)
        pace = (self._ended_here - then) / (now - began) if now > began else 0.0
        return round((self._run.cells - self._sum["done"]) / pace, 1) if pace > 0 else None


def _no_money(budget: Budget) -> str:
    return f"The next call may exceed the budget of ${budget.most:,.2f}; ${budget.spent:,.4f} are spent."
