"""The HTTP API beside the screens: a piece for a request, with a token.

``POST /api/music/generate`` takes a Request and answers ``{id, structure, provider, variant, outcome, report, repairs,
usage, seed, midi}``, the MIDI file in base64. Every failure is JSON with ``error`` and ``hint``. Which model answered
is not told, nor any key: only its provider and whether it was the base or the fine-tuned one.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import secrets
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from workbench.core.errors import AccessError, DatabaseError, InputTooLargeError, InvalidInputError, WorkbenchError
from workbench.views.engine import database, jobs, settings
from workbench.views.pieces import shelf

MAX_BODY = 64_000
"""Bytes of a request; a long one has a few thousand."""

_log = logging.getLogger(__name__)


def problem(
    message: str, hint: str, status: int, *, field: str = "", headers: dict[str, str] | None = None
) -> Response:
    """A failure as every route tells it."""
    body = {"error": message, "hint": hint} | ({"field": field} if field else {})
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"} | (headers or {}))


async def health(_: HttpRequest) -> Response:
    """Whether the server and its database answer."""
    try:
        revision = await asyncio.to_thread(lambda: database().revision())
        works = revision is not None
    except WorkbenchError:
        works = False
    body = {"status": "ok" if works else "no database", "database": works, "pieces": len(shelf())}
    return JSONResponse(body, 200 if works else 503, headers={"Cache-Control": "no-store"})


async def generate_music(request: HttpRequest) -> Response:
    """A piece for the request in the body."""
    try:
        return await _generated(request)
    except AccessError as refusal:
        headers = {"WWW-Authenticate": 'Bearer realm="workbench"'} if refusal.status == 401 else {}
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        return problem(refusal.message, refusal.hint, refusal.status, headers=headers)
    except InputTooLargeError as refusal:
        return problem(refusal.message, refusal.hint, 413)
    except InvalidInputError as refusal:
        return problem(refusal.message, refusal.hint, 422, field=refusal.field)
    except DatabaseError as refusal:
        return problem(refusal.message, refusal.hint, 503, headers={"Retry-After": "5"})
    except WorkbenchError as refusal:
        return problem(refusal.message, refusal.hint, 500)
    except ClientDisconnect:
        return Response(status_code=499)
    except Exception:
        _log.exception("POST /api/music/generate failed")
        return problem("This is a fault in the workbench.", "Try again; the server's log says more.", 500)


async def _generated(request: HttpRequest) -> Response:
    from workbench.core.generate.generation import settings_for
    from workbench.core.generate.live import Order
    from workbench.core.generate.templates import usual_template
    from workbench.core.library.tokens import admit
    from workbench.core.music.reading import read_request
    from workbench.views.links import LONGEST_SEED

    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    token = await asyncio.to_thread(admit, database(), secret.strip() if scheme.lower() == "bearer" else None)
    wanted = read_request(await _body(request))
    seed = wanted.seed if wanted.seed is not None else secrets.randbelow(LONGEST_SEED) + 1
    template = await asyncio.to_thread(usual_template, settings().model_template, database())
    order = Order(wanted, settings_for(settings(), seed=seed, template=template))
    work = asyncio.ensure_future(jobs().answer(order, f"token:{token.id}", token_id=token.id))
    left = asyncio.ensure_future(_gone(request))
    await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
    left.cancel()
    if not work.done():
        work.cancel()
        raise ClientDisconnect
    id, generation = work.result()
    answer: dict[str, Any] = {"id": id} | generation.to_dict() | {"seed": generation.seed}
    del answer["model"]
    text = await asyncio.to_thread(_with_midi, answer, generation.structure)
    return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})


def _with_midi(answer: dict[str, Any], structure: Any) -> bytes:
    from workbench.core.compose import perform, realize
    from workbench.core.music.structure import PERFORMANCE_SEED
    from workbench.core.render.midi import midi_bytes

    performance = perform(realize(structure), humanize=structure.humanize, seed=PERFORMANCE_SEED)
    midi = base64.b64encode(midi_bytes(performance)).decode()
    return json.dumps(answer | {"midi": midi}, ensure_ascii=False, allow_nan=False).encode()


async def _body(request: HttpRequest) -> bytes:
    """The body, never more of it than may be.

    Raises:
        InputTooLargeError: it is too long; the rest was not read.
    """
    pieces: list[bytes] = []
    length = 0
    async for piece in request.stream():
        length += len(piece)
        if length > MAX_BODY:
            raise InputTooLargeError(
                f"The request is longer than {MAX_BODY:,} bytes.", hint="Send the request alone, as one JSON object."
            )
        pieces.append(piece)
    return b"".join(pieces)


async def _gone(request: HttpRequest) -> None:
    """Returns when the caller goes away."""
    with contextlib.suppress(asyncio.CancelledError):
        while not await request.is_disconnected():
            await asyncio.sleep(0.2)


ROUTES = [
    Route("/api/health", health),
    Route("/api/music/generate", generate_music, methods=["POST"]),
]
