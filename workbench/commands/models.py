"""``models``: what the endpoint offers, with the days on which models are shut down."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from workbench.commands import console


def models(
    provider: Annotated[str, typer.Option(help="The provider to ask.")] = "openai",
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> int:
    """List the models of the endpoint that the environment names."""
    from workbench.core.generate.providers import ModelInfo, find_provider
    from workbench.core.settings import load_settings

    async def ask() -> tuple[ModelInfo, ...]:
        asked = find_provider(provider).make(load_settings())
        try:
            return await asked.models()
        finally:
            await asked.close()

    found = asyncio.run(ask())
    if as_json:
        console.print_json([{"id": each.id, "shutdown": each.shutdown and each.shutdown.isoformat()} for each in found])
        return 0
    for each in found:
        print(each.id + (f"  shuts down on {each.shutdown:%Y-%m-%d}" if each.shutdown else ""))
    return 0
