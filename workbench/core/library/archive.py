"""The whole library as one archive, with rights: a ZIP of JSON files, one an example, and a manifest.

Reading one is reading from outside: sizes and counts are bounded before anything is unpacked, names in the archive are
never used as paths, and each broken example is told while the others go on.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from workbench.core.errors import InputTooLargeError, InvalidInputError, WorkbenchError
from workbench.core.library.curation import Filters, Item, Status, queue, submit
from workbench.core.library.database import Database
from workbench.core.library.rights import read_rights
from workbench.core.music.reading import MAX_BYTES, parse_json, read_request, read_structure

FORMAT = 1
MAX_ENTRIES = 200_000
MAX_TOTAL = 2_000_000_000
MAX_ARCHIVE = 400_000_000
_NAME = re.compile(r"examples/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.json")


class Outcome(NamedTuple):
    """What became of one file of an archive: ``id`` where it is in the library now, ``problem`` where it is not."""

    name: str
    id: str = ""
    new: bool = False
    problem: str = ""


def write_archive(items: Iterable[Item], *, at: datetime) -> bytes:
    """The items as an archive."""
    buffer = io.BytesIO()
    count = 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in items:
            archive.writestr(f"examples/{item.id}.json", json.dumps(item_to_dict(item), ensure_ascii=False, indent=1))
            count += 1
        manifest = {"format": FORMAT, "examples": count, "written": at.isoformat()}
        archive.writestr("manifest.json", json.dumps(manifest))
    return buffer.getvalue()


def item_to_dict(item: Item) -> dict[str, Any]:
    """An item as JSON: the example with its rights, its status and where it came from."""
    return item.example.to_dict() | {"status": item.status, "origin": dict(item.origin), "note": item.note}


def all_items(database: Database, filters: Filters | None = None, *, page: int = 500) -> Iterator[Item]:
    """Every item that the filters let through, oldest first."""
    wanted, offset = filters or Filters(status=""), 0
    while True:
        items, _ = queue(database, wanted, offset=offset, most=page)
        yield from items
        if len(items) < page:
            return
        offset += page


def read_archive(database: Database, data: bytes, *, curator: str, keep_status: bool = False) -> Iterator[Outcome]:
    """Take an archive into the library, one outcome a file.

    What comes in waits for the curators, unless ``keep_status`` says that the archive is one's own; even then nothing
    with errors or incomplete rights is approved.

    Raises:
        InputTooLargeError: the archive is larger than any library.
        InvalidInputError: it is not an archive of a library.
    """
    if len(data) > MAX_ARCHIVE:
        raise InputTooLargeError("The archive is too large.", hint="Export the library in parts.")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError):
        raise InvalidInputError("This is not an archive.", hint="Give a ZIP from examples export.") from None
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_TOTAL:
            raise InputTooLargeError("The archive unpacks to more than any library.", hint="Export it in parts.")
        for entry in entries:
            if entry.filename != "manifest.json":
                yield _taken(database, archive, entry, curator, keep_status)


def _taken(
    database: Database, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, curator: str, keep_status: bool
) -> Outcome:
    name = entry.filename[:120]
    if not _NAME.fullmatch(entry.filename):
        return Outcome(name, problem="This is no file of a library.")
    if entry.file_size > MAX_BYTES:
        return Outcome(name, problem=f"It is longer than {MAX_BYTES:,} bytes.")
    try:
        with archive.open(entry) as handle:
            data = handle.read(MAX_BYTES + 1)
        return _submitted(database, name, parse_json(data), curator, keep_status)
    except WorkbenchError as problem:
        return Outcome(name, problem=str(problem))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        return Outcome(name, problem="It is damaged.")


def _submitted(database: Database, name: str, value: Any, curator: str, keep_status: bool) -> Outcome:
    if not isinstance(value, dict):
        raise InvalidInputError("An example is a JSON object.", hint="Export it again.")
    status: Status = "waiting"
    if keep_status and value.get("status") in {"approved", "rejected", "changes"}:
        status = value["status"]
    tags = value.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise InvalidInputError("tags is not a list of words.", hint="Export it again.")
    texts = {field: value.get(field, "") for field in ("teaches", "note")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise InvalidInputError("teaches and note are texts.", hint="Export it again.")
    rights = read_rights(value.get("rights", {}))
    arguments: dict[str, Any] = {
        "curator": curator, "origin": {"kind": "import", "file": name}, "rights": rights, "tags": tags, **texts,
    }  # fmt: skip
    request, structure = read_request(value.get("request") or {}), read_structure(value.get("structure") or {})
    try:
        item, new = submit(database, request, structure, status=status, **arguments)
    except InvalidInputError:
        item, new = submit(database, request, structure, **arguments)  # not to be approved as it is: it waits
    return Outcome(name, item.id, new)
