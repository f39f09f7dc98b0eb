"""Generations that run on the server, whoever looks: begun, followed, stopped, found again after a reload.

All run in one thread with an event loop of its own, so that many wait for models at the same time without holding up a
page. What they have written is kept in the database every second, the end and its take in one transaction. A generation
whose process was killed is found at the next start, and what was complete of it is kept.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from workbench.core.compose import FormPlan
from workbench.core.errors import WorkbenchError
from workbench.core.generate.endings import broken_off, finished, interrupted, settings_of
from workbench.core.generate.generation import Generation, Workshop
from workbench.core.generate.growing import salvaged
from workbench.core.generate.live import Following, Live, Order
from workbench.core.generate.pipeline import generate
from workbench.core.generate.providers import ModelInfo, Providers
from workbench.core.generate.providers.adapt import Adapt
from workbench.core.generate.secrecy import scrubber
from workbench.core.generate.templates import all_templates
from workbench.core.library.curation import Approved
from workbench.core.library.database import Database, new_id
from workbench.core.library.generations import (
    Ending,
    State,
    beat,
    begin,
    end,
    keep_finished,
    new_owner,
    orphans,
    started,
)
from workbench.core.library.rollouts import watched
from workbench.core.library.tuned import NOTHING, Rollout
from workbench.core.settings import Settings

BEAT_SECONDS = 1.0
SWEEP_BEATS = 10
"""Every so many beats the generations of dead processes are looked for."""
KEPT_LIVE = 200
"""Finished generations that stay in memory, so that a page sees their end without the database."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class Jobs:
    """The generations of this process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.owner = new_owner()
        self._watched, self._told = watched(database), NOTHING
        self._live: dict[str, Live] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._notes: set[asyncio.Task[None]] = set()
        self._watches: dict[str, Following] = {}
        self._guard = threading.Lock()
        self._loop = asyncio.new_event_loop()
        library = Approved(database)
        self.workshop = Workshop(
            settings, Providers(settings), lambda: all_templates(database), examples=library, rollout=self._rollout
        )
        self.workshop.providers.put(Adapt(library))
        self._thread = threading.Thread(target=self._run_loop, name="generations", daemon=True)
        self._thread.start()
        self._submit(self._beat())
        atexit.register(self.close)

    # --- from any thread ---------------------------------------------------------------------------------------------

    def start(self, orders: Sequence[Order], visitor: str) -> str:
        """Begin some generations side by side; the id of their batch.

        Raises:
            DatabaseError: it could not be written down, and nothing was begun.
        """
        batch = new_id()
        begun: list[Live] = []
        for position, order in enumerate(orders):
            live = Live(new_id(), batch, order)
            self._write_down(live, position, visitor)
            begun.append(live)
        with self._guard:
            self._live.update((live.id, live) for live in begun)
            self._forget_old()
        for live in begun:
            self._loop.call_soon_threadsafe(self._begin, live)
        return batch

    def live(self, id: str) -> Live | None:
        """A generation that runs here or has ended lately."""
        with self._guard:
            return self._live.get(id)

    def batch(self, batch: str) -> tuple[Live, ...]:
        """The generations of a batch that this process knows."""
        with self._guard:
            return tuple(live for live in self._live.values() if live.batch == batch)

    def stop(self, id: str) -> None:
        """Stop a generation; what was complete is kept."""
        self._loop.call_soon_threadsafe(self._cancel, id)

    def run(self, order: Order, visitor: str) -> Live:
        """Begin one generation and wait for its end."""
        batch = self.start([order], visitor)
        live = self.batch(batch)[0]
        self.wait(live.id)
        return live

    def wait(self, id: str, timeout: float | None = None) -> bool:
        """Wait for the end of a generation; whether it came in time."""
        live = self.live(id)
        if live is None:
            return True
        until = None if timeout is None else time.monotonic() + timeout
        while live.running:
            if until is not None and time.monotonic() > until:
                return False
            time.sleep(0.005)
        return True

    async def answer(self, order: Order, visitor: str, *, token_id: str | None = None) -> tuple[str, Generation]:
        """One generation for a caller who waits, from any event loop; stopped when the caller goes away.

        Raises:
            WorkbenchError: the request cannot be composed for, or the piece could not be written down.
        """
        id = new_id()
        return id, await asyncio.wrap_future(self._submit(self._answered(id, order, visitor, token_id)))

    def models(self, provider: str, timeout: float = 25.0) -> tuple[ModelInfo, ...]:
        """The models of a provider.

        Raises:
            ModelError: it could not be found out.
        """
        return self._submit(self._models(provider)).result(timeout)

    def close(self) -> None:
        """Stop everything; what is unfinished is kept as far as it goes."""
        if self._loop.is_closed() or not self._thread.is_alive():
            return
        atexit.unregister(self.close)
        with suppress(Exception):
            self._submit(self._shut()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    # --- in the engine's thread --------------------------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def _begin(self, live: Live) -> None:
        task = self._loop.create_task(self._followed(live))
        self._tasks[live.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(live.id, None))

    def _cancel(self, id: str) -> None:
        task = self._tasks.get(id)
        if task is not None:
            task.cancel()

    def _rollout(self) -> Rollout:
        self._told = self._watched()
        return self._told

    def _scrub(self, text: str) -> str:
        """A text without secrets, as many as were known when the last generation began. Never asks the database."""
        return scrubber(self.settings, self._told.secret)(text)

    async def _models(self, provider: str) -> tuple[ModelInfo, ...]:
        return await self.workshop.providers.get(provider).models()

    async def _followed(self, live: Live) -> None:
        """One generation from its beginning to its end in the database."""
        following = Following(live, self._loop, self._scrub, self._noted_start)
        self._watches[live.id] = following
        ending: Ending
        state: State
        try:
            order = live.order
            generation = await generate(order.request, order.settings, self.workshop, kept=order.kept, watch=following)
            live.generation = generation
            ending = finished(generation, order)
            state = "done"
        except asyncio.CancelledError:
            live.message = "Stopped."
            state, ending = "stopped", await asyncio.to_thread(self._broken_off, live, following)
        except WorkbenchError as problem:
            live.message = self._scrub(str(problem))
            state, ending = "failed", Ending("failed", {"message": live.message})
        except Exception as problem:
            _log.exception("generation %s failed", live.id)
            live.message = f"This is a fault in the workbench: {type(problem).__name__}."
            state, ending = "failed", Ending("failed", {"message": live.message})
        finally:
            self._watches.pop(live.id, None)
        try:
            await asyncio.shield(asyncio.to_thread(end, self.database, live.id, ending))
        except WorkbenchError as problem:
            live.message = f"The piece is here, but could not be kept: {problem}"
        finally:
            live.ended = time.monotonic()
            live.state = state

    def _broken_off(self, live: Live, following: Following) -> Ending:
        """What is kept of a generation that was stopped: its complete sections."""
        structure = salvaged(following.clean(), live.order.request)
        live.growing = structure or live.growing
        return broken_off(live.order, structure, "stopped", live.message)

    async def _answered(self, id: str, order: Order, visitor: str, token_id: str | None) -> Generation:
        generation = await generate(order.request, order.settings, self.workshop, kept=order.kept)
        ending = finished(generation, order, token_id=token_id, take=False)
        await asyncio.to_thread(
            keep_finished, self.database, id, visitor=visitor, request=order.request.to_dict(),
            settings=settings_of(order), plan=generation.form.to_dict(), ending=ending,
        )  # fmt: skip
        return generation

    def _write_down(self, live: Live, position: int, visitor: str) -> None:
        order = live.order
        begin(
            self.database, live.id, live.batch, position, visitor=visitor, owner=self.owner, label=order.label,
            request=order.request.to_dict(), settings=settings_of(order),
        )  # fmt: skip

    def _noted_start(self, live: Live, form: FormPlan) -> None:
        async def note() -> None:
            with suppress(WorkbenchError):
                await asyncio.to_thread(started, self.database, live.id, form.to_dict())

        self._keep(self._loop.create_task(note()))

    async def _beat(self) -> None:
        """The heart of this process in the database, and what its generations have written."""
        count = 0
        while True:
            try:
                if count % SWEEP_BEATS == 0:
                    await asyncio.to_thread(self._sweep)
                if self._tasks:
                    partials = {id: each.clean() for id, each in self._watches.items() if each.taken()}
                    await asyncio.to_thread(beat, self.database, self.owner, partials)
            except WorkbenchError as problem:
                _log.warning("the database does not answer: %s", self._scrub(str(problem)))
            count += 1
            await asyncio.sleep(BEAT_SECONDS)

    def _sweep(self) -> None:
        """End what the processes before this one left behind; their complete sections are kept."""
        for record in orphans(self.database, living=(self.owner,)):
            end(self.database, record.id, interrupted(record))

    async def _shut(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.workshop.providers.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._notes.add(task)  # the loop itself does not keep a task alive
        task.add_done_callback(self._notes.discard)

    def _forget_old(self) -> None:
        finished = [id for id, live in self._live.items() if not live.running]
        for id in finished[: max(0, len(self._live) - KEPT_LIVE)]:
            del self._live[id]
