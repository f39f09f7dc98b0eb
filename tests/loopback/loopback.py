"""A server on this machine that speaks OpenAI's protocol, composes by rule, trains for show, misbehaves on demand.

For tests (``with Loopback() as server: …``), and by hand to try the app against:
``python tests/loopback/loopback.py --port 9999 --delay 0.02``.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from fine_tuning import PATHS, FineTuning
from loopback_behaviours import (
    BadEvent,
    Behaviour,
    ContentFilter,
    Cut,
    EchoModel,
    Empty,
    Garbage,
    Half,
    Hang,
    HangMidStream,
    Huge,
    Leaky,
    LengthStop,
    Malformed,
    NotMusic,
    OddChunks,
    Refuse,
    Say,
    Slow,
    Status,
    StreamError,
    WrongModel,
    WrongPiece,
    at_random,
    every_failure,
    every_success,
)
from loopback_http import Connection, Incoming
from loopback_replies import Answer, make_reply
from loopback_requests import MODELS, USUAL, Refused, check_chat, check_key, error, read_body, refuse
from loopback_sending import Turn

from workbench.core.errors import WorkbenchError

__all__ = [
    "KEY",
    "MODELS",
    "BadEvent",
    "Behaviour",
    "ContentFilter",
    "Cut",
    "EchoModel",
    "Empty",
    "Garbage",
    "Half",
    "Hang",
    "HangMidStream",
    "Huge",
    "Leaky",
    "LengthStop",
    "Loopback",
    "Malformed",
    "NotMusic",
    "OddChunks",
    "Refuse",
    "Say",
    "Seen",
    "Slow",
    "Status",
    "StreamError",
    "WrongModel",
    "WrongPiece",
    "at_random",
    "every_failure",
    "every_success",
]

KEY = "sk-loopback-0123456789abcdef0123456789abcdef"
CREATED = 1_767_225_600


@dataclass(frozen=True)
class Seen:
    """A request that arrived; header names are lower-case, ``body`` is None where it was no JSON object."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any] | None
    method: str = "POST"


