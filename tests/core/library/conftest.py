"""Each test of what is kept runs on both databases: a SQLite file, and a PostgreSQL server that the tests start."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.fresh import fresh
from tests.postgres import Cluster, programs, running_cluster
from workbench.core.errors import WorkbenchError
from workbench.core.library.database import Database
from workbench.core.library.examples import load_examples
from workbench.core.library.migrations import HEAD
from workbench.core.library.takes import Take
from workbench.core.music.structure import piece_id

ROOT = Path(__file__).parents[3]
AT_WORK = ("beat", "build ", "training ", "measuring ", "experiment ")
"""How threads are called that work on a database beside a test."""


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server; each worker of pytest-xdist has its own."""
    folder = programs()
    if folder is None:
        message = "There is no PostgreSQL server here: run `sudo apt-get install postgresql`."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with running_cluster(folder) as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of each kind: without tables, but up to date where the test has ``database`` too."""
    upgraded = "database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "workbench.sqlite3"
        if upgraded:
            fresh(path).close()
        yield f"sqlite:///{path}"
        return
    server: Cluster = request.getfixturevalue("cluster")
    name = server.create(upgraded=upgraded)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def opened() -> Iterator[Callable[[str], Database]]:
    """Opens databases, and closes them at the end."""
    databases: list[Database] = []

    def opening(url: str) -> Database:
        databases.append(Database(url))
        return databases[-1]

    yield opening
    for thread in threading.enumerate():  # a thread that still holds a connection would leave it open
        if thread.name.startswith(AT_WORK):
            thread.join(10)
    for each in databases:
        each.close()


@pytest.fixture
def empty(empty_url: str, opened: Callable[[str], Database]) -> Database:
    """A database without tables, of each kind."""
    return opened(empty_url)


@pytest.fixture
def database(empty: Database) -> Database:
    """A fresh database that is up to date, of each kind."""
    assert empty.revision() == HEAD
    return empty


@pytest.fixture(scope="session")
def piece() -> Callable[..., Take]:
    """Makes takes that are not kept yet: a title is a piece."""
    structure = load_examples()[0].structure

    def made(title: str = "First", **more: Any) -> Take:
        titled = structure.model_copy(update={"title": title})
        return Take(piece_id(titled), titled, **more)

    return made


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Does something in many threads, which all begin at the same moment; what each gave back or raised."""

    def doing(work: Callable[[int], Any], threads: int) -> list[Any]:
        start = threading.Barrier(threads)

        def one(number: int) -> Any:
            start.wait(30)
            try:
                return work(number)
            except WorkbenchError as problem:
                return problem

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, range(threads)))

    return doing


@pytest.fixture
def two_processes(empty_url: str) -> Iterator[Callable[[str], list[tuple[str, str]]]]:
    """Runs a program in two processes at once on the empty database, with its URL as argument.

    The program says "ready" and waits for a line, so that both go on at the same moment. What each wrote to stdout
    after that, and to stderr.
    """
    processes: list[subprocess.Popen[str]] = []

    def running(program: str) -> list[tuple[str, str]]:
        processes.extend(
            subprocess.Popen(
                [sys.executable, "-c", program, empty_url], cwd=ROOT, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for _ in range(2)
        )  # fmt: skip
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [process.communicate(timeout=60) for process in processes]

    yield running
    for process in processes:
        process.kill()
        process.communicate()
