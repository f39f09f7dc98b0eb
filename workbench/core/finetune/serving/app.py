"""The HTTP side: models, chat completions in one piece or as a stream, and errors, all in OpenAI's shapes.

Each model writes one answer at a time; the others wait in its line. Whoever goes away leaves the line, and an answer
that is being written for nobody stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from workbench.core.errors import (
    AccessError,
    InputTooLargeError,
    InvalidInputError,
    ModelBusyError,
    ModelRefusedError,
    ModelUnreachableError,
    WorkbenchError,
)
from workbench.core.finetune.serving.asked import MAX_BODY, Asked, read_asked
from workbench.core.finetune.serving.engine import OnText, Prepared, Written

MAX_WAITING = 32
"""Answers that may wait for a model's turn beside the one that is being written."""
RETRY_AFTER = "2"
EVERY = 0.02
"""Seconds for which pieces of text are gathered: to wake the event loop for each token would halve the speed."""

_log = logging.getLogger(__name__)


class Model(Protocol):
    """What is served. ``context`` is in tokens."""

    name: str
    context: int

    def prepare(self, asked: Asked) -> Prepared:
        """Look at a question before it waits for its turn."""

    def write(self, prepared: Prepared, on_text: OnText, unwanted: Callable[[], bool]) -> Written:
        """Answer it."""


class Line:
    """A model, and those who wait for it; ``inside`` is how many, with the one whose answer is being written."""

    def __init__(self, model: Model, prepare: Callable[[], None] | None = None) -> None:
        self.model = model
        self.inside = 0
        self._closing = threading.Event()
        self._worker = ThreadPoolExecutor(1, "model", prepare or (lambda: None))

    def enter(self) -> None:
        """Take a place.

        Raises:
            ModelBusyError: there is none.
        """
        if self.inside > MAX_WAITING:
            raise ModelBusyError("Too many answers are asked of this model at once.", hint="Try again in a moment.")
        self.inside += 1

    def leave(self) -> None:
        """Give the place back."""
        self.inside -= 1

    def close(self) -> None:
        """Stop writing: the server is being stopped."""
        self._closing.set()

    async def write(self, prepared: Prepared) -> AsyncGenerator[str | Written]:
        """The pieces of the answer when its turn has come, and at last how it ended.

        Raises:
            WorkbenchError: there is no answer, or no more of it.
        """
        pieces = _Pieces(asyncio.get_running_loop())
        gone = threading.Event()

        def unwanted() -> bool:
            return gone.is_set() or self._closing.is_set()

        work = pieces.loop.run_in_executor(self._worker, lambda: self.model.write(prepared, pieces.add, unwanted))
        work.add_done_callback(pieces.end)
        try:
            while (piece := await pieces.next()) is not None:
                yield piece
            written = await work
            if written.finish == "stopped":
                raise ModelUnreachableError("The server is being stopped.", hint="Start it again.")
            yield written
        finally:
            gone.set()
            work.cancel()


class _Pieces:
    """What a model's thread writes, on its way to the event loop; that is woken for a few tokens together."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._ready: asyncio.Queue[str | None] = asyncio.Queue()
        self._gathered: deque[str] = deque()
        self._woken = False

    def add(self, text: str) -> None:
        """From the model's thread: a piece more."""
        self._gathered.append(text)
        if not self._woken:
            self._woken = True
            self.loop.call_soon_threadsafe(self.loop.call_later, EVERY, self._flush)

    def end(self, work: asyncio.Future[Any]) -> None:
        """In the loop: nothing more comes."""
        if not work.cancelled():
            work.exception()  # looked at here: whoever wanted the answer may have gone
        self._flush()
        self._ready.put_nowait(None)

    async def next(self) -> str | None:
        """The next piece, None at the end."""
        return await self._ready.get()

    def _flush(self) -> None:
        self._woken = False  # before the pieces are taken: one that comes meanwhile wakes again
        if text := "".join(self._gathered.popleft() for _ in range(len(self._gathered))):
            self._ready.put_nowait(text)


def make_app(lines: Mapping[str, Line], token: str | None = None) -> Starlette:
    """The app. With a token, all but ``/health`` is only for those who send it as ``Authorization: Bearer``."""
    app = Starlette(
        routes=[
            Route("/health", _health),
            Route("/v1/models", _models),
            Route("/v1/models/{name:path}", _model),
            Route("/v1/chat/completions", _completions, methods=["POST"]),
        ],
        exception_handlers={WorkbenchError: _refused, HTTPException: _no_such_way, ClientDisconnect: _left},
    )
    app.state.lines = dict(lines)
    app.state.token = token
    app.state.began = int(time.time())
    return app


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok", "models": len(request.app.state.lines)})


async def _models(request: Request) -> Response:
    _admit(request)
    state = request.app.state
    return JSONResponse({"object": "list", "data": [_card(line.model, state.began) for line in state.lines.values()]})


async def _model(request: Request) -> Response:
    _admit(request)
    return JSONResponse(_card(_line(request, request.path_params["name"]).model, request.app.state.began))


def _card(model: Model, began: int) -> dict[str, Any]:
    return {
        "id": model.name, "object": "model", "created": began, "owned_by": "this-machine",
        "max_model_len": model.context,
    }  # fmt: skip


