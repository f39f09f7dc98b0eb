"""Surface rhythm: bars of note values made of beat cells, from calm to busy.

A rhythm is a tuple of durations in divisions that fills its bar; rests are negative.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import lru_cache

from workbench.core.music.meters import DIVISIONS, Meter, divisions

Rhythm = tuple[int, ...]

# Beat cells as fractions of a beat in sixteenths of it (simple) or in twelfths (compound), with how common they are.
_SIMPLE: tuple[tuple[tuple[int, ...], float], ...] = (
    ((4,), 2.2),
    ((2, 2), 2.0),
    ((3, 1), 0.8),
    ((2, 1, 1), 0.7),
    ((1, 1, 2), 0.35),
    ((1, 1, 1, 1), 0.8),
)
_COMPOUND: tuple[tuple[tuple[int, ...], float], ...] = (
    ((6,), 1.4),
    ((4, 2), 1.8),
    ((2, 2, 2), 1.8),
    ((3, 1, 2), 0.7),
    ((2, 4), 0.15),
    ((2, 2, 1, 1), 0.4),
    ((1, 1, 1, 1, 1, 1), 0.4),
)


@lru_cache(maxsize=64)
def _cells(beat: int, compound: bool) -> tuple[tuple[Rhythm, float], ...]:
    table, parts = (_COMPOUND, 6) if compound else (_SIMPLE, 4)
    shortest = DIVISIONS // 4
    cells = [(tuple(beat * part // parts for part in cell), weight) for cell, weight in table]
    return tuple((cell, weight) for cell, weight in cells if min(cell) >= shortest)


def bar_rhythm(meter: Meter, density: float, rng: random.Random, *, dotted: float = 1.0) -> Rhythm:
    """A bar with about ``density`` notes to the beat; ``dotted`` makes dotted cells likelier or rarer."""
    cells = _cells(meter.beat, meter.compound)
    result: list[int] = []
    beat = 0
    while beat < meter.beats:
        left = meter.beats - beat
        span = _merge(meter, beat, left, density, rng)
        if span > 1:
            result.append(meter.beat * span)
            beat += span
            continue
        weights = [
            weight
            * (dotted if len(cell) == 2 and cell[0] > cell[1] else 1.0)
            * math.exp(-1.1 * (len(cell) - density) ** 2)
            for cell, weight in cells
        ]
        result.extend(rng.choices([cell for cell, _ in cells], weights)[0])
        beat += 1
    return tuple(result)


def _merge(meter: Meter, beat: int, left: int, density: float, rng: random.Random) -> int:
    """How many beats to hold as one note: longer from strong beats and in calm music."""
    if left < 2 or meter.weight(beat * meter.beat) < (0.5 if meter.beats == 3 else 0.75):
        return 1
    chance = 0.75 - 0.55 * density
    if rng.random() > chance:
        return 1
    if left >= meter.beats and rng.random() < 0.25 * (1 - density):
        return meter.beats
    return 2 if beat % 2 == 0 or meter.beats == 3 else 1


def fit(rhythm: Sequence[float], meter: Meter, bars: int) -> list[Rhythm]:
    """A motif's rhythm (quarters) laid over whole bars: cut at barlines, the rest of the last bar held.

    A motif whose notes are all too long or short for the bar (augmented, or from another meter) is scaled by two until
    it fits between half a bar and ``bars`` bars.
    """
    lengths = [divisions(value) for value in rhythm if value > 0] or [meter.bar]
    total = sum(lengths)
    while total > meter.bar * bars and min(lengths) >= DIVISIONS // 2:
        lengths, total = [length // 2 for length in lengths], total // 2
    while total * 4 <= meter.bar and total > 0:
        lengths, total = [length * 2 for length in lengths], total * 2
    result: list[Rhythm] = []
    bar: list[int] = []
    room = meter.bar
    for length in lengths:
        if len(result) == bars:
            break
        taken = min(length, room)
        bar.append(taken)
        room -= taken
        if room == 0:
            result.append(tuple(bar))
            bar, room = [], meter.bar
    if bar and len(result) < bars:
        if room >= bar[-1] * 2 and room >= meter.beat:
            bar.append(room)
        else:
            bar[-1] += room
        result.append(tuple(bar))
    return result


def closing_bar(meter: Meter, rng: random.Random, *, breath: bool, start: int = 0) -> Rhythm:
    """The bar of arrival from ``start`` on: a long note and a breath, or an ending that dwells or echoes first."""
    room = meter.bar - start
    rest = meter.beat if not meter.compound else meter.beat // 3
    if not breath:
        return (room,)
    if room <= rest or (meter.beats <= 2 and not meter.compound and room <= meter.beat):
        return (room,)
    held = room - rest
    endings: list[Rhythm] = [(held, -rest)]
    half = meter.beat // 2 if not meter.compound else meter.beat // 3
    if held > meter.beat:
        endings += [(meter.beat, held - meter.beat, -rest), (held - half, half, -rest)]
        endings += [(meter.beat, -(room - meter.beat))] if not meter.compound else []
    if not meter.compound and (held == meter.beat or held % (2 * meter.beat) == 0):
        endings.append((held // 2, held // 2, -rest))
    weights = [2.5] + [1.0] * (len(endings) - 1)
    return rng.choices(endings, weights)[0]


def loosened(rhythm: Rhythm, meter: Meter, rng: random.Random) -> Rhythm:
    """The same bar with one change: a long note divided, or two short ones joined; never the first."""
    options: list[Rhythm] = []
    position = 0
    for index, value in enumerate(rhythm):
        if index > 0 and (parts := _divided(value, meter)):
            options.append((*rhythm[:index], *parts, *rhythm[index + 1 :]))
        following = rhythm[index + 1] if index + 1 < len(rhythm) else 0
        on_beat = position % meter.beat == 0
        whole = (value + following) % (DIVISIONS // 2) == 0 and value + following <= meter.beat * 2
        if index > 0 and value > 0 and following > 0 and on_beat and whole:
            options.append((*rhythm[:index], value + following, *rhythm[index + 2 :]))
        position += abs(value)
    return rng.choice(options) if options else rhythm


def _divided(value: int, meter: Meter) -> Rhythm:
    """Two notes for one where they are plain to read: halves of undotted notes, long and short of a compound beat."""
    sixteenths, odd = divmod(value, DIVISIONS // 4)
    if value <= 0 or odd or sixteenths < 2:
        return ()
    if meter.compound and value == meter.beat:
        return (value * 2 // 3, value // 3)
    return (value // 2, value // 2) if sixteenths & (sixteenths - 1) == 0 else ()


def livelier(rhythm: Rhythm, meter: Meter, triplets: bool = False) -> Rhythm:
    """Every note of a beat or longer divided, for variations: in two, or (``triplets``) each beat in three."""
    result: list[int] = []
    for value in rhythm:
        if value < 0:
            result.append(value)
        elif triplets and not meter.compound and value % meter.beat == 0:
            result.extend([meter.beat // 3] * (3 * value // meter.beat))
        elif value >= meter.beat and not (meter.compound and value == meter.beat):
            half = meter.beat // 2 if not meter.compound else meter.beat // 3
            result.extend([half] * (value // half))
        elif meter.compound and value == meter.beat:
            result.extend([meter.beat // 3] * 3)
        else:
            result.append(value)
    return tuple(result) if sum(map(abs, result)) == sum(map(abs, rhythm)) else rhythm
