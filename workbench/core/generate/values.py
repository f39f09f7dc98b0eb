"""Reading single values as they were meant: numbers, tempos, meters, words of a closed vocabulary.

Each function gives None where nothing can be read. None of them notes a repair: the caller knows the place.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from workbench.core.generate.spellings import (
    NEAREST_METER,
    NUMBER_WORDS,
    PERIODS,
    TEMPOS,
    TENS,
    TIME_SIGNATURES,
    plain,
)
from workbench.core.music.meters import TIME_SIGNATURES as METERS

MAX_WORDS = 200
"""Characters of a text that are looked at for a number or a word."""

_NUMBER = re.compile(r"[-+−]?\d{1,9}(?:[.,]\d{1,6})?(?![\d/])")
_FRACTION = re.compile(r"(?:(\d{1,4})\s+)?(\d{1,4})\s*/\s*(\d{1,4})(?!\d)")
_RANGE = re.compile(r"(\d{1,5})\s*(?:-|–|—|to|bis|〜|~|\.\.)\s*(\d{1,5})")
_METER = re.compile(r"(\d{1,2})\s*(?:/|:|-|by|over|\s|拍子|,)\s*(\d{1,2})(?!\d)")
_SPLIT = re.compile(r"[^\w]+")


def unwrapped(value: Any, *names: str) -> Any:
    """The value inside a list of one or an object that names it, for example ``{"type": "PAC"}``."""
    for _ in range(3):
        if isinstance(value, Mapping):
            known = {plain(str(name)): item for name, item in list(value.items())[:16]}
            value = next((known[name] for name in (*names, "value", "type", "name") if name in known), None)
        elif isinstance(value, list | tuple) and value and not isinstance(value[0], list | tuple):
            value = value[0]
        else:
            return value
    return None


def folded(value: str) -> str:
    """A text in its plainest characters: full-width digits, ligatures and superscripts become ordinary ones."""
    text = value[:MAX_WORDS]
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def read_number(value: Any) -> float | None:
    """A number, also out of text (``"120 bpm"``, ``"3/4"``, ``"four"``, ``"twenty-four"``); never NaN or infinite."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    if not isinstance(value, str):
        return None
    text = folded(value)
    fraction = _FRACTION.search(text)
    if fraction is not None and int(fraction[3]):
        return int(fraction[1] or 0) + int(fraction[2]) / int(fraction[3])
    match = _NUMBER.search(text)
    if match is not None:
        return float(match[0].replace("−", "-").replace(",", "."))
    return _number_in_words(text)


def _number_in_words(text: str) -> float | None:
    total, found = 0.0, False
    for word in _SPLIT.split(text)[:12]:
        name = plain(word)
        if name in TENS:
            total, found = (max(total, 1) * 100 if name == "hundred" else total + TENS[name]), True
        elif name in NUMBER_WORDS:
            total, found = total + NUMBER_WORDS[name], True
        elif name == "half":
            total, found = total + 0.5, True
        elif found and name not in {"and", "und", "et", "y"}:
            break
    return total if found else None


def read_count(value: Any) -> int | None:
    """A whole number of bars: ``8``, ``"8 bars"``, ``"mm. 1-8"``, ``[1, 8]``, ``{"start": 1, "end": 8}``."""
    if isinstance(value, Mapping):
        known = {plain(str(name)): item for name, item in list(value.items())[:16]}
        first = next(
            (known[name] for name in ("start", "from", "first", "startmeasure", "startbar") if name in known), 0
        )
        last = next((known[name] for name in ("end", "to", "last", "endmeasure", "endbar") if name in known), None)
        ends = read_number(first), read_number(last)
        if ends[0] is not None and ends[1] is not None:
            return max(1, round(ends[1] - ends[0]) + 1)
        return read_count(unwrapped(value, "count", "total", "bars", "measures", "length"))
    if isinstance(value, list | tuple):
        if len(value) == 2:
            ends = read_number(value[0]), read_number(value[1])
            if ends[0] is not None and ends[1] is not None and 0 < ends[0] <= ends[1]:
                return round(ends[1] - ends[0]) + 1
        return read_count(value[0]) if value and not isinstance(value[0], list | tuple | Mapping) else None
    if isinstance(value, str):
        span = _RANGE.search(folded(value))
        if span is not None and int(span[1]) <= int(span[2]):
            return int(span[2]) - int(span[1]) + 1
    number = read_number(value)
    return None if number is None else round(max(-1e6, min(1e6, number)))


