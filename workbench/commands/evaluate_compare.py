"""``evaluate compare``: a run against one before it, in words or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from workbench.commands import console
from workbench.commands.library import library
from workbench.core.errors import InvalidInputError

Which = "A run's id, the beginning of it, NAME NUMBER, or NAME."


def compare(
    run: Annotated[str, typer.Argument(metavar="RUN", help=Which)],
    before: Annotated[
        str, typer.Argument(metavar="[BEFORE]", help="The run to compare with; the one before of its name.")
    ] = "",
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", metavar="NAME", help="Only this metric; may be given again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Say what a run does better or worse than one before it, for the variants and requests that both have."""
    from workbench.core.experiments.metrics import load_metrics, metrics_named
    from workbench.core.experiments.reports.before import before_after
    from workbench.core.experiments.runs import run_named

    database = library()
    now = run_named(database, run)
    if not before and now.number == 1:
        raise InvalidInputError(f"{now.label} is the first of its name.", hint="Name the run to compare it with.")
    earlier = run_named(database, before or f"{now.name} {now.number - 1}")
    for each in dict.fromkeys((*now.own, *earlier.own)):
        load_metrics(each)
    names = [each.name for each in metrics_named(metrics)] if metrics else None
    found = before_after(database, now, earlier, names)
    if as_json:
        console.print_json(found.to_dict())
        return 0
    print(console.one_line(f"{found.now} against {found.before}: {found.lead}"))
    asked = f"Requests in both: {found.shared:,}; only now: {found.only_now:,}; only before: {found.only_before:,}."
    _listed("Found", found.findings)
    _listed("May be noise", found.open_questions)
    _listed("Asked otherwise", found.changed)
    _listed("Mind", [asked, *found.notes])
    return 0


def _listed(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"\n{title}:")
        for each in lines:
            print(console.one_line(f"- {each}"))