async def _completions(request: Request) -> Response:
    _admit(request)
    asked = read_asked(await _body(request))
    line = _line(request, asked.model)
    line.enter()
    streams = False
    try:
        prepared = await asyncio.to_thread(line.model.prepare, asked)
        if not asked.stream:
            return await _whole(request, line, prepared)
        streams = True
        return _Events(_events(line, prepared), leave=line.leave)
    except (WorkbenchError, ClientDisconnect):
        raise
    except Exception:
        _log.exception("An answer failed")
        return JSONResponse(_fault(), 500)
    finally:
        if not streams:
            line.leave()


async def _whole(request: Request, line: Line, prepared: Prepared) -> Response:
    async def written() -> tuple[str, Written]:
        pieces: list[str] = []
        async with contextlib.aclosing(line.write(prepared)) as writing:
            async for piece in writing:
                if isinstance(piece, Written):
                    return "".join(pieces), piece
                pieces.append(piece)
        raise AssertionError("an answer ends with how it ended")

    work, left = asyncio.ensure_future(written()), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        text, end = work.result()
    finally:
        work.cancel()
        left.cancel()
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": end.finish}
    return JSONResponse({**_head(prepared, "chat.completion"), "choices": [choice], "usage": _usage(end)})


async def _events(line: Line, prepared: Prepared) -> AsyncIterator[str]:
    head = _head(prepared, "chat.completion.chunk")
    counted = prepared.asked.counted

    def event(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice], **({"usage": None} if counted else {})})

    yield event({"role": "assistant", "content": ""})
    try:
        async with contextlib.aclosing(line.write(prepared)) as writing:
            async for piece in writing:
                if isinstance(piece, str):
                    yield event({"content": piece})
                    continue
                yield event({}, piece.finish)
                if counted:
                    yield _event({**head, "choices": [], "usage": _usage(piece)})
    except WorkbenchError as problem:
        yield _event(_error(problem)[1])
    except Exception:
        _log.exception("An answer failed")
        yield _event(_fault())
    yield "data: [DONE]\n\n"


class _Events(StreamingResponse):
    """A stream that gives its place in the line back however it ends."""

    def __init__(self, events: AsyncIterator[str], *, leave: Callable[[], None]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _head(prepared: Prepared, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()),
        "model": prepared.asked.model,
    }  # fmt: skip


def _usage(end: Written) -> dict[str, int]:
    return {"prompt_tokens": end.read, "completion_tokens": end.written, "total_tokens": end.read + end.written}


def _admit(request: Request) -> None:
    """Let those in who have the token; where there is none, all but pages that a browser of this machine shows.

    Raises:
        AccessError: it is missing or wrong.
    """
    token = request.app.state.token
    if token is None:
        if "origin" in request.headers:
            raise AccessError("Web pages are not answered.", hint="Set WORKBENCH_SERVE_TOKEN to allow it.", status=403)
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise AccessError("This server wants its own token.", hint="Send it as Authorization: Bearer TOKEN.")


def _line(request: Request, name: str) -> Line:
    line: Line | None = request.app.state.lines.get(name)
    if line is None:
        raise ModelRefusedError(
            f"The model {name[:80]!r} is not served here.", kind="model_not_found", hint="See /v1/models."
        )
    return line


async def _body(request: Request) -> bytes:
    pieces, length = [], 0
    async for piece in request.stream():
        length += len(piece)
        if length > MAX_BODY:
            raise InputTooLargeError(f"The body is longer than {MAX_BODY:,} bytes.")
        pieces.append(piece)
    return b"".join(pieces)


async def _gone(request: Request) -> None:
    """Returns when the client goes away."""
    while not await request.is_disconnected():
        await asyncio.sleep(0.2)


def _error(problem: WorkbenchError) -> tuple[int, dict[str, Any]]:
    """The status and the body of a refusal; its kind is OpenAI's ``code``."""
    status, kind, code = 500, "server_error", getattr(problem, "kind", "") or None
    if isinstance(problem, InvalidInputError | ModelRefusedError):
        status = 413 if isinstance(problem, InputTooLargeError) else 404 if code == "model_not_found" else 400
        kind = "invalid_request_error"
    elif isinstance(problem, AccessError):
        status, kind = problem.status, "authentication_error"
        code = "invalid_api_key" if status == 401 else None
    elif isinstance(problem, ModelBusyError):
        status, kind = 429, "rate_limit_error"
    elif isinstance(problem, ModelUnreachableError):
        status = 503
    param = getattr(problem, "field", "") or None
    return status, {"error": {"message": str(problem), "type": kind, "param": param, "code": code}}


def _fault() -> dict[str, Any]:
    message = "This is a fault in the server: its log says more."
    return {"error": {"message": message, "type": "server_error", "param": None, "code": None}}


async def _refused(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, WorkbenchError)
    status, body = _error(problem)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": RETRY_AFTER} if status == 429 else {}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **headers})


async def _no_such_way(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    message = f"{problem.detail}: there are /v1/models, /v1/chat/completions and /health."
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, problem.status_code, headers=problem.headers)


async def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=499)
