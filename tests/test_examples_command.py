"""The curated library from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.core.library.examples import load_examples

ROOT = Path(__file__).parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def call(*arguments: str, folder: str = "data") -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"WORKBENCH_DATA_DIR": str(tmp_path / folder)}
        return subprocess.run(
            [sys.executable, "-m", "workbench", "examples", *arguments], env=environment, cwd=ROOT, capture_output=True,
            text=True, timeout=120,
        )  # fmt: skip

    return call


def test_the_library_is_there_on_the_first_start(run: Run) -> None:
    rows = json.loads(run("list", "--json").stdout)
    assert {row["id"] for row in rows} >= {example.id for example in load_examples()}
    assert all(row["status"] == "approved" and row["structure"] and row["rights"] for row in rows)
    rondos = json.loads(run("list", "--form", "rondo", "--json").stdout)
    assert rondos
    assert all(row["structure"]["form"] == "rondo" for row in rondos)


def test_an_example_is_shown_with_what_its_rights_allow(run: Run) -> None:
    told = json.loads(run("show", "rondo-classical-hunt", "--json").stdout)
    assert told["uses"]["commercial_training"]["allowed"] is True
    assert told["uses"]["commercial_training"]["reasons"]
    assert "commercial training  yes" in run("show", "rondo-classical-hunt").stdout


def test_decisions_are_made_and_can_be_seen(run: Run) -> None:
    assert run("reject", "rondo-classical-hunt", "--note", "too loud", "--as", "ada").returncode == 0
    rejected = json.loads(run("list", "--status", "rejected", "--json").stdout)
    assert [row["id"] for row in rejected] == ["rondo-classical-hunt"]
    assert "rondo-classical-hunt" not in run("retrieve").stdout
    assert run("approve", "rondo-classical-hunt", "--as", "ada").returncode == 0
    assert json.loads(run("list", "--status", "rejected", "--json").stdout) == []


def test_retrieval_says_what_and_why(run: Run, tmp_path: Path) -> None:
    wish = tmp_path / "wish.json"
    wish.write_text('{"form": "rondo", "period": "classical", "valence": 0.8, "arousal": 0.8}')
    picked = json.loads(run("retrieve", "--request", str(wish), "--count", "3", "--json").stdout)
    assert len(picked) == 3
    assert picked[0]["structure"]["form"] == "rondo"
    assert "same form" in picked[0]["why"]


def test_the_library_goes_from_one_place_to_another(run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "library.zip"
    assert run("export", str(archive)).returncode == 0
    done = run("import", str(archive), "--json", folder="other")
    assert done.returncode == 0
    assert not any(outcome["problem"] for outcome in json.loads(done.stdout))


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nobody"),
        ("approve", "nobody"),
        ("list", "--status", "odd"),
        ("import", "no-such.zip"),
        ("retrieve", "--count", "9"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_told_in_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_files_of_any_format_are_brought_in_and_bad_ones_are_told(
    run: Run, tmp_path: Path, airia_files: list[Path]
) -> None:
    bad = tmp_path / "bad.mid"
    bad.write_bytes(b"MThd nothing")
    done = run("import", str(airia_files[0]), str(bad), "--json")
    assert done.returncode == 1
    outcomes = {outcome["name"]: outcome for outcome in json.loads(done.stdout)}
    assert outcomes[airia_files[0].name]["new"]
    assert outcomes["bad.mid"]["problem"]
    again = json.loads(run("import", str(airia_files[0]), "--json").stdout)
    assert not again[0]["new"]


def test_a_licence_that_forbids_training_keeps_a_piece_out_of_it(run: Run, airia_files: list[Path]) -> None:
    brought = json.loads(
        run("import", str(airia_files[1]), "--licence", "CC-BY-NC-SA-4.0", "--holder", "DCML", "--json").stdout
    )
    told = json.loads(run("show", brought[0]["id"], "--json").stdout)
    assert told["status"] == "waiting"
    assert told["uses"]["training"]["allowed"] is False
    assert run("import", str(airia_files[1]), "--licence", "odd").returncode == 2


def test_the_coverage_names_its_holes(run: Run) -> None:
    found = json.loads(run("coverage", "--json").stdout)
    assert found["total"] >= 48
    assert found["holes"]
    assert "sonata" in run("coverage").stdout
