"""Functional harmony for a phrase: a walk through common progressions, quickening into a real cadence formula.

The tables of ``progressions`` say what usually follows what in major; minor is derived. Periods differ in their extra
chords and in how often harmony moves.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from workbench.core.compose.progressions import COMMON, EXTRA, FORMULAS, SEQUENCES, TO_MAJOR, TO_MINOR, Table
from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Mode
from workbench.core.music.meters import Meter


class Harmony(NamedTuple):
    """Numerals and their lengths in divisions."""

    figures: tuple[str, ...]
    lengths: tuple[int, ...]


def minor_figure(figure: str) -> str:
    """What a major-mode numeral becomes in minor."""
    if figure in TO_MINOR:
        return TO_MINOR[figure]
    return figure


def in_mode(figures: Sequence[str], mode: Mode) -> tuple[str, ...]:
    """The same progression in the other mode; figures that are at home in ``mode`` stay."""
    table = TO_MINOR if mode == "minor" else TO_MAJOR
    return tuple(table.get(figure, figure) for figure in figures)


@lru_cache(maxsize=16)
def _table(period: str, mode: Mode) -> Table:
    merged: Table = {figure: dict(following) for figure, following in COMMON.items()}
    for figure, following in EXTRA[period].items():
        merged.setdefault(figure, {}).update(following)
    if mode == "major":
        return merged
    minor: Table = {}
    for figure, following in merged.items():
        row = minor.setdefault(minor_figure(figure), {})
        for after, weight in following.items():
            name = minor_figure(after)
            row[name] = row.get(name, 0) + weight
    minor["i"] |= {"VII": 0.6 if period in {"baroque", "romantic"} else 0.3, "viio7": 0.6}
    minor["VII"] = minor.get("VII", {}) | {"III": 1.5}
    minor["III"] = {"VI": 1, "iv": 1, "iio6": 0.6}
    minor["viio7"] = {"i": 1}
    minor["VI"] = minor.get("VI", {}) | ({"N6": 0.5} if period == "romantic" else {})
    minor["N6"] = {"V": 1, "V7": 1}
    return minor


def _halves(meter: Meter) -> tuple[int, int]:
    """A bar in two parts, the heavier first."""
    if meter.beats == 1:
        return meter.bar * 2 // 3, meter.bar // 3
    heavy = (meter.beats + 1) // 2
    return heavy * meter.beat, (meter.beats - heavy) * meter.beat


def _thirds(meter: Meter) -> tuple[int, int, int] | None:
    if meter.beats == 4:
        return 2 * meter.beat, meter.beat, meter.beat
    return (meter.beat,) * 3 if meter.beats == 3 else None


def _cadence(
    cadence: CadenceType, mode: Mode, period: str, bars: int, meter: Meter, quick: bool, rng: random.Random
) -> tuple[list[tuple[str, int]], int]:
    """Chords of the cadence with their lengths, and how many bars they take; the last is the arrival."""
    tonic = "i" if mode == "minor" else "I"
    kind = {"HC": "half", "PC": "plagal"}.get(cadence, "authentic")
    arrival = {"HC": "V", "DC": "VI" if mode == "minor" else "vi", "PICARDY": "I"}.get(cadence, tonic)
    choices = FORMULAS[kind][period]
    before = list(rng.choices([chords for chords, _ in choices], [weight for _, weight in choices])[0])
    if mode == "minor":
        before = [minor_figure(figure) for figure in before]
        if cadence == "HC" and rng.random() < (0.6 if period == "baroque" else 0.25):
            before = ["iv6"]  # Phrygian
    if cadence == "IAC" and len(before) == 2 and rng.random() < 0.35:
        before[-1] = rng.choice(("V65", "V43"))
    bar = meter.bar
    if bars == 1:
        first, second = _halves(meter)
        return [(before[-1], first), (arrival, second)], 1
    if len(before) == 1:
        return [(before[0], bar), (arrival, bar)], 2
    if quick and bars >= 4 and meter.bar <= 2 * meter.beat * 2:
        # Short, quick bars: each chord of the formula has one of its own, the last two share when there are three.
        first, second = _halves(meter)
        if len(before) == 3:
            return [(before[0], bar), (before[1], first), (before[2], second), (arrival, bar)], 3
        return [(before[0], bar), (before[1], bar), (arrival, bar)], 3
    if len(before) == 3:
        thirds = _thirds(meter)
        if thirds is not None:
            return [*zip(before, thirds, strict=True), (arrival, bar)], 2
        if bars >= 3:
            first, second = _halves(meter)
            return [(before[0], bar), (before[1], first), (before[2], second), (arrival, bar)], 3
        before = [before[0], before[2]]
    first, second = _halves(meter)
    return [(before[0], first), (before[1], second), (arrival, bar)], 2


def phrase_harmony(
    bars: int,
    mode: Mode,
    meter: Meter,
    period: str,
    role: str,
    cadence: CadenceType | None,
    bar_seconds: float,
    chord_seconds: float,
    rng: random.Random,
    *,
    opening: Sequence[tuple[str, int]] = (),
    start: str | None = None,
) -> Harmony:
    """Chords for a phrase. ``opening`` fixes its first chords (as when it begins like another phrase)."""
    tail: list[tuple[str, int]] = []
    taken = 0
    if cadence is not None:
        tail, taken = _cadence(cadence, mode, period, bars, meter, bar_seconds < 1.3, rng)
    fixed = sum(length for _, length in opening)
    room = (bars - taken) * meter.bar - fixed
    while room < 0 and opening:
        opening = opening[:-1]
        fixed = sum(length for _, length in opening)
        room = (bars - taken) * meter.bar - fixed
    lengths = _slot_lengths(room, meter, bar_seconds, chord_seconds, rng)
    head = list(opening)
    if not lengths and len(head) > 1 and "/" in head[-1][0]:
        # No room to resolve an applied chord before the cadence: the chord before it stays.
        head[-2:] = [(head[-2][0], head[-2][1] + head[-1][1])]
    table = _table(period, mode)
    first = start or _first(role, mode, rng)
    previous = head[-1][0] if head else None
    goal = tail[0][0] if tail else None
    best = _body(role, len(lengths), table, mode, period, first, previous, goal, rng)
    pairs = [*head, *zip(best, lengths, strict=True), *tail]
    return _merged(pairs, meter)


def _slot_lengths(room: int, meter: Meter, bar_seconds: float, chord_seconds: float, rng: random.Random) -> list[int]:
    """Chord lengths that fill ``room`` divisions, about ``chord_seconds`` each, on bars or half bars."""
    result: list[int] = []
    left = room
    ratio = bar_seconds / chord_seconds
    while left > 0:
        if left % meter.bar:
            size = left % meter.bar
            result.append(size)
            left -= size
            continue
        if ratio < 0.62 and left >= 2 * meter.bar and rng.random() < 0.75:
            result.append(2 * meter.bar)
            left -= 2 * meter.bar
        elif ratio > 1.45 and meter.beats > 1 and rng.random() < min(0.9, ratio - 0.9):
            result.extend(_halves(meter))
            left -= meter.bar
        else:
            result.append(meter.bar)
            left -= meter.bar
    return result


def _first(role: str, mode: Mode, rng: random.Random) -> str:
    tonic = "i" if mode == "minor" else "I"
    if role == "contrasting":
        return rng.choice(("V", "V7", tonic, "V65"))
    if role == "standing-on-the-dominant":
        return "V"
    if role in {"continuation", "fortspinnung"}:
        options = ("I6", "vi", "IV", "I") if mode == "major" else ("i6", "VI", "iv", "i")
        return rng.choice(options)
    if role == "cadential":
        return rng.choice(("I6", "I", "IV") if mode == "major" else ("i6", "i", "iv"))
    return tonic


def _body(
    role: str,
    count: int,
    table: Table,
    mode: Mode,
    period: str,
    first: str,
    previous: str | None,
    goal: str | None,
    rng: random.Random,
) -> list[str]:
    if count <= 0:
        return []
    tonic = "i" if mode == "minor" else "I"
    if role == "standing-on-the-dominant":
        pattern = ("V", f"{tonic}64", "V7", f"{tonic}64")
        return [pattern[number % 4] for number in range(count)]
    sequential = {"fortspinnung": 0.85, "continuation": 0.45, "model": 0.3, "sequence": 0.3}.get(role, 0.06)
    sequential *= {"baroque": 1.2, "classical": 1.0, "romantic": 0.8, "modern": 0.4}[period]
    if count >= 3 and rng.random() < sequential:
        chosen = rng.choice(SEQUENCES[mode])
        begin = 0 if first == chosen[0] else rng.randrange(max(1, len(chosen) - count))
        run = (chosen * 3)[begin : begin + count]
        if previous is None or run[0] != previous:
            return list(run)
    best: list[str] = []
    best_score = -1.0
    for _ in range(24):
        chords: list[str] = []
        here = previous
        for _ in range(count):
            if here is None:
                here = first
            else:
                known = table.get(here) or {here.split("/")[1] if "/" in here else tonic: 1.0}
                row = {name: weight for name, weight in known.items() if weight > 0}
                here = rng.choices(list(row), list(row.values()))[0]
            chords.append(here)
        score = _connects(chords[-1], goal, table, tonic) + 0.15 * len(set(chords)) + rng.random() * 0.2
        if score > best_score:
            best, best_score = chords, score
    return best


def _connects(last: str, goal: str | None, table: Table, tonic: str) -> float:
    """How well the walk runs into the cadence: 2 well, 0 badly."""
    if goal is None:
        return 1.0 if last not in {"V", "V7", "V65", "V42"} else 0.6
    if last == goal:
        return 0.8
    if goal in table.get(last, {}):
        return 2.0
    dominant = last.startswith(("V", "viio")) and "/" not in last and last not in {"VI", "VII", "VI7", "VII7", "VI6"}
    if dominant or "/" in last:
        return 0.0  # a dominant that does not resolve
    return 1.4 if last in {tonic, f"{tonic}6", "vi", "VI"} else 0.7


def _merged(pairs: Sequence[tuple[str, int]], meter: Meter) -> Harmony:
    """Join repeated chords within two bars."""
    figures: list[str] = []
    lengths: list[int] = []
    for figure, length in pairs:
        if length <= 0:
            continue
        if figures and figures[-1] == figure and lengths[-1] + length <= 2 * meter.bar:
            lengths[-1] += length
        else:
            figures.append(figure)
            lengths.append(length)
    return Harmony(tuple(figures), tuple(lengths))


def sequenced(figures: Sequence[str], mode: Mode, steps: int) -> tuple[str, ...]:
    """A short model on another degree: its tonic becomes ``steps`` above (1) or below (-1), its dominants are applied.

    In major I becomes ii or vi, in minor i becomes iv or III. Chords that have no place there stand as the new tonic.
    """
    goals = {"major": ("vi", "ii"), "minor": ("III", "iv")}
    goal = goals[mode][steps > 0]
    result = []
    for figure in figures:
        plain = figure.upper()
        if plain.startswith("VII") and "/" not in figure:
            result.append(f"viio6/{goal}" if "O6" in plain and plain != "VIIO65" else f"viio7/{goal}")
        elif plain.startswith("V") and not plain.startswith("VI") and "/" not in figure:
            inversion = figure[1:] if figure[0] == "V" and not figure[1:].startswith("m") else ""
            result.append(f"V{inversion}/{goal}" if inversion != "9" else f"V7/{goal}")
        elif figure.rstrip("647").upper() == "I" and figure.endswith("6") and not figure.endswith("64"):
            result.append(f"{goal}6")
        else:
            result.append(goal)
    return tuple(result)
