"""What is wrong with an answer as music: it has to be read as it stands, pass all checks, and be canonical JSON."""

from __future__ import annotations

from workbench.core.checks import check
from workbench.core.datasets.building.row_checks import BLOCKING
from workbench.core.datasets.faults import Fault
from workbench.core.errors import InvalidInputError
from workbench.core.generate.sanitize import Sanitized, sanitize
from workbench.core.generate.wire import wire_text
from workbench.core.music.reading import parse_json, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

MAX_MEASURES, MAX_CHORDS = 2_000, 16_000
"""Of a piece that is looked at: ten minutes at the fastest tempo have some 1,100 bars, and the checks take memory as
bars times notes."""
MAX_REPAIRED = 200_000
"""Characters of an answer that is tried whether it could be repaired; structures have some ten thousand at most."""


def answer_faults(answer: str, request: Request | None = None) -> list[Fault]:
    """Everything that is wrong with an answer; its piece is judged under its own profile and, if known, its request."""
    mended = _mended(answer, request)
    if mended is not None and mended.valid_before_repair:
        return [*_musical(mended.structure, request), *_canonical(mended.structure, answer)]
    structure, fault = _read(answer, mended)
    if structure is None:
        return [fault] if fault else []
    return [*_musical(structure, request), *_canonical(structure, answer)]


def rejected_faults(rejected: str) -> list[Fault]:
    """What is wrong with a rejected answer: it may break rules of music, but it should be music."""
    structure, _ = _read(rejected, None)
    if structure is not None:
        return []
    hint = "A pair teaches most where both answers are pieces."
    return [Fault("answer.rejected", "warning", "The rejected answer is no MusicStructure.", hint)]


def _mended(answer: str, request: Request | None) -> Sanitized | None:
    if len(answer) > MAX_REPAIRED:
        return None
    try:
        return sanitize(answer, request=request)
    except InvalidInputError:
        return None


def _read(answer: str, mended: Sanitized | None) -> tuple[MusicStructure | None, Fault | None]:
    """The structure that an answer is as it stands, or the fault that says why it is none."""
    check = "answer.json"
    try:
        data = parse_json(answer)
        check = "answer.schema"
        if not isinstance(data, dict):
            raise InvalidInputError("It is no object.", hint="Write one MusicStructure.")
        return read_structure(data), None
    except InvalidInputError as problem:
        message = f"The answer is no {'JSON' if check == 'answer.json' else 'MusicStructure'}: {problem.message}"
        if mended is not None:
            return None, _repair(message, mended, check)
        return None, Fault(check, "error", message, problem.hint)


def _repair(message: str, mended: Sanitized, check: str) -> Fault:
    count = len(mended.repairs)
    first = f" {mended.repairs[0].why}" if mended.repairs else ""
    hint = f"It would take {count} repair{'' if count == 1 else 's'}:{first} Mend the answer itself."
    return Fault(check, "error", message, hint)


def _musical(structure: MusicStructure, request: Request | None) -> list[Fault]:
    if too_large := _too_large(structure):
        return [Fault("answer.size", "error", too_large, "Shorten its sections or phrases.")]
    report = check(structure, request=request, profile=structure.period or "classical")
    return [
        Fault(
            f"music.{finding.check}", "error",
            f"bar {finding.measure}: {finding.message}" if finding.measure else finding.message, finding.hint,
        )
        for finding in report.findings
        if finding.severity == "error" or finding.check in BLOCKING
    ]  # fmt: skip


def _too_large(structure: MusicStructure) -> str:
    chords = sum(
        len(section.chord_progression) + sum(len(phrase.chords or ()) for phrase in section.phrases or ())
        for section in structure.sections
    )
    for count, most, what in ((structure.measures, MAX_MEASURES, "bars"), (chords, MAX_CHORDS, "chords")):
        if count > most:
            return f"The piece has {count:,} {what}; at most {most:,} are checked."
    return ""


def _canonical(structure: MusicStructure, answer: str) -> list[Fault]:
    if wire_text(structure) == answer:
        return []
    hint = "Write it compactly, with the schema's members in its order, without what is null."
    return [Fault("answer.canonical", "warning", "The answer is not written canonically.", hint)]
