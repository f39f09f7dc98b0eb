"""Single notes as they were meant: degrees (also from note names, syllables, MIDI numbers) and lengths in quarters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.core.compose.realize import reference_tonic
from workbench.core.generate.spellings import NOTE, NOTE_LENGTHS, RESTS, SOLFEGE, plain
from workbench.core.generate.values import folded, read_number
from workbench.core.music.degrees import MAX_DEGREE, DegreeValue, parse_degree, write_degree
from workbench.core.music.keys import Key
from workbench.core.music.pitches import alter_of, diatonic_number, parse_pitch_class, pitch_class
from workbench.core.music.structure import MIN_LENGTH

MAX_LENGTH = 64.0
"""In quarters, as the format has it."""

_PITCH = re.compile(r"^([A-Ga-g])(#{1,2}|b{1,2}|is|es|s)?(-?\d)?$")
_DOTS = (("doubledotted", 1.75), ("dotted", 1.5), ("triplet", 2 / 3), ("punktierte", 1.5), ("pointee", 1.5))
_LOOSE_DEGREE = re.compile(r"([#b]{0,2})\s*(-?\d{1,3})\s*([#b]?)(['+,]?)")


def is_degree(value: Any) -> bool:
    """Whether the format takes a value as a degree just as it is."""
    if type(value) is int:
        return -MAX_DEGREE <= value <= MAX_DEGREE
    if not isinstance(value, str) or len(value) > 6:
        return False
    try:
        parse_degree(value)
    except ValueError:
        return False
    return True


def is_length(value: Any) -> bool:
    """Whether the format takes a value as a length in quarters just as it is."""
    return type(value) in (int, float) and MIN_LENGTH <= value <= MAX_LENGTH


def read_degree(value: Any, key: Key) -> DegreeValue:
    """The degree that a value means in a key; a rest (0) where it means nothing, so that the rhythm keeps its place."""
    if is_degree(value):
        return value  # type: ignore[no-any-return]
    if isinstance(value, Mapping):
        known = {NOTE.get(plain(str(name)), ""): item for name, item in list(value.items())[:16]}
        inner = known.get("degree")
        return read_degree(inner, key) if not isinstance(inner, Mapping) else 0
    if isinstance(value, bool) or value is None or isinstance(value, list | tuple):
        return 0
    if isinstance(value, int | float):
        number = read_number(value)
        return 0 if number is None else _within(round(max(-1e6, min(1e6, number))))
    if not isinstance(value, str):
        return 0
    text = folded(value[:40]).strip().replace("−", "-").replace("♭", "b").replace("♯", "#").replace("♮", "")
    name = plain(text)
    if name in RESTS or not name:
        return 0
    if name in SOLFEGE:
        return SOLFEGE[name]
    pitch = _PITCH.match(text)
    if pitch is not None:
        return _degree_of(pitch, key)
    loose = _LOOSE_DEGREE.search(text)
    if loose is None:
        return 0
    number = int(loose[2])
    if loose[4] in ("'", "+") and 0 < number <= 7:
        number += 7
    elif loose[4] == "," and 0 < number <= 7:
        number -= 8
    number = _within(number)
    sign = loose[1] or loose[3]
    return f"{sign}{number}" if sign and number else number


def _within(number: int) -> int:
    """Brought into three octaves by octaves."""
    if number > MAX_DEGREE:
        return (number - 1) % 7 + 15
    return -((-number - 1) % 7 + 15) if number < -MAX_DEGREE else number


def _degree_of(pitch: re.Match[str], key: Key) -> DegreeValue:
    """A note's name as a degree: its octave counts from middle C (C4), one without an octave lies above the tonic."""
    sign = {"is": "#", "es": "b", "s": "b"}.get(pitch[2] or "", pitch[2] or "")
    fifths = parse_pitch_class(pitch[1].upper() + sign)
    tonic = reference_tonic(key)
    if pitch[3] is None:
        position = ("CDEFGAB".index(pitch[1].upper()) - diatonic_number(tonic, key.tonic)) % 7
    else:
        natural = parse_pitch_class(pitch[1].upper())
        midi = (int(pitch[3]) + 1) * 12 + pitch_class(natural)
        position = diatonic_number(midi, natural) - diatonic_number(tonic, key.tonic)
    return _altered(position, alter_of(fifths) - alter_of(key.scale[position % 7]), key)


def _altered(position: int, alter: int, key: Key) -> DegreeValue:
    number = _within(position + 1 if position >= 0 else position)
    position = number - 1 if number > 0 else number
    return write_degree(position, alter, mode=key.mode) if abs(alter) <= 2 else number


def _from_midi(number: int, key: Key) -> DegreeValue:
    tonic = reference_tonic(key)
    octave, above = divmod(number - tonic, 12)
    steps = [(pitch_class(fifths) - key.pitch_class) % 12 for fifths in key.scale]
    step = max(index for index, semitones in enumerate(steps) if semitones <= above)
    return _altered(octave * 7 + step, above - steps[step], key)


def read_degrees(values: list[Any], key: Key) -> list[DegreeValue]:
    """All degrees of a tune; numbers that can only be MIDI numbers (36 to 108) are read as such."""
    numbers = [value for value in values if isinstance(value, int) and not isinstance(value, bool) and value]
    if len(numbers) > 1 and all(36 <= number <= 108 for number in numbers):
        return [_from_midi(v, key) if isinstance(v, int) and v >= 36 else read_degree(v, key) for v in values]
    return [read_degree(value, key) for value in values]


def read_length(value: Any) -> float | None:
    """A length in quarters: a number, ``"3/4"``, ``"dotted quarter"``, ``"q."``, ``"8n"``; None where there is none."""
    if isinstance(value, Mapping):
        known = {NOTE.get(plain(str(name)), ""): item for name, item in list(value.items())[:16]}
        value = known.get("length")
    if isinstance(value, str):
        named = named_length(folded(value[:40]).strip())
        if named is not None:
            return named
    if isinstance(value, list | tuple | Mapping):
        return None
    number = read_number(value)
    if number is None:
        return None
    return 0.0 if number == 0 else max(MIN_LENGTH, min(MAX_LENGTH, abs(number)))


def named_length(text: str) -> float | None:
    """The length that a note value's name means, in quarters; None where the text names none."""
    dots = text.count(".") if not any(char.isdigit() for char in text) or text.rstrip(".")[-1:] == "n" else 0
    name = plain(text)
    if name.isdigit():
        return None
    factor = {1: 1.5, 2: 1.75}.get(dots, 1.0)
    for word, value in (
        ("doubledotted", 1.75),
        ("dotted", 1.5),
        ("triplet", 2 / 3),
        ("punktierte", 1.5),
        ("pointee", 1.5),
    ):
        if word in name:
            name, factor = name.replace(word, ""), value
            break
    if name[:-1] in ("2", "4", "8", "16", "32") and name.endswith("t"):
        name, factor = name[:-1] + "n", 2 / 3
    if name not in NOTE_LENGTHS and len(name) == 2 and name[0] == "d":
        name, factor = name[1:], 1.5
    if name not in NOTE_LENGTHS:
        name = re.sub(r"(notes?|note|rest)$", "", name).rstrip("s") or name
    value = NOTE_LENGTHS.get(name, NOTE_LENGTHS.get(text, 0.0))
    return min(MAX_LENGTH, value * factor) if value else None
