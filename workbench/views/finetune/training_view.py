"""A training: how it stands, its curves as they grow, what it was ordered with, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.finetune.trainings import (
    Training,
    ask_to_cancel,
    events_of,
    find_training,
    forget,
    metrics_of,
    try_again,
)
from workbench.core.library.database import Database
from workbench.views.details import plain, quiet
from workbench.views.engine import database, follower
from workbench.views.finetune.compliance import compliance
from workbench.views.finetune.lineage import training_lineage
from workbench.views.finetune.places import go_to_training, is_to_tell, tell
from workbench.views.finetune.progress import bar, draw_curves, events
from workbench.views.finetune.result import result
from workbench.views.finetune.wording import seconds_words, state_badge
from workbench.views.takes_strip import ago

EVERY = 1.0
"""Seconds between two looks at what is on its way."""


class Drawn(NamedTuple):
    """What the whole page was drawn for; when it is no longer so, all of it is drawn anew."""

    ended: bool
    settled: bool
    tries: int


def training_view(training: Training) -> None:
    """All of it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "All trainings", icon=":material/arrow_back:", key="all_trainings", on_click=go_to_training, args=(None,)
        )
    st.header(plain(training.name), anchor=False)
    drawn = _drawn(training)
    every = None if drawn.settled else EVERY
    st.fragment(_live, run_every=every)(training.id, drawn)
    left, right = st.columns([6, 5], gap="large")
    with left:
        if training.state == "succeeded":
            result(training)
            compliance(training)
        training_lineage(training)
        if training.ended:
            _forgetting(training)
    with right:
        st.fragment(_events, run_every=every)(training.id)


def _drawn(training: Training) -> Drawn:
    return Drawn(training.ended, bool(training.settled), training.tries)


def _live(id: str, drawn: Drawn) -> None:
    """What changes while it runs, drawn every second; the rest of the page is left as it is."""
    training = find_training(database(), id)
    if training is None or _drawn(training) != drawn or is_to_tell():
        st.rerun()
    assert training is not None
    told, points = events_of(database(), id), metrics_of(database(), id)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{state_badge(training)} {quiet(_about(training))}", width="stretch")
        _buttons(training)
    if training.trouble:
        st.warning(plain(training.trouble), icon=":material/cloud_off:")
    if training.problem:
        st.error(f"**{plain(training.problem)}** {plain(training.hint)}", icon=":material/error:")
    if not training.ended:
        bar(points, told)
    draw_curves(points)


def _events(id: str) -> None:
    events(events_of(database(), id))


def _about(training: Training) -> str:
    times = f", tried {training.tries} times" if training.tries > 1 else ""
    took = f", trained for {seconds_words(training.seconds)}" if training.seconds else ""
    return f"begun by {plain(training.curator.partition(' ·')[0])}, {ago(training.created_at)}{times}{took}"


def _buttons(training: Training) -> None:
    """Stop, or try again. Callbacks: a click counts also where the page is about to be drawn anew."""
    if not training.ended and not training.cancel:
        st.button(
            "Stop", icon=":material/stop_circle:", key="training_stop", on_click=_do, args=(ask_to_cancel, training.id)
        )
    elif training.state in ("failed", "cancelled"):
        st.button(
            "Try again", icon=":material/replay:", key="training_again", on_click=_do, args=(try_again, training.id),
            help="What was uploaded is not uploaded again; a training on this machine goes on from its checkpoint.",
        )  # fmt: skip


def _do(change: Callable[[Database, str], Training], id: str) -> None:
    try:
        change(database(), id)
    except WorkbenchError as problem:
        tell(plain(f"{problem.message} {problem.hint}"), wrong=True)
        return
    follower().wake()


def _forgetting(training: Training) -> None:
    with st.popover("Forget", icon=":material/delete:"):
        st.markdown("It leaves the list, with its curves and events. Its files and models stay.")
        if st.button("Forget it", key="training_forget"):
            try:
                forget(database(), training.id)
            except WorkbenchError as problem:
                st.error(plain(f"{problem.message} {problem.hint}"))
                return
            go_to_training(None)
            st.rerun()
