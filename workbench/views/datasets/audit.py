"""Audits: draw a sample of a version, judge each row by one key, and read off what follows for all the others."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from workbench.core.datasets.review.browsing import RowFilters, page_of
from workbench.core.datasets.review.samples import MOST, STRATA, Sample, draw_sample, samples_of
from workbench.core.datasets.versions import Version
from workbench.core.errors import WorkbenchError
from workbench.views.curators import curator, who
from workbench.views.datasets.choice import SAMPLE
from workbench.views.datasets.judging import judging, open_again
from workbench.views.datasets.rows import current_filters
from workbench.views.datasets.wording import LABELS, value_words
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.takes_strip import ago

USUAL_SIZE = 30
MAX_SEED = 2**31 - 1
MAX_SAMPLES = 30
"""Samples that the list shows; older ones are found by their address."""
MAX_JUDGED = 60
"""Judged rows that can be opened again from the list; "Back" leads to the others."""


@st.fragment
def audit(version: Version) -> None:
    """The whole tab. A verdict draws it anew, and nothing else of the page."""
    try:
        _audit(version)
    except WorkbenchError as problem:
        st.error(f"{problem.message} {problem.hint}", icon=":material/error:")


def _audit(version: Version) -> None:
    known = samples_of(database(), version.id)
    sample = _chosen(known)
    left, right = st.columns([4, 8], gap="medium")
    with left:
        with st.expander("Draw a sample", icon=":material/casino:", expanded=not known, key="audit_draw"):
            _drawing(version, len(known))
        if known:
            _list(known, sample)
        who()
    with right:
        if sample is None:
            st.markdown(
                quiet(
                    "Look at some rows, and learn about all: draw a sample, say of each row whether it is right, and "
                    "the error rate of the version follows, with how sure it is."
                )
            )
            return
        _progress(version, sample)
        judging(version, sample)
        _judged(sample)


def _chosen(known: tuple[Sample, ...]) -> Sample | None:
    """The sample that the address names, else the newest."""
    wanted = st.query_params.get(SAMPLE, "")
    named = next((each for each in known if each.id == wanted), None)
    if wanted and named is None:
        st.warning(f"This version has no sample {plain(wanted[:40])}.", icon=":material/info:")
    current = named or (known[0] if known else None)
    if current is not None:
        st.query_params[SAMPLE] = current.id
    return current


# --- drawing ---------------------------------------------------------------------------------------------------------


def _drawing(version: Version, before: int) -> None:
    filters = replace(current_filters(), sort="position", down=False)
    filtered = filters != RowFilters()
    narrow = filtered and st.checkbox(
        f"Only what the filters of Rows let through: {plain(filters_words(filters))}", key="audit_filtered"
    )
    rows = page_of(database(), version.id, filters, most=1)[1] if narrow else version.rows
    most = max(1, min(MOST, rows))
    count = st.number_input(
        f"Rows, of {rows:,}", 1, most, min(USUAL_SIZE, most), 1, key=f"audit_count_{version.id}_{rows}"
    )
    by = st.selectbox("Drawn", STRATA, key="audit_by", format_func=by_words)
    seed = st.number_input(
        "Seed", 0, MAX_SEED, before + 1, 1, key=f"audit_seed_{version.id}_{before}",
        help="The same seed draws the same rows again.",
    )  # fmt: skip
    if st.button("Draw", type="primary", icon=":material/casino:", key="audit_go", disabled=not rows):
        sample = draw_sample(
            database(), version.id, int(count), curator=curator(), by=str(by or ""), seed=int(seed),
            filters=filters if narrow else None,
        )  # fmt: skip
        st.query_params[SAMPLE] = sample.id
        st.rerun()


def by_words(by: str) -> str:
    """How a sample was drawn: ``at random``, ``by form``."""
    return f"by {LABELS[by].lower()}" if by else "at random"


def filters_words(filters: RowFilters) -> str:
    """What narrows the rows, in words: ``Form Rondo, Mode minor``."""
    told = []
    for name, value in filters.to_dict().items():
        if name in ("sort", "down") or value == "" or value is None or (name == "longer" and not value):
            continue
        match name:
            case "derived":
                told.append("derived" if value else "originals")
            case "mark":
                told.append(f"marked {value}")
            case "longer":
                told.append(f"over {value:,} tokens")
            case "words":
                told.append(f"“{value}”")
            case _:
                told.append(f"{LABELS.get(name, name.capitalize())} {value_words(name, str(value))}")
    return ", ".join(told)


# --- the samples -----------------------------------------------------------------------------------------------------


def _list(known: tuple[Sample, ...], sample: Sample | None) -> None:
    shown = {each.id: each for each in known[:MAX_SAMPLES]}
    if sample is not None:
        shown[sample.id] = sample
        # The list follows the address; said each time, since its words change with each verdict.
        st.session_state.audit_sample = sample.id
    st.radio(
        "Samples", list(shown), key="audit_sample", format_func=lambda id: sample_words(shown[id]), on_change=_on_sample
    )
    if len(known) > MAX_SAMPLES:
        st.markdown(quiet(f"and {len(known) - MAX_SAMPLES:,} older ones"))


def sample_words(sample: Sample) -> str:
    """A sample in a line of Markdown: how it was drawn, how far it is, and what follows."""
    words = rate_words(sample.id, sample.version, sample)
    rate = f" · {plain(words)}" if words else ""
    by = plain(sample.curator.partition(" ·")[0])
    return (
        f"**{len(sample.keys):,} {by_words(sample.by)}** · {len(sample.results):,} judged{rate}  \n"
        f"{quiet(f'{by}, {ago(sample.created_at)}, seed {sample.seed}')}"
    )


@st.cache_data(show_spinner=False, max_entries=256)
def rate_words(id: str, version: int, _sample: Sample) -> str:
    """The error rate with its interval, or nothing; kept until the next verdict, since it takes a while to work out."""
    del id, version  # it is kept under them
    return _sample.rate.words if _sample.rate else ""


def _on_sample() -> None:
    st.query_params[SAMPLE] = st.session_state.audit_sample


def _progress(version: Version, sample: Sample) -> None:
    done, whole = len(sample.results), len(sample.keys)
    rows = sum(sample.sizes.values())
    st.progress(done / whole, f"**{done:,} of {whole:,}** judged")
    words = rate_words(sample.id, sample.version, sample)
    if words:
        of = "the version" if rows == version.rows else f"the {rows:,} rows that it was drawn from"
        st.markdown(f"Error rate of {of}: **{plain(words)}**")


def _judged(sample: Sample) -> None:
    """Everything that was judged, the wrong rows first with their notes; each can be opened again."""
    order = sorted(sample.results.items(), key=lambda pair: (pair[1]["verdict"] != "wrong", pair[1]["at"]))
    if not order:
        return
    st.subheader(f"Judged: {sample.wrong:,} wrong, {len(order) - sample.wrong:,} right", anchor=False)
    for key, said in order[:MAX_JUDGED]:
        wrong = said["verdict"] == "wrong"
        mark = ":red-badge[:material/close: wrong]" if wrong else ":green-badge[:material/check: right]"
        note = f": {plain(said['note'])}" if said["note"] else ""
        by = plain(str(said["curator"]).partition(" ·")[0])
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{mark} {plain(key)}{note} {quiet(by)}", width="stretch")
            st.button(
                "Look again", key=f"audit_again_{sample.id}_{sample.keys.index(key)}", type="tertiary",
                on_click=lambda key=key: open_again(sample, key),
            )  # fmt: skip
    if len(order) > MAX_JUDGED:
        st.markdown(quiet(f"and {len(order) - MAX_JUDGED:,} more"))
