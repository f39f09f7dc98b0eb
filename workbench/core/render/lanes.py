"""What lanes are drawn with: boxes, lines and texts, as plotly traces in plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.core.music.meters import DIVISIONS
from workbench.core.render.labels import Label, literal
from workbench.core.render.time_axis import FONT, number

Trace = dict[str, Any]


def boxes(lane: str, spans: Sequence[Any], middle: float, size: float, fills: list[str], hovers: list[str]) -> Trace:
    """A box for each span, ``size`` pixels high around ``middle``; each knows its start, end and index."""
    starts = [number(span.start / DIVISIONS) for span in spans]
    ends = [number(span.end / DIVISIONS) for span in spans]
    return {
        "type": "bar",
        "orientation": "h",
        "base": starts,
        "x": [number(end - start) for start, end in zip(starts, ends, strict=True)],
        "y": [number(middle)] * len(spans),
        "width": size,
        "meta": {"lane": lane, "role": "span"},
        "customdata": [[start, end, index] for index, (start, end) in enumerate(zip(starts, ends, strict=True))],
        "marker": {"color": fills, "line": {"width": 0}},
        "hovertext": hovers,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "textposition": "none",
    }


def line(lane: str, xs: Sequence[float | None], ys: Sequence[float | None], color: str, width: float) -> Trace:
    """A line through points (None lifts the pen) that does not answer the pointer."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(xs),
        "y": list(ys),
        "meta": {"lane": lane, "role": "line"},
        "line": {"color": color, "width": width},
        "hoverinfo": "skip",
    }


def texts(
    lane: str,
    labels: list[Label],
    places: Sequence[float],
    y: float,
    inks: list[str],
    scale: float,
    size: float,
    position: str = "middle center",
    font: str = FONT,
) -> list[Trace]:
    """One text trace for each range of zoom."""
    ranges: dict[tuple[float, float | None], list[Label]] = {}
    for label in labels:
        ranges.setdefault((label.least, label.most), []).append(label)
    return [
        {
            "type": "scatter",
            "mode": "text",
            "x": [places[label.of] for label in group],
            "y": [number(y)] * len(group),
            "text": [literal(label.text) for label in group],
            "textposition": position,
            "textfont": {"size": size, "family": font, "color": [inks[label.of] for label in group]},
            "meta": {"lane": lane, "role": "text", "detail": [number(least), None if most is None else number(most)]},
            "visible": least <= scale and (most is None or scale < most),
            "hoverinfo": "skip",
            "cliponaxis": True,
        }
        for (least, most), group in sorted(ranges.items(), key=lambda item: item[0][0])
    ]


def lengths(spans: Sequence[Any]) -> list[float]:
    """How long each span is, in quarters."""
    return [(span.end - span.start) / DIVISIONS for span in spans]


def middles(spans: Sequence[Any]) -> list[float]:
    """The middle of each span, in quarters."""
    return [number((span.start + span.end) / 2 / DIVISIONS) for span in spans]
