from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
import pytest

from workbench.core.experiments.ratings.ranking import by_criterion, gains, rank, words
from workbench.core.experiments.ratings.ratings import Pair, Rating, Verdict
from workbench.core.experiments.ratings.strengths import TIE, A, B, Judged, fit

AT = datetime(2026, 8, 1, tzinfo=UTC)

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
HOME = (
    ((0, 0), (4, 3), (4, 2), (4, 3), (6, 1), (4, 2), (6, 0)),
    ((3, 3), (0, 0), (4, 2), (4, 3), (6, 0), (6, 1), (4, 3)),
    ((2, 5), (4, 3), (0, 0), (2, 4), (4, 3), (4, 2), (6, 0)),
    ((3, 3), (5, 1), (2, 5), (0, 0), (4, 3), (4, 2), (6, 1)),
    ((5, 1), (2, 5), (3, 3), (4, 2), (0, 0), (5, 2), (6, 0)),
    ((2, 5), (3, 3), (3, 4), (4, 3), (4, 2), (0, 0), (2, 4)),
    ((2, 5), (1, 5), (1, 6), (2, 4), (1, 6), (3, 4), (0, 0)),
)
"""Agresti (2002), Categorical Data Analysis, table 10.10: the American League of 1987, won and lost at home."""

PUDDING = """
    1 2 19 22 16   1 3 16 19 12   2 3 19 19 10   1 4 18 23 13   2 4 23 19 9    3 4 19 20 15   1 5 13 19 18
    2 5 16 20 12   3 5 16 15 17   4 5 17 14 16   1 6 18 21 12   2 6 22 20 12   3 6 13 18 10   4 6 14 19 18
    5 6 11 21 12
"""
"""Davidson (1970), JASA 65, example 2: two brands of chocolate pudding, and how many preferred each, or neither."""


def season() -> list[Judged]:
    games = [
        (TEAMS[home], TEAMS[away], outcome)
        for home, row in enumerate(HOME)
        for away, (won, lost) in enumerate(row)
        for outcome in [A] * won + [B] * lost
    ]
    return [Judged(*game, str(number)) for number, game in enumerate(games)]


def tasting() -> list[Judged]:
    numbers = PUDDING.split()
    rows: list[Judged] = []
    for at in range(0, len(numbers), 5):
        one, two, *counts = numbers[at : at + 5]
        for outcome, count in zip((A, B, TIE), counts, strict=True):
            rows += [Judged(one, two, outcome, f"{at} {outcome} {n}") for n in range(int(count))]
    return rows


def turned(rows: list[Judged]) -> list[Judged]:
    """Everything once more the other way round, so that no side is favoured; the information is doubled."""
    return [*rows, *(Judged(row.b, row.a, {A: B, B: A, TIE: TIE}[row.outcome], row.request) for row in rows)]


def rating(a: str, b: str, verdict: Verdict, request: str, rater: str = "Ada", number: int = 1) -> Rating:
    token = f"{rater} {request} {a} {b}"
    return Rating(Pair(token, rater, request, a, b, f"{a} {request}", f"{b} {request}", number), verdict, AT)


def simulated(
    rng: np.random.Generator, strengths: dict[str, float], count: int, *, side: float = 0.0, tie: float = -0.5,
    spread: float = 0.0, raters: int = 1,
) -> list[Rating]:  # fmt: skip
    """Ratings as the model has it; ``spread`` is that of a request's own part in a difference."""
    names = sorted(strengths)
    even = math.exp(tie)
    found = []
    for number, (x, y) in enumerate(rng.permuted(np.tile(names, (count, 1)), axis=1)[:, :2].tolist()):
        own = rng.normal(0, spread)
        for rater, (coin, lot) in enumerate(rng.random((raters, 2)).tolist()):
            a, b, z = (x, y, own) if coin < 0.5 else (y, x, -own)
            half = (strengths[a] - strengths[b] + z + side) / 2
            lot *= math.exp(half) + math.exp(-half) + even
            verdict: Verdict = "tie" if lot < even else "a" if lot < even + math.exp(half) else "b"
            found.append(rating(a, b, verdict, f"r{number}", f"rater {rater}"))
    return found


