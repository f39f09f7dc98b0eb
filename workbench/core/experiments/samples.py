"""What became of one cell of an experiment, as metrics look at it: the first answer, the piece, and what it took."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.checks import Report
from workbench.core.compose import FormPlan
from workbench.core.library.examples import Example
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

Value = bool | float | None
"""What a metric gives: a rate's yes or no, a number, or None where it says nothing about a sample."""


@dataclass(frozen=True)
class Sample:
    """One request, answered by one variant with one seed.

    ``raw`` is the first answer as it came; empty, and the three ``valid_…`` None, where no model was asked. These say
    whether that answer, before any repair, was strict JSON, fitted the schema, and had no error in its findings.
    ``structure`` and ``report`` are what came out in the end, None where the cell failed and ``error`` says why.
    ``tokens_…`` and ``seconds`` are sums over all calls, ``first_token`` is in seconds from the first call; ``cost`` is
    in US dollars, None where no price is known. ``shown`` are the examples that the prompt showed.
    """

    key: str
    request: Request
    form: FormPlan
    raw: str = ""
    structure: MusicStructure | None = None
    report: Report | None = None
    outcome: str = ""
    provider: str = ""
    variant: str = ""
    model: str = ""
    valid_json: bool | None = None
    valid_schema: bool | None = None
    valid_piece: bool | None = None
    repairs: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float | None = None
    seconds: float = 0.0
    first_token: float | None = None
    shown: tuple[Example, ...] = ()
    error: str = ""
