"""What is drawn for many metrics at once gives each what it would have had alone."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from scipy.stats import bootstrap, monte_carlo_test

from workbench.core.experiments.statistics.intervals import mean_interval, prepare_means
from workbench.core.experiments.statistics.paired import paired, prepare, sign_flip
from workbench.core.experiments.statistics.resampling import SEED, bootstrap_ends, flip_chances, forget_drawn


def many(count: int) -> list[list[float]]:
    """Numbers of several kinds: around 0, counts, few values, large ones."""
    random = Random(count)
    kinds = (
        lambda: random.gauss(0.1, 1), lambda: float(random.randint(0, 3)), lambda: random.choice([0.1, 0.2, -0.3]),
        lambda: random.random() * 1e9,
    )  # fmt: skip
    return [[kind() for _ in range(count)] for kind in kinds]


@pytest.mark.parametrize("count", [20, 150, 1_200])
def test_intervals_are_the_same_alone_and_among_others(count: int) -> None:
    numbers = many(count)
    forget_drawn()
    alone = []
    for each in numbers:
        alone.append(mean_interval(each))
        forget_drawn()
    prepare_means([*numbers, numbers[0], [1.0], [2.0] * count])
    assert [mean_interval(each) for each in numbers] == alone


@pytest.mark.parametrize("count", [20, 150, 1_200])
def test_chances_are_the_same_alone_and_among_others(count: int) -> None:
    pairs = [
        paired({str(at): [value] for at, value in enumerate(each)}, {str(at): [0.15] for at in range(count)}, "number")
        for each in many(count)
    ]
    forget_drawn()
    alone = []
    for each in pairs:
        alone.append(sign_flip(each.differences))
        forget_drawn()
    prepare(pairs)
    assert [sign_flip(each.differences) for each in pairs] == alone
    assert 0 < alone[0] < 1


def test_intervals_are_those_of_scipy() -> None:
    for each in many(300)[:2]:
        low, high, method = bootstrap_ends([each], 0.95)[0]
        theirs = bootstrap(
            (np.array(each),), np.mean, n_resamples=9_999, rng=np.random.default_rng(SEED)
        ).confidence_interval
        assert method == "BCa"
        assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.03 * float(np.std(each)))


def test_chances_are_those_of_scipy() -> None:
    numbers = np.array(many(60)[0])
    random = np.random.default_rng(1)

    def flipped(size: tuple[int, ...]) -> np.ndarray:  # type: ignore[type-arg]
        return (random.integers(0, 2, size) * 2 - 1) * numbers

    theirs = monte_carlo_test(
        numbers, flipped, lambda some, axis: abs(some.mean(axis=axis)), alternative="greater", n_resamples=19_999
    )
    assert flip_chances([numbers.tolist()])[0] == pytest.approx(theirs.pvalue, abs=0.015)


def test_an_end_that_is_nothing_but_rounding_is_0() -> None:
    thirds = [0.1, 0.2, -0.3] * 12
    seen = mean_interval([*thirds, *[0.0] * 400])
    assert seen.value == pytest.approx(0, abs=1e-15)
    assert seen.low is not None
    assert seen.low <= 0
