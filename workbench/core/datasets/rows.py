"""What a dataset is made of: sources, the changes that derive more pieces from them, rows, and facts about rows.

A row is a conversation that ends where the model has to answer, and the answer that it should give; a pair has a
rejected answer besides. Its ``key`` says what it was made from and stays the same from version to version, its
``digest`` says what is in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, NamedTuple

from workbench.core.errors import InvalidInputError
from workbench.core.generate.providers.calls import Message
from workbench.core.library.rights import Rights
from workbench.core.music.reading import parse_json, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

Split = Literal["train", "validation", "test"]
Kind = Literal["chat", "pair"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
KINDS: tuple[Kind, ...] = ("chat", "pair")


class Change(NamedTuple):
    """One step from a source to a piece derived from it.

    ``kind`` is ``key`` (``value`` is the new home key, as ``Eb major``), ``tempo`` (quarters a minute) or ``mood``
    (a mood that ``core.datasets.variants.augment`` knows).
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}={self.value}"


Changes = tuple[Change, ...]


@dataclass(frozen=True)
class Source:
    """A piece that rows are made from. ``id`` is ``examples/ID`` or ``VERSION/KEY``.

    ``revision`` is the example's version; ``rejected`` is what was preferred less for the same request, in a pair.
    """

    id: str
    revision: int
    origin: str
    request: Request
    structure: MusicStructure
    rights: Rights
    tags: tuple[str, ...] = ()
    rejected: MusicStructure | None = None
    why: str = ""


@dataclass(frozen=True)
class Row:
    """One row. ``prompt`` ends where the model has to answer; ``shown`` are the ids of the examples in it."""

    key: str
    kind: Kind
    request: Mapping[str, Any]
    prompt: tuple[Message, ...]
    answer: str
    rejected: str
    shown: tuple[str, ...]
    source: Mapping[str, Any]
    changes: Changes
    rights: Mapping[str, Any]

    @property
    def source_id(self) -> str:
        """The id of the source that the row was made from."""
        return str(self.source["id"])

    @property
    def structure(self) -> MusicStructure:
        """What the answer says.

        Raises:
            InvalidInputError: the answer is no MusicStructure.
        """
        return _structure(self.answer)

    @property
    def rejected_structure(self) -> MusicStructure | None:
        """What the rejected answer of a pair says.

        Raises:
            InvalidInputError: the rejected answer is no MusicStructure.
        """
        return _structure(self.rejected) if self.rejected else None

    @property
    def messages(self) -> list[dict[str, str]]:
        """The whole conversation with its answer, as providers read it."""
        return [*plain_messages(self.prompt), {"role": "assistant", "content": self.answer}]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, in the order of its fields."""
        return {
            "key": self.key,
            "kind": self.kind,
            "request": dict(self.request),
            "prompt": plain_messages(self.prompt),
            "answer": self.answer,
            "rejected": self.rejected,
            "shown": list(self.shown),
            "source": dict(self.source),
            "changes": [list(change) for change in self.changes],
            "rights": dict(self.rights),
        }

    def to_json(self) -> str:
        """Canonical JSON text: the same row is always the same text."""
        return self._json

    @cached_property
    def _json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def digest(self) -> str:
        """The hash of what is in the row: 64 hexadecimal digits."""
        return digest_of(self.to_json())


def row_from(data: Mapping[str, Any]) -> Row:
    """The row of a JSON object that ``to_dict`` made."""
    prompt = tuple(Message(each["role"], each["content"]) for each in data["prompt"])
    return Row(
        data["key"], data["kind"], data["request"], prompt, data["answer"], data["rejected"], tuple(data["shown"]),
        data["source"], tuple(Change(*change) for change in data["changes"]), data["rights"],
    )  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What a row is filtered, sorted and drawn by.

    ``seconds`` is as performed; tokens are those of the prompt and the answer (the longer one of a pair); ``cadence``
    is the last one; ``changes`` are in words as ``Change`` writes them, empty for an original.
    """

    key: str
    digest: str
    split: str
    group: str
    kind: str
    source: str
    origin: str
    changes: str
    title: str
    form: str
    period: str
    mode: str
    tonic: str
    meter: str
    mood: str
    valence: float
    arousal: float
    tempo: float
    seconds: float
    measures: int
    tokens_in: int
    tokens_out: int
    warnings: int
    cadence: str
    search: str

    @property
    def derived(self) -> bool:
        """Whether the piece was derived from its source by changes."""
        return bool(self.changes)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return asdict(self)


FACTS = tuple(field.name for field in fields(Facts))


def key_of(source: str, changes: Sequence[Change]) -> str:
    """A row's key: its source's id and the changes, as ``examples/elise~key=c minor~tempo=84``."""
    return "~".join([source, *map(str, changes)])


def source_of(key: str) -> str:
    """The id of the source in a row's key."""
    return key.partition("~")[0]


def plain_messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Messages as providers read them."""
    return [{"role": message.role, "content": message.content} for message in messages]


def digest_of(text: str) -> str:
    """The hash of a text: 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _structure(answer: str) -> MusicStructure:
    data = parse_json(answer)
    if not isinstance(data, dict):
        raise InvalidInputError("The answer is no JSON object.", hint="It has to be a MusicStructure.")
    return read_structure(data)
