"""Colours with a meaning: keys, harmonic functions, voices, and the inks of the light and the dark theme.

Colours are chosen in OKLCH (Ottosson 2020), where equal steps of lightness look equal, and kept apart in lightness as
well as in hue, so that they survive colour-blind eyes and grey printing. None is the only carrier of what it says: key,
function and voice are always written out as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from workbench.core.music.keys import Key
from workbench.core.music.numerals import Function


@dataclass(frozen=True)
class Theme:
    """The inks of one theme. ``paper`` is the page that the figures lie on (they are drawn without a background)."""

    dark: bool
    paper: str
    ink: str
    muted: str
    rule: str
    grid: str
    faint: str
    shade: str
    accent: str


LIGHT = Theme(
    dark=False,
    paper="#ffffff",
    ink="#1c2330",
    muted="#566072",
    rule="rgba(40,52,76,0.42)",
    grid="rgba(40,52,76,0.16)",
    faint="rgba(40,52,76,0.07)",
    shade="rgba(40,52,76,0.045)",
    accent="#5b4bc4",
)
DARK = Theme(
    dark=True,
    paper="#11151c",
    ink="#e9edf4",
    muted="#a3aec0",
    rule="rgba(214,224,244,0.45)",
    grid="rgba(214,224,244,0.17)",
    faint="rgba(214,224,244,0.08)",
    shade="rgba(214,224,244,0.05)",
    accent="#a99cff",
)

_C_MAJOR_HUE = 150.0
_FUNCTIONS: dict[bool, dict[Function, str]] = {
    # Blue, bluish green and orange after Okabe and Ito (2008), darkened or lightened until text in them can be read.
    False: {"T": "#1b3f94", "S": "#007d77", "D": "#c04300"},
    True: {"T": "#8ea2ff", "S": "#4fe3bd", "D": "#ff9a5c"},
}
_VOICES: dict[bool, tuple[str, ...]] = {
    False: ("#b3261e", "#c98500", "#17907a", "#1d3f9c", "#7a3fa8", "#5f6b7a", "#a8326f", "#5c7a10"),
    True: ("#f0665a", "#ffd77a", "#4fe0b8", "#6c8cff", "#cf9dff", "#b4bfce", "#ff8fc4", "#b9d957"),
}


def theme_of(dark: bool) -> Theme:
    """The dark or the light theme."""
    return DARK if dark else LIGHT


@lru_cache(maxsize=128)
def key_color(key: Key, *, dark: bool = False) -> str:
    """The fill that stands for a key, ``#rrggbb``.

    The hue is the key's place on the circle of fifths: C major and a minor are green, sharps turn towards yellow and
    red, flats towards blue and violet. Major is light, minor dark.
    """
    hue = (_C_MAJOR_HUE - 30 * key.signature) % 360
    if key.is_minor:
        return oklch(0.46 if dark else 0.52, 0.105, hue)
    return oklch(0.80 if dark else 0.85, 0.105, hue)


def key_edge(key: Key, *, dark: bool = False) -> str:
    """The outline of a key's fill, which stands out from the page where the fill does not."""
    hue = (_C_MAJOR_HUE - 30 * key.signature) % 360
    return oklch(0.88 if key.is_minor else 0.93, 0.06, hue) if dark else oklch(0.46, 0.11, hue)


def function_color(function: Function, *, dark: bool = False) -> str:
    """The ink of a harmonic function: tonic blue, subdominant green, dominant orange."""
    return _FUNCTIONS[dark][function]


def voice_color(voice: int, *, dark: bool = False) -> str:
    """The colour of a voice by its place in ``Score.voices``; after eight they come round again."""
    return _VOICES[dark][voice % len(_VOICES[dark])]


@lru_cache(maxsize=256)
def text_on(fill: str) -> str:
    """Black-ish or white ink, whichever reads better on a fill."""
    return max(("#10151d", "#ffffff"), key=lambda ink: contrast(ink, fill))


def contrast(first: str, second: str) -> float:
    """The WCAG 2 contrast ratio of two ``#rrggbb`` colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def with_alpha(color: str, alpha: float) -> str:
    """A ``#rrggbb`` colour as ``rgba(...)``."""
    red, green, blue = _channels(color)
    return f"rgba({red},{green},{blue},{alpha:g})"


def oklch(lightness: float, chroma: float, hue: float) -> str:
    """The ``#rrggbb`` of an OKLCH colour (hue in degrees), with as much of the chroma as the screen can show."""
    while True:
        a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
        long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        linear = (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )
        if chroma <= 0 or all(-0.001 <= value <= 1.001 for value in linear):
            return "#" + "".join(f"{round(255 * _gamma(min(1.0, max(0.0, value)))):02x}" for value in linear)
        chroma -= 0.005


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * float(value ** (1 / 2.4)) - 0.055


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    parts = [value / 255 for value in _channels(color)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
