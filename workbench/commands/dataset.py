"""``dataset``: training data from the command line: build, look, compare, check, sample, export, import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.commands import console, inputs
from workbench.commands.dataset_words import Progress, plain_version, say, told
from workbench.commands.library import library
from workbench.core.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.core.datasets.building.build import Built
    from workbench.core.datasets.faults import Tally
    from workbench.core.datasets.versions import Version
    from workbench.core.library.database import Database

app = typer.Typer(help="Build, look at, compare, check, sample, export and import datasets.", no_args_is_help=True)
Named = Annotated[str, typer.Argument(metavar="VERSION", help="A version's id, the beginning of it, or its name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[str, typer.Option("--as", help="Who does this, for the trail.")]
Processes = Annotated[
    int | None, typer.Option(min=0, max=64, help="Processes beside this one; one a core if not given.")
]


@app.command("build")
def build_one(
    recipe: Annotated[
        str, typer.Option(help="A file with a recipe in JSON, or '-'; the starter's when not given.")
    ] = "",
    name: Annotated[str, typer.Option(help="Another name for the dataset.")] = "",
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave rows with errors out, instead of stopping.")
    ] = False,
    processes: Processes = None,
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Build a version from a recipe; the same recipe on the same library gives the same version."""
    from workbench.core.datasets.building.builds import build_now
    from workbench.core.datasets.recipes import STARTER, read_recipe
    from workbench.core.music.reading import parse_json

    wanted = read_recipe(parse_json(inputs.read_one(recipe))) if recipe else STARTER
    changes: dict[str, Any] = {"name": name} if name else {}
    if leave_out:
        changes["faults"] = "leave-out"
    wanted = read_recipe({**wanted.to_dict(), **changes})
    database = library()
    with console.interruptible() as go_on:
        built = build_now(database, wanted, curator=who, processes=processes, told=Progress(go_on))
    return told(built, as_json)


@app.command("list")
def show_all(as_json: Json = False) -> int:
    """List the versions, newest first."""
    from workbench.core.datasets.versions import versions

    found = versions(library())
    if as_json:
        console.print_json([plain_version(each) for each in found])
        return 0
    for each in found:
        splits = " ".join(f"{count:,} {split}" for split, count in each.summary["splits"].items() if count)
        print(f"{each.id}  {console.one_line(each.label):28}  {each.rows:>9,} rows  {splits}")
    return 0


@app.command("show")
def show(
    version: Named,
    row: Annotated[str, typer.Option(help="Show this row, by its key.")] = "",
    words: Annotated[str, typer.Option(help="List the rows in which these words occur.")] = "",
    as_json: Json = False,
) -> int:
    """Show a version: its card, or one of its rows, or a list of them."""
    from workbench.core.datasets.files.card import dataset_card
    from workbench.core.datasets.review.browsing import RowFilters, page_of
    from workbench.core.datasets.versions import find_row
    from workbench.core.datasets.withdrawn import withdrawn

    database, found = _found(version)
    if row:
        pair = find_row(database, found.id, row)
        if pair is None:
            raise InvalidInputError(f"There is no row {row[:100]!r}.", hint="See: dataset show VERSION --words WORDS.")
        console.print_json({**pair[1].to_dict(), "facts": pair[0].to_dict()})
    elif words:
        rows, count = page_of(database, found.id, RowFilters(words=words))
        if as_json:
            console.print_json([each.to_dict() for each in rows])
            return 0
        for each in rows:
            print(console.one_line(f"{each.key}  {each.split}  {each.title}"))
        console.note(f"{len(rows)} of {count:,} rows")
    elif as_json:
        console.print_json(plain_version(found) | {"withdrawn": withdrawn(database, found.id)})
    else:
        print(dataset_card(database, found), end="")
    return 0


@app.command("diff")
def diff(before: Named, after: Named, as_json: Json = False) -> int:
    """Show what differs between two versions."""
    from workbench.core.datasets.review.diff import compare
    from workbench.core.datasets.versions import version_named

    database = library()
    found = compare(database, version_named(database, before), version_named(database, after))
    if as_json:
        console.print_json(found.to_dict())
        return 0
    counts = found.counts
    print(", ".join(f"{counts[name]:,} {name}" for name in ("added", "removed", "changed", "moved", "same")))
    for name, (one, other) in found.recipe.items():
        print(console.one_line(f"recipe: {name}: {one} -> {other}"))
    for each in found.moved:
        print(console.one_line(each.words))
    for sign, keys in (("+", found.added), ("-", found.removed), ("~", found.changed)):
        for key in keys[:20]:
            print(console.one_line(f"{sign} {key}"))
    return 0


