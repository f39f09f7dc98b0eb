"""What a specification would take, before anything is asked: cells, models, money and time, as far as known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from statistics import fmean

from workbench.core.compose import compose
from workbench.core.errors import WorkbenchError
from workbench.core.experiments.asking import first_call
from workbench.core.experiments.cells import Cell
from workbench.core.experiments.limits import IN_BATCH, at_most
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.runner import Prepared, prepared
from workbench.core.experiments.runs import ended, runs
from workbench.core.experiments.specification import Limits, Specification, count_cells
from workbench.core.experiments.variants import Ready
from workbench.core.generate.counting import count_tokens
from workbench.core.generate.prices import cost_of
from workbench.core.generate.providers import Tokens
from workbench.core.generate.rollout import AT_ONCE
from workbench.core.generate.wire import wire_text
from workbench.core.library.database import Database
from workbench.core.settings import Settings

SAMPLED = 3
"""Requests whose questions are made and counted."""
_EARLIER, _CELLS = 20, 100
"""Runs, and cells of each, that are looked through for how long a variant took."""


@dataclass(frozen=True)
class Share:
    """What one variant would take. ``place`` is where its model answers, empty at once and at OpenAI.

    ``usd`` is for first answers alone, None where no price is known; ``may_cost`` says that somebody may send a bill.
    ``seconds`` are those that an answer took in an earlier run, None where there was none.
    """

    name: str
    provider: str
    model: str
    place: str
    cells: int
    tokens: Tokens | None
    usd: float | None
    may_cost: bool
    seconds: float | None


@dataclass(frozen=True)
class Offer:
    """What a specification would take. ``alike`` are pairs of variants that would be asked in the very same way."""

    requests: int
    seeds: int
    cells: int
    shares: tuple[Share, ...]
    notes: tuple[str, ...]
    alike: tuple[tuple[str, str], ...]
    seconds: float | None

    @property
    def may_cost(self) -> bool:
        """Whether somebody may send a bill for it."""
        return any(each.may_cost for each in self.shares)

    @property
    def usd(self) -> float | None:
        """US dollars for first answers alone; None where a price is not known."""
        costs = [each.usd for each in self.shares if each.may_cost]
        return None if None in costs else sum(each for each in costs if each is not None)


def offer(settings: Settings, database: Database, specification: Specification) -> Offer:
    """What a specification would take. Nothing is asked and nothing is written down.

    Raises:
        InvalidInputError: it cannot be run, as in ``prepared``.
    """
    found = prepared(settings, database, specification)
    asked, seeds = found.expanded.asked, len(specification.seeds)
    cells = count_cells(specification, len(asked))
    sample = asked[:: max(1, -(-len(asked) // SAMPLED))][:SAMPLED]
    each_cells = len(asked) * seeds
    paces = dict(_paces(database, found))
    shares = tuple(
        _share(one, sample, specification.seeds[0], each_cells, paces.get(name)) for name, one in found.ready.items()
    )
    marks: dict[str, str] = found.settled["variants"]
    names = list(marks)
    alike = tuple(
        (one, other) for at, other in enumerate(names) for one in names[:at] if marks[one] == marks[other]
    )  # fmt: skip
    notes = (*found.expanded.notes, *found.notes)
    return Offer(len(asked), seeds, cells, shares, notes, alike, _seconds(shares, specification.limits))


def _share(ready: Ready, sample: Sequence[Asked], seed: int, cells: int, seconds: float | None) -> Share:
    attempt = ready.attempt
    if not _asks(ready):
        return Share(ready.variant.name, attempt.provider, "", "", cells, None, 0.0, False, None)
    tokens = _tokens(ready, sample, seed)
    place = _without_user(attempt.endpoint or ready.workshop.settings.openai_base_url or "")
    cost = None if tokens is None else cost_of(attempt.model, tokens, ready.priced_at)
    if cost is not None and ready.variant.batch:
        cost *= IN_BATCH
    return Share(
        ready.variant.name, attempt.provider, attempt.model or "", place, cells,
        tokens and Tokens(tokens.into * cells, tokens.out * cells, exact=False),
        None if cost is None else cost * cells, ready.variant.may_cost, seconds,
    )  # fmt: skip


def _without_user(place: str) -> str:
    """An address without the name and password that may be in it."""
    before, sign, after = place.partition("://")
    host, slash, path = after.partition("/")
    return f"{before}{sign}{host.rpartition('@')[2]}{slash}{path}"


def _tokens(ready: Ready, sample: Sequence[Asked], seed: int) -> Tokens | None:
    """The tokens of a first answer on average: the question is counted, the answer taken to be as long as one by rule.

    None where no question can be made.
    """
    counted: list[tuple[int, int]] = []
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        for each in sample:
            with suppress(WorkbenchError):  # the cell would fail, and cost nothing
                call = runner.run(first_call(Cell("preview", 0, ready.variant, seed), each, ready))
                if call is not None:
                    written = count_tokens(wire_text(compose(each.request, seed=seed)), call.model).tokens
                    counted.append((at_most(call).into, written))
    if not counted:
        return None
    return Tokens(round(fmean(into for into, _ in counted)), round(fmean(out for _, out in counted)), exact=False)


def _paces(database: Database, found: Prepared) -> Iterator[tuple[str, float]]:
    """Variants that were asked in the same way in a late run, and the seconds that a cell took there on average."""
    open_still = {name: mark for name, mark in found.settled["variants"].items() if _has_pace(found.ready[name])}
    for run in runs(database, _EARLIER) if open_still else ():
        for other, mark in dict(run.settled.get("variants", {})).items():
            names = [name for name, wanted in open_still.items() if wanted == mark]
            if not names:
                continue
            cells = islice(ended(database, run.id, metrics=("latency",), variant=other, state="done"), _CELLS)
            took = [float(value) for each in cells if (value := each.values.get("latency")) is not None]
            for name in names if took else ():
                yield name, fmean(took)
                del open_still[name]


def _has_pace(ready: Ready) -> bool:
    """Whether an earlier run tells how long it takes: a batch takes as long as its service likes."""
    return _asks(ready) and not ready.variant.batch


def _asks(ready: Ready) -> bool:
    return ready.attempt.provider not in AT_ONCE


def _seconds(shares: Sequence[Share], limits: Limits) -> float | None:
    """Seconds that asking takes at least; None where neither limits nor earlier runs tell."""
    asking = [each for each in shares if each.provider not in AT_ONCE]
    bounds: list[float] = []
    if asking and all(each.seconds is not None for each in asking):
        bounds.append(sum((each.seconds or 0.0) * each.cells for each in asking) / limits.concurrency)
    if limits.requests_per_minute and asking:
        bounds.append(60 * max(0, sum(each.cells for each in asking) / limits.requests_per_minute - 1))
    if limits.tokens_per_minute and asking:
        tokens = sum(each.tokens.into + each.tokens.out for each in asking if each.tokens is not None)
        bounds.append(60 * max(0, tokens / limits.tokens_per_minute - 1))
    return max(bounds, default=None)
