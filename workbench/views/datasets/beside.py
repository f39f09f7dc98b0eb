"""What stands beside a version in its charts: its own originals, the approved library, or another version."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from workbench.core.datasets.review.library_counts import LibraryCounts, count_library
from workbench.core.datasets.review.statistics import Counts
from workbench.core.datasets.versions import Version, versions
from workbench.core.library.curation import revision
from workbench.views.engine import database

NOTHING, ORIGINALS, LIBRARY = "", "originals", "library"
_KEY = "charts_beside"


class Beside(NamedTuple):
    """Another collection: what it is known by, its name in a legend and in a sentence, its counts, how many
    independent sources it has (as ``moved`` wants to know), and what has to be said of it."""

    id: str
    name: str
    called: str
    counts: Counts
    sources: int
    note: str = ""


def other_words(version: Version) -> str:
    """A version in a box, in words that stay the same as time passes: a box knows its choice by them."""
    return f"{version.label}, {version.rows:,} rows"


def counts_of(version: Version, of: str = "everything") -> Counts:
    """The counts of a version's rows, or of its ``originals``, as its build made them."""
    return _counts(version.id, of, version)


@st.cache_resource(show_spinner=False, max_entries=64)
def _counts(id: str, of: str, _version: Version) -> Counts:  # noqa: ARG001 - the version is immutable under its id
    return Counts.from_dict(_version.summary[of])


def beside(version: Version) -> Beside | None:
    """A box to choose what stands beside the version, and what was chosen."""
    counted = [each for each in versions(database()) if "everything" in each.summary]
    others = {each.id: each for each in counted if each.id != version.id}
    names = {NOTHING: "Nothing", ORIGINALS: "The originals, before augmentation", LIBRARY: "The approved library"}
    names |= {id: other_words(each) for id, each in others.items()}
    if st.session_state.get(_KEY) not in names:
        st.session_state[_KEY] = NOTHING
    chosen = st.selectbox("Beside", list(names), key=_KEY, format_func=lambda id: names[id], persist_state="session")
    if chosen == ORIGINALS:
        counts = counts_of(version, "originals")
        return Beside(f"{version.id} originals", "originals", "the originals", counts, counts.pieces)
    if chosen == LIBRARY:
        return _library_beside()
    if chosen in others:
        other = others[chosen]
        return Beside(other.id, other.label, other.label, counts_of(other), int(other.summary["groups"]))
    return None


def _library_beside() -> Beside:
    now = revision(database())
    found = _library(database().name, now)
    counts = found.counts
    note = f"Of the library's {found.whole:,} pieces {counts.pieces:,} were counted, spread evenly over it. "
    note = (note if found.sampled else "") + "The library is not made into rows, so it has no tokens."
    return Beside(f"library {now}", "library", "the library", counts, counts.pieces, note)


@st.cache_resource(show_spinner="Counting the library …", max_entries=4)
def _library(name: str, revision: int) -> LibraryCounts:  # noqa: ARG001 - they say which library, and as of when
    return count_library(database())
