"""Decisions are made on what was seen, are all in the trail, and can be taken back; nobody overwrites anybody."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.fresh import fresh
from workbench.core.errors import ConflictError, DatabaseError, InvalidInputError, WorkbenchError
from workbench.core.library.curation import VOTES, Item, approved, find, state_of, submit
from workbench.core.library.database import Database
from workbench.core.library.decisions import Trail, agreement, edit, told, trail, undo, vote, votes_of
from workbench.core.library.examples import load_examples
from workbench.core.library.rights import Rights, own_rights
from workbench.core.library.tables import ExampleRow, Table, VoteRow
from workbench.core.music.structure import MusicStructure

SNOW = next(each for each in load_examples() if each.id == "rounded-binary-modern-snow")
OWN = own_rights("AIRIA Workbench", "written for this test")
OTHER = own_rights("Ada", "written for another test")
FAULTY = SNOW.request.model_copy(update={"key": "c minor"})
"""A request that the piece does not answer, which is an error."""
BRIEFED = SNOW.request.model_copy(update={"brief": "Something else"})
HOSTILE = "曲\x00名 \ud800 <b>%_'\" 🎼"
MILD = "曲名 ? <b>%_'\" 🎼"
numbers = count(1000)


def piece(number: int = 0) -> MusicStructure:
    """A piece: each number is other music."""
    changed = {"tempo": 60 + number % 100, "title": f"Snow {number}", "instrumentation": f"piano {number}"}
    return MusicStructure.model_validate(SNOW.structure.to_dict() | changed)


def put(database: Database, number: int = 0, **more: Any) -> Item:
    """Put a piece into the queue."""
    said = {"curator": "workbench", "origin": {"kind": "test"}, "rights": OWN} | more
    item, new = submit(database, said.pop("request", SNOW.request), piece(number), **said)
    assert new
    return item


def now_at(database: Database, item: Item) -> Item:
    """An item as it is now."""
    found = find(database, item.id)
    assert found is not None
    return found


def say(database: Database, item: Item, choice: Any, curator: str = "ada", **more: Any) -> Item:
    """Vote on an item as it is now."""
    return vote(database, item.id, choice, curator=curator, version=now_at(database, item).version, **more)


def change(database: Database, item: Item, curator: str = "ada", **more: Any) -> Item:
    """Edit an item as it is now."""
    return edit(database, item.id, curator=curator, version=now_at(database, item).version, **more)


def heard(database: Database, item: Item, curator: str = "ada") -> list[tuple[str, str, str]]:
    """The votes of the present round that a curator sees."""
    return [(said.curator, said.vote, said.note) for said in votes_of(database, now_at(database, item), curator)[0]]


def everything(database: Database) -> dict[str, list[Any]]:
    """Every row of the database."""
    with database.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in Table.metadata.sorted_tables
        }


def as_it_stands(database: Database) -> Any:
    """Every example and vote, but for what counts and dates their changes."""
    with database.reading() as session:
        examples = {
            row.id: {name: value for name, value in vars(row).items() if name not in {"version", "updated_at"}}
            for row in session.scalars(select(ExampleRow))
        }
        votes = [
            (row.example_id, row.round, row.curator, row.vote, row.note)
            for row in session.scalars(select(VoteRow).order_by(VoteRow.at))
        ]
    for each in examples.values():
        del each["_sa_instance_state"]
    return examples, votes


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database, for what does not differ between databases."""
    made = fresh(tmp_path / "workbench.sqlite3")
    yield made
    made.close()


# Votes


def test_a_vote_is_kept_with_its_note_and_stands_in_the_trail(database: Database) -> None:
    item = put(database)
    after = say(database, item, "approve", note="Fine.")
    assert (after.status, after.version, after.round) == ("approved", 2, 1)
    assert after == now_at(database, item)
    assert heard(database, item) == [("ada", "approve", "Fine.")]
    last, first = trail(database)
    assert (last.curator, last.action, last.note, last.undoes) == ("ada", "approve", "Fine.", None)
    assert last.before == first.after
    assert last.before is not None
    assert last.after == {**last.before, "status": "approved", "version": 2}
    assert last.at >= first.at


@pytest.mark.parametrize(
    ("choice", "status"), [("approve", "approved"), ("reject", "rejected"), ("changes", "changes")]
)
def test_each_vote_leads_where_it_says(database: Database, choice: str, status: str) -> None:
    assert say(database, put(database), choice).status == status


