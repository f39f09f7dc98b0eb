"""Source time made into bars of one meter: other meters scaled, changes of meter fitted, phrases brought to barlines.

A structure has one meter and phrases of whole bars. Real phrases often begin with an upbeat: a short one is left out, a
long one gets a bar of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.analysis import MAX_BARS, Analysis, Place, WrittenChord
from workbench.core.music.meters import DIVISIONS, TIME_SIGNATURES, TimeSignature, meter_of, plain_quarters, quarters

_SCALED: dict[str, tuple[TimeSignature, Fraction]] = {
    "3/2": ("3/4", Fraction(1, 2)),
    "4/2": ("4/4", Fraction(1, 2)),
    "2/1": ("2/2", Fraction(1, 2)),
    "3/1": ("3/4", Fraction(1, 4)),
    "6/4": ("6/8", Fraction(1, 2)),
    "9/4": ("9/8", Fraction(1, 2)),
    "12/4": ("12/8", Fraction(1, 2)),
    "2/8": ("2/4", Fraction(2)),
    "4/8": ("4/4", Fraction(2)),
    "3/16": ("3/8", Fraction(2)),
    "6/16": ("6/8", Fraction(2)),
    "9/16": ("9/8", Fraction(2)),
    "12/16": ("12/8", Fraction(2)),
}


FINEST = 32
"""The finest part of a quarter that a structure's lengths are told apart by."""
LONGEST = 64
"""Quarters: what one length in a structure can hold."""
_SHORTEST = Fraction(1, FINEST)
_GRIDS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32)
"""Parts of a quarter that events may begin on: from each, every barline is a length away."""

ItemT = TypeVar("ItemT")


class Stretch(NamedTuple):
    """Chords on whole bars, ``offset`` in quarters from the first downbeat, up to a phrase mark.

    ``marked`` says that the source marks its end, ``ends_part`` that a repeated part ends there. ``begin`` and ``end``
    are where it lies, all bars laid out one after the other; ``lead`` is how long its first chord sounds before
    ``begin``.
    """

    bars: int
    chords: tuple[WrittenChord, ...]
    marked: bool
    ends_part: bool
    begin: Fraction
    end: Fraction
    lead: Fraction


class Timed(NamedTuple):
    """A whole piece in stretches from phrase mark to phrase mark; ``bar`` in quarters; ``bars`` in source quarters."""

    meter: TimeSignature
    bar: Fraction
    stretches: tuple[Stretch, ...]
    bars: dict[str, Fraction]
    places: tuple[Place, ...]
    notes: tuple[str, ...]


def bar_of(meter: str) -> Fraction:
    """The length in quarters of a bar in any meter, such as ``3/2``."""
    numerator, denominator = meter.split("/")
    return Fraction(4 * int(numerator), int(denominator))


def fit_meter(meter: str) -> tuple[TimeSignature, Fraction]:
    """The meter of a structure that a foreign one can be written in, and the factor for all lengths.

    Raises:
        InvalidInputError: five-four and other meters that have no counterpart.
    """
    for known in TIME_SIGNATURES:
        if meter == known:
            return known, Fraction(1)
    if meter in _SCALED:
        return _SCALED[meter]
    raise InvalidInputError(
        f"The meter {meter[:12]!r} has no counterpart here.",
        hint=f"Write the piece in one of {', '.join(TIME_SIGNATURES)}.",
        field="meter",
    )


def onto_bars(analysis: Analysis) -> Timed:
    """Lay an analysis out on bars of one meter, divided at its phrase marks and repeat signs.

    Raises:
        InvalidInputError: the meter has no counterpart, or there is no chord.
    """
    meter, scale = fit_meter(analysis.meter)
    known = meter_of(meter)
    bar = quarters(known.bar)
    notes: list[str] = []
    if scale != 1:
        notes.append(f"Written in {analysis.meter} in the source: all lengths are multiplied by {scale}.")
    events: list[WrittenChord] = []
    marks: dict[Fraction, bool] = {}
    starts: dict[str, Fraction] = {}
    places: list[Place] = []
    at = source = Fraction(0)
    held = pressed = 0
    for written in analysis.bars:
        length = written.length * scale
        count, factor = _fitting(length, bar)
        held += length < bar
        pressed += factor != 1
        starts.setdefault(written.name, source)
        places.append(Place(source, at, scale * factor))
        events += [chord._replace(offset=at + chord.offset * scale * factor) for chord in written.chords]
        for offset, ends_part in written.breaks:
            mark = at + (bar * count if offset >= written.length else offset * scale * factor)
            marks[mark] = marks.get(mark, False) or ends_part
        at += bar * count
        source += written.length
    if not events:
        raise InvalidInputError("There is no chord in it.", hint="Write bars such as 'm1 C: I b3 V'.", field="bars")
    if held:
        notes.append(f"{held} bars of a shorter meter are filled up to {meter}: their last chord is held.")
    if pressed:
        notes.append(f"{pressed} bars of a longer meter are pressed into {meter}.")
    stretches, told = _cut(events, {**marks, at: True}, bar, set(marks), always=analysis.whole_bars)
    return Timed(meter, bar, stretches, starts, tuple(places), (*notes, *told))


