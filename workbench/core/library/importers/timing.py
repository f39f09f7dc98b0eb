"""Source time made into bars of one meter: other meters scaled, changes of meter fitted, phrases brought to barlines.

A structure has one meter and phrases of whole bars. Real phrases often begin with an upbeat: a short one is left out, a
long one gets a bar of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from workbench.core.errors import InvalidInputError
from workbench.core.library.importers.analysis import Analysis, WrittenChord
from workbench.core.music.meters import TIME_SIGNATURES, TimeSignature, meter_of, quarters

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


class Stretch(NamedTuple):
    """Chords on whole bars, ``offset`` in quarters from the first downbeat, up to a phrase mark.

    ``marked`` says that the source marks its end, ``ends_part`` that a repeated part ends there. ``begin`` and ``end``
    are where it lies in source quarters; ``lead`` is how long (in structure quarters) its first chord sounds before
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
    scale: Fraction
    even: bool
    stretches: tuple[Stretch, ...]
    bars: dict[str, Fraction]
    notes: tuple[str, ...]


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
    at = source = Fraction(0)
    held = pressed = 0
    for written in analysis.bars:
        length = written.length * scale
        count, place = _fitting(length, bar)
        held += length < bar
        pressed += length > bar and length != bar * count
        starts.setdefault(written.name, source)
        events += [chord._replace(offset=at + place(chord.offset * scale)) for chord in written.chords]
        for offset, ends_part in written.breaks:
            mark = at + (bar * count if offset >= written.length else place(offset * scale))
            marks[mark] = marks.get(mark, False) or ends_part
        at += bar * count
        source += written.length
    if not events:
        raise InvalidInputError("There is no chord in it.", hint="Write bars such as 'm1 C: I b3 V'.", field="bars")
    if held:
        notes.append(f"{held} bars of a shorter meter are filled up to {meter}: their last chord is held.")
    if pressed:
        notes.append(f"{pressed} bars of a longer meter are pressed into {meter}.")
    stretches, told = _cut(events, {**marks, at: True}, bar, scale, set(marks))
    return Timed(meter, bar, scale, not held and not pressed, stretches, starts, (*notes, *told))


def _fitting(length: Fraction, bar: Fraction) -> tuple[int, Callable[[Fraction], Fraction]]:
    """How many bars a bar of another length becomes, and where a place in it comes to lie."""
    if length <= bar or length % bar == 0:
        return max(1, int(length / bar)), lambda offset: offset
    count = max(1, round(length / bar))
    return count, lambda offset: offset * bar * count / length


def _cut(
    events: Sequence[WrittenChord], ends: dict[Fraction, bool], bar: Fraction, scale: Fraction, marked: set[Fraction]
) -> tuple[tuple[Stretch, ...], list[str]]:
    """The stretches between marks, each on whole bars, and what became of the upbeats."""
    stretches: list[Stretch] = []
    upbeats = shared = 0
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
        start = begin
        if begin > floor:
            is_upbeat = ceiling - begin <= bar / 2 and end > ceiling
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
        stretches.append(
            Stretch(bars, tuple(chords), end in marked, ends[end], max(begin, start) / scale, end / scale, lead)
        )
        begin, first = end, stop
    notes = []
    if upbeats:
        notes.append(f"{upbeats} upbeats of at most half a bar are left out, since phrases here begin with a bar.")
    if shared:
        notes.append(f"{shared} bars in which one phrase ends and the next begins are written twice.")
    return tuple(stretches), notes