@pytest.mark.parametrize("needed", [1, 2, 3])
@pytest.mark.parametrize(("choice", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_so_many_votes_of_a_kind_decide(sqlite: Database, needed: int, choice: str, status: str) -> None:
    item = put(sqlite)
    curators = [f"curator {number}" for number in range(needed)]
    found = [say(sqlite, item, choice, curator, needed=needed).status for curator in curators]
    assert found == ["waiting"] * (needed - 1) + [status]


@pytest.mark.parametrize(
    ("needed", "votes", "statuses"),
    [
        (1, "a:approve b:reject", "approved rejected"),
        (1, "a:reject b:approve", "rejected rejected"),
        (1, "a:changes b:approve", "changes approved"),
        (1, "a:approve b:changes", "approved approved"),
        (2, "a:approve b:reject c:approve", "waiting waiting approved"),
        (2, "a:approve b:reject c:reject", "waiting waiting rejected"),
        (2, "a:approve b:changes c:approve", "waiting changes approved"),
        (2, "a:approve a:approve b:approve", "waiting waiting approved"),
        (2, "a:approve b:approve a:reject", "waiting approved waiting"),
        (2, "a:approve b:approve c:reject", "waiting approved approved"),
        (2, "a:changes a:approve", "changes waiting"),
        (3, "a:approve b:approve b:reject c:approve d:approve", "waiting waiting waiting waiting approved"),
    ],
)
def test_votes_that_differ_are_counted(sqlite: Database, needed: int, votes: str, statuses: str) -> None:
    item = put(sqlite)
    found = []
    for each in votes.split():
        curator, choice = each.split(":")
        found.append(say(sqlite, item, choice, curator, needed=needed).status)
    assert found == statuses.split()


def test_one_more_approval_takes_nothing_out_of_the_library(database: Database) -> None:
    shipped = put(database, 0, status="approved")
    assert say(database, shipped, "approve", needed=2).status == "approved"
    earlier = put(database, 1)
    say(database, earlier, "approve")
    assert say(database, earlier, "approve", needed=3).status == "approved"
    assert len(approved(database)) == 2


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"request": FAULTY}, "1 error in the findings"),
        ({"rights": None}, "The work"),
        ({"rights": Rights(OWN.layers[:2])}, "Annotation"),
        ({"rights": Rights((replace(OWN.layers[0], licence=""), *OWN.layers[1:]))}, "The work: the licence"),
    ],
)
def test_approving_needs_no_errors_and_complete_rights(database: Database, wrong: dict[str, Any], why: str) -> None:
    item = put(database, **wrong)
    before = everything(database)
    with pytest.raises(InvalidInputError, match=why) as caught:
        say(database, item, "approve")
    assert caught.value.hint
    assert everything(database) == before
    assert say(database, item, "reject").status == "rejected"
    assert say(database, item, "changes", "bob").status == "rejected"


def test_what_is_mended_can_be_approved(database: Database) -> None:
    item = put(database, rights=None, request=FAULTY)
    change(database, item, request=SNOW.request, rights=OWN)
    assert say(database, item, "approve").status == "approved"


def test_one_can_change_ones_vote(database: Database) -> None:
    item = put(database)
    say(database, item, "reject", note="No.")
    assert say(database, item, "approve", note="Yes, after all.").status == "approved"
    assert heard(database, item) == [("ada", "approve", "Yes, after all.")]
    assert [row.action for row in trail(database)] == ["approve", "reject", "submitted"]


def test_first_votes_are_blind(database: Database) -> None:
    item = put(database)
    say(database, item, "approve", "ada", note="Lovely", needed=3)
    say(database, item, "reject", "bob", note="Dull", needed=3)
    assert votes_of(database, now_at(database, item), "cleo") == ((), 2)
    say(database, item, "changes", "cleo", needed=3)
    both = [("ada", "approve", "Lovely"), ("bob", "reject", "Dull"), ("cleo", "changes", "")]
    for curator in ("ada", "bob", "cleo"):
        assert heard(database, item, curator) == both


def test_in_a_new_round_votes_are_blind_again(database: Database) -> None:
    item = put(database)
    say(database, item, "changes", "ada")
    say(database, item, "changes", "bob")
    change(database, item, "ada", structure=piece(1))
    say(database, item, "approve", "bob", needed=2)
    assert votes_of(database, now_at(database, item), "ada") == ((), 1)


