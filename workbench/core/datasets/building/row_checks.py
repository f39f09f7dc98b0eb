"""The checks that each row has to pass by itself: schema, round trip, music, rights, length, format. Any error blocks.

A check is a registered function from a row that was looked at to faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property

from pydantic import ValidationError

from workbench.core.checks import Report, check
from workbench.core.datasets.building.making import Terms
from workbench.core.datasets.faults import Fault
from workbench.core.datasets.files.formats import FORMATS
from workbench.core.datasets.rows import Row
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.generate.counting import Count, count_messages, count_tokens
from workbench.core.generate.sanitize import Sanitized, sanitize
from workbench.core.generate.wire import wire_text
from workbench.core.library.rights import read_rights, uses_of
from workbench.core.music.reading import parse_json, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

BLOCKING = frozenset({"chords.in-style"})
"""Warnings of ``core.checks`` that are errors in training data: only chords of the profile may be learned."""
_DROPPED = ("schemaVersion",)
_DROPPED_IN_SECTIONS = ("harmonicRhythm", "harmonicFunctions")

RowCheck = Callable[["Looked"], Iterator[Fault]]
ROW_CHECKS: dict[str, RowCheck] = {}


def row_check(name: str) -> Callable[[RowCheck], RowCheck]:
    """Register a check under the name that its faults carry."""

    def registered(function: RowCheck) -> RowCheck:
        ROW_CHECKS[name] = function
        return function

    return registered


class Looked:
    """A row, its terms, and what several checks need of it, found once. ``made_from`` is what the answer has to say."""

    def __init__(self, row: Row, terms: Terms, made_from: MusicStructure | None = None) -> None:
        self.row, self.terms, self.made_from = row, terms, made_from

    def fault(self, check: str, message: str, hint: str = "") -> Fault:
        """An error in this row."""
        return Fault(check, "error", message, hint, key=self.row.key)

    @cached_property
    def asked(self) -> tuple[Request, str]:
        """What was asked for, or an empty request and what is wrong with it."""
        try:
            return Request.model_validate(dict(self.row.request)), ""
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            return Request(), f"{'/'.join(map(str, first['loc'])) or 'it'}: {first['msg'][:200]}"

    @property
    def request(self) -> Request:
        """What was asked for; empty where it cannot be read."""
        return self.asked[0]

    @cached_property
    def read(self) -> tuple[MusicStructure | None, InvalidInputError | None]:
        """What the answer says, or why it says nothing."""
        if self.sanitized is not None and self.sanitized.valid_before_repair:
            return self.sanitized.structure, None
        return _read(self.row.answer)

    @cached_property
    def sanitized(self) -> Sanitized | None:
        """What generation would make of the answer."""
        try:
            return sanitize(self.row.answer, request=self.request)
        except WorkbenchError:
            return None

    @cached_property
    def report(self) -> Report | None:
        """The findings in the piece, under its own profile or the recipe's."""
        structure = self.read[0]
        if structure is None:
            return None
        profile = self.terms.profile or structure.period or self.request.period or "classical"
        return check(structure, request=self.request, profile=profile)

    @cached_property
    def tokens_in(self) -> Count:
        """The tokens of the prompt."""
        return count_messages(self.row.prompt, self.terms.model)

    @cached_property
    def tokens_out(self) -> Count:
        """The tokens of the answer, or of the longer one of a pair."""
        return max(count_tokens(text, self.terms.model) for text in (self.row.answer, self.row.rejected))

    @property
    def tokens(self) -> Count:
        """The tokens of the longest conversation that the row makes."""
        return Count(self.tokens_in.tokens + self.tokens_out.tokens, self.tokens_in.exact and self.tokens_out.exact)


def check_row(looked: Looked) -> tuple[Fault, ...]:
    """Everything that is wrong with a row by itself."""
    return tuple(fault for function in ROW_CHECKS.values() for fault in function(looked))


@row_check("schema")
def _schema(looked: Looked) -> Iterator[Fault]:
    """The request can be read; the answer, and the rejected one of a pair, are MusicStructures."""
    if looked.asked[1]:
        yield looked.fault("schema", f"The request cannot be read: {looked.asked[1]}.", "Build the row again.")
    problem = looked.read[1]
    if problem is not None:
        yield looked.fault("schema", f"The answer is no MusicStructure: {problem.message}", problem.hint)
    if looked.row.kind == "pair":
        problem = _read(looked.row.rejected)[1]
        if problem is not None:
            yield looked.fault("schema", f"The rejected answer is no MusicStructure: {problem.message}", problem.hint)
        if looked.row.rejected == looked.row.answer:
            yield looked.fault("schema", "The chosen and the rejected answer are the same.", "Leave the pair out.")


