"""How exact time is written down: note values, dots, ties, tuplets, beams and accidentals.

Everything here works within one bar, in divisions from the bar line. The rules are those of Gould, *Behind Bars*
(2011): a note that hides a beat is split and tied, rests never hide one, beams show the beat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from workbench.core.music.meters import DIVISIONS, Meter
from workbench.core.music.score import Score

VALUES: dict[int, str] = {
    4 * DIVISIONS: "whole",
    2 * DIVISIONS: "half",
    DIVISIONS: "quarter",
    DIVISIONS // 2: "eighth",
    DIVISIONS // 4: "16th",
    DIVISIONS // 8: "32nd",
    DIVISIONS // 16: "64th",
    DIVISIONS // 32: "128th",
}
"""Note values by their length in divisions."""

GRID = DIVISIONS // 32
"""A time that is no multiple of this, a 128th, can only be written in a tuplet."""

BEAMS = {"eighth": 1, "16th": 2, "32nd": 3, "64th": 4, "128th": 5}
_PLAIN = tuple(VALUES)
_WRITABLE = {value: (name, 0) for value, name in VALUES.items()} | {
    value * 3 // 2: (name, 1) for value, name in VALUES.items() if value > GRID
}
_TUPLETS = (3, 5, 7)


class Pitch(NamedTuple):
    """A sounding pitch and its spelling."""

    midi: int
    fifths: int


class Event(NamedTuple):
    """A chord, note or rest (no pitches) within a bar; ``tied_in`` and ``tied_out``: it goes on over the bar line."""

    start: int
    end: int
    pitches: tuple[Pitch, ...]
    tied_in: bool = False
    tied_out: bool = False


class Written(NamedTuple):
    """One note sign: ``value`` and ``dots``; ``tuplet`` is (3, 2) for three in the time of two.

    ``edge`` is ``start`` or ``stop`` at the ends of a tuplet, and ``length`` is how long it sounds, in divisions.
    """

    start: int
    length: int
    value: str
    dots: int
    pitches: tuple[Pitch, ...]
    tied_in: bool
    tied_out: bool
    tuplet: tuple[int, int] | None = None
    edge: str = ""
    beams: tuple[str, ...] = ()


class _Tuplet(NamedTuple):
    start: int
    end: int
    actual: int
    normal: int


def bars(score: Score, voice: int) -> list[list[Event]]:
    """A voice bar by bar, gaps filled with rests; a bar without a note is one rest."""
    bar = score.meter.bar
    content: list[list[Event]] = [[] for _ in range(score.measures)]
    for start, end, pitches in _sounds(score, voice):
        at = start
        while at < end:
            measure = at // bar
            line = (measure + 1) * bar
            stop = min(end, line)
            offset = measure * bar
            content[measure].append(Event(at - offset, stop - offset, pitches, at > start, stop < end))
            at = stop
    return [_with_rests(events, bar) for events in content]


def _sounds(score: Score, voice: int) -> Iterator[tuple[int, int, tuple[Pitch, ...]]]:
    own = score.voice == voice
    columns = (score.onset[own], score.duration[own], score.midi[own], score.fifths[own])
    chords: dict[int, list[tuple[int, int, int]]] = {}
    for onset, duration, midi, fifths in zip(*(column.tolist() for column in columns), strict=True):
        chords.setdefault(onset, []).append((midi, fifths, duration))
    onsets = sorted(chords)
    for onset, following in zip(onsets, [*onsets[1:], score.length], strict=False):
        notes = sorted(set(chords[onset]))
        end = min(onset + max(note[2] for note in notes), following)
        if end > onset:
            yield onset, end, tuple(dict.fromkeys(Pitch(midi, fifths) for midi, fifths, _ in notes))


def _with_rests(events: list[Event], bar: int) -> list[Event]:
    filled: list[Event] = []
    at = 0
    for event in events:
        if event.start > at:
            filled.append(Event(at, event.start, ()))
        filled.append(event)
        at = event.end
    if at < bar:
        filled.append(Event(at, bar, ()))
    return filled


def write(events: Sequence[Event], meter: Meter) -> list[Written]:
    """The signs that a bar's events are written with, beams included; a silent bar is one whole rest in any meter."""
    if len(events) == 1 and not events[0].pitches:
        return [Written(0, meter.bar, "whole", 0, (), False, False)]
    tuplets = _tuplets(events, meter)
    if tuplets is None:
        events, tuplets = _snapped(events, meter.bar), []
    written: list[Written] = []
    for event in events:
        cuts = sorted(
            {event.start, event.end, *(edge for t in tuplets for edge in t[:2] if event.start < edge < event.end)}
        )
        for start, end in pairwise(cuts):
            inside = next((t for t in tuplets if t.start <= start < t.end), None)
            piece = Event(
                start, end, event.pitches, event.tied_in or start > event.start, event.tied_out or end < event.end
            )
            written += _in_tuplet(piece, inside) if inside else _in_meter(piece, meter)
    return beamed(written, meter)


