from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.ratings.agreement import agreement, reports, words
from workbench.core.experiments.ratings.preferences import preferred
from workbench.core.experiments.ratings.ratings import Pair, Rating, Verdict
from workbench.core.library.decisions import nominal_alpha

AT = datetime(2026, 8, 1, tzinfo=UTC)


def rating(request: str, rater: str, verdict: Verdict, *, turned: bool = False, repeat: bool = False) -> Rating:
    """What a rater said of pieces p (by x) and q (by y); ``turned`` has q as A."""
    sides = ("y", "x", "q", "p") if turned else ("x", "y", "p", "q")
    return Rating(Pair(f"{request} {rater} {turned}", rater, request, *sides, 1, repeat), verdict, AT, seconds=30.0)


def of(answers: dict[str, str]) -> list[Rating]:
    """Ratings of each request by raters 1, 2 …: p or q is a or b, t a tie, 0 both bad, - nothing."""
    verdicts: dict[str, Verdict] = {"p": "a", "q": "b", "t": "tie", "0": "both-bad"}
    return [
        rating(request, f"rater {number}", verdicts[answer])
        for request, said in answers.items()
        for number, answer in enumerate(said, 1)
        if answer != "-"
    ]


def test_alpha_is_krippendorffs() -> None:
    """Krippendorff (2011), "Computing Krippendorff's alpha-reliability", section C: 4 observers, 12 units, 0.743."""
    data = [
        [1, 1, None, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4],
        [1, 1, 2, 1], [2, 2, 2, 2], [None, 5, 5, 5], [None, None, 1, 1], [None, None, 3, None],
    ]  # fmt: skip
    table = [[unit.count(value) for value in range(1, 6)] for unit in data]
    assert nominal_alpha([row for row in table if sum(row) > 1]) == pytest.approx(0.743, abs=5e-4)
    assert nominal_alpha([[2, 0], [2, 0]]) == 1.0


def test_raters_who_say_the_same_agree_whichever_way_round_they_heard_it() -> None:
    said = [
        rating(f"r{n}", rater, "a" if turned == (n % 3 == 0) else "b", turned=turned)
        for n in range(12)
        for rater, turned in (("Ada", False), ("Grace", True))
    ]
    found = agreement(said)
    assert (found.pairs, found.raters) == (12, 2)
    assert found.alpha is not None
    assert found.same is not None
    assert (found.alpha.value, found.alpha.low, found.alpha.high) == (1.0, 1.0, 1.0)
    assert found.same.value == 1.0


def test_that_one_variant_always_wins_is_agreement_not_chance() -> None:
    found = agreement(of({f"r{n}": "pp" for n in range(20)} | {"r20": "pq"}))
    assert found.alpha is not None
    assert found.alpha.value == pytest.approx(1 - (1 / 21) / (42 / 83), abs=1e-9)  # coincidences both ways round
    assert "agree" in words(found)


def test_raters_who_guess_agree_by_chance_alone() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(20):
        found = agreement(of({f"r{n}": "".join(rng.choice(list("pq"), 2)) for n in range(40)}), resamples=200)
        assert found.alpha is not None
        assert found.alpha.low is not None
        assert found.alpha.high is not None
        held += found.alpha.low <= 0 <= found.alpha.high
    assert held >= 16


def test_tie_and_both_bad_are_different_answers_and_skips_are_none() -> None:
    said = of({f"r{n}": "t0" for n in range(10)})
    found = agreement(said)
    assert found.same is not None
    assert found.same.value == 0
    assert found.alpha is not None
    assert found.alpha.value is not None
    assert found.alpha.value < 0
    assert "That raters agree may be chance" in words(found)
    skipped = [replace(each, verdict="skip") for each in said if each.pair.rater == "rater 2"]
    assert agreement([*said[::2], *skipped]).pairs == 0


def test_few_pairs_get_no_interval_and_none_no_number() -> None:
    few = agreement(of({"r1": "pp", "r2": "pq"}))
    assert few.alpha is not None
    assert few.alpha.low is None
    assert words(few) == "Only 2 pairs judged by two raters or more: too few to tell how far they agree."
    alone = agreement(of({"r1": "p", "r2": "-q"}))
    assert (alone.alpha, alone.same, alone.pairs) == (None, None, 0)
    assert words(alone).startswith("No pair was judged by two raters yet")


def test_criteria_agree_by_themselves() -> None:
    said = [replace(each, criteria={"fits": "a"}) for each in of({f"r{n}": "pq" for n in range(12)})]
    assert agreement(said, criterion="fits").same != agreement(said).same
    assert agreement(said, criterion="structure").pairs == 0


def test_a_raters_report() -> None:
    said = [
        *of({"r1": "pp", "r2": "qp", "r3": "tt", "r4": "p"}), rating("r5", "rater 1", "skip"),
        rating("r1", "rater 1", "b", turned=True, repeat=True), rating("r2", "rater 1", "b", turned=True, repeat=True),
    ]  # fmt: skip
    one, two = reports(said)
    assert (one.rater, one.judged, one.skipped, one.repeats, one.seconds) == ("rater 1", 4, 1, 2, 30.0)
    assert (one.side_a.value, one.side_a.values) == (pytest.approx(2 / 3), 3)
    assert (one.consistent.value, one.consistent.values) == (0.5, 2)  # r1 again p, r2 now p instead of q
    assert (one.with_others.value, one.with_others.values) == (pytest.approx(2 / 3), 3)
    assert two.consistent.value is None
    assert reports([]) == ()


def test_what_most_raters_preferred_becomes_a_pair() -> None:
    said = of({"r1": "pp-", "r2": "qqt", "r3": "pq-", "r4": "pt-", "r5": "p--", "r6": "pp0", "r7": "tt-"})
    found = preferred(said)
    assert [(each.request, each.chosen, each.rejected) for each in found] == [("r1", "p", "q"), ("r2", "q", "p")]
    assert found[0].why == "2 of 2 raters preferred it, heard blind."
    assert found[1].why == "2 of 3 raters preferred it, heard blind; 1 heard no difference."
    assert [each.request for each in preferred(said, share=1.0)] == ["r1"]
    assert [each.request for each in preferred(said, raters=1)] == ["r1", "r2", "r5"]


def test_who_says_something_else_the_second_time_has_no_vote() -> None:
    said = of({"r1": "pp", "r2": "pp"})
    again = [rating("r1", "rater 1", "b", turned=True, repeat=True), rating("r2", "rater 1", "a", turned=True)]
    assert [each.request for each in preferred([*said, *again])] == ["r1"]


@pytest.mark.parametrize(("raters", "share"), [(0, 0.7), (2, 0.5), (2, 1.1), (2, float("nan"))])
def test_a_preference_needs_a_majority(raters: int, share: float) -> None:
    with pytest.raises(InvalidInputError):
        preferred([], raters=raters, share=share)
