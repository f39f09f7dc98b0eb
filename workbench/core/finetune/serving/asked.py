"""What a client asks for, read from the body of ``POST /v1/chat/completions`` as OpenAI's reference has it.

What is not known here is passed over, as other servers do; what is known has to be right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.music.reading import MAX_DEPTH, json_depth, parse_json

MAX_BODY = 1_000_000
"""Bytes."""
MAX_MESSAGES = 1_000
MAX_STOPS, LONGEST_STOP = 16, 400
ROLES = ("system", "developer", "user", "assistant")
ANY_OBJECT: Mapping[str, Any] = {"type": "object"}


@dataclass(frozen=True)
class Asked:
    """A question. ``schema`` is the JSON schema that the answer has to fit, None for plain text.

    None stands for whatever the model does by itself, and for as many tokens as fit its context. ``counted`` says
    that a stream is to end with the tokens it took.
    """

    model: str
    messages: tuple[Mapping[str, str], ...]
    schema: Mapping[str, Any] | None = None
    limit: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stops: tuple[str, ...] = ()
    stream: bool = False
    counted: bool = False


def read_asked(body: bytes) -> Asked:
    """A question out of a request's body.

    Raises:
        InputTooLargeError: it is too long or too deep; nothing was parsed.
        InvalidInputError: it is no question; ``field`` names the member.
    """
    if len(body) > MAX_BODY:
        raise InputTooLargeError(f"The body is longer than {MAX_BODY:,} bytes.")
    if json_depth(body) > MAX_DEPTH:
        raise InputTooLargeError(f"The body is nested deeper than {MAX_DEPTH} levels.")
    data = parse_json(body)
    if not isinstance(data, dict):
        raise InvalidInputError("The body has to be a JSON object.")
    model = data.get("model")
    if not isinstance(model, str) or not model:
        raise _wrong("model", "the name of a model")
    if data.get("n") not in (None, 1) or isinstance(data.get("n"), bool):
        raise _wrong("n", "1: one answer at a time is written here")
    limit = "max_completion_tokens" if data.get("max_completion_tokens") is not None else "max_tokens"
    options = data.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise _wrong("stream_options", "an object")
    return Asked(
        model=model,
        messages=_messages(data.get("messages")),
        schema=_schema(data.get("response_format")),
        limit=_whole(data, limit, 1, 2**31),
        temperature=_number(data, "temperature", 0.0, 2.0),
        top_p=_number(data, "top_p", 0.0, 1.0),
        seed=_whole(data, "seed", -(2**63), 2**63 - 1),
        stops=_stops(data.get("stop")),
        stream=_flag(data, "stream"),
        counted=_flag(options or {}, "include_usage"),
    )


def _wrong(field: str, wanted: str) -> InvalidInputError:
    return InvalidInputError(f"{field} has to be {wanted}.", field=field)


def _messages(value: Any) -> tuple[Mapping[str, str], ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_MESSAGES:
        raise _wrong("messages", f"a list of 1 to {MAX_MESSAGES:,} messages")
    return tuple(_message(message) for message in value)


def _message(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or value.get("role") not in ROLES:
        raise _wrong("messages", f"objects with a role that is one of {', '.join(ROLES)}")
    content = value.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
        content = "".join(part for part in parts if isinstance(part, str)) if len(parts) == len(content) else None
    if not isinstance(content, str):
        raise _wrong("messages", "objects whose content is text, or parts of the type text")
    role = "system" if value["role"] == "developer" else value["role"]
    return {"role": role, "content": content}


def _schema(value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text":
        return None
    if kind == "json_object":
        return ANY_OBJECT
    named = value.get("json_schema") if kind == "json_schema" else None
    schema = named.get("schema") if isinstance(named, dict) else None
    if not isinstance(schema, dict):
        raise _wrong("response_format", "text, json_object, or json_schema with an object as its schema")
    return schema


def _stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if (
        not isinstance(stops, list)
        or len(stops) > MAX_STOPS
        or not all(isinstance(stop, str) and 0 < len(stop) <= LONGEST_STOP for stop in stops)
    ):
        raise _wrong("stop", f"a text, or up to {MAX_STOPS} of them, each of 1 to {LONGEST_STOP} characters")
    return tuple(stops)


def _flag(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return bool(value)


def _whole(data: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _wrong(name, f"a whole number of at least {least}" if least > 0 else "a whole number of 64 bits")
    return value


def _number(data: Mapping[str, Any], name: str, least: float, most: float) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _wrong(name, "a number")
    if not least <= value <= most:
        raise _wrong(name, f"a number from {least:g} to {most:g}")
    return float(value)
