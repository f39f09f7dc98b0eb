"""What the loopback model says: a piece by the workbench's own rule-based composer, in the form that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from strict_schema import Schema, departures, resolved

from workbench.core.compose import compose
from workbench.core.music.reading import read_request
from workbench.core.music.request import Request

REQUEST_LINE = re.compile(r"^Request: (\{.*\})\s*$", re.MULTILINE)
_NOTHING = object()


def asked(body: Mapping[str, Any]) -> str:
    """The request's JSON: the first ``Request:`` line of the last user message that has one, else ``{}``."""
    for message in reversed(body["messages"]):
        lines = REQUEST_LINE.findall(text_of(message)) if message["role"] == "user" else []
        if lines:
            return str(lines[0])
    return "{}"


def text_of(message: Mapping[str, Any]) -> str:
    """A message's text, with the text parts of a list one after another."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text") or "" for part in content)


def schema_of(body: Mapping[str, Any]) -> Schema | None:
    """The JSON schema that was sent along, if any."""
    answer = body.get("response_format") or {}
    return answer["json_schema"].get("schema") if answer.get("type") == "json_schema" else None


@lru_cache(maxsize=1024)
def piece(request: str, seed: int) -> dict[str, Any]:
    """The structure for a request's JSON; the same for the same seed. Not to be changed by the caller.

    Raises:
        WorkbenchError: not a request, or one that cannot be planned.
    """
    return compose(read_request(request), seed=abs(seed)).to_dict()


def other_piece(request: str, seed: int) -> dict[str, Any]:
    """A valid structure that answers another request: another key, another form, fewer sections."""
    right = piece(request, seed)
    wish = Request(
        key="f# minor" if right["key"].endswith("major") else "Eb major",
        form="rondo" if right["form"] != "rondo" else "ABA",
    )
    wrong = compose(wish, seed=abs(seed) + 1).to_dict()
    return wrong | {"sections": wrong["sections"][: max(1, len(right["sections"]) - 1)]}


def written(structure: Mapping[str, Any], schema: Schema | None) -> str:
    """A structure as an answer's text: compact, and in the schema's own form where there is one."""
    value = structure if schema is None else fitted(schema, schema, structure)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def naming(structure: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A structure that gives its model away."""
    return {**structure, "title": f"Prelude by {model}", "reasoning": f"As {model}, I chose this key."}


def fitted(root: Schema, node: Schema, value: Any) -> Any:
    """A value in a schema's form: every property that it names, in its order and spelling, and no other.

    What the value lacks becomes null, or the least that the schema allows. Nothing else is changed, so the result
    obeys the schema only if the value's own texts and numbers do.
    """
    node = resolved(root, node)
    if value is None or value is _NOTHING:
        return least(root, node)
    if "anyOf" in node:
        return _branch(root, node["anyOf"], value)
    if isinstance(value, Mapping) and isinstance(node.get("properties"), Mapping):
        plain = {_bare(name): item for name, item in value.items()}
        return {
            name: fitted(root, inner, value.get(name, plain.get(_bare(name), _NOTHING)))
            for name, inner in node["properties"].items()
        }
    if isinstance(value, list) and isinstance(node.get("items"), Mapping):
        return [fitted(root, node["items"], item) for item in value]
    return value


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


def _branch(root: Schema, branches: list[Schema], value: Any) -> Any:
    candidates = [fitted(root, branch, value) for branch in branches]
    for branch, candidate in zip(branches, candidates, strict=True):
        if not any(departures(root, branch, candidate, "$")):
            return candidate
    return candidates[0]


def least(root: Schema, node: Schema) -> Any:
    """The least value of a schema: null where it may be, else empty texts and lists, and objects of such."""
    node = resolved(root, node)
    if not any(departures(root, node, None, "$")):
        return None
    if "anyOf" in node:
        return least(root, node["anyOf"][0])
    if "const" in node or "enum" in node:
        return node["const"] if "const" in node else node["enum"][0]
    kinds = node.get("type", "object")
    match kinds if isinstance(kinds, str) else kinds[0]:
        case "object":
            return {name: least(root, inner) for name, inner in (node.get("properties") or {}).items()}
        case "array":
            return [least(root, node["items"]) for _ in range(node.get("minItems", 0))]
        case "string":
            return "-" * node.get("minLength", 0)
        case "boolean":
            return False
        case _:
            return node.get("minimum", 0)


def malformed(text: str) -> str:
    """JSON as careless models write it: single quotes, trailing commas, a fence, and prose around it."""
    try:
        loose = "".join(_loosely(json.loads(text), "\n"))
    except ValueError:
        loose = text.replace('"', "'")
    return f"Sure! Here is the piece you asked for:\n\n```json\n{loose}\n```\n\nLet me know if you want changes."


def _loosely(value: Any, line: str) -> Iterator[str]:
    if isinstance(value, str):
        yield "'" + json.dumps(value, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    elif isinstance(value, dict):
        yield "{"
        for name, item in value.items():
            yield f"{line}  '{name}': "
            yield from _loosely(item, line + "  ")
            yield ","
        yield line + "}"
    elif isinstance(value, list):
        yield "["
        for item in value:
            yield from _loosely(item, line + "  ")
            yield ", "
        yield "]"
    else:
        yield json.dumps(value)
