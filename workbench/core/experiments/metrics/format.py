"""Format: what the model's first answer was worth before any repair, and what it took to get a piece."""

from __future__ import annotations

from workbench.core.experiments.metrics.context import Context
from workbench.core.experiments.metrics.registry import metric
from workbench.core.experiments.samples import Sample


@metric("finished", kind="rate", better="higher", family="format", title="Ended in a piece")
def finished(sample: Sample, _: Context) -> bool:
    """A piece came out in the end, whoever wrote it."""
    return sample.structure is not None


@metric("valid-json", kind="rate", better="higher", family="format", title="Valid JSON")
def valid_json(sample: Sample, _: Context) -> bool | None:
    """The first answer is one strict JSON object and nothing else, before any repair."""
    return sample.valid_json


@metric("valid-schema", kind="rate", better="higher", family="format", title="Fits the schema")
def valid_schema(sample: Sample, _: Context) -> bool | None:
    """The first answer fits the schema and its parts agree, before any repair."""
    return sample.valid_schema


@metric("valid-before-repair", kind="rate", better="higher", family="format", title="Valid before repair")
def valid_before_repair(sample: Sample, _: Context) -> bool | None:
    """The first answer fits the schema and the checks find no error in it, before any repair."""
    return sample.valid_piece


@metric("first-try", kind="rate", better="higher", family="format", title="Used at the first try")
def first_try(sample: Sample, _: Context) -> bool | None:
    """The first answer became the piece with nothing to repair."""
    return sample.outcome == "first-try" if _asked(sample) else None


@metric("re-asked", kind="rate", better="lower", family="format", title="Asked again")
def re_asked(sample: Sample, _: Context) -> bool | None:
    """The model was told what was wrong and asked again, whether that helped or not."""
    if not _asked(sample):
        return None
    return sample.outcome == "re-asked" or (sample.outcome == "fell-back" and sample.calls > 1)


@metric("fell-back", kind="rate", better="lower", family="format", title="Fell back to the rules")
def fell_back(sample: Sample, _: Context) -> bool | None:
    """The model gave nothing that could be used, and the rule-based composer wrote the piece.

    Where this is common, what is measured of the pieces tells of the rules and not of the model.
    """
    return sample.outcome == "fell-back" if _asked(sample) else None


@metric("repairs", kind="count", better="lower", family="format")
def repairs(sample: Sample, _: Context) -> float | None:
    """How many changes it took to make an answer a valid structure."""
    return float(sample.repairs) if _asked(sample) else None


@metric("calls", kind="count", better="lower", family="format")
def calls(sample: Sample, _: Context) -> float | None:
    """How often the model was called."""
    return float(sample.calls) if _asked(sample) else None


def _asked(sample: Sample) -> bool:
    return sample.valid_json is not None or sample.calls > 0
