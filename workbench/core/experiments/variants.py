"""Variants made ready: who is asked and how, settled once for a run, so that nothing changes while it goes.

Each is asked alone: behind a model stand only the rules, not another model, and no circuit keeps from it. So what comes
out says something of the variant and of nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from workbench.core.compose import FormPlan
from workbench.core.datasets.versions import Version, bodies
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.heard import Heard
from workbench.core.experiments.metrics import trained_on
from workbench.core.experiments.specification import Variant
from workbench.core.finetune.gate import hindrances, leaked
from workbench.core.finetune.models import TunedModel, model_named
from workbench.core.generate.generation import GenerationSettings, Workshop, settings_for
from workbench.core.generate.providers.adapt import Adapt
from workbench.core.generate.rollout import AT_ONCE, PROTOCOL, Attempt, Circuits, attempts
from workbench.core.generate.secrecy import is_fine_tuned
from workbench.core.generate.templates import find_template, usual_template
from workbench.core.library.database import Database
from workbench.core.library.examples import Example, Picked
from workbench.core.library.likeness import Fingerprint
from workbench.core.library.rollouts import taught_by
from workbench.core.library.tuned import NOTHING, Rollout, Served, Taught
from workbench.core.music.request import Request

NEVER = 10**9
"""Failures after which a circuit opens: a model that is measured is asked each time."""
_ADAPTERS = 4


@dataclass
class Desk(Workshop):
    """A workshop for one cell; examples are found by the variant's, which knows its library."""

    whole: Workshop | None = None

    def retrieve(self, request: Request, form: FormPlan, settings: GenerationSettings) -> tuple[Picked, ...]:
        """The examples that a prompt shows."""
        assert self.whole is not None
        return self.whole.retrieve(request, form, settings)


@dataclass
class Ready:
    """A variant that can be asked. ``settings`` lack seed and bans; ``attempt`` is whom it asks first.

    ``cautions`` are sentences on what spoils a comparison. ``priced_at`` is where it answers: None is OpenAI.
    """

    variant: Variant
    settings: GenerationSettings
    workshop: Workshop
    attempt: Attempt
    cautions: tuple[str, ...] = ()
    _adapters: dict[tuple[str, ...], Adapt] = field(default_factory=dict)
    _known: dict[str, Example] = field(default_factory=dict)
    _of: Sequence[Example] = ()

    @property
    def priced_at(self) -> str | None:
        """The address that a price is looked up for; None is OpenAI's own."""
        return self.attempt.endpoint or self.workshop.settings.openai_base_url

    def banned(self, banned: tuple[str, ...]) -> tuple[str, ...]:
        """The examples that it may not see, of those that would give an answer away."""
        return banned if self.variant.ban_held_out else ()

    def adapter(self, banned: tuple[str, ...]) -> Adapt | None:
        """What adapts examples but for those banned; None where it may take any."""
        banned = self.banned(banned)
        if not banned:
            return None
        if banned not in self._adapters:
            while len(self._adapters) >= _ADAPTERS:
                self._adapters.pop(next(iter(self._adapters)))
            self._adapters[banned] = Adapt(_Without(self.workshop.examples, banned))
        return self._adapters[banned]

    def desk(self, heard: Heard) -> Desk:
        """A workshop for one cell, whose calls are heard."""
        own = self.workshop
        return Desk(
            own.settings, heard, own.templates, own.circuits, own.examples, own.clock, own.rollout, whole=own
        )  # fmt: skip

    def examples(self, ids: Sequence[str]) -> tuple[Example, ...]:
        """The examples of some ids, as far as they are in the library."""
        known = self.workshop.examples()
        if known is not self._of:
            self._known, self._of = {each.id: each for each in known}, known
        return tuple(self._known[id] for id in ids if id in self._known)


class _Without:
    """The library's examples but for some; the same tuple as long as the library is."""

    def __init__(self, examples: Callable[[], Sequence[Example]], banned: Sequence[str]) -> None:
        self._examples, self._banned = examples, frozenset(banned)
        self._of: Sequence[Example] | None = None
        self._left: tuple[Example, ...] = ()

    def __call__(self) -> Sequence[Example]:
        known = self._examples()
        if known is not self._of:
            self._left, self._of = tuple(each for each in known if each.id not in self._banned), known
        return self._left