class Loopback:
    """The server, in a thread of its own from ``start`` (or ``with``) to ``close``.

    ``models`` are described as in ``MODELS``. ``answer`` replaces the composer. ``delay`` seconds pass before each
    delta of ``size`` characters, and once before an answer that is not streamed. With ``enforce_answers`` a composed
    piece that breaks a strict schema is a trouble of the server's own: the request gets a 500, and leaving the
    ``with`` block raises.
    """

    def __init__(
        self,
        key: str = KEY,
        models: Sequence[dict[str, Any]] | None = None,
        answer: Answer | None = None,
        delay: float = 0.0,
        *,
        size: int = 32,
        enforce_answers: bool = True,
        port: int = 0,
    ) -> None:
        self.key = key
        self.models = {model["id"]: {**USUAL, **model} for model in (MODELS if models is None else models)}
        self.answer = answer
        self.delay = delay
        self.size = size
        self.enforce_answers = enforce_answers
        self.port = port
        self.tuning = FineTuning(self.models)
        self.behave: Callable[[dict[str, Any]], Behaviour | None] | None = None
        self.seen: list[Seen] = []
        self.troubles: list[str] = []
        self.in_flight = self.most_in_flight = self.cancelled = 0
        self._queue: deque[Behaviour] = deque()
        self._alive: set[Connection] = set()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event

    @property
    def url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def queue(self, *behaviours: Behaviour) -> None:
        """The next chat requests behave like these, one each; a request that is refused as invalid takes none."""
        self._queue.extend(behaviours)

    def forget(self) -> None:
        """Begin anew: nothing seen, counted or queued."""
        self.seen.clear()
        self.troubles.clear()
        self._queue.clear()
        self.tuning.forget()
        self.behave = None
        self.cancelled = 0
        self.most_in_flight = self.in_flight

    def until(self, true: Callable[[Loopback], object], seconds: float = 5.0) -> bool:
        """Wait until something is true of this server; False when it did not come true in time."""
        end = time.monotonic() + seconds
        while not true(self):
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def start(self) -> Loopback:
        """Listen; returns when requests are answered.

        Raises:
            OSError: the port is taken.
        """
        ready, failed = threading.Event(), list[OSError]()

        def run() -> None:
            try:
                asyncio.run(self._serve(ready))
            except OSError as problem:
                failed.append(problem)
            finally:
                ready.set()

        self._closing = False
        self._thread = threading.Thread(target=run, name="loopback", daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            raise failed[0]
        return self

    def close(self) -> None:
        """Drop every connection and end the thread."""
        if self._thread and self._thread.is_alive():
            self._closing = True
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._thread = None

    def __enter__(self) -> Loopback:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()
        if self.troubles and kind is None:
            raise AssertionError(f"the loopback server had trouble: {self.troubles[:3]}")

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        listening = await self._loop.create_server(
            lambda: Connection(self._handle, self._alive), "127.0.0.1", self.port, backlog=1024
        )
        self.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        listening.close()
        await listening.wait_closed()
        await asyncio.sleep(0.001)  # what was just accepted becomes a connection
        while self._alive:
            for connection in tuple(self._alive):
                connection.transport.abort()
            await asyncio.sleep(0)

    async def _handle(self, connection: Connection, incoming: Incoming) -> None:
        body = read_body(incoming.raw)
        self.seen.append(Seen(incoming.path, incoming.headers, body, incoming.method))
        path = unquote(incoming.path.partition("?")[0]).rstrip("/")
        try:
            check_key(incoming.headers, self.key)
            if path == "/v1/chat/completions" and incoming.method == "POST":
                await self._chat(connection, incoming, body)
            elif path.startswith(PATHS):
                await self.tuning.answer(connection, incoming, body)
            elif path == "/v1/models" and incoming.method == "GET":
                data = [self._described(model) for model in self.models.values()]
                await connection.send_json(200, {"object": "list", "data": data})
            elif path.startswith("/v1/models/") and incoming.method == "GET":
                await connection.send_json(200, self._found(path.removeprefix("/v1/models/")))
            else:
                refuse(f"Invalid URL ({incoming.method} {path})", status=404)
        except Refused as refused:
            await connection.send_json(refused.status, refused.body)
        except ConnectionError:
            raise
        except Exception as problem:
            self.troubles.append(f"{type(problem).__name__}: {problem}")
            if not connection.begun:
                text = f"The loopback server had trouble: {self.troubles[-1]}"
                await connection.send_json(500, error(text, kind="server_error"))
            else:
                connection.end()

    async def _chat(self, connection: Connection, incoming: Incoming, body: dict[str, Any] | None) -> None:
        turn = Turn(connection, None, self.delay, self.size)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            model = check_chat(body, self.models)
            assert body is not None
            turn.behaviour = self._behaviour(body)
            if await turn.instead(body, incoming.headers["authorization"]):
                return
            try:
                reply = make_reply(body, model, turn.behaviour, self.answer, enforce=self.enforce_answers)
            except WorkbenchError as problem:
                refuse(f"The loopback model cannot compose this: {problem}", param="messages")
            if body.get("stream"):
                options = body.get("stream_options") or {}
                await turn.stream(reply, include_usage=bool(options.get("include_usage")))
            else:
                await turn.whole(reply)
        finally:
            self.in_flight -= 1
            self.cancelled += connection.gone and not turn.finished and not self._closing

    def _behaviour(self, body: dict[str, Any]) -> Behaviour | None:
        if self._queue:
            return self._queue.popleft()
        return self.behave(body) if self.behave else None

    def _found(self, name: str) -> dict[str, Any]:
        if name not in self.models:
            text = f"The model '{name}' does not exist"
            refuse(text, param="model", code="model_not_found", status=404)
        return self._described(self.models[name])

    @staticmethod
    def _described(model: dict[str, Any]) -> dict[str, Any]:
        owner = model["id"].split(":")[2] if model["id"].startswith("ft:") else "loopback"
        described = {"id": model["id"], "object": "model", "created": CREATED, "owned_by": owner}
        return described | ({"shutdown_date": model["shutdown_date"]} if model["shutdown_date"] else {})


def main() -> None:
    """Serve until Ctrl+C."""
    options = argparse.ArgumentParser(description="A server on this machine that speaks OpenAI's chat protocol.")
    options.add_argument("--port", type=int, default=9999)
    options.add_argument("--delay", type=float, default=0.0, help="seconds before each delta")
    options.add_argument("--key", default=KEY)
    options.add_argument("--random", type=int, metavar="SEED", help="misbehave at random, about six times in ten")
    chosen = options.parse_args()
    server = Loopback(key=chosen.key, delay=chosen.delay, port=chosen.port)
    if chosen.random is not None:
        rng = random.Random(chosen.random)
        server.behave = lambda _: at_random(rng)
    with server:
        print(f"OPENAI_BASE_URL={server.url} OPENAI_API_KEY={server.key}")
        print("models:", *server.models, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
