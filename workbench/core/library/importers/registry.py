"""The registry of importers: a new format is a file with a decorated function, and no list elsewhere changes.

An importer says by which endings its files go, how long they may be, and how to tell them by a look at their first
bytes. ``read_any`` believes the content rather than the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.library.importers.analysis import Fact, Source
from workbench.core.library.importers.texts import file_name, stem_of
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

HEAD = 16_384
"""Bytes from the beginning that a look at a file may need."""


@dataclass(frozen=True)
class File:
    """What is imported: a name, which says nothing for sure, the content, and files that belong to it by name."""

    name: str
    data: bytes
    companions: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name without path and ending."""
        return stem_of(self.name)

    @property
    def text_head(self) -> str:
        """The beginning as text, for a look at it."""
        head = self.data[:HEAD]
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return head.decode("utf-16", "ignore")
        return head.decode("utf-8", "ignore").lstrip("\ufeff")


@dataclass(frozen=True)
class ImportedPiece:
    """A piece out of a file, what was ``read`` there and what was ``guessed``, and what was dropped or changed.

    Of JSON that is no valid structure ``structure`` is None and ``raw`` is the object, for the sanitizer to mend; so
    with ``request`` and ``raw_request``. Of a line that holds no piece at all only ``problem`` is there. ``name`` is
    the file's, with the line where it holds many.
    """

    format: str
    name: str
    structure: MusicStructure | None = None
    raw: Mapping[str, Any] | None = None
    request: Request | None = None
    raw_request: Mapping[str, Any] | None = None
    source: Source = field(default_factory=Source)
    read: tuple[Fact, ...] = ()
    guessed: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    problem: InvalidInputError | None = None

    def fact(self, what: str) -> Fact | None:
        """What is known about something (``key``, ``meter``, ``cadences`` …), read or guessed."""
        return next((fact for fact in (*self.read, *self.guessed) if fact.what == what), None)


Read = Callable[[File], Iterable[ImportedPiece]]
Looks = Callable[[File], bool]


@dataclass(frozen=True)
class Format:
    """A registered format: its id, its name for people, its endings, the most bytes, and how it is told and read."""

    id: str
    title: str
    endings: tuple[str, ...]
    most: int
    looks: Looks
    read: Read


_formats: dict[str, Format] = {}


def importer(id: str, *, endings: tuple[str, ...], title: str, most: int, looks: Looks) -> Callable[[Read], Read]:
    """Register the decorated function as the importer of a format.

    Args:
        id: a short word.
        endings: what its files' names end in, with the dot and in lower case; the longest that fits decides.
        title: what people call it.
        most: bytes; a longer file is refused before it is read.
        looks: whether a file looks like it; quick, sure of nothing, and without errors.
    """

    def keep(read: Read) -> Read:
        _formats[id] = Format(id, title, endings, most, looks, read)
        return read

    return keep


@lru_cache(maxsize=1)
def all_formats() -> tuple[Format, ...]:
    """Every format, by id."""
    package = import_module("workbench.core.library.importers")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return tuple(sorted(_formats.values(), key=lambda each: each.id))


def format_of(file: File) -> tuple[Format, str]:
    """The format that a file is in, and a note where its name says another.

    Raises:
        InputTooLargeError: longer than any file of its format may be.
        InvalidInputError: it looks like none.
    """
    formats = all_formats()
    named = _named(file.name, formats)
    _refuse_long(file, max(each.most for each in formats))
    if not file.data:
        raise InvalidInputError(f"{file_name(file.name)} is empty.", hint="Give the file again.")
    looking = [each for each in formats if each.looks(file)]
    chosen = next((each for each in named if each in looking), None)
    note = ""
    if chosen is None:
        if not looking:
            raise _unknown(file, named)
        chosen = looking[0]
        if named:
            note = f"By its name it would be {named[0].title}, but it holds {chosen.title}."
    _refuse_long(file, chosen.most)
    return chosen, note


def read_any(name: str, data: bytes, *, companions: Mapping[str, bytes] | None = None) -> tuple[ImportedPiece, ...]:
    """Read a file in whichever format it is: one piece, or several.

    ``companions`` are files that lie beside it, by name: a DCML harmony table takes its tune from its notes table.

    Raises:
        InputTooLargeError: refused for its size, most of it unread.
        InvalidInputError: in no format that is known here, or broken, or beyond what a structure can hold.
    """
    file = File(name, bytes(data), companions or {})
    chosen, note = format_of(file)
    try:
        pieces = tuple(chosen.read(file))
    except RecursionError:
        raise InputTooLargeError("The file is nested too deeply.", hint="Export it again, one piece a file.") from None
    broken = [piece.problem for piece in pieces if piece.problem is not None]
    if not pieces or (len(broken) == len(pieces)):
        raise broken[0] if broken else InvalidInputError("There is no piece in it.", hint="Give a file that holds one.")
    if note:
        pieces = tuple(replace(piece, notes=(note, *piece.notes)) for piece in pieces)
    return pieces


def _named(name: str, formats: Iterable[Format]) -> list[Format]:
    """The formats whose endings a name has, the longest ending first."""
    low = file_name(name).lower()
    fitting = [(len(ending), each) for each in formats for ending in each.endings if low.endswith(ending)]
    return [each for _, each in sorted(fitting, key=lambda pair: (-pair[0], pair[1].id))]


def _refuse_long(file: File, most: int) -> None:
    if len(file.data) > most:
        raise InputTooLargeError(
            f"{file_name(file.name)} is {len(file.data) / 1e6:.1f} MB long; at most {most / 1e6:g} MB are read.",
            hint="Import one piece or movement at a time.",
        )


def _unknown(file: File, named: list[Format]) -> InvalidInputError:
    name = file_name(file.name)
    if named:
        return InvalidInputError(
            f"{name} does not hold {named[0].title}.",
            hint="It may be cut off or saved in another format: export it again.",
        )
    titles = sorted({each.title for each in all_formats()})
    return InvalidInputError(f"{name} is in no format that can be imported.", hint=f"Give {', '.join(titles)}.")
