"""Templates have names and versions; what is wrong with one is said by part; a saved version is never overwritten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.compose import plan
from workbench.core.errors import ConflictError, TemplateError
from workbench.core.generate.prompt import values_for
from workbench.core.generate.sandbox import MAX_SOURCE, fill
from workbench.core.generate.templates import (
    COMMON,
    FOLDER,
    PARTS,
    Template,
    all_templates,
    built_in,
    difference,
    find_template,
    read_file,
    read_name,
    read_parts,
    save_version,
)
from workbench.core.library.database import Database
from workbench.core.music.request import Request

DEFAULT = find_template("default", built_in())
SHORT: dict[str, Any] = {part: f"The {part}." for part in PARTS}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'kept.sqlite3'}").upgrade()
    yield opened
    opened.close()


def of(name: str, version: int, **parts: str) -> Template:
    return Template(name, version, SHORT | parts)


def toml(**members: Any) -> str:
    """The text of a template file; a member that is None is left out."""
    whole = {"name": '"own"', "version": "1"} | {part: f'"The {part}."' for part in PARTS} | members
    return "\n".join(f"{name} = {value}" for name, value in whole.items() if value is not None)


# What comes with the workbench --------------------------------------------------------------------------------------


def test_there_is_a_usual_template() -> None:
    assert (DEFAULT.name, DEFAULT.version, DEFAULT.label, DEFAULT.saved) == ("default", 1, "default@1", False)
    assert set(DEFAULT.parts) == set(PARTS)
    assert DEFAULT.note


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_file_is_valid_and_named_by_name_and_version(path: Path) -> None:
    template = read_file(path)
    assert path.stem == f"{template.name}-{template.version}"
    assert template in built_in()


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_the_usual_template_can_be_filled(part: str) -> None:
    request = Request(brief="Rain", form="rondo")
    values = values_for(request, plan(request, seed=0), kept='[{"section":1}]')
    assert set(values) == set(COMMON)
    finding = {"measure": 3, "message": "No cadence.", "hint": "Write one.", "check": "cadence"}
    own = {"findings": [finding], "draft": "{}", "request_part": "Asked.", "plan_part": "Planned."}
    text = fill(DEFAULT.parts[part], values | own, part)
    assert text
    assert "{{" not in text
    assert "None" not in text


# Finding one --------------------------------------------------------------------------------------------------------

SHELF = (of("default", 1), of("long", 1), of("long", 2), of("long", 10))


def test_a_name_finds_the_newest_version_and_a_number_that_one() -> None:
    assert find_template("long", SHELF).version == 10
    assert find_template("long@2", SHELF).version == 2
    assert find_template("default", SHELF).label == "default@1"


def test_the_order_and_kind_of_the_shelf_do_not_matter() -> None:
    assert find_template("long", reversed(SHELF)).version == 10
    assert find_template("long", iter(SHELF)).version == 10


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("short", "There are: default, long."),
        ("", "There are: default, long."),
        ("Long", "There are: default, long."),
        ("long@3", "It has the versions 1, 2, 10."),
        ("long@02", "It has the versions 1, 2, 10."),
        ("long@new", "It has the versions 1, 2, 10."),
    ],
)
def test_what_there_is_not_is_said_with_what_there_is(wanted: str, hint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        find_template(wanted, iter(SHELF))
    assert repr(wanted) in caught.value.message
    assert (caught.value.hint, caught.value.field) == (hint, "template")


def test_an_endless_name_is_not_repeated() -> None:
    with pytest.raises(TemplateError) as caught:
        find_template("x" * 10_000, SHELF)
    assert len(str(caught.value)) < 200


# Names and parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("short-phrases", "short-phrases"),
        (" My_New  Template ", "my-new-template"),
        ("2nd", "2nd"),
        ("A" * 60, "a" * 60),
    ],
)
def test_a_name_is_kept_in_small_letters_and_hyphens(given: str, wanted: str) -> None:
    assert read_name(given) == wanted


@pytest.mark.parametrize("name", ["", "  ", "-x", "é", "a/b", "../default", "a@1", "a" * 61, "名前", "a\0", "a.b"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(TemplateError) as caught:
        read_name(name)
    assert caught.value.field == "name"
    assert caught.value.hint


@given(st.text(max_size=80))
def test_any_name_is_kept_as_it_will_be_found_or_refused(name: str) -> None:
    try:
        kept = read_name(name)
    except TemplateError:
        return
    assert read_name(kept) == kept
    assert find_template(kept, [of(kept, 1)]).name == kept


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "text",
    [None, 7, ["a"], "{{", "{% if x %}", "{% set a = 1 %}", "x" * (MAX_SOURCE + 1)],
    ids=lambda text: repr(text)[:12],
)
def test_an_error_names_its_part_and_what_to_do(part: str, text: Any) -> None:
    with pytest.raises(TemplateError) as caught:
        read_parts(SHORT | {part: text})
    assert caught.value.field == part
    assert part in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("part", ["system", "request", "plan"])
def test_the_first_three_parts_may_not_be_empty(part: str) -> None:
    with pytest.raises(TemplateError, match=f"'{part}' is missing"):
        read_parts(SHORT | {part: " \n"})


def test_the_others_may() -> None:
    empty = dict.fromkeys(("example", "retry", "editor"), "")
    assert read_parts(SHORT | empty) == SHORT | empty


def test_a_part_that_there_is_not_is_refused() -> None:
    with pytest.raises(TemplateError, match="'sytsem' is no part") as caught:
        read_parts(SHORT | {"sytsem": "x"})
    assert "system" in caught.value.hint


# Files --------------------------------------------------------------------------------------------------------------


def test_a_file_is_read_with_its_note(tmp_path: Path) -> None:
    path = tmp_path / "own-3.toml"
    path.write_text(toml(version=3, note='"Shorter."'), "utf-8")
    assert read_file(path) == Template("own", 3, SHORT, "Shorter.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not a template"),
        ("", "has no name"),
        ("\0", "not a template"),
        ("[" * 100_000, "not a template"),
        ("[[name]]", "has no version"),
        (toml(name=None), "has no name"),
        (toml(version=None), "has no version"),
        (toml(version='"1"'), "the version"),
        (toml(version=0), "the version"),
        (toml(version=1.5), "the version"),
        (toml(version="true"), "the version"),
        (toml(note=7), "the version"),
        (toml(name='"../x"'), "name"),
        (toml(plan=None), "'plan' is missing"),
        (toml(retry="7"), "'retry' is missing"),
        (toml(plan='"{{"'), "The plan cannot be read"),
        (toml(colour='"red"'), "'colour' is no part"),
        (toml() + "\nname = 'twice'", "not a template"),
    ],
    ids=lambda value: value[:24],
)
def test_a_broken_file_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "broken-1.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(TemplateError) as caught:
        read_file(path)
    assert said in caught.value.message
    assert caught.value.hint


def test_what_is_no_text_and_what_is_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"name = '\xff\xfe'")
    for path in (tmp_path / "bytes.toml", tmp_path / "none.toml", tmp_path):
        with pytest.raises(TemplateError, match=f"{path.name} is not a template"):
            read_file(path)


# Saving -------------------------------------------------------------------------------------------------------------


def test_versions_count_on_after_the_built_in_ones(database: Database) -> None:
    first = save_version(database, "default", SHORT, note="Mine.", visitor="v")
    assert first == Template("default", 2, SHORT, "Mine.", True)
    assert save_version(database, "Default ", SHORT).version == 3
    assert save_version(database, "of my own", SHORT).label == "of-my-own@1"
    assert save_version(database, "of-my-own", SHORT).label == "of-my-own@2"


def test_saved_versions_stand_beside_the_built_in_ones(database: Database) -> None:
    assert all_templates(database) == all_templates() == built_in()
    save_version(database, "default", SHORT | {"plan": "Another plan."})
    save_version(database, "a-first", SHORT)
    together = all_templates(database)
    assert [each.label for each in together] == ["a-first@1", "default@1", "default@2", "terse@1"]
    assert find_template("default", together).parts["plan"] == "Another plan."
    assert find_template("default@1", together) == DEFAULT


def test_a_saved_version_comes_back_as_it_was(database: Database) -> None:
    parts = SHORT | {"system": "アダージョ “♭” \\n {# a #}\r\n\t{{ plan.form }}", "retry": ""}
    save_version(database, "own", parts, note="♯")
    (kept,) = (each for each in all_templates(database) if each.saved)
    assert (dict(kept.parts), kept.note) == (parts, "♯")


@pytest.mark.parametrize(
    ("name", "parts", "field"), [("a/b", SHORT, "name"), ("own", SHORT | {"plan": "{{"}, "plan"), ("own", {}, "system")]
)
def test_what_cannot_be_used_is_not_saved(database: Database, name: str, parts: dict[str, Any], field: str) -> None:
    with pytest.raises(TemplateError) as caught:
        save_version(database, name, parts)
    assert caught.value.field == field
    assert all_templates(database) == built_in()


def test_versions_saved_at_the_same_time_get_numbers_of_their_own(database: Database) -> None:
    versions: list[int] = []

    def save() -> None:
        try:
            versions.append(save_version(database, "own", SHORT).version)
        except ConflictError:
            versions.append(0)

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given_out = sorted(version for version in versions if version)
    assert given_out == list(range(1, len(given_out) + 1))
    assert [each.version for each in all_templates(database) if each.name == "own"] == given_out


# Differences --------------------------------------------------------------------------------------------------------


def test_equal_versions_have_no_difference() -> None:
    assert difference(of("a", 1), of("a", 2)) == ""
    assert difference(of("a", 1), of("a", 2, plan="\nThe plan.\n")) == ""
    assert of("a", 1).digest == of("b", 7).digest


def test_a_difference_is_a_unified_diff_by_part() -> None:
    before = of("a", 1, plan="one\ntwo\nthree\nfour\nfive\nsix", retry="again")
    after = of("a", 2, plan="one\ntwo\nthree\nfour\nFIVE\nsix", retry="again\nand again")
    assert difference(before, after).splitlines() == [
        "--- a@1/plan", "+++ a@2/plan", "@@ -3,4 +3,4 @@", " three", " four", "-five", "+FIVE", " six",
        "--- a@1/retry", "+++ a@2/retry", "@@ -1 +1,2 @@", " again", "+and again",
    ]  # fmt: skip


def test_a_part_that_comes_or_goes_is_a_difference() -> None:
    assert "-The editor." in difference(of("a", 1), of("a", 2, editor="")).splitlines()
    assert "+The editor." in difference(of("a", 1, editor=""), of("a", 2)).splitlines()


@pytest.mark.parametrize("part", PARTS)
def test_the_digest_tells_other_texts_apart(part: str) -> None:
    template = of("a", 1)
    assert replace(template, parts=SHORT | {part: "Other."}).digest != template.digest


def test_the_digest_sees_where_a_part_ends() -> None:
    assert of("a", 1, system="ab", request="c").digest != of("a", 1, system="a", request="bc").digest
