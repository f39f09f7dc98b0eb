"""The files of a run: what the route answers, how reports are made beside the pages, and answers taken in."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.fresh import fresh
from workbench.core.experiments.reports.files import KEPT, Reports, clear_up, file_name
from workbench.core.experiments.runner import order, run_now
from workbench.core.experiments.runs import Run, find_run
from workbench.core.experiments.specification import read_specification
from workbench.core.library.database import Database
from workbench.core.settings import Settings
from workbench.server import app
from workbench.views.compare import downloads, taking_in
from workbench.views.compare.downloads import NUMBERS, TABLES, url_of

NAMED = 'Abend "1" /../ é'


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.model_validate({"WORKBENCH_DATA_DIR": str(tmp_path_factory.mktemp("files"))})


@pytest.fixture(scope="module")
def library(settings: Settings) -> Iterator[Database]:
    made = fresh(settings.data_dir / "workbench.sqlite3")
    yield made
    made.close()


@pytest.fixture(scope="module")
def run(settings: Settings, library: Database) -> Run:
    told = {
        "name": NAMED, "requests": {"grid": {"form": ["ABA", "rondo"], "duration": [20]}},
        "metrics": ["finished", "calls"],
        "variants": [{"name": "rules", "provider": "rules"}, {"name": "again", "provider": "rules", "editor": False}],
    }  # fmt: skip
    ordered = order(settings, library, read_specification(told), curator="ada")
    return run_now(settings, library, ordered.id, processes=0)


@pytest.fixture
def reports(settings: Settings, library: Database) -> Reports:
    return Reports(settings, library)


@pytest.fixture
def client(library: Database, reports: Reports, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(downloads, "database", lambda: library)
    monkeypatch.setattr(downloads, "reports", lambda: reports)
    with TestClient(Starlette(routes=app._user_routes)) as client:
        yield client


def test_every_table_is_sent_whole_and_is_what_it_says(client: TestClient, run: Run) -> None:
    for name in (*TABLES, *NUMBERS):
        answer = client.get(url_of(run.id, name))
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == f'attachment; filename="{file_name(run)}-{name}"'
        assert answer.headers["cache-control"] == "no-store"
        match name.rpartition(".")[2]:
            case "csv":
                rows = list(csv.DictReader(io.StringIO(answer.text)))
            case "jsonl":
                rows = [json.loads(line) for line in answer.text.splitlines()]
            case _:
                rows = pq.read_table(io.BytesIO(answer.content)).to_pylist()
        assert [str(each["position"]) for each in rows] == ["0", "1", "2", "3"]
        assert ("piece_json" in rows[0]) is (name in TABLES)
        assert {"finished", "calls", "metric_calls"} <= set(rows[0]), "each column has a name of its own"
        assert "latency" not in rows[0], "only what was measured"


def test_the_specification_runs_again(client: TestClient, run: Run) -> None:
    answer = client.get(url_of(run.id, "specification.json"))
    assert read_specification(answer.content) == run.ordered()


def test_the_name_of_a_file_is_safe_whatever_the_run_is_called(run: Run) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", file_name(run))


@pytest.mark.parametrize("name", ["results.exe", "%2e%2e", "results", "%00", "x" * 2000, "report.htm"])
def test_a_file_that_there_is_not_is_not_there(client: TestClient, run: Run, name: str) -> None:
    assert client.get(f"/runs/{run.id}/{name}").status_code == 404
    assert client.get(f"/runs/nobody/{TABLES[0]}").status_code == 404


def test_a_report_is_made_when_it_is_asked_for_and_kept(client: TestClient, run: Run, reports: Reports) -> None:
    assert reports.state(run, sound=False).state == "missing"
    missing = client.get(url_of(run.id, "report-silent.html"))
    assert missing.status_code == 404
    assert "not made yet" in missing.text
    reports.make(run, sound=False)
    reports.wait()
    found = reports.state(run, sound=False)
    assert found.state == "ready"
    assert found.size
    answer = client.get(url_of(run.id, "report-silent.html"))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert len(answer.content) == found.size
    assert "<!doctype html" in answer.text[:100].lower()
    assert reports.state(run, sound=True).state == "missing"


def test_why_a_report_cannot_be_made_is_told(settings: Settings, library: Database, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_text("no folder")
    reports = Reports(settings.model_copy(update={"data_dir": file}), library)
    reports.make(run, sound=False)
    reports.wait()
    found = reports.state(run, sound=False)
    assert found.state == "failed"
    assert found.message.startswith("The file cannot be written")


def test_reports_that_are_old_or_many_are_cleared_up(tmp_path: Path) -> None:
    for at in range(KEPT + 5):
        (tmp_path / f"{at}.html").write_text("x")
        os.utime(tmp_path / f"{at}.html", (time.time() - at, time.time() - at))
    os.utime(tmp_path / "0.html", (1, 1))
    other = tmp_path / "other.txt"
    other.write_text("x")
    clear_up(tmp_path)
    left = {each.stem for each in tmp_path.glob("*.html")}
    assert left == {str(at) for at in range(1, KEPT)}
    assert other.exists()


# --- answers made elsewhere ------------------------------------------------------------------------------------------


@pytest.fixture
def taken(library: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(taking_in, "database", lambda: library)

    def take(data: bytes, **more: Any) -> taking_in.Import:
        options: dict[str, Any] = {"name": "brought", "variant": "it", "like": None, "who": "ada", "visitor": "v"}
        found = taking_in.begin_import(io.BytesIO(data), "../../answers.jsonl", **options | more)
        assert found.thread is not None
        found.thread.join(60)
        return found

    return take


def test_answers_are_taken_in_beside_the_page(taken: Any, library: Database, run: Run) -> None:
    requests = [{"form": form, "duration": 20} for form in ("ABA", "rondo", "binary")]
    lines = "\n".join(json.dumps({"request": each, "raw": "{}"}) for each in requests)
    found = taken(lines.encode(), like=run)
    assert (found.state, found.file) == ("done", "answers.jsonl")
    made = find_run(library, found.run)
    assert made is not None
    assert (made.label, made.state, made.done) == ("brought 1", "done", 2)
    assert "1 answer is to no request of this run, and left out." in made.notes


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "holds no answer"),
        (b'{"request": {"form": "ABA"}}', "Line 1"),
        (b"\xff\xfe\x00", "Line 1"),
        (b"[" * 100_000, "Line 1"),
    ],
)
def test_files_that_cannot_be_taken_in_are_told_of_in_words(taken: Any, data: bytes, said: str) -> None:
    found = taken(data)
    assert found.state == "failed"
    assert said in found.message
