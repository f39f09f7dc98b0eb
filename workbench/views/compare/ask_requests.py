"""What is asked: combinations, a dataset's split, or a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from workbench.core.datasets.recipes import MOODS
from workbench.core.datasets.rows import SPLITS
from workbench.core.datasets.versions import Version, versions
from workbench.core.experiments.specification import MAX_MODEL_SEED, MAX_REQUESTS
from workbench.core.music.forms import FORM_IDS, FORMS, PERIODS
from workbench.core.music.keys import ALL_KEYS, parse_key
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.views.compare.draft import fill, key_of
from workbench.views.compare.form_values import MOST_LIST, SOURCES
from workbench.views.datasets.choice import version_words
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.places import DATASETS

SHOWN = 20_000
"""Characters up to which a list is shown to be edited."""
LENGTHS = ("20", "30", "40", "60", "90", "120", "180")
MEGABYTES = 1


def ask_requests(held: dict[str, Any]) -> None:
    """The widgets; what they say goes into the form's values."""
    st.subheader("Requests", anchor=False)
    held["source"] = st.radio(
        "From", list(SOURCES), key=fill("source", held["source"]), horizontal=True, format_func=SOURCES.__getitem__
    )
    {"grid": _grid, "dataset": _dataset, "list": _list}[held["source"]](held)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        most = st.number_input(
            "At most", 1, MAX_REQUESTS, None, 10, key=fill("most", held["most"]), placeholder="All", width=160,
            help="Of combinations a balanced part, of a split a sample, of a list the first.",
        )  # fmt: skip
        held["most"] = None if most is None else int(most)
        if most is not None:
            seed = st.number_input(
                "Which, by seed", 0, MAX_MODEL_SEED, step=1, key=fill("request_seed", held["request_seed"]), width=160
            )
            held["request_seed"] = int(seed or 0)


def _grid(held: dict[str, Any]) -> None:
    with st.grid(2, min_column_width=220, gap="small"):
        _levels(held, "form", "Forms", FORM_IDS, lambda name: FORMS[name].title.partition(" (")[0])
        _levels(held, "period", "Periods", PERIODS, str.capitalize)
        _levels(held, "mood", "Moods", MOODS, str, new=True, help="Or a valence and an arousal: 0.3/0.8.")
        _levels(held, "key", "Keys", tuple(each.name for each in ALL_KEYS), _key_words)
        _levels(held, "time_signature", "Meters", TIME_SIGNATURES, str)
        _levels(held, "duration", "Lengths in seconds", LENGTHS, str, new=True, help="Choose, or type others.")
    st.markdown(quiet("Every combination is asked once. What is left open the planner decides."))


def _levels(
    held: dict[str, Any], field: str, label: str, known: tuple[Any, ...], words: Callable[[str], str], *,
    new: bool = False, help: str | None = None,
) -> None:  # fmt: skip
    chosen = [str(each) for each in held[field]]
    options = list(dict.fromkeys([*map(str, known), *chosen]))
    held[field] = st.multiselect(
        label, options, key=fill(field, chosen), format_func=lambda name: words(name) if name in known else name,
        placeholder="Left open", accept_new_options=new, help=help,
    )  # fmt: skip


def _key_words(name: str) -> str:
    return parse_key(name).pretty


def _dataset(held: dict[str, Any]) -> None:
    known = versions(database())
    if not known:
        st.markdown("There is no dataset yet.")
        st.page_link(DATASETS, label="Build a dataset", icon=":material/dataset:")
        return
    by_id = {each.id: each for each in known}
    named = _named(known, str(held["dataset"]))
    key = key_of("dataset")
    if st.session_state.get(key) not in by_id:
        st.session_state[key] = (named or known[0]).id
    if held["dataset"] and named is None:
        st.warning(f"There is no version {plain(str(held['dataset'])[:60])} any more.", icon=":material/info:")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        held["dataset"] = st.selectbox(
            "Version", list(by_id), key=key, format_func=lambda id: version_words(by_id[id]), width="stretch"
        )
        counts = by_id[held["dataset"]].summary["splits"]
        held["split"] = st.radio(
            "Split", SPLITS, key=fill("split", held["split"]), horizontal=True,
            format_func=lambda name: f"{name} {counts.get(name, 0):,}",
        )  # fmt: skip


def _named(known: tuple[Version, ...], wanted: str) -> Version | None:
    return next((each for each in known if wanted in (each.id, each.label, each.name)), None)


def _list(held: dict[str, Any]) -> None:
    text = str(held["list"])
    if len(text) <= SHOWN:
        held["list"] = st.text_area(
            "One request a line, as JSON", key=fill("list", text), height=180, max_chars=SHOWN,
            placeholder='{"form": "ABA", "duration": 40}\n{"form": "rondo", "duration": 60, "key": "D minor"}',
        )  # fmt: skip
    else:
        lines = text.count("\n") + 1
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{lines:,} lines**, beginning with {quiet(plain(text[:80]))} …", width="stretch")
            st.button("Take them out", key=key_of("list_clear"), on_click=_clear, args=(held,))
    file = st.file_uploader(
        "Or from a file", type=["jsonl", "json"], key=key_of("list_file"), max_upload_size=MEGABYTES,
        help=f"JSON Lines of requests, or of answers, whose requests are taken. At most {MEGABYTES} MB.",
    )  # fmt: skip
    if file is not None:
        st.button("Take the file's requests", key=key_of("list_take"), on_click=_take, args=(held, file))


def _clear(held: dict[str, Any]) -> None:
    held["list"] = ""
    st.session_state.pop(key_of("list"), None)


def _take(held: dict[str, Any], file: Any) -> None:
    """Take a file over as the list; one that is too long, or no text, is told of where problems are."""
    data: bytes = file.getvalue()
    if len(data) > MOST_LIST:
        st.session_state.spec_told = "The file is longer than 1 MB. Use the command line for it."
        return
    try:
        held["list"] = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        st.session_state.spec_told = "The file is no text in UTF-8."
        return
    st.session_state.pop(key_of("list"), None)
