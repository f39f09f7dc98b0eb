"""The takes of a visit: which one is on the page, the strip to go back by, and the link that names it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from workbench.core.errors import InvalidRequestError, WorkbenchError
from workbench.core.music.forms import FORMS
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.component import component
from workbench.views.links import FIRST_SEED, read_link
from workbench.views.pieces import shelf
from workbench.views.request_form import refill
from workbench.views.visits import Take, this_visit

_STRIP = component("takes_strip")


def current_take() -> Take:
    """The take to show: the one chosen last, or, when the address has changed, the one that it names."""
    address = st.query_params.to_dict()
    take: Take | None = st.session_state.get("take")
    if take is None or address != st.session_state.get("address"):
        came_back = take is not None
        take = _from_address(address)
        if came_back:
            refill(take.request, this_visit().draft)
        elif this_visit().draft.get("address") != take.link:
            this_visit().draft.clear()
        _show(take)
    return take


def compose_take(request: Request, seed: int) -> None:
    """Compose a piece and make it the current take."""
    st.session_state.pop("notice", None)
    _show(this_visit().keep(Take(shelf().composed(request, seed).id, request, seed)))


def open_take(structure: MusicStructure, source: str) -> None:
    """Make a structure from a file the current take.

    Raises:
        WorkbenchError: it is a structure, but it cannot become music.
    """
    piece = shelf().put(structure)
    st.session_state.pop("notice", None)
    _show(this_visit().keep(Take(piece.id, None, None, structure, source)))


def edited_take(structure: MusicStructure, take: Take, change: str) -> None:
    """Make a changed structure the current take; it still answers the request of the take it came from.

    Raises:
        WorkbenchError: it cannot become music.
    """
    piece = shelf().put(structure)
    st.session_state.pop("notice", None)
    _show(this_visit().keep(Take(piece.id, take.request, None, structure, take.source, change)))


def takes_strip(current: Take, *, dark: bool, key: str = "takes") -> None:
    """The strip of takes, newest first."""
    takes = [_card(take, dark) for take in reversed(this_visit().takes)]
    _STRIP(key=key, data={"takes": takes, "current": current.piece_id}, on_chosen_change=lambda: _chosen(key))


def piece_title(structure: MusicStructure) -> str:
    """What a piece is called: its title, or its form and key."""
    form = FORMS.get(structure.form)
    title = form.title.partition(" (")[0] if form else structure.form
    return structure.title or f"{title} in {structure.tonality.pretty}"


def _chosen(key: str) -> None:
    take = this_visit().find(str(st.session_state[key].get("chosen")))
    if take is not None:
        st.session_state.pop("notice", None)
        refill(take.request, this_visit().draft)
        _show(take)


def _show(take: Take) -> None:
    st.session_state.take = take
    st.session_state.address = take.link
    st.query_params.from_dict(take.link)


def _from_address(address: dict[str, str]) -> Take:
    visit = this_visit()
    st.session_state.pop("notice", None)
    try:
        repeated = [name for name in address if len(st.query_params.get_all(name)) > 1]
        if repeated:
            raise InvalidRequestError(
                f"The link names {repeated[0][:20]} more than once.", hint="Leave one of them out."
            )
        request, seed = read_link(address)
        if "piece" in address:
            take, piece = visit.find(address["piece"]), shelf().get(address["piece"])
            if take is not None:
                return take
            if piece is not None:
                return visit.keep(Take(piece.id, None, None, piece.structure, "a link"))
            raise InvalidRequestError(
                "The piece in this link came from a file that the server no longer holds.",
                hint="Open the file again. A first piece is shown meanwhile.",
            )
        return visit.keep(Take(shelf().composed(request, seed).id, request, seed))
    except WorkbenchError as problem:
        st.session_state.notice = f"{problem.message} {problem.hint}"
        return visit.keep(Take(shelf().composed(Request(), FIRST_SEED).id, Request(), FIRST_SEED))


def _card(take: Take, dark: bool) -> dict[str, Any]:
    from workbench.core.render.colors import key_color

    piece = take.piece()
    sections = [[span.measures, key_color(span.key, dark=dark)] for span in piece.score.sections]
    request = take.request
    detail = [mood_word(request.valence, request.arousal), request.period or ""] if request else []
    detail.append(take.origin if request or take.change else take.source or "opened")
    minutes = int((datetime.now(UTC) - take.at).total_seconds() // 60)
    title = piece_title(piece.structure)
    return {
        "id": take.piece_id,
        "title": title,
        "detail": " · ".join(filter(None, detail)),
        "about": f"{title}, {'made just now' if minutes < 1 else f'made {minutes} min ago'}",
        "sections": sections,
    }
