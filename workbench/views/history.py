"""Everything that was kept: found by words, opened again, named, compared, taken along."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.library.takes import PAGE, Take, delete_takes, search_takes
from workbench.core.music.differences import Difference, differences
from workbench.core.music.moods import mood_word
from workbench.core.music.structure import MusicStructure
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.pieces import shelf
from workbench.views.places import place_words, value_words
from workbench.views.player import come_into_sight, player
from workbench.views.request_form import refill
from workbench.views.takes_strip import ago, piece_title, show_take
from workbench.views.visits import origin_of, this_visit

MAX_DIFFERENCES = 60
UNTOLD = {"version", "reasoning"}
"""Differences that a musician does not ask for."""


@st.fragment
def history_tab(current: Take) -> None:
    """Search, the takes found, and a comparison with the take on the page."""
    visit = this_visit()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Find a take", key="history_words", placeholder="a word of its name, form, key, brief …", max_chars=200
        )
        everybody = st.toggle("Everybody's", key="history_everybody")
    owner = None if everybody else visit.visitor
    page = st.session_state.get("history_page", 1)
    found, count = search_takes(database(), words or "", visitor=owner, offset=(page - 1) * PAGE)
    if page > 1 and not found:
        st.session_state.history_page = 1
        found, count = search_takes(database(), words or "", visitor=owner)
    st.markdown(quiet(f"{count} take{'' if count == 1 else 's'}"))
    for take in found:
        _row(take, current)
    if count > PAGE:
        st.pagination(-(-count // PAGE), key="history_page")
    if found:
        st.download_button(
            "Download these as JSONL", lambda: _jsonl(found), "takes.jsonl", "application/x-ndjson",
            icon=":material/download:", key="history_export",
        )  # fmt: skip
    _comparison(current)


def _row(take: Take, current: Take) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"take_{take.id}"):
        title = plain(piece_title(take.structure, take.name))
        request = take.request
        mood = mood_word(request.valence, request.arousal) if request else ""
        facts = [
            mood,
            take.structure.period or "",
            take.structure.tonality.pretty,
            origin_of(take),
            ago(take.created_at),
        ]
        brief = f"  \n{quiet(plain(request.brief[:120]))}" if request is not None and request.brief else ""
        st.markdown(f"**{title}**  \n{quiet(plain(' · '.join(filter(None, facts))))}{brief}", width="stretch")
        here = take.piece_id == current.piece_id
        if st.button("Open", key=f"history_open_{take.id}", disabled=here):
            own = take if take.visitor == this_visit().visitor else this_visit().look_up(take.piece_id) or take
            refill(own.request, this_visit().draft)
            show_take(own)
            come_into_sight()
            st.rerun()
        st.button("Compare", key=f"history_compare_{take.id}", disabled=here, on_click=lambda: _compare(take))
        if take.visitor == this_visit().visitor:
            st.button(
                "Delete", key=f"history_delete_{take.id}", type="tertiary", disabled=here,
                on_click=lambda: _delete(take), icon=":material/delete:",
            )  # fmt: skip


def _compare(take: Take | None) -> None:
    """What is to stand beside the take on the page."""
    st.session_state.compared = take


def _delete(take: Take) -> None:
    visit = this_visit()
    delete_takes(database(), [take.id], visit.visitor)
    visit.refresh()
    if st.session_state.get("compared") == take:
        _compare(None)


def _comparison(current: Take) -> None:
    other: Take | None = st.session_state.get("compared")
    if other is None or other.piece_id == current.piece_id:
        return
    st.subheader("Side by side", anchor=False)
    pair = (("On the page", current), ("Compared with it", other))
    grid = st.grid(2, min_column_width=400, gap="medium")
    for number, (words, take) in enumerate(pair):
        with grid.cell():
            st.markdown(f"{quiet(words)}  \n**{plain(piece_title(take.structure, take.name))}**")
            try:
                player(shelf().put(take.structure), key=f"compared_{number}")
            except WorkbenchError as problem:
                st.warning(f"{problem.message} {problem.hint}")
    found = [each for each in differences(current.structure, other.structure) if each.kind not in UNTOLD]
    if not found:
        st.markdown(quiet("The two are the same but for their names."))
    lines = [difference_line(each, current.structure, other.structure) for each in found[:MAX_DIFFERENCES]]
    if len(found) > MAX_DIFFERENCES:
        lines.append(f"and {len(found) - MAX_DIFFERENCES} more")
    st.markdown("\n".join(f"- {line}" for line in lines))
    st.button("Close the comparison", key="close_comparison", icon=":material/close:", on_click=lambda: _compare(None))


def difference_line(found: Difference, before: MusicStructure, after: MusicStructure) -> str:
    """A difference as a line of Markdown: ``A, key: G major → D major``; ``B, phrase 2, bars 9–10: 1 2 3 → 5 4 3``."""
    gone, come = found.kind.endswith("-removed"), found.kind.endswith("-added")
    path, bars = found.path, ""
    one, other = found.before, found.after
    if found.kind == "tune":
        path = path.partition("/melody")[0]
        first, last = found.bars or (0, 0)
        bars = f", bar {first}" if first == last else f", bars {first}–{last}"
        one, other = _notes(one, other)
    place = place_words((before if gone else after).to_dict(), path)
    place = plain(place[:1].upper() + place[1:] + bars)
    if gone or come:
        return f"{place} is {'gone' if gone else 'new'}"
    return f"{place}: {plain(value_words(one))} → {plain(value_words(other))}"


def _notes(one: Any, other: Any) -> tuple[Any, Any]:
    """The degrees of two tunes; the lengths, where only these differ."""
    if not all(each is None or isinstance(each, list | tuple) for each in (one, other)):
        return one, other
    degrees, lengths = ([[note[at] for note in each or ()] for each in (one, other)] for at in (0, 1))
    if degrees[0] != degrees[1]:
        return degrees[0] or None, degrees[1] or None
    return ["lengths", *lengths[0]], ["lengths", *lengths[1]]


def _jsonl(takes: tuple[Take, ...]) -> str:
    rows = [
        {
            "id": take.id,
            "name": take.name,
            "created_at": take.created_at and take.created_at.isoformat(),
            "request": take.request and take.request.to_dict(),
            "seed": take.seed,
            "structure": take.structure.to_dict(),
        }
        for take in takes
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
