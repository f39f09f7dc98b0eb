"""Fine-tuning from the command line: each command as its user would call it, against a provider on this machine."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fine_tuning_asking import calls, creations
from fine_tuning_jobs import Plan
from loopback import Loopback, Status

from tests.core.datasets.small_version import ROOT, copied, with_facts
from workbench import cli
from workbench.core.datasets.frozen import freeze
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.finetune.backends.openai import HostedTraining
from workbench.core.finetune.models import models
from workbench.core.finetune.rollout import state
from workbench.core.finetune.scores import write_score
from workbench.core.finetune.trainings import trainings
from workbench.core.library import database as database_module
from workbench.core.library.database import Database
from workbench.core.settings import Settings

HOSTED = ("--backend", "openai", "--model", "loop-large", "--epochs", "1", "--no-held-out")
ELSEWHERE = ("--model", "m", "--endpoint", "http://127.0.0.1:9/v1", "--base", "b", "--licence", "MIT")
WHY = "Heard by all of us, and good."


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line that tells why the input cannot be used, with its hint."""
        assert (self.code, self.out) == (2, ""), self
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("workbench: ")
        assert "fault in the workbench" not in self.err
        return self.err


Run = Callable[..., Done]


class Here(NamedTuple):
    """A library with the small version, in a folder of one's own."""

    folder: Path
    database: Database
    version: Version


@pytest.fixture(scope="module")
def running() -> Iterator[Loopback]:
    with Loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.forget()
    return running


