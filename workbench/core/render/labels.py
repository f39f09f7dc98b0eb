"""What is written into the figures: numerals with figured bass, and which words fit at which zoom."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import NamedTuple

_SUPER = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_BODY = re.compile(
    r"^(?P<alter>[b#]*)(?P<head>Cad|Ger|Fr|It|N|[IViv]+)(?P<quality>o|ø|/o|\+)?(?P<seventh>maj|M)?(?P<figures>\d*)(?P<rest>.*)$"
)

TRANSFORMATION_SIGNS = {
    "theme": "",
    "sequence-up": "↗",
    "sequence-down": "↘",
    "inversion": "⇅",
    "retrograde": "←",
    "augmentation": "×2",
    "diminution": "÷2",
    "fragmentation": "½",
}


@lru_cache(maxsize=4096)
def numeral_text(figure: str) -> str:
    """A Roman numeral as a musician writes it: ``viio7`` as ``vii°⁷``, ``V65/V`` as ``V⁶₅/V``, ``bII6`` as ``♭II⁶``.

    Two figures stand one above the other; a figure that is no numeral is returned as it is.
    """
    return "/".join(_one(part) for part in re.split(r"/(?!o)", figure.strip()))


def _one(part: str) -> str:
    match = _BODY.match(part)
    if match is None:
        return part
    figures = match["figures"]
    if len(figures) == 2 and figures not in {"11", "13"}:
        figures = figures[0].translate(_SUPER) + figures[1].translate(_SUB)
    else:
        figures = figures.translate(_SUPER)
    quality = {"o": "°", "/o": "ø"}.get(match["quality"] or "", match["quality"] or "")
    alter = match["alter"].replace("b", "♭").replace("#", "♯")
    return alter + match["head"] + quality + (match["seventh"] or "") + figures + match["rest"]


def literal(text: str) -> str:
    """A text that plotly draws as it stands, with no sign in it taken for markup."""
    return escape(text, quote=False)


def pretty_pitch(name: str) -> str:
    """``Bb4`` as ``B♭4``."""
    return name[0] + name[1:].replace("b", "♭").replace("#", "♯")


def text_pixels(text: str, size: float = 12) -> float:
    """About how wide a text is drawn, in pixels, at a font size in pixels (no font is asked)."""
    return sum(_width(sign) for sign in text) * size


def _width(sign: str) -> float:
    if sign in "iIl.,·'|°ø/ ":
        return 0.32
    if sign in "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉":
        return 0.40
    return 0.72 if sign in "mwMWVAGDNOQ↗↘⇅←" or sign > "⺀" else 0.58


class Label(NamedTuple):
    """A text on the time axis: what it is about, and the zoom (pixels a quarter) from which to where it shows."""

    of: int
    text: str
    least: float
    most: float | None


def fitting(spans: Iterable[tuple[float, Sequence[str]]], *, size: float = 12, padding: float = 8) -> list[Label]:
    """For each span (its length in quarters, its wordings from long to short) the wordings and when each fits."""
    labels: list[Label] = []
    for index, (length, wordings) in enumerate(spans):
        most: float | None = None
        for wording in wordings:
            if not wording or length <= 0:
                continue
            least = _rung((text_pixels(wording, size) + padding) / length)
            if most is None or least < most:
                labels.append(Label(index, wording, least, most))
                most = least
    return labels


def thinned(
    places: Sequence[float], texts: Sequence[str], importance: Sequence[float], *, size: float = 12, gap: float = 5
) -> list[Label]:
    """From which zoom each of many neighbouring texts can be shown without touching another.

    ``places`` are the texts' middles in quarters, rising. The most important come first; one that shows at some zoom
    shows at every closer one.
    """
    widths = [text_pixels(text, size) + gap for text in texts]
    order = sorted(range(len(places)), key=lambda index: (-importance[index], index))
    least: dict[int, float] = {}
    scale = 0.25
    shown: list[int] = []
    while len(least) < len(order) and scale <= 512:
        for index in order:
            if index in least:
                continue
            at = bisect_left(shown, index)
            clear = all(
                abs(places[index] - places[other]) * scale >= (widths[index] + widths[other]) / 2
                for other in shown[max(0, at - 1) : at + 1]
            )
            if clear:
                least[index] = scale
                insort(shown, index)
        scale *= 1.25
    return [Label(index, texts[index], least[index], None) for index in sorted(least)]


def _rung(scale: float) -> float:
    # The same rungs as in `thinned`, so that labels of one zoom share a trace.
    rung = 0.25
    while rung < scale:
        rung *= 1.25
    return rung
