"""``check``: what is right and wrong with structures, and what each check means."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from workbench.commands import console, inputs
from workbench.core.errors import InvalidInputError


def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="MusicStructures, AIRIA pairs or answers of 'generate'; '-' reads one in."),
    ] = None,
    profile: Annotated[str, typer.Option(help="airia, baroque, classical, romantic or modern.")] = "classical",
    request: Annotated[str, typer.Option(help="A request that the pieces should fit.")] = "",
    explain: Annotated[bool, typer.Option("--list", help="Explain every check instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> int:
    """Check structures as a music theorist would: exit 1 when one of them has an error."""
    from workbench.core.checks import all_checks
    from workbench.core.checks import check as check_structure
    from workbench.core.music.reading import read_request, read_structure

    if explain:
        checks = [
            {
                "check": each.id,
                "family": each.family,
                "severity": each.severity,
                "profiles": list(each.profiles),
                "explanation": each.explanation,
                "source": each.source,
            }
            for each in all_checks()
        ]
        if as_json:
            console.print_json(checks)
        else:
            for row in checks:
                print(f"{row['check']} ({row['severity']}): {row['explanation']} [{row['source']}]")
        return 0
    if not files:
        raise InvalidInputError("No file is named.", hint="Name a structure, or '-' to read one from standard input.")
    wanted = read_request(inputs.read_one(request)) if request else None
    answers: list[dict[str, Any]] = []
    for name in files:
        shown = "standard input" if name == inputs.STDIN else name
        try:
            report = check_structure(read_structure(inputs.read_one(name)), request=wanted, profile=profile)
        except InvalidInputError as problem:
            problem.message = f"{shown}: {problem.message}"
            raise
        answers.append({"file": name, **report.to_dict()})
        if not as_json:
            counts = ", ".join(f"{count} {severity}s" for severity, count in report.counts.items() if count)
            print(f"{shown}: {'valid' if report.valid else 'not valid'}{f' ({counts})' if counts else ''}")
            for finding in report.findings:
                place = f"bar {finding.measure}" if finding.measure else finding.path
                print(f"  {finding.severity} {finding.check}, {place}: {finding.message} {finding.hint}".rstrip())
    if as_json:
        console.print_json(answers)
    sys.stdout.flush()
    return 0 if all(answer["valid"] for answer in answers) else 1
