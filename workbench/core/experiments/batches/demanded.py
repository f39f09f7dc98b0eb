"""Whether variants that are to be asked in batches can be: found out before anything is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from workbench.core.errors import InvalidInputError, ModelError
from workbench.core.experiments.batches.hosted import Service
from workbench.core.experiments.variants import Ready
from workbench.core.generate.rollout import PROTOCOL


def demand_batches(ready: Mapping[str, Ready]) -> None:
    """Refuse variants that want batches where there are none.

    Raises:
        InvalidInputError: no model is asked by a variant, or its endpoint has no batches.
        ModelError: an endpoint does not answer.
    """
    wanted = {name: each for name, each in ready.items() if each.variant.batch}
    for name, each in wanted.items():
        if each.attempt.provider != PROTOCOL:
            raise InvalidInputError(
                f"{name!r} asks no hosted model, so nothing can be asked in batches.", hint="Leave out batch.",
                field="batch",
            )  # fmt: skip
    if wanted:
        asyncio.run(_look(wanted))


async def _look(wanted: Mapping[str, Ready]) -> None:
    known: set[str] = set()
    for name, each in wanted.items():
        endpoint = each.attempt.endpoint
        if endpoint in known:
            continue
        known.add(endpoint)
        service = Service(each.workshop.settings, endpoint)
        try:
            await service.demand()
        except ModelError as problem:
            if problem.kind != "http-404":
                raise
            raise InvalidInputError(
                f"The endpoint of {name!r} has no batches.", hint="Leave out batch, or choose another endpoint.",
                field="batch",
            ) from None  # fmt: skip
        finally:
            await service.close()
