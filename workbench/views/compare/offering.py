"""What a run would take while one fills in the form, all that is wrong with it, and the button that begins it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from workbench.core.datasets.costs import dollars
from workbench.core.errors import InvalidInputError, WorkbenchError
from workbench.core.experiments.faults import faults_of
from workbench.core.experiments.metrics import all_metrics
from workbench.core.experiments.offers import Offer, Share, offer
from workbench.core.experiments.specification import Specification, read_specification
from workbench.core.generate.prices import price_table
from workbench.core.library.curation import revision
from workbench.views.compare.places import go_to_run
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database, experiments, settings
from workbench.views.finetune.wording import seconds_words

_PROVIDERS = {"rules": "the rules", "adapt": "an adapted example"}


def offering(told: dict[str, Any], problems: Sequence[InvalidInputError]) -> None:
    """The whole column."""
    found = (*problems, *faults_of(told, [each.name for each in all_metrics()]))
    # What could not be put into the specification is told once, in its own words.
    where = {each.field for each in problems}
    found = tuple(each for at, each in enumerate(found) if at < len(problems) or each.field not in where)
    if found:
        for each in found:
            st.warning(plain(f"{each.message} {each.hint}"), icon=":material/edit:")
        return
    specification = read_specification(told)
    try:
        with st.spinner("Working out what it takes"):
            offered = _offer(database().name, revision(database()), specification.to_json())
    except WorkbenchError as problem:
        st.warning(plain(f"{problem.message} {problem.hint}"), icon=":material/edit:")
        return
    _shown(specification, offered)
    _start(specification, offered)


@st.cache_data(show_spinner=False, max_entries=32, ttl=60)
def _offer(name: str, revision: int, specification: str) -> Offer:  # noqa: ARG001 - they say of which library, as of when
    return offer(settings(), database(), read_specification(specification))


def _shown(specification: Specification, found: Offer) -> None:
    with st.container(border=True, key="spec_offer"):
        st.markdown(f"**{cells_words(found)}**")
        lines = [f"| {plain(each.name)} | {_who(each)} | {_price(each)} |" for each in found.shares]
        st.markdown("| Variant | Asked | Cost |\n|---|---|---|\n" + "\n".join(lines))
        for words in takes_words(specification, found):
            st.markdown(quiet(plain(words)))
    for one, other in found.alike:
        st.warning(f"{plain(one)} and {plain(other)} are asked in the very same way.", icon=":material/content_copy:")
    for note in found.notes:
        st.info(plain(note), icon=":material/info:")


def cells_words(found: Offer) -> str:
    """``9 requests × 2 variants × 1 seed = 18 cells``."""
    parts = ((found.requests, "request"), (len(found.shares), "variant"), (found.seeds, "seed"))
    told = " × ".join(_counted(count, name) for count, name in parts)
    return f"{told} = {_counted(found.cells, 'cell')}"


def takes_words(specification: Specification, found: Offer) -> list[str]:
    """What it takes in money and time, in sentences; nothing where neither is asked for."""
    said = []
    if found.may_cost:
        usd = found.usd
        said.append(
            "A price is not known here: ask the provider before you spend money."
            if usd is None
            else f"About {dollars(usd)} for first answers, more where answers are asked for again. "
            f"Prices as written down on {price_table()[1]}."
        )
        budget = specification.limits.budget_usd
        if budget is not None:
            said.append(f"It rests before it spends more than {dollars(budget)}.")
    if found.seconds is not None and found.seconds >= 1:
        said.append(f"Asking takes about {seconds_words(found.seconds)} or longer, by the limits and earlier runs.")
    return said


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _who(each: Share) -> str:
    if each.provider in _PROVIDERS:
        return _PROVIDERS[each.provider]
    return f"{plain(each.model)}" + (f" at {plain(each.place)}" if each.place else " at OpenAI")


def _price(each: Share) -> str:
    if not each.may_cost:
        return "none" if each.provider in _PROVIDERS else "your own"
    return "not known" if each.usd is None else plain(f"about {dollars(each.usd)}")


# --- beginning -------------------------------------------------------------------------------------------------------


def _start(specification: Specification, found: Offer) -> None:
    if not found.may_cost:
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="spec_start"):
            _begin(specification)
    elif st.button(plain(start_words(found)), type="primary", icon=":material/play_arrow:", key="spec_start"):
        _confirm(specification, found)


def start_words(found: Offer) -> str:
    """What stands on the button where it may cost something."""
    if found.usd is None:
        return "Start, though the price is not known"
    told = dollars(found.usd)
    return f"Start and spend {told if told.startswith('under') else f'about {told}'}"


@st.dialog("Start the run")
def _confirm(specification: Specification, found: Offer) -> None:
    st.markdown(f"**{plain(specification.name)}**: {cells_words(found)}.")
    for each in found.shares:
        if each.may_cost:
            st.markdown(f"- {plain(each.name)}: {each.cells:,} cells are asked of {_who(each)}; {_price(each)}.")
    for words in takes_words(specification, found):
        st.markdown(quiet(plain(words)))
    if specification.limits.budget_usd is None:
        st.markdown("No budget stops it.")
    sure = st.checkbox("I know that this may cost money", key="spec_sure")
    if st.button("Start", type="primary", disabled=not sure, key="spec_start_go"):
        _begin(specification)


def _begin(specification: Specification) -> None:
    try:
        with st.spinner("It begins"):
            run = experiments().begin(specification, curator=curator())
    except WorkbenchError as problem:
        st.error(plain(f"{problem.message} {problem.hint}"), icon=":material/error:")
        return
    go_to_run(run.id)
    st.rerun()
