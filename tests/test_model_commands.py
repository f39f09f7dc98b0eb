"""Models, prompts and tokens from the command line, as their users type them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback, Malformed, Status
from studio import TUNED, place

from workbench.core.library.database import Database

ROOT = Path(__file__).parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def run(server: Loopback, tmp_path: Path) -> Run:
    server.forget()

    def call(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        known = os.environ | {
            "WORKBENCH_DATA_DIR": str(tmp_path / "data"),
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": server.key,
            "WORKBENCH_MODEL_BASE": "loop-large",
            "WORKBENCH_MODEL_FT": TUNED,
        }
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *arguments], input=stdin, env=known | environment, cwd=ROOT,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        for text in (done.stdout, done.stderr):
            assert server.key not in text
        return done

    return call


def test_a_model_composes(run: Run, server: Loopback) -> None:
    done = run("generate", "--provider", "openai", "--duration", "30", "--brief", "雪の帰り道", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["provider"], answer["model"], answer["outcome"]) == ("openai", "loop-large", "first-try")
    assert answer["report"]["valid"]
    assert answer["usage"]["tokens_in"] > 0
    assert "雪の帰り道" in server.seen[-1].body["messages"][-1]["content"]  # type: ignore[index]


def test_examples_template_and_temperature_are_chosen_by_options(run: Run, server: Loopback) -> None:
    done = run(
        "generate", "--provider", "openai", "--model", "loop-json", "--examples", "0", "--temperature", "0.1",
        "--template", "default@1", "--duration", "30", "--json", "--trace",
    )  # fmt: skip
    answer = json.loads(done.stdout)
    body = server.seen[-1].body
    assert body is not None
    assert (body["model"], body["temperature"], len(body["messages"])) == ("loop-json", 0.1, 2)
    assert [step["kind"] for step in answer["trace"]][-1] == "outcome"


def test_the_fine_tuned_model_is_switched_on_and_not_named(run: Run, server: Loopback) -> None:
    done = run(
        "generate", "--duration", "30", "--json", "--trace", WORKBENCH_PROVIDER="openai", WORKBENCH_MODEL_VARIANT="ft"
    )
    answer = json.loads(done.stdout)
    assert (answer["variant"], answer["model"]) == ("ft", "fine-tuned")
    assert TUNED not in done.stdout
    assert server.seen[-1].body["model"] == TUNED  # type: ignore[index]


def test_the_server_s_rollout_is_followed_and_no_database_is_made_for_it(
    run: Run, server: Loopback, tmp_path: Path
) -> None:
    def made(*arguments: str, **environment: str) -> dict[str, Any]:
        done = run("generate", "--duration", "30", "--json", "--trace", *arguments, **environment)
        assert done.returncode == 0, done.stderr
        assert "acme-music" not in done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    assert made()["provider"] == "rules"
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    database = Database(f"sqlite:///{tmp_path}/data/workbench.sqlite3").upgrade()
    with Loopback(key="none", models=[{"id": "acme-music-7"}]) as elsewhere:
        place(database, "a" * 16, "acme-music-7", "live", endpoint=elsewhere.url)
        database.close()
        answer = made()
        assert (answer["provider"], answer["variant"], answer["model"]) == ("openai", "ft", "fine-tuned aaaaaaaa")
        assert {step.get("registered") for step in answer["trace"] if step["kind"] == "call"} == {"a" * 16}
        assert made("--variant", "base")["model"] == "loop-large"
        assert len(elsewhere.seen) == 1
    (tmp_path / "data" / "workbench.sqlite3").write_bytes(b"this is no database, " * 99)
    done = run("generate", "--duration", "30")
    assert done.returncode == 0
    assert "What is live on Fine-tune is not known" in done.stderr


def test_a_file_of_requests_goes_through_one_connection_and_each_ends_in_a_piece(
    run: Run, server: Loopback, tmp_path: Path
) -> None:
    wishes = "\n".join(json.dumps({"id": f"w{number}", "duration": 20}) for number in range(4))
    server.queue(Malformed(), Status(401))
    done = run(
        "generate", "--provider", "openai", "--request", "-", "--json", "--format", "json",
        "--out", str(tmp_path / "out"), stdin=wishes,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [answer["outcome"] for answer in answers] == ["repaired", "fell-back", "first-try", "first-try"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"w{number}.json" for number in range(4)}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--provider", "nobody"),
        ("--provider", "openai", "--template", "no-such"),
        ("--provider", "openai", "--variant", "other"),
        ("--provider", "openai", "--examples", "9"),
        ("--provider", "openai", "--temperature", "9"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_told_in_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("generate", "--duration", "30", *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_without_any_model_the_hint_names_the_variable(run: Run) -> None:
    done = run("generate", "--provider", "openai", WORKBENCH_MODEL_BASE="")
    assert done.returncode == 2
    assert "WORKBENCH_MODEL_BASE" in done.stderr


def test_models_are_listed_with_their_last_days(run: Run) -> None:
    done = run("models")
    assert done.returncode == 0
    assert "shuts down on 2027-01-14" in done.stdout
    rows = json.loads(run("models", "--json").stdout)
    assert {"id": "loop-large", "shutdown": None} in rows
    refused = run("models", OPENAI_API_KEY="sk-wrong-wrong-wrong")
    assert refused.returncode == 1
    assert "OPENAI_API_KEY" in refused.stderr


def test_tokens_are_made_listed_and_revoked(run: Run) -> None:
    secret = run("token", "create", "the app").stdout.strip()
    assert secret.startswith("wbk_")
    listed = run("token", "list")
    assert "the app" in listed.stdout
    assert secret not in listed.stdout
    rows = json.loads(run("token", "list", "--json").stdout)
    assert rows[0]["requests_a_minute"] == 60
    assert run("token", "revoke", "the app").returncode == 0
    assert "revoked" in run("token", "list").stdout
    again = run("token", "revoke", "the app")
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1


def test_prompts_are_shown_previewed_saved_and_compared(run: Run, tmp_path: Path) -> None:
    assert "default@1" in run("prompts", "list").stdout
    assert "--- system" in run("prompts", "show").stdout
    request = tmp_path / "wish.json"
    request.write_text('{"form": "rondo", "brief": "a hunt"}')
    preview = json.loads(
        run("prompts", "preview", "--request", str(request), "--model", "gpt-4.1", "--examples", "1", "--json").stdout
    )
    assert preview["exact"] is True
    assert preview["tokens"] > 500
    assert [message["role"] for message in preview["messages"]] == ["system", "user", "assistant", "user"]
    mine = tmp_path / "mine.toml"
    usual = (ROOT / "assets" / "prompts" / "default-1.toml").read_text("utf-8")
    mine.write_text(usual.replace("You are a composer.", "You are a careful composer."), "utf-8")
    saved = run("prompts", "save", str(mine), "--note", "careful")
    assert saved.returncode == 0, saved.stderr
    assert "saved default@2" in saved.stderr
    diff = run("prompts", "diff", "default@1", "default@2").stdout
    assert "-You are a composer." in diff
    assert "+You are a careful composer." in diff
    rows = json.loads(run("prompts", "list", "--json").stdout)
    assert [row["version"] for row in rows if row["name"] == "default"] == [1, 2]


def test_a_saved_template_is_used_by_generate(run: Run, server: Loopback, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    usual = (ROOT / "assets" / "prompts" / "default-1.toml").read_text("utf-8")
    mine.write_text(
        usual.replace('name = "default"', 'name = "brisk"').replace("You are a composer.", "Be brisk."), "utf-8"
    )
    assert run("prompts", "save", str(mine)).returncode == 0
    assert run("generate", "--provider", "openai", "--template", "brisk", "--duration", "20").returncode == 0
    assert server.seen[-1].body["messages"][0]["content"].startswith("Be brisk.")  # type: ignore[index]


@pytest.mark.parametrize("content", ["", "name = 1", 'name = "x"\nversion = 1\nsystem = "{% for %}"', "\x00"])
def test_a_broken_template_file_is_refused(run: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(content)
    done = run("prompts", "save", str(path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
