"""Requests come from a split, a list or a grid, each once and under a key that stays; cells have ids that stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.experiments.small_split import LEARNED, TESTED, a_version
from tests.fresh import fresh
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.cells import cell_id, cells
from workbench.core.experiments.designs import design
from workbench.core.experiments.requests import Asked, Expanded, expand, request_digest
from workbench.core.experiments.specification import Specification, count_cells, read_specification
from workbench.core.library.database import Database
from workbench.core.music.request import Request

WIDE: dict[str, Any] = {
    "form": ["ABA", "rondo", "sonata"], "period": ["baroque", "classical", "romantic", "modern"],
    "mood": ["calm", "joyful", "agitated"], "key": ["C major", "d minor"], "duration": [30, 60, 90],
}  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = fresh(tmp_path / "workbench.sqlite3")
    yield made
    made.close()


def specified(requests: dict[str, Any], **more: Any) -> Specification:
    variants = [{"name": "rules", "provider": "rules"}, {"name": "adapt", "provider": "adapt"}]
    return read_specification({"name": "a", "requests": requests, "variants": variants, "seeds": [1, 2]} | more)


def keys(found: Expanded) -> list[str]:
    return [each.key for each in found.asked]


# Datasets -----------------------------------------------------------------------------------------------------------


def test_a_test_split_is_asked_with_its_answers_and_without_examples_that_tell_them(database: Database) -> None:
    version = a_version(database)
    found = expand(specified({"dataset": "small"}), database)
    assert (found.version, found.notes) == (version, ())
    assert keys(found) == [f"examples/{id}" for id in sorted(TESTED)]
    for each in found.asked:
        assert each.row is not None
        assert each.row.structure.form
        assert each.banned == tuple(sorted(TESTED))


def test_the_very_piece_is_banned_in_any_split(database: Database) -> None:
    a_version(database, summary={"splits": {}})
    assert expand(specified({"dataset": "small", "split": "train"}), database).asked[0].banned == LEARNED
    assert {each.banned for each in expand(specified({"dataset": "small"}), database).asked} == {(id,) for id in TESTED}


def test_a_sample_of_a_split_is_stable_and_grows(database: Database) -> None:
    version = a_version(database)
    samples = [expand(specified({"dataset": version.id, "most": most}), database) for most in (1, 2, 3)]
    one, two, three = (set(keys(each)) for each in samples)
    assert one < two < three
    assert samples[0].notes == ("1 of 3 test rows are asked.",)
    assert samples[2].notes == ()
    seeds = [{"dataset": version.id, "most": 1, "seed": seed} for seed in range(12)]
    assert len({keys(expand(specified(each), database))[0] for each in seeds}) == 3


def test_a_request_that_stands_there_twice_is_asked_once(database: Database) -> None:
    a_version(database, twice=True)
    found = expand(specified({"dataset": "small"}), database)
    assert len(found.asked) == 3
    assert found.notes == ("1 request stands there twice: each is asked once.",)


@pytest.mark.parametrize(
    ("requests", "said"),
    [({"dataset": "none"}, "no version"), ({"dataset": "small", "split": "validation"}, "has no validation rows")],
)
def test_a_dataset_that_is_not_there_or_has_no_such_rows_is_told(
    database: Database, requests: dict[str, Any], said: str
) -> None:
    a_version(database)
    with pytest.raises(InvalidInputError, match=said):
        expand(specified(requests), database)
    with pytest.raises(InvalidInputError, match="dataset"):
        expand(specified(requests))


# Lists and grids ----------------------------------------------------------------------------------------------------


def test_a_list_is_asked_in_order_under_ids_or_hashes() -> None:
    listed = [{"form": "rondo", "id": "one"}, {"form": "ABA"}, {"form": "rondo", "id": "two"}, {"id": "one"}]
    found = expand(specified({"list": listed}))
    assert keys(found) == ["one", request_digest(Request(form="ABA")), f"one {request_digest(Request())}"]
    assert found.notes == ("1 request stands there twice: each is asked once.",)
    assert len(expand(specified({"list": listed, "most": 2})).asked) == 2


def test_a_grid_that_fits_is_asked_whole_with_what_is_listed_and_no_more() -> None:
    found = expand(specified({"grid": WIDE}))
    assert len(found.asked) == len(set(keys(found))) == 216
    assert found.asked[0].key == "ABA · baroque · calm · C major · 30 s"
    assert found.asked[0].request == Request(
        form="ABA", period="baroque", valence=0, arousal=0.1667, key="C major", duration=30
    )
    assert expand(specified({"grid": {"form": ["ABA"]}})).asked[0].request == Request(form="ABA")


def test_of_a_larger_grid_a_balanced_fraction_is_asked_always_the_same() -> None:
    wanted = {"grid": WIDE, "most": 24, "seed": 5}
    found = expand(specified(wanted))
    assert found == expand(specified(wanted))
    assert keys(found) != keys(expand(specified(wanted | {"seed": 6})))
    assert len(found.asked) == 24
    for name, value in (("form", 8), ("period", 6), ("duration", 8), ("key", 12)):
        assert set(Counter(getattr(each.request, name) for each in found.asked).values()) == {value}
    pairs = Counter((each.request.form, each.request.period) for each in found.asked)
    assert set(pairs.values()) == {2}


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(1, 60), st.integers(0, 3))
def test_a_design_has_no_point_twice_and_every_level_equally_often(levels: list[int], most: int, seed: int) -> None:
    points = design(levels, most, seed=seed)
    assert points == design(levels, most, seed=seed)
    assert len(points) == len(set(points)) == min(most, prod(levels))
    for factor, count in enumerate(levels):
        held = Counter(point[factor] for point in points)
        assert max(held.values()) - min(held[level] for level in range(count)) <= 1


def test_pairs_of_levels_come_about_equally_often() -> None:
    levels = [7, 4, 9, 8]
    points = design(levels, 200)
    for one, two in combinations(range(4), 2):
        held = Counter((point[one], point[two]) for point in points)
        even = 200 / (levels[one] * levels[two])
        assert all(abs(held[a, b] - even) < 3 for a in range(levels[one]) for b in range(levels[two]))


# Cells --------------------------------------------------------------------------------------------------------------


def test_cells_are_every_request_by_every_variant_with_every_seed() -> None:
    wanted = specified({"list": [{"form": "ABA"}, {"form": "rondo"}]})
    asked = expand(wanted).asked
    found = list(cells(wanted, asked))
    assert len(found) == count_cells(wanted, len(asked)) == 8
    assert len({each.id for each in found}) == 8
    assert {(each.asked, each.variant.name, each.seed) for each in found} == {
        (at, name, seed) for at in (0, 1) for name in ("rules", "adapt") for seed in (1, 2)
    }
    assert [each.id for each in found] == [each.id for each in cells(wanted, asked)]
    assert found[0].id == cell_id(asked[0], wanted.variants[0], 1)


def test_an_id_says_what_decides_the_outcome_and_nothing_else() -> None:
    plain, other = (specified({"list": [{"form": "ABA"}]}).variants[at] for at in (0, 1))
    here = cell_id(Asked("a", Request(form="ABA")), plain, 1)
    assert here == cell_id(Asked("b", Request(form="ternary", id="named")), plain, 1)
    assert here not in {
        cell_id(Asked("a", Request(form="rondo")), plain, 1), cell_id(Asked("a", Request(form="ABA")), other, 1),
        cell_id(Asked("a", Request(form="ABA")), plain, 2),
    }  # fmt: skip
    assert here == "a80111d84607fff1a44e", (
        "ids stay from release to release: a run that is resumed would be paid for twice"
    )


def test_too_many_cells_are_refused_before_one_is_made(database: Database) -> None:
    wanted = specified({"dataset": "x"})
    with pytest.raises(InvalidInputError, match=r"are 40,000,000 cells") as caught:
        count_cells(wanted, 10_000_000)
    assert caught.value.field == "/limits/most_cells"
    a_version(database)
    few = specified({"dataset": "small"}, limits={"most_cells": 11})
    with pytest.raises(InvalidInputError, match=r"^3 requests times 2 variants times 2 seeds are 12 cells; at most 11"):
        expand(few, database)
    with pytest.raises(InvalidInputError, match="cells"):
        cells(wanted, [Asked("a", Request())] * 5_001)
