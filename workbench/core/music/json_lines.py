"""On which line of a JSON text a value stands, so that a person who edits the text can be led to it."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"?|[{}\[\],:\n]|[^\s{}\[\],:"]+')

_MAX_VALUES, _MAX_LEVELS, _MAX_NAME = 50_000, 16, 60
"""A structure has fewer values and levels and shorter names; a hostile text must not fill the memory with pointers."""


def lines_of(text: str) -> dict[str, int]:
    """The line (from 1) of every value, by its JSON pointer; of a text that breaks off, as far as it goes."""
    found: dict[str, int] = {"": 1}
    stack: list[tuple[str, bool]] = []  # the pointer of each open object or list, and whether it is a list
    names: list[str | int] = []  # where we are in each of them
    line, named = 1, False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if len(found) > _MAX_VALUES or len(stack) > _MAX_LEVELS:
            break
        if token == "\n":
            line += 1
        elif token == ",":
            named = False
            if names and isinstance(names[-1], int):
                names[-1] += 1
        elif token in "}]":
            if stack:
                stack.pop()
                names.pop()
            named = False
        elif token == ":":
            named = True
        elif stack and not stack[-1][1] and not named:
            names[-1] = _name(token)
            found.setdefault(f"{stack[-1][0]}/{names[-1]}", line)
        else:
            pointer = f"{stack[-1][0]}/{names[-1]}" if stack else ""
            found.setdefault(pointer, line)
            if token in "{[":
                stack.append((pointer, token == "["))
                names.append(0 if token == "[" else "")
                named = False
    return found


def line_at(lines: dict[str, int], pointer: str) -> int:
    """The line of a value, or of the nearest one around it that stands in the text."""
    while pointer and pointer not in lines:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 1)


def _name(token: str) -> str:
    try:
        name = str(json.loads(token))
    except ValueError:
        name = token.strip('"')
    return name[:_MAX_NAME].replace("~", "~0").replace("/", "~1")
