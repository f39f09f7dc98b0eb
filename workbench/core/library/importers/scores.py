"""A score as it was found in a file: bars, parts and their notes, signatures, marks. Times are source quarters."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.analysis import Fact, Source
from workbench.core.library.importers.tunes import TuneNote
from workbench.core.music.keys import Mode

MAX_NOTES = 40_000
MAX_SOUNDING = 400_000
"""Quarters that all notes together may sound."""
MAX_BAR = 64
"""Quarters in a bar."""
MELODIES = re.compile(
    r"\b(melod\w*|tune|lead|solo|vocal\w*|voice|voix|canto|cantus|gesang|singstimme|sopran\w*)\b", re.I
)
"""Names of parts that are marked as the tune."""


class Part(NamedTuple):
    """A part: its name, all its notes by onset, and those of its leading voice."""

    name: str
    notes: tuple[TuneNote, ...]
    tune: tuple[TuneNote, ...]


class ScoreBar(NamedTuple):
    """A bar: its number in the source, its meter, where it begins and how long its meter makes it."""

    name: str
    meter: str
    start: Fraction
    length: Fraction


class Signature(NamedTuple):
    """A key signature from a moment on: -7 flats to 7 sharps, and the mode where one is named."""

    onset: Fraction
    fifths: int
    mode: Mode | None = None


class WrittenScore(NamedTuple):
    """A score before anything is made of it.

    ``parts`` are in the order in which they are asked for the tune. ``ends`` are moments where a section ends,
    ``pauses`` those where a note with a fermata ends, ``headings`` names of sections by the bar they begin with.
    ``tempo`` is in quarters a minute. ``spelled`` says that the notes' names were written, ``exact_key`` that the modes
    of the signatures can be relied on, ``pick_up`` that the first bar is one. ``guesses`` and ``notes`` are what the
    reader assumed and left out.
    """

    source: Source
    bars: tuple[ScoreBar, ...]
    parts: tuple[Part, ...]
    signatures: tuple[Signature, ...] = ()
    ends: frozenset[Fraction] = frozenset()
    pauses: frozenset[Fraction] = frozenset()
    headings: tuple[tuple[int, str], ...] = ()
    tempo: float | None = None
    words: str = ""
    spelled: bool = True
    exact_key: bool = False
    pick_up: bool = False
    guesses: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()


def refuse_unfit(score: WrittenScore) -> None:
    """Refuse what no structure can be made of, before time is spent on it.

    Raises:
        InvalidInputError: no notes that have pitches.
        InputTooLargeError: more notes, or longer ones, than any movement has.
    """
    count = sum(len(part.notes) for part in score.parts)
    if not count:
        raise InvalidInputError(
            "The score has no notes with pitches.", hint="Give a score with a tune and harmony, not percussion alone."
        )
    sounding = sum(float(note.duration) for part in score.parts for note in part.notes)
    if count > MAX_NOTES or sounding > MAX_SOUNDING:
        raise InputTooLargeError(f"The score has {count:,} notes.", hint="Import one movement at a time.")
