"""Pieces that the server holds: what the screens draw and what the HTTP routes send.

A piece's id is a hash of its structure and of the seed of its performance, so that any process that is given the same
structure knows it by the same id: a page that outlives its server registers its piece again, and its links still hold.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from workbench.core.errors import SoundError, WorkbenchError
from workbench.core.library.takes import find_take
from workbench.core.music.request import Request, file_stem
from workbench.core.music.structure import PERFORMANCE_SEED, MusicStructure, piece_id
from workbench.views.engine import database

if TYPE_CHECKING:
    from workbench.core.music.score import Performance, Score

MAX_PIECES = 48
MAX_BYTES = 96_000_000
"""How much rendered sound, engraving and drawing is kept for all pieces together."""

T = TypeVar("T")


@dataclass(eq=False)
class Piece:
    """A structure made into music, and whatever has been rendered of it so far."""

    id: str
    structure: MusicStructure
    score: Score
    performance: Performance
    _rendered: dict[Any, Any] = field(default_factory=dict)
    _locks: dict[Any, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """What its files are called, without an ending."""
        form = self.structure.form.replace("theme-variation", "variations")
        return file_stem(self.structure.title or f"{form}-in-{self.structure.tonality.name}-{self.id[:4]}")

    @property
    def bytes(self) -> int:
        """About how much memory its renderings take."""
        return sum(_size(value) for value in tuple(self._rendered.values()))

    def once(self, what: Any, render: Callable[[], T]) -> T:
        """Render something once, also when several threads ask for it at the same time."""
        with self._guard:
            lock = self._locks.setdefault(what, threading.Lock())
        with lock:
            if what not in self._rendered:
                self._rendered[what] = render()
            result: T = self._rendered[what]
            return result

    def sound(self, voice: int) -> bytes:
        """One voice as an Ogg file.

        Raises:
            SoundError: there is no such voice, or it cannot be rendered.
        """
        if not 0 <= voice < len(self.score.voices):
            raise SoundError(f"This piece has no voice {voice}.", hint="Reload the page.")
        from workbench.core.render.audio import voice_files

        # All voices at once: each must be at the gain that the whole mix needs.
        return self.once("sound", lambda: voice_files(self.performance))[voice]

    def musicxml(self) -> bytes:
        """The score as a MusicXML file."""
        from workbench.core.render.musicxml import musicxml

        return self.once("musicxml", lambda: musicxml(self.score))

    def pages(self) -> tuple[str, ...]:
        """The engraved pages, one SVG text each.

        Raises:
            EngravingError: the engraver failed.
        """
        from workbench.core.render.engraving import engrave

        return self.once("pages", lambda: engrave(self.musicxml()))


def make_piece(structure: MusicStructure) -> Piece:
    """Realize and perform a structure; nothing is rendered yet."""
    from workbench.core.compose import perform, realize

    score = realize(structure)
    performance = perform(score, humanize=structure.humanize, seed=PERFORMANCE_SEED)
    return Piece(piece_id(structure), structure, score, performance)


class Shelf:
    """The pieces that were looked at last, within a bound on their number and on the memory that they take.

    ``kept`` finds the structure of a piece that is not here: one that was let go, or that another process made.
    """

    def __init__(
        self,
        *,
        pieces: int = MAX_PIECES,
        size: int = MAX_BYTES,
        kept: Callable[[str], MusicStructure | None] = lambda _: None,
    ) -> None:
        self._pieces: OrderedDict[str, Piece] = OrderedDict()
        self._requests: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._lock = threading.Lock()
        self._most, self._size, self._kept = pieces, size, kept

    def get(self, name: str) -> Piece | None:
        """A piece by its id, if it is here or can be made again."""
        piece = self._at_hand(name)
        if piece is None:
            structure = self._kept(name)
            piece = None if structure is None else self.put(structure)
        return piece

    def _at_hand(self, name: str) -> Piece | None:
        with self._lock:
            piece = self._pieces.get(name)
            if piece is not None:
                self._pieces.move_to_end(name)
            return piece

    def put(self, structure: MusicStructure) -> Piece:
        """The piece of a structure, made if it is not here."""
        return self._at_hand(piece_id(structure)) or self._keep(make_piece(structure))

    def composed(self, request: Request, seed: int) -> Piece:
        """The piece that the rule-based composer makes of a request and a seed."""
        known = (request.to_json(), seed)
        with self._lock:
            name = self._requests.get(known)
        piece = self._at_hand(name) if name else None
        if piece is None:
            from workbench.core.compose import compose

            piece = self.put(compose(request, seed=seed))
            with self._lock:
                self._requests[known] = piece.id
                while len(self._requests) > 8 * self._most:
                    self._requests.popitem(last=False)
        return piece

    def _keep(self, piece: Piece) -> Piece:
        with self._lock:
            piece = self._pieces.setdefault(piece.id, piece)
            self._pieces.move_to_end(piece.id)
            total = sum(kept.bytes for kept in self._pieces.values())
            while len(self._pieces) > 1 and (len(self._pieces) > self._most or total > self._size):
                _, dropped = self._pieces.popitem(last=False)
                total -= dropped.bytes
            return piece

    def __len__(self) -> int:
        return len(self._pieces)


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """The one shelf of this process: the screens put pieces on it, the HTTP routes read from it."""
    return Shelf(kept=_kept)


def _kept(name: str) -> MusicStructure | None:
    """The structure of a piece that somebody's take keeps."""
    with suppress(WorkbenchError):
        take = find_take(database(), name, "")
        return None if take is None else take.structure
    return None


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(_size(item) for item in value.values())
    return sum(_size(item) for item in value) if isinstance(value, tuple | list) else 64
