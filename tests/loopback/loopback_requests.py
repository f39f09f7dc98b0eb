"""What a real endpoint checks in a chat request before any model sees it, and the error bodies it answers with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from loopback_pieces import text_of
from strict_schema import problems

MODELS: list[dict[str, Any]] = [
    {"id": "loop-large", "context": 128_000},
    {"id": "loop-json", "context": 32_000, "strict": False, "shutdown_date": "2027-01-14"},
    {"id": "loop-plain", "context": 16_000, "strict": False, "json": False},
    {"id": "loop-reasoning", "context": 200_000, "kind": "reasoning"},
    {"id": "ft:loop-large:acme::abc123", "context": 128_000, "fine_tuned": True, "shutdown_date": "2027-06-30"},
]
"""The models that a loopback server offers unless it is given others."""

USUAL: dict[str, Any] = {
    "context": 128_000,
    "shutdown_date": None,
    "strict": True,
    "json": True,
    "fine_tuned": False,
    "streaming": True,
    "kind": "chat",
}
"""What a model is where its description does not say."""

# fmt: off
KNOWN = {
    "messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs",
    "max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction",
    "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format",
    "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options", "temperature",
    "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity", "web_search_options",
}
# fmt: on
ROLES = ("system", "assistant", "user", "function", "tool", "developer")
NOT_FOR_REASONING = ("top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias")
SCHEMA_NAME = "^[a-zA-Z0-9_-]+$"

_STATUSES: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    409: ("invalid_request_error", "conflict", "The resource is being changed by another request. Please try again."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached on requests per min (RPM): Limit 3, Used 3."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    502: ("server_error", None, "Bad gateway."),
    503: ("service_unavailable_error", None, "The engine is currently overloaded, please try again later"),
}
_QUOTA = "You exceeded your current quota, please check your plan and billing details."


class Refused(Exception):  # noqa: N818
    """The request gets this error and no answer."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(body["error"]["message"])
        self.status = status
        self.body = body


