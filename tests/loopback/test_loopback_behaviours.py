"""Every behaviour that answers badly, as OpenAI's own client meets it: sync and async, streamed and whole."""

from __future__ import annotations

import json

import openai
import pytest
from loopback import (
    Behaviour,
    ContentFilter,
    EchoModel,
    Empty,
    Garbage,
    Half,
    Hang,
    HangMidStream,
    Huge,
    Leaky,
    LengthStop,
    Loopback,
    Malformed,
    NotMusic,
    Refuse,
    Say,
    Slow,
    Status,
    WrongModel,
    WrongPiece,
)
from loopback_asking import Clients

from workbench.core.generate.sanitize import sanitize
from workbench.core.music.reading import read_structure

WORDS = "Ces–Ges ♭♯ 𝄞 ö"

# Texts


def test_a_text_of_the_tests_own(clients: Clients, how: str) -> None:
    got = clients.meet(Say(WORDS), how)
    assert (got.text, got.finish, got.failed) == (WORDS, "stop", None)


def test_a_refusal_has_no_content(clients: Clients, how: str) -> None:
    got = clients.meet(Refuse("I would rather not, though the request is polite."), how)
    assert (got.text, got.refusal) == ("", "I would rather not, though the request is polite.")
    assert got.finish == "stop"


@pytest.mark.parametrize(
    ("behaviour", "finish", "share"),
    [(ContentFilter(), "content_filter", 0.2), (LengthStop(), "length", 0.5), (Half(), "stop", 0.5)],
)
def test_an_answer_breaks_off(
    clients: Clients, how: str, usual: str, behaviour: Behaviour, finish: str, share: float
) -> None:
    got = clients.meet(behaviour, how)
    assert got.finish == finish
    assert got.text == usual[: int(len(usual) * share)]


def test_malformed_json_can_be_mended(clients: Clients, how: str, usual: str) -> None:
    got = clients.meet(Malformed(), how)
    assert "```json\n{\n  'schemaVersion': 1,\n" in got.text
    assert sanitize(got.text).structure == read_structure(usual)


def test_an_empty_answer(clients: Clients, how: str) -> None:
    got = clients.meet(Empty(), how)
    assert (got.text, got.refusal, got.finish, got.failed) == ("", "", "stop", None)


def test_json_that_is_no_music(clients: Clients, how: str) -> None:
    assert "sections" not in json.loads(clients.meet(NotMusic(), how).text)


def test_a_valid_piece_that_nobody_asked_for(clients: Clients, how: str, usual: str) -> None:
    right, wrong = read_structure(usual), read_structure(clients.meet(WrongPiece(), how).text)
    assert wrong.key != right.key
    assert wrong.form != right.form
    assert len(wrong.sections) < len(right.sections)


def test_another_model_says_that_it_answered(clients: Clients, how: str, usual: str) -> None:
    got = clients.meet(WrongModel("loop-tiny"), how)
    assert (got.text, got.model) == (usual, "loop-tiny")


def test_the_piece_names_its_model(clients: Clients, how: str) -> None:
    piece = read_structure(clients.meet(EchoModel(), how).text)
    assert "loop-large" in str(piece.title)
    assert "loop-large" in str(piece.reasoning)


def test_text_without_end(clients: Clients, how: str) -> None:
    got = clients.meet(Huge(3_000_000), how)
    assert 2_999_990 <= len(got.text) <= 3_000_000


# Statuses and other answers instead


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        (400, openai.BadRequestError, None),
        (401, openai.AuthenticationError, "invalid_api_key"),
        (403, openai.PermissionDeniedError, "unsupported_country_region_territory"),
        (404, openai.NotFoundError, "model_not_found"),
        (409, openai.ConflictError, "conflict"),
        (429, openai.RateLimitError, "rate_limit_exceeded"),
        (500, openai.InternalServerError, None),
        (502, openai.InternalServerError, None),
        (503, openai.InternalServerError, None),
    ],
)
def test_a_status(clients: Clients, code: int, kind: type[openai.APIStatusError], word: str | None) -> None:
    for how in ("sync whole", "async stream"):
        problem = clients.meet(Status(code), how).failed
        assert isinstance(problem, kind)
        assert problem.code == word
        assert str(problem.request_id).startswith("req_")


def test_a_status_with_words_and_a_time_to_wait(clients: Clients, how: str) -> None:
    problem = clients.meet(Status(429, retry_after=1.5, code_text="insufficient_quota"), how).failed
    assert isinstance(problem, openai.RateLimitError)
    assert (problem.code, problem.type, problem.response.headers["retry-after"]) == (
        "insufficient_quota",
        "insufficient_quota",
        "1.5",
    )
    problem = clients.meet(Status(502, message="No."), how).failed
    assert str(problem) == "Error code: 502 - No."


def test_a_leaky_error_repeats_what_is_secret(server: Loopback, clients: Clients, how: str) -> None:
    problem = clients.meet(Leaky(), how).failed
    assert isinstance(problem, openai.BadRequestError)
    assert f"Bearer {server.key}" in str(problem)
    assert "loop-large" in str(problem)


def test_a_page_instead_of_an_answer_is_a_text_or_an_empty_stream(clients: Clients, how: str) -> None:
    got = clients.meet(Garbage(), how)
    assert got.failed is None
    if how.endswith("stream"):
        assert (got.events, got.finish) == (0, None)
    else:
        assert str(got.odd).startswith("<!DOCTYPE html>")


# Time


def test_a_server_that_hangs(server: Loopback, clients: Clients, how: str) -> None:
    assert isinstance(clients.meet(Hang(), how, timeout=0.25).failed, openai.APITimeoutError)
    assert server.until(lambda server: server.cancelled == 1)
    problem = clients.meet(Hang(0.05), how).failed
    assert isinstance(problem, openai.APIConnectionError)
    assert not isinstance(problem, openai.APITimeoutError)
    assert server.cancelled == 1


def test_a_server_that_hangs_in_the_middle(clients: Clients, how: str, usual: str) -> None:
    got = clients.meet(HangMidStream(), how, timeout=0.25)
    assert isinstance(got.failed, openai.APITimeoutError)
    assert bool(got.text) == how.endswith("stream")
    assert usual.startswith(got.text)
    assert isinstance(clients.meet(HangMidStream(seconds=0.05), how).failed, openai.APIConnectionError)


def test_a_slow_server_gets_there(clients: Clients, how: str, usual: str) -> None:
    got = clients.meet(Slow(0.01, 1_000), how)
    assert got.text == usual
    assert got.events == (0 if how.endswith("whole") else 2 + -(-len(usual) // 1_000))
