"""Answers that were made elsewhere: taken in beside the page, as a run of their own."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.importing import import_run
from workbench.core.experiments.runs import Run, runs
from workbench.views.compare.places import go_to_run
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.visits import this_visit

LARGEST = 200
"""Megabytes of a file; ``python -m workbench evaluate import`` takes larger ones."""
FEW = 100_000
"""Bytes for which no process is begun: that would take longer."""
EVERY = 0.5
MAX_NAME = 80
_log = logging.getLogger(__name__)


@dataclass
class Import:
    """One file on its way in: ``reading``, then ``done`` with the run's id, or ``failed`` and why."""

    file: str
    state: Literal["reading", "done", "failed"] = "reading"
    message: str = ""
    run: str = ""
    thread: threading.Thread | None = field(default=None, repr=False)


@st.cache_resource(show_spinner=False)
def _imports() -> dict[str, Import]:
    """The last import of each visitor, as long as this process lives."""
    return {}


def taking_in() -> None:
    """What is being taken in, and the form for more."""
    last = _imports().get(this_visit().visitor)
    if last is not None:
        st.fragment(_watch, run_every=EVERY if last.state == "reading" else None)(last, last.state)
    _form(busy=last is not None and last.state == "reading")


def _watch(last: Import, drawn: str) -> None:
    if last.state == "done":
        _imports().pop(this_visit().visitor, None)
        go_to_run(last.run)
        st.rerun()
    if last.state != drawn:
        st.rerun()
    if last.state == "reading":
        st.markdown(f":material/hourglass_top: {plain(last.file)} is being read and measured …")
    else:
        st.error(f"{plain(last.file)} was not taken in. {plain(last.message)}", icon=":material/error:")


def _form(*, busy: bool) -> None:
    st.markdown(
        quiet('A JSONL file, each line `{"request": {…}, "raw": "…"}`: what was asked, and the answer as it came.')
    )
    most = min(LARGEST, int(st.get_option("server.maxUploadSize")))
    file = st.file_uploader("Answers", type=["jsonl"], key="import_answers", max_upload_size=most)
    stem = PurePosixPath(file.name).stem[:MAX_NAME] if file else ""
    known = {each.id: each for each in runs(database()) if not each.imported}
    with st.grid(3, min_column_width=200, gap="small"):
        name = st.text_input("Name of the run", key="import_run_name", max_chars=MAX_NAME, placeholder=stem)
        variant = st.text_input("What answered", "imported", key="import_variant", max_chars=MAX_NAME)
        like = st.selectbox(
            "They answer the requests of", list(known), index=None, key="import_like",
            format_func=lambda id: known[id].label, placeholder="None: each stands for itself",
            help="Then they are held to the same plans, and only those that answer one of its requests count.",
        )  # fmt: skip
    if st.button(
        "Import", icon=":material/upload_file:", key="import_answers_go", disabled=busy or file is None
    ):  # fmt: skip
        assert file is not None
        other = known.get(like) if like else None
        begin_import(
            file, file.name, name=name.strip() or (other.name if other else stem) or "imported",
            variant=variant.strip() or "imported", like=other, who=curator(), visitor=this_visit().visitor,
        )  # fmt: skip
        st.rerun()


def begin_import(
    file: BinaryIO, file_name: str, *, name: str, variant: str, like: Run | None, who: str, visitor: str
) -> Import:
    """Begin to take a file in, beside the page, from a copy that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-answers-"))
    copy, library = folder / "answers.jsonl", database()
    found = Import(file_name.replace("\\", "/").rpartition("/")[2][-120:])

    def work() -> None:
        try:
            processes = 0 if copy.stat().st_size <= FEW else min(4, os.cpu_count() or 1)
            run = import_run(
                library, copy, name=name, variant=variant, like=like, curator=who, processes=processes
            )  # fmt: skip
            found.run, found.state = run.id, "done"
        except WorkbenchError as problem:
            found.message, found.state = f"{problem.message} {problem.hint}", "failed"
        except Exception as problem:
            _log.exception("answers could not be taken in")
            found.message, found.state = f"It failed: {type(problem).__name__}.", "failed"
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        with copy.open("wb") as out:
            shutil.copyfileobj(file, out)
        found.thread = threading.Thread(target=work, name="import answers", daemon=True)
        _imports()[visitor] = found
        found.thread.start()
        return found
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
