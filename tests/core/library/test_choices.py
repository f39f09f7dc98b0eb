"""A choice holds for everybody until another is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from workbench.core.library.choices import choice, choose
from workbench.core.library.database import Database


def test_nothing_is_chosen_at_first(database: Database) -> None:
    assert choice(database, "template") is None


@pytest.mark.parametrize("value", ["default@2", "", 0, 2**70, -1.5, True, None, [], ["a", {"b": None}], {"曲": "名\n"}])
def test_what_was_chosen_comes_back(database: Database, value: object) -> None:
    choose(database, "template", value)
    assert choice(database, "template") == value
    assert type(choice(database, "template")) is type(value)


def test_the_last_choice_counts(database: Database) -> None:
    for value in ("default", "terse@1", None, "terse@2"):
        choose(database, "template", value)
    assert choice(database, "template") == "terse@2"


def test_choices_do_not_touch_each_other(database: Database) -> None:
    choose(database, "template", "terse")
    choose(database, "model", "small")
    assert (choice(database, "template"), choice(database, "model")) == ("terse", "small")


def test_what_no_database_takes_is_left_out(database: Database) -> None:
    choose(database, "template", {"a\x00": ["\ud800", float("inf"), float("nan"), "b\x00"]})
    assert choice(database, "template") == {"a": ["?", None, None, "b"]}


def test_of_many_first_choices_at_once_one_holds(database: Database, at_once: Callable[..., list[Any]]) -> None:
    assert at_once(lambda number: choose(database, "template", number), 8) == [None] * 8
    assert choice(database, "template") in range(8)
