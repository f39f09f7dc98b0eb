"""The backends that train, each registered under its name; adding one touches one new file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.training import Event, Method, Metric, Order, Status
from workbench.core.settings import Settings


@dataclass(frozen=True)
class BaseModel:
    """A model that can be tuned.

    ``until`` is the day on which it goes, where that is known; ``licence`` an SPDX id or a word of its own, empty where
    nobody knows.
    """

    id: str
    methods: tuple[Method, ...]
    limit: int | None = None
    until: str = ""
    licence: str = ""
    note: str = ""


class Backend(ABC):
    """Somebody who trains. The docstring of each is what people read about it, in a sentence.

    What ``start`` gives is kept at once and handed back to every other call: a plain JSON object that holds all that is
    needed to find the training again after a restart, and no secret.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str]
    formats: ClassVar[Mapping[Method, str]]
    """The format of ``datasets.files.formats`` that each method reads."""
    extras: ClassVar[tuple[str, ...]] = ()
    """The names in ``Order.more`` that it understands."""
    remote: ClassVar[bool] = True
    """Whether rows leave this machine."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def explanation(self) -> str:
        """The backend in one sentence."""
        return " ".join((type(self).__doc__ or "").split())

    @property
    def pace(self) -> float:
        """Seconds from one look at a training to the next."""
        return 0.5

    @property
    def place(self) -> str:
        """Where it trains, so that a training is not asked for elsewhere; never with a secret in it."""
        return ""

    @abstractmethod
    def ready(self) -> str:
        """Why it cannot be used here, and what would mend that; empty where it can."""

    @abstractmethod
    def models(self) -> tuple[BaseModel, ...]:
        """The models that can be tuned here, as far as they are told."""

    def described(self, id: str) -> BaseModel:
        """What is told of one model; only its name where nothing is.

        Raises:
            WorkbenchError: the backend does not answer.
        """
        known = next((each for each in self.models() if each.id == id), None)
        return known or BaseModel(id, ("supervised", "dpo"))

    @abstractmethod
    def refuse(self, order: Order) -> None:
        """Refuse what would fail, before anything is uploaded or spent.

        Raises:
            InvalidInputError: the order cannot be done; the message says why, the hint what to do.
        """

    @abstractmethod
    def start(
        self, order: Order, kept: Mapping[str, Any], keep: Callable[[Mapping[str, Any]], None]
    ) -> Mapping[str, Any]:
        """Start a training; its handle.

        ``kept`` is what an earlier try of the same job has kept, such as the ids of uploaded files: these are not
        uploaded again. ``keep`` is called with all that is to be kept as soon as it is there.

        Raises:
            WorkbenchError: it could not be started; what was kept stays.
        """

    def taken(self, kept: Mapping[str, Any]) -> bool:
        """Whether what was kept may belong to a training that is already on its way."""
        return bool(kept)

    @abstractmethod
    def status(self, handle: Mapping[str, Any]) -> Status:
        """How it stands now.

        Raises:
            WorkbenchError: the backend does not answer; it may the next time.
        """

    @abstractmethod
    def events(self, handle: Mapping[str, Any], after: str = "") -> tuple[Event, ...]:
        """What was told since the event of that id, oldest first."""

    @abstractmethod
    def metrics(self, handle: Mapping[str, Any], after: int = -1) -> tuple[Metric, ...]:
        """The points of the curves beyond that step, in order."""

    @abstractmethod
    def cancel(self, handle: Mapping[str, Any]) -> None:
        """Stop it; stopping what has ended does nothing."""


BACKENDS: dict[str, type[Backend]] = {}


def backend(name: str) -> Callable[[type[Backend]], type[Backend]]:
    """Register the decorated class as a backend."""

    def registered(kind: type[Backend]) -> type[Backend]:
        if name in BACKENDS:
            raise ValueError(f"two backends are called {name!r}")
        kind.name = name
        BACKENDS[name] = kind
        return kind

    return registered


def make_backend(name: str, settings: Settings) -> Backend:
    """A backend by its name.

    Raises:
        InvalidInputError: there is none of this name.
    """
    if name not in BACKENDS:
        raise InvalidInputError(f"There is no backend {name[:40]!r}.", hint=f"Choose one of {', '.join(BACKENDS)}.")
    return BACKENDS[name](settings)
