"""``sanitize`` as its user meets it: the structure on standard output, what was changed on standard error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench import cli
from workbench.core.music.reading import read_structure

ROOT = Path(__file__).parents[1]
ANSWER = """Here is a waltz:
```json
{"key": "c minor", "bpm": "ninety", "form": "ABA",
 "sections": [{"name": "A", "key": "E major", "measures": 4, "chordProgression": "I IV V I", "cadence": "authentic",},]}
```"""
VALID = (
    '{"key":"C major","tempo":90,"timeSignature":"4/4","form":"ABA",'
    '"sections":[{"name":"A","key":"C major","measures":4,"chordProgression":["I","V","I"]}]}'
)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Call the command line in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        code = cli.main(["sanitize", *map(str, arguments)])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    return call


def test_json_answers_in_the_shape_of_the_contract(run: Any) -> None:
    Path("answer.txt").write_text(ANSWER, "utf-8")
    code, out, err = run("answer.txt", "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert set(answer) == {"structure", "repairs", "valid_before_repair"}
    assert answer["valid_before_repair"] is False
    assert all(set(repair) == {"path", "kind", "before", "after", "why"} for repair in answer["repairs"])
    structure = read_structure(answer["structure"])
    assert (structure.tempo, structure.sections[0].key, structure.sections[0].cadence) == (90, "Eb major", "PAC")


def test_repairs_are_lines_for_a_person(run: Any) -> None:
    Path("answer.txt").write_text(ANSWER, "utf-8")
    code, out, err = run("answer.txt")
    assert code == 0
    assert read_structure(out).tempo == 90
    lines = err.splitlines()
    assert (
        '/tempo: tempo.spelling: "ninety" became 90. The tempo is a number of quarters a minute from 40 to 220.'
        in lines
    )
    assert len(lines) == len(json.loads(run("answer.txt", "--json")[1])["repairs"])


def test_a_valid_answer_is_printed_byte_for_byte(run: Any) -> None:
    Path("valid.json").write_text(f"  {VALID}\n\n", "utf-8")
    assert run("valid.json") == (0, f"  {VALID}\n\n", "")
    assert json.loads(run("valid.json", "--json")[1])["valid_before_repair"] is True


def test_the_request_says_what_is_missing(run: Any) -> None:
    Path("request.json").write_text('{"time_signature": "6/8"}', "utf-8")
    Path("answer.txt").write_text(ANSWER, "utf-8")
    assert read_structure(run("answer.txt", "--request", "request.json")[1]).time_signature == "6/8"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["words.txt"], "words.txt: There is no MusicStructure"),
        (["missing.txt"], "missing.txt does not exist"),
        (["empty.txt"], "empty.txt is empty"),
        (["valid.json", "--request", "words.txt"], "words.txt: The input is not JSON"),
        (["-", "--request", "-"], "cannot both be standard input"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(run: Any, arguments: list[str], told: str) -> None:
    Path("words.txt").write_text("I'm sorry, I can't.", "utf-8")
    Path("empty.txt").write_text("", "utf-8")
    Path("valid.json").write_text(VALID, "utf-8")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("workbench: ")
    assert told in err
    assert err.count("\n") == 1


def test_an_answer_may_come_through_a_pipe() -> None:
    command = [sys.executable, "-m", "workbench", "sanitize", "-"]
    done = subprocess.run(command, input=ANSWER.encode(), capture_output=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0
    assert read_structure(done.stdout).tempo == 90
    assert b"tempo.spelling" in done.stderr
