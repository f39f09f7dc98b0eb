"""Results as files: CSV, JSONL and Parquet, a row a cell, in blocks, written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal, get_args

from workbench.core.datasets.files.export import Sink, in_blocks
from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics import Metric, SetMetric
from workbench.core.experiments.reports.summary import FACETS, Column
from workbench.core.experiments.results import Result

Format = Literal["csv", "jsonl", "parquet"]
GROUP = 2_000
"""Rows in a row group of Parquet."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a text may not begin with in CSV: a spreadsheet would take it for a formula and run it."""
_Kind = Literal["text", "whole", "number", "yes-no"]


@dataclass(frozen=True)
class _Field:
    name: str
    kind: _Kind
    of: Callable[[Result], Any]


def stream(
    results: Iterable[Result], format: Format, metrics: Sequence[Metric | SetMetric | Column], *, texts: bool = True
) -> Iterator[bytes]:
    """The bytes of a file of results, as they come.

    Columns are the cell, what was asked of whom, what it took, facets (``facet_…``), then every metric by its name, or
    ``metric_`` and its name where another column has that; with ``texts`` also the request, the first answer and the
    piece as JSON. In CSV a text that a spreadsheet would take for a formula has an apostrophe before it.

    Raises:
        InvalidInputError: an unknown format; before the first block.
    """
    if format not in get_args(Format):
        raise InvalidInputError(f"{str(format)[:40]!r} is no format.", hint="Choose csv, jsonl or parquet.")
    fields = _fields(metrics, texts=texts)
    if format == "parquet":
        return _parquet(results, fields)
    return in_blocks(_csv(results, fields) if format == "csv" else _jsonl(results, fields))


def write(
    path: Path, results: Iterable[Result], metrics: Sequence[Metric | SetMetric | Column], *,
    format: Format | None = None, texts: bool = True,
) -> int:  # fmt: skip
    """Write a file of results, whole or not at all; gives its bytes. Its ending says the format, where none is given.

    Raises:
        InvalidInputError: an unknown format.
        OSError: the file cannot be written; what was there before is unharmed.
    """
    kind: Any = format or path.suffix.removeprefix(".").lower()
    blocks = stream(results, kind, metrics, texts=texts)
    return write_whole(path, blocks)


def write_whole(path: Path, blocks: Iterable[bytes]) -> int:
    """Write blocks to a file so that nobody ever reads half of it; gives the bytes."""
    partial = path.with_name(f".{path.name[:100]}-{token_hex(4)}.part")
    size = 0
    try:
        with partial.open("wb") as handle:
            for block in blocks:
                handle.write(block)
                size += len(block)
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise
    return size


def flat(result: Result, metrics: Sequence[Metric | SetMetric | Column], *, texts: bool = True) -> dict[str, Any]:
    """One result as a flat JSON object."""
    return {each.name: each.of(result) for each in _fields(metrics, texts=texts)}


def _fields(metrics: Sequence[Metric | SetMetric | Column], *, texts: bool) -> list[_Field]:
    fields = [
        _Field("position", "whole", lambda each: each.position),
        _Field("cell", "text", lambda each: each.cell),
        _Field("request", "text", lambda each: each.request),
        _Field("variant", "text", lambda each: each.variant),
        _Field("seed", "whole", lambda each: each.seed),
        *(_of_sample(name, "text") for name in ("provider", "model", "outcome")),
        *(_of_sample(name, "yes-no") for name in ("valid_json", "valid_schema", "valid_piece")),
        *(_of_sample(name, "whole") for name in ("repairs", "calls", "tokens_in", "tokens_out")),
        *(_of_sample(name, "number") for name in ("cost", "seconds", "first_token")),
        _of_sample("error", "text"),
        *(_of_facet(name) for name in FACETS),
    ]
    taken = {each.name for each in fields}
    fields += [_of_metric(each, taken) for each in metrics if not (isinstance(each, SetMetric) or _is_of_set(each))]
    fields.append(_Field("problems", "text", lambda each: _json(each.problems) if each.problems else ""))
    if texts:
        fields += [
            _Field("request_json", "text", lambda each: _json(each.sample.request.to_dict())),
            _Field("raw", "text", lambda each: each.sample.raw),
            _Field("piece_json", "text", _piece),
        ]
    return fields


def _is_of_set(metric: Metric | SetMetric | Column) -> bool:
    return isinstance(metric, Column) and metric.of_set


def _of_sample(name: str, kind: _Kind) -> _Field:
    return _Field(name, kind, lambda each: getattr(each.sample, name))


def _of_facet(name: str) -> _Field:
    return _Field(f"facet_{name}", "text", lambda each: each.facets.get(name, ""))


def _of_metric(metric: Metric | SetMetric | Column, taken: set[str]) -> _Field:
    name = metric.name
    column = f"metric_{name}" if name in taken else name  # two columns of one name cannot be read again
    if metric.kind == "rate":
        return _Field(column, "yes-no", lambda each: None if each.values.get(name) is None else bool(each.values[name]))
    return _Field(
        column, "number", lambda each: None if each.values.get(name) is None else float(each.values[name] or 0)
    )


def _piece(result: Result) -> str:
    return "" if result.sample.structure is None else result.sample.structure.to_json(indent=None)


def _json(data: Any) -> str:
    return json.dumps(dict(data) if isinstance(data, Mapping) else data, ensure_ascii=False, sort_keys=True)


def _jsonl(results: Iterable[Result], fields: Sequence[_Field]) -> Iterator[bytes]:
    for result in results:
        row = {each.name: each.of(result) for each in fields}
        # Half a surrogate pair, which a model's text may hold, is written as its JSON escape.
        yield (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _csv(results: Iterable[Result], fields: Sequence[_Field]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([each.name for each in fields])
    for result in results:
        writer.writerow([_cell(each.of(result)) for each in fields])
        yield text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    """A value in CSV: numbers plain, yes and no as true and false, texts safe from being run."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    text = str(value).replace("\0", "")
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _parquet(results: Iterable[Result], fields: Sequence[_Field]) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64(), "yes-no": pa.bool_()}
    schema = pa.schema([(each.name, types[each.kind]) for each in fields])
    sink = Sink()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []
        for result in results:
            waiting.append({each.name: _storable(each.of(result)) for each in fields})
            if len(waiting) == GROUP:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting = []
                yield sink.taken()
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema))
    yield sink.taken()


def _storable(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
