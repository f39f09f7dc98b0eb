"""Phrases to be: a stretch between marks as phrases with their keys, and phrases as the sections that they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import NamedTuple

from workbench.core.errors import InputTooLargeError
from workbench.core.library.importers.analysis import Analysis, WrittenChord
from workbench.core.library.importers.closes import LONGEST_PHRASE, REWARD, close_of, divide
from workbench.core.library.importers.figures import named_in
from workbench.core.library.importers.timing import Stretch
from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Key, make_key
from workbench.core.music.pitches import step_of
from workbench.core.music.structure import MAX_CHORDS, MAX_PHRASES, MAX_SECTION_MEASURES, MAX_SECTIONS

CloseAfter = Callable[[int, int], CadenceType | None]
SHORTEST_SECTION = 2
"""Bars; a key that lasts less long is written as applied chords of its neighbour's."""


class Span(NamedTuple):
    """A phrase to be: its chords with lengths, its key, and where it lies (``PhraseSource``)."""

    bars: int
    chords: tuple[WrittenChord, ...]
    lengths: tuple[Fraction, ...]
    key: Key
    ends_part: bool
    begin: Fraction
    end: Fraction
    lead: Fraction


def phrases_of(stretch: Stretch, bar: Fraction, analysis: Analysis) -> list[Span]:
    """The phrases of a stretch: itself, or parts of it where it is long, unphrased or changes key for good."""
    runs: list[tuple[int, Key | None]] = [(stretch.bars, None)]
    if analysis.keys_hold:
        runs = [*_lasting_keys(stretch, bar)]
    longest = LONGEST_PHRASE if analysis.phrased else 4
    close_after = _closes(stretch, bar)
    parts: list[tuple[int, Key | None]] = []
    first = 0
    for length, key in runs:
        sizes = [length]
        if length > longest:
            sizes = divide(length, partial(_shifted, close_after, first))
        parts += [(size, key) for size in sizes]
        first += length
    return _cut_into(stretch, parts, bar)


def _shifted(close_after: CloseAfter, by: int, first: int, last: int) -> CadenceType | None:
    return close_after(by + first, by + last)


def _cut_into(stretch: Stretch, parts: Sequence[tuple[int, Key | None]], bar: Fraction) -> list[Span]:
    ends = [*(chord.offset for chord in stretch.chords[1:]), stretch.bars * bar]
    spans: list[Span] = []
    at, index = Fraction(0), 0
    for number, (size, key) in enumerate(parts):
        start, stop = at, at + size * bar
        chosen, taken = [], []
        while index < len(ends) and stretch.chords[index].offset < stop:
            low, high = max(stretch.chords[index].offset, start), min(ends[index], stop)
            chosen.append(stretch.chords[index])
            taken.append(high - low)
            if ends[index] > stop:
                break  # it sounds on into the next phrase
            index += 1
        last = number == len(parts) - 1
        spans.append(
            Span(
                size,
                tuple(chosen),
                tuple(taken),
                key or _closing_key(chosen),
                last and stretch.ends_part,
                stretch.begin + start - stretch.lead if number else stretch.begin,
                stretch.end if last else stretch.begin + stop - stretch.lead,
                Fraction(0) if number else stretch.lead,
            )
        )
        at = stop
    return spans


def _closes(stretch: Stretch, bar: Fraction) -> CloseAfter:
    """What the numerals of some bars of a stretch end with (``closes.divide``)."""
    by_bar = _up_to_bar(stretch.chords, stretch.bars, bar)

    def close_after(first: int, last: int) -> CadenceType | None:
        chords = by_bar[last]
        if not chords or chords[-1].offset < first * bar:
            return None
        key = chords[-1].key
        return close_of([named_in(chord.figure, chord.key, key).figure for chord in chords], key)

    return close_after


