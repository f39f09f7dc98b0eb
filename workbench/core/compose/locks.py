"""Locks: what is good stays, note for note, and the rest is written anew around it.

``regenerate`` lets locked phrases guide the composer: what takes after them begins as they do (the consequent of a
locked antecedent, the return of a locked theme, and the other way round), their motifs are the material of the rest,
and tunes lead out of them and into them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import NamedTuple

from workbench.core.compose.changing import change_phrases, change_sections, chord_of
from workbench.core.compose.composer import Composer
from workbench.core.compose.harmony import Harmony, in_mode, sequenced
from workbench.core.compose.harmony_passes import as_planned
from workbench.core.compose.layout import lay_out
from workbench.core.compose.plan import FormPlan, PhrasePlan, SectionPlan
from workbench.core.compose.realize import reference_tonic
from workbench.core.compose.replan import heard_chords, heard_phrases, heard_tune, plan_of, with_phrases
from workbench.core.compose.reprise import Note
from workbench.core.compose.themes import Palette, idea_of, make_palette
from workbench.core.compose.tunes import Slot
from workbench.core.compose.wording import describe
from workbench.core.compose.written import WrittenPhrase
from workbench.core.errors import InvalidInputError
from workbench.core.music.cadences import CadenceType, strength
from workbench.core.music.degrees import DegreeValue, parse_degree
from workbench.core.music.keys import Mode
from workbench.core.music.meters import DIVISIONS, divisions, meter_of, plain_quarters
from workbench.core.music.numerals import normalize_figure, parse_numeral
from workbench.core.music.request import MAX_SEED, Request
from workbench.core.music.structure import Motif, MusicStructure, Phrase, Section, section_measures

Lock = tuple[int, int | None]
"""A section's index, and the index of a phrase in it or None for the whole section."""

TRIADS: dict[Mode, tuple[str, ...]] = {
    "major": ("I", "ii", "iii", "IV", "V", "vi", "viio"),
    "minor": ("i", "iio", "III", "iv", "V", "VI", "viio"),
}
"""Each mode's own chord on each degree."""

_TRIES, _NEXT_SEED = 6, 0x9E3779B97F4A7C15
_TONIC, _DOMINANT = re.compile(r"^[iI](?![iIvV])"), re.compile(r"^V(?!I)[^/]*$")
_MINOR_DOMINANT = re.compile(r"^v(?!i)[^/]*$")

Places = frozenset[tuple[int, int]]
"""Phrases by section and number."""


class Kept(NamedTuple):
    """The joined piece, and the sections that should have been fresh but stayed, since what was offered did not fit."""

    structure: MusicStructure
    unchanged: tuple[int, ...]


def keep_locked(base: MusicStructure, fresh: MusicStructure, locks: Collection[Lock]) -> Kept:
    """The fresh piece with the locked sections and phrases of ``base`` in their places, as they were.

    The skeleton is that of ``base``: names, roles, keys and lengths of its sections, and the piece's title, key, tempo,
    meter, form, period, instrumentation and humanization. A fresh section is used where it has the key and the length,
    beside locked phrases also the same phrase lengths; otherwise that of ``base`` stays and is reported. A section in
    which a phrase is locked keeps its motifs, texture and dynamics too. Locked phrases of a section without phrases
    are written out as they are heard. A phrase that closes on a single chord leans on the one before, which is locked
    with it. Without locks the fresh piece is returned as it is.

    Raises:
        InvalidInputError: a lock names a section or phrase that is not there; too long to be written out.
        InvalidStructureError: a Roman numeral cannot be read.
    """
    kept = _locked(base, locks)
    if not kept:
        return Kept(fresh, ())
    sections: list[Section] = []
    unchanged: list[int] = []
    for index, section in enumerate(base.sections):
        joined: Section | None = section
        if not all((index, number) in kept for number in range(len(heard_phrases(base, index)))):
            joined = _joined(base, fresh, index, kept)
        sections.append(joined or section)
        if joined is None:
            unchanged.append(index)
    if tuple(sections) == base.sections:
        return Kept(base, tuple(unchanged))
    update: dict[str, object] = {"sections": tuple(sections)}
    for name in ("title", "key", "tempo", "time_signature", "form", "period"):
        update[name] = getattr(base, name)
    for name in ("instrumentation", "humanize"):
        update[name] = getattr(base, name) or getattr(fresh, name)
    return Kept(_with_leitmotifs(fresh.model_copy(update=update), base, kept), tuple(unchanged))


