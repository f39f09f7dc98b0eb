"""What a generation is made from and what it gives: settings, what is kept, what is told meanwhile, the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench.core.checks import Report
from workbench.core.compose import FormPlan
from workbench.core.compose.locks import Lock
from workbench.core.errors import InvalidInputError
from workbench.core.generate.providers import Providers, Tokens
from workbench.core.generate.repairs import Repair
from workbench.core.generate.rollout import Circuits
from workbench.core.generate.templates import Template
from workbench.core.generate.trace import Step
from workbench.core.library.examples import Example, Picked, load_examples
from workbench.core.library.retrieval import Index, read_weights
from workbench.core.library.tuned import NOTHING, Rollout
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.core.settings import Settings

Outcome = Literal["first-try", "repaired", "re-asked", "fell-back"]


@dataclass(frozen=True)
class GenerationSettings:
    """How one generation goes. Where ``provider``, ``model`` and ``variant`` are empty, the server's switch decides.

    ``prompted`` says that somebody has chosen the template and the examples: then also a tuned model is asked with
    them, which otherwise gets the prompt that it was trained with.
    """

    provider: str = ""
    model: str | None = None
    variant: Literal["", "base", "ft", "canary"] = ""
    template: str = "default"
    examples: int = 2
    prompted: bool = False
    temperature: float | None = 0.8
    seed: int | None = None
    reasks: int = 2
    editor: bool = False
    timeout: float = 180.0
    pinned: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return dict(self.__dict__) | {"pinned": list(self.pinned), "banned": list(self.banned)}


def settings_for(settings: Settings, **changes: Any) -> GenerationSettings:
    """How a generation goes when nobody says anything else."""
    usual = GenerationSettings(
        template=settings.model_template,
        examples=settings.model_examples,
        reasks=settings.model_reasks,
        timeout=settings.model_timeout,
    )
    return replace(usual, **changes)


@dataclass(frozen=True)
class Kept:
    """A piece of which parts are to stay as they are."""

    base: MusicStructure
    locks: frozenset[Lock]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        locks = sorted(self.locks, key=lambda lock: (lock[0], -1 if lock[1] is None else lock[1]))
        return {"locks": [list(lock) for lock in locks], "base": self.base.to_dict()}


def read_kept(settings: Mapping[str, Any]) -> Kept | None:
    """What was kept in a generation, from its settings as they are kept."""
    data = settings.get("kept")
    if not isinstance(data, Mapping):
        return None
    return Kept(MusicStructure.model_validate(dict(data["base"])), lock_set(data["locks"]))


class Watch:
    """Told while a generation runs; this one does not care."""

    def phase(self, words: str) -> None:
        """What is being done now."""

    def begun(self, form: FormPlan) -> None:
        """The plan is made."""

    def restart(self) -> None:
        """A new answer begins."""

    def text(self, piece: str) -> None:
        """A piece of the answer has come."""


@dataclass
class Workshop:
    """What generations need besides a request: providers, templates, examples, circuits. One for each event loop.

    ``rollout`` is asked anew for each generation, beside the event loop.
    """

    settings: Settings
    providers: Providers
    templates: Callable[[], Sequence[Template]]
    circuits: Circuits = field(default_factory=Circuits)
    examples: Callable[[], Sequence[Example]] = load_examples
    clock: Callable[[], float] = time.perf_counter
    rollout: Callable[[], Rollout] = lambda: NOTHING
    _index: Index | None = None
    _indexed: Sequence[Example] = ()

    def retrieve(self, request: Request, form: FormPlan, settings: GenerationSettings) -> tuple[Picked, ...]:
        """The examples that a prompt shows for a request under a plan; the index is made anew when they change."""
        examples = self.examples()
        if self._index is None or self._indexed is not examples:
            self._index, self._indexed = Index(examples), examples
        return self._index.retrieve(
            request, form=form.form, period=form.manner.period, count=settings.examples,
            weights=read_weights(self.settings.retrieval_weights), pinned=settings.pinned, banned=settings.banned,
            token_budget=self.settings.example_tokens,
        )  # fmt: skip


@dataclass(frozen=True)
class Generation:
    """A finished generation: the piece, how it came about, and the trace that tells."""

    request: Request
    settings: GenerationSettings
    form: FormPlan
    structure: MusicStructure
    outcome: Outcome
    provider: str
    variant: str
    model: str | None
    template: str | None
    report: Report
    repairs: tuple[Repair, ...]
    tokens: Tokens
    cost: float | None
    seconds: float
    calls: int
    trace: tuple[Step, ...]
    seed: int

    @property
    def usage(self) -> dict[str, Any]:
        """Time, tokens and money; ``cost`` in US dollars, None where no price is known."""
        return {
            "seconds": round(self.seconds, 4),
            "calls": self.calls,
            "tokens_in": self.tokens.into,
            "tokens_out": self.tokens.out,
            "exact": self.tokens.exact,
            "cost": None if self.cost is None else round(self.cost, 6),
        }

    def to_dict(self) -> dict[str, Any]:
        """What the command line and the HTTP API answer (``id`` and ``midi`` are theirs to add)."""
        return {
            "structure": self.structure.to_dict(),
            "provider": self.provider,
            "model": self.model,
            "variant": self.variant,
            "outcome": self.outcome,
            "report": self.report.to_dict(),
            "repairs": [repair.to_dict() for repair in self.repairs],
            "usage": self.usage,
        }


def lock_set(locks: Collection[Sequence[int | None]]) -> frozenset[Lock]:
    """Locks as they come from JSON: ``[[0, null], [2, 1]]``.

    Raises:
        InvalidInputError: one of them is not a section, or a section and a phrase.
    """
    result: set[Lock] = set()
    for lock in locks:
        section, phrase = (*lock, None)[:2]
        if not isinstance(section, int) or not (phrase is None or isinstance(phrase, int)) or section < 0:
            raise InvalidInputError("A lock is a section and, perhaps, a phrase.", hint="Write [0, null] or [0, 1].")
        result.add((section, phrase))
    return frozenset(result)
