"""Keys as they are written around the world: ``Es-Dur``, ``la mineur``, ``Do mayor``, ``ハ長調``, ``до минор``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from workbench.core.generate.spellings import plain
from workbench.core.generate.values import folded
from workbench.core.music.keys import Key, Mode, make_key, parse_key
from workbench.core.music.numerals import tonicized_key
from workbench.core.music.pitches import fifths_of, parse_pitch_class

_MINOR = re.compile(
    r"moll|minor|mineur|minore|menor|molle|минор|短|단조|小|klein|aeolian|dorian|phrygian|locrian|\bmin\b|\bmi\b\.?$|"
    r"[A-Ga-g][b#♭♯]?\s?m(?:in)?\.?$",
)
_MAJOR = re.compile(r"dur\b|major|majeur|maggiore|mayor|maior|мажор|長|长|장조|大|groot|ionian|lydian|\bmaj\b")
_LETTER = re.compile(
    r"(?:^|[^A-Za-z])([A-Ha-h])[\s_-]*(double)?[\s_-]*(flat|sharp|♭|♯|b|#)?(?![A-Za-z]{2})", re.IGNORECASE
)
_GERMAN = re.compile(
    r"(?:^|[^a-z])(cis|des|dis|es|eis|fes|fis|ges|gis|as|ais|ces|his|b|h|[acdefg])[\s_-]*(?:dur|moll)\b"
)
_SOLFEGE = re.compile(
    r"(?:^|[^a-zа-я])(do|ut|re|mi|fa|sol|la|si|до|ре|ми|фа|соль|ля|си)[\s_-]*"
    r"(diese|diesis|sostenido|sustenido|bemolle|bemol|диез|бемоль|#|♯|b|♭)?(?![a-zа-я]{2})"
)
_STEPS = {
    "do": "C", "ut": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B",
    "до": "C", "ре": "D", "ми": "E", "фа": "F", "соль": "G", "ля": "A", "си": "B",
}  # fmt: skip
_JAPANESE = re.compile(r"([嬰変]?)([ハニホヘトイロ])(?:音)?[長短]")
_KOREAN = re.compile(r"(올림|내림)?([다라마바사가나])\s?[장단]조")
_CHINESE = re.compile(r"([升降]?)([A-G])([#b]?)\s?[大小]", re.IGNORECASE)
_ROMAN = re.compile(r"^[b#]?(?:VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(?:/[iIvV]{1,3})?$")
_RELATIONS = {
    "tonic": (1, 0), "home": (1, 0), "dominant": (5, 0), "subdominant": (4, 0), "same": (1, 0), "original": (1, 0),
}  # fmt: skip


def read_key(value: Any, home: Key | None = None, mode: str | None = None) -> Key | None:
    """A key in any usual language or spelling; ``mode`` fills in where the text names only a tonic.

    With ``home``, also a Roman numeral (``V``, ``vi``) or a relation (``relative major``) to it.
    """
    if isinstance(value, Mapping):
        known = {plain(str(name)): item for name, item in list(value.items())[:16]}
        tonic = next(
            (known[name] for name in ("tonic", "root", "note", "key", "name", "value", "center") if name in known), None
        )
        inner = next((known[name] for name in ("mode", "scale", "quality", "type") if name in known), mode)
        return read_key(tonic, home, str(inner) if inner else None) if isinstance(tonic, str | list) else None
    if isinstance(value, list | tuple):
        return read_key(" ".join(str(item) for item in value[:3]), home, mode) if value else None
    if not isinstance(value, str):
        return None
    return _read(value[:80], home, plain(mode)[:20] if isinstance(mode, str) else None)


@lru_cache(maxsize=512)
def _read(value: str, home: Key | None, mode: str | None) -> Key | None:
    text = folded(value).strip(" .\"'()[]\t\n")
    asked = _mode_of(mode) if mode else None
    try:
        if asked is None or _mode_of(text) is not None:
            return parse_key(text)
        return make_key(parse_key(text).tonic, asked)
    except ValueError:
        pass
    if home is not None and len(text) <= 8 and _ROMAN.match(text):
        try:
            return tonicized_key(text, home)
        except ValueError:
            return None
    found = _mode_of(text) or asked
    tonic = _tonic(text)
    if tonic is None:
        return _related(text, home, found) if home is not None else None
    fifths, lower = tonic
    chosen: Mode = found or ("minor" if lower else "major")
    return make_key(fifths, chosen)


def _mode_of(text: str) -> Mode | None:
    low = text.lower()
    if _MINOR.search(low):
        return "minor"
    return "major" if _MAJOR.search(low) or "mixolydian" in low else None


def _tonic(text: str) -> tuple[int, bool] | None:
    """The tonic on the line of fifths, and whether it was a small letter alone."""
    match = _JAPANESE.search(text)
    if match is not None:
        return fifths_of("CDEFGAB"["ハニホヘトイロ".index(match[2])], {"嬰": 1, "変": -1}.get(match[1], 0)), False
    match = _KOREAN.search(text)
    if match is not None:
        return fifths_of(
            "CDEFGAB"["다라마바사가나".index(match[2])], {"올림": 1, "내림": -1}.get(match[1] or "", 0)
        ), False
    match = _CHINESE.search(text)
    if match is not None:
        alter = {"升": 1, "降": -1, "#": 1, "b": -1}.get(match[1] or match[3], 0)
        return fifths_of(match[2].upper(), alter), False
    low = text.lower()
    match = _GERMAN.search(low)
    if match is not None:
        return _german(match[1]), False
    accentless = low.replace("é", "e").replace("è", "e")
    match = _SOLFEGE.search(accentless)
    if match is not None:
        sign = match[2] or ""
        alter = 1 if sign[:3] in {"die", "sos", "sus", "#", "♯", "дие"} else -1 if sign else 0
        return fifths_of(_STEPS[match[1]], alter), False
    match = _LETTER.search(text)
    if match is None or match[2]:
        return None
    letter = "B" if match[1] in "Hh" else match[1].upper()
    sign = (match[3] or "").lower()
    alter = 1 if sign in {"sharp", "#", "♯"} else -1 if sign else 0
    return fifths_of(letter, alter), match[1].islower() and len(text) <= 3


def _german(name: str) -> int:
    if name in {"b", "h"}:
        return parse_pitch_class("Bb" if name == "b" else "B")
    alter = 1 if name.endswith("is") else -1 if name.endswith("s") else 0
    return fifths_of(name[0].upper(), alter)


def _related(text: str, home: Key, mode: Mode | None) -> Key | None:
    name = plain(text)
    if "relative" in name:
        return home.relative if mode != home.mode else home
    if "parallel" in name:
        return home.parallel if mode != home.mode else home
    if "submediant" in name or "mediant" in name:
        degree = 6 if "sub" in name else 3
        return home.on_degree(degree, mode or ("major" if home.is_minor else "minor"))
    for word, (degree, alter) in sorted(_RELATIONS.items(), key=lambda item: -len(item[0])):
        if word in name:
            return home.on_degree(degree, mode or home.mode, alter)
    return None
