"""Where models answer, the one key that may go there, and the way to each place.

A key goes to the place that it was given for and nowhere else; an endpoint that the settings do not name gets none.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field

from workbench.core.errors import ModelRefusedError
from workbench.core.generate.providers.talking import Line
from workbench.core.settings import Settings

OPENAI = "https://api.openai.com/v1"
_KNOWN = {"OPENAI_ORG_ID": "OpenAI-Organization", "OPENAI_PROJECT_ID": "OpenAI-Project"}
"""What the environment may hold for OpenAI besides the key, and the header for it."""


@dataclass(frozen=True)
class Place:
    """An endpoint; without a ``url`` it is OpenAI's. ``where`` and ``opens`` are hints: what names it, and its key."""

    url: str | None
    key: str | None = field(repr=False)
    where: str
    opens: str
    ours: bool = False


def place_of(endpoint: str, settings: Settings) -> Place:
    """The place that an endpoint's address stands for; none is the environment's, ``OPENAI_BASE_URL`` or OpenAI."""
    ours = not endpoint or _same(endpoint, settings.openai_base_url or OPENAI)
    key = settings.model_ft_key
    if endpoint and _same(endpoint, settings.model_ft_url or "") and (key is not None or not ours):
        secret = key.get_secret_value() if key else None
        return Place(endpoint, secret, "WORKBENCH_MODEL_FT_URL", "Check WORKBENCH_MODEL_FT_KEY.")
    if ours:
        key = settings.openai_api_key
        secret = key.get_secret_value() if key else None
        return Place(settings.openai_base_url, secret, "OPENAI_BASE_URL", "Check OPENAI_API_KEY.", ours=True)
    return Place(
        endpoint, None, "the model's endpoint on Fine-tune", "Only WORKBENCH_MODEL_FT_URL gets a key of its own."
    )


@dataclass(frozen=True)
class Endpoint:
    """The way to a place; ``turns`` bounds how many answers are asked of it at the same time."""

    line: Line
    turns: asyncio.Semaphore


class Endpoints:
    """The endpoints of one event loop, each connected when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[Place, Endpoint] = {}

    def at(self, place: Place) -> Endpoint:
        """The endpoint of a place.

        Raises:
            ModelRefusedError: it is OpenAI, and there is no key.
            Unreached: its address is none.
        """
        if place not in self._known:
            self._known[place] = Endpoint(
                _line(place, self._settings), asyncio.Semaphore(self._settings.model_concurrency)
            )
        return self._known[place]

    async def close(self) -> None:
        """Let go of the connections."""
        for each in self._known.values():
            with suppress(RuntimeError):
                await each.line.close()
        self._known.clear()


def _line(place: Place, settings: Settings) -> Line:
    if place.ours and place.key is None and place.url is None:
        raise ModelRefusedError(
            "There is no key for OpenAI.", kind="no-key",
            hint="Set OPENAI_API_KEY, or OPENAI_BASE_URL to a server of your own.",
        )  # fmt: skip
    headers = {"Authorization": f"Bearer {place.key or 'none'}"}  # servers of one's own want none, gateways any
    return Line(
        place.url or OPENAI, headers | (_environment() if place.ours else {}), most=settings.model_concurrency + 4,
        seconds=settings.model_timeout,
    )  # fmt: skip


def _environment() -> dict[str, str]:
    """What the environment holds for OpenAI and for gateways to it, as for the ``openai`` package."""
    told = {header: os.environ[name] for name, header in _KNOWN.items() if os.environ.get(name)}
    for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip():
            told[name.strip()] = value.strip()
    return told


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")