@pytest.fixture
def here(server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    database, version = copied(tmp_path)
    environment = {"WORKBENCH_DATA_DIR": str(tmp_path), "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(HostedTraining, "pace", 0.01)
    monkeypatch.chdir(tmp_path)
    yield Here(tmp_path, database, version)
    database.close()
    database_module.shared_database(Settings(_env_file=None)).close()  # type: ignore[call-arg]


@pytest.fixture
def run(here: Here, server: Loopback, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line in this process."""

    def call(*arguments: object) -> Done:
        code = cli.main(["finetune", *map(str, arguments)])
        said = capsys.readouterr()
        assert server.key not in said.out + said.err
        return Done(code, said.out, said.err)

    return call


@pytest.fixture
def trained(here: Here, run: Run) -> str:
    """The id of a training that has succeeded."""
    return str(run("start", here.version.id, *HOSTED, "--name", "first", "--yes", "--follow", "--json").json["id"])


# What can be tuned, and what it takes


def test_backends_say_whether_they_are_ready(run: Run, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row["name"]: row for row in run("backends", "--json").json}
    assert set(rows) == {"openai", "local"}
    assert (rows["openai"]["ready"], rows["openai"]["place"]) == (True, server.url)
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    done = run("backends")
    assert done.code == 0
    assert "There is no key for OpenAI. Set OPENAI_API_KEY" in done.out


def test_a_backend_that_does_not_answer_does_not_spoil_the_rest(
    run: Run, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("register", "--name", "far", *ELSEWHERE).code == 0
    assert ("openai", "loop-large") in {(each["backend"], each["id"]) for each in run("models", "--json").json["base"]}
    assert "supervised, dpo" in run("models", "--backend", "openai").out
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    done = run("models")
    assert (done.code, "far" in done.out) == (0, True)
    assert "workbench: openai: " in done.err
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    plain = run("models", "--backend", "openai", "--json")
    assert (plain.code, plain.json["base"], set(plain.json["problems"])) == (1, [], {"openai"})
    assert run("models", "--backend", "nobody").complaint


def test_an_estimate_tells_all_and_spends_nothing(run: Run, here: Here, server: Loopback) -> None:
    done = run("estimate", here.version.id, *HOSTED)
    assert done.code == 0, done
    told = {line.split()[0]: line for line in done.out.splitlines()}
    assert set(told) >= {"dataset", "model", "rows", "tokens", "epochs", "price", "time", "licence", "rights", "upload"}
    assert here.version.label in told["dataset"]
    assert "leave this machine" in told["upload"]
    assert trainings(here.database) == ()
    assert not server.tuning.files
    plain = run("estimate", here.version.id, *HOSTED, "--batch", "4", "--rate", "0.5", "--json").json
    assert (plain["wish"]["batch_size"], plain["wish"]["learning_rate"], plain["held_out"]) == (4, 0.5, 0)
    assert plain["against"] == []


def test_all_that_stands_against_a_training_is_told(run: Run, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    few = with_facts(here.database, list(facts_of_version(here.database, here.version.id))[:3], "few")
    done = run("estimate", few.id, *HOSTED, "--rank", "8")
    assert done.code == 1
    assert "at least 10 are needed" in done.err
    assert "takes no setting rank" in done.err
    unknown = run("estimate", here.version.id, *HOSTED, "--model", "nobody")
    assert (unknown.code, "does not know the model nobody" in unknown.err) == (1, True)
    monkeypatch.delenv("OPENAI_BASE_URL")
    monkeypatch.delenv("OPENAI_API_KEY")
    done = run("start", here.version.id, *HOSTED, "--yes", "--json")
    assert (done.code, done.json["id"]) == (1, None)
    assert "There is no key for OpenAI." in done.json["against"][0]["message"]
    assert trainings(here.database) == ()


def test_open_weights_are_named_by_their_folder_and_launched_as_shown(run: Run, here: Here) -> None:
    (here.folder / "base").mkdir()
    wish = ("--backend", "local", "--model", "base", "--full", "--steps", "5")
    done = run("estimate", here.version.id, *wish, "--processes", "2", "--json")
    assert done.code == 1
    assert done.json["wish"]["model"] == str(here.folder / "base")
    assert "accelerate.commands.launch --num_processes 2" in done.json["wish"]["launch"]
    assert done.json["wish"]["lora"] is False
    assert done.json["against"]
    assert "-m workbench.core.finetune.local.trainer {folder}" in run("estimate", here.version.id, *wish).out
    assert "--processes" in run("estimate", here.version.id, *wish, "--processes", "2", "--launch", "python").complaint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--epochs", "0"), "epochs"),
        (("--epochs", "nan"), "epochs"),
        (("--method", "guessing"), "method"),
        (("--batch", "0"), "batch_size"),
        (("--suffix", "a\x00b"), "suffix"),
        (("--seed", "-1"), "seed"),
        (("--backend", "nobody"), "There is no backend 'nobody'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(run: Run, here: Here, options: tuple[str, ...], words: str) -> None:
    assert words in run("start", here.version.id, *HOSTED, *options, "--yes").complaint


# A training


def test_a_hosted_life(run: Run, here: Here, server: Loopback) -> None:
    done = run("start", here.version.id, *HOSTED, "--name", "first", "--yes", "--follow", "--as", "bob")
    assert done.code == 0, done
    (training,) = trainings(here.database)
    assert (training.state, training.curator, training.settled) == ("succeeded", "bob", 1)
    assert done.out.startswith(f"{training.id}  ")
    assert "rows" in done.err
    assert "succeeded: step" in done.err
    assert ", loss " in done.err
    shown = run("status", training.id[:8])
    assert (shown.code, str(training.model) in shown.out) == (0, True)
    assert "first" in run("status").out
    plain = run("status", "first", "--json").json
    assert (plain["state"], plain["last"]["step"]) == (
        "succeeded",
        len(run("logs", "first", "--metrics").out.splitlines()) - 1,
    )
    assert not {"kept", "handle", "owner"} & set(plain)
    logs = run("logs", "first").out.splitlines()
    assert "Created fine-tuning job" in logs[0]
    assert logs[-1].endswith("The job has successfully completed")
    assert run("logs", "first", "-n", "2").out.splitlines() == logs[-2:]
    assert len(run("logs", "first", "--json").json) == len(logs)
    table = run("logs", "first", "--metrics").out.splitlines()
    assert table[0] == "step,train_loss,valid_loss,train_accuracy,valid_accuracy"
    assert table[1].startswith("1,")
    assert calls(server, "POST", "/v1/fine_tuning/jobs") == 1


def test_a_training_goes_on_when_the_command_has_ended(run: Run, here: Here, server: Loopback) -> None:
    id = run("start", here.version.id, *HOSTED, "--yes", "--json").json["id"]
    assert len(server.tuning.jobs) == 1
    states = [run("status", id, "--json").json["state"] for _ in range(3)]
    assert states == ["queued", "running", "running"]
    done = run("logs", id, "--follow")
    assert done.code == 0
    assert done.out.splitlines()[-1].endswith("The job has successfully completed")
    assert len(set(done.out.splitlines())) == len(done.out.splitlines())
    assert run("status", id, "--follow").code == 0


def test_nothing_is_started_without_a_yes(
    run: Run, here: Here, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "--yes" in run("start", here.version.id, *HOSTED).complaint
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    refused = run("start", here.version.id, *HOSTED, "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "Start? [y/N]" in refused.err
    assert not server.tuning.files
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert run("start", here.version.id, *HOSTED, "--json").json["state"] == "preparing"
    assert len(server.tuning.jobs) == 1


def test_a_service_that_takes_no_trainings_any_more_is_told_at_once(run: Run, here: Here, server: Loopback) -> None:
    server.tuning.plan = Plan(available=False)
    done = run("start", here.version.id, *HOSTED, "--yes")
    assert done.code == 1
    assert "workbench: The training failed: " in done.err
    (training,) = trainings(here.database)
    assert done.out.startswith(f"{training.id}  failed")
    assert training.hint
    assert training.hint in done.err
    uploads = calls(server, "POST", "/v1/files")
    server.tuning.plan = Plan()
    again = run("retry", training.id, "--follow", "--json")
    assert (again.code, again.json["state"], again.json["tries"]) == (0, "succeeded", 2)
    assert calls(server, "POST", "/v1/files") == uploads
    assert "Only a training that failed" in run("retry", training.id).err


def test_a_failure_halfway_is_told_in_words(run: Run, here: Here, server: Loopback) -> None:
    server.tuning.plan = Plan(fails=("server_error", "A machine broke."))
    done = run("start", here.version.id, *HOSTED, "--yes", "--follow")
    assert done.code == 1
    assert "workbench: The training failed: " in done.err
    (training,) = trainings(here.database)
    assert "problem" in run("status", training.id).out
    assert run("status", training.id, "--follow", "--json").code == 1


def test_trouble_at_the_start_is_told_and_the_next_look_goes_on(run: Run, here: Here, server: Loopback) -> None:
    server.tuning.behave = creations(Status(503))
    done = run("start", here.version.id, *HOSTED, "--yes")
    assert done.code == 1
    assert "It is not begun yet: " in done.err
    (training,) = trainings(here.database)
    assert (training.state, training.handle) == ("preparing", None)
    server.tuning.behave = None
    assert run("status", training.id, "--json").json["state"] == "queued"
    assert calls(server, "POST", "/v1/files") == 1


def test_a_training_is_stopped_and_tried_again(run: Run, here: Here, server: Loopback) -> None:
    id = run("start", here.version.id, *HOSTED, "--yes", "--json").json["id"]
    done = run("cancel", id)
    assert (done.code, done.out.split()[:2]) == (0, [id, "cancelled"])
    assert "had ended before" in run("cancel", id).err
    again = run("retry", id, "--json")
    assert (again.code, again.json["tries"], again.json["state"]) == (0, 2, "preparing")
    assert calls(server, "POST", "/v1/files") == 1
    assert run("cancel", "nobody").complaint


def test_ctrl_c_leaves_a_training_to_go_on(here: Here, run: Run, server: Loopback) -> None:
    server.tuning.plan = Plan(running=10_000)
    command = [sys.executable, "-m", "workbench", "finetune", "start", here.version.id, *HOSTED, "--yes", "--follow"]
    with subprocess.Popen(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("running"):
                    break
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "It goes on by itself" in err
    assert "Stopped" not in err
    id = out.split()[0]
    assert run("status", id, "--json").json["state"] == "running"
    assert run("cancel", id, "--json").json["state"] == "cancelled"


# Models


def test_a_model_goes_live_and_back(run: Run, here: Here, trained: str) -> None:
    made = run("register", trained, "--name", "one", "--as", "bob", "--json").json
    assert (made["state"], made["curator"], made["licence"]) == ("candidate", "bob", "provider's terms")
    assert "already" in run("register", trained, "--name", "two").complaint
    done = run("promote", "one", "canary", "--share", "0.2")
    assert (done.code, "one 20%" in done.out) == (0, True)
    assert run("promote", "one", "canary", "--share", "0.3", "--json").json["change"]["action"] == "share"
    shut = run("promote", "one", "live")
    assert (shut.code, shut.out) == (1, "")
    assert "workbench: There is no frozen test set" in shut.err
    assert "--override" in shut.err
    told = run("promote", "one", "live", "--json")
    assert (told.code, told.json["change"], told.json["gate"]["open"]) == (1, None, False)
    assert "10 characters" in run("promote", "one", "live", "--override", "so").complaint
    assert "Only a canary" in run("promote", "one", "live", "--share", "0.2").complaint
    done = run("promote", "one", "live", "--override", WHY, "--as", "bob")
    assert (done.code, "one live" in done.out, WHY in done.out) == (0, True, True)
    assert "live" in run("models", "--tuned").out
    back = run("rollback", "--json").json
    assert (back["action"], back["after"]["live"], back["after"]["canary"]) == ("rollback", None, made["id"])
    trail = run("trail").out.splitlines()
    assert len(trail) == 5
    assert WHY in trail[1]
    assert run("trail", "--model", "one", "-n", "2", "--json").json[0]["action"] == "rollback"


def test_a_checkpoint_can_be_registered(run: Run, here: Here, trained: str) -> None:
    checkpoints = trainings(here.database)[0].checkpoints
    step = checkpoints[0]["step"]
    assert run("register", trained, "--name", "early", "--checkpoint", step).code == 0
    assert models(here.database)[0].model == checkpoints[0]["model"]
    assert f"It has them at {step}" in run("register", trained, "--name", "x", "--checkpoint", "999999").complaint
    assert "leave --model out" in run("register", "--name", "x", "--model", "y", "--checkpoint", "1").complaint


def test_an_open_gate_says_what_it_compared(run: Run, here: Here) -> None:
    id = run("register", "--name", "far", *ELSEWHERE, "--json").json["id"]
    freeze(here.database, here.version.id, name="held", curator="ada")
    rows = here.version.summary["splits"]["test"]
    for subject, kept in (("base", 0.5), (id, 0.9)):
        write_score(
            here.database, subject=subject, test="held", rows=rows, format_compliance=kept, plan_adherence=0.5,
            details={}, source="test",
        )  # fmt: skip
    done = run("promote", "far", "live")
    assert done.code == 0, done
    assert "format compliance 90.0%, no worse than base 50.0%, on test held" in done.err
    live = state(here.database).live
    assert live is not None
    assert live.id == id


def test_a_blocked_model_answers_nobody_until_it_is_unblocked(run: Run, here: Here) -> None:
    assert run("register", "--name", "far", *ELSEWHERE).code == 0
    assert run("promote", "far", "live", "--override", WHY).code == 0
    assert "base model live" in run("block", "far", "--reason", "It hums.").out
    assert "BLOCKED" in run("models", "--tuned").out
    for to in ("canary", "live"):
        barred = run("promote", "far", to, "--override", WHY, "--json")
        assert (barred.code, barred.json["change"]) == (1, None)
        assert "It hums." in barred.err
    assert run("unblock", "far").code == 0
    assert run("promote", "far", "canary").code == 0
    assert run("retire", "far", "--json").json["action"] == "retire"
    assert run("retire", "far").complaint
    assert run("rollback").code == 0
    assert run("promote", "far", "moon").complaint
    assert run("promote", "nobody", "live").complaint
    bad = ("--endpoint", "http://user:secret@host/v1", "--model", "n", "--base", "b", "--licence", "MIT")
    assert "secret" not in run("register", "--name", "y", *bad).complaint


def test_both_models_are_measured_on_held_out_requests(run: Run, here: Here, server: Loopback, trained: str) -> None:
    server.seen.clear()
    found = run("measure", trained, "--rows", "1")
    assert found.code == 0, found.err
    assert [line.split()[0] for line in found.out.splitlines()] == ["base", "tuned"]
    assert "of 1 fit the schema before any repair" in found.out
    assert "base: 1 of 2 requests" in found.err or "tuned: 2 of 2 requests" in found.err
    assert len([call for call in server.seen if call.path.endswith("/chat/completions")]) == 2
    assert "of 1 fit" in run("status", trained).out
    assert run("measure", trained, "--rows", "1", "--json").json["state"] == "done"
    assert "no training" in run("measure", "nothing").complaint
