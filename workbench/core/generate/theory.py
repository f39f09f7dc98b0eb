"""Faults that a format cannot see and a musician cannot miss: the wrong relative key, the minor dominant at a close.

Both are what AIRIA's rule-based composer writes where its table of keys lacks a flat. Other odd things are left alone:
what is legal may be meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.core.music.keys import Key, make_key
from workbench.core.music.pitches import step_of

_TONIC = re.compile(r"^[iI](?![iIvV])")
_DOMINANT = re.compile(r"^V(?!I)[^/]*$")
_MINOR_DOMINANT = re.compile(r"^v(?!i)[^/]*$")
_LOOKS_BACK = frozenset({"PAC", "IAC", "PICARDY", "DC"})


def meant_key(section: Key, home: Key) -> Key | None:
    """The key that a section's key must be a slip for; None where it may be meant.

    A key far from home whose neighbour on the same letter, a semitone away and in the same mode, is one of the home
    key's own (tonic, dominant, subdominant and their relatives): E major in c minor stands for E♭ major. Major and
    minor on the home tonic are never a slip, nor is the major dominant of a minor key.
    """
    if section.is_closely_related(home) or section.tonic == home.tonic + 1:
        return None
    for fifths in (section.tonic - 7, section.tonic + 7):
        near = make_key(fifths, section.mode)
        related = abs(near.signature - home.signature) <= 1  # as written: enharmonic neighbours do not count
        if near.tonic == fifths and step_of(near.tonic) == step_of(section.tonic) and related:
            return near
    return None


def minor_dominants(chords: Sequence[str], cadence: str | None) -> list[int]:
    """Places of minor ``v`` chords in a minor key that the close needs major.

    Those are the dominant that a cadence rests on or resolves from (a half cadence's last chord; what stands before the
    final tonic, repeats of it looked through), and a ``v`` right before the closing ``V`` (Aldwell, Schachter and
    Cadwallader 2011, ch. 5: the leading tone belongs to the cadential dominant).
    """
    if not chords or not any(chord[:1] == "v" and chord[1:2] != "i" for chord in chords):
        return []
    last = len(chords) - 1
    closing = last
    if cadence == "DC":
        closing = last - 1
    elif cadence != "HC":
        while closing > 0 and _TONIC.match(chords[closing]):
            closing -= 1
    found: list[int] = []
    demanded = cadence == "HC" or (cadence in _LOOKS_BACK and closing < last)
    if closing >= 0 and demanded and _MINOR_DOMINANT.match(chords[closing]):
        found.append(closing)
    elif closing < 0 or not _DOMINANT.match(chords[closing]):
        return []
    before = closing - 1
    while before >= 0 and _MINOR_DOMINANT.match(chords[before]):
        found.append(before)
        before -= 1
    return sorted(found)


def raised(figure: str) -> str:
    """The major dominant of a minor one: ``v6`` becomes ``V6``."""
    return "V" + figure[1:]