def test_the_strengths_of_the_baseball_teams_are_those_that_agresti_publishes() -> None:
    found = fit(season(), prior=math.inf)
    worth = np.exp(found.values[:7])
    shares = {team: round(float(share), 3) for team, share in zip(found.variants, worth / worth.sum(), strict=True)}
    assert [shares[team] for team in TEAMS] == [0.220, 0.190, 0.164, 0.157, 0.137, 0.088, 0.044]
    assert round(found.side().value, 3) == 0.302
    assert found.side().p < 0.05
    assert sum(found.values[:7]) == pytest.approx(0, abs=1e-9)
    for team in TEAMS[:-1]:
        error = math.sqrt(_variance(found.own, found.variants.index(team), found.variants.index("Baltimore")))
        assert round(error, 1) == 0.3  # "standard errors are about 0.3"


def _variance(covariance: np.ndarray, x: int, y: int) -> float:
    return float(covariance[x, x] + covariance[y, y] - 2 * covariance[x, y])


def test_without_the_home_advantage_it_is_agrestis_simpler_model() -> None:
    """Table 10.11, third column."""
    found = fit(turned(season()), prior=math.inf)
    assert found.side().value == pytest.approx(0, abs=1e-6)
    against = [found.difference(team, "Baltimore").value for team in TEAMS[:-1]]
    assert np.round(against, 2).tolist() == [1.58, 1.44, 1.29, 1.25, 1.11, 0.68]


def test_ties_are_davidsons() -> None:
    """The estimates are those of his paper, the standard errors those of the R package PlackettLuce."""
    found = fit(turned(tasting()), prior=math.inf)
    worth = np.exp(found.values[:6])
    assert worth / worth.sum() == pytest.approx([0.1388, 0.1730, 0.1617, 0.1654, 0.1587, 0.2024], abs=1e-4)
    assert math.exp(found.values[-1]) == pytest.approx(0.7468, abs=1e-4)
    errors = np.sqrt(2 * np.diag(found.own))  # everything was counted twice
    assert errors[:6] == pytest.approx([0.12195, 0.12182, 0.12682, 0.12200, 0.12705, 0.12659], abs=2e-5)
    assert errors[-1] == pytest.approx(0.0825, abs=2e-5)
    tied = rank([rating("x", "y", "tie", f"r{n}") for n in range(5)]).tied
    assert tied is not None
    assert tied.known
    assert tied.value is not None
    assert tied.value > 0.9


def test_the_prior_is_weak_yet_keeps_a_clean_sweep_finite() -> None:
    free, held = fit(season(), prior=math.inf), fit(season())
    assert np.abs(free.values - held.values).max() < 0.02
    sweep = rank([rating(*(("x", "y", "a") if n % 2 else ("y", "x", "b")), f"r{n}") for n in range(20)])
    duel = sweep.duels[0]
    assert (duel.first, duel.wins, duel.losses) == ("x", 20, 0)
    assert duel.differs
    assert 0.5 < duel.low < duel.chance < duel.high < 1


@pytest.mark.parametrize(("spread", "raters"), [(0.0, 1), (1.5, 3)], ids=["independent", "requests-that-differ"])
def test_intervals_cover_planted_strengths(spread: float, raters: int) -> None:
    """95 % intervals, in 120 experiments of 3 differences: between 91 and 99 % hold what was planted."""
    rng = np.random.default_rng(1)
    planted = {"base": -0.5, "few-shot": 0.0, "tuned": 0.5}
    # What differs from request to request flattens the average difference; a long run says by how much.
    truth = fit(_judged(simulated(rng, planted, 20_000, spread=spread)), prior=math.inf)
    held = 0
    for _ in range(120):
        found = fit(_judged(simulated(rng, planted, 90, spread=spread, raters=raters)))
        for x, y in (("tuned", "base"), ("tuned", "few-shot"), ("few-shot", "base")):
            estimate = found.difference(x, y)
            held += estimate.low <= truth.difference(x, y).value <= estimate.high
    assert 0.91 < held / 360 < 0.995


def _judged(ratings: list[Rating]) -> list[Judged]:
    outcomes = {"a": A, "b": B, "tie": TIE}
    return [Judged(each.pair.a, each.pair.b, outcomes[each.verdict], each.pair.request) for each in ratings]


