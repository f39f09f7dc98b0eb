"""Harmony heard in notes: one chord of one key for each slice of time.

A search finds the reading of the whole piece that explains most notes, with few changes of key and with dominants that
resolve (after Temperley, *The Cognition of Basic Musical Structures*, 2001, ch. 6, and Raphael and Stoddard,
"Functional Harmonic Analysis Using Probabilistic Models", 2004). It is a machine's reading: less than an analyst's,
enough to file a piece and to learn its outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.keys import ALL_KEYS, Key, Mode
from workbench.core.music.numerals import Chord, parse_numeral

_CHORDS: dict[Mode, tuple[tuple[str, float], ...]] = {
    # Each chord's figure in root position, and how unlikely it is before a note is heard.
    "major": (("I", 0.0), ("V", 0.1), ("IV", 0.2), ("ii", 0.3), ("vi", 0.3), ("viio", 0.6), ("iii", 0.8), ("V7", 0.4),
              ("ii7", 0.7), ("vi7", 1.3), ("IV7", 1.3), ("viiø7", 0.9), ("V/V", 1.3), ("V7/V", 1.3), ("V7/IV", 1.4),
              ("viio/V", 1.5), ("V/vi", 1.5), ("V7/vi", 1.5), ("V/ii", 1.6), ("V7/ii", 1.6), ("viio/ii", 1.8)),
    "minor": (("i", 0.0), ("V", 0.1), ("iv", 0.2), ("iio", 0.5), ("VI", 0.4), ("viio", 0.5), ("III", 0.7), ("V7", 0.4),
              ("iiø7", 0.7), ("VII", 0.9), ("v", 1.2), ("iv7", 1.2), ("viio7", 0.8), ("IV", 1.2), ("I", 0.7),
              ("ii", 1.5), ("V7/iv", 1.4), ("V/V", 1.6), ("viio/V", 1.7), ("V7/III", 1.4), ("V/iv", 1.6), ("VI7", 1.5)),
}  # fmt: skip
_INVERSIONS = (("", "6", "64"), ("7", "65", "43", "42"))
_FLATTEST, _TONES = -16, 40
"""The line of fifths as columns of a table: from seven double flats to as many double sharps and more."""

Table = NDArray[np.float64]


class Slice(NamedTuple):
    """What sounds in a slice of time: weights by place on the fifths line, and the bass.

    ``begins`` and ``ends`` say that a phrase begins with it and ends with it. ``inertia`` is the price of another chord
    than before, high within a bar where one harmony is figured out.
    """

    onset: Fraction
    weights: dict[int, float]
    bass: int
    begins: bool
    ends: bool
    inertia: float = 0.0


class Heard(NamedTuple):
    """A slice understood: a chord's figure in root position, its key, and the share of the notes that belong to it."""

    figure: str
    key: Key
    chord: Chord
    explained: float

    def inverted(self, bass: int) -> str:
        """The figure over a bass (on the line of fifths); root position over a bass that is no tone of the chord."""
        tones = self.chord.spelled(self.key)
        inversion = tones.index(bass) if bass in tones else 0
        head, slash, target = self.figure.partition("/")
        return head.removesuffix("7") + _INVERSIONS[len(tones) > 3][inversion] + slash + target


class _State(NamedTuple):
    key: Key
    figure: str
    chord: Chord
    cost: float


