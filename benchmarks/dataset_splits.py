"""How fast all near-duplicates among 100,000 different pieces are found, and how fast the pieces are split."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np

from workbench.core.compose import compose
from workbench.core.datasets.building.splits import assign
from workbench.core.datasets.recipes import Ratios
from workbench.core.library.likeness import Fingerprint, Runs, fingerprint
from workbench.core.library.likeness_join import near_pairs
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.request import Request

COUNT, COMPOSED, PLANS, PLANTED = 100_000, 300, 2000, 1000


def _phrases() -> list[Runs]:
    """The runs of each phrase of composed pieces, phrase by phrase."""
    styles = list(product(FORM_IDS, PERIODS))
    phrases: list[Runs] = []
    for seed in range(COMPOSED):
        form, period = styles[seed % len(styles)]
        piece = compose(Request(form=form, period=period, duration=60, valence=seed % 7 / 3 - 1, seed=seed))
        for section in piece.sections:
            for phrase in section.phrases or ():
                one = section.model_copy(update={"phrases": (phrase,)})
                phrases.append(fingerprint(piece.model_copy(update={"sections": (one,)})).runs)
    return [phrase for phrase in phrases if len(phrase) > 3]


@cache
def _pieces() -> tuple[Fingerprint, ...]:
    """Pieces of 3 to 17 phrases, each like some others by a fifth to two thirds, and a few with one phrase changed."""
    rng = np.random.default_rng(1)
    phrases = _phrases()
    plans = [rng.integers(len(phrases), size=rng.integers(3, 18)) for _ in range(PLANS)]
    made: list[Runs] = []
    while len(made) < COUNT - PLANTED:
        plan = plans[rng.integers(PLANS)].copy()
        other = rng.random(len(plan)) < rng.uniform(0.2, 0.7)
        plan[other] = rng.integers(len(phrases), size=other.sum())
        made.append(np.unique(np.concatenate([phrases[at] for at in plan])))
    for at in rng.integers(len(made), size=PLANTED):
        made.append(made[at][rng.random(len(made[at])) > 0.05])
    return tuple(Fingerprint(runs, "C major") for runs in made)


def _near_duplicates() -> object:
    found = near_pairs(_pieces())
    assert (found.other >= COUNT - PLANTED).sum() >= PLANTED
    return found


@cache
def _strata() -> dict[str, str]:
    words = ["|".join(each) for each in product(FORM_IDS, PERIODS, ("major", "minor"))]
    return {f"examples/{number:06}": words[number * 7919 % len(words)] for number in range(COUNT)}


def _split() -> object:
    sides = assign({id: id for id in _strata()}, Ratios(), 0, strata=_strata())
    assert abs(sum(side == "test" for side in sides.values()) - COUNT // 10) <= 1
    return sides


def benchmarks() -> list[tuple[str, Callable[[], object], float]]:
    """What is measured, how, and the target in seconds. The pieces are made when they are first asked for."""
    return [
        (f"all near-duplicates among {COUNT:,}", _near_duplicates, 60.0),
        (f"{COUNT:,} sources split by form, period and mode", _split, 5.0),
    ]
