"""A piece as files to keep: which there are, and how each is made when it is asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

from workbench.core.errors import EngravingError
from workbench.views.component import component
from workbench.views.pieces import Piece


class Kind(NamedTuple):
    """A kind of file: its title, its ending, its media type, and what it is good for."""

    title: str
    ending: str
    media_type: str
    about: str


KINDS: dict[str, Kind] = {
    "midi": Kind("MIDI", "mid", "audio/midi", "For a sequencer: as played, with tempo and velocities"),
    "musicxml": Kind("MusicXML", "musicxml", "application/vnd.recordare.musicxml+xml", "For a notation program"),
    "wav": Kind("WAV", "wav", "audio/wav", "The sound, all voices together"),
    "json": Kind("JSON", "json", "application/json", "The structure: the plan that the piece is made from"),
    "svg": Kind("SVG", "svg", "image/svg+xml", "The first page of the score, to print"),
}

_DOWNLOADS = component("downloads")


def downloads(piece: Piece, *, key: str = "downloads") -> None:
    """A button for each kind of file; each is made only when its button is pressed, and tells its own failure."""
    files: list[dict[str, Any]] = [
        {
            "kind": name,
            "title": kind.title,
            "about": kind.about,
            "name": f"{piece.name}.{kind.ending}",
            "url": f"/files/{piece.id}/{name}",
        }
        for name, kind in KINDS.items()
    ]
    _DOWNLOADS(key=key, data={"files": files})


def render_file(piece: Piece, kind: str) -> tuple[bytes, str, str]:
    """The bytes, media type and name of a file; ``svg-2`` is the second page.

    Raises:
        WorkbenchError: this file cannot be made; the others may.
    """
    name, _, page = kind.partition("-")
    about = KINDS[name]
    data = _bytes(piece, name, int(page) if page.isdecimal() and len(page) < 5 else 1)
    number = f"-{page}" if page else ""
    return data, about.media_type, f"{piece.name}{number}.{about.ending}"


def _bytes(piece: Piece, name: str, page: int) -> bytes:
    match name:
        case "midi":
            from workbench.core.render.midi import midi_bytes

            return midi_bytes(piece.performance)
        case "musicxml":
            return piece.musicxml()
        case "wav":
            from workbench.core.render.audio import wav_bytes

            return wav_bytes(piece.performance)
        case "svg":
            pages = piece.pages()
            if not 1 <= page <= len(pages):
                raise EngravingError(f"The score has no page {page}.", hint=f"It has {len(pages)} pages.")
            return pages[page - 1].encode()
    return piece.structure.to_json().encode()
