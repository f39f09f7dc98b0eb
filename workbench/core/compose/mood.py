"""From a mood and a period to the manner of a piece: mode, tempo, meter, key, textures, dynamics, surface rhythm.

Mode follows valence and tempo and rhythm follow arousal, the most stable findings on musical expression of emotion
(Gabrielsson and Lindström 2010). Periods differ in texture, harmonic rhythm, phrase rhythm and chords.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import cast

from workbench.core.music.keys import Key, Mode, make_key
from workbench.core.music.meters import DIVISIONS, Meter, TimeSignature, meter_of
from workbench.core.music.request import Period, Request
from workbench.core.music.structure import Dynamics, Humanize

DYNAMICS: tuple[Dynamics, ...] = ("pp", "p", "mp", "mf", "f", "ff")

_METERS: dict[str, dict[str, float]] = {
    "baroque": {"4/4": 3, "3/4": 2, "2/2": 1, "3/8": 1, "12/8": 1, "6/8": 0.7, "2/4": 0.4, "9/8": 0.2},
    "classical": {"4/4": 3, "3/4": 2.5, "2/4": 2, "6/8": 1.5, "2/2": 1, "3/8": 0.6},
    "romantic": {"4/4": 3, "3/4": 2.5, "6/8": 2, "12/8": 0.8, "9/8": 0.8, "2/4": 1, "2/2": 0.5},
    "modern": {"4/4": 3, "3/4": 2, "2/4": 1, "6/8": 1, "9/8": 0.7, "3/8": 0.5, "2/2": 0.7, "12/8": 0.5},
}
_TEXTURES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # Calm, moderate, agitated.
    "baroque": (
        ("chorale", "contrapuntal", "broken-chord"),
        ("contrapuntal", "contrapuntal", "broken-chord"),
        ("contrapuntal", "broken-chord", "homophonic"),
    ),
    "classical": (
        ("alberti", "chorale", "homophonic"),
        ("alberti", "homophonic", "alberti"),
        ("alberti", "homophonic", "broken-chord"),
    ),
    "romantic": (
        ("nocturne", "chorale", "nocturne"),
        ("nocturne", "broken-chord", "homophonic"),
        ("broken-chord", "homophonic", "nocturne"),
    ),
    "modern": (
        ("broken-chord", "chorale", "nocturne"),
        ("homophonic", "broken-chord", "contrapuntal"),
        ("homophonic", "contrapuntal", "broken-chord"),
    ),
}
_SECONDS_A_CHORD = {"baroque": 1.2, "classical": 1.9, "romantic": 2.1, "modern": 1.7}


@dataclass(frozen=True)
class Manner:
    """How a piece goes. ``density`` is melody notes to a beat, ``chord_seconds`` how long a chord usually lasts."""

    key: Key
    tempo: float
    meter: Meter
    form: str
    period: Period
    density: float
    dotted: float
    chord_seconds: float
    textures: tuple[str, ...]
    loudness: int
    humanize: Humanize
    instrumentation: str
    character: str

    @property
    def bar_seconds(self) -> float:
        """The length of a bar in seconds."""
        return self.meter.bar_quarters * 60 / self.tempo

    @property
    def phrase_scale(self) -> int:
        """2 where bars are so short that two make one (and in broad romantic phrases), else 1."""
        return 2 if self.bar_seconds < (1.75 if self.period == "romantic" else 1.3) else 1

    def dynamics(self, change: int = 0) -> Dynamics:
        """The marking ``change`` steps from the piece's own level."""
        return DYNAMICS[min(len(DYNAMICS) - 1, max(0, self.loudness + change))]