def test_the_trail_tells_others_votes_only_to_who_has_voted_or_when_they_have_decided(database: Database) -> None:
    item = put(database)
    say(database, item, "changes", "ada", needed=2)

    def told_to(curator: str) -> list[str]:
        rows = trail(database, example_id=item.id)
        return [told(row, rows, curator)[0] for row in rows]

    assert told_to("ada") == ["changes", "submitted"]
    assert told_to("bob") == ["voted", "submitted"]
    say(database, item, "reject", "bob", needed=2)
    assert told_to("bob") == ["reject", "changes", "submitted"]
    assert told_to("cleo") == ["voted", "voted", "submitted"]
    say(database, item, "reject", "ada", needed=2)
    assert told_to("cleo") == ["reject", "reject", "changes", "submitted"]


@pytest.mark.parametrize("id", ["", "no such example", "\x00", "\ud800", "曲" * 500])
def test_what_is_not_there_is_refused(database: Database, id: str) -> None:
    put(database)
    before = everything(database)
    for doing in (
        lambda: vote(database, id, "reject", curator="ada", version=1),
        lambda: edit(database, id, curator="ada", version=1, tags=[]),
    ):
        with pytest.raises(InvalidInputError, match="no such example") as caught:
            doing()
        assert caught.value.hint
    assert everything(database) == before


# Edits


@pytest.mark.parametrize("changed", [{"structure": piece(1)}, {"rights": OTHER}, {"request": BRIEFED}], ids="-".join)
def test_what_was_approved_waits_again_when_it_is_changed(database: Database, changed: dict[str, Any]) -> None:
    item = put(database)
    say(database, item, "approve", "ada")
    after = change(database, item, "bob", **changed)
    assert (after.status, after.round, after.version) == ("waiting", 2, 3)
    assert approved(database) == ()
    [(name, value)] = changed.items()
    assert getattr(after, name) == value
    assert after == now_at(database, item)


@pytest.mark.parametrize(
    "changed",
    [
        {"tags": ["new"]}, {"teaches": "new"}, {"note": "new"}, {"structure": piece()}, {"rights": OWN},
        {"request": SNOW.request}, {},
    ],
    ids=lambda changed: "-".join(changed) or "nothing",
)  # fmt: skip
def test_what_is_said_about_a_piece_changes_without_a_new_round(database: Database, changed: dict[str, Any]) -> None:
    item = put(database)
    say(database, item, "approve", "ada")
    after = change(database, item, "bob", **changed)
    assert (after.status, after.round, after.version) == ("approved", 1, 3)
    for name in {"tags", "teaches", "note"} & set(changed):
        assert getattr(after, name) == (("new",) if name == "tags" else "new")


def test_an_edit_leaves_the_rest_as_it_is(database: Database) -> None:
    item = put(database, tags=["a"], teaches="b", note="c")
    after = change(database, item, tags=["x", "y"])
    assert after == replace(item, tags=("x", "y"), version=2, updated_at=after.updated_at)
    assert change(database, item, tags=[], teaches="", note="") == replace(
        item, tags=(), teaches="", note="", version=3, updated_at=now_at(database, item).updated_at
    )


def test_votes_of_an_old_round_do_not_count(database: Database) -> None:
    item = put(database)
    say(database, item, "approve", "ada", needed=2)
    assert change(database, item, "bob", structure=piece(1)).status == "waiting"
    assert votes_of(database, now_at(database, item), "ada") == ((), 0)
    assert say(database, item, "approve", "bob", needed=2).status == "waiting"
    assert say(database, item, "approve", "ada", needed=2).status == "approved"


def test_an_edit_that_brings_errors_makes_the_piece_wait(database: Database) -> None:
    item = put(database)
    say(database, item, "approve")
    after = change(database, item, request=FAULTY)
    assert (after.status, after.errors) == ("waiting", 1)
    with pytest.raises(InvalidInputError, match="cannot be approved"):
        say(database, item, "approve")


def test_rights_that_cannot_be_read_again_are_refused(database: Database) -> None:
    item = put(database)
    before = everything(database)
    with pytest.raises(InvalidInputError):
        change(database, item, rights=Rights((replace(OWN.layers[0], source="x" * 2000), *OWN.layers[1:])))
    with pytest.raises(InvalidInputError):
        change(database, item, rights=Rights((OWN.layers[0], *OWN.layers)))
    assert everything(database) == before


