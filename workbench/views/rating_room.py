"""The room in which people rate: a name, then pair after pair, with nothing that says whose pieces they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.ratings.contests import find_contest
from workbench.core.experiments.ratings.judging import Turn, answer, likely_next, turn_of, undo_answer
from workbench.core.experiments.ratings.ratings import CRITERIA, MAX_NAME, Verdict, read_answer
from workbench.core.music.forms import FORMS
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request
from workbench.views.blind_sounds import booth, url_of
from workbench.views.component import component
from workbench.views.details import plain, quiet
from workbench.views.engine import database

if TYPE_CHECKING:
    from workbench.core.experiments.ratings.sounds import Heard

CONTEST, RATER = "contest", "rater"
"""The query parameters: the comparison's id, and the rater's name, so that a page loaded again goes on."""
BUTTONS: tuple[tuple[Verdict, str, str, str], ...] = (
    ("a", "A is better", "A", "first_page"), ("tie", "No difference", "T", "drag_handle"),
    ("b", "B is better", "B", "last_page"), ("both-bad", "Both bad", "N", "thumb_down"),
    ("skip", "Skip", "S", "skip_next"),
)  # fmt: skip
SIDES = {"a": "A", "tie": "Same", "b": "B"}
_TOLD = "rating_told"
_PAIR = component("blind_pair")


def rating_room() -> None:
    """The whole page."""
    id = str(st.query_params.get(CONTEST, ""))
    contest = find_contest(database(), id) if id else None
    if contest is None:
        st.error("There is no such comparison. Ask for the link once more.", icon=":material/error:")
        return
    st.title("Which piece is better?", anchor=False)
    if contest.closed_at is not None:
        st.info("This comparison is closed. Thank you for rating.", icon=":material/lock:")
        return
    rater = str(st.query_params.get(RATER, "")).strip()
    if not rater:
        _entrance(contest.wanted)
        return
    if told := st.session_state.pop(_TOLD, ""):
        st.error(plain(told), icon=":material/error:")
    turn = turn_of(database(), id, rater)
    if turn is None:
        st.success("Thank you. You have judged all pairs.", icon=":material/check_circle:")
        _undo(id, rater)
        return
    booth().prepare(id, turn.pair)
    if (coming := likely_next(database(), id, rater)) is not None:
        booth().prepare(id, coming)
    _pair(id, rater, turn)


def _entrance(wanted: int) -> None:
    st.markdown(
        f"You hear {wanted} pairs of pieces. Both pieces of a pair were made for the same request. Say which one is "
        "better; nobody tells you who made them. Wear headphones if you can, and please do not open the Compare page "
        "while you rate."
    )
    with st.form("rating_entrance", border=False):
        name = st.text_input("Your name", max_chars=MAX_NAME, help="The same name goes on where you stopped.")
        if st.form_submit_button("Begin", type="primary") and name.strip():
            st.query_params[RATER] = name.strip()
            st.rerun()


def _pair(id: str, rater: str, turn: Turn) -> None:
    blind = turn.blind
    heard: Heard | None
    try:
        heard = booth().heard(id, turn.pair)
    except WorkbenchError:
        heard = None
    st.markdown(f"**Pair {blind.number} of {max(turn.of, blind.number)}**")
    if heard is None:
        st.warning("This pair cannot be played. Skip it, please.", icon=":material/music_off:")
    else:
        st.markdown(quiet("Asked for:") + " " + plain(request_words(heard.request)))
        pieces = ((blind.a, turn.pair.piece_a), (blind.b, turn.pair.piece_b))
        sides = [
            {"url": url_of(id, token), "seconds": heard.seen[piece].seconds, "notes": heard.seen[piece].notes}
            for token, piece in pieces
        ]
        _PAIR(key="blind_pair", data={"pair": blind.token, "sides": sides})
        _criteria(blind.token)
    with st.container(horizontal=True, gap="small", key="verdicts"):
        for verdict, words, key, icon in BUTTONS:
            st.button(
                words, key=f"verdict_{verdict}", icon=f":material/{icon}:", shortcut=key,
                type="primary" if verdict in ("a", "b") else "secondary", disabled=heard is None and verdict != "skip",
                on_click=_say, args=(id, rater, blind.token, verdict),
            )  # fmt: skip
        if blind.number > 1:
            _undo(id, rater)
    st.markdown(quiet("Keys: 1 and 2 play, A, B, T, N and S answer, U takes the last answer back."))


def _undo(id: str, rater: str) -> None:
    st.button(
        "Undo my last answer", key="rating_undo", icon=":material/undo:", shortcut="U", type="tertiary",
        on_click=_take_back, args=(id, rater),
    )  # fmt: skip


def _criteria(token: str) -> None:
    with st.container(horizontal=True, gap="medium", key="criteria"):
        for name, words in CRITERIA.items():
            st.segmented_control(
                f"{words} (optional)", list(SIDES), format_func=lambda side: SIDES[side],
                key=_criterion(name, token), width="content",
            )  # fmt: skip


def _criterion(name: str, token: str) -> str:
    return f"criterion_{name}_{token}"


def _say(id: str, rater: str, token: str, verdict: Verdict) -> None:
    """Keep an answer, before the next pair is drawn."""
    opinions: dict[str, Any] = {name: st.session_state.get(_criterion(name, token)) for name in CRITERIA}
    try:
        answer(database(), id, rater, read_answer({"token": token, "verdict": verdict, "criteria": opinions}))
    except WorkbenchError as problem:
        st.session_state[_TOLD] = f"{problem.message} {problem.hint}"


def _take_back(id: str, rater: str) -> None:
    try:
        undo_answer(database(), id, rater)
    except WorkbenchError as problem:
        st.session_state[_TOLD] = f"{problem.message} {problem.hint}"


def request_words(request: Request) -> str:
    """What was asked for, in words: what the request says, not what anybody made of it."""
    form = FORMS.get(request.form or "")
    parts = [
        mood_word(request.valence, request.arousal), request.period or "",
        form.title.partition(" (")[0].lower() if form else request.form or "", request.key or "",
        f"in {request.time_signature}" if request.time_signature else "",
        f"{request.tempo:g} quarters a minute" if request.tempo else "", f"about {request.duration:g} s",
        request.instrumentation or "", f"“{request.brief[:400]}”" if request.brief else "",
    ]  # fmt: skip
    return ", ".join(filter(None, parts))
