"""A question is asked again where that may help, and answers are read however they are cut into pieces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.generate.providers import talking
from workbench.core.generate.providers.endpoints import Endpoints, place_of
from workbench.core.generate.providers.talking import Line, Refusal, Reply, Reported, Unreached
from workbench.core.settings import Settings

# How a stream is read -----------------------------------------------------------------------------------------------


class Content:
    """Bytes that come in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)

    async def iter_any(self) -> AsyncIterator[bytes]:
        while self.pieces:
            yield self.pieces.pop(0)

    def at_eof(self) -> bool:
        return not self.pieces


class Response:
    """As much of an answer as is read."""

    def __init__(self, *pieces: bytes) -> None:
        self.content = Content(*pieces)

    def release(self) -> None:
        """Nothing to let go of."""


def events_of(*pieces: bytes) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        async with Reply(Response(*pieces), 0) as reply:  # type: ignore[arg-type]
            return [each async for each in reply.events()]

    return asyncio.run(read())


STREAM = (
    b'data: {"a": 1}\r\n\r\n: a comment\n\nevent: x\rdata:{"b":\rdata: 2}\r\rdata: {"c": "\xc3\xa9"}\n\n'
    b"data: [1]\n\ndata: [DONE]\n\ndata: no json\n\n"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_however_a_stream_is_cut_its_events_are_the_same(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[one:other] for one, other in pairwise(places)]
    assert events_of(*pieces) == [{"a": 1}, {"b": 2}, {"c": "é"}]


def test_a_stream_that_ends_early_gives_what_was_whole() -> None:
    assert events_of(b'data: {"a": 1}\n\ndata: {"b"') == [{"a": 1}]
    assert events_of() == []


@pytest.mark.parametrize(
    ("stream", "problem"),
    [
        (b'data: {"error": {"message": "overloaded"}}\n\n', Reported),
        (b'data: {"error": 7}\n\n', Reported),
        (b"data: {broken\n\n", ValueError),
        (b"data: \xff\xfe\n\n", ValueError),
        (b"data: " + b"[" * 100_000 + b"\n\n", RecursionError),
    ],
)
def test_what_is_no_answer_is_told(stream: bytes, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        events_of(stream)


def test_what_has_no_end_is_not_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "MOST", 1000)
    with pytest.raises(ValueError, match="a line has no end"):
        events_of(*[b"x" * 100] * 20)
    with pytest.raises(ValueError, match="an event has no end"):
        events_of(*[b"data: 0123456789\n" * 10] * 20)


# How a question is asked --------------------------------------------------------------------------------------------


def answer(status: int, body: object = None, **headers: str) -> bytes:
    data = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


def told(answers: list[bytes], ask: Callable[[str], Any]) -> tuple[Any, list[str], int]:
    """What came of asking a server that gives these answers; the heads that it was sent, and its connections."""
    heads: list[str] = []
    connections = 0

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                heads.append(head)
                if "Content-Length: " in head:
                    await reader.readexactly(int(head.split("Content-Length: ")[1].split()[0]))
                if not answers:
                    break
                writer.write(answers.pop(0))
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    async def run() -> Any:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        async with server:
            try:
                return await ask(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
            except Exception as problem:
                return problem

    return asyncio.run(run()), heads, connections


async def asked(url: str, times: int = 1, path: str = "chat/completions", **headers: str) -> list[Any]:
    line = Line(url, headers, most=2, seconds=5.0)
    found = []
    try:
        for _ in range(times):
            async with await line.ask(path, {"q": 1}) as reply:
                found.append((await reply.whole(), reply.tries))
    finally:
        await line.close()
    return found


def test_one_connection_serves_one_question_after_the_other_and_the_query_stays() -> None:
    found, heads, connections = told(
        [answer(200, {"n": 1}), answer(200, [7])], lambda at: asked(f"http://{at}/v1/?api-version=3", 2)
    )
    assert found == [({"n": 1}, 0), ({}, 0)]
    assert connections == 1
    assert heads[0].startswith("POST /v1/chat/completions?api-version=3 HTTP/1.1")


def test_a_name_and_a_password_in_an_address_open_it_and_are_not_in_the_address() -> None:
    found, heads, _ = told(
        [answer(200, {})], lambda at: asked(f"http://ada:p%40ss@{at}/v1", Authorization="Bearer sk-1")
    )
    assert found == [({}, 0)]
    assert "Authorization: Basic YWRhOnBAc3M=" in heads[0]
    assert "sk-1" not in heads[0]
    assert "ada" not in heads[0]


@pytest.mark.parametrize(
    "first", [answer(503, retry_after="0.01"), answer(429, retry_after_ms="5"), answer(400, x_should_retry="true")]
)
def test_what_passes_is_asked_again(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 4.0)
    found, heads, _ = told([first, answer(200, {"n": 1})], lambda at: asked(f"http://{at}"))
    assert (found, len(heads)) == ([({"n": 1}, 1)], 2)


@pytest.mark.parametrize(
    "only",
    [
        answer(400, {"error": {"message": "no", "code": 7, "param": "seed"}}),
        answer(429, {"message": "no", "code": 7, "param": "seed"}, retry_after="1000"),
        answer(503, {"error": {"message": "no", "code": 7, "param": "seed"}}, x_should_retry="false"),
    ],
)
def test_what_does_not_pass_is_not_asked_again(only: bytes) -> None:
    found, heads, _ = told([only], lambda at: asked(f"http://{at}"))
    assert isinstance(found, Refusal)
    assert str(found) == f"Error code: {found.status} - no"
    assert (found.code, found.param, len(heads)) == ("7", "seed", 1)


def test_who_hangs_up_is_asked_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 4.0)  # no pause
    found, heads, _ = told([], lambda at: asked(f"http://{at}"))
    assert isinstance(found, Unreached)
    assert len(heads) == 3


@pytest.mark.parametrize("url", ["", "nowhere", "ftp://here/v1", "http://", "http://[::1", "\x00", "http://a:b:c/"])
def test_an_address_that_is_none_is_told_at_once(url: str) -> None:
    with pytest.raises(Unreached):
        asyncio.run(asked(url))


def test_the_environment_s_own_place_is_told_what_the_environment_holds_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway: gw-1\n\nbroken")

    async def ask(at: str) -> None:
        settings = Settings.model_validate({"OPENAI_BASE_URL": f"http://{at}", "OPENAI_API_KEY": "sk-1"})
        endpoints = Endpoints(settings)
        await endpoints.at(place_of("", settings)).line.ask("models")
        await endpoints.close()

    found, heads, _ = told([answer(200, {})], ask)
    assert found is None
    assert heads[0].startswith("GET /models HTTP/1.1")
    for header in ("OpenAI-Organization: org-1", "X-Gateway: gw-1", "Authorization: Bearer sk-1"):
        assert header in heads[0]


def test_the_proxy_that_the_environment_names_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(at: str) -> Any:
        monkeypatch.setenv("http_proxy", f"http://{at}")
        return await asked("http://model.invalid/v1")

    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    found, heads, _ = told([answer(200, {"n": 1})], ask)
    assert found == [({"n": 1}, 0)]
    assert heads[0].startswith("POST http://model.invalid/v1/chat/completions HTTP/1.1")
