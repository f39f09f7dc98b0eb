"""All that is wrong with a specification, in sentences: ``read_specification`` tells the first of them alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.specification import Specification, read_specification
from workbench.core.music.reading import explain

MOST = 12
"""Faults that are told at once."""


def faults_of(data: Mapping[str, Any], metrics: Collection[str] = ()) -> tuple[InvalidInputError, ...]:
    """What is wrong with a specification, each fault once; nothing where it can be read. ``metrics`` are known names.

    ``field`` says where: ``/variants/0/name``.
    """
    found: list[InvalidInputError] = []
    try:
        Specification.model_validate(dict(data))
    except ValidationError as problem:
        found += _each(problem, data)
    except RecursionError:
        return (InvalidInputError("The specification is nested too deeply.", hint="Close its brackets."),)
    found += _twice(data)
    unknown = [name for name in _listed(data.get("metrics")) if isinstance(name, str) and name not in metrics]
    if metrics:
        found += [InvalidInputError(f"There is no metric {name[:60]!r}.", field="/metrics") for name in unknown]
    if not found:
        try:
            read_specification(data)
        except InvalidInputError as problem:
            found.append(problem)
    once = {(each.message, each.field): each for each in found}
    return tuple(once.values())[:MOST]


def _each(problem: ValidationError, data: Mapping[str, Any]) -> Iterator[InvalidInputError]:
    for error in problem.errors(include_url=False):
        pointer = "".join(f"/{str(part)[:60]}" for part in error["loc"])[:200]
        if error["type"] in ("value_error", "assertion_error"):
            said = str(error["msg"]).partition(", ")[2] or str(error["msg"])
            yield InvalidInputError(f"{said[:1].upper()}{said[1:500]}.", field=pointer)
            continue
        given = error["input"]
        if error["type"] == "too_short" and isinstance(given, list | tuple) and given:
            continue  # what is in it is wrong, which is told by itself
        line: InitErrorDetails = {"type": error["type"], "loc": error["loc"], "input": given}
        if "ctx" in error:
            line["ctx"] = error["ctx"]
        told = explain(ValidationError.from_exception_data("Specification", [line]))
        told.message, told.field = _plainly(told.message, data), pointer
        yield told


def _plainly(message: str, data: Mapping[str, Any]) -> str:
    """A sentence that begins with the path of a field, with the field as people call it."""
    path, space, rest = message.partition(" ")
    parts = path.split(".")
    if parts[0] == "variants" and len(parts) > 2 and parts[1].isdecimal():
        each = _listed(data.get("variants"))[int(parts[1])]
        name = each.get("name") if isinstance(each, Mapping) else None
        return f"{_of(parts[2:])} of {str(name)[:80]!r}{space}{rest}" if name else f"{_of(parts)}{space}{rest}"
    return f"{_of([each for each in parts if each not in ('requests', 'grid', 'limits')] or parts)}{space}{rest}"


def _of(parts: list[str]) -> str:
    words = " ".join(each for each in parts if not each.isdecimal()).replace("_", " ")
    return words[:1].upper() + words[1:]


def _twice(data: Mapping[str, Any]) -> Iterator[InvalidInputError]:
    """Names and seeds that stand twice: told also while something else is wrong."""
    names = [
        str(each["name"]).strip()
        for each in _listed(data.get("variants"))
        if isinstance(each, Mapping) and "name" in each
    ]
    for what, given in (("variants are called", names), ("seeds are", _listed(data.get("seeds")))):
        counted = Counter(each for each in given if isinstance(each, str | int) and each != "")
        for value, count in counted.items():
            if count > 1:
                yield InvalidInputError(f"Two {what} {value[:80] if isinstance(value, str) else value!r}.", field="")


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
