"""Which model answers: the switch between base and fine-tuned, the canary's share, and a circuit for each model.

``WORKBENCH_MODEL_VARIANT`` is the master; where it is not set, the registry says which tuned models are live and
canary. A stable share of requests goes to the canary: the same request always goes the same way. Whatever a tuned model
fails at, the one behind it is asked, then the base model, then the rules. A model that fails again and again is left
alone for a while (Nygard 2018, "Circuit Breaker"), then tried once.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from workbench.core.errors import InvalidInputError
from workbench.core.generate.secrecy import FINE_TUNED, is_fine_tuned
from workbench.core.library.tuned import NOTHING, Rollout, Served, Taught
from workbench.core.music.request import Request
from workbench.core.settings import Settings

Variant = Literal["base", "ft"]
FAILURES, REST = 5, 30.0
"""Failures in a row that open a circuit, and the seconds until it is tried again."""


AT_ONCE = ("rules", "adapt")
"""Providers that ask no model."""
PROTOCOL = "openai"
"""The provider of every model that has an endpoint of its own."""


@dataclass(frozen=True)
class Attempt:
    """One thing to try: a provider and, where it has models, which. ``label`` is what people may read of the model.

    ``endpoint`` is where the model answers, if not where the environment says; ``registered`` its id in the registry,
    ``taught`` the prompt that it was trained with, where that is known.
    """

    provider: str
    model: str | None = None
    variant: Variant = "base"
    endpoint: str = ""
    registered: str = ""
    taught: Taught | None = None

    @property
    def label(self) -> str | None:
        """The model's id, or that it is a fine-tuned one and which by the registry."""
        if self.variant != "ft":
            return self.model
        return f"{FINE_TUNED} {self.registered[:8]}" if self.registered else FINE_TUNED

    @property
    def circuit(self) -> str:
        """The circuit that it goes through."""
        return f"{self.provider}/{self.model}" + (f" at {self.endpoint}" if self.endpoint else "")

    @property
    def told(self) -> dict[str, Any]:
        """What the trace tells of it."""
        told = {"provider": self.provider, "model": self.label, "variant": self.variant}
        return told | ({"registered": self.registered} if self.registered else {})


RULES = Attempt("rules")


