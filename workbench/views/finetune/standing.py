"""What answers now, who changed it last, and the way back in one click."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.finetune.models import TunedModel, models
from workbench.core.finetune.rollback import StepBack, roll_back, step_back
from workbench.core.finetune.rollout import Standing, state
from workbench.core.finetune.trail import RolloutChange, trail
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database, settings
from workbench.views.finetune.places import tell
from workbench.views.finetune.wording import percent
from workbench.views.takes_strip import ago

_ACTIONS = {
    "register": "registered {}", "canary": "made {} the canary", "live": "made {} live",
    "share": "changed the share of {}", "retire": "retired {}", "block": "blocked {}", "unblock": "unblocked {}",
    "rollback": "rolled back a change of {}",
}  # fmt: skip
RULES = "The rules"
_MASTERS = {
    "base": "the base model answers, whatever is live here",
    "ft": "the model of WORKBENCH_MODEL_FT answers, or else the live one",
    "canary": "a share of the requests goes to the canary, the rest to the live model or the base model",
}


def standing() -> None:
    """The whole strip."""
    now, known = state(database()), {each.id: each for each in models(database())}
    back = step_back(database())
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="medium", key="standing"):
        with st.container(width="stretch", gap="xsmall", key="standing_words"):
            st.markdown(answers_words(now, base_words(settings().model_base, settings().provider)))
            last = next((each for each in trail(database(), 20) if each.action != "register"), None)
            if last is not None:
                by = plain(last.curator.partition(" ·")[0])
                st.markdown(quiet(f"{by} {change_words(last, known)}, {ago(last.at)}."))
        if back is not None:
            st.button(
                "Roll back", icon=":material/undo:", key="roll_back", help=back_words(back, known),
                on_click=_roll_back, args=(now.seen,),
            )  # fmt: skip
    master = settings().model_variant
    if master is not None:
        st.warning(
            f"The environment decides: WORKBENCH_MODEL_VARIANT is `{master}`, so {_MASTERS[master]}.",
            icon=":material/toggle_on:",
        )


def answers_words(now: Standing, base: str) -> str:
    """Who answers whom, as Markdown."""
    if now.live:
        told = f":green-badge[:material/check_circle: Live] **{plain(now.live.name)}** answers"
    else:
        none = ":gray-badge[:material/radio_button_unchecked: No tuned model is live]"
        told = f"{none} {base} answer{'s' * (base != RULES)}"
    if now.canary is None:
        return f"{told}."
    canary = f":orange-badge[:material/science: Canary] **{plain(now.canary.name)}**"
    return f"{told}  ·  {canary} answers {percent(now.share)} of the requests."


def base_words(model: str | None, provider: str) -> str:
    """Who answers where no tuned model does."""
    if provider == "rules":
        return RULES
    return f"The base model {plain(model)}" if model else "The base model"


def change_words(change: RolloutChange, known: Mapping[str, TunedModel]) -> str:
    """A change of the rollout as something that somebody did."""
    model = known.get(change.model_id or "")
    words = _ACTIONS.get(change.action, change.action + " {}").format(f"{plain(model.name)}" if model else "a model")
    if change.action in ("canary", "share") and change.after.share:
        words += f" ({percent(change.after.share)})"
    return words


def back_words(back: StepBack, known: Mapping[str, TunedModel]) -> str:
    """What rolling back does, in a sentence or two."""

    def name(id: str | None) -> str:
        found = known.get(id or "")
        return plain(found.name) if found else "the base model"

    after = f"Then {name(back.after.live)} answers"
    if back.after.canary:
        after += f", and {name(back.after.canary)} {percent(back.after.share)} of the requests"
    undone = f"Undoes that {plain(back.undoes.curator.partition(' ·')[0])} {change_words(back.undoes, known)}."
    return " ".join([undone, f"{after}.", *map(plain, back.left_out)])


def _roll_back(seen: int) -> None:
    try:
        change = roll_back(database(), curator=curator(), seen=seen)
    except WorkbenchError as problem:
        tell(plain(f"{problem.message} {problem.hint}"), wrong=True)
        return
    tell(" ".join(["Rolled back.", plain(change.note)]).strip())
