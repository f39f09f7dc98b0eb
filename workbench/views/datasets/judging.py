"""One row of a sample, to be seen, heard and judged by one key; several people may work on a sample at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from workbench.core.datasets.review.samples import Judgement, Sample, find_sample, judge
from workbench.core.datasets.rows import Facts, Row
from workbench.core.datasets.versions import Version, find_row
from workbench.core.errors import ConflictError, InvalidInputError, WorkbenchError
from workbench.core.library.drafts import drop_draft, load_draft, save_draft
from workbench.core.music.forms import FORMS
from workbench.core.music.keys import parse_key
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure
from workbench.views.curators import curator
from workbench.views.datasets.choice import ROW, VERSION
from workbench.views.datasets.wording import changes_words
from workbench.views.details import clock, plain, quiet
from workbench.views.engine import database
from workbench.views.findings import counts_words, findings_list, own_profile, piece_report
from workbench.views.pieces import shelf
from workbench.views.player import player
from workbench.views.takes_strip import piece_title
from workbench.views.textbox import textbox
from workbench.views.visits import this_visit

TRIES = 5
"""How often a verdict is tried again where others judge other rows of the sample in the same moment."""
MAX_NOTE = 2_000


def judging(version: Version, sample: Sample) -> None:
    """The row that comes next, or the one that was opened again, with what can be said of it."""
    key = _current(sample)
    told = st.session_state.pop("audit_told", None)
    if told:
        (st.error if told[0] else st.success)(told[1], icon=":material/error:" if told[0] else ":material/check:")
    if key is None:
        st.success("All rows of this sample are judged.", icon=":material/done_all:")
        return
    found = find_row(database(), version.id, key)
    if found is None:
        raise InvalidInputError("This version has no such row.", hint="Reload the page.")
    facts, row = found
    seen, now = _seen(sample, key), sample.results.get(key)
    if now != seen and now is not None:
        st.warning(f"{_by(now)} judged this row {now['verdict']} since you opened it. Your next key tells.")
    _deciding(sample, key)
    _note(sample, key, now)
    _row(version, facts, row)


def open_again(sample: Sample, key: str | None) -> None:
    """Show a row of the sample, judged or not; with None the next one that nobody has judged."""
    st.session_state[f"audit_at_{sample.id}"] = key
    st.session_state.pop("audit_seen", None)


# --- which row -------------------------------------------------------------------------------------------------------


def _order(sample: Sample) -> tuple[str, ...]:
    """The rows in the order in which this person walks them: who has not drawn the sample begins at its end.

    So two people seldom have the same row before them; the order of a sample is by lot, so either is as good.
    """
    mine = sample.curator.rpartition("· ")[2] == this_visit().visitor[:4]
    return sample.keys if mine else sample.keys[::-1]


def _current(sample: Sample) -> str | None:
    at = st.session_state.get(f"audit_at_{sample.id}")
    if at in sample.keys:
        return str(at)
    key = next((each for each in _order(sample) if each not in sample.results), None)
    if key is not None:
        open_again(sample, key)  # it stays, also when somebody else judges it meanwhile
    return key


def _following(sample: Sample, key: str) -> str | None:
    """The next row after one that nobody has judged; past the end it goes on from the beginning."""
    order = _order(sample)
    at = order.index(key)
    return next((each for each in (*order[at + 1 :], *order[:at]) if each not in sample.results), None)


def _before(sample: Sample, key: str) -> str | None:
    order = _order(sample)
    at = order.index(key)
    return order[at - 1] if at else None


def _seen(sample: Sample, key: str) -> Mapping[str, Any] | None:
    """What had been said of the row when this person opened it: whatever redraws the page does not change that."""
    seen = st.session_state.get("audit_seen")
    if seen is None or seen["of"] != (sample.id, key):
        seen = st.session_state.audit_seen = {"of": (sample.id, key), "said": sample.results.get(key)}
    said: Mapping[str, Any] | None = seen["said"]
    return said


def _by(said: Mapping[str, Any]) -> str:
    return plain(str(said["curator"]).partition(" ·")[0])


# --- the verdict -----------------------------------------------------------------------------------------------------


def _deciding(sample: Sample, key: str) -> None:
    following, before = _following(sample, key), _before(sample, key)
    said = sample.results.get(key)
    verdict = said["verdict"] if said else ""
    with st.container(horizontal=True, gap="small", key="audit_deciding", vertical_alignment="center"):
        for name, words, stroke, icon in (("right", "Right", "Y", "check"), ("wrong", "Wrong", "W", "close")):
            st.button(
                words, icon=f":material/{icon}:", shortcut=stroke, key=f"audit_{name}",
                type="primary" if name == (verdict or "right") else "secondary",
                on_click=lambda name=name: _decide(sample, key, name),
            )  # fmt: skip
        st.button(
            "Skip", icon=":material/arrow_downward:", shortcut="S", key="audit_skip", disabled=following is None,
            on_click=lambda: open_again(sample, following),
        )  # fmt: skip
        st.button(
            "Back", icon=":material/arrow_upward:", shortcut="B", key="audit_back", disabled=before is None,
            on_click=lambda: open_again(sample, before),
        )  # fmt: skip
        place = f"row {_order(sample).index(key) + 1:,}"
        st.markdown(quiet(f"{place}, judged {said['verdict']} by {_by(said)}" if said else place))


def _decide(sample: Sample, key: str, verdict: Judgement) -> None:
    name = _draft_name(sample, key)
    before = sample.results.get(key)
    note = (load_draft(database(), this_visit().visitor, name) or {}).get("text", before["note"] if before else "")
    try:
        after = _judged(sample.id, key, verdict, note=str(note), seen=_seen(sample, key))
    except WorkbenchError as problem:
        st.session_state.pop("audit_seen", None)  # told: from now on they see the row as it is
        st.session_state.audit_told = (True, plain(f"{problem.message} {problem.hint}"))
        return
    drop_draft(database(), this_visit().visitor, name)
    renewed = f"audit_note_version_{_place(sample, key)}"
    st.session_state[renewed] = st.session_state.get(renewed, 0) + 1
    st.session_state.audit_told = (False, f"{verdict.capitalize()}: {plain(key)}. B goes back to it.")
    open_again(after, _following(after, key))


def _judged(sample: str, key: str, verdict: Judgement, *, note: str, seen: Mapping[str, Any] | None) -> Sample:
    """Write a verdict down, unless somebody has judged this very row since it was seen; other rows do not matter.

    Raises:
        ConflictError: somebody has judged the row.
        InvalidInputError: there is no such sample or row.
    """
    for _ in range(TRIES):
        now = find_sample(database(), sample)
        if now is None:
            raise InvalidInputError("There is no such sample.", hint="Reload the page.")
        said = now.results.get(key)
        if said is not None and said != seen:
            who, what = str(said["curator"]).partition(" ·")[0], said["verdict"]
            raise ConflictError(
                f"{who} has judged this row {what} meanwhile.",
                hint="Nothing was overwritten, and your note is kept: S goes on, Y or W replaces it.",
            )
        try:
            return judge(database(), sample, key, verdict, curator=curator(), version=now.version, note=note)
        except ConflictError:
            continue
    raise ConflictError("Others are judging in this sample just now.", hint="Press the key again.")


def _note(sample: Sample, key: str, said: Mapping[str, Any] | None) -> None:
    """The note that goes with the verdict; kept while one types."""
    visit, name, place = this_visit(), _draft_name(sample, key), _place(sample, key)
    kept = (load_draft(database(), visit.visitor, name) or {}).get("text", said["note"] if said else "")
    textbox(
        "Note", str(kept), key=f"audit_note_{place}", rows=2, most=MAX_NOTE,
        version=st.session_state.get(f"audit_note_version_{place}", 0), placeholder="What is wrong",
        on_typed=lambda text: save_draft(database(), visit.visitor, name, {"text": text}),
    )  # fmt: skip


def _place(sample: Sample, key: str) -> str:
    """The row within all samples, in few letters: keys may be longer than a draft's name."""
    return f"{sample.id}_{sample.keys.index(key)}"


