"""Marks: what a cell of a table says beside its number, as a shape and in words, never by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from workbench.core.experiments.statistics.verdicts import Comparison, Verdict

Shape = Literal["▲", "▼", "◆", "↑", "↓", "=", "·", ""]
"""Better, worse, between others, higher and lower where neither is better, no difference found, may be noise or too
few to tell, and nothing to compare with."""
LEGEND: dict[Shape, str] = {
    "▲": "better", "▼": "worse", "◆": "better than some and worse than others", "↑": "higher", "↓": "lower",
    "=": "no difference found", "·": "may be noise, or too few to tell",
}  # fmt: skip
_TURNED: dict[Verdict, Verdict] = {"better": "worse", "worse": "better", "higher": "lower", "lower": "higher"}
_WORDS: dict[Verdict, str] = {
    "better": "better than", "worse": "worse than", "higher": "higher than", "lower": "lower than",
    "noise": "may be noise against", "none": "no difference found to", "few": "too few to tell against",
}  # fmt: skip
_FOUND: dict[Verdict, Shape] = {"better": "▲", "worse": "▼", "higher": "↑", "lower": "↓"}


@dataclass(frozen=True)
class Mark:
    """A shape and what it stands for."""

    shape: Shape = ""
    words: str = ""


def mark_of(variant: str, comparisons: Iterable[Comparison]) -> Mark:
    """What comparisons of one metric say of a variant: ``▲ better than base; may be noise against other``."""
    others: dict[Verdict, list[str]] = {}
    for other, verdict in _seen_from(variant, comparisons):
        others.setdefault(verdict, []).append(other)
    if not others:
        return Mark()
    words = "; ".join(f"{_WORDS[each]} {', '.join(others[each])}" for each in _WORDS if each in others)
    return Mark(_shape(set(others)), words)


def brief_words(variant: str, comparisons: Iterable[Comparison]) -> str:
    """The same where many were compared with, counted: ``better than 7; no difference found to 12``."""
    others = [verdict for _, verdict in _seen_from(variant, comparisons)]
    return "; ".join(f"{_WORDS[each]} {others.count(each)}" for each in _WORDS if each in others)


def verdict_on(variant: str, comparison: Comparison) -> Verdict:
    """The verdict on one of the two that were compared."""
    verdict = comparison.verdict
    return verdict if variant == comparison.b else _TURNED.get(verdict, verdict)


def _seen_from(variant: str, comparisons: Iterable[Comparison]) -> Iterator[tuple[str, Verdict]]:
    for each in comparisons:
        if variant in (each.a, each.b):
            yield (each.a if variant == each.b else each.b), verdict_on(variant, each)


def _shape(verdicts: set[Verdict]) -> Shape:
    found = [_FOUND[each] for each in _FOUND if each in verdicts]
    if found:
        return found[0] if len(found) == 1 else "◆"
    return "=" if verdicts == {"none"} else "·"
