"""Harmony read from the notes of a piece in four parts, such as a chorale.

Each beat is heard as one chord of one key; a search finds the reading of the whole piece that explains most notes, with
few changes of key and with dominants that resolve (after Temperley, *The Cognition of Basic Musical Structures*, 2001,
ch. 6, and Raphael and Stoddard, "Functional Harmonic Analysis Using Probabilistic Models", 2004). Fermatas end phrases.
It is a machine's reading: less than an analyst's, enough to file a piece and to learn its outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.errors import InvalidInputError
from workbench.core.library.importers.analysis import Analysis, Bar, Break, Imported, Source, Timeline, WrittenChord
from workbench.core.library.importers.assembly import Period, assemble
from workbench.core.library.importers.tunes import TuneNote, notes_of_part, with_melody
from workbench.core.music.keys import ALL_KEYS, Key, Mode
from workbench.core.music.numerals import Chord, parse_numeral

MAX_BEATS = 4000
_HINT = "Give a score in four parts that move together, such as a chorale."

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


class _Beat(NamedTuple):
    """What sounds in a beat: weights by place on the fifths line, the bass, whether it begins or ends a phrase."""

    onset: Fraction
    weights: dict[int, float]
    bass: int
    begins: bool
    ends: bool


class _State(NamedTuple):
    key: Key
    figure: str
    chord: Chord
    cost: float


def read_homophony(score: Any, *, title: str = "", composer: str = "", period: Period | None = None) -> Imported:
    """Read a music21 score in four parts: its harmony by search, its tune from the first part.

    Raises:
        InvalidInputError: no bars, an unfit meter, over 4,000 beats, or parts that do not move together.
    """
    parts = list(getattr(score, "parts", ()))
    if len(parts) < 3:
        raise InvalidInputError(f"The score has {len(parts)} parts; harmony needs three or more.", hint=_HINT)
    analysis, tunes = _heard(parts, title, composer)
    imported = assemble(analysis, period=period)
    imported = imported._replace(notes=("The numerals were found by a machine.", *imported.notes))
    return with_melody(imported, tunes)


def _heard(parts: Sequence[Any], title: str, composer: str) -> tuple[Analysis, tuple[TuneNote, ...]]:
    measures = list(parts[0].getElementsByClass("Measure"))
    signatures = [measure.timeSignature for measure in measures if measure.timeSignature is not None]
    if not measures or not signatures:
        raise InvalidInputError("The score has no bars or no meter.", hint=_HINT)
    if len({signature.ratioString for signature in signatures}) > 1:
        raise InvalidInputError("The meter changes in this score.", hint=_HINT)
    length = Fraction(signatures[0].barDuration.quarterLength)
    beat = Fraction(signatures[0].beatDuration.quarterLength)
    first, last = measures[0].number, max(measure.number for measure in measures)
    names = [str(number) for number in range(first, last + 1)]
    starts = {name: index * length for index, name in enumerate(names)}
    voices = [_placed(part, starts, length) for part in parts[:4]]
    ends = _fermatas(parts[0], starts)
    total = length * len(names)
    if total / beat > MAX_BEATS:
        raise InvalidInputError(f"The score has over {MAX_BEATS} beats.", hint="Import one movement at a time.")
    beats = _beats(voices, beat, total, ends)
    signature = next((sig.sharps for sig in parts[0].recurse().getElementsByClass("KeySignature")), 0)
    chords = _read(beats, int(signature))
    bars = []
    for name in names:
        start = starts[name]
        own = tuple(
            chord._replace(offset=chord.offset - start) for chord in chords if start <= chord.offset < start + length
        )
        breaks = tuple(Break(end - start) for end in sorted(ends) if start < end <= start + length)
        bars.append(Bar(name, length, own, breaks))
    source = Source(title=title, composer=composer, form="chorale" if ends else "", format="score")
    return Analysis(source, signatures[0].ratioString, tuple(bars)), voices[0]


def _placed(part: Any, starts: dict[str, Fraction], length: Fraction) -> tuple[TuneNote, ...]:
    notes = notes_of_part(part, Timeline(starts, (), Fraction(1), True))
    return tuple(note for note in notes if note.onset < length * len(starts))


def _fermatas(part: Any, starts: dict[str, Fraction]) -> set[Fraction]:
    ends: set[Fraction] = set()
    for note in part.recurse().notes:
        if any("Fermata" in expression.classes for expression in note.expressions):
            measure = note.getContextByClass("Measure")
            start = starts.get(str(measure.number))
            if start is not None and not measure.numberSuffix:
                padding = Fraction(measure.paddingLeft or 0)
                offset = Fraction(note.getOffsetInHierarchy(measure))
                ends.add(start + padding + offset + Fraction(note.duration.quarterLength))
    return ends


def _beats(voices: Sequence[Sequence[TuneNote]], beat: Fraction, total: Fraction, ends: set[Fraction]) -> list[_Beat]:
    count = int(total / beat)
    weights: list[dict[int, float]] = [{} for _ in range(count)]
    bass = [99] * count
    low: list[tuple[int, int]] = [(999, 0)] * count
    for number, voice in enumerate(voices):
        for note in voice:
            index = int(note.onset / beat)
            while index < count and index * beat < note.onset + note.duration:
                begin, stop = max(note.onset, index * beat), min(note.onset + note.duration, (index + 1) * beat)
                share = float((stop - begin) / beat) * (1.0 if begin == index * beat else 0.5)
                weights[index][note.fifths] = weights[index].get(note.fifths, 0.0) + share
                on_beat = begin == index * beat
                if number == len(voices) - 1 and (on_beat or bass[index] == 99):
                    bass[index] = note.fifths
                low[index] = min(low[index], (note.midi, note.fifths))
                index += 1
    result = []
    begins = True
    for index in range(count):
        if not weights[index]:
            begins = True
            continue
        ending = (index + 1) * beat in ends
        own = bass[index] if bass[index] != 99 else low[index][1]
        result.append(_Beat(index * beat, weights[index], own, begins, ending))
        begins = ending
    if not result:
        raise InvalidInputError("The score has no notes.", hint=_HINT)
    return result


@lru_cache(maxsize=16)
def _states(signature: int) -> tuple[_State, ...]:
    return tuple(
        _State(key, figure, parse_numeral(figure, key.mode), cost + 0.15 * abs(key.signature - signature))
        for key in ALL_KEYS
        if abs(key.signature - signature) <= 2
        for figure, cost in _CHORDS[key.mode]
    )


@lru_cache(maxsize=16)
def _moves(signature: int) -> NDArray[np.float64]:
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


def _read(beats: Sequence[_Beat], signature: int) -> list[WrittenChord]:
    states, moves = _states(signature), _moves(signature)
    freely = np.where(moves < -1, moves * 0.45, moves)
    ending = np.array([_close_worth(state) for state in states])
    value = np.zeros(len(states))
    back: list[NDArray[np.intp]] = []
    for number, beat in enumerate(beats):
        heard = np.array([_heard_in(beat, state) for state in states])
        if number:
            options = value[:, None] + (freely if beat.begins else moves)
            back.append(options.argmax(axis=0))
            value = options.max(axis=0)
        value = value + heard + (ending if beat.ends or number == len(beats) - 1 else 0)
    path = [int(value.argmax())]
    for step in reversed(back):
        path.append(int(step[path[-1]]))
    path.reverse()
    chords: list[WrittenChord] = []
    for beat, index in zip(beats, path, strict=True):
        state = states[index]
        written = WrittenChord(beat.onset, _inverted(state, beat.bass), state.key)
        if not chords or beat.begins or chords[-1][1:] != written[1:]:
            chords.append(written)
    return chords


def _heard_in(beat: _Beat, state: _State) -> float:
    tones = state.chord.spelled(state.key)
    worth = sum(weight if fifths in tones else -1.4 * weight for fifths, weight in beat.weights.items())
    worth += 0.5 * (beat.bass == tones[0]) + 0.2 * (beat.bass == tones[1])
    worth -= 0.5 * (tones[1] not in beat.weights) + 0.3 * (tones[0] not in beat.weights)
    worth -= 0.5 * (len(tones) > 3 and tones[3] not in beat.weights)
    return worth - 0.7 * state.cost


def _close_worth(state: _State) -> float:
    """How well a phrase ends on a chord of a key."""
    if state.chord.is_applied or len(state.chord.tones) > 3:
        return -1.5
    return {"I": 1.0, "i": 1.0, "V": 0.6, "IV": -0.2, "vi": -0.2, "VI": -0.2}.get(state.figure, -1.2)


def _inverted(state: _State, bass: int) -> str:
    tones = state.chord.spelled(state.key)
    inversion = tones.index(bass) if bass in tones else 0
    head, slash, target = state.figure.partition("/")
    plain = head.removesuffix("7")
    return plain + _INVERSIONS[len(tones) > 3][inversion] + slash + target
