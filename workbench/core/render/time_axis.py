"""The one time axis that the phrase plan and the piano roll share, and how a figure is put together.

Figures are plain JSON (``{"data": [...], "layout": {...}}``) first and plotly objects second: building and checking
thousands of plotly objects takes longer than everything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.core.music.meters import DIVISIONS
from workbench.core.music.score import Performance, Score
from workbench.core.render.colors import Theme

if TYPE_CHECKING:
    import plotly.graph_objects as go

FigureJson = dict[str, Any]
"""``{"data": [trace, ...], "layout": {...}}``: plain lists, strings and rounded numbers."""

FONT = '"Source Sans", "Source Sans Pro", system-ui, "Segoe UI", "Noto Sans", sans-serif'
NUMERAL_FONT = 'Georgia, "Noto Serif", "Liberation Serif", "DejaVu Serif", serif'
LEFT, RIGHT = 84, 14
"""Margins in pixels, the same in both figures so that they line up."""

PLOT_WIDTH = 1000
"""Pixels that the time axis is taken to have when nobody says otherwise."""


def bar_ticks(score: Score, width: float = PLOT_WIDTH) -> list[int]:
    """The bars that are numbered on an axis of so many pixels, counted from 1: all, or 1, 5, 9 …"""
    step = 1
    while score.measures / step * 30 > width:
        step *= 2
    return list(range(1, score.measures + 1, step))


def time_axis(score: Score, theme: Theme, *, side: str, width: float = PLOT_WIDTH) -> dict[str, Any]:
    """A plotly x axis in quarters from 0, ruled at bars and labelled with bar numbers."""
    bar = score.meter.bar_quarters
    bars = bar_ticks(score, width)
    axis: dict[str, Any] = {
        "range": [0, number(score.quarters)],
        "minallowed": 0,
        "maxallowed": number(score.quarters),
        "tickmode": "array",
        "tickvals": [number((measure - 1) * bar) for measure in bars],
        "ticktext": [str(measure) for measure in bars],
        "side": side,
        "showgrid": True,
        "gridcolor": theme.grid,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": theme.rule,
        "tickfont": {"size": 11, "color": theme.muted},
        "fixedrange": False,
    }
    if score.measures * score.meter.beats <= width / 7:
        beat = number(score.meter.beat / DIVISIONS)
        axis["minor"] = {"tick0": 0, "dtick": beat, "showgrid": True, "gridcolor": theme.faint, "ticks": ""}
    return axis


def base_layout(score: Score, theme: Theme, *, height: int, top: int, bottom: int) -> dict[str, Any]:
    """What both figures have in common.

    ``layout.meta`` tells a player, in quarters, how long a ``bar``, a ``beat`` and the whole piece are.
    """
    return {
        "height": height,
        "margin": {"l": LEFT, "r": RIGHT, "t": top, "b": bottom, "pad": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": theme.ink},
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "#1c2330" if not theme.dark else "#e9edf4",
            "bordercolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 13, "color": "#ffffff" if not theme.dark else "#11151c"},
            "align": "left",
            "namelength": 0,
        },
        "barmode": "overlay",
        "bargap": 0,
        "showlegend": False,
        "dragmode": "pan",
        "meta": {
            "bar": number(score.meter.bar_quarters),
            "beat": number(score.meter.beat / DIVISIONS),
            "quarters": number(score.quarters),
            "measures": score.measures,
        },
    }


def timeline(performance: Performance) -> dict[str, list[float]]:
    """Score time against clock time for a playhead: ``quarters`` and ``seconds``, rising, straight between points."""
    return {
        "quarters": (performance.grid / DIVISIONS).round(4).tolist(),
        "seconds": performance.times.round(4).tolist(),
    }


def figure(data: FigureJson) -> go.Figure:
    """The plotly figure of a figure's JSON."""
    import plotly.graph_objects as go

    # The JSON is this package's own and tested against plotly's schema, so it is not checked again each time.
    # Nor may plotly's default template move margins that two figures share.
    return go.Figure({"data": data["data"], "layout": {**data["layout"], "template": {}}}, _validate=False)


def number(value: float) -> float | int:
    """The shortest JSON number that is exact enough to draw with."""
    rounded = round(float(value), 4)
    return int(rounded) if rounded.is_integer() else rounded


def place(score: Score, division: int) -> str:
    """A position as people count it: bar and beat from 1, ``12`` or ``12, beat 3``."""
    bar, within = divmod(division, score.meter.bar)
    beat = within / score.meter.beat + 1
    return f"{bar + 1}" if within == 0 else f"{bar + 1}, beat {round(beat, 2):g}"
