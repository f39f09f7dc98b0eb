"""A file from elsewhere becomes a version: its rows word for word, checked as every other, or told line by line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.datasets.small_version import built, copied
from workbench.core.datasets.building.build import Built
from workbench.core.datasets.files.export import stream
from workbench.core.datasets.files.formats import FORMATS, json_line
from workbench.core.datasets.files.imports import import_file
from workbench.core.datasets.files.lines import MAX_LINE
from workbench.core.datasets.frozen import freeze
from workbench.core.datasets.rows import Row
from workbench.core.datasets.versions import Version, bodies, facts_of_version, versions
from workbench.core.errors import InvalidInputError
from workbench.core.library.database import Database
from workbench.core.library.rights import Rights, own_rights

Kept = tuple[Database, Version]
OWN = own_rights("Ada", "a file of hers", "CC-BY-4.0")
BOM = b"\xef\xbb\xbf"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


@pytest.fixture(scope="module")
def some_rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """A few rows of different pieces."""
    database, version = copied(tmp_path_factory.mktemp("rows"))
    found = [row for _, row in bodies(database, version.id) if not row.changes][:4]
    database.close()
    return found


def pairs(rows: list[Row]) -> list[Row]:
    """Each row with the next one's answer as the rejected one."""
    return [
        replace(one, kind="pair", rejected=other.answer) for one, other in zip(rows, rows[1:] + rows[:1], strict=True)
    ]


def lines_of(rows: list[Row], format: str) -> list[bytes]:
    rows = pairs(rows) if FORMATS[format].kind == "pair" else rows
    return [json_line(row, format).encode() for row in rows]


def taken_in(database: Database, file: Path, data: bytes | list[bytes], **more: Any) -> Built:
    file.write_bytes(data if isinstance(data, bytes) else b"\n".join(data) + b"\n")
    return import_file(database, file, **{"name": "theirs", "rights": OWN, "curator": "ada"} | more)


def told(made: Built) -> list[tuple[int | None, str]]:
    return [(fault.line, fault.check) for fault in made.tally.told if fault.severity == "error"]


# Word for word


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_our_own_exports_come_back_as_they_were(kept: Kept, some_rows: list[Row], tmp_path: Path, format: str) -> None:
    database, _ = kept
    made = taken_in(database, tmp_path / "rows.jsonl", lines_of(some_rows, format))
    assert told(made) == []
    assert made.version is not None
    before = pairs(some_rows) if FORMATS[format].kind == "pair" else some_rows
    after = [row for _, row in bodies(database, made.version.id)]
    assert [(row.prompt, row.answer, row.rejected, row.kind, row.request) for row in after] == [
        (row.prompt, row.answer, row.rejected, row.kind, row.request) for row in before
    ]
    assert made.version.kind == FORMATS[format].kind
    assert [row.rights for row in after] == [OWN.to_dict()] * len(before)
    assert [row.source["line"] for row in after] == [1, 2, 3, 4]


def test_a_whole_exported_file_comes_back(kept: Kept, tmp_path: Path) -> None:
    database, version = kept
    data = b"".join(stream(database, version, "openai-chat-train.jsonl"))
    made = taken_in(database, tmp_path / "train.jsonl", data, split="validation")
    assert made.version is not None
    assert told(made) == []
    rows = {(row.prompt, row.answer) for side, row in bodies(database, version.id) if side == "train"}
    assert {(row.prompt, row.answer) for _, row in bodies(database, made.version.id)} == rows
    facts = list(facts_of_version(database, made.version.id))
    assert {each.split for each in facts} == {"validation"}
    before = {each.digest: each for each in facts_of_version(database, version.id)}
    assert sorted(each.seconds for each in facts) == sorted(
        each.seconds for each in before.values() if each.split == "train"
    )


def test_the_same_file_is_the_same_version_and_is_known_by_its_hash(
    kept: Kept, some_rows: list[Row], tmp_path: Path
) -> None:
    database, _ = kept
    data = BOM + b"\r\n\r\n".join(lines_of(some_rows, "trl-sft"))
    one = taken_in(database, tmp_path / "rows.jsonl", data)
    two = taken_in(database, tmp_path / "rows.jsonl", data)
    assert one.version is not None
    assert (one.new, two.new) == (True, False)
    assert two.version == one.version
    imported = one.version.recipe["imported"]
    assert imported == {"file": "rows.jsonl", "sha256": hashlib.sha256(data).hexdigest()}


