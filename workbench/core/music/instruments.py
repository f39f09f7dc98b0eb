"""Instruments: General MIDI programs, sounding ranges, and what a free text such as "string quartet" asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Instrument:
    """One instrument: its General MIDI program (0 to 127), its comfortable range in MIDI numbers, its clef."""

    name: str
    program: int
    low: int
    high: int
    clef: str = "treble"
    keyboard: bool = False


INSTRUMENTS: dict[str, Instrument] = {
    instrument.name: instrument
    for instrument in (
        Instrument("Piano", 0, 28, 96, keyboard=True),
        Instrument("Harpsichord", 6, 29, 89, keyboard=True),
        Instrument("Celesta", 8, 60, 96, keyboard=True),
        Instrument("Organ", 19, 36, 91, keyboard=True),
        Instrument("Guitar", 24, 40, 83),
        Instrument("Violin", 40, 55, 93),
        Instrument("Viola", 41, 48, 81, "alto"),
        Instrument("Cello", 42, 36, 74, "bass"),
        Instrument("Double bass", 43, 28, 60, "bass"),
        Instrument("Strings", 48, 36, 93),
        Instrument("Harp", 46, 28, 96, keyboard=True),
        Instrument("Choir", 52, 40, 79),
        Instrument("Trumpet", 56, 55, 82),
        Instrument("Trombone", 57, 40, 70, "bass"),
        Instrument("Horn", 60, 41, 77),
        Instrument("Oboe", 68, 58, 88),
        Instrument("English horn", 69, 52, 81),
        Instrument("Bassoon", 70, 36, 69, "bass"),
        Instrument("Clarinet", 71, 50, 88),
        Instrument("Flute", 73, 60, 93),
        Instrument("Recorder", 74, 60, 88),
    )
}

_WORDS: tuple[tuple[str, str], ...] = (
    (r"harpsichord|cembalo|clavecin", "Harpsichord"),
    (r"celesta", "Celesta"),
    (r"organ\b|orgel", "Organ"),
    (r"\bharp\b", "Harp"),
    (r"guitar|\blute", "Guitar"),
    (r"double ?bass|contrabass", "Double bass"),
    (r"viola\b", "Viola"),
    (r"violins?\b|fiddle", "Violin"),
    (r"cello|violoncello", "Cello"),
    (r"strings?\b|orchestra", "Strings"),
    (r"choir|chorus|voices?\b|satb", "Choir"),
    (r"trumpet", "Trumpet"),
    (r"trombone", "Trombone"),
    (r"horns?\b", "Horn"),
    (r"oboe", "Oboe"),
    (r"english horn|cor anglais", "English horn"),
    (r"bassoon", "Bassoon"),
    (r"clarinet", "Clarinet"),
    (r"flute", "Flute"),
    (r"recorder", "Recorder"),
    (r"piano|keyboard|klavier|ピアノ", "Piano"),
)


@dataclass(frozen=True)
class Ensemble:
    """Who plays: the tune, the two middle voices and the bass. All four may be the one keyboard."""

    melody: Instrument
    alto: Instrument
    tenor: Instrument
    bass: Instrument

    @property
    def is_keyboard(self) -> bool:
        """Whether one player at one keyboard plays everything."""
        return self.melody.keyboard and self.melody == self.bass

    @property
    def accompanied_by_keyboard(self) -> bool:
        """Whether a keyboard plays everything but the tune."""
        return self.bass.keyboard and self.melody != self.bass


@lru_cache(maxsize=256)
def ensemble_for(text: str | None) -> Ensemble:
    """The ensemble that a free text asks for; the piano when it names nothing known.

    A quartet is two violins, viola and cello; a solo instrument with a keyboard is accompanied by it; several solo
    instruments are dealt out by register.
    """
    plain = (text or "piano").lower()
    piano = INSTRUMENTS["Piano"]
    if re.search(r"(string|streich).{0,8}(quartet|quartett)|quatuor", plain):
        return _four("Violin", "Violin", "Viola", "Cello")
    if re.search(r"wood ?wind|wind (quartet|quintet)", plain):
        return _four("Flute", "Oboe", "Clarinet", "Bassoon")
    if re.search(r"brass", plain):
        return _four("Trumpet", "Trumpet", "Horn", "Trombone")
    found: list[tuple[int, Instrument]] = []
    for pattern, name in _WORDS:
        match = re.search(pattern, plain)
        if (
            match
            and not (name == "Horn" and "english horn" in plain)
            and not (name == "Violin" and "violoncell" in plain)
        ):
            found.append((match.start(), INSTRUMENTS[name]))
    named = list(dict.fromkeys(instrument for _, instrument in sorted(found, key=lambda pair: pair[0])))
    if not named:
        return Ensemble(piano, piano, piano, piano)
    # A celesta has no bass: it is a soloist, however many keys it has.
    keyboards = [each for each in named if (each.keyboard or each.name == "Guitar") and each.low <= 43]
    soloists = [instrument for instrument in named if instrument not in keyboards]
    if keyboards and soloists:
        solo, keys = max(soloists, key=lambda instrument: instrument.high), keyboards[0]
        return Ensemble(solo, keys, keys, keys)
    if len(named) == 1:
        return Ensemble(named[0], named[0], named[0], named[0]) if _covers(named[0]) else _with_strings(named[0])
    by_register = sorted(named, key=lambda instrument: -(instrument.low + instrument.high))
    while len(by_register) < 4:
        by_register.insert(1, by_register[0] if len(by_register) == 2 else by_register[1])
    top, bottom = by_register[0], by_register[-1]
    bottom = bottom if bottom.low <= 43 else INSTRUMENTS["Cello"]
    return Ensemble(top, by_register[1], by_register[2], bottom)


def _covers(instrument: Instrument) -> bool:
    return instrument.low <= 43 and instrument.high >= 79


def _four(soprano: str, alto: str, tenor: str, bass: str) -> Ensemble:
    return Ensemble(INSTRUMENTS[soprano], INSTRUMENTS[alto], INSTRUMENTS[tenor], INSTRUMENTS[bass])


def _with_strings(solo: Instrument) -> Ensemble:
    if solo.high < 82 and solo.low > 43:
        return Ensemble(solo, INSTRUMENTS["Viola"], INSTRUMENTS["Viola"], INSTRUMENTS["Cello"])
    if solo.high < 82:
        # A low soloist still needs a tune that can be heard: it takes the bass under a violin.
        return Ensemble(INSTRUMENTS["Violin"], INSTRUMENTS["Violin"], INSTRUMENTS["Viola"], solo)
    return Ensemble(solo, INSTRUMENTS["Violin"], INSTRUMENTS["Viola"], INSTRUMENTS["Cello"])