def error(
    message: str, *, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> Any:
    """An error body in OpenAI's form."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def usual_error(status: int, code: str | None = None, message: str | None = None) -> Any:
    """The body that OpenAI usually sends with a status."""
    kind, usual_code, text = _STATUSES.get(status, _STATUSES[500 if status >= 500 else 400])
    if code == "insufficient_quota":
        kind, text = code, _QUOTA
    return error(message or text, kind=kind, code=code or usual_code)


def refuse(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> NoReturn:
    """Refuse the request that is being checked.

    Raises:
        Refused: always.
    """
    raise Refused(status, error(message, param=param, code=code))


def check_key(headers: Mapping[str, str], key: str) -> None:
    """Refuse a request without the server's key."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if not given or kind.lower() != "bearer":
        refuse("You didn't provide an API key. Provide it in an Authorization header using Bearer auth.", status=401)
    if given != key:
        shown = f"{given[:8]}{'*' * 8}{given[-4:]}" if len(given) > 16 else "*" * len(given)
        where = "You can find your API key at https://platform.openai.com/account/api-keys."
        refuse(f"Incorrect API key provided: {shown}. {where}", code="invalid_api_key", status=401)


def read_body(raw: bytes) -> dict[str, Any] | None:
    """A request's JSON object, or None."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def check_chat(body: dict[str, Any] | None, models: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Check a chat request as OpenAI does; returns the description of its model.

    Raises:
        Refused: with the status and the body of the first problem.
    """
    if body is None:
        refuse("We could not parse the JSON body of your request. The API expects a JSON payload.")
    name = body.get("model")
    if not isinstance(name, str) or not name:
        refuse("you must provide a model parameter")
    if name not in models:
        text = f"The model `{name}` does not exist or you do not have access to it."
        refuse(text, code="model_not_found", status=404)
    model = models[name]
    for key in body:
        if key not in KNOWN:
            refuse(f"Unrecognized request argument supplied: {key}")
    _check_messages(body)
    _check_parameters(body, model)
    _check_stream(body, model)
    _check_format(body, model)
    room, needed = model["context"], estimate(body["messages"]) + (token_limit(body) or 0)
    if needed > room:
        refuse(
            f"This model's maximum context length is {room} tokens. However, you requested {needed} tokens. "
            "Please reduce the length of the messages or completion.",
            param="messages",
            code="context_length_exceeded",
        )
    return model


def estimate(messages: list[dict[str, Any]]) -> int:
    """Tokens in messages, at four characters each."""
    return sum(4 + len(text_of(message)) // 4 for message in messages)


def token_limit(body: Mapping[str, Any]) -> int | None:
    """The most tokens that an answer may have, if the request says."""
    return body.get("max_completion_tokens") or body.get("max_tokens")


def _check_messages(body: dict[str, Any]) -> None:
    messages = body.get("messages")
    if messages is None:
        refuse("Missing required parameter: 'messages'.", param="messages", code="missing_required_parameter")
    if not isinstance(messages, list):
        refuse("Invalid type for 'messages': expected an array of objects.", param="messages", code="invalid_type")
    if not messages:
        text = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        refuse(text, param="messages", code="empty_array")
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        if not isinstance(message, dict):
            refuse(f"Invalid type for '{place}': expected an object.", param=place, code="invalid_type")
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            supported = ", ".join(repr(name) for name in ROLES)
            text = f"Invalid value: {role!r}. Supported values are: {supported}."
            refuse(text, param=f"{place}.role", code="invalid_value")
        parts = isinstance(content, list) and all(
            isinstance(part, dict) and isinstance(part.get("text", ""), str) and "type" in part for part in content
        )
        if not (isinstance(content, str) or parts or (content is None and role == "assistant")):
            text = f"Invalid type for '{place}.content': expected one of a string or array of objects."
            refuse(text, param=f"{place}.content", code="invalid_type")


def _check_parameters(body: dict[str, Any], model: dict[str, Any]) -> None:
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("max_tokens", 1, 1e9), ("n", 1, 1)):
        _check_number(body, name, low, high)
    _check_number(body, "max_completion_tokens", 1, 1e9)
    if body.get("seed") is not None and (not isinstance(body["seed"], int) or isinstance(body["seed"], bool)):
        refuse("Invalid type for 'seed': expected an integer.", param="seed", code="invalid_type")
    reasoning = model["kind"] == "reasoning"
    unsupported = NOT_FOR_REASONING if reasoning else ("reasoning_effort",)
    if reasoning and body.get("max_tokens") is not None:
        refuse(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    if reasoning and body.get("temperature") not in (None, 1):
        refuse(
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. "
            "Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        )
    for name in unsupported:
        if body.get(name) is not None:
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            refuse(text, param=name, code="unsupported_parameter")


def _check_number(body: dict[str, Any], name: str, low: float, high: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(f"Invalid type for '{name}': expected a number.", param=name, code="invalid_type")
    if not low <= value <= high:
        side = "below_min" if value < low else "above_max"
        text = f"Invalid '{name}': expected a value from {low} to {high:g}, but got {value} instead."
        refuse(text, param=name, code=f"number_{side}_value")


def _check_stream(body: dict[str, Any], model: dict[str, Any]) -> None:
    if body.get("stream") and not model["streaming"]:
        text = "Your organization must be verified to stream this model."
        refuse(text, param="stream", code="unsupported_value")
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        refuse(text, param="stream_options")


def _check_format(body: dict[str, Any], model: dict[str, Any]) -> None:
    wanted = body.get("response_format")
    if wanted is None:
        return
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        text = f"Invalid value: {kind!r}. Supported values are: 'json_object', 'json_schema', and 'text'."
        refuse(text, param="response_format.type", code="invalid_value")
    if (kind == "json_object" and not model["json"]) or (kind == "json_schema" and not model["strict"]):
        text = f"Invalid parameter: 'response_format' of type '{kind}' is not supported with this model."
        refuse(text, param="response_format" if kind == "json_object" else None)
    if kind == "json_object" and not any("json" in text_of(message).lower() for message in body["messages"]):
        text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        refuse(text, param="messages")
    if kind == "json_schema":
        _check_schema(wanted.get("json_schema"), fine_tuned=model["fine_tuned"])


def _check_schema(described: Any, *, fine_tuned: bool) -> None:
    place = "response_format.json_schema"
    if not isinstance(described, dict):
        refuse(f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter")
    name = described.get("name")
    if not isinstance(name, str):
        text = f"Missing required parameter: '{place}.name'."
        refuse(text, param=f"{place}.name", code="missing_required_parameter")
    if len(name) > 64:
        text = f"Invalid '{place}.name': string too long. Expected a string with maximum length 64."
        refuse(text, param=f"{place}.name", code="string_above_max_length")
    if not re.fullmatch(SCHEMA_NAME, name):
        text = f"Invalid '{place}.name': string does not match pattern. Expected the pattern '{SCHEMA_NAME}'."
        refuse(text, param=f"{place}.name", code="invalid_value")
    if "schema" not in described and described.get("strict"):
        text = f"Missing required parameter: '{place}.schema'."
        refuse(text, param=f"{place}.schema", code="missing_required_parameter")
    found = _problems(json.dumps(described["schema"]), fine_tuned) if described.get("strict") else None
    if found:
        refuse(f"Invalid schema for response_format '{name}': {found}", param="response_format")


@lru_cache(maxsize=256)
def _problems(schema: str, fine_tuned: bool) -> str:
    return next(iter(problems(json.loads(schema), fine_tuned=fine_tuned)), "")
