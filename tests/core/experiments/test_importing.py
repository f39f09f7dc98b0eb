"""Answers that were made elsewhere become a run like any other, beside the run whose requests they answer."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Loopback
from studio import settings_of

from tests.core.experiments.running import FOUR, a_specification, ran
from tests.fresh import fresh
from workbench.core.compose import compose
from workbench.core.errors import InvalidInputError
from workbench.core.experiments import runs
from workbench.core.experiments.importing import import_run
from workbench.core.experiments.runner import run_now
from workbench.core.generate.wire import wire_text
from workbench.core.library.database import Database
from workbench.core.music.request import Request


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "workbench.sqlite3")
    yield made
    made.close()


def lines(*seconds: int, **more: object) -> io.BytesIO:
    told = []
    for each in seconds:
        request = Request(form="ABA", duration=each)
        told.append({"request": request.to_dict(), "raw": wire_text(compose(request, seed=0)), "seed": 0, **more})
    return io.BytesIO("\n".join(json.dumps(each) for each in told).encode())


def test_answers_stand_beside_the_run_whose_requests_they_answer(database: Database) -> None:
    with Loopback() as server:
        other = ran(server, database, a_specification([FOUR[0]], 3))
        made = import_run(
            database, lines(20, 22, 90, model="theirs", tokens_out=70), name="small", variant="them", like=other,
            curator="ada", metrics=["valid-before-repair"],
        )  # fmt: skip
        assert (made.state, made.label, made.cells, made.done, made.failed) == ("done", "small 2", 2, 2, 0)
        assert made.notes[-1] == "1 answer is to no request of this run, and left out."
        assert (made.tokens_out, made.imported) == (140, True)
        results = list(runs.results(database, made.id))
        ours = {each.request for each in runs.results(database, other.id)}
        assert {each.request for each in results} < ours
        assert [(each.variant, each.sample.model, each.values) for each in results] == [
            ("them", "theirs", {"valid-before-repair": True})
        ] * 2
        with pytest.raises(InvalidInputError, match="made elsewhere"):
            run_now(settings_of(server), database, made.id)


def test_without_another_run_each_request_stands_for_itself(database: Database) -> None:
    source = io.BytesIO(lines(20, 21).getvalue() + b'\n{"request": {"duration": 30}, "raw": "no music"}')
    made = import_run(database, source, name="theirs", variant="them", curator="ada", metrics=["fell-back"])
    assert (made.state, made.cells, made.number) == ("done", 3, 1)
    assert [each.values["fell-back"] for each in runs.ended(database, made.id)] == [False, False, True]
    assert len({each.request for each in runs.ended(database, made.id)}) == 3


def test_what_cannot_be_used_leaves_no_run(database: Database) -> None:
    with Loopback() as server:
        other = ran(server, database, a_specification([FOUR[0]], 1))
    for source, said in ((lines(90), "No line answers a request of small 1"), (io.BytesIO(b"{"), "Line 1: ")):
        with pytest.raises(InvalidInputError, match=said):
            import_run(database, source, name="x", variant="them", like=other, curator="ada")
    assert len(runs.runs(database)) == 1
