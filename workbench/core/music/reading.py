"""Reading requests and structures that come from outside: limits first, then JSON, then meaning.

Every failure is one InvalidInputError that names the field, what is wrong and the mend.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, TypeVar

from pydantic import ValidationError

from workbench.core.errors import InputTooLargeError, InvalidInputError, InvalidRequestError, InvalidStructureError
from workbench.core.music.request import Request
from workbench.core.music.structure import Model, MusicStructure

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_ITEMS = 4_000
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))
_MANY = 20_000
"""Brackets; for fewer it is not worth loading numpy."""

ModelT = TypeVar("ModelT", bound=Model)


def parse_json(text: str | bytes, *, error: type[InvalidInputError] = InvalidInputError) -> Any:
    """Parse JSON from outside: at most 1 MB, 64 levels, no NaN, no key twice.

    Raises:
        InputTooLargeError: too long or too deep; nothing was parsed.
        InvalidInputError: (or ``error``) not JSON.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise InputTooLargeError(
            f"The input is {len(data):,} bytes long; at most {MAX_BYTES:,} are read.",
            hint="Send one piece at a time, without embedded audio or images.",
        )
    depth = json_depth(data)
    if depth > MAX_DEPTH:
        raise InputTooLargeError(
            f"The input is nested {depth} levels deep; at most {MAX_DEPTH} are read.",
            hint="A structure needs about eight levels: check for brackets that were never closed.",
        )
    try:
        value = json.loads(
            data.decode("utf-8-sig"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_unique,
        )
        if b"\\ud" in data or b"\\uD" in data:
            json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no character
        return value
    except UnicodeEncodeError as problem:
        raise error("The input holds half a character.", hint="Save the text as UTF-8 and try again.") from problem
    except UnicodeDecodeError as problem:
        raise error("The input is not UTF-8 text.", hint="Save the file as UTF-8 and try again.") from problem
    except json.JSONDecodeError as problem:
        raise error(
            f"The input is not JSON: {problem.msg} at line {problem.lineno}, column {problem.colno}.",
            hint="Mend the text there, or copy the object again from where it came.",
        ) from problem
    except ValueError as problem:
        raise error(
            f"The input is not strict JSON: {problem}.", hint="Write plain numbers, and each key once."
        ) from problem


def json_depth(data: bytes) -> int:
    """The deepest nesting of brackets outside strings, counted without parsing (1 MB in a few milliseconds)."""
    return bracket_depth(outside_strings(data))


def outside_strings(data: bytes) -> bytes:
    """JSON text without what stands between quotation marks."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(data.split(b'"')[::2])


def bracket_depth(outside: bytes) -> int:
    """The deepest nesting in a text that holds no strings."""
    steps = outside.translate(_STEPS, _NO_BRACKETS)
    if len(steps) > _MANY:
        import numpy as np

        return max(0, int(np.cumsum(np.frombuffer(steps, np.int8), dtype=np.int32).max()))
    return max(0, max(accumulate(array("b", steps)), default=0))


def _refuse_long_lists(data: Any, error: type[InvalidInputError]) -> None:
    """Before each item of a list is looked at: none is ever that long, and looking would take seconds."""
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:
        path, value = waiting.pop()
        if len(value) > MAX_ITEMS:
            name = path[1:61].replace("/", ".") or "The input"
            raise error(
                f"{name} holds {len(value):,} items; at most {MAX_ITEMS:,} are read.",
                hint="Shorten the list.",
                field=path[:200],
            )
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        waiting += [(f"{path}/{key}", item) for key, item in items if type(item) not in _PLAIN and _is_nested(item)]


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:40]!r} stands twice in one object")
    return result


def read_request(source: str | bytes | Mapping[str, Any]) -> Request:
    """Read a Request from JSON text or an object; AIRIA's ``{"request": …, "structure": …}`` is taken apart.

    Raises:
        InvalidRequestError: a field is unknown, of the wrong type or out of range.
        InputTooLargeError: over 1 MB or 64 levels.
    """
    data = _object(source, InvalidRequestError, "request")
    if isinstance(data.get("request"), Mapping) and set(data) <= {"request", "structure", "id"}:
        data = data["request"]
    return _validate(Request, data, InvalidRequestError)


def read_structure(source: str | bytes | Mapping[str, Any]) -> MusicStructure:
    """Read a MusicStructure from JSON text or an object, also out of AIRIA's pair or a ``generate --json`` answer.

    Raises:
        InvalidStructureError: a field is unknown, missing, of the wrong type or out of range.
        InputTooLargeError: over 1 MB or 64 levels.
    """
    data = _object(source, InvalidStructureError, "structure")
    if isinstance(data.get("structure"), Mapping) and "sections" not in data:
        data = data["structure"]
    return _validate(MusicStructure, data, InvalidStructureError)


def _object(source: str | bytes | Mapping[str, Any], error: type[InvalidInputError], what: str) -> Mapping[str, Any]:
    data = parse_json(source, error=error) if isinstance(source, str | bytes) else source
    if not isinstance(data, Mapping):
        raise error(f"A {what} is a JSON object, not {_kind(data)}.", hint='Begin with "{" and name the fields inside.')
    return data


def _kind(value: Any) -> str:
    names = {list: "a list", str: "text", int: "a number", float: "a number", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "something else")


def _validate(model: type[ModelT], data: Mapping[str, Any], error: type[InvalidInputError]) -> ModelT:
    _refuse_long_lists(data, error)
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        raise explain(problem, error) from None
    except RecursionError:
        raise error("The input is nested too deeply.", hint="Check for brackets that were never closed.") from None


def explain(problem: ValidationError, error: type[InvalidInputError] = InvalidInputError) -> InvalidInputError:
    """Turn pydantic's errors into one of ours: the first field, its limit, the mend, and how many more there are."""
    errors = problem.errors(include_url=False, include_context=True)
    # A list with a bad item also counts as one that came out too short: that says nothing new.
    inner = [item for item in errors if item["type"] != "too_short" or item["ctx"].get("actual_length") == _size(item)]
    errors = inner or errors
    # A union reports each of its branches: keep the one that says most about a value.
    first = errors[0]
    path = [_shortened(str(part)) for part in first["loc"] if not _is_branch(part)]
    path = [*path[:8], "…"] if len(path) > 8 else path
    pointer = "".join(f"/{part}" for part in path)
    name = ".".join(path) or "the input"
    given = _shown(first.get("input"))
    message, hint = _words(first["type"], str(first["msg"]), first.get("ctx") or {}, name, given)
    others = len({tuple(part for part in item["loc"] if not _is_branch(part)) for item in errors}) - 1
    if others:
        hint = f"{hint} {others} more field{'s need' if others > 1 else ' needs'} mending.".strip()
    return error(message, hint=hint, field=pointer)


def _shortened(part: str) -> str:
    return part if len(part) <= 60 else part[:57] + "…"


def _size(item: Mapping[str, Any]) -> int:
    return len(item["input"]) if isinstance(item["input"], list | tuple | str) else 0


def _shown(value: Any) -> str:
    """A value as it is quoted in a message: never long, however deep it is."""
    try:
        text = repr(value)
    except RecursionError:
        return "a value nested too deeply"
    return text if len(text) <= 60 else text[:57] + "…"


def _is_branch(part: int | str) -> bool:
    return isinstance(part, str) and (part in {"int", "str", "float"} or "constrained" in part or "[" in part)


def _words(kind: str, message: str, context: Mapping[str, Any], name: str, given: str) -> tuple[str, str]:
    match kind:
        case "extra_forbidden":
            return f"{name} is not a field this format has.", "Remove it or check its spelling."
        case "missing":
            return f"{name} is missing.", "Add it."
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            words = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
            limits = {key: f"{value:,}" if isinstance(value, int) else f"{value:g}" for key, value in context.items()}
            limit = " and ".join(f"{words[key]} {value}" for key, value in limits.items() if key in words)
            return f"{name} is {given}; it must be {limit}.", "Change the number."
        case "too_long":
            return (
                f"{name} holds {context.get('actual_length') or 'too many'} items; at most "
                f"{context.get('max_length')} are allowed.",
                "Shorten the list.",
            )
        case "too_short":
            return f"{name} is too short: at least {context.get('min_length')} item is needed.", "Add one."
        case "string_too_long":
            return f"{name} is longer than {context.get('max_length')} characters.", "Shorten the text."
        case "literal_error":
            return f"{name} is {given}; it must be {context.get('expected')}.", "Choose one of these."
        case "value_error":
            return f"{name}: {message.removeprefix('Value error, ')}.", "Correct the value."
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{name} is {given}; it must be an object.", "Write it in curly brackets."
        case "tuple_type" | "list_type":
            return f"{name} is {given}; it must be a list.", "Write it in square brackets."
        case "finite_number":
            return f"{name} must be a finite number.", "Change the number."
    return f"{name} is {given}: {message[:1].lower()}{message[1:]}.", "Correct the value."
