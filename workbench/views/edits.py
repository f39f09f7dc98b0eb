"""What a person is writing in the editor: the text kept, read, and mended. Plain functions, no screen."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.core.errors import InputTooLargeError, WorkbenchError
from workbench.core.music.json_lines import line_at, lines_of
from workbench.core.music.reading import MAX_BYTES, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

if TYPE_CHECKING:
    from workbench.core.generate.repairs import Repair

MAX_EDITS = 24
MAX_KEPT = 4_000_000
"""How many characters of unfinished text are kept for one visit."""


@dataclass
class Edit:
    """The text that stands in the editor for one piece.

    ``version`` counts the times that the text was set by something else than typing: the browser then takes it over.
    ``before`` is the text that a mend or an undo has replaced, so that it can be brought back.
    """

    own: str
    text: str
    version: int = 0
    before: str | None = None
    repairs: tuple[Repair, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether something was changed in the piece's own text."""
        return self.text != self.own

    def type(self, text: str) -> None:
        """Take over what was typed; a text too long to be read is not kept."""
        if text != self.text and len(text) <= MAX_BYTES:
            self.text, self.repairs, self.before = text, (), None

    def put(self, text: str, *, repairs: tuple[Repair, ...] = ()) -> None:
        """Replace the text; what stood there can be brought back."""
        self.text, self.before, self.repairs = text, self.text, repairs
        self.version += 1

    def bring_back(self) -> None:
        """The text as it was before it was last replaced."""
        if self.before is not None:
            self.text, self.before, self.repairs = self.before, None, ()
            self.version += 1


@dataclass(frozen=True)
class Reading:
    """What a text says: a structure, or the one problem that keeps it from being one, and on which line."""

    structure: MusicStructure | None
    lines: dict[str, int]
    message: str = ""
    hint: str = ""
    line: int | None = None

    def line_of(self, pointer: str) -> int:
        """The line on which a value of the structure stands."""
        return _line(self.lines, pointer)


def edit_of(edits: dict[str, Edit], name: str, structure: MusicStructure) -> Edit:
    """The edit of a piece, begun when there is none; the oldest are let go when there are too many."""
    edit = edits.pop(name, None)
    if edit is None:
        text = own_text(structure)
        edit = Edit(text, text)
    edits[name] = edit
    while len(edits) > 1 and (len(edits) > MAX_EDITS or sum(len(kept.text) for kept in edits.values()) > MAX_KEPT):
        edits.pop(next(iter(edits)))
    return edit


def read_text(text: str) -> Reading:
    """Read a text; what is wrong with it is told, never raised."""
    try:
        structure = read_structure(text)
    except InputTooLargeError as problem:
        return Reading(None, {}, problem.message, problem.hint)
    except WorkbenchError as problem:
        lines = lines_of(text)
        cause, field = problem.__cause__, getattr(problem, "field", "")
        line = cause.lineno if isinstance(cause, json.JSONDecodeError) else _line(lines, field) if field else None
        return Reading(None, lines, problem.message, problem.hint, line)
    return Reading(structure, lines_of(text))


def mended(text: str, request: Request | None) -> tuple[str, tuple[Repair, ...]] | None:
    """The text of a valid piece and the repairs that lead there; None where nothing has to or can be mended."""
    from workbench.core.generate.sanitize import sanitize

    try:
        result = sanitize(text, request=request)
    except WorkbenchError:
        return None
    return None if result.valid_before_repair else (own_text(result.structure), result.repairs)


def own_text(structure: MusicStructure) -> str:
    """A structure as JSON to read and to edit: each list of plain values on one line."""
    return _written(structure.to_dict(), "")


def _written(value: Any, indent: str) -> str:
    inner = indent + "  "
    if isinstance(value, dict) and value:
        items = [f"{inner}{json.dumps(name)}: {_written(item, inner)}" for name, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return "[\n" + ",\n".join(inner + _written(item, inner) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def _line(lines: dict[str, int], pointer: str) -> int:
    # AIRIA's files hold the structure one level down.
    inside = "/structure" in lines and "/sections" not in lines
    return line_at(lines, f"/structure{pointer}" if inside else pointer)
