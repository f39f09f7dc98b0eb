"""Builds beside a page: begun, watched, stopped, blocked, and found again when their process is gone."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text, update

from tests.core.datasets.conftest import NOTHING, built, changed, kept
from workbench.core.datasets.building import builds as module
from workbench.core.datasets.building.build import Built, build
from workbench.core.datasets.building.builds import (
    BuildRecord,
    Builds,
    build_now,
    builds,
    clear_up,
    find_build,
    run_now,
)
from workbench.core.datasets.building.planning import Told
from workbench.core.datasets.recipes import Augmentation, Recipe
from workbench.core.datasets.versions import find_version, versions
from workbench.core.errors import InvalidInputError
from workbench.core.library.database import Database, now
from workbench.core.library.dataset_tables import BuildRow
from workbench.core.library.rights import own_rights

PATIENCE = 60.0
AUGMENTED = Recipe(name="augmented", augmentation=Augmentation(keys=3, tempos=1))


def ended(database: Database, id: str) -> BuildRecord:
    """The build as it is when it has ended."""
    return waited(database, id, lambda record: record.state != "running")


def waited(database: Database, id: str, wanted: Callable[[BuildRecord], bool]) -> BuildRecord:
    """The build as it is when something can be said of it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        record = find_build(database, id)
        assert record is not None
        if wanted(record):
            return record
        time.sleep(0.02)
    raise AssertionError(f"it did not come: {record}")


def swept(database: Database) -> bool:
    """Whether nothing is left, at once or a moment after the end was written down."""
    end = time.monotonic() + 10
    while kept(database) != NOTHING and time.monotonic() < end:
        time.sleep(0.02)
    return kept(database) == NOTHING


class Gate:
    """Work that waits until it is let through."""

    def __init__(self, database: Database, recipe: Recipe) -> None:
        self.database, self.recipe = database, recipe
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, told: Told, id: str) -> Built:
        def waiting(phase: str, done: int, total: int) -> None:
            if phase.startswith("Making"):
                self.begun.set()
                assert self.go.wait(PATIENCE)
            told(phase, done, total)

        return build(self.database, self.recipe, curator="ada", processes=0, told=waiting, build_id=id)


def test_a_build_ends_with_its_version(each_library: Database) -> None:
    id = Builds(each_library).begin(Recipe(), curator="ada")
    begun = find_build(each_library, id)
    assert begun is not None
    assert (begun.recipe, begun.curator) == (Recipe().to_dict(), "ada")
    record = ended(each_library, id)
    assert (record.state, record.message) == ("done", "")
    version = find_version(each_library, record.version_id or "")
    assert version is not None
    assert version.rows == 12
    assert record.report is not None
    assert record.report["errors"] == 0
    assert record.report["left_out"] == {}


def test_the_same_build_again_says_that_the_version_was_there(library: Database) -> None:
    version = built(library)
    record = ended(library, Builds(library).begin(Recipe(), curator="bea"))
    assert (record.state, record.version_id) == ("done", version.id)
    assert record.message == "The very same version was there already."


