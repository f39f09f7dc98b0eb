"""A piece as files: ``ID.json``, ``ID.mid``, ``ID.musicxml``, ``ID.wav``, ``ID-1.svg`` and so on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from workbench.core.errors import InvalidInputError, RenderingError, WorkbenchError
from workbench.core.music.score import Performance
from workbench.core.music.structure import MusicStructure


class Rendered(NamedTuple):
    """What came of a piece: the bytes by file name, and for each format that failed, why."""

    files: dict[str, bytes]
    missing: dict[str, RenderingError]


def render_files(structure: MusicStructure, formats: Iterable[str], stem: str) -> Rendered:
    """A piece in several formats (``FORMATS``), its files' names beginning with ``stem``.

    A format that fails takes none of the others with it.

    Raises:
        InvalidInputError: a format is unknown, or the structure cannot become music.
    """
    rendered = Rendered({}, {})
    for name in dict.fromkeys(formats):
        try:
            rendered.files.update(files(structure, stem, name))
        except RenderingError as problem:
            rendered.missing[name] = problem
    return rendered


def files(structure: MusicStructure, stem: str, name: str) -> Iterator[tuple[str, bytes]]:
    """The files of one format, name and bytes.

    Raises:
        RenderingError: this rendering failed; the piece is unharmed.
        InvalidInputError: the format is unknown, or the structure cannot become music.
    """
    writer = _WRITERS.get(name)
    if writer is None:
        raise InvalidInputError(f"{name!r} is not a format.", hint=f"Choose among {', '.join(FORMATS)}.")
    try:
        yield from [(stem + ending, data) for ending, data in writer(structure)]
    except WorkbenchError:
        raise
    except Exception as problem:
        # Whatever goes wrong in writing one format, the others are still wanted.
        raise RenderingError(
            f"The {name} file could not be written: {type(problem).__name__}: {problem}.",
            hint="The other formats are unharmed; please report the structure that did this.",
        ) from problem


@lru_cache(maxsize=4)
def _performed(structure: MusicStructure) -> Performance:
    # The formats of one piece are asked for one after another, and all but one need the same performance.
    from workbench.core.compose import perform, realize

    return perform(realize(structure), humanize=structure.humanize)


def _json(structure: MusicStructure) -> Iterator[tuple[str, bytes]]:
    yield ".json", structure.to_json().encode()


def _midi(structure: MusicStructure) -> Iterator[tuple[str, bytes]]:
    from workbench.core.render.midi import midi_bytes

    yield ".mid", midi_bytes(_performed(structure))


def _musicxml(structure: MusicStructure) -> Iterator[tuple[str, bytes]]:
    from workbench.core.render.musicxml import musicxml

    yield ".musicxml", musicxml(_performed(structure).score)


def _wav(structure: MusicStructure) -> Iterator[tuple[str, bytes]]:
    from workbench.core.render.audio import wav_bytes

    yield ".wav", wav_bytes(_performed(structure))


def _svg(structure: MusicStructure) -> Iterator[tuple[str, bytes]]:
    from workbench.core.render.engraving import engrave
    from workbench.core.render.musicxml import musicxml

    for page, text in enumerate(engrave(musicxml(_performed(structure).score)), 1):
        yield f"-{page}.svg", text.encode()


_WRITERS: dict[str, Callable[[MusicStructure], Iterator[tuple[str, bytes]]]] = {
    "json": _json,
    "midi": _midi,
    "musicxml": _musicxml,
    "wav": _wav,
    "svg": _svg,
}
FORMATS: tuple[str, ...] = tuple(_WRITERS)
