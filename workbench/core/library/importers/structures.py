"""AIRIA's request-and-structure pairs and MusicStructures, as JSON and as JSON Lines.

What is a valid structure is taken as it is. What is none is given back as it stands (``raw``), with a note that says
what is wrong first: the sanitizer, which lives above the library, mends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workbench.core.errors import InputTooLargeError, InvalidInputError, InvalidRequestError, InvalidStructureError
from workbench.core.library.importers.analysis import Fact, Source
from workbench.core.library.importers.registry import File, ImportedPiece, importer
from workbench.core.library.importers.texts import decoded, file_name, shown
from workbench.core.music.reading import MAX_BYTES, parse_json, read_request, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

MAX_LINES = 20_000
MAX_LINES_BYTES = 20_000_000
_HINT = 'Give a MusicStructure, or AIRIA\'s {"request": …, "structure": …}.'


def _looks_like_json(file: File) -> bool:
    return file.text_head.lstrip()[:1] in ("{", "[")


def _looks_like_lines(file: File) -> bool:
    first = file.text_head.lstrip().split("\n", 1)[0].strip()
    return first.startswith("{") and (first.endswith("}") or len(first) > 4000)


@importer("json", endings=(".json",), title="AIRIA or MusicStructure JSON", most=MAX_BYTES, looks=_looks_like_json)
def import_json(file: File) -> Iterator[ImportedPiece]:
    """One object, or a list of them."""
    value = parse_json(decoded(file.data))
    if isinstance(value, list):
        if not value or len(value) > MAX_LINES:
            raise InvalidInputError(f"The list holds {len(value):,} items.", hint=_HINT)
        for number, item in enumerate(value, 1):
            yield _piece("json", f"{file_name(file.name)}#{number}", item)
    else:
        yield _piece("json", file_name(file.name), value)


@importer("jsonl", endings=(".jsonl", ".ndjson"), title="JSON Lines", most=MAX_LINES_BYTES, looks=_looks_like_lines)
def import_json_lines(file: File) -> Iterator[ImportedPiece]:
    """One object a line; a line that cannot be read is told and passed over."""
    count = file.data.count(b"\n")
    if count > MAX_LINES:
        raise InputTooLargeError(f"There are {count:,} lines; at most {MAX_LINES:,} are read.", hint="Divide it.")
    for number, line in enumerate(decoded(file.data).split("\n"), 1):
        if not line.strip():
            continue
        name = f"{file_name(file.name)}#{number}"
        try:
            yield _piece("jsonl", name, parse_json(line))
        except InvalidInputError as problem:
            told = type(problem)(f"Line {number}: {problem.message}", hint=problem.hint, field=problem.field)
            yield ImportedPiece(format="jsonl", name=name, problem=told)


def _piece(format: str, name: str, value: Any) -> ImportedPiece:
    """The piece that an object is.

    Raises:
        InvalidInputError: nothing in it can be a structure.
    """
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = _answer(value["messages"])
    if not isinstance(value, Mapping):
        raise InvalidInputError("A piece is a JSON object.", hint=_HINT)
    raw, wish = (value, None) if "sections" in value else (value.get("structure"), value.get("request"))
    if not isinstance(raw, Mapping):
        raise InvalidInputError("There is no structure in it.", hint=_HINT)
    notes: list[str] = []
    structure, request = _structure(raw, notes), _request(wish, notes)
    others = sorted(shown(str(key), 40) for key in set(value) - {"request", "structure", "id"} if raw is not value)
    if others:
        notes.append(f"Left out: {', '.join(others[:12])}.")
    return ImportedPiece(
        format=format,
        name=name,
        structure=structure,
        raw=raw if structure is None else None,
        request=request,
        raw_request=wish if request is None and isinstance(wish, Mapping) else None,
        source=Source(title=shown(str(raw.get("title") or "")), format="AIRIA JSON" if wish else "MusicStructure JSON"),
        read=_facts(structure),
        notes=tuple(notes),
    )


def _answer(messages: list[Any]) -> Any:
    """What a row of training data teaches to answer: the last message's JSON."""
    last = messages[-1] if messages else None
    content = last.get("content") if isinstance(last, Mapping) else None
    if not isinstance(content, str):
        raise InvalidInputError("The last message holds no text.", hint=_HINT)
    return parse_json(content)


def _structure(raw: Mapping[str, Any], notes: list[str]) -> MusicStructure | None:
    try:
        return read_structure(raw)
    except InvalidStructureError as problem:
        notes.append(f"The structure has to be mended: {problem.message}")
        return None


def _request(wish: Any, notes: list[str]) -> Request | None:
    if not isinstance(wish, Mapping):
        return None
    try:
        return read_request(wish)
    except InvalidRequestError as problem:
        notes.append(f"The request has to be mended: {problem.message}")
        return None


def _facts(structure: MusicStructure | None) -> tuple[Fact, ...]:
    if structure is None:
        return ()
    says = "The structure in the file says so."
    phrases = [phrase for section in structure.sections for phrase in section.phrases or ()]
    values = {
        "key": structure.key,
        "meter": structure.time_signature,
        "tempo": f"{structure.tempo:g}",
        "form": structure.form,
        "period": structure.period or "",
        "sections": str(len(structure.sections)),
        "phrases": str(len(phrases)) if phrases else "",
        "tune": str(sum(phrase.melody is not None for phrase in phrases)) if phrases else "",
    }
    return tuple(Fact(what, value, says) for what, value in values.items() if value)
