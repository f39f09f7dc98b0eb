"""How a chat answer leaves the loopback server: whole or streamed, in order or in one of the ways that go wrong."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from loopback_behaviours import (
    BadEvent,
    Behaviour,
    Cut,
    Garbage,
    Hang,
    HangMidStream,
    Huge,
    Leaky,
    OddChunks,
    Slow,
    Status,
    StreamError,
)
from loopback_http import Connection, chunk, response, stream_head
from loopback_replies import Reply, completion, delta, events
from loopback_requests import error, usual_error

DONE = b"data: [DONE]\n\n"
PACKET = 8
"""Events that leave together when nothing is to wait between them."""
HTML = (
    b"<!DOCTYPE html>\n<html><head><title>%(title)s</title></head><body><h1>%(title)s</h1><p>nginx</p></body></html>\n"
)


@dataclass
class Turn:
    """One chat request on its way: where its answer goes, and whether the client got all that was meant for it."""

    connection: Connection
    behaviour: Behaviour | None
    delay: float
    size: int
    finished: bool = False

    def finish(self) -> None:
        """Note that only the last bytes are left to send: a client that leaves now has not cancelled."""
        self.finished = True

    async def instead(self, body: dict[str, Any], authorization: str) -> bool:
        """Do what needs no answer from the model, if that is the behaviour; False when it is not."""
        match self.behaviour:
            case Status() as status:
                await self._whole(_status_response(status))
            case Garbage():
                await self._whole(response(200, HTML % {b"title": b"Welcome"}, kind="text/html; charset=utf-8"))
            case Leaky():
                text = f"Request failed for model {body['model']} with Authorization: {authorization}"
                await self._whole(response(400, _bytes(error(text, code="bad_request"))))
            case Hang(seconds):
                await asyncio.sleep(seconds)
                self.finish()
                self.connection.end()
            case Cut(0, "close" | "reset" as how):
                self.finish()
                self.connection.end(reset=how == "reset")
            case _:
                return False
        return True

    async def whole(self, reply: Reply) -> None:
        """Send an answer that is not streamed."""
        body = _bytes(completion(reply))
        pause = self.behaviour.delay if isinstance(self.behaviour, Slow) else self.delay
        if pause:
            await asyncio.sleep(pause)
        match self.behaviour:
            case Cut(after, "tidy"):
                await self._whole(response(200, body[: int(len(body) * after)]))
            case Cut(after) | HangMidStream(after):
                await self._part(response(200, body), after)
            case BadEvent(after):
                await self._whole(response(200, body[: int(len(body) * after)] + b", oops"))
            case StreamError():
                await self._whole(response(500, _bytes(usual_error(500))))
            case OddChunks(seed):
                await self._pieces(_cut(response(200, body), random.Random(seed)))
            case _:
                await self._whole(response(200, body))

    async def stream(self, reply: Reply, *, include_usage: bool) -> None:
        """Send an answer event by event."""
        size = self.behaviour.size if isinstance(self.behaviour, Slow) else self.size
        if isinstance(self.behaviour, Huge):
            size = 4096
        coming = events(reply, size, include_usage=include_usage)
        match self.behaviour:
            case Cut(after, "tidy"):
                text = b"".join(map(sse, coming)) + DONE
                await self._whole(stream_head() + chunk(text[: max(1, int(len(text) * after))]) + chunk(b""))
            case Cut(after) | HangMidStream(after):
                text = b"".join(map(sse, coming)) + DONE
                await self._part(stream_head() + chunk(text), after)
            case BadEvent(after):
                before, behind = _parted(coming, after)
                await self._events([*before, b'data: {"id": "chatcmpl-oops", "choices": [{"del\n\n', *behind])
            case StreamError(after):
                before, _ = _parted(coming, after)
                await self._events([*before, sse(usual_error(500))], done=b"")
            case OddChunks(seed):
                await self._pieces(odd_stream(list(coming), random.Random(seed)))
            case _:
                await self._events(map(sse, coming))

    async def _events(self, coming: Iterable[bytes], done: bytes = DONE) -> None:
        pause = self.behaviour.delay if isinstance(self.behaviour, Slow) else self.delay
        packet = [stream_head()]
        for number, event in enumerate(coming):
            if pause and number:
                await asyncio.sleep(pause)
            packet.append(chunk(event))
            if pause or len(packet) >= PACKET:
                await self.connection.send(b"".join(packet))
                await asyncio.sleep(0)
                packet = []
        self.finish()
        await self.connection.send(b"".join([*packet, chunk(done) if done else b"", chunk(b"")]))

    async def _whole(self, data: bytes) -> None:
        await self.connection.send_whole(data, self.finish)

    async def _part(self, data: bytes, share: float) -> None:
        await self.connection.send_whole(data[: int(len(data) * share)])
        if isinstance(self.behaviour, HangMidStream):
            await asyncio.sleep(self.behaviour.seconds)
        self.finish()
        self.connection.end(reset=isinstance(self.behaviour, Cut) and self.behaviour.how == "reset")

    async def _pieces(self, pieces: list[bytes]) -> None:
        for number, data in enumerate(pieces):
            if number == len(pieces) - 1:
                self.finish()
            await self.connection.send(data)
            await asyncio.sleep(0.0005 if number % 16 == 0 else 0)


def sse(event: dict[str, Any]) -> bytes:
    """An event as it stands in a stream."""
    return b"data: " + _bytes(event) + b"\n\n"


def odd_stream(coming: list[dict[str, Any]], rng: random.Random) -> list[bytes]:
    """A whole response in odd pieces; the same for the same random state. The last piece holds all of ``[DONE]``."""
    text = b"".join(_disturbed(coming, rng))
    chunks = b"".join(chunk(data) for data in _cut(text, rng))
    return [stream_head(), *_cut(chunks, rng), chunk(DONE) + chunk(b"")]


def _disturbed(coming: list[dict[str, Any]], rng: random.Random) -> Iterator[bytes]:
    for event in coming:
        end = rng.choice((b"\n", b"\r\n"))
        if rng.random() < 0.1:
            yield b": keep-alive" + end + end
        yield rng.choice((b"data: ", b"data:")) + _bytes(event) + end + end
        if rng.random() < 0.1 and event["choices"] and event["choices"][0]["finish_reason"] is None:
            empty = {**event, "choices": [delta(rng.choice(({}, {"content": ""}, {"content": None})))]}
            yield b"data: " + _bytes(empty) + end + end


def _cut(data: bytes, rng: random.Random) -> list[bytes]:
    """Cut bytes into pieces, most of them short, and inside every character of more than one byte."""
    cuts = {number for number, byte in enumerate(data) if 0x80 <= byte < 0xC0}
    at = 0
    while at < len(data):
        at += rng.randint(500, 3000) if rng.random() < 0.15 else rng.randint(1, 60)
        cuts.add(at)
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    return [data[start:stop] for start, stop in pairwise(places)]


def _parted(coming: Iterable[dict[str, Any]], share: float) -> tuple[list[bytes], list[bytes]]:
    ready = [sse(event) for event in coming]
    middle = int(len(ready) * share)
    return ready[:middle], ready[middle:]


def _status_response(status: Status) -> bytes:
    headers = {} if status.retry_after is None else {"Retry-After": f"{status.retry_after:g}"}
    if status.code == 502 and not (status.code_text or status.message):
        return response(502, HTML % {b"title": b"502 Bad Gateway"}, kind="text/html", headers=headers)
    return response(status.code, _bytes(usual_error(status.code, status.code_text, status.message)), headers=headers)


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
