"""What all figures of distributions share: the frame, the two ways of painting a series, and the words for a figure.

``layout.meta.description`` says in a sentence what a figure shows, for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.render.colors import Theme, with_alpha
from workbench.core.render.labels import literal
from workbench.core.render.lanes import Trace
from workbench.core.render.time_axis import FONT, FigureJson, number

Series = Mapping[str, Mapping[str, int]]
"""One or two collections by name, each with its counts."""
MAX_TOLD = 5
"""Categories that a description names."""


def paint(theme: Theme, *, hatched: bool) -> dict[str, Any]:
    """The marker of a series: hatched and outlined, or filled."""
    if not hatched:
        return {"color": theme.accent, "line": {"width": 1, "color": theme.accent}}
    return {
        "color": with_alpha(theme.muted, 0.12),
        "line": {"width": 1.2, "color": theme.muted},
        "pattern": {"shape": "/", "fgcolor": theme.muted, "bgcolor": "rgba(0,0,0,0)", "size": 6, "solidity": 0.25},
    }


def line(name: str, count: int, share: float) -> str:
    """A series in a hover: its share and its count."""
    return f"<br>{literal(name)}: {percent(share)} ({count:,})"


def percent(share: float) -> str:
    """A share, 0 to 1, as people read it."""
    return "under 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f}".removesuffix(".0") + " %"


def above(series: Mapping[str, object]) -> int:
    """Pixels above the plot: for the title and, with two series, the legend."""
    return 66 if len(series) == 2 else 40


def layout_of(theme: Theme, title: str, series: Mapping[str, object], *, height: int) -> dict[str, Any]:
    """The layout of a figure whose plot is ``height`` pixels high."""
    top, bottom = above(series), 12
    return {
        "height": height + top + bottom,
        "margin": {"l": 8, "r": 12, "t": top, "b": bottom, "pad": 4},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": theme.ink},
        "title": {
            "text": literal(title), "x": 0, "xref": "container", "xanchor": "left", "y": 1, "yref": "container",
            "yanchor": "top", "pad": {"l": 8, "t": 10}, "font": {"size": 15, "color": theme.ink},
        },
        "showlegend": len(series) == 2,
        "legend": {
            "orientation": "h", "x": 0, "xref": "container", "xanchor": "left",
            "y": number(1 - 32 / (height + top + bottom)), "yref": "container",
            "yanchor": "top", "bgcolor": "rgba(0,0,0,0)", "font": {"size": 12, "color": theme.ink},
            "itemclick": False, "itemdoubleclick": False, "traceorder": "normal",
        },
        "barmode": "group",
        "bargap": 0.28,
        "bargroupgap": 0.06,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": theme.ink, "bordercolor": "rgba(0,0,0,0)", "align": "left", "namelength": 0,
            "font": {"family": FONT, "size": 13, "color": theme.paper},
        },
        "dragmode": False,
    }  # fmt: skip


def told(
    traces: list[Trace], layout: dict[str, Any], title: str, series: Series, labels: Mapping[str, str]
) -> FigureJson:
    """The figure with what it says in words; a figure of nothing says so in its middle."""
    parts = []
    for name, counts in series.items():
        whole = sum(counts.values())
        first = sorted(counts, key=lambda category: -counts[category])[:MAX_TOLD]
        words = [
            f"{labels.get(category, category).replace('<br>', ' ')} {percent(counts[category] / whole)}"
            for category in first
            if counts[category]
        ]
        parts.append(f"{name}, of {whole:,}: {', '.join(words)}." if words else f"{name}: none.")
    layout["meta"] = {"description": f"{title}. {' '.join(parts)}"}
    if not any(count for counts in series.values() for count in counts.values()):
        layout["annotations"] = [
            {"text": "Nothing to show.", "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
        ]
        layout["height"] = max(layout["height"], 140)
    return {"data": traces, "layout": layout}