class Circuits:
    """Open circuits keep from models that fail; one call is let through after each rest."""

    def __init__(
        self, *, failures: int = FAILURES, rest: float = REST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._rest, self._clock = failures, rest, clock
        self._failed: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._lock = threading.Lock()

    def closed(self, name: str) -> bool:
        """Whether a call may go through."""
        with self._lock:
            until = self._until.get(name)
            if until is None:
                return True
            if self._clock() < until:
                return False
            self._until[name] = self._clock() + self._rest  # one call finds out; the others wait on
            return True

    def note(self, name: str, worked: bool) -> None:
        """What became of a call."""
        with self._lock:
            if worked:
                self._failed.pop(name, None)
                self._until.pop(name, None)
                return
            self._failed[name] = self._failed.get(name, 0) + 1
            if self._failed[name] >= self._most:
                self._until[name] = self._clock() + self._rest

    def rest_of(self, name: str) -> float:
        """Seconds until an open circuit is tried again; 0 where it is closed."""
        with self._lock:
            return max(0.0, self._until.get(name, 0.0) - self._clock())


def share_of(request: Request) -> float:
    """Where a request falls between 0 and 1: always the same place, evenly spread."""
    digest = hashlib.sha256(f"canary/{request.model_copy(update={'id': None}).to_json()}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def attempts(
    settings: Settings, request: Request, *, provider: str = "", model: str | None = None, variant: str = "",
    rollout: Rollout = NOTHING,
) -> tuple[tuple[Attempt, ...], str]:  # fmt: skip
    """What to try in turn, ending in the rules, and why it begins as it does.

    ``provider``, ``model`` and ``variant`` are a person's choice, which is followed; where they are empty the settings
    decide, and where ``WORKBENCH_MODEL_VARIANT`` is not set, the registry. Live and canary are the registry's models,
    asked whatever the provider of the settings is; own is ``WORKBENCH_MODEL_FT``, asked where the provider has models.

    =========  ==============================  =====================================
    variant    the canary's share of requests  the rest
    =========  ==============================  =====================================
    (not set)  canary, then live               live
    base       none                            none
    ft         own, else live, else canary     the same
    canary     canary, then live               live
    =========  ==============================  =====================================

    ``canary`` without a registered one tries own, else live, with ``WORKBENCH_FT_SHARE``, and none for the rest. Behind
    every line come the base model, where there is one and the provider has models (or the example that is adapted),
    and the rules.

    Raises:
        InvalidInputError: a model is needed and none is named.
    """
    if provider in AT_ONCE:
        return _at_once(provider), _WITHOUT_MODEL[provider]
    chosen = provider or settings.provider
    if chosen in AT_ONCE and (model or variant):
        chosen = PROTOCOL  # whoever chooses among models has chosen a model
    tuned = _tuned(settings, rollout, chosen, registered=provider in {"", PROTOCOL, settings.provider})
    if model:
        hidden: Variant = "ft" if is_fine_tuned(model, settings, rollout.secret) else "base"
        return (tuned.named(model) or Attempt(chosen, model, hidden), RULES), "the model was chosen"
    wanted = variant or settings.model_variant or ""
    first, why = tuned.first(wanted, request)
    if chosen in AT_ONCE:
        split = wanted != "base" and tuned.canary is not None
        return (*first, *_at_once(chosen)), why if first or split else _WITHOUT_MODEL[chosen]
    if settings.model_base is not None:
        return (*first, Attempt(chosen, settings.model_base), RULES), why
    if first:
        return (*first, RULES), why
    if wanted == "canary" or (not wanted and tuned.canary is not None):
        return (RULES,), f"{why}; there is no base model, so the rules compose"
    raise InvalidInputError("No model is chosen.", hint="Set WORKBENCH_MODEL_BASE, or choose a model.", field="model")


_WITHOUT_MODEL = {"rules": "the rules were chosen", "adapt": "adapting an example was chosen"}


def _at_once(provider: str) -> tuple[Attempt, ...]:
    return (RULES,) if provider == RULES.provider else (Attempt(provider), RULES)


@dataclass(frozen=True)
class _Tuned:
    """The tuned models that can be asked: the environment's own and the registry's, and the shares of a canary."""

    own: Attempt | None
    live: Attempt | None
    canary: Attempt | None
    share: float
    own_share: float

    def named(self, model: str) -> Attempt | None:
        """The one with an id, where it is asked."""
        return next((each for each in (self.own, self.live, self.canary) if each and each.model == model), None)

    def first(self, wanted: str, request: Request) -> tuple[tuple[Attempt, ...], str]:
        """Who goes before the base model for a request, and why."""
        if wanted == "base":
            return (), "the base model is switched on"
        if wanted == "ft":
            found, why = self.own or self.live or self.canary, "the fine-tuned model is switched on"
            return ((found,), why) if found else ((), why + _MISSING)
        if wanted == "canary" or self.canary:
            return self._split(request)
        return ((self.live,), "a fine-tuned model is live") if self.live else ((), "the base model is switched on")

    def _split(self, request: Request) -> tuple[tuple[Attempt, ...], str]:
        tried, share = self.canary or self.own or self.live, self.share if self.canary else self.own_share
        rest = (self.live,) if self.canary and self.live else ()
        place = share_of(request)
        why = f"canary: this request falls at {place:.3f}, the share is {share:g}"
        if tried is None:
            return (), why + _MISSING if place < share else why
        if place >= share:
            return rest, why
        return (tried, *(each for each in rest if each.circuit != tried.circuit)), why


_MISSING = ", but WORKBENCH_MODEL_FT is not set and no fine-tuned model is live"


def _tuned(settings: Settings, rollout: Rollout, chosen: str, *, registered: bool) -> _Tuned:
    own = None
    if settings.model_ft and chosen not in AT_ONCE:
        elsewhere = settings.model_ft_url or ""
        own = Attempt(PROTOCOL if elsewhere else chosen, settings.model_ft, "ft", elsewhere)
    live, canary = (_served(each) if registered else None for each in (rollout.live, rollout.canary))
    return _Tuned(own, live, canary, rollout.share, settings.ft_share)


def _served(model: Served | None) -> Attempt | None:
    if model is None:
        return None
    variant: Variant = "ft" if model.tuned else "base"
    return Attempt(PROTOCOL, model.model, variant, model.endpoint, model.id, model.taught)
