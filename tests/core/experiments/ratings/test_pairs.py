from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import compose
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.ratings.pairs import (
    Contest,
    blind,
    new_secret,
    next_pair,
    pair_of,
    rate,
    unnamed,
)
from workbench.core.experiments.ratings.ratings import (
    CRITERIA,
    VERDICTS,
    Answer,
    Pair,
    Rating,
    read_answer,
    read_rater,
    read_rating,
)
from workbench.core.music.request import Request

AT = datetime(2026, 8, 1, 12, 30, tzinfo=UTC)
VARIANTS = ("adapt", "gpt-4.1 tuned", "openai base")


def contest(requests: int = 12, variants: tuple[str, ...] = VARIANTS, secret: bytes = b"s" * 32) -> Contest:
    pieces = {f"request {n}": {name: f"piece {n} of {name}" for name in variants} for n in range(requests)}
    return Contest("run-1", pieces, secret)


def rating(pair: Pair, verdict: str = "tie") -> Rating:
    return read_rating({"pair": pair.to_dict(), "verdict": verdict, "at": AT.isoformat()})


def session(over: Contest, count: int, raters: tuple[str, ...] = ("Ada",), **options: float) -> list[Rating]:
    """What raters are shown in turn, all of it a tie."""
    said: list[Rating] = []
    for _ in range(count):
        for rater in raters:
            pair = next_pair(over, said, rater, **options)  # type: ignore[arg-type]
            if pair is not None:
                said.append(rating(pair))
    return said


def test_nobody_hears_two_pieces_twice_and_the_pairs_come_to_an_end() -> None:
    said = session(contest(4), 40)
    assert len(said) == 4 * 3
    assert len({(each.pair.request, each.pair.pieces) for each in said}) == 12
    assert [each.pair.number for each in said] == list(range(1, 13))
    assert next_pair(contest(4), said, "Ada") is None
    assert next_pair(contest(4), said, "Grace") is not None


def test_pieces_that_are_the_same_are_no_pair() -> None:
    same = {"r1": {"x": "p", "y": "p", "z": "q"}, "r2": {"x": "p", "y": "p"}, "r3": {"x": "p"}}
    said = session(Contest("run", same, b"s" * 32), 9)
    assert [(each.pair.request, each.pair.pieces) for each in said] == [("r1", ("p", "q"))]


def test_pairs_are_even_over_variants_requests_and_sides() -> None:
    said = session(contest(12), 24)
    twos = Counter(each.pair.variants for each in said)
    assert set(twos.values()) == {8}
    assert max(Counter(each.pair.request for each in said).values()) == 2
    for name in VARIANTS:
        left = sum(each.pair.a == name for each in said)
        assert abs(left - (16 - left)) <= 6
    long = session(contest(40, ("x", "y")), 40)
    assert abs(sum(each.pair.a == "x" for each in long) - 20) <= 1
    assert len({each.pair.a for each in long[::2]}) == 2  # the sides do not just take turns


def test_what_is_known_is_asked_less() -> None:
    """A variant that always loses needs no more ratings; two that are close do."""
    over, said = contest(60), []
    for _ in range(60):
        pair = next_pair(over, said, "Ada", shared=0)
        assert pair is not None
        close = "adapt" not in pair.variants
        verdict = "ab"[pair.number % 2] if close else "b" if pair.a == "adapt" else "a"
        said.append(rating(pair, verdict))
    twos = Counter(each.pair.variants for each in said)
    assert twos["gpt-4.1 tuned", "openai base"] == max(twos.values())
    assert twos["gpt-4.1 tuned", "openai base"] > 24


def test_raters_share_pairs_in_an_order_of_their_own() -> None:
    said = session(contest(40), 30, ("Ada", "Grace"))
    units = {
        rater: [(each.pair.request, each.pair.pieces) for each in said if each.pair.rater == rater]
        for rater in ("Ada", "Grace")
    }
    assert 10 <= len(set(units["Ada"]) & set(units["Grace"])) <= 24
    assert units["Ada"][:5] != units["Grace"][:5]
    apart = session(contest(40), 30, ("Ada", "Grace"), shared=0)
    assert len({(each.pair.request, each.pair.pieces) for each in apart}) == 60


def test_the_same_ratings_give_the_same_pair_and_another_seed_another() -> None:
    said = session(contest(12), 5)
    assert next_pair(contest(12), said, "Ada") == next_pair(contest(12), list(said), "Ada")
    assert len({next_pair(contest(12), [], "Ada", seed=seed) for seed in range(8)}) > 3


def test_repeats_come_later_the_other_way_round_and_only_once() -> None:
    said = session(contest(30), 40, repeats=0.2)
    again = [each.pair for each in said if each.pair.repeat]
    assert 6 <= len(again) <= 8
    for pair in again:
        first = next(each.pair for each in said if each.pair.pieces == pair.pieces)
        assert (first.a, first.b) == (pair.b, pair.a)
        assert pair.number - first.number > 4
        assert first.token != pair.token
    assert max(Counter(each.pair.pieces for each in said).values()) == 2
    assert not any(each.pair.repeat for each in session(contest(30), 40))


def test_what_a_rater_sees_tells_nothing() -> None:
    over = contest()
    shown = [json.dumps(blind(over, each.pair).to_dict()) for each in session(over, 36)]
    for text in shown:
        for word in ("adapt", "gpt", "tuned", "openai", "base", "request", "piece", "run", "Ada"):
            assert word not in text
    tokens = [value for text in shown for value in json.loads(text).values() if isinstance(value, str)]
    assert len(set(tokens)) == len(tokens)  # not even that two sides are the same piece
    assert {len(token) for token in tokens} == {48, 32}
    assert b"s" * 32 not in repr(over).encode()


