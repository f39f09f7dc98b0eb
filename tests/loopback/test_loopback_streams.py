"""Streams and connections that break, and all behaviours together, as OpenAI's own client meets them."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any

import openai
import pytest
from loopback import (
    BadEvent,
    Behaviour,
    ContentFilter,
    Cut,
    EchoModel,
    Half,
    LengthStop,
    Loopback,
    NotMusic,
    OddChunks,
    Refuse,
    Slow,
    StreamError,
    WrongModel,
    at_random,
    every_failure,
    every_success,
)
from loopback_asking import Clients, Got, user
from openai import OpenAI
from pydantic import BaseModel

from workbench.core.errors import InvalidInputError
from workbench.core.music.reading import read_structure

WORDS = "Ces–Ges ♭♯ 𝄞 ö " * 120


# Broken streams


@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_connection_is_cut(server: Loopback, clients: Clients, how: str, usual: str, end: Any) -> None:
    got = clients.meet(Cut(0.5, end), how)
    assert isinstance(got.failed, openai.APIConnectionError)
    assert not isinstance(got.failed, openai.APITimeoutError)
    assert usual.startswith(got.text)
    assert bool(got.text) == how.endswith("stream")
    assert isinstance(clients.meet(Cut(0.0, end), how).failed, openai.APIConnectionError)
    assert server.cancelled == 0


def test_a_stream_without_its_end_raises_nothing(clients: Clients, streamed: str, usual: str) -> None:
    got = clients.meet(Cut(0.5, "tidy"), streamed)
    assert (got.failed, got.finish) == (None, None)
    assert 0 < len(got.text) < len(usual)


def test_half_a_body_is_a_json_error(clients: Clients, whole: str) -> None:
    assert isinstance(clients.meet(Cut(0.5, "tidy"), whole).failed, json.JSONDecodeError)


def test_an_event_that_is_no_json_is_a_json_error(clients: Clients, how: str, usual: str) -> None:
    got = clients.meet(BadEvent(), how)
    assert isinstance(got.failed, json.JSONDecodeError)
    assert usual.startswith(got.text)


def test_an_error_in_a_stream_has_no_status(clients: Clients, streamed: str) -> None:
    got = clients.meet(StreamError(), streamed)
    assert type(got.failed) is openai.APIError
    assert got.text


def test_a_late_error_of_a_whole_answer_is_a_500(clients: Clients, whole: str) -> None:
    assert isinstance(clients.meet(StreamError(), whole).failed, openai.InternalServerError)


@pytest.fixture
def wordy(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """The server, with an answer full of characters of several bytes, in short deltas."""
    monkeypatch.setattr(server, "answer", lambda _: WORDS)
    monkeypatch.setattr(server, "size", 7)
    return server


@pytest.mark.parametrize("seed", range(6))
def test_odd_chunks_carry_the_same_text(wordy: Loopback, clients: Clients, how: str, seed: int) -> None:
    got = clients.meet(OddChunks(seed), how)
    assert (got.failed, got.text, got.finish) == (None, WORDS, "stop")
    assert wordy.cancelled == 0


def test_odd_chunks_are_odd(wordy: Loopback, client: OpenAI) -> None:
    wordy.queue(OddChunks(1))
    asking: Any = {"model": "loop-large", "messages": user(), "stream": True}
    with client.chat.completions.with_streaming_response.create(**asking) as response:
        pieces = list(response.iter_bytes())
    text = b"".join(pieces)
    assert b": keep-alive" in text
    assert b"\r\n\r\n" in text
    assert b"data:{" in text
    assert b'"delta":{}' in text
    assert any(0x80 <= piece[0] < 0xC0 for piece in pieces)
    assert any(piece.count(b"data:") > 1 for piece in pieces)
    assert any(b"data:" not in piece for piece in pieces)


# What the client makes of an answer by itself


class Piece(BaseModel):
    key: str
    tempo: float


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        (LengthStop(), openai.LengthFinishReasonError),
        (ContentFilter(), openai.ContentFilterFinishReasonError),
        (Half(), ValueError),
        (NotMusic(), ValueError),
    ],
)
def test_parsing_raises(server: Loopback, client: OpenAI, behaviour: Behaviour, kind: type[Exception]) -> None:
    asking: Any = {"model": "loop-large", "messages": user(), "response_format": Piece}
    server.queue(behaviour, behaviour)
    with pytest.raises(kind):
        client.chat.completions.parse(**asking)
    with pytest.raises(kind), client.chat.completions.stream(**asking) as stream:
        stream.until_done()


def test_parsing_keeps_a_refusal(server: Loopback, client: OpenAI) -> None:
    server.queue(Refuse("No."))
    answer = client.chat.completions.parse(model="loop-large", messages=user(), response_format=Piece)
    assert (answer.choices[0].message.parsed, answer.choices[0].message.refusal) == (None, "No.")


# All together


def good(got: Got) -> bool:
    if got.failed or got.finish != "stop":
        return False
    try:
        piece = read_structure(got.text)
    except InvalidInputError:
        return False
    return (piece.key, piece.form) == ("d minor", "ABA")


def test_no_failure_looks_like_a_good_answer_and_every_success_does(clients: Clients) -> None:
    for how in ("sync stream", "async whole"):
        assert [failure for failure in every_failure() if good(clients.meet(failure, how))] == []
        assert [success for success in every_success() if not good(clients.meet(success, how))] == []


def test_about_four_in_ten_succeed_at_random() -> None:
    rng = random.Random(5)
    drawn = Counter(type(at_random(rng)) for _ in range(4_000))
    fine = sum(drawn[kind] for kind in (type(None), OddChunks, Slow, WrongModel, EchoModel))
    assert 1_480 < fine < 1_720
    assert set(drawn) == {type(None), *map(type, every_failure()), *map(type, every_success())}


def test_a_crowd_of_clients_meets_everything(server: Loopback, clients: Clients) -> None:
    rng = random.Random(11)
    server.behave = lambda _: at_random(rng)

    async def crowd() -> list[Got]:
        return await asyncio.gather(*(clients.asked_async(bool(number % 2), 5.0) for number in range(60)))

    answers = clients.run(crowd())
    assert 10 < sum(map(good, answers)) < 45
    assert any(got.failed for got in answers)
    assert server.until(lambda server: server.in_flight == 0)
    assert server.troubles == []
