"""Experiments from the command line: run, resume, status, import, report, and gates for use in CI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from batches import BatchPlan
from loopback import Loopback, NotMusic, Status

from tests.fresh import fresh
from workbench import cli
from workbench.core.library import database as database_module
from workbench.core.settings import Settings


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(size=100_000) as running:
        yield running


@pytest.fixture
def run(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Run]:
    """Call the command line in this process, in a folder of its own."""
    fresh(tmp_path / database_module.FILE).close()
    environment = {
        "WORKBENCH_DATA_DIR": str(tmp_path), "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key,
        "WORKBENCH_MODEL_BASE": "loop-large",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Done:
        code = cli.main(["evaluate", *map(str, arguments)])
        said = capsys.readouterr()
        assert server.key not in said.out + said.err
        assert "fault in the workbench" not in said.err
        return Done(code, said.out, said.err)

    yield call
    database_module.shared_database(Settings(_env_file=None)).close()  # type: ignore[call-arg]


def specification(folder: Path, **more: Any) -> Path:
    told = {
        "name": "first", "requests": {"grid": {"form": ["ABA"], "duration": [20, 21]}},
        "variants": [{"name": "rules", "provider": "rules"}, {"name": "base", "variant": "base", "examples": 0}],
        "metrics": ["finished", "valid-before-repair", "fell-back"],
    } | more  # fmt: skip
    path = folder / "first.json"
    path.write_text(json.dumps(told), "utf-8")
    return path


def test_an_experiment_from_its_file_to_its_report_with_gates(run: Run, server: Loopback, tmp_path: Path) -> None:
    file = specification(tmp_path)
    server.queue(NotMusic())
    done = run("run", file, "--processes", 0, "--require", "valid_before_repair>=0.4", "--json")
    assert done.code == 0, done
    assert (done.json["state"], done.json["done"], done.json["label"]) == ("done", 4, "first 1")
    assert done.json["gates"][0]["met"] is True
    assert len(server.seen) == 3
    again = run(
        "run", file, "--processes", 0, "--require", "base:valid_before_repair>=0.98", "--require", "finished>=1"
    )
    assert again.code == 0
    assert "first 2: 4 of 4" in again.out
    assert run("report", "first 1", "--out", "all.csv", "--require", "valid_before_repair>=98%").code == 1
    rows = (tmp_path / "all.csv").read_text("utf-8").splitlines()
    assert len(rows) == 5
    assert run("report", "first", "--out", "report.html", "--no-sound").code == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "first 2" in page
    assert server.key not in page
    listed = run("status", "--json").json
    assert [each["label"] for each in listed] == ["first 2", "first 1"]
    one = run("status", listed[1]["id"])
    assert (one.code, "first-try" in one.out, "re-asked" in one.out) == (0, True, True)


def test_a_run_that_rests_says_how_to_go_on_and_does_when_told(run: Run, server: Loopback, tmp_path: Path) -> None:
    server.behave = lambda _: Status(401)
    done = run("run", specification(tmp_path), "--processes", 0)
    assert done.code == 1
    assert "paused" in done.out
    assert "'base' cannot be asked now. The endpoint refuses the key." in done.err
    assert "evaluate resume" in done.err
    server.behave = None
    assert run("resume", "first", "--processes", 0).code == 0
    assert run("status", "first", "--json").json["outcomes"] == {"first-try": 4}
    assert run("resume", "first").code == 2
    assert run("pause", "first").code == 1


def test_answers_made_elsewhere_are_a_run_of_their_own(run: Run, tmp_path: Path) -> None:
    assert run("run", specification(tmp_path), "--processes", 0).code == 0
    assert run("report", "first", "--out", "all.jsonl").code == 0
    told = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    wanted = {"form": "ABA", "duration": 20}
    (tmp_path / "theirs.jsonl").write_text(json.dumps({"request": wanted, "raw": "no music"}), "utf-8")
    done = run("import", "theirs.jsonl", "--like", "first", "--variant", "them", "--require", "fell-back<=0")
    assert done.code == 1
    assert "Not met: fell-back<=0" in done.err
    assert len(told) == 4
    assert run("import", "nothing.jsonl").code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "gone.json"), "gone.json does not exist"),
        (("run", "first.json", "--require", "beauty>=1"), "no metric 'beauty'"),
        (("run", "first.json", "--require", "valid_before_repair"), "is no gate"),
        (("resume", "nobody"), "'nobody' is no run"),
        (("status", "nobody"), "'nobody' is no run"),
        (("report", "nobody", "--out", "x.html"), "'nobody' is no run"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    specification(tmp_path)
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert said in done.err


def test_an_unknown_metric_in_a_specification_is_told(run: Run, tmp_path: Path) -> None:
    done = run("run", specification(tmp_path, metrics=["beauty"]))
    assert (done.code, "no metric 'beauty'" in done.err) == (2, True)
    assert run("status").out == ""


def test_status_tells_of_batches_in_words(run: Run, server: Loopback, tmp_path: Path) -> None:
    server.tuning.batches.plan = BatchPlan(ends="failed", fails=("bad", "Too many tokens."))
    base = {"name": "base", "variant": "base", "examples": 0, "batch": True}
    file = specification(tmp_path, variants=[base])
    assert run("run", file, "--processes", 0).code == 1
    said = run("status", "first").out
    assert "The service refuses a batch of 'base': Too many tokens." in said
    assert "batch 1 of base: 1 question, refused by the service. Too many tokens." in said
    (told,) = run("status", "first", "--json").json["batches"]
    assert (told["state"], told["told"], told["questions"]) == ("taken", "failed", 1)
    server.tuning.batches.plan = BatchPlan(available=False)
    refused = run("run", file)
    assert (refused.code, "The endpoint of 'base' has no batches. Leave out batch" in refused.err) == (2, True), refused