def written(
    items: Sequence[tuple[ItemT, Fraction]], *, after_longest: ItemT | None = None
) -> tuple[tuple[ItemT, ...], tuple[float, ...]]:
    """Things and where each ends (rising, in quarters from 0) as a structure writes them: with their lengths.

    A structure's lengths are fractions of a quarter down to a thirty-second, from 1/32 to 64 quarters. An end that
    makes none is moved to the nearest place that does, by less than a thirty-second; what is too short is left to its
    neighbour; what is too long goes on in a second length, or in ``after_longest``. The whole keeps its length.
    """
    kept: list[ItemT] = []
    lengths: list[Fraction] = []
    at, total = Fraction(0), items[-1][1]
    for number, (item, end) in enumerate(items):
        last = number == len(items) - 1
        place = end if last else _place(end, at, total)
        if place is None or place - at < _SHORTEST:
            if last and lengths:
                lengths[-1] += place - at if place is not None else 0
            continue
        while place - at > LONGEST:
            kept.append(item)
            lengths.append(Fraction(LONGEST))
            at += LONGEST
            item = item if after_longest is None else after_longest
        kept.append(item)
        lengths.append(place - at)
        at = place
    return tuple(kept), tuple(float(plain_quarters(round(length * DIVISIONS))) for length in lengths)


def _place(end: Fraction, at: Fraction, total: Fraction) -> Fraction | None:
    """The place nearest to ``end`` that a length from ``at`` reaches, and from which ``total`` can be reached."""
    if end.denominator in _GRIDS and (end - at).denominator <= FINEST and end + _SHORTEST <= total:
        return end
    near = {Fraction(round(end * grid), grid) for grid in _GRIDS}
    able = [each for each in near if at + _SHORTEST <= each <= total - _SHORTEST and (each - at).denominator <= FINEST]
    return min(able, key=lambda each: (abs(each - end), each), default=None)


def _fitting(length: Fraction, bar: Fraction) -> tuple[int, Fraction]:
    """How many bars a bar of another length becomes, and what lengths in it are multiplied by."""
    if length <= bar or length % bar == 0:
        return max(1, int(length / bar)), Fraction(1)
    count = max(1, round(length / bar))
    return count, bar * count / length


def _cut(
    events: Sequence[WrittenChord], ends: dict[Fraction, bool], bar: Fraction, marked: set[Fraction], *, always: bool
) -> tuple[tuple[Stretch, ...], list[str]]:
    """The stretches between marks, each on whole bars, and what became of the upbeats.

    ``always`` takes what begins in mid-bar for an upbeat however long it is, but for the first.
    """
    stretches: list[Stretch] = []
    upbeats = shared = written = 0
    begin, first = events[0].offset, 0
    for end in sorted(ends):
        if end <= begin:
            continue
        stop = first
        while stop < len(events) and events[stop].offset < end:
            stop += 1
        inside = list(events[first:stop])
        if not inside and first and end - begin < bar:
            continue  # the rest of a bar after the close
        floor, ceiling = begin // bar * bar, -(-begin // bar) * bar
        if always and stretches and floor < begin and end <= ceiling:
            continue
        start = begin
        if begin > floor:
            short = ceiling - begin <= bar / 2
            is_upbeat = (short or (always and bool(stretches))) and end > ceiling
            start = ceiling if is_upbeat else floor
            upbeats += is_upbeat
            shared += not is_upbeat and bool(stretches)
        passed = [event for event in inside if event.offset <= start]
        if passed:
            opening = passed[-1]
        elif inside and (start < begin or first == 0):
            opening = inside[0]
        else:
            opening = events[first - 1]
        later = [event for event in inside if event.offset > start and event is not opening]
        chords = [opening._replace(offset=Fraction(0), cadence=opening.cadence if passed or start < begin else None)]
        chords += [event._replace(offset=event.offset - start) for event in later]
        bars = int((-(-end // bar) * bar - start) / bar)
        lead = max(Fraction(0), begin - start)
        written += bars
        if written > 2 * MAX_BARS:
            raise InputTooLargeError(f"It would have over {2 * MAX_BARS} bars.", hint="Import one movement at a time.")
        stretches.append(Stretch(bars, tuple(chords), end in marked, ends[end], max(begin, start), end, lead))
        begin, first = end, stop
    notes = []
    if upbeats:
        size = "" if always else " of at most half a bar"
        notes.append(f"{upbeats} upbeats{size} are left out, since phrases here begin with a bar.")
    if shared:
        notes.append(f"{shared} bars in which one phrase ends and the next begins are written twice.")
    return tuple(stretches), notes
