"""What ``dataset`` says: progress and findings on standard error, results on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.commands import console

if TYPE_CHECKING:
    from workbench.core.datasets.building.build import Built
    from workbench.core.datasets.versions import Version


class Progress:
    """Progress on standard error: each phase once, and how far it is every two thousand rows."""

    def __init__(self, go_on: Any) -> None:
        self._go_on, self._said = go_on, ("", -1)

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Tell how far it is, and stop where somebody has asked for that."""
        self._go_on()
        now = (phase, done // 2_000)
        if now != self._said:
            self._said = now
            console.note(f"{phase}: {done:,} of {total:,}" if total and done else phase)


def told(built: Built, as_json: bool) -> int:
    """What a build came to: its version on standard output, what was found on standard error."""
    for fault in built.tally.told:
        if fault.severity == "error":
            console.complain(str(fault))
        else:
            console.note(f"note: {fault}")
    more = built.tally.errors + built.tally.of("warning") - len(built.tally.told)
    if more > 0:
        console.note(f"and {more:,} more")
    for words, count in sorted(built.left_out.items()):
        console.note(f"left out: {count:,} {words}")
    if built.version is None:
        if as_json:
            console.print_json({"version": None, **built.tally.to_dict(), "left_out": dict(built.left_out)})
        console.note("No version was made: mend the errors, exclude the rows, or build with --leave-out.")
        return 1
    if as_json:
        console.print_json(plain_version(built.version) | {"new": built.new})
    else:
        same = "" if built.new else "  (the very same version was there already)"
        print(f"{built.version.id}  {console.one_line(built.version.label)}  {built.version.rows:,} rows{same}")
    return 0


def say(report: dict[str, Any], as_json: bool) -> None:
    """What was found in a file or a version: each finding on standard error, and the sum where no JSON is printed."""
    name = report.get("file") or report.get("version")
    for each in report["findings"]:
        where = f"line {each['line']}: " if each.get("line") is not None else f"{each['key']}: " if each["key"] else ""
        console.note(f"{name}: {each['severity']}: {where}{each['message']} {each['hint']}")
    if not as_json:
        rows = f"{report['rows']:,} rows, " if "rows" in report else ""
        print(f"{name}: {rows}{report['errors']:,} errors, {report['warnings']:,} warnings")


def plain_version(version: Version) -> dict[str, Any]:
    """A version as JSON, without the long counts that its charts are drawn from."""
    data = version.to_dict()
    return {**data, "summary": {k: v for k, v in data["summary"].items() if k not in ("originals", "everything")}}
