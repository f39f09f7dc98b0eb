"""Asking ahead: the first question of a cell apart from all that is done with the answer.

A run that waits for many models at once makes its questions before, asks them while it does nothing else, and has the
answers judged afterwards, elsewhere if need be: ``answer_cell`` takes up what was said. Only what has to be asked again
is asked then.
"""

from __future__ import annotations

from time import perf_counter

from workbench.core.errors import ModelError
from workbench.core.experiments.answering import answer_cell
from workbench.core.experiments.cells import Cell
from workbench.core.experiments.heard import Halted, Ledger, Said, said_of
from workbench.core.experiments.requests import Asked
from workbench.core.experiments.variants import Ready
from workbench.core.generate.providers import Call


class _Peek(Ledger):
    """Looks at the first question, and lets it not be asked."""

    call: Call | None = None

    async def before(self, cell: str, call: Call) -> None:  # noqa: ARG002
        self.call = call
        raise Halted


async def first_call(cell: Cell, asked: Asked, ready: Ready) -> Call | None:
    """The first question that a cell asks a model; None where it asks none, or fails before."""
    peek = _Peek()
    try:
        await answer_cell(cell, asked, ready, ledger=peek)
    except Halted:
        return peek.call
    return None


async def ask(call: Call, ready: Ready) -> Said:
    """What a model says to a question; an error is said, too. It is for ``answer_cell``'s ``before``.

    One that tells nothing of the model (``is_the_models``) should be asked again rather than handed on.
    """
    provider = ready.workshop.providers.get(ready.attempt.provider)
    began = perf_counter()
    try:
        answer = await provider.answer(call, lambda _: None)
    except ModelError as problem:
        return said_of(problem, perf_counter() - began)
    return Said(answer.text, answer.finish, answer.tokens, answer.seconds, answer.first_token)
