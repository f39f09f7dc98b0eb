"""Rows out of the lines of files from elsewhere: messages and answer word for word, and the request that they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from workbench.core.datasets.files.formats import Spoken, detect, format_of
from workbench.core.datasets.rows import Row
from workbench.core.errors import InvalidInputError
from workbench.core.generate.intake import request_of
from workbench.core.generate.providers.calls import Message
from workbench.core.library.rights import Rights
from workbench.core.music.reading import MAX_BYTES, MAX_DEPTH, json_depth, parse_json, read_request, read_structure
from workbench.core.music.request import Request, file_stem

_ASKED = re.compile(r"\bRequest:\s*(?=\{)")
_DECODER = json.JSONDecoder()


def row_of_line(value: object, *, name: str, line: int, rights: Rights) -> Row:
    """The row that a parsed line in any of the formats holds; ``name`` is the file's, ``line`` counts from 1.

    Raises:
        InvalidInputError: the line breaks the rules of its format, or it names no request and its answer is no
            MusicStructure.
    """
    format = format_of(_format_name(value, line))
    assert isinstance(value, Mapping)
    broken = next((fault for fault in format.check(value) if fault.severity == "error"), None)
    if broken is not None:
        raise InvalidInputError(f"Line {line}: {broken.message}", hint=broken.hint)
    said = format.read(value)
    key = f"import/{file_stem(name)}/{line}"
    return Row(
        key, format.kind, _request(said, line).to_dict(), said.prompt, said.answer, said.rejected, (),
        {"kind": "import", "id": key, "file": name, "line": line}, (), rights.to_dict(),
    )  # fmt: skip


def request_in(prompt: Sequence[Message]) -> Request | None:
    """The request in the user's last message, as ``Request: {…}`` or as the whole message; None where there is none."""
    last = next((message.content for message in reversed(prompt) if message.role == "user"), "")
    places = [match.end() for match in _ASKED.finditer(last)][:3]
    if last.lstrip().startswith("{"):
        places.insert(0, len(last) - len(last.lstrip()))
    for at in places:
        text = _object_at(last, at)
        if text:
            try:
                return read_request(parse_json(text))
            except InvalidInputError:
                continue
    return None


def _format_name(value: object, line: int) -> str:
    name = detect(value)
    if name is None:
        raise InvalidInputError(
            f"Line {line} is in no format that is known here.", hint="See: python -m workbench dataset check --help."
        )
    return name


def _request(said: Spoken, line: int) -> Request:
    found = request_in(said.prompt)
    if found is not None:
        return found
    try:
        return request_of(read_structure(said.answer))
    except InvalidInputError as problem:
        raise InvalidInputError(f"Line {line}: {problem.message}", hint=problem.hint, field=problem.field) from problem


def _object_at(text: str, at: int) -> str:
    """The JSON object that begins there; nothing where it never ends or is too deep to look at."""
    near = text[at : at + MAX_BYTES]
    if json_depth(near.encode("utf-8", "surrogatepass")) > MAX_DEPTH:
        return ""
    try:
        _, end = _DECODER.raw_decode(near)
    except (ValueError, RecursionError):
        return ""
    return near[:end]
