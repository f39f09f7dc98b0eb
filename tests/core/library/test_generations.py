"""A generation ends once, its take with it, and what a dead process leaves behind is found."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from workbench.core.errors import DatabaseError
from workbench.core.library.database import Database, now
from workbench.core.library.generations import (
    LOST,
    Ending,
    GenerationRecord,
    State,
    batch_of,
    beat,
    begin,
    end,
    find_generation,
    keep_finished,
    new_owner,
    orphans,
    started,
    unfinished_batches,
)
from workbench.core.library.tables import GenerationRow, UsageRow
from workbench.core.library.takes import Take, delete_takes, find_take, keep_take, takes_of
from workbench.core.library.tokens import create_token

Piece = Callable[..., Take]
HOST = socket.gethostname()[:20]
HERE = f"{HOST}:{os.getpid()}:0a0a0a0a"
ELSEWHERE = "elsewhere:1:0b0b0b0b"
REQUEST = {"form": "rondo", "seed": 2**63 - 1}
DONE = Ending("done", {"outcome": "model", "provider": "openai", "variant": "ft", "model": "small"})


def start(database: Database, id: str = "g1", batch: str = "b1", position: int = 0, **more: Any) -> None:
    known = {"visitor": "ada", "owner": HERE, "label": "Rondo", "request": REQUEST, "settings": {}, **more}
    begin(database, id, batch, position, **known)


def found(database: Database, id: str = "g1") -> GenerationRecord:
    record = find_generation(database, id)
    assert record is not None
    return record


def used(database: Database) -> list[tuple[Any, ...]]:
    with database.reading() as session:
        rows = session.scalars(select(UsageRow).order_by(UsageRow.id)).all()
    return [
        (row.generation_id, row.token_id, row.provider, row.variant, row.tokens_in, row.tokens_out, row.cost)
        for row in rows
    ]


def orphan_ids(database: Database, after: timedelta = timedelta(0), living: tuple[str, ...] = ()) -> set[str]:
    return {record.id for record in orphans(database, living=living, at=now() + after)}


@pytest.fixture(scope="module")
def dead() -> str:
    """The owner that a process of this machine was which has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{HOST}:{process.pid}:0c0c0c0c"


# From begin to end


def test_a_generation_waits_runs_and_ends(database: Database) -> None:
    start(database, settings={"provider": "openai"})
    waiting = found(database)
    assert (waiting.state, waiting.label, waiting.started_at, waiting.plan) == ("queued", "Rondo", None, None)
    assert (waiting.request, waiting.settings) == (REQUEST, {"provider": "openai"})

    started(database, "g1", {"sections": 5})
    running = found(database)
    assert (running.state, running.plan, running.finished_at) == ("running", {"sections": 5}, None)
    assert running.started_at is not None

    beat(database, HERE, {"g1": '{"title": "Ro'})
    assert found(database).partial == '{"title": "Ro'

    assert end(database, "g1", DONE)
    ended = found(database)
    assert (ended.state, ended.outcome, ended.variant, ended.model) == ("done", "model", "ft", "small")
    assert ended.partial == ""
    assert ended.finished_at is not None
    assert ended.created_at <= running.started_at <= ended.finished_at


@pytest.mark.parametrize("id", ["", "unknown", "\x00", "\ud800", "x" * 5000])
def test_a_generation_that_never_was_is_not_there(database: Database, id: str) -> None:
    start(database)
    assert find_generation(database, id) is None
    assert batch_of(database, id) == ()
    assert end(database, "unknown", DONE) is False


def test_an_id_is_begun_once(database: Database) -> None:
    start(database)
    with pytest.raises(DatabaseError):
        start(database, batch="b2")
    assert found(database).batch == "b1"


def test_a_generation_ends_once(database: Database, piece: Piece) -> None:
    start(database)
    assert end(database, "g1", Ending("stopped", {"message": "Stopped."}))
    before = found(database)
    assert end(database, "g1", Ending("done", DONE.columns, piece(), 5, 5)) is False
    started(database, "g1", {"late": True})
    beat(database, HERE, {"g1": "late"})
    assert found(database) == before
    assert used(database) == []
    assert takes_of(database, "ada") == ()


def test_of_many_endings_at_once_one_counts(
    database: Database, piece: Piece, at_once: Callable[..., list[Any]]
) -> None:
    start(database)
    ending = Ending("done", DONE.columns, piece(), 1, 2)
    assert sorted(at_once(lambda _: end(database, "g1", ending), 8)) == [False] * 7 + [True]
    assert len(used(database)) == len(takes_of(database, "ada")) == 1


