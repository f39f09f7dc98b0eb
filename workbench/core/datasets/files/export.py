"""A version as files: JSONL in every format of its kind, Parquet, the dataset card, and a manifest with their hashes.

Every file can be read as a stream, so a large version is sent without being held in memory, or written to a folder,
which then has all of it or nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.core.datasets.files.card import dataset_card
from workbench.core.datasets.files.formats import FORMATS, json_line
from workbench.core.datasets.rows import SPLITS, Facts, Row, plain_messages
from workbench.core.datasets.versions import Version, bodies, facts_of_version
from workbench.core.errors import InvalidInputError
from workbench.core.library.database import Database, new_id

CARD, MANIFEST = "README.md", "manifest.json"
BLOCK = 1 << 18
"""Bytes that a stream gives at once, about."""
GROUP = 2_000
"""Rows in a row group of Parquet."""


def file_names(version: Version, formats: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of a version's files: ``openai-chat-train.jsonl``, ``train.parquet``, the card; empty splits have none.

    Raises:
        InvalidInputError: a format that is not known, or of the other kind.
    """
    kinds = [name for name, form in FORMATS.items() if form.kind == version.kind]
    for name in formats:
        if name not in (*kinds, "parquet"):
            raise InvalidInputError(
                f"{name[:40]!r} is no format for these rows.", hint=f"Choose among {', '.join(kinds)}, parquet."
            )
    wanted = formats or (*kinds, "parquet")
    splits = [split for split in SPLITS if version.summary["splits"].get(split)]
    lines = [f"{name}-{split}.jsonl" for name in wanted if name != "parquet" for split in splits]
    return (*lines, *(f"{split}.parquet" for split in splits if "parquet" in wanted), CARD)


def stream(database: Database, version: Version, name: str) -> Iterator[bytes]:
    """The bytes of one of a version's files.

    Raises:
        InvalidInputError: the version has no such file.
    """
    if name not in file_names(version):
        raise InvalidInputError(f"There is no file {name[:60]!r}.", hint="Choose one that the version lists.")
    if name == CARD:
        return iter([dataset_card(database, version).encode()])
    stem, _, ending = name.rpartition(".")
    if ending == "parquet":
        return _parquet(database, version, stem)
    form, _, split = stem.rpartition("-")
    return in_blocks(f"{json_line(row, form)}\n".encode() for _, row in bodies(database, version.id, split=split))


def export(
    database: Database, version: Version, folder: Path, *, formats: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> tuple[Path, ...]:  # fmt: skip
    """Write a version's files into a folder, which then holds all of them or is as it was before.

    A folder that an export has written is replaced; any other that is not empty is left alone.

    Raises:
        InvalidInputError: the folder holds something else, or a format is not known.
        OSError: it cannot be written.
    """
    names = file_names(version, formats)
    place = folder.resolve()  # "." has no name, and of a link what it leads to is replaced
    if place.exists() and not (place.is_dir() and _is_ours(place)):
        raise InvalidInputError(
            f"{folder} holds something else than an export.", hint="Name a new folder, or an empty one."
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(f".{place.name}.{new_id()}.part")
    partial.mkdir()
    try:
        files = {}
        for name in names:
            told(name)
            files[name] = _written(partial / name, stream(database, version, name))
        manifest = {
            "version": version.id, "name": version.label, "content_hash": version.content_hash, "rows": version.rows,
            "recipe": dict(version.recipe), "held_out": list(version.summary.get("held_out", ())), "files": files,
        }  # fmt: skip
        text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        (partial / MANIFEST).write_text(text, encoding="utf-8")
        _put_in_place(partial, place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return tuple(folder / name for name in (*names, MANIFEST))


def _is_ours(folder: Path) -> bool:
    """Whether a folder is empty, or holds an earlier export and nothing besides."""
    held = {path.name for path in folder.iterdir()}
    if not held:
        return True
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict) or "content_hash" not in manifest:
        return False
    return held <= {MANIFEST, *manifest["files"]}


def _put_in_place(partial: Path, folder: Path) -> None:
    before = folder.with_name(f".{folder.name}.{new_id()}.before")
    if folder.exists():
        folder.rename(before)
    try:
        partial.rename(folder)
    except OSError:
        if before.exists():
            before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _written(path: Path, blocks: Iterator[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with path.open("wb") as handle:
        for block in blocks:
            handle.write(block)
            digest.update(block)
            size += len(block)
    return {"sha256": digest.hexdigest(), "bytes": size}


def in_blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines, some at a time."""
    waiting, size = [], 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


class Sink(io.RawIOBase):
    """A file that is only written to; what came is handed on and forgotten."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Keep a block until it is taken."""
        block = bytes(data)
        self._waiting.append(block)
        self._written += len(block)
        return len(block)

    def tell(self) -> int:
        """Bytes written in all."""
        return self._written

    def taken(self) -> bytes:
        """What came since it was last asked."""
        found = b"".join(self._waiting)
        self._waiting = []
        return found


def _parquet(database: Database, version: Version, split: str) -> Iterator[bytes]:
    """One split as Parquet, a row group at a time: the columns that TRL's trainers read, then all that is known."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(version.kind)
    sink = Sink()
    # Dictionaries and statistics would be decided by what comes first; the bytes have to follow from the rows alone.
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []
        facts = facts_of_version(database, version.id, split=split)
        for (_, row), each in zip(bodies(database, version.id, split=split), facts, strict=True):
            waiting.append(_record(row, each))
            if len(waiting) == GROUP:
                writer.write_table(pa.Table.from_pylist(waiting, schema))
                waiting = []
                yield sink.taken()
        if waiting:
            writer.write_table(pa.Table.from_pylist(waiting, schema))
    yield sink.taken()


def _schema(kind: str) -> Any:
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    messages = pa.list_(pa.struct([("role", text), ("content", text)]))
    answers = ("completion",) if kind == "chat" else ("chosen", "rejected")
    told = {float: number, int: whole}
    facts = [
        (name, told.get(_FACT_TYPES[name], text)) for name in Facts.__dataclass_fields__ if name not in ("search",)
    ]
    more = [(name, text) for name in ("request", "shown", "rights", "why")]
    return pa.schema([("prompt", messages), *((name, messages) for name in answers), *facts, *more])


_FACT_TYPES = {
    name: {"float": float, "int": int}.get(str(field.type), str) for name, field in Facts.__dataclass_fields__.items()
}


def _record(row: Row, facts: Facts) -> dict[str, Any]:
    answers = {"completion": row.answer} if row.kind == "chat" else {"chosen": row.answer, "rejected": row.rejected}
    return {
        "prompt": plain_messages(row.prompt),
        **{name: [{"role": "assistant", "content": text}] for name, text in answers.items()},
        **{name: value for name, value in facts.to_dict().items() if name != "search"},
        "request": json.dumps(dict(row.request), ensure_ascii=False, sort_keys=True),
        "shown": json.dumps(list(row.shown)),
        "rights": json.dumps(dict(row.rights), ensure_ascii=False, sort_keys=True),
        "why": str(row.source.get("why", "")),
    }
