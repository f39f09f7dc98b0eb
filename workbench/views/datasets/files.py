"""The files of a version: downloads, the dataset card, what training costs, the frozen test set, and imports."""

from __future__ import annotations

import streamlit as st

from workbench.core.datasets.costs import estimate
from workbench.core.datasets.files.card import dataset_card
from workbench.core.datasets.files.export import CARD, file_names
from workbench.core.datasets.files.formats import FORMATS, json_line
from workbench.core.datasets.frozen import freeze, frozen_tests
from workbench.core.datasets.review.browsing import RowFilters, page_of
from workbench.core.datasets.review.marks import excluded
from workbench.core.datasets.rows import SPLITS
from workbench.core.datasets.versions import Version, find_row
from workbench.core.datasets.withdrawn import withdrawn
from workbench.core.errors import WorkbenchError
from workbench.views.curators import curator
from workbench.views.datasets.downloads import url_of
from workbench.views.datasets.taking_in import import_form, withdrawing
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.takes_strip import ago

MEASURED = 12
"""Rows of a split that its size is told from."""
PARQUET = (
    "Compressed, for analysis and for the datasets library: the columns that TRL's trainers read, then all that is "
    "known of each row."
)


def files(version: Version) -> None:
    """The whole tab."""
    left, right = st.columns([7, 5], gap="large")
    with left:
        _downloads(version)
        _card(version)
    with right:
        _costs(version)
        _test_set(version)
        withdrawing(version)
    with st.expander("Import a file", icon=":material/upload_file:", key="files_import", on_change="rerun") as folded:
        if folded.open:
            import_form()


# --- downloads -------------------------------------------------------------------------------------------------------


def _downloads(version: Version) -> None:
    st.subheader("Downloads", anchor=False)
    names = file_names(version)
    for name, form in FORMATS.items():
        if form.kind == version.kind:
            _group(version, form.title, form.explanation, [each for each in names if each.startswith(f"{name}-")], name)
    _group(version, "Parquet", PARQUET, [each for each in names if each.endswith(".parquet")], "")


def _group(version: Version, title: str, explanation: str, names: list[str], format: str) -> None:
    """The files of one format: a line each, with rows and size."""
    lines = []
    for name in names:
        split = next(split for split in SPLITS if name.partition(".")[0].endswith(split))
        rows = version.summary["splits"][split]
        size = size_words(_size(version.id, split, format) * rows) if format else "smaller"
        lines.append(f"| {_link(version, name)} | {rows:,} | {size} |")
    head = "| File | Rows | About |\n|---|---|---|\n"
    st.markdown(f"**{title}**  \n{quiet(plain(explanation))}\n\n{head}" + "\n".join(lines))


def _link(version: Version, name: str) -> str:
    return f"[{name}]({url_of(version.id, name)})"


@st.cache_data(show_spinner=False, max_entries=64)
def _size(version: str, split: str, format: str) -> float:
    """Bytes of a line, about: the mean of some rows out of the middle of the split."""
    _, count = page_of(database(), version, RowFilters(split=split), most=1)
    middle = max(0, count // 2 - MEASURED // 2)
    facts, _ = page_of(database(), version, RowFilters(split=split), offset=middle, most=MEASURED)
    rows = [found[1] for each in facts if (found := find_row(database(), version, each.key)) is not None]
    return sum(len(json_line(row, format).encode()) + 1 for row in rows) / max(1, len(rows))


def size_words(size: float) -> str:
    """Bytes as people say them: ``750 kB``, ``7.6 MB``, ``1.2 GB``."""
    if size < 1e6:
        return f"{max(1, round(size / 1e3))} kB"
    unit, name = (1e6, "MB") if size < 1e9 else (1e9, "GB")
    return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size / unit:,.0f} {name}"


def _card(version: Version) -> None:
    """The card, made when it is looked at: it reads every row for its origin and its rights."""
    st.markdown(f"**Dataset card**  \n{quiet('What it is, whence, its rights, how it was made, and its limits.')}")
    st.markdown(_link(version, CARD))
    with st.expander("Read the card", icon=":material/article:", key="files_card", on_change="rerun") as folded:
        if folded.open:
            with st.spinner("Reading the rows"):
                text = _card_text(version.id, version, _told_since(version))
            with st.container(height=520, border=False, key="files_card_text"):
                st.markdown(card_markdown(text))


