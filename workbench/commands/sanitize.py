"""``sanitize``: from whatever a model wrote to a valid structure, with every change told."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.commands import console, inputs
from workbench.core.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.core.generate import Repair


def sanitize(
    file: Annotated[str, typer.Argument(help="A model's answer, as it came; '-' reads it in.")],
    request: Annotated[str, typer.Option(help="The request that it answers: it says what is missing.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print structure and repairs as JSON.")] = False,
) -> int:
    """Mend a model's answer: the structure goes to standard output, each repair to standard error.

    An answer that needs no repair is printed as it stands.
    """
    if file == request == inputs.STDIN:
        raise InvalidInputError("Two things cannot both be standard input.", hint="Keep the request in a file.")
    wanted = None
    if request:
        from workbench.core.music.reading import read_request

        try:
            wanted = read_request(inputs.read_one(request))
        except InvalidInputError as problem:
            problem.message = f"{'standard input' if request == inputs.STDIN else request}: {problem.message}"
            raise
    data = inputs.read_one(file)
    from workbench.core.generate import sanitize as sanitize_answer

    try:
        structure, repairs, valid = sanitize_answer(data, request=wanted)
    except InvalidInputError as problem:
        problem.message = f"{'standard input' if file == inputs.STDIN else file}: {problem.message}"
        raise
    if as_json:
        console.print_json(
            {
                "structure": structure.to_dict(),
                "repairs": [repair.to_dict() for repair in repairs],
                "valid_before_repair": valid,
            }
        )
        return 0
    for repair in repairs:
        console.note(line_of(repair))
    if valid:
        sys.stdout.buffer.write(data)
    else:
        print(structure.to_json(), end="")
    return 0


def line_of(repair: Repair) -> str:
    """A repair as one line for a person: where, what, before, after, why."""
    before, after = (json.dumps(value, ensure_ascii=False)[:80] for value in (repair.before, repair.after))
    change = {(False, False): "", (True, False): f" {before} left out", (False, True): f" {after} put in"}.get(
        (repair.before is not None, repair.after is not None), f" {before} became {after}"
    )
    return f"{repair.path or '(the text)'}: {repair.kind}:{change or ' changed'}. {repair.why}"
