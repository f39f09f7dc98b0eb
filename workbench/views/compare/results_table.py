"""The table of results: a cell is a button with a value, its interval in words and as a bar, and what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from workbench.core.experiments.reports.charts import Scale
from workbench.core.experiments.reports.summary import Column
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import interval_words, span_words
from workbench.views.component import component

_TABLE = component("results_table")
WAYS = {"higher": "higher is better", "lower": "lower is better", "": "neither way is better"}


@dataclass(frozen=True)
class Shown:
    """A cell. ``place`` is the interval's low end, its value and its high end, in percent of the row's scale;
    ``about`` is the whole of what ``words`` say shortly."""

    value: str
    span: str = ""
    place: tuple[float | None, float, float | None] | None = None
    shape: str = ""
    words: str = ""
    about: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As the browser takes it."""
        return {name: value for name, value in self.__dict__.items() if value}


@dataclass(frozen=True)
class Row:
    """A row, its cells by column; ``about`` explains it, and ``way`` says which way is better."""

    id: str
    title: str
    cells: Mapping[str, Shown]
    way: str = ""
    about: str = ""


@dataclass(frozen=True)
class Group:
    """Rows under a title that opens and closes them; without one they always stand there."""

    title: str
    rows: Sequence[Row]
    open: bool = False


@dataclass(frozen=True)
class Table:
    """What is drawn. ``columns`` are shown by these names; ``notes`` stand under them."""

    label: str
    corner: str
    columns: Sequence[str]
    groups: Sequence[Group]
    hint: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


def results_table(table: Table, *, key: str, chosen: Callable[[str, str], None]) -> None:
    """Draw a table; a click on a cell calls ``chosen`` with the ids of its row and its column."""
    rows = {row.id for group in table.groups for row in group.rows}

    def clicked() -> None:
        found = st.session_state[key].get("chosen")
        if isinstance(found, list) and len(found) == 2 and found[0] in rows and found[1] in table.columns:
            chosen(found[0], found[1])

    _TABLE(key=key, data=_data(table), on_chosen_change=clicked)


def shown(
    seen: Interval, column: Column, scale: Scale | None, *, shape: str = "", words: str = "", about: str = ""
) -> Shown | None:
    """A value with its interval; None where there is none."""
    if seen.value is None:
        return None
    value = interval_words(seen, column.kind, column.unit).partition(" (")[0]
    span = span_words(seen, column.kind, column.unit).removeprefix(f"{100 * seen.confidence:g} % interval ")
    requests = f"{seen.requests:,} request{'' if seen.requests == 1 else 's'}"
    told = [requests, *([about] if about and about != words else []), *([seen.note] if seen.note else [])]
    return Shown(value, span, _place(seen, scale), shape, words, ". ".join(each.rstrip(".") for each in told))


def _place(seen: Interval, scale: Scale | None) -> tuple[float | None, float, float | None] | None:
    if scale is None or seen.value is None:
        return None
    low, high = scale

    def percent(value: float) -> float:
        return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 1)

    ends = [None if end is None else percent(end) for end in (seen.low, seen.high)]
    return ends[0], percent(seen.value), ends[1]


def _data(table: Table) -> dict[str, Any]:
    groups = [
        {
            "title": group.title, "open": group.open,
            "rows": [
                {
                    "id": row.id, "title": row.title, "way": row.way, "about": row.about,
                    "cells": {name: cell.to_dict() for name, cell in row.cells.items()},
                }
                for row in group.rows
            ],
        }
        for group in table.groups
    ]  # fmt: skip
    columns = [{"id": each, "title": each, "note": table.notes.get(each, "")} for each in table.columns]
    return {"label": table.label, "corner": table.corner, "hint": table.hint, "columns": columns, "groups": groups}