@pytest.mark.parametrize("state", ["done", "stopped", "failed", "interrupted"])
def test_every_ending_is_an_end(database: Database, state: State) -> None:
    start(database)
    assert end(database, "g1", Ending(state, {"message": "So it is."}))
    assert (found(database).state, found(database).message) == (state, "So it is.")
    assert unfinished_batches(database, "ada") == ()
    assert orphan_ids(database, timedelta(days=1)) == set()


def test_a_beat_touches_only_the_owners_generations(database: Database) -> None:
    start(database, "mine", owner=HERE)
    start(database, "theirs", owner=ELSEWHERE)
    with database.writing() as session:
        session.execute(update(GenerationRow).values(beat_at=now() - 2 * LOST))
    beat(database, HERE, {})
    assert orphan_ids(database, living=(HERE,)) == {"theirs"}
    beat(database, ELSEWHERE, {})
    assert orphan_ids(database, living=(HERE,)) == set()


def test_hostile_texts_are_kept_without_what_no_database_takes(database: Database, piece: Piece) -> None:
    start(database, label="曲\x00\ud800" * 200, request={"brief": "\x00b"}, settings={"\x00": "\udfff"})
    started(database, "g1", {"name": "\x00n"})
    beat(database, HERE, {"g1": "{\x00\ud800"})
    record = found(database)
    assert record.label == ("曲?" * 200)[:200]
    assert (record.request, record.settings, record.plan) == ({"brief": "b"}, {"": "?"}, {"name": "n"})
    assert record.partial == "{?"
    columns = {
        "message": "m\x00",
        "structure": {"title": "\x00t"},
        "repairs": ["\ud800"],
        "trace": [{"s": float("inf")}],
    }
    end(database, "g1", Ending("failed", columns))
    record = found(database)
    assert (record.message, record.structure, record.repairs, record.trace) == (
        "m",
        {"title": "t"},
        ["?"],
        [{"s": None}],
    )


# The take and what was used


def test_a_take_is_kept_with_its_generation(database: Database, piece: Piece) -> None:
    start(database)
    assert end(database, "g1", Ending("done", DONE.columns, piece(change="regenerated"), 10, 20, 0.25))
    (take,) = takes_of(database, "ada")
    assert (take.generation_id, take.visitor, take.change) == ("g1", "ada", "regenerated")
    assert find_take(database, take.piece_id, "ada") == take
    assert used(database) == [("g1", None, "openai", "ft", 10, 20, 0.25)]


def test_a_take_that_cannot_be_kept_leaves_its_generation_unfinished(database: Database, piece: Piece) -> None:
    start(database)
    with pytest.raises(DatabaseError):
        end(database, "g1", Ending("done", DONE.columns, piece(), token_id="nowhere"))
    assert found(database).state == "queued"
    assert takes_of(database, "ada") == ()
    assert used(database) == []
    assert end(database, "g1", DONE)


def test_a_piece_that_the_visitor_has_already_is_not_kept_again(database: Database, piece: Piece) -> None:
    first = keep_take(database, piece(), "ada")
    keep_take(database, piece(), "clara")
    start(database)
    assert end(database, "g1", Ending("done", DONE.columns, piece()))
    assert takes_of(database, "ada") == (first,)
    start(database, "g2", visitor="nadia")
    assert end(database, "g2", Ending("done", DONE.columns, piece()))
    assert [take.generation_id for take in takes_of(database, "nadia")] == ["g2"]


def test_a_deleted_take_leaves_its_generation(database: Database, piece: Piece) -> None:
    start(database)
    end(database, "g1", Ending("done", DONE.columns, piece()))
    delete_takes(database, [take.id for take in takes_of(database, "ada")], "ada")
    assert found(database).state == "done"


def test_a_deleted_generation_leaves_its_take_and_what_it_used(database: Database, piece: Piece) -> None:
    start(database)
    end(database, "g1", Ending("done", DONE.columns, piece(), 1, 2))
    with database.writing() as session:
        session.delete(session.get_one(GenerationRow, "g1"))
    assert [take.generation_id for take in takes_of(database, "ada")] == [None]
    assert used(database) == [(None, None, "openai", "ft", 1, 2, None)]


def test_where_no_model_was_asked_nothing_was_used(database: Database) -> None:
    start(database)
    end(database, "g1", Ending("failed", {"message": "No."}))
    assert used(database) == []


