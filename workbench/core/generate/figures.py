"""Chords as they were meant: Roman numerals mended, absolute chord symbols turned into numerals of the local key."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from workbench.core.errors import InvalidStructureError
from workbench.core.generate.spellings import CHORD_WORDS, plain
from workbench.core.generate.values import folded
from workbench.core.music.keys import Key, Mode
from workbench.core.music.numerals import MAX_FIGURE, Chord, normalize_figure, parse_numeral
from workbench.core.music.pitches import alter_of, fifths_of, step_of

MAX_DIFFERENT = 250
"""Different chords in one piece, applied ones counted threefold. Reading a new one takes milliseconds."""

_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
_DIATONIC: dict[Mode, tuple[str, ...]] = {
    "major": ("I", "ii", "iii", "IV", "V", "vi", "viio"),
    "minor": ("i", "iio", "III", "iv", "V", "VI", "VII"),
}
_SYMBOL = re.compile(r"^([A-Ha-h])([#b]{0,2})([^/]{0,10})(?:/([A-Ha-h])([#b]{0,2}))?$")
_NUMERAL = re.compile(r"^([#b]{0,2})([IViv]{1,4}|[1-7])(.{0,12}?)(?:/([^/]{1,6}))?$")
_SEPARATED = re.compile(r"->|[\s,;|→–—>~]+|(?<=[\w\d°o+ø])-(?=[#b♭♯]?[IViv1-7A-H])|-(?=\s|$)")
_PREFIX = re.compile(r"^[A-Ga-g][b#]?(?:\s*(?:maj(?:or)?|min(?:or)?|m))?\s*:\s*")
_QUALITIES: tuple[tuple[str, str, str], ...] = (
    # The symbol's suffix, the triad's quality, and what the numeral adds for a seventh or more.
    ("maj9", "M", "maj9"), ("maj7", "M", "maj7"), ("ma7", "M", "maj7"), ("M7", "M", "maj7"),
    ("Δ7", "M", "maj7"), ("Δ", "M", "maj7"),
    ("m7b5", "h", "7"), ("min7b5", "h", "7"), ("ø7", "h", "7"), ("ø", "h", "7"), ("dim7", "d", "7"), ("o7", "d", "7"),
    ("dim", "d", ""), ("o", "d", ""), ("aug", "a", ""), ("+", "a", ""), ("min7", "m", "7"), ("mi7", "m", "7"),
    ("m7", "m", "7"), ("-7", "m", "7"), ("min9", "m", "9"), ("m9", "m", "9"), ("m6", "m", ""), ("min", "m", ""),
    ("mi", "m", ""), ("m", "m", ""), ("-", "m", ""), ("maj", "M", ""), ("major", "M", ""), ("minor", "m", ""),
    ("M", "M", ""), ("7sus4", "M", "7sus4"), ("sus4", "M", "sus4"), ("sus2", "M", "sus2"), ("sus", "M", "sus4"),
    ("add9", "M", ""), ("6", "M", ""), ("69", "M", ""), ("5", "M", ""), ("7", "M", "7"), ("9", "M", "9"),
    ("11", "M", "11"), ("13", "M", "13"), ("", "M", ""),
)  # fmt: skip
_SUFFIX = {suffix: (quality, more) for suffix, quality, more in _QUALITIES}
_QUALITY_NAMES = {"M": "major", "m": "minor", "d": "diminished", "h": "diminished", "a": "augmented"}


class Figure(NamedTuple):
    """A numeral that can be read, and why it differs from what was written ("" when it does not)."""

    text: str
    why: str


class FigureReader:
    """Reads and mends the chords of one answer; it refuses one that holds more different chords than any piece."""

    def __init__(self) -> None:
        self._readable: dict[tuple[str, Mode], Chord | None] = {}
        self._mended: dict[tuple[str, Key], Figure | None] = {}
        self._weight = 0
        self._unchanged: dict[str, set[str]] = {"major": set(), "minor": set()}

    def are_plain(self, figures: Any, mode: Mode) -> bool:
        """Whether all of a list are numerals that have been read before and need no change."""
        if not isinstance(figures, list) or not figures:
            return False
        return all(type(figure) is str for figure in figures) and self._unchanged[mode].issuperset(figures)

    def chord(self, figure: str, mode: Mode) -> Chord | None:
        """The chord that a numeral means, None when it cannot be read.

        Raises:
            InvalidStructureError: too many different chords.
        """
        known = (figure, mode)
        if known not in self._readable:
            self._weight += weight(figure)
            if self._weight > 2 * MAX_DIFFERENT:
                raise too_many_chords()
            try:
                self._readable[known] = parse_numeral(figure, mode)
            except ValueError:
                self._readable[known] = None
        return self._readable[known]

    def mend(self, raw: Any, key: Key) -> Figure | None:
        """A numeral of ``key`` for what was written; None when nothing can be read in it."""
        if isinstance(raw, bool) or not isinstance(raw, str | int):
            return None
        written = str(raw)[:60] if isinstance(raw, str) or abs(raw) < 10 else ""
        known = (written, key)
        if known not in self._mended:
            if len(self._mended) >= MAX_DIFFERENT:
                raise too_many_chords()
            found = self._mended[known] = self._mend(written, key)
            if found is not None and not found.why and found.text == raw:
                self._unchanged[key.mode].add(written)
        return self._mended[known]

    def _mend(self, written: str, key: Key) -> Figure | None:
        mode = key.mode
        if len(written) <= MAX_FIGURE and self.chord(written, mode) is not None:
            if is_bare_leading(written, mode):
                return Figure(normalize_figure(written, mode), "The triad on 7 in major is diminished.")
            return Figure(written, "")
        text = _cleaned(written)
        if not text:
            return None
        words = CHORD_WORDS.get(plain(text))
        if words is not None:
            return Figure(words[mode == "minor"], "The chord was written in words.")
        numeral = self._numeral(text, mode)
        if numeral is not None:
            return Figure(numeral, "Written as a Roman numeral that can be read.")
        symbol = self._symbol(text, key)
        if symbol is not None:
            return Figure(symbol, f"An absolute chord symbol, written as a numeral of {key.name}.")
        return None

    def _numeral(self, text: str, mode: Mode) -> str | None:
        match = _NUMERAL.match(text)
        if match is None:
            return None
        accidental, head, rest, applied = match[1][:1], match[2], match[3], match[4]
        if head.isdigit():
            head = _DIATONIC[mode][int(head) - 1]
            head, rest = head.rstrip("o"), ("o" if head.endswith("o") and rest[:1] != "m" else "") + rest
        elif head.upper() not in _ROMAN:
            return None
        elif head not in (head.upper(), head.lower()):
            usual = _DIATONIC[mode][_ROMAN.index(head.upper())]
            head = head.upper() if usual[0].isupper() else head.lower()
        rest = re.sub(r"[b#]\d{1,2}|alt", "", rest)
        if rest.endswith(("b", "#")) and not accidental and not rest[:-1].strip("o+"):
            accidental, rest = rest[-1], rest[:-1]
        head, rest = _quality(head, rest)
        digits = "".join(re.findall(r"\d|/(?=\d)", rest))
        colour = rest[:1] if rest[:1] in ("o", "ø", "+") else ""
        more = "maj" if "maj" in rest.lower() or "M" in rest or "Δ" in rest else ""
        sus = next((word for word in ("sus4", "sus2", "sus") if word in rest), "")
        if sus:
            digits = digits.replace(sus[3:], "", 1) if sus[3:] else digits
            sus = "sus4" if sus == "sus" else sus
        added = re.search(r"add(\d{1,2})", rest)
        if added:
            digits = digits.replace(added[1], "", 1)
        bracket = f"[add{added[1]}]" if added else ""
        tail = f"/{_cleaned(applied)}" if applied else ""
        target = re.match(r"[b#]?[IViv]+", _cleaned(applied)) if applied else None
        bare_tail = f"/{target[0]}" if target else ""
        for candidate in dict.fromkeys((
            accidental + head + rest + tail,
            accidental + head + colour + more + digits + sus + bracket + tail,
            accidental + head + colour + more + digits + tail,
            accidental + head + colour + digits[:2] + tail,
            accidental + head + colour + digits[:1] + tail,
            accidental + head + colour + tail,
            accidental + head + colour + digits[:1] + bare_tail,
            accidental + head + colour,
            accidental + head,
        )):  # fmt: skip
            if len(candidate) <= MAX_FIGURE and self.chord(candidate, mode) is not None:
                return normalize_figure(candidate, mode) if is_bare_leading(candidate, mode) else candidate
        return None

    def _symbol(self, text: str, key: Key) -> str | None:
        match = _SYMBOL.match(text)
        if match is None:
            return None
        letter = "B" if match[1] in "Hh" else match[1].upper()
        root = fifths_of(letter, match[2].count("#") - match[2].count("b"))
        suffix = match[3].replace("(", "").replace(")", "")
        if suffix not in _SUFFIX:
            suffix = next((known for known in sorted(_SUFFIX, key=len, reverse=True) if suffix.startswith(known)), "")
        quality, more = _SUFFIX[suffix]
        if match[1].islower() and not match[3]:
            quality = "m"
        bass = None
        if match[4]:
            bass = fifths_of("B" if match[4] in "Hh" else match[4].upper(), match[5].count("#") - match[5].count("b"))
        degree = ("CDEFGAB".index(letter) - "CDEFGAB".index(step_of(key.tonic))) % 7
        sharpened = quality in "Mm" and alter_of(root) > alter_of(key.scale[degree]) and degree in (0, 1, 4)
        for fifths in (root - 12, root, root + 12) if sharpened else (root, root - 12, root + 12):
            found = self._on(fifths, quality, more, bass, key)
            if found is not None:
                return found
        return None

    def _on(self, root: int, quality: str, more: str, bass: int | None, key: Key) -> str | None:
        """The numeral whose root and triad are these; an inverted one where the bass is one of its tones."""
        degree = ("CDEFGAB".index(step_of(root)) - "CDEFGAB".index(step_of(key.tonic))) % 7
        head = _ROMAN[degree] if quality in "Ma" else _ROMAN[degree].lower()
        colour = {"d": "o", "h": "ø" if more else "o", "a": "+"}.get(quality, "")
        # Where the letter is altered against the key, the accidental is most likely that alteration.
        alter = alter_of(root) - alter_of(key.scale[degree])
        likely = "#" if alter > 0 else "b" if alter < 0 else ""
        if key.is_minor and degree in (5, 6) and quality in "mdh":
            likely = ""  # there a minor or diminished chord stands on the raised degree as it is
        for accidental in dict.fromkeys((likely, "", "b", "#")):
            plainest = accidental + head + colour
            chord = self.chord(plainest + more, key.mode)
            if chord is None or chord.root + key.tonic != root:
                continue
            wanted = {"M": 4, "a": 4, "m": -3, "d": -3, "h": -3}[quality]
            if "sus" not in more and chord.tones[0] + wanted not in chord.tones:
                continue
            if bass is None or bass == root or bass - key.tonic not in chord.tones:
                return plainest + more
            inversion = chord.tones.index(bass - key.tonic)
            figures = ("", "65", "43", "42") if len(chord.tones) > 3 else ("", "6", "64", "")
            inverted = plainest + (figures[inversion] if inversion < 4 else more)
            return inverted if self.chord(inverted, key.mode) is not None else plainest + more
        return None


def too_many_chords() -> InvalidStructureError:
    """The refusal of an answer whose chords are all different."""
    return InvalidStructureError(
        f"The piece holds more than {MAX_DIFFERENT} different chords: this is not a harmonic plan.",
        hint="Write Roman numerals, and repeat them.",
        field="/sections",
    )


def weight(figure: str) -> int:
    """How much reading a chord for the first time costs: 3 where it leans on another or has notes added."""
    return 3 if "/" in figure or "[" in figure else 1


def is_bare_leading(figure: str, mode: Mode) -> bool:
    """Whether this is ``vii`` in major without its circle, which the format asks for."""
    return mode == "major" and figure[:3] == "vii" and figure[3:4] not in ("o", "ø", "°") and figure[3:5] != "/o"


def split_chords(text: str) -> list[list[str]]:
    """One text of chords as bars of chords: ``"I | IV V | I"`` is three bars, ``"I - IV - V"`` one."""
    bars = [bar for bar in text[:20_000].replace("‖", "|").replace(":", " ").split("|") if bar.strip()]
    return [[token for token in _SEPARATED.split(bar.strip()) if token and token not in "-."] for bar in bars]


def _cleaned(text: str) -> str:
    text = folded(text)
    text = text.replace("♭", "b").replace("♯", "#").replace("°", "o").replace("º", "o").replace("Ø", "ø")
    text = text.replace("∅", "ø").replace("△", "Δ").replace("−", "-").replace(" of ", "/")
    text = _PREFIX.sub("", text.strip())
    return re.sub(r"[\s\"'()\[\]{}.^_*?!]+", "", text)


def _quality(head: str, rest: str) -> tuple[str, str]:
    """Words for a quality as the numeral writes them: ``Vm`` is v, ``iidim`` iio, ``VIIo7`` viio7."""
    for word, sign, minor in (
        ("m7b5", "ø7", True), ("min7b5", "ø7", True), ("half-dim", "ø", True), ("halfdim", "ø", True),
        ("hd", "ø", True),
        ("h7", "ø7", True), ("%", "ø", True), ("dim", "o", True), ("07", "o7", True), ("0", "o", True),
        ("aug", "+", False),
        ("minor", "", True), ("min", "", True), ("major", "", False), ("mi", "", True), ("-", "", True),
    ):  # fmt: skip
        if rest.startswith(word):
            return (head.lower() if minor else head.upper()), sign + rest[len(word) :]
    if rest.startswith("m") and not rest.startswith("ma"):
        return head.lower(), rest[1:]
    if rest.startswith(("o", "ø")):
        return head.lower(), rest
    if rest.startswith("+"):
        return head.upper(), rest
    return head, rest
