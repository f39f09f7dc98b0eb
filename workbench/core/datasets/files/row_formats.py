"""What a format of training files is, and the registry of them; ``core.datasets.files.formats`` is the door to both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from workbench.core.datasets.faults import Fault
from workbench.core.datasets.rows import Kind, Row
from workbench.core.generate.providers.calls import Message


class Spoken(NamedTuple):
    """What a line says: the messages up to where the model answers, the answer, and in a pair the rejected one."""

    prompt: tuple[Message, ...]
    answer: str
    rejected: str = ""


@dataclass(frozen=True)
class FileRules:
    """What a whole file has to be: rows and bytes, and how its name ends (nothing where that is free)."""

    least_rows: int = 1
    most_bytes: int | None = None
    suffix: str = ""


class RowFormat(ABC):
    """A format of one line. The docstring of each is what people read about it, in a sentence.

    ``marks`` are members by which a line of this format is known.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str]
    kind: ClassVar[Kind]
    marks: ClassVar[frozenset[str]]
    rules: ClassVar[FileRules]

    @property
    def explanation(self) -> str:
        """The format in one sentence."""
        return " ".join((type(self).__doc__ or "").split())

    @abstractmethod
    def write(self, row: Row) -> dict[str, Any]:
        """The JSON object of a row of this format's kind."""

    @abstractmethod
    def check(self, value: Mapping[str, Any]) -> list[Fault]:
        """What breaks the rules in the JSON object of a line."""

    @abstractmethod
    def read(self, value: Mapping[str, Any]) -> Spoken:
        """What a line says in which ``check`` found no error."""


FORMATS: dict[str, RowFormat] = {}
"""The registered formats by name."""


def row_format(name: str) -> Callable[[type[RowFormat]], type[RowFormat]]:
    """Register the decorated class as a format."""

    def keep(kind: type[RowFormat]) -> type[RowFormat]:
        if name in FORMATS:
            raise ValueError(f"two formats are called {name!r}")
        kind.name = name
        FORMATS[name] = kind()
        return kind

    return keep
