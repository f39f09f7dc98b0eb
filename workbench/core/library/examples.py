"""Few-shot examples: finished pieces that a model learns the language from.

An example is one JSON file: ``id``, ``request``, ``structure``, ``tags``, ``teaches`` and ``rights``. Rights name the
holder, basis, licence and source of each layer (work, encoding, annotation) and say what the piece may be used for;
what does not say ``"prompt": true`` is never offered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard, TypeVar

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.music.reading import MAX_BYTES, parse_json, read_request, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

FOLDER = Path(__file__).parents[3] / "assets" / "examples"
"""The examples that the workbench ships."""
MAX_PICKED = 3
LAYERS = ("work", "encoding", "annotation")
"""The layers of a score, each with its own holder and licence."""

_LAYER_FIELDS = ("holder", "basis", "licence", "source")
_LAYER_MORE: dict[str, type] = {"evidence": str, "author": str, "died": int, "published": int}
"""What a layer may say besides: how it is known, who wrote it, and the years that the public domain is counted from."""
_FIELDS = {"id", "request", "structure", "tags", "teaches", "rights"}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MAX_TAGS, _MAX_TEXT = 32, 1000

Inner = TypeVar("Inner", Request, MusicStructure)


@dataclass(frozen=True)
class Example:
    """One example. ``teaches`` says in a sentence what it is for; ``rights`` is as the file has it."""

    id: str
    request: Request
    structure: MusicStructure
    tags: tuple[str, ...]
    teaches: str
    rights: Mapping[str, Any]

    def __hash__(self) -> int:
        return hash(self.id)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, as its file holds it."""
        return {
            "id": self.id,
            "request": self.request.to_dict(),
            "structure": self.structure.to_dict(),
            "tags": list(self.tags),
            "teaches": self.teaches,
            "rights": dict(self.rights),
        }


class Picked(NamedTuple):
    """An example that was chosen, how near it is (0 to 1, the nearer the higher), and why, for people."""

    example: Example
    score: float
    why: str


def load_examples(folder: Path | None = None) -> tuple[Example, ...]:
    """The examples in a folder that may stand in a prompt, by file name; without a folder those that ship, read once.

    Every file is read and has to be sound, also those that are then not offered.

    Raises:
        InvalidInputError: there is no such folder, or a file in it is broken, too large or unlike an example; the
            message names the file.
    """
    return _built_in() if folder is None else _read_folder(folder)


@lru_cache(maxsize=1)
def _built_in() -> tuple[Example, ...]:
    return _read_folder(FOLDER)


def _read_folder(folder: Path) -> tuple[Example, ...]:
    if not folder.is_dir():
        raise InvalidInputError(f"There is no folder {folder}.", hint="Name a folder that holds examples as JSON.")
    seen: dict[str, str] = {}
    offered: list[Example] = []
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith("."):
            continue
        try:
            example = _example(_bytes_of(path))
            if example.id in seen:
                raise InvalidInputError(
                    f"{seen[example.id]} has the id {example.id!r} too.", hint="Give it another id.", field="/id"
                )
        except InvalidInputError as problem:
            problem.message = f"{path.name}: {problem.message}"
            raise
        seen[example.id] = path.name
        if example.rights["prompt"]:
            offered.append(example)
    return tuple(offered)


def _bytes_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise InvalidInputError("This is no file.", hint="Remove it from the folder of examples.")
        if path.stat().st_size > MAX_BYTES:
            raise InputTooLargeError(
                f"The file is over {MAX_BYTES:,} bytes long.", hint="An example is one short piece: shorten it."
            )
        return path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise InvalidInputError(f"The file cannot be read: {reason}.", hint="Check its permissions.") from None


def _example(data: bytes) -> Example:
    value = parse_json(data)
    if not isinstance(value, dict):
        raise InvalidInputError("An example is a JSON object.", hint='Begin with "{" and name the fields inside.')
    for name in sorted(_FIELDS - set(value)):
        raise InvalidInputError(f"{name} is missing.", hint="Add it.", field=f"/{name}")
    for name in sorted(set(value) - _FIELDS):
        shown = name[:60]
        raise InvalidInputError(
            f"{shown!r} is not a field an example has.", hint="Remove it or check its spelling.", field=f"/{shown}"
        )
    if not isinstance(value["id"], str) or not _ID.fullmatch(value["id"]):
        raise InvalidInputError(
            "The id is not a plain name.", hint="Use letters, digits, dots, dashes and underscores.", field="/id"
        )
    tags = value["tags"]
    if not isinstance(tags, list) or len(tags) > _MAX_TAGS or not all(_is_text(tag) for tag in tags):
        raise InvalidInputError("tags is not a list of words.", hint="Write words in square brackets.", field="/tags")
    if not _is_text(value["teaches"]):
        raise InvalidInputError("teaches is not a sentence.", hint="Say what the piece teaches.", field="/teaches")
    _demand_rights(value["rights"])
    return Example(
        id=value["id"],
        request=_inner(value, "request", read_request),
        structure=_inner(value, "structure", read_structure),
        tags=tuple(tags),
        teaches=value["teaches"],
        rights=value["rights"],
    )


def _inner(value: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], Inner]) -> Inner:
    if not isinstance(value[name], dict):
        raise InvalidInputError(f"{name} is no object.", hint="Write it in curly brackets.", field=f"/{name}")
    try:
        return read(value[name])
    except InvalidInputError as problem:
        problem.message, problem.field = f"In the {name}, {problem.message}", f"/{name}{problem.field}"
        raise


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= _MAX_TEXT


def _demand_rights(rights: object) -> None:
    """Refuse rights that leave something open: a doubt is a no.

    Raises:
        InvalidInputError: a layer or one of its fields is missing, or a use is neither allowed nor forbidden.
    """
    if not isinstance(rights, dict) or set(rights) != {"layers", "prompt", "training"}:
        raise InvalidInputError(
            "rights is not an object of layers, prompt and training.", hint="Write all three.", field="/rights"
        )
    for use in ("prompt", "training"):
        if not isinstance(rights[use], bool):
            raise InvalidInputError(
                f"rights.{use} is neither true nor false.",
                hint="Say whether the piece may be used so.",
                field=f"/rights/{use}",
            )
    layers = rights["layers"]
    named = [layer.get("layer") for layer in layers if isinstance(layer, dict)] if isinstance(layers, list) else []
    for name in LAYERS:
        if named.count(name) != 1:
            raise InvalidInputError(
                f"rights does not name the layer {name!r} once.",
                hint=f"Say who holds each of {', '.join(LAYERS)}, and under which licence.",
                field="/rights/layers",
            )
    for number, layer in enumerate(layers):
        told = set(layer) if isinstance(layer, dict) else set()
        needed = {"layer", *_LAYER_FIELDS}
        wrong = not needed <= told <= needed | _LAYER_MORE.keys() or layer["layer"] not in LAYERS
        wrong = wrong or not all(type(layer[name]) is _LAYER_MORE[name] for name in told - needed)
        if wrong or not all(_is_text(layer[name]) for name in _LAYER_FIELDS):
            raise InvalidInputError(
                "A layer of rights is incomplete.",
                hint=f"Give it a layer, {', '.join(_LAYER_FIELDS)} as texts.",
                field=f"/rights/layers/{number}",
            )
