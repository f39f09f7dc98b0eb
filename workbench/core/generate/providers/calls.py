"""What is said to a model and what comes back, whoever the model is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from workbench.core.compose.plan import FormPlan
    from workbench.core.music.request import Request

Role = Literal["system", "user", "assistant"]
OnText = Callable[[str], None]
"""Called with each piece of the answer as it comes."""


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str

    def to_dict(self) -> dict[str, str]:
        """The JSON object."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True)
class Call:
    """One question to a model.

    ``request`` and ``form`` say the same as the messages, for providers that compose by themselves. ``fine_tuned`` says
    that the model's id is not to be told; ``timeout`` is in seconds, for the whole answer. ``endpoint`` is where the
    model answers, if not where the environment says; ``secret`` are the ids of registered models, told to nobody. A
    ``lean`` schema lets what may be null be left out, which OpenAI's strict mode does not take.
    """

    messages: tuple[Message, ...]
    model: str | None
    request: Request
    form: FormPlan
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    timeout: float = 180.0
    fine_tuned: bool = False
    endpoint: str = ""
    secret: frozenset[str] = frozenset()
    lean: bool = False


@dataclass(frozen=True)
class Tokens:
    """Tokens read and written; ``exact`` is False where they were counted here and not told by the model."""

    into: int = 0
    out: int = 0
    exact: bool = True

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.into + other.into, self.out + other.out, self.exact and other.exact)


@dataclass(frozen=True)
class Answer:
    """What came back: the text, why it ended, and what it took.

    ``notes`` tell what had to be done to get it (tried again, a parameter left out); ``first_token`` is in seconds.
    """

    text: str
    finish: str = "stop"
    tokens: Tokens = field(default_factory=Tokens)
    seconds: float = 0.0
    first_token: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelInfo:
    """A model that an endpoint offers, and the day on which it is shut down, where that is known."""

    id: str
    shutdown: date | None = None
    owner: str = ""


class Provider(Protocol):
    """Who is called. ``needs_model`` says whether a call names a model."""

    name: str
    needs_model: bool

    async def answer(self, call: Call, on_text: OnText) -> Answer:
        """Answer a call, giving each piece of text to ``on_text`` as it comes.

        Raises:
            ModelError: there is no answer; its ``partial`` holds what had come.
        """

    async def models(self) -> tuple[ModelInfo, ...]:
        """What can be asked here.

        Raises:
            ModelError: it could not be found out.
        """

    async def close(self) -> None:
        """Let go of connections."""
