"""Which models a hosted service offers for tuning, by what it lists and what the table of prices knows."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.core.datasets.costs import training_prices, tuning_table
from workbench.core.finetune.backends.registry import BaseModel
from workbench.core.finetune.training import Method

METHODS: tuple[Method, ...] = ("supervised", "dpo")


def offered(listed: Mapping[str, str], *, at_openai: bool) -> tuple[BaseModel, ...]:
    """The models of a list (ids with their last day, or nothing), by id.

    OpenAI lists much that cannot be tuned, so there only what the table knows is offered, and all of that where nothing
    is listed. Elsewhere a list is taken at its word.
    """
    if at_openai:
        known = {name: "" for row in tuning_table() if row.provider == "OpenAI" for name in row.models}
        listed = {id: until for id, until in listed.items() if training_prices(id)} or known
    licence = "provider's terms" if at_openai else ""
    return tuple(_described(id, until, licence) for id, until in sorted(listed.items()))


def _described(id: str, until: str, licence: str) -> BaseModel:
    prices = training_prices(id)
    if not prices:
        return BaseModel(id, METHODS, None, until, licence, "It is not known whether it can be tuned.")
    methods = tuple(method for method in METHODS if any(method in price.methods for price in prices))
    limit = next((price.limit for price in prices if price.limit is not None), None)
    return BaseModel(id, methods, limit, until, licence, next((price.note for price in prices if price.note), ""))