def _lasting_keys(stretch: Stretch, bar: Fraction) -> list[tuple[int, Key]]:
    """The keys of a stretch that last for two bars or more, each with its bars; a bar is in the key that fills most."""
    ends = [*(chord.offset for chord in stretch.chords[1:]), stretch.bars * bar]
    shares: list[dict[Key, Fraction]] = [{} for _ in range(stretch.bars)]
    for chord, end in zip(stretch.chords, ends, strict=True):
        at = chord.offset
        while at < end:
            number = int(at // bar)
            until = min(end, (number + 1) * bar)
            shares[number][chord.key] = shares[number].get(chord.key, Fraction(0)) + until - at
            at = until
    runs: list[tuple[int, Key]] = []
    for share in shares:
        key = max(share, key=lambda each: share[each])
        runs[-1:] = [(runs[-1][0] + 1, key)] if runs and runs[-1][1] == key else [*runs[-1:], (1, key)]
    while len(runs) > 1:
        short = next((number for number, (bars, _) in enumerate(runs) if bars < SHORTEST_SECTION), None)
        if short is None:
            break
        # A short last key is the one that the phrase closes in; any other is passing.
        into = short - 1 if short else 1
        key = runs[short][1] if short == len(runs) - 1 else runs[into][1]
        low, high = min(short, into), max(short, into)
        runs[low : high + 1] = [(runs[low][0] + runs[high][0], key)]
        runs = _joined(runs)
    return runs


def _joined(runs: Sequence[tuple[int, Key]]) -> list[tuple[int, Key]]:
    result: list[tuple[int, Key]] = []
    for bars, key in runs:
        if result and result[-1][1] == key:
            result[-1] = (result[-1][0] + bars, key)
        else:
            result.append((bars, key))
    return result


def _closing_key(chords: Sequence[WrittenChord]) -> Key:
    """The key that a phrase closes in: its last chord's, or one just before it in which it makes a stronger cadence.

    The last chord may be read in the next phrase's key already (a pivot).
    """
    last = chords[-1]
    keys = list(dict.fromkeys(chord.key for chord in reversed(chords[-4:])))
    if len(keys) == 1 or last.cadence:
        return last.key
    tail = chords[-8:]
    closes = [close_of([named_in(chord.figure, chord.key, key).figure for chord in tail], key) for key in keys]
    return max(zip(closes, keys, strict=True), key=lambda item: REWARD[item[0]] - 0.1 * keys.index(item[1]))[1]


def _up_to_bar(chords: Sequence[WrittenChord], bars: int, bar: Fraction) -> list[list[WrittenChord]]:
    """For each bar (from 0) the last few chords that have begun before it ends."""
    result = []
    index = 0
    for number in range(bars):
        while index < len(chords) and chords[index].offset < (number + 1) * bar:
            index += 1
        result.append(list(chords[max(0, index - 6) : index]))
    return result


def sections_of(spans: Sequence[Span], least: int, home: Key) -> list[tuple[Key, list[Span]]]:
    """Runs of phrases in one key; a run of fewer than ``least`` bars joins the run before it (or after, the first).

    So does a run in a key that a structure would take for a slip.
    """
    runs: list[tuple[Key, list[Span]]] = []
    fresh = True
    for span in spans:
        if runs and runs[-1][0] == span.key and not fresh:
            runs[-1][1].append(span)
        else:
            runs.append((span.key, [span]))
        fresh = span.ends_part
    number = 0
    while number < len(runs) and len(runs) > 1:
        key, members = runs[number]
        if sum(span.bars for span in members) >= least and not is_slip(key, home):
            number += 1
        elif number == 0:
            runs[1] = (runs[1][0], members + runs[1][1])
            del runs[0]
        else:
            before = runs[number - 1]
            joined = [*before[1], *members]
            del runs[number]
            runs[number - 1] = (before[0], joined)
            if number < len(runs) and runs[number][0] == before[0] and not members[-1].ends_part:
                runs[number - 1] = (before[0], joined + runs[number][1])
                del runs[number]
    return [(home if is_slip(key, home) else key, members) for key, members in runs]


def within_limits(groups: Sequence[tuple[Key, list[Span]]]) -> list[tuple[Key, list[Span]]]:
    """The same sections, those divided that hold more bars, phrases or chords than one may.

    Raises:
        InputTooLargeError: more sections than a structure may have.
    """
    result: list[tuple[Key, list[Span]]] = []
    for key, spans in groups:
        bars = chords = 0
        part: list[Span] = []
        for span in spans:
            bars, chords = bars + span.bars, chords + len(span.chords)
            if part and (bars > MAX_SECTION_MEASURES or len(part) == MAX_PHRASES or chords > MAX_CHORDS):
                result.append((key, part))
                part, bars, chords = [], span.bars, len(span.chords)
            part.append(span)
        result.append((key, part))
    if len(result) > MAX_SECTIONS:
        raise InputTooLargeError(
            f"The piece would have {len(result)} sections; a structure has {MAX_SECTIONS}.",
            hint="Import one movement at a time.",
        )
    return result


def is_slip(key: Key, home: Key) -> bool:
    """Whether a structure would take a section's key for a slip: E major in c minor, where E♭ major is near.

    The rule is the sanitizer's (``generate.theory``), which mends keys that rule-based composers misspell.
    """
    if key.is_closely_related(home) or key.tonic == home.tonic + 1:
        return False
    for fifths in (key.tonic - 7, key.tonic + 7):
        near = make_key(fifths, key.mode)
        related = abs(near.signature - home.signature) <= 1
        if near.tonic == fifths and step_of(near.tonic) == step_of(key.tonic) and related:
            return True
    return False
