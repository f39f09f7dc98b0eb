"""A run against the one before it, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fresh import fresh
from workbench import cli
from workbench.core.library import database as database_module
from workbench.core.settings import Settings


def test_a_run_is_compared_with_the_one_before_in_words_and_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh(tmp_path / database_module.FILE).close()
    monkeypatch.setenv("WORKBENCH_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["evaluate", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    told: dict[str, Any] = {
        "name": "first", "requests": {"grid": {"form": ["ABA"], "duration": [20, 21, 22]}},
        "variants": [{"name": "rules", "provider": "rules"}], "metrics": ["finished", "latency", "errors"],
    }  # fmt: skip
    try:
        for seeds in ([0], [0, 1]):
            (tmp_path / "first.json").write_text(json.dumps(told | {"seeds": seeds}), "utf-8")
            assert call("run", "first.json", "--processes", "0")[0] == 0
        code, out, _ = call("compare", "first 2")
        assert code == 0
        assert "first 2 against first 1: Of 3 comparisons: " in out
        assert "- Seeds: 0 → 0, 1." in out
        assert "Requests in both: 3; only now: 0; only before: 0." in out
        code, out, _ = call("compare", "first", "first 1", "--metric", "finished", "--json")
        found = json.loads(out)
        assert (code, found["shared"], found["family"]) == (0, 3, 0)
        assert [each["comparison"]["verdict"] for each in found["changes"]] == ["few"]
        for wrong, said in (
            (("first 1",), "first of its name"), (("first 2", "first 2"), "with itself"), (("nobody",), "no run"),
            (("first 2", "first 1", "--metric", "x"), "no metric"),
        ):  # fmt: skip
            code, out, err = call("compare", *wrong)
            assert code == 2
            assert said in err
            assert not out
    finally:
        database_module.shared_database(Settings(_env_file=None)).close()  # type: ignore[call-arg]
