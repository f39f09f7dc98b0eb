"""``sanitize``: from whatever a model wrote to a valid MusicStructure, with every change told.

The road: limits, then the fast way for an answer that needs nothing, then finding the object, putting it into shape,
making its parts agree. Nothing is executed, nothing recurses without a bound, and what cannot be used is refused in
words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from workbench.core.errors import InputTooLargeError, InvalidStructureError
from workbench.core.generate.agreement import agrees, count_fields
from workbench.core.generate.likeness import choose
from workbench.core.generate.loose_json import MAX_TOKENS
from workbench.core.generate.reading_json import find_structure
from workbench.core.generate.repairs import Repair, RepairLog
from workbench.core.generate.shaping import shape
from workbench.core.music.reading import MAX_BYTES, MAX_DEPTH, bracket_depth, explain, outside_strings
from workbench.core.music.request import Request
from workbench.core.music.structure import MAX_NOTES, MAX_PHRASES, MAX_SECTIONS, MusicStructure

_LONG = 60_000
"""The schema takes seconds to say what is wrong with an endless list: a longer answer is looked at by hand before."""
_FIELDS = set(MusicStructure.model_fields) | {field.alias or "" for field in MusicStructure.model_fields.values()}


class Sanitized(NamedTuple):
    """A valid structure, what was changed to make it one, and whether nothing had to be.

    ``valid_before_repair`` holds exactly where ``repairs`` is empty: the text itself, but for white space around it,
    was strict JSON and a MusicStructure whose numerals can be read and whose parts agree.
    """

    structure: MusicStructure
    repairs: tuple[Repair, ...]
    valid_before_repair: bool


def sanitize(text_or_object: str | bytes | Mapping[str, Any], *, request: Request | None = None) -> Sanitized:
    """Read a MusicStructure out of what a model sent, mending what has to be mended.

    ``request`` says what a missing key, tempo, meter, form or length should be; nothing else is taken from it. The
    result can always be realized, and sanitizing it again changes nothing.

    Raises:
        InvalidStructureError: there is no music in it that could be used.
        InputTooLargeError: over 1 MB or 64 levels; nothing was parsed.
    """
    log = RepairLog()
    if isinstance(text_or_object, str | bytes):
        text = _text(text_or_object, log)
        outside = _refuse_large(text)
    elif isinstance(text_or_object, Mapping):
        text = _as_text(text_or_object)
        outside = _refuse_large(text)
    else:
        raise InvalidStructureError(
            f"A structure is text or an object, not {type(text_or_object).__name__}.", hint="Pass the model's answer."
        )
    if not len(log):
        ready = _ready(text, outside)
        if ready is not None:
            return Sanitized(ready, (), True)
    return _mended(text, request, log)


def _text(data: str | bytes, log: RepairLog) -> str:
    if len(data) > MAX_BYTES:
        raise _too_long(len(data))
    if isinstance(data, str):
        return data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        log.add("", "text.encoding", "UTF-16", "UTF-8", "The text was not UTF-8.")
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        log.add("", "text.encoding", "unknown", "UTF-8", "Some bytes were not UTF-8 and became replacement characters.")
        return data.decode("utf-8", "replace")


def _too_long(length: int) -> InputTooLargeError:
    return InputTooLargeError(
        f"The input is {length:,} bytes long; at most {MAX_BYTES:,} are read.",
        hint="Send one piece at a time, without embedded audio or images.",
    )


def _refuse_large(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        raise _too_long(len(data))
    outside = outside_strings(data)
    depth = bracket_depth(outside)
    if depth > MAX_DEPTH:
        raise InputTooLargeError(
            f"The input is nested {depth:,} levels deep; at most {MAX_DEPTH} are read.",
            hint="A structure needs about eight levels: check for brackets that were never closed.",
        )
    return outside


def _as_text(value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value made of JSON's own types alone.

    Raises:
        InputTooLargeError: it is nested too deeply (or holds itself), or too large.
    """
    result: list[Any] = []
    waiting: list[tuple[Any, Any, Any, int]] = [(value, result, None, 0)]
    count = 0
    while waiting:
        node, target, name, level = waiting.pop()
        count += 1
        if level > MAX_DEPTH or count > 4 * MAX_TOKENS:
            raise InputTooLargeError("The object is too deep or too large.", hint="Pass one plain structure.")
        if isinstance(node, Mapping):
            made: Any = dict.fromkeys(str(key) for key in node)
            waiting += [(item, made, str(key), level + 1) for key, item in node.items()]
        elif isinstance(node, list | tuple | set | frozenset):
            made = [None] * len(node)
            waiting += [(item, made, number, level + 1) for number, item in enumerate(node)]
        else:
            made = node if node is None or isinstance(node, bool | int | float | str) else None
        if name is None:
            target.append(made)
        else:
            target[name] = made
    return result[0]


def _plausible(text: str) -> bool:
    """Whether a long text is JSON that has the format's fields, and no list longer than the format takes."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    fields = _FIELDS | set(value)
    if len(fields) > len(_FIELDS) or not isinstance(value.get("sections"), list):
        return False
    limits = {"sections": MAX_SECTIONS, "phrases": MAX_PHRASES, "leitmotifs": 64, "motifs": 64, "transformations": 64}
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, node = waiting.pop()
        if isinstance(node, list):
            if len(node) > limits.get(name, MAX_NOTES):
                return False
            waiting += [("", item) for item in node if isinstance(item, dict | list)]
        else:
            if len(node) > len(_FIELDS):
                return False
            waiting += [(key, item) for key, item in node.items() if isinstance(item, dict | list)]
    return True


def _ready(text: str, outside: bytes) -> MusicStructure | None:
    """The structure of an answer that needs no repair, else None."""
    stripped = text.strip(" \t\r\n\ufeff")
    if not stripped.startswith("{") or (len(stripped) > _LONG and not _plausible(stripped)):
        return None
    try:
        structure = MusicStructure.model_validate_json(stripped, strict=True)
    except ValidationError:
        return None
    # Every member has a colon; a name that stands twice has two, and counts once.
    if outside.count(b":") != count_fields(structure) or not agrees(structure):
        return None
    return structure


def _mended(text: str, request: Request | None, log: RepairLog) -> Sanitized:
    try:
        chosen = find_structure(text, log)
        structure = _finished(shape(chosen, request, log))
        # What one repair uncovers, a second round mends; a third is never needed.
        for _ in range(2):
            if agrees(structure):
                break
            again = choose(structure.to_dict())
            structure = _finished(shape(again, request, log)) if again is not None else structure
        else:
            raise InvalidStructureError("The parts of the piece contradict each other.", hint="Ask for it again.")
    except RecursionError:
        raise InputTooLargeError("The input is nested too deeply.", hint="Send one plain JSON object.") from None
    if not len(log):
        log.add("", "schema.types", None, None, "Values were written in another type than the format's.")
    return Sanitized(structure, log.finished(), False)


def _finished(shaped: dict[str, Any]) -> MusicStructure:
    try:
        return MusicStructure.model_validate(shaped)
    except ValidationError as problem:
        raise explain(problem, InvalidStructureError) from None
