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
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workbench.core.compose import FormPlan
from workbench.core.errors import WorkbenchError
from workbench.core.generate.generation import Generation, GenerationSettings, Kept, Watch, Workshop
from workbench.core.generate.growing import SectionWatch, complete_part, salvaged
from workbench.core.generate.pipeline import generate
from workbench.core.generate.providers import ModelInfo, Providers
from workbench.core.generate.secrecy import scrubber
from workbench.core.generate.templates import all_templates
from workbench.core.library.database import Database, new_id
from workbench.core.library.generations import (
    Ending,
    GenerationRecord,
    State,
    beat,
    begin,
    end,
    keep_finished,
    new_owner,
    orphans,
    started,
)
from workbench.core.library.takes import Take
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, piece_id
from workbench.core.settings import Settings

BEAT_SECONDS = 1.0
SWEEP_BEATS = 10
"""Every so many beats the generations of dead processes are looked for."""
KEPT_LIVE = 200
"""Finished generations that stay in memory, so that a page sees their end without the database."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One generation to be begun: what is asked for, how, what stays, and what it is called beside others."""

    request: Request
    settings: GenerationSettings
    label: str = ""
    kept: Kept | None = None
    parent: str | None = None


@dataclass
class Live:
    """A generation of this process as it stands now. Read by pages; written by the engine's thread alone."""

    id: str
    batch: str
    order: Order
    state: str = "queued"
    phase: str = "Waiting"
    form: FormPlan | None = None
    sections: int = 0
    growing: MusicStructure | None = None
    characters: int = 0
    message: str = ""
    generation: Generation | None = None
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"queued", "running"}

    @property
    def seconds(self) -> float:
        """Seconds since it was asked for, until it ended."""
        return (self.ended if self.ended is not None else time.monotonic()) - self.began

    @property
    def structure(self) -> MusicStructure | None:
        """The piece, or what there is of it so far."""
        return self.generation.structure if self.generation is not None else self.growing


class Jobs:
    """The generations of this process."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self.owner = new_owner()
        self._scrub = scrubber(settings)
        self._live: dict[str, Live] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._notes: set[asyncio.Task[None]] = set()
        self._watches: dict[str, _Following] = {}
        self._guard = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self.workshop = Workshop(settings, Providers(settings), lambda: all_templates(database))
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

    async def _models(self, provider: str) -> tuple[ModelInfo, ...]:
        return await self.workshop.providers.get(provider).models()

    async def _followed(self, live: Live) -> None:
        """One generation from its beginning to its end in the database."""
        following = _Following(live, self._loop, self._scrub, self._noted_start)
        self._watches[live.id] = following
        ending: Ending
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

    def _broken_off(self, live: Live, following: _Following) -> Ending:
        """What is kept of a generation that was stopped: its complete sections."""
        structure = salvaged(following.clean(), live.order.request)
        live.growing = structure or live.growing
        return broken_off(live.order, structure, "stopped", live.message)

    async def _answered(self, id: str, order: Order, visitor: str, token_id: str | None) -> Generation:
        generation = await generate(order.request, order.settings, self.workshop, kept=order.kept)
        ending = finished(generation, order, token_id=token_id, take=False)
        await asyncio.to_thread(
            keep_finished, self.database, id, visitor=visitor, request=order.request.to_dict(),
            settings=_settings(order), plan=generation.form.to_dict(), ending=ending,
        )  # fmt: skip
        return generation

    def _write_down(self, live: Live, position: int, visitor: str) -> None:
        order = live.order
        begin(
            self.database, live.id, live.batch, position, visitor=visitor, owner=self.owner, label=order.label,
            request=order.request.to_dict(), settings=_settings(order),
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


class _Following(Watch):
    """Keeps a live generation in step with what is being written."""

    def __init__(
        self, live: Live, loop: asyncio.AbstractEventLoop, scrub: Callable[[str], str],
        begun: Callable[[Live, FormPlan], None],
    ) -> None:  # fmt: skip
        self._live, self._loop, self._scrub, self._begun = live, loop, scrub, begun
        self._pieces: list[str] = []
        self._sections = SectionWatch()
        self._fresh = False

    def phase(self, words: str) -> None:
        self._live.phase = words

    def begun(self, form: FormPlan) -> None:
        self._live.form, self._live.state = form, "running"
        self._begun(self._live, form)

    def restart(self) -> None:
        self._pieces, self._sections = [], SectionWatch()
        self._live.sections, self._live.characters = 0, 0

    def text(self, piece: str) -> None:
        self._pieces.append(piece)
        self._live.characters += len(piece)
        self._fresh = True
        watch = self._sections
        if watch.feed(piece):
            whole = "".join(self._pieces)[: watch.end] + watch.open_brackets
            self._loop.run_in_executor(None, self._grow, whole, watch, watch.complete)

    def _grow(self, whole: str, watch: SectionWatch, seen: int) -> None:
        """Draw what is complete; beside the loop, since it takes some milliseconds."""
        structure = complete_part(self._scrub(whole), self._live.order.request)
        if structure is not None and watch is self._sections and seen >= self._live.sections:
            self._live.growing, self._live.sections = structure, seen

    def clean(self) -> str:
        """All that was written, without secrets."""
        return self._scrub("".join(self._pieces))

    def taken(self) -> bool:
        """Whether something is new since this was last asked."""
        fresh, self._fresh = self._fresh, False
        return fresh


def _settings(order: Order) -> dict[str, Any]:
    """How an order is to be done, as it is kept."""
    return order.settings.to_dict() | ({"kept": order.kept.to_dict()} if order.kept is not None else {})


def finished(generation: Generation, order: Order, *, token_id: str | None = None, take: bool = True) -> Ending:
    """What a finished generation leaves in the database."""
    usage = generation.usage
    columns = {
        "outcome": generation.outcome,
        "provider": generation.provider,
        "variant": generation.variant,
        "model": generation.model,
        "template": generation.template,
        "structure": generation.structure.to_dict(),
        "report": generation.report.to_dict(),
        "repairs": [repair.to_dict() for repair in generation.repairs],
        "trace": [step.to_dict() for step in generation.trace],
        "usage": usage,
    }
    return Ending(
        "done", columns, _take(generation, order) if take else None, generation.tokens.into, generation.tokens.out,
        generation.cost, token_id,
    )  # fmt: skip


def _take(generation: Generation, order: Order) -> Take:
    again = generation.provider == "rules" and order.kept is None and generation.request == order.request
    return Take(
        piece_id(generation.structure),
        generation.structure,
        order.request,
        generation.seed if again else None,
        change="" if order.kept is None else "regenerated",
        parent_id=order.parent,
    )


def broken_off(order: Order, structure: MusicStructure | None, state: State, message: str) -> Ending:
    """What a generation leaves that was stopped: a take of its complete sections, where there are any."""
    take = None
    if structure is not None:
        take = Take(piece_id(structure), structure, order.request, change="stopped", parent_id=order.parent)
    columns: dict[str, Any] = {"message": message}
    if structure is not None:
        columns["structure"] = structure.to_dict()
    return Ending(state, columns, take)


def interrupted(record: GenerationRecord) -> Ending:
    """What is kept of a generation whose process was killed."""
    request = Request.model_validate(dict(record.request))
    structure = salvaged(record.partial, request)
    message = "The server stopped while this was being written."
    return broken_off(Order(request, GenerationSettings()), structure, "interrupted", message)