def read_tempo(value: Any) -> float | None:
    """Quarters a minute, also from ``"Allegro (132)"`` or a tempo word alone."""
    value = unwrapped(value, "bpm", "tempo", "beatsperminute")
    if isinstance(value, str):
        text = folded(value).replace("=", " ")
        match = None if "/" in text else re.search(r"\d{2,3}(?:[.,]\d{1,3})?(?!\d)", text)
        if match is not None:
            return float(match[0].replace(",", "."))
        name = plain(text)
        for word, tempo in TEMPOS:
            if word in name:
                return float(tempo)
    return read_number(value)


def read_meter(value: Any) -> str | None:
    """A time signature that the format has; the nearest one for a meter that it has not."""
    if isinstance(value, Mapping):
        known = {plain(str(name)): item for name, item in list(value.items())[:16]}
        upper = next(
            (known[n] for n in ("numerator", "beats", "beatsperbar", "top", "upper", "beatsperbar") if n in known), None
        )
        lower = next(
            (known[n] for n in ("denominator", "beattype", "beatunit", "beatvalue", "bottom", "lower") if n in known),
            None,
        )
        if upper is not None:
            return _meter(read_number(upper), read_number(lower) or 4)
        return read_meter(unwrapped(value, "timesignature", "meter", "signature"))
    if isinstance(value, list | tuple):
        if len(value) == 2 and not isinstance(value[0], str | list | tuple | Mapping):
            return _meter(read_number(value[0]), read_number(value[1]))
        return read_meter(value[0]) if value and isinstance(value[0], str | Mapping) else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return TIME_SIGNATURES.get(str(value)[:6]) or _meter(float(value), 4)
    if not isinstance(value, str):
        return None
    text = value[:MAX_WORDS].replace("¢", "cut").replace("𝄵", "cut").replace("𝄴", "common").replace("⁄", "/")
    text = folded(text).replace("⁄", "/")
    match = _METER.search(text)
    if match is not None:
        return _meter(float(match[1]), float(match[2]))
    name = "c|" if text.strip().lower() == "c|" else plain(text)
    if name in TIME_SIGNATURES:
        return TIME_SIGNATURES[name]
    return next((TIME_SIGNATURES[word] for word in ("cuttime", "allabreve", "common", "waltz") if word in name), None)


def _meter(upper: float | None, lower: float | None) -> str | None:
    if upper is None or lower is None or not (0 < upper < 100 and 0 < lower < 100):
        return None
    name = f"{upper:g}/{lower:g}"
    return name if name in METERS else NEAREST_METER.get((int(upper), int(lower)))


def read_word(value: Any, words: Mapping[str, str], *names: str) -> str | None:
    """A value of a closed vocabulary: by its spelling, or else by the longest spelling that the text holds."""
    value = unwrapped(value, *names)
    if isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    name = plain(value)
    if name in words:
        return words[name]
    parts = {plain(part) for part in _SPLIT.split(value[:MAX_WORDS])}
    best = ""
    for word in words:
        if len(word) > len(best) and (word in parts or (len(word) > 3 and word in name)):
            best = word
    return words.get(best)


def read_period(value: Any) -> str | None:
    """One of the four periods, out of ``"Late Romantic"`` or ``"Klassik"``."""
    value = unwrapped(value, "period", "style")
    if not isinstance(value, str):
        return None
    text = folded(value).casefold()
    return next((period for period, words in PERIODS if any(word in text for word in words)), None)


def read_dynamic(value: Any, words: Mapping[str, str]) -> str | None:
    """A dynamic: a word, the first of several, or a velocity (0 to 1, or 2 to 127)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = read_number(value)
        if number is None or number < 0:
            return None
        share = number if number <= 1 else number / 127
        return ("pp", "p", "mp", "mf", "f", "ff")[max(0, min(5, int(share * 6)))]
    value = unwrapped(value, "start", "level", "dynamic", "dynamics", "begin", "from", "overall")
    if isinstance(value, str):
        for part in re.split(r"[^\w]+", value[:MAX_WORDS]):
            if plain(part) in words and len(part) <= 4:
                return words[plain(part)]
    return read_word(value, words)
