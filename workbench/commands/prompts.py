"""``prompts``: the templates of prompts: list, show, compare, preview and save them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.commands import console, inputs
from workbench.core.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.core.generate.templates import Template

app = typer.Typer(help="List, show, compare, preview and save prompt templates.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A template: a name, or name@version.")]


@app.command("list")
def show_all(as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False) -> int:
    """List every version of every template."""
    templates = _templates()
    if as_json:
        rows = [{"name": t.name, "version": t.version, "note": t.note, "saved": t.saved} for t in templates]
        console.print_json(rows)
        return 0
    for each in templates:
        print(f"{each.label:32}  {'saved' if each.saved else 'built in':8}  {each.note}")
    return 0


@app.command("show")
def show(
    template: Name = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the parts as JSON.")] = False,
) -> int:
    """Print the parts of a template."""
    from workbench.core.generate.templates import PARTS

    found = _find(template)
    if as_json:
        console.print_json(
            {"name": found.name, "version": found.version, "note": found.note, "parts": dict(found.parts)}
        )
        return 0
    for part in PARTS:
        print(f"--- {part}\n{found.parts[part].strip()}\n")
    return 0


@app.command("diff")
def diff(before: Name, after: Name) -> int:
    """Print what differs between two versions."""
    from workbench.core.generate.templates import difference

    print(difference(_find(before), _find(after)))
    return 0


@app.command("preview")
def preview(
    template: Name = "default",
    request: Annotated[str, typer.Option(help="A file with a request in JSON, or '-'.")] = "",
    examples: Annotated[int, typer.Option(min=0, max=3, help="How many examples are shown.")] = 2,
    model: Annotated[str, typer.Option(help="The model whose tokens are counted.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print messages and count as JSON.")] = False,
) -> int:
    """Print the exact messages that a request would be sent with, and how many tokens they are."""
    from workbench.core.compose import plan
    from workbench.core.generate.counting import count_messages
    from workbench.core.generate.prompt import build_prompt
    from workbench.core.library.examples import load_examples
    from workbench.core.library.retrieval import Index
    from workbench.core.music.reading import read_request

    wanted = read_request(inputs.read_one(request) if request else b"{}")
    form = plan(wanted)
    index = Index(load_examples())
    picked = index.retrieve(wanted, form=form.form, period=form.manner.period, count=examples)
    prompt = build_prompt(wanted, form, _find(template), examples=[each.example for each in picked])
    count = count_messages(prompt.messages, model or None)
    if as_json:
        messages = [message.to_dict() for message in prompt.messages]
        console.print_json({"messages": messages, "tokens": count.tokens, "exact": count.exact})
        return 0
    for message in prompt.messages:
        print(f"--- {message.role}\n{message.content}\n")
    console.note(f"{count}, {len(prompt.messages)} messages.")
    return 0


@app.command("save")
def save(
    file: Annotated[
        Path, typer.Argument(help="A TOML file with the parts, as assets/prompts/default-1.toml has them.")
    ],
    name: Annotated[str, typer.Option(help="The template's name; the file's own, when not given.")] = "",
    note: Annotated[str, typer.Option(help="What is new in this version.")] = "",
) -> int:
    """Save a template from a file as its next version."""
    from workbench.core.generate.templates import read_file, save_version
    from workbench.core.library.database import shared_database
    from workbench.core.settings import load_settings

    if not file.is_file():
        raise InvalidInputError(f"{file} does not exist.", hint="Check the path.")
    found = read_file(file)
    saved = save_version(
        shared_database(load_settings()), name or found.name, found.parts, note=note or found.note, visitor="cli"
    )
    console.note(f"saved {saved.label}")
    return 0


def _templates() -> tuple[Template, ...]:
    from workbench.core.generate.templates import all_templates
    from workbench.core.library.database import shared_database
    from workbench.core.settings import load_settings

    return all_templates(shared_database(load_settings()))


def _find(name: str) -> Template:
    from workbench.core.generate.templates import find_template

    return find_template(name, _templates())
