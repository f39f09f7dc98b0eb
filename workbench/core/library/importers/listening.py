"""From a score to an analysis: harmony heard beat by beat, phrases at fermatas or where it closes, the tune of each.

What the score says (meter, signatures, repeats, names) is read; the rest is a machine's guess and says so.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from workbench.core.errors import InputTooLargeError
from workbench.core.library.importers.analysis import Analysis, Bar, Break, Fact, WrittenChord
from workbench.core.library.importers.assembly import assemble
from workbench.core.library.importers.facts import piece_of
from workbench.core.library.importers.hearing import Heard, Slice, hear
from workbench.core.library.importers.home_key import Home, home_of
from workbench.core.library.importers.outlines import form_of, instruments_of, tempo_of
from workbench.core.library.importers.registry import File, ImportedPiece
from workbench.core.library.importers.scores import MELODIES, ScoreBar, Signature, WrittenScore
from workbench.core.library.importers.timing import fit_meter
from workbench.core.library.importers.tunes import TuneNote, with_melody
from workbench.core.music.keys import ALL_KEYS, Key

MAX_SLICES = 8000
_FULL = 4.0
"""What the notes of a slice weigh together at most, however many parts there are."""
_INERTIA = {"bar": 0.0, "half": 0.3, "beat": 0.7}


def piece_of_score(format: str, file: File, score: WrittenScore) -> ImportedPiece:
    """The piece that a score becomes, with what was read and what was guessed.

    Raises:
        InvalidInputError: a meter without counterpart, or music that a structure cannot hold.
        InputTooLargeError: over 8,000 beats.
    """
    if not score.source.title:
        guess = Fact("title", file.stem, "The file names no title: it is the file's name.", 0.5)
        source = score.source._replace(title=file.stem)
        score = score._replace(source=source, guesses=(*score.guesses, guess))
    analysis, tunes = listen(score)
    imported = assemble(analysis)
    imported = with_melody(imported, *tunes, fitting=0, hold=False)
    return piece_of(format, file, analysis, imported)


def listen(score: WrittenScore) -> tuple[Analysis, list[tuple[TuneNote, ...]]]:
    """The analysis of a score, and its tunes: the one to be asked for first, then the others.

    Raises:
        InvalidInputError: a meter without counterpart.
        InputTooLargeError: over 8,000 beats.
    """
    meter = Counter(bar.meter for bar in score.bars).most_common(1)[0][0]
    fit_meter(meter)
    ends, phrased = _ends(score)
    home = _home(score)
    slices = _slices(score, ends)
    heard = _hear(slices, score, home.key)
    chords = _chords(slices, heard, score)
    changes = len({bar.meter for bar in score.bars}) > 1
    bars = [
        Bar(bar.name, bar.length, tuple(inside), tuple(breaks))
        for bar, inside, breaks in zip(score.bars, chords, _breaks(score.bars, ends), strict=True)
    ]
    tempo = tempo_of(score)
    form = form_of(score, phrased)
    analysis = Analysis(
        source=score.source._replace(form=form.value),
        meter=meter,
        bars=tuple(bars),
        notes=(
            "The numerals were found by a machine.",
            *score.notes,
            *((f"The meter changes: {meter} is kept throughout.",) if changes else ()),
        ),
        home=home.key,
        tempo=float(tempo.value),
        phrased=phrased,
        whole_bars=True,
        headings=score.headings,
        instrumentation=instruments_of(score),
        guesses=(*score.guesses, *_guesses(score, home, heard, phrased), tempo, form),
    )
    tunes = [part.tune for part in score.parts]
    if not score.spelled:
        tunes = [_spelled(tune, slices, heard) for tune in tunes]
    return analysis, tunes


class _Slot(NamedTuple):
    """A slice, the bar that it lies in, and the MIDI number of the lowest note that sounds in it."""

    slice: Slice
    bar: int
    low: int


def _ends(score: WrittenScore) -> tuple[dict[Fraction, bool], bool]:
    """Where phrases and sections end (True: a section), and whether fermatas mark the phrases."""
    total = score.bars[-1].start + score.bars[-1].length
    ends = {end: True for end in score.ends if 0 < end <= total}
    starts = {score.bars[number].start for number, _ in score.headings if number}
    ends |= dict.fromkeys(starts, True)
    phrased = len(score.pauses) >= 3 and len(score.bars) / len(score.pauses) <= 8
    if phrased:
        ends |= {pause: ends.get(pause, False) for pause in score.pauses if 0 < pause <= total}
    if score.pick_up:  # a mark between a pick-up and its bar ends nothing
        ends.pop(score.bars[0].start + score.bars[0].length, None)
    ends[total] = True
    return ends, phrased


def _breaks(bars: Sequence[ScoreBar], ends: dict[Fraction, bool]) -> list[list[Break]]:
    """The ends in each bar."""
    found: list[list[Break]] = [[] for _ in bars]
    starts = [bar.start for bar in bars]
    for end, part in sorted(ends.items()):
        number = max(0, bisect_left(starts, end) - 1)
        found[number].append(Break(end - starts[number], part))
    return found


def _home(score: WrittenScore) -> Home:
    notes = [note for part in score.parts for note in part.notes]
    last = max(note.onset + note.duration for note in notes)
    closing = [note for note in notes if note.onset + note.duration >= last - Fraction(1, 2)]
    signature = _main_signature(score)
    begin = min(note.onset for note in notes)
    opening = min((note for note in notes if note.onset <= begin + 1), key=lambda note: note.midi)
    last_bass = min(closing, key=lambda note: note.midi)
    home = home_of(notes, signature, opening=opening.midi % 12, final=last_bass.midi % 12)
    named = [key for each in reversed(score.signatures) if (key := _named_key(each)) is not None]
    if score.exact_key and named:
        return Home(next((key for key in named if key.pitch_class == home.key.pitch_class), named[0]), 1.0)
    return home


def _named_key(signature: Signature) -> Key | None:
    """The key that a signature with its mode names."""
    return next((key for key in ALL_KEYS if (key.signature, key.mode) == (signature.fifths, signature.mode)), None)


def _main_signature(score: WrittenScore) -> Signature | None:
    """The signature that the piece begins and ends under; where these differ, the one that stands longest."""
    if score.signatures and score.signatures[0][1:] == score.signatures[-1][1:]:
        return score.signatures[0]
    total = score.bars[-1].start + score.bars[-1].length
    lengths: dict[tuple[int, str], Fraction] = {}
    untils = [*(each.onset for each in score.signatures[1:]), total]
    for each, until in zip(score.signatures, untils[: len(score.signatures)], strict=True):
        named = (each.fifths, each.mode or "")
        lengths[named] = lengths.get(named, Fraction(0)) + until - each.onset
    if not lengths:
        return None
    longest = max(lengths, key=lambda named: lengths[named])
    return next(each for each in score.signatures if (each.fifths, each.mode or "") == longest)


def _beat(meter: str) -> Fraction:
    """The length of a slice: a felt beat, but at most a quarter in simple meters."""
    numerator, denominator = (int(part) for part in meter.split("/"))
    unit = Fraction(4, denominator)
    if denominator >= 8 and numerator % 3 == 0 and numerator > 3:
        return 3 * unit
    return min(unit, Fraction(1)) if numerator * unit <= 4 else unit


def _slices(score: WrittenScore, ends: dict[Fraction, bool]) -> list[_Slot]:
    grid: list[tuple[Fraction, Fraction, int]] = []
    for number, bar in enumerate(score.bars):
        beat = _beat(bar.meter)
        count = max(1, -(-bar.length // beat))
        grid += [(bar.start + step * beat, beat, number) for step in range(count)]
        if len(grid) > MAX_SLICES:
            raise InputTooLargeError(f"The score has over {MAX_SLICES:,} beats.", hint="Import one movement at a time.")
    onsets = [onset for onset, _, _ in grid]
    weights: list[dict[int, float]] = [{} for _ in grid]
    lowest: list[tuple[int, int]] = [(999, 0)] * len(grid)
    for part in score.parts:
        for note in part.notes:
            index = max(0, bisect_right(onsets, note.onset) - 1)
            until = note.onset + note.duration
            while index < len(grid) and onsets[index] < until:
                start, beat, _ = grid[index]
                begin, stop = max(note.onset, start), min(until, start + beat)
                if stop > begin:
                    share = float((stop - begin) / beat) * (1.0 if begin == start else 0.5)
                    weights[index][note.fifths] = weights[index].get(note.fifths, 0.0) + share
                    lowest[index] = min(lowest[index], (note.midi, note.fifths))
                index += 1
    slots: list[_Slot] = []
    begins = True
    marks = sorted(ends)
    for index, (onset, beat, number) in enumerate(grid):
        bar = score.bars[number]
        if not weights[index]:
            continue
        mark = bisect_left(marks, onset + Fraction(1, 64))
        ending = mark < len(marks) and marks[mark] <= onset + beat
        within = onset - bar.start
        place = "bar" if not within else "half" if 2 * within == bar.length else "beat"
        heavy = sum(weights[index].values())
        scale = min(1.0, _FULL / heavy)
        scaled = {fifths: weight * scale for fifths, weight in weights[index].items()}
        slots.append(
            _Slot(Slice(onset, scaled, lowest[index][1], begins, ending, _INERTIA[place]), number, lowest[index][0])
        )
        begins = ending
    return slots


def _hear(slots: Sequence[_Slot], score: WrittenScore, home: Key) -> list[Heard]:
    """The chord of each slice; each stretch under one signature is heard by itself."""

    def number_at(slot: _Slot) -> int:
        return max(0, bisect_right(score.signatures, slot.slice.onset, key=lambda each: each.onset) - 1)

    heard: list[Heard] = []
    last = slots[-1].slice
    for number, group in groupby(slots, key=number_at):
        members = [slot.slice for slot in group]
        signed = score.signatures[number] if score.signatures else Signature(Fraction(0), home.signature)
        near = signed.fifths if abs(signed.fifths - home.signature) > 2 else home.signature
        only = _named_key(signed) if score.exact_key else None
        heard += hear(
            members,
            near if only is None else only.signature,
            home=home if near == home.signature else None,
            only=only,
            final=members[-1] is last,
            by_sound=not score.spelled,
        )
    return heard


def _chords(slots: Sequence[_Slot], heard: Sequence[Heard], score: WrittenScore) -> list[list[WrittenChord]]:
    """The chords of each bar: slices of one chord together, over the lowest note that they have in the bar."""
    bars: list[list[WrittenChord]] = [[] for _ in score.bars]
    runs: list[list[int]] = []
    for index, slot in enumerate(slots):
        before = runs[-1][-1] if runs else -1
        if (
            before >= 0
            and slots[before].bar == slot.bar
            and not slot.slice.begins
            and heard[before][:2] == heard[index][:2]
        ):
            runs[-1].append(index)
        else:
            runs.append([index])
    for run in runs:
        first = slots[run[0]]
        bass = min((slots[index].low, slots[index].slice.bass) for index in run)[1]
        chord = heard[run[0]]
        offset = first.slice.onset - score.bars[first.bar].start
        if not score.spelled:
            bass = next((tone for tone in chord.chord.spelled(chord.key) if (tone - bass) % 12 == 0), bass)
        bars[first.bar].append(WrittenChord(offset, chord.inverted(bass), chord.key))
    first_bar = next(number for number, chords in enumerate(bars) if chords)
    opening = bars[first_bar][0]
    pick_up = first_bar == 0 and score.pick_up
    if not pick_up and (first_bar or opening.offset):  # what is silent at the beginning belongs to the first chord
        if first_bar:
            bars[0].insert(0, opening._replace(offset=Fraction(0)))
        else:
            bars[0][0] = opening._replace(offset=Fraction(0))
    return bars


def _spelled(tune: Sequence[TuneNote], slots: Sequence[_Slot], heard: Sequence[Heard]) -> tuple[TuneNote, ...]:
    """Notes without names, named in the key that holds where they begin: from the flat second to the sharp fourth."""
    onsets = [slot.slice.onset for slot in slots]
    named = []
    for note in tune:
        chord = heard[max(0, bisect_right(onsets, note.onset) - 1)]
        low = chord.key.tonic - 5
        fifths = low + (note.midi * 7 - low) % 12
        tones = chord.chord.spelled(chord.key)
        named.append(note._replace(fifths=next((tone for tone in tones if (tone - fifths) % 12 == 0), fifths)))
    return tuple(named)


def _guesses(score: WrittenScore, home: Home, heard: Sequence[Heard], phrased: bool) -> list[Fact]:
    share = sum(each.explained for each in heard) / len(heard)
    fit = round(min(0.9, max(0.1, 1.6 * share - 0.7)), 2)
    facts = [
        Fact(
            "numerals", f"{share:.0%}", f"A machine heard the chords; {share:.0%} of what sounds belongs to them.", fit
        ),
        Fact("local keys", "", "The keys are those of the signatures.")
        if score.exact_key
        else Fact("local keys", "", "A machine heard the keys on the way.", round(0.8 * fit, 2)),
    ]
    if home.confidence < 1:
        facts.append(
            Fact("key", home.key.name, "The key is the one whose tones and final bass fit best.", home.confidence)
        )
    if phrased:
        facts.append(Fact("phrases", "", "Fermatas are taken for the ends of phrases.", 0.9))
    facts.append(
        Fact("cadences", "", "The cadences are what the chords before each phrase's end make.", round(0.8 * fit, 2))
    )
    lead = score.parts[0]
    if MELODIES.search(lead.name):
        facts.append(Fact("tune", lead.name, f"The part {lead.name!r} is marked as the tune.", 0.95))
    else:
        says = f"The tune is taken from the part {lead.name!r}." if lead.name else "The tune is the highest part's."
        facts.append(Fact("tune", lead.name or "highest part", says, 0.75))
    return facts
