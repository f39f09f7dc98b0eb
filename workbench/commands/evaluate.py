"""``evaluate``: experiments from the command line, from a specification to a report, with gates for use in CI."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.commands import console
from workbench.commands.evaluate_compare import compare
from workbench.commands.evaluate_rate import rate
from workbench.commands.inputs import read_one
from workbench.commands.library import library
from workbench.core.errors import InvalidInputError

if TYPE_CHECKING:
    from workbench.core.experiments.course import Standing
    from workbench.core.experiments.reports import Gate, Summary
    from workbench.core.experiments.runs import Run
    from workbench.core.library.database import Database

app = typer.Typer(
    help="Run experiments: requests times models times seeds, measured and compared.", no_args_is_help=True
)
Named = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the beginning of it, NAME NUMBER, or NAME.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[str, typer.Option("--as", help="Who does this.")]
Processes = Annotated[
    int | None, typer.Option(min=0, max=64, help="Processes that check and measure; 0 is none. As many as processors.")
]
Require = Annotated[
    list[str] | None,
    typer.Option(metavar="GATE", help='Exit 1 when it is not met, such as "valid_before_repair>=0.98".'),
]
Own = Annotated[
    list[str] | None, typer.Option("--metrics", metavar="FILE", help="A Python file, or module, with own metrics.")
]
NOT_DONE = 1
QUIET = 1.0
"""Seconds between two lines of progress."""


@app.command("run")
def run(
    specification: Annotated[str, typer.Argument(metavar="FILE", help="The specification, JSON; - is standard input.")],
    processes: Processes = None,
    require: Require = None,
    metrics: Own = None,
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Run a specification, as a new run. Exit 1 when it does not get to its end, or a gate is not met."""
    from workbench.core.experiments.metrics import all_metrics, load_metrics
    from workbench.core.experiments.runner import order
    from workbench.core.experiments.specification import read_specification
    from workbench.core.settings import load_settings

    for each in metrics or ():
        load_metrics(each)
    gates = _gates(require)
    wanted = read_specification(read_one(specification), metrics=lambda: [each.name for each in all_metrics()])
    database = library()
    ordered = order(load_settings(), database, wanted, curator=who, own=metrics or ())
    for note in ordered.notes:
        console.note(note)
    console.note(f"{ordered.label} ({ordered.id}): {ordered.cells:,} cells.")
    return _go_on(database, ordered, processes, None, gates, as_json)


@app.command("resume")
def resume(
    run: Named,
    processes: Processes = None,
    budget: Annotated[float | None, typer.Option(min=0, help="US dollars in all, in place of the run's own.")] = None,
    require: Require = None,
    as_json: Json = False,
) -> int:
    """Let a run go on that was paused, stopped or killed; nothing that was answered is asked again."""
    from workbench.core.experiments.metrics import load_metrics
    from workbench.core.experiments.runs import run_named

    database = library()
    found = run_named(database, run)
    for each in found.own:
        load_metrics(each)
    return _go_on(database, found, processes, budget, _gates(require), as_json)


@app.command("status")
def status(
    run: Annotated[str, typer.Argument(metavar="[RUN]", help="One run; the latest when not given.")] = "",
    as_json: Json = False,
) -> int:
    """Show how runs stand, or one of them."""
    from workbench.core.experiments.batches.kept import batches
    from workbench.core.experiments.runs import counts, run_named, runs

    database = library()
    if not run:
        found = runs(database)
        if as_json:
            console.print_json([each.to_dict() for each in found])
            return 0
        for each in found:
            print(_line(each))
        return 0
    one = run_named(database, run)
    outcomes = counts(database, one.id, "outcome")
    asked = batches(database, one.id)
    if as_json:
        told = {"outcomes": outcomes, "faults": counts(database, one.id, "fault")}
        console.print_json(one.to_dict() | told | {"batches": [each.to_dict() for each in asked]})
        return 0
    print(_line(one))
    for said in (one.message, *one.notes):
        if said:
            print(console.one_line(said))
    for batch in asked:
        print(console.one_line(batch.words))
    for outcome, count in outcomes.items():
        print(f"{outcome or 'failed':10}  {count:,}")
    return 0


@app.command("pause")
def pause(run: Named) -> int:
    """Ask whoever is at a run to pause it; what is being asked is waited for."""
    return _wish(run, "pause")


@app.command("stop")
def stop(run: Named) -> int:
    """Ask whoever is at a run to stop it."""
    return _wish(run, "stop")


@app.command("import")
def import_answers(
    file: Annotated[Path, typer.Argument(metavar="FILE", help='JSON Lines of {"request": {...}, "raw": "..."}.')],
    name: Annotated[str, typer.Option(help="The new run's name; as the run that it is like, or the file.")] = "",
    variant: Annotated[str, typer.Option(help="What the model is called.")] = "imported",
    like: Annotated[str, typer.Option(metavar="RUN", help="A run whose requests were answered.")] = "",
    processes: Annotated[int, typer.Option(min=0, max=64, help="Processes that check and measure.")] = 0,
    require: Require = None,
    metrics: Own = None,
    who: Who = "command line",
    as_json: Json = False,
) -> int:
    """Make a run of answers that were made elsewhere; no model is asked."""
    from workbench.core.experiments.importing import import_run
    from workbench.core.experiments.metrics import load_metrics
    from workbench.core.experiments.runs import run_named

    for each in metrics or ():
        load_metrics(each)
    gates = _gates(require)
    database = library()
    other = run_named(database, like) if like else None
    if not file.is_file():
        raise InvalidInputError(f"{file} is no file.", hint="Check the path.")
    made = import_run(
        database, file, name=name or (other.name if other else file.stem[:80]), variant=variant, like=other,
        curator=who, own=metrics or (), processes=processes,
    )  # fmt: skip
    for note in made.notes:
        console.note(note)
    return _told(database, made, gates, as_json)


