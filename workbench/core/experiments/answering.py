"""Answering one cell: the pipeline runs as it does for everybody, and what came of it becomes a ``Sample``.

Whatever goes wrong is in the sample. Where a model could not be reached, or refused the call, nothing was learned of
it: the cell has failed, and may be asked again. What a model did answer counts, however bad.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import NamedTuple

from workbench.core.compose import FormPlan, plan
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments.cells import Cell
from workbench.core.experiments.heard import QUIET, Halted, Heard, Ledger, Said
from workbench.core.experiments.limits import IN_BATCH
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.samples import Sample
from workbench.core.experiments.variants import Ready
from workbench.core.generate.generation import Generation, Workshop
from workbench.core.generate.pipeline import generate
from workbench.core.generate.prices import cost_of
from workbench.core.generate.providers import Providers, Tokens
from workbench.core.generate.providers.adapt import Adapt
from workbench.core.generate.secrecy import scrubber
from workbench.core.generate.templates import all_templates
from workbench.core.generate.trace import Step
from workbench.core.library.curation import Approved
from workbench.core.library.database import Database
from workbench.core.library.rollouts import watched
from workbench.core.music.reading import parse_json
from workbench.core.music.request import Request
from workbench.core.settings import Settings

_ALONE = ("cell", "http-400", "http-413", "http-422")
"""Faults that may be a cell's own."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answered:
    """A cell's sample; ``fault`` is a short word where it failed: ``connection``, ``http-429``, ``cell``."""

    sample: Sample
    fault: str = ""

    @property
    def down(self) -> bool:
        """Whether others will fare the same: the endpoint cannot be reached, or takes no such call."""
        return self.fault not in ("", *_ALONE)


class Looked(NamedTuple):
    """What the first answer was before any repair, and how many repairs it took."""

    json: bool | None = None
    schema: bool | None = None
    piece: bool | None = None
    repairs: int = 0


def workshop_of(settings: Settings, database: Database, *, concurrency: int) -> Workshop:
    """A workshop for a run, in which so many models may be asked at the same time; ``providers`` are to be closed."""
    settings = settings.model_copy(update={"model_concurrency": concurrency})
    library = Approved(database)
    workshop = Workshop(
        settings, Providers(settings), lambda: all_templates(database), examples=library, rollout=watched(database)
    )
    workshop.providers.put(Adapt(library))
    return workshop


async def answer_cell(
    cell: Cell, asked: Asked, ready: Ready, *, ledger: Ledger = QUIET, before: Sequence[Said] = ()
) -> Answered:
    """Answer a cell. ``before`` is what models said in it already, before a kill: that is not asked again.

    Faults are said again, too; to have the cell asked anew, leave out what is not ``is_the_models``.

    Raises:
        Halted: the ledger lets no more calls through.
    """
    banned = ready.banned(asked.banned)
    heard = Heard(ready.workshop.providers, cell.id, ledger, before, ready.adapter(banned))
    settings = replace(ready.settings, seed=cell.seed, banned=banned)
    began = perf_counter()
    try:
        generation = await generate(asked.request, settings, ready.desk(heard))
        return await asyncio.to_thread(_answered, asked, generation, heard.said, ready)
    except Halted:
        raise
    except Exception as problem:
        if not isinstance(problem, WorkbenchError):
            _log.exception("a cell failed")
        said = str(problem) if isinstance(problem, WorkbenchError) else f"It failed: {type(problem).__name__}."
        error = scrubber(ready.workshop.settings, ready.workshop.rollout().secret)(said)
    return await asyncio.to_thread(_failed, asked, cell, ready, heard.said, error, perf_counter() - began)


