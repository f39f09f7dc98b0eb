"""Which version, row and sample the page is about: the address says it, so that it can be linked to."""

from __future__ import annotations

import streamlit as st

from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.review.marks import excluded
from workbench.core.datasets.versions import Version, find_version, versions
from workbench.core.datasets.withdrawn import IMPORTS, withdrawn
from workbench.core.library.choices import choice
from workbench.core.library.curation import revision
from workbench.views.details import plain, quiet
from workbench.views.engine import database

VERSION, ROW, SAMPLE = "version", "row", "sample"
"""The query parameters."""
MAX_TOLD = 3


def chosen_version() -> Version | None:
    """The version that the address names, else the newest; a box to choose another one."""
    known = versions(database())
    if not known:
        return None
    wanted = st.query_params.get(VERSION, "")
    named = next((each for each in known if each.id == wanted), None) or (
        find_version(database(), wanted) if wanted else None
    )
    if wanted and named is None:
        st.warning(f"There is no version {plain(wanted[:40])}; this is the newest.", icon=":material/info:")
    current = named or known[0]
    ids = [each.id for each in known]
    by_id = {each.id: each for each in known}
    st.session_state.dataset_version = current.id  # the box follows the address; its labels change with the time
    st.selectbox(
        "Version", ids, key="dataset_version", format_func=lambda id: version_words(by_id[id]), on_change=_on_version
    )
    st.query_params[VERSION] = current.id
    return current


def go_to_version(id: str) -> None:
    """Show another version."""
    st.query_params[VERSION] = id
    st.query_params.pop(ROW, None)
    st.query_params.pop(SAMPLE, None)


def go_to_row(key: str | None) -> None:
    """Show a row of the version, or none."""
    if key:
        st.query_params[ROW] = key
    else:
        st.query_params.pop(ROW, None)


def version_words(version: Version) -> str:
    """A version in a line: ``starter 1, 915 rows, 3 Nov 2026``. No time: a label that changes loses what was chosen."""
    return f"{version.label}, {version.rows:,} rows, {version.created_at:%-d %b %Y}"


def version_notes(version: Version) -> None:
    """What has to be known of a version before it is used."""
    splits = " · ".join(f"{count:,} {split}" for split, count in version.summary["splits"].items() if count)
    kind = "preference pairs" if version.kind == "pair" else "rows"
    st.markdown(quiet(f"{version.rows:,} {kind}: {splits} · content hash `{version.content_hash[:16]}`"))
    frozen = [each.name for each in frozen_tests(database()) if each.version_id == version.id]
    if frozen:
        st.markdown(f":blue-badge[frozen test set] {plain(', '.join(frozen))}")
    gone = _withdrawn(database().name, version.id, revision(database()), tuple(choice(database(), IMPORTS) or ()))
    if gone:
        lines = [f"- {plain(source)}: {plain(why)}" for source, why in list(gone.items())[:MAX_TOLD]]
        more = f"\n- and {len(gone) - MAX_TOLD:,} more" if len(gone) > MAX_TOLD else ""
        st.error(
            f"**The rights of {len(gone):,} source{'' if len(gone) == 1 else 's'} were withdrawn since. "
            "Do not train on this version, nor use what was trained on it.**\n" + "\n".join(lines) + more,
            icon=":material/gavel:",
        )
    out = excluded(database(), version.id)
    if out:
        one = len(out) == 1
        st.warning(
            f"{len(out):,} row{' is' if one else 's are'} excluded since. A version does not change: build again, and "
            f"{'it stays' if one else 'they stay'} out.",
            icon=":material/block:",
        )


@st.cache_data(show_spinner=False, max_entries=64)
def _withdrawn(name: str, version: str, revision: int, imports: tuple[str, ...]) -> dict[str, str]:  # noqa: ARG001
    """What was withdrawn, as of a revision of the library and a list of imports that were."""
    return withdrawn(database(), version)


def _on_version() -> None:
    go_to_version(st.session_state.dataset_version)
