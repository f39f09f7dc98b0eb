"""What is stored of the reference set is what its pieces are made of."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from workbench.core.experiments.metrics import Context
from workbench.core.experiments.metrics.histograms import distance


def test_the_stored_counts_are_those_of_the_library() -> None:
    from scripts.reference_counts import FILE, counts

    stored, now = json.loads(FILE.read_text("utf-8")), counts()
    for name in ("intervals", "lengths"):
        np.testing.assert_allclose(
            stored[name], now[name], rtol=1e-12, err_msg="run: python -m scripts.reference_counts"
        )
    intervals, lengths = Context().expected
    assert (intervals.tolist(), lengths.tolist()) == (stored["intervals"], stored["lengths"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 0, 3], [2, 5, 0]),
        ([1, 1], [1, 1]),
        ([1, 0], [0, 9]),
        ([0.1, 0.2, 0.7], [1e9, 1, 1]),
        ([0, 7, 0], [0, 7, 1]),
    ],
)
def test_the_distance_is_that_of_jensen_and_shannon(one: list[float], other: list[float]) -> None:
    found = distance(np.array(one, dtype=float), np.array(other, dtype=float))
    assert found == pytest.approx(float(jensenshannon(one, other, base=2)), abs=1e-7)
    assert found is not None
    assert 0.0 <= found <= 1.0


def test_nothing_is_at_no_distance() -> None:
    assert distance(np.zeros(3), np.ones(3)) is None
