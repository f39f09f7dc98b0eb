"""Bringing a phrase back: exactly, ornamented, or as a variation that keeps its bones."""

from __future__ import annotations

import random
from typing import NamedTuple

from workbench.core.compose.rhythms import Rhythm, livelier, loosened
from workbench.core.compose.tunes import Slot
from workbench.core.music.meters import DIVISIONS, Meter

Note = tuple[int, int | None]
"""Duration in divisions and position in scale steps from the reference tonic (None a rest)."""

_EXACT = 14.0


class Reprise(NamedTuple):
    """Slots of a phrase made after another; ``changed`` counts the bars that are not literal."""

    slots: tuple[Slot, ...]
    changed: int


def bars_of(notes: tuple[Note, ...], meter: Meter) -> list[list[Note]]:
    """Notes gathered into bars; a note over a barline stays in the bar where it begins."""
    bars: list[list[Note]] = []
    at = 0
    for duration, position in notes:
        while len(bars) <= at // meter.bar:
            bars.append([])
        bars[at // meter.bar].append((duration, position))
        at += duration
    return bars


def bring_back(
    notes: tuple[Note, ...],
    meter: Meter,
    chord_of: list[int],
    treatment: str,
    rng: random.Random,
    *,
    move: int = 0,
    free: float = 0.5,
    literal_bars: int = 1,
    closes: bool = True,
    closing: Rhythm | None = None,
) -> Reprise:
    """Slots that say the same tune again. ``move`` shifts it by scale steps; ``free`` is the share of bars that change,
    after the first ``literal_bars``. ``closing`` replaces the rhythm of the last bar, which otherwise stays when the
    phrase ``closes``.

    ``chord_of`` gives, for each eighth of a quarter from the start, the chord that sounds there.
    """
    slots: list[Slot] = []
    changed = 0
    at = 0
    bars = bars_of(notes, meter)
    for number, bar in enumerate(bars):
        rhythm: Rhythm = tuple(duration if position is not None else -duration for duration, position in bar)
        last = number == len(bars) - 1
        if closing is not None and last and bar and bar[0][1] is not None:
            new, literal = closing, False
        elif (last and closes and treatment != "ornamented") or treatment == "sequence":
            new, literal = rhythm, True
        elif treatment == "ornamented":
            literal = number < literal_bars or (last and closes) or rng.random() >= free
            new = rhythm if literal else _ornamented(rhythm, meter, rng)
        else:
            new, literal = _rhythm(rhythm, meter, treatment), False
        changed += not literal
        onsets = _onsets(bar)
        inside = 0
        for value in new:
            duration = abs(value)
            anchor, pull = onsets.get(inside), 0.0
            if anchor is not None:
                strong = meter.weight(inside) >= 0.5
                pull = _EXACT if literal else 3.2 if strong and new != rhythm else 2.0 if inside == 0 else 0.7
                anchor += move
            chord = chord_of[min(len(chord_of) - 1, (at + inside) * 8 // DIVISIONS)]
            slots.append(Slot(at + inside, duration, chord, value > 0, None, anchor, pull))
            inside += duration
        at += inside
    return Reprise(tuple(slots), changed)


def _onsets(bar: list[Note]) -> dict[int, int]:
    found: dict[int, int] = {}
    at = 0
    for duration, position in bar:
        if position is not None:
            found[at] = position
        at += duration
    return found


def _ornamented(rhythm: Rhythm, meter: Meter, rng: random.Random) -> Rhythm:
    new = livelier(rhythm, meter) if rng.random() < 0.45 else loosened(rhythm, meter, rng)
    return new if new != rhythm else livelier(rhythm, meter)


def _rhythm(rhythm: Rhythm, meter: Meter, treatment: str) -> Rhythm:
    match treatment:
        case "figured":
            return livelier(rhythm, meter)
        case "triplets":
            return livelier(rhythm, meter, triplets=True)
        case "brilliant":
            return livelier(livelier(rhythm, meter), meter)
        case "sparse" | "lyrical":
            return _joined(rhythm, meter)
        case "rhythmic":
            return _dotted(rhythm, meter)
    return rhythm


def _joined(rhythm: Rhythm, meter: Meter) -> Rhythm:
    """Short notes gathered into whole beats."""
    result: list[int] = []
    at = 0
    for value in rhythm:
        if value > 0 and at % meter.beat and result and result[-1] > 0:
            result[-1] += value
        else:
            result.append(value)
        at += abs(value)
    return tuple(result)


def _dotted(rhythm: Rhythm, meter: Meter) -> Rhythm:
    """Even pairs made long and short."""
    if meter.compound:
        return livelier(rhythm, meter)
    result: list[int] = []
    index = 0
    while index < len(rhythm):
        value = rhythm[index]
        if index + 1 < len(rhythm) and value == rhythm[index + 1] > 0 and value % 2 == 0 and value >= DIVISIONS // 2:
            result += [value * 3 // 2, value // 2]
            index += 2
        else:
            result.append(value)
            index += 1
    return tuple(result)
