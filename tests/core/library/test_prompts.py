"""Versions of templates count up, and none is ever changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.core.errors import ConflictError
from workbench.core.library.database import Database, new_id, storable, storable_json
from workbench.core.library.prompts import SavedTemplate, save_template, saved_templates

PARTS = {"system": "You compose.", "user": "Request: {{ request }}\n曲を書く"}

anything = st.text(st.characters(exclude_categories=()))


def versions(database: Database, name: str) -> list[int]:
    return [each.version for each in saved_templates(database) if each.name == name]


def test_nothing_is_saved_at_first(database: Database) -> None:
    assert saved_templates(database) == ()


def test_versions_count_up(database: Database) -> None:
    saved = [save_template(database, "terse", PARTS, note=f"number {number}") for number in range(3)]
    assert [each.version for each in saved] == [1, 2, 3]
    assert saved_templates(database) == tuple(saved)
    assert [each.note for each in saved] == ["number 0", "number 1", "number 2"]


def test_versions_go_on_after_those_outside_the_database(database: Database) -> None:
    assert save_template(database, "default", PARTS, after=3).version == 4
    assert save_template(database, "default", PARTS, after=3).version == 5
    assert save_template(database, "default", PARTS, after=9).version == 10
    assert save_template(database, "default", PARTS).version == 11


def test_each_name_counts_for_itself(database: Database) -> None:
    for name in ("b", "a", "b"):
        save_template(database, name, PARTS)
    assert [(each.name, each.version) for each in saved_templates(database)] == [("a", 1), ("b", 1), ("b", 2)]


def test_a_saved_version_does_not_change(database: Database) -> None:
    parts = dict(PARTS)
    first = save_template(database, "terse", parts)
    parts["system"] = "You paint."
    second = save_template(database, "terse", parts)
    assert (first.parts, second.parts) == (PARTS, {**PARTS, "system": "You paint."})
    assert saved_templates(database) == (first, second)


def test_versions_saved_at_once_are_different_ones(database: Database, at_once: Callable[..., list[Any]]) -> None:
    answers = at_once(lambda number: save_template(database, "terse", {"system": str(number)}), 12)
    saved = [answer for answer in answers if isinstance(answer, SavedTemplate)]
    assert all(isinstance(answer, SavedTemplate | ConflictError) for answer in answers)
    assert sorted(each.version for each in saved) == versions(database, "terse") == list(range(1, len(saved) + 1))
    assert {each.version: each.parts for each in saved} == {
        each.version: each.parts for each in saved_templates(database)
    }


def test_a_version_that_is_taken_is_told_and_not_overwritten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = save_template(database, "terse", PARTS)
    monkeypatch.setattr("workbench.core.library.prompts.max", lambda *_: 0, raising=False)  # as if nobody had saved yet
    with pytest.raises(ConflictError) as caught:
        save_template(database, "terse", {"system": "Mine"})
    assert caught.value.hint
    assert saved_templates(database) == (first,)


def test_a_long_note_is_cut(database: Database) -> None:
    assert save_template(database, "terse", PARTS, note="注" * 9000).note == "注" * 2000


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.dictionaries(anything, anything, max_size=4), note=anything)
def test_any_text_comes_back(database: Database, parts: dict[str, str], note: str) -> None:
    name = new_id()
    saved = save_template(database, name, parts, note=note)
    assert (saved.parts, saved.note) == (storable_json(parts), storable(note))
    assert saved in saved_templates(database)