def _told_since(version: Version) -> tuple[object, ...]:
    """What a card says beyond the version itself, and what it therefore depends on."""
    frozen = [each.name for each in frozen_tests(database()) if each.version_id == version.id]
    gone = withdrawn(database(), version.id)
    return tuple(frozen), tuple(gone.items()), len(excluded(database(), version.id))


@st.cache_data(show_spinner=False, max_entries=8)
def _card_text(id: str, _version: Version, since: tuple[object, ...]) -> str:
    del id, since  # the card is kept under them
    text = dataset_card(database(), _version)
    return text.split("\n---\n", 1)[1] if text.startswith("---\n") else text


def card_markdown(card: str) -> str:
    """A card as a part of a page: its headings two steps lower, sums of money no formulas, and no picture fetched."""
    fenced, lines = False, []
    for line in card.splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("```"):
            line = "```"  # plain text: the colours of code are too faint to read
        elif not fenced:
            line = line.replace("$", "\\$").replace("![", "!\\[")
            line = f"##{line}" if line.startswith("#") else line
        lines.append(line)
    return "\n".join(lines)


# --- costs -----------------------------------------------------------------------------------------------------------


def _costs(version: Version) -> None:
    st.subheader("What training costs", anchor=False)
    epochs = int(st.number_input("Epochs", 1, 100, 3, 1, key="files_epochs", persist_state="session"))
    tokens, model = version.summary["tokens"], str(version.recipe.get("model", ""))
    about = "" if tokens["exact"] else "about "
    st.markdown(quiet(f"{about}{tokens['train']:,} tokens to train on{f', for {plain(model)}' if model else ''}"))
    found = estimate(
        tokens["train"], epochs, tokens["exact"], model=model, method="dpo" if version.kind == "pair" else "supervised"
    )
    if not found:
        st.markdown(f"No price is known here for {plain(model)}.")
        return
    lines = [f"| {plain(each.provider)} | {plain(each.covers)} | {plain(each.words)} |" for each in found]
    st.markdown("| Where | What | Cost |\n|---|---|---|\n" + "\n".join(lines))
    days = sorted({each.price.read for each in found})
    st.markdown(quiet(f"Prices as written down on {', '.join(days)}: ask the provider before you spend money."))


# --- the frozen test set ---------------------------------------------------------------------------------------------


def _test_set(version: Version) -> None:
    st.subheader("Test set", anchor=False)
    rows = version.summary["splits"].get("test", 0)
    frozen = [each for each in frozen_tests(database()) if each.version_id == version.id]
    for each in frozen:
        by = plain(each.curator.partition(" ·")[0])
        st.markdown(f"**{plain(each.name)}**: {rows:,} rows, frozen by {by}, {ago(each.created_at)}")
    if frozen:
        return
    if not rows:
        st.markdown(quiet("This version has no test rows."))
        return
    st.markdown(quiet(f"{rows:,} test rows, which a later version may still train on."))
    if st.button("Freeze the test rows", icon=":material/lock:", key="files_freeze"):
        _freezing(version, rows)


@st.dialog("Freeze the test rows")
def _freezing(version: Version, rows: int) -> None:
    st.markdown(
        f"No later version will train on these {rows:,} rows, and every later version keeps them as its test set. So "
        "models that were trained on different versions can be compared on the same requests."
    )
    name = st.text_input("Name of the test set", key="files_freeze_name", max_chars=80)
    sure = st.checkbox("I know that this cannot be taken back", key="files_freeze_sure")
    if st.button("Freeze", type="primary", disabled=not (sure and name.strip()), key="files_freeze_go"):
        try:
            freeze(database(), version.id, name=name, curator=curator())
        except WorkbenchError as problem:
            st.error(plain(f"{problem.message} {problem.hint}"))
            return
        st.rerun()
