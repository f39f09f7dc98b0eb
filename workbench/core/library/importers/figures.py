"""Figures of other notations, as this program reads them, and chords of one key named in another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from workbench.core.music.keys import Key, Mode
from workbench.core.music.numerals import Chord, normalize_figure, parse_numeral

_OWN: dict[Mode, tuple[str, ...]] = {
    "major": ("I", "ii", "iii", "IV", "V", "vi", "viio"),
    "minor": ("i", "iio", "III", "iv", "V", "VI", "viio", "VII", "v", "I", "IV", "ii"),
}
_OWN_SEVENTHS: dict[Mode, tuple[str, ...]] = {
    "major": ("V", "viiø", "viio", "ii", "IV", "vi", "I", "iii"),
    "minor": ("V", "viio", "iiø", "iv", "VI", "i", "III"),
}
_COLOURS: dict[Mode, tuple[str, ...]] = {
    "major": ("i", "iv", "iio", "v", "bIII", "bVI", "bVII", "N", "II", "III", "VI", "VII", "bii", "biii", "bvi",
              "bvii", "vii", "#ivo", "#io", "#iio", "#vo", "I+", "V+", "IV+", "bV", "#IV", "#iv"),
    "minor": ("III+", "vio", "N", "iii", "vii", "II", "bii", "bV", "V+", "VI+", "#ivo", "#iiio", "i+", "#IV", "#iv"),
}  # fmt: skip
_COLOURED_SEVENTHS: dict[Mode, tuple[str, ...]] = {
    "major": ("iiø", "iio", "i", "iv", "v", "bVII", "#ivo", "#ivø", "#io", "#iio", "#vo", "bVI", "bIII", "iiio", "vio"),
    "minor": ("v", "IV", "ii", "I", "vi", "viø", "iio", "ivo", "#ivo", "#ivø", "io", "vii", "#iiio"),
}
_TARGETS: dict[Mode, tuple[str, ...]] = {
    "major": ("V", "IV", "vi", "ii", "iii"),
    "minor": ("V", "iv", "III", "VI", "VII", "v"),
}
_BORROWED_TARGETS: dict[Mode, tuple[str, ...]] = {
    "major": ("bVII", "bVI", "bIII", "iv", "v"),
    "minor": ("IV", "ii", "bII"),
}
_TRIAD = ("", "6", "64")
_SEVENTH = ("7", "65", "43", "42")
_SIXTHS = ("It6", "Ger65", "Fr43")
_BRACKETS = re.compile(r"[\[(][^\])]{0,12}[\])]")
_FIGURED = re.compile(r"^([b#]?[ivIVN]+|It|Ger|Fr|Cad)([o+]|ø)?")


class Reading(NamedTuple):
    """A figure that can be read, and what had to be given up for it (empty when nothing)."""

    figure: str
    given_up: str = ""


def plain_figure(figure: str, key: Key) -> Reading | None:
    """A foreign figure as ``parse_numeral`` reads it, the nearest plain one where there is none; None for no numeral.

    ``vii/o6/5`` is ``viiø65``; in minor ``#vi`` is ``vi``, since the mode already raises it; added and missing tones
    in brackets are left out.
    """
    if len(figure) > 40:
        return None
    text = figure.replace("/o", "ø").replace("%", "ø").replace("°", "o").replace("♭", "b").replace("♯", "#")
    text = re.sub(r"(?<=\d)/(?=\d)", "", text)
    bare = _BRACKETS.sub("", text)
    given_up = "added, missing and altered tones" if bare != text else ""
    if not key.is_minor and re.match(r"vii(?![oø])", bare):
        bare = normalize_figure(bare, "major")
        given_up = given_up or "the fifth of vii in major, which is diminished here"
    if key.is_minor:
        bare = re.sub(r"^#(?=vi(?!i)|vii)", "", bare)
    for candidate, lost in _candidates(bare):
        if _reads(candidate, key.mode):
            return Reading(candidate, lost or given_up)
    return None


def _candidates(bare: str) -> list[tuple[str, str]]:
    head, *applied = bare.split("/")
    tail = "/".join(("", *applied))
    match = _FIGURED.match(head)
    found = [(bare, "")]
    if head.startswith(("Ger", "It", "Fr")):
        name = "It" if head.startswith("It") else head[:3] if head.startswith("Ger") else "Fr"
        return [*found, ({"It": "It6", "Ger": "Ger65", "Fr": "Fr43"}[name] + tail, "the inversion of a sixth chord")]
    if match:
        figures = head[match.end() :]
        lost = "figures that have no plain chord"
        for known in ("65", "43", "42", "2", "64", "6", "7"):
            if figures.startswith(known) or (known == "7" and figures[:1] in {"9", "1"}):
                found.append((match[0] + known + tail, lost))
        found += [(match[0] + tail, lost), (match[1] + tail, lost)]
    return found


def _reads(figure: str, mode: Mode) -> bool:
    try:
        parse_numeral(figure, mode)
    except ValueError:
        return False
    return True


Names = dict[tuple[frozenset[int], int], str]
"""Figures by their tones and bass, both counted from the tonic on the line of fifths."""


@lru_cache(maxsize=2)
def _own_names(mode: Mode) -> Names:
    """The key's own chords."""
    return _named([head + figure for head in _OWN[mode] for figure in _TRIAD], mode) | _named(
        [head + figure for head in _OWN_SEVENTHS[mode] for figure in _SEVENTH], mode
    )


