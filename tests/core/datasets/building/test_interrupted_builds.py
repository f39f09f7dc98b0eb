"""A build that is interrupted at any moment leaves the whole version or none, and nothing that nobody holds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from tests.core.datasets.conftest import NOTHING, filled, kept, rows_of
from tests.core.library.conftest import ROOT
from workbench.core.datasets import versions as versions_module
from workbench.core.datasets.building.build import build
from workbench.core.datasets.building.builds import build_now, builds, clear_up
from workbench.core.datasets.recipes import Augmentation, Recipe
from workbench.core.datasets.versions import sweep, unfinished, versions
from workbench.core.errors import DatabaseError
from workbench.core.library.database import Database

SMALL = ("binary-romantic-chopin-prelude", "rounded-binary-modern-snow", "binary-baroque-bourree")
RECIPE = Recipe(augmentation=Augmentation(keys=2))
NURSERY = """
import os, signal, sys, time
from sqlalchemy import event
from workbench.core.datasets import versions
from workbench.core.datasets.building import build, builds
from workbench.core.datasets.recipes import Augmentation, Recipe
from workbench.core.generate.counting import count_tokens
from workbench.core.library.database import Database

versions.STEP, build.A_BATCH, builds.BEAT = 3, 3, 600.0

def work(name, fatal):
    database = Database(sys.argv[1])
    writes = 0
    @event.listens_for(database.engine, "before_cursor_execute")
    def _(connection, cursor, statement, *_):
        nonlocal writes
        writes += statement.split()[0] in {"INSERT", "UPDATE", "DELETE"}
        if fatal and writes == fatal:
            os.kill(os.getpid(), signal.SIGKILL)
    builds.build_now(database, Recipe(name=name, augmentation=Augmentation(keys=2)), curator="ada", processes=0)

count_tokens("loaded once, for all children", "gpt-4.1-mini")
print("ready", flush=True)
for line in sys.stdin:
    name, fatal, after = line.split()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            work(name, int(fatal))
        except BaseException:
            os._exit(1)
        os._exit(0)
    if float(after):
        time.sleep(float(after))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), time.monotonic() - began, flush=True)
