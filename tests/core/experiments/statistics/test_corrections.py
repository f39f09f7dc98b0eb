"""Corrections are those of Holm, and of Benjamini and Hochberg."""

from __future__ import annotations

import pytest

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.statistics.corrections import corrected

INFARCTION = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590,
    1.0,
]  # fmt: skip
"""15 endpoints of a trial of thrombolysis: Benjamini and Hochberg 1995, sec. 4.1."""


def test_holms_steps() -> None:
    """0.005 times 4, 0.01 times 3, 0.03 times 2, 0.04, and never less than the one before."""
    assert corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_benjamini_and_hochberg_find_four_where_holm_finds_three() -> None:
    found = corrected(INFARCTION, "benjamini-hochberg")
    assert sum(p is not None and p <= 0.05 for p in found) == 4
    assert sum(p is not None and p <= 0.05 for p in corrected(INFARCTION, "holm")) == 3


def test_what_was_not_tested_counts_nowhere() -> None:
    assert corrected([None, 0.02, None]) == (None, 0.02, None)
    assert corrected([None]) == (None,)
    assert corrected([]) == ()
    assert corrected([0.04, 0.04], "none") == (0.04, 0.04)


def test_what_is_no_p_or_no_correction_is_refused() -> None:
    for bad in (1.5, -0.1, float("nan")):
        with pytest.raises(InvalidInputError):
            corrected([bad])
    with pytest.raises(InvalidInputError, match="holm"):
        corrected([0.1], "bonferroni")  # type: ignore[arg-type]
