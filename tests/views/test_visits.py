"""A visit keeps its takes and what was typed: in memory within bounds, in the database for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from workbench.core.library.database import Database
from workbench.core.library.takes import Take, keep_take, name_take, search_takes
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request
from workbench.views import visits as module
from workbench.views.details import on_paper, plain
from workbench.views.edits import Edit
from workbench.views.visits import MAX_TAKES, MAX_VISITS, Visit, Visits, link_to, origin_of, visitor_of

MakeTake = Callable[..., Take]


@pytest.fixture
def visit(database: Database) -> Visit:
    return Visit(database, "ada")


@pytest.fixture
def visits(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visits]:
    monkeypatch.setattr(module, "database", lambda: database)
    return Visits()


def test_a_take_made_twice_is_kept_once(visit: Visit, make_take: MakeTake) -> None:
    first = visit.keep(make_take())
    assert first.id
    assert visit.keep(make_take()) == first
    assert visit.takes == [first]
    assert visit.find(first.piece_id) == first
    assert visit.find("unknown") is None


def test_takes_outlive_the_process(visit: Visit, database: Database, make_take: MakeTake) -> None:
    kept = [visit.keep(make_take(title)) for title in ("First", "Second")]
    assert Visit(database, "ada").takes == kept
    assert Visit(database, "clara").takes == []


def test_what_is_only_shown_is_not_written_down_until_it_is_kept(
    visit: Visit, database: Database, make_take: MakeTake
) -> None:
    shown = visit.keep(make_take(), stored=False)
    assert (shown.id, shown.visitor) == ("", "ada")
    assert visit.takes == [shown]
    assert Visit(database, "ada").takes == []
    kept = visit.keep(shown)
    assert kept.id
    assert visit.takes == Visit(database, "ada").takes == [kept]


def test_the_newest_takes_are_at_hand_and_the_older_ones_in_the_database(
    visit: Visit, database: Database, make_take: MakeTake
) -> None:
    for number in range(MAX_TAKES + 3):
        visit.keep(make_take(f"Piece {number}"))
    assert [take.structure.title for take in visit.takes] == [f"Piece {n}" for n in range(3, MAX_TAKES + 3)]
    assert search_takes(database, visitor="ada")[1] == MAX_TAKES + 3
    assert visit.find(make_take("Piece 0").piece_id) is None
    assert visit.look_up(make_take("Piece 0").piece_id) is not None


def test_somebody_else_s_take_is_looked_up_and_one_s_own_comes_first(
    visit: Visit, database: Database, make_take: MakeTake
) -> None:
    theirs = keep_take(database, make_take(), "clara")
    assert visit.look_up(theirs.piece_id) == theirs
    own = visit.keep(make_take(name="Mine"))
    assert visit.look_up(theirs.piece_id) == own


def test_a_take_that_a_generation_made_is_seen_after_a_refresh(
    visit: Visit, database: Database, make_take: MakeTake
) -> None:
    shown = visit.keep(make_take("Shown"), stored=False)
    assert visit.takes == [shown]
    made = keep_take(database, make_take("Made meanwhile"), "ada")
    visit.refresh()
    assert visit.takes == [shown, made]


def test_a_new_name_stands_in_the_place_of_the_old_one(visit: Visit, make_take: MakeTake) -> None:
    first, second = visit.keep(make_take("First")), visit.keep(make_take("Second"))
    named = name_take(visit.database, first, "Snow")
    visit.replace(named)
    assert visit.takes == [named, second]


def test_what_was_typed_outlives_the_process(visit: Visit, database: Database) -> None:
    visit.draft |= {"brief": "雪の夜道", "variants": [{"writer": "rules", "temperature": 0.8, "editor": False}]}
    visit.edits["piece"] = Edit("{}", '{"key": "c')
    visit.edits["untouched"] = Edit("{}", "{}")
    visit.save()
    again = Visit(database, "ada")
    assert again.draft == visit.draft
    assert list(again.edits) == ["piece"]
    assert (again.edits["piece"].text, again.edits["piece"].own) == ('{"key": "c', "{}")
    assert again.edits["piece"].version != visit.edits["piece"].version, "an open text box takes it over"
    assert Visit(database, "clara").draft == {}


def test_an_edit_that_was_used_is_forgotten(visit: Visit, database: Database) -> None:
    visit.edits["piece"] = Edit("{}", "changed")
    visit.save()
    visit.edits.pop("piece")
    visit.save()
    assert Visit(database, "ada").edits == {}


def test_only_what_has_changed_is_written(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(module, "save_draft", lambda *call: written.append(call[2]))
    visit.save()
    visit.draft["brief"] = "A walk"
    visit.save()
    visit.save()
    visit.edits["piece"] = Edit("{}", "{")
    visit.save()
    assert written == ["compose", "compose-edits"]


def test_the_visits_of_a_process_are_bounded_and_none_is_lost(visits: Visits, make_take: MakeTake) -> None:
    first = visits.of("first")
    kept = first.keep(make_take())
    assert visits.of("first") is first
    for number in range(MAX_VISITS):
        visits.of(str(number))
    again = visits.of("first")
    assert again is not first
    assert again.takes == [kept]


def test_the_database_does_not_know_the_cookie() -> None:
    name = visitor_of("a-cookie-that-nobody-else-has")
    assert "cookie" not in name
    assert len(name) == 32
    assert name == visitor_of("a-cookie-that-nobody-else-has") != visitor_of("another-cookie-altogether")


def test_a_take_is_linked_by_its_request_and_seed_or_by_its_piece(make_take: MakeTake) -> None:
    assert link_to(make_take(request=Request(form="rondo"), seed=7)) == {"form": "rondo", "seed": "7"}
    opened = make_take(source="snow.json")
    assert link_to(opened) == {"piece": opened.piece_id}


def test_a_take_says_where_it_comes_from(make_take: MakeTake) -> None:
    assert origin_of(make_take(request=Request(), seed=7)) == "seed 7"
    assert origin_of(make_take(request=Request(), seed=7, change="edited")) == "edited"
    assert origin_of(make_take(request=Request(), generation_id="abc")) == "by a model"
    assert origin_of(make_take(source="snow.json")) == "opened from snow.json"


def test_every_mood_has_a_word() -> None:
    assert mood_word(-1, 1) == "agitated"
    assert mood_word(1, 1) == "joyful"
    assert mood_word(-1, 0) == "melancholic"
    assert mood_word(1, 0) == "serene"
    assert mood_word(0, 0.5) == "thoughtful"


def test_texts_from_files_are_shown_letter_by_letter() -> None:
    assert plain("*a* [b](c) $d$ <e>") == r"\*a\* \[b\]\(c\) \$d\$ \<e\>"


def test_the_score_lies_on_paper_in_either_theme() -> None:
    assert on_paper('<?xml version="1.0"?><svg width="1"><g/></svg>').index("<rect") > 0
