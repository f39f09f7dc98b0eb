"""Which model answers: the switch between base and fine-tuned, the canary's share, and a circuit for each model.

``WORKBENCH_MODEL_VARIANT`` is the master. With ``canary`` a stable share of requests goes to the fine-tuned model: the
same request always goes the same way. Whatever the fine-tuned model fails at, the base model is asked, then the rules.
A model that fails again and again is left alone for a while (Nygard 2018, "Circuit Breaker"), then tried once.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from workbench.core.errors import InvalidInputError
from workbench.core.generate.secrecy import FINE_TUNED
from workbench.core.music.request import Request
from workbench.core.settings import Settings

Variant = Literal["base", "ft"]
FAILURES, REST = 5, 30.0
"""Failures in a row that open a circuit, and the seconds until it is tried again."""


@dataclass(frozen=True)
class Attempt:
    """One thing to try: a provider and, where it has models, which. ``label`` is what people may read of the model."""

    provider: str
    model: str | None = None
    variant: Variant = "base"

    @property
    def label(self) -> str | None:
        """The model's id, or that it is the fine-tuned one."""
        return FINE_TUNED if self.variant == "ft" else self.model

    @property
    def circuit(self) -> str:
        """The circuit that it goes through."""
        return f"{self.provider}/{self.model}"


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
    settings: Settings, request: Request, *, provider: str = "", model: str | None = None, variant: str = ""
) -> tuple[tuple[Attempt, ...], str]:
    """What to try in turn, ending in the rules, and why it begins as it does.

    ``provider``, ``model`` and ``variant`` are a person's choice; where they are empty the settings decide.

    Raises:
        InvalidInputError: a model is needed and none is named.
    """
    chosen = provider or settings.provider
    if chosen == "rules":
        return (RULES,), "the rules were chosen"
    if chosen == "adapt":
        return (Attempt("adapt"), RULES), "adapting an example was chosen"
    base = Attempt(chosen, model or settings.model_base)
    tuned = Attempt(chosen, settings.model_ft, "ft")
    if model:
        return (base, RULES), "the model was chosen"
    wanted = variant or settings.model_variant
    why = "the base model is switched on"
    use = False
    if wanted == "ft":
        use, why = True, "the fine-tuned model is switched on"
    elif wanted == "canary":
        place = share_of(request)
        use = place < settings.ft_share
        why = f"canary: this request falls at {place:.3f}, the share is {settings.ft_share:g}"
    if use and settings.model_ft is None:
        use, why = False, f"{why}, but WORKBENCH_MODEL_FT is not set"
    if base.model is None and wanted == "canary" and not use:
        return (RULES,), f"{why}; there is no base model, so the rules compose"
    if base.model is None and not use:
        raise InvalidInputError(
            "No model is chosen.", hint="Set WORKBENCH_MODEL_BASE, or choose a model.", field="model"
        )
    line = ((tuned,) if use else ()) + ((base,) if base.model is not None else ()) + (RULES,)
    return line, why
