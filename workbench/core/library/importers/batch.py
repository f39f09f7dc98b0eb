"""Importing many files: nothing twice, on after failures, stopped when asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.library.importers.registry import ImportedPiece, read_any
from workbench.core.library.importers.texts import file_name, stem_of

MAX_WAITING = 64_000_000
"""Bytes of harmony tables that may wait for their notes tables at one time."""
_HARMONIES, _NOTES = ".harmonies.tsv", ".notes.tsv"


class Arrived(NamedTuple):
    """A file that was read, by its content's digest; of JSON Lines the pieces of some lines may be missing."""

    name: str
    digest: str
    pieces: tuple[ImportedPiece, ...]


class Skipped(NamedTuple):
    """A file whose content has been imported before."""

    name: str
    digest: str
    why: str


class Failure(NamedTuple):
    """A file, or a line of one, that cannot be imported."""

    name: str
    digest: str
    error: WorkbenchError


Outcome = Arrived | Skipped | Failure


def digest_of(data: bytes, companion: bytes = b"") -> str:
    """The identity of a file's content, and of the notes table that it is read with: 64 hexadecimal digits."""
    content = hashlib.sha256(data)
    if companion:
        content = hashlib.sha256(content.digest() + hashlib.sha256(companion).digest())
    return content.hexdigest()


def import_many(
    files: Iterable[tuple[str, bytes]],
    *,
    known: Callable[[str], bool] = lambda _: False,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, str], None] = lambda _done, _name: None,
) -> Iterator[Outcome]:
    """Import files one after the other.

    A DCML harmony table waits for the notes table of its name, which may come before or after it.

    Args:
        files: names and contents, taken one at a time.
        known: whether a digest has been imported before.
        stop: asked before each file; what has been given so far stays.
        progress: told how many files are done and which one was the last.

    Yields:
        For each file whether it has arrived, was skipped or failed; for each line of JSON that failed, a failure too.
    """
    seen: set[str] = set()
    for done, (name, data, companions) in enumerate(_with_notes(files), 1):
        if stop():
            return
        digest = digest_of(data, next(iter(companions.values()), b""))
        if digest in seen or known(digest):
            why = "The same content came before." if digest in seen else "It has been imported before."
            yield Skipped(name, digest, why)
        else:
            seen.add(digest)
            yield from _imported(name, data, companions, digest)
        progress(done, name)


def _imported(name: str, data: bytes, companions: Mapping[str, bytes], digest: str) -> Iterator[Outcome]:
    try:
        pieces = read_any(name, data, companions=companions)
    except WorkbenchError as error:
        yield Failure(name, digest, error)
        return
    except Exception as error:  # a fault of ours must not end the batch
        told = InvalidInputError(
            f"{file_name(name)} cannot be read ({type(error).__name__}).", hint="Leave it out, and report it."
        )
        yield Failure(name, digest, told)
        return
    yield Arrived(name, digest, tuple(piece for piece in pieces if piece.problem is None))
    for piece in pieces:
        if piece.problem is not None:
            yield Failure(piece.name, digest, piece.problem)


def _with_notes(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes, dict[str, bytes]]]:
    """Files with the notes tables that belong to them; a table that finds no partner comes by itself at the end."""
    harmonies: dict[str, tuple[str, bytes]] = {}
    notes: dict[str, tuple[str, bytes]] = {}
    for name, data in files:
        stem, low = stem_of(name), file_name(name).lower()
        if not low.endswith((_HARMONIES, _NOTES)):
            yield name, data, {}
            continue
        own, others = (harmonies, notes) if low.endswith(_HARMONIES) else (notes, harmonies)
        if stem in own:
            yield (*own.pop(stem), {})
        own[stem] = (name, data)
        if stem in others:
            table, tune = harmonies.pop(stem), notes.pop(stem)
            yield (*table, {tune[0]: tune[1]})
        while sum(len(waiting) for _, waiting in (*harmonies.values(), *notes.values())) > MAX_WAITING:
            waiting = harmonies if harmonies else notes
            yield (*waiting.pop(next(iter(waiting))), {})
    for name, data in (*harmonies.values(), *notes.values()):
        yield name, data, {}
