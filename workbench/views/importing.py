"""Bringing files into the queue: scores, analyses and structures, read beside the page, with progress and a stop."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

from workbench.core.generate.intake import Taken, take_in
from workbench.core.library.importers import all_formats
from workbench.core.library.rights import Rights
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.rights_form import rights_form, rights_verdicts
from workbench.views.visits import this_visit

EVERY = 0.5
MAX_SHOWN = 200


@dataclass
class ImportRun:
    """One batch while it is read; written by its thread, read by the page."""

    total: int
    done: int = 0
    name: str = ""
    outcomes: list[Taken] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    running: bool = True
    problem: str = ""


@st.cache_resource(show_spinner=False)
def _runs() -> dict[str, ImportRun]:
    """The latest batch of each person, so that a reload finds it."""
    return {}


def importing() -> None:
    """The files, their rights, and what becomes of them."""
    formats = all_formats()
    run = _runs().get(this_visit().visitor)
    left, right = st.columns([3, 2], gap="large")
    with left:
        files = st.file_uploader(
            "Files", accept_multiple_files=True, key="import_files", max_upload_size=2,
            help="; ".join(f"{each.title}: {', '.join(each.endings)}" for each in formats),
        )  # fmt: skip
        st.markdown(
            quiet(
                "Read are " + ", ".join(sorted({each.title for each in formats})) + ". Each piece waits in the queue."
            )
        )
        with st.expander("Rights of these files", icon=":material/gavel:"):
            st.markdown(quiet("What is left open here is completed piece by piece, before anything can be approved."))
            rights = rights_form(Rights(()), key="import_rights", holder=curator().partition(" ·")[0])
        busy = run is not None and run.running
        if st.button("Import", type="primary", disabled=not files or busy, key="import_go"):
            _begin([(file.name, file.getvalue()) for file in files], rights)
            st.rerun()
    with right:
        if rights.layers:
            rights_verdicts(rights)
    if run is not None:
        st.fragment(_progress, run_every=EVERY if run.running else None)(run.running)


def _begin(files: list[tuple[str, bytes]], rights: Rights) -> None:
    run = ImportRun(len(files))
    _runs()[this_visit().visitor] = run
    who, library = curator(), database()

    def told(done: int, name: str) -> None:
        run.done, run.name = done, name

    def work() -> None:
        try:
            for outcome in take_in(library, files, curator=who, rights=rights, stop=run.stopping.is_set, progress=told):
                run.outcomes.append(outcome)
        except Exception as problem:
            run.problem = f"It stopped: {type(problem).__name__}. What came in before stays."
            raise
        finally:
            run.running = False

    threading.Thread(target=work, name="import", daemon=True).start()


def _progress(was_running: bool) -> None:
    run = _runs().get(this_visit().visitor)
    if run is None:
        return
    if was_running and not run.running:
        st.rerun()
    if run.running:
        st.progress(run.done / max(1, run.total), f"{run.done} of {run.total}  {run.name}")
        st.button("Stop", icon=":material/stop_circle:", key="import_stop", on_click=run.stopping.set)
    if run.problem:
        st.error(run.problem)
    new = sum(outcome.new for outcome in run.outcomes)
    failed = sum(bool(outcome.problem) for outcome in run.outcomes)
    rest = len(run.outcomes) - new - failed
    st.markdown(f"**{new}** new in the queue, **{rest}** known already, **{failed}** could not be read.")
    for outcome in run.outcomes[-MAX_SHOWN:]:
        notes = quiet(plain(" ".join(outcome.notes)[:300]))
        if outcome.problem:
            st.markdown(f":red-badge[failed] {plain(outcome.name)}: {plain(outcome.problem[:400])}")
        elif outcome.id:
            st.markdown(
                f":green-badge[new] [{plain(outcome.title)}](?example={outcome.id}) {plain(outcome.name)} {notes}"
            )
        else:
            st.markdown(f":gray-badge[known] {plain(outcome.name)} {notes}")