def test_how_far_a_build_is_can_be_seen_by_others(library: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT", 0.0)
    gate = Gate(library, AUGMENTED)
    id = Builds(library).run(gate, AUGMENTED.to_dict(), curator="ada")
    assert gate.begun.wait(PATIENCE)
    [running] = builds(library)
    assert (running.id, running.state, running.version_id) == (id, "running", None)
    gate.go.set()
    record = waited(library, id, lambda each: each.phase.startswith("Making") or each.state != "running")
    assert 0 < record.done <= record.total
    assert ended(library, id).state == "done"


def test_a_build_that_is_stopped_leaves_nothing(each_library: Database) -> None:
    running = Builds(each_library)
    gate = Gate(each_library, AUGMENTED)
    id = running.run(gate, AUGMENTED.to_dict(), curator="ada")
    assert gate.begun.wait(PATIENCE)
    assert kept(each_library)["bodies"] > 0
    running.stop(id)
    gate.go.set()
    record = ended(each_library, id)
    assert (record.state, record.version_id) == ("stopped", None)
    assert record.message == "It was stopped; nothing of it is left."
    assert swept(each_library)
    running.stop(id)
    running.stop("none")


def test_a_build_that_cannot_be_made_says_why(library: Database) -> None:
    record = ended(library, Builds(library).begin(Recipe(template="none"), curator="ada"))
    assert record.state == "failed"
    assert "none" in record.message


def test_a_build_that_breaks_says_only_what_kind_of_error_it_was(
    library: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def work(told: Told, id: str) -> Built:
        raise ValueError("a secret of somebody's")

    with caplog.at_level(logging.ERROR):
        record = ended(library, Builds(library).run(work, {}, curator="ada"))
    assert (record.state, record.message) == ("failed", "It failed: ValueError. Nothing of it is left.")


def test_a_build_that_faults_block_holds_their_report_and_leaves_nothing(library: Database) -> None:
    changed(library, "rondo-classical-elise", rights=own_rights("Ada", "written for this test", "CC-BY-NC-4.0"))
    record = ended(library, Builds(library).begin(Recipe(), curator="ada"))
    assert (record.state, record.message, record.version_id) == ("blocked", "1 error blocks it.", None)
    assert record.report is not None
    [error] = [each for each in record.report["findings"] if each["severity"] == "error"]
    assert (error["check"], error["key"]) == ("rights", "examples/rondo-classical-elise")
    assert "CC-BY-NC-4.0 does not allow it" in error["message"]
    assert record.report["left_out"] == {"rows with errors": 1}
    assert swept(library)


def test_two_builds_of_one_process_do_not_take_each_other_for_gone(library: Database) -> None:
    running = Builds(library)
    gate = Gate(library, AUGMENTED)
    first = running.run(gate, AUGMENTED.to_dict(), curator="ada")
    assert gate.begun.wait(PATIENCE)
    second = running.begin(Recipe(name="second"), curator="bea")
    assert ended(library, second).state == "done"
    clear_up(library)
    gate.go.set()
    assert ended(library, first).state == "done"
    assert {each.name for each in versions(library)} == {"augmented", "second"}


# Here and now


def test_a_build_here_and_now_is_written_down_too(library: Database) -> None:
    found = build_now(library, Recipe(), curator="ada", processes=0)
    assert found.version is not None
    [record] = builds(library)
    assert (record.state, record.version_id, record.curator) == ("done", found.version.id, "ada")


def test_what_a_build_here_and_now_raises_is_raised(library: Database) -> None:
    with pytest.raises(InvalidInputError, match="none"):
        build_now(library, Recipe(template="none"), curator="ada", processes=0)
    assert [each.state for each in builds(library)] == ["failed"]


def test_nobody_takes_away_what_a_build_here_and_now_has_made_so_far(library: Database) -> None:
    """Somebody opens the page, or begins another build, meanwhile."""
    seen: list[int] = []

    def told(phase: str, done: int, total: int) -> None:
        clear_up(library)
        seen.append(kept(library)["bodies"])

    found = build_now(library, Recipe(), curator="ada", processes=0, told=told)
    assert found.version is not None
    assert seen[-1] == found.version.rows


def test_an_import_here_and_now_is_spared_although_its_version_names_no_build(library: Database) -> None:
    version = built(library)

    def work(_: str) -> Built:
        with library.writing() as session:
            session.execute(text("UPDATE dataset_versions SET state = 'writing'"))
        clear_up(library)
        assert kept(library) == {"ready": 0, "writing": 1, "rows": 12, "bodies": 12}
        with library.writing() as session:
            session.execute(text("UPDATE dataset_versions SET state = 'ready'"))
        return build(library, Recipe(), curator="ada", processes=0)

    assert run_now(library, work, {"name": "an import"}, curator="ada").version == version


# Processes that are gone


def left(database: Database, *, owner: str, seconds: float = 0.0) -> str:
    """A build that somebody else has begun and that has written rows and a half of a version; its id."""
    version = built(database, build_id="gone")
    with database.writing() as session:
        session.execute(text("UPDATE dataset_versions SET state = 'writing'"))
        session.add(
            BuildRow(
                id="gone", recipe={}, state="running", owner=owner, beat_at=now() - timedelta(seconds=seconds),
                created_at=now(),
            )
        )  # fmt: skip
    return version.id


def owner_that_is_gone() -> str:
    """The name of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    host = module.new_owner().split(":")[0]
    return f"{host}:{process.pid}:aa"


def test_a_build_whose_process_is_gone_becomes_interrupted_and_nothing_of_it_is_left(each_library: Database) -> None:
    left(each_library, owner=owner_that_is_gone())
    clear_up(each_library)
    record = find_build(each_library, "gone")
    assert record is not None
    assert record.state == "interrupted"
    assert record.message == "Its process has ended. Nothing of it is left; build again."
    assert kept(each_library) == NOTHING


def test_a_build_that_had_our_number_before_us_is_gone(library: Database) -> None:
    left(library, owner=module.new_owner())
    clear_up(library)
    assert kept(library) == NOTHING


@pytest.mark.parametrize(("seconds", "spared"), [(1.0, True), (600.0, False)])
def test_a_build_on_another_machine_lives_as_long_as_its_beat(
    each_library: Database, seconds: float, spared: bool
) -> None:
    left(each_library, owner="elsewhere:1:aa", seconds=seconds)
    clear_up(each_library)
    record = find_build(each_library, "gone")
    assert record is not None
    assert record.state == ("running" if spared else "interrupted")
    assert kept(each_library) == ({"ready": 0, "writing": 1, "rows": 12, "bodies": 12} if spared else NOTHING)


def test_what_ended_is_not_written_over(library: Database) -> None:
    """A build that was taken for gone goes on to its end, but stays what it was called."""
    gate = Gate(library, Recipe())
    id = Builds(library).run(gate, {}, curator="ada")
    assert gate.begun.wait(PATIENCE)
    with library.writing() as session:
        session.execute(update(BuildRow).where(BuildRow.id == id).values(state="interrupted"))
    gate.go.set()
    end = time.monotonic() + PATIENCE
    while not versions(library) and time.monotonic() < end:
        time.sleep(0.02)
    assert versions(library)
    record = find_build(library, id)
    assert record is not None
    assert record.state == "interrupted"


def test_the_latest_builds_come_first_and_all_that_run(library: Database) -> None:
    with library.writing() as session:
        for number in range(30):
            session.add(
                BuildRow(
                    id=f"b{number:02}", recipe={}, state="running" if number == 3 else "done", beat_at=now(),
                    created_at=now() + timedelta(seconds=number),
                )
            )  # fmt: skip
    assert [each.id for each in builds(library, most=3)] == ["b29", "b28", "b27", "b03"]
    assert find_build(library, "none") is None
