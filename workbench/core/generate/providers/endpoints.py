"""Where models answer, the one key that may go there, and a client for each place.

A key goes to the place that it was given for and nowhere else; an endpoint that the settings do not name gets none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from workbench.core.errors import ModelRefusedError
from workbench.core.settings import Settings

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

OPENAI = "https://api.openai.com/v1"
RETRIES = 2
CONNECT_SECONDS = 10.0
_HEADERS = (
    "host",
    "accept",
    "connection",
    "user-agent",
    "content-",
    "transfer-encoding",
    "authorization",
    "x-stainless-",
)
"""What an endpoint needs to be told, as beginnings of header names."""


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
    """A client for a place; ``turns`` bounds how many answers are asked of it at the same time."""

    client: AsyncOpenAI
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
        """
        if place not in self._known:
            self._known[place] = Endpoint(
                _client(place, self._settings), asyncio.Semaphore(self._settings.model_concurrency)
            )
        return self._known[place]

    async def close(self) -> None:
        """Let go of the connections."""
        for each in self._known.values():
            with suppress(RuntimeError):
                await each.client.close()
        self._known.clear()


def _client(place: Place, settings: Settings) -> AsyncOpenAI:
    import httpx2
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    if place.ours and place.key is None and place.url is None:
        raise ModelRefusedError(
            "There is no key for OpenAI.", kind="no-key",
            hint="Set OPENAI_API_KEY, or OPENAI_BASE_URL to a server of your own.",
        )  # fmt: skip
    many, timeout = settings.model_concurrency, settings.model_timeout
    key = place.key or "none"  # servers of one's own want none, the package one
    return AsyncOpenAI(
        api_key=key,
        base_url=place.url,
        timeout=httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
        max_retries=RETRIES,
        http_client=DefaultAsyncHttpxClient(
            limits=httpx2.Limits(max_connections=many + 4, max_keepalive_connections=many),
            follow_redirects=False,
            event_hooks={"request": [] if place.ours else [_bare(place, key)]},
        ),
    )


def _bare(place: Place, key: str) -> Callable[[httpx2.Request], Awaitable[None]]:
    """Takes out what the package adds for OpenAI from the environment: organization, project, headers of any name."""
    named = "@" in urlsplit(place.url or "").netloc  # a name and a password in the address are its Authorization

    async def bare(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if not name.lower().startswith(_HEADERS)]:
            del request.headers[name]
        if not named:
            request.headers["Authorization"] = f"Bearer {key}"

    return bare


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")
