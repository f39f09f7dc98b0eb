"""What the loopback server refuses before any model sees it, in OpenAI's own words."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from loopback import Loopback
from loopback_asking import WIRE, ask, record, refusal, said, strict, user
from openai import OpenAI


def test_a_wrong_key_is_refused_without_repeating_it(server: Loopback) -> None:
    with OpenAI(base_url=server.url, api_key="sk-wrong-0123456789", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.models.list()
        assert caught.value.code == refusal(client).code == "invalid_api_key"
        assert "sk-wrong-0123456789" not in str(caught.value)
    assert [seen.path for seen in server.seen] == ["/v1/models", "/v1/chat/completions"]


@pytest.mark.parametrize(
    ("change", "status", "code", "param", "words"),
    [
        ({"model": "loop-gone"}, 404, "model_not_found", None, "`loop-gone` does not exist"),
        ({"messages": []}, 400, "empty_array", "messages", "empty array"),
        ({"messages": "Hi"}, 400, "invalid_type", "messages", "array of objects"),
        ({"messages": [{"role": "bard", "content": "Hi"}]}, 400, "invalid_value", "messages[0].role", "'bard'"),
        ({"messages": [{"role": "user", "content": 4}]}, 400, "invalid_type", "messages[0].content", "a string"),
        ({"messages": [{"role": "user", "content": None}]}, 400, "invalid_type", "messages[0].content", "a string"),
        ({"temperature": 3}, 400, "number_above_max_value", "temperature", "from 0 to 2"),
        ({"max_tokens": 0}, 400, "number_below_min_value", "max_tokens", "but got 0"),
        ({"seed": 0.5}, 400, "invalid_type", "seed", "integer"),
        ({"reasoning_effort": "low"}, 400, "unsupported_parameter", "reasoning_effort", "not supported"),
        ({"extra_body": {"guided_json": {}}}, 400, None, None, "Unrecognized request argument supplied: guided_json"),
        ({"stream_options": {"include_usage": True}}, 400, None, "stream_options", "only allowed when 'stream'"),
        ({"max_tokens": 128_000}, 400, "context_length_exceeded", "messages", "maximum context length is 128000"),
        ({"response_format": {"type": "yaml"}}, 400, "invalid_value", "response_format.type", "'yaml'"),
        ({"response_format": {"type": "json_object"}}, 400, None, "messages", "must contain the word 'json'"),
        ({"model": "loop-json", "response_format": strict()}, 400, None, None, "'json_schema' is not supported"),
        ({"model": "loop-plain", "response_format": strict()}, 400, None, None, "'json_schema' is not supported"),
        (
            {"model": "loop-plain", "response_format": {"type": "json_object"}},
            400,
            None,
            "response_format",
            "'json_object' is not supported",
        ),
        ({"messages": user('{"form": 7}')}, 400, None, "messages", "cannot compose this: form"),
    ],
)
def test_a_request_is_refused(
    client: OpenAI, change: dict[str, Any], status: int, code: str | None, param: str | None, words: str
) -> None:
    problem = refusal(client, **change)
    assert (problem.status_code, problem.code, problem.param) == (status, code, param)
    assert problem.type == "invalid_request_error"
    assert words in str(problem)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"temperature": 0.2}, "unsupported_value"),
        ({"max_tokens": 500}, "unsupported_parameter"),
        ({"top_p": 0.5}, "unsupported_parameter"),
    ],
)
def test_a_reasoning_model_refuses_sampling(client: OpenAI, change: dict[str, Any], code: str) -> None:
    problem = refusal(client, model="loop-reasoning", **change)
    assert (problem.code, problem.param, problem.type) == (code, *change, "invalid_request_error")


def test_a_reasoning_model_counts_its_thoughts(client: OpenAI) -> None:
    answer = ask(client, model="loop-reasoning", temperature=1, max_completion_tokens=9_000, reasoning_effort="low")
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (strict(name="my piece"), "does not match pattern"),
        (strict(name="x" * 65), "maximum length 64"),
        ({"type": "json_schema"}, "Missing required parameter: 'response_format.json_schema'"),
        (
            {"type": "json_schema", "json_schema": {"schema": WIRE}},
            "Missing required parameter: 'response_format.json_",
        ),
        ({"type": "json_schema", "json_schema": {"name": "x", "strict": True}}, "json_schema.schema'"),
        (
            strict(WIRE | {"additionalProperties": True}),
            "Invalid schema for response_format 'structure': In context=(), 'additionalProperties' is required",
        ),
    ],
)
def test_a_schema_is_refused(client: OpenAI, wanted: Any, words: str) -> None:
    assert words in str(refusal(client, response_format=wanted))


def test_only_a_fine_tuned_model_refuses_bounds_in_a_schema(client: OpenAI) -> None:
    wanted = strict(record(tempo={"type": "number", "minimum": 40}))
    assert said(client, response_format=wanted)["tempo"] >= 40
    problem = refusal(client, model="ft:loop-large:acme::abc123", response_format=wanted)
    assert "In context=('properties', 'tempo'), 'minimum' is not permitted." in str(problem)
    assert problem.param == "response_format"


def test_what_is_no_json_and_what_is_nowhere(server: Loopback, client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client.embeddings.create(model="loop-large", input="x")
    with pytest.raises(openai.BadRequestError, match="could not parse"):
        client.post("/chat/completions", cast_to=object, content=b"{", options={"headers": {"X-Odd": "Yes"}})
    assert (server.seen[-1].body, server.seen[-1].headers["x-odd"]) == (None, "Yes")
