"""The rule-based composer: fills a form plan with harmony and tunes, from a seed.

Same request and seed, same piece. Each phrase gets chords first (``harmony``), then a sketch of its notes (``themes``
or ``reprise``), then pitches (``tunes``). What returns is brought back; what develops works on ideas already heard.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from workbench.core.compose.harmony import Harmony, in_mode, phrase_harmony, sequenced
from workbench.core.compose.plan import FormPlan, PhrasePlan, SectionPlan, plan
from workbench.core.compose.realize import reference_tonic
from workbench.core.compose.reprise import Note, bars_of, bring_back
from workbench.core.compose.rhythms import closing_bar
from workbench.core.compose.themes import Idea, Palette, make_palette, sketch
from workbench.core.compose.tune_for import tune_bounds
from workbench.core.compose.tunes import Slot, TuneTask, tune_chords, write_tune, written
from workbench.core.compose.wording import describe
from workbench.core.compose.written import WrittenPhrase, WrittenSection
from workbench.core.music.keys import Key
from workbench.core.music.meters import DIVISIONS, Meter
from workbench.core.music.numerals import Chord
from workbench.core.music.request import Request
from workbench.core.music.structure import Motif, MusicStructure

_SECOND_THEME = frozenset({"exposition-secondary", "closing", "recapitulation-secondary"})
_OWN_THEME = frozenset({"contrast", "episode", "trio", "contrasting-middle"})


def compose(request: Request, *, seed: int | None = None) -> MusicStructure:
    """Compose a piece by rule.

    Always ends in a valid structure with every phrase's chords and tune written out. ``seed`` None takes the request's
    own, or 0.
    """
    return compose_plan(plan(request, seed=seed), request)


def compose_plan(form: FormPlan, request: Request) -> MusicStructure:
    """Fill a given plan."""
    composer = Composer(form, request)
    return describe(form, request, composer.sections())


class Composer:
    """Fills one plan, phrase by phrase: what comes later knows what came before."""

    def __init__(self, form: FormPlan, request: Request) -> None:
        self.form = form
        self.manner = form.manner
        self.meter: Meter = form.manner.meter
        self.focus = request.focus
        self.rng = random.Random(f"compose/{form.seed}/{form.form}")
        self.noise = np.random.default_rng([form.seed % 2**32, 7])
        cells = _seed_cells(request)
        self.main = make_palette(self.meter, self.manner.density, self.rng, cells=cells, dotted=self.manner.dotted)
        self.second: Palette | None = None
        self.done: list[WrittenSection] = []
        self.last_midi: int | None = None
        self.last_note: tuple[Key, int, Chord] | None = None
        self.climax = self._climax()

    def _climax(self) -> tuple[int, int]:
        """The phrase that holds the piece's highest point: about two thirds of the way, not in the coda."""
        at, best, found = 0, 9.0, (0, 0)
        for index, section in enumerate(self.form.sections):
            for number, phrase in enumerate(section.phrases):
                middle = (at + phrase.measures / 2) / self.form.measures
                at += phrase.measures
                away = abs(middle - 0.66) + 0.12 * (phrase.likeness == "whole")
                if section.role != "coda" and away < best:
                    best, found = away, (index, number)
        return found

    def sections(self) -> tuple[WrittenSection, ...]:
        """Write all sections in order."""
        for index, section in enumerate(self.form.sections):
            palette = self._palette(section)
            phrases: list[WrittenPhrase] = []
            for number, phrase in enumerate(section.phrases):
                done = self._phrase(index, number, section, phrase, phrases, palette)
                phrases.append(done)
                palette = _remember(palette, phrase, done, self.meter)
            self._keep(section, palette)
            self.done.append(WrittenSection(section, palette, tuple(phrases)))
        return tuple(self.done)

    def _palette(self, section: SectionPlan) -> Palette:
        if section.returns is not None:
            return self.done[section.returns].palette
        if section.role in _SECOND_THEME:
            if self.second is None:
                self.second = self._contrast(0.85)
            return self.second
        if section.role in _OWN_THEME:
            return self._contrast(self.rng.choice((0.75, 0.9, 1.2)))
        return self.main

    def _contrast(self, liveliness: float) -> Palette:
        """Material for a contrasting section: its own, or, for a concentrated piece, drawn from the main idea."""
        fresh = make_palette(
            self.meter, max(0.5, self.manner.density * liveliness), self.rng, dotted=self.manner.dotted
        )
        if self.rng.random() > self.focus:
            return fresh
        first = self.main.ideas["m1"]
        turned = tuple(-move for move in first.gesture) or (-1, -1, 1)
        derived = Idea(first.bars, turned)
        return fresh._replace(ideas={**fresh.ideas, "m1": derived})

    def _keep(self, section: SectionPlan, palette: Palette) -> None:
        if section.role in _SECOND_THEME:
            self.second = palette
        elif section.role not in _OWN_THEME and section.returns is None:
            self.main = palette

    def _phrase(
        self,
        index: int,
        number: int,
        section: SectionPlan,
        phrase: PhrasePlan,
        before: Sequence[WrittenPhrase],
        palette: Palette,
    ) -> WrittenPhrase:
        base: WrittenPhrase | None = None
        if phrase.source is not None:
            base = self.done[phrase.source[0]].phrases[phrase.source[1]]
        elif phrase.model is not None and phrase.model < len(before):
            base = before[phrase.model]
        harmony = self._harmony(section, phrase, base)
        chords = tune_chords(harmony.figures, section.key.mode)
        starts = _starts(harmony.lengths)
        final = index == len(self.form.sections) - 1 and number == len(section.phrases) - 1
        slots, prefix = self._slots(section, phrase, base, harmony, starts, palette, final, number)
        tonic = reference_tonic(section.key)
        low, high = self._window(tonic, (index, number))
        task = TuneTask(
            section.key.mode, self.meter, chords, slots[len(prefix) :], phrase.cadence, low, high,
            self._start(prefix, tonic), self._chord_before(prefix, chords, slots, section),
            0.5 + 0.25 * self.rng.random(), final, (index, number) == self.climax,
        )  # fmt: skip
        rest = write_tune(task, self.noise)
        line = (*(position for _, position in prefix), *rest)
        degrees, rhythm = written(task._replace(slots=slots), line)
        notes = tuple((slot.duration, position) for slot, position in zip(slots, line, strict=True))
        sounding = [position for position in line if position is not None]
        if sounding:
            self.last_midi = tonic + round(sounding[-1] * 12 / 7)
            self.last_note = (section.key, sounding[-1], chords[slots[-1].chord])
        return WrittenPhrase(phrase, section.key, harmony, notes, degrees, rhythm)

    def _start(self, prefix: Sequence[Note], tonic: int) -> int | None:
        heard = [position for _, position in prefix if position is not None]
        if heard:
            return heard[-1]
        if self.last_note is not None and reference_tonic(self.last_note[0]) == tonic:
            return self.last_note[1]
        return None if self.last_midi is None else round((self.last_midi - tonic) * 7 / 12)

    def _chord_before(
        self, prefix: Sequence[Note], chords: Sequence[Chord], slots: Sequence[Slot], section: SectionPlan
    ) -> Chord | None:
        """The chord under the last note that is already there, where it is in this section's key."""
        if prefix:
            return chords[slots[len(prefix) - 1].chord]
        return self.last_note[2] if self.last_note is not None and self.last_note[0] == section.key else None

    def _window(self, tonic: int, at: tuple[int, int]) -> tuple[int, int]:
        """Positions that the phrase may use: the top is kept for the climax."""
        low, high = tune_bounds(tonic)
        low, high = max(low, -4), min(high, 12)
        return low, high if at == self.climax else high - 3

    def _harmony(self, section: SectionPlan, phrase: PhrasePlan, base: WrittenPhrase | None) -> Harmony:
        mode = section.key.mode
        opening: list[tuple[str, int]] = []
        if base is not None:
            figures = base.harmony.figures if base.key.mode == mode else in_mode(base.harmony.figures, mode)
            same_end = base.plan.cadence == phrase.cadence and base.plan.measures == phrase.measures
            if phrase.likeness == "whole" and same_end:
                return Harmony(figures, base.harmony.lengths)
            if phrase.likeness == "sequence":
                figures = sequenced(figures, mode, -1 if phrase.transformation == "sequence-down" else 1)
                if same_end and phrase.cadence is None:
                    return Harmony(figures, base.harmony.lengths)
            kept = max(1, min(base.plan.measures, phrase.measures) // 2)
            if phrase.likeness == "whole":
                kept = max(1, min(base.plan.measures - 1, phrase.measures - 2))
            opening = _first_bars(figures, base.harmony.lengths, kept * self.meter.bar)
        return phrase_harmony(
            phrase.measures, mode, self.meter, self.manner.period, phrase.role, phrase.cadence,
            self.manner.bar_seconds, self.manner.chord_seconds, self.rng, opening=opening,
        )  # fmt: skip

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
        """The slots of a phrase, and the notes of its beginning that are already fixed."""
        move = 0
        if base is not None:
            move = _octave_move(
                base, reference_tonic(section.key), self._window(reference_tonic(section.key), (-1, -1))
            )
        if base is not None and phrase.likeness in {"whole", "sequence"} and base.plan.measures == phrase.measures:
            chord_of = _chord_grid(starts, sum(harmony.lengths))
            treatment = section.treatment if phrase.source is not None else "ornamented"
            if phrase.likeness == "sequence":
                treatment = "sequence"
                move += -1 if phrase.transformation == "sequence-down" else 1
            opens = number == 0 and section.treatment in {"", "ornamented"}
            back = bring_back(
                base.notes, self.meter, chord_of, treatment, self.rng, move=move, free=0.88,
                literal_bars=1 if opens else 0, closes=phrase.cadence is not None,
                closing=self._closing(phrase, starts, final, base.plan.cadence != phrase.cadence),
            )  # fmt: skip
            return back.slots, ()
        shift = {"sequence-up": 1, "sequence-down": -1}.get(phrase.transformation or "", 0)
        idea = palette.ideas.get(phrase.motif, palette.ideas["m1"])
        if phrase.transformation == "inversion" and idea.line:
            idea = _inverted(idea)
        drawn = sketch(
            phrase.measures, self.meter, starts, phrase.role, phrase.cadence, idea, palette, self.rng,
            shift=shift, final=final, ends_section=number == len(section.phrases) - 1,
        )  # fmt: skip
        if base is None:
            return drawn.slots, ()
        kept = max(1, min(base.plan.measures, phrase.measures) // 2)
        kept = min(kept, phrase.measures - (1 if phrase.cadence else 0))
        if kept < 1:
            return drawn.slots, ()
        # The opening comes back: its first bars to the letter, the next ones with small changes.
        literal = max(1, kept // 2)
        bars = bars_of(base.notes, self.meter)[:kept]
        prefix = tuple(
            (duration, position + move if position is not None else None)
            for bar in bars[:literal]
            for duration, position in bar
        )
        head = bring_back(
            tuple(note for bar in bars for note in bar), self.meter, _chord_grid(starts, sum(harmony.lengths)),
            "ornamented", self.rng, move=move, free=0.75, literal_bars=literal, closes=False,
        )  # fmt: skip
        return (*head.slots, *drawn.slots[drawn.bar_offsets[kept] :]), prefix

    def _closing(self, phrase: PhrasePlan, starts: Sequence[int], final: bool, changed: bool) -> tuple[int, ...] | None:
        """A new rhythm for the last bar of a phrase that comes back, where its arrival is on the downbeat."""
        if phrase.cadence is None or starts[-1] != (phrase.measures - 1) * self.meter.bar:
            return None
        if final:
            return (self.meter.bar,)
        return closing_bar(self.meter, self.rng, breath=True) if changed or self.rng.random() < 0.7 else None


def _starts(lengths: Sequence[int]) -> tuple[int, ...]:
    result, at = [], 0
    for length in lengths:
        result.append(at)
        at += length
    return tuple(result)


def _chord_grid(starts: Sequence[int], length: int) -> list[int]:
    return [bisect_right(starts, at * DIVISIONS // 8) - 1 for at in range(max(1, length * 8 // DIVISIONS))]


def _first_bars(figures: Sequence[str], lengths: Sequence[int], room: int) -> list[tuple[str, int]]:
    result: list[tuple[str, int]] = []
    for figure, length in zip(figures, lengths, strict=True):
        if room <= 0:
            break
        result.append((figure, min(length, room)))
        room -= length
    return result


def _octave_move(base: WrittenPhrase, tonic: int, window: tuple[int, int]) -> int:
    """Scale steps (whole octaves) that bring a tune from another key nearest to where it sounded, inside the window."""
    positions = [position for _, position in base.notes if position is not None]
    if not positions:
        return 0
    apart = reference_tonic(base.key) - tonic
    low, high = window

    def misfit(move: int) -> float:
        outside = sum(max(0, low - p - move) + max(0, p + move - high) for p in positions)
        return outside * 3 + abs(move * 12 / 7 - apart)

    return min((0, 7, -7), key=misfit)


def _inverted(idea: Idea) -> Idea:
    axis = next((position for position in idea.line if position is not None), 0)
    line = tuple(None if position is None else 2 * axis - position for position in idea.line)
    return idea._replace(line=line)


def _remember(palette: Palette, phrase: PhrasePlan, done: WrittenPhrase, meter: Meter) -> Palette:
    """Keep the line of an idea the first time it is stated."""
    idea = palette.ideas.get(phrase.motif)
    if idea is None or idea.line or phrase.role in {"cadential", "continuation", "fortspinnung"}:
        return palette
    bars = bars_of(done.notes, meter)
    line: list[int | None] = []
    for wanted, bar in zip(idea.bars, bars, strict=False):
        if tuple(duration for duration, _ in bar) != tuple(abs(value) for value in wanted):
            break
        line += [position for _, position in bar]
    if not line:
        return palette
    return palette._replace(ideas={**palette.ideas, phrase.motif: idea._replace(line=tuple(line))})


def _seed_cells(request: Request) -> tuple[Motif, ...]:
    """The motif that the request wants the piece to grow from, if it names one."""
    degrees, rhythm = request.motif_seed, request.rhythm_seed
    if not degrees and not rhythm:
        return ()
    if degrees and rhythm:
        count = min(len(degrees), len(rhythm))
        degrees, rhythm = degrees[:count], rhythm[:count]
    return (Motif.model_construct(degrees=degrees, rhythm=rhythm),)
