"""Answers that were made elsewhere: JSON Lines of a request and a raw answer each, so that any model can be compared.

A line is ``{"request": {...}, "raw": "..."}``; ``raw`` may be the object itself. It may say besides ``seed``,
``model``, ``tokens_in``, ``tokens_out``, ``cost`` (US dollars), ``seconds`` and ``first_token`` (seconds). A ``seed``
says that the model was shown the plan that the workbench makes with it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from workbench.core.checks import Report, check
from workbench.core.compose import FormPlan, compose_plan, plan
from workbench.core.compose.refine import refine
from workbench.core.compose.replan import plan_of
from workbench.core.datasets.files.lines import BrokenLineError, Line, Lines, opened, parse_line
from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.experiments.answering import Looked, is_strict_json
from workbench.core.experiments.requests import Asked, request_digest
from workbench.core.experiments.samples import Sample
from workbench.core.experiments.specification import MAX_MODEL_SEED
from workbench.core.generate.judging import weight
from workbench.core.generate.sanitize import sanitize
from workbench.core.library.database import storable
from workbench.core.music.reading import MAX_BYTES, read_request
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

IMPORTED = "imported"
"""The provider of answers that were made elsewhere."""
MAX_OUTPUTS = 100_000
_COUNTS, _NUMBERS = ("tokens_in", "tokens_out"), ("cost", "seconds", "first_token")
_MOST = 10**9
_FIELDS = {"request", "raw", "seed", "model", *_COUNTS, *_NUMBERS}


@dataclass(frozen=True)
class Output:
    """One line: what was asked and answered. ``told`` are fields of its sample that the line gives."""

    line: int
    request: Request
    raw: str
    seed: int | None = None
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What the request is found by among those of an experiment."""
        return request_digest(self.request)


def read_outputs(source: BinaryIO | Path | str) -> Iterator[Output]:
    """The lines of a file, read one after the other, so that memory stays small.

    Raises:
        InvalidInputError: the file cannot be read, or a line is wrong, too long, too deep, or answers the same request
            with the same seed as one before; the message names the line.
    """
    seen: dict[bytes, int] = {}
    with opened(source) as stream:
        for line in Lines(stream):
            found = _output(line)
            mark = f"{found.digest}/{found.seed}".encode()
            if mark in seen:
                raise _at(line, f"It answers the request of line {seen[mark]:,} again.", "Keep one, or give it a seed.")
            if len(seen) >= MAX_OUTPUTS:
                raise _at(line, f"At most {MAX_OUTPUTS:,} answers are read.", "Split the file.", InputTooLargeError)
            seen[mark] = line.number
            yield found
    if not seen:
        raise InvalidInputError("The file holds no answer.", hint='Each line is {"request": {...}, "raw": "..."}.')


def _output(line: Line) -> Output:
    try:
        data = parse_line(line)
    except BrokenLineError as problem:
        raise _at(line, problem.fault.message, problem.fault.hint) from None
    unknown = next((name for name in data if name not in _FIELDS), None)
    if unknown is not None:
        raise _at(line, f"{unknown[:60]!r} is no field of an answer.", f"The fields are {', '.join(sorted(_FIELDS))}.")
    asked, raw, seed = data.get("request"), data.get("raw"), data.get("seed")
    if not isinstance(asked, Mapping):
        raise _at(line, "The request is missing.", "Write it in curly brackets.")
    if not isinstance(raw, str | Mapping):
        raise _at(line, "The raw answer is missing.", "Give it as a text, just as the model wrote it.")
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
    if len(text.encode()) > MAX_BYTES:
        raise _at(line, f"The answer is longer than {MAX_BYTES:,} bytes.", "Leave it out.", InputTooLargeError)
    if seed is not None and (type(seed) is not int or not 0 <= seed <= MAX_MODEL_SEED):
        raise _at(line, "The seed is no whole number from 0.", "Leave it out where there was none.")
    try:
        request = read_request(asked)
    except InvalidInputError as problem:
        raise _at(line, f"In the request: {problem.message}", problem.hint, type(problem)) from None
    return Output(line.number, request, text, seed, dict(_told(line, data)))


def _told(line: Line, data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in (*_COUNTS, *_NUMBERS):
        value = data.get(name)
        if value is None:
            continue
        known = type(value) is int if name in _COUNTS else type(value) in (int, float)
        if not known or not math.isfinite(value) or not 0 <= value <= _MOST:
            raise _at(line, f"{name} is no number that can be.", "Leave it out where it is not known.")
        yield name, value
    model = data.get("model")
    if model is not None:
        if not isinstance(model, str) or not model.strip().isprintable() or not 0 < len(model.strip()) <= 200:
            raise _at(line, "The model is no name.", "Write letters, digits and signs, at most 200.")
        yield "model", storable(model).strip()


def _at(line: Line, message: str, hint: str, error: type[InvalidInputError] = InvalidInputError) -> InvalidInputError:
    return error(f"Line {line.number:,}: {message}", hint=hint, field=f"/{line.number}")


# Samples -------------------------------------------------------------------------------------------------------------


def sample_of_raw(asked: Asked, raw: str, *, seed: int | None = None, told: Mapping[str, Any] | None = None) -> Sample:
    """The sample of an answer that was made elsewhere: mended, refined and checked as the pipeline does.

    It is held to the plan that its dataset row shows, else to the one that the workbench makes with ``seed``, else,
    since nobody knows which plan the model was shown, to the request alone; ``form`` is then a plan for the request, no
    more. What cannot be used falls back to the rules. ``told`` are further fields of the sample, such as its tokens.
    """
    request = asked.request
    form = plan(request, seed=seed) if asked.row is None else plan_of(asked.row.structure, request, seed=0)
    shown = form if asked.row is not None or seed is not None else None
    looked, structure, report = _read(raw, request, form, shown)
    outcome = "repaired" if looked.repairs or not looked.piece else "first-try"
    if structure is None:
        structure, outcome = compose_plan(form, request), "fell-back"
        report = check(structure, request=request, plan=form, profile=structure.period or form.manner.period)
    return replace(
        Sample(
            asked.key, request, form, raw, structure, report, outcome, IMPORTED, "base", IMPORTED, looked.json,
            looked.schema, looked.piece, looked.repairs, 1,
        ),
        **(told or {}),
    )  # fmt: skip


def _read(
    raw: str, request: Request, form: FormPlan, shown: FormPlan | None
) -> tuple[Looked, MusicStructure | None, Report | None]:
    """What an answer was, and the piece that it becomes; no piece where errors remain."""
    try:
        structure, repairs, valid = sanitize(raw, request=request)
    except InvalidInputError:
        return Looked(is_strict_json(raw), False, False), None, None
    profile = structure.period or form.manner.period
    first = report = check(structure, request=request, plan=shown, profile=profile)
    refined = refine(structure)
    if refined.steps:
        after = check(refined.structure, request=request, plan=shown, profile=profile)
        if weight(after) <= weight(first):
            structure, report = refined.structure, after
    looked = Looked(valid or is_strict_json(raw), valid, valid and first.valid, len(repairs))
    return looked, structure if report.valid else None, report if report.valid else None
