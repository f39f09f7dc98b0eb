"""What a summary says, in words: what was found, what may be noise, and what is lacking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import streamlit as st

from workbench.core.experiments.reports.summary import Summary
from workbench.core.experiments.statistics.power import least_pairs
from workbench.views.details import plain, quiet

FIRST, MOST = 4, 60
"""Sentences of a list that are shown at once, and that unfold."""
_CORRECTIONS = {"holm": "Holm", "benjamini-hochberg": "Benjamini and Hochberg"}


def lead(summary: Summary) -> str:
    """The whole in a sentence, as Markdown."""
    whole = len(summary.comparisons)
    if not whole:
        return "There is only one variant to measure, so nothing is compared."
    found, noise = sum(each.found for each in summary.comparisons), len(summary.open_questions)
    none = sum(each.verdict == "none" for each in summary.comparisons)
    first = f"**a difference was found in {found:,}**" if found else "**no difference was found**"
    parts = [first, f"{noise:,} may be noise", f"{none:,} show none"]
    if few := whole - found - noise - none:
        parts.append(f"for {few:,} there are too few requests to tell")
    told = f"Of {whole:,} comparison{'' if whole == 1 else 's'}: {', '.join(parts)}."
    asked = max(each.requests for each in summary.tallies.values())
    needed = least_pairs(summary.alpha / max(1, summary.family if summary.correction != "none" else 1))
    if not found and asked < needed:
        return f"{told} So few requests cannot show any: {asked:,} were asked, at least {needed:,} are needed."
    return told


def care(summary: Summary) -> str:
    """How sure the marks are."""
    sure = f"Intervals are {100 * (1 - summary.alpha):g} % intervals."
    if summary.correction == "none":
        return f"{sure} Nothing is corrected for many comparisons."
    by = _CORRECTIONS[summary.correction]
    return f"{sure} What is called a difference holds for all {summary.family:,} comparisons together ({by})."


def told(summary: Summary) -> None:
    """The lists under the lead."""
    grid = st.grid(2, min_column_width=420, gap="large")
    with grid.cell():
        sentences("What was found", summary.findings, "No difference was found.", key="found")
    with grid.cell():
        noise = [words for _, words in summary.open_questions]
        sentences("What may be noise, and what would settle it", noise, "Nothing stands open.", key="noise")
        few = [each for each in summary.comparisons if each.verdict == "few"]
        if few:
            what = f"{len(few):,} comparison{' rests' if len(few) == 1 else 's rest'} on too few requests."
            st.markdown(quiet(f"{what} {plain(few[0].more.words)}"))
    if summary.notes:
        sentences("What is lacking", summary.notes, "", key="lacking")
    if cautions := tuple(dict.fromkeys(_cautions(summary))):
        sentences("What to be careful with", cautions, "", key="cautions")


def sentences(title: str, some: Sequence[str], nothing: str, *, key: str, first: int = FIRST) -> None:
    """A list of sentences under a heading: the first of them, the rest unfolds."""
    st.subheader(title, anchor=False)
    if not some:
        st.markdown(nothing)
        return
    st.markdown(_list(some[:first]))
    rest = some[first : first + MOST]
    if rest:
        with st.expander(f"{len(some) - first:,} more", key=f"summary_more_{key}"):
            st.markdown(_list(rest))
            if left := len(some) - first - len(rest):
                st.markdown(quiet(f"and {left:,} more, in the table"))


def _list(some: Iterable[str]) -> str:
    return "\n".join(f"- {plain(each)}" for each in some)


def _cautions(summary: Summary) -> Iterator[str]:
    for each in summary.comparisons:
        if (each.found or each.verdict == "noise") and each.cautions:
            column = summary.column(each.measure.name)
            title = column.title if column is not None else each.measure.name
            yield from (f"{title}, {each.b} against {each.a}: {words}" for words in each.cautions)
