"""Blind comparisons from the command line, from the link to preference pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.experiments.ratings.heard_run import VARIANTS, heard_run
from tests.fresh import fresh
from tests.test_evaluate_command import Done, Run
from workbench import cli
from workbench.core.experiments.ratings.judging import turn_of
from workbench.core.library import database as database_module
from workbench.core.library.database import Database
from workbench.core.settings import Settings

PAIRS = 6


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / database_module.FILE)
    heard_run(made, 4)
    yield made
    made.close()


@pytest.fixture
def rate(library: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Iterator[Run]:
    """Call ``evaluate rate heard`` in this process, in a folder of its own."""
    monkeypatch.setenv("WORKBENCH_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Done:
        code = cli.main(["evaluate", "rate", "heard", *map(str, arguments)])
        said = capsys.readouterr()
        assert "fault in the workbench" not in said.err
        return Done(code, said.out, said.err)

    yield call
    database_module.shared_database(Settings(_env_file=None)).close()  # type: ignore[call-arg]


def test_raters_answer_by_files_and_the_ranking_is_told(rate: Run, library: Database, tmp_path: Path) -> None:
    assert "was not rated yet" in rate().err
    begun = rate(
        "--begin", "--pairs", PAIRS, "--shared", 1, "--repeats", 0, "--address", "https://here/", "--json"
    ).json
    assert begun["link"] == f"https://here/rate?contest={begun['id']}"
    for number in range(PAIRS):
        lines = []
        for rater in ("Ada", "Grace"):
            shown = rate("--next", rater, "--json").json if number < 2 else None
            turn = turn_of(library, begun["id"], rater)
            assert turn is not None
            assert shown is None or (shown["token"], shown["number"], shown["of"]) == (
                turn.blind.token,
                number + 1,
                PAIRS,
            )
            assert shown is None or not [name for name in (*VARIANTS, "Title") if name in json.dumps(shown)]
            better = "a" if turn.pair.a < turn.pair.b else "b"
            lines.append(json.dumps({"rater": rater, "token": turn.blind.token, "verdict": better}))
        (tmp_path / "said.jsonl").write_text("\n".join(lines), "utf-8")
        assert rate("--answer", "said.jsonl", "--json").json == {"taken": 2, "refused": []}
    assert "judged all pairs" in rate("--next", "Ada").err
    (tmp_path / "said.jsonl").write_text('no\n[]\n{"rater": "Eve", "token": "x", "verdict": "a"}\n', "utf-8")
    wrong = rate("--answer", "said.jsonl")
    assert (wrong.code, wrong.err.count("workbench: line ")) == (1, 3)
    told = rate("--standings").out
    assert told.startswith("1. alpha base +")
    assert "Grace: 6 judged" in told
    found = rate("--standings", "--json").json
    assert [each["variant"] for each in found["ranking"]["standings"]] == list(VARIANTS)
    assert rate("--preferences", "--json").json["with_rights"] == 0
    kept = rate("--preferences", "--holder", "Ada", "--licence", "CC0-1.0", "--json").json
    assert (kept["pairs"], kept["with_rights"]) == (PAIRS, PAIRS)
    assert rate("--undo", "Ada").code == 0
    assert rate("--undo", "Eve").code == 1
    assert rate("--close", "--json").json["closed_at"]
    assert rate("--json").json[0]["raters"] == {"Ada": PAIRS - 1, "Grace": PAIRS}
    assert rate("--next", "Eve").code == 2


def test_a_pair_can_be_taken_along_as_two_files_that_say_nothing(rate: Run, tmp_path: Path) -> None:
    rate("--begin", "--variant", VARIANTS[0], "--variant", VARIANTS[1])
    shown = rate("--next", "Ada", "--out", "heard", "--json").json
    files = sorted(each.name for each in (tmp_path / "heard").iterdir())
    assert files == sorted(f"{shown[side]}.ogg" for side in "ab")
    assert all((tmp_path / shown[f"sound_{side}"]).read_bytes().startswith(b"OggS") for side in "ab")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--standings",), "no blind comparison"),
        (("--begin", "--close"), "cannot go together"),
        (("--begin", "--variant", "nobody"), "no variant 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(rate: Run, arguments: tuple[str, ...], said: str) -> None:
    done = rate(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_wrong_rights_are_refused(rate: Run) -> None:
    rate("--begin")
    for arguments, said in (
        (("--preferences", "--holder", "Ada"), "No licence"),
        (("--preferences", "--holder", "Ada", "--licence", "mine"), "not known here"),
        (("--preferences", "--criterion", "beauty"), "no criterion"),
        (("--preferences", "--agree", "0.4"), "majority"),
        (("--standings", "--contest", "nobody"), "no comparison 'nobody'"),
    ):
        done = rate(*arguments)
        assert (done.code, said in done.err) == (2, True), done.err
