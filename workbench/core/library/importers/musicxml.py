"""MusicXML, also compressed: scores from any notation program.

Read straight from the elements: of a score in common notation we need bars, notes, signatures and marks, and can bound
what each may cost. Repeats are read once, of different endings the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple
from xml.etree.ElementTree import Element

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.analysis import MAX_BARS, Fact, Source
from workbench.core.library.importers.archives import score_in
from workbench.core.library.importers.listening import piece_of_score
from workbench.core.library.importers.musicxml_measures import Measure, PartReader
from workbench.core.library.importers.registry import File, ImportedPiece, importer
from workbench.core.library.importers.scores import (
    MELODIES,
    Part,
    ScoreBar,
    Signature,
    WrittenScore,
    refuse_unfit,
)
from workbench.core.library.importers.texts import MAX_LICENCE, shown
from workbench.core.library.importers.timing import bar_of
from workbench.core.library.importers.tunes import TuneNote
from workbench.core.library.importers.xml_reading import MAX_XML, parsed

MAX_PARTS = 64
OWN = "AIRIA Workbench"
"""What our own export calls itself: its key signatures name the mode."""
_HINT = "Give a score with bars, a time signature and notes, as a notation program exports it."


def _looks(file: File) -> bool:
    if file.data.startswith(b"PK\x03\x04"):
        return True
    head = file.text_head.lstrip()
    return head.startswith("<") and ("<score-partwise" in head or "<score-timewise" in head)


@importer("musicxml", endings=(".musicxml", ".mxl", ".xml"), title="MusicXML", most=MAX_XML, looks=_looks)
def import_musicxml(file: File) -> Iterator[ImportedPiece]:
    """One score."""
    data = score_in(file.data) if file.data.startswith(b"PK\x03\x04") else file.data
    yield piece_of_score("musicxml", file, read_musicxml(data))


def read_musicxml(data: bytes) -> WrittenScore:
    """The score of an uncompressed MusicXML file.

    Raises:
        InputTooLargeError: more bytes, elements, bars or notes than a movement has.
        InvalidInputError: no MusicXML, or a score without bars, meter or pitches.
    """
    root = _plain(parsed(data))
    names = {
        part.get("id", ""): shown(part.findtext("part-name") or "", 60)
        for part in root.findall("part-list/score-part")[:MAX_PARTS]
    }
    readers: list[PartReader] = []
    columns: list[tuple[str, list[Measure]]] = []
    for identity, elements in _parts(root):
        if len(elements) > MAX_BARS + 1:
            raise InputTooLargeError(f"The score has {len(elements):,} bars.", hint="Import one movement at a time.")
        reader = PartReader()
        readers.append(reader)
        columns.append((names.get(identity, ""), [reader.read(element) for element in elements]))
    if not columns or not columns[0][1]:
        raise InvalidInputError("The score has no bars.", hint=_HINT)
    return _score(root, columns, any(reader.has_unpitched for reader in readers))


def _plain(root: Element) -> Element:
    """The root, which has to be a score's.

    Raises:
        InvalidInputError: the document is something else.
    """
    if root.tag not in {"score-partwise", "score-timewise"}:
        raise InvalidInputError(f"The XML holds {shown(root.tag, 40)!r}, which is no MusicXML score.", hint=_HINT)
    return root


def _parts(root: Element) -> list[tuple[str, list[Element]]]:
    if root.tag == "score-partwise":
        return [(part.get("id", ""), part.findall("measure")) for part in root.findall("part")[:MAX_PARTS]]
    columns: dict[str, list[Element]] = {}
    for measure in root.findall("measure"):
        for part in measure.findall("part")[:MAX_PARTS]:
            part.attrib.update({name: value for name, value in measure.attrib.items() if name != "id"})
            columns.setdefault(part.get("id", ""), []).append(part)
    return list(columns.items())[:MAX_PARTS]


class _Row(NamedTuple):
    """A bar of the score: the indices of the measures that make it, where each begins in it, and the bar itself."""

    measures: tuple[tuple[int, Fraction], ...]
    bar: ScoreBar


def _score(root: Element, columns: Sequence[tuple[str, list[Measure]]], drums: bool) -> WrittenScore:
    count = max(len(measures) for _, measures in columns)
    heads = [[measures[index] for _, measures in columns if index < len(measures)] for index in range(count)]
    kept, told = _last_endings(heads)
    rows = _rows(heads, kept)
    starts = {index: row.bar.start + within for row in rows for index, within in row.measures}
    signatures, ends, pauses, headings = [], set(), set(), []
    for number, row in enumerate(rows):
        for index, _ in row.measures:
            first = heads[index][0]
            found = next((each.signature for each in heads[index] if each.signature), None)
            if found:
                signatures.append(Signature(starts[index], *found))
            if any(each.closes for each in heads[index]):
                ends.add(min(starts[index] + max(each.length for each in heads[index]), row.bar.start + row.bar.length))
            if any(each.opens for each in heads[index]) and starts[index]:
                ends.add(starts[index])
            pauses |= {starts[index] + pause for pause in first.pauses}
            headings += [(number, shown(text, 80)) for each in heads[index] for text in each.headings[:1]][:1]
    jumps = any(each.jumps for row in heads for each in row)
    told += ["A da capo or dal segno is not written out."] if jumps else []
    told += ["Percussion without pitches is left out."] if drums else []
    parts = [_part(name, measures, starts) for name, measures in columns]
    sounding = sorted((part for part in parts if part.notes), key=lambda part: not MELODIES.search(part.name))
    source, guesses = _source(root)
    software = {(each.text or "").strip() for each in root.findall("identification/encoding/software")}
    words = [word for row in heads[:3] for each in row for word in each.words]
    score = WrittenScore(
        source=source,
        bars=tuple(row.bar for row in rows),
        parts=tuple(sounding),
        signatures=tuple(signatures),
        ends=frozenset(ends),
        pauses=frozenset(pauses),
        headings=tuple(headings),
        tempo=next((each.tempo for row in heads for each in row if each.tempo), None),
        words=shown(" ".join(words), 200),
        exact_key=OWN in software,
        pick_up=bool(rows[0].measures[0][1]),
        guesses=guesses,
        notes=tuple(told),
    )
    refuse_unfit(score)
    return score


def _last_endings(heads: Sequence[Sequence[Measure]]) -> tuple[list[int], list[str]]:
    """The indices of the measures that are kept: of brackets that follow each other, the last one's."""
    kept = list(range(len(heads)))
    endings = [next((each.endings for each in row if each.endings), ()) for row in heads]
    dropped = set()
    for index, ending in enumerate(endings[:-1]):
        later = next((each for each in endings[index + 1 :] if each != ending), ())
        if ending and later:
            dropped.add(index)
    return [index for index in kept if index not in dropped], (
        ["Of different endings the last one is kept."] if dropped else []
    )


