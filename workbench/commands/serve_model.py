"""``serve-model``: models on this machine behind an HTTP API as OpenAI's."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.commands import console
from workbench.core.errors import InvalidInputError


def serve_model(
    model: Annotated[list[str], typer.Argument(help="Folders of models, or ids on the Hugging Face hub.")],
    name: Annotated[
        list[str] | None, typer.Option(help="What a model is called: once for each, in the same order.")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 takes any free one.")] = 8600,
    no_grammar: Annotated[
        bool, typer.Option("--no-grammar", help="Never hold an answer to the schema that is asked for.")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, max=1024, help="How many threads compute an answer.")] = None,
    vllm: Annotated[bool, typer.Option("--vllm", help="Print the vLLM command that does the same, and end.")] = False,
    tied: Annotated[bool, typer.Option("--tied", hidden=True)] = False,
) -> int:
    """Serve models with an API as OpenAI's until stopped. Answers are held to a JSON schema where one is asked for.

    Other machines are let in with --host, and only with the token in WORKBENCH_SERVE_TOKEN.
    """
    from workbench.core.finetune.serving.offers import offers_of, vllm_command
    from workbench.core.finetune.serving.server import is_loopback, missing, serve, token_for
    from workbench.core.settings import load_settings

    offers = offers_of(model, name or ())
    if vllm:
        for number, offer in enumerate(offers):
            print(vllm_command(offer, host, port + number if port else 0))
        if not is_loopback(host):
            console.note("Set VLLM_API_KEY where it runs: vLLM lets in everybody who reaches it otherwise.")
        return 0
    if problem := missing(grammar=not no_grammar):
        raise InvalidInputError(problem)
    called = ", ".join(offer.name for offer in offers)
    serve(
        offers, host, port, grammar=not no_grammar, threads=threads,
        token=token_for(host, load_settings()), ready=lambda url: console.note(f"Serving {called} at {url}"), tied=tied,
    )  # fmt: skip
    return 0
