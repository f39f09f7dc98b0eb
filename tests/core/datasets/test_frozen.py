"""A frozen test set is in every later version's test, and nothing near it is in any other split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.datasets.small_version import RECIPE, built, copied
from workbench.core.datasets.frozen import freeze, frozen_rows, frozen_tests
from workbench.core.datasets.review.marks import mark
from workbench.core.datasets.rows import source_of
from workbench.core.datasets.versions import Version, bodies, facts_of_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.library.database import Database

Kept = tuple[Database, Version]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


def test_the_test_rows_are_frozen_under_a_name_that_can_be_given_once(kept: Kept) -> None:
    database, version = kept
    made = freeze(database, version.id, name="  first\n test ", curator="ada", note="for all")
    assert (made.name, made.version_id, made.note) == ("first test", version.id, "for all")
    assert freeze(database, version.id, name="first test", curator="bob") == made
    other = built(database, RECIPE | {"name": "other", "seed": 4})
    with pytest.raises(ConflictError):
        freeze(database, other.id, name="first test", curator="bob")
    assert frozen_tests(database) == (made,)


@pytest.mark.parametrize("name", ["", " \n", "\x00"])
def test_a_frozen_test_needs_a_name(kept: Kept, name: str) -> None:
    with pytest.raises(InvalidInputError):
        freeze(kept[0], kept[1].id, name=name, curator="ada")
    assert frozen_tests(kept[0]) == ()


def test_only_a_version_with_test_rows_can_be_frozen(kept: Kept) -> None:
    database, _ = kept
    untested = built(database, RECIPE | {"name": "untested", "split": {"train": 1, "validation": 0, "test": 0}})
    for id in ("0000", untested.id):
        with pytest.raises(InvalidInputError) as caught:
            freeze(database, id, name="test", curator="ada")
        assert caught.value.hint
    assert frozen_tests(database) == ()


def test_the_frozen_rows_are_those_of_the_test_split_each_once(kept: Kept) -> None:
    database, version = kept
    freeze(database, version.id, name="one", curator="ada")
    freeze(database, version.id, name="the same again", curator="ada")
    expected = [row for side, row in bodies(database, version.id) if side == "test"]
    assert [row for _, row in frozen_rows(database)] == expected
    assert len(expected) == version.summary["splits"]["test"] > 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_later_version_trains_on_a_frozen_row_and_every_one_keeps_it(kept: Kept, seed: int) -> None:
    database, version = kept
    freeze(database, version.id, name="test", curator="ada")
    frozen = {row.key: row.digest for _, row in frozen_rows(database)}
    later = built(database, RECIPE | {"name": "later", "seed": seed})
    facts = list(facts_of_version(database, later.id))
    assert {each.key: each.digest for each in facts if each.split == "test"} == frozen
    held = {source_of(key) for key in frozen}
    assert not [each.key for each in facts if each.split != "test" and each.source in held]
    assert later.summary["frozen"] == ["test"]


def test_a_frozen_row_that_is_excluded_is_in_no_split(kept: Kept) -> None:
    database, version = kept
    freeze(database, version.id, name="test", curator="ada")
    key = next(row.key for _, row in frozen_rows(database))
    mark(database, version.id, key, "exclude", curator="ada", text="wrong")
    later = built(database, RECIPE | {"name": "later"})
    assert not [each.key for each in facts_of_version(database, later.id) if each.source == source_of(key)]
    assert later.summary["left_out"]["a frozen test row, excluded by a reviewer"] == 1
