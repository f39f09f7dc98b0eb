"""How far a training is: its curves, the step of how many, and what its backend told last."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from workbench.core.finetune.training import Event, Metric
from workbench.core.finetune.trainings import Training, events_of, metrics_of
from workbench.core.render.curves import Points, curves
from workbench.views.datasets.figures import show
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.player import is_dark

_TOTAL = re.compile(r"\bstep (\d{1,9}) ?(?:/|of) ?(\d{1,9})\b|, (\d{1,9}) steps\b", re.IGNORECASE)
"""How backends say how many steps there are: ``Step 3/90``, ``74 rows, 250 steps``."""
_LOSSES = {"Training": "train_loss", "Validation": "valid_loss"}
_ACCURACIES = {"Training": "train_accuracy", "Validation": "valid_accuracy"}
LATEST, MOST = 12, 300
"""Events that are shown at once, and with the earlier ones."""
NARROW = 420
"""Figures that would be narrower than this, in pixels, stand one under the other."""


def steps_of(events: Sequence[Event]) -> int | None:
    """How many steps there are, where the backend has told."""
    for event in reversed(events):
        if found := _TOTAL.search(event.message):
            return int(found[2] or found[3]) or None
    return None


def progress_words(training: Training) -> str:
    """The step that was reached, of how many where that is known."""
    points = () if training.ended else metrics_of(database(), training.id)
    return _step_words(points[-1].step, steps_of(events_of(database(), training.id))) if points else ""


def _step_words(step: int, steps: int | None) -> str:
    return f"step {step:,} of {steps:,}" if steps else f"step {step:,}"


def bar(points: Sequence[Metric], events: Sequence[Event]) -> None:
    """A bar that says how far it is."""
    steps = steps_of(events)
    if points and steps:
        st.progress(min(1.0, points[-1].step / steps), f"{_step_words(points[-1].step, steps).capitalize()}")
    elif points:
        st.markdown(_step_words(points[-1].step, None).capitalize())


def lines_of(points: Sequence[Metric], fields: Mapping[str, str]) -> dict[str, Points]:
    """The curves of some fields by their names; those without a point are left out."""
    lines = {
        name: [(each.step, value) for each in points if (value := getattr(each, field)) is not None]
        for name, field in fields.items()
    }
    return {name: found for name, found in lines.items() if found}


def draw_curves(points: Sequence[Metric]) -> None:
    """The losses and, where they are told, the accuracies."""
    losses, accuracies = lines_of(points, _LOSSES), lines_of(points, _ACCURACIES)
    if not losses and not accuracies:
        return
    log = st.toggle("Logarithmic loss", key="curves_log")
    grid = st.grid(2, min_column_width=NARROW, gap="large")
    if losses:
        with grid.cell():
            show(curves(losses, "Loss", log=log, dark=is_dark()), key="curve_loss")
            st.markdown(_ends("Loss", losses))
    if accuracies:
        with grid.cell():
            show(curves(accuracies, "Accuracy of tokens", dark=is_dark()), key="curve_accuracy")
            st.markdown(_ends("Accuracy", accuracies))


def _ends(title: str, lines: Mapping[str, Points]) -> str:
    told = [f"{name.lower()} {points[0][1]:.3g} → **{points[-1][1]:.3g}**" for name, points in lines.items()]
    return f"{title}: {', '.join(told)}"


def events(told: Sequence[Event]) -> None:
    """What the backend told, the newest last."""
    st.subheader("Events", anchor=False)
    if not told:
        st.markdown(quiet("None yet."))
        return
    earlier = told[:-LATEST][-MOST:]
    if earlier:
        with st.expander(f"{len(earlier):,} earlier", key="events_earlier", on_change="rerun") as folded:
            if folded.open:
                st.markdown("  \n".join(map(_line, earlier)))
    st.markdown("  \n".join(map(_line, told[-LATEST:])))


def _line(event: Event) -> str:
    sign = {"error": ":red[:material/error:] ", "warn": ":orange[:material/warning:] "}.get(event.level[:5], "")
    return f"{quiet(f'{event.at:%-d %b %H:%M:%S}'.replace(':', chr(92) + ':'))} {sign}{plain(event.message)}"