def test_hostile_texts_are_taken(database: Database) -> None:
    item = put(database)
    curator = HOSTILE * 20
    say(database, item, "changes", curator, note=HOSTILE)
    assert heard(database, item, curator) == [((MILD * 20)[:80], "changes", MILD)]
    after = change(database, item, curator, tags=[HOSTILE], teaches=HOSTILE, note=HOSTILE)
    assert (after.tags, after.teaches, after.note) == ((MILD,), MILD, MILD)
    say(database, item, "reject", curator, note=HOSTILE)
    assert {(row.curator, row.note) for row in trail(database)[:3:2]} == {((MILD * 20)[:80], MILD)}
    for _ in range(3):
        undo(database, curator=curator)
    assert now_at(database, item) == replace(item, version=7, updated_at=now_at(database, item).updated_at)
    assert votes_of(database, now_at(database, item), curator) == ((), 0)


# Somebody was quicker

ACTIONS: dict[str, Callable[[Database, Item], Item]] = {
    "approve": lambda database, item: vote(database, item.id, "approve", curator="ada", version=item.version, note="n"),
    "reject": lambda database, item: vote(database, item.id, "reject", curator="ada", version=item.version, note="n"),
    "changes": lambda database, item: vote(database, item.id, "changes", curator="ada", version=item.version, note="n"),
    **{
        name: (
            lambda database, item, name=name, value=value: edit(
                database, item.id, curator="ada", version=item.version, **{name: value}
            )
        )
        for name, value in {
            "structure": piece(1), "request": FAULTY, "rights": Rights(()), "tags": ["x"], "teaches": "x", "note": "x",
        }.items()
    },
}  # fmt: skip
"""What Ada may do to an item that she sees."""
every_action = pytest.mark.parametrize("action", ACTIONS)


@pytest.mark.parametrize("quicker", ["vote", "edit", "undo"])
def test_who_acts_on_an_old_version_is_told_and_nothing_changes(database: Database, quicker: str) -> None:
    item = put(database)
    say(database, item, "changes", "bob")
    old = now_at(database, item)
    {
        "vote": lambda: say(database, item, "approve", "bob"),
        "edit": lambda: change(database, item, "bob", teaches="Bob's"),
        "undo": lambda: undo(database, curator="bob"),
    }[quicker]()
    before = everything(database)
    for name, action in ACTIONS.items():
        for version in (old.version, old.version - 1, now_at(database, item).version + 1, 0, -1):
            with pytest.raises(ConflictError, match="changed this example") as caught:
                action(database, replace(old, version=version))
            assert caught.value.hint
            assert everything(database) == before, name
    with pytest.raises(InvalidInputError, match="nothing to undo"):
        undo(database, curator="ada")
    assert everything(database) == before


def test_of_many_who_act_on_the_same_version_one_succeeds(
    database: Database, at_once: Callable[..., list[Any]]
) -> None:
    item = put(database)
    names = [*ACTIONS, "approve", "reject"]
    answers = at_once(lambda number: ACTIONS[names[number]](database, item), len(names))
    assert sum(isinstance(answer, Item) for answer in answers) == 1
    assert sum(isinstance(answer, ConflictError) for answer in answers) == len(names) - 1
    assert len(trail(database)) == 2


# Undoing


@every_action
@pytest.mark.parametrize("first", [None, "approve", "reject", "changes", "structure"])
def test_undoing_restores_exactly_what_was_before(sqlite: Database, action: str, first: str | None) -> None:
    item = put(sqlite, tags=["before"], teaches="before", note="before")
    say(sqlite, item, "changes", "bob", note="Hm.")
    if first is not None:
        ACTIONS[first](sqlite, now_at(sqlite, item))
    before, seen = as_it_stands(sqlite), now_at(sqlite, item)
    done = ACTIONS[action](sqlite, seen)
    after = undo(sqlite, curator="ada")
    assert as_it_stands(sqlite) == before
    assert after == replace(seen, version=seen.version + 2, updated_at=after.updated_at)
    assert after == now_at(sqlite, item)
    last, undone = trail(sqlite)[:2]
    assert (last.action, last.undoes, last.curator, last.note) == ("undone", undone.id, "ada", undone.action)
    assert last.before == undone.after
    assert undone.before is not None
    assert last.after == {**undone.before, "version": done.version + 1}


