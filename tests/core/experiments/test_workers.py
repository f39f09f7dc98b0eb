"""Whoever does the work, the results are the same; who cannot be reached is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from loopback import Loopback
from studio import settings_of

from tests.core.experiments.running import FOUR, a_specification, found, ran
from tests.fresh import fresh
from workbench.core.errors import WorkbenchError
from workbench.core.experiments import runs
from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.workers import LARGE, crew
from workbench.core.library.curation import load_built_in
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.settings import Settings


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "workbench.sqlite3")
    load_built_in(made, load_examples())
    yield made
    made.close()


def test_a_dask_cluster_of_two_processes_gives_the_same_results(database: Database) -> None:
    from distributed import LocalCluster

    specification = a_specification()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        Loopback(size=100_000) as server,
    ):
        here = ran(server, database, specification)
        settings = settings_of(server, WORKBENCH_SCHEDULER=cluster.scheduler_address)
        there = run_now(settings, database, order(settings, database, specification, curator="ada").id)
    assert (there.state, there.done) == ("done", 12)
    assert found(database, here) == found(database, there)


def test_a_scheduler_that_is_not_there_fails_the_run_which_can_go_on(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.core.experiments.workers.PATIENCE", 0.2)
    with Loopback() as server:
        settings = settings_of(server, WORKBENCH_SCHEDULER="tcp://127.0.0.1:9")
        run = order(settings, database, a_specification([FOUR[0]], 1), curator="ada")
        with pytest.raises(WorkbenchError, match="The scheduler does not answer"):
            run_now(settings, database, run.id)
        failed = runs.find_run(database, run.id)
        assert failed is not None
        assert (failed.state, failed.message[:28]) == ("failed", "The scheduler does not answe")
        assert run_now(settings_of(server), database, run.id, processes=0).state == "done"


@pytest.mark.parametrize("address", ["nonsense", "tcp://", "http://127.0.0.1:9/x y"])
def test_what_is_no_address_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.core.experiments.workers.PATIENCE", 0.2)
    with pytest.raises(WorkbenchError, match="scheduler"):
        crew(Settings.model_validate({"WORKBENCH_SCHEDULER": address}))


def test_a_thread_or_processes_do_the_work() -> None:
    with crew(Settings(), 0) as here:
        assert (here.slots, here.submit(os.getpid).result()) == (1, os.getpid())
    with crew(Settings(), 1) as there:
        assert there.submit(os.getpid).result() != os.getpid()


ALONE = """
import os
from workbench.core.experiments.workers import LARGE, crew
from workbench.core.settings import Settings

with crew(Settings(), few=True) as doubles:
    assert doubles.slots == min(os.cpu_count() or 1, 8)
    assert doubles.submit(os.getpid).result() != os.getpid()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks are Linux's")
def test_a_command_that_is_alone_is_doubled_even_for_little_work() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_server_with_threads_begins_no_process_for_little_work() -> None:
    def work() -> tuple[int, int]:
        with crew(Settings(), few=True) as here:
            return here.slots, here.submit(os.getpid).result()

    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(work).result() == (1, os.getpid())


def test_what_is_large_travels_to_a_cluster_once_and_is_made_again_where_it_is_lost() -> None:
    from distributed import LocalCluster

    kit = os.urandom(LARGE)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster,
        crew(Settings.model_validate({"WORKBENCH_SCHEDULER": cluster.scheduler_address})) as there,
    ):
        assert there.slots == 2
        asked = [there.submit(same_length, kit, at) for at in range(12)]
        assert [each.result(20) for each in asked] == [(LARGE, at) for at in range(12)]
        large = [each for each in cluster.scheduler.tasks.values() if (each.nbytes or 0) >= LARGE]
        assert [len(each.who_has or ()) for each in large] == [2]
        for worker in cluster.workers.values():
            os.kill(worker.pid, signal.SIGKILL)
        assert there.submit(same_length, kit, 13).result(40) == (LARGE, 13)


def same_length(data: bytes, number: int) -> tuple[int, int]:
    return len(data), number
