"""Takes are kept once for each visitor, found again by words, and never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from workbench.core.errors import ConflictError, DatabaseError
from workbench.core.library.database import Database, storable
from workbench.core.library.tables import SubmissionRow, TakeRow
from workbench.core.library.takes import (
    MAX_NAME,
    PAGE,
    Take,
    delete_takes,
    find_take,
    is_submitted,
    keep_take,
    name_take,
    search_takes,
    send_to_curators,
    takes_of,
)
from workbench.core.music.request import MAX_SEED, Request

Piece = Callable[..., Take]
AtOnce = Callable[..., list[Any]]

anything = st.text(st.characters(exclude_categories=()), max_size=200)
many = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(database: Database, table: type[Any]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def titles(database: Database, words: str = "", **more: Any) -> list[str]:
    """The titles of the takes that hold some words, newest first."""
    return [take.structure.title for take in search_takes(database, words, **more)[0]]


# Keeping


def test_a_take_comes_back_as_it_was_kept(database: Database, piece: Piece) -> None:
    request = Request(valence=-0.4, form="sonata", key="f minor", brief="A storm at sea", seed=7)
    take = piece(request=request, seed=7, source="storm.json", change="mended", name="Storm", parent_id="parent")
    kept = keep_take(database, take, "ada")
    assert kept == replace(take, id=kept.id, visitor="ada", created_at=kept.created_at)
    assert kept.id
    assert find_take(database, take.piece_id, "ada") == kept
    assert takes_of(database, "ada") == (kept,)


def test_a_piece_is_kept_once_for_each_visitor(database: Database, piece: Piece) -> None:
    first = keep_take(database, piece(change="first"), "ada")
    assert keep_take(database, piece(change="again"), "ada") == first
    assert keep_take(database, piece(), "clara").id != first.id
    assert rows(database, TakeRow) == 2


def test_a_piece_that_is_kept_by_many_threads_at_once_is_kept_once(
    database: Database, piece: Piece, at_once: AtOnce
) -> None:
    kept = at_once(lambda _: keep_take(database, piece(), "ada"), 8)
    assert len({take.id for take in kept}) == 1
    assert rows(database, TakeRow) == 1


def test_ones_own_take_is_found_before_anothers(database: Database, piece: Piece) -> None:
    others = [keep_take(database, piece(), name) for name in ("ada", "clara", "zoltan")]
    for own in others:
        assert find_take(database, own.piece_id, own.visitor) == own
    found = find_take(database, others[0].piece_id, "nadia")
    assert found in others


@pytest.mark.parametrize("name", ["", "unknown", "\x00", "\ud800", "x" * 5000, "' OR 1=1 --", "曲"])
def test_a_piece_that_nobody_keeps_is_not_found(database: Database, piece: Piece, name: str) -> None:
    keep_take(database, piece(), "ada")
    assert find_take(database, name, "ada") is None


def test_the_newest_takes_come_oldest_first(database: Database, piece: Piece) -> None:
    for number in range(6):
        keep_take(database, piece(str(number)), "ada")
        keep_take(database, piece(f"other {number}"), "clara")
    assert [take.structure.title for take in takes_of(database, "ada", most=4)] == ["2", "3", "4", "5"]
    assert takes_of(database, "nobody") == ()


@pytest.mark.parametrize("seed", [None, 0, 2**31, 2**53 + 1, MAX_SEED])
def test_every_seed_comes_back(database: Database, piece: Piece, seed: int | None) -> None:
    take = keep_take(database, piece(seed=seed, request=Request(seed=seed)), "ada")
    found = find_take(database, take.piece_id, "ada")
    assert found is not None
    assert found.seed == seed
    assert found.request == Request(seed=seed)


def test_hostile_texts_are_kept_without_what_no_database_takes(database: Database, piece: Piece) -> None:
    hostile = "a\x00b\ud800c"
    request = Request(brief="x\x00y", theme="\x00", emotional_arc={"k\x00": ["\udfff", float("nan"), 1]})
    take = keep_take(database, piece("T\x00itle", name=hostile, source=hostile, change=hostile, request=request), "ada")
    assert (take.name, take.source, take.change) == ("ab?c",) * 3
    assert take.structure.title == "Title"
    assert take.request is not None
    assert take.request.brief == "xy"
    assert take.request.emotional_arc == {"k": ["?", None, 1]}
    assert find_take(database, take.piece_id, "ada") == take
    assert titles(database, "ab?c xy") == ["Title"]


def test_long_texts_are_cut_to_what_fits(database: Database, piece: Piece) -> None:
    long = "曲" * 5000
    request = Request(brief="長" * 4000, theme="題" * 4000)
    take = keep_take(database, piece(long[:MAX_NAME], name=long, source=long, change=long, request=request), "ada")
    assert (take.name, take.source, take.change) == (long[:MAX_NAME], long[:200], long[:200])
    assert takes_of(database, "ada") == (take,)


def test_a_take_of_a_run_that_is_not_there_is_refused(database: Database, piece: Piece) -> None:
    with pytest.raises(DatabaseError):
        keep_take(database, piece(generation_id="nowhere"), "ada")
    assert rows(database, TakeRow) == 0


# Searching


@pytest.fixture
def shelf(database: Database, piece: Piece) -> Database:
    """A database with some takes, of Ada and Clara."""
    keep_take(database, piece("Spring Rain", request=Request(brief="quiet drops on 100% cotton")), "ada")
    keep_take(database, piece("春の雨", request=Request(brief="静かな 雨の音")), "ada")
    keep_take(database, piece("Autumn_Rain", source="rain_song.json"), "clara")
    keep_take(database, piece("ÉTUDE Straße", name="My favourite", request=Request(theme="Sea")), "clara")
    keep_take(database, piece(r"Back\slash", change="made /calmer/"), "clara")
    return database


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("rain", ["Autumn_Rain", "Spring Rain"]),
        ("RAIN spring", ["Spring Rain"]),
        ("rain nothing", []),
        ("雨", ["春の雨"]),
        ("春の　静か", ["春の雨"]),
        ("雪", []),
        ("étude", ["ÉTUDE Straße"]),
        ("FAVOURITE sea", ["ÉTUDE Straße"]),
        ("straße", ["ÉTUDE Straße"]),
        ("rain_song.json", ["Autumn_Rain"]),
    ],
)
def test_takes_that_hold_every_word_are_found(shelf: Database, words: str, found: list[str]) -> None:
    assert titles(shelf, words) == found
    assert search_takes(shelf, words)[1] == len(found)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("%", ["Spring Rain"]),
        ("100%", ["Spring Rain"]),
        ("_", ["Autumn_Rain"]),
        ("n_r", ["Autumn_Rain"]),
        ("spring%rain", []),
        ("r_in", []),
        ("\\", [r"Back\slash"]),
        ("k\\s", [r"Back\slash"]),
        ("\\%", []),
        ("/calmer/", [r"Back\slash"]),
        ("/%", []),
        ("'; DROP TABLE takes; --", []),
        ("' OR '1'='1", []),
        ("a" * 100_000, []),
        ("zz " * 10_000, []),
    ],
)
def test_signs_that_mean_something_to_a_database_stand_for_themselves(
    shelf: Database, words: str, found: list[str]
) -> None:
    assert titles(shelf, words) == found


@many
@given(words=anything)
def test_any_words_can_be_looked_for(shelf: Database, words: str) -> None:
    takes, count = search_takes(shelf, words)
    assert len(takes) == count <= 5


@many
@given(title=st.text(st.characters(exclude_categories=()), min_size=1, max_size=40))
def test_a_take_is_found_by_the_words_of_its_title(database: Database, piece: Piece, title: str) -> None:
    take = keep_take(database, piece(title), "ada")
    assert take in search_takes(database, storable(title), most=1000)[0]


def test_no_words_find_every_take_newest_first(shelf: Database) -> None:
    every = [r"Back\slash", "ÉTUDE Straße", "Autumn_Rain", "春の雨", "Spring Rain"]
    assert titles(shelf) == titles(shelf, " \t\u3000\x00 ") == every
    assert titles(shelf, visitor="ada") == every[3:]
    assert titles(shelf, "rain", visitor="clara") == ["Autumn_Rain"]
    assert titles(shelf, visitor="nobody") == []


def test_musical_words_find_takes_too(database: Database, piece: Piece) -> None:
    take = keep_take(database, piece(), "ada")
    structure = take.structure
    for word in (structure.form, structure.key, structure.time_signature, structure.instrumentation):
        assert titles(database, word) == ["First"]


def test_pages_follow_each_other_and_count_all(database: Database, piece: Piece) -> None:
    for number in range(7):
        keep_take(database, piece(f"Piece {number}"), "ada")
    pages = [titles(database, "piece", offset=offset, most=3) for offset in (0, 3, 6, 9)]
    assert pages == [["Piece 6", "Piece 5", "Piece 4"], ["Piece 3", "Piece 2", "Piece 1"], ["Piece 0"], []]
    assert {search_takes(database, "piece", offset=offset, most=3)[1] for offset in (0, 3, 6, 9)} == {7}


def test_a_page_has_so_many_takes(database: Database, piece: Piece) -> None:
    for number in range(PAGE + 2):
        keep_take(database, piece(str(number)), "ada")
    takes, count = search_takes(database)
    assert (len(takes), count) == (PAGE, PAGE + 2)
    assert len(takes_of(database, "ada")) == PAGE


# Naming


def test_a_take_gets_a_name_and_is_found_by_it(database: Database, piece: Piece) -> None:
    take = keep_take(database, piece(), "ada")
    named = name_take(database, take, "  My \t best\x00 one\ud800 ")
    assert named == replace(take, name="My best one?", version=2)
    assert titles(database, "best one?") == ["First"]
    unnamed = name_take(database, named, " \x00 ")
    assert unnamed == replace(take, name=None, version=3)
    assert titles(database, "best") == []
    assert name_take(database, unnamed, "曲" * 500).name == "曲" * MAX_NAME


def test_a_name_that_was_given_meanwhile_is_not_overwritten(database: Database, piece: Piece) -> None:
    take = keep_take(database, piece(), "ada")
    named = name_take(database, take, "Hers")
    with pytest.raises(ConflictError) as caught:
        name_take(database, take, "His")
    assert caught.value.hint
    assert find_take(database, take.piece_id, "ada") == named


def test_of_many_who_name_a_take_at_once_one_succeeds(database: Database, piece: Piece, at_once: AtOnce) -> None:
    take = keep_take(database, piece(), "ada")
    answers = at_once(lambda number: name_take(database, take, f"Name {number}"), 8)
    named = [answer for answer in answers if isinstance(answer, Take)]
    assert len(named) == 1
    assert sum(isinstance(answer, ConflictError) for answer in answers) == 7
    assert find_take(database, take.piece_id, "ada") == named[0]


def test_a_take_that_is_gone_gets_no_name(database: Database, piece: Piece) -> None:
    take = keep_take(database, piece(), "ada")
    delete_takes(database, [take.id], "ada")
    with pytest.raises(ConflictError):
        name_take(database, take, "Late")
    assert find_take(database, take.piece_id, "ada") is None


# Deleting


def test_only_ones_own_takes_are_deleted(database: Database, piece: Piece) -> None:
    own = [keep_take(database, piece(str(number)), "ada") for number in range(3)]
    other = keep_take(database, piece("0"), "clara")
    ids = [own[0].id, own[1].id, own[1].id, other.id, "nowhere"]
    assert delete_takes(database, ids, "ada") == 2
    assert takes_of(database, "ada") == (own[2],)
    assert takes_of(database, "clara") == (other,)
    assert delete_takes(database, ids, "ada") == 0
    assert delete_takes(database, [], "ada") == 0


def test_many_takes_are_deleted_at_once(database: Database, piece: Piece) -> None:
    take = keep_take(database, piece(), "ada")
    assert delete_takes(database, [*map(str, range(3000)), take.id], "ada") == 1


def test_a_deleted_take_can_be_kept_again(database: Database, piece: Piece) -> None:
    take = keep_take(database, piece(), "ada")
    delete_takes(database, [take.id], "ada")
    assert keep_take(database, piece(), "ada").id != take.id


# The curators


def test_a_take_is_sent_to_the_curators_once(database: Database, piece: Piece) -> None:
    take = keep_take(database, piece(), "ada")
    assert not is_submitted(database, take)
    assert send_to_curators(database, take, "ada", "Listen to bar 5\x00\ud800")
    assert is_submitted(database, take)
    assert not send_to_curators(database, take, "ada")
    assert note(database) == "Listen to bar 5?"
    assert not send_to_curators(database, take, "ada", "Bar 6" + "!" * 5000)
    assert note(database) == ("Bar 6" + "!" * 5000)[:4000]
    assert rows(database, SubmissionRow) == 1


def test_a_take_that_is_sent_by_many_threads_at_once_is_there_once(
    database: Database, piece: Piece, at_once: AtOnce
) -> None:
    take = keep_take(database, piece(), "ada")
    answers = at_once(lambda _: send_to_curators(database, take, "ada"), 8)
    assert sorted(answers) == [False] * 7 + [True]


def test_a_deleted_take_leaves_the_curators_queue(database: Database, piece: Piece) -> None:
    takes = [keep_take(database, piece(str(number)), "ada") for number in range(2)]
    for take in takes:
        send_to_curators(database, take, "ada")
    delete_takes(database, [takes[0].id], "ada")
    assert [is_submitted(database, take) for take in takes] == [False, True]
    assert rows(database, SubmissionRow) == 1


def note(database: Database) -> str:
    with database.reading() as session:
        return session.scalars(select(SubmissionRow.note)).one()