@lru_cache(maxsize=2)
def _other_names(mode: Mode) -> Names:
    """Applied dominants, then borrowed and chromatic chords, the plainest first."""
    figures = [
        f"{head}{figure}/{target}"
        for target in (*_TARGETS[mode], *_BORROWED_TARGETS[mode])
        for head in ("V", "viio", "viiø")
        for figure in ((*_TRIAD, *_SEVENTH) if head != "viiø" else _SEVENTH)
    ]
    colours = [head + figure for head in _COLOURS[mode] for figure in _TRIAD]
    sevenths = [head + figure for head in _COLOURED_SEVENTHS[mode] for figure in _SEVENTH]
    near = [figure for figure in figures if figure.partition("/")[2] in _TARGETS[mode]]
    return _named([*near, *colours, *sevenths, "It6", "Ger65", "Fr43", *figures], mode)


def _named(figures: list[str], mode: Mode) -> Names:
    names: Names = {}
    for figure in figures:
        if _reads(figure, mode):
            chord = parse_numeral(figure, mode)
            names.setdefault((frozenset(chord.tones), chord.bass), figure)
    return names


@lru_cache(maxsize=4096)
def named_in(figure: str, key: Key, other: Key) -> Reading:
    """A chord of ``key`` as a numeral of ``other``: I of G major is V of C major, V7 of d minor is V7/ii there.

    What no numeral names exactly gets the one with most tones in common.
    """
    if key == other:
        return Reading(figure)
    chord = parse_numeral(figure, key.mode)
    shift = _nearest_shift(key.tonic - other.tonic)
    tones, bass = frozenset(tone + shift for tone in chord.tones), chord.bass + shift
    own = _own_names(other.mode)
    if (tones, bass) in own:
        return Reading(own[tones, bass])
    for targets in (_TARGETS, _BORROWED_TARGETS):
        target = _tonicized(key, other.mode, shift, targets[other.mode])
        applied = f"{figure}/{target}"
        if target and "/" not in figure and _reads(applied, other.mode):
            return Reading(applied)
        if (tones, bass) in _other_names(other.mode):
            return Reading(_other_names(other.mode)[tones, bass])
    names = own | _other_names(other.mode)
    nearest = max(names, key=lambda item: (2 * len(item[0] & tones) - len(item[0] ^ tones), item[1] == bass))
    return Reading(names[nearest], "chords that the section's key has no numeral for")


def _nearest_shift(shift: int) -> int:
    """The distance of two tonics without needless enharmonics: A♯ to B♭ is none."""
    return (shift + 6) % 12 - 6 if abs(shift) > 6 else shift


def _tonicized(key: Key, mode: Mode, shift: int, targets: tuple[str, ...]) -> str | None:
    """The numeral that is the tonic triad of ``key``, ``shift`` fifths from the tonic, if it is among ``targets``."""
    for target in targets:
        chord = parse_numeral(target, mode)
        if chord.root == shift and chord.quality == key.mode:
            return target
    return None


MAX_WEIGHT = 240
"""Different chords in a structure, applied and altered ones counted threefold: what the sanitizer takes for a plan."""


def fewer_chords(counts: Mapping[tuple[str, Mode], int]) -> dict[tuple[str, Mode], str]:
    """What the rarest applied and altered chords are written as, where there are more than a structure may hold."""
    total = sum(_weight(figure) for figure, _ in counts)
    plainer: dict[tuple[str, Mode], str] = {}
    for figure, mode in sorted(counts, key=lambda each: (counts[each], each)):
        if total <= MAX_WEIGHT:
            break
        nearest = _nearest(parse_numeral(figure, mode), _own_names(mode))
        if nearest != figure:
            plainer[figure, mode] = nearest
            total -= _weight(figure)
    return plainer


def _weight(figure: str) -> int:
    return 3 if "/" in figure or "[" in figure else 1


def _nearest(chord: Chord, names: Names) -> str:
    """The name of the chord with most tones in common."""
    tones, bass = frozenset(chord.tones), chord.bass
    return names[max(names, key=lambda item: (2 * len(item[0] & tones) - len(item[0] ^ tones), item[1] == bass))]
