"""What a second Dask worker brings: the same run, judged by one process of a cluster and by two.

The cells are the rules', so that all the work is the workers': composing, every check and every metric. Both clusters
are on this machine, and each worker has one thread; the best of several turns counts, since others use the machine too.
"""

from __future__ import annotations

import argparse
import atexit
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

from benchmarks.spread import draw_requests
from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.specification import Specification, read_specification
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.settings import Settings

CELLS = 600
TURNS = 2
WANTED = 1.8
"""Times the throughput of one worker that two are to have."""


def specification(cells: int = CELLS) -> Specification:
    """Pieces of every form, period and meter, half a minute to three minutes long."""
    requests = [each.to_dict() for each in draw_requests(cells)]
    return read_specification(
        {"name": "workers", "requests": {"list": requests}, "variants": [{"name": "rules", "provider": "rules"}]}
    )


@contextmanager
def workers(count: int) -> Iterator[Settings]:
    """A cluster of so many processes; the settings that name it."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        cluster.wait_for_workers(count)
        yield Settings.model_validate({"WORKBENCH_SCHEDULER": cluster.scheduler_address})


def seconds(settings: Settings, cells: int = CELLS) -> float:
    """How long a run takes from its claim to its end."""
    run = order(settings, _database(), specification(cells), curator="bench")
    began = time.perf_counter()
    ended = run_now(settings, _database(), run.id)
    took = time.perf_counter() - began
    assert (ended.state, ended.done, ended.failed) == ("done", cells, 0), ended
    return took


@cache
def measured(turns: int = TURNS) -> tuple[float, float]:
    """The best time of one worker and of two, each warm, taken in turn so that both meet the same machine."""
    with workers(1) as one, workers(2) as two:
        for each in (one, two):
            seconds(each, 24)
        found = [(seconds(one), seconds(two)) for _ in range(turns)]
    return min(each for each, _ in found), min(each for _, each in found)


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What two workers need for what one does in a second times the throughput that is wanted of them."""

    def shown() -> None:
        alone, together = measured()
        time.sleep(WANTED * together / alone)

    return [(f"two Dask workers for {WANTED:g} seconds' work of one", shown, 1.0)]


@cache
def _database() -> Database:
    folder = tempfile.TemporaryDirectory(prefix="workbench-bench-")
    atexit.register(folder.cleanup)
    database = Database(f"sqlite:///{folder.name}/bench.sqlite3").upgrade()
    load_built_in(database, load_examples())
    return database


def main() -> None:
    """Print both times and their ratio: ``python -m benchmarks.experiment_workers``."""
    options = argparse.ArgumentParser(description="What a second Dask worker brings.")
    options.add_argument("--turns", type=int, default=TURNS)
    alone, together = measured(options.parse_args().turns)
    print(f"{CELLS} cells: one worker {alone:.2f} s, two {together:.2f} s: {alone / together:.2f} times as fast")


if __name__ == "__main__":
    main()
