"""A model in a process of its own that takes 50 ms for any answer: ``python -m benchmarks.experiment_model``.

It is as plain as can be, so that what is measured is the runner and not the server: the answers are composed before
the first question, and a question is looked at only as far as it takes to find the answer.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

DELAY = 0.05
SECONDS = (20, 21, 22, 23)
SEEDS = 100
_ASKED = re.compile(rb"Piece number (\d+)\D")
_SEED = re.compile(rb'"seed": ?(\d+)')
_LENGTH = re.compile(rb"(?i)content-length: ?(\d+)")


def brief(number: int) -> str:
    """The words by which a request is known."""
    return f"Piece number {number}."


def answers() -> dict[tuple[int, int], bytes]:
    """The whole HTTP answer by the number of the request and the seed."""
    from workbench.core.compose import compose
    from workbench.core.generate.wire import wire_text
    from workbench.core.music.request import Request

    found = {}
    for number, seconds in enumerate(SECONDS):
        for seed in range(SEEDS):
            request = Request(form="ABA", duration=seconds, brief=brief(number))
            found[number, seed] = _streamed(wire_text(compose(request, seed=seed)))
    return found


def _streamed(text: str) -> bytes:
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
    whole = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1_000, "completion_tokens": 700, "total_tokens": 1_700}
    events = [{"choices": [whole]}, {"choices": [last]}, {"choices": [], "usage": usage}]
    body = b"".join(b"data: %s\n\n" % json.dumps(about | each).encode() for each in events) + b"data: [DONE]\n\n"
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


async def _serve() -> None:
    known = answers()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                number, seed = _ASKED.search(body), _SEED.search(body)
                await asyncio.sleep(DELAY)
                writer.write(known[int(number[1]) if number else 0, int(seed[1]) if seed else 0])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1 << 24)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(_serve())
    except KeyboardInterrupt:
        sys.exit(130)
