"""Curves over the steps of a training, such as its loss: one or two, plain or logarithmic.

The first of two is thin, the second dotted with its measured points, so that they differ in more than colour. Figures
are plain JSON; ``layout.meta.description`` says in a sentence what a figure shows, for those who cannot see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workbench.core.render.colors import theme_of
from workbench.core.render.distribution_frame import above, layout_of
from workbench.core.render.labels import literal
from workbench.core.render.lanes import Trace
from workbench.core.render.time_axis import FigureJson, number

Points = Sequence[tuple[int, float]]
"""Steps, rising, with what was measured at each."""
MOST = 400
"""Points of a curve that are drawn, about: of more the extremes of each stretch."""
_HEIGHT = 300


def curves(lines: Mapping[str, Points], title: str, *, log: bool = False, dark: bool = False) -> FigureJson:
    """One or two curves by name. On a logarithmic axis what is not above zero is left out."""
    theme = theme_of(dark)
    shown = {name: [each for each in points if each[1] > 0 or not log] for name, points in lines.items()}
    traces: list[Trace] = []
    for at, (name, points) in enumerate(shown.items()):
        first, drawn = at == 0 and len(shown) == 2, list(thinned(points))
        color = theme.muted if first else theme.accent
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(drawn) <= 60 else "lines",
                "name": literal(name),
                "x": [step for step, _ in drawn],
                "y": [number(value) if abs(value) >= 1e-3 else value for _, value in drawn],
                "line": {"width": 1.5 if first else 2.5, "color": color, "dash": "solid" if first else "dot"},
                "marker": {"size": 4 if first else 7, "color": color, "symbol": "circle" if first else "diamond"},
                "hovertemplate": f"<b>{literal(name)}</b><br>step %{{x:,}}: %{{y:.4g}}<extra></extra>",
            }
        )
    layout = layout_of(theme, title, shown, height=_HEIGHT - above(shown))
    axis = {
        "gridcolor": theme.grid, "zeroline": False, "tickfont": {"size": 11, "color": theme.muted},
        "fixedrange": True, "automargin": True, "nticks": 6,
    }  # fmt: skip
    layout["xaxis"] = axis | {
        "title": {"text": "step", "standoff": 6, "font": {"size": 12}}, "tickformat": ",d", "showgrid": False,
    }  # fmt: skip
    layout["yaxis"] = axis | (_log_axis(shown.values()) if log else {"rangemode": "tozero"})
    layout["meta"] = {"description": " ".join([f"{title}.", *(_told(*each) for each in shown.items())])}
    if not any(shown.values()):
        layout["annotations"] = [
            {"text": "Nothing to show.", "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
        ]
    return {"data": traces, "layout": layout}


def thinned(points: Points, most: int = MOST) -> Iterator[tuple[int, float]]:
    """At most so many points, about: the first and the last, and the highest and the lowest of each stretch between."""
    if len(points) <= most:
        yield from points
        return
    yield points[0]
    inner, count = points[1:-1], max(1, most // 2 - 1)
    for at in range(count):
        stretch = inner[at * len(inner) // count : (at + 1) * len(inner) // count]
        if stretch:
            yield from sorted({min(stretch, key=lambda each: each[1]), max(stretch, key=lambda each: each[1])})
    yield points[-1]


def _log_axis(lines: Iterable[Points]) -> dict[str, Any]:
    """A logarithmic axis that is labelled at 1, 2 and 5 of each power of ten, or at the powers where these are many."""
    values = [value for points in lines for _, value in points] or [1.0]
    powers = range(math.floor(math.log10(min(values))), math.floor(math.log10(max(values))) + 1)
    steps = (1, 2, 5) if len(powers) <= 4 else (1,)
    return {
        "type": "log",
        "tickmode": "array",
        "tickvals": [float(f"{step}e{power}") for power in powers for step in steps],
    }


def _told(name: str, points: Points) -> str:
    if not points:
        return f"{name}: none."
    (first, begin), (last, end) = points[0], points[-1]
    step, least = min(points, key=lambda each: each[1])
    if len(points) == 1:
        return f"{name}: {begin:.4g} at step {first:,}."
    lowest = f"lowest {least:.4g} at step {step:,}"
    return f"{name}: from {begin:.4g} at step {first:,} to {end:.4g} at step {last:,}, {lowest}."