"""
Child = Callable[..., tuple[int, float]]


@pytest.fixture
def child(database: Database, empty_url: str) -> Iterator[Child]:
    """Builds in a process of its own, which is killed before its nth write, or after some seconds.

    Its exit status, and how long it took.
    """
    filled(database, SMALL)
    database.close()
    nursery = subprocess.Popen(
        [sys.executable, "-c", NURSERY, empty_url], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    assert nursery.stdout.readline() == "ready\n"

    def building(name: str, *, fatal: int = 0, after: float = 0.0) -> tuple[int, float]:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        nursery.stdin.write(f"{name} {fatal} {after}\n")
        nursery.stdin.flush()
        status, seconds = nursery.stdout.readline().split()
        return int(status), float(seconds)

    yield building
    nursery.kill()
    nursery.communicate()


def all_whole(database: Database) -> None:
    """What is there is whole and can be read, and there is nothing else."""
    known = versions(database)
    for version in known:
        assert len(rows_of(database, version)) == version.rows > 3
    assert unfinished(database) == ()
    assert kept(database)["rows"] == sum(version.rows for version in known)
    assert sweep(database) == 0


def test_a_build_that_is_killed_before_any_of_its_writes_leaves_all_or_nothing(
    database: Database, child: Child
) -> None:
    states: list[bool] = []
    for fatal in range(1, 60):
        status, _ = child("killed", fatal=fatal)
        if status == 0:
            break
        assert status == -signal.SIGKILL
        seen = versions(database)
        clear_up(database)
        all_whole(database)
        assert versions(database) == seen
        states.append(bool(seen))
        if seen:
            break
        assert kept(database) == NOTHING
        assert {each.state for each in builds(database)} <= {"interrupted"}
    assert states.count(False) >= 6  # the build, its rows, the version, each step of its rows, its end
    assert states[-1], "the last write but one made the version whole"
    assert child("killed")[0] == 0, "after it the same is built without complaint"
    assert len(versions(database)) == 1
    all_whole(database)


def test_a_build_that_is_killed_at_any_time_leaves_all_or_nothing(database: Database, child: Child) -> None:
    status, seconds = child("first")
    assert status == 0
    draw = random.Random(6)
    for number in range(6):
        child(f"try-{number}", after=seconds * draw.uniform(0.2, 1.05))
        clear_up(database)
        all_whole(database)
    assert not [each for each in builds(database) if each.state == "running"]


PHASES = (
    "Reading the pieces", "Looking for pieces that are nearly the same", "Making and checking the rows",
    "Checking the whole", "Writing the version",
)  # fmt: skip


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError, DatabaseError])
def test_an_error_in_any_phase_leaves_nothing(library: Database, phase: str, kind: type[BaseException]) -> None:
    def told(said: str, done: int, total: int) -> None:
        if said == phase:
            raise kind("stop")

    with pytest.raises(kind):
        build_now(library, Recipe(), curator="ada", processes=0, told=told)
    assert kept(library) == NOTHING
    [record] = builds(library)
    assert record.state == ("stopped" if kind is KeyboardInterrupt else "failed")
    assert built_after(library)


@pytest.mark.parametrize("phase", PHASES)
def test_an_error_in_a_build_that_nobody_wrote_down_leaves_nothing_that_is_seen(library: Database, phase: str) -> None:
    def told(said: str, done: int, total: int) -> None:
        if said == phase:
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        build(library, Recipe(), curator="ada", processes=0, told=told)
    assert kept(library) | {"bodies": 0} == NOTHING
    clear_up(library)
    assert kept(library) == NOTHING


@pytest.mark.parametrize(
    ("table", "most"),
    [("dataset_bodies", 0), ("dataset_bodies", 5), ("dataset_versions", 0), ("dataset_rows", 0), ("dataset_rows", 7)],
)
def test_a_write_that_fails_leaves_nothing(
    each_library: Database, monkeypatch: pytest.MonkeyPatch, table: str, most: int
) -> None:
    monkeypatch.setattr(versions_module, "STEP", 3)
    refuse_after(each_library, table, most)
    with pytest.raises(DatabaseError):
        build_now(each_library, Recipe(), curator="ada", processes=0)
    assert kept(each_library) == NOTHING
    refuse_after(each_library, table, None)
    assert built_after(each_library)


@pytest.mark.parametrize("pages", [0, 1, 4, 12, 20])
def test_a_disk_that_is_full_leaves_nothing(library: Database, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    monkeypatch.setattr(versions_module, "STEP", 3)
    with library.reading() as session:
        size = int(session.scalar(text("PRAGMA page_count")) or 0)
    library.close()
    full = Database(library.name)

    @event.listens_for(full.engine, "connect")
    def _(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={size + pages}").close()

    try:
        with pytest.raises(DatabaseError, match="disk is full"):
            build_now(full, Recipe(augmentation=Augmentation(keys=1)), curator="ada", processes=0)
    finally:
        full.close()
    clear_up(library)
    assert kept(library) == NOTHING
    assert built_after(library)


def test_processes_end_with_the_one_that_began_them() -> None:
    program = (
        "import multiprocessing, time\n"
        "from workbench.core.datasets.building.processes import spread\n"
        "if __name__ == '__main__':\n"
        "    working = spread(time.sleep, [0, 0, 0, 0, 0, 600, 600], 2)\n"
        "    next(working)\n"
        "    print(*[each.pid for each in multiprocessing.active_children()], flush=True)\n"
        "    list(working)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        workers = [int(each) for each in process.stdout.readline().split()]
        assert len(workers) == 2
        assert all(map(is_alive, workers))
        process.kill()
    end = time.monotonic() + 20
    while any(map(is_alive, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(is_alive, workers))


# Helpers


def is_alive(number: int) -> bool:
    """Whether a process runs; one that waits for somebody to take note of its end does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def built_after(database: Database) -> bool:
    """Whether the same build goes through now."""
    found = build_now(database, Recipe(), curator="ada", processes=0)
    assert found.version is not None
    return found.new and len(rows_of(database, found.version)) == found.version.rows


def refuse_after(database: Database, table: str, most: int | None) -> None:
    """Let the database refuse rows of a table from some number on, as a full disk would; None takes that back."""
    with database.writing() as session:
        if database.is_sqlite:
            session.execute(text("DROP TRIGGER IF EXISTS refusing"))
            if most is not None:
                session.execute(
                    text(
                        f"CREATE TRIGGER refusing BEFORE INSERT ON {table} "
                        f"WHEN (SELECT count(*) FROM {table}) >= {most} "
                        "BEGIN SELECT RAISE(ABORT, 'no room'); END"
                    )
                )
            return
        session.execute(text("DROP FUNCTION IF EXISTS refuse() CASCADE"))
        if most is not None:
            session.execute(
                text(
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                    f"IF (SELECT count(*) FROM {table}) >= {most} THEN RAISE EXCEPTION 'no room'; END IF; "
                    "RETURN NEW; END $$"
                )
            )
            session.execute(
                text(f"CREATE TRIGGER refusing BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()")
            )
