"""The questions of a run: asked so many at a time, within the limits of a minute and of money.

An endpoint that fails is left alone for a while, and for good after some faults in a row; what is the model's own, good
or bad, counts as an answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from workbench.core.experiments.asking import ask
from workbench.core.experiments.heard import Said
from workbench.core.experiments.lanes import Job, Lane
from workbench.core.experiments.limits import Budget, Minute, at_most, dearest
from workbench.core.experiments.specification import Limits
from workbench.core.generate.prices import cost_of
from workbench.core.generate.providers import Call

HASTY = 0.5
"""Seconds under which a model answers too fast for anything to be done meanwhile."""
REST = 1.0
"""Seconds for which a variant is left alone after a fault; the second time twice as long."""
FAULTS = 3
"""Faults in a row after which an endpoint counts as down, and times that one cell is tried."""
SURE = ("http-401", "http-403", "http-404", "no-model")
"""Faults that will not go away."""
_log = logging.getLogger(__name__)


class Asks(Protocol):
    """Whose questions are asked."""

    @property
    def wish(self) -> str:
        """What somebody wishes of the run; then nothing more is asked."""

    def heard(self, job: Job, said: Said, cost: float | None) -> None:
        """A model has said something, which counts so many US dollars."""

    def faulty(self, job: Job) -> None:
        """The job has a fault of its own: that is to be its result."""

    def left(self, jobs: int) -> None:
        """So many jobs are asked no more."""

    def given_up(self, lane: Lane) -> None:
        """A lane is down."""

    def drive(self) -> None:
        """Something has changed."""

    def fail(self, problem: BaseException) -> None:
        """The run cannot go on."""


class Questions:
    """Questions that wait, and those that are being asked: ``now`` is how many.

    While a model takes its time, other work may be done. One that is hasty is asked all that is there first:
    ``asking`` says that this is so now.
    """

    def __init__(
        self, course: Asks, limits: Limits, budget: Budget, *, clock: Callable[[], float],
        sleep: Callable[[float], Any], rest: float,
    ) -> None:  # fmt: skip
        self._course, self._most, self.budget, self._rest = course, limits.concurrency, budget, rest
        calls, tokens = limits.requests_per_minute, limits.tokens_per_minute
        self._calls = None if calls is None else Minute(calls, clock=clock, sleep=sleep)
        self._tokens = None if tokens is None else Minute(tokens, clock=clock, sleep=sleep)
        self.waiting: deque[Job] = deque()
        self.now = 0
        self.asking = False
        self._asked_at = 0.0
        self._paces: deque[float] = deque(maxlen=32)
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: set[asyncio.Task[None]] = set()

    @property
    def slow(self) -> bool:
        """Whether models take so long that other work can be done meanwhile."""
        if self._paces:
            return sum(self._paces) / len(self._paces) >= HASTY
        return self.asking and time.monotonic() - self._asked_at >= HASTY

    def begin(self, *, made: bool) -> None:
        """Ask what can be asked now; ``made`` says that no more questions are to be expected soon."""
        if not self.asking:
            self.asking = bool(self.waiting) and (self.slow or made)
            if self.asking and not self._paces:
                self._asked_at = time.monotonic()
                asyncio.get_running_loop().call_later(HASTY + 0.001, self._course.drive)
        now = asyncio.get_running_loop().time()
        full = False
        passed: list[Job] = []
        while self.asking and self.waiting and self.now < self._most:
            job = self.waiting.popleft()
            lane = job.lane
            if lane.down:
                self._course.left(1)
            elif lane.until > now:
                passed.append(job)
            else:
                held = self.dearest_of(job)
                if held is not None and (full or not self.budget.fits(held)):
                    if self.budget.held:
                        full = True
                        passed.append(job)  # what others hold may be given back
                    else:
                        self.give_up(lane, no_money(self.budget), broke=True)
                        self._course.left(1)
                    continue
                self._ask(job, held or 0.0)
        self.waiting.extendleft(reversed(passed))
        if not self.now:
            self.asking = False

    def cancel(self, *, waiting: bool) -> None:
        """Leave what is being asked, or only what waits for its turn."""
        for task in self._turns if waiting else self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait for what is being asked."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def give_up(self, lane: Lane, why: str, *, broke: bool = False) -> None:
        """Ask a variant no more; its cells are left, and the others' go on."""
        if not lane.down:
            lane.down, lane.broke = why, broke
            _log.info("a variant is left: %s", why)
        left = [job for job in self.waiting if job.lane is not lane]
        self._course.left(len(self.waiting) - len(left))
        self.waiting.clear()
        self.waiting.extend(left)
        self._course.given_up(lane)

    def dearest_of(self, job: Job) -> float | None:
        """What the question of a job may cost, where money is limited; None where it costs none that is counted."""
        if self.budget.most is None or not job.lane.ready.variant.may_cost:
            return None
        if job.dearest is None:
            assert job.call is not None
            job.dearest = dearest(job.call, job.lane.ready.priced_at) or 0.0
        return job.dearest

    def _ask(self, job: Job, held: float) -> None:
        self.budget.hold(held)
        self.now += 1
        task = asyncio.create_task(self._asked(job, held))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _asked(self, job: Job, held: float) -> None:
        """Ask one question; what was said is kept, and judged later."""
        call, cost, sent = job.call, 0.0, False
        assert call is not None
        try:
            taken = await self._turn(call)
            if self._course.wish or job.lane.down:
                self.waiting.append(job)
                return
            sent = True
            said = await ask(call, job.lane.ready)
            if self._tokens is not None and taken is not None and said.answered:
                self._tokens.correct(taken, said.tokens.into + said.tokens.out)
            cost = self._heard(job, call, said, held)
        except asyncio.CancelledError:
            cost = held if sent else 0.0  # it may have been paid
            raise
        except Exception as problem:
            self._course.fail(problem)
        finally:
            self.now -= 1
            self.budget.settle(held, cost)
            self._course.drive()

    async def _turn(self, call: Call) -> list[float] | None:
        """Wait until a question may be asked; what it takes of the minute's tokens."""
        if self._tokens is None and self._calls is None:
            return None
        task = asyncio.current_task()
        assert task is not None
        self._turns.add(task)
        try:
            taken = None
            if self._tokens is not None:
                tokens = await asyncio.to_thread(at_most, call)
                taken = await self._tokens.take(tokens.into + tokens.out)
            if self._calls is not None:
                await self._calls.take()
            return taken
        finally:
            self._turns.discard(task)

    def _heard(self, job: Job, call: Call, said: Said, held: float) -> float:
        """Take up what was said; what it counts against the budget."""
        lane = job.lane
        if not said.is_the_models:
            self._fault(job, said)
            return 0.0
        self._paces.append(said.seconds)
        lane.faults, job.tries, job.call, job.dearest = 0, 0, None, None
        known = cost_of(call.model, said.tokens, lane.ready.priced_at) if said.answered else held or None
        self._course.heard(job, said, known)
        return known or 0.0

    def _fault(self, job: Job, said: Said) -> None:
        """Nothing was learned of the model: try again later, or leave the variant, or take it for the cell's own."""
        lane = job.lane
        if said.kind in ("http-400", "http-413", "http-422"):
            job.fault = said
            self._course.faulty(job)
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now >= lane.until:  # others that were asked at the same time fare the same: that is one fault
            lane.until = now + self._rest * 2**lane.faults
            lane.faults += 1
        job.tries += 1
        if said.kind in SURE or lane.faults >= FAULTS:
            self.give_up(lane, f"{lane.name!r} cannot be asked now. {said.message} {said.hint}".strip())
            self._course.left(1)
        elif lane.down:
            self._course.left(1)
        elif job.tries >= FAULTS:
            job.fault = said
            self._course.faulty(job)
        else:
            loop.call_later(lane.until - now + 0.001, self._course.drive)
            self.waiting.append(job)


def no_money(budget: Budget) -> str:
    """That the budget is used up, in a sentence."""
    return f"The next call may exceed the budget of ${budget.most:,.2f}; ${budget.spent:,.4f} are spent."