def _in_meter(event: Event, meter: Meter) -> Iterator[Written]:
    at = event.start
    while at < event.end:
        length = _first_value(at, event.end - at, meter, rest=not event.pitches)
        value, dots = _WRITABLE[length]
        yield Written(
            at,
            length,
            value,
            dots,
            event.pitches,
            bool(event.pitches) and (event.tied_in or at > event.start),
            bool(event.pitches) and (event.tied_out or at + length < event.end),
        )
        at += length


def _first_value(start: int, length: int, meter: Meter, *, rest: bool) -> int:
    """The longest value that may begin at ``start``."""
    beat = meter.beat
    into = start % beat
    middle = meter.bar // 2 if meter.beats == 4 else -1
    if rest and length < meter.bar:
        if meter.beats == 3:
            length = min(length, beat - into)
        elif start < middle < start + length:
            length = middle - start
    whole_beats = length // beat * beat
    if into == 0 and length >= beat:
        if (
            length in _WRITABLE
            and (not meter.compound or length == whole_beats)
            and not (rest and _hides(length, meter))
        ):
            return length
        return next(
            value
            for value in sorted(_WRITABLE, reverse=True)
            if value <= length
            and (value % beat == 0 if meter.compound or value >= beat else True)
            and not (rest and _hides(value, meter))
        )
    room = beat - into
    if length > room:
        # A syncopation on the half beat is read at a glance; anything else is split at the beat.
        half = beat // 2
        readable = not rest and not meter.compound and into == half and length in (beat, beat * 3 // 2, beat * 2)
        middle = meter.bar // 2 if meter.beats == 4 else -1
        if readable and not start < middle < start + length:
            return length
        length = room
    if length in _WRITABLE:
        return length
    # Fill up from the weak end, so that the longest sign lies on the strong part of the beat.
    if into:
        for value in _PLAIN[::-1]:
            if start % (value * 2) and value <= length:
                return value
    return next(value for value in sorted(_WRITABLE, reverse=True) if value <= length)


def _hides(length: int, meter: Meter) -> bool:
    return not meter.compound and _WRITABLE.get(length, ("", 1))[1] > 0


def _in_tuplet(event: Event, tuplet: _Tuplet) -> Iterator[Written]:
    at, ratio = event.start, (tuplet.actual, tuplet.normal)
    while at < event.end:
        nominal = (event.end - at) * tuplet.actual // tuplet.normal
        value = next(value for value in sorted(_WRITABLE, reverse=True) if value <= nominal)
        length = value * tuplet.normal // tuplet.actual
        name, dots = _WRITABLE[value]
        edge = "start" if at == tuplet.start else "stop" if at + length == tuplet.end else ""
        yield Written(
            at,
            length,
            name,
            dots,
            event.pitches,
            bool(event.pitches) and (event.tied_in or at > event.start),
            bool(event.pitches) and (event.tied_out or at + length < event.end),
            ratio,
            edge,
        )
        at += length


def _tuplets(events: Sequence[Event], meter: Meter) -> list[_Tuplet] | None:
    """The tuplets that a bar needs, none overlapping; None when no tuplet can hold its times."""
    times = sorted({time for event in events for time in (event.start, event.end) if time % GRID})
    found: list[_Tuplet] = []
    for time in times:
        if found and time < found[-1].end:
            continue
        tuplet = _tuplet_at(time, events, meter, found[-1].end if found else 0)
        if tuplet is None:
            return None
        found.append(tuplet)
    return found


def _tuplet_at(time: int, events: Sequence[Event], meter: Meter, after: int) -> _Tuplet | None:
    spans = [meter.beat // 3 if meter.compound else meter.beat // 2, meter.beat, meter.beat * 2, meter.bar]
    strict = [(size, True) for size in spans if size <= meter.bar]
    for size, whole in [*strict, (meter.beat, False)]:
        step = min(size, meter.beat)
        starts = [s for s in range(0, meter.bar - size + 1, step) if after <= s < time < s + size]
        for start in reversed(starts):
            end = start + size
            odd = [e for e in events if (e.start % GRID or e.end % GRID) and e.start < end and e.end > start]
            if whole and any(e.start < start or e.end > end for e in odd):
                continue
            inside = [t - start for e in events for t in (e.start, e.end) if start < t < end]
            ratio = _ratio(size, inside)
            if ratio:
                return _Tuplet(start, end, *ratio)
    return None


def _ratio(size: int, offsets: Sequence[int]) -> tuple[int, int] | None:
    for actual in _TUPLETS:
        for value in _PLAIN:
            normal, rest = divmod(size, value)
            if rest or not normal < actual < 2 * normal:
                continue
            if all(offset * actual % (normal * GRID) == 0 for offset in offsets):
                return actual, normal
    return None


def _snapped(events: Sequence[Event], bar: int) -> list[Event]:
    """The events on the nearest 128ths, for times that no notation holds; what would vanish is a 128th long."""
    snapped: list[Event] = []
    at = 0
    for event in events:
        end = min(bar, max(round(event.end / GRID) * GRID, at + GRID))
        if end > at:
            snapped.append(event._replace(start=at, end=end))
        at = end
    if snapped and at < bar:
        snapped.append(Event(at, bar, ()))
    return snapped


def beamed(written: Sequence[Written], meter: Meter) -> list[Written]:
    """The signs with their beams: ``begin``, ``continue``, ``end`` or a hook for each level."""
    result = list(written)
    group: list[int] = []
    home = -1
    for index, sign in enumerate([*written, None]):
        beat = -1 if sign is None else sign.start // _beam_span(sign.start, written, meter)
        breaks = sign is None or not sign.pitches or sign.value not in BEAMS
        if group and (breaks or beat != home):
            _beam(result, group)
            group = []
        if not breaks:
            home = beat
            group.append(index)
    return result


def _beam_span(start: int, written: Sequence[Written], meter: Meter) -> int:
    if meter.compound:
        return meter.beat
    if meter.name == "3/8":
        return meter.bar
    half = 2 * DIVISIONS
    if meter.bar % half:
        return DIVISIONS
    first = start // half * half
    inside = [sign for sign in written if first <= sign.start < first + half]
    return half if all(sign.value == "eighth" and not sign.tuplet and sign.pitches for sign in inside) else DIVISIONS


def _beam(signs: list[Written], group: Sequence[int]) -> None:
    if len(group) < 2:
        return
    levels = [BEAMS[signs[index].value] for index in group]
    for place, index in enumerate(group):
        beams = []
        for level in range(1, levels[place] + 1):
            before = place > 0 and levels[place - 1] >= level
            after = place + 1 < len(group) and levels[place + 1] >= level
            if before and after:
                beams.append("continue")
            elif after:
                beams.append("begin")
            elif before:
                beams.append("end")
            else:
                beams.append("forward hook" if place == 0 else "backward hook")
        signs[index] = signs[index]._replace(beams=tuple(beams))
