"""Another close for a phrase: its last chords and, where the tune is written out, the tune's arrival."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from workbench.core.compose.changing import chord_of, is_dominant
from workbench.core.compose.harmony_passes import as_planned
from workbench.core.compose.locks import dominants_raised
from workbench.core.compose.resinging import (
    LOOSE,
    chord_lengths,
    goal_of,
    position_of,
    sung,
    tune_notes,
)
from workbench.core.music.cadences import CadenceType
from workbench.core.music.degrees import parse_degree, spell_degree
from workbench.core.music.keys import Key, Mode
from workbench.core.music.meters import Meter, plain_quarters
from workbench.core.music.structure import Motif, Phrase

_ENDS: dict[Mode, dict[str, tuple[str, str]]] = {
    "major": {"HC": ("IV", "V"), "DC": ("V7", "vi"), "PC": ("IV", "I")},
    "minor": {"HC": ("iv", "V"), "DC": ("V7", "VI"), "PC": ("iv", "i"), "PICARDY": ("V7", "I")},
}
_ARRIVALS: dict[str, tuple[int, ...]] = {
    "PAC": (0,), "PICARDY": (0,), "IAC": (2, 4), "HC": (1, 4, 6), "DC": (0, 2, 5), "PC": (0, 2, 4),
}  # fmt: skip


def makes(figures: Sequence[str], cadence: CadenceType, mode: Mode) -> bool:
    """Whether the last chords are the cadence (Caplin 1998, ch. 3)."""
    chords = [chord for figure in figures if (chord := chord_of(figure, mode)) is not None]
    if len(chords) < max(2, len(figures)):
        return False
    last, goal = chords[-1], goal_of(figures, mode, cadence)
    before, home = chords[goal - 1] if goal else last, last.degree == 1 and not last.is_applied
    if cadence == "HC":
        return last.degree == 5 and not last.is_applied and last.leading is not None and not last.inversion
    if cadence == "PC":
        earlier = next((chord for chord in reversed(chords) if chord.degree != 1), last)
        return home and earlier.function == "S"
    if cadence == "DC":
        return is_dominant(before) and 0 in last.tones and not (home and not last.inversion)
    rooted = before.degree == 5 and not before.inversion and not chords[goal].inversion
    close = cadence == "IAC" or (rooted and (cadence == "PAC" or last.quality == "major"))
    return home and is_dominant(before) and close


def closing(pairs: list[tuple[str, int]], cadence: CadenceType, mode: Mode, bar: int) -> list[tuple[str, int]]:
    """Chords with lengths (divisions) that make the cadence; the same where they do already."""
    if makes([figure for figure, _ in pairs], cadence, mode):
        return pairs
    if len(pairs) == 1:
        figure, length = pairs[0]
        held = bar if length > bar else length // 2
        pairs = [(figure, length - held), (figure, held)]
    elif cadence == "HC":
        pairs = without_resolving(pairs, mode)
    figures = as_planned(tuple(figure for figure, _ in pairs), cadence, mode)
    if not makes(figures, cadence, mode):
        figures = (*figures[:-2], *_ENDS[mode].get(cadence, ("V7", "i" if mode == "minor" else "I")))
    new = list(figures)
    before = chord_of(new[-2], mode)
    if cadence == "PC" and before is not None and before.degree != 4:
        new[-2] = _ENDS[mode]["PC"][0]
    for at, ((old, _), (ahead, _)) in enumerate(pairwise(pairs)):
        stranded = old == new[at] in {"I64", "i64"} and ahead != new[at + 1]
        if stranded and not re.match(r"V(?!I)|[Ii]64", new[at + 1]):
            new[at] = new[at][0]  # a six-four whose dominant is gone
    figures = dominants_raised(new, cadence) if mode == "minor" else tuple(new)
    return [(figure, length) for figure, (_, length) in zip(figures, pairs, strict=True)]


def without_resolving(pairs: list[tuple[str, int]], mode: Mode) -> list[tuple[str, int]]:
    """What was about to resolve to the last chord gives way to what prepares: V is where a half cadence rests."""
    chords = [chord_of(figure, mode) for figure, _ in pairs]
    at = len(pairs) - 1
    while at > 0 and (chord := chords[at - 1]) is not None and chord.function == "D" and not chord.is_applied:
        at -= 1
    if at in (0, len(pairs) - 1):
        return pairs
    ahead, (figure, length), rest = chords[at - 1], pairs[at - 1], sum(length for _, length in pairs[at:-1])
    if ahead is not None and (ahead.function == "S" or ahead.target == 5):
        return [*pairs[: at - 1], (figure, length + rest), pairs[-1]]
    return [*pairs[:at], ("iio6" if mode == "minor" else "ii6", rest), pairs[-1]]


def closed(phrase: Phrase, cadence: CadenceType, key: Key, meter: Meter) -> Phrase:
    """The phrase with the cadence: its chords first, then the notes of its tune over what changed in them."""
    before = list(zip(phrase.chords or (), chord_lengths(phrase, meter), strict=True))
    after = closing(before, cadence, key.mode, meter.bar)
    figures = tuple(figure for figure, _ in after)
    update: dict[str, object] = {"cadence": cadence}
    if after != before:
        update["chords"] = figures
        if phrase.chord_beats is not None or len(after) != len(before):
            update["chord_beats"] = tuple(float(plain_quarters(length)) for _, length in after)
    done = phrase.model_copy(update=update)
    tune = done.melody
    if tune is None or not tune.degrees:
        return done
    arrival = sum(chord_lengths(done, meter)[: goal_of(figures, key.mode, cadence)])
    start = 0  # of the first chord that is another now
    for (old, length), (new, other) in zip(before, after, strict=False):
        if old != new:
            break
        start += min(length, other)
        if length != other:
            break
    goal = chord_of(figures[goal_of(figures, key.mode, cadence)], key.mode)
    notes, at = tune_notes(tune), 0
    for note in notes:
        degree = parse_degree(note.value, key.mode)
        tone = spell_degree(degree, key, goal.spelled(key)) - key.tonic if degree and goal else None
        arrives = degree is None or (
            degree.position % 7 in _ARRIVALS[cadence] and goal is not None and tone in goal.tones
        )
        if at <= arrival < at + note.length and not arrives:
            start = min(start, arrival - meter.beat)
        at += note.length
    at = 0
    for index, note in enumerate(notes):
        at += note.length
        if at > start:
            notes[index] = note._replace(pull=LOOSE, wish=position_of(note.value, key.mode))
    if start >= at:
        return done
    tune_now = sung(notes, done, key, meter, cadence)
    return done.model_copy(update={"melody": Motif(degrees=tune_now.degrees, rhythm=tune.rhythm[: len(notes)])})