def test_an_imported_version_is_the_source_of_another_recipe(kept: Kept, some_rows: list[Row], tmp_path: Path) -> None:
    database, _ = kept
    imported = taken_in(database, tmp_path / "rows.jsonl", lines_of(some_rows, "openai-chat")).version
    assert imported is not None
    made = built(
        database,
        {"name": "ours", "sources": {"examples": False, "versions": [imported.id]}, "augmentation": {"keys": 1}},
    )
    rows = [row for _, row in bodies(database, made.id)]
    originals = [row for row in rows if not row.changes]
    assert {row.answer for row in originals} == {row.answer for row in some_rows}
    assert len(rows) > len(originals)
    assert {row.key.partition("/")[0] for row in rows} == {imported.id}
    assert all(row.rights == OWN.to_dict() for row in rows)


# Faults


def damaged(rows: list[Row]) -> dict[str, tuple[bytes, str]]:
    """A line for each way to be wrong, with the check that has to tell it."""
    good = json.loads(lines_of(rows, "openai-chat")[0])
    system, user, answer = good["messages"]
    piece = json.loads(answer["content"])
    shifted = piece | {"sections": [*piece["sections"][:-1], piece["sections"][-1] | {"cadence": "HC"}]}

    def said(*messages: Any) -> bytes:
        return json.dumps({"messages": messages}).encode()

    return {
        "no JSON": (b"{", "line.json"),
        "an array": (b"[]", "line.object"),
        "no format": (b'{"text": "hello"}', "format"),
        "not UTF-8": (b'{"messages": "\xff"}', "line.utf-8"),
        "half a character": (b'{"messages": "\\ud800"}', "line.utf-8"),
        "a key twice": (b'{"messages": [], "messages": []}', "line.duplicate-key"),
        "too deep": (b'{"messages":' + b"[" * 5_000, "line.depth"),
        "too long": (b'{"messages": "' + b"x" * MAX_LINE + b'"}', "line.too-long"),
        "an endless number": (b'{"messages": ' + b"9" * 9_000 + b"}", "line.number"),
        "a wrong role": (said(system, user, answer | {"role": "robot"}), "format"),
        "no answer": (said(system, user), "format"),
        "an empty answer": (said(system, user, answer | {"content": ""}), "format"),
        "no piece": (said(system, user, answer | {"content": "La la la"}), "schema"),
        "changed JSON": (said(system, user, answer | {"content": json.dumps(piece)}), "round-trip"),
        "a wrong cadence": (said(system, user, answer | {"content": json.dumps(shifted)}), "round-trip"),
    }


