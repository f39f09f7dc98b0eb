"""How well a training's model keeps to the format before any repair, beside the base model: measured on a button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.finetune.backends import BACKENDS
from workbench.core.finetune.compliance import ROWS, Compliance
from workbench.core.finetune.measuring import SUBJECTS, Measurements, measured_by
from workbench.core.finetune.trainings import Training, find_training
from workbench.views.details import plain, quiet
from workbench.views.engine import database, settings
from workbench.views.finetune.places import is_to_tell, tell

EVERY = 1.0
"""Seconds between two looks at a measurement that runs."""
WHO = {"base": "Base model", "tuned": "Tuned model"}


@st.cache_resource(show_spinner=False)
def measurements() -> Measurements:
    """The measurements of this process."""
    return Measurements(settings(), database())


def compliance(training: Training) -> None:
    """What was measured, what is being measured, and the button."""
    st.subheader("Format compliance", anchor=False)
    runs = _runs(training)
    st.fragment(_measured, run_every=EVERY if runs else None)(training.id, runs)


def _runs(training: Training) -> bool:
    return measurements().runs(training.id) or measured_by(training)


def _measured(id: str, runs: bool) -> None:
    training = find_training(database(), id)
    if training is None or _runs(training) != runs or is_to_tell():
        st.rerun()
    assert training is not None
    found = training.compliance or {}
    results: dict[str, Compliance] = {name: each for name in SUBJECTS if (each := _read(found.get(name))) is not None}
    if results:
        st.markdown(_table(results))
        for name, each in results.items():
            _failures(WHO[name], each)
    if runs:
        _progress(training.id, found)
        return
    if found.get("state") == "failed":
        st.error(plain(str(found.get("message") or "It failed.")), icon=":material/error:")
    elif found.get("state") == "running":
        st.warning("The measurement was interrupted.", icon=":material/info:")
    if not results:
        st.markdown(quiet(_explained(training)))
    st.button(
        "Measure format compliance", icon=":material/rule:", key="measure_compliance", on_click=_begin, args=(id,)
    )


def _begin(id: str) -> None:
    try:
        measurements().begin(id)
    except WorkbenchError as problem:
        tell(plain(f"{problem.message} {problem.hint}"), wrong=True)


def _explained(training: Training) -> str:
    remote = training.backend in BACKENDS and BACKENDS[training.backend].remote
    bill = "; the service bills them" if remote else ""
    return f"Both models are asked up to {ROWS} held-out requests{bill}. What counts is the answer before any repair."


def _read(data: object) -> Compliance | None:
    if not isinstance(data, Mapping):
        return None
    try:
        return Compliance.from_dict(data)
    except WorkbenchError:
        return None


def _progress(id: str, found: Mapping[str, Any]) -> None:
    done, total = int(found.get("done") or 0), int(found.get("total") or 0)
    who = WHO.get(str(found.get("subject")), "Getting ready")
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"{who}: {done:,} of {total:,} requests" if total else who
        st.progress(min(1.0, done / total) if total else 0.0, words, width="stretch")
        if measurements().runs(id):
            st.button(
                "Stop", icon=":material/stop_circle:", key="measure_stop", on_click=measurements().stop, args=(id,)
            )


def _table(results: Mapping[str, Compliance]) -> str:
    names = list(results)
    rows = {
        "Strict JSON": [f"{each.json:,} of {each.rows:,}" for each in results.values()],
        "Fits the schema": [
            f"{each.fits:,} of {each.rows:,}: **{100 * each.rate:.0f} %** ({_interval(each)})"
            for each in results.values()
        ],
        "and has no error": [f"{each.valid:,} of {each.rows:,}" for each in results.values()],
    }
    head = f"| Before any repair | {' | '.join(WHO[name] for name in names)} |\n|---|{'---|' * len(names)}\n"
    return head + "\n".join(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())


def _interval(found: Compliance) -> str:
    low, high = found.interval
    return f"95 % interval {100 * low:.0f} to {100 * high:.0f} %"


def _failures(who: str, found: Compliance) -> None:
    if not found.failures:
        return
    with st.expander(f"{who}: what did not fit", key=f"failures_{who}"):
        st.markdown("\n".join(f"- {quiet(plain(each.row))} {plain(each.reason)}" for each in found.failures))
