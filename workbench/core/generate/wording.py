"""Small parts of sections and phrases: cadences, bars, transformations, plain texts."""

from __future__ import annotations

from typing import Any

from workbench.core.generate.fields import Work, read_text
from workbench.core.generate.spellings import (
    CADENCES,
    NO_CADENCE,
    TRANSFORMATIONS,
    plain,
)
from workbench.core.generate.values import read_count, read_word, unwrapped
from workbench.core.music.cadences import CADENCE_TYPES
from workbench.core.music.motifs import TRANSFORMATIONS as TRANSFORMATION_NAMES
from workbench.core.music.structure import MAX_SECTION_MEASURES

MAX_NAME = 120


def read_cadence(raw: Any, path: str, work: Work) -> str | None:
    """A cadence type, None for none."""
    if raw is None or (isinstance(raw, str) and raw in CADENCE_TYPES):
        return raw
    inner = unwrapped(raw, "type", "cadence", "final", "end")
    if isinstance(inner, str) and plain(inner) in NO_CADENCE:
        work.log.add(path, "cadence.none", raw, None, "No cadence is written by leaving the field out.")
        return None
    found = read_word(inner, CADENCES)
    why = "Cadences are PAC, IAC, HC, DC, PC and PICARDY."
    work.log.add(path, "cadence.spelling" if found else "cadence.unreadable", raw, found, why)
    return found


def read_measures(raw: Any, path: str, work: Work) -> int | None:
    """A length in bars, 1 to 1,000; None where none can be read."""
    if type(raw) is int and 1 <= raw <= MAX_SECTION_MEASURES:
        return raw
    count = read_count(raw)
    if count is None:
        work.log.add(path, "measures.unreadable", raw, None, "Not a number of bars.")
        return None
    after = max(1, min(MAX_SECTION_MEASURES, count))
    why = "Measures are a whole number from 1 to 1,000."
    work.log.add(path, "measures.clamped" if after != count else "measures.spelling", raw, after, why)
    return after


def read_transformation(raw: Any, path: str, work: Work) -> str | None:
    """One of the transformations, None where none can be read."""
    if isinstance(raw, str) and raw in TRANSFORMATION_NAMES:
        return raw
    found = read_word(raw, TRANSFORMATIONS, "transformation")
    work.log.add(path, "transformation.spelling", raw, found, f"Transformations are {', '.join(TRANSFORMATION_NAMES)}.")
    return found


def read_texts(known: dict[str, Any], target: dict[str, Any], names: tuple[str, ...], path: str, work: Work) -> None:
    """Copy the texts among ``names`` to ``target``, each at most a name long."""
    for name in names:
        if known.get(name) is not None:
            text = read_text(known[name], MAX_NAME, f"{path}/{name}", work.log)
            if text is not None:
                target[name] = text
