"""The bundles of a run: cells whose first questions are gathered, handed over as a batch, waited for, and taken back.

Each is written down before it is made, so one that was made and not noted is found by its mark. What a batch leaves
without an answer is asked alone. A limit of questions or tokens a minute does not hold for batches: the service has
limits of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Protocol

from workbench.core.errors import ModelError
from workbench.core.experiments.batches import kept
from workbench.core.experiments.batches.carrying import (
    SEARCHES,
    Bundle,
    answers,
    is_refusal,
    made_once,
    sentence,
    uploaded,
    what_was_wrong,
)
from workbench.core.experiments.batches.gathering import Gathering
from workbench.core.experiments.batches.hosted import Hosted, Service
from workbench.core.experiments.batches.lines import Line
from workbench.core.experiments.heard import Said
from workbench.core.experiments.keeping import Keeper
from workbench.core.experiments.lanes import Job, Lane
from workbench.core.experiments.limits import price_in_batch
from workbench.core.experiments.questions import SURE, Questions
from workbench.core.experiments.runs import Run, Spoken
from workbench.core.library.database import Database

MOST_OPEN = 20
"""Batches of a run that are waited for at the same time."""
FIRST_LOOK, LAST_LOOK, SLOWER = 2.0, 60.0, 1.5
"""Seconds between two looks at a batch: at first, at most, and the factor from one to the next."""
NEAR = 0.05
"""The share of these seconds for a service on this machine."""
PATIENCE = 12
"""Looks in a row that may fail before a service counts as down."""
TOO_MUCH = "token_limit"
"""What is in a service's code for a batch that it has no room for now: it gets smaller ones then, one at a time."""
LEAVING = 10.0
"""Seconds that cancelling may take."""


class Carries(Protocol):
    """Whose cells go with batches."""

    def answered(self, job: Job, said: Said, cost: float | None) -> None:
        """A batch has an answer."""

    def answered_early(self, cell: str, said: Said) -> None:
        """A batch has an answer for a cell that was not taken up yet; it is kept already."""

    def alone(self, job: Job) -> None:
        """A batch has no answer: ask alone."""

    def again(self, job: Job) -> None:
        """There was no batch: ask with another."""

    def drive(self) -> None:
        """Something has changed."""

    def fail(self, problem: BaseException) -> None:
        """The run cannot go on."""


