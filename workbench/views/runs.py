"""Generations on the page: growing while they are written, side by side when there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.generate.growing import salvaged
from workbench.core.generate.live import Live
from workbench.core.library.generations import GenerationRecord, batch_of, find_generation, unfinished_batches
from workbench.core.library.takes import Take
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure, piece_id, section_measures
from workbench.views.details import clock, plain, quiet
from workbench.views.engine import database, jobs
from workbench.views.pieces import shelf
from workbench.views.player import come_into_sight, growing_player, player
from workbench.views.takes_strip import RUN, piece_title, show_take
from workbench.views.visits import this_visit

EVERY = 0.4
"""Seconds between two looks at how far it is; the player itself hears of each section at once."""
ELSEWHERE = 1.5
"""Seconds between two looks at whether a piece that nobody watches is finished."""

OUTCOMES = {
    "first-try": ("Valid at the first try", "green"),
    "repaired": ("Repaired", "blue"),
    "re-asked": ("Asked again", "orange"),
    "fell-back": ("Rules stepped in", "orange"),
}
STATES = {
    "stopped": "Stopped. What was complete is kept.",
    "interrupted": "The server stopped meanwhile. What was complete is kept.",
    "failed": "Nothing came of it.",
}


@dataclass(frozen=True)
class Shown:
    """A generation as a page shows it, whether it runs here or was read from the database."""

    id: str
    label: str
    state: str
    phase: str
    seconds: float
    request: Request
    structure: MusicStructure | None
    plan: Mapping[str, Any] | None
    sections: int
    characters: int
    outcome: str
    counts: Mapping[str, int]
    usage: Mapping[str, Any]
    message: str
    unfit: int = 0
    """Sections that were written, but did not fit between those that stay, so that the old ones stand."""
    why: str = ""
    """Why the rules stepped in, where they did."""

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.state in {"queued", "running"}


def shown_runs(batch: str) -> list[Shown]:
    """The generations of a batch, from this process or the database."""
    lives = jobs().batch(batch)
    if lives:
        return [_from_live(live) for live in lives]
    return [_from_record(record) for record in batch_of(database(), batch)]


def begin_watching(batch: str) -> None:
    """Put a batch into the address, so that a reload finds it."""
    st.query_params[RUN] = batch


def stop_watching() -> None:
    """Take the batch out of the address."""
    if RUN in st.query_params:
        del st.query_params[RUN]


def runs_view(batch: str) -> bool:
    """Draw a batch; False when there is nothing of it to be seen, or it has become the take on the page."""
    runs = shown_runs(batch)
    if not runs:
        st.session_state.notice = "The generation in this link is not kept here."
        stop_watching()
        return False
    if len(runs) == 1 and not runs[0].running and runs[0].structure is not None and not runs[0].message:
        open_run(runs[0])
        return False
    # One fragment before and after the end: the players stay as they are, and what is heard plays on.
    running = any(run.running for run in runs)
    st.fragment(_growing, run_every=EVERY if running else None)(batch, running)
    return True


def still_writing(batch: str | None) -> None:
    """A word on generations that this person has begun and does not see, until they have ended."""
    if _unseen(batch):
        st.fragment(_still_writing, run_every=ELSEWHERE)(batch)


def _unseen(batch: str | None) -> list[str]:
    return [other for other in unfinished_batches(database(), this_visit().visitor) if other != batch]


def _still_writing(batch: str | None) -> None:
    others = _unseen(batch)
    if not others:
        this_visit().refresh()  # what was written is among the takes now
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="still_writing"):
        st.markdown(quiet("A piece is still being written."))
        if st.button("Watch it", key=f"watch_{others[0]}", icon=":material/visibility:"):
            begin_watching(others[0])
            st.rerun()


def open_run(run: Shown) -> None:
    """Make what a generation has made the take on the page."""
    assert run.structure is not None
    visit = this_visit()
    visit.refresh()
    take = visit.look_up(piece_id(run.structure))
    if take is not None:
        show_take(take)  # the address is then the take's alone
        if run.why:
            st.session_state.notice = f"{plain(run.why)} The rules stepped in: Trace tells all of it."
        elif run.unfit:
            what = "One section" if run.unfit == 1 else f"{run.unfit} sections"
            st.session_state.notice = f"{what} of what was written did not fit, and stayed as before."


def _growing(batch: str, running: bool) -> None:
    runs = shown_runs(batch)
    if running and not any(run.running for run in runs):
        this_visit().refresh()
        st.rerun()
    _side_by_side(runs)


def _side_by_side(runs: list[Shown]) -> None:
    if len(runs) == 1:
        _card(runs[0], alone=True)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"{len(runs)} variants", anchor=False)
        if not any(run.running for run in runs) and st.button("Close", icon=":material/close:", key="close_runs"):
            stop_watching()
            st.rerun()
    grid = st.grid(2 if len(runs) != 3 else 3, min_column_width=400, gap="medium")
    for run in runs:
        with grid.cell(), st.container(border=True, key=f"run_{run.id}"):
            _card(run)


def _card(run: Shown, *, alone: bool = False) -> None:
    structure = run.structure
    title = plain(piece_title(structure)) if structure is not None else "A piece"
    if alone:
        st.title(title, anchor=False)
        st.markdown(quiet(plain(run.label)))
    else:
        st.markdown(f"**{plain(run.label)}**  \n{title}")
    st.markdown(_where(run) + (f"  \n{quiet(plain(run.why))}" if run.why else ""))
    with st.container():  # always there, so that the player keeps its place
        if run.running:
            st.button(
                "Stop", icon=":material/stop_circle:", key=f"stop_{run.id}", on_click=lambda: jobs().stop(run.id),
                help="What is complete is kept.",
            )  # fmt: skip
    if run.running and jobs().live(run.id) is not None:
        growing_player(run.id, key=f"player_{run.id}")
    elif structure is not None:
        try:
            player(shelf().put(structure), key=f"player_{run.id}")
        except WorkbenchError as problem:
            st.warning(f"{problem.message} {problem.hint}")
    elif run.running:
        st.skeleton(height=320)
    if not run.running:
        _ending(run)


def _where(run: Shown) -> str:
    """How far it is, in one line."""
    if not run.running:
        return facts_line(run)
    parts = [f":material/edit: {run.phase}", f"{run.seconds:.0f} s"]
    planned = (run.plan or {}).get("sections") or []
    if planned:
        done = min(run.sections, len(planned))
        parts.append(f"section {min(done + 1, len(planned))} of {len(planned)}")
        if run.structure is not None and done:
            bars = sum(section_measures(section) for section in run.structure.sections)
            parts.append(f"{bars} of {(run.plan or {}).get('measures', '?')} bars")
    if run.characters:
        parts.append(f"{run.characters:,} characters")
    return "  ·  ".join(parts)


def outcome_badge(take: Take) -> str:
    """How a generated take came about; empty where the rules wrote it by themselves, or nobody knows."""
    record = find_generation(database(), take.generation_id) if take.generation_id else None
    if record is None or (record.provider, record.outcome) == ("rules", "first-try"):
        return ""
    words, color = OUTCOMES.get(record.outcome or "", ("", "gray"))
    return f":{color}-badge[{words}]" if words else ""


def facts_line(run: Shown) -> str:
    """Outcome, findings, time, tokens and cost of a finished generation."""
    words, color = OUTCOMES.get(run.outcome, ("", "gray"))
    parts = [f":{color}-badge[{words}]"] if words else []
    if run.counts:
        errors, warnings = run.counts.get("error", 0), run.counts.get("warning", 0)
        parts.append(f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}")
    parts.append(clock(run.seconds) if run.seconds >= 60 else f"{run.seconds:.1f} s")
    tokens = int(run.usage.get("tokens_in") or 0) + int(run.usage.get("tokens_out") or 0)
    if tokens:
        parts.append(f"{'' if run.usage.get('exact', True) else 'about '}{tokens:,} tokens")
        cost = run.usage.get("cost")
        parts.append("no price known" if cost is None else f"\\${cost:.4f}")
    return "  ·  ".join(parts)


def _ending(run: Shown) -> None:
    if run.message:
        st.warning(STATES.get(run.state, "") + (f" {plain(run.message)}" if run.state == "failed" else ""))
    with st.container(horizontal=True):
        if run.structure is not None and st.button("Open", key=f"open_{run.id}", icon=":material/open_in_full:"):
            open_run(run)
            come_into_sight()
            st.rerun()
        if run.structure is None and st.button("Close", key=f"close_{run.id}", icon=":material/close:"):
            stop_watching()
            st.rerun()


def _from_live(live: Live) -> Shown:
    generation = live.generation
    return Shown(
        live.id, live.order.label, live.state, live.phase, live.seconds, live.order.request, live.structure,
        live.form.to_dict() if live.form else None, live.sections, live.characters,
        generation.outcome if generation else "", generation.report.counts if generation else {},
        generation.usage if generation else {}, live.message,
        *(_told([step.to_dict() for step in generation.trace], generation.outcome) if generation else ()),
    )  # fmt: skip


def _from_record(record: GenerationRecord) -> Shown:
    request = Request.model_validate(dict(record.request))
    structure = None
    if record.structure is not None:
        structure = MusicStructure.model_validate(dict(record.structure))
    elif record.partial:
        structure = salvaged(record.partial, request)
    end = record.finished_at or record.created_at
    return Shown(
        record.id, record.label, record.state, "Being written elsewhere", (end - record.created_at).total_seconds(),
        request, structure, record.plan, len(structure.sections) if structure else 0, len(record.partial),
        record.outcome or "", (record.report or {}).get("counts", {}), record.usage or {}, record.message,
        *_told(record.trace or (), record.outcome or ""),
    )  # fmt: skip


def _told(trace: Sequence[Mapping[str, Any]], outcome: str) -> tuple[int, str]:
    """What a trace tells besides the piece: how many sections did not fit, and why the rules stepped in."""
    if outcome != "fell-back":
        return next((len(step["unchanged"]) for step in reversed(trace) if "unchanged" in step), 0), ""
    failed = [step["error"]["message"] for step in trace if step.get("kind") == "call" and step.get("error")]
    return 0, str(failed[-1]) if failed else "What the model wrote could not be made valid."
