"""One line says what all comparisons by a metric come to."""

from __future__ import annotations

from workbench.core.experiments.reports.sentences import standing_words
from workbench.core.experiments.statistics.averages import Better
from workbench.core.experiments.statistics.verdicts import Comparison, Measure, compare_all

COUNT = 40


def compared(better: Better = "higher", **variants: float) -> tuple[Comparison, ...]:
    """Comparisons of variants with so high a share of yes among the same requests."""
    table = {name: {"m": {str(at): [at < share * COUNT] for at in range(COUNT)}} for name, share in variants.items()}
    return compare_all(table, [Measure("m", "rate", better)]).comparisons


def test_who_is_better_than_whom_stands_first_and_who_is_alike_after() -> None:
    assert standing_words(compared(base=0.9, twin=0.9, tuned=0.2)) == (
        "base and twin are better than tuned. No difference was found between base and twin."
    )
    assert standing_words(compared(a=0.9, b=0.5, c=0.1)) == "a is better than b and c. b is better than c."
    assert standing_words(compared("lower", a=0.9, b=0.1)) == "b is better than a."


def test_where_neither_is_better_one_is_higher() -> None:
    assert standing_words(compared("", a=0.1, b=0.9)) == "b is higher than a."


def test_what_is_open_is_said() -> None:
    assert standing_words(compared(a=0.5, b=0.5, c=0.5)) == "No difference was found between any two."
    assert standing_words(compared(a=0.5, b=0.36)) == "What is seen between a and b may be noise."
    assert (
        standing_words(compared(a=0.5, b=0.5, c=0.36))
    ) == "What is seen between a or b and c may be noise. No difference was found between a and b."
    assert standing_words(compared(a=0.9, b=0.9, c=0.9, d=0.1)) == (
        "a, b and c are better than d. Otherwise no difference was found."
    )
    assert standing_words(()) == ""
