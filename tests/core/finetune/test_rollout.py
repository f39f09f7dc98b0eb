"""The rollout: at most one live and one canary, every change in the trail, and a way back that ends."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tests.core.finetune.tuned import REASON, a_model, actions
from tests.core.library.conftest import at_once, cluster, database, empty, empty_url, opened
from workbench.core.errors import ConflictError, DatabaseError, InvalidInputError
from workbench.core.finetune.models import TunedModel, find_model, models
from workbench.core.finetune.rollback import roll_back, step_back
from workbench.core.finetune.rollout import block, promote, retire, set_share, state, unblock
from workbench.core.finetune.trail import Places, RolloutChange, trail
from workbench.core.library.database import Database
from workbench.core.library.rollouts import rollout
from workbench.core.library.tuning_tables import TunedModelRow

__all__ = ["at_once", "cluster", "database", "empty", "empty_url", "opened"]


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[Database]:
    """A database in SQLite alone."""
    made = Database(f"sqlite:///{tmp_path}/lite.sqlite3").upgrade()
    yield made
    made.close()


def go_live(database: Database, model: TunedModel, **more: Any) -> RolloutChange:
    return promote(database, model.id, "live", **{"curator": "ada", "override": REASON} | more)


def to_canary(database: Database, model: TunedModel, **more: Any) -> RolloutChange:
    return promote(database, model.id, "canary", **{"curator": "ada"} | more)


def places(database: Database) -> tuple[str | None, str | None, float]:
    """The names of the live model and of the canary, and its share; what generations read has to agree."""
    now, read = state(database), rollout(database)
    assert (read.live and read.live.id) == (now.live and now.live.id)
    assert (read.canary and read.canary.id, read.share) == (now.canary and now.canary.id, now.share)
    live, canary = (each.name if each else None for each in (now.live, now.canary))
    return live, canary, now.share


def state_of(database: Database, model: TunedModel) -> str:
    found = find_model(database, model.id)
    assert found is not None
    return found.state


def test_a_canary_is_promoted_and_the_places_are_handed_on(database: Database) -> None:
    one, two = a_model(database, "one"), a_model(database, "two")
    to_canary(database, one, share=0.25)
    assert places(database) == (None, "one", 0.25)
    change = go_live(database, one)
    assert places(database) == ("one", None, 0.0)
    assert (change.before, change.after) == (Places(None, one.id, 0.25), Places(one.id, None, 0.0))
    to_canary(database, two)
    set_share(database, two.id, 1, curator="bob")
    assert places(database) == ("one", "two", 1.0)
    to_canary(database, a_model(database, "three"))
    assert state_of(database, two) == "candidate"
    go_live(database, two)
    assert places(database) == ("two", "three", 0.1)
    assert state_of(database, one) == "retired"
    retire(database, two.id, curator="ada")
    assert places(database) == (None, "three", 0.1)
    assert actions(database)[2:] == ["canary", "live", "canary", "share", "register", "canary", "live", "retire"]
    assert json.loads(json.dumps([each.to_dict() for each in trail(database)]))[0]["curator"] == "ada"
    assert [each.action for each in trail(database, model=one.id)] == ["live", "canary", "register"]
    with database.writing() as session, pytest.raises(SQLAlchemyError):
        session.execute(text("UPDATE rollout_changes SET curator = 'eve'"))


def test_going_live_past_a_shut_gate_takes_a_reason_that_the_trail_keeps(lite: Database) -> None:
    model = a_model(lite)
    for override in ("", "too short", "  nine chars "[:11]):
        with pytest.raises(InvalidInputError, match=r"The gate is shut\. There is no frozen test set") as caught:
            go_live(lite, model, override=override)
        assert caught.value.field == "override"
    assert places(lite) == (None, None, 0.0)
    change = go_live(lite, model)
    assert (change.override, change.note) == (
        REASON, "The gate was shut. There is no frozen test set to compare on."
    )  # fmt: skip
    assert to_canary(lite, a_model(lite, "B"), override=REASON).override == "", "a canary needs none"


@pytest.mark.parametrize("share", [0, -0.1, 1.01, math.nan, math.inf, True, "0.5", None])
def test_a_share_that_cannot_be_is_refused(lite: Database, share: Any) -> None:
    model = a_model(lite)
    with pytest.raises(InvalidInputError) as caught:
        to_canary(lite, model, share=share)
    assert caught.value.field == "share"
    to_canary(lite, model)
    with pytest.raises(InvalidInputError):
        set_share(lite, model.id, share, curator="ada")
    assert places(lite) == (None, "A", 0.1)


def test_what_cannot_be_done_is_refused_and_leaves_no_trace(lite: Database) -> None:
    one, two = a_model(lite, "one"), a_model(lite, "two")
    go_live(lite, one)
    retire(lite, two.id, curator="ada")
    before = trail(lite), models(lite)
    for doing in (
        lambda: promote(lite, one.id, "retired", curator="ada"), lambda: go_live(lite, one),
        lambda: to_canary(lite, one), lambda: retire(lite, two.id, curator="ada"),
        lambda: set_share(lite, one.id, 0.5, curator="ada"), lambda: unblock(lite, one.id, curator="ada"),
        lambda: block(lite, one.id, reason=" \x00", curator="ada"), lambda: promote(lite, "none", "live", curator="a"),
        lambda: retire(lite, "\x00", curator="ada"), lambda: block(lite, "", reason="x", curator="ada"),
    ):  # fmt: skip
        with pytest.raises(InvalidInputError) as caught:
            doing()
        assert caught.value.hint
        assert caught.value.field
    assert (trail(lite), models(lite)) == before


def test_a_blocked_model_leaves_at_once_and_does_not_come_back_by_itself(database: Database) -> None:
    one, two = a_model(database, "one"), a_model(database, "two")
    go_live(database, one)
    to_canary(database, two)
    for model in (one, two):
        change = block(database, model.id, reason="It swears.", curator="ada")
        assert (change.action, change.note) == ("block", "It swears.")
    assert places(database) == (None, None, 0.0)
    for place in ("live", "canary"):
        with pytest.raises(InvalidInputError, match="is blocked: It swears"):
            promote(database, one.id, place, curator="ada", override=REASON)
    with pytest.raises(InvalidInputError, match="blocked already"):
        block(database, one.id, reason="again", curator="ada")
    unblock(database, one.id, curator="ada")
    assert places(database) == (None, None, 0.0)
    go_live(database, one)
    assert places(database) == ("one", None, 0.0)


def test_rolling_back_goes_down_step_by_step_to_the_beginning(database: Database) -> None:
    one, two, three = (a_model(database, name) for name in ("one", "two", "three"))
    seen = [places(database)]
    for doing in (
        lambda: to_canary(database, one), lambda: set_share(database, one.id, 0.5, curator="ada"),
        lambda: go_live(database, one), lambda: to_canary(database, two), lambda: go_live(database, three),
        lambda: retire(database, two.id, curator="ada"), lambda: retire(database, three.id, curator="ada"),
    ):  # fmt: skip
        doing()
        seen.append(places(database))
    for wanted in seen[-2::-1]:
        step = step_back(database)
        assert step is not None
        change = roll_back(database, curator="bob")
        assert (change.undoes, change.after, change.action) == (step.undoes.id, step.after, "rollback")
        assert places(database) == wanted
    assert step_back(database) is None
    with pytest.raises(InvalidInputError, match="nothing to roll back"):
        roll_back(database, curator="bob")


def test_a_roll_back_is_not_undone_by_the_next_one(lite: Database) -> None:
    one, two, three = (a_model(lite, name) for name in ("one", "two", "three"))
    go_live(lite, one)
    go_live(lite, two)
    roll_back(lite, curator="ada")
    assert places(lite)[0] == "one"
    assert state_of(lite, two) == "retired"
    go_live(lite, three)
    for wanted in ("one", None):
        roll_back(lite, curator="ada")
        assert places(lite)[0] == wanted
    assert step_back(lite) is None


def test_a_blocked_model_is_not_brought_back_and_the_base_answers(lite: Database) -> None:
    one, two = a_model(lite, "one"), a_model(lite, "two")
    go_live(lite, one)
    go_live(lite, two)
    block(lite, one.id, reason="It swears.", curator="ada")
    change = roll_back(lite, curator="ada", note="It is slow.")
    assert places(lite) == (None, None, 0.0)
    assert change.note == "one was not brought back. one is blocked: It swears. It is slow."
    unblock(lite, one.id, curator="ada")
    assert step_back(lite) is None


def test_what_a_block_has_taken_back_already_is_passed_over(lite: Database) -> None:
    one, two = a_model(lite, "one"), a_model(lite, "two")
    go_live(lite, one)
    go_live(lite, two)
    to_canary(lite, three := a_model(lite, "three"))
    block(lite, three.id, reason="It swears.", curator="ada")
    roll_back(lite, curator="ada")
    assert places(lite) == ("one", None, 0.0), "the canary is gone already, so the promotion below it is undone"
    unblock(lite, three.id, curator="ada")
    roll_back(lite, curator="ada")
    assert places(lite) == (None, None, 0.0)
    assert step_back(lite) is None


def test_rolling_back_takes_back_only_what_the_change_did(lite: Database) -> None:
    one, two = a_model(lite, "one"), a_model(lite, "two")
    go_live(lite, one)
    to_canary(lite, two)
    set_share(lite, two.id, 0.5, curator="ada")
    block(lite, one.id, reason="It swears.", curator="ada")
    unblock(lite, one.id, curator="ada")
    roll_back(lite, curator="ada")
    assert places(lite) == (None, "two", 0.1), "the live model was taken out by another change"


def test_whoever_has_not_seen_the_newest_change_is_told(lite: Database) -> None:
    one, two = a_model(lite, "one"), a_model(lite, "two")
    seen = state(lite).seen
    to_canary(lite, one, seen=seen)
    a_model(lite, "three")
    before = trail(lite)
    for doing in (
        lambda: to_canary(lite, two, seen=seen), lambda: go_live(lite, two, seen=seen),
        lambda: set_share(lite, one.id, 0.5, curator="bob", seen=seen),
        lambda: retire(lite, one.id, curator="bob", seen=seen), lambda: roll_back(lite, curator="bob", seen=seen),
        lambda: roll_back(lite, curator="bob", seen=99),
    ):  # fmt: skip
        with pytest.raises(ConflictError, match="Somebody else has changed the rollout") as caught:
            doing()
        assert caught.value.hint
    assert trail(lite) == before
    roll_back(lite, curator="bob", seen=state(lite).seen)
    assert places(lite) == (None, None, 0.0)


class Overtaken(Database):
    """A database in which somebody else does something just before this one first writes."""

    def __init__(self, other: Database, doing: Callable[[], object]) -> None:
        super().__init__(other.engine.url)
        self._doing: Callable[[], object] | None = doing

    def writing(self) -> AbstractContextManager[Session]:  # type: ignore[override]
        doing, self._doing = self._doing, None
        if doing is not None:
            doing()
        return super().writing()


def test_what_was_decided_on_a_rollout_that_was_changed_meanwhile_is_not_done(lite: Database) -> None:
    one, two = a_model(lite, "one"), a_model(lite, "two")
    go_live(lite, one)
    deeds: list[Callable[[Database], RolloutChange]] = [
        lambda each: roll_back(each, curator="ada"), lambda each: go_live(each, two), lambda each: to_canary(each, two),
    ]  # fmt: skip
    for at, deed in enumerate(deeds):
        overtaken = Overtaken(lite, partial(block, lite, a_model(lite, f"x{at}").id, reason="bad", curator="bob"))
        with pytest.raises(ConflictError):
            deed(overtaken)
        overtaken.close()
    assert places(lite) == ("one", None, 0.0)


@pytest.mark.parametrize("to", ["live", "canary"])
def test_of_people_who_promote_at_once_one_succeeds(
    database: Database, at_once: Callable[..., list[Any]], to: str
) -> None:
    known = [a_model(database, name) for name in "ABCD"]
    seen = state(database).seen
    answers = at_once(
        lambda number: promote(database, known[number].id, to, curator=f"p{number}", override=REASON, seen=seen), 4
    )
    [done] = [each for each in answers if isinstance(each, RolloutChange)]
    assert [type(each) for each in answers if each is not done] == [ConflictError] * 3
    assert [each.state for each in models(database)].count(to) == 1
    assert trail(database)[0] == done
    assert len(trail(database)) == 5


def test_two_who_roll_back_the_same_change_at_once_go_one_step(
    database: Database, at_once: Callable[..., list[Any]]
) -> None:
    for name in "ABC":
        go_live(database, a_model(database, name))
    seen = state(database).seen
    answers = at_once(lambda _: roll_back(database, curator="ada", seen=seen), 2)
    assert sorted(type(each).__name__ for each in answers) == ["ConflictError", "RolloutChange"]
    assert places(database)[0] == "B"


@pytest.mark.parametrize("place", ["live", "canary"])
def test_the_database_itself_takes_no_second_model_in_a_place(database: Database, place: str) -> None:
    for name in "AB":
        a_model(database, name)

    def both() -> None:
        with database.writing() as session:
            session.execute(update(TunedModelRow).values(state=place))

    with pytest.raises(DatabaseError):
        both()
    assert {each.state for each in models(database)} == {"candidate"}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["canary", "live", "share", "retire", "block", "unblock", "rollback"]), st.integers(0, 2)
    ),
    max_size=14,
)  # fmt: skip


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with three models in it, to be copied for each history."""
    path = tmp_path_factory.mktemp("three") / "three.sqlite3"
    made = Database(f"sqlite:///{path}").upgrade()
    for name in "ABC":
        a_model(made, name)
    made.close()
    return path


