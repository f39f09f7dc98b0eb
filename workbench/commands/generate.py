"""``generate``: from one request, or a file of many, to pieces."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from workbench.commands import console, inputs, outputs
from workbench.core.errors import InvalidInputError, RenderingError, WorkbenchError

if TYPE_CHECKING:
    from workbench.core.generate.templates import Template
    from workbench.core.library.tuned import Rollout
    from workbench.core.music.request import Request
    from workbench.core.settings import Settings

DEFAULT_FORMATS = "json,midi,musicxml"


def generate(
    request: Annotated[
        str | None,
        typer.Option(
            help="A file with a request in JSON, '-' for standard input, or a .jsonl with one request a line."
        ),
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Who composes: rules, or openai for any such endpoint.")] = None,
    model: Annotated[str | None, typer.Option(help="The model, as its provider writes it.")] = None,
    variant: Annotated[str | None, typer.Option(help="Instead of a model: base, ft or canary.")] = None,
    template: Annotated[str | None, typer.Option(help="The prompt template: a name, or name@version.")] = None,
    examples: Annotated[int | None, typer.Option(min=0, max=3, help="How many examples the prompt shows.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, max=2, help="0 (steady) to 2 (wild).")] = None,
    editor: Annotated[bool, typer.Option("--editor", help="Let the model improve its draft once.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="With --json: every step, with messages and answers.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed and request give the same piece.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for the files.")] = None,
    formats: Annotated[
        str | None, typer.Option("--format", help="With --out: json, midi, musicxml, wav, svg, with commas between.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON on standard output.")] = False,
    form: Annotated[str | None, typer.Option(help="ABA, rondo, theme-variation, sonata, minuet-trio, binary …")] = None,
    period: Annotated[str | None, typer.Option(help="baroque, classical, romantic or modern.")] = None,
    valence: Annotated[float | None, typer.Option(help="-1 (dark) to 1 (bright).")] = None,
    arousal: Annotated[float | None, typer.Option(help="0 (calm) to 1 (agitated).")] = None,
    focus: Annotated[float | None, typer.Option(help="0 (wandering) to 1 (one motif).")] = None,
    duration: Annotated[float | None, typer.Option(help="In seconds, 20 to 600.")] = None,
    key: Annotated[str | None, typer.Option(help="Such as 'D major' or 'f# minor'.")] = None,
    tempo: Annotated[float | None, typer.Option(help="Quarter notes a minute, 40 to 220.")] = None,
    meter: Annotated[str | None, typer.Option(help="2/4 3/4 4/4 2/2 3/8 6/8 9/8 12/8.")] = None,
    instrumentation: Annotated[str | None, typer.Option(help="Such as 'string quartet'.")] = None,
    motif: Annotated[str | None, typer.Option(help="Scale degrees to begin with, such as 1,3,5,#4.")] = None,
    rhythm: Annotated[str | None, typer.Option(help="Lengths in quarters to begin with, such as 1,0.5,0.5.")] = None,
    motif_tag: Annotated[list[str] | None, typer.Option(help="A motif's name; may be given again.")] = None,
    brief: Annotated[str | None, typer.Option(help="What the piece should be, in words.")] = None,
) -> int:
    """Compose a piece from a request, or one from each line of a .jsonl. Options go before what the request says."""
    chosen = outputs.parse_formats(formats or DEFAULT_FORMATS)
    if formats and out is None:
        raise InvalidInputError("--format is given but nowhere to write to.", hint="Add --out FOLDER.")
    how = _how(
        provider=provider, model=model, variant=variant, template=template, examples=examples, temperature=temperature,
        editor=editor or None, trace=trace,
    )  # fmt: skip
    wishes = {
        "form": form,
        "period": period,
        "valence": valence,
        "arousal": arousal,
        "focus": focus,
        "duration": duration,
        "key": key,
        "tempo": tempo,
        "time_signature": meter,
        "instrumentation": instrumentation,
        "motif_seed": _items(motif, _degree),
        "rhythm_seed": _items(rhythm, _number),
        "motif_tags": motif_tag or None,
        "brief": brief,
        "seed": seed,
    }
    wishes = {name: value for name, value in wishes.items() if value is not None}
    if out is not None:
        outputs.make_folder(out)
    if request is None:
        return _single(b"{}", "", wishes, out, chosen, as_json, how)
    if inputs.is_many(request):
        total = inputs.count_lines(request)
        return _many(request, inputs.read_lines(request), total, wishes, out, chosen, as_json, how)
    data = inputs.read_one(request)
    shown = "standard input" if request == inputs.STDIN else request
    lines = [inputs.Line(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    if request == inputs.STDIN and len(lines) > 1 and _is_object(lines[0].data or b""):
        return _many(shown, iter(lines), len(lines), wishes, out, chosen, as_json, how)
    return _single(data, shown, wishes, out, chosen, as_json, how)


def _single(
    data: bytes, shown: str, wishes: dict[str, Any], out: Path | None, formats: tuple[str, ...], as_json: bool, how: How
) -> int:
    """One request: its answer on standard output, its files in the folder."""
    request = _request(data, wishes, shown)
    with _studio(how) as studio:
        answer, failures, files = _compose(studio, request, _content_id(request), out, formats)
    for failure in failures:
        console.complain(str(failure))
    if as_json:
        console.print_json(answer)
    else:
        from workbench.commands.pieces import summary
        from workbench.core.music.reading import read_structure

        print(summary(read_structure(answer["structure"])))
    for path in files:
        console.note(f"wrote {path}")
    return 1 if failures else 0


def _many(
    shown: str,
    lines: Iterator[inputs.Line],
    total: int,
    wishes: dict[str, Any],
    out: Path | None,
    formats: tuple[str, ...],
    as_json: bool,
    how: How,
) -> int:
    """Many requests, one a line: a bad line is reported and the others go on."""
    taken: dict[str, int] = {}
    done = failed = incomplete = 0
    with (
        _studio(how) as studio,
        _json_list(as_json) as emit,
        _progress(total) as advance,
        console.interruptible() as go_on,
    ):
        for line in lines:
            go_on()
            try:
                if line.data is None:
                    raise InvalidInputError("The line is longer than 1,000,000 bytes.", hint="Shorten the request.")
                request = _request(line.data, wishes, "")
                name = request.id or str(line.number)
                if name.casefold() in taken:
                    raise InvalidInputError(
                        f"{name!r} already names the piece of line {taken[name.casefold()]}.",
                        hint="Give each request an id of its own.",
                        field="/id",
                    )
                taken[name.casefold()] = line.number
                answer, failures, _ = _compose(studio, request, name, out, formats)
            except WorkbenchError as problem:
                failed += 1
                field = getattr(problem, "field", "")
                console.complain(f"{shown}, line {line.number}{f', field {field}' if field else ''}: {problem}")
            else:
                done += 1
                incomplete += bool(failures)
                for failure in failures:
                    console.complain(f"{shown}, line {line.number}: {failure}")
                emit(answer)
            advance(line.number)
    if not done:
        what = "none of its requests could be used" if failed else "it holds no request"
        console.complain(f"{shown}: {what}. Write one JSON object a line.")
        return 2
    where = f" in {out}" if out else ""
    console.note(f"{done} of {done + failed} pieces composed{where}" + (f", {failed} failed." if failed else "."))
    return 1 if failed or incomplete else 0


def _request(data: bytes, wishes: dict[str, Any], shown: str) -> Request:
    """The request that was read, with the options in place of what it says."""
    from workbench.core.music.reading import read_request

    try:
        request = read_request(data)
    except InvalidInputError as problem:
        if shown:
            problem.message = f"{shown}: {problem.message}"
        raise
    return read_request(request.to_dict() | wishes) if wishes else request


class How(NamedTuple):
    """How pieces are made: what was said on the command line, and whether the trace is printed."""

    changes: dict[str, Any]
    trace: bool


def _how(*, trace: bool, **options: Any) -> How:
    chosen = {name: value for name, value in options.items() if value is not None}
    prompted = {"prompted": True} if {"template", "examples"} & set(chosen) else {}
    return How(chosen | prompted, trace)


class _Studio:
    """Makes one piece after another, with one set of connections."""

    def __init__(self, how: How) -> None:
        import asyncio

        from workbench.core.generate.generation import Workshop, settings_for
        from workbench.core.generate.providers import Providers, find_provider
        from workbench.core.settings import load_settings

        settings = load_settings()
        self.how = how
        self.settings = settings_for(settings, **how.changes)
        find_provider(self.settings.provider or settings.provider)
        if self.settings.variant not in {"", "base", "ft", "canary"}:
            raise InvalidInputError(
                f"{self.settings.variant[:40]!r} is no variant.", hint="Choose base, ft or canary.", field="variant"
            )
        self.workshop = Workshop(
            settings, Providers(settings), lambda: known_templates(settings, self.settings.template),
            rollout=_rollout(settings, self.settings.provider),
        )  # fmt: skip
        self.runner = asyncio.Runner()

    def make(self, request: Request) -> dict[str, Any]:
        """The answer for a request, as it is printed."""
        from workbench.core.generate.pipeline import generate as generate_piece

        generation = self.runner.run(generate_piece(request, self.settings, self.workshop))
        answer = generation.to_dict()
        return answer | ({"trace": [step.to_dict() for step in generation.trace]} if self.how.trace else {})

    def close(self) -> None:
        self.runner.run(self.workshop.providers.close())
        self.runner.close()


@contextmanager
def _studio(how: How) -> Iterator[_Studio]:
    studio = _Studio(how)
    try:
        yield studio
    finally:
        studio.close()


def _rollout(settings: Settings, provider: str) -> Callable[[], Rollout]:
    """The tuned models that answer, as the server has it; nobody where there is no database, and none is made."""
    from workbench.core.generate.rollout import AT_ONCE
    from workbench.core.library.tuned import NOTHING

    def nobody() -> Rollout:
        return NOTHING

    url = settings.database_url.get_secret_value() if settings.database_url else ""
    file = url.startswith("sqlite") and Path(url.partition(":///")[2].partition("?")[0])
    there = file.is_file() if file else bool(url) or any(settings.data_dir.glob("*.sqlite3"))
    if provider in AT_ONCE or not there:
        return nobody
    from workbench.core.library.database import shared_database
    from workbench.core.library.rollouts import watched

    try:
        return watched(shared_database(settings))
    except WorkbenchError as problem:
        console.note(f"What is live on Fine-tune is not known: {problem}")
        return nobody


def known_templates(settings: Settings, wanted: str) -> Sequence[Template]:
    """The built-in templates and, where the wanted one is not among them, those that people saved."""
    from workbench.core.errors import TemplateError
    from workbench.core.generate.templates import all_templates, find_template

    try:
        find_template(wanted, all_templates())
    except TemplateError:
        from workbench.core.library.database import shared_database

        return all_templates(shared_database(settings))
    return all_templates()


def _compose(
    studio: _Studio, request: Request, name: str, out: Path | None, formats: tuple[str, ...]
) -> tuple[dict[str, Any], list[RenderingError], list[Path]]:
    """The answer as it is printed, what could not be rendered, and the files that were written."""
    answer = {"id": name} | studio.make(request)
    failures: list[RenderingError] = []
    files: list[Path] = []
    if out is not None:
        from workbench.commands.pieces import files_of
        from workbench.core.music.reading import read_structure

        structure = read_structure(answer["structure"])
        files = outputs.write_files(out, files_of(structure, name, formats, failures))
    return answer, failures, files


def _content_id(request: Request) -> str:
    """The request's id, or one that the same request always gets and another does not."""
    if request.id:
        return request.id
    digest = hashlib.sha256(request.to_json().encode()).hexdigest()[:8]
    return f"piece-{digest}"


def _items(text: str | None, read: Callable[[str], Any]) -> list[Any] | None:
    return None if text is None else [read(part.strip()) for part in text.split(",") if part.strip()]


def _degree(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdecimal() and len(text) < 5 else text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


@contextmanager
def _json_list(wanted: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Answers as the items of one JSON list, each printed as it comes; the list is closed whatever happens."""
    count = 0

    def emit(answer: dict[str, Any]) -> None:
        nonlocal count
        if wanted:
            text = json.dumps(answer, ensure_ascii=False, allow_nan=False)
            print(f"{',' if count else '['}\n{text}", end="", flush=True)
        count += 1

    try:
        yield emit
    except BrokenPipeError:
        wanted = False  # nobody reads on
        raise
    finally:
        if wanted:
            print("\n]" if count else "[]")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error where that is a terminal; nothing where it is a file."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Composing", total=total)
        yield lambda number: bar.update(task, completed=number)
