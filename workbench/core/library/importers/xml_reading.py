"""XML from outside: decoded, looked over and only then parsed. No entity is expanded, nothing else is fetched."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from workbench.core.errors import InputTooLargeError, InvalidInputError

MAX_XML = 16_000_000
"""Bytes; a symphony movement in full score has ten million."""
MAX_TAGS = 1_000_000
MAX_DEPTH = 40
_CHUNK = 1 << 16
_HINT = "Export the score again, as uncompressed MusicXML without a document type of its own."
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = {
    "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "iso-8859-2", "iso-8859-15",
    "windows-1250", "windows-1251", "windows-1252", "macintosh", "x-mac-roman", "shift_jis", "euc-jp", "gb2312",
}  # fmt: skip
_SPELLED = {"macintosh": "mac_roman", "x-mac-roman": "mac_roman"}


def parsed(data: bytes) -> Element:
    """The root of an XML document.

    Raises:
        InputTooLargeError: over 16 MB, a million tags or 40 levels.
        InvalidInputError: no XML, cut off, in a strange encoding, or with entities of its own.
    """
    if len(data) > MAX_XML:
        raise InputTooLargeError(
            f"The score is {len(data) / 1e6:.0f} MB of XML; at most {MAX_XML / 1e6:.0f} MB are read.",
            hint="Import one movement at a time.",
        )
    text = _decoded(data)
    if "<!ENTITY" in text or "<!ATTLIST" in text or "<!ELEMENT" in text:
        raise InvalidInputError("The file declares entities of its own, which no score needs.", hint=_HINT)
    if text.count("<") > MAX_TAGS:
        raise InputTooLargeError(
            f"The score has over {MAX_TAGS // 2:,} elements.", hint="Import one movement at a time."
        )
    return _built(text)


def _decoded(data: bytes) -> str:
    declared = _ENCODING.match(data[:400].removeprefix(b"\xef\xbb\xbf"))
    name = "utf-8-sig"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        name = "utf-16"
    elif declared:
        given = declared[1].decode("ascii").lower()
        if given not in _ENCODINGS:
            raise InvalidInputError(f"The encoding {given!r} is not read.", hint="Save the score as UTF-8.")
        name = _SPELLED.get(given, given) if given not in {"utf-8", "utf8"} else name
    try:
        text = data.decode(name)
    except UnicodeDecodeError as problem:
        raise InvalidInputError(
            f"The score is not text in {name.removesuffix('-sig')}: byte {problem.start + 1:,} cannot be read.",
            hint="Save it as UTF-8.",
        ) from problem
    return re.sub(r"^\s*<\?xml[^>]{0,300}\?>", "", text, count=1)


def _built(text: str) -> Element:
    parser: Any = XMLPullParser(("start", "end"))
    root: Element | None = None
    depth = 0
    try:
        for at in range(0, len(text), _CHUNK):
            parser.feed(text[at : at + _CHUNK])
            for event, element in parser.read_events():
                root = element if root is None else root
                depth += 1 if event == "start" else -1
                if depth > MAX_DEPTH:
                    raise InputTooLargeError("The score's elements are nested too deeply.", hint=_HINT)
        parser.close()
    except ParseError as problem:
        line, column = problem.position
        raise InvalidInputError(
            f"The score is not well-formed XML: line {line}, column {column + 1}.",
            hint="It may be cut off: export it again.",
        ) from problem
    if root is None:
        raise InvalidInputError("The score is empty.", hint=_HINT)
    return root
