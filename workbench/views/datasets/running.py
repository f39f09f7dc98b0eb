"""Builds as they run: how far they are, a way to stop them, and what became of the last one."""

from __future__ import annotations

import streamlit as st

from workbench.core.datasets.building.builds import BuildRecord, Builds, builds, clear_up, find_build
from workbench.views.datasets.choice import go_to_version
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.takes_strip import ago

EVERY = 1.0
MAX_TOLD = 20
BUILD = "build"
"""The query parameter that names the build on the page."""


@st.cache_resource(show_spinner=False)
def builder() -> Builds:
    """The builds of this process; with the first call, what a killed process has left is cleared up."""
    clear_up(database())
    return Builds(database())


def running_builds() -> None:
    """What is being built now, and the build that the address names."""
    builder()
    shown = st.query_params.get(BUILD, "")
    live = [each for each in builds(database()) if each.state == "running"]
    if live or shown:
        st.fragment(_watch, run_every=EVERY if live else None)(tuple(each.id for each in live), shown)


def _watch(live: tuple[str, ...], shown: str) -> None:
    for id in dict.fromkeys([*live, *([shown] if shown else [])]):
        record = find_build(database(), id)
        if record is None:
            continue
        if record.state == "running":
            _progress(record)
        elif id in live:
            if id == shown and record.version_id:  # whoever has not begun it stays where they are
                go_to_version(record.version_id)
            st.rerun()
        else:
            _ended(record)


def _progress(record: BuildRecord) -> None:
    share = min(1.0, record.done / record.total) if record.total else 0.0
    name = plain(str(record.recipe.get("name", "")))
    count = f" {record.done:,} of {record.total:,}" if record.total else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(share, f"**{name}**: {record.phase}{count}", width="stretch")
        if builder().runs(record.id):
            st.button(
                "Stop", icon=":material/stop_circle:", key=f"stop_{record.id}",
                on_click=lambda: builder().stop(record.id),
            )  # fmt: skip


def _ended(record: BuildRecord) -> None:
    """What became of a build; the faults that block one, each in its own words."""
    name = plain(str(record.recipe.get("name", "")))
    with st.container(border=True, key="build_ended"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{name}** {_STATES[record.state]} {plain(record.message)}", width="stretch")
            if st.button("Close", key="build_close", type="tertiary"):
                st.query_params.pop(BUILD, None)
                st.rerun()
        report = record.report or {}
        left_out = report.get("left_out") or {}
        for words, count in sorted(left_out.items()):
            st.markdown(quiet(f"Left out: {count:,} {plain(words)}"))
        findings = sorted(report.get("findings", ()), key=lambda each: each["severity"] != "error")
        for each in findings[:MAX_TOLD]:
            color = "red" if each["severity"] == "error" else "orange"
            # In a file from elsewhere the line is what is looked for; the row's key ends with it.
            line, key = each.get("line"), plain(each.get("key") or "")
            where = f"Line {line}: " if line is not None else f"{key}: " if key else ""
            st.markdown(
                f":{color}-badge[{each['severity']}] {where}{plain(each['message'])} {quiet(plain(each['hint']))}"
            )
        rest = report.get("errors", 0) + report.get("warnings", 0) - len(findings[:MAX_TOLD])
        if rest > 0:
            st.markdown(quiet(f"and {rest:,} more"))
        if record.state == "interrupted":
            st.markdown(quiet(f"Begun {ago(record.created_at)}."))


_STATES = {
    "done": "is built.",
    "blocked": "is not built:",
    "stopped": "was stopped.",
    "failed": "failed.",
    "interrupted": "was interrupted.",
}
