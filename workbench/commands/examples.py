"""``examples``: the curated library from the command line: list, show, decide, retrieve, export, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.commands import console, inputs
from workbench.commands.library import library
from workbench.core.errors import InputTooLargeError, InvalidInputError

if TYPE_CHECKING:
    from workbench.core.library.curation import Item

app = typer.Typer(help="List, show, decide on, retrieve, export and import examples.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The example's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[str, typer.Option("--as", help="Who decides, for the audit trail.")]
Note = Annotated[str, typer.Option(help="Why.")]


@app.command("list")
def show_all(
    status: Annotated[str, typer.Option(help="waiting, changes, approved or rejected; all when not given.")] = "",
    words: Annotated[str, typer.Option(help="Words that must occur.")] = "",
    form: Annotated[str, typer.Option(help="Only this form.")] = "",
    period: Annotated[str, typer.Option(help="Only this period.")] = "",
    as_json: Json = False,
) -> int:
    """List examples, oldest first."""
    from workbench.core.library.archive import all_items
    from workbench.core.library.curation import STATUSES, Filters

    if status and status not in STATUSES:
        raise InvalidInputError(f"{status[:40]!r} is no status.", hint=f"Choose one of {', '.join(STATUSES)}.")
    items = all_items(library(), Filters(status=status, words=words, form=form, period=period))
    if as_json:
        console.print_json([_plain(item) for item in items])
        return 0
    for item in items:
        structure = item.structure
        print(
            f"{item.id:36}  {item.status:9}  {structure.form:16} {structure.period or '':10} "
            f"{structure.tonality.pretty:10} {structure.title or ''}"
        )
    return 0


@app.command("show")
def show(id: Id, as_json: Json = False) -> int:
    """Show an example with its rights and what follows from them."""
    from workbench.commands.pieces import summary
    from workbench.core.library.rights import uses_of

    item = _find(id)
    if as_json:
        uses = {
            name: {"allowed": use.allowed, "reasons": list(use.reasons)} for name, use in uses_of(item.rights).items()
        }
        console.print_json(_plain(item) | {"uses": uses})
        return 0
    print(summary(item.structure))
    print(f"\n{item.status}  {item.teaches}")
    for name, use in uses_of(item.rights).items():
        print(f"{name.replace('_', ' '):20} {'yes' if use.allowed else 'no '}  {' '.join(use.reasons)}")
    return 0


@app.command("approve")
def approve(id: Id, who: Who = "command line", note: Note = "") -> int:
    """Approve an example: it must have no errors and complete rights."""
    return _decided(id, "approve", who, note)


@app.command("reject")
def reject(id: Id, who: Who = "command line", note: Note = "") -> int:
    """Reject an example."""
    return _decided(id, "reject", who, note)


@app.command("retrieve")
def retrieve(
    request: Annotated[str, typer.Option(help="A file with a request in JSON, or '-'.")] = "",
    count: Annotated[int, typer.Option(min=1, max=3, help="How many.")] = 2,
    as_json: Json = False,
) -> int:
    """Show the examples that a prompt for a request would hold, and why these."""
    from workbench.core.compose import plan
    from workbench.core.library.curation import approved
    from workbench.core.library.retrieval import Index, read_weights
    from workbench.core.music.reading import read_request
    from workbench.core.settings import load_settings

    wanted = read_request(inputs.read_one(request) if request else b"{}")
    form = plan(wanted)
    settings = load_settings()
    picked = Index(approved(library())).retrieve(
        wanted, form=form.form, period=form.manner.period, count=count, token_budget=settings.example_tokens,
        weights=read_weights(settings.retrieval_weights),
    )  # fmt: skip
    if as_json:
        console.print_json([each.example.to_dict() | {"score": each.score, "why": each.why} for each in picked])
        return 0
    for each in picked:
        print(f"{each.example.id:36}  {each.score:.3f}  {each.why}")
    return 0


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="The archive to write, such as library.zip.")],
    status: Annotated[str, typer.Option(help="Only this status.")] = "",
) -> int:
    """Write the library, or a part of it, into one archive with its rights."""
    from workbench.core.library.archive import all_items, write_archive
    from workbench.core.library.curation import Filters
    from workbench.core.library.database import now

    data = write_archive(all_items(library(), Filters(status=status)), at=now())
    partial = file.with_name(f".{file.name}.part")
    partial.write_bytes(data)
    partial.replace(file)
    console.note(f"wrote {file}")
    return 0


@app.command("import")
def bring_in(
    files: Annotated[
        list[Path], typer.Argument(help="Scores, analyses, structures; or an archive from examples export.")
    ],
    licence: Annotated[str, typer.Option(help="The SPDX id of the files' encoding and annotation.")] = "",
    holder: Annotated[str, typer.Option(help="Who holds these; needed with --licence.")] = "",
    keep_status: Annotated[
        bool, typer.Option("--keep-status", help="An archive of our own: keep its decisions.")
    ] = False,
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Take files into the library; what comes in waits for the curators. Ctrl-C stops; what came before stays."""
    from workbench.core.generate.intake import take_in
    from workbench.core.library.archive import MAX_ARCHIVE, read_archive
    from workbench.core.library.rights import Layer, Rights, licences

    if licence and (licence not in licences() or not holder):
        raise InvalidInputError(
            "The licence is not known here, or its holder is missing.",
            hint=f"Give --holder and one of {', '.join(licences())}.",
        )
    for file in files:
        if not file.is_file():
            raise InvalidInputError(f"{file} does not exist.", hint="Check the path.")
        if file.stat().st_size > MAX_ARCHIVE:
            raise InputTooLargeError(f"{file} is too large.", hint="Give smaller files.")
    layers = [Layer(name, holder, "licence", licence, "as imported") for name in ("encoding", "annotation") if licence]
    database, outcomes = library(), []
    archives = [file for file in files if file.suffix.lower() == ".zip"]
    with console.interruptible() as go_on:

        def told(done: int, name: str) -> None:
            go_on()
            console.note(f"{done} of {len(files) - len(archives)}  {name}")

        others = ((file.name, file.read_bytes()) for file in files if file not in archives)
        for taken in take_in(database, others, curator=who, rights=Rights(tuple(layers), True, True), progress=told):
            outcomes.append({"name": taken.name, "id": taken.id, "new": taken.new, "problem": taken.problem})
        for file in archives:
            for each in read_archive(database, file.read_bytes(), curator=who, keep_status=keep_status):
                go_on()
                outcomes.append(each._asdict())
    if as_json:
        console.print_json(outcomes)
    for outcome in outcomes:
        if outcome["problem"]:
            console.complain(f"{outcome['name']}: {outcome['problem']}")
    new, failed = sum(bool(each["new"]) for each in outcomes), sum(bool(each["problem"]) for each in outcomes)
    console.note(f"{new} new, {len(outcomes) - new - failed} known already, {failed} failed.")
    return 1 if failed else 0


