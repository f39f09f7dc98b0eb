"""Drafts come back as they were last saved, and do not pile up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from workbench.core.library.database import Database, storable_json
from workbench.core.library.drafts import MAX_DRAFTS, drop_draft, load_draft, save_draft
from workbench.core.library.tables import DraftRow

anything = st.text(st.characters(exclude_categories=()))


def count(database: Database, visitor: str) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(DraftRow).where(DraftRow.visitor == visitor)) or 0


def test_a_draft_comes_back_as_it_was_saved(database: Database) -> None:
    data = {"form": "rondo", "mood": [0.5, -1], "seed": 2**63 - 1, "more": {"nothing": None, "yes": True}}
    save_draft(database, "ada", "compose", data)
    assert load_draft(database, "ada", "compose") == data


def test_what_was_never_saved_is_nothing(database: Database) -> None:
    assert load_draft(database, "ada", "compose") is None
    drop_draft(database, "ada", "compose")


def test_the_newest_draft_wins(database: Database) -> None:
    for number in range(3):
        save_draft(database, "ada", "compose", {"number": number})
    assert load_draft(database, "ada", "compose") == {"number": 2}
    assert count(database, "ada") == 1


def test_a_draft_belongs_to_one_visitor_and_one_name(database: Database) -> None:
    save_draft(database, "ada", "compose", {"of": "ada"})
    save_draft(database, "ada", "edits", {"of": "edits"})
    save_draft(database, "clara", "compose", {"of": "clara"})
    drop_draft(database, "ada", "compose")
    assert load_draft(database, "ada", "compose") is None
    assert load_draft(database, "ada", "edits") == {"of": "edits"}
    assert load_draft(database, "clara", "compose") == {"of": "clara"}


def test_only_so_many_drafts_are_kept_and_the_longest_untouched_go(database: Database) -> None:
    save_draft(database, "clara", "hers", {})
    for number in range(MAX_DRAFTS):
        save_draft(database, "ada", str(number), {"number": number})
    save_draft(database, "ada", "0", {"number": "touched"})
    for number in range(3):
        save_draft(database, "ada", f"new {number}", {})
    assert count(database, "ada") == MAX_DRAFTS
    assert [load_draft(database, "ada", str(number)) for number in (1, 2, 3)] == [None] * 3
    assert load_draft(database, "ada", "0") == {"number": "touched"}
    assert load_draft(database, "ada", "4") == {"number": 4}
    assert load_draft(database, "clara", "hers") == {}


def test_a_draft_that_many_tabs_save_at_once_is_one_of_theirs(
    database: Database, at_once: Callable[..., list[Any]]
) -> None:
    answers = at_once(lambda number: save_draft(database, "ada", "compose", {"tab": number}), 8)
    assert answers == [None] * 8
    assert load_draft(database, "ada", "compose") in [{"tab": number} for number in range(8)]
    assert count(database, "ada") == 1


@pytest.mark.parametrize("name", ["", "曲名", "\x00", "half \ud800", "long " * 100])
def test_any_name_can_be_given(database: Database, name: str) -> None:
    save_draft(database, "ada", name, {"a": 1})
    save_draft(database, "ada", name, {"a": 2})
    assert load_draft(database, "ada", name) == {"a": 2}
    drop_draft(database, "ada", name)
    assert load_draft(database, "ada", name) is None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=anything, said=anything)
def test_any_text_comes_back(database: Database, name: str, said: str) -> None:
    save_draft(database, "ada", name, {said: said})
    assert load_draft(database, "ada", name) == storable_json({said: said})
    assert count(database, "ada") <= MAX_DRAFTS
