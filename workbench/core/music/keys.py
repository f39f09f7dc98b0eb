"""The thirty major and minor keys, how they are spelled and how they are related."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from workbench.core.music.pitches import alter_of, parse_pitch_class, pitch_class, pitch_class_name, step_of

Mode = Literal["major", "minor"]

_SCALES: dict[Mode, tuple[int, ...]] = {
    # Each degree's distance from the tonic on the line of fifths.
    "major": (0, 2, 4, -1, 1, 3, 5),
    "minor": (0, 2, -3, -1, 1, -4, -2),
}
_WORDS = {"flat": "b", "sharp": "#", "♭": "b", "♯": "#"}
_KEY = re.compile(
    r"^\s*([A-Ga-g])\s*[-_ ]?\s*(flat|sharp|♭|♯|b|#)?[\s_-]*(major|minor|maj|min|m|M)?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, order=True)
class Key:
    """A key: the tonic's place on the line of fifths (C = 0) and the mode."""

    tonic: int
    mode: Mode

    def __hash__(self) -> int:
        return self.tonic * 2 + (self.mode == "minor")

    @property
    def signature(self) -> int:
        """Sharps (positive) or flats (negative) in the key signature, -7 to 7."""
        return self.tonic - (3 if self.mode == "minor" else 0)

    @property
    def is_minor(self) -> bool:
        """Whether the mode is minor."""
        return self.mode == "minor"

    @property
    def name(self) -> str:
        """``C major``, ``c# minor``: minor tonics are written in lower case."""
        tonic = pitch_class_name(self.tonic)
        return f"{tonic[0].lower() + tonic[1:] if self.is_minor else tonic} {self.mode}"

    @property
    def pretty(self) -> str:
        """The name with real accidentals, for people: ``B♭ major``."""
        tonic, mode = self.name.split(" ")
        return f"{tonic[0]}{tonic[1:].replace('b', '♭').replace('#', '♯')} {mode}"

    @property
    def scale(self) -> tuple[int, ...]:
        """Seven pitch classes on the line of fifths; natural minor in minor."""
        return tuple(self.tonic + step for step in _SCALES[self.mode])

    @property
    def pitch_class(self) -> int:
        """The tonic in semitones above C."""
        return pitch_class(self.tonic)

    @property
    def relative(self) -> Key:
        """The key with the same signature: E♭ major for c minor."""
        return Key(self.tonic - 3, "major") if self.is_minor else Key(self.tonic + 3, "minor")

    @property
    def parallel(self) -> Key:
        """The key on the same tonic in the other mode, respelled where it would need over seven accidentals."""
        return make_key(self.tonic, "major" if self.is_minor else "minor")

    @property
    def dominant(self) -> Key:
        """The key of the same mode a fifth above."""
        return make_key(self.tonic + 1, self.mode)

    @property
    def subdominant(self) -> Key:
        """The key of the same mode a fifth below."""
        return make_key(self.tonic - 1, self.mode)

    def on_degree(self, degree: int, mode: Mode, alter: int = 0) -> Key:
        """The key on a scale degree (1 to 7) of this one, for example the minor key on 6."""
        return make_key(self.scale[degree - 1] + 7 * alter, mode)

    def distance(self, other: Key) -> int:
        """How many accidentals the two signatures differ by, the short way round the circle (0 to 6)."""
        difference = abs(self.signature - other.signature) % 12
        return min(difference, 12 - difference)

    def is_closely_related(self, other: Key) -> bool:
        """Whether the signatures differ by at most one accidental, or the tonic is shared."""
        return self.distance(other) <= 1 or self.pitch_class == other.pitch_class

    def __str__(self) -> str:
        return self.name


def make_key(tonic: int, mode: Mode) -> Key:
    """The key on a tonic, respelled enharmonically when its signature would pass seven accidentals."""
    signature = tonic - (3 if mode == "minor" else 0)
    while signature > 7:
        tonic, signature = tonic - 12, signature - 12
    while signature < -7:
        tonic, signature = tonic + 12, signature + 12
    return Key(tonic, mode)


@lru_cache(maxsize=512)
def parse_key(text: str) -> Key:
    """Read a key's name in any case and with any usual accidental: ``c minor``, ``Bb``, ``F-sharp minor``, ``Em``.

    A bare letter is major in upper case and minor in lower case.

    Raises:
        ValueError: it names no major or minor key with at most seven accidentals.
    """
    match = _KEY.match(text) if len(text) <= 32 else None
    if match is None:
        raise ValueError(f"{text[:32]!r} is not a key such as 'C major' or 'f# minor'")
    letter, accidental, word = match[1], (match[2] or ""), match[3]
    accidental = _WORDS.get(accidental.lower(), accidental.lower())
    mode: Mode
    if word is None:
        mode = "minor" if letter.islower() else "major"
    elif word == "M":
        mode = "major"
    else:
        mode = "minor" if word.lower() in {"minor", "min", "m"} else "major"
    key = Key(parse_pitch_class(letter.upper() + accidental), mode)
    if not -7 <= key.signature <= 7:
        other = make_key(key.tonic, mode)
        raise ValueError(f"{key.name!r} needs more than seven accidentals; write {other.name!r}")
    return key


ALL_KEYS: tuple[Key, ...] = tuple(Key(tonic, "major") for tonic in range(-7, 8)) + tuple(
    Key(tonic, "minor") for tonic in range(-4, 11)
)
"""All thirty, majors first, each from seven flats to seven sharps."""


def accidentals_of(key: Key) -> dict[str, int]:
    """Letters altered by the key signature, for example ``{"F": 1}`` in G major."""
    scale = key.relative.scale if key.is_minor else key.scale
    return {step_of(fifths): alter_of(fifths) for fifths in scale if alter_of(fifths)}
