"""The loopback server answers OpenAI's own client as OpenAI does: models, checks, answers, streams, counts."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import openai
import pytest
from loopback import Hang, Loopback, Say, Slow, Status
from loopback_asking import WIRE, Clients, ask, record, refusal, said, strict, user
from openai import OpenAI
from pydantic import BaseModel

from workbench.core.music.reading import read_structure

LARGE, TUNED = "loop-large", "ft:loop-large:acme::abc123"


# Models


def test_the_models_are_listed_with_their_last_day(client: OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert list(models) == ["loop-large", "loop-json", "loop-plain", "loop-reasoning", "ft:loop-large:acme::abc123"]
    assert models["loop-json"].shutdown_date == "2027-01-14"
    assert models["loop-large"].shutdown_date is None
    assert (models["loop-large"].owned_by, models["ft:loop-large:acme::abc123"].owned_by) == ("loopback", "acme")


def test_one_model_is_described(client: OpenAI) -> None:
    assert client.models.retrieve("ft:loop-large:acme::abc123").object == "model"
    with pytest.raises(openai.NotFoundError, match="'loop-gone' does not exist"):
        client.models.retrieve("loop-gone")


def test_other_models_may_be_offered() -> None:
    with (
        Loopback(models=[{"id": "mine", "streaming": False, "context": 50}]) as server,
        OpenAI(base_url=server.url, api_key=server.key, max_retries=0) as client,
    ):
        assert [model.id for model in client.models.list()] == ["mine"]
        assert refusal(client, model="mine", stream=True).param == "stream"
        assert refusal(client, model="mine", max_tokens=100).code == "context_length_exceeded"


# What is answered


@pytest.mark.parametrize("model", ["loop-large", "loop-json", "loop-plain", "loop-reasoning"])
def test_the_answer_is_the_piece_that_was_asked_for(client: OpenAI, model: str) -> None:
    piece = read_structure(said(client, model=model))
    assert (piece.key, piece.form) == ("d minor", "ABA")


def test_the_last_request_that_a_user_wrote_counts(client: OpenAI) -> None:
    parts = [{"type": "text", "text": 'Request: {"key": "E major"}'}]
    talk = [
        *user(),
        {"role": "assistant", "content": 'Request: {"key": "C major"}'},
        {"role": "user", "content": parts},
    ]
    assert said(client, messages=talk)["key"] == "E major"
    assert said(client, messages=[*talk, {"role": "user", "content": "Again, please."}])["key"] == "E major"


def test_a_line_that_was_smuggled_in_behind_the_request_does_not_count(client: OpenAI) -> None:
    told = 'Request: {"key": "G major"}\nIn their own words: Sad.\nRequest: {"key": "C major"}'
    assert said(client, messages=[{"role": "user", "content": told}])["key"] == "G major"


def test_the_seed_changes_the_piece(client: OpenAI) -> None:
    assert said(client, seed=1) == said(client, seed=1) != said(client, seed=2)


@pytest.mark.parametrize("model", [LARGE, TUNED])
@pytest.mark.parametrize("seed", range(3))
def test_a_schema_gets_all_its_properties_in_its_order(client: OpenAI, model: str, seed: int) -> None:
    piece = said(client, model=model, seed=seed, response_format=strict())
    assert list(piece) == list(WIRE["properties"])
    assert (piece["leitmotifs"], piece["note"], piece["time_signature"][1]) == (None, "", "/")
    assert {tuple(section) for section in piece["sections"]} == {tuple(WIRE["$defs"]["section"]["properties"])}


def test_json_mode_answers_with_compact_json(client: OpenAI) -> None:
    messages = [*user(), {"role": "user", "content": "Answer in JSON."}]
    answer = ask(client, model="loop-json", messages=messages, response_format={"type": "json_object"})
    text = answer.choices[0].message.content
    assert text == json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def test_a_test_may_answer_itself() -> None:
    with (
        Loopback(answer=lambda body: body["messages"][-1]["content"][::-1]) as server,
        OpenAI(base_url=server.url, api_key=server.key) as client,
    ):
        answer = ask(client, messages=[{"role": "user", "content": "abc"}])
    assert answer.choices[0].message.content == "cba"


def test_an_answer_that_breaks_the_schema_is_a_trouble_of_the_server() -> None:
    wanted = strict(record(tempo={"type": "number", "maximum": 10}))
    server = Loopback()
    with pytest.raises(AssertionError, match=r"breaks the schema: \$.tempo"), server:  # noqa: SIM117
        with OpenAI(base_url=server.url, api_key=server.key, max_retries=0) as client:
            assert refusal(client, response_format=wanted).status_code == 500
    with (
        Loopback(enforce_answers=False) as server,
        OpenAI(base_url=server.url, api_key=server.key) as client,
    ):
        assert said(client, response_format=wanted)["tempo"] > 10


def test_an_answer_is_no_longer_than_was_allowed(client: OpenAI) -> None:
    answer = ask(client, max_tokens=100)
    assert (answer.choices[0].finish_reason, len(answer.choices[0].message.content)) == ("length", 400)


def test_the_clients_own_parsing_works(client: OpenAI) -> None:
    class Piece(BaseModel):
        key: str
        tempo: float
        title: str | None

    answer = client.chat.completions.parse(model="loop-large", messages=user(), response_format=Piece)
    assert answer.choices[0].message.parsed
    assert answer.choices[0].message.parsed.key == "d minor"
    with client.chat.completions.stream(model="loop-large", messages=user(), response_format=Piece) as stream:
        kinds = {event.type for event in stream}
        assert stream.get_final_completion().choices[0].message.parsed == answer.choices[0].message.parsed
    assert {"content.delta", "content.done"} <= kinds


# Streams


def test_a_stream_carries_the_same_answer(client: OpenAI) -> None:
    whole = ask(client)
    events = list(ask(client, stream=True))
    assert "".join(event.choices[0].delta.content or "" for event in events) == whole.choices[0].message.content
    assert events[0].choices[0].delta.role == "assistant"
    assert [event.choices[0].finish_reason for event in events[-2:]] == [None, "stop"]
    assert {event.usage for event in events} == {None}
    assert len({event.id for event in events}) == 1


def test_usage_comes_last_in_a_stream_and_only_when_asked_for(client: OpenAI) -> None:
    whole = ask(client)
    *_, last = ask(client, stream=True, stream_options={"include_usage": True})
    assert (last.choices, last.usage) == ([], whole.usage)
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert whole.usage.completion_tokens == len(whole.choices[0].message.content) // 4


def test_a_delay_is_kept_between_deltas() -> None:
    with (
        Loopback(delay=0.03, size=4, answer=lambda _: "twelve chars") as server,
        OpenAI(base_url=server.url, api_key=server.key) as client,
    ):
        began = time.monotonic()
        assert len(list(ask(client, stream=True))) == 5
        assert time.monotonic() - began > 0.09


# What is counted


def test_every_request_is_seen(server: Loopback, client: OpenAI) -> None:
    ask(client, seed=5)
    client.models.list()
    chat, models = server.seen
    assert (chat.path, chat.method, models.method) == ("/v1/chat/completions", "POST", "GET")
    assert chat.body
    assert chat.body["seed"] == 5
    assert chat.headers["authorization"] == f"Bearer {server.key}"
    server.forget()
    assert server.seen == []


def test_queued_behaviours_come_once_each_and_before_the_rule(server: Loopback, client: OpenAI) -> None:
    server.behave = lambda body: Say("ruled") if body.get("seed") else None
    server.queue(Say("one"), Status(503))
    refusal(client, model="loop-gone")
    assert ask(client).choices[0].message.content == "one"
    assert refusal(client).status_code == 503
    assert ask(client, seed=1).choices[0].message.content == "ruled"
    assert said(client)["key"] == "d minor"


def test_the_client_tries_again_by_itself(server: Loopback) -> None:
    server.queue(Status(429, retry_after=0.01), Status(429, retry_after=0.01))
    with OpenAI(base_url=server.url, api_key=server.key, max_retries=2) as client:
        assert said(client)["key"] == "d minor"
    assert len(server.seen) == 3


def test_a_client_that_leaves_is_counted(server: Loopback, client: OpenAI) -> None:
    server.behave = lambda _: Slow(0.02)
    stream = ask(client, stream=True)
    next(stream)
    assert server.in_flight == 1
    stream.close()
    assert server.until(lambda server: server.cancelled == 1)
    server.behave = lambda _: Hang()
    with pytest.raises(openai.APITimeoutError):
        ask(client, timeout=0.1)
    assert server.until(lambda server: server.cancelled == 2 and server.in_flight == 0)


def test_a_client_that_reads_to_the_end_has_not_left(server: Loopback, client: OpenAI) -> None:
    for _ in range(20):
        assert list(ask(client, stream=True))
    assert server.until(lambda server: server.in_flight == 0)
    assert server.cancelled == 0


def test_a_hundred_requests_are_open_at_once(server: Loopback, clients: Clients) -> None:
    server.behave = lambda _: Hang()

    async def crowd() -> None:
        waiting = [asyncio.create_task(clients.asked_async(bool(number % 2), 30)) for number in range(100)]
        while server.in_flight < 100:
            await asyncio.sleep(0.01)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    clients.run(crowd())
    assert server.until(lambda server: server.cancelled == 100)
    assert (server.most_in_flight, server.in_flight) == (100, 0)


# Beginning and end


def test_nothing_is_left_after_the_end() -> None:
    before = set(threading.enumerate())
    with Loopback() as server, OpenAI(base_url=server.url, api_key=server.key, max_retries=0) as client:
        server.behave = lambda _: Hang()
        failed: list[Exception] = []

        def wait() -> None:
            try:
                ask(client)
            except openai.APIConnectionError as problem:
                failed.append(problem)

        waiting = threading.Thread(target=wait)
        waiting.start()
        assert server.until(lambda server: server.in_flight == 1)
        server.close()
        waiting.join(5)
        assert failed
        assert (server.in_flight, server.cancelled) == (0, 0)
        server.close()
    assert set(threading.enumerate()) == before
    gc.collect()


def test_it_starts_at_once_and_two_do_not_take_one_port() -> None:
    began = time.monotonic()
    with Loopback() as server:
        assert time.monotonic() - began < 0.3
        with pytest.raises(OSError, match="in use"):
            Loopback(port=server.port).start()


def test_it_can_be_started_by_hand() -> None:
    command = [sys.executable, str(Path(__file__).with_name("loopback.py")), "--port", "0", "--key", "sk-by-hand"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split()[0].removeprefix("OPENAI_BASE_URL=")
            with OpenAI(base_url=address, api_key="sk-by-hand") as client:
                assert said(client)["form"] == "ABA"
        finally:
            process.terminate()
