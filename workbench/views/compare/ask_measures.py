"""With which seeds, what is measured, and within which limits."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.core.experiments.metrics import FAMILIES, all_metrics
from workbench.core.experiments.specification import MAX_CELLS, MAX_SEEDS
from workbench.views.compare.draft import fill, key_of
from workbench.views.details import plain, quiet

NONE = "No limit"


def ask_seeds(held: dict[str, Any]) -> None:
    """Which seeds."""
    held["seeds"] = st.text_input(
        "Seeds", key=fill("seeds", held["seeds"]), max_chars=1000,
        help=f"Each request is asked once with each: 0, 1, 2 or 0-9. At most {MAX_SEEDS}.",
    )  # fmt: skip


def ask_metrics(held: dict[str, Any]) -> None:
    """All metrics, or some, by family."""
    known = all_metrics()
    held["all_metrics"] = st.toggle(
        f"Measure everything ({len(known)} metrics)", key=fill("all_metrics", held["all_metrics"])
    )
    if held["all_metrics"]:
        return
    wanted = set(held["metrics"])
    chosen: list[str] = []
    for family, about in FAMILIES.items():
        of_family = [each for each in known if each.family == family]
        if not of_family:
            continue
        count = sum(each.name in wanted for each in of_family)
        with st.expander(f"{about} ({count} of {len(of_family)})", key=f"spec_family_{family}"):
            names, every = [each.name for each in of_family], count < len(of_family)
            st.button(
                "Choose all" if every else "Choose none", key=f"spec_all_{family}", type="tertiary",
                on_click=_choose, args=(names, every),
            )  # fmt: skip
            for each in of_family:
                if st.checkbox(each.title, key=fill(f"metric_{each.name}", each.name in wanted)):
                    chosen.append(each.name)
                st.markdown(quiet(plain(each.explanation)))
    unknown = [name for name in held["metrics"] if name not in {each.name for each in known}]
    held["metrics"] = [*chosen, *unknown]
    if unknown:
        st.button("Leave out what there is not", key="spec_unknown", on_click=_forget, args=(held, unknown))


def _choose(names: list[str], every: bool) -> None:
    for name in names:
        st.session_state[key_of(f"metric_{name}")] = every


def _forget(held: dict[str, Any], unknown: list[str]) -> None:
    held["metrics"] = [name for name in held["metrics"] if name not in unknown]


def ask_limits(held: dict[str, Any]) -> None:
    """How fast, how much, and for how much money."""
    limits: dict[str, Any] = held["limits"]
    with st.expander("Limits", icon=":material/speed:", key="spec_limits"), st.grid(2, min_column_width=200):
        limits["concurrency"] = int(
            st.number_input("Calls at the same time", 1, 256, step=1, key=fill("concurrency", limits["concurrency"]))
            or 1
        )
        limits["requests_per_minute"] = _whole("Calls a minute", limits, "requests_per_minute", 1_000_000)
        limits["tokens_per_minute"] = _whole("Tokens a minute", limits, "tokens_per_minute", 1_000_000_000)
        limits["budget_usd"] = st.number_input(
            "Budget, US dollars", 0.0, 1_000_000.0, None, 1.0, key=fill("budget_usd", limits["budget_usd"]),
            placeholder=NONE, help="The run rests before a call that may exceed it.",
        )  # fmt: skip
        limits["most_cells"] = int(
            st.number_input("Cells at most", 1, MAX_CELLS, step=1000, key=fill("most_cells", limits["most_cells"])) or 1
        )


def _whole(label: str, limits: dict[str, Any], field: str, most: int) -> int | None:
    value = st.number_input(label, 1, most, None, 10, key=fill(field, limits[field]), placeholder=NONE)
    return None if value is None else int(value)
