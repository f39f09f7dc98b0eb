"""What is related lies on one side, each side has its share of everything, and a growing library moves little."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import compose
from workbench.core.compose.edits import transpose
from workbench.core.datasets.building.splits import assign, group, leaks
from workbench.core.datasets.recipes import Ratios
from workbench.core.datasets.rows import SPLITS, Split
from workbench.core.library.likeness import Fingerprint, fingerprint, likeness
from workbench.core.music.request import Request

HALVES = Ratios(train=0.5, validation=0.25, test=0.25)
NO_TEST = Ratios(train=0.9, validation=0.1, test=0)


def piece(*runs: int) -> Fingerprint:
    return Fingerprint(np.unique(np.array(runs, np.uint32)), "C major")


def alone(count: int) -> dict[str, str]:
    """Sources of which none is related to another."""
    return {f"examples/{number:04}": f"examples/{number:04}" for number in range(count)}


def kinds_for(ids: dict[str, str], seed: int = 0) -> dict[str, str]:
    rng = random.Random(seed)
    words = list(
        product(("ABA", "rondo", "sonata", "binary"), ("baroque", "classical", "romantic"), ("major", "minor"))
    )
    return {id: "|".join(rng.choice(words)) for id in ids}


def paired(count: int) -> dict[str, str]:
    """Sources in groups of one, two and three."""
    ids = sorted(alone(count))
    return {id: ids[number - number % (1 + number // 7 % 3)] for number, id in enumerate(ids)}


def moved(before: dict[str, Split], after: dict[str, Split]) -> int:
    return sum(before[id] != after[id] for id in before.keys() & after.keys())


# Groups


def test_near_duplicates_and_what_is_linked_are_one_group() -> None:
    base = range(100)
    sources = [("d", piece(*base)), ("c", piece(*base[3:])), ("b", piece(900)), ("a", piece(901)), ("e", piece(902))]
    assert group(sources) == {"a": "a", "b": "b", "c": "c", "d": "c", "e": "e"}
    assert group(sources, [("a", "d")]) == {"a": "a", "b": "b", "c": "a", "d": "a", "e": "e"}


def test_two_pieces_derived_from_a_third_are_one_group_even_without_it() -> None:
    sources = [("a", piece(1)), ("b", piece(2)), ("c", piece(3))]
    assert group(sources, [("c", "gone"), ("b", "gone"), ("lost", "nowhere")]) == {"a": "a", "b": "b", "c": "b"}


def test_a_composed_piece_and_its_transpositions_are_one_group() -> None:
    pieces = [compose(Request(form="ABA", key="C major", duration=30, seed=seed)) for seed in range(4)]
    sources = [
        (f"{seed}/{key}", fingerprint(transpose(one, key)))
        for seed, one in enumerate(pieces)
        for key in ("D major", "Ab major")
    ]
    assert group(sources) == {id: f"{id[0]}/Ab major" for id, _ in sources}


def test_nothing_has_no_groups() -> None:
    assert group([]) == {}
    assert assign({}, Ratios(), 0) == {}


# Sides


@given(
    st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.sampled_from("ABCDEFGHIJKL"), max_size=40),
    st.sampled_from(
        [Ratios(), HALVES, NO_TEST, Ratios(train=1, validation=0, test=0), Ratios(train=0.2, validation=0.8, test=0)]
    ),
    st.integers(0, 5),
    st.data(),
)
def test_groups_are_whole_what_is_held_out_is_tested_and_no_split_is_empty(
    groups: dict[str, str], ratios: Ratios, seed: int, data: st.DataObject
) -> None:
    ids = sorted(groups)
    held = data.draw(st.sets(st.sampled_from([*ids, "unknown"]), max_size=3))
    weights = {id: data.draw(st.integers(0, 50)) for id in ids[::2]}
    strata = {id: data.draw(st.sampled_from(["ABA|baroque|minor", "ABA|baroque", "rondo", ""])) for id in ids[::3]}
    sides = assign(groups, ratios, seed, held_out=held, weights=weights, strata=strata)
    assert list(sides) == list(groups)
    of_group = {groups[id]: sides[id] for id in ids}
    assert all(sides[id] == of_group[groups[id]] for id in ids)
    kept = {groups[id] for id in held & groups.keys()}
    assert all(of_group[name] == "test" for name in kept)
    free = [name for name in of_group if name not in kept]
    shares = {"train": ratios.train, "validation": ratios.validation, "test": ratios.test}
    assert all(shares[of_group[name]] > 0 for name in free)
    if len(free) >= len(SPLITS):
        assert {split for split in SPLITS if shares[split]} <= set(of_group.values())


@pytest.mark.parametrize("strata", [None, kinds_for(alone(1000))])
@pytest.mark.parametrize("count", [10, 63, 64, 500, 1000])
def test_each_split_has_its_share(count: int, strata: dict[str, str] | None) -> None:
    sides = Counter(assign(alone(count), Ratios(), 1, strata=strata).values())
    assert all(abs(sides[split] - share * count) <= 1 for split, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True))


@pytest.mark.parametrize("count", [63, 500, 3000])
@pytest.mark.parametrize("ratios", [Ratios(), HALVES, NO_TEST])
def test_every_stratum_narrow_or_wide_has_its_share(count: int, ratios: Ratios) -> None:
    ids = alone(count)
    strata = kinds_for(ids)
    sides = assign(ids, ratios, 4, strata=strata)
    for words in (1, 2, 3):
        beginning = {id: "|".join(strata[id].split("|")[:words]) for id in ids}
        sizes, found = Counter(beginning.values()), Counter((beginning[id], sides[id]) for id in ids)
        for stratum, split in product(sizes, SPLITS):
            assert abs(found[stratum, split] - sizes[stratum] * getattr(ratios, split)) <= 2


def test_weights_count_and_not_sources() -> None:
    ids = alone(400)
    weights = {id: 1 + 3 * (number % 4 == 0) for number, id in enumerate(ids)}
    sides = assign(ids, Ratios(), 0, weights=weights)
    found = Counter[str]()
    for id, split in sides.items():
        found[split] += weights[id]
    assert abs(found["test"] - 70) <= 4
    assert abs(found["validation"] - 70) <= 4


def test_a_group_too_heavy_for_a_small_split_is_in_the_largest() -> None:
    groups = alone(100) | {f"variant/{number}": "variant/0" for number in range(60)}
    for seed in range(20):
        sides = assign(groups, Ratios(), seed)
        assert sides["variant/0"] == "train"
        assert Counter(sides.values())["test"] == 16


def test_what_is_held_out_counts_toward_the_test_split() -> None:
    ids = alone(100)
    held = [f"examples/{number:04}" for number in range(30)]
    sides = Counter(assign(ids, Ratios(), 0, held_out=held).values())
    assert sides["test"] == 30
    assert sides["validation"] in (7, 8)


def test_what_is_held_out_is_tested_even_where_there_is_no_test_split() -> None:
    sides = assign(alone(20), NO_TEST, 0, held_out=["examples/0003"])
    assert [id for id, split in sides.items() if split == "test"] == ["examples/0003"]


@pytest.mark.parametrize(("count", "splits"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_few_groups_go_to_training_first_and_to_all_where_they_can(count: int, splits: int) -> None:
    for seed in range(10):
        sides = assign(alone(count), Ratios(train=0.98, validation=0.01, test=0.01), seed)
        assert len(set(sides.values())) == splits
        assert "train" in sides.values()


def test_the_same_seed_is_the_same_split_on_every_machine_and_another_is_another() -> None:
    ids = alone(60)
    sides = assign(ids, Ratios(), 7)
    assert sides == assign(dict(reversed(ids.items())), Ratios(), 7)
    assert moved(sides, assign(ids, Ratios(), 8)) > 10
    assert [id[-2:] for id, split in sides.items() if split == "test"] == ["00", "06", "11", "34", "50", "57"]


# Growth


@pytest.mark.parametrize("count", [63, 300, 2000])
@pytest.mark.parametrize("stratified", [False, True])
def test_one_source_more_or_less_moves_hardly_any_other(count: int, stratified: bool) -> None:
    groups = paired(count)
    strata = kinds_for(groups) if stratified else None
    sides = assign(groups, Ratios(), 0, strata=strata)
    counts = []
    for gone in random.Random(5).sample(sorted(set(groups) - set(groups.values())), 12) + sorted(groups)[:12]:
        fewer = {id: name for id, name in groups.items() if id != gone}
        smallest = min((id for id in fewer if fewer[id] == gone), default="")
        fewer = {id: smallest if name == gone else name for id, name in fewer.items()}
        counts.append(moved(sides, assign(fewer, Ratios(), 0, strata=strata)))
    assert sum(counts) / len(counts) <= 3
    assert max(counts) <= 10


# Leaks


def test_a_leak_is_told_with_both_ids_and_how_alike_they_are() -> None:
    one, nearly, other = piece(*range(100)), piece(*range(3, 100)), piece(*range(500, 600))
    rows = [("d", "test", nearly), ("a", "train", one), ("b", "train", other), ("c", "validation", other)]
    assert leaks(rows) == [("a", "d", likeness(one, nearly)), ("b", "c", 1.0)]
    assert leaks([(id, "train", each) for id, _, each in rows]) == []


def test_of_copies_on_one_side_the_first_is_told() -> None:
    rows = [(f"{split}{number}", split, piece(1, 2, 3)) for number in range(300) for split in ("test", "train")]
    assert leaks(rows) == [("test0", "train0", 1.0)]


def test_splits_of_groups_have_no_leaks_and_a_planted_one_is_found() -> None:
    pieces = [fingerprint(compose(Request(form="binary", duration=20, seed=seed))) for seed in range(30)]
    sources = [
        (f"{seed}/{number}", Fingerprint(np.delete(one.runs, range(number)), one.key))
        for seed, one in enumerate(pieces)
        for number in range(3)
    ]
    sides = assign(group(sources), Ratios(), 0)
    rows = [(id, str(sides[id]), each) for id, each in sources]
    assert {side for _, side, _ in rows} == set(SPLITS)
    assert leaks(rows) == []
    at = next(number for number, (_, side, _) in enumerate(rows) if side == "train")
    rows[at] = (rows[at][0], "test", rows[at][2])
    assert {rows[at][0]} < {id for pair in leaks(rows) for id in pair[:2]}
