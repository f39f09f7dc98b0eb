"""Just enough HTTP/1.1 for a loopback server, with a free hand over every byte and every end of a connection."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

MAX_HEAD, MAX_BODY, SLICE = 64_000, 50_000_000, 65_536
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Incoming:
    """A request as it arrived; header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes


Handler = Callable[["Connection", Incoming], Awaitable[None]]


class Connection(asyncio.Protocol):
    """A client's connection: requests one after another, each handled by a task that ends when the client leaves."""

    def __init__(self, handler: Handler, alive: set[Connection]) -> None:
        self.handler = handler
        self.alive = alive
        self.buffer = bytearray()
        self.task: asyncio.Task[None] | None = None
        self.begun = self.gone = False
        self.room = asyncio.Event()
        self.room.set()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.alive.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.alive.discard(self)
        self._left()

    def eof_received(self) -> bool:
        self._left()
        return False

    def pause_writing(self) -> None:
        self.room.clear()

    def resume_writing(self) -> None:
        self.room.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self._next()

    def _left(self) -> None:
        self.gone = True
        if self.task:
            self.task.cancel()

    def _next(self) -> None:
        if self.task or self.gone or self.transport.is_closing():
            return
        try:
            incoming = self._read()
        except ValueError:
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.transport.close()
            return
        if incoming:
            self.begun = False
            self.task = asyncio.get_running_loop().create_task(self._handle(incoming))

    def _read(self) -> Incoming | None:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > MAX_HEAD:
                raise ValueError("no end of the head")
            return None
        first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        pairs = [line.split(":", 1) for line in lines]
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        length = int(headers.get("content-length", 0))
        if length > MAX_BODY or "transfer-encoding" in headers:
            raise ValueError("too long, or of unknown length")
        start = end + 4
        if len(self.buffer) < start + length:
            return None
        raw = bytes(self.buffer[start : start + length])
        del self.buffer[: start + length]
        return Incoming(method, path, headers, raw)

    async def _handle(self, incoming: Incoming) -> None:
        try:
            with contextlib.suppress(ConnectionError):
                await self.handler(self, incoming)
        finally:
            self.task = None
            if incoming.headers.get("connection", "").lower() == "close":
                self.transport.close()
            self._next()

    async def send(self, data: bytes) -> None:
        """Send bytes, waiting while the client does not read.

        Raises:
            ConnectionResetError: the connection is closed.
        """
        if self.gone or self.transport.is_closing():
            raise ConnectionResetError("the client has left")
        self.begun = True
        self.transport.write(data)
        await self.room.wait()

    async def send_whole(self, data: bytes, before_last: Callable[[], None] = lambda: None) -> None:
        """Send bytes in slices; ``before_last`` is called when only the last one is left to send."""
        for start in range(0, max(1, len(data)), SLICE):
            if start + SLICE >= len(data):
                before_last()
            await self.send(data[start : start + SLICE])

    async def send_json(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send a complete response with a JSON body."""
        await self.send_whole(response(status, json.dumps(value, ensure_ascii=False).encode(), headers=headers))

    def end(self, *, reset: bool = False) -> None:
        """End the connection without another byte: in order (FIN), or at once (RST)."""
        if reset:
            raw = self.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


def head(status: int, kind: str, headers: Mapping[str, str]) -> bytes:
    """A response's head."""
    lines = {"Content-Type": kind, "x-request-id": f"req_{next(_NUMBERS):012d}", "openai-version": "2020-10-01"}
    text = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **headers}.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{text}\r\n".encode("latin-1")


def response(
    status: int, body: bytes, *, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> bytes:
    """A complete response."""
    return head(status, kind, {"Content-Length": str(len(body)), **(headers or {})}) + body


def chunk(data: bytes) -> bytes:
    """A chunk of a response without a known length; the empty chunk is its end."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def stream_head() -> bytes:
    """The head of a stream of events."""
    return head(200, "text/event-stream; charset=utf-8", {"Transfer-Encoding": "chunked", "Cache-Control": "no-cache"})
