"""Voice-leading by search: alto, tenor and bass for each chord under a given tune.

For every chord all voicings within the players' ranges are listed and priced once; moves between the voicings of two
chords are priced once as a matrix; then a shortest path runs through the piece. Prices follow common practice (Aldwell,
Schachter and Cadwallader 2011, ch. 5-9): no consecutive fifths, octaves or unisons, leading tones rise, sevenths fall,
no doubled leading tone, close inner voices, small steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.keys import Key
from workbench.core.music.numerals import Chord
from workbench.core.music.pitches import pitch_class

MAX_VOICINGS = 16
Floats = NDArray[np.float32]
_BIG = np.float32(60.0)


class Register(NamedTuple):
    """The lowest and highest MIDI numbers of alto, tenor and bass."""

    alto: tuple[int, int]
    tenor: tuple[int, int]
    bass: tuple[int, int]


@dataclass(frozen=True, eq=False, slots=True)
class Voicings:
    """All usable voicings of a chord: ``pitches`` (n, 3) MIDI of alto, tenor, bass; ``cost`` (n,) of each by itself.

    ``leaving`` and ``arriving`` hold, for each of the twelve soprano pitch classes, (n, 8) marks of the perfect
    intervals under it; the product of one chord's ``leaving`` and the next one's ``arriving`` prices consecutive ones.
    """

    pitches: NDArray[np.int32]
    cost: Floats
    leaving: Floats
    arriving: Floats
    classes: tuple[int, ...]
    leading: int | None
    seventh: int | None


@lru_cache(maxsize=8192)
def voicings_of(
    classes: tuple[int, ...], bass: int, leading: int | None, seventh: int | None, register: Register
) -> Voicings:
    """The cheapest voicings of a chord given as pitch classes (root first), within a register."""
    found: list[tuple[float, tuple[int, int, int]]] = []
    for low in _pitches(bass, register.bass):
        for tenor in _all(classes, register.tenor):
            if tenor < low or tenor - low > 24:
                continue
            for alto in _all(classes, register.alto):
                if alto < tenor or alto - tenor > 12:
                    continue
                price = _price(low, tenor, alto, classes, leading, seventh, register)
                if price < 50:
                    found.append((price, (alto, tenor, low)))
    if not found:  # a register too narrow for the chord: take whatever lies nearest
        low = _nearest(bass, register.bass)
        tenor = _nearest(classes[1], register.tenor)
        alto = _nearest(classes[-1], register.alto)
        found = [(0.0, tuple(sorted((alto, tenor, low), reverse=True)))]  # type: ignore[list-item]
    found.sort()
    pitches = np.array([voicing for _, voicing in found[:MAX_VOICINGS]], np.int32)
    cost = np.array([price for price, _ in found[:MAX_VOICINGS]], np.float32)
    below = (np.arange(12)[:, None, None] - pitches[None]) % 12
    octaves, fifths = (below == 0).astype(np.float32), (below == 7).astype(np.float32)
    # The last two columns: figures leave a chord by its alto and enter the next by its bass.
    leaving = np.concatenate([octaves * _BIG, fifths * _BIG, octaves[..., :1] * 5, fifths[..., :1] * 5], axis=2)
    arriving = np.concatenate([octaves, fifths, octaves[..., 2:], fifths[..., 2:]], axis=2)
    return Voicings(pitches, cost, leaving, arriving, classes, leading, seventh)


def _pitches(pitch_class: int, bounds: tuple[int, int]) -> range:
    first = bounds[0] + (pitch_class - bounds[0]) % 12
    return range(first, bounds[1] + 1, 12)


def _all(classes: tuple[int, ...], bounds: tuple[int, int]) -> list[int]:
    return sorted({pitch for tone in classes for pitch in _pitches(tone, bounds)})


def _nearest(pitch_class: int, bounds: tuple[int, int]) -> int:
    middle = sum(bounds) // 2
    return middle + (pitch_class - middle + 6) % 12 - 6


def _price(
    low: int,
    tenor: int,
    alto: int,
    classes: tuple[int, ...],
    leading: int | None,
    seventh: int | None,
    register: Register,
) -> float:
    sounding = [low % 12, tenor % 12, alto % 12]
    cost = 0.0
    if leading is not None and sounding.count(leading) > 1:
        return 99.0
    if seventh is not None:
        if sounding.count(seventh) > 1:
            return 99.0
        cost += 4.0 * (seventh not in sounding)
    third = classes[1]
    cost += 6.0 * (third not in sounding) + 1.0 * (sounding.count(third) > 1)
    cost += 5.0 * (classes[0] not in sounding and len(classes) < 4) + 2.0 * (classes[0] not in sounding)
    cost += 1.8 * (len(classes) == 3 and classes[2] not in sounding)
    cost += 0.6 * (len(classes) > 3 and classes[2] not in sounding)
    cost += 3.0 * (alto == tenor) + 4.0 * (tenor == low)
    spread = tenor - low
    if spread < 7 and low < 48:
        cost += 0.25 * (48 - low) + 1.0  # close intervals are muddy in the bass
    cost += 0.15 * max(0, spread - 14) + 0.2 * max(0, alto - low - 16)
    middle = sum(register.alto) / 2
    return cost + 0.06 * abs(alto - middle) + 0.03 * abs(low - sum(register.bass) / 2)


@lru_cache(maxsize=30_000)
def transition(before: Voicings, after: Voicings) -> Floats:
    """The price of every move between the voicings of two chords, (n, m)."""
    a, b = before.pitches[:, None, :], after.pitches[None, :, :]
    move = b - a
    size = np.abs(move)
    inner = size[..., :2]
    cost = (inner * 0.16 + (inner > 2) * 0.5 + (inner > 5) * 1.5).sum(axis=2) + size[..., 2] * 0.07
    cost = cost + (size[..., 2] > 12) * 2.0
    for upper, lower in ((0, 1), (0, 2), (1, 2)):
        first = (a[..., upper] - a[..., lower]) % 12
        second = (b[..., upper] - b[..., lower]) % 12
        moved = (move[..., upper] != 0) & (move[..., lower] != 0)
        cost = cost + (moved & (first == second) & ((first == 0) | (first == 7))) * _BIG
    # Voices do not overlap: no voice passes where its neighbour just was.
    cost = cost + ((b[..., 1] > a[..., 0]) | (b[..., 0] < a[..., 1])) * 2.0
    cost = cost + ((b[..., 2] > a[..., 1]) | (b[..., 1] < a[..., 2])) * 2.0
    if before.leading is not None:
        goal, here = (before.leading + 1) % 12, a % 12 == before.leading
        if goal in after.classes:
            wrong = here & (move != 1)
            cost = cost + (wrong * np.array([4.0, 3.5, 9.0])).sum(axis=2)
        elif before.leading in after.classes:
            cost = cost + (here & (move != 0)).sum(axis=2) * 1.0
    if before.seventh is not None:
        here = a % 12 == before.seventh
        falls = (move == -1) | (move == -2)
        stays = (move == 0) & (before.seventh in after.classes)
        cost = cost + (here & ~falls & ~stays).sum(axis=2) * 7.0
    return np.asarray(cost, np.float32)


class Under(NamedTuple):
    """The tune over one chord in MIDI numbers: its first, last and lowest note; -1 where it rests."""

    first: int
    last: int
    lowest: int


@lru_cache(maxsize=32768)
def _fit(voicings: Voicings, under: Under) -> Floats:
    """What each voicing costs under this bit of tune: too high, or doubling what the tune has."""
    alto = voicings.pitches[:, 0]
    cost = voicings.cost.copy()
    if under.first >= 0:
        cost += np.where(alto > under.lowest, 4.0 + 0.8 * (alto - under.lowest), 0).astype(np.float32)
        cost += (alto > under.first) * np.float32(3.0)
        cost += (alto == under.first) * np.float32(1.0)
        for tone in (voicings.leading, voicings.seventh):
            if tone is not None and under.first % 12 == tone:
                cost += ((voicings.pitches % 12 == tone).any(axis=1)) * np.float32(6.0)
    return cost


@lru_cache(maxsize=30_000)
def _move(previous: Voicings, voicings: Voicings, left: int, reached: int) -> Floats:
    """The price of every move under a tune that goes from pitch class ``left`` to ``reached`` (-1: it does not move),
    (to, from)."""
    price = transition(previous, voicings).T
    if left >= 0:
        price = price + voicings.arriving[reached] @ previous.leaving[left].T
    return np.ascontiguousarray(price)


class Step(NamedTuple):
    """The way into one chord: ``moves`` (to, from), where each of its rows begins when read flat, and ``fit`` (to,)."""

    moves: Floats
    rows: NDArray[np.intp]
    fit: Floats


@lru_cache(maxsize=512)
def _rows(height: int, width: int) -> NDArray[np.intp]:
    return np.arange(height) * width


def _step(previous: Voicings, voicings: Voicings, last: int, under: Under) -> Step:
    # A held or repeated note makes no parallels: the same note is the same pitch class twice.
    moving = last >= 0 and under.first >= 0 and last != under.first
    moves = _move(previous, voicings, last % 12 if moving else -1, under.first % 12 if moving else -1)
    return Step(moves, _rows(*moves.shape), _fit(voicings, under))


@lru_cache(maxsize=8192)
def _inside(chords: tuple[Voicings, ...], tune: tuple[Under, ...]) -> tuple[tuple[Step, ...], int]:
    """The steps inside a phrase, and the tune's last note in it (-1 where it only rests)."""
    steps: list[Step] = []
    last = tune[0].last
    for (previous, voicings), under in zip(pairwise(chords), tune[1:], strict=True):
        steps.append(_step(previous, voicings, last, under))
        last = under.last if under.last >= 0 else last
    return tuple(steps), last


