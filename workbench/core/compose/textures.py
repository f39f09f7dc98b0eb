"""Textures: how a chord's alto, tenor and bass are laid out in time.

A pattern is an array of rows (offset, length, tone, voice): ``tone`` 0 alto, 1 tenor, 2 bass picks the pitch from the
chord's voicing, ``voice`` 1 to 3 the line of the score that plays it. Patterns are made for one chord inside the bar
grid and shared by all chords of the same place and length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from workbench.core.compose.voicing import Register
from workbench.core.music.instruments import Ensemble
from workbench.core.music.meters import DIVISIONS, Meter
from workbench.core.music.score import IntColumn

TEXTURES: tuple[str, ...] = (
    "chorale",
    "homophonic",
    "alberti",
    "broken-chord",
    "waltz",
    "nocturne",
    "contrapuntal",
)
ALTO, TENOR, BASS = 0, 1, 2

_WORDS: tuple[tuple[str, str], ...] = (
    (r"alberti", "alberti"),
    (r"waltz|oom", "waltz"),
    (r"nocturn", "nocturne"),
    (r"broken|arpegg|harp|figurat|rippl", "broken-chord"),
    (r"contrapunt|counterpoint|imitat|fug|invention|canon|polyphon|two-voice", "contrapuntal"),
    (r"choral|hymn|four-part|satb|block", "chorale"),
)

_REGISTERS: dict[str, Register] = {
    "chorale": Register((55, 74), (48, 67), (40, 60)),
    "homophonic": Register((52, 69), (47, 64), (36, 55)),
    "alberti": Register((52, 66), (48, 62), (43, 57)),
    "broken-chord": Register((52, 69), (47, 64), (40, 57)),
    "waltz": Register((53, 69), (49, 64), (36, 53)),
    "nocturne": Register((52, 69), (46, 62), (33, 51)),
    "contrapuntal": Register((52, 69), (47, 64), (38, 57)),
}


@lru_cache(maxsize=256)
def texture_named(text: str | None, period: str | None) -> str:
    """The texture that a free text means; where it says nothing, counterpoint in the baroque and homophony after."""
    plain = (text or "").lower()
    if plain in TEXTURES:
        return plain
    for pattern, texture in _WORDS:
        if re.search(pattern, plain):
            return texture
    return "contrapuntal" if not plain and period == "baroque" else "homophonic"


@lru_cache(maxsize=256)
def register_for(texture: str, ensemble: Ensemble) -> Register:
    """Where alto, tenor and bass lie: the texture's register, moved into the players' ranges."""
    wanted = _REGISTERS[texture]
    keyboard = ensemble.bass.keyboard

    def within(bounds: tuple[int, int], low: int, high: int) -> tuple[int, int]:
        bottom, top = max(bounds[0], low), min(bounds[1], high)
        if top - bottom < 12:  # a full octave, so that every pitch class is there
            bottom = max(low, min(bottom, high - 14))
            top = min(high, bottom + 14)
        return bottom, top

    alto = ensemble.bass if keyboard else ensemble.alto
    tenor = ensemble.bass if keyboard else ensemble.tenor
    return Register(
        within(wanted.alto, alto.low, alto.high),
        within(wanted.tenor, tenor.low, tenor.high),
        within(wanted.bass, ensemble.bass.low, ensemble.bass.high),
    )


@lru_cache(maxsize=1024)
def patterns_of(
    texture: str, meter: Meter, tempo: int, keyboard: bool
) -> Callable[[tuple[int, ...], tuple[int, ...], bool], IntColumn]:
    """A texture for whole phrases, each rhythm of chords laid out once.

    Called with the chords' starts and ends (divisions from the phrase's start, which is a downbeat) and whether the
    last one is held; gives rows (offset, length, tone, voice, number of the chord).
    """

    @lru_cache(maxsize=8192)
    def made(starts: tuple[int, ...], ends: tuple[int, ...], hold: bool) -> IntColumn:
        parts = []
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            held = hold and number == len(starts) - 1 and end - start >= meter.beat
            rows = pattern(texture, meter, start % meter.bar, end - start, tempo, keyboard, held)
            part = np.empty((len(rows), 5), np.int32)
            part[:, :4] = rows
            part[:, 0] += start
            part[:, 4] = number
            parts.append(part)
        return np.concatenate(parts)

    return made


def pattern(
    texture: str, meter: Meter, position: int, duration: int, tempo: int, keyboard: bool, hold: bool
) -> IntColumn:
    """Rows for a chord that begins ``position`` divisions after a downbeat; ``hold`` lets it ring (an ending)."""
    rows: list[tuple[int, int, int, int]] = []
    if hold:
        rows = [(0, duration, BASS, 3), (0, duration, TENOR, 2), (0, duration, ALTO, 2 if keyboard else 1)]
        return np.array(rows, np.int32)
    at = 0
    while at < duration:
        within_bar = (position + at) % meter.bar
        length = min(meter.bar - within_bar, duration - at)
        rows += [
            (at + offset, value, tone, voice)
            for offset, value, tone, voice in _bar(texture, meter, within_bar, length, tempo, keyboard)
        ]
        at += length
    return np.array(rows, np.int32)


Row = tuple[int, int, int, int]


def _bar(texture: str, meter: Meter, position: int, length: int, tempo: int, keyboard: bool) -> list[Row]:
    match texture:
        case "chorale":
            return [(0, length, BASS, 3), (0, length, TENOR, 2), (0, length, ALTO, 1)]
        case "alberti" | "broken-chord":
            return _broken(texture, meter, length, tempo, keyboard)
        case "nocturne":
            return _nocturne(meter, length)
        case "waltz":
            return _waltz(meter, position, length, keyboard)
        case "contrapuntal":
            return [(0, length, BASS, 3)]
    return _homophonic(meter, length, tempo, keyboard)


def _unit(meter: Meter, tempo: int) -> int:
    """The figure's note value: eighths, in slow music sixteenths, in quick 2/2 still eighths."""
    if meter.compound or meter.denominator == 8:
        return DIVISIONS // 2
    return DIVISIONS // 4 if tempo < 66 else DIVISIONS // 2


