"""Reviewers mark rows: once, with a reason, with a trail; what is excluded is left out of the next build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.datasets.small_version import RECIPE, built, copied
from workbench.core.datasets.review.marks import MARKS, MAX_TEXT, excluded, mark, marked, marks_of, take_back
from workbench.core.datasets.rows import source_of
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.errors import ConflictError, InvalidInputError
from workbench.core.library.database import Database, storable

Kept = tuple[Database, Version]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


def keys(kept: Kept) -> list[str]:
    return [each.key for each in facts_of_version(kept[0], kept[1].id)]


def test_a_row_is_flagged_and_excluded_once_and_commented_on_often(kept: Kept) -> None:
    database, version = kept
    key = keys(kept)[0]
    first = mark(database, version.id, key, "flag", curator="ada")
    assert mark(database, version.id, key, "flag", curator="bob", text="me too") == first
    reason = mark(database, version.id, key, "exclude", curator="ada", text=" wrong cadence\n")
    assert reason.text == "wrong cadence"
    assert mark(database, version.id, key, "exclude", curator="bob", text="another reason") == reason
    for text in ("why?", "why?"):
        mark(database, version.id, key, "comment", curator="bob", text=text)
    assert [(each.kind, each.curator) for each in marks_of(database, key)] == [
        ("flag", "ada"), ("exclude", "ada"), ("comment", "bob"), ("comment", "bob"),
    ]  # fmt: skip
    assert marked(database, [key, keys(kept)[1]]) == {key: {"flag", "exclude", "comment"}}


@pytest.mark.parametrize("text", ["", "  \n", "\x00"])
@pytest.mark.parametrize("kind", ["exclude", "comment"])
def test_an_exclusion_needs_a_reason_and_a_comment_its_words(kept: Kept, kind: str, text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        mark(kept[0], kept[1].id, keys(kept)[0], kind, curator="ada", text=text)  # type: ignore[arg-type]
    assert (caught.value.field, bool(caught.value.hint)) == ("text", True)
    assert marks_of(kept[0], keys(kept)[0]) == ()


def test_only_rows_of_the_version_are_marked(kept: Kept) -> None:
    database, version = kept
    for id, key in ((version.id, "nobody"), ("0000", keys(kept)[0]), (version.id, "\x00\ud800")):
        with pytest.raises(InvalidInputError) as caught:
            mark(database, id, key, "flag", curator="ada")
        assert caught.value.field == "key"


def test_a_mark_that_is_taken_back_stays_in_the_trail_and_can_be_made_again(kept: Kept) -> None:
    database, version = kept
    key = keys(kept)[0]
    first = mark(database, version.id, key, "exclude", curator="ada", text="wrong")
    back = take_back(database, first.id, curator="bob")
    assert (back.taken_back_by, back.taken_back_at is not None) == ("bob", True)
    assert excluded(database) == {}
    assert marked(database, [key]) == {}
    with pytest.raises(ConflictError):
        take_back(database, first.id, curator="cleo")
    with pytest.raises(InvalidInputError):
        take_back(database, first.id + 99, curator="cleo")
    again = mark(database, version.id, key, "exclude", curator="cleo", text="wrong after all")
    assert again.id != first.id
    assert [each.taken_back_by for each in marks_of(database, key)] == ["bob", ""]
    assert excluded(database) == {key: "wrong after all"}


def test_marks_hold_in_every_version_that_has_the_row(kept: Kept) -> None:
    database, version = kept
    other = built(database, RECIPE | {"name": "other", "seed": 1})
    key = next(key for key in keys(kept) if "~" not in key)
    mark(database, version.id, key, "exclude", curator="ada", text="wrong")
    assert excluded(database, other.id) == excluded(database, version.id) == {key: "wrong"}
    sonatas = built(database, {"name": "sonatas", "sources": {"forms": ["sonata"]}})
    assert excluded(database, sonatas.id) == {}


def test_what_is_excluded_is_not_in_the_next_build_and_the_version_stays_as_it_is(kept: Kept) -> None:
    database, version = kept
    before = keys(kept)
    derived = next(key for key in before if "~" in key)
    family = next(source_of(key) for key in before if "~" in key and source_of(key) != source_of(derived))
    mark(database, version.id, derived, "exclude", curator="ada", text="dull")
    mark(database, version.id, family, "exclude", curator="ada", text="not ours")
    mark(database, version.id, before[-1], "flag", curator="ada")
    after = {each.key for each in facts_of_version(database, built(database, RECIPE | {"name": "next"}).id)}
    assert derived not in after
    assert source_of(derived) in after, "only the variant was excluded"
    assert not [key for key in after if source_of(key) == family], "an original takes its whole family with it"
    assert before[-1] in after, "a flag takes nothing away"
    assert keys(kept) == before


def test_what_was_taken_back_is_in_the_next_build(kept: Kept) -> None:
    database, version = kept
    made = mark(database, version.id, keys(kept)[0], "exclude", curator="ada", text="dull")
    take_back(database, made.id, curator="ada")
    again = built(database)
    assert again.id == version.id


texts = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(MARKS), text=texts, curator=texts)
def test_any_words_are_kept_as_they_can_be_or_refused(kept: Kept, kind: str, text: str, curator: str) -> None:
    key = keys(kept)[5]
    before = marks_of(kept[0], key)
    try:
        made = mark(kept[0], kept[1].id, key, kind, curator=curator, text=text)  # type: ignore[arg-type]
    except InvalidInputError:
        assert kind != "flag"
        assert not storable(text).strip()
        assert marks_of(kept[0], key) == before
        return
    assert made in marks_of(kept[0], key)
    assert made in before or made.text == storable(text).strip()


def test_a_long_text_is_cut(kept: Kept) -> None:
    made = mark(kept[0], kept[1].id, keys(kept)[0], "comment", curator="ada", text="x" * 9_000)
    assert made.text == "x" * MAX_TEXT
