"""The formats of training files: one registered class each, which writes rows and knows the rules of its lines.

``openai-chat`` and ``openai-dpo`` are what OpenAI and the endpoints that follow it take; ``trl-sft`` and ``trl-dpo``
are what TRL's trainers read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from workbench.core.datasets.faults import Fault
from workbench.core.datasets.files import openai_formats, trl_formats
from workbench.core.datasets.files.row_formats import FORMATS, FileRules, RowFormat, Spoken
from workbench.core.datasets.rows import Row
from workbench.core.errors import InvalidInputError

__all__ = ["FORMATS", "FileRules", "RowFormat", "Spoken", "detect", "file_faults", "format_of", "json_line"]

_MODULES = (openai_formats, trl_formats)
"""To load them is to register what they hold."""


def format_of(name: str) -> RowFormat:
    """A format by its name.

    Raises:
        InvalidInputError: there is none of this name.
    """
    if name not in FORMATS:
        raise InvalidInputError(
            f"There is no format {name[:60]!r}.", hint=f"Choose one of {', '.join(FORMATS)}.", field="format"
        )
    return FORMATS[name]


def detect(value: object) -> str | None:
    """The name of the format that a parsed line is in, told by its members; None where it is none of them."""
    if not isinstance(value, Mapping):
        return None
    return next((each.name for each in FORMATS.values() if not each.marks.isdisjoint(value)), None)


def json_line(row: Row, format: str) -> str:
    """A row as a line of a file, without the line break: the same row is always the same text.

    Raises:
        InvalidInputError: no such format, or the row is not of its kind.
    """
    target = format_of(format)
    if row.kind != target.kind:
        needs = "preference pairs" if target.kind == "pair" else "rows with one answer"
        fitting = ", ".join(each.name for each in FORMATS.values() if each.kind == row.kind)
        raise InvalidInputError(f"{target.name} holds {needs}.", hint=f"Choose one of {fitting}.", field="format")
    return json.dumps(target.write(row), ensure_ascii=False, separators=(",", ":"))


def file_faults(format: RowFormat, *, rows: int, size: int, name: str = "") -> list[Fault]:
    """What breaks the rules for a whole file; ``size`` is in bytes, ``name`` may be unknown."""
    rules, found = format.rules, []
    if rows < rules.least_rows:
        least = f"{rules.least_rows} row{'' if rules.least_rows == 1 else 's'}"
        found.append(Fault("file.rows", "error", f"The file has {rows} of at least {least}.", "Add rows."))
    if rules.most_bytes is not None and size > rules.most_bytes:
        most = rules.most_bytes // 1_000_000
        found.append(
            Fault("file.size", "error", f"The file has {size:,} bytes; at most {most} MB are taken.", "Split it.")
        )
    if rules.suffix and name and not name.endswith(rules.suffix):
        found.append(
            Fault("file.name", "error", f"The file's name does not end in {rules.suffix}.", "Give it another name.")
        )
    return found
