"""What the loopback model answers to a chat request, and the JSON it is wrapped in."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from loopback_behaviours import (
    Behaviour,
    ContentFilter,
    EchoModel,
    Empty,
    Half,
    Huge,
    LengthStop,
    Malformed,
    NotMusic,
    Refuse,
    Say,
    WrongModel,
    WrongPiece,
)
from loopback_pieces import asked, malformed, naming, other_piece, piece, schema_of, written
from loopback_requests import estimate, token_limit
from strict_schema import conforms

Answer = Callable[[dict[str, Any]], str]
NOT_MUSIC = {"answer": 42, "note": "I prefer painting."}
THOUGHT = 64
"""Tokens that a reasoning model is said to have thought with."""
_NUMBERS = itertools.count(1)


class SchemaBrokenError(Exception):
    """The loopback model's own answer does not obey the schema that was sent along."""


@dataclass(frozen=True)
class Reply:
    """One answer, before it is wrapped and sent."""

    id: str
    model: str
    content: str | None
    refusal: str | None
    finish: str
    usage: dict[str, Any]


def make_reply(
    body: dict[str, Any], model: dict[str, Any], behaviour: Behaviour | None, answer: Answer | None, *, enforce: bool
) -> Reply:
    """The answer to a chat request that was found in order.

    Raises:
        WorkbenchError: the request for a piece that it holds cannot be read or planned.
        SchemaBrokenError: ``enforce`` is on, and the composed piece breaks a strict schema.
    """
    text, finish = _text(body, behaviour, answer, enforce), "stop"
    match behaviour:
        case ContentFilter(share):
            text, finish = text[: int(len(text) * share)], "content_filter"
        case LengthStop(share):
            text, finish = text[: int(len(text) * share)], "length"
        case Half(share):
            text = text[: int(len(text) * share)]
        case Malformed():
            text = malformed(text)
    limit = token_limit(body)
    if limit and finish == "stop" and len(text) // 4 > limit and not isinstance(behaviour, Huge | Refuse):
        text, finish = text[: 4 * limit], "length"
    refused = isinstance(behaviour, Refuse)
    return Reply(
        id=f"chatcmpl-loop{next(_NUMBERS):08d}",
        model=behaviour.name if isinstance(behaviour, WrongModel) else str(body["model"]),
        content=None if refused else text,
        refusal=text if refused else None,
        finish=finish,
        usage=_usage(body, model, text),
    )


def _text(body: dict[str, Any], behaviour: Behaviour | None, answer: Answer | None, enforce: bool) -> str:
    match behaviour:
        case Say(text) | Refuse(text):
            return text
        case Empty():
            return ""
        case NotMusic():
            return json.dumps(NOT_MUSIC)
        case Huge(size):
            return '{"title":"' + "la " * ((size - 10) // 3)
        case WrongPiece():
            return written(other_piece(asked(body), body.get("seed") or 0), schema_of(body))
        case EchoModel():
            return written(naming(piece(asked(body), body.get("seed") or 0), str(body["model"])), schema_of(body))
    if answer:
        return answer(body)
    schema = schema_of(body)
    strict = enforce and schema is not None and bool(body["response_format"]["json_schema"].get("strict"))
    return _usual(asked(body), body.get("seed") or 0, None if schema is None else json.dumps(schema), strict)


@lru_cache(maxsize=1024)
def _usual(request: str, seed: int, schema: str | None, strict: bool) -> str:
    form: dict[str, Any] | None = None if schema is None else json.loads(schema)
    text = written(piece(request, seed), form)
    found = conforms(form, json.loads(text)) if form is not None and strict else []
    if found:
        raise SchemaBrokenError(f"the composed piece breaks the schema: {'; '.join(found[:5])}")
    return text


def _usage(body: dict[str, Any], model: dict[str, Any], text: str) -> dict[str, Any]:
    thought = THOUGHT if model["kind"] == "reasoning" else 0
    prompt, completion = estimate(body["messages"]), len(text) // 4 + thought
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0},
    }


def completion(reply: Reply) -> dict[str, Any]:
    """The body of an answer that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.content, "refusal": reply.refusal}
    choice = {"index": 0, "message": message | {"annotations": []}, "logprobs": None, "finish_reason": reply.finish}
    return {**_frame(reply, "chat.completion"), "choices": [choice], "usage": reply.usage}


def events(reply: Reply, size: int, *, include_usage: bool) -> Iterator[dict[str, Any]]:
    """The events of a streamed answer: the role, deltas of ``size`` characters, the end, and usage if asked for."""
    frame = _frame(reply, "chat.completion.chunk")
    if include_usage:
        frame["usage"] = None
    name = "content" if reply.refusal is None else "refusal"
    text = reply.content if reply.refusal is None else reply.refusal
    assert text is not None
    first = {"role": "assistant", "content": "" if name == "content" else None, "refusal": None}
    yield {**frame, "choices": [delta(first)]}
    for start in range(0, len(text), size):
        yield {**frame, "choices": [delta({name: text[start : start + size]})]}
    yield {**frame, "choices": [delta({}, reply.finish)]}
    if include_usage:
        yield {**frame, "choices": [], "usage": reply.usage}


def delta(change: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    """The one choice of a streamed event."""
    return {"index": 0, "delta": change, "logprobs": None, "finish_reason": finish}


def _frame(reply: Reply, kind: str) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": kind,
        "created": int(time.time()),
        "model": reply.model,
        "service_tier": "default",
        "system_fingerprint": "fp_loopback",
    }
