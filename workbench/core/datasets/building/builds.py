"""Builds that run beside a page: begun, watched, stopped, and found again after a reload or a crash.

A row in the database says how far each is, and the process that runs it writes a beat. What a process that is gone has
left half-done is taken away, here or by whoever builds next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from workbench.core.datasets.building.build import Built, build
from workbench.core.datasets.building.planning import Told
from workbench.core.datasets.recipes import Recipe
from workbench.core.datasets.versions import forget, sweep, unfinished
from workbench.core.errors import WorkbenchError
from workbench.core.library.curation import name_of
from workbench.core.library.database import Database, new_id, now, storable, storable_json
from workbench.core.library.dataset_tables import BuildRow
from workbench.core.library.generations import is_gone, new_owner

_log = logging.getLogger(__name__)
BEAT = 1.0
"""Seconds between two signs of life."""
Work = Callable[[Told, str], Built]
_here: set[str] = set()
"""The builds that this process is at: they are not gone, although their owner's number is ours."""


class StoppedBuild(Exception):  # noqa: N818 - nothing went wrong
    """Somebody has stopped the build."""


@dataclass(frozen=True)
class BuildRecord:
    """A build: ``running``, ``done``, ``blocked`` (by faults, which ``report`` holds), ``stopped``, ``failed`` or
    ``interrupted`` (its process is gone)."""

    id: str
    recipe: Mapping[str, Any]
    state: str
    phase: str
    done: int
    total: int
    message: str
    report: Mapping[str, Any] | None
    version_id: str | None
    curator: str
    created_at: datetime


