"""Roman numerals: what a figure means in a key.

music21 reads each figure once in C, where its tones are kept as distances from the tonic on the line of fifths; every
other key is then an addition.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from workbench.core.music.keys import Key, Mode, make_key
from workbench.core.music.pitches import parse_pitch_class, pitch_class, pitch_class_name

Function = Literal["T", "S", "D"]

MAX_FIGURE = 24
_TABLE = Path(__file__).with_name("numerals.json")
_FIGURE = re.compile(
    r"^(?:N(?:6|53)?|It(?:6|53)?|Ger(?:65|6|7|43|42)?|Fr(?:43|6|7)?|Cad64|[b#]?"
    r"(?:VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(?:o|ø|/o|\+)?(?:maj|M)?(?:[2345679](?:/?[2345679]){0,2}|11|13)?"
    r"(?:sus[24])?(?:\[(?:add|no)?[b#]?\d{1,2}\])?)"
    r"(?:/[b#]?(?:VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)o?){0,2}$"
)
_DEGREES = ("I", "II", "III", "IV", "V", "VI", "VII")
_HEAD = re.compile(r"^([b#]?)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(.*)$", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Chord:
    """A Roman numeral understood. ``parse_numeral`` gives the same object for the same figure and mode.

    ``tones`` are root, third, fifth and so on, as distances from the tonic on the line of fifths; ``bass`` is one of
    them. ``leading`` and ``seventh`` are the tones that must rise and fall by step, where the chord has them.
    ``degree`` is the root's scale degree (1 to 7) in the home key, ``target`` the degree that an applied chord leans
    on. ``tension`` runs from 0 (the tonic at rest) to 1.
    """

    figure: str
    mode: Mode
    tones: tuple[int, ...]
    bass: int
    degree: int
    quality: str
    function: Function
    leading: int | None
    seventh: int | None
    target: int | None
    tension: float

    @property
    def root(self) -> int:
        """The root's distance from the tonic on the line of fifths."""
        return self.tones[0]

    @property
    def inversion(self) -> int:
        """0 root position, 1 first inversion, and so on."""
        return self.tones.index(self.bass)

    @property
    def is_applied(self) -> bool:
        """Whether the chord leans on another degree than the tonic."""
        return self.target is not None

    def spelled(self, key: Key) -> tuple[int, ...]:
        """The tones in a key, on the line of fifths."""
        return tuple(key.tonic + tone for tone in self.tones)

    def pitch_classes(self, key: Key) -> tuple[int, ...]:
        """The tones in a key in semitones above C, in the order of ``tones``."""
        return tuple(pitch_class(key.tonic + tone) for tone in self.tones)


def normalize_figure(figure: str, mode: Mode) -> str:
    """The figure as music21 reads it: plain accidentals and signs, and only flats and sharps that mean something.

    In major an undecorated ``vii`` becomes ``viio``; in minor ``bVI`` is ``VI``, and ``#viio`` is always ``viio``,
    since the mode already says so.
    """
    text = figure.strip().replace("♭", "b").replace("♯", "#").replace("°", "o").replace("º", "o").replace("Ø", "ø")
    text = text.replace("/o", "ø") if "/o" in text else text
    match = _HEAD.match(text)
    if match is None:
        return text
    accidental, head, rest = match[1], match[2], match[3]
    flat_by_mode = mode == "minor" and head in {"III", "VI", "VII"}
    if (accidental == "#" and head == "vii") or (accidental == "b" and flat_by_mode):
        accidental = ""
    if mode == "major" and head == "vii" and not accidental and not rest.startswith(("o", "ø")):
        rest = ("ø" if rest[:1] in {"7", "6", "4", "2"} and rest[:2] not in {"6", "64"} else "o") + rest
    return accidental + head + rest


@lru_cache(maxsize=8192)
def parse_numeral(figure: str, mode: Mode) -> Chord:
    """Read a Roman numeral in a major or minor key.

    Raises:
        ValueError: the figure is not one that music21 and this program understand.
    """
    text = normalize_figure(figure, mode) if len(figure) <= MAX_FIGURE else ""
    if not _FIGURE.match(text):
        raise ValueError(f"{figure[:MAX_FIGURE]!r} is not a Roman numeral such as 'ii65', 'V7/V' or 'viio7'")
    known = _table().get(f"{mode} {text}")
    tones, bass, quality = known if known is not None else read_with_music21(text, mode)
    return _understand(figure, text, mode, tuple(tones), bass, quality)


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[list[int], int, str]]:
    """What music21 said of the commonest figures (``scripts/numeral_table.py``): its import takes half a second."""
    data: dict[str, tuple[list[int], int, str]] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return data