@row_check("round-trip")
def _round_trip(looked: Looked) -> Iterator[Fault]:
    """What generation reads out of the answer is the piece that the row was made from, without any repair."""
    structure = looked.read[0]
    if structure is None:
        return
    made_from = looked.made_from or structure
    lost = _lost(made_from)
    if lost:
        yield looked.fault("round-trip", f"The answer cannot say {lost}.", "Write the chords of each phrase out.")
    elif structure.to_dict() != carried(made_from):
        yield looked.fault(
            "round-trip", "The answer is not the piece that it was made from.", "Build the row again; it was changed."
        )
    elif wire_text(structure) != looked.row.answer:
        yield looked.fault(
            "round-trip", "The answer's JSON was changed: it is not written as the schema orders it.",
            "Build the row again, or import the file anew.",
        )  # fmt: skip
    elif looked.sanitized is None or not looked.sanitized.valid_before_repair:
        repairs = looked.sanitized.repairs if looked.sanitized else ()
        what = f": {repairs[0].why}" if repairs else "."
        yield looked.fault("round-trip", f"The answer would have to be repaired{what}", "Mend the piece first.")


@row_check("round-trip.rejected")
def _round_trip_rejected(looked: Looked) -> Iterator[Fault]:
    """The rejected answer of a pair differs from the chosen one in its music, not in how it is written."""
    structure = _read(looked.row.rejected)[0] if looked.row.kind == "pair" else None
    if structure is not None and wire_text(structure) != looked.row.rejected:
        yield looked.fault(
            "round-trip", "The rejected answer's JSON was changed: it is not written as the schema orders it.",
            "Build the row again, or import the file anew.",
        )  # fmt: skip


@row_check("music")
def _music(looked: Looked) -> Iterator[Fault]:
    """All checks, under the piece's own profile; cadences, keys and chords among them."""
    if looked.report is None:
        return
    for finding in looked.report.findings:
        if finding.severity == "error" or finding.check in BLOCKING:
            where = f"bar {finding.measure}: " if finding.measure else ""
            yield looked.fault(f"music.{finding.check}", f"{where}{finding.message}", finding.hint)


@row_check("rights")
def _rights(looked: Looked) -> Iterator[Fault]:
    """Every layer of the piece may be used as the recipe says."""
    try:
        verdict = uses_of(read_rights(dict(looked.row.rights)))[looked.terms.use]
    except InvalidInputError as problem:
        yield looked.fault("rights", f"The rights cannot be read: {problem.message}", problem.hint)
        return
    if not verdict.allowed:
        use = looked.terms.use.replace("_", " ")
        why = " ".join(verdict.reasons) or "nothing is said about them."
        yield looked.fault(
            "rights", f"The rights do not allow {use}: {why}", "Complete the rights in Examples, or leave it out."
        )


@row_check("tokens")
def _tokens(looked: Looked) -> Iterator[Fault]:
    """The row is not cut off: providers cut over-long rows at their end without a word."""
    if looked.terms.limit is not None and looked.tokens.tokens > looked.terms.limit:
        yield looked.fault(
            "tokens", f"The row has {looked.tokens}; {looked.terms.model} takes {looked.terms.limit:,}.",
            "Show fewer examples in the prompt, or leave the row out.",
        )  # fmt: skip


@row_check("format")
def _format(looked: Looked) -> Iterator[Fault]:
    """The row can be written in every format of its kind."""
    for form in FORMATS.values():
        if form.kind == looked.row.kind:
            for fault in form.check(form.write(looked.row)):
                yield looked.fault("format", f"{form.title}: {fault.message}", fault.hint)


def carried(structure: MusicStructure) -> dict[str, object]:
    """What of a structure an answer carries: all but what the phrases say anyway."""
    data = {name: value for name, value in structure.to_dict().items() if name not in _DROPPED}
    data["sections"] = [
        {name: value for name, value in section.items() if name not in _DROPPED_IN_SECTIONS}
        for section in data["sections"]
    ]
    return data


def _lost(structure: MusicStructure) -> str:
    """What of the music an answer would not carry; empty where it carries all."""
    for section in structure.sections:
        phrases = section.phrases or ()
        written = bool(phrases) and all(phrase.chords and phrase.chord_beats for phrase in phrases)
        if section.harmonic_rhythm and not written:
            return f"how long the chords of {section.name} last"
    return ""


def _read(answer: str) -> tuple[MusicStructure | None, InvalidInputError | None]:
    try:
        data = parse_json(answer.encode())
        if not isinstance(data, dict):
            raise InvalidInputError("It is no JSON object.", hint="Write one object.")
        return read_structure(data), None
    except InvalidInputError as problem:
        return None, problem
    except UnicodeEncodeError:
        return None, InvalidInputError("It holds half characters.", hint="Write it in UTF-8.")