def test_undoing_is_the_same_on_both_databases(database: Database) -> None:
    item = put(database)
    say(database, item, "reject", "bob", needed=2)
    before = [as_it_stands(database)]
    for action in ACTIONS:
        if action != "approve" or not now_at(database, item).hindrances:
            ACTIONS[action](database, now_at(database, item))
            before.append(as_it_stands(database))
    for wanted in before[-2::-1]:
        undo(database, curator="ada")
        assert as_it_stands(database) == wanted
    with pytest.raises(InvalidInputError, match="nothing to undo"):
        undo(database, curator="ada")


def test_what_an_undo_brought_back_may_stand_in_prompts_again(database: Database) -> None:
    item = put(database)
    say(database, item, "approve")
    [example] = approved(database)
    say(database, item, "reject")
    change(database, item, structure=piece(1))
    assert approved(database) == ()
    undo(database, curator="ada")
    undo(database, curator="ada")
    assert approved(database) == (example,)


def test_undoing_is_refused_when_somebody_has_changed_it_since(database: Database) -> None:
    item = put(database)
    say(database, item, "approve", "ada")
    for doing in (lambda: say(database, item, "reject", "bob"), lambda: change(database, item, "bob", teaches="x")):
        doing()
        before = everything(database)
        with pytest.raises(ConflictError, match="changed this example since") as caught:
            undo(database, curator="ada")
        assert caught.value.hint
        assert everything(database) == before
        undo(database, curator="bob")
    undo(database, curator="ada")  # Bob has taken his back: nothing stands in the way
    assert votes_of(database, now_at(database, item), "ada") == ((), 0)


def test_one_undoes_only_ones_own(database: Database) -> None:
    item = put(database, curator="bob")
    say(database, item, "approve", "ada")
    before = everything(database)
    with pytest.raises(InvalidInputError, match="nothing to undo") as caught:
        undo(database, curator="bob")  # his was the submission, which stays
    assert "own" in caught.value.hint
    for curator in ("cleo", "", "ADA", "ada ", "%"):
        with pytest.raises(InvalidInputError):
            undo(database, curator=curator)
    assert everything(database) == before


def test_undoing_twice_walks_back(database: Database) -> None:
    item = put(database)
    states = [as_it_stands(database)]
    for doing in (
        lambda: say(database, item, "changes", note="First."),
        lambda: change(database, item, structure=piece(1)),
        lambda: say(database, item, "reject"),
        lambda: say(database, item, "approve"),
        lambda: change(database, item, teaches="More."),
    ):
        doing()
        states.append(as_it_stands(database))
    for wanted in states[-2::-1]:
        undo(database, curator="ada")
        assert as_it_stands(database) == wanted
    with pytest.raises(InvalidInputError):
        undo(database, curator="ada")
    assert [row.action for row in trail(database)] == [
        *["undone"] * 5, "edited", "approve", "reject", "edited", "changes", "submitted",
    ]  # fmt: skip


def test_after_undoing_one_goes_on_from_there(database: Database) -> None:
    item = put(database)
    say(database, item, "changes")
    change(database, item, structure=piece(1))
    say(database, item, "approve", note="of the second")
    undo(database, curator="ada")
    undo(database, curator="ada")
    assert change(database, item, structure=piece(2)).round == 2
    assert votes_of(database, now_at(database, item), "ada") == ((), 0)  # not those of the round that was taken back
    say(database, item, "reject", note="of the third")
    undo(database, curator="ada")
    assert heard(database, item) == []
    undo(database, curator="ada")
    assert heard(database, item) == [("ada", "changes", "")]
    assert now_at(database, item).structure == piece()


def test_undoing_goes_through_ones_actions_on_all_items_or_on_one(database: Database) -> None:
    first, second = put(database, 0), put(database, 1)
    say(database, first, "approve")
    say(database, second, "approve")
    say(database, first, "reject")
    assert undo(database, curator="ada", example_id=second.id).id == second.id
    assert undo(database, curator="ada").status == "approved"
    assert undo(database, curator="ada").status == "waiting"
    assert now_at(database, first).status == now_at(database, second).status == "waiting"
    with pytest.raises(InvalidInputError):
        undo(database, curator="ada", example_id=second.id)


