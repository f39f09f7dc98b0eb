"""The files of a run: its report as a page that stands alone, its results as tables, and its specification.

A report takes a while: it is made beside the pages, and kept until cells have ended since, or for some days.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workbench.core.datasets.building.processes import spread
from workbench.core.datasets.versions import find_version
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments.metrics import METRICS, SET_METRICS, Metric, SetMetric, all_metrics, metrics_named
from workbench.core.experiments.overviews import make_overview, overview
from workbench.core.experiments.reports.exports import Format, stream
from workbench.core.experiments.reports.html import About, write_report
from workbench.core.experiments.runs import Run, find_run, results
from workbench.core.generate.secrecy import scrubber
from workbench.core.library.curation import Approved
from workbench.core.library.database import Database, open_database
from workbench.core.library.examples import Example
from workbench.core.settings import Settings

FEW = 500
"""Cells for which no process is begun: that would take longer."""
KEPT, KEPT_SECONDS = 20, 7 * 24 * 3600
"""How many reports are kept, and for how long."""
FOLDER = "reports"
_log = logging.getLogger(__name__)


def file_name(run: Run) -> str:
    """What the files of a run are called, without an ending: letters, digits, ``-`` and ``_`` alone."""
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in run.name)
    return f"{kept.strip('-')[:60] or 'run'}-{run.number}"


def table_of_run(database: Database, run: Run, format: Format, *, texts: bool = True) -> Iterator[bytes]:
    """The bytes of a run's results as a table, as they come: as in ``exports.stream``.

    Raises:
        InvalidInputError: an unknown format; before the first block.
    """
    return stream(results(database, run.id, examples=_examples(database)), format, _columns(run), texts=texts)


def specification_of_run(run: Run) -> bytes:
    """The specification as JSON, which runs again from a file."""
    return json.dumps(dict(run.specification), ensure_ascii=False, indent=1).encode()


def write_run_report(database: Database, run: Run, path: Path, *, sound: bool = True) -> int:
    """Write the report of a run, whole or not at all; gives its bytes.

    Raises:
        InvalidInputError: no cell has ended.
        OSError: the file cannot be written.
    """
    found = overview(database, run)
    if found is None or found.done < run.done:
        found = make_overview(database, run)
    told = results(database, run.id, examples=_examples(database))
    return write_report(path, told, found.summary, about_run(database, run), sound=sound)


def about_run(database: Database, run: Run) -> About:
    """What a report says of a run besides its results."""
    made = f"{run.ended_at or run.created_at:%d %B %Y}".removeprefix("0")
    notes = (*run.notes, *([run.message] if run.message else []))
    version = find_version(database, run.version_id) if run.version_id else None
    return About(run.label, made, run.ordered(), notes, version.label if version is not None else "")


def _columns(run: Run) -> tuple[Metric | SetMetric, ...]:
    """The metrics of a run, as far as they are known here."""
    names = [name for name in run.ordered().metrics if name in METRICS or name in SET_METRICS]
    return metrics_named(names) if names else all_metrics()


def _examples(database: Database) -> dict[str, Example]:
    return {each.id: each for each in Approved(database)()}


# --- beside the pages ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Making:
    """How a report stands: ``missing``, ``making``, ``ready`` or ``failed``, and then why."""

    state: Literal["missing", "making", "ready", "failed"]
    message: str = ""
    size: int = 0


@dataclass(frozen=True)
class _Task:
    settings: Settings
    run: str
    path: Path
    sound: bool


class Reports:
    """The reports that are made in this process, one after the other, and those that are kept."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._guard, self._turn = threading.Lock(), threading.Lock()
        self._making: set[Path] = set()
        self._failed: dict[Path, str] = {}

    def path(self, run: Run, *, sound: bool) -> Path:
        """Where the report of a run as it stands is kept; it may not be there."""
        name = f"{run.id}-{run.done}{'' if sound else '-silent'}.html"
        return self._settings.data_dir / FOLDER / name

    def state(self, run: Run, *, sound: bool) -> Making:
        """How the report of a run as it stands now stands."""
        path = self.path(run, sound=sound)
        with self._guard:
            if path in self._making:
                return Making("making")
        with suppress(OSError):
            return Making("ready", size=path.stat().st_size)
        said = self._failed.get(path)
        return Making("missing") if said is None else Making("failed", said)

    def make(self, run: Run, *, sound: bool) -> None:
        """Begin to make a report; nothing happens where it is being made already."""
        path = self.path(run, sound=sound)
        with self._guard:
            if path in self._making:
                return
            self._making.add(path)
            self._failed.pop(path, None)
        threading.Thread(target=self._make, args=(run, path, sound), name=f"report {run.id}", daemon=True).start()

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until nothing is being made."""
        end = time.monotonic() + seconds
        while self._making and time.monotonic() < end:
            time.sleep(0.02)

    def _make(self, run: Run, path: Path, sound: bool) -> None:
        said = ""
        try:
            with self._turn:
                path.parent.mkdir(parents=True, exist_ok=True)
                clear_up(path.parent)
                if run.done > FEW:
                    list(spread(_in_process, [_Task(self._settings, run.id, path, sound)], 1))
                else:
                    write_run_report(self._database, run, path, sound=sound)
        except WorkbenchError as problem:
            said = scrubber(self._settings)(str(problem))
        except OSError as problem:
            said = f"The file cannot be written: {(problem.strerror or type(problem).__name__).lower()}."
        except Exception as problem:
            _log.exception("a report could not be made")
            said = f"It failed: {type(problem).__name__}."
        finally:
            with self._guard:
                self._making.discard(path)
                if said:
                    self._failed[path] = said


def clear_up(folder: Path) -> None:
    """Take away the reports that are too old or too many."""
    known: list[tuple[float, Path]] = []
    for each in folder.glob("*.html"):
        with suppress(OSError):
            known.append((each.stat().st_mtime, each))
    oldest = time.time() - KEPT_SECONDS
    for at, (changed, each) in enumerate(sorted(known, reverse=True)):
        if at >= KEPT - 1 or changed < oldest:
            with suppress(OSError):
                each.unlink()


def _in_process(task: _Task) -> int:
    database = open_database(task.settings)
    try:
        run = find_run(database, task.run)
        if run is None:
            raise InvalidInputError("There is no such run.", hint="Look at the list of all.")
        return write_run_report(database, run, task.path, sound=task.sound)
    finally:
        database.close()
