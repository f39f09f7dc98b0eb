"""Samples as JSON and back, the very same. Of the examples that a prompt showed ids and hashes are kept, no pieces."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from workbench.core.checks import Finding, Report
from workbench.core.checks.findings import SEVERITIES
from workbench.core.compose import FormPlan
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments.samples import Sample
from workbench.core.library.examples import Example
from workbench.core.music.meters import TIME_SIGNATURES, meter_of
from workbench.core.music.reading import read_request, read_structure

_TEXTS = ("key", "raw", "outcome", "provider", "variant", "model", "error")
_COUNTS = ("repairs", "calls", "tokens_in", "tokens_out")
_ANSWERS = ("valid_json", "valid_schema", "valid_piece")
_FINDING = ("check", "severity", "message", "path", "measure", "hint")


def sample_to_dict(sample: Sample) -> dict[str, Any]:
    """The JSON object of a sample."""
    told = {name: getattr(sample, name) for name in (*_TEXTS, *_COUNTS, *_ANSWERS, "cost", "seconds", "first_token")}
    return told | {
        "request": sample.request.to_dict(),
        "form": _plans().dump_python(sample.form, mode="json", exclude_defaults=True),
        "structure": None if sample.structure is None else sample.structure.to_dict(),
        "report": None if sample.report is None else _report_to_dict(sample.report),
        "shown": [[each.id, _mark(each)] for each in sample.shown],
    }


def read_sample(data: Mapping[str, Any], examples: Mapping[str, Example] | None = None) -> Sample:
    """What ``sample_to_dict`` made. ``examples`` are the library's by their ids; of those that were shown, what is gone
    or has changed since is left out.

    Raises:
        InvalidInputError: it is something else.
    """
    try:
        return _read(data, examples or {})
    except (WorkbenchError, ValidationError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise InvalidInputError("This is no sample of an experiment.", hint="Run the cell again.") from None


def _read(data: Mapping[str, Any], examples: Mapping[str, Example]) -> Sample:
    form = _plans().validate_python(data["form"])
    if form.manner.meter.name not in TIME_SIGNATURES:
        raise ValueError("no meter")
    form = replace(form, manner=replace(form.manner, meter=meter_of(form.manner.meter.name)))  # one object a meter
    flags: dict[str, Any] = {name: _of_type(data[name], bool) for name in _ANSWERS if data[name] is not None}
    known = [(examples.get(str(id)), mark) for id, mark in data["shown"]]
    return Sample(
        request=read_request(data["request"]),
        form=form,
        structure=None if data["structure"] is None else read_structure(data["structure"]),
        report=None if data["report"] is None else _read_report(data["report"]),
        shown=tuple(each for each, mark in known if each is not None and _mark(each) == mark),
        seconds=_number(data["seconds"]) or 0.0,
        cost=_number(data["cost"]),
        first_token=_number(data["first_token"]),
        **{name: _of_type(data[name], str) for name in _TEXTS},
        **{name: _of_type(data[name], int) for name in _COUNTS},
        **flags,
    )


def _report_to_dict(report: Report) -> dict[str, Any]:
    found = [[getattr(each, name) for name in _FINDING] for each in report.findings]
    return {"profile": report.profile, "findings": found}


def _read_report(data: Mapping[str, Any]) -> Report:
    findings = []
    for check, severity, message, path, measure, hint in data["findings"]:
        if severity not in SEVERITIES:
            raise ValueError("no severity")
        texts = [_of_type(each, str) for each in (check, severity, message, path, hint)]
        place = None if measure is None else _of_type(measure, int)
        findings.append(Finding(texts[0], severity, texts[2], texts[3], place, texts[4]))
    return Report(_of_type(data["profile"], str), tuple(findings))


@lru_cache(maxsize=1)
def _plans() -> TypeAdapter[FormPlan]:
    return TypeAdapter(FormPlan)


@lru_cache(maxsize=4096)
def _mark(example: Example) -> str:
    """A short hash of an example's piece."""
    return hashlib.sha256(example.structure.to_json().encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)


def _of_type(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise ValueError(f"no {kind.__name__}")
    return value
