"""The page about the checks says what the checks are, and the command line says the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.checks_page import PAGE, page
from tests.core.checks.music import GOOD
from workbench.cli import main
from workbench.core.checks import all_checks


def test_the_page_is_in_step_with_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m scripts.checks_page"


def test_every_check_explains_itself_and_names_its_source() -> None:
    for each in all_checks():
        assert len(each.explanation) > 30, each.id
        assert each.explanation.endswith("."), each.id
        assert len(each.source) > 10, each.id
        assert each.profiles


def test_check_list_prints_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["check"] for row in rows} == {each.id for each in all_checks()}
    assert set(rows[0]) == {"check", "family", "severity", "profiles", "explanation", "source"}


def test_check_answers_for_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(GOOD), encoding="utf-8")
    sections = [*GOOD["sections"][:2], {**GOOD["sections"][2], "key": "A major"}]
    bad.write_text(json.dumps({**GOOD, "sections": sections}), encoding="utf-8")
    assert main(["check", str(good), "--json"]) == 0
    capsys.readouterr()
    assert main(["check", str(good), str(bad), "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["valid"] for row in rows] == [True, False]
    assert rows[1]["findings"][0]["check"] == "form.returns-in-tonic"
    assert main(["check", str(bad)]) == 1
    assert "not valid" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["none.json"], ["--profile", "jazz", "{good}"], ["{broken}"]])
def test_what_cannot_be_checked_is_one_line_and_exit_two(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, broken = tmp_path / "good.json", tmp_path / "broken.json"
    good.write_text(json.dumps(GOOD), encoding="utf-8")
    broken.write_text("{", encoding="utf-8")
    assert main(["check", *(part.format(good=good, broken=broken) for part in arguments)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert complaint.startswith("workbench: ")


def test_check_reads_standard_input() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "check", "-", "--json"],
        input=json.dumps(GOOD).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)[0]["file"] == "-"
