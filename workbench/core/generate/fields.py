"""Putting an object's members under the names that the format gives them, and reading plain texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from workbench.core.generate.figures import FigureReader
from workbench.core.generate.repairs import RepairLog, clean_text
from workbench.core.generate.spellings import plain
from workbench.core.generate.values import read_number
from workbench.core.music.keys import Key
from workbench.core.music.meters import Meter
from workbench.core.music.request import Request

MAX_MEMBERS = 200
"""Members of one object that are looked at."""


class Work:
    """What all repairs of one answer share: the log, the request, the home key and the meter once they are known."""

    def __init__(self, log: RepairLog, request: Request | None, home: Key, meter: Meter) -> None:
        self.log = log
        self.request = request
        self.home = home
        self.meter = meter
        self.figures = FigureReader()


@lru_cache(maxsize=64)
def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


@lru_cache(maxsize=16)
def _own_names(fields: tuple[str, ...]) -> dict[str, str]:
    return {spelling: name for name in fields for spelling in (name, _snake(name))}


def sort_fields(
    value: Mapping[str, Any], spellings: Mapping[str, str], fields: tuple[str, ...], path: str, log: RepairLog
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members under their own names, and those whose names mean nothing here (nothing is logged for these)."""
    own = _own_names(fields)
    if own.keys() >= value.keys():
        plainly = {own[name]: item for name, item in value.items()}
        if len(plainly) == len(value):
            return plainly, {}
    known: dict[str, Any] = {}
    others: list[tuple[str, str, Any]] = []
    unknown: dict[str, Any] = {}
    for count, (name, item) in enumerate(value.items()):
        if count >= MAX_MEMBERS:
            log.add(path, "field.too-many", len(value), MAX_MEMBERS, "Only the first members are read.")
            break
        text = str(name)
        field = own.get(text)
        if field is not None and (field not in known or known[field] is None):
            known[field] = item
        elif field is not None:
            log.add(f"{path}/{field}", "field.twice", item, known[field], f"{text} stands twice; the first is kept.")
        else:
            field = spellings.get(plain(text))
            if field is None:
                unknown[text] = item
            else:
                others.append((text, field, item))
    for text, field, item in others:
        if item is None:
            unknown[text] = None
        elif known.get(field) is None:
            known[field] = item
            log.add(f"{path}/{field}", "field.spelling", text, field, f"The field is called {field}.")
        else:
            unknown[text] = item
    return known, unknown


def drop_unknown(unknown: Mapping[str, Any], path: str, log: RepairLog) -> None:
    """Say once for each that a member is not part of the format."""
    for name, item in unknown.items():
        log.add(
            f"{path}/{pointer(name)}",
            "field.unknown",
            item,
            None,
            f"The format has no field {clean_text(name[:40])!r} here.",
        )


def pointer(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name[:60].replace("~", "~0").replace("/", "~1")


def read_text(value: Any, limit: int, path: str, log: RepairLog, *, joiner: str = ", ") -> str | None:
    """A text of at most ``limit`` characters; lists are joined, objects give their name; None for nothing."""
    if isinstance(value, str):
        if len(value) <= limit and value.isascii():
            return value
        text = clean_text(value[:limit])
        if text != value:
            log.add(path, "text.shortened", value, text, f"At most {limit:,} whole characters are kept.")
        return text
    text = _joined(value, joiner, 0)
    if not text:
        log.add(path, "text.unreadable", value, None, "A text belongs here.")
        return None
    text = clean_text(text[:limit])
    log.add(path, "text.joined", value, text, "A text belongs here.")
    return text


def _joined(value: Any, joiner: str, level: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, int | float):
        number = read_number(value)
        return "" if number is None else f"{number:g}"
    if level > 2:
        return ""
    if isinstance(value, Mapping):
        known = {plain(str(name)): item for name, item in list(value.items())[:16]}
        for name in ("name", "type", "value", "label", "text", "description", "instrument"):
            if isinstance(known.get(name), str):
                return str(known[name])
        return joiner.join(filter(None, (_joined(item, joiner, level + 1) for item in list(value.values())[:16])))
    if isinstance(value, list | tuple):
        return joiner.join(filter(None, (_joined(item, joiner, level + 1) for item in value[:32])))
    return ""
