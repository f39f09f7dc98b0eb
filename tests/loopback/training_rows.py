"""Rows to write training files with: the shipped examples, asked for as generation asks, some with examples shown."""

from __future__ import annotations

from functools import cache

from workbench.core.compose import compose
from workbench.core.compose.replan import plan_of
from workbench.core.datasets.files.formats import FORMATS, json_line
from workbench.core.datasets.rows import Kind, Row
from workbench.core.generate.prompt import build_prompt
from workbench.core.generate.templates import built_in, find_template
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import Example, load_examples


@cache
def rows(kind: Kind = "chat", count: int = 12) -> tuple[Row, ...]:
    """Rows of the first examples; every third shows the next example in its prompt."""
    examples = load_examples()
    return tuple(
        _row(example, examples[n + 1 : n + 2] if n % 3 == 0 else (), kind) for n, example in enumerate(examples[:count])
    )


def written(format: str, count: int = 12) -> bytes:
    """A file of rows in a format."""
    return b"".join(json_line(row, format).encode() + b"\n" for row in rows(FORMATS[format].kind, count))


def _row(example: Example, shown: tuple[Example, ...], kind: Kind) -> Row:
    request = example.request
    form = plan_of(example.structure, request, seed=0)
    prompt = build_prompt(request, form, find_template("default", built_in()), examples=shown)
    other = wire_text(compose(request, seed=3)) if kind == "pair" else ""
    key = f"examples/{example.id}"
    return Row(
        key, kind, request.to_dict(), prompt.messages, wire_text(example.structure), other, prompt.examples,
        {"kind": "example", "id": key}, (), dict(example.rights),
    )  # fmt: skip
