"""Time signatures, metrical weight, and exact musical time.

Time inside a score is counted in whole *divisions*, 3,360 to the quarter, which holds every note from a 64th to a
quintuplet or septuplet without rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

DIVISIONS = 3360
"""Divisions in one quarter."""

TimeSignature = Literal["2/4", "3/4", "4/4", "2/2", "3/8", "6/8", "9/8", "12/8"]
TIME_SIGNATURES: tuple[TimeSignature, ...] = ("2/4", "3/4", "4/4", "2/2", "3/8", "6/8", "9/8", "12/8")


@dataclass(frozen=True, eq=False)
class Meter:
    """A time signature, one object for each name.

    ``bar`` and ``beat`` are lengths in divisions, ``beats`` the number of felt beats in a bar.
    """

    name: TimeSignature
    numerator: int
    denominator: int
    bar: int
    beat: int
    beats: int
    compound: bool

    @property
    def bar_quarters(self) -> float:
        """The length of a bar in quarters."""
        return self.bar / DIVISIONS

    def weight(self, position: int) -> float:
        """Metrical weight of a position in the bar (divisions from the downbeat): 1 downbeat, down to 0.1."""
        return _weights(self).get(position % self.bar, 0.1)


@lru_cache(maxsize=16)
def _weights(meter: Meter) -> dict[int, float]:
    pulse = meter.beat // (3 if meter.compound else 2)
    weights = dict.fromkeys(range(0, meter.bar, pulse), 0.25)
    weights |= dict.fromkeys(range(0, meter.bar, meter.beat), 0.5)
    if meter.beats == 4:
        weights[meter.bar // 2] = 0.75
    weights[0] = 1.0
    return weights


@lru_cache(maxsize=16)
def meter_of(name: str) -> Meter:
    """The meter of a time signature's name.

    3/8 is felt in one and counted as three eighths; 6/8, 9/8 and 12/8 in dotted quarters.
    """
    numerator, denominator = (int(part) for part in name.split("/"))
    unit = DIVISIONS * 4 // denominator
    compound = denominator == 8 and numerator > 3
    beat = unit * 3 if compound else unit
    return Meter(name, numerator, denominator, unit * numerator, beat, unit * numerator // beat, compound)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def divisions(quarters: float) -> int:
    """A length in quarters as whole divisions; 0.33, 0.333 and 0.6667 are taken for the triplets they mean."""
    return round(Fraction(quarters).limit_denominator(32) * DIVISIONS)


def quarters(length: int) -> Fraction:
    """A length in divisions as exact quarters."""
    return Fraction(length, DIVISIONS)


def plain_quarters(length: int) -> float | int:
    """A length in divisions as the plainest JSON number: 2, 0.5, 0.333333."""
    exact = quarters(length)
    return exact.numerator if exact.denominator == 1 else round(float(exact), 6)
