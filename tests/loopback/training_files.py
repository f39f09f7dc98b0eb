"""What a provider refuses in an uploaded training file: rules of its own, that know nothing of the workbench's.

They follow OpenAI's guides: JSON Lines in UTF-8, at least 10 examples, at most 512 MB; a conversation ends with the
assistant's message; ``weight`` is 0 or 1 and on assistant messages alone; a preference example has an ``input`` and one
assistant message in each output.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from email.parser import BytesHeaderParser
from typing import Any, Literal, NamedTuple

from loopback_requests import refuse

Method = Literal["supervised", "dpo"]
LEAST_EXAMPLES = 10
MOST_BYTES = 512 * 1000 * 1000
PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
MAX_TOLD = 20
_AUTHORS = {"system", "user", "assistant", "developer", "tool", "function"}
_TOP = {
    "supervised": {"messages", "tools", "parallel_tool_calls", "functions"},
    "dpo": {"input", "preferred_output", "non_preferred_output"},
}
_IN_A_MESSAGE = {"role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal"}


class Upload(NamedTuple):
    """The parts of a form: the file's name and bytes, and the plain fields."""

    name: str
    data: bytes
    fields: dict[str, str]


def problems_in(data: bytes, *, method: Method = "supervised", purpose: str = "fine-tune") -> list[str]:
    """Why a training file is refused, the first twenty reasons; nothing where it is taken."""
    if purpose != "fine-tune":
        return [] if purpose in PURPOSES else [f"'{purpose}' is not one of {list(PURPOSES)}"]
    if len(data) > MOST_BYTES:
        return [f"File is too large: {len(data)} bytes, the maximum is {MOST_BYTES}."]
    if data.startswith(b"\xef\xbb\xbf"):
        return ["Line 1: unexpected byte order mark."]
    found: list[str] = []
    lines = data.split(b"\n")
    if lines[-1].strip() == b"":
        lines.pop()
    for number, line in enumerate(lines, 1):
        found += [f"Line {number}: {problem}" for problem in _example(line, method)]
        if len(found) >= MAX_TOLD:
            return found[:MAX_TOLD]
    if len(lines) < LEAST_EXAMPLES:
        found.append(f"Training file has {len(lines)} example(s), but must have at least {LEAST_EXAMPLES} examples.")
    return found


def method_of(data: bytes) -> Method:
    """Which method a file is meant for, told by its beginning."""
    return "dpo" if b'"preferred_output"' in data.partition(b"\n")[0] else "supervised"


def file_object(upload: Upload, *, id: str, created: int) -> dict[str, Any]:
    """The File object that answers an upload.

    Raises:
        Refused: the form lacks something, or the file is refused.
    """
    purpose = upload.fields.get("purpose", "")
    if not purpose:
        refuse("'purpose' is a required property", param="purpose")
    if purpose == "fine-tune" and not upload.name.endswith(".jsonl"):
        refuse(f'Invalid extension {upload.name.rpartition(".")[2]}. Supported formats: "jsonl"', param="file")
    found = problems_in(upload.data, method=method_of(upload.data), purpose=purpose)
    if found:
        refuse("Invalid file format. " + " ".join(found), param="file", code="invalid_file_format")
    return {
        "id": id, "object": "file", "bytes": len(upload.data), "created_at": created, "filename": upload.name,
        "purpose": purpose, "status": "processed", "status_details": None, "expires_at": None,
    }  # fmt: skip


def read_upload(headers: Mapping[str, str], raw: bytes) -> Upload:
    """The file and the fields of a ``multipart/form-data`` body.

    Raises:
        Refused: it is none, or it has no file.
    """
    boundary = re.search(r'boundary="?([^";]+)', headers.get("content-type", ""))
    if not headers.get("content-type", "").startswith("multipart/form-data") or boundary is None:
        refuse("Expected a multipart/form-data request.", status=415)
    name, data, fields = "", None, {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + boundary[1].encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = BytesHeaderParser().parsebytes(head)
        field = disposition.get_param("name", header="content-disposition")
        if field == "file":
            name, data = str(disposition.get_filename() or ""), content
        else:
            fields[str(field)] = content.decode()
    if data is None:
        refuse("'file' is a required property", param="file")
    return Upload(name, data, fields)


def _example(line: bytes, method: Method) -> Iterator[str]:
    try:
        example = json.loads(line.decode("utf-8", "strict"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as problem:
        yield f"not valid JSON ({str(problem)[:80]})."
        return
    if not isinstance(example, dict):
        yield "expected a JSON dictionary."
        return
    if extra := sorted(set(example) - _TOP[method]):
        yield f"unexpected keys {extra[:5]}."
    yield from _supervised(example) if method == "supervised" else _preference(example)


def _supervised(example: dict[str, Any]) -> Iterator[str]:
    messages = example.get("messages")
    problems = list(_messages(messages, "messages"))
    yield from problems
    if problems or not isinstance(messages, list):
        return
    if messages[-1]["role"] != "assistant":
        yield "the last message must be from the assistant."
    if not any(each["role"] == "assistant" and each.get("weight", 1) == 1 for each in messages):
        yield "at least one assistant message must have a weight of 1."


def _preference(example: dict[str, Any]) -> Iterator[str]:
    given = example.get("input")
    if not isinstance(given, dict) or "messages" not in given:
        yield "'input' must have 'messages'."
    else:
        if extra := sorted(set(given) - {"messages", "tools", "parallel_tool_calls"}):
            yield f"unexpected keys {extra[:5]} in 'input'."
        problems = list(_messages(given["messages"], "input.messages"))
        yield from problems
        if not problems and given["messages"][-1]["role"] == "assistant":
            yield "the last message of 'input' must not be from the assistant."
    for name in ("preferred_output", "non_preferred_output"):
        output = example.get(name)
        problems = list(_messages(output, name))
        yield from problems
        if not problems and isinstance(output, list) and [each["role"] for each in output] != ["assistant"]:
            yield f"'{name}' must be exactly one assistant message."


def _messages(messages: Any, where: str) -> Iterator[str]:
    if not isinstance(messages, list) or not messages:
        yield f"'{where}' must be a non-empty array."
        return
    for number, message in enumerate(messages):
        place = f"{where}[{number}]"
        if not isinstance(message, dict):
            yield f"{place} must be an object."
            continue
        if extra := sorted(set(message) - _IN_A_MESSAGE):
            yield f"unexpected keys {extra[:5]} in {place}."
        if message.get("role") not in _AUTHORS:
            yield f"{place} has an unknown role."
        content = message.get("content")
        if not isinstance(content, str) or not content.strip():
            yield f"{place} has no text."
        weight = message.get("weight", 1)
        if "weight" in message and message.get("role") != "assistant":
            yield f"{place} has a weight but is not from the assistant."
        elif isinstance(weight, bool) or weight not in (0, 1):
            yield f"the weight of {place} must be 0 or 1."


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)