def lead(phrases: Sequence[tuple[tuple[Voicings, ...], tuple[Under, ...]]]) -> list[int]:
    """The index of the voicing to take for each chord, along the cheapest path through the piece.

    Each phrase is given as its chords' voicings and the tune over each chord.
    """
    back: list[NDArray[np.intp]] = []
    cost: Floats | None = None
    before, last = phrases[0][0][0], -1
    for chords, tune in phrases:
        steps, ends_on = _inside(chords, tune)
        if cost is None:
            cost = _fit(chords[0], tune[0])
        else:
            steps = (_step(before, chords[0], last, tune[0]), *steps)
        for moves, rows, fit in steps:
            total = moves + cost
            choice = total.argmin(axis=1)
            back.append(choice)
            cost = total.take(choice + rows) + fit
        before, last = chords[-1], ends_on
    path = [int(cost.argmin())] if cost is not None else []
    for choice in reversed(back):
        path.append(int(choice[path[-1]]))
    return path[::-1]


@lru_cache(maxsize=8192)
def chord_voicings(chord: Chord, key: Key, register: Register) -> Voicings:
    """The voicings of a numeral in a key."""
    return voicings_of(
        chord.pitch_classes(key),
        pitch_class(key.tonic + chord.bass),
        None if chord.leading is None else pitch_class(key.tonic + chord.leading),
        None if chord.seventh is None else pitch_class(key.tonic + chord.seventh),
        register,
    )