@app.command("check")
def check(
    what: Annotated[list[str], typer.Argument(metavar="FILE.jsonl|FOLDER|VERSION", help="What to check.")],
    format: Annotated[
        str, typer.Option("--format", help="The files' format; told by their first row if not given.")
    ] = "",
    model: Annotated[str, typer.Option(help="Whose limit and vocabulary count.")] = "gpt-4.1-mini",
    max_tokens: Annotated[int, typer.Option(min=0, help="The longest row in tokens; 0 is the model's limit.")] = 0,
    format_only: Annotated[
        bool, typer.Option("--format-only", help="Check the rules of the format alone; fast.")
    ] = False,
    processes: Processes = None,
    as_json: Json = False,
) -> int:
    """Check files from anywhere, line by line, or a version that is kept. Exit 1 when there are errors."""
    reports, errors = [], 0
    files = [file for name in what for file in _files_of(name)]
    for name in what:
        if not Path(name).exists() and not name.endswith(".jsonl"):
            report = _check_version(name, processes)
            reports.append(report)
            errors += report["errors"]
            say(report, as_json)
    with console.interruptible() as go_on:
        for file in files:
            from workbench.core.datasets.files.file_check import check_file

            found = check_file(
                file, format=format, model=model, max_tokens=max_tokens, music=not format_only, processes=processes,
                progress=lambda _: go_on(),
            )  # fmt: skip
            report = {"file": str(file), **found.to_dict()}
            reports.append(report)
            errors += found.errors
            say(report, as_json)
    for report in _overlaps(files):
        reports.append(report)
        errors += report["errors"]
        say(report, as_json)
    if as_json:
        console.print_json(reports)
    return 1 if errors else 0


