"""``serve``: the screens and the HTTP API for others, without opening a browser here."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 is every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8501,
) -> None:
    """Serve the screens and POST /api/music/generate until stopped. Everything is set by environment variables."""
    from workbench.server import start

    start(port=port, headless=True, host=host)