@app.command("report")
def report(
    run: Named,
    out: Annotated[Path, typer.Option(help="The file: .html is a report, .csv, .jsonl or .parquet all results.")],
    against: Annotated[str, typer.Option(metavar="VARIANT", help="Compare with this variant alone.")] = "",
    sound: Annotated[bool, typer.Option(help="Put sound into the page.")] = True,
    require: Require = None,
) -> int:
    """Write a report that stands alone, or all results as a table. Exit 1 when a gate is not met."""
    from workbench.core.experiments.metrics import load_metrics
    from workbench.core.experiments.reports.exports import write
    from workbench.core.experiments.reports.files import about_run
    from workbench.core.experiments.reports.html import write_report
    from workbench.core.experiments.runs import results, run_named

    database = library()
    found = run_named(database, run)
    for each in found.own:
        load_metrics(each)
    gates = _gates(require)
    names = found.ordered().metrics or None
    page = out.suffix.lower() in (".html", ".htm")
    summary = _summary(database, found, against or None) if page or gates else None
    each_result = results(database, found.id, examples=_examples(database))
    if page and summary is not None:
        size = write_report(out, each_result, summary, about_run(database, found), sound=sound)
    else:
        size = write(out, each_result, _columns(names))
    console.note(f"{out}: {size:,} bytes.")
    return 0 if summary is None or _met(gates, summary) else NOT_DONE


app.command("rate")(rate)
app.command("compare")(compare)


# What they share -----------------------------------------------------------------------------------------------------


def _go_on(
    database: Database, run: Run, processes: int | None, budget: float | None, gates: list[Gate], as_json: bool
) -> int:
    from workbench.core.experiments.runner import run_now
    from workbench.core.settings import load_settings

    ended = run_now(load_settings(), database, run.id, processes=processes, budget=budget, told=_Progress())
    return _told(database, ended, gates, as_json)


def _told(database: Database, run: Run, gates: list[Gate], as_json: bool) -> int:
    """Tell how a run ended; 0 where it is done and all gates are met."""
    done = run.state == "done"
    summary = _summary(database, run, None) if gates and done else None
    if as_json:
        console.print_json(run.to_dict() | ({"gates": _held(gates, summary)} if summary is not None else {}))
    else:
        print(_line(run))
        if not done:
            again = f"python -m workbench evaluate resume {run.id}"
            console.note(f"{run.message} Go on: {again}".strip())
        elif run.message:
            console.note(run.message)
    if not done:
        return NOT_DONE
    return 0 if summary is None or _met(gates, summary) else NOT_DONE


def _wish(wanted: str, what: str) -> int:
    from workbench.core.experiments.runs import run_named, wish

    database = library()
    found = run_named(database, wanted)
    if wish(database, found.id, what):
        console.note(f"{found.label} is asked to {what}.")
        return 0
    console.note(f"{found.label} does not run.")
    return 0 if what == "stop" else NOT_DONE


def _line(run: Run) -> str:
    parts = [f"{run.done:,} of {run.cells:,}"]
    if run.failed:
        parts.append(f"{run.failed:,} failed")
    if run.spent:
        parts.append(f"${run.spent:,.4f}")
    if run.remaining is not None and run.state == "running":
        parts.append(f"{_duration(run.remaining)} left")
    return console.one_line(f"{run.id}  {run.state:11}  {run.label}: {', '.join(parts)}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


class _Progress:
    """Progress on standard error, a line a second at most."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def __call__(self, standing: Standing) -> None:
        now = time.monotonic()
        if now - self._at < QUIET:
            return
        self._at = now
        parts = [f"{standing.done:,} of {standing.cells:,}"]
        if standing.failed:
            parts.append(f"{standing.failed:,} failed")
        if standing.spent:
            parts.append(f"${standing.spent:,.4f}")
        if standing.remaining is not None and standing.done < standing.cells:
            parts.append(f"{_duration(standing.remaining)} left")
        console.note(", ".join(parts))


def _gates(texts: list[str] | None) -> list[Gate]:
    if not texts:
        return []
    from workbench.core.experiments.reports import require

    return [require(text) for text in texts]


def _columns(names: Any) -> Any:
    from workbench.core.experiments.metrics import all_metrics, metrics_named

    return metrics_named(names) if names else all_metrics()


def _examples(database: Database) -> dict[str, Any]:
    from workbench.core.library.curation import Approved

    return {each.id: each for each in Approved(database)()}


def _summary(database: Database, run: Run, against: str | None) -> Summary:
    from workbench.core.experiments.overviews import current_overview

    return current_overview(database, run, against).summary


def _held(gates: list[Gate], summary: Summary) -> list[dict[str, Any]]:
    from workbench.core.experiments.reports import evaluate

    return [each.to_dict() for each in evaluate(gates, summary)]


def _met(gates: list[Gate], summary: Summary) -> bool:
    """Whether all gates are met; each is told on standard error."""
    from workbench.core.experiments.reports import all_met, evaluate

    held = evaluate(gates, summary)
    for each in held:
        print(console.one_line(each.words), file=sys.stderr)
    return all_met(held)
