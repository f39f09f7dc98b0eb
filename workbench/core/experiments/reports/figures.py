"""Figures of a page that compares: intervals grouped by level, and curves over steps with their bands.

Figures are plain JSON as in ``core.render``; variants differ in symbol as well as in colour, and
``layout.meta.description`` says what a figure shows, for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.core.experiments.reports.charts import scale_of
from workbench.core.experiments.reports.summary import Column, in_percent
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import interval_words
from workbench.core.render.colors import Theme, theme_of, voice_color, with_alpha
from workbench.core.render.distribution_frame import layout_of
from workbench.core.render.labels import literal
from workbench.core.render.lanes import Trace
from workbench.core.render.time_axis import FigureJson, number

Levels = Mapping[str, Mapping[str, Interval]]
"""By level and variant: what was seen."""
Steps = Mapping[str, Sequence[tuple[int, Interval]]]
"""By line: what was seen at each step, rising."""
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star", "triangle-down", "cross", "hexagon", "bowtie")
DASHES = ("solid", "dot", "dash", "dashdot")
_PER_MARK, _LEAST, _HEIGHT = 13, 34, 300
_INKS = (3, 2, 1, 4, 6, 7, 0, 5)
"""The voices' colours, in an order that does not begin with red."""
_MAX_TOLD = 60
"""Values that a description tells: a table beside it holds the others."""


def grouped_intervals(levels: Levels, variants: Sequence[str], column: Column, title: str, *, dark: bool) -> FigureJson:
    """A band for each level, in which every variant has its value and interval, in the same order."""
    theme, shown = theme_of(dark), [each for each in variants if any(each in row for row in levels.values())]
    band = max(_LEAST, _PER_MARK * len(shown) + 12)
    traces: list[Trace] = []
    for place_in, variant in enumerate(shown):
        at, shift = variants.index(variant), ((place_in + 0.5) / len(shown) - 0.5) * 0.78
        known = [
            (level, place + shift, row[variant]) for place, (level, row) in enumerate(levels.items())
            if variant in row and row[variant].value is not None
        ]  # fmt: skip
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": literal(variant),
                "x": [_drawn(seen.value, column) for _, _, seen in known], "y": [number(y) for _, y, _ in known],
                "error_x": _bars([seen for _, _, seen in known], column, _ink(at, dark)),
                "marker": _marker(at, dark),
                "customdata": [[level, variant] for level, _, _ in known],
                "hovertemplate": [
                    f"<b>{literal(level)}, {literal(variant)}</b><br>{literal(_words(seen, column))}<extra></extra>"
                    for level, _, seen in known
                ],
            }
        )  # fmt: skip
    layout = _frame(theme, title, shown, height=band * len(levels) + 26)
    seen = [each for row in levels.values() for each in row.values()]
    layout["xaxis"] = _value_axis(theme, seen, column)
    layout["yaxis"] = {
        "tickmode": "array", "tickvals": list(range(len(levels))), "ticktext": [literal(each) for each in levels],
        "range": [len(levels) - 0.5, -0.5], "showgrid": False, "zeroline": False, "fixedrange": True,
        "automargin": True, "tickfont": {"size": 12, "color": theme.ink},
    }  # fmt: skip
    ruled = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "line": {"width": 1, "color": theme.grid}}
    layout["shapes"] = [{**ruled, "y0": at + 0.5, "y1": at + 0.5} for at in range(len(levels) - 1)]
    told = [f"{level}, {name}: {_words(each, column)}" for level, row in levels.items() for name, each in row.items()]
    return _with_words(traces, layout, title, told, "Nothing to show.")


