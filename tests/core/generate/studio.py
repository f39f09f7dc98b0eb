"""A workshop against the loopback server, for tests of the pipeline and of what runs it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from loopback import Loopback

from workbench.core.generate.generation import Generation, GenerationSettings, Kept, Workshop, settings_for
from workbench.core.generate.pipeline import generate
from workbench.core.generate.providers import Providers
from workbench.core.generate.rollout import Circuits
from workbench.core.generate.templates import all_templates
from workbench.core.library.database import Database, now
from workbench.core.library.tuning_tables import TunedModelRow
from workbench.core.music.request import Request
from workbench.core.settings import Settings

TUNED = "ft:loop-large:acme::abc123"
SHORT = Request(duration=30, form="ABA", period="classical", brief="A walk in the snow")


def settings_of(server: Loopback, **changes: Any) -> Settings:
    """The settings of a workbench that asks the loopback server."""
    values: dict[str, Any] = {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": server.key,
        "WORKBENCH_PROVIDER": "openai",
        "WORKBENCH_MODEL_BASE": "loop-large",
        "WORKBENCH_MODEL_FT": TUNED,
        "WORKBENCH_MODEL_TIMEOUT": 3,
    }
    return Settings.model_validate(values | changes)


class Studio:
    """Makes generations one after the other, with one set of connections."""

    def __init__(self, server: Loopback, **changes: Any) -> None:
        self.server = server
        self.settings = settings_of(server, **changes)
        self.workshop = Workshop(self.settings, Providers(self.settings), all_templates)
        self.runner = asyncio.Runner()

    def make(self, request: Request = SHORT, *, kept: Kept | None = None, **changes: Any) -> Generation:
        """One generation."""
        how: GenerationSettings = settings_for(self.settings, **({"seed": 3} | changes))
        return self.runner.run(generate(request, how, self.workshop, kept=kept))

    def fresh(self) -> Studio:
        """Forget which models have failed."""
        self.workshop.circuits = Circuits()
        return self

    def close(self) -> None:
        """Let go of the connections."""
        self.runner.run(self.workshop.providers.close())
        self.runner.close()


@contextmanager
def studio(server: Loopback, **changes: Any) -> Iterator[Studio]:
    """A studio that is closed at the end."""
    made = Studio(server, **changes)
    try:
        yield made
    finally:
        made.close()


def place(database: Database, id: str, model: str, state: str, *, endpoint: str = "", share: float = 0.0) -> None:
    """Put a tuned model into the registry, or give the one with this id another place."""
    with database.writing() as session:
        row = session.get(TunedModelRow, id)
        if row is None:
            row = TunedModelRow(id=id, name=f"Model {id}", model=model, lineage={}, created_at=now())
            session.add(row)
        row.state, row.endpoint, row.share = state, endpoint, share


def seeded(seed: int) -> Callable[[], random.Random]:
    """A source of random generators that is the same each time."""
    return lambda: random.Random(seed)