class Bundles:
    """The bundles of a run; ``sending`` is how many are being handed over."""

    def __init__(
        self, course: Carries, keeper: Keeper, questions: Questions, database: Database, run: Run, owner: str, *,
        rest: float, sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._course, self._keeper, self._questions = course, keeper, questions
        self._database, self._run, self._owner, self._rest, self._sleep = database, run, owner, rest, sleep
        self._gathering = Gathering(questions)
        self._open: list[Bundle] = []
        self._alone: set[str] = set()
        self._services: dict[str, Service] = {}
        self._sends: set[asyncio.Task[None]] = set()
        self._looks: set[asyncio.Task[None]] = set()

    # --- what the course sees ----------------------------------------------------------------------------------------

    @property
    def sending(self) -> int:
        """How many are being handed over."""
        return len(self._sends)

    @property
    def full(self) -> bool:
        """Whether no more questions are to be made for now."""
        return self._gathering.is_poor or sum(not each.lost for each in self._open) >= MOST_OPEN

    def takes(self, lane: Lane) -> bool:
        """Whether more questions of a lane are to be made now."""
        return not self.full and self._gathering.takes(lane)

    @property
    def waits(self) -> bool:
        """Whether something is still to come, or to be handed over."""
        return self._gathering.holds or any(not each.lost for each in self._open)

    async def load(self, lanes: Mapping[str, Lane]) -> None:
        """Take up the batches that the run has made before, and wait for those that may still bring answers."""
        rows = await asyncio.to_thread(kept.batches, self._database, self._run.id)
        known: set[str] = set()
        if any(row.open for row in rows):
            known = await asyncio.to_thread(kept.answered_cells, self._database, self._run.id)
        for row in rows:
            lane = lanes.get(row.variant)
            if lane is None:
                continue
            if row.open:
                cells = {cell: count for cell, count in row.cells.items() if cell not in known}
                bundle = Bundle(
                    lane, cells, held=row.held, row=row, batch_id=row.batch_id, told=row.told, answered=row.answered,
                    left=row.state == "left",
                )  # fmt: skip
                self._open.append(bundle)
                self._questions.budget.hold(bundle.held)
                self._begin(partial(self._follow, bundle), self._looks)
            elif row.state == "taken" and row.told not in ("cancelled", "failed"):
                self._alone |= set(row.cells)

    def take(self, job: Job) -> None:
        """Take up a cell in which nothing was said: it waits for its batch, or is asked with one, or alone."""
        job.bulk = True
        bundle = next((each for each in self._open if job.cell.id in each.cells), None)
        if bundle is not None:
            bundle.jobs[job.cell.id] = job
        elif job.cell.id in self._alone:
            self._course.alone(job)
        else:
            self._course.again(job)

    def add(self, job: Job) -> None:
        """A cell's question is made: it goes with the next batch of its variant."""
        self._gathering.add(job)

    def begin(self, *, made: bool) -> None:
        """Hand over what can be; ``made`` says that no more questions are to be expected soon."""
        for bundle in self._gathering.whole(made=made):
            there = any(each.lane is bundle.lane and not each.lost for each in self._open)
            if not (there and self._gathering.is_cramped(bundle.lane)):
                self._gathering.give(bundle)
                self._open.append(bundle)
                bundle.task = self._begin(partial(self._make, bundle), self._sends)

    def given_up(self, lane: Lane) -> None:
        """A lane is down: what was not handed over yet is left."""
        self._gathering.given_up(lane)

    def cancel(self, *, sending: bool) -> None:
        """Look no more, and hand over no more; with ``sending``, do not wait for what was asked for already, either."""
        early = {each.task for each in self._open if not each.asked}
        for task in (*self._looks, *(self._sends if sending else self._sends & early)):
            task.cancel()

    async def leave(self, wish: str) -> str:
        """Look no more, and cancel what is under way where somebody wishes ``pause`` or ``stop``; sentences on it."""
        self.cancel(sending=True)
        await asyncio.gather(*self._looks, *self._sends, return_exceptions=True)
        there = [each for each in self._open if each.batch_id and not each.left]
        said = ""
        if there and wish in ("pause", "stop"):
            done = await asyncio.gather(*(self._cancel(each) for each in there))
            said = sentence(sum(done), "cancelled", has=True)
            said += sentence(len(done) - sum(done), "could not be cancelled", has=False)
        elif there:
            said = sentence(len(there), "left at the service", has=False)
        for service in self._services.values():
            await service.close()
        return said.strip()

    # --- handing over ------------------------------------------------------------------------------------------------

    async def _make(self, bundle: Bundle) -> None:
        """Write a bundle down, upload it, and have it answered."""
        row = bundle.row = await asyncio.to_thread(
            kept.write, self._database, self._run.id, self._owner, bundle.lane.name, bundle.cells, bundle.held
        )
        service = self._service(bundle.lane)
        try:
            name = f"workbench-{row.id}.jsonl"
            file = await uploaded(service, name, bytes(bundle.data), self._sleep, self._rest)
            bundle.asked = True
            await self._note(bundle, file_id=file, asked=True)
            told = await made_once(service, row.id, file, self._sleep, self._rest)
        except ModelError as problem:
            if not bundle.asked or is_refusal(problem):
                await self._gone(bundle)
            self._lose(bundle, problem)
            return
        bundle.data = bytearray()
        await self._sent(bundle, told)
        self._begin(partial(self._follow, bundle), self._looks)

    async def _sent(self, bundle: Bundle, told: Hosted) -> None:
        bundle.batch_id, bundle.told = told.id, told.state
        await self._note(bundle, state="sent", batch_id=told.id, told=told.state)

    async def _gone(self, bundle: Bundle) -> None:
        """There is no such batch: nothing is owed for it."""
        await self._note(bundle, state="gone")
        self._open.remove(bundle)
        self._questions.budget.settle(bundle.held, 0.0)

    def _lose(self, bundle: Bundle, problem: ModelError) -> None:
        """The service cannot be asked: the variant is left, and its batch taken up when the run goes on."""
        bundle.lost = True
        name = bundle.lane.name
        self._questions.give_up(
            bundle.lane, f"{name!r} cannot be asked in batches now. {problem.message} {problem.hint}"
        )

    # --- waiting -----------------------------------------------------------------------------------------------------

    async def _follow(self, bundle: Bundle) -> None:
        """Look at a batch until it has ended, and take what came of it."""
        service, pause, failed = self._service(bundle.lane), FIRST_LOOK, 0
        rest = self._rest * (NEAR if service.near else 1.0)
        while True:
            try:
                if not bundle.batch_id and not await self._found(service, bundle):
                    return
                told = await service.look(bundle.batch_id)
                if told.ended:
                    found = await answers(service, bundle, told)
                    self._taken(bundle, told, found)
                    return
                failed = 0
                if (told.state, told.answered) != (bundle.told, bundle.answered):
                    bundle.told, bundle.answered = told.state, told.answered
                    await self._note(bundle, told=told.state, answered=told.answered)
            except ModelError as problem:
                failed += 1
                if problem.kind in SURE or failed >= PATIENCE:
                    self._lose(bundle, problem)
                    return
            await self._sleep(rest * pause)
            pause = min(LAST_LOOK, pause * SLOWER)

    async def _found(self, service: Service, bundle: Bundle) -> bool:
        """Find a batch of which it was not noted whether it was made; where it was not, its cells are free again."""
        assert bundle.row is not None
        for number in range(SEARCHES if bundle.row.asked else 0):
            told = await service.find(bundle.row.id, bundle.row.file_id)
            if told is not None:
                await self._sent(bundle, told)
                return True
            await self._sleep(self._rest * 2**number)  # it may have been made just now
        await self._gone(bundle)
        for job in bundle.jobs.values():
            self._course.again(job)
        return False

    def _taken(self, bundle: Bundle, told: Hosted, found: Mapping[str, Line]) -> None:
        """Hand out what came of a batch. Nothing is waited for in here: it is done as a whole, or not at all."""
        ready, cost, answered = bundle.lane.ready, 0.0, 0
        crowded = told.state == "failed" and TOO_MUCH in told.code and len(bundle.cells) > 1
        self._open.remove(bundle)
        for cell in bundle.cells:
            line, job = found.get(cell), bundle.jobs.get(cell)
            if line is not None and line.said is not None:
                known = price_in_batch(ready.attempt.model, line.said.tokens, ready.priced_at)
                answered, cost = answered + 1, cost + (known or 0.0)
                if job is not None:
                    self._course.answered(job, line.said, known)
                else:
                    self._keeper.spoke(Spoken(cell, 0, line.said, known))
                    self._course.answered_early(cell, line.said)
            elif told.state in ("cancelled", "failed"):
                if job is not None and (bundle.left or crowded):
                    self._course.again(job)
            elif job is not None:
                self._course.alone(job)
            else:
                self._alone.add(cell)
        self._questions.budget.settle(bundle.held, cost)
        message = what_was_wrong(told, found, len(bundle.cells) - answered)
        assert bundle.row is not None
        values = {"state": "taken", "told": told.state, "answered": answered, "message": message}
        self._keeper.then(partial(kept.note, self._database, bundle.row.id, **values))
        if crowded:
            self._gathering.cramp(bundle.lane, len(bundle.cells) // 2)
        elif told.state in ("cancelled", "failed") and not bundle.left and answered < len(bundle.cells):
            self._refused(bundle, told, message)

    def _refused(self, bundle: Bundle, told: Hosted, message: str) -> None:
        """A batch that was not to be answered: somebody has to look at that before anything is paid in full."""
        name = bundle.lane.name
        if told.state == "cancelled":
            why = f"A batch of {name!r} was cancelled at the service."
        else:
            why = f"The service refuses a batch of {name!r}: {message or 'it does not say why.'}"
        hint = "Let the run go on to try another, or run the specification without batch."
        self._questions.give_up(bundle.lane, f"{why} {hint}")

    # --- the rest ----------------------------------------------------------------------------------------------------

    async def _cancel(self, bundle: Bundle) -> bool:
        """Have a batch left; whether the service does so."""
        try:
            async with asyncio.timeout(LEAVING):
                told = await self._service(bundle.lane).cancel(bundle.batch_id)
        except (ModelError, TimeoutError):
            return False
        await self._note(bundle, state="left", told=told.state)
        return True

    async def _note(self, bundle: Bundle, **values: Any) -> None:
        assert bundle.row is not None
        await asyncio.to_thread(kept.note, self._database, bundle.row.id, **values)

    def _service(self, lane: Lane) -> Service:
        endpoint = lane.ready.attempt.endpoint
        if endpoint not in self._services:
            self._services[endpoint] = Service(lane.ready.workshop.settings, endpoint)
        return self._services[endpoint]

    def _begin(
        self, work: Callable[[], Coroutine[Any, Any, None]], among: set[asyncio.Task[None]]
    ) -> asyncio.Task[None]:
        async def through() -> None:
            try:
                await work()
            except Exception as problem:
                self._course.fail(problem)

        def ended(task: asyncio.Task[None]) -> None:
            among.discard(task)
            self._course.drive()

        task = asyncio.create_task(through())
        among.add(task)
        task.add_done_callback(ended)
        return task
