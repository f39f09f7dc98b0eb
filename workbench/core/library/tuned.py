"""The tuned models that answer at the moment, as they are asked. No database is needed to speak of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Taught:
    """The prompt that a model was trained with: its template, how many examples it shows, and whether it has a system
    part. A model does best on what it knows.

    ``lean`` says that its endpoint may be sent a schema by which what may be null may be left out, as rows do.
    """

    template: str
    examples: int = 0
    system: bool = True
    lean: bool = False


@dataclass(frozen=True)
class Served:
    """A tuned model as it is asked: ``model`` is its id at ``endpoint``; without one it is the environment's.

    ``taught`` is None where nobody knows how it was trained. One that is not ``tuned`` is a base model with an endpoint
    of its own, asked like any other: only experiments know such.
    """

    id: str
    name: str
    model: str
    endpoint: str = ""
    taught: Taught | None = None
    tuned: bool = True


@dataclass(frozen=True)
class Rollout:
    """The model that answers everybody, the one that answers a ``share`` of requests, and all ids to keep secret."""

    live: Served | None = None
    canary: Served | None = None
    share: float = 0.0
    secret: frozenset[str] = frozenset()


NOTHING = Rollout()
