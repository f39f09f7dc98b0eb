"""Gathering questions into bundles, as many as a service takes and as money is there for."""

from __future__ import annotations

from collections import deque

from workbench.core.experiments.batches.carrying import Bundle
from workbench.core.experiments.batches.lines import written
from workbench.core.experiments.lanes import Job, Lane
from workbench.core.experiments.limits import IN_BATCH, at_most
from workbench.core.experiments.questions import Questions, no_money

MOST_LINES, MOST_BYTES = 2_000, 50_000_000
"""Questions and bytes of one batch: less than services take, so that much is there when one of them fails."""


class Gathering:
    """The bundles that are not handed over yet, one a lane, and the questions that no money is free for."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._bundles: dict[str, Bundle] = {}
        self._waiting: deque[Job] = deque()
        self._room: dict[str, int] = {}

    @property
    def holds(self) -> bool:
        """Whether there is something to be handed over, now or later."""
        return bool(self._waiting or self._bundles)

    @property
    def is_poor(self) -> bool:
        """Whether questions wait for money."""
        return bool(self._waiting)

    def takes(self, lane: Lane) -> bool:
        """Whether more questions of a lane are to be made now."""
        bundle = self._bundles.get(lane.name)
        return bundle is None or not self._is_whole(bundle)

    def add(self, job: Job) -> None:
        """Take up a question; what it may cost is held."""
        lane, call = job.lane, job.call
        assert call is not None
        held = (self._questions.dearest_of(job) or 0.0) * IN_BATCH
        if not self._questions.budget.fits(held):
            self._waiting.append(job)
            return
        self._questions.budget.hold(held)
        bundle = self._bundles.setdefault(lane.name, Bundle(lane))
        bundle.data += written(call, job.cell.id, lane.ready.workshop.settings)
        bundle.cells[job.cell.id] = at_most(call).into
        bundle.jobs[job.cell.id] = job
        bundle.held += held
        job.call = job.dearest = None

    def whole(self, *, made: bool) -> tuple[Bundle, ...]:
        """The bundles that are not to grow any more: all where everything is ``made``, or where money is short.

        Where no money is held by anything, what waits for some is given up.
        """
        waiting, self._waiting = self._waiting, deque()
        for job in waiting:
            self.add(job)
        if self._waiting and not self._questions.budget.held:
            for lane in {job.lane.name: job.lane for job in self._waiting}.values():
                self._questions.give_up(lane, no_money(self._questions.budget), broke=True)
        return tuple(each for each in self._bundles.values() if made or self._waiting or self._is_whole(each))

    def give(self, bundle: Bundle) -> None:
        """A bundle is handed over."""
        del self._bundles[bundle.lane.name]

    def given_up(self, lane: Lane) -> None:
        """A lane is down: nothing of it is to be handed over."""
        bundle = self._bundles.pop(lane.name, None)
        if bundle is not None:
            self._questions.budget.settle(bundle.held, 0.0)
        self._waiting = deque(job for job in self._waiting if job.lane is not lane)

    def cramp(self, lane: Lane, most: int) -> None:
        """A service takes only so many questions of a lane at a time."""
        self._room[lane.name] = max(1, most)

    def is_cramped(self, lane: Lane) -> bool:
        """Whether a service has room for one bundle of a lane at a time."""
        return lane.name in self._room

    def _is_whole(self, bundle: Bundle) -> bool:
        most = self._room.get(bundle.lane.name, MOST_LINES)
        return len(bundle.cells) >= most or len(bundle.data) >= MOST_BYTES