@app.command("coverage")
def show_coverage(as_json: Json = False) -> int:
    """Show what the approved library holds by form, period and mood, and what it lacks."""
    from workbench.core.library.archive import all_items
    from workbench.core.library.coverage import coverage
    from workbench.core.library.curation import Filters
    from workbench.core.music.forms import FORM_IDS, PERIODS

    items = list(all_items(library(), Filters(status="approved")))
    found = coverage((item.example for item in items), {item.id: float(item.warnings) for item in items})
    if as_json:
        console.print_json(found.to_dict())
        return 0
    print(f"{'':18}" + "".join(f"{period:>12}" for period in PERIODS))
    for form in FORM_IDS:
        print(f"{form:18}" + "".join(f"{found.held(form=form, period=period).count:>12}" for period in PERIODS))
    print(f"\n{found.total} examples, {found.filled:.0%} of all forms, periods and moods. The emptiest corners:")
    for hole in found.holes[:8]:
        print(f"  {hole.words}")
    return 0


def _decided(id: str, choice: Any, who: str, note: str) -> int:
    from workbench.core.library.choices import choice as chosen
    from workbench.core.library.decisions import vote

    item = _find(id)
    needed = chosen(library(), "approvals")
    after = vote(
        library(), item.id, choice, curator=who, version=item.version, note=note,
        needed=needed if isinstance(needed, int) else 1,
    )  # fmt: skip
    console.note(f"{after.id}: {after.status}")
    return 0


def _find(id: str) -> Item:
    from workbench.core.library.curation import find

    item = find(library(), id)
    if item is None:
        raise InvalidInputError(f"There is no example {id[:60]!r}.", hint="See: python -m workbench examples list.")
    return item


def _plain(item: Item) -> dict[str, Any]:
    from workbench.core.library.archive import item_to_dict

    return item_to_dict(item) | {"errors": item.errors, "warnings": item.warnings, "version": item.version}
