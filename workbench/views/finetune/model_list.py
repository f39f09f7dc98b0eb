"""The tuned models, newest first, and the one that the address opens."""

from __future__ import annotations

import streamlit as st

from workbench.core.finetune.models import TunedModel, find_model, flags, models
from workbench.core.finetune.scores import newest_scores
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.model_view import model_view, score_words
from workbench.views.finetune.places import MODEL, base_words, go_to_model
from workbench.views.finetune.registering import register_elsewhere
from workbench.views.finetune.wording import place_badges

A_PAGE = 20
_ORDER = {"live": 0, "canary": 1, "candidate": 2, "retired": 3}


def models_tab() -> None:
    """The whole tab."""
    wanted = st.query_params.get(MODEL, "")
    opened = find_model(database(), wanted) if wanted else None
    if opened is not None:
        model_view(opened)
        return
    if wanted:
        st.warning(f"There is no model {plain(wanted[:40])}.", icon=":material/info:")
    known = sorted(models(database()), key=lambda each: _ORDER.get(each.state, 9))
    if not known:
        st.markdown("No tuned model is registered. A training that is done can be registered where it is shown.")
    pages = -(-len(known) // A_PAGE)
    number = st.pagination(pages, key="models_page") if pages > 1 else 1
    shown = known[(number - 1) * A_PAGE : number * A_PAGE]
    gone = flags(database(), shown)
    for each in shown:
        _entry(each, len(gone[each.id]))
    with st.expander("Register a model trained elsewhere", icon=":material/add_link:", key="register_elsewhere"):
        register_elsewhere()


def _entry(model: TunedModel, gone: int) -> None:
    scores = [score_words(each) for each in newest_scores(database(), model.id).values()]
    dataset = str(model.lineage.get("dataset") or "")
    facts = [
        plain(base_words(model.base)), plain(dataset) or "dataset not known here", plain(model.licence),
        "; ".join(scores) or "no score yet",
    ]  # fmt: skip
    with st.container(border=True, gap="xsmall", key=f"model_{model.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                plain(model.name), key=f"open_model_{model.id}", type="tertiary", on_click=go_to_model, args=(model.id,)
            )
            st.markdown(place_badges(model, gone))
        st.markdown(quiet("  ·  ".join(filter(None, facts))))