def test_tokens_hang_on_secret_rater_and_contest() -> None:
    pair = next_pair(contest(), [], "Ada")
    assert pair is not None
    for other in (contest(secret=b"t" * 32), Contest("run-2", contest().pieces, b"s" * 32)):
        with pytest.raises(InvalidInputError, match="no such pair"):
            pair_of(other, pair.token, "Ada")
    with pytest.raises(InvalidInputError, match="no such pair"):
        pair_of(contest(), pair.token, "Grace")
    assert len(new_secret()) == 32
    assert new_secret() != new_secret()


def test_an_answer_is_unblinded_once() -> None:
    over = contest()
    pair = next_pair(over, [], "Ada")
    assert pair is not None
    answer = read_answer({"token": pair.token, "verdict": "a", "criteria": {"fits": "b", "structure": None}})
    said = rate(over, answer, "Ada", [], at=AT)
    assert said.pair == pair
    assert (said.verdict, said.criteria, said.seconds) == ("a", {"fits": "b"}, 0.0)
    with pytest.raises(InvalidInputError, match="already"):
        rate(over, answer, "Ada", [said])


def test_the_unblinded_repeat_is_known_as_one() -> None:
    over = contest(30)
    said = session(over, 40, repeats=0.2)
    at = next(index for index, each in enumerate(said) if each.pair.repeat)
    assert pair_of(over, said[at].pair.token, "Ada", said[:at]) == said[at].pair
    assert pair_of(over, said[3].pair.token, "Ada", said[:3]) == said[3].pair


@pytest.mark.parametrize(
    ("pieces", "secret"),
    [
        ({}, b"s" * 32),
        ({"r": {"x": "p"}}, b"s" * 32),
        ({"r": {"x": "p", "y": "p"}}, b"s" * 32),
        ({"r": {"x": "p", "y": "q"}}, b"short"),
        ({"r": {"x": "p", "": "q"}}, b"s" * 32),
        ({"r": {f"v{n}": f"p{n}" for n in range(41)}}, b"s" * 32),
    ],
    ids=["nothing", "one-variant", "same-piece", "short-secret", "no-name", "too-many"],
)
def test_a_contest_without_anything_to_compare_is_refused(pieces: dict[str, dict[str, str]], secret: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        Contest("run", pieces, secret)
    assert refused.value.hint


def test_what_a_model_may_say_of_itself_is_not_shown() -> None:
    piece = compose(Request())
    renamed = piece.model_copy(update={"title": "By gpt-4.1", "reasoning": "I, gpt-4.1, thought"})
    assert "gpt" not in unnamed(renamed).to_json()


@given(
    st.one_of(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=6,
        ),
        st.fixed_dictionaries(
            {"token": st.text(max_size=70), "verdict": st.sampled_from([*VERDICTS, "A", None, ["a"]])},
            optional={
                "criteria": st.dictionaries(
                    st.sampled_from([*CRITERIA, "taste"]), st.sampled_from(["a", "b", "tie", None, "skip", {}])
                ),
                "seconds": st.floats() | st.integers() | st.booleans() | st.none(),
                "variant": st.just("x"),
            },
        ),
    )
)
def test_whatever_comes_in_is_an_answer_or_is_refused(data: object) -> None:
    answer: Answer | None = None
    with suppress(InvalidInputError):
        answer = read_answer(data)
    if answer is not None:
        assert answer.verdict in VERDICTS
        assert set(answer.criteria.values()) <= {"a", "b", "tie"}
        assert 0 <= answer.seconds <= 86_400
        with pytest.raises(InvalidInputError):
            rate(contest(1), answer, "Ada", [])


@given(
    st.sampled_from(VERDICTS), st.dictionaries(st.sampled_from(list(CRITERIA)), st.sampled_from(["a", "b", "tie"])),
    st.floats(0, 1e9), st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip
def test_a_rating_survives_json(verdict: str, criteria: dict[str, str], seconds: float, at: datetime) -> None:
    pair = next_pair(contest(1), [], "Ada")
    assert pair is not None
    given = {"pair": pair.to_dict(), "verdict": verdict, "criteria": criteria, "seconds": seconds, "at": at.isoformat()}
    read = read_rating(given)
    assert read_rating(json.loads(json.dumps(read.to_dict()))) == read


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"at": "yesterday"}, "/at"), ({"at": None}, "/at"), ({"at": "0001-01-01T00:00:00+23:59"}, "/at"),
        ({"verdict": "c"}, "/verdict"), ({"seconds": -1}, "/seconds"), ({"seconds": "1"}, "/seconds"),
        ({"criteria": ["a"]}, "/criteria"), ({"criteria": {"taste": "a"}}, "/criteria"), ({"more": 1}, ""),
        ({"pair": None}, "/pair"),
    ],
)  # fmt: skip
def test_a_rating_that_is_none_is_refused(change: dict[str, object], field: str) -> None:
    pair = next_pair(contest(1), [], "Ada")
    assert pair is not None
    with pytest.raises(InvalidInputError) as refused:
        read_rating(rating(pair).to_dict() | change)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "change",
    [{"number": 0}, {"number": True}, {"number": 2**40}, {"repeat": 1}, {"a": "x", "b": "x"}, {"request": ""},
     {"rater": " "}, {"rater": "x" * 81}, {"token": "x" * 65}, {"piece_a": None}, {"more": 1}],
)  # fmt: skip
def test_a_pair_that_is_none_is_refused(change: dict[str, object]) -> None:
    pair = next_pair(contest(1), [], "Ada")
    assert pair is not None
    with pytest.raises(InvalidInputError):
        read_rating({**rating(pair).to_dict(), "pair": pair.to_dict() | change})
    assert read_rater(" Ada\x00 ") == "Ada"