def regenerate(base: MusicStructure, request: Request, locks: Collection[Lock], *, seed: int) -> MusicStructure:
    """The piece with everything that is not locked written anew by rule, on its own skeleton.

    Where a phrase would come out as it was, the next seeds are tried, at last with less of what it is made after.

    Raises:
        InvalidInputError: a lock names a section or phrase that is not there; too long to be written out.
        InvalidStructureError: a Roman numeral cannot be read.
    """
    kept = _locked(base, locks)
    heard = [heard_phrases(base, index) for index in range(len(base.sections))]
    if len(kept) == sum(map(len, heard)):
        return base
    form = plan_of(base, request, seed=seed)
    given = _given(base, form, kept)
    found: list[tuple[int, MusicStructure]] = []
    free: dict[tuple[int, int], int] = {}
    for attempt in range(_TRIES):
        form = replace(form, seed=(seed + attempt * _NEXT_SEED) % (MAX_SEED + 1))
        fresh = _led(describe(form, request, _Guided(form, request, given, base, free).sections()))
        if kept:
            fresh = keep_locked(base, fresh, locks).structure
        else:
            fresh = _with_leitmotifs(fresh.model_copy(update={"title": base.title or fresh.title}), base, kept)
        same = {
            (index, number)
            for index, section in enumerate(fresh.sections)
            for number, (old, new) in enumerate(zip(heard[index], section.phrases or (), strict=False))
            if (index, number) not in kept and (old.chords, old.melody) == (new.chords, new.melody)
        }
        found.append((len(same), fresh))
        if not same:
            break
        if attempt >= _TRIES // 3:
            for place in same:
                free[place] = free.get(place, 0) + 1
    return min(found, key=lambda each: each[0])[1]


def dominants_raised(figures: Sequence[str], cadence: CadenceType | None) -> tuple[str, ...]:
    """Chords in minor, each minor ``v`` at the close that needs the leading tone raised (Aldwell, Schachter and
    Cadwallader 2011, ch. 5)."""
    new = list(figures)
    at = len(new) - (2 if cadence == "DC" else 1)
    while cadence not in {"HC", "DC"} and at > 0 and _TONIC.match(new[at]):
        at -= 1
    needed = cadence == "HC" or (cadence in {"PAC", "IAC", "PICARDY", "DC"} and at < len(new) - 1)
    if at >= 0 and needed and _MINOR_DOMINANT.match(new[at]):
        new[at] = f"V{new[at][1:]}"
    if at < 0 or not _DOMINANT.match(new[at]):
        return tuple(new)
    while at > 0 and _MINOR_DOMINANT.match(new[at - 1]):
        at -= 1
        new[at] = f"V{new[at][1:]}"
    return tuple(new)


def _locked(base: MusicStructure, locks: Collection[Lock]) -> Places:
    """Every phrase that is locked, by itself, with its section, or since the next one leans on it."""
    heard = [heard_phrases(base, index) for index in range(len(base.sections))]
    kept: set[tuple[int, int]] = set()
    for section, phrase in locks:
        if not 0 <= section < len(heard) or (phrase is not None and not 0 <= phrase < len(heard[section])):
            what = f"section {section + 1}" if phrase is None else f"phrase {phrase + 1} in section {section + 1}"
            raise InvalidInputError(f"There is no {what} to lock.", hint="Choose one of the piece.", field="/sections")
        kept |= {(section, number) for number in (range(len(heard[section])) if phrase is None else [phrase])}
    places = [(section, number) for section, phrases in enumerate(heard) for number in range(len(phrases))]
    for before, place in reversed(list(pairwise(places))):
        if place in kept and _leans(heard[place[0]][place[1]]):
            kept.add(before)
    return frozenset(kept)


def _leans(phrase: Phrase) -> bool:
    return phrase.cadence is not None and len(phrase.chords or ()) == 1


def _joined(base: MusicStructure, fresh: MusicStructure, index: int, kept: Places) -> Section | None:
    """A section of the fresh piece with the locked phrases in it; None where it does not fit."""
    own, other = base.sections[index], fresh.sections[index] if index < len(fresh.sections) else None
    fits = other is not None and other.key == own.key and section_measures(other) == section_measures(own)
    if other is None or not fits or base.time_signature != fresh.time_signature:
        return None
    theirs = heard_phrases(fresh, index)
    locked = {number for section, number in kept if section == index}
    if not locked:
        return None if _leans(theirs[0]) else other.model_copy(update={"name": own.name, "role": own.role})
    ours = own.phrases or heard_phrases(base, index)
    same = [phrase.measures for phrase in ours] == [phrase.measures for phrase in theirs]
    if not same or any(_leans(phrase) for number, phrase in enumerate(theirs) if number not in locked):
        return None
    phrases = [ours[number] if number in locked else phrase for number, phrase in enumerate(theirs)]
    for first, (one, then) in enumerate(pairwise(phrases)):
        period = (one.role, then.role) == ("antecedent", "consequent") and one.cadence and then.cadence
        if period and strength(one.cadence) >= strength(then.cadence) and not {first, first + 1} <= locked:
            at = first if first + 1 in locked else first + 1
            phrases[at] = phrases[at].model_copy(update={"role": "phrase"})  # no period with what is locked
    if not own.motifs and all(ours[number].melody for number in locked):
        own = own.model_copy(update={"melody": other.melody})
    return with_phrases(own, phrases)


