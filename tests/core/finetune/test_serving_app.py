"""The HTTP side of a model server, with a model that writes as the test says: lines, leaving, limits, errors."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import openai
import pytest
from openai import OpenAI

from workbench.core.errors import InvalidInputError, ModelBrokeOffError, ModelRefusedError
from workbench.core.finetune.serving import app as serving
from workbench.core.finetune.serving.app import Line
from workbench.core.finetune.serving.asked import MAX_BODY, Asked
from workbench.core.finetune.serving.engine import OnText, Prepared, Written
from workbench.core.finetune.serving.server import http_server, token_for
from workbench.core.settings import Settings

TOKEN = "a-long-enough-token"


class Echo:
    """Says the last message again, or does what it says: wait, fail, break, write on until it is not wanted."""

    name = "echo"
    context = 100

    def __init__(self) -> None:
        self.go = threading.Event()
        self.writing: list[str] = []
        self.stopped = threading.Event()
        self.line: Line

    def prepare(self, asked: Asked) -> Prepared:
        if asked.messages[-1]["content"] == "too long":
            raise ModelRefusedError("It has 101 tokens.", kind="context_length_exceeded")
        if asked.schema == {"type": "nonsense"}:
            raise InvalidInputError("The schema makes no grammar.", field="response_format")
        return Prepared(asked, (1, 2, 3), 10, None)

    def write(self, prepared: Prepared, on_text: OnText, unwanted: Callable[[], bool]) -> Written:
        said = prepared.asked.messages[-1]["content"]
        self.writing.append(said)
        on_text(said[: len(said) // 2])
        if said == "wait":
            assert self.go.wait(10)
        if said == "fail":
            raise RuntimeError("a secret of the inside")
        if said == "break":
            raise ModelBrokeOffError("It broke off.", kind="nonsense")
        while said == "for ever":
            on_text(".")
            time.sleep(0.005)
            if unwanted():
                self.stopped.set()
                return Written("stopped", 3, 1)
        on_text(said[len(said) // 2 :])
        return Written("length" if said == "long" else "stop", 3, len(said))


@contextmanager
def running(model: Echo, token: str | None = None) -> Iterator[tuple[OpenAI, Any]]:
    ready = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        model.line = Line(model)
        server = http_server({"echo": model.line}, token, ready.set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        assert ready.wait(10)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        try:
            with OpenAI(base_url=url, api_key=token or "none", max_retries=0, timeout=20) as client:
                yield client, server
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def model() -> Echo:
    return Echo()


@pytest.fixture
def client(model: Echo) -> Iterator[OpenAI]:
    with running(model) as (client, _):
        yield client


def ask(client: OpenAI, said: str = "hello", **more: Any) -> Any:
    return client.chat.completions.create(model="echo", messages=[{"role": "user", "content": said}], **more)


def raw(client: OpenAI, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", client.base_url.port, timeout=20)
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_answer_in_one_piece_and_as_a_stream(client: OpenAI) -> None:
    whole = ask(client, "höher")
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == ("höher", "stop")
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (3, 5, 8)
    events = list(ask(client, "long", stream=True, stream_options={"include_usage": True}))
    assert "".join(event.choices[0].delta.content or "" for event in events[:-1]) == "long"
    assert events[0].choices[0].delta.role == "assistant"
    assert events[-2].choices[0].finish_reason == "length"
    assert (events[-1].choices, events[-1].usage.total_tokens) == ([], 7)
    assert len({event.id for event in events}) == 1
    assert all(event.usage is None for event in ask(client, stream=True))


def test_models_are_listed(client: OpenAI) -> None:
    assert [each.id for each in client.models.list()] == ["echo"]
    assert client.models.retrieve("echo").model_extra == {"max_model_len": 100}
    assert raw(client, "/health") == (200, {"status": "ok", "models": 1})


def test_refusals_have_the_shape_of_openai(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="other", messages=[{"role": "user", "content": "x"}])
    assert (unknown.value.code, unknown.value.type) == ("model_not_found", "invalid_request_error")
    with pytest.raises(openai.BadRequestError) as long:
        ask(client, "too long", stream=True)
    assert long.value.code == "context_length_exceeded"
    schema: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}
    with pytest.raises(openai.BadRequestError) as grammar:
        ask(client, response_format=schema)
    assert grammar.value.param == "response_format"
    with pytest.raises(openai.BadRequestError):
        ask(client, n=2)
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="echo", input="x")
    for path, body, status in (
        ("/v1/chat/completions", b"no JSON", 400),
        ("/v1/chat/completions", b"[" * 100, 413),
        ("/v1/chat/completions", b" " * (MAX_BODY + 1), 413),
        ("/v1/chat/completions", None, 405),
        ("/", None, 404),
    ):
        answered, error = raw(client, path, body)
        assert answered == status
        assert set(error["error"]) == {"message", "type", "param", "code"}


def test_a_fault_is_told_without_its_inside(client: OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(openai.InternalServerError) as fault:
        ask(client, "fail")
    with pytest.raises(openai.APIError) as streamed:
        list(ask(client, "fail", stream=True))
    for problem in (fault.value, streamed.value):
        assert "its log says more" in str(problem)
        assert "secret" not in str(problem)
    assert "a secret of the inside" in caplog.text
    with pytest.raises(openai.APIError, match="It broke off"):
        list(ask(client, "break", stream=True))
    assert ask(client).choices[0].message.content == "hello"


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_nobody_wants_stops(client: OpenAI, model: Echo, stream: bool) -> None:
    connection = HTTPConnection("127.0.0.1", client.base_url.port, timeout=20)
    body = {"model": "echo", "messages": [{"role": "user", "content": "for ever"}], "stream": stream}
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    until(lambda: bool(model.writing))
    connection.close()
    assert model.stopped.wait(10)
    until(lambda: model.line.inside == 0)


def test_a_line_is_bounded_and_everyone_gets_his_own_answer(
    client: OpenAI, model: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MAX_WAITING", 2)
    heard: dict[str, str] = {}

    def listen(said: str) -> None:
        heard[said] = "".join(event.choices[0].delta.content or "" for event in ask(client, said, stream=True))

    threads = [threading.Thread(target=listen, args=(said,)) for said in ("wait", "one", "two")]
    threads[0].start()
    until(lambda: model.writing == ["wait"])
    for thread in threads[1:]:
        thread.start()
    until(lambda: model.line.inside == 3)
    with pytest.raises(openai.RateLimitError) as busy:
        ask(client, "three")
    assert busy.value.response.headers["Retry-After"]
    assert model.writing == ["wait"], "one at a time"
    model.go.set()
    for thread in threads:
        thread.join(10)
    assert heard == {"wait": "wait", "one": "one", "two": "two"}


def test_a_server_that_is_stopped_says_so_to_those_who_listen(model: Echo) -> None:
    with running(model) as (client, server):
        events = iter(ask(client, "for ever", stream=True))
        next(events)
        server.should_exit = True
        with pytest.raises(openai.APIError, match="being stopped"):
            list(events)
    assert model.stopped.is_set()


def test_pages_of_other_sites_are_not_answered(client: OpenAI, model: Echo) -> None:
    body = json.dumps({"model": "echo", "messages": [{"role": "user", "content": "hello"}]}).encode()
    status, _ = raw(client, "/v1/chat/completions", body, Origin="https://example.com")
    assert (status, model.writing) == (403, [])
    assert raw(client, "/v1/chat/completions", body)[0] == 200


def test_with_a_token_only_its_owners_are_let_in(model: Echo) -> None:
    with running(model, TOKEN) as (client, _):
        assert ask(client).choices[0].message.content == "hello"
        for given in ("", "wrong", TOKEN + "x", "é"):
            status, answer = raw(client, "/v1/models", Authorization=f"Bearer {given}")
            assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
        assert raw(client, "/v1/chat/completions", b"{}")[0] == 401
        assert raw(client, "/health")[0] == 200


def test_other_machines_need_a_token() -> None:
    without, holder = Settings(), Settings(WORKBENCH_SERVE_TOKEN=TOKEN)  # type: ignore[call-arg]
    for host in ("127.0.0.1", "localhost", "::1"):
        assert token_for(host, without) is None
        assert token_for(host, holder) == TOKEN
    for host in ("0.0.0.0", "::", "music.example"):
        assert token_for(host, holder) == TOKEN
        with pytest.raises(InvalidInputError, match="Set WORKBENCH_SERVE_TOKEN"):
            token_for(host, without)
    assert TOKEN not in repr(holder)
