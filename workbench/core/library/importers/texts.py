"""Text that comes in files: bytes made into text, and text made fit to be shown as text."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from workbench.core.errors import InvalidInputError

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\uffff]+", re.UNICODE
)
MAX_TITLE = 120
MAX_LICENCE = 2000


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 where its first bytes say so.

    Raises:
        InvalidInputError: another encoding, or no text at all.
    """
    try:
        text = data.decode("utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InvalidInputError(
            f"The file is not UTF-8 text: byte {problem.start + 1:,} cannot be read.",
            hint="Save it as UTF-8 and try again.",
        ) from problem
    if "\x00" in text:
        raise InvalidInputError("The file holds NUL characters, so it is no text.", hint="Give the text file itself.")
    return text


def shown(text: str, most: int = MAX_TITLE) -> str:
    """Text from a file in one line, without characters that cannot be seen, at most so long."""
    plain = " ".join(_UNSEEN.sub(" ", text[: 8 * most + 64]).split())
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"


def file_name(name: str) -> str:
    """The last part of a file's name, whatever path stands before it; ``file`` where there is none."""
    last = PurePosixPath(name[-1000:].replace("\\", "/")).name
    return shown(last, 1000)[-MAX_TITLE:] or "file"


def stem_of(name: str) -> str:
    """A file's name up to its first ending: ``K331-1`` of ``notes/K331-1.notes.tsv``."""
    last = file_name(name)
    for ending in (".harmonies.tsv", ".notes.tsv", ".measures.tsv"):
        if last.lower().endswith(ending):
            return last[: -len(ending)] or last
    return PurePosixPath(last).stem or last
