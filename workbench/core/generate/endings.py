"""What a generation leaves in the database: when it is done, stopped, or its process was killed."""

from __future__ import annotations

from typing import Any

from workbench.core.generate.generation import Generation, GenerationSettings
from workbench.core.generate.growing import salvaged
from workbench.core.generate.live import Order
from workbench.core.library.generations import Ending, GenerationRecord, State
from workbench.core.library.takes import Take
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, piece_id


def settings_of(order: Order) -> dict[str, Any]:
    """How an order is to be done, as it is kept."""
    return order.settings.to_dict() | ({"kept": order.kept.to_dict()} if order.kept is not None else {})


def finished(generation: Generation, order: Order, *, token_id: str | None = None, take: bool = True) -> Ending:
    """What a finished generation leaves in the database."""
    usage = generation.usage
    columns = {
        "outcome": generation.outcome,
        "provider": generation.provider,
        "variant": generation.variant,
        "model": generation.model,
        "template": generation.template,
        "structure": generation.structure.to_dict(),
        "report": generation.report.to_dict(),
        "repairs": [repair.to_dict() for repair in generation.repairs],
        "trace": [step.to_dict() for step in generation.trace],
        "usage": usage,
    }
    return Ending(
        "done", columns, _take(generation, order) if take else None, generation.tokens.into, generation.tokens.out,
        generation.cost, token_id,
    )  # fmt: skip


def _take(generation: Generation, order: Order) -> Take:
    again = generation.provider == "rules" and order.kept is None and generation.request == order.request
    return Take(
        piece_id(generation.structure),
        generation.structure,
        order.request,
        generation.seed if again else None,
        change="" if order.kept is None else "regenerated",
        parent_id=order.parent,
    )


def broken_off(order: Order, structure: MusicStructure | None, state: State, message: str) -> Ending:
    """What a generation leaves that was stopped: a take of its complete sections, where there are any."""
    take = None
    if structure is not None:
        take = Take(piece_id(structure), structure, order.request, change="stopped", parent_id=order.parent)
    columns: dict[str, Any] = {"message": message}
    if structure is not None:
        columns["structure"] = structure.to_dict()
    return Ending(state, columns, take)


def interrupted(record: GenerationRecord) -> Ending:
    """What is kept of a generation whose process was killed."""
    request = Request.model_validate(dict(record.request))
    structure = salvaged(record.partial, request)
    message = "The server stopped while this was being written."
    return broken_off(Order(request, GenerationSettings()), structure, "interrupted", message)
