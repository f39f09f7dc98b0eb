"""What differs between two structures, told by musical element: a key, a run of chords, some bars of a tune.

Sections are matched by name and order, the phrases of a section by order, or by label where some came or went.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, islice
from typing import Any, NamedTuple, TypeVar

from workbench.core.music.degrees import DegreeValue
from workbench.core.music.meters import divisions, meter_of
from workbench.core.music.structure import Leitmotif, Motif, MusicStructure, Phrase, Section, section_measures

MAX_DIFFERENCES = 400
_TOP = {
    "title": "title", "key": "key", "tempo": "tempo", "time_signature": "meter", "form": "form", "period": "period",
    "humanize": "humanization", "instrumentation": "instrumentation", "character": "character",
    "reasoning": "reasoning", "schema_version": "version",
}  # fmt: skip
_SECTION = {
    "name": "name", "role": "role", "key": "key", "cadence": "cadence", "dynamics": "dynamics", "texture": "texture",
}  # fmt: skip
_PHRASE = {"label": "label", "role": "role", "measures": "length", "cadence": "cadence", "motif": "motif"}

T = TypeVar("T")


class Difference(NamedTuple):
    """One element that differs.

    ``path`` is a JSON pointer into the later structure, for what is gone into the earlier one. ``kind`` is a short
    word: ``key``, ``chords``, ``tune``, ``section-added`` … ``before`` and ``after`` are plain JSON values, None where
    there is nothing: for ``chords`` the numerals of the changed run, whose first position the path ends in; for
    ``tune`` (degree, length in quarters) pairs of the changed bars. ``bars`` are the first and last bar concerned, from
    1, counted in the structure that ``path`` points into; None for what is about the whole piece.
    """

    path: str
    kind: str
    before: Any
    after: Any
    bars: tuple[int, int] | None = None


def differences(before: MusicStructure, after: MusicStructure) -> tuple[Difference, ...]:
    """Everything that differs, in the order of the piece; at most ``MAX_DIFFERENCES``. Nothing for equal structures."""
    return tuple(islice(_differences(before, after), MAX_DIFFERENCES))


def _differences(before: MusicStructure, after: MusicStructure) -> Iterator[Difference]:
    if before == after:
        return
    yield from _fields(before, after, _TOP, "", None)
    firsts, starts = _first_bars(before), _first_bars(after)
    bars = (meter_of(before.time_signature).bar, meter_of(after.time_signature).bar)
    for old, new in _matched(before.sections, after.sections, _name, _kin):
        if new is None and old is not None:
            gone = before.sections[old]
            yield Difference(f"/sections/{old}", "section-removed", gone.name, None, _span(firsts[old], gone))
        elif new is not None and old is None:
            come = after.sections[new]
            yield Difference(f"/sections/{new}", "section-added", None, come.name, _span(starts[new], come))
        elif new is not None and old is not None:
            paths = f"/sections/{old}", f"/sections/{new}"
            yield from _in_section(before.sections[old], after.sections[new], paths, (firsts[old], starts[new]), bars)
    yield from _leitmotifs(before.leitmotifs or (), after.leitmotifs or ())


def _first_bars(structure: MusicStructure) -> list[int]:
    result = [1]
    for section in structure.sections:
        result.append(result[-1] + section_measures(section))
    return result


def _span(first: int, part: Section | Phrase) -> tuple[int, int]:
    length = section_measures(part) if isinstance(part, Section) else part.measures
    return first, first + length - 1


def _matched(before: Sequence[T], after: Sequence[T], name: Any, akin: Any) -> Iterator[tuple[int | None, int | None]]:
    """Pairs of indexes, one None where something has no counterpart; ``akin`` lets two of other names be a pair."""
    matcher = SequenceMatcher(None, list(map(name, before)), list(map(name, after)), autojunk=False)
    for _, old, old_end, new, new_end in matcher.get_opcodes():
        while old < old_end and new < new_end:
            if name(before[old]) == name(after[new]) or akin(before[old], after[new]):
                yield old, new
            else:
                yield old, None
                yield None, new
            old, new = old + 1, new + 1
        yield from ((at, None) for at in range(old, old_end))
        yield from ((None, at) for at in range(new, new_end))


def _name(section: Section) -> str:
    return section.name


def _kin(one: Section, other: Section) -> bool:
    """Whether a section of another name is the same one renamed."""
    alike = (one.key, section_measures(one)) == (other.key, section_measures(other))
    return alike and (one.phrases == other.phrases or one.chord_progression == other.chord_progression)


def _fields(
    before: Any, after: Any, kinds: dict[str, str], path: str, bars: tuple[int, int] | None
) -> Iterator[Difference]:
    for field, kind in kinds.items():
        one, other = getattr(before, field), getattr(after, field)
        if one != other:
            name = type(after).model_fields[field].alias or field
            yield Difference(f"{path}/{name}", kind, _plain(one), _plain(other), bars)


def _plain(value: Any) -> Any:
    return value.model_dump(by_alias=True, exclude_none=True, mode="json") if hasattr(value, "model_dump") else value


def _in_section(
    before: Section, after: Section, paths: tuple[str, str], firsts: tuple[int, int], bars: tuple[int, int]
) -> Iterator[Difference]:
    if before == after:
        return
    path, span = paths[1], _span(firsts[1], after)
    yield from _fields(before, after, _SECTION, path, span)
    lengths = section_measures(before), section_measures(after)
    lengths = lengths if lengths[0] != lengths[1] else (before.measures, after.measures)
    if lengths[0] != lengths[1]:
        yield Difference(f"{path}/measures", "measures", *lengths, span)
    yield from _motifs(before, after, path, span)
    inside: list[Difference] = []
    if before.phrases is not None and after.phrases is not None:
        inside += _in_phrases(before.phrases, after.phrases, paths, firsts, bars)
    elif before.phrases != after.phrases:
        old, new = (each and len(each) for each in (before.phrases, after.phrases))
        inside.append(Difference(f"{path}/phrases", "phrases", old, new, span))
    yield from inside
    # What a section says of chords and lengths follows from its phrases: it is news only where those are silent.
    if not any(each.kind in {"chords", "phrase-added", "phrase-removed"} for each in inside):
        yield from _run(before.chord_progression, after.chord_progression, f"{path}/chordProgression", "chords", span)
    if before.chord_progression == after.chord_progression and not inside:
        follows = {"harmonic_rhythm": "chord-lengths", "harmonic_functions": "functions"}
        yield from _fields(before, after, follows, path, span)


def _motifs(before: Section, after: Section, path: str, span: tuple[int, int]) -> Iterator[Difference]:
    old, new = before.motifs, after.motifs
    if old == new and before.melody != after.melody:
        yield Difference(f"{path}/melody", "motif", _plain(before.melody), _plain(after.melody), span)
    for number in range(max(len(old), len(new))):
        one = old[number] if number < len(old) else None
        other = new[number] if number < len(new) else None
        if one != other:
            yield Difference(f"{path}/melody/motifs/{number}", "motif", _plain(one), _plain(other), span)


def _in_phrases(
    before: Sequence[Phrase],
    after: Sequence[Phrase],
    paths: tuple[str, str],
    firsts: tuple[int, int],
    bars: tuple[int, int],
) -> Iterator[Difference]:
    pairs: Iterable[tuple[int | None, int | None]] = zip(range(len(before)), range(len(after)), strict=False)
    if len(before) != len(after):
        pairs = _matched(before, after, lambda each: each.label or each.role, lambda a, b: a.measures == b.measures)
    at, now = firsts
    for old, new in pairs:
        gone, come = None if old is None else before[old], None if new is None else after[new]
        if gone is not None and come is not None:
            yield from _in_phrase(gone, come, f"{paths[1]}/phrases/{new}", now, bars)
        elif gone is not None:
            yield Difference(f"{paths[0]}/phrases/{old}", "phrase-removed", _called(gone), None, _span(at, gone))
        elif come is not None:
            yield Difference(f"{paths[1]}/phrases/{new}", "phrase-added", None, _called(come), _span(now, come))
        at += gone.measures if gone else 0
        now += come.measures if come else 0


def _called(phrase: Phrase) -> str:
    return " ".join(filter(None, (phrase.label, phrase.role))) or "phrase"


def _in_phrase(before: Phrase, after: Phrase, path: str, first: int, bars: tuple[int, int]) -> Iterator[Difference]:
    if before == after:
        return
    span = _span(first, after)
    yield from _fields(before, after, _PHRASE, path, span)
    old, new = before.chords or (), after.chords or ()
    start, end = _changed(old, new)
    if old != new and len(after.chord_beats or ()) == len(new) > 0:
        # In bars, where the lengths of the chords say so.
        ends = list(accumulate(map(divisions, after.chord_beats or ()), initial=0))
        last = max(ends[start] + 1, ends[len(new) - end])
        span = first + ends[start] // bars[1], first + (last - 1) // bars[1]
    yield from _run(old, new, f"{path}/chords", "chords", span)
    if old == new:
        beats = before.chord_beats or (), after.chord_beats or ()
        yield from _run(*beats, f"{path}/chordBeats", "chord-lengths", _span(first, after))
    if before.melody is None or after.melody is None or bars[0] != bars[1]:
        if before.melody != after.melody:
            yield Difference(f"{path}/melody", "tune", _told(before.melody), _told(after.melody), _span(first, after))
    elif before.melody != after.melody:
        yield from _tune(before.melody, after.melody, f"{path}/melody", first, bars[1])


def _changed(before: Sequence[Any], after: Sequence[Any]) -> tuple[int, int]:
    """How many items at the beginning, and at the end, are the same."""
    room = min(len(before), len(after))
    start = next((at for at in range(room) if before[at] != after[at]), room)
    end = next((at for at in range(room - start) if before[-1 - at] != after[-1 - at]), room - start)
    return start, end


def _run(
    before: Sequence[Any], after: Sequence[Any], path: str, kind: str, span: tuple[int, int]
) -> Iterator[Difference]:
    if before != after:
        start, end = _changed(before, after)
        old, new = tuple(before[start : len(before) - end]), tuple(after[start : len(after) - end])
        yield Difference(f"{path}/{start}", kind, old or None, new or None, span)


def _tune(before: Motif, after: Motif, path: str, first: int, bar: int) -> Iterator[Difference]:
    """The changed bars, one difference for each run of them."""
    old, new = _by_bar(before, bar), _by_bar(after, bar)
    count = max(len(old), len(new))
    old, new = (bars + [()] * (count - len(bars)) for bars in (old, new))
    at = 0
    while at < count:
        end = at
        while end < count and old[end] != new[end]:
            end += 1
        if end > at:
            gone, come = (tuple(note for notes in bars[at:end] for note in notes) for bars in (old, new))
            note = sum(map(len, new[:at]))
            where = f"{path}/degrees/{note}" if note < len(after.degrees) else path
            yield Difference(where, "tune", gone or None, come or None, (first + at, first + end - 1))
        at = max(end, at + 1)
    if old == new:  # more degrees than lengths, or fewer
        yield Difference(path, "tune", _plain(before), _plain(after), (first, first + max(count, 1) - 1))


def _told(tune: Motif | None) -> tuple[tuple[DegreeValue, float], ...] | None:
    return None if tune is None else tuple(zip(tune.degrees, tune.rhythm, strict=False))


def _by_bar(tune: Motif, bar: int) -> list[tuple[tuple[DegreeValue, float], ...]]:
    """[degree, length] by the bar in which each note begins."""
    bars: list[list[tuple[DegreeValue, float]]] = []
    at = 0
    for degree, length in zip(tune.degrees, tune.rhythm, strict=False):
        bars += [[] for _ in range(at // bar + 1 - len(bars))]
        bars[at // bar].append((degree, length))
        at += divisions(length)
    return [tuple(notes) for notes in bars]


def _leitmotifs(before: Sequence[Leitmotif], after: Sequence[Leitmotif]) -> Iterator[Difference]:
    for old, new in _matched(before, after, lambda each: each.tag, lambda *_: False):
        one = None if old is None else before[old]
        other = None if new is None else after[new]
        if one != other:
            kind = "leitmotif-added" if one is None else "leitmotif-removed" if other is None else "leitmotif"
            yield Difference(f"/leitmotifs/{old if new is None else new}", kind, _plain(one), _plain(other))
