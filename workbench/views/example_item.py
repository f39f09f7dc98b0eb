"""One example of the queue: player, findings, rights, where it came from, its neighbours, votes and trail."""

from __future__ import annotations

import streamlit as st

from workbench.core.checks import check
from workbench.core.errors import WorkbenchError
from workbench.core.library.curation import Item
from workbench.core.library.decisions import edit, told, trail, votes_of
from workbench.core.library.drafts import drop_draft, load_draft, save_draft
from workbench.core.music.moods import mood_word
from workbench.core.music.reading import read_structure
from workbench.views.curators import curator, look_again, needed, seen_version
from workbench.views.details import plain, quiet
from workbench.views.edits import own_text
from workbench.views.engine import database
from workbench.views.findings import counts_words, findings_list, own_profile
from workbench.views.neighbours import near_duplicate, neighbours
from workbench.views.pieces import shelf
from workbench.views.player import player
from workbench.views.rights_form import rights_form, rights_verdicts
from workbench.views.takes_strip import ago, piece_title
from workbench.views.textbox import textbox
from workbench.views.visits import this_visit

TABS = ("Findings", "Rights", "Edit", "Neighbours", "Origin", "Votes and trail")
MAX_JSON = 400_000
MAX_FACTS = 40


def item_view(item: Item) -> None:
    """The item with its player and its tabs."""
    structure, request = item.structure, item.request
    st.title(plain(piece_title(structure)), anchor=False)
    parts = [
        item.status,
        (structure.period or "").capitalize(),
        structure.tonality.pretty,
        structure.time_signature,
        mood_word(request.valence, request.arousal),
        ", ".join(item.tags),
    ]
    st.markdown(quiet(plain("  ·  ".join(part for part in parts if part))))
    if item.teaches:
        st.markdown(plain(item.teaches))
    double = near_duplicate(item)
    if double:
        st.markdown(f":orange-badge[:material/content_copy: {plain(double)}]")
    try:
        player(shelf().put(structure), key="example_player")
    except WorkbenchError as problem:
        st.warning(f"{problem.message} {problem.hint}")
    for name, body in zip(TABS, st.tabs(TABS, on_change="rerun", key="item_tab"), strict=True):
        if body.open:
            with body:
                _tab(name, item)


def _tab(name: str, item: Item) -> None:
    match name:
        case "Findings":
            report = check(item.structure, request=item.request, profile=own_profile(item.structure))
            st.markdown(f"**{counts_words(report)}**")
            findings_list(report, shelf().put(item.structure).id, key=f"findings_{item.id}")
        case "Rights":
            _rights(item)
        case "Edit":
            _edit(item)
        case "Neighbours":
            neighbours(item)
        case "Origin":
            _origin(item)
        case _:
            _votes(item)


def _rights(item: Item) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        rights = rights_form(item.rights, key=f"rights_{item.id}_{item.version}", holder=curator().partition(" ·")[0])
        if st.button("Save the rights", type="primary", disabled=rights == item.rights, key=f"save_rights_{item.id}"):
            _saved(item, rights=rights)
    with right:
        st.subheader("What follows", anchor=False)
        rights_verdicts(rights)


def _edit(item: Item) -> None:
    """The texts and the JSON of an example; what is typed is kept as a draft, also when somebody else was quicker."""
    visit, name = this_visit(), f"example:{item.id}"
    draft = load_draft(database(), visit.visitor, name) or {}
    own = own_text(item.structure)
    teaches = st.text_input("What it teaches", item.teaches, key=f"teaches_{item.id}_{item.version}", max_chars=1000)
    tags = st.text_input("Tags, with commas", ", ".join(item.tags), key=f"tags_{item.id}_{item.version}", max_chars=800)
    text = textbox(
        "The structure as JSON", str(draft.get("text", own)), key=f"json_{item.id}_{item.version}", rows=20, code=True,
        most=MAX_JSON, on_typed=lambda typed: save_draft(database(), visit.visitor, name, {"text": typed}),
    )  # fmt: skip
    structure = None
    try:
        structure = read_structure(text)
        report = check(structure, request=item.request, profile=own_profile(structure))
        st.markdown(quiet(counts_words(report)))
    except WorkbenchError as problem:
        st.error(plain(f"{problem.message} {problem.hint}"))
    wanted = tuple(tag.strip() for tag in tags.split(",") if tag.strip())
    same = structure == item.structure and teaches == item.teaches and wanted == item.tags
    if st.button("Save the changes", type="primary", disabled=structure is None or same, key=f"save_item_{item.id}"):
        _saved(item, structure=structure, teaches=teaches, tags=wanted)


def _saved(item: Item, **changes: object) -> None:
    try:
        edit(database(), item.id, curator=curator(), version=seen_version(item), **changes)  # type: ignore[arg-type]
    except WorkbenchError as problem:
        look_again()
        st.error(f"{problem.message} {problem.hint}")
        return
    look_again()
    drop_draft(database(), this_visit().visitor, f"example:{item.id}")
    st.session_state.queue_told = (False, "Saved.")
    st.rerun()


def _origin(item: Item) -> None:
    rows = {
        "From": {"take": "a take", "import": "a file", "built-in": "the workbench itself"}.get(
            str(item.origin.get("kind")), str(item.origin.get("kind", "unknown"))
        ),
        **{
            name.replace("_", " ").capitalize(): str(value)
            for name, value in item.origin.items()
            if name != "kind" and not isinstance(value, list)
        },
        "Sent": ago(item.created_at),
        "Asked for": item.request.brief or "",
    }
    lines = [f"| {quiet(name)} | {plain(text)[:400]} |" for name, text in rows.items() if text]
    st.markdown("| | |\n|---|---|\n" + "\n".join(lines))
    for name, words in (("read", "Read in the file"), ("guessed", "Guessed"), ("notes", "Changed on the way")):
        told_of = [str(each) for each in item.origin.get(name) or ()][:MAX_FACTS]
        if told_of:
            st.markdown(f"**{words}**\n" + "\n".join(f"- {plain(each[:300])}" for each in told_of))
    if item.note:
        st.markdown(plain(item.note))


def _votes(item: Item) -> None:
    said, count = votes_of(database(), item, curator())
    st.markdown(
        quiet(f"{count} vote{'' if count == 1 else 's'} in round {item.round}; {needed()} approvals are needed.")
    )
    if count and not said:
        st.markdown(quiet("First votes are blind: you see the others' after your own."))
    for each in said:
        note = f": {plain(each.note)}" if each.note else ""
        st.markdown(f"- **{plain(each.curator)}** {each.vote}, {ago(each.at)}{note}")
    st.subheader("What happened", anchor=False)
    rows = trail(database(), example_id=item.id, most=60)
    lines = []
    for row in rows:
        done, words = told(row, rows, curator())
        lines.append(f"| {ago(row.at)} | {plain(row.curator)} | {done} | {plain(words)[:200]} |")
    st.markdown("| When | Who | What | Note |\n|---|---|---|---|\n" + "\n".join(lines))
