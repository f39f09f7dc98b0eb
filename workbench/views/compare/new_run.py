"""The form for a new run: what is asked, of whom, and what is measured; beside it what that would take."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.specification import read_specification
from workbench.core.music.reading import parse_json
from workbench.views.compare.ask_measures import ask_limits, ask_metrics, ask_seeds
from workbench.views.compare.ask_requests import ask_requests
from workbench.views.compare.ask_variants import ask_variants
from workbench.views.compare.draft import draft, fill, key_of, load, save, start_over
from workbench.views.compare.form_values import told_of
from workbench.views.compare.offering import offering
from workbench.views.compare.places import go_to_run
from workbench.views.curators import who
from workbench.views.details import plain, quiet

MEGABYTES = 1


def new_run() -> None:
    """The whole page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("All runs", icon=":material/arrow_back:", key="spec_back", on_click=go_to_run, args=("",))
        _from_file()
        st.button("Start over", icon=":material/restart_alt:", key="spec_over", type="tertiary", on_click=start_over)
    st.header("New run", anchor=False)
    told_of_file = st.session_state.pop("spec_told", "")
    if told_of_file:
        st.error(plain(told_of_file), icon=":material/error:")
    held = draft()
    left, right = st.columns([6, 5], gap="large")
    with left:
        held["name"] = st.text_input("Name of the run", key=fill("name", held["name"]), max_chars=80)
        ask_requests(held)
        ask_variants(held)
        st.subheader("Measuring", anchor=False)
        ask_seeds(held)
        ask_metrics(held)
        ask_limits(held)
        who()
    save()
    told, problems = told_of(held)
    with right:
        offering(told, problems)
        _as_file(told)


def _as_file(told: dict[str, Any]) -> None:
    text = json.dumps(_short(told), ensure_ascii=False, indent=1)
    with st.expander("As a file", icon=":material/data_object:", key="spec_json"):
        st.markdown(quiet("For `python -m workbench evaluate run FILE`."))
        st.download_button(
            "Download", text, f"{_file_name(told)}.json", "application/json", icon=":material/download:",
            key="spec_download", on_click="ignore",
        )  # fmt: skip
        st.code(text if len(text) < 20_000 else text[:20_000] + "\n…", language="json", height=320)


def _short(told: dict[str, Any]) -> dict[str, Any]:
    """What a specification says, without what it need not say."""
    try:
        found = read_specification(told)
    except InvalidInputError:
        return told
    plain_told = found.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"name": found.name, **plain_told}


def _file_name(told: dict[str, Any]) -> str:
    kept = "".join(each if each.isascii() and (each.isalnum() or each in "-_") else "-" for each in told["name"])
    return kept.strip("-")[:60] or "experiment"


# --- from a file -----------------------------------------------------------------------------------------------------


def _from_file() -> None:
    with st.popover("From a file", icon=":material/folder_open:"):
        file = st.file_uploader(
            "A specification", type=["json"], key=key_of("file"), max_upload_size=MEGABYTES,
            help=f"JSON, at most {MEGABYTES} MB, as it is downloaded here.",
        )  # fmt: skip
        st.button("Load the file", key="spec_file_go", disabled=file is None, on_click=_read_file, args=(file,))
        text = st.text_area("Or paste it", key=key_of("pasted"), height=160, max_chars=200_000)
        st.button("Load the text", key="spec_text_go", on_click=_pasted, disabled=not text)


def _read_file(file: Any) -> None:
    _read(file.getvalue())


def _pasted() -> None:
    _read(str(st.session_state.get(key_of("pasted")) or ""))


def _read(data: str | bytes) -> None:
    """Fill the form with a specification; one that is wrong changes nothing, and is told of."""
    try:
        load(read_specification(parse_json(data)))
    except InvalidInputError as problem:
        st.session_state.spec_told = f"{problem.message} {problem.hint}"
