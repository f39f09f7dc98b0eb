"""A model server beside the workbench: the workbench's own provider is answered, and it never outlives its use."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from strict_schema import conforms

from tests.core.finetune.local_material import ROOT, short_rows, tiny_model, write_rows
from workbench.core.compose.plan import plan
from workbench.core.errors import ModelRefusedError, WorkbenchError
from workbench.core.finetune.local.environment import beside_environment
from workbench.core.finetune.serving.process import served
from workbench.core.finetune.serving.server import missing
from workbench.core.generate.providers import Answer, Call, Message, ModelInfo, find_provider
from workbench.core.generate.wire import wire_schema
from workbench.core.music.request import Request
from workbench.core.settings import Settings

serves = pytest.mark.skipif(
    bool(missing(grammar=True)) and not os.environ.get("CI"), reason=f"Not tested: {missing(grammar=True)}."
)
NAME = "ft:tiny-1"
TITLED: dict[str, Any] = {
    "type": "object",
    "properties": {"key": wire_schema()["properties"]["key"], "title": {"type": "string", "maxLength": 12}},
    "required": ["key", "title"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    return tiny_model(folder / "tiny-1" / "merged", write_rows(folder / "rows.jsonl", short_rows(examples=4, keys=1)))


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    log = folder / "served.log"
    with served({NAME: folder}, log=log) as url:
        yield url
    assert log.read_text() == f"Serving {NAME} at {url}\n", "it ended without a complaint"
    assert not answers(url)


def answers(url: str) -> bool:
    try:
        with urlopen(url + "/models", timeout=5) as answer:
            return bool(json.load(answer)["data"])
    except OSError:
        return False


def call(said: str = "A march.", **more: Any) -> Call:
    request = Request(duration=30)
    return Call((Message("user", said),), more.pop("model", NAME), request, plan(request), **more)


def ask(url: str, *calls: Call) -> list[Answer | BaseException]:
    """The answers to calls that are made at the same time, by the provider that the workbench composes with."""

    async def answers() -> list[Answer | BaseException]:
        provider = find_provider("openai").make(Settings(OPENAI_BASE_URL=url))  # type: ignore[call-arg]
        try:
            assert await provider.models() == (ModelInfo(NAME, owner="this-machine"),)
            told = [provider.answer(each, lambda _: None) for each in calls]
            return await asyncio.gather(*told, return_exceptions=True)
        finally:
            await provider.close()

    return asyncio.run(answers())


@serves
def test_the_provider_gets_answers_that_fit_the_schema(url: str) -> None:
    answers = ask(url, *(call(schema=TITLED, seed=seed % 2, temperature=0.8) for seed in range(4)))
    for answer in answers:
        assert isinstance(answer, Answer)
        assert conforms(TITLED, json.loads(answer.text)) == []
        assert (answer.finish, answer.notes) == ("stop", ()), "nothing had to be left out"
        assert answer.tokens.exact
        assert answer.tokens.out > 3
        assert answer.first_token is not None
    texts = [answer.text for answer in answers if isinstance(answer, Answer)]
    assert texts[:2] == texts[2:]
    assert texts[0] != texts[1]
    (cut,) = ask(url, call(schema=wire_schema(), seed=1, max_tokens=30))
    assert isinstance(cut, Answer)
    assert (cut.finish, cut.tokens.out) == ("length", 30)


@serves
def test_the_provider_explains_what_is_refused(url: str) -> None:
    unknown, long, grammar = ask(
        url, call(model="ft:other"), call("a b " * 9000), call(schema={"type": "banana"}, max_tokens=5, seed=1)
    )
    assert isinstance(unknown, ModelRefusedError)
    assert unknown.kind == "http-404"
    assert isinstance(long, ModelRefusedError)
    assert "tokens; the model reads and writes 8,192 together" in str(long)
    assert isinstance(grammar, Answer)
    assert grammar.notes == ("asked without a schema",), "what no grammar can be made from is asked for as any JSON"


@serves
def test_a_server_ends_with_the_process_that_needed_it(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom workbench.core.finetune.serving.process import served\n"
        "with served({'m': sys.argv[1]}, grammar=False, log=Path(sys.argv[2])) as url:\n"
        "    print(url, flush=True)\n    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, str(folder), str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert answers(url)
        parent.kill()
    end = time.monotonic() + 30
    while answers(url):
        assert time.monotonic() < end
        time.sleep(0.1)


@serves
def test_a_server_ends_well_when_it_is_interrupted(folder: Path) -> None:
    command = [sys.executable, "-m", "workbench", "serve-model", str(folder), "--port", "0", "--threads", "1"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        assert said.startswith("Serving ft:tiny-1 at http://127.0.0.1:"), "it is called after its training"
        assert answers(said.split()[-1])
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(WorkbenchError, match="The model server ended: 'two words' cannot name a model") as problem,
        served({"two words": "some/model"}, log=tmp_path / "server.log"),
    ):
        pass
    assert "server.log" in problem.value.hint


@serves
def test_a_server_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(WorkbenchError, match=f"ended: 127.0.0.1:{port}: address already in use"),
            served({"m": "some/model"}, port=port, log=tmp_path / "server.log"),
        ):
            pass


def test_processes_beside_the_workbench_learn_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "WORKBENCH_SERVE_TOKEN", "WORKBENCH_DATABASE_URL", "MY_PASSWORD"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("HF_TOKEN", "for models of the hub")
    found = beside_environment()
    assert "secret" not in found.values()
    assert found["HF_TOKEN"] == "for models of the hub"
    assert found["PYTHONPATH"].split(os.pathsep)[0] == str(ROOT)
