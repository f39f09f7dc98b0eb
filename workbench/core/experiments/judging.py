"""A step of a cell, wherever a worker is: from what models said so far to the next question, or to the result.

A worker asks nobody and knows no database and no key. All that it needs to judge as one variant is in a ``Kit``, which
travels with the work and is unpacked once in each process.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import pickle
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.core.experiments.answering import answer_cell
from workbench.core.experiments.cells import Cell
from workbench.core.experiments.elements import traits_of
from workbench.core.experiments.heard import Halted, Ledger, Said
from workbench.core.experiments.metrics import METRICS, Context, Metric, load_metrics, measure_sample, metrics_named
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.samples import Sample
from workbench.core.experiments.specification import Variant
from workbench.core.experiments.storing import sample_to_dict
from workbench.core.experiments.variants import NEVER, Ready
from workbench.core.generate.generation import GenerationSettings, Workshop
from workbench.core.generate.providers import Call, Providers
from workbench.core.generate.providers.adapt import Adapt
from workbench.core.generate.rollout import Attempt, Circuits
from workbench.core.generate.templates import Template
from workbench.core.generate.wire import wire_schema
from workbench.core.library.database import storable
from workbench.core.library.examples import Example
from workbench.core.library.likeness import Fingerprint
from workbench.core.library.tuned import Rollout
from workbench.core.music.moods import mood_word
from workbench.core.settings import Settings

FACETS = ("form", "period", "mood", "mode", "meter")
"""What results are broken down by."""
_KITS = 24
"""Variants that a process keeps unpacked."""


@dataclass(frozen=True)
class Task:
    """One step to do: the cell at ``position``, and what models said in it."""

    position: int
    cell: str
    seed: int
    asked: Asked
    before: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What came of a cell, ready to be kept; ``sample`` is compressed JSON. ``fault`` as in ``Answered``.

    ``traits`` are those of ``elements.traits_of``.
    """

    sample: bytes
    fault: str
    outcome: str
    values: dict[str, Any]
    problems: dict[str, str]
    facets: dict[str, str]
    traits: dict[str, Any]


@dataclass(frozen=True)
class Kit:
    """All that a worker needs of a variant; ``metrics`` are names (none are all), ``own`` files that add some."""

    variant: Variant
    settings: GenerationSettings
    workbench: Settings
    attempt: Attempt
    rollout: Rollout
    templates: tuple[Template, ...]
    examples: tuple[Example, ...]
    training: tuple[tuple[str, Fingerprint], ...]
    metrics: tuple[str, ...]
    own: tuple[str, ...]

    def packed(self) -> tuple[str, bytes]:
        """The kit as bytes, and what it is known by."""
        data = zlib.compress(pickle.dumps(self), 1)
        return hashlib.sha256(data).hexdigest(), data


def kit_of(
    ready: Ready, *, training: tuple[tuple[str, Fingerprint], ...], metrics: Sequence[str], own: Sequence[str]
) -> Kit:
    """The kit of a variant that is ready; keys and passwords stay here."""
    shop = ready.workshop
    hidden: dict[str, Any] = dict.fromkeys(("openai_api_key", "model_ft_key", "database_url"))
    if "@" in (shop.settings.openai_base_url or ""):
        hidden["openai_base_url"] = "http://elsewhere.invalid/v1"
    return Kit(
        ready.variant, ready.settings, shop.settings.model_copy(update=hidden), ready.attempt, shop.rollout(),
        tuple(shop.templates()), tuple(shop.examples()), training, tuple(metrics), tuple(own),
    )  # fmt: skip


def work(known: str, packed: bytes, tasks: Sequence[Task]) -> list[Call | Judged]:
    """Do a step of some cells, one after the other. A question's ``schema`` is left out where it is the usual one."""
    with _turn, asyncio.Runner(loop_factory=_AtOnce) as runner:
        return runner.run(_steps(_bench(known, packed), tasks))


def facets_of(sample: Sample) -> dict[str, str]:
    """What a sample is broken down by, empty where it does not say."""
    manner, request = sample.form.manner, sample.request
    valence, arousal = request.valence, request.arousal
    mood = "" if valence is None or arousal is None else mood_word(valence, arousal)
    return {
        "form": sample.form.form, "period": manner.period, "mood": mood, "mode": manner.key.mode,
        "meter": manner.meter.name,
    }  # fmt: skip


def judged(sample: Sample, fault: str, context: Context, metrics: Sequence[Metric]) -> Judged:
    """Measure a sample, and make it ready to be kept."""
    found = measure_sample(sample, context, metrics)
    data = zlib.compress(json.dumps(sample_to_dict(sample), separators=(",", ":")).encode(), 6)
    problems = {name: storable(text) for name, text in found.problems.items()}
    return Judged(data, fault, sample.outcome, dict(found.values), problems, facets_of(sample), traits_of(sample))


def metrics_of(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of samples among some names; all where none are named.

    Raises:
        InvalidInputError: there is no metric of a name.
    """
    chosen = metrics_named(names) if names else tuple(METRICS.values())
    return tuple(each for each in chosen if isinstance(each, Metric))


@dataclass(frozen=True)
class _Bench:
    """A kit, unpacked."""

    ready: Ready
    context: Context
    metrics: tuple[Metric, ...]


class _AtOnce(asyncio.SelectorEventLoop):
    """Does at once, in its own thread, what would be done beside it: here nothing else waits for that."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # noqa: ARG002
        """The finished future."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as problem:
            future.set_exception(problem)
        return future


class _Next(Ledger):
    """Takes down the next question, and lets it not be asked."""

    call: Call | None = None

    async def before(self, cell: str, call: Call) -> None:  # noqa: ARG002
        self.call = call
        raise Halted


async def _steps(bench: _Bench, tasks: Sequence[Task]) -> list[Call | Judged]:
    return [await _step(bench, task) for task in tasks]


async def _step(bench: _Bench, task: Task) -> Call | Judged:
    ledger = _Next()
    cell = Cell(task.cell, 0, bench.ready.variant, task.seed)
    try:
        answered = await answer_cell(cell, task.asked, bench.ready, ledger=ledger, before=task.before)
    except Halted:
        assert ledger.call is not None
        return replace(ledger.call, schema=None) if ledger.call.schema is wire_schema() else ledger.call
    return judged(answered.sample, answered.fault, bench.context, bench.metrics)


_turn = threading.Lock()
"""The work is the processor's: threads of one process would only take turns anyway."""
_benches: dict[str, _Bench] = {}


def _bench(known: str, packed: bytes) -> _Bench:
    if known not in _benches:
        while len(_benches) >= _KITS:
            _benches.pop(next(iter(_benches)))
        _benches[known] = _unpacked(pickle.loads(zlib.decompress(packed)))  # made by this run, just now
    return _benches[known]


def _unpacked(kit: Kit) -> _Bench:
    for each in kit.own:
        load_metrics(each)
    library = kit.examples
    workshop = Workshop(
        kit.workbench, Providers(kit.workbench), lambda: kit.templates, Circuits(failures=NEVER), lambda: library,
        rollout=lambda: kit.rollout,
    )  # fmt: skip
    workshop.providers.put(Adapt(lambda: library))
    ready = Ready(kit.variant, kit.settings, workshop, kit.attempt)
    return _Bench(ready, Context(training=kit.training), metrics_of(kit.metrics))
