"""A visit: one person's takes, the form as they left it, and the texts that they are editing.

The person is known by a cookie; the database keeps all of it under a hash of that cookie, so that neither a reload nor
a killed server nor a night loses anything. Without cookies a visit lasts as long as its connection.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.core.library.database import Database
from workbench.core.library.drafts import load_draft, save_draft
from workbench.core.library.takes import PAGE, Take, find_take, keep_take, takes_of
from workbench.views.edits import Edit
from workbench.views.engine import database
from workbench.views.links import link_of
from workbench.views.pieces import Piece, shelf

COOKIE = "workbench_visit"
MAX_TAKES = PAGE
MAX_VISITS = 400
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,40}")
_FORM, _EDITS = "compose", "compose-edits"


class Visit:
    """One person's takes, oldest first, the request form as last seen (``draft``), and the texts being edited."""

    def __init__(self, database: Database, visitor: str) -> None:
        self.database, self.visitor = database, visitor
        self.draft: dict[str, Any] = load_draft(database, visitor, _FORM) or {}
        self.edits = _edits(load_draft(database, visitor, _EDITS) or {})
        self._takes: list[Take] | None = None
        self._saved = self._as_text()
        self._lock = threading.Lock()

    @property
    def takes(self) -> list[Take]:
        """The newest takes; read once, and again after :meth:`refresh`."""
        if self._takes is None:
            self._takes = list(takes_of(self.database, self.visitor, most=MAX_TAKES))
        return self._takes

    def keep(self, take: Take, *, stored: bool = True) -> Take:
        """Add a take; one that is already here is not doubled. What is not ``stored`` is only shown."""
        known = self.find(take.piece_id)
        if known is not None and (known.id or not stored):
            return known
        kept = keep_take(self.database, take, self.visitor) if stored else replace(take, visitor=self.visitor)
        others = [other for other in self.takes if other.piece_id != take.piece_id]
        self._takes = [*others, kept][-MAX_TAKES:]
        return kept

    def find(self, name: str) -> Take | None:
        """The take of a piece of this visit, by the piece's id."""
        return next((take for take in self.takes if take.piece_id == name), None)

    def look_up(self, name: str) -> Take | None:
        """The take of a piece wherever it is kept, also somebody else's."""
        return self.find(name) or find_take(self.database, name, self.visitor)

    def replace(self, take: Take) -> None:
        """Put a changed take in the place of the old one."""
        self._takes = [take if other.piece_id == take.piece_id else other for other in self.takes]

    def refresh(self) -> None:
        """Read the takes again: a generation may have added some."""
        shown = [take for take in self._takes or [] if not take.id]
        stored = list(takes_of(self.database, self.visitor, most=MAX_TAKES))
        known = {take.piece_id for take in stored}
        self._takes = [*(take for take in shown if take.piece_id not in known), *stored][-MAX_TAKES:]

    def save(self) -> None:
        """Write down the form and the texts, where they have changed since they were last written down."""
        with self._lock:
            text = self._as_text()
            if text == self._saved:
                return
            form, edits = json.loads(text)
            before = json.loads(self._saved)
            if form != before[0]:
                save_draft(self.database, self.visitor, _FORM, form)
            if edits != before[1]:
                save_draft(self.database, self.visitor, _EDITS, edits)
            self._saved = text

    def _as_text(self) -> str:
        edits = {
            name: {"own": edit.own, "text": edit.text, "before": edit.before}
            for name, edit in self.edits.items()
            if edit.changed
        }
        return json.dumps([self.draft, edits], ensure_ascii=False, default=list)


class Visits:
    """The visits that this process has at hand, the longest unseen let go first: the database has them all."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, visitor: str) -> Visit:
        """The visit of a person."""
        with self._lock:
            visit = self._visits.get(visitor)
        if visit is None:
            visit = Visit(database(), visitor)
        with self._lock:
            visit = self._visits.setdefault(visitor, visit)
            self._visits.move_to_end(visitor)
            while len(self._visits) > MAX_VISITS:
                self._visits.popitem(last=False)
            return visit


@st.cache_resource(show_spinner=False)
def _visits() -> Visits:
    return Visits()


def this_visit() -> Visit:
    """The visit of the person whose page is being drawn.

    Raises:
        DatabaseError: it cannot be read.
    """
    token = st.context.cookies.get(COOKIE, "")
    if not (isinstance(token, str) and _TOKEN.fullmatch(token)):
        token = st.session_state.setdefault("visit_token", secrets.token_urlsafe(18))
    return _visits().of(visitor_of(token))


def visitor_of(token: str) -> str:
    """The name that a cookie's bearer has in the database: its hash, so that a row opens nobody's visit."""
    return hashlib.sha256(f"visit/{token}".encode()).hexdigest()[:32]


def link_to(take: Take) -> dict[str, str]:
    """The query parameters that bring a take's piece back."""
    if take.request is None or take.seed is None:
        return {"piece": take.piece_id}
    return link_of(take.request, take.seed)


def origin_of(take: Take) -> str:
    """Where a take comes from, in a few words."""
    if take.change:
        return take.change
    if take.seed is not None:
        return f"seed {take.seed}"
    return "by a model" if take.generation_id else f"opened from {take.source or 'a file'}"


def piece_of(take: Take) -> Piece:
    """The take's piece, made again when the shelf has let it go."""
    return shelf().get(take.piece_id) or shelf().put(take.structure)


def _edits(data: dict[str, Any]) -> dict[str, Edit]:
    found: dict[str, Edit] = {}
    for name, edit in data.items():
        if isinstance(edit, dict) and isinstance(edit.get("own"), str) and isinstance(edit.get("text"), str):
            # A number that no browser has seen: its text box takes the text over.
            found[name] = Edit(edit["own"], edit["text"], version=1, before=edit.get("before"))
    return found
