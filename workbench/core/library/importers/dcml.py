"""DCML harmony tables (``.harmonies.tsv``) and note tables (``.notes.tsv``).

The annotation standard of the Digital and Cognitive Musicology Lab (Neuwirth et al., "The Annotated Beethoven Corpus",
2018; Hentschel et al., "The Annotated Mozart Sonatas", 2021). Onsets are fractions of a whole note there.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

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
from workbench.core.library.importers.registry import HEAD, File, ImportedPiece, importer
from workbench.core.library.importers.texts import decoded, file_name, stem_of
from workbench.core.library.importers.timing import bar_of
from workbench.core.library.importers.tunes import TuneNote, with_melody
from workbench.core.music.cadences import CADENCE_TYPES, CadenceType
from workbench.core.music.keys import Key, make_key, parse_key

MAX_TABLE = 10_000_000
"""Characters of a note table; a long movement has three million."""
MAX_ROWS = 20_000
"""Rows of a harmony table; a long movement has two thousand."""
MAX_NOTE_ROWS = 60_000
LICENCE = "CC-BY-NC-SA-4.0"
"""What the DCML corpora are published under."""
_HARMONY = ("mn", "mn_onset", "timesig", "globalkey", "localkey", "chord", "cadence", "phraseend")
_NOTES = ("mn", "mn_onset", "duration_qb", "staff", "midi", "tpc")
_HINT = "Give a .harmonies.tsv as the DCML corpora have it, with its header line."
_NUMBER = re.compile(r"-?\d{1,6}(?:/\d{1,6}|\.\d{1,20})?")
_LOCAL = re.compile(r"^([b#]{0,2})(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)$")
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii")
Row = dict[str, str]


def read_dcml(
    harmonies: str,
    notes: str | None = None,
    *,
    title: str = "",
    composer: str = "",
    period: Period | None = None,
) -> Imported:
    """Read a DCML harmony table into a structure; ``notes``, the table of notes, gives it its tune.

    A tune that cannot be laid over the harmony is left out, with a note.

    Raises:
        InputTooLargeError: a table over 10 million characters or 20,000 rows (of notes 60,000), or over 2,000 bars.
        InvalidInputError: not such a table, or music that a structure cannot hold.
    """
    imported = assemble(parse_dcml(harmonies, title=title, composer=composer), period=period)
    return imported if notes is None else _sung(imported, notes)


def _sung(imported: Imported, notes: str) -> Imported:
    try:
        return with_melody(imported, *_tunes(notes, imported))
    except InputTooLargeError:
        raise
    except InvalidInputError as problem:
        return imported._replace(notes=(*imported.notes, f"The tune is left out: {problem.message}"))


def parse_dcml(harmonies: str, *, title: str = "", composer: str = "") -> Analysis:
    """Read a DCML harmony table as it stands.

    Raises:
        InputTooLargeError: over 10 million characters, 20,000 rows or 2,000 bars.
        InvalidInputError: not such a table.
    """
    rows, kept = _last_endings(_table(harmonies, _HARMONY, MAX_ROWS))
    told = ["Of different endings the last one is kept."] if kept else []
    unnamed = sorted({(row["cadence"], row["mn"]) for row in rows if row["cadence"] not in ("", *CADENCE_TYPES)})
    if unnamed:
        shown = ", ".join(f"{label[:8]} in bar {bar[:8]}" for label, bar in unnamed[:8])
        told.append(f"{len(unnamed)} × a close that has no name here: {shown}.")
    try:
        home = parse_key(rows[0]["globalkey"])
        bars, meters = _bars(rows)
    except (ValueError, ZeroDivisionError, OverflowError) as problem:
        raise InvalidInputError(f"The table cannot be read: {str(problem)[:120]}.", hint=_HINT) from problem
    meter = Counter(meters).most_common(1)[0][0]
    if len(set(meters)) > 1:
        told.append(f"The meter changes: {meter} is kept throughout.")
    source = Source(title=title, composer=composer, format="DCML")
    return Analysis(source, meter, tuple(bars), tuple(told), home=home, keys_hold=True)


def _table(text: str, columns: tuple[str, ...], most: int) -> list[Row]:
    if len(text) > MAX_TABLE:
        raise InputTooLargeError(
            f"The table has {len(text):,} characters; at most {MAX_TABLE:,} are read.", hint="Import one movement."
        )
    try:
        reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise InvalidInputError(f"The table has no column {missing[0]!r}.", hint=_HINT)
        rows: list[Row] = []
        for row in reader:
            rows.append({name: value or "" for name, value in row.items() if isinstance(name, str)})
            if len(rows) > most:
                raise InputTooLargeError(f"The table has over {most:,} rows.", hint="Import one movement.")
    except csv.Error as problem:
        raise InvalidInputError(f"This is not a table: {problem}.", hint=_HINT) from problem
    if not rows:
        raise InvalidInputError("The table has no rows.", hint=_HINT)
    return rows


def _last_endings(rows: list[Row]) -> tuple[list[Row], bool]:
    """The rows without the endings that a repeat passes first."""
    last = max((row.get("volta", "") for row in rows), default="")
    kept = [row for row in rows if row.get("volta", "") in ("", last)]
    return kept, len(kept) < len(rows)


def _bars(rows: list[Row]) -> tuple[list[Bar], list[str]]:
    first = int(rows[0]["mn"])
    last = max(int(row["mn"]) for row in rows)
    if last - first > MAX_BARS or first < 0:
        raise InputTooLargeError(f"Bar {last} is past bar {MAX_BARS}.", hint="Import one movement at a time.")
    chords: dict[int, dict[Fraction, WrittenChord]] = {}
    breaks: dict[int, list[Break]] = {}
    meters: dict[int, str] = {}
    starts = _phrase_starts(rows)
    sounding = ""
    for index, row in enumerate(rows):
        number, offset = int(row["mn"]), 4 * _fraction(row["mn_onset"] or "0")
        meter = meters.setdefault(number, _meter(row["timesig"]))
        if not 0 <= offset < bar_of(meter):
            raise ValueError(f"bar {number} has no place {row['mn_onset'][:8]} in {meter}")
        if index in starts:
            breaks.setdefault(number, []).append(Break(offset))
        sounding = row["chord"].strip() or (sounding if row["cadence"] else "")
        if sounding and sounding != "@none":
            key = _local_key(row["globalkey"], row["localkey"])
            written = WrittenChord(offset, _figure(sounding, key), key, _cadence(row["cadence"], sounding, key))
            chords.setdefault(number, {})[offset] = written
    bars, meter = [], meters[first]
    for number in range(first, last + 1):
        meter = meters.get(number, meter)
        inside = chords.get(number, {})
        own = tuple(inside[offset] for offset in sorted(inside))
        bars.append(Bar(str(number), bar_of(meter), own, tuple(breaks.get(number, ()))))
    return bars, [meters.get(bar, meter) for bar in range(first, last + 1)]


def _phrase_starts(rows: list[Row]) -> set[int]:
    """The rows that phrases begin with.

    A phrase ends with the row that bears its mark, or with the cadence that is named soon after the mark. One that
    closes with no cadence as the next begins (``}{``) ends before that row. A cadence inside a phrase ends a phrase
    too: a structure names cadences nowhere else. What lies between an end and the next beginning (``{``) stands alone.
    """
    starts = {index for index, row in enumerate(rows) if row["phraseend"] == "{"}
    awaited = False
    for index, row in enumerate(rows):
        named, mark = row["cadence"] in CADENCE_TYPES, row["phraseend"]
        if named:
            starts.add(index + 1)
            awaited = False
        elif mark not in ("", "{"):
            if "{" in mark:
                starts.add(index)
            else:
                awaited = True
        if awaited and (index + 1 == len(rows) or rows[index + 1]["phraseend"] or not _cadence_ahead(rows, index)):
            starts.add(index + 1)
            awaited = False
    return starts


def _cadence_ahead(rows: list[Row], index: int) -> bool:
    """Whether a cadence is named before the next mark, within a bar."""
    for row in rows[index + 1 : index + 9]:
        if row["phraseend"]:
            return False
        if row["cadence"] in CADENCE_TYPES:
            return int(row["mn"]) - int(rows[index]["mn"]) <= 1
    return False


def _fraction(text: str) -> Fraction:
    """A number such as ``3/16`` or ``0.75``. Python would take minutes over ``1e99999999``."""
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{text[:12]!r} is no length")
    return Fraction(text.strip()).limit_denominator(10_000)


def _meter(text: str) -> str:
    if not re.fullmatch(r"\d{1,2}/(1|2|4|8|16)", text.strip()) or text.startswith("0"):
        raise ValueError(f"{text[:12]!r} is not a time signature")
    return text.strip()


def _local_key(home: str, local: str) -> Key:
    """The key that a numeral of the home key names: ``vi`` of C major is a minor, ``V/V`` is read from the right."""
    key = parse_key(home)
    for numeral in reversed(local.split("/")):
        match = _LOCAL.match(numeral.strip())
        if match is None:
            raise ValueError(f"{local[:12]!r} is not a local key")
        alter = match[1].count("#") - match[1].count("b")
        tonic = key.scale[_ROMAN.index(match[2].lower())] + 7 * alter
        key = make_key(tonic, "minor" if match[2].islower() else "major")
    return key


def _figure(chord: str, key: Key) -> str:
    """A DCML chord as RomanText writes it: ``V(64)`` is the tonic six-four, ``%`` half-diminished, brackets kept."""
    if chord.startswith("V(64)") and "/" not in chord:
        return "i64" if key.is_minor else "I64"
    return chord.replace("%", "ø")


def _cadence(label: str, chord: str, key: Key) -> CadenceType | None:
    if label == "PAC" and key.is_minor and chord.startswith("I") and not chord.startswith(("II", "IV", "It")):
        return "PICARDY"
    return next((known for known in CADENCE_TYPES if known == label), None)


def _tunes(text: str, imported: Imported) -> list[list[TuneNote]]:
    """The notes of each stave but the lowest, the upper stave first; of one stave alone, its own."""
    rows, _ = _last_endings(_table(text, _NOTES, MAX_NOTE_ROWS))
    staves: dict[int, list[TuneNote]] = {}
    sounding: dict[tuple[int, int], int] = {}
    try:
        for row in rows:
            start = imported.timeline.bars.get(row["mn"])
            if start is None or row.get("gracenote"):
                continue
            onset, length = start + 4 * _fraction(row["mn_onset"] or "0"), _fraction(row["duration_qb"])
            stave, midi, tpc = int(row["staff"]), int(row["midi"]), int(row["tpc"])
            if not (0 <= midi <= 127 and -20 <= tpc <= 20 and 0 <= length <= 1000 and 1 <= stave <= 64):
                raise ValueError(f"{midi} is no pitch")
            tune = staves.setdefault(stave, [])
            if row.get("tied", "") in ("0", "-1") and (stave, midi) in sounding:
                held = tune[sounding[stave, midi]]
                tune[sounding[stave, midi]] = held._replace(duration=onset + length - held.onset)
            else:
                sounding[stave, midi] = len(tune)
                tune.append(TuneNote(onset, length, midi, tpc))
    except (ValueError, ZeroDivisionError, OverflowError) as problem:
        raise InvalidInputError(f"The note table cannot be read: {str(problem)[:120]}.", hint=_HINT) from problem
    return [staves[stave] for stave in sorted(staves)[: max(1, len(staves) - 1)]]


def _looks(file: File) -> bool:
    head = file.text_head.split("\n", 1)[0].rstrip("\r").split("\t")
    return {"mn", "localkey"} <= set(head) or {"mn", "midi"} <= set(head)


@importer(
    "dcml", endings=(".harmonies.tsv", ".notes.tsv", ".tsv"), title="a DCML harmony table", most=MAX_TABLE, looks=_looks
)
def import_dcml(file: File) -> Iterator[ImportedPiece]:
    """One movement, with its tune where the notes table of the same name lies beside it."""
    text = decoded(file.data)
    if "localkey" not in text[:HEAD].split("\n", 1)[0]:
        raise InvalidInputError(
            "This is a table of notes, without harmony.", hint="Give it beside the .harmonies.tsv of the same name."
        )
    analysis = parse_dcml(text, title=file.stem)
    licence = Fact("licence", LICENCE, f"The DCML corpora are published under {LICENCE}.", 0.8)
    title = Fact("title", file.stem, "The table names no title: it is the file's name.", 0.5)
    source = analysis.source._replace(licence=LICENCE)
    analysis = analysis._replace(source=source, guesses=(licence, title))
    imported = assemble(analysis)
    for name, data in file.companions.items():
        if file_name(name).lower().endswith(".tsv") and stem_of(name) == file.stem:
            imported = _sung(imported, decoded(data))
            break
    yield piece_of("dcml", file, analysis, imported)
