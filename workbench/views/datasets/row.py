"""One row of a version: seen and heard, with its messages, findings, source, rights, relatives and marks."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import streamlit as st

from workbench.core.checks import check
from workbench.core.datasets.review.browsing import RowFilters, beside, page_of
from workbench.core.datasets.review.marks import MarkKind, mark, marks_of, take_back
from workbench.core.datasets.rows import Facts, Row
from workbench.core.datasets.versions import Version, find_row
from workbench.core.datasets.withdrawn import examples_of, withdrawn_sources
from workbench.core.errors import WorkbenchError
from workbench.core.library.curation import find
from workbench.core.library.rights import read_rights
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.curators import curator
from workbench.views.datasets.choice import ROW, VERSION, go_to_row
from workbench.views.datasets.wording import changes_words, value_words
from workbench.views.details import clock, plain, quiet
from workbench.views.engine import database
from workbench.views.findings import counts_words, findings_list, own_profile
from workbench.views.neighbours import nearness
from workbench.views.pieces import shelf
from workbench.views.player import player
from workbench.views.rights_form import rights_verdicts
from workbench.views.takes_strip import ago, piece_title

TABS = ("Messages", "Findings", "Source", "Rights", "Related", "Marks")
RELATED = 30
A_PAGE = 100
"""Rows on a page of the table."""
ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}


def row_view(version: Version, key: str, filters: RowFilters) -> None:
    """The row with its player and tabs, and what a reviewer can do with it."""
    found = find_row(database(), version.id, key)
    if found is None:
        st.warning("This version has no such row.", icon=":material/info:")
        st.button("Show the first row", key="row_first", on_click=lambda: go_to_row(None))
        return
    facts, row = found
    _walking(version, facts, filters)
    structure = _which(row)
    st.title(plain(piece_title(structure)), anchor=False)
    parts = [
        facts.split, value_words("form", facts.form), facts.period.capitalize(), structure.tonality.pretty,
        facts.meter, facts.mood, clock(facts.seconds), changes_words(facts.changes) or "original",
    ]  # fmt: skip
    st.markdown(quiet(plain("  ·  ".join(filter(None, parts)))))
    try:
        player(shelf().put(structure), key="row_player")
    except WorkbenchError as problem:
        st.warning(f"{problem.message} {problem.hint}")
    for name, body in zip(TABS, st.tabs(TABS, on_change="rerun", key="row_tab"), strict=True):
        if body.open:
            with body:
                _tab(name, version, facts, row, structure)


def _which(row: Row) -> MusicStructure:
    """The piece to look at: the answer, or of a pair either one."""
    rejected = row.rejected_structure
    if rejected is None:
        return row.structure
    side = st.segmented_control(
        "Answer", ["Chosen", "Rejected"], default="Chosen", key="row_side", required=True, label_visibility="collapsed"
    )
    return rejected if side == "Rejected" else row.structure


def _walking(version: Version, facts: Facts, filters: RowFilters) -> None:
    """Previous and next in what the filters let through, and the marks, each by one key."""
    previous, following, place = beside(database(), version.id, filters, facts.key)
    held = {each.kind for each in marks_of(database(), facts.key) if not each.taken_back_by}
    with st.container(horizontal=True, gap="small", key="row_deciding", vertical_alignment="center"):
        st.button(
            "Previous", icon=":material/arrow_upward:", shortcut="P", key="row_previous", disabled=previous is None,
            on_click=lambda: _walk(previous, place - 1),
        )  # fmt: skip
        st.button(
            "Next", icon=":material/arrow_downward:", shortcut="N", key="row_next", disabled=following is None,
            on_click=lambda: _walk(following, place + 1),
        )  # fmt: skip
        st.button(
            "Flagged" if "flag" in held else "Flag", icon=":material/flag:", shortcut="F", key="row_flag",
            type="primary" if "flag" in held else "secondary", on_click=lambda: _toggle_flag(version, facts.key),
        )  # fmt: skip
        if st.button(
            "Excluded" if "exclude" in held else "Exclude", icon=":material/block:", shortcut="X", key="row_exclude",
            type="primary" if "exclude" in held else "secondary", disabled="exclude" in held,
        ):  # fmt: skip
            _say_why(version, facts, "exclude", following)
        if st.button("Comment", icon=":material/comment:", shortcut="M", key="row_comment"):
            _say_why(version, facts, "comment", following)
        st.markdown(quiet(f"row {place + 1:,}"))
    told = st.session_state.pop("row_told", None)
    if told:
        st.success(told, icon=":material/check:")


def _walk(key: str | None, place: int) -> None:
    """Go to a row; the table turns to its page."""
    go_to_row(key)
    st.session_state.rows_at = max(0, place) // A_PAGE + 1


def _toggle_flag(version: Version, key: str) -> None:
    flag = next((each for each in marks_of(database(), key) if each.kind == "flag" and not each.taken_back_by), None)
    if flag is None:
        mark(database(), version.id, key, "flag", curator=curator())
    else:
        take_back(database(), flag.id, curator=curator())


@st.dialog("Why?")
def _say_why(version: Version, facts: Facts, kind: MarkKind, following: str | None) -> None:
    """Ask for the words that go with a mark."""
    if kind == "exclude":
        whole = "and everything derived from it " if not facts.changes else ""
        st.markdown(f"The next build leaves this row {whole}out; this version stays as it is.")
    label = "Reason" if kind == "exclude" else "Comment"
    text = st.text_area(label, key=f"row_why_{kind}", max_chars=4000, height=100)
    if st.button("Exclude" if kind == "exclude" else "Keep the comment", type="primary", key=f"row_why_{kind}_go"):
        try:
            mark(database(), version.id, facts.key, kind, curator=curator(), text=text)
        except WorkbenchError as problem:
            st.error(f"{problem.message} {problem.hint}")
            return
        if kind == "exclude":
            st.session_state.row_told = f"{plain(facts.title)} is excluded. Build again to leave it out."
            go_to_row(following or facts.key)
        st.rerun()


def _tab(name: str, version: Version, facts: Facts, row: Row, structure: MusicStructure) -> None:
    match name:
        case "Messages":
            _messages(facts, row)
        case "Findings":
            request = Request.model_validate(dict(row.request))
            report = check(structure, request=request, profile=own_profile(structure))
            st.markdown(f"**{counts_words(report)}**")
            findings_list(report, shelf().put(structure).id, key="row_findings")
        case "Source":
            _source(facts, row)
        case "Rights":
            gone = withdrawn_sources(database(), [facts.source], str(version.recipe.get("use", "commercial_training")))
            for why in gone.values():
                st.error(f"Withdrawn since this version was made: {plain(why)}", icon=":material/gavel:")
            rights_verdicts(read_rights(dict(row.rights)))
        case "Related":
            _related(version, facts, structure)
        case "Marks":
            _marks(facts)


def _messages(facts: Facts, row: Row) -> None:
    """The conversation as a provider would get it, and the answers, word for word."""
    said = [(ROLES[message.role], message.content) for message in row.prompt]
    st.markdown(quiet(f"{facts.tokens_in:,} tokens in the prompt, {facts.tokens_out:,} in the answer"))
    for at, (role, content) in enumerate(said):
        with st.expander(role, expanded=role != "System", key=f"row_message_{at}"):
            st.code(content, language=None, wrap_lines=True)
    for role, content in (("Assistant" if not row.rejected else "Chosen", row.answer), ("Rejected", row.rejected)):
        if content:
            with st.expander(role, expanded=True, key=f"row_answer_{role}"):
                st.code(content, language="json", wrap_lines=True)


def _source(facts: Facts, row: Row) -> None:
    rows = {
        "Row": facts.key,
        "Derived by": changes_words(facts.changes),
        "Group": facts.group,
        "Chosen because": str(row.source.get("why") or ""),
        "Content hash": facts.digest[:16],
    }
    lines = [f"| {quiet(name)} | {plain(text)} |" for name, text in rows.items() if text]
    st.markdown("| What | |\n|---|---|\n" + "\n".join(lines))
    for id in examples_of(facts.source):
        item = find(database(), id)
        now = f"{item.status}, version {item.version} now" if item else "no longer in the library"
        then = f", version {row.source.get('revision')} in this row" if item else ""
        st.markdown(f"From the example [{plain(id)}](/examples?example={quote(id)}): {now}{then}.")
    if row.shown:
        shown = ", ".join(f"[{plain(id)}](/examples?example={quote(id)})" for id in row.shown)
        st.markdown(f"The prompt shows {shown}.")


def _related(version: Version, facts: Facts, structure: MusicStructure) -> None:
    """What of the version is in the same group, and what of the library is nearest."""
    family, count = page_of(database(), version.id, RowFilters(group=facts.group), most=RELATED)
    others = [each for each in family if each.key != facts.key]
    st.markdown(f"**{count - 1:,}** other row{'' if count == 2 else 's'} in its group, all in the same split.")
    lines = [
        f"- [{plain(each.title)}](?{urlencode({VERSION: version.id, ROW: each.key})}) "
        f"{quiet(plain(changes_words(each.changes) or 'original'))}"
        for each in others[:RELATED]
    ]
    st.markdown("\n".join(lines))
    own = examples_of(facts.source)
    near = nearness().nearest(structure, 6)
    if near is None:
        st.markdown(quiet("The library is being read: look again in a moment."))
        return
    near = tuple(each for each in near if each.id not in own)[:5]
    st.markdown("Nearest in the library:" if near else quiet("Nothing else in the library is like it."))
    st.markdown(
        "\n".join(
            f"- [{plain(each.id)}](/examples?example={quote(each.id)}) "
            f"{quiet(f'{each.likeness:.0%} alike: {plain(each.why)}')}"
            for each in near
        )
    )


def _marks(facts: Facts) -> None:
    found = marks_of(database(), facts.key)
    if not found:
        st.markdown(quiet("Nobody has marked this row."))
    for each in found:
        with st.container(horizontal=True, vertical_alignment="center"):
            words = {"flag": "flagged it", "exclude": "excluded it", "comment": "wrote"}[each.kind]
            said = f": {plain(each.text)}" if each.text else ""
            back = f" {quiet(f'taken back by {plain(each.taken_back_by)}')}" if each.taken_back_by else ""
            st.markdown(f"**{plain(each.curator)}** {words}, {ago(each.at)}{said}{back}", width="stretch")
            if not each.taken_back_by:
                st.button("Take back", key=f"mark_{each.id}", type="tertiary", on_click=lambda id=each.id: _back(id))


def _back(id: int) -> None:
    try:
        take_back(database(), id, curator=curator())
    except WorkbenchError as problem:
        st.session_state.row_told = f"{problem.message} {problem.hint}"
