"""A version goes out as files: all of them or none, with their hashes, and they are read back as the rows they were."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.core.datasets.small_version import ROOT, copied
from workbench.core.datasets.files.export import BLOCK, CARD, MANIFEST, export, file_names, stream
from workbench.core.datasets.files.formats import format_of
from workbench.core.datasets.rows import Facts, plain_messages
from workbench.core.datasets.versions import Version, bodies, facts_of_version
from workbench.core.errors import InvalidInputError
from workbench.core.library.database import Database

Kept = tuple[Database, Version]
NO_DATASETS = importlib.util.find_spec("datasets") is None


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    database, version = copied(tmp_path_factory.mktemp("export"))
    yield database, version
    database.close()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Names


def test_a_version_lists_a_file_for_each_format_and_split_that_has_rows(kept: Kept) -> None:
    splits = ("train", "validation", "test")
    assert file_names(kept[1]) == (
        *(f"openai-chat-{split}.jsonl" for split in splits), *(f"trl-sft-{split}.jsonl" for split in splits),
        *(f"{split}.parquet" for split in splits), CARD,
    )  # fmt: skip
    assert file_names(kept[1], ["parquet"]) == (*(f"{split}.parquet" for split in splits), CARD)
    assert file_names(kept[1], ["trl-sft"]) == (*(f"trl-sft-{split}.jsonl" for split in splits), CARD)


@pytest.mark.parametrize("name", ["", "openai-dpo", "trl-dpo", "csv", "../parquet", "parquet/../..", "\x00"])
def test_a_format_that_is_not_known_or_of_the_other_kind_is_refused(kept: Kept, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        export(*kept, tmp_path / "out", formats=["parquet", name])
    assert "openai-chat, trl-sft, parquet" in caught.value.hint
    assert names_in(tmp_path) == []


def test_no_name_of_a_file_is_a_path(kept: Kept) -> None:
    for name in file_names(kept[1]):
        assert Path(name).name == name
        assert name.isascii()


@pytest.mark.parametrize("name", ["", "../README.md", "/etc/passwd", "manifest.json", "other-train.jsonl", "x" * 9_000])
def test_only_listed_files_are_streamed(kept: Kept, name: str) -> None:
    with pytest.raises(InvalidInputError):
        stream(*kept, name)


# Contents


@pytest.mark.parametrize("name", ["openai-chat", "trl-sft"])
def test_every_row_is_on_its_line_in_order(kept: Kept, name: str) -> None:
    for split in ("train", "validation", "test"):
        text = b"".join(stream(*kept, f"{name}-{split}.jsonl")).decode()
        assert text.endswith("\n")
        lines = [json.loads(line) for line in text.splitlines()]
        rows = [row for side, row in bodies(kept[0], kept[1].id) if side == split]
        said = [format_of(name).read(line) for line in lines]
        assert [(each.prompt, each.answer) for each in said] == [(row.prompt, row.answer) for row in rows]


def test_parquet_reads_back_as_the_rows_with_all_that_is_known(kept: Kept) -> None:
    database, version = kept
    facts: dict[str, Facts] = {each.key: each for each in facts_of_version(database, version.id)}
    seen = 0
    for split in ("train", "validation", "test"):
        data = b"".join(stream(database, version, f"{split}.parquet"))
        records: list[dict[str, Any]] = pq.read_table(memory_file(data)).to_pylist()
        rows = [row for side, row in bodies(database, version.id) if side == split]
        for record, row in zip(records, rows, strict=True):
            assert record["prompt"] == plain_messages(row.prompt)
            assert record["completion"] == [{"role": "assistant", "content": row.answer}]
            assert json.loads(record["request"]) == dict(row.request)
            assert json.loads(record["rights"]) == dict(row.rights)
            assert json.loads(record["shown"]) == list(row.shown)
            told = facts[row.key].to_dict()
            assert {name: record[name] for name in told if name != "search"} == {
                name: value for name, value in told.items() if name != "search"
            }
            seen += 1
    assert seen == version.rows


def memory_file(data: bytes) -> Any:
    import pyarrow as pa

    return pa.BufferReader(data)


def test_the_same_version_is_the_same_bytes(kept: Kept, tmp_path: Path) -> None:
    export(*kept, tmp_path / "one")
    export(*kept, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_manifest_names_every_file_with_its_hash(kept: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    files = export(*kept, folder)
    assert sorted(file.name for file in files) == names_in(folder) == sorted([*file_names(kept[1]), MANIFEST])
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["version"] == kept[1].id
    assert manifest["rows"] == kept[1].rows
    assert manifest["content_hash"] == kept[1].content_hash
    for name, said in manifest["files"].items():
        data = (folder / name).read_bytes()
        assert said == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    assert set(manifest["files"]) == set(file_names(kept[1]))


# All or nothing


def fails_at(number: int) -> Any:
    told: list[str] = []

    def tell(name: str) -> None:
        told.append(name)
        if len(told) == number:
            raise RuntimeError("in the middle")

    return tell


@pytest.mark.parametrize("number", [1, 3, 8, 10])
def test_an_error_in_the_middle_leaves_nothing(kept: Kept, tmp_path: Path, number: int) -> None:
    with pytest.raises(RuntimeError):
        export(*kept, tmp_path / "out", told=fails_at(number))
    assert names_in(tmp_path) == []


def test_an_error_in_the_middle_leaves_the_earlier_export(kept: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(*kept, folder, formats=["trl-sft"])
    before = contents(folder)
    with pytest.raises(RuntimeError):
        export(*kept, folder, told=fails_at(4))
    assert contents(folder) == before
    assert names_in(tmp_path) == ["out"]


def test_an_earlier_export_is_replaced_as_a_whole(kept: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(*kept, folder)
    export(*kept, folder, formats=["parquet"])
    assert names_in(folder) == sorted([*file_names(kept[1], ["parquet"]), MANIFEST])
    assert names_in(tmp_path) == ["out"]


def test_an_empty_folder_is_filled(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(*kept, tmp_path / "out", formats=["trl-sft"])
    assert MANIFEST in names_in(tmp_path / "out")


MINE = b'{"name": "somebody\'s web page"}'


@pytest.mark.parametrize(
    "held",
    [
        {"thesis.txt": b"years of work"},
        {MANIFEST: MINE},
        {MANIFEST: b"no json"},
        {MANIFEST: b"[1]"},
        {MANIFEST: b"\xff\xfe"},
        {MANIFEST: b'{"files": [], "content_hash": ""}'},
        {MANIFEST: b"[" * 90_000},
        {MANIFEST: MINE, "index.html": b"<html>"},
    ],
    ids=range(8),
)
def test_a_folder_of_somebody_elses_is_left_alone(kept: Kept, tmp_path: Path, held: dict[str, bytes]) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    for name, data in held.items():
        (folder / name).write_bytes(data)
    with pytest.raises(InvalidInputError) as caught:
        export(*kept, folder)
    assert caught.value.hint
    assert contents(folder) == held
    assert names_in(tmp_path) == ["out"]


def test_an_export_to_which_somebody_added_a_file_is_left_alone(kept: Kept, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export(*kept, folder, formats=["trl-sft"])
    (folder / "notes.txt").write_text("mine")
    before = contents(folder)
    with pytest.raises(InvalidInputError):
        export(*kept, folder)
    assert contents(folder) == before


def test_a_file_is_not_taken_for_a_folder(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InvalidInputError):
        export(*kept, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "a file"


def test_the_folder_that_one_is_in_can_be_named(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    export(*kept, Path("."), formats=["trl-sft"])
    assert MANIFEST in names_in(folder)
    assert names_in(tmp_path) == ["here"]


def test_what_a_link_leads_to_is_written_and_the_link_stays(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    export(*kept, tmp_path / "link", formats=["trl-sft"])
    assert (tmp_path / "link").is_symlink()
    assert MANIFEST in names_in(tmp_path / "real")
    assert names_in(tmp_path) == ["link", "real"]


# Size


def test_a_file_is_streamed_in_blocks(kept: Kept) -> None:
    blocks = list(stream(*kept, "openai-chat-train.jsonl"))
    assert len(blocks) > 1
    assert all(len(block) < 2 * BLOCK for block in blocks)


GROWTH = """
import resource, sys
from pathlib import Path
from tests.core.datasets.small_version import copied, with_facts
from workbench.core.datasets.files.export import stream
from workbench.core.datasets.rows import Facts
from workbench.core.datasets.versions import facts_of_version
from dataclasses import replace

