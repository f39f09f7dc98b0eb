"""The trainings, newest first, and the one that the address opens."""

from __future__ import annotations

import streamlit as st

from workbench.core.finetune.trainings import Training, find_training, trainings
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.places import TRAINING, base_words, go_to_form, go_to_training
from workbench.views.finetune.progress import progress_words
from workbench.views.finetune.training_view import EVERY, training_view
from workbench.views.finetune.wording import backend_words, state_badge
from workbench.views.takes_strip import ago

A_PAGE = 20


def trainings_tab() -> None:
    """The whole tab."""
    wanted = st.query_params.get(TRAINING, "")
    opened = find_training(database(), wanted) if wanted else None
    if opened is not None:
        training_view(opened)
        return
    if wanted:
        st.warning(f"There is no training {plain(wanted[:40])}.", icon=":material/info:")
    known = trainings(database())
    if not known:
        st.markdown("Nothing has been trained yet.")
        if st.button("New training", icon=":material/add:", key="first_training"):
            go_to_form()
            st.rerun()
        return
    live = tuple(each.id for each in known if not each.ended)
    st.fragment(_list, run_every=EVERY if live else None)(live, wanted)


def _list(live: tuple[str, ...], wanted: str) -> None:
    """The list; it keeps itself up to date while something is on its way."""
    known = trainings(database())
    if st.query_params.get(TRAINING, "") != wanted or tuple(each.id for each in known if not each.ended) != live:
        st.rerun()
    pages = -(-len(known) // A_PAGE)
    number = st.pagination(pages, key="trainings_page") if pages > 1 else 1
    for each in known[(number - 1) * A_PAGE : number * A_PAGE]:
        _entry(each)


def _entry(training: Training) -> None:
    with st.container(border=True, gap="xsmall", key=f"training_{training.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                plain(training.name), key=f"open_training_{training.id}", type="tertiary", on_click=go_to_training,
                args=(training.id,),
            )  # fmt: skip
            st.markdown(state_badge(training))
        st.markdown(quiet("  ·  ".join(filter(None, _facts(training)))))


def _facts(training: Training) -> list[str]:
    return [
        plain(backend_words(training.backend)), plain(base_words(training.base)),
        plain(str(training.offer.get("dataset", ""))), progress_words(training),
        plain(training.problem[:120]) if training.state == "failed" else "", ago(training.created_at),
    ]  # fmt: skip