def test_large_numbers_of_tokens_are_counted(database: Database) -> None:
    start(database)
    end(database, "g1", Ending("done", DONE.columns, None, 2**40, 2**62, 1e6))
    assert used(database) == [("g1", None, "openai", "ft", 2**40, 2**62, 1e6)]


def test_a_generation_that_nobody_had_to_find_is_kept_finished(database: Database, piece: Piece) -> None:
    token, _ = create_token(database, "AIRIA")
    ending = Ending("done", DONE.columns, None, 3, 4, None, token.id)
    keep_finished(database, "api", visitor="", request=REQUEST, settings={"a": 1}, plan={"b": 2}, ending=ending)
    record = found(database, "api")
    assert (record.state, record.batch, record.model) == ("done", "api", "small")
    assert (record.request, record.settings, record.plan) == (REQUEST, {"a": 1}, {"b": 2})
    assert record.finished_at is not None
    assert used(database) == [("api", token.id, "openai", "ft", 3, 4, None)]
    assert end(database, "api", DONE) is False
    assert orphan_ids(database, timedelta(days=1)) == set()


# Batches


def test_a_batch_comes_in_its_order(database: Database) -> None:
    for position in (2, 0, 10, 1):
        start(database, f"g{position}", position=position)
    start(database, "other", "b2")
    assert [record.id for record in batch_of(database, "b1")] == ["g0", "g1", "g2", "g10"]


def test_batches_with_something_unfinished_come_newest_first(database: Database) -> None:
    for number in range(3):
        for position in range(2):
            start(database, f"{number}{position}", f"b{number}", position)
    start(database, "hers", "hers", visitor="clara")
    started(database, "21", {})
    for id in ("10", "11", "20"):
        end(database, id, DONE)
    assert unfinished_batches(database, "ada") == ("b2", "b0")
    assert unfinished_batches(database, "clara") == ("hers",)
    assert unfinished_batches(database, "nobody") == ()


# Orphans


def test_an_owner_is_this_process_and_no_other(database: Database) -> None:
    owners = {new_owner() for _ in range(20)}
    assert len(owners) == 20
    for owner in owners:
        assert re.fullmatch(rf"{re.escape(HOST)}:{os.getpid()}:[0-9a-f]{{8}}", owner)
        assert len(owner) <= 40


def test_what_a_living_owner_runs_is_no_orphan(database: Database) -> None:
    start(database)
    assert orphan_ids(database, timedelta(days=1), living=(HERE,)) == set()


def test_what_a_dead_process_ran_is_found_at_once(database: Database, dead: str) -> None:
    start(database, "waiting", owner=dead)
    start(database, "running", owner=dead)
    started(database, "running", {})
    beat(database, dead, {"running": "half"})
    start(database, "ended", owner=dead)
    end(database, "ended", DONE)
    records = orphans(database, living=(HERE,))
    assert {record.id: record.partial for record in records} == {"waiting": "", "running": "half"}


def test_what_ran_under_this_process_number_before_is_found_at_once(database: Database) -> None:
    start(database, "before", owner=f"{HOST}:{os.getpid()}:ffffffff")
    start(database, "now", owner=HERE)
    assert orphan_ids(database, living=(HERE,)) == {"before"}


def test_a_process_of_another_machine_is_given_time(database: Database) -> None:
    start(database, owner=ELSEWHERE)
    assert orphan_ids(database, LOST - timedelta(seconds=5), living=(HERE,)) == set()
    assert orphan_ids(database, LOST + timedelta(seconds=5), living=(HERE,)) == {"g1"}


def test_another_process_of_this_machine_is_left_alone_while_it_beats(database: Database) -> None:
    start(database, owner=f"{HOST}:{os.getppid()}:0d0d0d0d")
    assert orphan_ids(database, LOST - timedelta(seconds=5), living=(HERE,)) == set()
    assert orphan_ids(database, LOST + timedelta(seconds=5), living=(HERE,)) == {"g1"}


@pytest.mark.parametrize("owner", ["", "nonsense", f"{HOST}:", f"{HOST}:x:y", f"{HOST}:0:0"])
def test_an_owner_that_makes_no_sense_is_lost_in_the_end(database: Database, owner: str) -> None:
    start(database, owner=owner)
    assert orphan_ids(database, LOST + timedelta(seconds=5), living=(HERE,)) == {"g1"}
