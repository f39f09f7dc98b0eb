"""What models said in a cell, call by call: listened to while the pipeline runs, kept, and said again after a kill.

Whoever runs cells hands in a ``Ledger``: it may hold back each call (limits a minute, a budget), and it hears each
answer as soon as it is there, so that nothing that was paid for is asked twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from workbench.core.errors import (
    InvalidInputError,
    ModelBrokeOffError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelUnreachableError,
)
from workbench.core.generate.providers import Answer, Call, ModelInfo, Provider, Providers, Tokens
from workbench.core.generate.providers.adapt import Adapt
from workbench.core.generate.providers.calls import OnText

_ERRORS: dict[str, type[ModelError]] = {
    each.__name__: each for each in (ModelUnreachableError, ModelBusyError, ModelRefusedError, ModelBrokeOffError)
}
_TEXTS = ("text", "finish", "error", "kind", "message", "hint")


class Halted(Exception):  # noqa: N818 - nothing went wrong
    """A ledger lets no more calls through: the cell is left as if it had not been begun."""


@dataclass(frozen=True)
class Said:
    """What came of one call: an answer, or the ``error`` (its class) in its place, with what had come as ``text``.

    ``seconds`` run until the end, ``first_token`` until the first piece; neither counts the wait for a turn. Of what
    was ``batched`` nobody took the time, and it has its own price.
    """

    text: str
    finish: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    seconds: float = 0.0
    first_token: float | None = None
    error: str = ""
    kind: str = ""
    message: str = ""
    hint: str = ""
    batched: bool = False

    @property
    def answered(self) -> bool:
        """Whether it is an answer, good or bad."""
        return not self.error

    @property
    def is_the_models(self) -> bool:
        """Whether it tells something of the model: not where it could not be reached, or the call was refused."""
        if self.answered or self.error == ModelBrokeOffError.__name__ or self.kind == "declined":
            return True
        return self.kind == "timeout" and bool(self.text)

    @property
    def problem(self) -> ModelError:
        """The error that was raised in place of an answer."""
        made = _ERRORS.get(self.error, ModelBrokeOffError)
        return made(self.message, hint=self.hint, kind=self.kind, partial=self.text)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        told = {name: getattr(self, name) for name in _TEXTS if getattr(self, name)}
        tokens = [self.tokens.into, self.tokens.out, self.tokens.exact]
        told |= {"batched": True} if self.batched else {}
        return {**told, "tokens": tokens, "seconds": self.seconds, "first_token": self.first_token}


def read_said(data: Mapping[str, Any]) -> Said:
    """What ``to_dict`` made.

    Raises:
        InvalidInputError: it is something else.
    """
    try:
        into, out, exact = data["tokens"]
        first = data["first_token"]
        text, finish, error, kind, message, hint = (str(data.get(name, "")) for name in _TEXTS)
        return Said(
            text, finish, Tokens(int(into), int(out), bool(exact)), float(data["seconds"]),
            None if first is None else float(first), error, kind, message, hint, data.get("batched") is True,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise InvalidInputError("This is no answer that was kept.", hint="Ask again.") from None


class Ledger:
    """Told of each call of a cell; this one does not care. What it raises but ``Halted`` is the cell's error."""

    async def before(self, cell: str, call: Call) -> None:
        """A model is about to be asked; nothing is sent before this returns."""

    async def after(self, cell: str, number: int, said: Said) -> None:
        """What came of the call, counted from 0 in the cell; calls that are said again are not told."""


QUIET = Ledger()


class Heard(Providers):
    """The providers of another workshop, listened to for one cell.

    ``before`` is what models said in this cell already: it is said again, in order, and nobody is asked.
    """

    def __init__(
        self, inner: Providers, cell: str, ledger: Ledger, before: Sequence[Said] = (), adapt: Adapt | None = None
    ) -> None:
        self._inner, self._adapt = inner, adapt
        self.cell, self.ledger = cell, ledger
        self.again = list(before)
        self.said: list[Said] = []

    def get(self, name: str) -> Provider:
        """A provider by its name; models through an ear.

        Raises:
            InvalidInputError: there is none.
        """
        if name == Adapt.name and self._adapt is not None:
            return self._adapt
        found = self._inner.get(name)
        return _Ear(found, self) if found.needs_model else found

    def put(self, provider: Provider) -> None:
        """Use a provider that was made elsewhere."""
        self._inner.put(provider)

    async def close(self) -> None:
        """Nothing to let go of: the connections are the other workshop's."""


class _Ear:
    """A provider that is listened to."""

    needs_model = True

    def __init__(self, provider: Provider, heard: Heard) -> None:
        self.name, self._provider, self._heard = provider.name, provider, heard

    async def answer(self, call: Call, on_text: OnText) -> Answer:
        """What was said before, else what the provider answers."""
        heard = self._heard
        if heard.again:
            said = heard.again.pop(0)
            heard.said.append(said)
            on_text(said.text)
            if not said.answered:
                raise said.problem
            return Answer(said.text, said.finish, said.tokens, said.seconds, said.first_token)
        await heard.ledger.before(heard.cell, call)
        began = perf_counter()
        try:
            answer = await self._provider.answer(call, on_text)
        except ModelError as problem:
            await self._note(said_of(problem, perf_counter() - began))
            raise
        await self._note(Said(answer.text, answer.finish, answer.tokens, answer.seconds, answer.first_token))
        return answer

    async def _note(self, said: Said) -> None:
        self._heard.said.append(said)
        await self._heard.ledger.after(self._heard.cell, len(self._heard.said) - 1, said)

    async def models(self) -> tuple[ModelInfo, ...]:
        """What can be asked here."""
        return await self._provider.models()

    async def close(self) -> None:
        """Nothing to let go of."""


def said_of(problem: ModelError, seconds: float) -> Said:
    """What an error says; ``seconds`` are those that it took."""
    name = next((name for name, each in _ERRORS.items() if isinstance(problem, each)), ModelBrokeOffError.__name__)
    return Said(
        problem.partial, seconds=seconds, error=name, kind=problem.kind, message=problem.message, hint=problem.hint
    )
