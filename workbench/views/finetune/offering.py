"""What a training would take, all that stands against it, and the button that begins it."""

from __future__ import annotations

import streamlit as st

from workbench.core.datasets.costs import dollars
from workbench.core.errors import WorkbenchError
from workbench.core.finetune.offers import Offer, offer
from workbench.core.finetune.trainings import begin
from workbench.core.finetune.wishes import Wish
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database, follower, settings
from workbench.views.finetune.draft import keep, key_of
from workbench.views.finetune.places import base_words, go_to_training
from workbench.views.finetune.wording import METHODS, backend_words, start_words, table

_OFFER = "tune_offer"


def offering(wish: Wish) -> None:
    """The whole column: check, what was found, begin."""
    if st.button("Check", icon=":material/fact_check:", key="tune_check", disabled=not wish.model):
        try:
            with st.spinner("Reading the rows as the backend will"):
                st.session_state[_OFFER] = offer(database(), settings(), wish)
        except WorkbenchError as problem:
            st.session_state.pop(_OFFER, None)
            st.error(plain(f"{problem.message} {problem.hint}"), icon=":material/error:")
            return
    found: Offer | None = st.session_state.get(_OFFER)
    if not wish.model:
        st.markdown(quiet("Choose a base model; then see what its training takes."))
    elif found is None:
        st.markdown(quiet("See what it takes before anything is uploaded or spent."))
    elif found.wish != wish:
        st.markdown(":material/edit: Something was changed since. Check again.")
    else:
        _found(found)


def _found(found: Offer) -> None:
    for each in found.against:
        st.error(f"{plain(each.message)} {plain(each.hint)}", icon=":material/block:")
    for words in found.warnings:
        st.warning(plain(words), icon=":material/warning:")
    st.markdown(table(offer_rows(found)))
    if found.against:
        st.markdown(quiet("Nothing was uploaded or spent."))
        return
    if st.button(plain(start_words(found)), type="primary", icon=":material/rocket_launch:", key="tune_start"):
        try:
            training = begin(database(), found, curator=curator())
        except WorkbenchError as problem:
            st.error(plain(f"{problem.message} {problem.hint}"), icon=":material/error:")
            return
        st.session_state.pop(_OFFER, None)
        st.session_state.pop(key_of("name"), None)  # the next one has a name of its own
        keep(name="")
        follower().wake()
        go_to_training(training.id)
        st.rerun()


def offer_rows(found: Offer) -> list[tuple[str, str]]:
    """An offer as names and values, in Markdown."""
    wish = found.wish
    about = "" if found.exact else "about "
    trained = f"{wish.steps:,} steps" if wish.steps else f"{wish.epochs:g} epoch{'' if wish.epochs == 1 else 's'}"
    billed = "" if wish.steps else f", {about}{found.billed_tokens:,} in {trained}"
    limit = f", the model takes {found.limit:,}" if found.limit else ""
    return [
        ("Model", f"{plain(base_words(wish.model))}, {METHODS[found.method]}"),
        ("Trained by", plain(backend_words(wish.backend))),
        ("Rows", f"{found.rows:,} to train on, {found.held_out:,} to measure by"),
        ("Tokens", f"{about}{found.tokens:,} to train on{billed}"),
        ("Longest row", f"{found.longest:,} tokens{limit}"),
        ("Steps" if wish.steps else "Epochs", trained),
        ("Price", "<br>".join(_prices(found))),
        ("Time", plain(found.duration.words)),
        ("Shutdown", f"the base model goes on {plain(found.until)}" if found.until else ""),
        ("Rights", f"the rows may be used for {plain(found.rights.replace('_', ' '))}"),
        ("Licence", f"{plain(found.licence)}, of the base model" if found.licence else ""),
        (
            "Rows go",
            f"up to `{found.place.replace('`', '')}`" if found.uploads else "nowhere: they stay on this machine",
        ),
    ]


def _prices(found: Offer) -> list[str]:
    if not found.prices:
        return ["not known here: ask the provider before you spend money"]
    if not found.uploads:
        return [plain(each.words) for each in found.prices]
    return [f"{plain(each.provider)}: {plain(each.words)}" for each in found.prices]


def price_words(usd: float | None, *, uploads: bool) -> str:
    """The price that somebody has confirmed."""
    if not uploads:
        return "none: it runs on this machine"
    return "not known" if usd is None else plain(f"about {dollars(usd)}")
