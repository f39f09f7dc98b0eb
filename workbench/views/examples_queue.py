"""The queue of examples, worked by keyboard: filters, the list, the item, and a decision in one stroke."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.library.curation import STATUSES, Filters, Item, counts, find, neighbours_in_queue, queue
from workbench.core.library.decisions import trail, undo, vote
from workbench.core.library.drafts import drop_draft, load_draft, save_draft
from workbench.core.library.saved_views import delete_view, save_view, saved_views
from workbench.core.music.forms import FORMS, PERIODS
from workbench.core.music.moods import WORDS, mood_word
from workbench.views.bulk import bulk
from workbench.views.component import component
from workbench.views.curators import curator, look_again, needed, seen_version, who
from workbench.views.details import quiet
from workbench.views.engine import database
from workbench.views.example_item import item_view
from workbench.views.textbox import textbox
from workbench.views.visits import this_visit

_LIST = component("queue_list")
EXAMPLE = "example"
"""The query parameter that names the example on the page."""

KEYS = (
    ("A", "Approve, and on to the next"),
    ("X", "Reject, and on to the next"),
    ("G", "Ask for changes, and on to the next"),
    ("E", "Edit"),
    ("N", "Next"),
    ("P", "Previous"),
    ("U", "Undo my last action"),
    ("Space", "Play"),
)
ORIGINS = {"": "Any origin", "take": "Takes", "import": "Imported", "built-in": "Built in"}


def examples_queue() -> None:
    """The whole queue."""
    filters = _filters()
    items, count = queue(database(), filters)
    item = _chosen(items)
    left, right = st.columns([3, 9], gap="medium")
    with left:
        st.markdown(quiet(f"{count:,} example{'' if count == 1 else 's'}"))
        data = {"items": [_row(each) for each in items], "current": item.id if item else ""}
        _LIST(key="queue", data=data, on_chosen_change=_on_chosen)
        if items and st.button("Decide on all of these", icon=":material/checklist:", key="bulk", type="tertiary"):
            bulk(filters)
        who()
        _keys()
    with right:
        if item is None:
            st.markdown(quiet("Nothing here: choose other filters, or send a take from Compose."))
            _undo_button()
        else:
            _deciding(item, filters)
            item_view(item)


def _filters() -> Filters:
    """The filters, from their widgets; saved views set them all at once."""
    known = counts(database())
    views = saved_views(database(), this_visit().visitor)
    first = st.session_state.setdefault("queue_first", 1 if known.get("waiting") else 0)  # never an empty first page
    with st.container(horizontal=True, vertical_alignment="bottom"):
        status = st.radio(
            "Status", ["", *STATUSES], index=first, key="queue_status", horizontal=True, persist_state="session",
            format_func=lambda name: f"{name or 'all'} {known.get(name, sum(known.values()))}",
        )  # fmt: skip
        words = st.text_input("Words", key="queue_words", max_chars=200, persist_state="session")
        with st.popover("Filters", icon=":material/filter_list:"):
            chosen = _more_filters()
        if views:
            with st.popover("Views", icon=":material/bookmarks:"):
                for name, view in views.items():
                    with st.container(horizontal=True):
                        st.button(name, key=f"view_{name}", on_click=lambda view=view: _apply(view), width="stretch")
                        st.button(
                            "Forget", key=f"forget_{name}", type="tertiary",
                            on_click=lambda name=name: _forget(name),
                        )  # fmt: skip
    return replace(chosen, status=str(status or ""), words=words or "")


def _more_filters() -> Filters:
    moods = [word for row in WORDS for word in row]
    form = st.selectbox(
        "Form", ["", *FORMS], format_func=lambda name: FORMS[name].title if name else "Any", key="queue_form"
    )
    period = st.selectbox(
        "Period", ["", *PERIODS], format_func=lambda name: name.capitalize() or "Any", key="queue_period"
    )
    mode = st.selectbox("Mode", ["", "major", "minor"], format_func=lambda name: name or "Any", key="queue_mode")
    mood = st.selectbox("Mood", ["", *moods], format_func=lambda name: name or "Any", key="queue_mood")
    origin = st.selectbox("Origin", list(ORIGINS), format_func=lambda name: ORIGINS[name], key="queue_origin")
    train = st.selectbox(
        "Training", ["", "allowed", "not allowed"], format_func=lambda name: name or "Any", key="queue_train"
    )
    faulty = st.selectbox(
        "Findings", ["", "with errors", "without"], format_func=lambda name: name or "Any", key="queue_faulty"
    )
    found = Filters(
        "", "", form or "", period or "", mode or "", mood or "", origin or "",
        None if not train else train == "allowed", None if not faulty else faulty == "with errors",
    )  # fmt: skip
    name = st.text_input("Keep these filters as", key="queue_view_name", max_chars=80)
    if st.button("Save the view", disabled=not name.strip(), key="queue_view_save"):
        state = st.session_state
        whole = replace(found, status=str(state.get("queue_status") or ""), words=str(state.get("queue_words") or ""))
        save_view(database(), this_visit().visitor, name, whole)
        st.rerun()
    return found


def _forget(name: str) -> None:
    delete_view(database(), this_visit().visitor, name, Filters.screen)


def _apply(view: Filters) -> None:
    state = st.session_state
    for name in ("status", "words", "form", "period", "mode", "mood", "origin"):
        state[f"queue_{name}"] = getattr(view, name)
    state.queue_train = "" if view.trainable is None else "allowed" if view.trainable else "not allowed"
    state.queue_faulty = "" if view.faulty is None else "with errors" if view.faulty else "without"


def _chosen(items: tuple[Item, ...]) -> Item | None:
    """The example that the address names, else the first of the queue."""
    name = st.query_params.get(EXAMPLE)
    item = next((each for each in items if each.id == name), None) or (find(database(), name) if name else None)
    if item is None and items:
        item = items[0]
        st.query_params[EXAMPLE] = item.id
    return item


def _on_chosen() -> None:
    chosen = st.session_state.queue.get("chosen")
    if chosen:
        st.query_params[EXAMPLE] = str(chosen)


def _row(item: Item) -> dict[str, str]:
    structure = item.structure
    faults = f"{item.errors} errors" if item.errors else f"{item.warnings} warnings" if item.warnings else ""
    form = FORMS[structure.form].title.partition(" (")[0] if structure.form in FORMS else structure.form
    mood = mood_word(item.request.valence, item.request.arousal)
    parts = [structure.tonality.pretty, structure.period or "", mood, faults]
    title = structure.title or f"{form} in {structure.tonality.pretty}"
    return {"id": item.id, "title": title, "detail": " · ".join(filter(None, (form, *parts)))}


# --- deciding --------------------------------------------------------------------------------------------------------


def _deciding(item: Item, filters: Filters) -> None:
    previous, following = neighbours_in_queue(database(), filters, item)
    told = st.session_state.pop("queue_told", None)
    if told:
        (st.error if told[0] else st.success)(told[1], icon=":material/error:" if told[0] else ":material/check:")
    if seen_version(item) != item.version:
        last = next(iter(trail(database(), example_id=item.id, most=1)), None)
        who_did = f" by {last.curator}" if last else ""
        st.warning(f"This example was changed{who_did} since you opened it. Your next key tells, and changes nothing.")
    hindered = item.hindrances
    with st.container(horizontal=True, gap="small", key="deciding"):
        st.button(
            "Approve", type="primary", icon=":material/check:", shortcut="A", key="approve", disabled=bool(hindered),
            on_click=lambda: _decide(item, "approve", following), help=" ".join(hindered) or None,
        )  # fmt: skip
        for choice, words, key, icon in (
            ("reject", "Reject", "X", "block"), ("changes", "Ask for changes", "G", "edit_note"),
        ):  # fmt: skip
            st.button(
                words, icon=f":material/{icon}:", shortcut=key, key=choice,
                on_click=lambda choice=choice: _decide(item, choice, following),
            )  # fmt: skip
        st.button("Edit", icon=":material/edit:", shortcut="E", key="edit", on_click=_edit)
        st.button(
            "Previous", icon=":material/arrow_upward:", shortcut="P", key="previous", disabled=previous is None,
            on_click=lambda: _go(previous),
        )  # fmt: skip
        st.button(
            "Next", icon=":material/arrow_downward:", shortcut="N", key="next", disabled=following is None,
            on_click=lambda: _go(following),
        )  # fmt: skip
        _undo_button()
    if hindered:
        st.markdown(quiet(f":material/lock: Not to be approved yet: {' '.join(hindered[:3])}"))
    note(item)


def note(item: Item) -> str:
    """The note that goes with a decision; kept while one types, also when somebody else was quicker."""
    visit, name = this_visit(), f"note:{item.id}"
    kept = (load_draft(database(), visit.visitor, name) or {}).get("text", "")
    return textbox(
        "Note", kept, key=f"note_{item.id}", version=st.session_state.get(f"note_version_{item.id}", 0), rows=2,
        placeholder="Why; goes with the vote", most=4000,
        on_typed=lambda text: save_draft(database(), visit.visitor, name, {"text": text}),
    )  # fmt: skip


def _decide(item: Item, choice: Any, following: str | None) -> None:
    visit, name = this_visit(), f"note:{item.id}"
    text = (load_draft(database(), visit.visitor, name) or {}).get("text", "")
    try:
        after = vote(
            database(), item.id, choice, curator=curator(), version=seen_version(item), note=text, needed=needed()
        )
    except WorkbenchError as problem:
        look_again()
        st.session_state.queue_told = (True, f"{problem.message} {problem.hint}")
        return
    drop_draft(database(), visit.visitor, name)
    st.session_state[f"note_version_{item.id}"] = st.session_state.get(f"note_version_{item.id}", 0) + 1
    words = {"approved": "Approved", "rejected": "Rejected", "changes": "Changes asked for"}.get(after.status)
    title = item.structure.title or item.id
    st.session_state.queue_told = (False, f"{words or 'Your vote is kept'}: {title}. U takes it back.")
    _go(following)


def _undo_button() -> None:
    st.button("Undo", icon=":material/undo:", shortcut="U", key="undo", on_click=_undo)


def _undo() -> None:
    try:
        item = undo(database(), curator=curator())
    except WorkbenchError as problem:
        st.session_state.queue_told = (True, f"{problem.message} {problem.hint}")
        return
    st.session_state.queue_told = (False, f"Taken back: {item.structure.title or item.id}.")
    _go(item.id)


def _go(id: str | None) -> None:
    look_again()
    if id is None:
        st.query_params.pop(EXAMPLE, None)
    else:
        st.query_params[EXAMPLE] = id


def _edit() -> None:
    st.session_state.item_tab = "Edit"


def _keys() -> None:
    rows = "\n".join(f"| `{key}` | {words} |" for key, words in KEYS)
    st.html("<style>@media (max-width: 640px) { .st-key-keys { display: none } }</style>")  # a phone has no keyboard
    with st.container(key="keys"), st.expander("Keys", icon=":material/keyboard:", expanded=True):
        st.markdown(f"| Key | What it does |\n|---|---|\n{rows}")
