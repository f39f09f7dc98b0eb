"""Keys and notes that a text names, moved to where a transposed piece has them.

``A rondo in D-flat major`` becomes ``A rondo in E-flat major``, ``d-Moll`` ``e-Moll``, ``stops on C`` ``stops on D``;
each name keeps its language and its way of writing accidentals. What may be a key and may be something else (the note
A or the section A, ``Cm``, a key in Japanese) is a doubt, and a doubt is for the caller to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.core.generate.keys_in_words import read_key
from workbench.core.music.keys import Key, Mode, make_key
from workbench.core.music.pitches import alter_of, fifths_of, step_of
from workbench.core.music.structure import MusicStructure

_ACCIDENTAL = r"[ -](?:flat|sharp)\b|♭|♯|\#|b(?!\w)"
_NAMED = re.compile(
    r"(?<![\w'’♭♯#])(?:"
    r"(?P<german>(?:[cdfga]is|[ae]s|[cdfg]es|[a-h])[ -](?:dur|moll))\b|"
    r"(?P<solfege>(?:do|ut|r[eé]|mi|fa|sol|la|si)(?:[ -](?:di[eè]se|diesis|sostenido|sustenido|b[eé]mol(?:le)?))?"
    r"[ -](?P<tongue>majeur|mineur|maggiore|minore|mayor|menor|maior))\b|"
    r"(?:(?P<article>an?) )?"
    rf"(?P<letter>[a-g])(?P<sign>{_ACCIDENTAL})?(?![\w'’♭♯#])(?:[ -](?P<mode>major|minor|maj|min)(?!\w))?"
    r")",
    re.IGNORECASE,
)
_DOUBTFUL = re.compile(
    r"[長短]調|장조|단조|[大小][调調]|мажор|минор|"
    r"(?<![\w'’])[A-G][b#♭♯]?(?:m|M|min|maj|dim|sus)\d*(?![\w'’])|"
    r"\b(?:in|nach|auf|von|aus) (?:Es|As|Des|Ges|Ces|Fes|Cis|Dis|Fis|Gis|Ais|His|H)(?!\w)",
)
_SERIES = re.compile(r"(?<!\w)[A-H]['’′]*(?:[-–—][A-H]['’′]*)+(?![\w-])")
_SIGNS = re.compile(rf"(?<![\w'’])[A-Ga-g](?P<sign>{_ACCIDENTAL})")
_MODAL = re.compile(r"[ -](?:dorian|phrygian|lydian|mixolydian|aeolian|locrian|ionian)\b", re.IGNORECASE)
_NOTE = re.compile(r"\b(?:high|highest|low|lowest|top|note|notes|tone|pitch|pedal|key of|keys of) $", re.IGNORECASE)
_CUE = re.compile(
    r"\b(?:in|on|to|from|over|around|via|through|middle|upper|lower) (?:the )?$",
    re.IGNORECASE,
)
_PART = re.compile(r"\b(?:section|part|theme|strain|letter|episode|variation|plan) $", re.IGNORECASE)
_OF_PART = re.compile(r"[ -](?:section|part|theme|strain|episode|clef|side)s?\b", re.IGNORECASE)
_PLAYER = re.compile(
    r"\b(?:clarinets?|horns?|trumpets?|cornets?|flutes?|recorders?|saxophones?|trombones?|tubas?|timpani) in $",
    re.IGNORECASE,
)
_AUTHOR = re.compile(r"(?:^|\b(?:by|after|and|von|nach|[A-Z]\.)\s?)$")
_OPENS = re.compile(r"(?:^|[.!?:;“”\"(\[])\s*$")
_GOES_ON = re.compile(r" ([^\W\d_]+)")
_AFTER_A_KEY = re.compile(
    r"and|or|to|with|without|for|by|at|in|into|on|as|then|which|that|is|are|was|from|of|over|through|via|after|before|but|"
    r"until|while|where|when|again|only|back",
    re.IGNORECASE,
)
_NOT_A_KEY = re.compile(
    r"second|third|sixth|seventh|ninth|tenth|interval|key|mode|chord|triad|scale|(?:sub)?dominant|tonic|(?:sub)?mediant|"
    r"part|middle|trio|episode|colou?r|mood",
    re.IGNORECASE,
)
_ITALIAN, _FRENCH, _SPANISH = ("diesis", "bemolle"), ("dièse", "bémol"), ("sostenido", "bemol")
_SOLFEGE_SIGNS = {
    "majeur": _FRENCH, "mineur": _FRENCH, "maggiore": _ITALIAN, "minore": _ITALIAN, "mayor": _SPANISH,
    "menor": _SPANISH, "maior": ("sustenido", "bemol"),
}  # fmt: skip
_SOLFEGE = dict(zip("CDEFGAB", ("do", "re", "mi", "fa", "sol", "la", "si"), strict=True))


class DoubtError(ValueError):
    """A name that may be a key or a note and may be something else; the text is that name."""


@dataclass(frozen=True)
class Move:
    """A transposition. ``keys`` are the piece's own, before and after; ``labels`` letters that name its parts."""

    fifths: int
    keys: Mapping[Key, Key]
    labels: frozenset[str] = frozenset()
    _tonics: Mapping[int, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tonics: dict[int, int] = {}
        for old, new in self.keys.items():
            # A tonic whose major and minor keys are spelled apart afterwards moves by the interval alone.
            tonics[old.tonic] = new.tonic if tonics.get(old.tonic, new.tonic) == new.tonic else old.tonic + self.fifths
        object.__setattr__(self, "_tonics", tonics)

    def key(self, key: Key) -> Key:
        """Where a key goes."""
        return self.keys.get(key) or make_key(key.tonic + self.fifths, key.mode)

    def note(self, fifths: int) -> int:
        """Where a note goes, on the line of fifths, with one accidental at most."""
        fifths = self._tonics.get(fifths, fifths + self.fifths)
        return fifths - 12 * (alter_of(fifths) > 1) + 12 * (alter_of(fifths) < -1)


def move_between(before: MusicStructure, after: MusicStructure) -> Move:
    """The transposition that made one structure of the other."""
    keys = {before.tonality: after.tonality}
    keys |= {one.tonality: two.tonality for one, two in zip(before.sections, after.sections, strict=True)}
    labels = {found[0] for section in before.sections if (found := re.match(r"[A-G](?!\w)", section.name))}
    return Move(
        after.tonality.tonic - before.tonality.tonic, keys, frozenset(labels | ({"A", "B"} if labels else set()))
    )


def stay(structure: MusicStructure) -> Move:
    """The transposition of a piece that moves nothing."""
    return move_between(structure, structure)


def moved_text(text: str, move: Move) -> str:
    """The text with every key and note that it names moved.

    Raises:
        DoubtError: something in it may be a key or a note, and may be none.
    """
    doubtful = _DOUBTFUL.search(text)
    if doubtful is not None:
        raise DoubtError(doubtful[0])
    for series in _SERIES.finditer(text):
        if not set(re.findall("[A-H]", series[0])) <= move.labels:
            raise DoubtError(series[0])
    style = next((sign["sign"] for sign in _SIGNS.finditer(text)), "♭")
    return _NAMED.sub(lambda match: _moved(match, move, style), text)


def names_a_key(text: str) -> bool:
    """Whether a key with its mode, or a note with an accidental, is named in a text."""
    return _DOUBTFUL.search(text) is not None or any(
        match["german"] or match["solfege"] or match["sign"] or (match["mode"] and match["letter"] != "a")
        for match in _NAMED.finditer(text)
    )


def _moved(match: re.Match[str], move: Move, style: str) -> str:
    if match["german"] or match["solfege"]:
        return _foreign(match, move)
    tonic = fifths_of(match["letter"].upper(), _alter(match["sign"] or ""))
    if match["mode"]:
        if not _is_key(match, move):
            return match[0]
        mode: Mode = "minor" if match["mode"].lower().startswith("min") else "major"
        key = move.key(Key(tonic, mode)) if -7 <= Key(tonic, mode).signature <= 7 else None
        if key is None:
            raise DoubtError(match[0])
        fifths, rest = key.tonic, match[0][match.end("sign" if match["sign"] else "letter") - match.start() :]
    elif _is_note(match, move, tonic):
        fifths, rest = move.note(tonic), ""
    else:
        return match[0]
    name = _lettered(fifths, match["sign"] or style, lower=match["letter"].islower())
    article = match["article"] or ""
    if article:
        an = "an " if name[0].upper() in "AEF" else "a "
        article = an.capitalize() if article[0].isupper() else an
    return article + name + rest


def _alter(sign: str) -> int:
    return 0 if not sign else 1 if sign[1:] == "sharp" or sign in "♯#" else -1


def _lettered(fifths: int, style: str, *, lower: bool) -> str:
    letter, alter = step_of(fifths), alter_of(fifths)
    if style[1:].lower() in {"flat", "sharp"}:
        sign = style[0] + ("sharp" if alter > 0 else "flat")
    else:
        sign = ("#" if alter > 0 else "b") if style in "#b" else "♯" if alter > 0 else "♭"
    return (letter.lower() if lower else letter) + sign * abs(alter)


def _is_key(match: re.Match[str], move: Move) -> bool:
    """Whether a letter with a mode is a key, and not the article before an adjective (a minor third).

    Raises:
        DoubtError: it may be either.
    """
    if match["letter"] not in "aA" or match["sign"] or match["article"]:
        return True
    if match["letter"] == "A" and not _OPENS.search(match.string[: match.start()]):
        return True
    follows = _GOES_ON.match(match.string, match.end())
    if follows is None or _AFTER_A_KEY.fullmatch(follows[1]):
        return True
    if _NOT_A_KEY.fullmatch(follows[1]) or not any(key.pitch_class == 9 for key in move.keys):
        return False
    raise DoubtError(match[0] + follows[0])


def _is_note(match: re.Match[str], move: Move, tonic: int) -> bool:
    """Whether a letter without a mode is a note or a key.

    Raises:
        DoubtError: it may be a note, and may be something else.
    """
    letter, before, after = match["letter"], match.string[: match.start("letter")], match.string[match.end() :]
    follows = _GOES_ON.match(after)
    if _PLAYER.search(before):
        if any(tonic == key.tonic for key in move.keys):
            raise DoubtError(before.rpartition(" in ")[0][-12:] + " in " + letter)
        return False
    if match["sign"]:
        article = letter in "aA" and match["sign"][0] == " " and follows is not None
        if article and letter == "A" and _OPENS.search(before):
            raise DoubtError(match[0])
        return not (article and letter == "a")
    named, cue = _NOTE.search(before) is not None, _CUE.search(before)
    if letter.islower():
        return (named or cue is not None) and (letter != "a" or follows is None)
    if re.match(r"[ -]strings?\b", after) or (before.endswith("-") and letter not in move.labels):
        raise DoubtError(match[0])
    if _PART.search(before) or _OF_PART.match(after) or re.match(r"\. ?[CS]\.", after):
        return False
    if named or _MODAL.match(after):
        return named or letter != "A" or not _OPENS.search(before)
    if letter in move.labels:
        if cue and (cue[0].lower().startswith("on ") or any(tonic == key.tonic for key in move.keys)):
            raise DoubtError(cue[0] + letter)
        return False
    return (cue is not None and letter != "A") or _stands_alone(match, before, after, cued=cue is not None)


def _stands_alone(match: re.Match[str], before: str, after: str, *, cued: bool) -> bool:
    """Whether a capital letter that nothing announces is a note, and not an article, an initial or part of a word.

    Raises:
        DoubtError: it may be a note.
    """
    follows = _GOES_ON.match(after)
    if re.match(r"\.\s?[A-Z]", after) and not cued:
        if _AUTHOR.search(before):
            return False
        raise DoubtError(match[0] + ".")
    if re.match(r"-\w", after):
        raise DoubtError(match[0] + after[:8])
    if match["letter"] != "A":
        return True
    # The article, where a sentence begins or a title has capitals.
    return not (_OPENS.search(before) or (follows is not None and follows[1][0].isupper()))


def _foreign(match: re.Match[str], move: Move) -> str:
    """A key in German or in a language that sings its notes."""
    text, german = match[0], match["german"]
    old = read_key(text)
    # ``la menor`` is "the slightest" in Spanish, ``mi mayor`` "my elder".
    if (
        old is None
        or not -7 <= old.signature <= 7
        or (match["tongue"] in {"mayor", "menor", "maior"} and text[0].islower())
    ):
        raise DoubtError(text)
    new = move.key(old)
    letter, alter = step_of(new.tonic), alter_of(new.tonic)
    if german:
        name = {("B", 0): "h", ("B", -1): "b", ("E", -1): "es", ("A", -1): "as"}.get((letter, alter), "")
        name = name or letter.lower() + ("is" if alter > 0 else "es" if alter < 0 else "")
        rest = re.split(r"(?=[ -])", text, maxsplit=1)[1]
    else:
        sharp, flat = _SOLFEGE_SIGNS[match["tongue"].lower()]
        name = "ré" if letter == "D" and sharp == "dièse" else _SOLFEGE[letter]
        name += " " + (sharp if alter > 0 else flat) if alter else ""
        rest = text[match.start("tongue") - 1 - match.start() :]
    return (name if text[0].islower() else name[0].upper() + name[1:]) + rest
