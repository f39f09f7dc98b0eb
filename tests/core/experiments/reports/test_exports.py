"""Results as files: flat, whole or not at all, and safe to open."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.core.experiments.reports.planted import METRICS, results
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import metrics_named
from workbench.core.experiments.reports.exports import GROUP, flat, stream, write
from workbench.core.experiments.results import Result

COLUMNS = metrics_named(METRICS)


def hostile() -> list[Result]:
    found = results(2)
    raw = '=HYPERLINK("http://evil")\ud800'
    sample = replace(found[0].sample, raw=raw, model="@SUM(1)", error="\t=1", provider="-2+3", cost=-0.5)
    return [replace(found[0], request=" +cmd|' /C calc'!A0", sample=sample), *found[1:]]


def test_a_row_of_csv_is_a_cell_and_no_text_is_a_formula() -> None:
    text = b"".join(stream(hostile(), "csv", COLUMNS)).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 6
    first = rows[0]
    assert first["request"] == "' +cmd|' /C calc'!A0"
    assert [first[name][:2] for name in ("raw", "model", "error", "provider")] == ["'=", "'@", "'\t", "'-"]
    assert first["cost"] == "-0.5", "a number stays one"
    assert first["valid-before-repair"] in ("true", "false")
    assert first["facet_form"] == "ABA"
    assert json.loads(first["piece_json"])["key"] == "D major"


def test_a_line_of_jsonl_holds_what_a_row_does() -> None:
    lines = b"".join(stream(hostile(), "jsonl", COLUMNS)).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert rows == [flat(each, COLUMNS) for each in hostile()]
    assert rows[0]["raw"].endswith("\ud800"), "half a surrogate pair comes back as it was"


def test_parquet_has_types_and_row_groups(tmp_path: Path) -> None:
    many = [replace(each, position=at) for at, each in enumerate(results(2) * 400)]
    size = write(tmp_path / "some.parquet", many, COLUMNS, texts=False)
    file = pq.ParquetFile(tmp_path / "some.parquet")
    table = file.read()
    assert size == (tmp_path / "some.parquet").stat().st_size
    assert file.num_row_groups == -(-len(many) // GROUP)
    assert table.num_rows == len(many)
    assert table.schema.field("valid-before-repair").type == "bool"
    assert table.schema.field("latency").type == "double"
    assert "raw" not in table.column_names
    assert pq.read_table(io.BytesIO(b"".join(stream(hostile(), "parquet", COLUMNS)))).num_rows == 6


def test_no_result_is_an_empty_file_with_its_columns(tmp_path: Path) -> None:
    assert b"".join(stream([], "csv", COLUMNS)).startswith(b"position,cell,")
    assert b"".join(stream([], "jsonl", COLUMNS)) == b""
    write(tmp_path / "none.parquet", [], COLUMNS)
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"results.{ending}"
    path.write_text("before")

    def breaks() -> Iterator[Result]:
        yield from results(2)
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError, match="gone"):
        write(path, breaks(), COLUMNS)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    assert write(path, results(2), COLUMNS) == path.stat().st_size
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    odd: Any = "xlsx"
    with pytest.raises(InvalidInputError, match="no format"):
        stream([], odd, COLUMNS)
    with pytest.raises(InvalidInputError, match="no format"):
        write(tmp_path / "results", [], COLUMNS)
    assert not list(tmp_path.iterdir())
