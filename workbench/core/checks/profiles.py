"""Profiles: which keys, meters and numerals a style allows. Data, not code.

``airia`` is what AIRIA-BEYOND's music service accepts. The others are styles: each allows what its repertoire uses, so
that a numeral outside it is worth a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from workbench.core.music.keys import ALL_KEYS, Mode
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.numerals import Chord, parse_numeral

AIRIA_KEYS: tuple[str, ...] = (
    "C major", "G major", "D major", "A major", "E major", "B major", "F major",
    "a minor", "e minor", "b minor", "d minor", "g minor", "c minor", "f minor",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Profile:
    """A style. ``families`` names its kinds of chord: ``triads``, ``sevenths``, ``applied``, ``mixture`` and so on."""

    id: str
    title: str
    meaning: str
    families: frozenset[str]
    keys: tuple[str, ...] = tuple(key.name for key in ALL_KEYS)
    meters: tuple[str, ...] = TIME_SIGNATURES


_COMMON = frozenset({"triads", "inversions", "sevenths", "applied"})
PROFILES: dict[str, Profile] = {
    profile.id: profile
    for profile in (
        Profile(
            "airia",
            "AIRIA-BEYOND",
            "What the product's own music service accepts: diatonic triads in three meters and fourteen keys.",
            frozenset({"triads"}),
            AIRIA_KEYS,
            ("3/4", "4/4", "6/8"),
        ),
        Profile("baroque", "Baroque", "Corelli to Bach: sequences, applied dominants, Picardy thirds.",
                _COMMON | {"neapolitan", "picardy", "mixture", "modal"}),
        Profile("classical", "Classical", "Haydn, Mozart, Beethoven: mixture and augmented sixths as colour.",
                _COMMON | {"neapolitan", "augmented-sixth", "mixture", "picardy"}),
        Profile("romantic", "Romantic", "Schubert to Brahms: mixture, chromatic thirds, ninths.",
                _COMMON | {"neapolitan", "augmented-sixth", "mixture", "picardy", "extended", "chromatic"}),
        Profile("modern", "Modern", "Modal chords, added notes, parallel motion; cadences are still cadences.",
                _COMMON | {"neapolitan", "augmented-sixth", "mixture", "picardy", "extended", "chromatic", "modal"}),
    )
}  # fmt: skip

_DIATONIC = {
    "major": {(0, "major"), (2, "minor"), (4, "minor"), (-1, "major"), (1, "major"), (3, "minor"), (5, "diminished")},
    "minor": {
        (0, "minor"), (2, "diminished"), (-3, "major"), (-1, "minor"), (1, "minor"), (1, "major"), (-4, "major"),
        (-2, "major"), (5, "diminished"), (-1, "major"), (2, "minor"),
    },
}  # fmt: skip


@lru_cache(maxsize=4096)
def families_of(figure: str, mode: Mode) -> frozenset[str]:
    """The chord families that a profile must allow for a numeral to be in style.

    Raises:
        ValueError: the numeral cannot be read.
    """
    chord = parse_numeral(figure, mode)
    needed = {"triads"}
    if chord.inversion:
        needed.add("inversions")
    if len(chord.tones) > 3:
        needed.add("sevenths")
    if len(chord.tones) > 4 or "add" in figure or "sus" in figure:
        needed.add("extended")
    if figure.startswith(("N", "bII")):
        return frozenset(needed - {"inversions"} | {"neapolitan"})
    if figure.startswith(("Ger", "It", "Fr")):
        return frozenset({"triads", "augmented-sixth"})
    if chord.is_applied:
        needed.add("applied")
        return frozenset(needed)
    return frozenset(needed | _colour(chord, mode))


def _colour(chord: Chord, mode: Mode) -> set[str]:
    quality = {"half-diminished": "diminished", "augmented": "augmented"}.get(chord.quality, chord.quality)
    if (chord.root, quality) in _DIATONIC[mode]:
        return set()
    other: Mode = "minor" if mode == "major" else "major"
    if mode == "minor" and (chord.root, quality) == (0, "major"):
        return {"picardy"}
    if mode == "major" and (chord.root, quality) in {(-2, "major"), (1, "minor")}:
        return {"modal"}
    return {"mixture"} if (chord.root, quality) in _DIATONIC[other] else {"chromatic"}