def test_a_vote_that_was_taken_back_leaves_the_earlier_one_in_its_place(database: Database) -> None:
    item = put(database)
    say(database, item, "approve", "ada", note="First.", needed=3)
    first = votes_of(database, now_at(database, item), "ada")[0][0]
    say(database, item, "approve", "bob", needed=3)
    say(database, item, "reject", "ada", note="Second.", needed=3)
    assert [said[0] for said in heard(database, item)] == ["bob", "ada"]
    undo(database, curator="ada")
    assert heard(database, item) == [("ada", "approve", "First."), ("bob", "approve", "")]
    again = votes_of(database, now_at(database, item), "ada")[0][0]
    assert abs((again.at - first.at).total_seconds()) < 1


# Agreement


@pytest.mark.parametrize(
    ("votes", "alpha", "examples"),
    [
        # Nominal alpha is 1 - (n - 1) * sum of unlike pairs / sum of products of unlike totals (Krippendorff 2011).
        ("", None, 0),
        ("a", None, 0),
        ("a r c", None, 0),
        ("aa", 1, 1),
        ("aa aaa a", 1, 2),
        ("aa rr", 1, 2),
        ("aa rr ccc", 1, 3),
        ("ar ar", 1 - 1 / (2 / 3), 2),  # 4 votes, every pair unlike, 2 of each: expected 8/12
        ("aa ar rr", 1 - (2 / 6) / (18 / 30), 3),  # 2 of 6 pairs unlike, 3 of each: expected 18/30
        ("aar cc", 1 - (2 / 5) / (16 / 20), 2),  # a three, weighed by half: totals 2, 1, 2
        ("aa aa aa ar", 1 - (2 / 8) / (14 / 56), 4),  # 7 and 1: no better than chance
        ("aar cc a r c", 1 - (2 / 5) / (16 / 20), 2),  # lone votes say nothing about agreement
        ("arc", 1 - 1 / (6 / 6), 1),
    ],
)
def test_agreement_is_krippendorffs_alpha(sqlite: Database, votes: str, alpha: float | None, examples: int) -> None:
    kinds = {"a": "approve", "r": "reject", "c": "changes"}
    for number, said in enumerate(votes.split()):
        item = put(sqlite, number)
        for curator, kind in enumerate(said):
            say(sqlite, item, kinds[kind], f"curator {curator}", needed=9)
    assert agreement(sqlite) == ((None if alpha is None else pytest.approx(alpha)), examples)


def test_rounds_are_compared_each_by_itself_but_an_example_is_counted_once(database: Database) -> None:
    item = put(database)
    for curator, choice in (("ada", "changes"), ("bob", "changes")):
        say(database, item, choice, curator)
    change(database, item, structure=piece(1))
    for curator in ("ada", "bob"):
        say(database, item, "approve", curator)
    assert agreement(database) == (1, 1)
    say(database, item, "reject", "bob")
    assert agreement(database) == (pytest.approx(1 - (2 / 4) / (10 / 12)), 1)
    undo(database, curator="bob")
    assert agreement(database) == (1, 1)


# The trail tells the whole story


def test_the_trail_is_newest_first_and_of_all_or_one(database: Database) -> None:
    first, second = put(database, 0), put(database, 1)
    say(database, first, "approve")
    assert [(row.example_id, row.action) for row in trail(database)] == [
        (first.id, "approve"), (second.id, "submitted"), (first.id, "submitted"),
    ]  # fmt: skip
    assert [row.action for row in trail(database, example_id=first.id)] == ["approve", "submitted"]
    assert len(trail(database, most=2)) == 2
    assert trail(database, example_id="nobody") == ()


class Replay:
    """The library as the trail alone tells it, by rules that are written down here a second time."""

    def __init__(self, rows: Sequence[Trail], needed: int = 1) -> None:
        self.states: dict[str, Any] = {}
        self.votes: dict[tuple[str, int, str], tuple[str, str]] = {}
        self._done: dict[str, list[tuple[Trail, dict[str, Any], dict[Any, Any]]]] = {}
        self._needed = needed
        for row in sorted(rows, key=lambda row: row.id):
            self._read(row)

    def _read(self, row: Trail) -> None:
        id, after = row.example_id, dict(row.after or {})
        if row.action == "submitted":
            assert row.before is None
            assert id not in self.states
            self.states[id], self._done[id] = after, []
            return
        before = self.states[id]
        assert row.before == before
        wanted = {**before, "version": before["version"] + 1}
        if row.action == "undone":
            last, state, votes = self._done[id].pop()
            assert (row.undoes, row.curator) == (last.id, last.curator)
            wanted = {**state, "version": wanted["version"]}
            self.votes = {key: said for key, said in self.votes.items() if key[0] != id} | votes
        else:
            assert row.undoes is None
            self._done[id].append((row, before, {key: said for key, said in self.votes.items() if key[0] == id}))
            if row.action == "edited":
                wanted |= {name: after[name] for name in ("request", "structure", "tags", "teaches", "rights", "note")}
                if any(wanted[name] != before[name] for name in ("request", "structure", "rights")):
                    wanted |= {"round": before["round"] + 1, "status": "waiting"}
            else:
                self.votes[id, before["round"], row.curator] = (row.action, row.note)
                wanted["status"] = self._status(id, before, row.action)
        assert after == wanted
        self.states[id] = after

    def _status(self, id: str, before: dict[str, Any], choice: str) -> str:
        said = Counter(vote for key, (vote, _) in self.votes.items() if key[:2] == (id, before["round"]))
        if said["reject"] >= self._needed:
            return "rejected"
        if said["approve"] >= self._needed or (choice == "approve" and before["status"] == "approved"):
            return "approved"
        return "changes" if said["changes"] else "waiting"