def manner_of(request: Request, rng: random.Random) -> Manner:
    """Everything that the request leaves open, decided by its mood and period; what it says is kept."""
    any_period: Period = rng.choice(("classical", "romantic", "baroque", "modern"))
    period = request.period or any_period
    form = request.form or _form(request, rng)
    meter = meter_of(request.time_signature or _meter(request, period, form, rng))
    key = request.tonality or _key(request, rng)
    tempo = request.tempo or _tempo(request, period, form, meter, rng)
    beat_seconds = meter.beat / DIVISIONS * 60 / tempo
    per_second = 0.95 + 2.5 * request.arousal
    density = min(4.0 if meter.compound else 3.2, max(0.6, per_second * beat_seconds))
    level = 0 if request.arousal < 0.3 else 1 if request.arousal < 0.65 else 2
    textures = _TEXTURES[period][level]
    if meter.numerator in (3, 6, 9) and period in {"romantic", "classical"} and level:
        textures = ("waltz", *textures) if period == "romantic" or form == "minuet-trio" else (*textures, "waltz")
    loudness = round(1 + 3.2 * request.arousal + 0.4 * request.valence)
    return Manner(
        key=key,
        tempo=tempo,
        meter=meter,
        form=form,
        period=period,
        density=density,
        dotted=2.2 if period == "baroque" and request.arousal > 0.5 else 1.0,
        chord_seconds=_SECONDS_A_CHORD[period] * (1.25 - 0.5 * request.arousal),
        textures=textures,
        loudness=min(4, max(0, loudness)),
        humanize=request.humanize or _humanize(request, period),
        instrumentation=request.instrumentation or ("harpsichord" if period == "baroque" else "piano"),
        character=character(request.valence, request.arousal),
    )


def character(valence: float, arousal: float) -> str:
    """Two words for a mood: how bright, how stirred."""
    bright = "tragic" if valence < -0.6 else "melancholic" if valence < -0.2 else "pensive"
    if valence > 0.05:
        bright = "warm" if valence < 0.35 else "bright" if valence < 0.7 else "radiant"
    stirred = "still" if arousal < 0.15 else "calm" if arousal < 0.4 else "flowing"
    if arousal > 0.6:
        stirred = "lively" if arousal < 0.8 else "agitated" if valence < 0 else "exuberant"
    return f"{bright} and {stirred}"


def _form(request: Request, rng: random.Random) -> str:
    if request.duration < 45:
        return rng.choice(("binary", "rounded-binary", "ABA"))
    if request.duration < 90:
        return rng.choice(("ABA", "rounded-binary", "minuet-trio", "theme-variation", "binary"))
    return rng.choice(("ABA", "rondo", "sonata", "theme-variation", "minuet-trio"))


def _meter(request: Request, period: str, form: str, rng: random.Random) -> TimeSignature:
    if form == "minuet-trio":
        return "3/4"
    table = dict(_METERS[period])
    if request.arousal < 0.3:
        table["12/8"] = table.get("12/8", 0) + 0.5
        table["2/4"] = table.get("2/4", 0) * 0.4
    names = list(table)
    return cast(TimeSignature, rng.choices(names, [table[name] for name in names])[0])


def _key(request: Request, rng: random.Random) -> Key:
    if request.valence > 0.2:
        mode: Mode = "major"
    elif request.valence < -0.1:
        mode = "minor"
    else:
        mode = rng.choice(("major", "minor"))
    # Sharper keys for brighter moods: a convention, and variety for the ear.
    lean = round(2.2 * request.valence if mode == "major" else 1.5 * request.valence)
    signature = max(-5, min(5, lean + rng.choice((-2, -1, -1, 0, 0, 1, 1, 2))))
    return make_key(signature + (3 if mode == "minor" else 0), mode)


def _tempo(request: Request, period: str, form: str, meter: Meter, rng: random.Random) -> float:
    beats = 60 + 84 * request.arousal + 10 * request.valence + rng.uniform(-5, 5)
    if form == "minuet-trio":
        beats = 96 + 36 * request.arousal
    if period == "baroque":
        beats = 0.9 * beats + 8
    if meter.denominator == 2:
        beats *= 0.72  # half notes
    elif meter.compound:
        beats *= 0.62  # dotted quarters
    elif meter.denominator == 8:
        beats *= 1.7  # eighths
    return float(min(200, max(44, round(beats * meter.beat / DIVISIONS))))


def _humanize(request: Request, period: str) -> Humanize:
    rubato = {"baroque": "none", "classical": "subtle", "romantic": "expressive", "modern": "subtle"}[period]
    return Humanize.model_validate(
        {
            "rubato": rubato,
            "velocityCurve": "phrase",
            "peakBoost": round(0.15 + 0.3 * request.arousal, 2),
            "phraseEndSoftness": round(0.5 - 0.3 * request.arousal, 2),
        }
    )