def _draft_name(sample: Sample, key: str) -> str:
    return f"audit:{_place(sample, key)}"


# --- the row ---------------------------------------------------------------------------------------------------------


def _row(version: Version, facts: Facts, row: Row) -> None:
    structure = _which(row)
    request = Request.model_validate(dict(row.request))
    piece = shelf().put(structure)
    st.title(plain(piece_title(structure)), anchor=False)
    about = [facts.split, changes_words(facts.changes) or "original", clock(facts.seconds)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(quiet(plain("  ·  ".join(about))))
        link = "?" + urlencode({VERSION: version.id, ROW: facts.key})
        st.link_button("All of the row", link, type="tertiary", icon=":material/open_in_new:")
    st.markdown(f"**Asked for:** {plain(request_words(request))}")
    try:
        player(piece, key="audit_player")
    except WorkbenchError as problem:
        st.warning(f"{problem.message} {problem.hint}")
    profile = str(version.recipe.get("profile") or "") or own_profile(structure)
    report = piece_report(piece, request, profile)
    st.markdown(f"**{counts_words(report)}**")
    findings_list(report, piece.id, key="audit_findings")


def _which(row: Row) -> MusicStructure:
    """The piece to look at: the answer, or of a pair either one."""
    rejected = row.rejected_structure
    if rejected is None:
        return row.structure
    side = st.segmented_control(
        "Answer", ["Chosen", "Rejected"], default="Chosen", key="audit_side", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    return rejected if side == "Rejected" else row.structure


def request_words(request: Request) -> str:
    """A request in a line: what was asked for, and nothing that was left open."""
    form = FORMS[request.form].title.partition(" (")[0] if request.form in FORMS else request.form
    parts = [
        mood_word(request.valence, request.arousal),
        form,
        request.period,
        parse_key(request.key).pretty if request.key else "",
        request.time_signature,
        f"tempo {request.tempo:g}" if request.tempo else "",
        clock(request.duration),
        request.instrumentation,
    ]
    said = " · ".join(part for part in parts if part)
    return f"{said} · “{request.brief}”" if request.brief else said