def demand_told_by_the_trail(database: Database, needed: int = 1) -> None:
    """Every example and every vote is as the trail says, and what is approved may be."""
    told_by_it = Replay(trail(database, most=1_000_000), needed)
    with database.reading() as session:
        rows = list(session.scalars(select(ExampleRow)))
        votes = {
            (row.example_id, row.round, row.curator): (row.vote, row.note) for row in session.scalars(select(VoteRow))
        }
    assert {row.id: state_of(row) for row in rows} == told_by_it.states
    assert votes == told_by_it.votes
    for row in rows:
        if row.status == "approved":
            assert (row.errors, row.rights_gaps) == (0, 0)


def test_two_curators_who_vote_on_the_same_twenty_at_once_lose_no_vote(
    empty_url: str, opened: Callable[[str], Database], at_once: Callable[..., list[Any]]
) -> None:
    databases = [opened(empty_url).upgrade() for _ in range(2)]
    items = [put(databases[0], number) for number in range(20)]

    def work(number: int) -> list[str]:
        outcomes = []
        for item in items:
            try:
                vote(databases[number], item.id, VOTES[number], curator=f"curator {number}", version=1, needed=2)
                outcomes.append(item.id)
            except ConflictError:
                again = now_at(databases[number], item)
                assert votes_of(databases[number], again, f"curator {number}")[1] == 1
                say(databases[number], again, VOTES[number], f"curator {number}", needed=2)
        return outcomes

    first = at_once(work, 2)
    assert sorted(first[0] + first[1]) == sorted(item.id for item in items)  # of two at once, one was first
    for item in items:
        assert {said[:2] for said in heard(databases[0], item, "curator 0")} == {
            ("curator 0", "approve"),
            ("curator 1", "reject"),
        }
    demand_told_by_the_trail(databases[1], 2)


def test_two_curators_who_do_all_kinds_of_things_to_twenty_at_once_leave_a_trail_that_explains_all(
    empty_url: str, opened: Callable[[str], Database], at_once: Callable[..., list[Any]]
) -> None:
    databases = [opened(empty_url).upgrade() for _ in range(2)]
    items = [put(databases[0], number, rights=OWN if number % 5 else None) for number in range(20)]

    def work(number: int) -> Counter[str]:
        database, curator, chance = databases[number], f"curator {number}", random.Random(number)
        seen = {item.id: item for item in items}
        outcomes: Counter[str] = Counter()
        for _ in range(100):
            item = chance.choice(list(seen.values())[:8] if chance.random() < 0.5 else list(seen.values()))
            doing = chance.choice([*VOTES, *VOTES, "structure", "tags", "undo", "undo here"])
            try:
                if doing in VOTES:
                    said = f"{chance.random()}"
                    item = vote(database, item.id, doing, curator=curator, version=item.version, note=said, needed=2)
                elif doing.startswith("undo"):
                    item = undo(database, curator=curator, example_id=item.id if doing == "undo here" else "")
                else:
                    new: Any = piece(chance.randrange(10**6)) if doing == "structure" else [f"{chance.random()}"]
                    item = edit(database, item.id, curator=curator, version=item.version, **{doing: new})
                outcomes["done"] += 1
                seen[item.id] = item
            except (ConflictError, InvalidInputError) as problem:
                outcomes[type(problem).__name__ if problem.hint else "no hint"] += 1
                seen[item.id] = now_at(database, item)
        return outcomes

    outcomes = at_once(work, 2)
    assert not [each for each in outcomes if isinstance(each, WorkbenchError)]
    assert all(each["done"] > 20 for each in outcomes)
    assert sum(each["ConflictError"] for each in outcomes) > 0
    assert sum(each["no hint"] for each in outcomes) == 0
    assert len(trail(databases[0], most=10_000)) == 20 + sum(each["done"] for each in outcomes)
    demand_told_by_the_trail(databases[0], 2)


