"""Compressed MusicXML (``.mxl``): the score in a ZIP archive, read without trusting it.

Names in the archive are only compared with each other; none is ever used as a path.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from xml.etree.ElementTree import Element

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.xml_reading import MAX_XML, parsed

MAX_ENTRIES = 500
MAX_RATIO = 300
"""How many times larger a large entry may be than it is packed; scores come to 30 or 40 times."""
MAX_CONTAINER = 100_000
_HINT = "Export the score again, or give the uncompressed .musicxml file."
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError, LookupError)


def score_in(data: bytes) -> bytes:
    """The score's XML out of a compressed MusicXML file.

    Raises:
        InputTooLargeError: too many entries, or one that would unpack to more than a score.
        InvalidInputError: no such archive, a broken one, or one without a score.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
            if len(entries) > MAX_ENTRIES:
                raise InputTooLargeError(f"The archive holds {len(entries):,} files.", hint=_HINT)
            return _read(archive, _chosen(archive, entries), MAX_XML)
    except _BROKEN as problem:
        raise InvalidInputError("The archive is broken.", hint=_HINT) from problem


def _chosen(archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """The entry that the container names, or the first one that can be a score."""
    container = entries.get("META-INF/container.xml")
    if container is not None:
        for element in parsed(_read(archive, container, MAX_CONTAINER)).iter():
            named = entries.get(element.get("full-path", "")) if _local(element) == "rootfile" else None
            if named is not None:
                return named
    for name, entry in entries.items():
        if name.lower().endswith((".musicxml", ".xml")) and not name.upper().startswith("META-INF"):
            return entry
    raise InvalidInputError("There is no score in the archive.", hint=_HINT)


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    if entry.flag_bits & 1:
        raise InvalidInputError("The archive is encrypted.", hint="Export the score without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidInputError("The archive is packed in an unusual way.", hint=_HINT)
    ratio = entry.file_size / max(1, entry.compress_size)
    if entry.file_size > most or (entry.file_size > MAX_CONTAINER and ratio > MAX_RATIO):
        raise InputTooLargeError(
            f"The archive would unpack to {entry.file_size / 1e6:.1f} MB, {ratio:.0f} times its size.", hint=_HINT
        )
    with archive.open(entry) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise InputTooLargeError("The archive unpacks to more than it says.", hint=_HINT)
    return content
