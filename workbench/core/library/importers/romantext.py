"""RomanText (``.rntxt``), the plain text of Roman-numeral analyses (Tymoczko, Gotham, Cuthbert and Ariza, ISMIR 2019).

music21's tokenizer takes the lines apart; this module follows keys, beats and copied bars through them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.analysis import (
    MAX_BARS,
    Analysis,
    Bar,
    Break,
    Fact,
    Imported,
    Source,
    WrittenChord,
)
from workbench.core.library.importers.assembly import Period, assemble
from workbench.core.library.importers.facts import piece_of
from workbench.core.library.importers.registry import File, ImportedPiece, importer
from workbench.core.library.importers.texts import decoded
from workbench.core.library.importers.timing import bar_of
from workbench.core.music.keys import Key, make_key
from workbench.core.music.pitches import parse_pitch_class
from workbench.core.music.reading import MAX_BYTES

MAX_LINES = 6000
MAX_ANALYSIS = 400_000
"""Bytes of a file; the longest movement's analysis has sixty thousand."""
_BAR = re.compile(r"^m\d{1,5}\S*\s", re.MULTILINE)
_HINT = "Write RomanText: a line 'Time Signature: 4/4', then bars such as 'm1 C: I b3 V6/5'."
_KEY = re.compile(r"^([A-Ga-g])(b{0,2}|#{0,2}|-{0,2})$")
_METER = re.compile(r"^(\d{1,2})/(1|2|4|8|16)$")
_WORDS = {"c": "4/4", "common": "4/4", "cut": "2/2", "c|": "2/2"}


def read_romantext(text: str, *, title: str | None = None, period: Period | None = None) -> Imported:
    """Read a RomanText analysis into a structure.

    Raises:
        InputTooLargeError: over 1 MB, 6,000 lines or 2,000 bars.
        InvalidInputError: not RomanText, or music that a structure cannot hold.
    """
    return assemble(parse_romantext(text, title=title), period=period)


def parse_romantext(text: str, *, title: str | None = None) -> Analysis:
    """Read a RomanText analysis as it stands: numerals in their local keys, bar by bar.

    Raises:
        InputTooLargeError: over 1 MB, 6,000 lines or 2,000 bars.
        InvalidInputError: not RomanText.
    """
    if len(text) > MAX_BYTES or text.count("\n") > MAX_LINES:
        raise InputTooLargeError(
            f"The analysis has {len(text):,} characters; at most {MAX_BYTES:,} in {MAX_LINES:,} lines are read.",
            hint="Import one movement at a time.",
        )
    reader = _Reader()
    try:
        for token in _tokens(text):
            reader.read(token)
    except (ValueError, ZeroDivisionError, OverflowError) as problem:
        raise InvalidInputError(f"The analysis cannot be read: {str(problem)[:120]}.", hint=_HINT) from problem
    return reader.analysis(title)


def _tokens(text: str) -> list[Any]:
    from music21.exceptions21 import Music21Exception
    from music21.romanText import rtObjects

    handler = rtObjects.RTHandler()
    try:
        handler.process(text.replace("\r\n", "\n").replace("\t", " ").lstrip("\ufeff"))
    except (Music21Exception, ValueError, IndexError, TypeError, AttributeError) as problem:
        raise InvalidInputError("This is not a RomanText analysis: no bar could be read.", hint=_HINT) from problem
    tokens: list[Any] = handler.tokens
    return tokens


class _Content(NamedTuple):
    """A bar as it is written, kept so that it can be copied: atoms with the beat they stand on."""

    atoms: tuple[tuple[str, str], ...]
    meter: str


