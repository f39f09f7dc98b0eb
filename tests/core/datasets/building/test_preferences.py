"""Pairs say what curators preferred in music, and only of music that may be trained on."""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

import workbench.core.datasets.building
from tests.postgres import programs, running_cluster
from workbench.core.datasets.building import preferences as module
from workbench.core.datasets.building.preferences import (
    MAX_AGAINST,
    all_preferences,
    covers,
    known_preferences,
    preferences,
    request_key,
)
from workbench.core.datasets.rows import Source
from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import Item, content_hash, find, submit
from workbench.core.library.database import Database
from workbench.core.library.decisions import edit, undo, vote
from workbench.core.library.examples import load_examples
from workbench.core.library.rights import USES, Layer, Rights, own_rights, uses_of
from workbench.core.library.tables import ExampleRow
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

SNOW = next(each for each in load_examples() if each.id == "rounded-binary-modern-snow")
OWN = own_rights("AIRIA Workbench", "written for this test")
OTHER_OWN = own_rights("Ada", "written for another test", "CC-BY-4.0")
NONCOMMERCIAL = own_rights("Ada", "written for another test", "CC-BY-NC-4.0")
RESERVED = Rights(tuple(replace(layer, licence="LicenseRef-all-rights-reserved") for layer in OWN.layers))
PARTIAL = Rights(OWN.layers[:2])
BRIEFED = SNOW.request.model_copy(update={"brief": "Something else"})
FAULTY = SNOW.request.model_copy(update={"key": "c minor"})
GENERATED = {"kind": "take", "take": "t1", "generation": "g1"}


def free_after(died: int) -> Rights:
    """The rights of an old print by an author who died in that year."""
    layer = Layer("work", "nobody", "public domain", "", "a print", "its title page", "Anon", died, 1900)
    return Rights((layer, *OWN.layers[1:]))


def piece(number: int = 0, **more: Any) -> MusicStructure:
    """A piece: each number is other music."""
    changed = {"tempo": 60 + number % 100, "title": f"Snow {number}", "instrumentation": f"piano {number}"} | more
    return MusicStructure.model_validate(SNOW.structure.to_dict() | changed)


def put(database: Database, id: str, number: int, status: str = "waiting", **more: Any) -> Item:
    """Put a piece into the queue, or past it."""
    said: dict[str, Any] = {"curator": "workbench", "origin": {"kind": "test"}, "rights": OWN, "id": id} | more
    item, new = submit(
        database, said.pop("request", SNOW.request), said.pop("structure", piece(number)), status=status, **said
    )
    assert new
    return item


def change(database: Database, id: str, **more: Any) -> Item:
    """Edit an example as it is now."""
    return edit(database, id, curator="ada", version=version(database, id), **more)


def say(database: Database, id: str, choice: Any) -> Item:
    """Vote on an example as it is now."""
    return vote(database, id, choice, curator="ada", version=version(database, id))


def version(database: Database, id: str) -> int:
    item = find(database, id)
    assert item is not None
    return item.version


