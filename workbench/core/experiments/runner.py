"""Runs that run: ordered, begun beside a page or on the command line, paused, stopped, and taken up again.

Before anything is asked it is settled how each variant is asked. A run that goes on later has to find them the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments import runs
from workbench.core.experiments.answering import workshop_of
from workbench.core.experiments.batches.demanded import demand_batches
from workbench.core.experiments.course import REST, Course, Lane, Standing
from workbench.core.experiments.judging import kit_of, metrics_of
from workbench.core.experiments.metrics import load_metrics
from workbench.core.experiments.overviews import LARGE, make_ready
from workbench.core.experiments.requests import Expanded, expand
from workbench.core.experiments.runs import Run
from workbench.core.experiments.scoring import write_scores
from workbench.core.experiments.specification import Specification, count_cells
from workbench.core.experiments.variants import Ready, prepare, training_of
from workbench.core.experiments.workers import crew
from workbench.core.generate.generation import Workshop
from workbench.core.generate.prices import cost_of
from workbench.core.generate.providers import Tokens, talking
from workbench.core.generate.rollout import AT_ONCE
from workbench.core.generate.secrecy import scrubber
from workbench.core.generate.templates import find_template
from workbench.core.library.curation import revision
from workbench.core.library.database import Database
from workbench.core.library.generations import new_owner
from workbench.core.settings import Settings

CLOCK: tuple[Callable[[], float], Callable[[float], Any]] = (time.monotonic, asyncio.sleep)
"""What limits a minute are measured with."""
FEW = 500
"""Cells for which no process is begun where that takes longer."""
Told = Callable[[Standing], None]
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A specification that can be run: what is asked, and each variant, ready."""

    specification: Specification
    expanded: Expanded
    workshop: Workshop
    ready: dict[str, Ready]
    settled: dict[str, Any]

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of it."""
        return tuple(dict.fromkeys(f"{name}: {said}" for name, each in self.ready.items() for said in each.cautions))


def prepared(
    settings: Settings, database: Database, specification: Specification, *, own: Sequence[str] = (),
    budget: float | None = None,
) -> Prepared:  # fmt: skip
    """Make a specification ready; nothing is asked. ``own`` are files or modules with metrics of one's own.

    Raises:
        InvalidInputError: a metric, dataset, model or template that there is not, too many cells, or a budget where no
            price is known.
    """
    for each in own:
        load_metrics(each)
    metrics_of(specification.metrics)
    expanded = expand(specification, database)
    workshop = workshop_of(settings, database, concurrency=specification.limits.concurrency)
    library = tuple(workshop.examples())
    workshop.examples = lambda: library  # the same for all cells, whatever curators do meanwhile
    tested = expanded.version if specification.requests.split == "test" else None
    ready = {each.name: prepare(each, workshop, database, tested=tested) for each in specification.variants}
    most = specification.limits.budget_usd if budget is None else budget
    if most is not None:
        for name, one in ready.items():
            _demand_price(name, one)
    settled = {
        "variants": {name: _mark(each) for name, each in ready.items()}, "library": revision(database),
        "own": list(own),
    }  # fmt: skip
    return Prepared(specification, expanded, workshop, ready, settled)


def order(
    settings: Settings, database: Database, specification: Specification, *, curator: str, own: Sequence[str] = ()
) -> Run:
    """Write down a new run of a specification, ``queued``; nothing is asked yet.

    Raises:
        InvalidInputError: as in ``prepared``, or as in ``demand_batches``.
        ModelError: an endpoint that is to answer in batches cannot be reached.
    """
    found = prepared(settings, database, specification, own=own)
    demand_batches(found.ready)
    cells = count_cells(specification, len(found.expanded.asked))
    return runs.begin(
        database, specification, found.expanded, curator=curator, cells=cells, notes=found.notes, settled=found.settled
    )


def run_now(
    settings: Settings, database: Database, id: str, *, processes: int | None = None, budget: float | None = None,
    told: Told = lambda _: None, rest: float = REST, owner: str = "", began: Callable[[Course], None] = lambda _: None,
) -> Run:  # fmt: skip
    """Let a run go on here and now until it ends, rests or is stopped; an interrupt pauses it.

    Args:
        settings: where models answer, and the cluster, if any.
        database: where the run is.
        id: the run's.
        processes: that judge; 0 is a thread, None as many as there are processors.
        budget: US dollars in all, in place of the specification's.
        told: hears how it stands, often.
        rest: seconds for which an endpoint is left alone after a fault.
        owner: what this process calls itself.
        began: gets what can pause and stop it.

    Raises:
        InvalidInputError: it cannot go on: it is done, or a variant would be asked otherwise now.
        ConflictError: another process is at it.
        WorkbenchError: the database refuses, or a worker has died; the run can go on later.
    """
    owner = owner or new_owner()
    run = runs.claim(database, id, owner)
    try:
        state, message = _run(settings, database, run, processes, budget, told, rest, owner, began)
        if state == "done":
            message = _scored(database, run.id)
        runs.let_go(database, run.id, owner, state, message)
    except WorkbenchError as problem:
        with suppress(WorkbenchError):
            runs.let_go(database, run.id, owner, "failed", scrubber(settings)(str(problem)))
        raise
    except BaseException as problem:
        with suppress(WorkbenchError):
            runs.let_go(database, run.id, owner, "failed", f"It failed: {type(problem).__name__}.")
        raise
    finally:
        runs.forget_here(run.id)
    found = runs.find_run(database, run.id)
    assert found is not None
    make_ready(database, found, least=LARGE)
    return found


class Runs:
    """The runs of this process, each in a thread of its own beside the pages."""

    def __init__(self, settings: Settings, database: Database, *, processes: int | None = None) -> None:
        self._settings, self._database, self._processes = settings, database, processes
        self.owner = new_owner()
        self._guard = threading.Lock()
        self._courses: dict[str, Course] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._wishes: dict[str, str] = {}

    def begin(self, specification: Specification, *, curator: str, own: Sequence[str] = ()) -> Run:
        """Order a run and let it go.

        Raises:
            InvalidInputError: as in ``prepared``.
        """
        run = order(self._settings, self._database, specification, curator=curator, own=own)
        self.resume(run.id)
        return run

    def resume(self, id: str, *, budget: float | None = None) -> None:
        """Let a run go on; what hinders it is written down in it."""
        thread = threading.Thread(target=self._go, args=(id, budget), name=f"experiment {id}", daemon=True)
        with self._guard:
            self._wishes.pop(id, None)
            self._threads[id] = thread
        thread.start()

    def runs(self, id: str) -> bool:
        """Whether a run goes on in this process."""
        return id in self._threads and self._threads[id].is_alive()

    def pause(self, id: str) -> None:
        """Pause a run, wherever it goes on."""
        self._wish(id, "pause")

    def stop(self, id: str) -> None:
        """Stop a run, wherever it goes on."""
        self._wish(id, "stop")

    def _wish(self, id: str, what: str) -> None:
        """Pause or stop a run; one that is only about to go on in this process heeds it as soon as it does."""
        with self._guard:
            course = self._courses.get(id)
            if course is None and self.runs(id):
                self._wishes[id] = what
                return
        if course is None:
            runs.wish(self._database, id, what)
        else:
            _heed(course, what)

    def wait(self, id: str, seconds: float | None = None) -> None:
        """Wait until a run of this process has ended."""
        if id in self._threads:
            self._threads[id].join(seconds)

    def _go(self, id: str, budget: float | None) -> None:
        def began(course: Course) -> None:
            with self._guard:
                self._courses[id] = course
                what = self._wishes.pop(id, "")
            _heed(course, what)

        try:
            run = run_now(
                self._settings, self._database, id, processes=self._processes, budget=budget, owner=self.owner,
                began=began,
            )  # fmt: skip
            make_ready(self._database, run)
        except WorkbenchError as problem:
            _log.warning("a run has ended: %s", problem.message)
        except Exception:
            _log.exception("a run failed")
        finally:
            with self._guard:
                if self._threads.get(id) is threading.current_thread():  # else it goes on already, in another thread
                    self._courses.pop(id, None)
                    self._wishes.pop(id, None)


def _heed(course: Course, what: str) -> None:
    if what == "pause":
        course.pause()
    elif what == "stop":
        course.stop()


def _run(
    settings: Settings, database: Database, run: Run, processes: int | None, budget: float | None, told: Told,
    rest: float, owner: str, began: Callable[[Course], None],
) -> tuple[str, str]:  # fmt: skip
    found = prepared(settings, database, run.ordered(), own=run.own, budget=budget)
    _demand_same(run, found)
    metrics = metrics_of(found.specification.metrics)
    copying = any(each.family == "copying" for each in metrics)
    names = [each.name for each in metrics]
    lanes = {}
    for name, ready in found.ready.items():
        training = training_of(database, ready.variant) if copying else ()
        lanes[name] = Lane(name, ready, kit_of(ready, training=training, metrics=names, own=run.own))
    few = run.cells - run.done <= FEW
    with crew(settings, processes, few=few) as workers:
        if any(lane.asks for lane in lanes.values()):
            threading.Thread(target=talking.load, name="load", daemon=True).start()
        course = Course(
            database, run, found.specification, found.expanded.asked, lanes, workers, owner=owner, budget=budget,
            told=told, rest=rest, clock=CLOCK[0], sleep=CLOCK[1],
        )  # fmt: skip
        began(course)
        return asyncio.run(_through(course, found.workshop))


async def _through(course: Course, workshop: Workshop) -> tuple[str, str]:
    going = asyncio.create_task(course.go())
    try:
        return await asyncio.shield(going)
    except asyncio.CancelledError:  # somebody interrupts the command
        if going.done():
            raise
        course.halt()
        return await going
    finally:
        await workshop.providers.close()


def _scored(database: Database, id: str) -> str:
    """Hand what a run over a frozen test set has found to the gate; a sentence where that did not work."""
    try:
        write_scores(database, id)
    except WorkbenchError as problem:
        return f"Its scores could not be written: {problem}"
    return ""


def _demand_same(run: Run, found: Prepared) -> None:
    """Refuse to mix answers to different questions.

    Raises:
        InvalidInputError: a variant would be asked otherwise now, or other requests would.
    """
    before = run.settled.get("variants", {})
    other = next((name for name, mark in found.settled["variants"].items() if before.get(name) != mark), None)
    again = "Run the specification again for a new run."
    if other is not None:
        raise InvalidInputError(f"{other!r} would be asked otherwise now than when the run began.", hint=again)
    if count_cells(found.specification, len(found.expanded.asked)) != run.cells:
        raise InvalidInputError("The requests are others now than when the run began.", hint=again)
    shows = any(each.settings.examples or each.attempt.provider == "adapt" for each in found.ready.values())
    if shows and run.done and run.settled.get("library") != found.settled["library"]:
        raise InvalidInputError("The examples have changed since the run began.", hint=again)


def _mark(ready: Ready) -> str:
    """A short hash of all that decides how a variant is asked."""
    settings, attempt = ready.settings.to_dict(), ready.attempt
    settings.pop("timeout")
    templates = ready.workshop.templates()
    wanted = [settings["template"]] if attempt.provider not in AT_ONCE else []
    if attempt.taught is not None and not settings["prompted"]:
        wanted.append(attempt.taught.template)
    digests = []
    for name in wanted:
        with suppress(InvalidInputError):
            digests.append(find_template(name, templates).digest)
    told = [settings, attempt.provider, attempt.model, attempt.variant, attempt.endpoint, str(attempt.taught), digests]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _demand_price(name: str, ready: Ready) -> None:
    """Refuse a budget that cannot hold a variant.

    Raises:
        InvalidInputError: no price is known of its model.
    """
    asks = ready.variant.may_cost and ready.attempt.provider not in AT_ONCE
    if asks and cost_of(ready.attempt.model, Tokens(1, 1), ready.priced_at) is None:
        raise InvalidInputError(
            f"No price is known for {name!r}, so no budget can hold it.",
            hint="Leave the budget out, or limit requests and tokens.", field="/limits/budget_usd",
        )  # fmt: skip
