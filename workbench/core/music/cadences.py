"""Cadence types and what each demands (Caplin 1998, ch. 2 and 4; Aldwell, Schachter and Cadwallader 2011)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CadenceType = Literal["PAC", "IAC", "HC", "DC", "PC", "PICARDY"]
CADENCE_TYPES: tuple[CadenceType, ...] = ("PAC", "IAC", "HC", "DC", "PC", "PICARDY")


@dataclass(frozen=True)
class Cadence:
    """One cadence type: its names, what it demands, and how strongly it closes (0 open, 1 closed)."""

    type: CadenceType
    name: str
    meaning: str
    strength: float
    symbol: str


CADENCES: dict[CadenceType, Cadence] = {
    cadence.type: cadence
    for cadence in (
        Cadence("PAC", "perfect authentic cadence", "V or V7 to I, both in root position, the tune on 1.", 1.0, "PAC"),
        Cadence(
            "IAC", "imperfect authentic cadence", "V to I with the tune on 3 or 5, or a chord inverted.", 0.7, "IAC"
        ),
        Cadence("HC", "half cadence", "The phrase comes to rest on V in root position.", 0.4, "HC"),
        Cadence("DC", "deceptive cadence", "V to vi (VI in minor) where the tonic was due.", 0.2, "DC"),
        Cadence("PC", "plagal cadence", "IV to I, after the real close.", 0.6, "PC"),
        Cadence("PICARDY", "Picardy third", "An authentic close on the major tonic in a minor key.", 1.0, "PIC"),
    )
}


def strength(cadence: str | None) -> float:
    """How strongly a cadence closes, 0 for none."""
    return CADENCES[cadence].strength if cadence in CADENCES else 0.0