@app.command("sample")
def sample(
    version: Named,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many rows.")] = 30,
    by: Annotated[str, typer.Option(help="Draw by stratum: split, form, period, mode, mood, tonic or origin.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same rows.")] = 0,
    right: Annotated[list[str], typer.Option(help="SAMPLE:KEY was found right.")] = [],  # noqa: B006 - Typer copies it
    wrong: Annotated[list[str], typer.Option(help="SAMPLE:KEY was found wrong.")] = [],  # noqa: B006
    note: Annotated[str, typer.Option(help="Why it is wrong.")] = "",
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Draw rows for an audit, or write down what was found in one of them."""
    from workbench.core.datasets.review.samples import draw_sample, find_sample, judge

    database, found = _found(version)
    drawn = None
    for verdict, places in (("right", right), ("wrong", wrong)):
        for place in places:
            id, _, key = place.partition(":")
            known = find_sample(database, id)
            if known is None or known.version_id != found.id:
                raise InvalidInputError(f"{found.label} has no sample {id[:40]!r}.", hint="Write SAMPLE:KEY.")
            drawn = judge(database, id, key, verdict, curator=who, version=known.version, note=note)  # type: ignore[arg-type]
    if drawn is None:
        drawn = draw_sample(database, found.id, count, curator=who, by=by, seed=seed)
    if as_json:
        console.print_json(drawn.to_dict())
        return 0
    for key in drawn.keys:
        said = drawn.results.get(key, {})
        print(console.one_line(f"{said.get('verdict', '-'):6} {key}"))
    rate = drawn.rate
    console.note(f"sample {drawn.id}: {rate.words if rate else 'nothing has been looked at.'}")
    return 0


@app.command("export")
def export_one(
    version: Named,
    folder: Annotated[Path, typer.Argument(help="The folder to write: a new one, an empty one, or an earlier export.")],
    format: Annotated[list[str], typer.Option("--format", help="Only these: openai-chat, trl-sft, parquet ...")] = [],  # noqa: B006
    as_json: Json = False,
) -> int:
    """Write a version as JSONL, Parquet and a dataset card, with a manifest of hashes."""
    from workbench.core.datasets.files.export import export

    database, found = _found(version)
    with console.interruptible() as go_on:

        def told(name: str) -> None:
            go_on()
            console.note(f"writing {name}")

        files = export(database, found, folder, formats=format, told=told)
    if as_json:
        console.print_json({"version": found.id, "files": [str(file) for file in files]})
    return 0


@app.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(help="A JSONL of chat rows or preference pairs.")],
    name: Annotated[str, typer.Option(help="The dataset's name; the file's when not given.")] = "",
    licence: Annotated[str, typer.Option(help="The SPDX id of the licence of its pieces.")] = "",
    holder: Annotated[str, typer.Option(help="Who holds the rights.")] = "",
    own: Annotated[bool, typer.Option("--own", help="The pieces are the holder's own work.")] = False,
    use: Annotated[str, typer.Option(help="The use that the rights must allow.")] = "commercial_training",
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "train",
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave rows with errors out, instead of stopping.")
    ] = False,
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Take a file from elsewhere in as a version; every row is checked, and its rights must allow the use."""
    from workbench.core.datasets.building.builds import run_now
    from workbench.core.datasets.files.imports import import_file
    from workbench.core.datasets.rows import SPLITS
    from workbench.core.library.rights import LAYERS, USES, Layer, Rights, licences

    if not holder or licence not in licences():
        raise InvalidInputError(
            "The licence is not known here, or its holder is missing.",
            hint=f"Give --holder and --licence, one of {', '.join(licences())}.",
        )
    if split not in SPLITS or use not in USES:
        raise InvalidInputError(
            f"{(split if split not in SPLITS else use)[:40]!r} is not known.",
            hint=f"Splits: {', '.join(SPLITS)}. Uses: {', '.join(USES)}.",
        )
    basis: Any = "own work" if own else "licence"
    rights = Rights(tuple(Layer(layer, holder, basis, licence, file.name) for layer in LAYERS), True, True)
    database, called = library(), name or file.stem[:80]
    with console.interruptible() as go_on:

        def work(_: str) -> Built:
            return import_file(
                database, file, name=called, rights=rights, curator=who, use=use, split=split,  # type: ignore[arg-type]
                leave_out=leave_out, told=Progress(go_on),
            )  # fmt: skip

        built = run_now(database, work, {"name": called, "imported": {"file": file.name}}, curator=who)
    return told(built, as_json)


@app.command("mark")
def mark_row(
    version: Named,
    key: Annotated[str, typer.Argument(help="The row's key.")],
    kind: Annotated[str, typer.Argument(help="flag, exclude or comment.")],
    text: Annotated[str, typer.Argument(help="Why; not needed for a flag.")] = "",
    who: Who = "command line",
) -> int:
    """Flag, exclude or comment on a row; the next build leaves out what is excluded."""
    from workbench.core.datasets.review.marks import MARKS, mark

    if kind not in MARKS:
        raise InvalidInputError(f"{kind[:40]!r} is no mark.", hint=f"Choose one of {', '.join(MARKS)}.")
    database, found = _found(version)
    made = mark(database, found.id, key, kind, curator=who, text=text)  # type: ignore[arg-type]
    console.note(f"{made.row_key}: {made.kind}")
    return 0


@app.command("freeze")
def freeze_test(
    version: Named,
    name: Annotated[str, typer.Option(help="The name of the test set.")] = "test",
    note: Annotated[str, typer.Option(help="Why.")] = "",
    who: Who = "command line",
) -> int:
    """Freeze a version's test rows: no later version trains on them. This cannot be taken back."""
    from workbench.core.datasets.frozen import freeze

    database, found = _found(version)
    made = freeze(database, found.id, name=name, curator=who, note=note)
    console.note(f"{made.name}: {found.summary['splits']['test']:,} rows of {found.label} are frozen.")
    return 0


def _check_version(name: str, processes: int | None) -> dict[str, Any]:
    from workbench.core.datasets.building.recheck import check_version

    database, found = _found(name)
    with console.interruptible() as go_on:
        tally: Tally = check_version(database, found, processes=processes, told=Progress(go_on))
    return {"version": found.id, "rows": found.rows, **tally.to_dict()}


def _files_of(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(path.glob("*.jsonl"))
        if not found:
            raise InvalidInputError(f"There is no .jsonl in {name}.", hint="Name a folder from dataset export.")
        return found
    return [path] if path.exists() or name.endswith(".jsonl") else []


def _overlaps(files: list[Path]) -> list[dict[str, Any]]:
    """Rows that are in two files of one format at once, such as its train and its validation."""
    from workbench.core.datasets.building.recheck import check_overlap

    found = []
    pairs = [(one, other) for at, one in enumerate(files) for other in files[at + 1 :]]
    for one, other in pairs:
        if one.parent == other.parent and one.stem.rpartition("-")[0] == other.stem.rpartition("-")[0]:
            tally = check_overlap(one, other)
            if tally.told:
                found.append({"file": f"{one.name} and {other.name}", **tally.to_dict()})
    return found


def _found(name: str) -> tuple[Database, Version]:
    from workbench.core.datasets.versions import version_named

    database = library()
    return database, version_named(database, name)
