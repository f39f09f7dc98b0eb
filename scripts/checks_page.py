"""Write docs/checks.md from the registered checks. A test keeps the page in step: run this after adding a check."""

from __future__ import annotations

from pathlib import Path

from workbench.core.checks import FAMILIES, all_checks
from workbench.core.checks.registry import ALL_PROFILES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "checks.md"


def page() -> str:
    """The whole page as Markdown."""
    checks = all_checks()
    counts = {severity: sum(each.severity == severity for each in checks) for severity in ("error", "warning", "info")}
    lines = [
        "# The checks",
        "",
        "<!-- Written by scripts/checks_page.py. -->",
        "",
        f"{len(checks)} checks look at a MusicStructure: {counts['error']} can find errors, {counts['warning']} warn, "
        f"{counts['info']} only tell. A structure is valid when nothing finds an error. What real music does often "
        "is never an error; [calibration.md](calibration.md) shows how often each check speaks on real music.",
        "",
        "`python -m workbench check FILE --profile baroque` runs them, `check --list` explains them.",
    ]
    for family, title in FAMILIES.items():
        lines += ["", f"## {title}", "", "| check | severity | profiles | what it looks for | source |"]
        lines.append("|---|---|---|---|---|")
        for each in checks:
            if each.family == family:
                profiles = "all" if set(each.profiles) == set(ALL_PROFILES) else ", ".join(each.profiles)
                notes = " It listens to the notes." if each.needs_score else ""
                lines.append(
                    f"| `{each.id}` | {each.severity} | {profiles} | {each.explanation}{notes} | {each.source} |"
                )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
