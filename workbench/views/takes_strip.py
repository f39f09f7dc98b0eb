"""The takes of a visit: which one is on the page, the strip to go back by, and the link that names it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from workbench.core.errors import InvalidRequestError, WorkbenchError
from workbench.core.library.takes import Take
from workbench.core.music.forms import FORMS
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, piece_id
from workbench.views.component import component
from workbench.views.links import FIRST_SEED, read_link
from workbench.views.pieces import shelf
from workbench.views.request_form import refill
from workbench.views.visits import Visit, link_to, origin_of, piece_of, this_visit

RUN = "run"
"""The query parameter that names the generations on the page; the others name the take."""

_STRIP = component("takes_strip")


def current_take() -> Take:
    """The take to show: the one chosen last, or, when the address has changed, the one that it names."""
    address = {name: value for name, value in st.query_params.to_dict().items() if name != RUN}
    take: Take | None = st.session_state.get("take")
    if take is None or address != st.session_state.get("address"):
        came_back = take is not None
        take = _from_address(address)
        if came_back:
            refill(take.request, this_visit().draft)
        elif this_visit().draft.get("address") not in (None, link_to(take)):
            refill(take.request or Request(), this_visit().draft)
        _put(take, keep_run=address == link_to(take))
    return take


def show_take(take: Take) -> None:
    """Make a take the one on the page, and the address its link."""
    st.session_state.pop("notice", None)
    _put(take)


def _put(take: Take, *, keep_run: bool = False) -> None:
    st.session_state.take = take
    st.session_state.address = link_to(take)
    if not keep_run:
        st.query_params.from_dict(link_to(take))


def open_take(structure: MusicStructure, source: str) -> None:
    """Make a structure from a file the current take.

    Raises:
        WorkbenchError: it is a structure, but it cannot become music.
    """
    shelf().put(structure)
    show_take(this_visit().keep(Take(piece_id(structure), structure, source=source)))


def edited_take(structure: MusicStructure, take: Take, change: str) -> None:
    """Make a changed structure the current take; it still answers the request of the take it came from.

    Raises:
        WorkbenchError: it cannot become music.
    """
    shelf().put(structure)
    made = Take(
        piece_id(structure), structure, take.request, source=take.source, change=change, parent_id=take.id or None
    )
    show_take(this_visit().keep(made))


def takes_strip(current: Take, *, dark: bool, key: str = "takes") -> None:
    """The strip of takes, newest first."""
    takes = [_card(take, dark) for take in reversed(this_visit().takes)]
    _STRIP(key=key, data={"takes": takes, "current": current.piece_id}, on_chosen_change=lambda: _chosen(key))


def piece_title(structure: MusicStructure, name: str | None = None) -> str:
    """What a piece is called: the name that somebody gave it, its title, or its form and key."""
    form = FORMS.get(structure.form)
    title = form.title.partition(" (")[0] if form else structure.form
    return name or structure.title or f"{title} in {structure.tonality.pretty}"


def _chosen(key: str) -> None:
    take = this_visit().find(str(st.session_state[key].get("chosen")))
    if take is not None:
        refill(take.request, this_visit().draft)
        show_take(take)


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
            return _linked(visit, address["piece"])
        return visit.keep(_composed(request, seed), stored=bool(address))
    except WorkbenchError as problem:
        st.session_state.notice = f"{problem.message} {problem.hint}"
        return visit.keep(_composed(Request(), FIRST_SEED), stored=False)


def _linked(visit: Visit, name: str) -> Take:
    take = visit.look_up(name)
    if take is not None:
        return take if take.visitor == visit.visitor else visit.keep(_copied(take))
    piece = shelf().get(name)
    if piece is not None:
        return visit.keep(Take(piece.id, piece.structure, source="a link"))
    raise InvalidRequestError(
        "The piece in this link is not kept here.",
        hint="Open its file, or ask for the link again. A first piece is shown meanwhile.",
    )


def _copied(take: Take) -> Take:
    """Somebody else's take as one's own."""
    return Take(
        take.piece_id, take.structure, take.request, take.seed, take.source, take.change, take.name,
        take.generation_id, take.id,
    )  # fmt: skip


def _composed(request: Request, seed: int) -> Take:
    piece = shelf().composed(request, seed)
    return Take(piece.id, piece.structure, request, seed)


def _card(take: Take, dark: bool) -> dict[str, Any]:
    from workbench.core.render.colors import key_color

    piece = piece_of(take)
    sections = [[span.measures, key_color(span.key, dark=dark)] for span in piece.score.sections]
    request = take.request
    detail = [mood_word(request.valence, request.arousal), request.period or ""] if request else []
    detail.append(origin_of(take) if request or take.change else take.source or "opened")
    title = piece_title(piece.structure, take.name)
    return {
        "id": take.piece_id,
        "title": title,
        "detail": " · ".join(filter(None, detail)),
        "about": f"{title}, made {ago(take.created_at)}",
        "sections": sections,
    }


def ago(moment: datetime | None) -> str:
    """How long ago a moment is: ``just now``, ``5 min ago``, ``yesterday, 14:20``."""
    if moment is None:
        return "just now"
    minutes = int((datetime.now(UTC) - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    days = (datetime.now(UTC).date() - moment.date()).days
    day = {0: "today", 1: "yesterday"}.get(days, f"{moment:%-d %b %Y}")
    return f"{day}, {moment:%H:%M}"
