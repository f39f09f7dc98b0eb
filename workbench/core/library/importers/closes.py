"""How phrases end: the cadence that a run of numerals spells, and where phrases lie in a run that does not say so.

After Caplin, *Classical Form* (1998), ch. 2: authentic closes come from a dominant in root position, half closes rest
on one; repeated tonics after the close only prolong it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Key
from workbench.core.music.numerals import Chord, parse_numeral

LONGEST_PHRASE = 12
"""Bars; a longer stretch without a mark is divided where its harmony closes."""

_LENGTH_COST = {1: 2.5, 2: 1.0, 3: 0.9, 4: 0.0, 5: 0.5, 6: 0.4, 7: 0.8, 8: 0.2}
REWARD: dict[CadenceType | None, float] = {
    "PAC": 1.5, "PICARDY": 1.5, "IAC": 0.9, "HC": 0.7, "PC": 0.5, "DC": 0.2, None: 0.0,
}  # fmt: skip
"""How gladly a phrase ends with each cadence, against the cost of an odd length."""


def close_of(figures: Sequence[str], key: Key, tune_step: int | None = None) -> CadenceType | None:
    """The cadence at the end of a phrase, None where its numerals spell none.

    ``tune_step`` is the scale degree (1 to 7) of the tune over the last chord. Where it is unknown, an authentic close
    in root position is taken for a perfect one, as most are.
    """
    chords = [parse_numeral(figure, key.mode) for figure in figures[-8:]]
    last = chords[-1]
    if _is_dominant(last) and last.inversion == 0:
        return "HC"
    if last.is_applied or len(last.tones) > 3 or last.quality not in {"major", "minor"}:
        return None
    arrival = _arrival(chords)
    before = chords[arrival - 1] if arrival else None
    if before is None:
        return None
    upright = all(chord.inversion == 0 for chord in (before, chords[arrival], last))
    if last.degree == 6 and last.root in (3, -4) and last.inversion == 0:
        return "DC" if _is_dominant(before) and before.inversion == 0 else None
    if last.root != 0 or last.inversion == 2:
        return None
    if before.degree == 4 and before.root == -1 and not before.is_applied and before.quality in {"major", "minor"}:
        return "PC" if upright else None
    if not (_is_dominant(before) or _is_leading(before)):
        return None
    if not (upright and _is_dominant(before) and tune_step in (None, 1)):
        return "IAC"
    return "PICARDY" if key.is_minor and last.quality == "major" else "PAC"


def _arrival(chords: Sequence[Chord]) -> int:
    """Where the last chord's root is reached: repeats of it before the end only prolong the close."""
    at = len(chords) - 1
    while at and chords[at - 1].root == chords[-1].root and not chords[at - 1].is_applied:
        at -= 1
    return at


def _is_dominant(chord: Chord) -> bool:
    return chord.root == 1 and not chord.is_applied and 5 in chord.tones


def _is_leading(chord: Chord) -> bool:
    return chord.root == 5 and not chord.is_applied


def divide(bars: int, close_after: Callable[[int, int], CadenceType | None]) -> list[int]:
    """Divide a stretch into phrases: lengths in bars, four and eight preferred, ends where the harmony closes.

    ``close_after(first, bar)`` is the cadence that the numerals of bars ``first`` to ``bar`` (from 0) end with.
    """
    best: list[tuple[float, list[int]]] = [(0.0, [])]
    for end in range(1, bars + 1):
        options = []
        for length in range(1, min(end, LONGEST_PHRASE) + 1):
            cost = _LENGTH_COST.get(length, 1.0 + 0.2 * (length - 8))
            close = close_after(end - length, end - 1)
            before, lengths = best[end - length]
            options.append((before + cost - REWARD[close] + 0.5, [*lengths, length]))
        best.append(min(options))
    return best[-1][1]
