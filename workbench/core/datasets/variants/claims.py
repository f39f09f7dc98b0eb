"""What words say about how a piece goes: its tempo, its length, how stirred and how loud it is.

A piece at another tempo or in another mood has to be what its texts still say. Words are few and plain, in English
with the commonest of Italian, German and French; what is not among them claims nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_NOT = r"(?P<no>\b(?:not|never|no|nicht|non|without)(?: (?:too|so|very|zu|troppo))? )?"


def _words(stems: str) -> re.Pattern[str]:
    return re.compile(rf"{_NOT}\b(?:{stems})(?![\w])", re.IGNORECASE)


_PACE: tuple[tuple[int, re.Pattern[str]], ...] = (
    (-1, _words(r"slow(?:ly|er|est)?|unhurried|leisurely|dragging|grave|langsam\w*|lente?|lentement|lazy|lazily")),
    (1, _words(
        r"fast(?:er|est)?|quick(?!-witted)(?:ly|er|est|ly)?|rapid(?:ly)?|swift(?:ly)?|brisk(?:ly)?|hurried|hurrying|"
        r"rush(?:ed|ing)|rac(?:ed|ing)|breathless|headlong|schnell\w*|rasch\w*|eilend|vite|rapide",
    )),
)  # fmt: skip
_NAMED = re.compile(
    r"\b(?:largo|larghetto|lento|adagio|adagietto|andante|andantino|moderato|moderate(?:ly)?|allegretto|allegro|vivace|"
    r"vivo|presto|prestissimo|con moto|tempo di \w+|walking (?:pace|tempo)|metronome)\b|"
    r"\d\s*(?:-\s*)?bpm\b|\b\d{2,3} (?:beats?|quarters?|crotchets?|eighths?|halves)\b|\bper minute\b|"
    r"\b(?:tempo|pace)\D{0,12}\d{2,3}\b|[♩♪]|\bM\. ?M\.",
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"\d[ -]?(?:s|secs?|seconds?|min|minutes?|sekunden?|minuten?|secondes?)\b|"
    r"\b(?:an?|half an?|one|two|three|four|five|six|ten|few|several|thirty|forty|fifty|sixty|ninety)[ -]"
    r"(?:seconds|minutes?|sekunden|minuten?|secondes)\b",
    re.IGNORECASE,
)
_STIR: tuple[tuple[int, re.Pattern[str]], ...] = (
    (-1, _words(
        r"calm(?:ly|ness)?|seren(?:e|ely|ity)|still|peace(?:ful|fully)?|tranquil(?:lo)?|rest(?:ful|ing)?|sleepy|dreamy|"
        r"hushed|soothing|lullaby|cradle|gent(?:le|ly)|quiet(?:ly)?|relaxed|meditative|ruhig\w*|sanft\w*|calme",
    )),
    (1, _words(
        r"agitat(?:ed|o)|storm(?:y|ing)?|thunderstorm|driven|furious(?:ly)?|wild(?:ly)?|frantic|frenzied|breathless|urgent|"
        r"passionate|exuberant|jubilant|gallop(?:s|ing)?|whirling|lively|livelier|energetic|stamp(?:s|ing)|excited|"
        r"restless|relentless|unrelenting|hurried|hammer(?:s|ed|ing)|brilliant|triumphant|fiery|stürmisch\w*|agité",
    )),
)  # fmt: skip
_LOUD: tuple[tuple[int, re.Pattern[str]], ...] = (
    (-1, _words(r"quiet(?:ly|er)?|soft(?:ly|er)?|hushed|whisper(?:s|ed|ing)?|pianissimo|leise\w*|muted|tender(?:ly)?")),
    (1, _words(r"loud(?:ly|er)?|thunder(?:s|ing|ous)?|fortissimo|blaring|roaring|laut|shout(?:s|ed|ing)?")),
)
_FREE: tuple[tuple[int, re.Pattern[str]], ...] = (
    (-1, _words(r"strict(?:ly)?|steady|steadily|even|unbending|mechanical(?:ly)?|clockwork|relentless|exact(?:ly)?")),
    (1, _words(r"free(?:r|ly)?|rubato|improvised|rhapsodic|flexible")),
)
_CALM_TO, _STIRRED_FROM = 0.45, 0.5
"""Up to which arousal a piece may be called calm, and from which it may be called stirred."""


class Claims(NamedTuple):
    """What a text claims: words by side, -1 the slow, calm, soft or strict, 1 the quick, stirred, loud or free."""

    pace: tuple[tuple[int, str], ...]
    tempo: str
    length: str
    stir: tuple[tuple[int, str], ...]
    loudness: tuple[tuple[int, str], ...]
    freedom: tuple[tuple[int, str], ...]


class Shift(NamedTuple):
    """How a variant differs: the signs of its changes of tempo, loudness and rubato; arousal before and after.

    ``firm`` says that words for the other side rule the variant out even where arousal stays within their range.
    """

    tempo: int
    loudness: int
    freedom: int
    before: float
    after: float
    firm: bool = False


@lru_cache(maxsize=4096)
def claims_of(text: str) -> Claims:
    """What a text claims."""
    named, length = _NAMED.search(text), _LENGTH.search(text)
    return Claims(
        _sides(_PACE, text), named[0] if named else "", length[0] if length else "", _sides(_STIR, text),
        _sides(_LOUD, text), _sides(_FREE, text),
    )  # fmt: skip


def contradicted(text: str, shift: Shift) -> str:
    """The words in a text that a variant would make untrue, none where it stays true.

    A tempo by name or number and a length rule out every other tempo; slow and quick only the opposite direction.
    """
    claims = claims_of(text)
    if shift.tempo and (claims.tempo or claims.length):
        return claims.tempo or claims.length
    moves = ((claims.pace, shift.tempo), (claims.loudness, shift.loudness), (claims.freedom, shift.freedom))
    for said, move in moves:
        for side, word in said:
            if move and side == -move:
                return word
    if shift.after == shift.before:
        return ""
    rises = shift.after > shift.before
    for side, word in claims.stir:
        if (side < 0) == rises and (shift.firm or _crosses(side, shift)):
            return word
    return ""


def _crosses(side: int, shift: Shift) -> bool:
    if side < 0:
        return shift.before <= _CALM_TO < shift.after
    return shift.after < _STIRRED_FROM <= shift.before


def _sides(table: tuple[tuple[int, re.Pattern[str]], ...], text: str) -> tuple[tuple[int, str], ...]:
    return tuple(
        (-side if match["no"] else side, match[0]) for side, pattern in table for match in pattern.finditer(text)
    )