def told_of(database: Database, items: Sequence[Item]) -> list[Trail]:
    return [row for item in items for row in trail(database, example_id=item.id)]


steps = st.lists(
    st.tuples(
        st.sampled_from(["ada", "bob", "cleo"]),
        st.sampled_from([*VOTES, *ACTIONS, "mend", "undo", "undo", "undo here", "stale"]),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, needed=st.integers(1, 3))
def test_whatever_curators_do_the_trail_explains_it(
    sqlite: Database, steps: list[tuple[str, str, int]], needed: int
) -> None:
    items = [put(sqlite, next(numbers)) for _ in range(2)]
    changes: dict[str, dict[str, Any]] = {
        "request": {"request": FAULTY}, "rights": {"rights": Rights(())}, "tags": {"tags": [HOSTILE]},
        "teaches": {"teaches": HOSTILE}, "note": {"note": HOSTILE}, "mend": {"request": SNOW.request, "rights": OWN},
    }  # fmt: skip
    alone = f"{items[0].id} "
    for who, doing, which in steps:
        item, curator = now_at(sqlite, items[which]), alone + who  # whose earlier actions are those of this run
        before = [now_at(sqlite, each) for each in items], len(told_of(sqlite, items))
        refused = None
        try:
            if doing in VOTES:
                after = vote(sqlite, item.id, doing, curator=curator, version=item.version, note=who, needed=needed)  # type: ignore[arg-type]
            elif doing.startswith("undo"):
                after = undo(sqlite, curator=curator, example_id=item.id if doing == "undo here" else "")
            elif doing == "stale":
                after = vote(sqlite, item.id, "reject", curator=curator, version=item.version - 1)
            elif doing == "structure":
                after = change(sqlite, item, curator, structure=piece(next(numbers)))
            else:
                after = change(sqlite, item, curator, **changes[doing])
        except (ConflictError, InvalidInputError) as problem:
            refused = problem
        if refused is not None:
            assert doing in {"approve", "undo", "undo here", "stale"}
            assert doing != "approve" or item.hindrances
            assert before == ([now_at(sqlite, each) for each in items], len(told_of(sqlite, items)))
            continue
        assert doing != "stale"
        assert doing != "approve" or not item.hindrances
        assert after == now_at(sqlite, after)
        assert len(told_of(sqlite, items)) == before[1] + 1
    replayed = Replay(told_of(sqlite, items), needed)
    for item in items:
        with sqlite.reading() as session:
            row = session.get_one(ExampleRow, item.id)
            votes = session.scalars(select(VoteRow).where(VoteRow.example_id == item.id)).all()
        assert state_of(row) == replayed.states[item.id]
        found = {(each.example_id, each.round, each.curator): (each.vote, each.note) for each in votes}
        assert found == {key: said for key, said in replayed.votes.items() if key[0] == item.id}
        assert row.status != "approved" or (row.errors, row.rights_gaps) == (0, 0)


def test_the_trail_is_neither_replaced_nor_emptied(database: Database) -> None:
    put(database)
    before = trail(database)
    row = "(id, example_id, curator, action, note, at) VALUES (1, '', '', '', '', 0)"
    way = f"INSERT OR REPLACE INTO audit {row}" if database.is_sqlite else "TRUNCATE audit"
    for doing in (way, "UPDATE audit SET note = 'x'", "DELETE FROM audit"):
        with pytest.raises(DatabaseError), database.writing() as session:
            session.execute(text(doing))
    assert trail(database) == before


def test_neither_a_vote_nor_its_note_is_told_while_votes_are_blind(database: Database) -> None:
    item = put(database)
    say(database, item, "changes", "ada", needed=2, note="The bass stands still.")
    undo(database, curator="ada")
    rows = trail(database, example_id=item.id)
    assert [told(row, rows, "bob") for row in rows][:2] == [("took a vote back", ""), ("voted", "")]
    assert told(rows[1], rows, "ada") == ("changes", "The bass stands still.")
