"""How tests ask a loopback server: OpenAI's own clients, schemas to send along, and what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from loopback import Behaviour, Loopback
from openai import AsyncOpenAI, OpenAI

TEXT = {"type": "string"}
NUMBER = {"type": "number"}


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def many(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def maybe(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


MOTIF = record(degrees=many({"anyOf": [{"type": "integer"}, TEXT]}), rhythm=many(NUMBER))
WIRE = {
    **record(
        reasoning=maybe(TEXT),
        key=TEXT,
        form=TEXT,
        time_signature=TEXT,
        tempo=NUMBER,
        leitmotifs=maybe(many(TEXT)),
        sections=many({"$ref": "#/$defs/section"}),
        note=TEXT,
    ),
    "$defs": {
        "motif": MOTIF,
        "section": record(
            name=TEXT,
            key=TEXT,
            measures={"type": "integer"},
            chordProgression=many(TEXT),
            melody=maybe(record(motifs=many({"$ref": "#/$defs/motif"}))),
        ),
    },
}


def strict(schema: Any = WIRE, name: str = "structure") -> Any:
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}


def user(request: str = '{"form": "ABA", "key": "d minor"}') -> list[Any]:
    return [{"role": "system", "content": "You compose."}, {"role": "user", "content": f"Please.\nRequest: {request}"}]


def ask(client: OpenAI | AsyncOpenAI, **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "loop-large", "messages": user(), **more})


def refusal(client: OpenAI, **more: Any) -> openai.APIStatusError:
    with pytest.raises(openai.APIStatusError) as caught:
        ask(client, **more)
    return caught.value


def said(client: OpenAI, **more: Any) -> Any:
    return json.loads(ask(client, **more).choices[0].message.content)


@dataclass
class Got:
    """What a client made of a response: as much as came, and how it failed."""

    text: str = ""
    refusal: str = ""
    finish: str | None = None
    model: str = ""
    events: int = 0
    odd: Any = None
    failed: Exception | None = None


def _whole(got: Got, answer: Any) -> None:
    if isinstance(answer, str):
        got.odd = answer
        return
    message = answer.choices[0].message
    got.text, got.refusal = message.content or "", message.refusal or ""
    got.finish, got.model = answer.choices[0].finish_reason, answer.model


def _event(got: Got, event: Any) -> None:
    got.events += 1
    got.model = event.model
    for choice in event.choices:
        got.text += choice.delta.content or ""
        got.refusal += choice.delta.refusal or ""
        got.finish = choice.finish_reason or got.finish


class Clients:
    """A sync and an async client of one server, the latter on an event loop of its own; used in a ``with`` block."""

    def __init__(self, server: Loopback) -> None:
        settings: dict[str, Any] = {"base_url": server.url, "api_key": server.key, "max_retries": 0}
        self.server = server
        self.client = OpenAI(**settings)
        self.async_client = AsyncOpenAI(**settings)
        self.loop = asyncio.Runner()

    def __enter__(self) -> Clients:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.run(self.async_client.close())
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the async client's event loop."""
        return self.loop.run(work)

    def meet(self, behaviour: Behaviour | None, how: str, *, timeout: float = 5.0) -> Got:
        """One request that meets a behaviour; ``how`` is two words such as ``async stream``."""
        if behaviour:
            self.server.queue(behaviour)
        kind, _, shape = how.partition(" ")
        if kind == "async":
            got: Got = self.run(self.asked_async(shape == "stream", timeout))
            return got
        return self.asked(shape == "stream", timeout)

    def asked(self, stream: bool, timeout: float) -> Got:
        """What the sync client makes of one request."""
        got = Got()
        try:
            answer = ask(self.client, stream=stream, timeout=timeout)
            if not stream:
                _whole(got, answer)
            else:
                for event in answer:
                    _event(got, event)
        except Exception as problem:
            got.failed = problem
        return got

    async def asked_async(self, stream: bool, timeout: float) -> Got:
        """What the async client makes of one request."""
        got = Got()
        try:
            answer = await ask(self.async_client, stream=stream, timeout=timeout)
            if not stream:
                _whole(got, answer)
            else:
                async for event in answer:
                    _event(got, event)
        except Exception as problem:
            got.failed = problem
        return got