@settings(max_examples=30)
@given(STEPS)
def test_whatever_is_done_the_trail_tells_it_and_the_way_back_ends_at_the_base(
    three: Path, steps: list[tuple[str, int]]
) -> None:
    path = three.with_name("copy.sqlite3")
    shutil.copy(three, path)
    shared = Database(f"sqlite:///{path}")
    try:
        live_through(shared, steps)
    finally:
        shared.close()


def live_through(shared: Database, steps: list[tuple[str, int]]) -> None:
    known = sorted(models(shared), key=lambda each: each.name)
    doing: dict[str, Callable[[str], RolloutChange]] = {
        "canary": lambda id: promote(shared, id, "canary", curator="ada", share=0.3),
        "live": lambda id: promote(shared, id, "live", curator="ada", override=REASON),
        "share": lambda id: set_share(shared, id, 0.7, curator="ada"),
        "retire": lambda id: retire(shared, id, curator="ada"),
        "block": lambda id: block(shared, id, reason="bad", curator="ada"),
        "unblock": lambda id: unblock(shared, id, curator="ada"),
        "rollback": lambda _: roll_back(shared, curator="ada"),
    }
    for action, number in steps:
        before = trail(shared, 1)[0].after, len(trail(shared, 1_000))
        try:
            change = doing[action](known[number].id)
        except InvalidInputError:
            assert (trail(shared, 1)[0].after, len(trail(shared, 1_000))) == before
            continue
        now = state(shared)
        assert change.before == before[0]
        assert change.after == Places(
            now.live.id if now.live else None, now.canary.id if now.canary else None, now.share
        )
        assert not any(each.blocked for each in (now.live, now.canary) if each)
        assert (now.canary is None) == (now.share == 0.0)
    for _ in range(len(steps) + 1):
        if step_back(shared) is None:
            break
        roll_back(shared, curator="ada")
    assert places(shared) == (None, None, 0.0)
