"""Keeping what a run finds out, several things together, while the process that is at it says that it lives."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.core.errors import WorkbenchError
from workbench.core.experiments import runs
from workbench.core.experiments.runs import Finished, Run, Spoken
from workbench.core.library.database import Database

BEAT = 1.0
"""Seconds between two signs of life at most, and between two looks for what somebody wishes."""
GAP = 0.03
"""Seconds for which answers are gathered before they are kept together."""


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


class Keeps(Protocol):
    """Whose findings are kept."""

    @property
    def busy(self) -> bool:
        """Whether something is being done, so that more is to come soon."""

    def heed(self, wished: str) -> None:
        """Somebody wishes something of the run."""

    def fail(self, problem: BaseException) -> None:
        """Nothing can be kept any more."""


class Keeper:
    """What has been found out and is not kept yet, and the sums of all."""

    def __init__(
        self, database: Database, run: Run, owner: str, course: Keeps, told: Callable[[Standing], None]
    ) -> None:
        self._database, self._run, self._owner, self._course, self._told = database, run, owner, course, told
        self.sum = runs.tally(database, run.id)
        self._spoken: list[Spoken] = []
        self._finished: list[Finished] = []
        self._then: list[Callable[[], None]] = []
        self._ends: deque[tuple[float, int]] = deque(maxlen=256)
        self._ended_here = 0
        self._over = False
        self._new: asyncio.Event

    @property
    def standing(self) -> Standing:
        """How the run stands."""
        return Standing(self._run.cells, **self.sum, remaining=self._remaining())

    def spoke(self, spoken: Spoken) -> None:
        """A model has said something."""
        said = spoken.said
        self._spoken.append(spoken)
        self.sum["spent"] += spoken.cost or 0.0
        self.sum["tokens_in"] += said.tokens.into
        self.sum["tokens_out"] += said.tokens.out
        self._new.set()

    def ended(self, finished: Finished) -> None:
        """A cell has ended."""
        self.sum["done"] += 1
        self.sum["failed"] += bool(finished.judged.fault)
        self._ended_here += 1
        self._finished.append(finished)
        self._new.set()

    def then(self, note: Callable[[], None]) -> None:
        """Note something as soon as all is kept that has been found out by now; it is called in another thread."""
        self._then.append(note)
        self._new.set()

    def begin(self) -> asyncio.Task[None]:
        """Keep what comes from now on, until it is ``over``."""
        self._new = asyncio.Event()
        self._ends.append((time.monotonic(), 0))
        return asyncio.create_task(self._keep_all())

    def wake(self) -> None:
        """Look now whether there is something to keep."""
        self._new.set()

    def over(self) -> None:
        """Nothing more comes."""
        self._over = True
        self._new.set()

    async def _keep_all(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="keep") as writer:
            await self._keep(writer)

    async def _keep(self, writer: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._new.wait(), BEAT)
            self._new.clear()
            over = self._over
            spoken, self._spoken = self._spoken, []
            finished, self._finished = self._finished, []
            then, self._then = self._then, []
            standing = self.standing
            try:
                wished = await loop.run_in_executor(writer, self._kept, standing, spoken, finished, then)
                self._told(standing)
            except Exception as problem:
                self._course.fail(problem)
                return
            if wished is None:
                self._course.fail(
                    WorkbenchError("Another process has taken up the run.", hint="Look at how it stands.")
                )
                return
            if over:
                if not (self._spoken or self._finished or self._then):
                    return
                self._new.set()
                continue
            if wished:
                self._course.heed(wished)
            if self._course.busy:
                await asyncio.sleep(GAP)

    def _kept(
        self, standing: Standing, spoken: list[Spoken], finished: list[Finished], then: list[Callable[[], None]]
    ) -> str | None:
        wished = runs.keep(self._database, self._run.id, self._owner, spoken, finished, **standing.told())
        for note in then if wished is not None else ():
            note()
        return wished

    def _remaining(self) -> float | None:
        """Seconds left at the pace of the last minute or so."""
        now = time.monotonic()
        if self._ends and now - self._ends[-1][0] >= 0.25:
            self._ends.append((now, self._ended_here))
        while len(self._ends) > 2 and now - self._ends[0][0] > 120:
            self._ends.popleft()
        began, then = self._ends[0] if self._ends else (now, 0)
        pace = (self._ended_here - then) / (now - began) if now > began else 0.0
        return round((self._run.cells - self.sum["done"]) / pace, 1) if pace > 0 else None
