"""What every importer reads into: an analysis, bar by bar, before it is made into a structure.

Times are exact quarters. An analysis says what its source says; ``assembly`` decides how a structure can say it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from workbench.core.music.cadences import CadenceType
from workbench.core.music.keys import Key
from workbench.core.music.structure import MusicStructure

MAX_BARS = 2000
"""Longer than any movement that a structure can hold."""


class WrittenChord(NamedTuple):
    """A numeral in its local key, ``offset`` quarters after its bar's downbeat; the cadence that the source names."""

    offset: Fraction
    figure: str
    key: Key
    cadence: CadenceType | None = None


class Break(NamedTuple):
    """Where a phrase ends, in quarters from its bar's downbeat; whether a repeat sign or double bar stands there."""

    offset: Fraction
    ends_part: bool = False


class Bar(NamedTuple):
    """A bar of the source: its number there, the length its meter gives it, its chords (none: the last one goes on)."""

    name: str
    length: Fraction
    chords: tuple[WrittenChord, ...]
    breaks: tuple[Break, ...] = ()


class Source(NamedTuple):
    """Who made what was imported, and what the file says about rights. Empty where the file is silent."""

    title: str = ""
    composer: str = ""
    analyst: str = ""
    form: str = ""
    licence: str = ""
    format: str = ""


class Analysis(NamedTuple):
    """A piece as its source has it: ``meter`` is the main one, ``bars[0]`` is bar 0 where there is a pick-up."""

    source: Source
    meter: str
    bars: tuple[Bar, ...]
    notes: tuple[str, ...] = ()


class PhraseSource(NamedTuple):
    """Where a phrase comes from: its begin and end in source quarters, and how long its first bar waits before it.

    Source quarters are counted from the first bar's downbeat, every bar at the length that its meter gives it.
    """

    section: int
    phrase: int
    begin: Fraction
    end: Fraction
    lead: Fraction


class Timeline(NamedTuple):
    """How source time becomes the structure's: ``bars`` holds each bar's start by name; ``scale`` multiplies lengths.

    ``even`` is false where the meter changes, so that a tune cannot be carried over by scaling alone.
    """

    bars: dict[str, Fraction]
    phrases: tuple[PhraseSource, ...]
    scale: Fraction
    even: bool


class Imported(NamedTuple):
    """A structure, what was dropped or assumed on the way, where it came from, and its clock."""

    structure: MusicStructure
    notes: tuple[str, ...]
    source: Source
    timeline: Timeline
