"""Filters of the queue are kept under a name, each curator's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import Filters, queue
from workbench.core.library.database import Database, now, storable
from workbench.core.library.saved_views import save_view, saved_views
from workbench.core.library.tables import SavedViewRow

FULL = Filters("changes", "雪 100%", "ABA", "modern", "minor", "calm", "import", trainable=False, faulty=True)


def test_a_view_comes_back_as_it_was_saved(database: Database) -> None:
    save_view(database, "ada", "Mine", FULL)
    save_view(database, "ada", "Everything", Filters(status=""))
    assert saved_views(database, "ada") == {"Mine": FULL, "Everything": Filters(status="")}


def test_views_are_each_curators_own(database: Database) -> None:
    save_view(database, "ada", "Mine", FULL)
    save_view(database, "bob", "Mine", Filters())
    assert saved_views(database, "ada") == {"Mine": FULL}
    assert saved_views(database, "bob") == {"Mine": Filters()}
    assert saved_views(database, "cleo") == {}


def test_a_view_saved_again_is_replaced(database: Database) -> None:
    save_view(database, "ada", "Mine", FULL)
    save_view(database, "ada", " Mine\n", Filters(mood="warm"))
    assert saved_views(database, "ada") == {"Mine": Filters(mood="warm")}


@pytest.mark.parametrize("name", ["", "  \t", "\x00", "\n\x00　"])
def test_a_view_needs_a_name(database: Database, name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        save_view(database, "ada", name, FULL)
    assert caught.value.field == "name"
    assert caught.value.hint
    assert saved_views(database, "ada") == {}


def test_hostile_texts_are_taken(database: Database) -> None:
    hostile = "曲\x00名 \ud800 %_'" * 20
    save_view(database, hostile, hostile, Filters(words=hostile, form=hostile, origin=hostile, mood=hostile))
    [(name, filters)] = saved_views(database, hostile).items()
    assert name == storable(hostile)[:80].strip()
    assert filters.words == filters.form == storable(hostile)
    assert queue(database, filters) == ((), 0)


def test_what_a_view_of_another_version_holds_besides_is_left_out(database: Database) -> None:
    with database.writing() as session:
        kept = {"words": "snow", "stars": 5}
        session.add(SavedViewRow(screen="examples", curator="ada", name="Old", filters=kept, created_at=now()))
    assert saved_views(database, "ada") == {"Old": Filters(words="snow")}


def test_many_who_save_the_same_name_at_once_leave_one(database: Database, at_once: Callable[..., list[Any]]) -> None:
    answers = at_once(lambda number: save_view(database, "ada", "Mine", Filters(words=f"{number}")), 8)
    assert answers == [None] * 8
    [view] = saved_views(database, "ada").values()
    assert view.words in {f"{number}" for number in range(8)}


texts = st.text(st.characters(exclude_categories=()), max_size=20)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=st.builds(Filters), name=texts, curator=texts, words=texts)
def test_any_view_is_kept_or_has_no_name(
    database: Database, filters: Filters, name: str, curator: str, words: str
) -> None:
    try:
        save_view(database, curator, name, Filters(**{**filters.to_dict(), "words": words}))
    except InvalidInputError:
        assert not storable(name).split()
        return
    found = saved_views(database, curator)[" ".join(storable(name).split())]
    assert found.words == storable(words)
    assert queue(database, found)[1] == 0
