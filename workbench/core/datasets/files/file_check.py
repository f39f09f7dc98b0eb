"""Checking a file of training rows from anywhere, line by line and in constant memory.

This process reads and gathers; where music is checked in a large file, worker processes look at the lines.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from workbench.core.datasets.building.processes import spread
from workbench.core.datasets.costs import limit_of
from workbench.core.datasets.faults import MAX_TOLD, Fault, Tally
from workbench.core.datasets.files.formats import FORMATS, detect, file_faults, format_of
from workbench.core.datasets.files.line_check import Batch, Looked, Wanted, look_at
from workbench.core.datasets.files.lines import BrokenLineError, Line, Lines, opened, parse_line
from workbench.core.datasets.files.overlap import Twice

MODEL = "gpt-4.1-mini"
CHUNK_BYTES, CHUNK_LINES = 1 << 18, 256
SMALL = 2_000_000
"""Bytes: for less it is not worth starting processes."""

Source = BinaryIO | Path | str


@dataclass
class FileReport:
    """What was found in a file. ``rows`` counts the lines with something in them, ``size`` the bytes.

    ``tokens`` and ``longest`` are of the ``counted`` rows: all sound ones where music was checked, else those so long
    that they may be over ``limit``. ``exact`` is False where the tokens are an estimate.
    """

    name: str
    format: str = ""
    model: str = MODEL
    limit: int | None = None
    music: bool = True
    rows: int = 0
    size: int = 0
    sound: int = 0
    counted: int = 0
    tokens: int = 0
    longest: int = 0
    exact: bool = True
    tally: Tally = field(default_factory=Tally)

    @property
    def errors(self) -> int:
        """How many errors there were."""
        return self.tally.errors

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        plain = {name: value for name, value in self.__dict__.items() if name != "tally"}
        return {**plain, **self.tally.to_dict()}


def check_file(
    source: Source, *, format: str = "", model: str = MODEL, max_tokens: int = 0, music: bool = True,
    processes: int | None = None, progress: Callable[[int], None] = lambda _bytes: None, name: str = "",
) -> FileReport:  # fmt: skip
    """Check every line of a file, a binary stream or a path, and the file as a whole.

    ``format`` is told by the first line that is in a known one where it is not given. ``max_tokens`` is the longest
    row, 0 for the model's own limit. ``processes`` is how many look at the lines beside this one; None decides by the
    file's size. ``progress`` is called with the bytes that are done; an error that it raises ends the check. ``name``
    is the file's, for a stream.

    Raises:
        InvalidInputError: no such format, or the file cannot be read.
        WorkbenchError: a worker process died.
    """
    if format:
        format_of(format)
    limit = max_tokens or limit_of(model)
    name = name or (Path(source).name if isinstance(source, str | Path) else "")
    report = FileReport(name, format, model, limit, music)
    with opened(source) as stream:
        workers = _workers(stream, processes, music)
        lines = Lines(stream)
        twice = Twice()
        for batch, looked in spread(look_at, _batches(_chunks(lines), report), workers):
            if batch.lines[0].number == lines.first:
                _beginning(lines, report.tally)
            _gather(report, looked, twice)
            progress(lines.size)
    _ending(lines, report)
    return report


def _workers(stream: BinaryIO, processes: int | None, music: bool) -> int:
    if processes is not None:
        return max(0, processes)
    return 0 if not music or _is_small(stream) else os.cpu_count() or 1


def _is_small(stream: BinaryIO) -> bool:
    try:
        here = stream.tell()
        size = stream.seek(0, os.SEEK_END) - here
        stream.seek(here)
    except OSError:  # a pipe, of any length
        return False
    return size < SMALL


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line.data or b"")
        if size >= CHUNK_BYTES or len(chunk) >= CHUNK_LINES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _batches(chunks: Iterable[list[Line]], report: FileReport) -> Iterator[Batch]:
    """Each chunk with how it is to be looked at; the first line in a known format decides for all after it."""
    for chunk in chunks:
        report.format = report.format or _first_format(chunk)
        yield Batch(chunk, Wanted(report.format, report.model, report.limit, report.music))


def _first_format(chunk: list[Line]) -> str:
    for line in chunk:
        try:
            name = detect(parse_line(line))
        except BrokenLineError:
            continue
        if name:
            return name
    return ""


def _gather(report: FileReport, looked: Looked, twice: Twice) -> None:
    """Take in what a chunk came to, with the lines that say what was said before."""
    repeated = [fault for seen in looked.seen if (fault := twice.find(seen))]
    merged = sorted([*looked.tally.told, *repeated], key=lambda fault: fault.line or 0)
    counts = looked.tally.counts
    counts.update((fault.check, fault.severity) for fault in repeated)
    report.tally.merge(Tally(merged[:MAX_TOLD], counts))
    report.sound += len(looked.seen)
    report.counted += looked.counted
    report.tokens += looked.tokens
    report.longest = max(report.longest, looked.longest)
    report.exact &= looked.exact


def _beginning(lines: Lines, tally: Tally) -> None:
    if lines.bom:
        hint = "Save the file as UTF-8 without it."
        tally.add(Fault("file.bom", "warning", "The file begins with a byte order mark.", hint, line=1))
    if lines.wide:
        tally.add(Fault("file.encoding", "error", "The file is UTF-16 text.", "Save it as UTF-8.", line=1))


def _ending(lines: Lines, report: FileReport) -> None:
    """What is said of the whole file when all of it was read."""
    report.rows, report.size = lines.rows, lines.size
    if not lines.rows:
        _beginning(lines, report.tally)
        report.tally.add(Fault("file.rows", "error", "The file has no rows.", "Give one with a row on each line."))
        return
    if lines.returns:
        message = f"{lines.returns:,} line{' ends' if lines.returns == 1 else 's end'} in CR LF."
        report.tally.add(Fault("file.crlf", "warning", message, "Save the file with LF alone."))
    if report.format:
        report.tally.add(*file_faults(FORMATS[report.format], rows=lines.rows, size=lines.size, name=report.name))
