"""What can be done with a tuned model. Each button carries the change that its person saw last: where another has come
meanwhile, nothing is done, and they see what is now."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.finetune.gate import Gate
from workbench.core.finetune.models import TunedModel
from workbench.core.finetune.rollout import MIN_OVERRIDE, SHARE, block, promote, retire, set_share, unblock
from workbench.core.finetune.trail import MAX_TEXT, RolloutChange
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.places import tell

_SHARE, _WHY, _REASON, _LIFTED = "model_share", "why_live", "why_blocked", "why_unblocked"


def actions(model: TunedModel, found: Gate, seen: int) -> None:
    """The buttons; ``seen`` is the newest change that is shown."""
    st.subheader("Rollout", anchor=False)
    if model.state != "live" and not (model.blocked or found.final):
        _canary(model, seen)
        _live(model, found, seen)
    if model.state in ("live", "canary", "candidate"):
        st.button(
            "Retire", icon=":material/archive:", key="model_retire", on_click=_do,
            args=(lambda: retire(database(), model.id, curator=curator(), seen=seen), f"{model.name} is retired."),
        )  # fmt: skip
    _blocking(model)


def _canary(model: TunedModel, seen: int) -> None:
    """A share of the requests, and the button that gives it."""
    key = f"{_SHARE}_{model.id}_{seen}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Share of the requests, %", 0.1, 100.0, 100 * (model.share or SHARE), 5.0, format="%g", key=key, width=180
        )
        if model.state == "canary":
            st.button(
                "Change the share", icon=":material/percent:", key="model_set_share", on_click=_do,
                args=(
                    lambda: set_share(database(), model.id, _share(key), curator=curator(), seen=seen),
                    f"{model.name} answers another share.",
                ),
            )  # fmt: skip
        else:
            st.button(
                "Make it the canary", icon=":material/science:", key="model_canary", on_click=_do,
                args=(
                    lambda: promote(database(), model.id, "canary", curator=curator(), share=_share(key), seen=seen),
                    f"{model.name} is the canary.",
                ),
            )  # fmt: skip


def _share(key: str) -> float:
    return round(float(st.session_state.get(key) or 0) / 100, 6)


def _live(model: TunedModel, found: Gate, seen: int) -> None:
    st.button(
        "Make it live", icon=":material/rocket_launch:", key="model_live", type="primary", disabled=not found.open,
        on_click=_do,
        args=(lambda: promote(database(), model.id, "live", curator=curator(), seen=seen), f"{model.name} is live."),
    )  # fmt: skip
    if found.open:
        return
    with st.expander("Go live all the same", icon=":material/lock_open:", key="model_all_the_same"):
        key = f"{_WHY}_{model.id}"
        st.text_area(
            "Why it goes live though the gate is shut", key=key, max_chars=MAX_TEXT, height=80, persist_state="session"
        )
        st.markdown(quiet(f"At least {MIN_OVERRIDE} characters; the trail keeps them with your name."))
        st.button(
            "Make it live all the same", key="model_override_go", on_click=_do,
            args=(
                lambda: promote(
                    database(), model.id, "live", curator=curator(), override=st.session_state.get(key) or "", seen=seen
                ),
                f"{model.name} is live.",
            ),
        )  # fmt: skip


def _blocking(model: TunedModel) -> None:
    if model.blocked:
        key = f"{_LIFTED}_{model.id}"
        st.text_input("Why it may answer again", key=key, max_chars=1000, persist_state="session")
        st.button(
            "Unblock", icon=":material/lock_open_right:", key="model_unblock_go", on_click=_do,
            args=(
                lambda: unblock(database(), model.id, curator=curator(), note=st.session_state.get(key) or ""),
                f"{model.name} is no longer blocked. It is not brought back by that.",
            ),
        )  # fmt: skip
        return
    with st.expander("Block", icon=":material/block:", key="model_blocking"):
        key = f"{_REASON}_{model.id}"
        st.markdown(quiet("It answers nobody until it is unblocked. Where it is live the base model answers."))
        st.text_input("Why it must not answer", key=key, max_chars=1000, persist_state="session")
        st.button(
            "Block it", key="model_block_go", on_click=_do,
            args=(
                lambda: block(database(), model.id, curator=curator(), reason=st.session_state.get(key) or ""),
                f"{model.name} is blocked.",
            ),
        )  # fmt: skip


def _do(change: Callable[[], RolloutChange], done: str) -> None:
    """Make a change, and say on the page drawn next what became of it."""
    try:
        change()
    except WorkbenchError as problem:
        tell(plain(f"{problem.message} {problem.hint}"), wrong=True)
        return
    for name in (_WHY, _REASON, _LIFTED):  # what was said is in the trail now
        for key in [key for key in st.session_state if str(key).startswith(f"{name}_")]:
            st.session_state[key] = ""
    tell(plain(done))
