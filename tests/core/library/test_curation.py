"""The queue holds each piece once and shows what is asked for; prompts get only what is approved and permitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, nextafter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from tests.fresh import fresh
from workbench.core.errors import DatabaseError, InvalidInputError
from workbench.core.library.curation import (
    PAGE,
    Approved,
    Filters,
    Item,
    approved,
    conditions,
    content_hash,
    counts,
    find,
    load_built_in,
    neighbours_in_queue,
    queue,
    revision,
    submit,
    submit_take,
)
from workbench.core.library.database import Database
from workbench.core.library.decisions import edit, undo, vote
from workbench.core.library.examples import load_examples
from workbench.core.library.rights import Layer, Rights, own_rights
from workbench.core.library.tables import AuditRow, ExampleRow
from workbench.core.library.takes import Take, keep_take
from workbench.core.music.moods import WORDS, mood_word
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

EXAMPLES = load_examples()
SNOW = next(each for each in EXAMPLES if each.id == "rounded-binary-modern-snow")
LETTER = next(each for each in EXAMPLES if each.id == "theme-variation-romantic-letter")
BARCAROLLE = next(each for each in EXAMPLES if each.id == "aba-romantic-barcarolle")
OWN = own_rights("AIRIA Workbench", "written for this test")
NONCOMMERCIAL = Rights((*OWN.layers[:2], Layer("annotation", "DCML", "licence", "CC-BY-NC-SA-4.0", "the corpus")))
MOODS = [word for row in WORDS for word in row]
FAULTY = SNOW.request.model_copy(update={"key": "c minor"})
"""A request that the piece does not answer, which is an error."""
UNKNOWN = "no such example"


def piece(number: int = 0, **changes: Any) -> MusicStructure:
    """A piece: each number is other music."""
    changed = {"tempo": 60 + number, "title": f"Snow {number}", **changes}
    return MusicStructure.model_validate(SNOW.structure.to_dict() | changed)


def put(database: Database, number: int = 0, structure: MusicStructure | None = None, **more: Any) -> Item:
    """Put a piece into the queue."""
    request = more.pop("request", SNOW.request)
    told = {"curator": "ada", "origin": {"kind": "test"}, "rights": OWN} | more
    item, new = submit(database, request, structure or piece(number), **told)
    assert new
    return item


def ids(found: tuple[Sequence[Item], int]) -> list[str]:
    assert len(found[0]) == found[1]
    return [item.id for item in found[0]]


def seen(database: Database, **filters: Any) -> set[str]:
    return set(ids(queue(database, Filters(**{"status": "", **filters}))))


def rows(database: Database) -> list[AuditRow]:
    with database.reading() as session:
        return list(session.scalars(select(AuditRow).order_by(AuditRow.id)).all())


def asked(database: Database, work: Callable[[], Any]) -> list[tuple[str, Any]]:
    """What is asked of a database meanwhile: each SELECT, and its values."""
    told: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        if statement.startswith("SELECT"):
            told.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", listen)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", listen)
    return told


def ways(database: Database, work: Callable[[], Any]) -> list[str]:
    """How SQLite finds what is asked of it meanwhile."""
    found = []
    for statement, values in asked(database, work):
        with database.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            found.append("; ".join(str(step[-1]) for step in plan))
    return found


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database, for what does not differ between databases."""
    made = fresh(tmp_path / "workbench.sqlite3")
    yield made
    made.close()


# Submitting


def test_a_submitted_piece_waits_with_everything_that_was_said(database: Database) -> None:
    item = put(
        database, tags=["waltz", "still"], teaches="How little is enough.", note="Listen to the end.",
        origin={"kind": "take", "take": "abc"},
    )  # fmt: skip
    assert find(database, item.id) == item
    assert (item.status, item.version, item.round, item.errors) == ("waiting", 1, 1, 0)
    assert (item.request, item.structure, item.rights) == (SNOW.request, piece(), OWN)
    assert (item.tags, item.teaches) == (("waltz", "still"), "How little is enough.")
    assert (item.note, item.origin) == ("Listen to the end.", {"kind": "take", "take": "abc"})
    assert item.hindrances == ()
    assert item.created_at.utcoffset() == timedelta(0)


