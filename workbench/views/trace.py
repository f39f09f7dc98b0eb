"""The trace of a take: every step from request to piece, to be read, taken along and replayed."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from workbench.core.generate.replay import Replay, replay
from workbench.core.library.generations import GenerationRecord, find_generation
from workbench.core.library.takes import Take
from workbench.views.details import plain, quiet
from workbench.views.engine import database, jobs
from workbench.views.runs import OUTCOMES

MAX_SHOWN = 20_000
"""Characters of one text that are shown; the file that can be downloaded has them all."""

ICONS = {
    "plan": "architecture", "rollout": "alt_route", "examples": "library_books", "prompt": "edit_note", "call": "forum",
    "sanitize": "cleaning_services", "refine": "auto_fix_high", "check": "rule", "editor": "rate_review",
    "fallback": "handyman", "outcome": "flag",
}  # fmt: skip


def trace_tab(take: Take) -> None:
    """The steps of the generation that a take came out of."""
    record = find_generation(database(), take.generation_id) if take.generation_id else None
    if record is None or record.trace is None:
        st.markdown(quiet("This take was not generated here: it was opened from a link or a file, or changed by hand."))
        return
    words, color = OUTCOMES.get(record.outcome or "", ("", "gray"))
    usage = record.usage or {}
    calls = int(usage.get("calls") or 0)
    parts = [
        f":{color}-badge[{words}]",
        plain(record.model or record.provider or ""),
        f"{float(usage.get('seconds') or 0):.2f} s",
        f"{calls} call{'' if calls == 1 else 's'}",
        plain(record.template or ""),
    ]
    st.markdown("  ·  ".join(part for part in parts if part))
    with st.container(horizontal=True):
        again = st.button("Replay", icon=":material/replay:", key=f"replay_{record.id}", help=_REPLAY)
        st.download_button(
            "Download the trace",
            json.dumps(_whole(record), ensure_ascii=False, indent=2),
            f"trace-{record.id}.json",
            "application/json",
            icon=":material/download:",
            key=f"trace_{record.id}",
        )
    if again:
        _replayed(replay(record, jobs().workshop))
    for number, step in enumerate(record.trace, 1):
        _step(number, step)


def generation_seed(take: Take) -> int | None:
    """The seed that the generation of a take was planned with."""
    record = find_generation(database(), take.generation_id) if take.generation_id else None
    return next((step["seed"] for step in (record.trace if record else None) or () if "seed" in step), None)


_REPLAY = "Runs today's sanitizer, refining and checks over the answers as they were recorded. No model is asked."


def _replayed(result: Replay) -> None:
    if result.same:
        words = OUTCOMES[result.outcome][0].lower() if result.outcome in OUTCOMES else result.outcome
        st.success(f"The same piece, by the same way: {words}.", icon=":material/check:")
    else:
        st.warning(f"Today it ends otherwise: {plain(result.words)}", icon=":material/difference:")


def _step(number: int, step: dict[str, Any]) -> None:
    kind = str(step.get("kind", ""))
    icon = f":material/{ICONS.get(kind, 'circle')}:"
    label = f"{number}. **{kind.capitalize()}**  {plain(str(step.get('about', '')))}"
    seconds = float(step.get("seconds") or 0)
    if seconds >= 0.01 and " s" not in label[-3:]:  # a call says its own time
        label += f"  {quiet(f'{seconds:.2f} s')}"
    opened = st.expander(label, icon=icon, on_change="rerun", key=f"step_{number}")
    if not opened.open:
        return
    with opened:
        names = ("model", "variant", "finish", "template", "temperature", "profile")
        facts = [f"{quiet(name)} {plain(str(step[name]))}" for name in names if step.get(name) is not None]
        if facts:
            st.markdown("  ·  ".join(facts))
        for message in step.get("messages") or ():
            st.markdown(quiet(str(message.get("role", ""))))
            st.code(_cut(str(message.get("content", ""))), language=None, wrap_lines=True)
        if step.get("raw"):
            st.markdown(quiet("answer"))
            st.code(_cut(str(step["raw"])), language=None, wrap_lines=True)
        rest = {name: value for name, value in step.items() if name not in _SHOWN and value not in (None, [], {})}
        if rest:
            st.json(rest, expanded=2)


_SHOWN = {
    "kind", "about", "at", "seconds", "messages", "raw", "model", "variant", "finish", "template", "temperature",
    "profile",
}  # fmt: skip


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "\n… the download has all of it"


def _whole(record: GenerationRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "request": record.request,
        "settings": record.settings,
        "outcome": record.outcome,
        "provider": record.provider,
        "model": record.model,
        "variant": record.variant,
        "usage": record.usage,
        "trace": record.trace,
        "structure": record.structure,
    }
