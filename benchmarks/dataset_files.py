"""How fast training files are checked: the rules of a format, and the music in the answers."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

from workbench.core.checks import check
from workbench.core.compose import compose
from workbench.core.compose.replan import plan_of
from workbench.core.datasets.files.file_check import FileReport, check_file
from workbench.core.datasets.files.formats import json_line
from workbench.core.datasets.rows import Row
from workbench.core.generate.prompt import build_prompt
from workbench.core.generate.templates import built_in, find_template
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import load_examples
from workbench.core.music.request import Request

MEGABYTES = 20
ROWS = 200
EACH = 60 / 10_000 * 2
"""Seconds that one process may take for a row: 10,000 in a minute on two cores."""


@cache
def _lines() -> tuple[bytes, ...]:
    """A line for each shipped example, and for as many pieces more as make up the rows."""
    pairs = [(example.request, example.structure) for example in load_examples()]
    seed = 0
    while len(pairs) < ROWS:
        seed += 1
        request = Request(form=("ABA", "rondo", "sonata")[seed % 3], duration=40 + seed % 60, seed=seed)
        structure = compose(request)
        if check(structure, request=request, profile=structure.period or "classical").valid:
            pairs.append((request, structure))
    template = find_template("default", built_in())
    lines: list[bytes] = []
    for number, (request, structure) in enumerate(pairs):
        prompt = build_prompt(request, plan_of(structure, request, seed=0), template)
        row = Row(
            f"row/{number}", "chat", request.to_dict(), prompt.messages, wire_text(structure), "", (), {}, (), {}
        )  # fmt: skip
        lines.append(json_line(row, "openai-chat").encode() + b"\n")
    return tuple(lines)


@cache
def _large() -> bytes:
    """Twenty megabytes of rows, each told apart from the others by a word in its question."""
    found: list[bytes] = []
    size = 0
    while size < MEGABYTES * 1_000_000:
        line = _lines()[len(found) % ROWS].replace(b"Request: ", b"%d. Request: " % len(found), 1)
        found.append(line)
        size += len(line)
    return b"".join(found)


def _checked(data: bytes, *, music: bool) -> Callable[[], FileReport]:
    return lambda: check_file(io.BytesIO(data), music=music, processes=0)


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured here, and its targets in seconds."""
    large, small = _large(), b"".join(_lines())
    assert _checked(large, music=False)().errors == 0
    assert _checked(small, music=True)().errors == 0
    each = len(small) / ROWS / 1000
    return [
        (f"the format of {MEGABYTES} MB of rows checked", _checked(large, music=False), 1.0),
        (f"{ROWS} rows of {each:.0f} kB checked, music and all", _checked(small, music=True), ROWS * EACH),
    ]
