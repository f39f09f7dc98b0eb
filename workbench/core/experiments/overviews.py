"""The overview of a run: its summary, worked out once and kept beside it, so that a page shows it at once."""

from __future__ import annotations

import json
import logging
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments.boards import keep_board
from workbench.core.experiments.metrics import Context, Metric, SetMetric, all_metrics, load_metrics, metrics_named
from workbench.core.experiments.reports.stored import read_summary
from workbench.core.experiments.reports.summary import Summary, summary_of
from workbench.core.experiments.results import Result
from workbench.core.experiments.runs import Run, ended, find_run, results
from workbench.core.experiments.variants import training_of
from workbench.core.library.database import Database, now, storable
from workbench.core.library.experiment_tables import OverviewRow, RunRow
from workbench.core.settings import Settings

REST, LEAST_REST = 5, 3.0
"""How many times as long as an overview of a run that goes on took, and how many seconds, until the next one."""
LARGE = 1_000
"""From so many cells on a run is made ready to be shown as soon as it ends, whoever ran it."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Overview:
    """The summary of a run as it was when ``done`` of its cells had ended."""

    summary: Summary
    done: int
    made_at: datetime


def overview(database: Database, run: Run, against: str | None = None) -> Overview | None:
    """The kept overview, each variant compared with each or with the one ``against``; None where there is none.

    Where its ``done`` is below the run's, cells have ended since.
    """
    wanted = select(OverviewRow.data, OverviewRow.done, OverviewRow.made_at).where(
        OverviewRow.run_id == run.id, OverviewRow.against == _name(against)
    )
    with database.reading() as session:
        row = session.execute(wanted).first()
    if row is None:
        return None
    try:
        return Overview(read_summary(json.loads(zlib.decompress(row.data))), row.done, row.made_at)
    except (InvalidInputError, zlib.error, ValueError):
        return None  # as another version wrote it: it is made again


def make_overview(database: Database, run: Run, against: str | None = None) -> Overview:
    """Work the overview out anew, and keep it.

    Raises:
        InvalidInputError: no cell has ended, a metric of the run's is gone, or no variant is called ``against``.
        DatabaseError: the database does not answer.
    """
    for each in run.own:
        load_metrics(each)
    names = run.ordered().metrics
    metrics = metrics_named(names) if names else all_metrics()
    cells = list(ended(database, run.id))

    def load(positions: Sequence[int]) -> Iterator[Result]:
        return results(database, run.id, position=positions)

    told = summary_of(cells, load, metrics, against=against, contexts=_contexts(database, run, metrics))
    made = Overview(told, len(cells), now())
    _keep(database, run, against, made)
    return made


def current_overview(database: Database, run: Run, against: str | None = None) -> Overview:
    """The kept overview where it is of all that has ended, else a new one.

    Raises:
        InvalidInputError: as in ``make_overview``.
        DatabaseError: the database does not answer.
    """
    kept = overview(database, run, against)
    return kept if kept is not None and kept.done >= run.done else make_overview(database, run, against)


def make_ready(database: Database, run: Run, *, least: int = 1) -> None:
    """Make the board and the overview of a run that is done, so that a page opens at once; what hinders it is logged.

    One of fewer cells than ``least`` is left to the page, which takes no time for it.
    """
    if run.state != "done" or run.done < least:
        return
    try:
        keep_board(database, run)
        current_overview(database, run)
    except WorkbenchError as problem:
        _log.warning("a run could not be made ready to be shown: %s", problem.message)
    except Exception:
        _log.exception("a run could not be made ready to be shown")


class Overviews:
    """The overviews that are worked out in this process, one after the other, beside the pages.

    While a run goes on, it is looked at again only after a while, ``REST`` times as long as it took.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._busy: set[tuple[str, str]] = set()
        self._failed: dict[tuple[str, str], int] = {}
        self._not_before: dict[tuple[str, str], float] = {}

    def wanted(self, run: Run, against: str | None = None) -> Overview | None:
        """The newest overview that is kept. Where there is none, or cells have ended since, another one is begun."""
        found = overview(self._database, run, against)
        if run.done and (found is None or found.done < run.done):
            self._begin(run, against)
        return found

    def busy(self, run: Run, against: str | None = None) -> bool:
        """Whether the overview is being worked out."""
        with self._guard:
            return (run.id, _name(against)) in self._busy

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until nothing is being worked out."""
        end = threading.Event()
        for _ in range(max(1, round(seconds / 0.02))):
            with self._guard:
                if not self._busy:
                    return
            end.wait(0.02)

    def _begin(self, run: Run, against: str | None) -> None:
        place = (run.id, _name(against))
        with self._guard:
            rests = run.state == "running" and time.monotonic() < self._not_before.get(place, 0.0)
            if place in self._busy or rests or self._failed.get(place) == run.done:
                return
            self._busy.add(place)
        threading.Thread(target=self._make, args=(run, against, place), name=f"overview {run.id}", daemon=True).start()

    def _make(self, run: Run, against: str | None, place: tuple[str, str]) -> None:
        began = time.monotonic()
        try:
            with self._turn:
                began = time.monotonic()
                make_overview(self._database, find_run(self._database, run.id) or run, against)
        except Exception as problem:
            self._failed[place] = run.done
            if isinstance(problem, WorkbenchError):
                _log.warning("an overview could not be made: %s", problem.message)
            else:
                _log.exception("an overview could not be made")
        finally:
            ended = time.monotonic()
            with self._guard:
                self._not_before[place] = ended + max(LEAST_REST, REST * (ended - began))
                self._busy.discard(place)


def _contexts(database: Database, run: Run, metrics: Iterable[Metric | SetMetric]) -> dict[str, Context]:
    """What metrics of sets are measured against: what each variant's model was trained on, if one may look at that."""
    if all(isinstance(each, Metric) or each.family == "variety" for each in metrics):
        return {}
    found = {}
    for each in run.ordered().variants:
        with suppress(InvalidInputError):  # the model is gone
            found[each.name] = Context(training=training_of(database, each))
    return found


def _keep(database: Database, run: Run, against: str | None, made: Overview) -> None:
    data = zlib.compress(json.dumps(made.summary.to_dict(), separators=(",", ":")).encode(), 6)
    place = (OverviewRow.run_id == run.id, OverviewRow.against == _name(against))
    with database.writing() as session:
        newer = session.scalar(select(OverviewRow.done).where(*place, OverviewRow.done > made.done))
        if newer is None and session.get(RunRow, run.id) is not None:
            session.execute(delete(OverviewRow).where(*place))
            session.add(
                OverviewRow(run_id=run.id, against=_name(against), done=made.done, data=data, made_at=made.made_at)
            )


def _name(against: str | None) -> str:
    return storable(against or "")[:80]
