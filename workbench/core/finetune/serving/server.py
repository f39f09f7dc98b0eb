"""Runs the model server in this process until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING

from workbench.core.errors import InvalidInputError
from workbench.core.finetune.serving.offers import Offer
from workbench.core.settings import Settings

if TYPE_CHECKING:
    import uvicorn

    from workbench.core.finetune.serving.app import Line

GRACE = 5
"""Seconds that open connections have when the server is stopped."""


def missing(*, grammar: bool) -> str:
    """What has to be installed for serving and how; empty where nothing is missing. Nothing of it is loaded."""
    needed = ("torch", "transformers", *(("llguidance",) if grammar else ()))
    absent = [name for name in needed if find_spec(name) is None]
    return f"Serving models needs {', '.join(absent)}: pip install -r requirements-local.txt" if absent else ""


def token_for(host: str, settings: Settings) -> str | None:
    """The token that clients have to send, if any.

    Raises:
        InvalidInputError: other machines could reach the server, and there is no token.
    """
    if settings.serve_token is not None:
        return settings.serve_token.get_secret_value()
    if not is_loopback(host):
        raise InvalidInputError(
            f"Whoever reaches {host[:80]} could use the models.",
            hint="Set WORKBENCH_SERVE_TOKEN to a long random text, which clients then send as their key.",
        )
    return None


def serve(
    offers: Sequence[Offer], host: str, port: int, *, grammar: bool, threads: int | None,
    token: str | None, ready: Callable[[str], None], tied: bool = False,
) -> None:  # fmt: skip
    """Load the models and serve them until SIGINT or SIGTERM; ``ready`` is called with the base URL.

    ``tied`` ends the server as well when its standard input does: with the process that has started it.

    Raises:
        InvalidInputError: a model cannot be served.
        OSError: the address cannot be listened on.
    """
    if tied:
        threading.Thread(target=_end_with_input, daemon=True).start()
    with _bound(host, port) as listener:
        address = f"[{host}]" if ":" in host else host
        url = f"http://{address}:{listener.getsockname()[1]}/v1"
        lines = _lines(offers, grammar, threads)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)  # called by uvicorn when it has ended because of one: it is no fault
        asyncio.run(http_server(lines, token, lambda: ready(url)).serve(sockets=[listener]))


def _lines(offers: Sequence[Offer], grammar: bool, threads: int | None) -> dict[str, Line]:
    import torch

    from workbench.core.finetune.serving.app import Line
    from workbench.core.finetune.serving.engine import LocalModel

    if threads is not None:
        torch.set_num_threads(threads)
    models = [LocalModel(offer, grammar=grammar) for offer in offers]
    count = threads or (1 if all(model.small for model in models) else torch.get_num_threads())
    return {model.name: Line(model, lambda: torch.set_num_threads(count)) for model in models}


def http_server(lines: Mapping[str, Line], token: str | None, ready: Callable[[], None]) -> uvicorn.Server:
    """The server to run on a socket that is bound; ``ready`` is called when it listens."""
    import uvicorn

    from workbench.core.finetune.serving.app import make_app

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            for line in lines.values():
                line.close()
            await super().shutdown(sockets)

    config = uvicorn.Config(
        make_app(lines, token), log_config=None, access_log=False, lifespan="off", server_header=False,
        timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    return Server(config)


def _bound(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, kind)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as problem:
        listener.close()
        raise OSError(problem.errno, problem.strerror, f"{host}:{port}") from None
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _end_with_input() -> None:
    while os.read(0, 1024):  # not by sys.stdin: a thread that waits in its buffer crashes Python at its end
        pass
    os.kill(os.getpid(), signal.SIGTERM)