class _Reader:
    """Follows a file from line to line: the meter and the key that hold, the bars so far."""

    def __init__(self) -> None:
        self.header: dict[str, str] = {}
        self.meter = ""
        self.key: Key | None = None
        self.bars: list[Bar] = []
        self.meters: list[str] = []
        self.written: dict[int, _Content] = {}
        self.notes: dict[str, None] = {}
        self.number = -1
        self.movements = 0

    def read(self, token: Any) -> None:
        if self.movements > 1:
            return
        if token.isMeasure():
            self._measure(token)
            return
        tag, data = str(token.tag).strip().lower(), str(token.data).strip()
        if tag.replace(" ", "") == "timesignature":
            self.meter = _meter(data)
        elif tag == "movement":
            self.movements += 1
            if self.movements > 1 and self.bars:
                self._note("Only the first movement is read.")
                return
            self.movements = 1
        if tag and data:
            self.header.setdefault(tag, data)

    def _note(self, text: str) -> None:
        self.notes[text] = None

    def _measure(self, token: Any) -> None:
        if token.variantNumber is not None or token.variantLetter is not None:
            self._note("Variant readings are left out.")
            return
        first, last = int(token.number[0]), int(token.number[-1])
        if last > MAX_BARS or first - self.number > MAX_BARS:
            raise InputTooLargeError(f"Bar {last} is past bar {MAX_BARS}.", hint="Import one movement at a time.")
        if not self.meter:
            self.meter = "4/4"
            self._note("No time signature is given: 4/4 is assumed.")
        if first <= self.number and self.bars:
            if any(token.repeatLetter) and first == self.number:
                self._note("Of different endings the last one is kept.")
                self.bars.pop()
                self.meters.pop()
            elif first < self.number:
                self._note("Bars that come twice (other endings, wrong numbers) are left out from the second time on.")
                return
        for number in range(self.number + 1 if self.bars else first, first):
            self._add(number, _Content((), self.meter))
        if token.isCopyDefinition:
            sources, _ = token.getCopyTarget()
            if last - first != sources[-1] - sources[0]:
                raise ValueError(f"m{first}-{last} copies a different number of bars")
            for number in range(first, last + 1):
                copied = self.written.get(sources[0] + number - first)
                if copied is None:
                    raise ValueError(f"m{number} copies a bar that is not there")
                self._add(number, copied)
            return
        self._add(first, _Content(tuple((type(atom).__name__, str(atom.src)) for atom in token.atoms), self.meter))
        for number in range(first + 1, last + 1):
            self._add(number, _Content((), self.meter))

    def _add(self, number: int, content: _Content) -> None:
        if len(self.bars) > MAX_BARS:
            raise InputTooLargeError(f"There are more than {MAX_BARS} bars.", hint="Import one movement at a time.")
        self.number = number
        self.written[number] = content
        self.meters.append(content.meter)
        self.bars.append(self._bar(number, content))

    def _bar(self, number: int, content: _Content) -> Bar:
        chords: dict[Fraction, WrittenChord] = {}
        breaks: list[Break] = []
        pending: list[bool] = []
        length, at, optional = bar_of(content.meter), Fraction(0), False
        for kind, source in content.atoms:
            if kind == "RTOptionalKeyOpen":
                optional = True
                self._note("Passages read in two keys are kept in the first.")
            elif kind == "RTOptionalKeyClose":
                optional = False
            elif kind == "RTBeat":
                at = _offset(source, content.meter)
                if at >= length:
                    raise ValueError(f"m{number} has no beat {source[:8]} in {content.meter}")
                breaks += [Break(at, part) for part in pending]
                pending = []
            elif kind in {"RTKey", "RTAnalyticKey"}:
                self.key = self.key if optional else _key(source)
            elif kind in {"RTPhraseBoundary", "RTRepeatStop"}:
                ends_part = kind == "RTRepeatStop"
                if at in chords:
                    pending.append(ends_part)
                else:
                    breaks.append(Break(at, ends_part))
            elif kind == "RTChord" and not optional:
                if self.key is None:
                    raise ValueError(f"m{number} has a chord before any key")
                chords[at] = WrittenChord(at, source[:41], self.key)  # a pivot's second reading takes its place
        breaks += [Break(length, part) for part in pending]
        return Bar(str(number), length, tuple(chords[place] for place in sorted(chords)), tuple(breaks))

    def analysis(self, title: str | None) -> Analysis:
        """What has been read, with the meter that most bars have."""
        if not self.bars:
            raise InvalidInputError("This is not a RomanText analysis: it has no bars.", hint=_HINT)
        if "seventh minor" in self.header or "sixth minor" in self.header:
            self._note("vi and vii in minor are read by their quality, whatever the file prefers.")
        meter = Counter(self.meters).most_common(1)[0][0]
        if len(set(self.meters)) > 1:
            self._note(f"The meter changes: {meter} is kept throughout.")
        header = self.header
        form = header.get("form", "") or ("madrigal" if "madrigal" in header else "")
        source = Source(
            title=title or header.get("title") or header.get("piece") or header.get("work") or "",
            composer=header.get("composer", ""),
            analyst=header.get("analyst", ""),
            form=form,
            licence=header.get("license", "") or header.get("licence", "") or header.get("rights", ""),
            format="RomanText",
        )
        return Analysis(source, meter, tuple(self.bars), tuple(self.notes))


def _meter(text: str) -> str:
    name = _WORDS.get(text.lower(), text.replace(" ", ""))
    match = _METER.match(name)
    if match is None or not 1 <= int(match[1]) <= 16:
        raise ValueError(f"{text[:20]!r} is not a time signature")
    return name


@lru_cache(maxsize=4096)
def _offset(beat: str, meter: str) -> Fraction:
    """Where a beat such as ``b2.5`` lies, in quarters from the downbeat."""
    from music21 import meter as m21meter
    from music21.exceptions21 import Music21Exception
    from music21.romanText import rtObjects

    try:
        value = Fraction(rtObjects.RTBeat(beat).getBeatFloatOrFrac()).limit_denominator(48)
    except (Music21Exception, IndexError) as problem:
        raise ValueError(f"{beat[:12]!r} is no beat") from problem
    signature = m21meter.TimeSignature(meter)
    return (value - 1) * Fraction(signature.beatDuration.quarterLength)


def _key(text: str) -> Key:
    match = _KEY.match(text.rstrip(";:"))
    if match is None:
        raise ValueError(f"{text[:12]!r} is not a key")
    tonic = parse_pitch_class(match[1].upper() + match[2].replace("-", "b"))
    return make_key(tonic, "minor" if match[1].islower() else "major")


def _looks(file: File) -> bool:
    head = file.text_head
    return bool(_BAR.search(head)) and "\t" not in head.split("\n", 1)[0] and head.lstrip()[:1] not in ("<", "{", "[")


@importer(
    "romantext",
    endings=(".rntxt", ".romantext", ".rntext", ".txt"),
    title="a RomanText analysis",
    most=MAX_ANALYSIS,
    looks=_looks,
)
def import_romantext(file: File) -> Iterator[ImportedPiece]:
    """One analysis."""
    analysis = parse_romantext(decoded(file.data))
    guesses = []
    if any(note.startswith("No time signature") for note in analysis.notes):
        guesses.append(Fact("meter", analysis.meter, "No time signature is written: 4/4 is assumed.", 0.5))
    if not analysis.source.title:
        guesses.append(Fact("title", file.stem, "The file names no title: it is the file's name.", 0.5))
        analysis = analysis._replace(source=analysis.source._replace(title=file.stem))
    analysis = analysis._replace(guesses=tuple(guesses))
    yield piece_of("romantext", file, analysis, assemble(analysis))
