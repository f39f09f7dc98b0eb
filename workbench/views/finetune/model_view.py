"""A tuned model: its place, its scores, the gate, what can be done with it, its lineage, and its trail."""

from __future__ import annotations

import streamlit as st

from workbench.core.finetune.gate import Gate, gate
from workbench.core.finetune.models import TunedModel, flagged, models
from workbench.core.finetune.rollout import state
from workbench.core.finetune.scores import MEASURES, Score, scores_of
from workbench.core.finetune.trail import trail
from workbench.views.curators import who
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.lineage import model_lineage
from workbench.views.finetune.places import go_to_model
from workbench.views.finetune.promoting import actions
from workbench.views.finetune.standing import change_words
from workbench.views.finetune.wording import place_badges
from workbench.views.takes_strip import ago

MOST_SCORES, MOST_CHANGES = 10, 50


def model_view(model: TunedModel) -> None:
    """All of it."""
    now, gone = state(database()), flagged(database(), model)
    st.button("All models", icon=":material/arrow_back:", key="all_models", on_click=go_to_model, args=(None,))
    st.header(plain(model.name), anchor=False)
    st.markdown(place_badges(model, len(gone)))
    if model.blocked:
        st.error(f"Blocked: {plain(model.blocked)}", icon=":material/block:")
    if gone:
        lines = [f"- {plain(source)}: {plain(why)}" for source, why in list(gone.items())[:3]]
        more = f"\n- and {len(gone) - 3:,} more" if len(gone) > 3 else ""
        st.error(
            f"**The rights of {len(gone):,} source{'s' * (len(gone) != 1)} of its dataset were withdrawn. It should "
            "not answer any more.**\n" + "\n".join(lines) + more,
            icon=":material/gavel:",
        )  # fmt: skip
    found = gate(database(), model)
    left, right = st.columns([6, 5], gap="large")
    with left:
        _scores(model)
        _gate(model, found)
        model_lineage(model)
    with right:
        actions(model, found, now.seen)
        who()
        _trail(model)


def score_words(score: Score) -> str:
    """A score in a few words of Markdown."""
    told = ", ".join(f"{words.lower()} {getattr(score, name):.1%}" for name, words in MEASURES.items())
    return f"{told} on {plain(score.test)}"


def _scores(model: TunedModel) -> None:
    st.subheader("Scores", anchor=False)
    scores = scores_of(database(), model.id)
    if not scores:
        st.markdown(quiet("It has not been evaluated on a frozen test set yet."))
        return
    head = ["Test", "Rows", *MEASURES.values(), "By", "When"]
    lines = [
        [
            plain(each.test),
            f"{each.rows:,}",
            *(f"{getattr(each, name):.1%}" for name in MEASURES),
            plain(each.source),
            ago(each.at),
        ]
        for each in scores[:MOST_SCORES]
    ]
    st.markdown("\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines)))


def _gate(model: TunedModel, found: Gate) -> None:
    if model.state == "live":
        return
    st.subheader("The gate", anchor=False)
    if found.open:
        st.markdown(":green-badge[:material/lock_open: open] It may go live.")
    else:
        st.markdown(":red-badge[:material/lock: shut] It may not go live:")
        st.markdown("\n".join(f"- {plain(each)}" for each in found.reasons))
    for each in found.cautions:
        st.markdown(f":orange-badge[:material/warning: mind] {plain(each)}")
    for compared in found.compared:
        sign = ":red[:material/arrow_downward:]" if compared.worse else ":green[:material/check:]"
        other = "the base model" if compared.against == "base" else compared.against
        st.markdown(
            f"{sign} {MEASURES[compared.measure]} {compared.value:.1%}, {plain(other)} {compared.other:.1%} "
            f"{quiet(plain(f'on {compared.test}'))}"
        )


def _trail(model: TunedModel) -> None:
    st.subheader("Changes", anchor=False)
    known = {each.id: each for each in models(database())}
    for each in trail(database(), MOST_CHANGES, model=model.id):
        why = [f"passing the gate by: {each.override}" if each.override else "", each.note]
        said = plain(" ".join(filter(None, why)))
        by = plain(each.curator.partition(" ·")[0])
        st.markdown(f"{by} {change_words(each, known)} {quiet(ago(each.at))}" + (f"  \n{quiet(said)}" if said else ""))
