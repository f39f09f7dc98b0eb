"""What all comparisons by one metric come to, in a line without numbers: who is better than whom, and what is open."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.experiments.reports.marks import verdict_on
from workbench.core.experiments.statistics.verdicts import Comparison, Verdict

_AHEAD: tuple[Verdict, ...] = ("better", "higher")
_OPEN: dict[Verdict, str] = {
    "noise": "What is seen between {} may be noise", "few": "There are too few requests to tell between {}",
}  # fmt: skip


def standing_words(comparisons: Sequence[Comparison]) -> str:
    """``base and twin are better than tuned. No difference was found between base and twin.``; empty for none."""
    variants = list(dict.fromkeys(name for each in comparisons for name in (each.a, each.b)))
    ahead: dict[tuple[Verdict, tuple[str, ...]], list[str]] = {}
    for variant in variants:
        own = [each for each in comparisons if variant in (each.a, each.b)]
        for word in _AHEAD:
            beaten = tuple(_other(each, variant) for each in own if verdict_on(variant, each) == word)
            if beaten:
                ahead.setdefault((word, beaten), []).append(variant)
    said = [
        f"{listed(who)} {'is' if len(who) == 1 else 'are'} {word} than {listed(beaten)}"
        for (word, beaten), who in ahead.items()
    ]
    for verdict, words in _OPEN.items():
        if pairs := [each for each in comparisons if each.verdict == verdict]:
            said.append(words.format(_pairs(pairs)))
    alike = [each for each in comparisons if each.verdict == "none"]
    if alike:
        many = "Otherwise no difference was found" if said else "No difference was found between any two"
        said.append(many if len(alike) > 1 else f"No difference was found between {_pairs(alike)}")
    return "".join(f"{each}. " for each in said).rstrip()


def listed(names: Sequence[str], word: str = "and") -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


def _other(comparison: Comparison, variant: str) -> str:
    return comparison.b if comparison.a == variant else comparison.a


def _pairs(comparisons: Sequence[Comparison]) -> str:
    """``base or twin and tiny; rules and adapt``: those with the same other side together."""
    others: dict[str, list[str]] = {}
    for each in comparisons:
        others.setdefault(each.b, []).append(each.a)
    sides: dict[tuple[str, ...], list[str]] = {}
    for b, some in others.items():
        sides.setdefault(tuple(some), []).append(b)
    return "; ".join(f"{listed(some, 'or')} and {listed(bs, 'or')}" for some, bs in sides.items())
