"""Single values are told in words, and which of two is better, in shape and words."""

from __future__ import annotations

import math

import pytest

from workbench.core.experiments.reports.values import NONE, column_named, gap_words, value_words
from workbench.core.experiments.samples import Value


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("valid-before-repair", True, "yes"), ("valid-before-repair", 0.0, "no"), ("valid-before-repair", None, NONE),
        ("latency", math.nan, NONE), ("latency", 1.25, "1.25 s"), ("plan-cadences", 0.845, "84.50 %"),
        ("errors", 3.0, "3"), ("somebody-elses", 0.5, "0.50"),
    ],
)  # fmt: skip
def test_a_value_is_told_in_the_metrics_own_way(metric: str, value: Value, words: str) -> None:
    assert value_words(value, column_named(metric)) == words


@pytest.mark.parametrize(
    ("metric", "a", "b", "told"),
    [
        ("valid-before-repair", True, False, ("▼", "B is worse")),
        ("valid-before-repair", 0.0, 1.0, ("▲", "B is better")),
        ("latency", 3.0, 2.0, ("▲", "B is better by 1.00 s")),
        ("errors", 0, 2, ("▼", "B is worse by 2")),
        ("plan-cadences", 1.0, 0.25, ("▼", "B is worse by 75.00 points")),
        ("pitch-entropy", 2.0, 2.5, ("↑", "B is higher by 0.50 bits")),
        ("latency", 2.0, 2.0, ("=", "the same")),
        ("latency", None, 2.0, ("", "")),
        ("latency", 2.0, math.nan, ("", "")),
    ],
)  # fmt: skip
def test_which_of_two_is_better_is_said(metric: str, a: Value, b: Value, told: tuple[str, str]) -> None:
    assert gap_words(a, b, column_named(metric)) == told
