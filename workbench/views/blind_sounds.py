"""The sounds that raters hear, over HTTP: named by tokens that were made for one rater and one pair."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import streamlit as st
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from workbench.api import problem
from workbench.core.errors import WorkbenchError
from workbench.views.engine import database

if TYPE_CHECKING:
    from workbench.core.experiments.ratings.sounds import Booth

ROUTE = "/blind/{contest}/{token}.ogg"
WAITING = 8
"""How many listeners may wait for a sound at the same time."""


@st.cache_resource(show_spinner=False)
def booth() -> Booth:
    """Where the sounds of this process are made."""
    from workbench.core.experiments.ratings.sounds import Booth

    return Booth(database())


def url_of(contest: str, token: str) -> str:
    """The address of a sound."""
    return ROUTE.format(contest=contest, token=token)


@lru_cache(maxsize=1)
def _limiter() -> CapacityLimiter:
    return CapacityLimiter(WAITING)


async def blind_sound(request: HttpRequest) -> Response:
    """A sound by its token. The answer says nothing but the sound: no name, no tag, and no reason that tells sides
    apart."""
    contest, token = request.path_params["contest"], request.path_params["token"]
    try:
        data = await to_thread.run_sync(lambda: booth().sound(contest, token), limiter=_limiter())
    except WorkbenchError:
        return problem("This sound cannot be made.", "Skip this pair.", 500)
    if data is None:
        return problem("There is no such sound.", "Reload the page.", 404)
    return Response(data, media_type="audio/ogg", headers={"Cache-Control": "no-store"})
