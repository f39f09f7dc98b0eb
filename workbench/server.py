"""The ASGI app: the screens and the HTTP routes beside them, in one process.

Start it with ``python -m workbench`` (which calls :func:`start`), or from the repository's root with
``python -m streamlit run workbench/server.py``.

| route | answers |
|---|---|
| ``/api/…`` | the HTTP API: see :mod:`workbench.api` |
| ``GET /sound/{piece}/{voice}.ogg`` | one voice of a piece, rendered when it is first asked for |
| ``GET /files/{piece}/{kind}`` | ``midi``, ``musicxml``, ``wav``, ``json``, or ``svg-1`` and so on |
| ``GET /live/{run}`` | the player's data of a piece that is being written, section by section |
| ``GET /datasets/{version}/{name}`` | a file of a dataset version, sent while it is made: JSONL, Parquet, the card |
| ``GET /blind/{contest}/{token}.ogg`` | what a rater hears, by a token that says nothing |
| ``GET /lib/plotly-{version}.min.js`` | plotly.js out of the Python package |

A piece that this process does not hold is answered with 404, an ``error`` and a ``hint``.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402
from anyio import CapacityLimiter, sleep, to_thread  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.requests import Request as HttpRequest  # noqa: E402
from starlette.responses import JSONResponse, Response  # noqa: E402
from starlette.routing import Route  # noqa: E402

from workbench import api  # noqa: E402
from workbench.api import problem  # noqa: E402
from workbench.core.errors import WorkbenchError  # noqa: E402
from workbench.views.blind_sounds import ROUTE as BLIND_SOUND  # noqa: E402
from workbench.views.blind_sounds import blind_sound  # noqa: E402
from workbench.views.compare.downloads import ROUTE as RUN_FILE  # noqa: E402
from workbench.views.compare.downloads import run_file  # noqa: E402
from workbench.views.datasets.downloads import ROUTE as DATASET_FILE  # noqa: E402
from workbench.views.datasets.downloads import dataset_file  # noqa: E402
from workbench.views.engine import follower, jobs  # noqa: E402
from workbench.views.files import KINDS, render_file  # noqa: E402
from workbench.views.pieces import Piece, shelf  # noqa: E402
from workbench.views.player import data_of  # noqa: E402
from workbench.views.visits import COOKIE  # noqa: E402

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOREVER = "public, max-age=31536000, immutable"
LISTEN_SECONDS, LISTEN_EVERY = 15.0, 0.02
"""How long a listener is kept waiting for news, and how often it is looked for."""
RENDERERS = 4
"""How many sounds and files are rendered at the same time; more requests wait their turn without blocking a page."""


@lru_cache(maxsize=1)
def _limiter() -> CapacityLimiter:
    return CapacityLimiter(RENDERERS)


async def _apart(work: Callable[[], Any]) -> Any:
    """Work in a thread, so that one person's rendering does not hold up another's page."""
    return await to_thread.run_sync(work, limiter=_limiter())


def _piece_of(request: HttpRequest) -> Piece | None:
    return shelf().get(request.path_params["piece"])


_GONE = ("The server no longer holds this piece.", "Reload the page.")


async def sound(request: HttpRequest) -> Response:
    """One voice of a piece as an Ogg file."""
    piece = _piece_of(request)
    if piece is None:
        return problem(*_GONE, 404)
    try:
        data = await _apart(lambda: piece.sound(request.path_params["voice"]))
    except WorkbenchError as failure:
        return problem(failure.message, failure.hint, 500)
    return Response(data, media_type="audio/ogg", headers={"Cache-Control": FOREVER})


async def file(request: HttpRequest) -> Response:
    """A piece as a file to keep."""
    piece, kind = _piece_of(request), request.path_params["kind"]
    if piece is None:
        return problem(*_GONE, 404)
    if kind.partition("-")[0] not in KINDS:
        return problem(f"There is no file of the kind {kind[:20]!r}.", f"Ask for {', '.join(KINDS)}.", 404)
    try:
        data, media_type, name = await _apart(lambda: render_file(piece, kind))
    except WorkbenchError as failure:
        return problem(failure.message, failure.hint, 500)
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(
        data, media_type=media_type, headers={"Content-Disposition": disposition, "Cache-Control": "no-store"}
    )


async def live(request: HttpRequest) -> Response:
    """The next section of a piece that is being written, as soon as it is complete; 204 when there is no news."""
    run = jobs().live(request.path_params["run"])
    if run is None:
        return problem(*_GONE, 404)
    after, dark = request.query_params.get("after", "0"), request.query_params.get("dark") == "1"
    seen = int(after) if after.isdecimal() and len(after) < 4 else 0
    for _ in range(int(LISTEN_SECONDS / LISTEN_EVERY)):
        if (run.sections > seen and run.growing is not None) or not run.running or await request.is_disconnected():
            break
        await sleep(LISTEN_EVERY)
    structure, sections, ended = run.structure, run.sections, not run.running
    if structure is None or (sections <= seen and not ended):
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    try:
        data = await _apart(lambda: data_of(shelf().put(structure), dark=dark))
    except WorkbenchError as failure:
        return problem(failure.message, failure.hint, 500)
    news = data | {"sections": sections, "ended": ended, "growing": not ended}
    return JSONResponse(news, headers={"Cache-Control": "no-store"})


@lru_cache(maxsize=2)
def _plotly(packed: bool) -> bytes:
    import gzip
    from importlib.resources import files

    data = files("plotly").joinpath("package_data", "plotly.min.js").read_bytes()
    return gzip.compress(data, 4) if packed else data


async def plotly_js(request: HttpRequest) -> Response:
    """plotly.js; for other machines packed once and kept, so that no request packs its five megabytes again."""
    here = request.client is not None and request.client.host in {"127.0.0.1", "::1"}
    packed = "gzip" in request.headers.get("accept-encoding", "") and not here  # unpacking takes longer than sending
    data = await _apart(lambda: _plotly(packed))
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"} | (
        {"Content-Encoding": "gzip" if packed else "identity"}
    )
    return Response(data, media_type="text/javascript", headers=headers)


class VisitCookie:
    """ASGI middleware that gives each browser without one a visit's cookie, along with the page itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; add the cookie to what a browser asks for as a page."""
        headers = dict(scope.get("headers", ()))
        wanted = scope["type"] == "http" and b"text/html" in headers.get(b"accept", b"")
        if not wanted or COOKIE.encode() in headers.get(b"cookie", b""):
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            # Also with "304 not modified": the browser may have the page from an earlier visit.
            if message["type"] == "http.response.start":
                secure = "; Secure" if scope.get("scheme") == "https" else ""
                life = "; Max-Age=31536000"  # a year: yesterday's takes are found again
                cookie = f"{COOKIE}={secrets.token_urlsafe(18)}; Path=/; HttpOnly; SameSite=Lax{life}{secure}"
                message = {**message, "headers": [*message["headers"], (b"set-cookie", cookie.encode())]}
            await send(message)

        await self.app(scope, receive, sending)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Get ready what the first page needs, while the browser is still opening."""
    from anyio import create_task_group

    async with create_task_group() as tasks:
        tasks.start_soon(to_thread.run_sync, _warm_up)
        yield
        tasks.cancel_scope.cancel()


def _warm_up() -> None:
    from workbench.views.links import read_link

    with suppress(WorkbenchError):  # told on the page, to whom it concerns
        piece = shelf().composed(*read_link({}))
        data_of(piece, dark=False)
    with suppress(WorkbenchError):
        jobs()  # what a killed server left behind is taken care of at once
    with suppress(WorkbenchError):
        follower()  # and trainings go on, whoever began them


app = st.App(
    str(ROOT / "streamlit_app.py"),
    lifespan=lifespan,
    middleware=[Middleware(VisitCookie)],
    routes=[
        *api.ROUTES,
        Route("/sound/{piece}/{voice:int}.ogg", sound),
        Route("/files/{piece}/{kind}", file),
        Route("/live/{run}", live),
        Route(DATASET_FILE, dataset_file),
        Route(RUN_FILE, run_file),
        Route(BLIND_SOUND, blind_sound),
        Route("/lib/plotly-{version}.min.js", plotly_js),
    ],
)


def start(port: int | None = None, headless: bool = False, host: str | None = None) -> None:
    """Serve the app from this process until it is stopped.

    Args:
        port: where to listen; the configuration's port (8501), or the next free one, when not given.
        headless: do not open a browser.
        host: the address to listen on; every one when not given.
    """
    # Streamlit looks for .streamlit/config.toml beside the script that it believes was started.
    sys.argv = [str(ROOT / "streamlit_app.py")]
    config: dict[str, Any] = {"server.headless": True} if headless else {}
    app.run(
        config=config
        | ({} if port is None else {"server.port": port})
        | ({} if host is None else {"server.address": host})
    )


if __name__ == "__main__":
    start()
