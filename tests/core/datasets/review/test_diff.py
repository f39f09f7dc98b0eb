"""The difference between two versions: every row is added, removed, changed, moved or the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.datasets.small_version import RECIPE, built, carried_over, copied, with_facts
from tests.core.library.conftest import cluster, empty_url  # noqa: F401 - fixtures
from workbench.core.datasets.review.diff import MOST, compare, recipe_difference
from workbench.core.datasets.review.marks import mark
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.library.database import Database

Kept = tuple[Database, Version]
NOTHING = {"added": 0, "removed": 0, "changed": 0, "moved": 0}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


def changed(facts: list[Facts]) -> list[Facts]:
    """The first row gone, the second with another's content, the third on another side, one more, the rest as it is."""
    _, second, third, *rest = facts
    return [
        replace(second, digest=facts[5].digest),
        replace(third, split="validation"),
        *rest,
        replace(facts[0], key="examples/more"),
    ]


def test_a_version_does_not_differ_from_itself(kept: Kept) -> None:
    found = compare(kept[0], kept[1], kept[1])
    assert found.same
    assert found.counts == NOTHING | {"same": kept[1].rows}
    assert (found.added, found.removed, found.changed, found.moved_rows, found.moved) == ((), (), (), (), ())
    assert found.recipe == {}


@pytest.fixture
def each_kept(empty_url: str, tmp_path: Path) -> Iterator[Kept]:  # noqa: F811
    folder = tmp_path / "origin"
    folder.mkdir()
    origin, version = copied(folder)
    database = Database(empty_url).upgrade()
    yield database, carried_over(origin, version, database)
    origin.close()
    database.close()


def test_each_database_tells_added_removed_changed_and_moved_rows(each_kept: Kept) -> None:
    database, before = each_kept
    facts = list(facts_of_version(database, before.id))
    after = with_facts(database, changed(facts), "after")
    found = compare(database, before, after)
    assert found.counts == {"added": 1, "removed": 1, "changed": 1, "moved": 1, "same": len(facts) - 3}
    assert (found.added, found.removed, found.changed) == (("examples/more",), (facts[0].key,), (facts[1].key,))
    assert found.moved_rows == ((facts[2].key, facts[2].split, "validation"),)
    assert not found.same
    back = compare(database, after, before)
    assert (back.added, back.removed, back.changed) == (found.removed, found.added, found.changed)
    assert back.moved_rows == ((facts[2].key, "validation", facts[2].split),)


def test_a_row_that_is_changed_and_on_another_side_is_changed(kept: Kept) -> None:
    database, before = kept
    facts = list(facts_of_version(database, before.id))
    other = replace(facts[0], digest=facts[1].digest, split="validation")
    found = compare(database, before, with_facts(database, [other, *facts[1:]], "after"))
    assert found.counts == NOTHING | {"changed": 1, "same": len(facts) - 1}


def test_all_are_counted_and_the_first_are_told(kept: Kept) -> None:
    database, before = kept
    one = next(facts_of_version(database, before.id))
    many = [replace(one, key=f"examples/{number:04}") for number in range(MOST + 55)]
    found = compare(database, before, with_facts(database, many, "many"))
    assert found.counts["added"] == MOST + 55
    assert found.added == tuple(each.key for each in many[:MOST])


def test_what_was_excluded_is_removed_and_the_recipe_says_what_was_changed(kept: Kept) -> None:
    database, before = kept
    key = next(each.key for each in facts_of_version(database, before.id) if each.derived)
    mark(database, before.id, key, "exclude", curator="ada", text="dull")
    after = built(database, RECIPE | {"augmentation": {"keys": 2, "tempos": 1}, "use": "training"})
    found = compare(database, before, after)
    assert key in found.removed
    assert found.counts["added"] == after.rows - before.rows + found.counts["removed"] > 0
    assert all("tempo=" in added for added in found.added)
    assert found.recipe == {"augmentation.tempos": (0, 1), "use": ("commercial_training", "training")}
    told = found.to_dict()
    assert told["recipe"]["use"] == {"before": "commercial_training", "after": "training"}
    assert told["counts"] == found.counts


def test_what_moved_in_the_distributions_is_told_in_words(kept: Kept) -> None:
    database, before = kept
    after = built(database, {"name": "minor", "sources": {"modes": ["minor"]}, "augmentation": {"keys": 2}})
    found = {each.name: each for each in compare(database, before, after).moved}
    assert "modes" in found
    assert "minor" in found["modes"].words
    assert 0 < found["modes"].distance <= 1


def test_versions_without_statistics_are_compared_row_by_row_alone(kept: Kept) -> None:
    database, before = kept
    after = with_facts(database, list(facts_of_version(database, before.id))[:3], "few")
    found = compare(database, before, after)
    assert found.moved == ()
    assert found.counts == NOTHING | {"removed": before.rows - 3, "same": 3}


def test_recipes_differ_field_by_field() -> None:
    assert recipe_difference({"a": 1, "b": {"c": [1], "d": 2}}, {"a": 1, "b": {"c": [2], "d": 2}, "e": None}) == {
        "b.c": ([1], [2]),
    }
    assert recipe_difference({"a": {"b": 1}}, {"a": 3}) == {"a": ({"b": 1}, 3)}
    assert recipe_difference({"imported": {"file": "x"}}, {}) == {"imported": ({"file": "x"}, None)}
