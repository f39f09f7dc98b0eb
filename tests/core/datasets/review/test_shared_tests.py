from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.datasets.small_version import copied, with_facts
from workbench.core.datasets.review.shared_tests import SharedTests, shared_tests
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.library.database import Database

Kept = tuple[Database, Version, list[Facts]]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version, list(facts_of_version(database, version.id))
    database.close()


def of_test(facts: list[Facts]) -> list[Facts]:
    return [each for each in facts if each.split == "test"]


def test_versions_whose_training_rows_differ_may_share_their_test(kept: Kept):
    database, version, facts = kept
    other = with_facts(database, facts[3:], "other")
    count = len(of_test(facts))
    assert count
    assert shared_tests(database, version, other) == SharedTests(count, 0, 0)
    assert shared_tests(database, version, other).same


def test_a_test_row_that_says_something_else_is_not_shared(kept: Kept):
    database, version, facts = kept
    *rest, last = facts
    assert last.split == "test"
    other = with_facts(database, [*rest, replace(last, digest=facts[0].digest)], "other")
    count = len(of_test(facts))
    assert shared_tests(database, version, other) == SharedTests(count - 1, 1, 1)
    assert not shared_tests(database, version, other).same


def test_a_test_row_that_another_version_trains_on_is_not_shared(kept: Kept):
    database, version, facts = kept
    other = with_facts(database, [*facts[:-1], replace(facts[-1], split="train")], "other")
    assert shared_tests(database, version, other) == SharedTests(len(of_test(facts)) - 1, 1, 0)


def test_versions_without_test_rows_share_no_test(kept: Kept):
    database, _, facts = kept
    trained = [each for each in facts if each.split == "train"]
    one, other = with_facts(database, trained, "one"), with_facts(database, trained[1:], "other")
    assert not shared_tests(database, one, other).same
