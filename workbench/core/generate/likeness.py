"""Which of many objects is meant: the one that looks most like a MusicStructure, however deep it lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from workbench.core.generate.spellings import SECTION, STRUCTURE, WRAPPERS, plain

_MAX_NODES = 2000
_MAX_LEVELS = 8
_HEAD = frozenset({"key", "tempo", "timeSignature", "form"})
_MUSIC = frozenset({"chordProgression", "phrases", "melody"})


class Chosen(NamedTuple):
    """What was chosen: a ``piece``, one ``section``, sections by name (``named``) or in a list (``list``).

    ``around`` holds the objects that it lay in, nearest first, each with its pointer.
    """

    value: Any
    kind: str
    score: float
    path: tuple[str | int, ...]
    around: tuple[tuple[str, Mapping[str, Any]], ...]


def looks_like_section(value: Any) -> bool:
    """Whether an object has at least two of a section's fields, one of them music, and no sections of its own."""
    if not isinstance(value, Mapping) or not 1 < len(value) <= 64 or "sections" in value:
        return False
    fields = {SECTION.get(plain(str(name))) for name, item in value.items() if item}
    fields.discard(None)
    return len(fields) > 1 and bool(fields & _MUSIC)


def choose(value: Any) -> Chosen | None:
    """The best object in a value; None where nothing in it looks like music."""
    best: Chosen | None = None
    waiting: list[tuple[Any, tuple[str | int, ...], tuple[tuple[str, Mapping[str, Any]], ...]]] = [(value, (), ())]
    for count, (node, path, around) in enumerate(waiting):
        if count >= _MAX_NODES:
            break
        kind, score = _rate(node)
        if score and (best is None or score > best.score):
            best = Chosen(node, kind, score, path, around)
        if kind == "piece" or len(path) >= _MAX_LEVELS or len(waiting) > _MAX_NODES:
            continue
        if isinstance(node, Mapping):
            outer = ((_pointer(path), node), *around)
            for name, item in list(node.items())[:200]:
                own = kind == "section" and plain(str(name)) in SECTION  # its phrases are no sections
                if isinstance(item, Mapping | list) and item and not own and plain(str(name)) != "request":
                    waiting.append((item, (*path, name), outer))
        elif isinstance(node, list):
            waiting += [
                (item, (*path, n), around) for n, item in enumerate(node[:100]) if isinstance(item, Mapping | list)
            ]
    return best


def _pointer(path: tuple[str | int, ...]) -> str:
    return "".join(f"/{str(step)[:40]}" for step in path)


def _rate(node: Any) -> tuple[str, float]:
    if isinstance(node, list):
        count = sum(looks_like_section(item) for item in node[:64])
        return ("list", 50.0 + count) if count else ("", 0.0)
    if not isinstance(node, Mapping):
        return "", 0.0
    names = {STRUCTURE.get(plain(str(name))): item for name, item in list(node.items())[:200] if item}
    names.pop(None, None)
    sections = names.get("sections")
    if isinstance(sections, Mapping | list) and _holds_music(sections):
        return "piece", 100.0 + 2 * len(_HEAD & set(names)) + 10 * ("sections" in node)
    named = sum(looks_like_section(item) for name, item in list(node.items())[:64] if plain(str(name)) not in WRAPPERS)
    if looks_like_section(node):
        return "section", 40.0 + len(names) + named
    return ("named", 60.0 + named + len(names)) if named else ("", 0.0)


def _holds_music(sections: Any) -> bool:
    items = list(sections.values())[:64] if isinstance(sections, Mapping) else sections[:64]
    if isinstance(sections, Mapping) and looks_like_section(sections):
        return True
    for item in items:
        if isinstance(item, Mapping):
            fields = {SECTION.get(plain(str(name))) for name, inner in list(item.items())[:64] if inner}
            if fields & _MUSIC:
                return True
        elif isinstance(item, list | str) and item:
            return True
    return False
