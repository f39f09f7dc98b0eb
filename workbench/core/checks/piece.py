"""A structure as the checks see it: laid out in time, with its notes when they are asked for.

Checks share nothing with the composer but the layout of phrases in time and the realizer that all structures go
through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.checks.profiles import Profile
from workbench.core.compose import FormPlan, realize
from workbench.core.compose.layout import LaidPhrase, lay_out
from workbench.core.errors import InvalidStructureError
from workbench.core.music.keys import Key
from workbench.core.music.meters import Meter, meter_of
from workbench.core.music.numerals import Chord
from workbench.core.music.request import Request
from workbench.core.music.score import Score
from workbench.core.music.structure import MusicStructure, Phrase, Section

_scores: deque[tuple[MusicStructure, Score | None]] = deque(maxlen=4)
"""The latest structures and their notes: who has one checked often looks at it once more."""


class Place(NamedTuple):
    """One chord: where it is and what it is. ``start`` and ``end`` in divisions, ``path`` its JSON pointer."""

    section: int
    phrase: int
    start: int
    end: int
    figure: str
    chord: Chord
    key: Key
    path: str
    measure: int


class Close(NamedTuple):
    """The end of a phrase with a cadence tag: the phrase, its chords, and the index of the chord of arrival."""

    number: int
    phrase: LaidPhrase
    tag: str
    path: str
    measure: int
    chords: tuple[Place, ...]
    arrival: int


class Piece:
    """What a check may look at. Everything beyond the structure is worked out once, when first asked for."""

    def __init__(
        self, structure: MusicStructure, profile: Profile, request: Request | None, plan: FormPlan | None
    ) -> None:
        self.structure = structure
        self.profile = profile
        self.request = request
        self.plan = plan
        self.home = structure.tonality
        self.meter: Meter = meter_of(structure.time_signature)

    @cached_property
    def sections(self) -> tuple[tuple[int, Section, str], ...]:
        """Each section with its index and JSON pointer."""
        return tuple((index, section, f"/sections/{index}") for index, section in enumerate(self.structure.sections))

    @cached_property
    def written_phrases(self) -> tuple[tuple[int, int, Phrase, str], ...]:
        """Each phrase that the structure itself writes: section, number in it, phrase, JSON pointer."""
        return tuple(
            (index, number, phrase, f"{path}/phrases/{number}")
            for index, section, path in self.sections
            for number, phrase in enumerate(section.phrases or ())
        )

    @cached_property
    def unreadable(self) -> InvalidStructureError | None:
        """Why the numerals cannot be read, if they cannot."""
        try:
            _ = self._laid
        except InvalidStructureError as problem:
            return problem
        return None

    @cached_property
    def _laid(self) -> tuple[LaidPhrase, ...]:
        return lay_out(self.structure)

    @property
    def phrases(self) -> tuple[LaidPhrase, ...]:
        """Every phrase in time, written or derived; none when the numerals cannot be read."""
        return () if self.unreadable is not None else self._laid

    @cached_property
    def first_measures(self) -> tuple[int, ...]:
        """The measure (from 1) on which each section begins."""
        result, at = [], 1
        for _, section, _ in self.sections:
            result.append(at)
            at += sum(phrase.measures for phrase in section.phrases) if section.phrases else section.measures
        return tuple(result)

    @cached_property
    def chords(self) -> tuple[Place, ...]:
        """Every chord of the piece in order."""
        result: list[Place] = []
        bar = self.meter.bar
        inside: dict[int, int] = {}
        for phrase in self.phrases:
            index = phrase.section
            number = inside.get(index, 0)
            inside[index] = number + 1
            written = self.structure.sections[index].phrases
            own = written is not None and bool(written[number].chords)
            stem = f"/sections/{index}/phrases/{number}/chords" if own else f"/sections/{index}/chordProgression"
            count = len(self.structure.sections[index].chord_progression)
            for order, (figure, chord, start, end) in enumerate(
                zip(phrase.figures, phrase.chords, phrase.starts, phrase.ends, strict=True)
            ):
                at = phrase.start + start
                path = f"{stem}/{order if own else order % count}"
                result.append(
                    Place(index, number, at, phrase.start + end, figure, chord, phrase.key, path, at // bar + 1)
                )
        return tuple(result)

    @cached_property
    def closes(self) -> tuple[Close, ...]:
        """Every phrase that says how it ends, with its chords; the arrival looks back past repeated tonics."""
        result: list[Close] = []
        at = 0
        inside: dict[int, int] = {}
        for phrase in self.phrases:
            number = inside.get(phrase.section, 0)
            inside[phrase.section] = number + 1
            places = self.chords[at : at + len(phrase.figures)]
            at += len(phrase.figures)
            section = self.structure.sections[phrase.section]
            tag = phrase.cadence
            path = f"/sections/{phrase.section}/phrases/{number}/cadence"
            if not section.phrases:
                tag = section.cadence if number == inside[phrase.section] - 1 and phrase.cadence else None
                path = f"/sections/{phrase.section}/cadence"
            if tag is None:
                continue
            before = self.chords[: at - len(phrase.figures)][-2:] if len(places) < 2 else ()
            run = (*before, *places)
            arrival = len(run) - 1
            while arrival > 0 and _same_function(run[arrival - 1], run[arrival]):
                arrival -= 1
            measure = (phrase.start + phrase.measures * self.meter.bar - 1) // self.meter.bar + 1
            result.append(Close(number, phrase, tag, path, measure, tuple(run), arrival))
        return tuple(result)

    @cached_property
    def score(self) -> Score | None:
        """The realized notes; None when the numerals cannot be read."""
        for structure, known in tuple(_scores):
            if structure is self.structure:
                return known
        score = None
        with suppress(InvalidStructureError):
            score = realize(self.structure)
        _scores.append((self.structure, score))
        return score

    @cached_property
    def tune_bars(self) -> tuple[tuple[int, tuple[tuple[int, int, int], ...]], ...]:
        """The tune bar by bar: (section, ((onset in the bar, duration, pitch), …)); empty bars are left out."""
        score = self.score
        if score is None:
            return ()
        tune = score.voice == 0
        bar = score.meter.bar
        bars: dict[int, list[tuple[int, int, int]]] = {}
        sections: dict[int, int] = {}
        columns = (score.onset, score.duration, score.midi, score.section)
        for onset, duration, midi, section in zip(*(column[tune].tolist() for column in columns), strict=True):
            bars.setdefault(onset // bar, []).append((onset % bar, duration, midi))
            sections.setdefault(onset // bar, section)
        return tuple((sections[number], tuple(notes)) for number, notes in sorted(bars.items()))

    @cached_property
    def same_section(self) -> NDArray[np.bool_]:
        """For each chord of the score but the first, whether it lies in the section of the one before."""
        score = self.score
        sections = np.array([span.section for span in score.chords] if score else [], np.int32)
        return np.asarray(sections[1:] == sections[:-1])

    def pairs(self) -> Iterator[tuple[Place, Place]]:
        """Neighbouring chords inside one section."""
        for before, after in zip(self.chords, self.chords[1:], strict=False):
            if before.section == after.section:
                yield before, after


def _same_function(before: Place, after: Place) -> bool:
    """Whether ``after`` only repeats ``before`` (a tonic after the close, in any inversion; the same chord again)."""
    if before.key != after.key or before.chord.is_applied or after.chord.is_applied:
        return False
    return (
        before.chord.root == after.chord.root
        and after.chord.degree in (1, before.chord.degree)
        and (before.chord.function == after.chord.function)
    )