def _grid(length: int, unit: int) -> list[tuple[int, int]]:
    count, rest = divmod(length, unit)
    if count == 0:
        return [(0, length)]
    cells = [(number * unit, unit) for number in range(count)]
    if rest:
        cells[-1] = (cells[-1][0], unit + rest)
    return cells


def _broken(texture: str, meter: Meter, length: int, tempo: int, keyboard: bool) -> list[Row]:
    cells = _grid(length, _unit(meter, tempo))
    order: tuple[int, ...]
    if meter.compound or meter.denominator == 8:
        order = (BASS, TENOR, ALTO) if texture == "alberti" else (BASS, TENOR, ALTO, ALTO, TENOR, TENOR)
        order = (BASS, TENOR, ALTO) if len(cells) % 6 else order
    else:
        order = (BASS, ALTO, TENOR, ALTO) if texture == "alberti" else (BASS, TENOR, ALTO, TENOR)
    if keyboard and texture == "alberti":
        return [(offset, value, order[number % len(order)], 3) for number, (offset, value) in enumerate(cells)]
    figure = [
        TENOR if order[number % len(order)] == BASS else order[number % len(order)] for number in range(len(cells))
    ]
    rows: list[Row] = [(0, length, BASS, 3)]
    return rows + [(offset, value, figure[number], 2) for number, (offset, value) in enumerate(cells)]


def _nocturne(meter: Meter, length: int) -> list[Row]:
    unit = DIVISIONS // 2
    cells = _grid(length, unit)
    order = (TENOR, ALTO, TENOR, ALTO) if not meter.compound else (TENOR, ALTO, TENOR)
    rows: list[Row] = [(0, length, BASS, 3)]
    if len(cells) < 2:
        return [*rows, (0, length, TENOR, 2), (0, length, ALTO, 2)]
    return rows + [
        (offset, value, order[(number - 1) % len(order)], 2) for number, (offset, value) in enumerate(cells) if number
    ]


def _waltz(meter: Meter, position: int, length: int, keyboard: bool) -> list[Row]:
    beat = meter.beat // 3 if meter.compound else meter.beat
    group = 3 if meter.compound or meter.beats == 3 else 2
    rows: list[Row] = []
    upper = 2 if keyboard else 1
    start = position // beat
    for number, (offset, value) in enumerate(_grid(length, beat)):
        if number == 0 or (start + number) % group == 0:
            following = min(group - (start + number) % group, (length - offset) // beat or 1)
            rows.append((offset, value if following < 2 else min(value * following, length - offset), BASS, 3))
        else:
            rows += [(offset, value, TENOR, 2), (offset, value, ALTO, upper)]
    return rows


def _homophonic(meter: Meter, length: int, tempo: int, keyboard: bool) -> list[Row]:
    """Bass held, chords above it on the beats (on half bars in quick music)."""
    upper = 2 if keyboard else 1
    beat = meter.beat
    while beat * 2 <= meter.bar and beat * 60 < DIVISIONS * tempo * 0.42:
        beat *= 2
    rows: list[Row] = [(0, length, BASS, 3)]
    for offset, value in _grid(length, beat):
        rows += [(offset, value, TENOR, 2), (offset, value, ALTO, upper)]
    return rows
