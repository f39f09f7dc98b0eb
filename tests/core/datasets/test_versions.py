"""A version is known by what it holds, is never changed, and is there as a whole or not at all."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from tests.core.datasets.conftest import SHIPPED, built, filled, kept, rework, rows_of
from workbench.core.datasets import versions as module
from workbench.core.datasets.building.build import build
from workbench.core.datasets.recipes import Augmentation, Recipe
from workbench.core.datasets.rows import digest_of, row_from
from workbench.core.datasets.versions import (
    Version,
    bodies,
    content_hash,
    facts_of_version,
    find_body,
    find_row,
    find_version,
    forget,
    in_order,
    packed,
    put_bodies,
    sweep,
    unfinished,
    version_named,
    versions,
    write_version,
)
from workbench.core.errors import ConflictError, DatabaseError, InvalidInputError
from workbench.core.generate.wire import wire_text
from workbench.core.library.database import Database

ELISE = "examples/rondo-classical-elise"


def test_the_id_of_a_version_begins_the_hash_of_what_it_holds(library: Database) -> None:
    version = built(library)
    assert version.id == version.content_hash[:16]
    facts = tuple(facts_of_version(library, version.id))
    assert version.content_hash == content_hash(version.recipe, facts)
    for change in ({"split": "test"}, {"digest": "0" * 64}, {"group": "another"}, {"key": "another"}):
        assert content_hash(version.recipe, [replace(facts[0], **change), *facts[1:]]) != version.content_hash
    assert content_hash({**version.recipe, "seed": 1}, facts) != version.content_hash
    assert content_hash(version.recipe, facts[::-1]) != version.content_hash


def test_the_same_build_twice_is_the_same_version(each_library: Database) -> None:
    first = build(each_library, Recipe(), curator="ada", processes=0)
    second = build(each_library, Recipe(), curator="bea", processes=0)
    assert (first.new, second.new) == (True, False)
    assert second.version == first.version
    assert second.version is not None
    assert second.version.curator == "ada"
    assert len(versions(each_library)) == 1


def test_versions_of_one_name_are_counted_and_rows_that_they_share_are_kept_once(each_library: Database) -> None:
    first = built(each_library)
    assert kept(each_library) == {"ready": 1, "writing": 0, "rows": 12, "bodies": 12}
    second = built(each_library, Recipe(seed=1))
    other = built(each_library, Recipe(name="other", seed=1))
    assert [each.label for each in (first, second, other)] == ["dataset 1", "dataset 2", "other 1"]
    assert kept(each_library) == {"ready": 3, "writing": 0, "rows": 36, "bodies": 12}
    assert [each.id for each in versions(each_library)] == [other.id, second.id, first.id]
    assert [each.id for each in versions(each_library, "dataset")] == [second.id, first.id]


def test_a_version_is_found_by_id_beginning_hash_label_and_name(library: Database) -> None:
    first, second = built(library), built(library, Recipe(seed=1))
    for wanted in (first.id, first.id[:6], first.content_hash, "dataset 1", " dataset 1 "):
        assert version_named(library, wanted) == first
    assert version_named(library, "dataset") == second
    assert find_version(library, first.id) == first


@pytest.mark.parametrize("wanted", ["", "dat", "dataset 3", "0" * 16, "\x00", "x" * 500])
def test_a_version_that_is_not_there_is_told(library: Database, wanted: str) -> None:
    built(library)
    with pytest.raises(InvalidInputError, match="is no version"):
        version_named(library, wanted)
    assert find_version(library, wanted) is None


def test_a_beginning_that_fits_several_is_told(library: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    known = (built(library), built(library, Recipe(name="other")))
    same = [replace(each, id=f"abcd{number}") for number, each in enumerate(known)]
    monkeypatch.setattr(module, "versions", lambda _: tuple(same))
    with pytest.raises(InvalidInputError, match="'abcd' is the beginning of several versions"):
        version_named(library, "abcd")
    assert version_named(library, "abcd1") == same[1]


def test_rows_are_held_by_split_and_then_by_key(library: Database) -> None:
    version = built(library, Recipe(augmentation=Augmentation(keys=1)))
    facts = list(facts_of_version(library, version.id))
    assert facts == in_order(reversed(facts))
    assert [each.split for each in facts] == sorted(
        (each.split for each in facts), key=("train", "validation", "test").index
    )
    train = [each.key for each in facts if each.split == "train"]
    assert train == sorted(train)


def test_rows_are_read_in_parts_and_each_once(library: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP", 5)
    version = built(library)
    whole = rows_of(library, version)
    assert len(whole) == version.rows == 12
    for step in (1, 4, 12, 500):
        assert [row for _, row in bodies(library, version.id, step=step)] == [row for _, row in whole]
    tested = [row for side, row in bodies(library, version.id, split="test")]
    assert tested == [row for each, row in whole if each.split == "test"]


def test_a_row_is_found_by_its_key_with_its_facts(each_library: Database) -> None:
    version = built(each_library)
    for each, row in rows_of(each_library, version):
        assert find_row(each_library, version.id, each.key) == (each, row)
        assert find_body(each_library, each.digest) == row
    assert find_row(each_library, version.id, "examples/none") is None
    assert find_row(each_library, "none", ELISE) is None
    assert find_row(each_library, version.id, "\x00\ud800") is None


def test_a_row_is_kept_as_it_is(library: Database) -> None:
    for each, row in rows_of(library, built(library)):
        digest, data = packed(row)
        assert digest == row.digest == each.digest == digest_of(row.to_json())
        assert row_from(json.loads(zlib.decompress(data))) == row


# Never changed


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE dataset_rows SET split = 'train'",
        "UPDATE dataset_rows SET warnings = 0",
        "UPDATE dataset_bodies SET data = data",
    ],
)
def test_the_database_lets_nobody_change_a_row(each_library: Database, statement: str) -> None:
    version = built(each_library)
    before = rows_of(each_library, version)
    with pytest.raises(DatabaseError), each_library.writing() as session:
        session.execute(text(statement))
    assert rows_of(each_library, version) == before


def test_a_version_keeps_its_rows_when_an_example_is_edited_later(each_library: Database) -> None:
    version = built(each_library)
    before = rows_of(each_library, version)
    rework(each_library, "rondo-classical-elise", "rondo-classical-hunt")
    assert rows_of(each_library, version) == before
    assert build(each_library, Recipe(name="fresh"), curator="ada", processes=0).new
    later = built(each_library)
    assert later.id != version.id
    assert later.label == "dataset 2"
    found = find_row(each_library, later.id, ELISE)
    assert found is not None
    assert found[1].answer == wire_text(SHIPPED["rondo-classical-hunt"].structure)
    assert rows_of(each_library, version) == before


def test_a_damaged_content_is_told(each_library: Database) -> None:
    version = built(each_library)
    each, _ = rows_of(each_library, version)[0]
    on = "" if each_library.is_sqlite else " ON dataset_bodies"
    for data in (b"", b"no zlib", zlib.compress(b"{}")):
        with each_library.writing() as session:
            session.execute(text(f"DROP TRIGGER IF EXISTS dataset_bodies_no_update{on}"))
            session.execute(
                text("UPDATE dataset_bodies SET data = :data WHERE digest = :digest"),
                {"data": data, "digest": each.digest},
            )
        for read in (
            lambda: list(bodies(each_library, version.id)),
            lambda: find_row(each_library, version.id, each.key),
            lambda: find_body(each_library, each.digest),
        ):
            with pytest.raises(DatabaseError, match=f"not what its hash {each.digest[:12]} says") as caught:
                read()
            assert caught.value.hint == "Bring the database back from a copy."


# Written as a whole or not at all


def half_written(database: Database) -> str:
    """A version that a writer has left in the middle."""
    version = built(database)
    with database.writing() as session:
        session.execute(text("UPDATE dataset_versions SET state = 'writing'"))
        session.execute(text("DELETE FROM dataset_rows WHERE position > 6"))
    return version.id


def test_a_version_that_is_being_written_is_seen_by_nobody(each_library: Database) -> None:
    id = half_written(each_library)
    assert versions(each_library) == ()
    assert find_version(each_library, id) is None
    assert unfinished(each_library) == ((id, ""),)
    with pytest.raises(InvalidInputError):
        version_named(each_library, id)


def test_the_same_version_is_not_written_by_two_at_once(each_library: Database) -> None:
    half_written(each_library)
    with pytest.raises(ConflictError, match="being written just now"):
        build(each_library, Recipe(), curator="ada", processes=0)
    assert kept(each_library)["writing"] == 1, "what another writes is left alone"


def test_what_a_writer_left_can_be_taken_away_and_built_again(
    each_library: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STEP", 3)
    id = half_written(each_library)
    forget(each_library, id)
    assert kept(each_library) == {"ready": 0, "writing": 0, "rows": 0, "bodies": 12}
    assert sweep(each_library) == 12
    again = built(each_library)
    assert again.id == id
    assert len(rows_of(each_library, again)) == 12


def test_a_whole_version_cannot_be_forgotten_and_its_contents_are_not_swept(each_library: Database) -> None:
    version = built(each_library)
    before = rows_of(each_library, version)
    forget(each_library, version.id)
    forget(each_library, "none")
    assert sweep(each_library) == 0
    assert rows_of(each_library, version) == before


def test_a_version_whose_contents_are_missing_is_not_shown(library: Database) -> None:
    version = built(library)
    rows = rows_of(library, version)
    put_bodies(library, [])
    recipe = {**version.recipe, "name": "lacking"}
    lacking = [replace(each, digest="0" * 64) if not at else each for at, (each, _) in enumerate(rows)]
    with pytest.raises(DatabaseError, match="have no content"):
        write_version(library, recipe, lacking, version.summary, name="lacking", kind="chat", curator="ada")
    assert versions(library) == (version,)
    assert kept(library) == {"ready": 1, "writing": 0, "rows": 12, "bodies": 12}


def test_texts_that_a_database_does_not_take_are_kept_without_what_it_refuses(each_library: Database) -> None:
    version = built(each_library)
    rows = [
        (replace(each, title="a\x00b\ud800" * 100, search="\x00" * 900), row)
        for each, row in rows_of(each_library, version)
    ]
    odd, new = write_version(
        each_library, {"name": "odd\x00", "n": float("nan")}, [each for each, _ in rows], version.summary,
        name="odd\x00 name", kind="chat", curator="a\x00da",
    )  # fmt: skip
    assert new
    assert (odd.name, odd.curator) == ("odd name", "ada")
    assert {each.title for each in facts_of_version(each_library, odd.id)} == {("ab?" * 100)[:160]}


PROGRAM = """
import sys
from workbench.core.datasets.building.{module} import {name}
from workbench.core.datasets.recipes import Augmentation, Recipe
from workbench.core.errors import ConflictError
from workbench.core.library.database import Database

