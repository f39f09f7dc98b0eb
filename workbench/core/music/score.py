"""The Score (exact, as written) and the Performance (humanized, as played).

Notes are kept as numpy columns, one row a note, sorted by onset, so that a piece of thousands of notes is a few arrays;
``Score.notes`` gives them one by one. Times are in divisions (``meters.DIVISIONS`` to the quarter) unless a name says
otherwise. Every note knows the section, phrase and chord that it came from: these are indices into the spans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.core.music.cadences import CadenceType
from workbench.core.music.instruments import Instrument
from workbench.core.music.keys import Key
from workbench.core.music.meters import DIVISIONS, Meter
from workbench.core.music.numerals import Chord
from workbench.core.music.pitches import pitch_name

IntColumn = NDArray[np.int32]
FloatColumn = NDArray[np.float64]


class Voice(NamedTuple):
    """A line of the score. At any one time it holds one note or one chord of equal lengths, never an overlap.

    ``part`` numbers the player, ``staff`` the stave within the part (0 upper, 1 lower): a piano is one part with two.
    """

    name: str
    instrument: Instrument
    part: int
    staff: int
    clef: str


class SectionSpan(NamedTuple):
    """A section in time. ``start`` and ``end`` in divisions, ``first_measure`` counted from 1."""

    name: str
    role: str
    key: Key
    start: int
    end: int
    first_measure: int
    measures: int
    dynamics: str
    texture: str
    cadence: CadenceType | None


class PhraseSpan(NamedTuple):
    """A phrase in time; ``motif`` and ``transformation`` say what its tune is made of (empty when unknown)."""

    section: int
    label: str
    role: str
    start: int
    end: int
    first_measure: int
    measures: int
    cadence: CadenceType | None
    motif: str
    transformation: str


class ChordSpan(NamedTuple):
    """A chord in time. ``chord`` is understood in ``key``, the section's local key."""

    section: int
    phrase: int
    start: int
    end: int
    numeral: str
    key: Key
    chord: Chord


class Note(NamedTuple):
    """One note: onset and duration in quarters, exact; ``fifths`` spells ``midi``; ``measure`` is counted from 1."""

    onset: Fraction
    duration: Fraction
    midi: int
    fifths: int
    voice: int
    section: int
    phrase: int
    chord: int
    measure: int

    @property
    def name(self) -> str:
        """The spelled pitch with its octave, ``F#4``."""
        return pitch_name(self.midi, self.fifths)


@dataclass(frozen=True, eq=False)
class Score:
    """A piece as written. The columns have one row a note, sorted by onset, then voice, then pitch."""

    title: str
    key: Key
    tempo: float
    meter: Meter
    voices: tuple[Voice, ...]
    sections: tuple[SectionSpan, ...]
    phrases: tuple[PhraseSpan, ...]
    chords: tuple[ChordSpan, ...]
    measures: int
    onset: IntColumn
    duration: IntColumn
    midi: IntColumn
    fifths: IntColumn
    voice: IntColumn
    section: IntColumn
    phrase: IntColumn
    chord: IntColumn
    skeleton: IntColumn = field(default_factory=lambda: np.zeros((0, 4), np.int32))
    """For each chord the MIDI numbers of soprano, alto, tenor and bass that the voice-leading search chose."""

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def length(self) -> int:
        """The whole length in divisions."""
        return self.measures * self.meter.bar

    @property
    def quarters(self) -> float:
        """The whole length in quarters."""
        return self.length / DIVISIONS

    @property
    def seconds(self) -> float:
        """The length in seconds at the written tempo."""
        return self.quarters * 60 / self.tempo

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """The notes one by one."""
        return tuple(self)

    def __iter__(self) -> Iterator[Note]:
        columns = (self.onset, self.duration, self.midi, self.fifths, self.voice, self.section, self.phrase, self.chord)
        bar = self.meter.bar
        for onset, duration, midi, fifths, voice, section, phrase, chord in zip(
            *(column.tolist() for column in columns), strict=True
        ):
            yield Note(
                Fraction(onset, DIVISIONS),
                Fraction(duration, DIVISIONS),
                midi,
                fifths,
                voice,
                section,
                phrase,
                chord,
                onset // bar + 1,
            )


@dataclass(frozen=True, eq=False)
class Performance:
    """A piece as played. Columns run parallel to the score's notes: seconds and MIDI velocities (1 to 127).

    ``grid`` (divisions, rising) and ``times`` (seconds) map score time to clock time, straight between the points.
    """

    score: Score
    start: FloatColumn
    end: FloatColumn
    velocity: IntColumn
    grid: IntColumn
    times: FloatColumn

    @property
    def seconds(self) -> float:
        """The length in seconds, the last note's release included."""
        return float(max(self.times[-1], self.end.max() if len(self.end) else 0.0))

    def seconds_at(self, position: float) -> float:
        """The clock time of a score position in divisions."""
        return float(np.interp(position, self.grid, self.times))

    def position_at(self, seconds: float) -> float:
        """The score position in divisions at a clock time."""
        return float(np.interp(seconds, self.times, self.grid))
