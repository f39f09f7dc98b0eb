"""Two versions, the newer seen from the older: rows, recipe, distributions and test splits."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from workbench.core.datasets.frozen import frozen_tests
from workbench.core.datasets.review.diff import MOST, Difference, compare
from workbench.core.datasets.review.recipe_words import recipe_words
from workbench.core.datasets.review.shared_tests import SharedTests, shared_tests
from workbench.core.datasets.review.statistics import BETWEEN, Moved
from workbench.core.datasets.versions import Version, versions
from workbench.views.datasets.beside import counts_of, other_words
from workbench.views.datasets.choice import ROW, VERSION
from workbench.views.datasets.figures import BY_MODE, draw
from workbench.views.details import plain, quiet
from workbench.views.engine import database

DRAWN = 3
"""Distributions that are drawn: those that moved the most."""
_KEY = "compare_with"
_KINDS = {
    "added": "added", "removed": "removed", "changed": "say something else", "moved": "are in another split",
    "same": "are the same",
}  # fmt: skip


def comparison(version: Version) -> None:
    """The whole tab."""
    others = {each.id: each for each in versions(database()) if each.id != version.id}
    if not others:
        st.markdown(quiet("There is no other version yet: build one, and this tab says what differs."))
        return
    if st.session_state.get(_KEY) not in others:
        st.session_state[_KEY] = usual_other(version, list(others.values())).id
    chosen = st.selectbox(
        "Compare with", list(others), key=_KEY, format_func=lambda id: other_words(others[id]),
        persist_state="session",
    )  # fmt: skip
    before, after = sorted((version, others[chosen]), key=lambda each: each.created_at)
    found, tests = _compared(before.id, after.id, before, after)
    st.subheader(f"From {plain(before.label)} to {plain(after.label)}", anchor=False)
    _counted(found)
    _tested(before, after, tests)
    _recipe(found)
    _moved(before, after, found)
    _keys(before, after, found)


def usual_other(version: Version, others: Sequence[Version]) -> Version:
    """What a version is compared with when nobody says: the one before it of its name, else the newest other."""
    before = [each for each in others if each.name == version.name and each.number == version.number - 1]
    return (before or list(others))[0]


@st.cache_resource(show_spinner="Comparing …", max_entries=16)
def _compared(
    before: str,  # noqa: ARG001 - versions do not change under their ids
    after: str,  # noqa: ARG001
    _before: Version,
    _after: Version,
) -> tuple[Difference, SharedTests]:
    return compare(database(), _before, _after), shared_tests(database(), _before, _after)


def _counted(found: Difference) -> None:
    told = "; ".join(f"**{found.counts[kind]:,}** {_verb(words, found.counts[kind])}" for kind, words in _KINDS.items())
    st.markdown(f"Rows: {told}.")
    if found.same:
        st.markdown(quiet("Both hold the same rows."))


def _verb(words: str, count: int) -> str:
    return words.replace("are ", "is ").replace("say ", "says ") if count == 1 else words


def _tested(before: Version, after: Version, tests: SharedTests) -> None:
    """Whether models can be compared by the two test splits."""
    if tests.same:
        st.markdown(
            f":material/check: The test splits are the same, {_rows(tests.shared)}: models that were trained on either "
            "can be compared by them."
        )
    elif not tests.shared + tests.before + tests.after:
        st.markdown(":material/info: Neither has test rows.")
    else:
        st.markdown(
            f":material/info: The test splits differ: {_rows(tests.shared)} in both, {tests.before:,} only in "
            f"{plain(before.label)}, {tests.after:,} only in {plain(after.label)}. Compare models by the rows in both, "
            "or freeze a test set."
        )
    frozen = {each.name: each.version_id for each in frozen_tests(database())}
    for version in (before, after):
        own = [name for name, id in frozen.items() if id == version.id or name in version.summary.get("frozen", ())]
        if own:
            names = ", ".join(map(plain, own))
            st.markdown(f":blue-badge[frozen test set] {plain(version.label)} holds {names}.")


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _recipe(found: Difference) -> None:
    st.subheader("Recipe", anchor=False)
    if not found.recipe:
        st.markdown("The recipe is the same; the library has changed.")
    st.markdown("\n".join(f"- {plain(line)}" for line in recipe_words(found.recipe)))


def _moved(before: Version, after: Version, found: Difference) -> None:
    """What moved in the distributions: the first of them drawn, all of them in words."""
    st.subheader("What moved", anchor=False)
    if not found.moved:
        st.markdown("Nothing: the distributions are the same.")
        return
    sides = ((before.label, counts_of(before)), (after.label, counts_of(after)))
    grid = st.grid(DRAWN, min_column_width=380, gap="large")
    for each in found.moved[:DRAWN]:
        with grid.cell():
            draw(each.name, (before.id, after.id), sides, mode=_mode(each), key=f"moved_{each.name}")
            st.markdown(plain(each.words))
    rest = found.moved[DRAWN:]
    if rest:
        with st.expander(f"{len(rest)} that moved less", key="compare_rest"):
            st.markdown("\n".join(f"- {plain(each.words)}" for each in rest))


def _mode(each: Moved) -> str:
    """The mode in which chords or keys moved the most."""
    mode = each.shifts[0].category.partition(BETWEEN)[0] if each.name in BY_MODE else ""
    return mode if mode in ("major", "minor") else "major"


def _keys(before: Version, after: Version, found: Difference) -> None:
    """The rows themselves, each a link that opens it."""
    st.subheader("Rows", anchor=False)
    sides = [(key, f"{key} ({one} → {other})") for key, one, other in found.moved_rows]
    _listed("Added", after, [(key, key) for key in found.added], found.counts["added"])
    _listed("Removed", before, [(key, key) for key in found.removed], found.counts["removed"])
    _listed("Changed", after, [(key, key) for key in found.changed], found.counts["changed"])
    _listed("In another split", after, sides, found.counts["moved"])


def _listed(title: str, version: Version, rows: Sequence[tuple[str, str]], count: int) -> None:
    if not count:
        return
    with st.expander(f"{title}: {count:,}", key=f"compare_{title}", on_change="rerun") as body:
        if not body.open:
            return
        st.markdown("\n".join(f"- [{plain(words)}]({row_link(version.id, key)})" for key, words in rows))
        if count > len(rows):
            st.markdown(quiet(f"the first {MOST} of {count:,}"))


def row_link(version: str, key: str) -> str:
    """The address of a row of a version."""
    return "?" + urlencode({VERSION: version, ROW: key})