def curves_over_steps(lines: Steps, column: Column, title: str, *, dark: bool) -> FigureJson:
    """A curve for each line over the steps of its training, with the intervals as bars and as a band."""
    theme = theme_of(dark)
    traces: list[Trace] = []
    for at, (name, points) in enumerate(lines.items()):
        known = [(step, seen) for step, seen in points if seen.value is not None]
        color = _ink(at, dark)
        banded = [(step, seen.low, seen.high) for step, seen in known if seen.low is not None and seen.high is not None]
        edge = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
        steps = [step for step, _, _ in banded]
        traces += [
            {**edge, "x": steps, "y": [_drawn(low, column) for _, low, _ in banded]},
            {**edge, "x": steps, "y": [_drawn(high, column) for _, _, high in banded], "fill": "tonexty",
             "fillcolor": with_alpha(color, 0.14)},
            {
                "type": "scatter", "mode": "lines+markers", "name": literal(name), "x": [step for step, _ in known],
                "y": [_drawn(seen.value, column) for _, seen in known],
                "error_y": _bars([seen for _, seen in known], column, color),
                "line": {"width": 2, "color": color, "dash": DASHES[at % len(DASHES)]}, "marker": _marker(at, dark),
                "hovertemplate": [
                    f"<b>{literal(name)}</b><br>step {step:,}: {literal(_words(seen, column))}<extra></extra>"
                    for step, seen in known
                ],
            },
        ]  # fmt: skip
    layout = _frame(theme, title, list(lines), height=_HEIGHT)
    seen = [each for points in lines.values() for _, each in points]
    layout["yaxis"] = _value_axis(theme, seen, column)
    layout["xaxis"] = {
        "title": {"text": "step", "standoff": 6, "font": {"size": 12}}, "tickformat": ",d", "showgrid": False,
        "zeroline": False, "tickfont": {"size": 11, "color": theme.muted}, "fixedrange": True, "automargin": True,
        "nticks": 6,
    }  # fmt: skip
    told = [f"{name}, step {step:,}: {_words(each, column)}" for name, points in lines.items() for step, each in points]
    return _with_words(traces, layout, title, told, "Nothing to show.")


def _frame(theme: Theme, title: str, names: Sequence[str], *, height: int) -> dict[str, Any]:
    """The layout, with a legend wherever there is more than one name."""
    layout = layout_of(theme, title, dict.fromkeys(names), height=height)
    if len(names) > 1:
        rows = 1 + len(names) // 4  # about what a legend takes where there is little room
        top = 44 + 22 * rows
        layout["height"] = height + top + layout["margin"]["b"]
        layout["margin"] = {**layout["margin"], "t": top}
        layout["legend"] = {**layout["legend"], "y": number(1 - 32 / layout["height"])}
        layout["showlegend"] = True
    return layout


def _ink(at: int, dark: bool) -> str:
    return voice_color(_INKS[at % len(_INKS)], dark=dark)


def _marker(at: int, dark: bool) -> dict[str, Any]:
    return {"size": 9, "color": _ink(at, dark), "symbol": SYMBOLS[at % len(SYMBOLS)]}


def _bars(seen: Sequence[Interval], column: Column, color: str) -> dict[str, Any]:
    """Bars from each value to the ends of its interval; none where there is no interval."""
    ends = [(each.value or 0.0, each.low, each.high) for each in seen]
    return {
        "type": "data", "symmetric": False, "color": color, "thickness": 1.6, "width": 3,
        "array": [0 if high is None else _drawn(high - value, column) for value, _, high in ends],
        "arrayminus": [0 if low is None else _drawn(value - low, column) for value, low, _ in ends],
    }  # fmt: skip


def _value_axis(theme: Theme, seen: Sequence[Interval], column: Column) -> dict[str, Any]:
    scale = scale_of(seen, column)
    axis: dict[str, Any] = {
        "gridcolor": theme.grid, "zeroline": False, "tickfont": {"size": 11, "color": theme.muted},
        "fixedrange": True, "automargin": True, "nticks": 7, "ticksuffix": " %" if in_percent(column) else "",
        "title": {
            "text": "" if in_percent(column) else literal(column.unit), "standoff": 6, "font": {"size": 12},
        },
    }  # fmt: skip
    return axis | ({"range": [_drawn(end, column) for end in scale]} if scale else {})


def _drawn(value: float | None, column: Column) -> float:
    """A value as it is drawn: shares and rates times 100."""
    scaled = (value or 0.0) * (100 if in_percent(column) else 1)
    return number(scaled) if abs(scaled) >= 1e-3 else scaled


def _words(seen: Interval, column: Column) -> str:
    requests = f"{seen.requests:,} request{'' if seen.requests == 1 else 's'}"
    return f"{interval_words(seen, column.kind, column.unit)}, {requests}"


def _with_words(
    traces: list[Trace], layout: dict[str, Any], title: str, told: Sequence[str], nothing: str
) -> FigureJson:
    rest = f" And {len(told) - _MAX_TOLD:,} more, in the table." if len(told) > _MAX_TOLD else ""
    words = f"{'; '.join(told[:_MAX_TOLD])}.{rest}" if told else nothing
    layout["meta"] = {"description": f"{title}. {words}"}
    if not told:
        layout["annotations"] = [
            {"text": nothing, "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
        ]
    return {"data": traces, "layout": layout}
