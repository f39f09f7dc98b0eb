"""Reading and judging: from an answer's text, or the rules, to a piece with its report, or to what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from workbench.core.checks import Report, check
from workbench.core.compose import FormPlan, compose_plan, plan
from workbench.core.compose.locks import keep_locked, regenerate
from workbench.core.compose.refine import refine
from workbench.core.compose.replan import plan_of
from workbench.core.errors import InvalidInputError
from workbench.core.generate.generation import Kept
from workbench.core.generate.prompt import finding_values
from workbench.core.generate.repairs import Repair
from workbench.core.generate.sanitize import sanitize
from workbench.core.generate.trace import Trace
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

MAX_FINDINGS = 60


@dataclass(frozen=True)
class Piece:
    """A structure that can become music, and what is to be said of it."""

    structure: MusicStructure
    report: Report
    repairs: tuple[Repair, ...]
    mended: bool
    """Whether refining took an error away."""


class Judge:
    """Holds a request and its plan, and judges what is written for them. ``kept`` names what may not change."""

    def __init__(self, request: Request, kept: Kept | None, trace: Trace, *, seed: int) -> None:
        self.request, self.kept, self.trace, self.seed = request, kept, trace, seed
        self.tolerated: frozenset[tuple[str, str]] = frozenset()
        """Errors that are in the kept piece already: nobody who may not change it can mend them."""
        if kept is None:
            self.form: FormPlan = plan(request, seed=seed)
        else:
            before = check(kept.base, request=request, profile=kept.base.period or "classical")
            self.tolerated = frozenset((f.check, f.message) for f in before.findings if f.severity == "error")
            self.form = plan_of(kept.base, request, seed=seed)

    def read(self, text: str, finish: str) -> tuple[Piece | None, list[dict[str, Any]]]:
        """The valid piece that an answer holds, else what is wrong with it."""
        try:
            structure, repairs, valid = sanitize(text, request=self.request)
        except InvalidInputError as problem:
            self.trace.add("sanitize", problem.message, error=problem.message)
            return None, [{"measure": None, "message": problem.message, "hint": problem.hint, "check": "sanitize"}]
        about = "valid as it came" if valid else f"{len(repairs)} repair{'' if len(repairs) == 1 else 's'}"
        self.trace.add("sanitize", about, repairs=[repair.to_dict() for repair in repairs], valid_before_repair=valid)
        piece = self._judged(structure, repairs)
        errors = self.errors(piece.report)
        if not errors:
            return piece, []
        cut = finish == "length"
        hint = [{"measure": None, "message": "The answer was cut off for its length.", "hint": "Write it more briefly.",
                 "check": "length"}] if cut else []  # fmt: skip
        return None, hint + errors

    def _judged(self, structure: MusicStructure, repairs: tuple[Repair, ...]) -> Piece:
        """Refine and check; what is locked is put back in its place first."""
        if self.kept is not None:
            done = keep_locked(self.kept.base, structure, self.kept.locks)
            about = "the kept parts are as they were"
            if done.unchanged:
                about += f"; {len(done.unchanged)} more could not be used and stay, too"
            structure = done.structure
            self.trace.add("refine", about, unchanged=list(done.unchanged), steps=[])
        profile = structure.period or self.form.manner.period
        before = check(structure, request=self.request, plan=self.form, profile=profile)
        refined = refine(structure)  # lengths and tempo are the plan's: nothing is fitted to the request
        after = before
        better = refined.structure
        if refined.steps:
            if self.kept is not None:
                better = keep_locked(self.kept.base, better, self.kept.locks).structure
            after = check(better, request=self.request, plan=self.form, profile=profile)
            if weight(after) > weight(before):
                better, after = structure, before
        steps = [{"id": step.id, "title": step.title, "paths": list(step.paths)[:40]} for step in refined.steps]
        self.trace.add(
            "refine", f"{len(steps)} improvement{'' if len(steps) == 1 else 's'}" if steps else "nothing to improve",
            steps=steps, used=better is not structure,
        )  # fmt: skip
        self._noted(profile, before, after)
        return Piece(better, after, repairs, before.counts["error"] > after.counts["error"])

    def _noted(self, profile: str, before: Report, after: Report) -> None:
        counts = after.counts
        said = [finding.to_dict() for finding in after.findings if finding.severity != "info"]
        self.trace.add(
            "check", f"{counts['error']} errors, {counts['warning']} warnings", profile=profile, before=before.counts,
            after=counts, findings=said[:MAX_FINDINGS],
        )  # fmt: skip

    def errors(self, report: Report) -> list[dict[str, Any]]:
        """The errors of a report that have to be mended, as a template sees them."""
        return [
            finding_values(finding)
            for finding in report.findings
            if finding.severity == "error" and (finding.check, finding.message) not in self.tolerated
        ]

    def kept_text(self) -> str:
        """The kept parts as JSON, for a prompt; empty where nothing is kept."""
        if self.kept is None or not self.kept.locks:
            return ""
        sections = self.kept.base.to_dict()["sections"]
        parts: list[dict[str, Any]] = []
        for section, phrase in sorted(self.kept.locks, key=lambda lock: (lock[0], -1 if lock[1] is None else lock[1])):
            if not 0 <= section < len(sections):
                continue
            whole = sections[section]
            phrases = whole.get("phrases") or []
            if phrase is None:
                parts.append({"section": section + 1, **whole})
            elif 0 <= phrase < len(phrases):
                parts.append({"section": section + 1, "phrase": phrase + 1, **phrases[phrase]})
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))

    def composed(self) -> Piece:
        """The piece that the rules make."""
        if self.kept is not None:
            structure = regenerate(self.kept.base, self.request, self.kept.locks, seed=self.seed)
        else:
            structure = compose_plan(self.form, self.request)
        profile = structure.period or self.form.manner.period
        report = check(structure, request=self.request, plan=self.form, profile=profile)
        self._noted(profile, report, report)
        return Piece(structure, report, (), False)


def weight(report: Report) -> tuple[int, int]:
    """How bad a report is: errors first, then warnings."""
    return report.counts["error"], report.counts["warning"]