def prepare(
    variant: Variant, workshop: Workshop, database: Database | None = None, *, tested: Version | None = None
) -> Ready:
    """Make a variant ready; ``tested`` is the version whose test split is asked, to caution where it was learned from.

    Whoever is live is who was live now, a template's newest version is the newest now.

    Raises:
        InvalidInputError: there is no such registered model or template, the model may not answer, or none is named.
    """
    settings = _settings(variant, workshop, database)
    own = workshop.settings
    cautions: tuple[str, ...] = ()
    rollout = workshop.rollout() if variant.asks_a_model else NOTHING
    if variant.registered:
        model = _registered(variant, database)
        served = Served(model.id, model.name, model.model, model.endpoint, _taught(model, workshop))
        rollout = Rollout(served, secret=rollout.secret | {model.model})
        cautions = _cautions(model, database, tested)
    elif variant.endpoint:
        tuned = variant.variant == "ft" or is_fine_tuned(variant.model, own, rollout.secret)
        served = Served("", variant.name, variant.model, variant.endpoint, None, tuned)
        rollout = Rollout(served, secret=rollout.secret | ({variant.model} if tuned else frozenset()))
    if variant.registered or variant.endpoint:
        hidden = rollout.secret | ({own.model_ft} if own.model_ft else frozenset())
        own, rollout = own.model_copy(update={"model_ft": None}), replace(rollout, secret=hidden)  # that is not meant
        settings = replace(settings, provider=PROTOCOL, model=served.model)
    elif variant.variant == "ft":
        own = own.model_copy(update={"model_base": None})
    line = _line(variant, settings, replace(workshop, settings=own, rollout=lambda: rollout))
    ready = Workshop(
        own, workshop.providers, workshop.templates, Circuits(failures=NEVER), workshop.examples, workshop.clock,
        lambda: rollout,
    )  # fmt: skip
    return Ready(variant, settings, ready, line[0], cautions)


def _settings(variant: Variant, workshop: Workshop, database: Database | None) -> GenerationSettings:
    usual = workshop.settings.model_template
    name = variant.template or (usual if database is None else usual_template(usual, database))
    template = find_template(name, workshop.templates()).label if variant.asks_a_model else name
    return settings_for(
        workshop.settings, provider=variant.provider, model=variant.model or None,
        variant="" if variant.model or variant.registered else variant.variant, template=template,
        examples=workshop.settings.model_examples if variant.examples is None else variant.examples,
        prompted=bool(variant.template) or variant.examples is not None, temperature=variant.temperature,
        reasks=variant.reasks, editor=variant.editor,
    )  # fmt: skip


def _registered(variant: Variant, database: Database | None) -> TunedModel:
    """The registered model of a variant.

    Raises:
        InvalidInputError: there is none, or it may answer nobody.
    """
    if database is None:
        raise InvalidInputError("Registered models are in a database.", hint="Name a database.", field="registered")
    model = model_named(database, variant.registered)
    if barred := hindrances(database, model):
        raise InvalidInputError(
            f"{variant.name!r} may not answer. {' '.join(barred)}", hint="Choose another model.", field="registered"
        )
    return model


def _taught(model: TunedModel, workshop: Workshop) -> Taught | None:
    """How a model was trained, with the template in the version that is the newest now; a template may be gone."""
    taught = taught_by(model.lineage)
    with suppress(InvalidInputError):
        return taught and replace(taught, template=find_template(taught.template, workshop.templates()).label)
    return taught


def _cautions(model: TunedModel, database: Database | None, tested: Version | None) -> tuple[str, ...]:
    if database is None or tested is None or not model.version_id:
        return ()
    count = leaked(database, model.version_id, tested.id)
    pieces = "1 piece of the test split is" if count == 1 else f"{count:,} pieces of the test split are"
    return (f"{pieces} in what {model.name} was trained on.",) if count else ()


def _line(variant: Variant, settings: GenerationSettings, workshop: Workshop) -> tuple[Attempt, ...]:
    """Whom the pipeline would try.

    Raises:
        InvalidInputError: nobody, or no tuned model where one is meant.
    """
    rollout = NOTHING if settings.provider in AT_ONCE else workshop.rollout()
    try:
        line, _ = attempts(
            workshop.settings, Request(), provider=settings.provider, model=settings.model, variant=settings.variant,
            rollout=rollout,
        )  # fmt: skip
    except InvalidInputError:
        line = ()
    if variant.variant == "ft" and (not line or line[0].variant != "ft"):
        raise InvalidInputError(
            f"{variant.name!r} wants the fine-tuned model, and there is none.",
            hint="Name a registered one, or set WORKBENCH_MODEL_FT.", field="variant",
        )  # fmt: skip
    if not line:
        raise InvalidInputError(
            f"{variant.name!r} names no model, nor do the settings.", hint="Set WORKBENCH_MODEL_BASE, or name a model.",
            field="model",
        )  # fmt: skip
    return line


def training_of(database: Database, variant: Variant) -> tuple[tuple[str, Fingerprint], ...]:
    """What a registered model was trained on, as far as that is a version here.

    Raises:
        InvalidInputError: the model is gone.
    """
    if not variant.registered:
        return ()
    id = model_named(database, variant.registered).version_id
    return trained_on(row for split, row in bodies(database, id) if split == "train") if id else ()
