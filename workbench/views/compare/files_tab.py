"""The files of a run: a report that stands alone, all results as tables, and the specification."""

from __future__ import annotations

import streamlit as st

from workbench.core.experiments.runs import Run
from workbench.views.compare.downloads import NUMBERS, SPECIFICATION, TABLES, url_of
from workbench.views.datasets.files import size_words
from workbench.views.details import plain, quiet
from workbench.views.engine import reports

EVERY = 1.0
_ABOUT = {
    "csv": "for a spreadsheet", "jsonl": "a JSON object a line", "parquet": "compressed, for analysis",
}  # fmt: skip


def files_tab(run: Run) -> None:
    """The whole tab."""
    if not run.done:
        st.markdown("No cell has ended yet.")
        _specification(run)
        return
    st.subheader("Report", anchor=False)
    st.markdown(
        quiet(
            "One HTML file: findings, figures, tables and pieces. It opens without the workbench and without a network."
        )
    )
    if run.done < run.cells:
        st.markdown(f":material/info: {run.done:,} of {run.cells:,} cells have ended: it tells of those.")
    making = any(reports().state(run, sound=sound).state == "making" for sound in (True, False))
    st.fragment(_reports, run_every=EVERY if making else None)(run, making)
    st.subheader("Results", anchor=False)
    st.markdown(quiet("A row a cell: what was asked of whom, what it took, and every metric."))
    lines = [
        f"| {_link(run, name)} | {_link(run, short)} | {_ABOUT[name.rpartition('.')[2]]} |"
        for name, short in zip(TABLES, NUMBERS, strict=True)
    ]
    st.markdown("| With requests, answers and pieces | Numbers alone | |\n|---|---|---|\n" + "\n".join(lines))
    _specification(run)


def _specification(run: Run) -> None:
    st.subheader("Specification", anchor=False)
    st.markdown(f"{_link(run, SPECIFICATION)}  \n{quiet('Runs again with `python -m workbench evaluate run FILE`.')}")


def _reports(run: Run, making: bool) -> None:
    """The two reports, as they stand; while one is made, drawn every second."""
    for name, sound, words in (("report.html", True, "With sound"), ("report-silent.html", False, "Without sound")):
        found = reports().state(run, sound=sound)
        with st.container(horizontal=True, vertical_alignment="center", key=f"run_{name.partition('.')[0]}"):
            if found.state == "ready":
                st.link_button(
                    f"Download, {words.lower()} ({size_words(found.size)})", url_of(run.id, name),
                    icon=":material/download:",
                )  # fmt: skip
                continue
            st.button(
                f"Make it, {words.lower()}", icon=":material/description:", key=f"make_{name.partition('.')[0]}",
                disabled=found.state == "making", on_click=reports().make, args=(run,), kwargs={"sound": sound},
            )  # fmt: skip
            if found.state == "making":
                st.markdown(quiet("It is being made …"))
            elif found.state == "failed":
                st.markdown(f":red[:material/error: {plain(found.message)}]")
    if making != any(reports().state(run, sound=sound).state == "making" for sound in (True, False)):
        st.rerun()


def _link(run: Run, name: str) -> str:
    return f"[{name}]({url_of(run.id, name)})"
