"""A visit: the takes that one person has made, and the form as they left it.

Kept in this process under a cookie that the browser forgets when it closes, so that a reload or a dropped connection
loses nothing. Without cookies a visit lasts as long as its connection.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.edits import Edit
from workbench.views.links import link_of
from workbench.views.pieces import Piece, shelf

COOKIE = "workbench_visit"
MAX_TAKES = 24
MAX_VISITS = 400
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,40}")


@dataclass(frozen=True)
class Take:
    """One piece of a visit: what was asked for and the seed, or the structure that a file held.

    ``change`` says what was done to a piece to make this one ("edited", "improved"); the request stays, the seed goes.
    """

    piece_id: str
    request: Request | None
    seed: int | None
    structure: MusicStructure | None = None
    source: str = ""
    change: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def link(self) -> dict[str, str]:
        """The query parameters that bring this piece back."""
        if self.request is None or self.seed is None:
            return {"piece": self.piece_id}
        return link_of(self.request, self.seed)

    @property
    def origin(self) -> str:
        """Where the piece comes from, in a few words."""
        if self.change:
            return self.change
        return f"seed {self.seed}" if self.request is not None else f"opened from {self.source or 'a file'}"

    def piece(self) -> Piece:
        """The take's piece, composed again when the shelf has let it go."""
        if self.structure is not None or self.request is None:
            assert self.structure is not None
            return shelf().put(self.structure)
        return shelf().composed(self.request, self.seed or 0)


@dataclass
class Visit:
    """One person's takes, oldest first, the request form as last seen (``draft``), and the texts being edited."""

    takes: list[Take] = field(default_factory=list)
    draft: dict[str, Any] = field(default_factory=dict)
    edits: dict[str, Edit] = field(default_factory=dict)

    def keep(self, take: Take) -> Take:
        """Add a take; one that is already here is not doubled."""
        for known in self.takes:
            if known.piece_id == take.piece_id:
                return known
        self.takes = [*self.takes, take][-MAX_TAKES:]
        return take

    def find(self, name: str) -> Take | None:
        """The take of a piece, by the piece's id."""
        return next((take for take in self.takes if take.piece_id == name), None)


class Visits:
    """All visits that this process remembers, the longest unseen forgotten first."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, token: str) -> Visit:
        """The visit that a cookie names."""
        with self._lock:
            visit = self._visits.setdefault(token, Visit())
            self._visits.move_to_end(token)
            while len(self._visits) > MAX_VISITS:
                self._visits.popitem(last=False)
            return visit


@st.cache_resource(show_spinner=False)
def _visits() -> Visits:
    return Visits()


def this_visit() -> Visit:
    """The visit of the person whose page is being drawn."""
    token = st.context.cookies.get(COOKIE, "")
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return _visits().of(token)
    visit: Visit = st.session_state.setdefault("visit", Visit())
    return visit