def read_with_music21(text: str, mode: Mode) -> tuple[list[int], int, str]:
    """Tones and bass (on the line of fifths from the tonic) and quality of a normalized figure, as music21 reads it.

    Raises:
        ValueError: music21 cannot read it.
    """
    from music21 import key as m21key
    from music21 import roman

    tonic = m21key.Key("c" if mode == "minor" else "C")
    try:
        numeral = roman.RomanNumeral(
            text,
            tonic,
            sixthMinor=roman.Minor67Default.QUALITY,
            seventhMinor=roman.Minor67Default.QUALITY,
        )
        steps = [numeral.getChordStep(step) for step in (3, 5, 7, 2, 4, 6)]
        tones = [_fifths(numeral.root())]
        tones += [fifths for step in steps if step is not None and (fifths := _fifths(step)) not in tones]
        bass = _fifths(numeral.bass())
        quality = str(numeral.quality)
    except Exception as error:  # music21 raises many kinds for a figure that it cannot read
        raise ValueError(f"{text!r} is not a Roman numeral that can be read in {mode}") from error
    if bass not in tones[:5] or len(tones) < 2:
        raise ValueError(f"{text!r} has no readable chord tones in {mode}")
    return tones[:5], bass, quality


def _fifths(pitch: object) -> int:
    return parse_pitch_class(str(pitch.name).replace("-", "b"))  # type: ignore[attr-defined]


def _understand(figure: str, text: str, mode: Mode, tones: tuple[int, ...], bass: int, quality: str) -> Chord:
    head, _, applied = text.partition("/")
    match = _HEAD.match(head)
    degree = _DEGREES.index(match[2].upper()) + 1 if match else {"N": 2, "C": 5}.get(head[0], 4)
    target = None
    if applied:
        inner = _HEAD.match(applied.split("/")[-1])
        target = _DEGREES.index(inner[2].upper()) + 1 if inner else None
        target = None if target == 1 else target
    if applied and target is not None:
        root_letter = (tones[0] * 4) % 7  # letters above C, from the line of fifths
        degree = root_letter + 1
    augmented_sixth = head.startswith(("It", "Ger", "Fr"))
    function = _function(head, degree, target, augmented_sixth)
    leading = _leading(tones, function, target, augmented_sixth, mode)
    seventh = None
    if len(tones) > 3 and not augmented_sixth:
        seventh = tones[3]
    elif augmented_sixth:
        seventh = next((tone for tone in tones if tone == -4), None)  # the flat sixth, which falls
    scale = {0, 2, 4, -1, 1, 3, 5} if mode == "major" else {0, 2, -3, -1, 1, -4, -2, 5}
    foreign = sum(tone not in scale for tone in tones)
    tension = {"T": 0.08, "S": 0.38, "D": 0.62}[function] + 0.1 * (len(tones) > 3) + 0.1 * foreign
    tension += 0.1 * (quality in {"diminished", "augmented", "half-diminished"}) + 0.05 * (bass != tones[0])
    tension += 0.12 * (function == "T" and degree != 1)
    return Chord(figure, mode, tones, bass, degree, quality, function, leading, seventh, target, min(1.0, tension))


def _function(head: str, degree: int, target: int | None, augmented_sixth: bool) -> Function:
    if augmented_sixth:
        return "S"
    if target is not None or head.startswith("Cad"):
        return "D"
    if degree in (5, 7):
        # The subtonic VII of minor, without the raised seventh, leans on III rather than on i.
        return "D"
    if degree in (2, 4):
        return "S"
    if degree == 1 and head[1:] in {"64"} and head[0] in "Ii":
        return "D"
    return "T" if degree in (1, 3, 6) else "S"


def _leading(tones: tuple[int, ...], function: Function, target: int | None, augmented: bool, mode: Mode) -> int | None:
    if augmented:
        return next((tone for tone in tones if tone == 6), None)
    if function != "D":
        return None
    scale = (0, 2, 4, -1, 1, 3, 5) if mode == "major" else (0, 2, -3, -1, 1, -4, -2)
    goal = 0 if target is None else scale[target - 1]
    return goal + 5 if goal + 5 in tones else None


def tonicized_key(figure: str, key: Key) -> Key:
    """The key that a numeral stands for when a section is set in it: ``V`` of C major is G major, ``vi`` a minor."""
    chord = parse_numeral(figure, key.mode)
    minor = chord.quality in {"minor", "diminished"}
    return make_key(key.tonic + chord.root, "minor" if minor else "major")


def chord_names(chord: Chord, key: Key) -> tuple[str, ...]:
    """The names of a chord's tones in a key, root first: ``('G', 'B', 'D', 'F')``."""
    return tuple(pitch_class_name(fifths) for fifths in chord.spelled(key))