def test_a_submission_is_the_first_row_of_the_trail(database: Database) -> None:
    item = put(database, note="Listen to the end.")
    [row] = rows(database)
    assert (row.example_id, row.curator, row.action, row.before) == (item.id, "ada", "submitted", None)
    assert row.after is not None
    assert (row.after["version"], row.after["status"], row.note) == (1, "waiting", "Listen to the end.")


def test_the_same_music_twice_is_one(database: Database) -> None:
    first = put(database)
    words = {"title": "Another title", "reasoning": "Why not?", "character": "busy"}
    again, new = submit(database, Request(), piece(0, **words), curator="bob", origin={}, note="mine")
    assert not new
    assert again == first
    assert len(rows(database)) == 1
    assert put(database, 1).id != first.id


def test_the_same_music_from_many_at_once_is_one(database: Database, at_once: Callable[..., list[Any]]) -> None:
    answers = at_once(
        lambda number: submit(database, SNOW.request, piece(), curator=f"{number}", origin={"kind": "test"}), 8
    )
    assert len({item.id for item, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1
    assert len(rows(database)) == 1


@pytest.mark.parametrize("change", [{"tempo": 61}, {"key": "G major"}, {"timeSignature": "6/8"}])
def test_other_music_has_another_hash(change: dict[str, Any]) -> None:
    assert content_hash(piece(0, **change)) != content_hash(piece())


def test_a_piece_without_rights_or_with_errors_may_wait(database: Database) -> None:
    bare = put(database, rights=None)
    faulty = put(database, 1, request=FAULTY)
    assert len(bare.hindrances) == 3
    assert faulty.hindrances == ("1 error in the findings.",)
    assert counts(database)["waiting"] == 2


@pytest.mark.parametrize("wrong", [{"rights": None}, {"request": FAULTY}, {"rights": Rights(OWN.layers[:2])}])
def test_what_may_not_be_approved_is_not_submitted_as_approved(database: Database, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="cannot be approved") as caught:
        put(database, status="approved", **wrong)
    assert caught.value.hint
    assert sum(counts(database).values()) == 0
    assert rows(database) == []


@pytest.mark.parametrize("holder", ["x" * 2000, "\ud800" * 2000])
def test_rights_that_cannot_be_read_again_are_not_kept(database: Database, holder: str) -> None:
    with pytest.raises(InvalidInputError):
        put(database, rights=Rights((replace(OWN.layers[0], holder=holder), *OWN.layers[1:])))
    assert rows(database) == []


def test_an_answer_that_is_only_nul_is_no_answer(database: Database) -> None:
    rights = Rights((replace(OWN.layers[0], holder="\x00"), *OWN.layers[1:]))
    item = put(database, rights=rights)
    assert item.hindrances == ("The work: the holder.",)
    assert seen(database, trainable=False) == {item.id}


def test_hostile_texts_are_taken(database: Database) -> None:
    said = "曲\x00名 \ud800 <script>%_\\'\" 🎼\u2028"
    item = put(
        database, tags=[said, "x" * 200] + ["tag"] * 40, teaches=said * 100, note=said * 400, curator=said * 20,
        origin={"kind": said, said: [said]},
    )  # fmt: skip
    kept = said.replace("\x00", "").replace("\ud800", "?")
    assert (item.tags[0], item.tags[1], len(item.tags)) == (kept, "x" * 80, 32)
    assert (item.teaches, item.note) == ((kept * 100)[:1000], (kept * 400)[:4000])
    assert item.origin == {"kind": kept, kept: [kept]}
    assert find(database, item.id) == item
    assert rows(database)[0].curator == (kept * 20)[:80]


@pytest.mark.parametrize("id", [UNKNOWN, "", "\x00", "\ud800", "曲" * 1000, "' OR 1=1 --"])
def test_an_unknown_id_finds_nothing(database: Database, id: str) -> None:
    put(database)
    assert find(database, id) is None


def test_a_take_is_submitted_with_where_it_came_from(database: Database) -> None:
    take = keep_take(database, Take("p1", piece(), SNOW.request, change="another key"), "ada")
    item, new = submit_take(database, take, curator="ada", note="My best")
    assert new
    assert item.origin == {"kind": "take", "take": take.id, "change": "another key"}
    assert (item.request, item.structure, item.note) == (SNOW.request, piece(), "My best")
    assert not submit_take(database, take, curator="bob")[1]
    assert len(item.hindrances) == 3  # nobody has said a word about its rights


# What ships


def test_what_ships_is_loaded_once_and_is_approved(database: Database) -> None:
    assert load_built_in(database, EXAMPLES) == len(EXAMPLES)
    before = revision(database)
    assert load_built_in(database, EXAMPLES) == 0
    assert revision(database) == before
    assert counts(database)["approved"] == len(EXAMPLES)
    assert approved(database) == tuple(sorted(EXAMPLES, key=lambda each: each.id))
    assert [(row.curator, row.action) for row in rows(database)] == [("workbench", "submitted")] * len(EXAMPLES)


def test_an_example_that_ships_later_is_added(database: Database) -> None:
    load_built_in(database, EXAMPLES[:3])
    assert load_built_in(database, EXAMPLES) == len(EXAMPLES) - 3


def test_what_curators_did_to_an_example_that_ships_stands(database: Database) -> None:
    load_built_in(database, EXAMPLES)
    vote(database, SNOW.id, "reject", curator="ada", version=1)
    edited = edit(database, LETTER.id, curator="ada", version=1, structure=BARCAROLLE.structure)
    assert load_built_in(database, EXAMPLES) == 0
    assert counts(database) == {"waiting": 1, "changes": 0, "approved": len(EXAMPLES) - 2, "rejected": 1}
    assert find(database, LETTER.id) == edited


def test_what_ships_without_rights_waits_and_holds_up_nothing(database: Database) -> None:
    wrong = replace(SNOW, id="wrong", rights={"layers": [], "prompt": True, "training": True})
    other = next(example for example in EXAMPLES if example.id != SNOW.id)
    assert load_built_in(database, [wrong, other]) == 2
    assert (counts(database)["waiting"], counts(database)["approved"]) == (1, 1)


def test_what_ships_is_not_doubled_where_somebody_has_sent_it_already(database: Database) -> None:
    submit(database, SNOW.request, SNOW.structure, curator="ada", origin={"kind": "take"})
    assert load_built_in(database, [SNOW]) == 0


def test_what_ships_is_loaded_once_also_by_threads_at_once(
    database: Database, at_once: Callable[..., list[Any]]
) -> None:
    loaded = at_once(lambda _: load_built_in(database, EXAMPLES), 4)
    assert sum(loaded) == counts(database)["approved"] == len(EXAMPLES)


def test_what_ships_is_loaded_once_also_by_two_processes_at_once(
    database: Database, two_processes: Callable[[str], list[tuple[str, str]]]
) -> None:
    program = (
        "import sys\n"
        "from workbench.core.library.curation import load_built_in\n"
        "from workbench.core.library.database import Database\n"
        "from workbench.core.library.examples import load_examples\n"
        "database = Database(sys.argv[1]).upgrade()\n"
        "examples = load_examples()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(load_built_in(database, examples))\n"
        "database.close()\n"
    )
    answers = two_processes(program)
    assert [complaint for _, complaint in answers] == ["", ""]
    assert sum(int(count) for count, _ in answers) == len(EXAMPLES)
    assert Counter(row.example_id for row in rows(database)) == {each.id: 1 for each in EXAMPLES}


# Filters


def three(database: Database) -> dict[str, str]:
    """Three pieces that differ in everything that a filter asks for: their names by id."""
    barcarolle = BARCAROLLE.request.model_copy(update={"key": "c# major"})
    items = {
        "snow": put(database, 0, origin={"kind": "take"}, tags=["Still 100%", "snow_fall"], note="静かな雪の曲"),
        "letter": put(
            database, structure=LETTER.structure, request=LETTER.request, rights=NONCOMMERCIAL,
            origin={"kind": "import", "file": "letter.xml"}, teaches="Back\\slash, Straße, ÉTUDE",
        ),
        "barcarolle": put(database, structure=BARCAROLLE.structure, request=barcarolle, rights=None, origin={}),
    }  # fmt: skip
    return {item.id: name for name, item in items.items()}


def demand_shown(database: Database, wanted: Collection[tuple[dict[str, Any], str]]) -> None:
    names = three(database)
    for filters, shown in wanted:
        assert {names[id] for id in seen(database, **filters)} == set(shown.split()), filters


def test_a_filter_shows_what_it_asks_for(database: Database) -> None:
    demand_shown(
        database,
        [
            ({}, "snow letter barcarolle"),
            ({"form": "theme-variation"}, "letter"),
            ({"form": "ABA"}, "barcarolle"),
            ({"form": "aba"}, ""),
            ({"period": "romantic"}, "letter barcarolle"),
            ({"period": "modern"}, "snow"),
            ({"mode": "minor"}, "barcarolle"),
            ({"mode": "major"}, "snow letter"),
            ({"mood": mood_word(SNOW.request.valence, SNOW.request.arousal)}, "snow"),
            ({"mood": mood_word(BARCAROLLE.request.valence, BARCAROLLE.request.arousal)}, "barcarolle"),
            ({"mood": "no mood at all"}, ""),
            ({"origin": "take"}, "snow"),
            ({"origin": "import"}, "letter"),
            ({"origin": "letter.xml"}, ""),
            ({"trainable": True}, "snow"),
            ({"trainable": False}, "letter barcarolle"),
            ({"faulty": True}, "barcarolle"),
            ({"faulty": False}, "snow letter"),
            ({"status": "waiting"}, "snow letter barcarolle"),
            ({"status": "approved"}, ""),
            ({"period": "romantic", "mode": "major", "faulty": False, "origin": "import"}, "letter"),
            ({"period": "romantic", "origin": "take"}, ""),
        ],
    )


def test_every_word_must_occur_in_whatever_script_and_case(database: Database) -> None:
    demand_shown(
        database,
        [
            ({"words": "SNOW"}, "snow"),
            ({"words": "  still   SNOW\t"}, "snow"),
            ({"words": "still barcarolle"}, ""),
            ({"words": "mournful night"}, "barcarolle"),
            ({"words": "aba"}, "barcarolle"),
            ({"words": "straße étude"}, "letter"),
            ({"words": "ÉTUDE"}, "letter"),
            ({"words": "雪"}, "snow"),
            ({"words": "静かな　曲"}, "snow"),
            ({"words": "春"}, ""),
        ],
    )


def test_in_words_no_character_stands_for_others(database: Database) -> None:
    demand_shown(
        database,
        [
            ({"words": "100%"}, "snow"),
            ({"words": "snow_fall"}, "snow"),
            ({"words": "%"}, "snow"),
            ({"words": "_"}, "snow"),
            ({"words": "s%w"}, ""),
            ({"words": "sn_w"}, ""),
            ({"words": "\\"}, "letter"),
            ({"words": "back\\slash"}, "letter"),
            ({"words": "/"}, ""),
            ({"words": "*"}, ""),
            ({"words": "' OR 1=1 --"}, ""),
        ],
    )


def test_hostile_filters_are_taken(database: Database) -> None:
    demand_shown(
        database,
        [
            ({"words": "sn\x00ow"}, "snow"),
            ({"words": "\ud800"}, ""),
            ({"words": "snow " * 5000}, "snow"),
            ({"words": "x" * 100_000}, ""),
            ({"form": "\ud800"}, ""),
            ({"form": "AB\x00A"}, "barcarolle"),
            ({"origin": "\udfff"}, ""),
            ({"status": "' OR 1=1 --"}, ""),
            ({"mood": "\ud800\x00"}, ""),
        ],
    )


def test_words_follow_an_edit(database: Database) -> None:
    item = put(database, tags=["before"])
    edit(database, item.id, curator="ada", version=1, tags=["after"])
    assert (seen(database, words="before"), seen(database, words="after")) == (set(), {item.id})


def fill(database: Database, changes: Sequence[dict[str, Any]]) -> list[str]:
    """Put in as many rows as there are changes to one; their ids."""
    with database.reading() as session:
        [row] = session.scalars(select(ExampleRow).limit(1)).all()
        model = {column.name: getattr(row, column.name) for column in ExampleRow.__table__.columns}
    made = [model | {"id": f"made-{number:06}", "content_hash": f"{number}"} | each
            for number, each in enumerate(changes)]  # fmt: skip
    with database.engine.begin() as connection:
        connection.execute(insert(ExampleRow), made)
    return [row["id"] for row in made]


def around(value: float, least: float) -> set[float]:
    """A value, those just beside it, and the same computed in other ways; not below ``least`` nor above 1."""
    found = {value, round(value, 2), round(value, 3), round(value, 6), float(f"{value:.16f}")}
    for direction in (-inf, inf):
        step = value
        for _ in range(4):
            step = nextafter(step, direction)
            found.add(step)
    return {each for each in found if least <= each <= 1}


BORDERS = (
    sorted(set().union(*(around(-1 + thirds * 2 / 3, -1) for thirds in range(4)), *({x / 10} for x in range(-10, 11)))),
    sorted(set().union(*(around(1 - thirds / 3, 0) for thirds in range(4)), *({x / 10} for x in range(11)))),
)
"""Valences and arousals, many of them on the borders between moods or as near as numbers come."""


def test_every_point_of_the_plane_has_the_one_mood_that_its_word_says(database: Database) -> None:
    put(database, status="approved")
    points = [(valence, arousal) for valence in BORDERS[0] for arousal in BORDERS[1]]
    made = fill(database, [{"status": "waiting", "valence": v, "arousal": a} for v, a in points])
    found: dict[str, str] = {}
    with database.reading() as session:
        for mood in MOODS:
            wanted = select(ExampleRow.id).where(*conditions(Filters(mood=mood)))
            for id in session.scalars(wanted):
                assert id not in found, "a point has two moods"
                found[id] = mood
    assert found == {id: mood_word(*point) for id, point in zip(made, points, strict=True)}
    assert set(found.values()) == set(MOODS)


# Pages, order and neighbours

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def test_pages_hold_each_item_once_oldest_first(database: Database) -> None:
    put(database, status="approved")
    made = fill(
        database, [{"status": "waiting", "created_at": DAY + timedelta(seconds=number // 5)} for number in range(23)]
    )
    for newest in (False, True):
        pages = [queue(database, Filters(), offset=offset, most=5, newest=newest) for offset in range(0, 30, 5)]
        assert [count for _, count in pages] == [23] * 6
        assert [len(items) for items, _ in pages] == [5, 5, 5, 5, 3, 0]
        shown = [item.id for items, _ in pages for item in items]
        assert shown == (made[::-1] if newest else made)


def test_a_page_has_fifty_items(database: Database) -> None:
    put(database)
    fill(database, [{}] * 60)
    items, count = queue(database, Filters())
    assert (len(items), count) == (PAGE, 61)


def test_neighbours_are_those_before_and_after(database: Database) -> None:
    put(database, status="approved")
    fill(
        database,
        [
            {
                "status": "waiting",
                "created_at": DAY + timedelta(microseconds=n // 3),
                "mode": "minor" if n % 2 else "major",
            }
            for n in range(12)
        ],
    )
    for filters in (Filters(), Filters(mode="minor"), Filters(status="", words="snow"), Filters(mode="major")):
        items, _ = queue(database, filters)
        order = [None, *(item.id for item in items), None]
        for place, item in enumerate(items, 1):
            assert neighbours_in_queue(database, filters, item) == (order[place - 1], order[place + 1])


def test_neighbours_are_found_also_when_the_item_has_just_left(database: Database) -> None:
    items = [put(database, number) for number in range(5)]
    for item in (items[2], items[0], items[4], items[3], items[1]):
        left = vote(database, item.id, "reject", curator="ada", version=1)
        waiting = [other for other in items if other.id in seen(database, status="waiting")]
        before = [other.id for other in waiting if other.created_at < item.created_at]
        after = [other.id for other in waiting if other.created_at > item.created_at]
        wanted = (before[-1] if before else None, after[0] if after else None)
        assert neighbours_in_queue(database, Filters(), left) == wanted
        assert neighbours_in_queue(database, Filters(), item) == wanted  # as it was seen before
    assert queue(database, Filters()) == ((), 0)


def test_an_edit_does_not_move_an_item(database: Database) -> None:
    items = [put(database, number) for number in range(3)]
    edit(database, items[0].id, curator="ada", version=1, structure=piece(9))
    assert ids(queue(database, Filters())) == [item.id for item in items]


def test_every_status_is_counted(database: Database) -> None:
    assert counts(database) == {"waiting": 0, "changes": 0, "approved": 0, "rejected": 0}
    items = [put(database, number) for number in range(5)]
    for item, choice in zip(items, ("approve", "approve", "reject", "changes"), strict=False):
        vote(database, item.id, choice, curator="ada", version=1)  # type: ignore[arg-type]
    assert counts(database) == {"waiting": 1, "changes": 1, "approved": 2, "rejected": 1}
    for status, count in counts(database).items():
        assert len(seen(database, status=status)) == count


# What prompts may show


def test_prompts_show_only_what_is_approved_and_permitted(database: Database) -> None:
    kept_back = replace(OWN, prompt=False)
    untrained = replace(OWN, training=False)
    layers = [OWN, NONCOMMERCIAL, kept_back, untrained, OWN, OWN, OWN]
    items = [put(database, number, rights=rights) for number, rights in enumerate(layers)]
    put(database, 7, rights=None)
    for item in items[:5]:
        assert vote(database, item.id, "approve", curator="ada", version=1).status == "approved"
    vote(database, items[5].id, "reject", curator="ada", version=1)
    edit(database, items[4].id, curator="ada", version=2, structure=piece(9))
    assert {example.id: example.rights for example in approved(database)} == {
        items[0].id: OWN.to_dict(),
        items[3].id: untrained.to_dict(),
    }
    assert seen(database, status="approved") == {item.id for item in items[:4]}  # NonCommercial ones are shown there


def test_what_has_errors_is_not_shown_to_models_though_it_was_approved(database: Database) -> None:
    item = put(database, status="approved")
    with database.writing() as session:
        session.execute(update(ExampleRow).where(ExampleRow.id == item.id).values(errors=1))
    assert approved(database) == ()


def test_the_revision_grows_with_every_change_and_with_nothing_else(database: Database) -> None:
    seen_so_far = [revision(database)]
    item = put(database)
    steps: list[Callable[[], Any]] = [
        lambda: vote(database, item.id, "approve", curator="ada", version=1),
        lambda: edit(database, item.id, curator="ada", version=2, tags=["x"]),
        lambda: undo(database, curator="ada"),
        lambda: load_built_in(database, EXAMPLES[:1]),
    ]
    seen_so_far.append(revision(database))
    for step in steps:
        step()
        seen_so_far.append(revision(database))
    assert seen_so_far[0] == 0
    assert sorted(set(seen_so_far)) == seen_so_far
    with pytest.raises(DatabaseError):
        vote(database, item.id, "approve", curator="bob", version=1)
    find(database, item.id), queue(database, Filters()), counts(database), approved(database)
    assert revision(database) == seen_so_far[-1]


def test_the_approved_are_read_again_only_when_the_library_has_changed(database: Database) -> None:
    library = Approved(database)
    assert library() == EXAMPLES  # what ships, while the library is empty
    item = put(database)
    assert library() == ()
    vote(database, item.id, "approve", curator="ada", version=1)
    first = library()
    assert [example.id for example in first] == [item.id]
    assert library() is first
    undo(database, curator="ada")
    assert library() == ()


# The audit trail


@pytest.mark.parametrize(
    "doing", ["UPDATE audit SET curator = 'eve'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"]
)
def test_rows_of_the_trail_can_neither_be_changed_nor_deleted(database: Database, doing: str) -> None:
    put(database)
    before = [(row.id, row.curator, row.action, row.after) for row in rows(database)]
    with database.engine.connect() as connection, pytest.raises(DBAPIError, match="only added to"):
        connection.execute(text(doing))
    with pytest.raises(DatabaseError), database.writing() as session:
        session.get_one(AuditRow, 1).curator = "eve"
    with pytest.raises(DatabaseError), database.writing() as session:
        session.delete(session.get_one(AuditRow, 1))
    assert [(row.id, row.curator, row.action, row.after) for row in rows(database)] == before


def test_the_trail_stays_when_an_example_is_gone(database: Database) -> None:
    item = put(database)
    with database.writing() as session:
        session.delete(session.get_one(ExampleRow, item.id))
    assert [row.example_id for row in rows(database)] == [item.id]


# Speed


def test_among_twenty_thousand_the_queue_and_a_vote_go_by_an_index(sqlite: Database) -> None:
    put(sqlite, status="approved")
    made = {
        "id": "printf('made-%06d', i)",
        "content_hash": "printf('%d', i)",
        "status": "CASE i % 4 WHEN 0 THEN 'waiting' ELSE 'approved' END",
        "created_at": "datetime('2026-03-01', printf('+%d seconds', i)) || '.000000'",
    }
    columns = [column.name for column in ExampleRow.__table__.columns]
    with sqlite.engine.begin() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 19999) "
            f"INSERT INTO examples ({', '.join(columns)}) "
            f"SELECT {', '.join(made.get(name, name) for name in columns)} FROM examples, numbers"
        )
    item = find(sqlite, "made-010000")
    assert item is not None
    steps: dict[str, Callable[[], Any]] = {
        "page": lambda: queue(sqlite, Filters()),
        "newest": lambda: queue(sqlite, Filters(), newest=True),
        "counts": lambda: counts(sqlite),
        "submit": lambda: put(sqlite, 1),
        "vote": lambda: vote(sqlite, item.id, "approve", curator="ada", version=1),
        "next": lambda: neighbours_in_queue(sqlite, Filters(), item),
    }
    plans = {name: ways(sqlite, step) for name, step in steps.items()}
    for name, found in plans.items():
        for plan in found:
            print(f"{name}: {plan}")
            assert "TEMP B-TREE" not in plan
            assert "SCAN" not in plan or name == "counts"
    for name in ("page", "newest"):
        assert len(plans[name]) == 2
        assert all("ix_examples_queue (status=?" in plan for plan in plans[name])
    assert "COVERING INDEX ix_examples_queue" in plans["counts"][0]
    assert queue(sqlite, Filters())[1] == 5_000  # one was approved, and one submitted
    assert neighbours_in_queue(sqlite, Filters(), item) == ("made-009996", "made-010004")
