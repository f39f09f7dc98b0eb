"""Spelled pitches on the line of fifths.

A pitch class is one integer, its place on the line of fifths counted from C
(… -2 B♭, -1 F, 0 C, 1 G, 2 D … 6 F♯): spelling and transposition become addition.
A pitch is that integer and its MIDI number.
"""

from __future__ import annotations

import re
from functools import lru_cache

STEPS = "CDEFGAB"
_LINE = "FCGDAEB"
_STEP_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAME = re.compile(r"^([A-Ga-g])(#{0,3}|b{0,3})\Z")


def step_of(fifths: int) -> str:
    """The letter, C to B, of a pitch class."""
    return _LINE[(fifths + 1) % 7]


def alter_of(fifths: int) -> int:
    """The accidental in semitones: -1 flat, 0 natural, 1 sharp."""
    return (fifths + 1) // 7


def pitch_class(fifths: int) -> int:
    """The pitch class in semitones above C, 0 to 11."""
    return fifths * 7 % 12


def fifths_of(step: str, alter: int) -> int:
    """The place on the line of fifths of a letter with an accidental."""
    return _LINE.index(step.upper()) - 1 + 7 * alter


@lru_cache(maxsize=256)
def pitch_class_name(fifths: int) -> str:
    """``F#``, ``Bb`` and so on."""
    alter = alter_of(fifths)
    return step_of(fifths) + ("#" * alter if alter > 0 else "b" * -alter)


def parse_pitch_class(name: str) -> int:
    """The place on the line of fifths of a name such as ``F#`` or ``Bb``.

    Raises:
        ValueError: the name is not a letter with up to three sharps or flats.
    """
    match = _NAME.match(name)
    if match is None:
        raise ValueError(f"{name!r} is not a pitch name")
    accidentals = match[2]
    return fifths_of(match[1], accidentals.count("#") - accidentals.count("b"))


def octave_of(midi: int, fifths: int) -> int:
    """The written octave (C4 is middle C); B♯3 sounds as C4 and C♭4 as B3."""
    return (midi - alter_of(fifths)) // 12 - 1


def pitch_name(midi: int, fifths: int) -> str:
    """The scientific name of a spelled pitch, for example ``F#4``."""
    return f"{pitch_class_name(fifths)}{octave_of(midi, fifths)}"


def diatonic_number(midi: int, fifths: int) -> int:
    """Letters counted upwards from C0 = 0 (C4 = 28): the distance in staff positions."""
    return octave_of(midi, fifths) * 7 + STEPS.index(step_of(fifths))


def nearest_midi(fifths: int, target: int) -> int:
    """The MIDI number of a pitch class that lies nearest to ``target`` (the lower of two)."""
    return target + (pitch_class(fifths) - target + 6) % 12 - 6
