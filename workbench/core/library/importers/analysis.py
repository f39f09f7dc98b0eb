"""What every importer reads into: an analysis, bar by bar, before it is made into a structure.

Times are exact quarters. An analysis says what its source says; ``assembly`` decides how a structure can say it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
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


class Fact(NamedTuple):
    """Something found out about a piece: what it is about, its value, a sentence for people, and how sure it is.

    ``confidence`` runs from 0 to 1, which is what a source says itself.
    """

    what: str
    value: str
    says: str
    confidence: float = 1.0


class Analysis(NamedTuple):
    """A piece as its source has it: ``meter`` is the main one, ``bars[0]`` is bar 0 where there is a pick-up.

    ``home`` and ``tempo`` (quarters a minute) are None where the source names none. ``phrased`` says that breaks are
    ends of phrases; without it they end sections, and phrases are found inside. ``keys_hold`` says that a section
    follows each key that lasts, also inside a phrase: an analyst's keys are facts, a machine's are not.
    ``whole_bars`` says that every bar is written once: what begins after a close in mid-bar is an upbeat however long.
    ``headings`` are names of sections by the bar (an index into ``bars``) that they begin with. ``guesses`` tells what
    the reader had to guess; the rest was read.
    """

    source: Source
    meter: str
    bars: tuple[Bar, ...]
    notes: tuple[str, ...] = ()
    home: Key | None = None
    tempo: float | None = None
    phrased: bool = True
    keys_hold: bool = False
    whole_bars: bool = False
    headings: tuple[tuple[int, str], ...] = ()
    instrumentation: str = ""
    guesses: tuple[Fact, ...] = ()

    @property
    def names_cadences(self) -> bool:
        """Whether the source names cadences at all: a close that it leaves unnamed is then none."""
        return any(chord.cadence for bar in self.bars for chord in bar.chords)


class PhraseSource(NamedTuple):
    """Where a phrase comes from: its begin and end in laid-out quarters (``Timeline.laid``).

    ``lead`` is how long its first bar waits before ``begin``; ``named`` says that its source names the cadence.
    """

    section: int
    phrase: int
    begin: Fraction
    end: Fraction
    lead: Fraction
    named: bool = False


class Place(NamedTuple):
    """A bar: where it begins in the source, where it is laid, and what lengths in it are multiplied by."""

    source: Fraction
    laid: Fraction
    factor: Fraction


class Timeline(NamedTuple):
    """How source time becomes the structure's. Source quarters are counted from the first bar's downbeat.

    ``bars`` holds each bar's start by name, in source quarters; ``places`` every bar in order.
    """

    bars: dict[str, Fraction]
    phrases: tuple[PhraseSource, ...]
    places: tuple[Place, ...]

    def laid(self, moments: Sequence[Fraction]) -> list[Fraction]:
        """Moments of the source, in quarters of the structure's meter laid out bar by bar.

        Each is counted on from the last bar that has begun by then, up to where the next one is laid.
        """
        starts = [float(place.source) for place in self.places]
        result = []
        for moment in moments:
            index = max(0, bisect_right(starts, float(moment) + 1e-9) - 1)
            place = self.places[index]
            laid = place.laid + (moment - place.source) * place.factor
            result.append(min(laid, self.places[index + 1].laid) if index + 1 < len(starts) else laid)
        return result


class Imported(NamedTuple):
    """A structure, what was dropped or assumed on the way, where it came from, and its clock."""

    structure: MusicStructure
    notes: tuple[str, ...]
    source: Source
    timeline: Timeline