def _rows(heads: Sequence[Sequence[Measure]], kept: Sequence[int]) -> list[_Row]:
    """The bars: a pick-up at the end of its own, the two halves of a divided bar together.

    Raises:
        InvalidInputError: no meter.
    """
    meter = next((each.meter for row in heads for each in row if each.meter), "")
    if not meter:
        raise InvalidInputError("The score has no time signature.", hint=_HINT)
    rows: list[_Row] = []
    at, position = Fraction(0), 0
    while position < len(kept):
        index = kept[position]
        meter = next((each.meter for each in heads[index] if each.meter), meter)
        whole = bar_of(meter)
        held = max(each.length for each in heads[index])
        members = [(index, Fraction(0))]
        if held < whole and position == 0 and len(kept) > 1:
            members = [(index, whole - held)]
        elif 0 < held < whole and position + 1 < len(kept):
            after = kept[position + 1]
            rest = max(each.length for each in heads[after])
            new_meter = any(each.meter for each in heads[after])
            if held + rest == whole and not new_meter and (heads[after][0].implicit or not rows or rest < whole):
                members.append((after, held))
        length = max(whole, held) if len(members) == 1 else whole
        name = heads[index][0].number or str(len(rows) + 1)
        rows.append(_Row(tuple(members), ScoreBar(name, meter, at, length)))
        at += length
        position += len(members)
    return rows


def _part(name: str, measures: Sequence[Measure], starts: dict[int, Fraction]) -> Part:
    """The notes of a part, ties joined, and those of its leading voice."""
    notes: list[TuneNote] = []
    voices: list[tuple[int, str]] = []
    open_ties: dict[int, int] = {}
    bars: dict[tuple[int, str], set[int]] = {}
    for index, measure in enumerate(measures):
        if index not in starts:
            continue
        for sound in sorted(measure.sounds, key=lambda each: (each.onset, -each.midi)):
            onset = starts[index] + sound.onset
            held = open_ties.pop(sound.midi, None) if sound.tied_in else None
            if held is not None and notes[held].onset + notes[held].duration == onset:
                notes[held] = notes[held]._replace(duration=notes[held].duration + sound.duration)
            else:
                held = len(notes)
                notes.append(TuneNote(onset, sound.duration, sound.midi, sound.fifths))
                voices.append((sound.stave, sound.voice))
            if sound.tied_out:
                open_ties[sound.midi] = held
            bars.setdefault((sound.stave, sound.voice), set()).add(index)
    order = sorted(range(len(notes)), key=lambda number: (notes[number].onset, -notes[number].midi))
    leading = _leading(bars)
    tune = tuple(notes[number] for number in order if voices[number] in leading)
    return Part(name, tuple(notes[number] for number in order), tune)


def _leading(bars: dict[tuple[int, str], set[int]]) -> set[tuple[int, str]]:
    """The voice that leads: the first of the upper stave, where it sounds most of the time; else all of that stave."""
    if not bars:
        return set()
    top = min(stave for stave, _ in bars)
    upper = sorted((voice for voice in bars if voice[0] == top), key=lambda voice: (len(voice[1]), voice[1]))
    sounding = set().union(*(bars[voice] for voice in upper))
    return {upper[0]} if len(bars[upper[0]]) >= 0.6 * len(sounding) else set(upper)


def _source(root: Element) -> tuple[Source, tuple[Fact, ...]]:
    """Who and what the file names."""
    work = shown(root.findtext("work/work-title") or "")
    movement = shown(root.findtext("movement-title") or "")
    title = f"{work}: {movement}" if work and movement and movement not in work else work or movement
    guesses: list[Fact] = []
    if not title:
        large = [(float(w.get("font-size") or 0), w.text or "") for w in root.iter("credit-words") if _sized(w)]
        title = shown(max(large, default=(0, ""))[1])
        if title:
            guesses.append(Fact("title", title, "The title is the largest text on the first page.", 0.6))
    creators = {each.get("type", ""): shown(each.text or "") for each in root.findall("identification/creator")}
    rights = [shown(each.text or "", MAX_LICENCE) for each in root.findall("identification/rights")]
    return (
        Source(
            title=title,
            composer=creators.get("composer", "") or creators.get("", ""),
            licence=" ".join(filter(None, rights))[:MAX_LICENCE],
            format="MusicXML",
        ),
        tuple(guesses),
    )


def _sized(words: Element) -> bool:
    size = words.get("font-size") or "0"
    return size.replace(".", "", 1).isascii() and size.replace(".", "", 1).isdigit() and len(size) < 8