def hear(
    slices: Sequence[Slice],
    signature: int,
    *,
    home: Key | None = None,
    only: Key | None = None,
    final: bool = False,
    by_sound: bool = False,
) -> list[Heard]:
    """The chord of each slice.

    Args:
        slices: in order, at least one.
        signature: the key signature that holds, -7 to 7; keys within two accidentals of it are heard.
        home: the home key where it is known, preferred to others.
        only: the one key that is to be heard, where it is certain.
        final: whether the last slice is the piece's, which rests on the home key's tonic if it can.
        by_sound: whether spelling means nothing, as in MIDI: places on the fifths line are then compared as sounds.
    """
    states, moves = _states(signature), _moves(signature)
    if only is not None:
        kept = [number for number, state in enumerate(states) if state.key == only]
        states, moves = tuple(states[number] for number in kept), moves[np.ix_(kept, kept)]
    freely = np.where(moves < -1, moves * 0.45, moves)
    changed = 1.0 - np.eye(len(states))
    tones = _tones(signature, only, by_sound)
    worth, share = _worth(slices, tones, by_sound)
    if home is not None:
        worth = worth - 0.12 * np.array([state.key != home for state in states])
        if final:
            worth[-1] += 1.5 * np.array([state.key == home and state.figure in {"I", "i"} for state in states])
    value = np.zeros(len(states))
    back: list[NDArray[np.intp]] = []
    for number, each in enumerate(slices):
        if number:
            options = value[:, None] + (freely if each.begins else moves)
            if each.inertia:
                options = options - each.inertia * changed
            back.append(options.argmax(axis=0))
            value = options.max(axis=0)
        value = value + worth[number] + (tones.closes if each.ends or number == len(slices) - 1 else 0)
    path = [int(value.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    path.reverse()
    return [
        Heard(states[index].figure, states[index].key, states[index].chord, float(share[number, index]))
        for number, index in enumerate(path)
    ]


@lru_cache(maxsize=16)
def _states(signature: int) -> tuple[_State, ...]:
    return tuple(
        _State(key, figure, parse_numeral(figure, key.mode), cost + 0.15 * abs(key.signature - signature))
        for key in ALL_KEYS
        if abs(key.signature - signature) <= 2
        for figure, cost in _CHORDS[key.mode]
    )


@lru_cache(maxsize=16)
def _moves(signature: int) -> Table:
    """The worth of going from each state to each other."""
    states = _states(signature)
    table = np.zeros((len(states), len(states)))
    for number, before in enumerate(states):
        for other, after in enumerate(states):
            if before.key != after.key:
                table[number, other] = -2.6 - 0.2 * before.key.distance(after.key)
                continue
            leaving, going = before.chord, after.chord
            if leaving.target is not None:
                table[number, other] = 0.7 if going.degree == leaving.target and not going.is_applied else -0.8
            elif leaving.degree in (5, 7) and leaving.leading is not None:
                table[number, other] = {1: 0.6, 6: 0.1, 5: 0.2}.get(going.degree, -0.5)
            elif leaving.function == "S" and going.function == "D":
                table[number, other] = 0.3
            table[number, other] += 0.15 * (before.figure == after.figure)
    return table


class _Tones(NamedTuple):
    """What belongs to each state, in the columns of a table of sounds: all its tones, and its root, third and last."""

    belongs: Table
    root: NDArray[np.intp]
    third: NDArray[np.intp]
    last: NDArray[np.intp]
    seventh: NDArray[np.bool_]
    cost: Table
    closes: Table


def _column(fifths: int, by_sound: bool) -> int:
    return fifths * 7 % 12 if by_sound else min(_TONES - 1, max(0, fifths - _FLATTEST))


@lru_cache(maxsize=64)
def _tones(signature: int, only: Key | None, by_sound: bool) -> _Tones:
    states = [state for state in _states(signature) if only in (None, state.key)]
    columns = [[_column(fifths, by_sound) for fifths in state.chord.spelled(state.key)] for state in states]
    belongs = np.zeros((len(states), 12 if by_sound else _TONES))
    for number, own in enumerate(columns):
        belongs[number, own] = 1.0
    return _Tones(
        belongs,
        np.array([own[0] for own in columns]),
        np.array([own[1] for own in columns]),
        np.array([own[3] if len(own) > 3 else own[0] for own in columns]),
        np.array([len(own) > 3 for own in columns]),
        np.array([state.cost for state in states]),
        np.array([_close_worth(state) for state in states]),
    )


def _worth(slices: Sequence[Slice], tones: _Tones, by_sound: bool) -> tuple[Table, Table]:
    """How well each state explains each slice, and the share of the slice's notes that belong to it."""
    bass = np.array([_column(each.bass, by_sound) for each in slices])
    weights = np.zeros((len(slices), tones.belongs.shape[1]))
    for number, each in enumerate(slices):
        for fifths, weight in each.weights.items():
            weights[number, _column(fifths, by_sound)] += weight
    heard, total = weights @ tones.belongs.T, weights.sum(axis=1, keepdims=True)
    worth = heard - 1.4 * (total - heard)
    worth += 0.5 * (bass[:, None] == tones.root) + 0.2 * (bass[:, None] == tones.third)
    worth -= 0.5 * (weights[:, tones.third] == 0) + 0.3 * (weights[:, tones.root] == 0)
    worth -= 0.5 * ((weights[:, tones.last] == 0) & tones.seventh)
    return worth - 0.7 * tones.cost, heard / np.maximum(total, 1e-9)


def _close_worth(state: _State) -> float:
    """How well a phrase ends on a chord of a key."""
    if state.chord.is_applied or len(state.chord.tones) > 3:
        return -1.5
    return {"I": 1.0, "i": 1.0, "V": 0.6, "IV": -0.2, "vi": -0.2, "VI": -0.2}.get(state.figure, -1.2)