def _with_leitmotifs(piece: MusicStructure, base: MusicStructure, kept: Places) -> MusicStructure:
    """The piece with the leitmotifs that its phrases, and the unwritten tunes of locked ones, refer to."""
    named = {phrase.motif.ref for section in piece.sections for phrase in section.phrases or () if phrase.motif}
    growing = [base.sections[index].phrases for index, _ in kept]
    unwritten = any(phrases is None or not all(phrase.melody for phrase in phrases) for phrases in growing)
    ours = [each for each in base.leitmotifs or () if unwritten or each.tag in named]
    taken = {each.tag for each in ours} | (named if kept else set())
    theirs = [each for each in piece.leitmotifs or () if each.tag not in taken and (ours or not unwritten)]
    return piece.model_copy(update={"leitmotifs": (*ours, *theirs)[:64] or None})


def _led(piece: MusicStructure) -> MusicStructure:
    """The piece with the leading tone in its minor closes."""

    def raised(_: int, phrase: Phrase) -> Phrase:
        return phrase.model_copy(update={"chords": dominants_raised(phrase.chords or (), phrase.cadence)})

    return change_sections(piece, lambda _, section: (
        change_phrases(section, raised) if section.tonality.is_minor else section
    ))  # fmt: skip


def _given(base: MusicStructure, form: FormPlan, kept: Places) -> dict[tuple[int, int], WrittenPhrase]:
    """The locked phrases as the composer knows its own."""
    given: dict[tuple[int, int], WrittenPhrase] = {}
    numbers, bar = [0] * len(base.sections), meter_of(base.time_signature).bar
    for laid in lay_out(base):
        place = (laid.section, numbers[laid.section])
        numbers[laid.section] += 1
        if place not in kept:
            continue
        figures, lengths = heard_chords(laid)
        notes: list[tuple[DegreeValue, int, int | None]] = []
        mode, at, ends = laid.key.mode, 0, 0
        tune = heard_tune(laid, base)
        for value, beats in zip(tune.degrees, tune.rhythm, strict=True):
            # The composer's notes keep within bars, and within two octaves in which they can be taken up again.
            ends += divisions(beats)
            line = round(ends / bar) * bar
            end = line if abs(ends - line) < DIVISIONS // 32 else ends
            degree = parse_degree(value, mode)
            while at < end:
                stop = min(end, (at // bar + 1) * bar)
                notes.append((value, stop - at, None if degree is None else _within(degree.position)))
                at = stop
        harmony = Harmony(tuple(_simple(figure, mode) for figure in figures), lengths)
        plan = form.sections[place[0]].phrases[place[1]]
        made = plan.cadence and len(set(figures)) > 1 and as_planned(figures, plan.cadence, mode) == figures
        plan = plan if made else replace(plan, cadence=None)  # what it names and does not make is not to be copied
        given[place] = WrittenPhrase(
            plan, laid.key, harmony, tuple((length, position) for _, length, position in notes),
            tuple(value for value, *_ in notes), tuple(float(plain_quarters(length)) for _, length, _ in notes),
        )  # fmt: skip
    return given


def _within(position: int) -> int:
    return position % 7 + 7 * max(-1, min(1, position // 7))


def _simple(figure: str, mode: Mode) -> str:
    """The figure, or the triad on its degree where it could not be read in the other mode or on another degree."""
    other: Mode = "major" if mode == "minor" else "minor"
    turned = [(figure, mode), (in_mode((figure,), other)[0], other)]
    turned += [(sequenced((figure,), mode, step)[0], mode) for step in (1, -1)]
    if all(chord_of(each, m) is not None and normalize_figure(each, m) == each for each, m in turned):
        return figure
    return TRIADS[mode][parse_numeral(figure, mode).degree - 1]


class _Guided(Composer):
    """The composer at work around phrases that are given.

    ``free`` says of phrases that keep coming out as they were that they should only begin like what they repeat (1), or
    be made of something else altogether (2).
    """

    def __init__(
        self,
        form: FormPlan,
        request: Request,
        given: Mapping[tuple[int, int], WrittenPhrase],
        base: MusicStructure,
        free: Mapping[tuple[int, int], int],
    ) -> None:
        super().__init__(form, request)
        self.given, self.base, self.free = given, base, free
        self.behind: WrittenPhrase | None = None
        self.ahead: WrittenPhrase | None = None
        self.answered: dict[tuple[int, int], WrittenPhrase] = {}
        for (index, _), done in given.items():
            model = done.plan.source or (None if done.plan.model is None else (index, done.plan.model))
            if model is not None and done.plan.likeness in {"whole", "opening"}:
                self.answered.setdefault(model, done)

    def _palette(self, section: SectionPlan) -> Palette:
        palette, index = super()._palette(section), len(self.done)
        cells = {f"m{number}": motif for number, motif in enumerate(self.base.sections[index].motifs, start=1)}
        given = [done for (at, _), done in self.given.items() if at == index]
        for done in given:
            cells.setdefault(done.plan.motif, self._opening(done))
        cells = {name: cell for name, cell in cells.items() if given and name in palette.ideas}
        named = {phrase.motif for phrase in section.phrases} - palette.ideas.keys()
        for each in self.base.leitmotifs or ():
            if each.tag in named:
                cells[each.tag] = Motif(degrees=each.degrees, rhythm=each.rhythm)
        ideas = dict(palette.ideas)
        for name, cell in cells.items():
            if cell.degrees and cell.rhythm:
                idea = idea_of(cell, self.meter, self.manner.density, self.rng)
                whole = min(value for rhythm in idea.bars for value in rhythm) >= DIVISIONS // 32
                ideas |= {name: idea} if whole else {}
        return palette._replace(ideas=ideas)

    def _opening(self, done: WrittenPhrase) -> Motif:
        """The first two bars of a phrase."""
        ends = list(accumulate(length for length, _ in done.notes))
        count = sum(end <= 2 * self.meter.bar for end in ends)
        return Motif(degrees=done.degrees[:count], rhythm=done.rhythm[:count])

    def _phrase(
        self,
        index: int,
        number: int,
        section: SectionPlan,
        phrase: PhrasePlan,
        before: Sequence[WrittenPhrase],
        palette: Palette,
    ) -> WrittenPhrase:
        done = self.given.get((index, number))
        if done is not None:
            self._hear(done)
            return done
        self.behind = self.given.get((index, number - 1))
        self.ahead = self.given.get((index, number + 1)) if phrase.cadence is None else None
        answer = self.answered.get((index, number))
        if answer is not None and phrase.source is None and phrase.model is None:
            phrase, before = replace(phrase, model=len(before), likeness="opening"), [*before, answer]
        freedom = self.free.get((index, number), 0)
        if freedom > 1:
            phrase = replace(phrase, model=None, likeness="", source=None)
            palette = make_palette(self.meter, self.manner.density, self.rng, dotted=self.manner.dotted)
        elif freedom and phrase.likeness == "whole":
            phrase = replace(phrase, likeness="opening")
        return super()._phrase(index, number, section, phrase, before, palette)

    def _hear(self, done: WrittenPhrase) -> None:
        """Remember the last note, so that what follows goes on from it."""
        at = [0, *accumulate(length for length, _ in done.notes)]
        sounding = [(start, p) for start, (_, p) in zip(at, done.notes, strict=False) if p is not None]
        if sounding:
            start, position = sounding[-1]
            chord = bisect_right([0, *accumulate(done.harmony.lengths)][:-1], start) - 1
            self.last_midi = reference_tonic(done.key) + round(position * 12 / 7)
            self.last_note = (done.key, position, parse_numeral(done.harmony.figures[chord], done.key.mode))

    def _harmony(self, section: SectionPlan, phrase: PhrasePlan, base: WrittenPhrase | None) -> Harmony:
        mode = section.key.mode
        for _ in range(_TRIES):
            harmony = super()._harmony(section, phrase, base)
            out = self.behind is None or self.behind.plan.cadence or _resolves(self.behind.harmony, harmony, mode)
            if out and (self.ahead is None or _resolves(harmony, self.ahead.harmony, mode)):
                break
        return harmony

    def _slots(
        self,
        section: SectionPlan,
        phrase: PhrasePlan,
        base: WrittenPhrase | None,
        harmony: Harmony,
        starts: Sequence[int],
        palette: Palette,
        final: bool,
        number: int,
    ) -> tuple[tuple[Slot, ...], tuple[Note, ...]]:
        slots, prefix = super()._slots(section, phrase, base, harmony, starts, palette, final, number)
        goal = (
            next((position for _, position in self.ahead.notes if position is not None), None) if self.ahead else None
        )
        if goal is not None and len(slots) > len(prefix) and slots[-1].anchor is None:
            slots = (*slots[:-1], slots[-1]._replace(anchor=goal, pull=max(slots[-1].pull, 0.8)))
        return slots, prefix


def _resolves(harmony: Harmony, following: Harmony, mode: Mode) -> bool:
    """Whether one phrase may go on into the other: ending on a dominant only where it goes where it leads."""
    last, first = parse_numeral(harmony.figures[-1], mode), parse_numeral(following.figures[0], mode)
    return last.leading is None or last.leading - 5 in first.tones
