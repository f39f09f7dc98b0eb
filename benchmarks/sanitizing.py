"""How fast a model's answer becomes a valid structure."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from time import perf_counter

from workbench.core.compose import compose
from workbench.core.errors import InvalidInputError
from workbench.core.generate import sanitize
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

TIMES = 50
"""Answers to one measurement: a single one is over too soon to be timed well."""


@cache
def _valid() -> str:
    """A valid answer of about 3 kB: sections, phrases, chords and tunes."""
    return compose(Request(form="ABA", duration=40, seed=2)).to_json(indent=None)


@cache
def _broken() -> str:
    """The same answer as models break it: prose, a fence, other spellings, a trailing comma, a number in words."""
    text = _valid().replace('"tempo":', '"bpm":', 1).replace('"cadence": "PAC"', '"cadence": "authentic"', 1)
    text = text.replace('"measures": 8', '"measures": "eight"', 1).removesuffix("}") + ",}"
    return f"Here is the piece you asked for:\n\n```json\n{text}\n```\nEnjoy!"


def _many(answer: str) -> Callable[[], object]:
    return lambda: [sanitize(answer) for _ in range(TIMES)]


def _loads_seconds(text: str) -> float:
    """The time that ``json.loads`` takes here for all the answers of one measurement, the best of many."""
    best = 1.0
    for _ in range(40):
        started = perf_counter()
        for _ in range(TIMES):
            json.loads(text)
        best = min(best, perf_counter() - started)
    return best


def _check_schema(text: str) -> Callable[[], object]:
    return lambda: [MusicStructure.model_validate_json(text, strict=True) for _ in range(TIMES)]


def _hostile(start: str, again: str) -> Callable[[], object]:
    """A megabyte that means ill; it ends in a refusal or in a structure."""
    text = start + again * ((999_000 - len(start)) // len(again))

    def call() -> object:
        try:
            return sanitize(text)
        except InvalidInputError as problem:
            return problem

    return call


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds."""
    valid, broken = _valid(), _broken()
    assert sanitize(valid).valid_before_repair
    assert len(sanitize(broken).repairs) >= 6
    return [
        (f"{TIMES} valid answers of {len(valid) / 1000:.1f} kB sanitized", _many(valid), TIMES / 5000),
        (f"{TIMES} broken answers of {len(broken) / 1000:.1f} kB sanitized", _many(broken), TIMES / 1000),
        (f"{TIMES} schema checks, beside 3 x json.loads", _check_schema(valid), 3 * _loads_seconds(valid)),
        ("a megabyte of odd quotation marks", _hostile('{"a', '" '), 1.0),
        ("a megabyte of empty sections", _hostile('{"sections":[', "{},"), 1.0),
        ("a megabyte of quotation marks inside texts", _hostile('{"a":"x"y', '"x"y '), 1.0),
    ]