def ids(database: Database, *names: str) -> list[str]:
    return [pair.id for pair in all_preferences(database, names)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database."""
    database = Database(f"sqlite:///{tmp_path}/workbench.sqlite3").upgrade()
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("database")
        return
    folder = programs()
    if folder is None:
        pytest.skip("There is no PostgreSQL server here: run `sudo apt-get install postgresql`.")
    with running_cluster(folder) as server:
        database = Database(server.url(server.create())).upgrade()
        yield database
        database.close()


# Both


def test_both_ways_find_their_pairs_in_each_database(each_database: Database) -> None:
    put(each_database, "a", 1)
    say(each_database, "a", "approve")
    put(each_database, "B", 2)
    say(each_database, "B", "reject")
    put(each_database, "a-b", 3)
    change(each_database, "a-b", structure=piece(4))
    say(each_database, "a-b", "approve")
    found = list(all_preferences(each_database))
    assert [(pair.id, pair.origin, pair.revision) for pair in found] == [
        ("pairs/decisions/a-b/B", "decision", 3),
        ("pairs/decisions/a/B", "decision", 2),
        ("pairs/edits/a-b", "edit", 3),
    ]
    assert [(pair.structure, pair.rejected) for pair in found] == [
        (piece(4), piece(2)), (piece(1), piece(2)), (piece(4), piece(3)),
    ]  # fmt: skip
    assert {(pair.request, pair.rights) for pair in found} == {(SNOW.request, OWN)}
    assert found[1].why == "Approved; “Snow 2” was rejected for the same request."
    assert found == list(all_preferences(each_database, ["edits", "decisions"]))


def test_an_empty_library_has_no_pairs(database: Database) -> None:
    assert ids(database) == []


def test_pairs_come_in_the_order_of_their_ids_and_each_once(database: Database) -> None:
    numbers = iter(range(1000))
    for id in ("b", "a.b", "a-b", "a", "A", "a_b", "Z9", "aa"):
        put(database, id, next(numbers), "approved")
    for id in ("r.1", "r-1", "r", "R"):
        put(database, id, next(numbers), "rejected")
    found = ids(database)
    assert len(found) == 32
    assert found == sorted(set(found))
    assert found == ids(database)


def test_a_way_can_be_asked_for_by_its_name(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    say(database, "a", "approve")
    put(database, "b", 3, "rejected")
    assert ids(database, "edits") == ["pairs/edits/a"]
    assert ids(database, "decisions") == ["pairs/decisions/a/b"]
    with pytest.raises(InvalidInputError, match="'rumours' is no source of pairs") as caught:
        all_preferences(database, ["edits", "rumours"])
    assert caught.value.hint == "Choose decisions or edits or ratings."


def test_the_same_music_is_a_pair_once(database: Database) -> None:
    """What was edited away is submitted again and rejected."""
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    say(database, "a", "approve")
    put(database, "b", 1, "rejected")
    assert ids(database, "edits") == ["pairs/edits/a"]
    assert ids(database) == ["pairs/decisions/a/b"]


def test_what_cannot_be_read_any_more_hides_nothing_else(database: Database, caplog: Any) -> None:
    for number, id in enumerate("ab"):
        put(database, id, number)
        change(database, id, structure=piece(number + 10))
        say(database, id, "approve")
    for number, id in enumerate(["r", "s", "t"]):
        put(database, id, number + 20, "rejected")
    with database.writing() as session:
        session.execute(update(ExampleRow).where(ExampleRow.id.in_(["b", "s"])).values(structure={"key": 1}))
        session.execute(update(ExampleRow).where(ExampleRow.id == "t").values(rights={"layers": 1}))
    with caplog.at_level(logging.WARNING):
        assert ids(database) == ["pairs/decisions/a/r", "pairs/edits/a"]
    assert "example b cannot be read" in caplog.text


def test_what_changes_while_pairs_are_read_is_in_no_pair(database: Database) -> None:
    for number in range(40):
        put(database, f"a{number:02}", number, "approved")
    put(database, "r", 50, "rejected")
    reading = all_preferences(database)
    assert next(reading).id == "pairs/decisions/a00/r"
    change(database, "a30", structure=piece(51))
    assert "pairs/decisions/a30/r" not in {pair.id for pair in reading}


# Edits


def test_an_edit_that_was_approved_is_preferred_to_what_was_submitted(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    say(database, "a", "changes")
    change(database, "a", structure=piece(3), tags=("late",))
    say(database, "a", "approve")
    [pair] = all_preferences(database)
    assert (pair.id, pair.structure, pair.rejected) == ("pairs/edits/a", piece(3), piece(1))
    assert (pair.origin, pair.revision, pair.tags) == ("edit", 5, ("late",))
    assert pair.why == "Approved after an edit; the rejected one is what it was before."


@pytest.mark.parametrize("choice", ["reject", "changes", None])
def test_an_edit_that_is_not_approved_says_nothing(database: Database, choice: str | None) -> None:
    put(database, "a", 1, "approved")
    change(database, "a", structure=piece(2))
    if choice:
        say(database, "a", choice)
    assert ids(database) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": ("new",)}, {"teaches": "new"}, {"note": "new"}, {"rights": OTHER_OWN}, {"structure": piece(1)},
        {"structure": piece(1, title="Ice", reasoning="Cold.", character="cold")}, {},
    ],
    ids=lambda changed: "-".join(changed) or "nothing",
)  # fmt: skip
def test_an_edit_of_words_says_nothing(database: Database, changed: dict[str, Any]) -> None:
    put(database, "a", 1)
    change(database, "a", **changed)
    say(database, "a", "approve")
    assert ids(database) == []


def test_music_that_was_edited_back_says_nothing(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    change(database, "a", structure=piece(1, title="Again"))
    say(database, "a", "approve")
    assert ids(database) == []


def test_an_edit_that_was_undone_says_nothing(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    undo(database, curator="ada")
    say(database, "a", "approve")
    assert ids(database) == []


def test_an_undone_edit_does_not_count_among_others(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    undo(database, curator="ada")
    change(database, "a", structure=piece(3))
    say(database, "a", "approve")
    [pair] = all_preferences(database)
    assert (pair.structure, pair.rejected) == (piece(3), piece(1))


def test_a_new_request_with_the_new_music_says_nothing(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2), request=BRIEFED)
    say(database, "a", "approve")
    assert ids(database) == []


def test_what_was_before_the_present_request_is_not_compared(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2), request=BRIEFED)
    change(database, "a", structure=piece(3))
    say(database, "a", "approve")
    [pair] = all_preferences(database)
    assert (pair.request, pair.structure, pair.rejected) == (BRIEFED, piece(3), piece(2))


def test_another_seed_is_no_other_request(database: Database) -> None:
    put(database, "a", 1, request=SNOW.request.model_copy(update={"seed": 1, "id": "one"}))
    change(database, "a", structure=piece(2), request=SNOW.request.model_copy(update={"seed": 2}))
    say(database, "a", "approve")
    assert ids(database) == ["pairs/edits/a"]


def test_what_was_edited_away_but_is_approved_elsewhere_was_not_bad(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    say(database, "a", "approve")
    put(database, "b", 1, "approved", request=BRIEFED)
    assert ids(database) == ["pairs/edits/a"]
    change(database, "b", request=SNOW.request)
    assert ids(database) == ["pairs/edits/a"]
    say(database, "b", "approve")
    assert ids(database) == []


def test_edited_music_has_the_rights_that_were_said_of_it_then(database: Database) -> None:
    for id, number, rights in (("left-out", 1, NONCOMMERCIAL), ("open", 3, None), ("partly", 5, PARTIAL)):
        put(database, id, number, rights=rights)
        change(database, id, structure=piece(number + 1), rights=OWN)
        say(database, id, "approve")
    put(database, "first-said", 7, rights=None)
    change(database, "first-said", rights=OWN)
    change(database, "first-said", structure=piece(8))
    say(database, "first-said", "approve")
    assert ids(database) == ["pairs/edits/first-said"]


@pytest.mark.parametrize(("rights", "count"), [(None, 1), (PARTIAL, 1), (NONCOMMERCIAL, 0), (OTHER_OWN, 1)])
def test_what_is_said_later_of_a_generated_piece_holds_for_what_it_was(
    database: Database, rights: Rights | None, count: int
) -> None:
    put(database, "a", 1, rights=rights, origin=GENERATED)
    change(database, "a", structure=piece(2), rights=OWN)
    say(database, "a", "approve")
    assert len(ids(database)) == count


def test_rights_that_allow_nothing_do_not_stand_for_those_that_nobody_has_told(database: Database) -> None:
    put(database, "a", 1, rights=None)
    change(database, "a", structure=piece(2), rights=RESERVED)
    say(database, "a", "approve")
    assert ids(database) == []


def test_an_edit_that_has_errors_by_now_is_not_chosen(database: Database) -> None:
    put(database, "a", 1)
    change(database, "a", structure=piece(2))
    say(database, "a", "approve")
    with database.writing() as session:
        session.execute(update(ExampleRow).values(errors=1))
    assert ids(database) == []


def test_a_keeper_who_refused_training_then_is_heard(database: Database) -> None:
    put(database, "a", 1, rights=replace(OWN, training=False), origin=GENERATED)
    change(database, "a", structure=piece(2), rights=OWN)
    say(database, "a", "approve")
    assert ids(database) == []


# Decisions


def test_the_approved_is_preferred_to_the_rejected_for_the_same_request(database: Database) -> None:
    seeded = SNOW.request.model_copy(update={"seed": 7, "id": "seventh"})
    put(database, "good", 1, "approved", request=seeded, tags=("calm",))
    put(database, "bad", 2, "rejected")
    [pair] = all_preferences(database)
    assert (pair.id, pair.structure, pair.rejected) == ("pairs/decisions/good/bad", piece(1), piece(2))
    assert (pair.request, pair.tags, pair.rejected) == (seeded, ("calm",), piece(2))


@pytest.mark.parametrize("status", ["waiting", "changes", "approved"])
def test_what_is_not_rejected_is_not_bad(database: Database, status: str) -> None:
    put(database, "good", 1, "approved")
    put(database, "other", 2, status)
    assert ids(database) == []


def test_a_rejection_of_an_earlier_round_is_over(database: Database) -> None:
    put(database, "good", 1, "approved")
    put(database, "other", 2)
    say(database, "other", "reject")
    assert ids(database) == ["pairs/decisions/good/other"]
    change(database, "other", structure=piece(3))
    assert ids(database) == []


def test_pieces_for_different_requests_are_not_compared(database: Database) -> None:
    put(database, "good", 1, "approved")
    put(database, "bad", 2, "rejected", request=BRIEFED)
    assert ids(database) == []


def test_a_piece_that_nobody_asked_for_is_not_compared(database: Database) -> None:
    put(database, "good", 1, "approved", request=Request(), origin=GENERATED)
    put(database, "found", 2, "rejected", request=Request())
    assert ids(database) == []
    put(database, "bad", 3, "rejected", request=Request(seed=3), origin=GENERATED | {"take": "t2"})
    put(database, "fine", 4, "approved", request=Request())
    assert ids(database) == ["pairs/decisions/good/bad"]


def test_a_piece_with_errors_is_never_chosen_but_may_be_rejected(database: Database) -> None:
    put(database, "good", 1, "approved")
    put(database, "faulty", 2, "rejected", request=SNOW.request, structure=piece(2, key="c minor"))
    item = find(database, "faulty")
    assert item is not None
    assert item.errors
    assert ids(database) == ["pairs/decisions/good/faulty"]
    with database.writing() as session:
        session.execute(update(ExampleRow).where(ExampleRow.id == "good").values(errors=1))
    assert ids(database) == []


def test_music_that_is_approved_and_rejected_for_the_same_request_says_nothing(database: Database) -> None:
    put(database, "good", 1, "approved")
    put(database, "fine", 2, "approved")
    put(database, "bad", 3)
    change(database, "bad", structure=piece(1, title="The same under another title"))
    say(database, "bad", "reject")
    assert ids(database) == []


@pytest.mark.parametrize(
    ("chosen", "rejected", "count"),
    [
        (OWN, OTHER_OWN, 1), (OWN, NONCOMMERCIAL, 0), (NONCOMMERCIAL, OWN, 1), (NONCOMMERCIAL, NONCOMMERCIAL, 1),
        (OWN, Rights(()), 0), (OWN, PARTIAL, 0), (OWN, RESERVED, 0), (OWN, replace(OWN, training=False), 0),
        (OWN, replace(OWN, prompt=False), 0), (replace(OWN, training=False), replace(OWN, training=False), 1),
        (NONCOMMERCIAL, Rights(()), 0), (RESERVED, Rights(()), 0), (RESERVED, RESERVED, 1),
        (free_after(2010), free_after(2015), 0), (free_after(2015), OWN, 1),
    ],
)  # fmt: skip
def test_a_piece_that_may_have_been_rejected_for_its_rights_is_in_no_pair(
    database: Database, chosen: Rights, rejected: Rights, count: int
) -> None:
    put(database, "good", 1, "approved", rights=chosen)
    put(database, "bad", 2, "rejected", rights=rejected)
    found = list(all_preferences(database))
    assert len(found) == count
    for pair in found:
        both = [uses_of(chosen), uses_of(rejected)]
        assert all(each[use].allowed for each in both for use in USES if uses_of(pair.rights)[use].allowed)


def test_a_much_answered_request_makes_few_pairs_in_which_everything_comes_in(database: Database) -> None:
    rows = [put(database, f"x{number}", number, "rejected") for number in range(2 * MAX_AGAINST)]
    for number in range(3 * MAX_AGAINST):
        put(database, f"a{number}", number + 50, "approved")
    before = ids(database)
    assert len(before) == 3 * MAX_AGAINST * MAX_AGAINST
    assert {id.rpartition("/")[2] for id in before} == {row.id for row in rows}
    put(database, "y", 99, "rejected")
    after = ids(database)
    assert len(after) == len(before)
    gone = set(before) - set(after)
    assert {id.rpartition("/")[2] for id in set(after) - set(before)} == {"y"}
    assert len(gone) < len(before) / 2


def test_of_structures_only_a_few_are_in_memory(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(60):
        put(database, f"a{number:02}", number, "approved")
    put(database, "bad", 99, "rejected")
    read: list[str] = []
    real = module.item_of
    monkeypatch.setattr(module, "item_of", lambda row: read.append(row.id) or real(row))
    reading = all_preferences(database)
    next(reading)
    assert len(read) <= 17
    assert len(list(reading)) == 59


# Rights and requests


def test_rights_that_become_free_later_must_be_free_already_for_the_other() -> None:
    free, soon, later, never_sure = map(free_after, (1920, 2010, 2015, 1960))
    assert covers(free, free)
    assert covers(free, soon)
    assert covers(OWN, later)
    assert not covers(later, soon)
    assert not covers(soon, later)
    assert not covers(soon, free)
    assert covers(soon, never_sure)


def test_requests_are_the_same_but_for_id_and_seed() -> None:
    def key(**more: Any) -> bytes:
        return request_key(Request(**more).to_dict())

    assert key(form="ABA", seed=1, id="x") == key(form="aba", seed=2)
    assert key(form="ABA", tempo=80.0) == key(form="ABA", tempo=80)
    assert len({key(), key(form="ABA"), key(form="ABA", brief="x"), key(brief="x")}) == 4


# The registry


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry, to be changed."""
    monkeypatch.setattr(module, "_ways", dict(module._ways))


def pair_of(id: str, number: int = 2) -> Source:
    return Source(id, 1, "rating", SNOW.request, piece(1), OWN, rejected=piece(number))


@pytest.mark.usefixtures("ways")
def test_another_way_is_one_function(database: Database) -> None:
    @preferences("votes")
    def votes(database: Database) -> Iterator[Source]:
        """What was
        voted higher."""
        yield pair_of("pairs/votes/1")

    assert [(way.name, way.meaning) for way in known_preferences()][-1] == ("votes", "What was voted higher.")
    assert ids(database) == ["pairs/votes/1"]
    with pytest.raises(ValueError, match="two ways to find pairs are called 'votes'"):
        preferences("votes")(votes)


@pytest.mark.usefixtures("ways")
def test_a_way_in_a_file_of_its_own_is_found(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "from workbench.core.datasets.building.preferences import preferences\n\n\n"
        "@preferences('dice')\ndef dice(database):\n    'Thrown.'\n    return iter(())\n"
    )
    (tmp_path / "preferences_by_dice.py").write_text(text, "utf-8")
    monkeypatch.setattr(
        workbench.core.datasets.building, "__path__", [*workbench.core.datasets.building.__path__, str(tmp_path)]
    )
    try:
        assert [way.name for way in known_preferences()] == ["decisions", "dice", "edits", "ratings"]
        assert ids(database, "dice") == []
    finally:
        sys.modules.pop("workbench.core.datasets.building.preferences_by_dice", None)
        vars(workbench.core.datasets.building).pop("preferences_by_dice", None)


@pytest.mark.usefixtures("ways")
def test_two_answers_that_a_model_would_write_alike_are_no_pair(database: Database) -> None:
    """Section functions are followed from the chords; nobody writes them."""
    [first, *rest] = piece(1).sections
    told = first.model_copy(update={"harmonic_functions": ("T", "D")})
    functions = piece(1).model_copy(update={"sections": (told, *rest), "title": "Told"})
    assert content_hash(functions) != content_hash(piece(1))

    @preferences("alike")
    def alike(database: Database) -> Iterator[Source]:
        """Alike."""
        yield replace(pair_of("pairs/alike/1"), rejected=functions)
        yield replace(pair_of("pairs/alike/2"), rejected=piece(1, title="Other", reasoning="None", character="calm"))
        yield pair_of("pairs/alike/3")

    assert ids(database) == ["pairs/alike/3"]


@pytest.mark.usefixtures("ways")
@pytest.mark.parametrize(
    "given",
    [
        [pair_of("pairs/odd/2"), pair_of("pairs/odd/1", 3)],
        [pair_of("pairs/odd/1"), pair_of("pairs/odd/1", 3)],
        [pair_of("pairs/edits/1")],
        [replace(pair_of("pairs/odd/1"), rejected=None)],
    ],
    ids=["late", "twice", "foreign", "no pair"],
)
def test_a_way_that_breaks_the_order_is_found_out(database: Database, given: list[Source]) -> None:
    @preferences("odd")
    def odd(database: Database) -> Iterator[Source]:
        """Odd."""
        yield from given

    with pytest.raises(ValueError, match="'odd'"):
        list(all_preferences(database))


# Anything that curators may do


def test_whatever_curators_do_every_pair_is_sound(database: Database) -> None:
    chance = random.Random(6)
    rights = [OWN, OTHER_OWN, NONCOMMERCIAL, Rights(())]
    requests = [SNOW.request, SNOW.request.model_copy(update={"seed": 3}), BRIEFED, FAULTY]
    made = [
        put(
            database, f"e{number}", number, request=chance.choice(requests), rights=chance.choice(rights),
            origin=chance.choice([GENERATED, {"kind": "test"}]),
        ).id
        for number in range(14)
    ]  # fmt: skip
    doing: list[Callable[[str], Any]] = [
        lambda id: say(database, id, "approve"),
        lambda id: say(database, id, "approve"),
        lambda id: say(database, id, "reject"),
        lambda id: change(database, id, structure=piece(chance.randrange(30))),
        lambda id: change(database, id, request=chance.choice(requests)),
        lambda id: change(database, id, rights=chance.choice(rights)),
        lambda id: undo(database, curator="ada", example_id=id),
    ]
    most = 0
    for step in range(240):
        try:
            chance.choice(doing)(chance.choice(made))
        except InvalidInputError:
            continue
        if step % 12:
            continue
        pairs = list(all_preferences(database))
        most = max(most, len(pairs))
        items = {id: find(database, id) for id in made}
        liked = {
            (request_key(item.request.to_dict()), content_hash(item.structure))
            for item in items.values()
            if item is not None and item.status == "approved"
        }
        for pair in pairs:
            item = items[pair.id.split("/")[2]]
            assert item is not None
            assert pair.rejected is not None
            assert (item.status, item.errors, item.version) == ("approved", 0, pair.revision)
            assert (item.request, item.structure, item.rights) == (pair.request, pair.structure, pair.rights)
            key = request_key(pair.request.to_dict())
            assert (key, content_hash(pair.structure)) in liked
            assert (key, content_hash(pair.rejected)) not in liked
            if pair.origin == "decision":
                other = items[pair.id.split("/")[3]]
                assert other is not None
                assert (other.status, other.structure) == ("rejected", pair.rejected)
                assert covers(other.rights, pair.rights)
                assert request_key(other.request.to_dict()) == key
    assert most > 5
