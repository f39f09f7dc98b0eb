"""Rights that are withdrawn mark every version that was made of the piece, directly or by way of other versions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.datasets.small_version import built, copied
from workbench.core.datasets.files.export import stream
from workbench.core.datasets.files.imports import import_file
from workbench.core.datasets.versions import Version, facts_of_version
from workbench.core.datasets.withdrawn import (
    TAKEN_BACK,
    examples_of,
    withdraw_import,
    withdrawn,
    withdrawn_sources,
)
from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import find
from workbench.core.library.database import Database
from workbench.core.library.decisions import edit
from workbench.core.library.rights import own_rights

Kept = tuple[Database, Version]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    database, version = copied(tmp_path)
    yield database, version
    database.close()


def change_rights(database: Database, id: str, *, training: bool) -> None:
    item = find(database, id)
    assert item is not None
    edit(database, id, curator="ada", version=item.version, rights=replace(item.rights, training=training))


def made_of(database: Database, version: Version, name: str = "second") -> Version:
    return built(database, {"name": name, "sources": {"examples": False, "versions": [version.id]}})


def a_source(database: Database, version: Version) -> str:
    return next(each.source for each in facts_of_version(database, version.id) if each.source.startswith("examples/"))


@pytest.fixture
def imported(kept: Kept, tmp_path: Path) -> Version:
    database, version = kept
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"".join(stream(database, version, "trl-sft-train.jsonl")))
    rights = own_rights("Ada", "a file")
    made = import_file(database, file, name="theirs", rights=rights, curator="ada").version
    assert made is not None
    return made


def test_a_version_whose_rights_stand_is_not_marked(kept: Kept) -> None:
    assert withdrawn(*_ids(kept)) == {}
    assert withdrawn(kept[0], "0000") == {}


def _ids(kept: Kept) -> tuple[Database, str]:
    return kept[0], kept[1].id


def test_withdrawing_the_rights_of_a_piece_marks_the_version_and_says_why(kept: Kept) -> None:
    source = a_source(*kept)
    change_rights(kept[0], examples_of(source)[0], training=False)
    found = withdrawn(*_ids(kept))
    assert list(found) == [source]
    assert "does not offer it for training" in found[source]
    change_rights(kept[0], examples_of(source)[0], training=True)
    assert withdrawn(*_ids(kept)) == {}, "rights that were given again count"


def test_what_a_version_was_made_of_by_way_of_another_is_found(kept: Kept) -> None:
    database, version = kept
    second = made_of(database, version)
    third = made_of(database, second, "third")
    change_rights(database, examples_of(a_source(*kept))[0], training=False)
    for each in (version, second, third):
        found = withdrawn(database, each.id)
        assert found, each.label
        assert all(source.endswith(a_source(*kept)) or a_source(*kept) in source for source in found)


def test_what_is_no_longer_in_the_library_may_not_be_used(kept: Kept) -> None:
    found = withdrawn_sources(kept[0], ["examples/gone", "pairs/edits/gone"], "training")
    assert set(found) == {"examples/gone", "pairs/edits/gone"}
    assert "no longer in the library" in found["examples/gone"]


def test_a_pair_is_withdrawn_with_either_of_its_pieces(kept: Kept) -> None:
    one, other = sorted({examples_of(each.source)[0] for each in facts_of_version(*_ids(kept))})[:2]
    pair = f"pairs/decisions/{one}/{other}"
    assert withdrawn_sources(kept[0], [pair], "training") == {}
    change_rights(kept[0], other, training=False)
    found = withdrawn_sources(kept[0], [pair], "training")
    assert found[pair].startswith(f"{other}: ")


def test_the_use_of_the_recipe_decides(kept: Kept) -> None:
    source = a_source(*kept)
    change_rights(kept[0], examples_of(source)[0], training=False)
    assert withdrawn_sources(kept[0], [source], "commercial_training")
    assert withdrawn_sources(kept[0], [source], "prompt") == {}


@pytest.mark.parametrize(
    ("source", "examples"),
    [
        ("examples/a", ("a",)),
        ("pairs/edits/a", ("a",)),
        ("pairs/decisions/a/b", ("a", "b")),
        ("import/file/3", ()),
        ("0123456789abcdef/examples/a~key=c minor", ("a",)),
        ("0123456789abcdef/fedcba9876543210/pairs/decisions/a/b~tempo=84", ("a", "b")),
        ("0123456789abcdef/import/examples/3", ()),
        ("", ()),
        ("nothing", ()),
    ],
)
def test_the_examples_of_a_source_are_read_from_its_id(source: str, examples: tuple[str, ...]) -> None:
    assert examples_of(source) == examples


def test_a_withdrawn_import_marks_its_version_and_what_was_made_of_it(kept: Kept, imported: Version) -> None:
    database, version = kept
    second = made_of(database, imported)
    third = made_of(database, second, "third")
    assert [withdrawn(database, each.id) for each in (imported, second, third)] == [{}, {}, {}]
    withdraw_import(database, imported.id)
    withdraw_import(database, imported.id)
    for each in (imported, second, third):
        found = withdrawn(database, each.id)
        assert set(found) == {facts.source for facts in facts_of_version(database, each.id)}
        assert set(found.values()) == {TAKEN_BACK}
    assert withdrawn(database, version.id) == {}


def test_only_what_was_imported_is_withdrawn_so(kept: Kept) -> None:
    for id in (kept[1].id, "0000", ""):
        with pytest.raises(InvalidInputError) as caught:
            withdraw_import(kept[0], id)
        assert caught.value.hint
