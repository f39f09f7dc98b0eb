"""``render``: from a structure to what can be heard and read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands import console, inputs, outputs
from workbench.core.errors import InvalidInputError, RenderingError

DEFAULT_FORMATS = "midi,musicxml,wav,svg"


def render(
    file: Annotated[
        str, typer.Argument(help="A MusicStructure, an AIRIA pair, or what 'generate --json' printed; '-' reads it in.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("."),
    formats: Annotated[
        str, typer.Option("--format", help="json, midi, musicxml, wav, svg, with commas between.")
    ] = DEFAULT_FORMATS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the names of the files as JSON.")] = False,
) -> int:
    """Turn a structure into MIDI, MusicXML, sound and engraved pages."""
    chosen = outputs.parse_formats(formats)
    data = inputs.read_one(file)
    from workbench.commands.pieces import files_of
    from workbench.core.music.reading import parse_json, read_structure
    from workbench.core.music.request import file_stem

    shown = "standard input" if file == inputs.STDIN else file
    try:
        content = parse_json(data)
        structure = read_structure(content)
    except InvalidInputError as problem:
        problem.message = f"{shown}: {problem.message}"
        raise
    named = content.get("id") if isinstance(content, dict) else None
    stem = file_stem(named if isinstance(named, str) else "piece" if file == inputs.STDIN else Path(file).stem)
    failures: list[RenderingError] = []
    source = None if file == inputs.STDIN else Path(file)
    files = outputs.write_files(outputs.make_folder(out), files_of(structure, stem, chosen, failures), keep=source)
    for failure in failures:
        console.complain(str(failure))
    if as_json:
        console.print_json({"files": [str(path) for path in files]})
    else:
        for path in files:
            print(path)
    return 1 if failures else 0