database, version = copied(Path(sys.argv[1]))
facts = list(facts_of_version(database, version.id))
facts = [replace(facts[n % len(facts)], key=f"examples/{n}", split="train") for n in range(int(sys.argv[2]))]
summary = {"splits": {"train": len(facts)}}
from workbench.core.datasets.versions import write_version
many, _ = write_version(database, {"n": len(facts)}, facts, summary, name="many", kind="chat", curator="ada")
del facts
size = 0
for name in ("openai-chat-train.jsonl", "train.parquet"):
    for block in stream(database, many, name):
        size += len(block)
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
database.close()
"""


def test_memory_does_not_grow_with_the_version(tmp_path: Path) -> None:
    used = []
    for rows in (2_200, 7_500):
        folder = tmp_path / str(rows)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", GROWTH, str(folder), str(rows)], cwd=ROOT, capture_output=True, text=True,
            timeout=120, check=True,
        )  # fmt: skip
        size, peak = map(int, done.stdout.split())
        used.append((size / 1e6, peak))
    (small, before), (large, after) = used
    assert large > 2 * small
    assert after - before < (large - small) / 2, "megabytes more"


# Other programs


def test_datasets_loads_an_exported_folder_by_its_card(kept: Kept, tmp_path: Path) -> None:
    if NO_DATASETS:
        assert not os.environ.get("CI"), "datasets is not installed"
        pytest.skip("datasets is not installed; with CI set this fails instead.")
    export(*kept, tmp_path / "out")
    program = """
import json, sys
import datasets
found = datasets.load_dataset(sys.argv[1])
print(json.dumps({split: [len(rows), rows.column_names, rows[0]["completion"]] for split, rows in found.items()}))
"""
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"), "1")
    environment = (
        os.environ | offline | {"HF_HOME": str(tmp_path / "hub"), "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "out")], env=environment, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert {split: rows for split, (rows, *_) in found.items()} == kept[1].summary["splits"]
    first = dict(reversed(list(bodies(kept[0], kept[1].id))))
    for split, (_, columns, completion) in found.items():
        assert {"prompt", "completion", "key", "rights"} <= set(columns)
        assert completion[0]["content"] == first[split].answer
