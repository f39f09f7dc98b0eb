"""From files of any known format to the curators' queue: read, mended where JSON needs it, with where each came from.

What was read and what was guessed stays with the example. Rights come from whoever brings the files, or from a licence
that the file itself names; nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import select

from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.generate.sanitize import sanitize
from workbench.core.library.curation import submit
from workbench.core.library.database import Database
from workbench.core.library.importers import Arrived, Failure, ImportedPiece, Skipped, import_many
from workbench.core.library.rights import Layer, Rights, licence_in
from workbench.core.library.tables import ExampleRow
from workbench.core.music.meters import meter_of
from workbench.core.music.reading import read_request
from workbench.core.music.request import MAX_DURATION, MIN_DURATION, Request
from workbench.core.music.structure import MusicStructure

MAX_NOTES = 12


class Taken(NamedTuple):
    """What became of a file, or of one piece in it: its id in the library, or why it has none."""

    name: str
    id: str = ""
    new: bool = False
    title: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()


def take_in(
    database: Database, files: Iterable[tuple[str, bytes]], *, curator: str, rights: Rights | None = None,
    stop: Callable[[], bool] = lambda: False, progress: Callable[[int, str], None] = lambda _done, _name: None,
) -> Iterator[Taken]:  # fmt: skip
    """Import files into the queue; a bad one is told and the others go on, and nothing comes in twice."""
    known = _digests(database)
    for outcome in import_many(files, known=known.__contains__, stop=stop, progress=progress):
        match outcome:
            case Failure(name, _, error):
                yield Taken(name, problem=str(error))
            case Skipped(name, _, why):
                yield Taken(name, notes=(why,))
            case Arrived(_, digest, pieces):
                for piece in pieces:
                    yield _submitted(database, piece, digest, curator, rights or Rights(()))


def _digests(database: Database) -> set[str]:
    with database.reading() as session:
        return {str(origin["digest"]) for origin in session.scalars(select(ExampleRow.origin)) if origin.get("digest")}


def _submitted(database: Database, piece: ImportedPiece, digest: str, curator: str, rights: Rights) -> Taken:
    try:
        structure, notes = _structure(piece)
        request = piece.request or _asked(piece) or request_of(structure)
        origin: dict[str, Any] = {
            "kind": "import",
            "file": piece.name,
            "format": piece.format,
            "digest": digest,
            "composer": piece.source.composer,
            "analyst": piece.source.analyst,
            "licence": piece.source.licence,
            "read": [f"{fact.what}: {fact.value}" for fact in piece.read],
            "guessed": [f"{fact.what}: {fact.value} ({fact.confidence:.0%}). {fact.says}" for fact in piece.guessed],
            "notes": list(notes),
        }
        item, new = submit(
            database, request, structure, curator=curator, rights=with_licence(rights, piece),
            origin={name: value for name, value in origin.items() if value}, tags=["imported", piece.format],
        )  # fmt: skip
    except WorkbenchError as problem:
        return Taken(piece.name, problem=str(problem))
    said = notes if new else ("The same music is in the library already.",)
    return Taken(piece.name, item.id, new, item.structure.title or item.id, notes=tuple(said)[:MAX_NOTES])


def _structure(piece: ImportedPiece) -> tuple[MusicStructure, tuple[str, ...]]:
    """The piece's structure; JSON that is none is mended, and each repair told.

    Raises:
        InvalidInputError: there is no music in it.
    """
    if piece.structure is not None:
        return piece.structure, piece.notes
    if piece.raw is None:
        raise InvalidInputError("There is no piece in it.", hint="Give a file that holds one.")
    structure, repairs, _ = sanitize(piece.raw, request=piece.request)
    return structure, (*piece.notes, *(f"{repair.path or 'the text'}: {repair.why}" for repair in repairs))


def _asked(piece: ImportedPiece) -> Request | None:
    """A request that did not read as it stands: what of it can be used."""
    if piece.raw_request is None:
        return None
    kept: dict[str, Any] = {}
    for name, value in piece.raw_request.items():
        try:
            read_request({**kept, name: value})
        except InvalidInputError:
            continue
        kept[name] = value
    return read_request(kept)


def request_of(structure: MusicStructure) -> Request:
    """What somebody would have asked for to get this piece; the mood is what its mode and tempo suggest."""
    meter = meter_of(structure.time_signature)
    seconds = structure.measures * meter.bar_quarters * 60 / structure.tempo
    return Request(
        form=structure.form,
        period=structure.period,
        key=structure.key,
        time_signature=structure.time_signature,
        duration=min(MAX_DURATION, max(MIN_DURATION, round(seconds))),
        valence=-0.3 if structure.tonality.is_minor else 0.3,
        arousal=round(min(0.9, max(0.1, (structure.tempo - 50) / 120)), 2),
        instrumentation=structure.instrumentation,
    )


def with_licence(rights: Rights, piece: ImportedPiece) -> Rights:
    """The rights as they were given; where a layer was left open, what the file itself says about it."""
    licence = licence_in(piece.source.licence)
    if not licence:
        return rights
    layers = {layer.layer: layer for layer in rights.layers}
    holder = piece.source.analyst or piece.source.composer or "named in the file"
    for name in ("encoding", "annotation"):
        layers.setdefault(name, Layer(name, holder, "licence", licence, piece.name, "The file says so."))
    return Rights(tuple(layers.values()), rights.prompt, rights.training)
