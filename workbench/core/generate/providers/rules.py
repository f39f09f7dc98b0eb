"""The built-in composer as a provider: no key, no network, the same piece for the same request and seed."""

from __future__ import annotations

import asyncio
from time import perf_counter

from workbench.core.compose import compose_plan
from workbench.core.generate.providers.calls import Answer, Call, ModelInfo, OnText
from workbench.core.generate.providers.registry import provider
from workbench.core.settings import Settings


class Rules:
    """Composes by rule under the call's plan."""

    name = "rules"
    needs_model = False

    async def answer(self, call: Call, on_text: OnText) -> Answer:
        """The piece as JSON, all at once."""
        began = perf_counter()
        structure = await asyncio.to_thread(compose_plan, call.form, call.request)
        text = structure.to_json(indent=None)
        on_text(text)
        seconds = perf_counter() - began
        return Answer(text, seconds=seconds, first_token=seconds)

    async def models(self) -> tuple[ModelInfo, ...]:
        """None: there is nothing to choose."""
        return ()

    async def close(self) -> None:
        """Nothing to let go of."""


@provider("rules")
def rules(_: Settings) -> Rules:
    """The built-in composer: by rule, at once, without a key or a network."""
    return Rules()
