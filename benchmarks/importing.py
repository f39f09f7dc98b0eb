"""How fast files come in: analyses by the thousand, a movement in score, and a file that means ill.

The target for analyses is 1,000 files in two minutes; a handful of real ones is measured, and its share of that time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from workbench.core.errors import InvalidInputError
from workbench.core.library.importers import Arrived, import_many, read_any
from workbench.core.library.importers.romantext import parse_romantext

MANY = 20
"""Files in one measurement, spread over all that music21 carries."""
EACH = 120 / 1000
"""Seconds for a file: a thousand in two minutes."""
_COLUMNS = ("mc", "mn", "mn_onset", "timesig", "volta", "globalkey", "localkey", "chord", "cadence", "phraseend")


@cache
def _corpus() -> dict[str, Path]:
    from music21 import corpus

    return {str(path).replace("\\", "/").partition("/corpus/")[2]: path for path in sorted(corpus.getCorePaths())}


@cache
def _analyses() -> tuple[tuple[str, bytes], ...]:
    paths = [path for name, path in _corpus().items() if name.endswith(".rntxt")]
    return tuple((path.name, path.read_bytes()) for path in paths[:: max(1, len(paths) // MANY)][:MANY])


@cache
def _tables() -> tuple[tuple[str, bytes], ...]:
    """The same analyses as DCML tables."""
    return tuple((f"{name}.harmonies.tsv", _table(data.decode())) for name, data in _analyses())


def _table(text: str) -> bytes:
    analysis = parse_romantext(text)
    lines = ["\t".join(_COLUMNS)]
    for bar in analysis.bars:
        ends = "}" if bar.breaks else ""
        for chord in bar.chords:
            key = chord.key.name.split()[0]
            local, offset = ("i" if chord.key.is_minor else "I"), str(chord.offset / 4)
            row = (bar.name, bar.name, offset, analysis.meter, "", key, local, chord.figure, "", ends)
            lines.append("\t".join(row))
    return ("\n".join(lines) + "\n").encode()


def _all(files: tuple[tuple[str, bytes], ...]) -> Callable[[], object]:
    def call() -> object:
        return [outcome for outcome in import_many(files) if isinstance(outcome, Arrived)]

    return call


def _one(name: str) -> Callable[[], object]:
    path = _corpus()[name]
    data = path.read_bytes()
    return lambda: read_any(path.name, data)


def _refused(name: str, data: bytes) -> Callable[[], object]:
    def call() -> object:
        try:
            return read_any(name, data)
        except InvalidInputError as problem:
            return problem

    return call


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds."""
    notes = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>" * 90_000
    flood = f"<score-partwise><part><measure>{notes}</measure></part></score-partwise>".encode()
    return [
        (f"{MANY} RomanText files imported", _all(_analyses()), MANY * EACH),
        (f"{MANY} DCML tables imported", _all(_tables()), MANY * EACH),
        ("a chorale in score imported", _one("bach/bwv269.mxl"), 0.5),
        ("a quartet movement of 281 bars imported", _one("mozart/k458/movement1.mxl"), 3.0),
        ("90,000 notes in one bar refused", _refused("x.musicxml", flood), 2.0),
        ("100 MB refused", _refused("x.mid", bytes(100_000_000)), 0.1),
    ]
