"""Files from elsewhere: taken in as versions, beside the page, and marked when their rights are withdrawn."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import streamlit as st

from workbench.core.datasets.building.build import Built
from workbench.core.datasets.building.planning import Told
from workbench.core.datasets.files.imports import import_file
from workbench.core.datasets.rows import SPLITS, Split
from workbench.core.datasets.versions import Version
from workbench.core.datasets.withdrawn import withdraw_import, withdrawn
from workbench.core.errors import WorkbenchError
from workbench.core.library.rights import Rights, uses_of
from workbench.views.curators import curator
from workbench.views.datasets.running import BUILD, builder
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.rights_form import USE_WORDS, rights_form, rights_verdicts

LARGEST = 200
"""Megabytes of a file; ``python -m workbench dataset import`` takes larger ones."""
MAX_NAME = 80
TRAINING = ("commercial_training", "training")


def import_form() -> None:
    """A file with its name and its rights, and one button; what becomes of it is told where builds are."""
    tag = st.session_state.setdefault("import_rows_version", 0)  # a new one empties the form
    left, right = st.columns([3, 2], gap="large")
    with left:
        most = min(LARGEST, int(st.get_option("server.maxUploadSize")))
        file = st.file_uploader(
            "A JSONL file of chat rows or preference pairs", type=["jsonl"], key=f"import_rows_{tag}",
            max_upload_size=most, help="In any format that can be downloaded here. Every row is checked.",
        )  # fmt: skip
        stem = PurePosixPath(file.name).stem[:MAX_NAME] if file else ""
        name = st.text_input("Name of the dataset", key=f"import_name_{tag}", max_chars=MAX_NAME, placeholder=stem)
        with st.container(horizontal=True, gap="large"):
            split = st.radio("All rows are for", SPLITS, key=f"import_split_{tag}", horizontal=True)
            use = st.selectbox(
                "The rights must allow that they are", TRAINING, key=f"import_use_{tag}",
                format_func=lambda use: USE_WORDS[use],
            )  # fmt: skip
        leave_out = st.checkbox(
            "Leave rows with errors out", key=f"import_leave_{tag}",
            help="Without this, one row with an error makes no version.",
        )  # fmt: skip
        st.markdown("**Rights of all rows**")
        rights = rights_form(Rights(()), key=f"import_rows_rights_{tag}", holder=curator().partition(" ·")[0])
        allowed = uses_of(rights)[use]
        if file and not allowed.allowed:
            st.markdown(quiet(f":material/lock: Not yet: {plain(' '.join(allowed.reasons[:3]))}"))
        if st.button(
            "Import", type="primary", icon=":material/upload_file:", key="import_rows_go",
            disabled=not (file and allowed.allowed),
        ):  # fmt: skip
            assert file is not None
            id = begin_import(
                file, file.name, name=name.strip() or stem or "import", rights=rights, use=use, split=split,
                leave_out=leave_out, who=curator(),
            )  # fmt: skip
            st.session_state.import_rows_version = tag + 1
            st.query_params[BUILD] = id
            st.toast("The file is being read: see above.")
            st.rerun()
    with right:
        if rights.layers:
            rights_verdicts(rights)


def begin_import(
    file: BinaryIO, file_name: str, *, name: str, rights: Rights, use: str, split: Split, leave_out: bool, who: str
) -> str:
    """Begin to take a file in, beside the page, from a copy that goes with it; the id under which it is watched."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-import-"))
    # The name is a stranger's: whatever it says, the copy lies in its own folder.
    copy = folder / (
        file_name.replace("\\", "/").rpartition("/")[2].replace("\0", "")[-120:].lstrip(".") or "import.jsonl"
    )
    library = database()

    def work(told: Told, _: str) -> Built:
        try:
            return import_file(
                library, copy, name=name, rights=rights, curator=who, use=use, split=split, leave_out=leave_out,
                told=told,
            )  # fmt: skip
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        with copy.open("wb") as out:
            shutil.copyfileobj(file, out)
        recipe: dict[str, Any] = {"name": name, "imported": {"file": copy.name}}
        return builder().run(work, recipe, curator=who)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def withdrawing(version: Version) -> None:
    """For an imported version: its rights can be withdrawn, which marks it and whatever is made of it."""
    if "imported" not in version.recipe:
        return
    st.subheader("Rights", anchor=False)
    st.markdown(quiet(f"Imported from {plain(str(version.recipe['imported']['file']))}."))
    if withdrawn(database(), version.id):
        st.markdown(":red-badge[:material/gavel: withdrawn]")
    elif st.button("Withdraw its rights", icon=":material/gavel:", key="files_withdraw"):
        _sure(version)


@st.dialog("Withdraw the rights")
def _sure(version: Version) -> None:
    st.markdown(
        f"**{plain(version.label)}** is marked as not to be trained on, and so is every version and model that its "
        "rows went into. Its rows stay, so that one can see what they were."
    )
    sure = st.checkbox("These rows may not be used any more", key="files_withdraw_sure")
    if st.button("Withdraw", type="primary", disabled=not sure, key="files_withdraw_go"):
        try:
            withdraw_import(database(), version.id)
        except WorkbenchError as problem:
            st.error(plain(f"{problem.message} {problem.hint}"))
            return
        st.rerun()
