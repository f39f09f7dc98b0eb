"""Scale degrees as the MusicStructure writes them.

1 to 7 within the octave above the reference tonic, 8 to 14 in the next, -1 the seventh below the tonic, -2 the sixth
below, and so on down; 0 is a rest. A leading ``#`` or ``b`` alters the degree of the key's own scale.

Minor keys: an unaltered 6 or 7 takes the form that the chord under it has, and is natural where the chord has neither.
``#6`` and ``#7`` are always the raised degrees. ``b3``, ``b6`` and ``b7`` are always the natural ones, since musicians
count those flats from the major scale.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from workbench.core.music.keys import Key
from workbench.core.music.pitches import alter_of, step_of

DegreeValue = int | str
"""A degree as JSON holds it."""

MAX_DEGREE = 21
"""Three octaves either way: further than any tune goes."""

_ALTERED = re.compile(r"^(#{1,2}|b{1,2})(-?\d{1,2})\Z")


class Degree(NamedTuple):
    """A degree taken apart.

    ``position`` counts scale steps from the reference tonic (0 the tonic, 7 its octave, -1 the seventh below);
    ``alter`` is in semitones from the key's scale; ``fixed`` is false where the chord may still decide (see above).
    """

    position: int
    alter: int
    fixed: bool

    @property
    def step(self) -> int:
        """The scale degree without octave, 1 to 7."""
        return self.position % 7 + 1


@lru_cache(maxsize=1024)
def parse_degree(value: DegreeValue, mode: str = "major") -> Degree | None:
    """Take a degree apart; a rest (0) is None.

    Raises:
        ValueError: not a degree, or further than three octaves from the tonic.
    """
    alter, fixed, number = 0, False, value
    if isinstance(value, str):
        match = _ALTERED.match(value.replace("♯", "#").replace("♭", "b"))
        if match is None:
            try:
                number = int(value) if len(value) < 5 else "?"
            except ValueError:
                number = "?"
        else:
            alter = len(match[1]) * (1 if match[1][0] == "#" else -1)
            number, fixed = int(match[2]), True
    if not isinstance(number, int) or abs(number) > MAX_DEGREE:
        raise ValueError(f"{value!r} is not a scale degree: write 0 for a rest, -21 to 21, or '#4' and 'b6'")
    if number == 0:
        return None
    position = number - 1 if number > 0 else number
    if mode == "minor" and alter == -1 and position % 7 in (2, 5, 6):
        alter = 0
    return Degree(position, alter, fixed)


def write_degree(position: int, alter: int = 0, *, mode: str = "major", fixed: bool = False) -> DegreeValue:
    """The JSON form of a degree; ``fixed`` marks a natural 6 or 7 in minor that no chord may raise."""
    number = position + 1 if position >= 0 else position
    if alter:
        return ("#" * alter if alter > 0 else "b" * -alter) + str(number)
    if fixed and mode == "minor" and position % 7 in (5, 6):
        return f"b{number}"
    return number


def spell_degree(degree: Degree, key: Key, chord_tones: tuple[int, ...] = ()) -> int:
    """The place on the line of fifths of a degree over a chord's tones (also on the line of fifths)."""
    natural = key.scale[degree.position % 7]
    if degree.fixed:
        return natural + 7 * degree.alter
    if key.is_minor and degree.position % 7 in (5, 6) and natural not in chord_tones and natural + 7 in chord_tones:
        return natural + 7
    return natural


def degree_midi(degree: Degree, fifths: int, key: Key, tonic_midi: int) -> int:
    """The MIDI number of a spelled degree, with the reference tonic at ``tonic_midi``."""
    semitone_from_c = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    # Count letters, not semitones, so that degree 7 stays below degree 8 however both are altered.
    tonic_step = semitone_from_c[step_of(key.tonic)]
    own_step = semitone_from_c[step_of(fifths)]
    letters = degree.position % 7
    wrap = 12 if "CDEFGAB".index(step_of(key.tonic)) + letters >= 7 else 0
    above = own_step + wrap + alter_of(fifths) - tonic_step - alter_of(key.tonic)
    return tonic_midi + above + 12 * (degree.position // 7)