def _answered(asked: Asked, made: Generation, said: Sequence[Said], ready: Ready) -> Answered:
    """The sample of a finished generation."""
    attempt = _attempt(made.trace, ready)
    looked = _first(said, made.trace)
    shown = next((step.data["examples"] for step in made.trace if step.kind == "prompt"), ())
    sample = Sample(
        asked.key, asked.request, made.form, said[0].text if said else "", made.structure, made.report, made.outcome,
        *attempt, valid_json=looked.json, valid_schema=looked.schema, valid_piece=looked.piece, repairs=looked.repairs,
        calls=made.calls, tokens_in=made.tokens.into, tokens_out=made.tokens.out,
        cost=_less(made.cost, said, ready), seconds=_seconds(said, made.seconds, ready),
        first_token=said[0].first_token if said and not ready.variant.batch else None, shown=ready.examples(shown),
    )  # fmt: skip
    if said and made.outcome == "fell-back" and not said[-1].is_the_models:
        error = f"{said[-1].message} {said[-1].hint}".strip()
        return Answered(replace(sample, structure=None, report=None, outcome="", error=error), said[-1].kind or "call")
    return Answered(sample)


def _failed(asked: Asked, cell: Cell, ready: Ready, said: Sequence[Said], error: str, seconds: float) -> Answered:
    """The sample of a cell in which something broke; what models said before that is not lost."""
    tokens = sum((each.tokens for each in said), Tokens())
    priced = cost_of(ready.attempt.model, tokens, ready.priced_at) if said else 0.0
    sample = Sample(
        asked.key, asked.request, _planned(asked.request, cell.seed), said[0].text if said else "", None, None, "",
        *_attempt((), ready),
        calls=len(said), tokens_in=tokens.into, tokens_out=tokens.out, cost=_less(priced, said, ready),
        seconds=_seconds((), seconds, ready), error=error,
    )  # fmt: skip
    return Answered(sample, "cell")


def _less(cost: float | None, said: Sequence[Said], ready: Ready) -> float | None:
    """A cost at the usual price, less what batches save of it."""
    saved = 0.0
    for each in said:
        if each.batched and each.answered:
            usual = cost_of(ready.attempt.model, each.tokens, ready.priced_at)
            saved += (usual or 0.0) * (1 - IN_BATCH)
    return None if cost is None else max(0.0, cost - saved)


def _seconds(said: Sequence[Said], alone: float, ready: Ready) -> float:
    """How long the calls took, or else the making alone; nothing where some may have been asked in batches."""
    if ready.variant.batch:
        return 0.0
    return round(sum(each.seconds for each in said) if said else alone, 4)


def _planned(request: Request, seed: int) -> FormPlan:
    """The plan of a request; of any where it cannot be planned for, since that is what failed."""
    try:
        return plan(request, seed=seed)
    except Exception:
        return plan(Request(duration=request.duration), seed=seed)


def _attempt(trace: Sequence[Step], ready: Ready) -> tuple[str, str, str]:
    """Whom the pipeline asked first, for people: what answered in the end says the outcome."""
    step = next((step for step in trace if step.kind == "rollout"), None)
    told = ready.attempt.told if step is None else step.data["attempts"][0]
    return told["provider"], told["variant"], told["model"] or ""


def _first(said: Sequence[Said], trace: Sequence[Step]) -> Looked:
    """What the pipeline found out on the first answer, before it mended anything."""
    if not said or not said[0].is_the_models:
        return Looked()
    if not said[0].answered:
        return Looked(False, False, False)
    at = next(number for number, step in enumerate(trace) if step.kind == "call")
    after = trace[at + 1 :]
    step = next(step for step in after if step.kind == "sanitize")
    if "error" in step.data:
        return Looked(is_strict_json(said[0].text), False, False)
    repairs = len(step.data["repairs"])
    if not step.data["valid_before_repair"]:
        return Looked(is_strict_json(said[0].text), False, False, repairs)
    found = next(step for step in after if step.kind == "check")
    return Looked(True, True, not found.data["before"]["error"])


def is_strict_json(text: str) -> bool:
    """Whether it is one strict JSON object and nothing else."""
    try:
        return isinstance(parse_json(text), dict)
    except InvalidInputError:
        return False
