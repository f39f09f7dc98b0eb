"""The examples that help most with a request are found, they differ among themselves, and one is told why."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import compose
from workbench.core.compose.edits import transpose
from workbench.core.errors import InvalidInputError
from workbench.core.library.examples import Example, load_examples
from workbench.core.library.retrieval import Index, Weights, estimated_tokens, shared_words, spelled_features
from workbench.core.music.request import Request

SHIPPED = load_examples()
MOULD = SHIPPED[0]
ASKED = Request(valence=-1.0, arousal=0.0, duration=60, key="C major", time_signature="4/4", brief="a hunt at dawn")


def example(id: str, *, seed: int = 0, **said: Any) -> Example:
    """An example in every point as ``ASKED`` for a classical rondo, but for what is said otherwise."""
    parts = {"form": "rondo", "period": "classical", "meter": "4/4", "key": "C major"} | said
    request = {"valence": -1.0, "arousal": 0.0, "brief": "a hunt at dawn"}
    request |= {name: said[name] for name in request if name in said}
    structure = compose(
        Request(
            form=parts["form"], period=parts["period"], duration=said.get("duration", 60), key=parts["key"],
            time_signature=parts["meter"], tempo=120, seed=seed,
        )
    )  # fmt: skip
    return replace(MOULD, id=id, request=Request(**request), structure=structure, tags=("x",), teaches="Nothing.")


def found(*examples: Example, request: Request = ASKED, **how: Any) -> list[str]:
    settings = {"form": "rondo", "period": "classical", "count": 3} | how
    return [picked.example.id for picked in Index(examples).retrieve(request, **settings)]


def why(*examples: Example, request: Request = ASKED, **how: Any) -> list[str]:
    settings = {"form": "rondo", "period": "classical", "count": 3} | how
    return [picked.why for picked in Index(examples).retrieve(request, **settings)]


# What counts, and in which order


ORDER = ("form", "period", "valence", "arousal", "meter", "mode", "length", "brief")
OTHER: dict[str, dict[str, Any]] = {
    "form": {"form": "sonata"},
    "period": {"period": "romantic"},
    "valence": {"valence": 1.0},
    "arousal": {"arousal": 1.0},
    "meter": {"meter": "3/4"},
    "mode": {"key": "c minor"},
    "length": {"duration": 300},
    "brief": {"brief": "a quiet garden in winter"},
}


@pytest.mark.parametrize(("before", "after"), [*pairwise(ORDER[:-1])])
def test_each_point_goes_before_the_next(before: str, after: str) -> None:
    assert found(example("a", **OTHER[before]), example("b", **OTHER[after]), count=1) == ["b"]


@pytest.mark.parametrize("point", ORDER)
def test_every_point_counts(point: str) -> None:
    assert found(example("a", **OTHER[point]), example("b"), count=1) == ["b"]


@pytest.mark.parametrize("point", ORDER)
def test_a_weight_of_nothing_takes_a_point_out(point: str) -> None:
    weights = replace(Weights(), **{point: 0.0})
    assert found(example("a", **OTHER[point]), example("b"), count=1, weights=weights) == ["a"]


def test_form_and_period_outweigh_everything_else_together() -> None:
    rest = {name: value for point in ORDER[2:] for name, value in OTHER[point].items()}
    assert found(example("a", form="sonata"), example("b", **rest), count=1) == ["b"]
    assert found(example("a", period="modern"), example("b", **rest), count=1) == ["b"]


def test_weights_can_turn_the_order_round() -> None:
    words = example("words", form="sonata", period="modern", valence=1.0)
    assert found(example("near", brief="snow"), words, count=1) == ["near"]
    assert found(example("near", brief="snow"), words, count=1, weights=Weights(brief=90)) == ["words"]


@pytest.mark.parametrize("name", [field.name for field in fields(Weights)])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_weights_are_numbers_from_nothing_up(name: str, value: float) -> None:
    with pytest.raises(InvalidInputError, match=name):
        Weights(**{name: value})


def test_meter_mode_and_brief_count_only_where_they_are_asked() -> None:
    plain = Request(valence=-1.0, arousal=0.0, duration=60)
    others = {name: value for point in ("meter", "mode", "brief") for name, value in OTHER[point].items()}
    (picked,) = Index([example("a", **others)]).retrieve(plain, form="rondo", period="classical", count=1)
    assert picked.score > 0.99


def test_a_related_meter_is_nearer_than_another() -> None:
    waltz = Request(valence=0.0, arousal=0.5, time_signature="3/4")
    assert found(example("a", meter="4/4"), example("b", meter="3/8"), request=waltz, count=1) == ["b"]


def test_where_nothing_agrees_the_nearest_still_comes() -> None:
    far = Request(valence=1.0, arousal=0.5, duration=500)
    assert why(example("a", arousal=1.0), request=far, form="fugue", period="medieval") == ["nearest there is"]


# How many, and which of them


@pytest.mark.parametrize(("count", "given"), [(-1, 0), (0, 0), (1, 1), (2, 2), (3, 3), (50, 3)])
def test_one_to_three_come(count: int, given: int) -> None:
    assert len(found(*(example(name, seed=at) for at, name in enumerate("abcde")), count=count)) == given


def test_an_empty_library_gives_nothing() -> None:
    assert found() == []
    assert len(Index(())) == 0


def test_a_second_example_of_nearly_the_same_piece_is_worth_less() -> None:
    first, other = example("a", seed=1), example("z", seed=2, valence=-0.8)
    twin = replace(first, id="b", structure=transpose(first.structure, "D major"))
    assert found(first, twin, other, count=2) == ["a", "z"]
    assert found(first, twin, other, count=2, weights=Weights(diversity=0)) == ["a", "b"]
    assert found(first, twin, count=2) == ["a", "b"], "better than none"


def test_the_pinned_come_first_and_in_their_order() -> None:
    library = [example("near", seed=1), example("far", seed=2, form="binary"), example("farther", seed=3, form="ABA")]
    assert found(*library, pinned=["farther", "far"]) == ["farther", "far", "near"]
    assert found(*library, pinned=["farther"], count=1) == ["farther"]
    assert why(*library, pinned=["far"], count=1)[0].startswith("pinned, same period")


def test_the_banned_never_come_not_even_pinned() -> None:
    library = [example("near", seed=1), example("far", seed=2, form="binary")]
    assert found(*library, banned=["near"]) == ["far"]
    assert found(*library, banned=["near"], pinned=["near"]) == ["far"]
    assert found(*library, banned=["near", "far"]) == []


def test_who_is_not_there_can_be_pinned_and_banned_without_harm() -> None:
    assert found(example("a"), pinned=["gone", "a", "a"], banned=["never-was"]) == ["a"]


def test_what_does_not_fit_into_the_tokens_is_left_out_and_that_is_said() -> None:
    library = [example("a", seed=1), example("b", seed=2, valence=-0.8), example("c", seed=3, valence=-0.6)]
    sizes = {"a": 500, "b": 3000, "c": 400}

    def tokens(example: Example) -> int:
        return sizes[example.id]

    assert found(*library, token_budget=1000, tokens=tokens) == ["a", "c"]
    assert "“b” does not fit into 500 tokens" in why(*library, token_budget=1000, tokens=tokens)[1]
    assert found(*library, token_budget=399, tokens=tokens) == []
    assert found(*library, pinned=["b"], token_budget=1000, tokens=tokens) == ["a", "c"]


def test_without_a_counter_the_tokens_are_estimated() -> None:
    library = [example("a", seed=1), example("b", seed=2, valence=-0.8)]
    enough = estimated_tokens(library[0])
    assert found(*library, token_budget=enough) == ["a"]
    assert found(*library, token_budget=10) == []


@pytest.mark.parametrize("each", SHIPPED, ids=lambda each: each.id)
def test_estimates_are_on_the_long_side(each: Example) -> None:
    from workbench.core.generate.counting import count_tokens
    from workbench.core.generate.wire import wire_text

    exact = count_tokens(wire_text(each.structure) + each.request.to_json(), "gpt-4.1").tokens
    assert 0.95 * exact <= estimated_tokens(each) <= 1.7 * exact


# Why


def test_the_reasons_are_told_in_plain_words() -> None:
    assert why(example("a")) == [
        "same form and period, mood near, same meter, same mode, about as long, shares “hunt”, “dawn”"
    ]
    assert why(example("a", form="sonata", valence=0.9, meter="3/4", duration=300, brief="")) == [
        "same period, same mode"
    ]


@pytest.mark.parametrize(
    ("asked", "had", "shared"),
    [
        ("Hunting in the woods", "the hunt, and a wood", ["hunting", "woods"]),
        ("夜明けの森を歩く", "静かな森、夜明け", ["夜明", "森"]),
        ("さくらの歌", "さくら", ["さくら"]),
        ("海", "海の歌", ["海"]),
        ("人々", "人々の声", ["人々"]),
        ("バラード", "古いバラード", ["バラード"]),
        ("これは、とても静かです", "これは、とても速いです", ["これは", "とても"]),
        ("눈 오는 아침", "아침", ["아침"]),
        ("Der Wald bei Nacht", "NACHT", ["nacht"]),
        ("ＭＯＯＮ", "moon", ["moon"]),
        ("a piece of music in the night", "a piece of music in the sun", []),
        ("", "anything", []),
    ],
)
def test_shared_words_are_found_in_any_script(asked: str, had: str, shared: list[str]) -> None:
    assert shared_words(spelled_features(asked), spelled_features(had)) == shared


def test_a_japanese_brief_finds_the_piece_that_was_asked_for_so() -> None:
    request = ASKED.model_copy(update={"brief": "夜明けの森の静かな曲"})
    library = [example("a", seed=1, brief="激しい嵐の海"), example("b", seed=2, brief="森の夜明け")]
    assert found(*library, request=request, count=1) == ["b"]
    assert "shares “夜明”, “森”" in why(*library, request=request, count=1)[0]


def test_rare_words_count_more_than_those_that_every_example_has() -> None:
    library = [example(f"dance-{number}", seed=number, brief="a dance") for number in range(8)]
    library.append(example("zither", seed=9, brief="a zither"))
    request = ASKED.model_copy(update={"brief": "a dance for a zither"})
    assert found(*library, request=request, count=1) == ["zither"]


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_is_too_odd(one: str, other: str) -> None:
    words = shared_words(spelled_features(one), spelled_features(other))
    assert len(words) <= 3
    assert set(spelled_features(one)) == set(spelled_features(one + " " + one))


# Always the same


def test_ties_go_by_id() -> None:
    same = [example(name) for name in "cab"]
    assert found(*same, count=1) == ["a"]


@given(st.permutations(SHIPPED), st.floats(-1, 1), st.floats(0, 1), st.sampled_from(["rondo", "ABA", "fugue"]))
def test_the_order_of_the_library_does_not_matter(
    shuffled: list[Example], valence: float, arousal: float, form: str
) -> None:
    request = Request(valence=valence, arousal=arousal, brief="rain")
    here, there = (
        Index(examples).retrieve(request, form=form, period="modern", count=3) for examples in (shuffled, SHIPPED)
    )
    assert here == there
    assert all(0 <= picked.score <= 1 for picked in here)
    assert len({picked.example.id for picked in here}) == 3


def test_of_examples_with_one_id_the_last_counts() -> None:
    assert Index([example("a", form="sonata"), example("a")]).examples[0].structure.form == "rondo"


def test_the_index_keeps_what_it_was_made_of() -> None:
    library = [example("a"), example("b", seed=1)]
    index = Index(library)
    library.clear()
    assert [each.id for each in index.examples] == ["a", "b"]
    with pytest.raises(ValueError, match="read-only"):
        index._valence[0] = 1.0


def test_among_thousands_three_different_pieces_are_found() -> None:
    rng = random.Random(1)
    pieces = [example("", seed=seed) for seed in range(6)]
    library = [
        replace(
            rng.choice(pieces),
            id=f"e{number}",
            request=Request(valence=rng.uniform(-1, 1), arousal=rng.random(), brief=f"rain and snow {number % 90}"),
        )
        for number in range(3000)
    ]
    picked = Index(library).retrieve(ASKED, form="rondo", period="classical", count=3)
    assert len({each.example.structure.to_json() for each in picked}) == 3, "not one thrice"
    assert min(each.score for each in picked) > 0.9
