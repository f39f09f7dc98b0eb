"""A version is looked through in the database: what is filtered, sorted and walked is what a plain list would give."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.datasets.small_version import carried_over, copied, with_facts
from tests.core.library.conftest import cluster, empty_url  # noqa: F401 - fixtures
from workbench.core.datasets.review.browsing import SORTED_BY, RowFilters, beside, choices, keys_of, page_of
from workbench.core.datasets.review.marks import mark, take_back
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.library.curation import Filters
from workbench.core.library.database import Database
from workbench.core.library.saved_views import delete_view, save_view, saved_views

HARD = ("50% off", "a_b", "back\\slash", "sl/ash", "schön", "雪の歌", "ÄRGER", "o'clock", "plain", "")
CHOSEN = ("split", "form", "period", "mode", "mood", "tonic", "meter", "origin", "cadence", "group", "source")
MANY = 120


def many(facts: list[Facts]) -> list[Facts]:
    """Facts with hard texts, ties and negative numbers, recombined by a fixed lot."""
    lot = random.Random(3)
    made = []
    for number in range(MANY):
        one, other = lot.choice(facts), lot.choice(facts)
        title = f"{lot.choice(HARD)} {number % 7}"
        made.append(
            replace(
                one, key=f"examples/{number:03}~{lot.choice(HARD)}", title=title, search=title.lower(),
                split=lot.choice(("train", "validation", "test")), period=lot.choice(("baroque", "modern")),
                mode=other.mode, mood=other.mood, tonic=other.tonic, meter=other.meter, cadence=other.cadence,
                origin=lot.choice(("built-in", "take", "")), changes=lot.choice(("", "key=c minor", "tempo=84")),
                valence=lot.choice((-1.0, -0.25, 0.0, 0.1, 0.1 + 0.2)), tokens_in=lot.randrange(5),
                tokens_out=lot.randrange(4), warnings=lot.randrange(3),
            )
        )  # fmt: skip
    return made


class Shelf:
    """A database with a version, and what a plain list says of it."""

    def __init__(self, database: Database, version: Version, facts: list[Facts], marked: dict[str, set[str]]) -> None:
        self.database, self.version, self.facts, self.marked = database, version, facts, marked

    def seen(self, filters: RowFilters) -> list[Facts]:
        """The rows that the filters let through, in their order, as a plain list finds them."""
        found = [each for each in enumerate(self.facts) if self._passes(each[1], filters)]
        name = filters.sort if filters.sort in SORTED_BY else "position"
        found.sort(key=lambda pair: (pair[0] if name == "position" else getattr(pair[1], name), pair[0]))
        return [facts for _, facts in (reversed(found) if filters.down else found)]

    def _passes(self, each: Facts, filters: RowFilters) -> bool:
        return (
            all(not (value := getattr(filters, name)) or getattr(each, name) == value for name in CHOSEN)
            and all(word in each.search for word in filters.words.lower().split())
            and filters.derived in (None, each.derived)
            and (not filters.mark or filters.mark in self.marked.get(each.key, ()))
            and (not filters.longer or each.tokens_in + each.tokens_out > filters.longer)
        )

    def pages(self, filters: RowFilters, most: int = 7) -> list[Facts]:
        """All pages, one after another."""
        found: list[Facts] = []
        while True:
            page, count = page_of(self.database, self.version.id, filters, offset=len(found), most=most)
            found += page
            assert len(found) <= count
            if not page:
                assert len(found) == count
                return found


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    database, small = copied(tmp_path_factory.mktemp("browsing"))
    facts = many(list(facts_of_version(database, small.id)))
    marked: dict[str, set[str]] = {}
    version = with_facts(database, facts, "many")
    for number, kind in enumerate(("flag", "exclude", "comment", "flag")):
        key = facts[number * 9].key
        mark(database, version.id, key, kind, curator="ada", text="look")  # type: ignore[arg-type]
        marked.setdefault(key, set()).add(kind)
    gone = mark(database, version.id, facts[50].key, "flag", curator="ada")
    take_back(database, gone.id, curator="ada")
    yield Shelf(database, version, facts, marked)
    database.close()


@pytest.fixture
def each_shelf(empty_url: str, tmp_path: Path) -> Iterator[Shelf]:  # noqa: F811
    """The small version in a database of each kind."""
    folder = tmp_path / "origin"
    folder.mkdir()
    origin, small = copied(folder)
    database = Database(empty_url).upgrade()
    version = carried_over(origin, small, database)
    yield Shelf(database, version, list(facts_of_version(origin, small.id)), {})
    origin.close()
    database.close()


def values(name: str) -> Callable[[Shelf], list[str]]:
    return lambda shelf: sorted({getattr(each, name) for each in shelf.facts})


# Filters


@pytest.mark.parametrize("name", CHOSEN)
def test_each_filter_shows_the_rows_that_have_its_value(shelf: Shelf, name: str) -> None:
    for value in values(name)(shelf):
        if value:
            filters = RowFilters(**{name: value})
            assert shelf.pages(filters) == shelf.seen(filters)
            assert shelf.seen(filters)


@pytest.mark.parametrize(
    "filters",
    [
        RowFilters(), RowFilters(derived=True), RowFilters(derived=False), RowFilters(mark="flag"),
        RowFilters(mark="exclude"), RowFilters(mark="comment"), RowFilters(longer=3),
        RowFilters(split="train", derived=True, longer=2, period="modern", words="plain"),
    ],
    ids=str,
)  # fmt: skip
def test_filters_work_alone_and_together(shelf: Shelf, filters: RowFilters) -> None:
    assert shelf.pages(filters) == shelf.seen(filters)
    assert 0 < len(shelf.seen(filters)) <= MANY


def test_a_mark_that_was_taken_back_does_not_count(shelf: Shelf) -> None:
    assert shelf.facts[50].key not in {each.key for each in shelf.pages(RowFilters(mark="flag"))}


@pytest.mark.parametrize(
    "words", ["50%", "%", "_", "a_b", "\\", "sl/ash", "/", "schön", "SCHÖN", "雪", "o'clock 3", "0 p"]
)
def test_words_stand_for_themselves_and_must_all_occur(shelf: Shelf, words: str) -> None:
    filters = RowFilters(words=words)
    assert [each.key for each in shelf.pages(filters)] == [each.key for each in shelf.seen(filters)]
    assert 0 < len(shelf.seen(filters)) < MANY


@pytest.mark.parametrize(
    "filters",
    [RowFilters(form="\x00"), RowFilters(words="\x00 \ud800"), RowFilters(words="word " * 5_000),
     RowFilters(mark="x' OR 1=1 --"), RowFilters(sort="digest; DROP TABLE dataset_rows", words="no-such-word")],
    ids=range(5),
)  # fmt: skip
def test_hostile_filters_are_taken_as_texts(shelf: Shelf, filters: RowFilters) -> None:
    rows, count = page_of(shelf.database, shelf.version.id, filters)
    assert len(rows) <= count <= MANY


def test_the_choices_are_what_there_is_with_how_many(shelf: Shelf) -> None:
    found = choices(shelf.database, shelf.version.id)
    assert list(found["period"]) == ["baroque", "modern"]
    for name, counts in found.items():
        assert sum(counts.values()) == MANY
        for value, count in counts.items():
            assert count == sum(getattr(each, name) == value for each in shelf.facts)


def test_the_keys_of_what_is_seen_come_with_their_stratum(shelf: Shelf) -> None:
    filters = RowFilters(split="train")
    seen = [each for each in shelf.facts if each.split == "train"]
    assert keys_of(shelf.database, shelf.version.id, filters, "mood") == tuple((each.key, each.mood) for each in seen)
    assert keys_of(shelf.database, shelf.version.id, filters) == tuple((each.key, "") for each in seen)


# Order, pages, neighbours


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("sort", SORTED_BY)
def test_every_order_is_whole_both_ways_and_no_page_repeats(shelf: Shelf, sort: str, down: bool) -> None:
    filters = RowFilters(sort=sort, down=down)
    pages = shelf.pages(filters, most=11)
    assert len({each.key for each in pages}) == len(pages) == MANY
    assert pages == shelf.seen(filters)


def test_an_unknown_order_is_that_of_the_version(shelf: Shelf) -> None:
    assert shelf.pages(RowFilters(sort="search")) == shelf.facts


some_filters = st.builds(
    RowFilters,
    words=st.sampled_from(("", "", "plain", "0", "%", "schön 1")),
    split=st.sampled_from(("", "", "train", "test", "nowhere")),
    period=st.sampled_from(("", "modern")),
    derived=st.sampled_from((None, True, False)),
    mark=st.sampled_from(("", "", "", "flag")),
    longer=st.integers(0, 6),
    sort=st.sampled_from((*SORTED_BY, "nonsense")),
    down=st.booleans(),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=some_filters, offset=st.integers(0, 130), most=st.integers(1, 40))
def test_any_page_is_a_part_of_the_plain_list(shelf: Shelf, filters: RowFilters, offset: int, most: int) -> None:
    seen = shelf.seen(filters)
    page, count = page_of(shelf.database, shelf.version.id, filters, offset=offset, most=most)
    assert (list(page), count) == (seen[offset : offset + most], len(seen))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=some_filters)
def test_one_can_walk_through_all_that_is_seen_both_ways(shelf: Shelf, filters: RowFilters) -> None:
    seen = [each.key for each in shelf.seen(filters)]
    for place, key in enumerate(seen):
        before = seen[place - 1] if place else None
        after = seen[place + 1] if place + 1 < len(seen) else None
        assert beside(shelf.database, shelf.version.id, filters, key) == (before, after, place)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=some_filters, number=st.integers(0, MANY - 1))
def test_from_a_row_that_is_not_seen_one_comes_to_its_neighbours(
    shelf: Shelf, filters: RowFilters, number: int
) -> None:
    everything = [each.key for each in shelf.seen(RowFilters(sort=filters.sort, down=filters.down))]
    seen = {each.key for each in shelf.seen(filters)}
    at = everything.index(shelf.facts[number].key)
    before = [key for key in everything[:at] if key in seen]
    after = [key for key in everything[at + 1 :] if key in seen]
    found = beside(shelf.database, shelf.version.id, filters, shelf.facts[number].key)
    assert found == (before[-1] if before else None, after[0] if after else None, len(before))


def test_a_row_that_is_not_there_has_no_neighbours(shelf: Shelf) -> None:
    for key in ("nobody", "\x00\ud800", ""):
        assert beside(shelf.database, shelf.version.id, RowFilters(), key) == (None, None, 0)
    assert page_of(shelf.database, "0000", RowFilters()) == ((), 0)


# Other databases


def test_each_database_pages_and_walks_in_one_and_the_same_order(each_shelf: Shelf) -> None:
    database, id = each_shelf.database, each_shelf.version.id
    for sort in SORTED_BY:
        for down in (False, True):
            filters = RowFilters(split="train", sort=sort, down=down)
            pages = [each.key for each in each_shelf.pages(filters, most=20)]
            assert sorted(pages) == sorted(each.key for each in each_shelf.facts if each.split == "train")
            walked: list[str] = []
            key: Any = pages[0]
            while key is not None:
                walked.append(key)
                _, key, place = beside(database, id, filters, key)
                assert place == len(walked) - 1
            assert walked == pages


def test_each_database_finds_the_same_words_and_marks(each_shelf: Shelf) -> None:
    database, id, facts = each_shelf.database, each_shelf.version.id, each_shelf.facts
    for words in ("rondo", "RONDO major", "100%", "_", "\\", "no such word"):
        filters = RowFilters(words=words)
        assert each_shelf.pages(filters, most=50) == each_shelf.seen(filters)
    mark(database, id, facts[3].key, "flag", curator="ada")
    assert [each.key for each in each_shelf.pages(RowFilters(mark="flag"))] == [facts[3].key]
    assert sum(choices(database, id)["split"].values()) == len(facts)


# Saved views


def test_views_of_rows_come_back_and_do_not_mix_with_those_of_the_queue(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/workbench.sqlite3").upgrade()
    full = RowFilters("雪 100%", "test", "rondo", derived=False, mark="flag", longer=900, sort="tempo", down=True)
    save_view(database, "ada", "Mine", full)
    save_view(database, "ada", "Mine", Filters(words="queue"))
    save_view(database, "bob", "His", RowFilters())
    assert saved_views(database, "ada", RowFilters) == {"Mine": full}
    assert saved_views(database, "ada") == {"Mine": Filters(words="queue")}
    delete_view(database, "ada", "Mine", RowFilters.screen)
    assert saved_views(database, "ada", RowFilters) == {}
    assert saved_views(database, "ada") == {"Mine": Filters(words="queue")}
    database.close()