class Builds:
    """The builds of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = new_owner()
        self._stops: dict[str, threading.Event] = {}

    def begin(self, recipe: Recipe, *, curator: str) -> str:
        """Begin to build a recipe; the id of the build."""

        def work(told: Told, id: str) -> Built:
            return build(self._database, recipe, curator=curator, told=told, build_id=id)

        return self.run(work, recipe.to_dict(), curator=curator)

    def run(self, work: Work, recipe: Mapping[str, Any], *, curator: str) -> str:
        """Do some work that makes a version, beside the page; the id under which it is watched."""
        clear_up(self._database)
        id = _write_down(self._database, recipe, curator, self._owner)
        self._stops[id] = threading.Event()
        threading.Thread(target=self._run, args=(id, work), name=f"build {id}", daemon=True).start()
        return id

    def runs(self, id: str) -> bool:
        """Whether a build runs in this process, and can be stopped here."""
        return id in self._stops

    def stop(self, id: str) -> None:
        """Stop a build of this process; nothing of it is left."""
        if id in self._stops:
            self._stops[id].set()

    def _run(self, id: str, work: Work) -> None:
        last = 0.0

        def told(phase: str, done: int, total: int) -> None:
            nonlocal last
            if self._stops[id].is_set():
                raise StoppedBuild
            if time.monotonic() - last > BEAT / 4:
                last = time.monotonic()
                _update(self._database, id, phase=phase, done=done, total=total, beat_at=now())

        try:
            _watched(self._database, id, lambda: work(told, id))
        except (StoppedBuild, WorkbenchError):
            pass  # it is written down
        except Exception:
            _log.exception("a build failed")
        finally:
            self._stops.pop(id, None)


def build_now(
    database: Database, recipe: Recipe, *, curator: str, processes: int | None = None, told: Told = lambda *_: None
) -> Built:
    """Build a recipe here and now, written down as every build is, so that nobody takes it for one that was left.

    Raises:
        InvalidInputError: the recipe names something that there is not, or lets no piece through.
        ConflictError: the library was changed while the rows were made.
    """

    def work(id: str) -> Built:
        return build(database, recipe, curator=curator, processes=processes, told=told, build_id=id)

    return run_now(database, work, recipe.to_dict(), curator=curator)


def run_now(database: Database, work: Callable[[str], Built], recipe: Mapping[str, Any], *, curator: str) -> Built:
    """Do some work that makes a version here and now; it is given the id of the build. Whatever it raises is raised."""
    clear_up(database)
    id = _write_down(database, recipe, curator, new_owner())
    return _watched(database, id, lambda: work(id))


def _write_down(database: Database, recipe: Mapping[str, Any], curator: str, owner: str) -> str:
    """Write down that a build begins; its id."""
    id = new_id()
    _here.add(id)
    try:
        with database.writing() as session:
            session.add(
                BuildRow(
                    id=id, recipe=storable_json(dict(recipe)), state="running", phase="Beginning", done=0, total=0,
                    message="", curator=name_of(curator), owner=owner, beat_at=now(), created_at=now(),
                )
            )  # fmt: skip
    except BaseException:
        _here.discard(id)
        raise
    return id


def _watched(database: Database, id: str, work: Callable[[], Built]) -> Built:
    """Do the work of a build that is written down, with a beat beside it; write its end down, and clear up."""
    ended = threading.Event()
    threading.Thread(target=_beat, args=(database, id, ended), name=f"beat {id}", daemon=True).start()
    try:
        built = work()
        _update(database, id, **_ending(built))
        return built
    except (StoppedBuild, KeyboardInterrupt):
        _update(database, id, state="stopped", message="It was stopped; nothing of it is left.")
        raise
    except WorkbenchError as problem:
        _update(database, id, state="failed", message=str(problem))
        raise
    except BaseException as problem:
        _update(database, id, state="failed", message=f"It failed: {type(problem).__name__}. Nothing of it is left.")
        raise
    finally:
        ended.set()
        _here.discard(id)
        try:
            clear_up(database)
        except WorkbenchError as problem:  # whoever builds next does it
            _log.warning("a build could not be cleared up: %s", problem)


def _beat(database: Database, id: str, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        _update(database, id, beat_at=now())


def _update(database: Database, id: str, **values: Any) -> None:
    kept = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    try:
        with database.writing() as session:
            session.execute(update(BuildRow).where(BuildRow.id == id, BuildRow.state == "running").values(**kept))
    except WorkbenchError as problem:  # progress may be lost; the end is found by whoever clears up
        _log.warning("a build could not be written down: %s", problem)


def _ending(built: Built) -> dict[str, Any]:
    report = {**built.tally.to_dict(), "left_out": dict(built.left_out)}
    if built.version is None:
        count = built.tally.errors
        said = f"{count} error{' blocks' if count == 1 else 's block'} it." if count else "No row is left."
        return {"state": "blocked", "report": report, "message": said}
    said = "" if built.new else "The very same version was there already."
    return {"state": "done", "report": report, "message": said, "version_id": built.version.id}


def clear_up(database: Database) -> None:
    """Mark builds whose process is gone, and take away what they have left."""
    left = unfinished(database)  # read first: what begins after this is not among them
    living: set[str] = set()
    with database.writing() as session:
        for row in session.scalars(select(BuildRow).where(BuildRow.state == "running")).all():
            if row.id not in _here and is_gone(row.owner, row.beat_at, now()):
                row.state, row.message = "interrupted", "Its process has ended. Nothing of it is left; build again."
            else:
                living.add(row.id)
    for version, build_id in left:
        if build_id not in living and (build_id or not living):  # an import under way may not have said its name
            forget(database, version)
    sweep(database)


def builds(database: Database, most: int = 20) -> tuple[BuildRecord, ...]:
    """The latest builds, newest first, and all that are running."""
    wanted = select(BuildRow).order_by(BuildRow.created_at.desc()).limit(most)
    with database.reading() as session:
        rows = {row.id: row for row in session.scalars(wanted).all()}
        rows |= {row.id: row for row in session.scalars(select(BuildRow).where(BuildRow.state == "running")).all()}
    ordered = sorted(rows.values(), key=lambda row: row.created_at, reverse=True)
    return tuple(_record(row) for row in ordered)


def find_build(database: Database, id: str) -> BuildRecord | None:
    """A build by its id."""
    with database.reading() as session:
        row = session.get(BuildRow, storable(id)[:40])
        return None if row is None else _record(row)


def _record(row: BuildRow) -> BuildRecord:
    return BuildRecord(
        row.id, row.recipe, row.state, row.phase, row.done, row.total, row.message, row.report, row.version_id,
        row.curator, row.created_at,
    )  # fmt: skip
