"""What is wrong with a chunk of lines: format, music, length, each by itself. Runs in this process or in a worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from workbench.core.datasets.faults import MAX_TOLD, Fault, Tally
from workbench.core.datasets.files.answer_rules import answer_faults, rejected_faults
from workbench.core.datasets.files.foreign import request_in
from workbench.core.datasets.files.formats import FORMATS, Spoken, detect
from workbench.core.datasets.files.lines import BrokenLineError, Line, parse_line
from workbench.core.generate.counting import Count, count_messages, count_tokens

_DIGEST = 8


@dataclass(frozen=True)
class Wanted:
    """How lines are looked at. ``format`` is empty where no line was in a known one; ``limit`` is in tokens.

    Tokens are counted where music is checked, and of rows so long that they may be over the limit.
    """

    format: str
    model: str
    limit: int | None
    music: bool


class Batch(NamedTuple):
    """Lines that are looked at together, in line order."""

    lines: Sequence[Line]
    wanted: Wanted


class Seen(NamedTuple):
    """A sound line's digests of 8 bytes: of the whole conversation, and of the prompt alone."""

    line: int
    whole: bytes
    prompt: bytes


@dataclass
class Looked:
    """What a chunk of lines came to. ``counted`` says how many rows ``tokens`` are of, ``longest`` is in tokens."""

    tally: Tally = field(default_factory=Tally)
    seen: list[Seen] = field(default_factory=list)
    tokens: int = 0
    longest: int = 0
    counted: int = 0
    exact: bool = True


def look_at(batch: Batch) -> Looked:
    """Look at lines, each by itself; faults come in line order."""
    looked, wanted = Looked(), batch.wanted
    for line in batch.lines:
        _blank(line, looked.tally)
        try:
            value = parse_line(line)
        except BrokenLineError as problem:
            looked.tally.add(_at(problem.fault, line.number))
            continue
        looked.tally.add(*(_at(fault, line.number) for fault in _faults(value, line, wanted, looked)))
    return looked


def said_in(value: Mapping[str, Any], name: str) -> Spoken | None:
    """What a line in a format says; None where it breaks the format's rules."""
    form = FORMATS[name]
    return None if any(fault.severity == "error" for fault in form.check(value)) else form.read(value)


def seen_in(said: Spoken, line: int) -> Seen:
    """The digests of what a line says."""
    prompt = blake2b(digest_size=_DIGEST)
    for message in said.prompt:
        prompt.update(f"{message.role}\0{message.content}\0".encode())
    whole = prompt.copy()
    whole.update(f"{said.answer}\0{said.rejected}".encode())
    return Seen(line, whole.digest(), prompt.digest())


def _faults(value: dict[str, Any], line: Line, wanted: Wanted, looked: Looked) -> Iterator[Fault]:
    name = detect(value)
    if not wanted.format or (name is None and not FORMATS[wanted.format].marks & value.keys()):
        hint = f"Known are {', '.join(FORMATS)}."
        yield Fault("format.unknown", "error", "The line is in no format that is known here.", hint)
        return
    if name != wanted.format:
        hint = "Keep one format in a file."
        yield Fault("format.mixed", "error", f"The line is {name}, the file {wanted.format}.", hint)
        return
    form = FORMATS[wanted.format]
    broken = form.check(value)
    yield from broken
    if any(fault.severity == "error" for fault in broken):
        return
    said = form.read(value)
    looked.seen.append(seen_in(said, line.number))
    yield from _length(said, line, wanted, looked)
    if wanted.music:
        yield from answer_faults(said.answer, request_in(said.prompt))
        yield from rejected_faults(said.rejected) if form.kind == "pair" else ()


def _length(said: Spoken, line: Line, wanted: Wanted, looked: Looked) -> Iterator[Fault]:
    """Counts a row where that is wanted; no token is shorter than a byte, so many rows need no counting."""
    size = len(line.data or b"")
    if not wanted.music and (wanted.limit is None or size <= wanted.limit):
        return
    count = row_tokens(said, wanted.model)
    looked.counted += 1
    looked.tokens += count.tokens
    looked.longest = max(looked.longest, count.tokens)
    looked.exact &= count.exact
    if wanted.limit is not None and count.tokens > wanted.limit:
        hint = "Providers cut it off at the end without a word: leave it out, or show fewer examples."
        yield Fault("row.tokens", "error", f"The row has {count}; {wanted.model} takes {wanted.limit:,}.", hint)


def row_tokens(said: Spoken, model: str) -> Count:
    """The tokens of the longest conversation that a line makes, the answer and its frame included."""
    prompt = count_messages(said.prompt, model)
    answers = [count_tokens(text, model) for text in (said.answer, said.rejected) if text]
    longest = max((count.tokens for count in answers), default=0)
    return Count(prompt.tokens + longest + 4, prompt.exact and all(count.exact for count in answers))


def _blank(line: Line, tally: Tally) -> None:
    first = line.number - line.blank
    for number in range(first, first + min(line.blank, MAX_TOLD)):
        tally.add(Fault("line.empty", "error", "The line is empty.", "Take it out.", line=number))
    if line.blank > MAX_TOLD:
        tally.counts["line.empty", "error"] += line.blank - MAX_TOLD


def _at(fault: Fault, line: int) -> Fault:
    return Fault(fault.check, fault.severity, fault.message, fault.hint, fault.key, line)