database = Database(sys.argv[1])
recipe = Recipe(augmentation=Augmentation(keys=2))
print("ready", flush=True)
sys.stdin.readline()
try:
    built = {name}(database, recipe, curator="ada", processes=0)
    print(built.version.id, built.new, built.tally.errors)
except ConflictError as problem:
    print("told", problem.message)
database.close()
"""


@pytest.mark.parametrize(("where", "name"), [("build", "build"), ("builds", "build_now")])
def test_two_processes_that_build_the_same_at_once_end_with_one_whole_version(
    database: Database, two_processes: Callable[[str], list[tuple[str, str]]], where: str, name: str
) -> None:
    filled(database)
    answers = two_processes(PROGRAM.format(module=where, name=name))
    assert [complaint for _, complaint in answers] == ["", ""]
    [version] = versions(database)
    assert unfinished(database) == ()
    assert len(rows_of(database, version)) == version.rows > 12
    said = sorted(answer.strip() for answer, _ in answers)
    assert f"{version.id} True 0" in said
    assert set(said) <= {
        f"{version.id} True 0",
        f"{version.id} False 0",
        "told The same version is being written just now.",
    }


def test_a_version_is_told_as_json(library: Database) -> None:
    version: Version = built(library)
    told = json.loads(json.dumps(version.to_dict()))
    assert (told["id"], told["rows"], told["created_at"]) == (version.id, 12, version.created_at.isoformat())
