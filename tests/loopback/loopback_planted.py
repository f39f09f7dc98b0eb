"""A planted difference: models that compose alike but break a known share of the cadences, for comparisons to find.

Whether a section's cadence is broken depends on nothing but the model, the request and the section, as if by lot: the
share is that of the lot, and what a run finds scatters about it as any sample does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from loopback_pieces import asked, piece, schema_of, written

AWAY = {"major": "IV", "minor": "iv"}
"""What stands in place of the chord of arrival: no cadence ends there."""


class Planted:
    """An ``answer`` for the loopback server. ``shares`` says by model what share of the section cadences it breaks.

    Told what was wrong, a model does it right.
    """

    def __init__(self, shares: Mapping[str, float]) -> None:
        self.shares = shares

    def __call__(self, body: dict[str, Any]) -> str:
        """The answer's text."""
        request = asked(body)
        structure = piece(request, body.get("seed") or 0)
        if not any(message["role"] == "assistant" for message in body["messages"]):
            structure = broken(structure, request, str(body["model"]), self.shares[body["model"]])
        return written(structure, schema_of(body))


def broken(structure: Mapping[str, Any], request: str, model: str, share: float) -> dict[str, Any]:
    """A structure in which that share of the sections, in the long run, does not reach its cadence."""
    sections = [
        _missed(section) if lot(f"{model}\n{request}\n{number}") < share else section
        for number, section in enumerate(structure["sections"])
    ]
    return {**structure, "sections": sections}


def lot(text: str) -> float:
    """A number from 0 to 1 that is the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def _missed(section: Mapping[str, Any]) -> dict[str, Any]:
    """The section with another chord at its end; the cadence is still claimed."""
    away = AWAY["minor" if section["key"].endswith("minor") else "major"]
    phrases = list(section.get("phrases") or ())
    if phrases and phrases[-1].get("chords"):
        phrases[-1] = {**phrases[-1], "chords": [*phrases[-1]["chords"][:-1], away]}
    whole = {**section, "chordProgression": [*section["chordProgression"][:-1], away]}
    return {**whole, "phrases": phrases} if phrases else whole
