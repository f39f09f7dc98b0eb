"""The findings of a piece: its report in a period's profile, in plain words, and the improvements on offer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from workbench.core.checks import FAMILIES, PROFILES, Finding, Report, all_checks, check
from workbench.core.library.takes import Take
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.component import component
from workbench.views.improvements import improvements
from workbench.views.pieces import Piece

MAX_PLACES = 16
"""Bars that one line of the list names."""

_FINDINGS = component("findings")
PROFILE_ORDER = ("baroque", "classical", "romantic", "modern", "airia")


@st.fragment
def findings_tab(piece: Piece, take: Take) -> None:
    """The report beside the improvements; a click on a bar moves the player."""
    own = own_profile(piece.structure)
    left, right = st.columns([7, 4], gap="medium")
    with left:
        said, choice = st.columns([3, 2], vertical_alignment="bottom")
        with choice:
            profile = st.selectbox(
                "Checked as",
                PROFILE_ORDER,
                index=PROFILE_ORDER.index(own),
                format_func=lambda name: PROFILES[name].title + (" (its own)" if name == own else ""),
                key=f"profile_{piece.id}",
                help="Which style's rules the piece is held to.",
                persist_state="page",
            )
        report = piece_report(piece, take.request, profile or own)
        with said:
            st.markdown(f"**{counts_words(report)}**")
        findings_list(report, piece.id, key="findings")
    with right:
        improvements(piece, take, report)


def findings_list(report: Report, piece_id: str, *, key: str, line_of: Callable[[str], int] | None = None) -> None:
    """The findings in families; ``line_of`` tells on which line of a text a JSON pointer leads."""
    if report.findings:
        _FINDINGS(key=key, data=findings_data(report, piece_id, line_of=line_of))


def own_profile(structure: MusicStructure) -> str:
    """The profile of the piece's own period; classical where it names none."""
    period = (structure.period or "").lower()
    return period if period in PROFILES else "classical"


def piece_report(piece: Piece, request: Request | None, profile: str) -> Report:
    """The report of a piece, worked out once."""
    return piece.once(("report", profile, request), lambda: check(piece.structure, request=request, profile=profile))


def counts_words(report: Report) -> str:
    """How much was found, in words: ``1 error and 2 warnings``."""
    counts = report.counts
    parts = [_many(counts[severity], severity) for severity in ("error", "warning") if counts[severity]]
    if parts:
        return " and ".join(parts)
    notes = counts["info"]
    return f"Nothing to mend, {_many(notes, 'note')}" if notes else "Nothing to mend: every check is content."


def findings_data(report: Report, piece_id: str, *, line_of: Callable[[str], int] | None = None) -> dict[str, Any]:
    """What the list needs to know: families with the worst first, what is said twice said once with all its bars."""
    notes = [finding for finding in report.findings if finding.severity == "info"]
    serious = [finding for finding in report.findings if finding.severity != "info"]
    return {
        "piece": piece_id,
        "groups": _families(serious, line_of),
        "notes": _families(notes, line_of),
        "noted": f"{_many(len(notes), 'note')}, nothing to worry about",
    }


def _families(findings: Iterable[Finding], line_of: Callable[[str], int] | None) -> list[dict[str, Any]]:
    known = {each.id: each for each in all_checks()}
    families: dict[str, dict[tuple[str, str, str], list[Finding]]] = {}
    # Errors come first in a report, so the family of the first error leads.
    for finding in findings:
        same = (finding.check, finding.message, finding.hint)
        families.setdefault(finding.family, {}).setdefault(same, []).append(finding)
    result = []
    for family, found in families.items():
        rows = []
        for (name, message, hint), alike in found.items():
            measures = list(dict.fromkeys(one.measure for one in alike if one.measure is not None))
            lines = list(dict.fromkeys(line_of(one.path) for one in alike)) if line_of else []
            rows.append(
                {
                    "severity": alike[0].severity,
                    "message": message,
                    "hint": hint,
                    "measures": measures[:MAX_PLACES],
                    "lines": lines[:MAX_PLACES],
                    "more": max(0, len(measures) - MAX_PLACES),
                    "explanation": known[name].explanation if name in known else "",
                    "source": known[name].source if name in known else "",
                }
            )
        title = family.replace("-", " ").capitalize()
        result.append({"title": title, "about": FAMILIES.get(family, ""), "findings": rows})
    return result


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