def test_variants_as_good_as_each_other_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(2)
    equal = dict.fromkeys(("base", "few-shot", "tuned"), 0.0)
    wrong = 0
    for _ in range(100):
        found = fit(_judged(simulated(rng, equal, 60)))
        wrong += 3 * min(found.difference(x, y).p for x, y in combinations(equal, 2)) < 0.05  # Holm's first step
    assert wrong <= 10  # 5 % of 100, and chance


def test_a_side_that_raters_lean_to_is_found_and_does_not_move_the_ranking() -> None:
    rng = np.random.default_rng(3)
    planted = {"base": 0.0, "tuned": 1.0}
    found = rank(simulated(rng, planted, 500, side=0.8))
    assert found.side is not None
    assert found.side.matters
    assert found.side.advantage.low < 0.8 < found.side.advantage.high
    assert found.duels[0].difference.low < 1.0 < found.duels[0].difference.high
    assert any("lean to side A" in sentence for sentence in words(found))


def test_no_side_is_found_where_there_is_none() -> None:
    rng = np.random.default_rng(4)
    sides = [fit(_judged(simulated(rng, {"base": 0.0, "tuned": 1.0}, 80))).side() for _ in range(100)]
    assert sum(side.p < 0.05 for side in sides) <= 10
    assert 0 < sum(side.p < 0.5 for side in sides) < 75


def test_skips_and_repeats_count_for_nothing_and_both_bad_is_a_tie_that_is_told() -> None:
    plain = [rating("x", "y", "a", "r1"), rating("y", "x", "tie", "r2"), rating("x", "y", "b", "r3")]
    skipped = rating("x", "y", "skip", "r4")
    again = replace(plain[0], pair=replace(plain[0].pair, repeat=True))
    found, more = rank(plain), rank([*plain, skipped, again])
    assert (more.judged, more.skipped, more.repeated) == (3, 1, 1)
    assert more.duels == found.duels
    bad = rank([plain[0], replace(plain[1], verdict="both-bad"), plain[2]])
    assert bad.duels == found.duels
    assert [standing.bad.value for standing in bad.standings] == [pytest.approx(1 / 3)] * 2
    assert any("both were called bad in 33 % (95 % interval" in sentence for sentence in words(bad))


def test_a_difference_that_may_be_noise_is_called_so() -> None:
    said = words(rank([rating("x", "y", "a", "r1"), rating("x", "y", "b", "r2"), rating("y", "x", "b", "r3")]))
    assert "may be noise" in said[0]
    assert any("3 requests were rated" in sentence for sentence in said)
    assert words(rank([])) == ("Nothing has been rated yet.",)
    assert words(rank([rating("x", "y", "skip", "r1")])) == ("Nothing has been rated yet.",)


def test_what_no_ratings_link_is_not_compared() -> None:
    apart = [rating("u", "v", "a", f"r{n}") for n in range(12)] + [rating("x", "y", "a", f"s{n}") for n in range(12)]
    found = rank(apart)
    duel = next(duel for duel in found.duels if {duel.first, duel.second} == {"u", "y"})
    assert not duel.linked
    assert not duel.differs
    assert "“u” and “y” cannot be compared yet: no ratings link them." in words(found)
    unheard = rank(apart[:12], variants=("u", "v", "w"))
    assert not any(duel.differs for duel in unheard.duels if "w" in (duel.first, duel.second))
    assert [standing.variant for standing in unheard.standings] == ["u", "v"]


def test_criteria_are_ranked_by_themselves() -> None:
    ratings = [replace(rating("x", "y", "a", f"r{n}"), criteria={"structure": "b"}) for n in range(15)]
    found = by_criterion(ratings)
    assert list(found) == ["structure"]
    assert found["structure"].standings[0].variant == "y"
    assert rank(ratings).standings[0].variant == "x"
    assert by_criterion([replace(each, verdict="skip") for each in ratings]) == {}


def test_a_rating_tells_most_of_variants_that_were_heard_least() -> None:
    told = gains([rating("x", "y", "a", "r1"), rating("x", "y", "b", "r2")], ("x", "y", "z"))
    assert told["x", "y"] < min(told["x", "z"], told["y", "z"])
    nothing = gains([], ("x", "y", "z"))
    assert len({round(value, 9) for value in nothing.values()}) == 1