NAMES = (
    "no JSON", "an array", "no format", "not UTF-8", "half a character", "a key twice", "too deep", "too long",
    "an endless number", "a wrong role", "no answer", "an empty answer", "no piece", "changed JSON", "a wrong cadence",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_faulty_line_is_told_by_its_number_and_makes_no_version(
    kept: Kept, some_rows: list[Row], tmp_path: Path, name: str
) -> None:
    database, version = kept
    bad, check = damaged(some_rows)[name]
    one, two, three, _ = lines_of(some_rows, "openai-chat")
    made = taken_in(database, tmp_path / "rows.jsonl", [one, b"", two, bad, three])
    assert made.version is None
    assert versions(database) == (version,)
    assert (4, check) in told(made)
    assert {line for line, _ in told(made)} == {4}


def test_what_is_faulty_can_be_left_out(kept: Kept, some_rows: list[Row], tmp_path: Path) -> None:
    database, _ = kept
    bad = [line for line, _ in damaged(some_rows).values()]
    good = lines_of(some_rows, "openai-chat")
    made = taken_in(database, tmp_path / "rows.jsonl", [*bad, *good], leave_out=True)
    assert made.version is not None
    assert made.version.rows == len(good)
    assert sum(made.left_out.values()) == len(bad)
    assert [row.answer for _, row in bodies(database, made.version.id)] == [row.answer for row in some_rows]
    assert made.tally.errors >= len(bad)


def test_a_row_that_stands_twice_is_told_by_its_line(kept: Kept, some_rows: list[Row], tmp_path: Path) -> None:
    one, two, *_ = lines_of(some_rows, "trl-sft")
    made = taken_in(kept[0], tmp_path / "rows.jsonl", [one, two, one])
    assert made.version is None
    assert told(made) == [(3, "duplicate")]
    made = taken_in(kept[0], tmp_path / "rows.jsonl", [one, two, one], leave_out=True)
    assert made.version is not None
    assert made.version.rows == 2


def test_what_a_frozen_test_holds_is_not_taken_in_to_train_on(kept: Kept, tmp_path: Path) -> None:
    database, version = kept
    freeze(database, version.id, name="test", curator="ada")
    data = b"".join(stream(database, version, "trl-sft-test.jsonl"))
    made = taken_in(database, tmp_path / "rows.jsonl", data)
    assert made.version is None
    assert {check for _, check in told(made)} == {"leak.test"}
    assert taken_in(database, tmp_path / "rows.jsonl", data, split="test").version is not None


def test_rows_with_one_answer_and_pairs_are_not_mixed(kept: Kept, some_rows: list[Row], tmp_path: Path) -> None:
    mixed = [*lines_of(some_rows[:2], "trl-sft"), *lines_of(some_rows[2:], "trl-dpo")]
    with pytest.raises(InvalidInputError, match="mixes"):
        taken_in(kept[0], tmp_path / "rows.jsonl", mixed)
    both = [*lines_of(some_rows[:2], "trl-sft"), *lines_of(some_rows[2:], "openai-chat")]
    assert taken_in(kept[0], tmp_path / "rows.jsonl", both).version is not None


@pytest.mark.parametrize("data", [b"", b"\n\r\n \n", BOM])
def test_a_file_without_rows_is_refused(kept: Kept, tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InvalidInputError, match="no rows"):
        taken_in(kept[0], tmp_path / "rows.jsonl", data)


def test_a_file_that_cannot_be_read_is_told(kept: Kept, tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "nothing.jsonl"):
        with pytest.raises(InvalidInputError, match="cannot be read"):
            import_file(kept[0], file, name="theirs", rights=OWN, curator="ada")


@pytest.mark.parametrize("more", [{"name": ""}, {"name": "x" * 81}, {"use": "everything"}])
def test_a_name_and_a_use_that_no_recipe_could_have_are_refused(
    kept: Kept, some_rows: list[Row], tmp_path: Path, more: dict[str, str]
) -> None:
    with pytest.raises(InvalidInputError):
        taken_in(kept[0], tmp_path / "rows.jsonl", lines_of(some_rows, "trl-sft"), **more)


# Rights

RESERVED = Rights(tuple(replace(layer, licence="LicenseRef-all-rights-reserved") for layer in OWN.layers))


@pytest.mark.parametrize(
    "rights",
    [Rights(()), Rights(OWN.layers[:2]), replace(OWN, training=False), RESERVED, own_rights("A", "b", "CC-BY-NC-4.0")],
    ids=["none", "a layer missing", "not for training", "reserved", "NonCommercial"],
)  # fmt: skip
def test_rows_without_the_rights_are_not_taken_in(
    kept: Kept, some_rows: list[Row], tmp_path: Path, rights: Rights
) -> None:
    made = taken_in(kept[0], tmp_path / "rows.jsonl", lines_of(some_rows, "trl-sft"), rights=rights)
    assert made.version is None
    assert told(made) == [(line, "rights") for line in (1, 2, 3, 4)]
    left = taken_in(kept[0], tmp_path / "rows.jsonl", lines_of(some_rows, "trl-sft"), rights=rights, leave_out=True)
    assert left.version is None


def test_rights_are_asked_for_the_use_that_is_meant(kept: Kept, some_rows: list[Row], tmp_path: Path) -> None:
    rights = own_rights("Ada", "a file", "CC-BY-NC-4.0")
    made = taken_in(kept[0], tmp_path / "rows.jsonl", lines_of(some_rows, "trl-sft"), rights=rights, use="training")
    assert made.version is not None
    assert made.version.recipe["use"] == "training"


# Hostile input


def test_thousands_of_faults_are_counted_and_a_hundred_told(kept: Kept, tmp_path: Path) -> None:
    made = taken_in(kept[0], tmp_path / "rows.jsonl", b"nonsense\n" * 3_000)
    assert made.version is None
    assert len(made.tally.told) == 100
    assert made.tally.errors == 3_000


def test_names_of_files_are_never_paths_or_markup(kept: Kept, some_rows: list[Row], tmp_path: Path) -> None:
    file = tmp_path / "..~key=c<script>`\n# evil.jsonl"
    made = taken_in(kept[0], file, lines_of(some_rows, "trl-sft"))
    assert made.version is not None
    for each in facts_of_version(kept[0], made.version.id):
        assert each.key.startswith("import/")
        assert set(each.key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-_")
        assert ".." not in each.key.split("/")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300), at=st.integers(0, 3), cut=st.integers(0, 400), blank=st.booleans())
def test_whatever_a_file_holds_it_is_a_version_or_told(
    kept: Kept, some_rows: list[Row], tmp_path: Path, data: bytes, at: int, cut: int, blank: bool
) -> None:
    lines = lines_of(some_rows[:2], "trl-sft")
    lines[at % 2] = lines[at % 2][:cut] + data + (b"" if blank else lines[at % 2][cut:])
    try:
        made = taken_in(kept[0], tmp_path / "rows.jsonl", lines)
    except InvalidInputError:
        return  # neither row is there any more
    assert (made.version is None) == bool(made.tally.errors)
    assert all(fault.line is not None for fault in made.tally.told if fault.severity == "error")
