"""How a collection of pieces is distributed: bars, upright bars and a map, of one or two collections.

Every function takes ``series``: one or two collections by name, each with its counts (a count is of any kind: pieces,
chords, cadences). What is drawn are shares, so that collections of different sizes can be compared; counts stand in
the hover. The first of two is hatched and outlined, the second filled, so that they differ in more than colour.
Figures are plain JSON; ``layout.meta.description`` says in a sentence what a figure shows, for those who cannot see it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.core.render.colors import Theme, contrast, text_on, theme_of
from workbench.core.render.distribution_frame import Series, above, layout_of, line, paint, percent, told
from workbench.core.render.labels import literal, numeral_text
from workbench.core.render.lanes import Trace
from workbench.core.render.time_axis import FigureJson, number

Table = Mapping[str, Mapping[tuple[str, str], int]]

_BAR, _PAIR = 24, 34
"""Pixels for a category in horizontal bars: with one series, with two."""
_LINE = 15
"""Pixels for a line of a name."""
_HISTOGRAM_HEIGHT = 300
_CELL, _HEAD = 38, 26
"""Pixels for a row of a map, and for the names over its columns."""
MIN_CONTRAST = 4.5
"""Of a number on its cell (WCAG 2.2, 1.4.3)."""
TOP_CHORDS = 24


def bars(series: Series, title: str, *, labels: Mapping[str, str] | None = None, dark: bool = False) -> FigureJson:
    """Horizontal bars in the order of the first series' categories, for names that need room: forms, moods, cadences.

    ``labels`` are the categories' names for people, where they differ.
    """
    theme = theme_of(dark)
    categories = _categories(series)
    names = _names(categories, labels)
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": names,
            "x": [number(100 * share) for share in _shares(counts, categories)],
            "text": [percent(share) for share in _shares(counts, categories)],
            "textposition": "outside",
            "cliponaxis": False,
            "textfont": {"size": 11, "color": theme.muted},
            **_series(name, counts, categories, names, theme, hatched=at == 0 and len(series) == 2),
        }
        for at, (name, counts) in enumerate(series.items())
    ]
    least = _PAIR if len(series) == 2 else _BAR
    # Every category has a band of the same height, so the longest name decides.
    height = len(names) * max((max(least, _LINE * (1 + name.count("<br>")) + 4) for name in names), default=least)
    layout = layout_of(theme, title, series, height=height)
    # Room for the percentages at the ends of the longest bars.
    layout["xaxis"] = _share_axis(theme, 1.18 * _largest(series, categories)) | {"showticklabels": False}
    layout["yaxis"] = _category_axis(theme, names) | {"autorange": "reversed"}
    return told(traces, layout, title, series, dict(zip(categories, names, strict=True)))


def histogram(series: Series, title: str, *, unit: str = "", dark: bool = False) -> FigureJson:
    """Upright bars in the order given, for what is measured: phrase lengths, tokens. ``unit`` names the axis."""
    theme = theme_of(dark)
    categories = _categories(series)
    names = _names(categories, None, width=10)
    traces = [
        {
            "type": "bar",
            "x": names,
            "y": [number(100 * share) for share in _shares(counts, categories)],
            **_series(name, counts, categories, names, theme, hatched=at == 0 and len(series) == 2),
        }
        for at, (name, counts) in enumerate(series.items())
    ]
    layout = layout_of(theme, title, series, height=_HISTOGRAM_HEIGHT - above(series))
    layout["bargap"] = 0.12
    layout["xaxis"] = _category_axis(theme, names) | {
        "title": {"text": literal(unit), "standoff": 8, "font": {"size": 12}}
    }
    layout["yaxis"] = _share_axis(theme, 1.05 * _largest(series, categories))
    return told(traces, layout, title, series, dict(zip(categories, names, strict=True)))


def chords(series: Series, title: str, *, top: int = TOP_CHORDS, dark: bool = False) -> FigureJson:
    """The ``top`` most frequent chords of one mode, by how frequent they are in the last series. Shares are of all."""
    last = list(series.values())[-1]
    every = {figure for counts in series.values() for figure in counts}
    order = sorted(
        every, key=lambda figure: (-last.get(figure, 0), *(-c.get(figure, 0) for c in series.values()), figure)
    )
    shown, rest = order[:top], order[top:]
    folded = {
        name: {figure: counts.get(figure, 0) for figure in shown}
        | ({"": sum(counts.get(figure, 0) for figure in rest)} if rest else {})
        for name, counts in series.items()
    }
    labels = {figure: numeral_text(figure) for figure in shown} | {"": f"{len(rest)} others"}
    return bars(folded, title, labels=labels, dark=dark)


def coverage_map(
    table: Table, title: str, *, rows: Mapping[str, str], columns: Mapping[str, str], dark: bool = False
) -> FigureJson:
    """How many there are of each row and column, such as form and period; a hole is a dash in a frame.

    ``rows`` and ``columns`` are the categories to show with their names. With two series the first's count stands
    before the second's, and the shade is the second's share.
    """
    theme = theme_of(dark)
    cells = [(row, column) for row in rows for column in columns]
    last = list(table.values())[-1]
    most = max((last.get(cell, 0) for cell in cells), default=0) or 1
    fills = [_shade(last.get(cell, 0) / most, theme) for cell in cells]
    wholes = {name: sum(counts.values()) or 1 for name, counts in table.items()}
    hovers = [
        f"<b>{literal(rows[row])}, {literal(columns[column])}</b>"
        + "".join(
            line(name, counts.get((row, column), 0), counts.get((row, column), 0) / wholes[name])
            for name, counts in table.items()
        )
        for row, column in cells
    ]
    words = [
        " → ".join(f"{counts.get(cell, 0):,}" if counts.get(cell, 0) else "–" for counts in table.values())
        for cell in cells
    ]
    row_names, column_names = _names(rows, rows), _names(columns, columns)
    where = {row: at for at, row in enumerate(rows)}, {column: at for at, column in enumerate(columns)}
    traces: list[Trace] = [
        {
            "type": "bar",
            "x": [where[1][column] for _, column in cells],
            "y": [0.9] * len(cells),
            "base": [number(where[0][row] - 0.45) for row, _ in cells],
            "width": 0.94,
            "marker": {
                "color": fills,
                "line": {"width": [0 if last.get(cell) else 1.5 for cell in cells], "color": theme.rule},
            },
            "text": words,
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "constraintext": "none",
            "insidetextfont": {
                "size": 13,
                "color": [text_on(fill) if fill.startswith("#") else theme.muted for fill in fills],
            },
            "customdata": [list(cell) for cell in cells],
            "hovertext": hovers,
            "hovertemplate": "%{hovertext}<extra></extra>",
            "showlegend": False,
        }
    ]
    heading = f"{title}: {' → '.join(table)}" if len(table) == 2 else title
    layout = layout_of(theme, heading, {}, height=_CELL * len(rows) + _HEAD)
    layout["margin"]["t"] += _HEAD
    layout["xaxis"] = _category_axis(theme, column_names) | {
        "type": "linear", "side": "top", "tickvals": list(range(len(columns))), "range": [-0.5, len(columns) - 0.5],
    }  # fmt: skip
    layout["yaxis"] = _category_axis(theme, row_names) | {
        "type": "linear", "tickvals": list(range(len(rows))), "range": [len(rows) - 0.5, -0.5],
    }  # fmt: skip
    holes = sum(not last.get(cell) for cell in cells)
    series = {
        name: {f"{rows[r]}, {columns[c]}": counts.get((r, c), 0) for r, c in cells} for name, counts in table.items()
    }
    drawn = told(traces, layout, title, series, {})
    drawn["layout"]["meta"]["description"] += f" {holes} of {len(cells)} places are empty."
    return drawn


def _shade(share: float, theme: Theme) -> str:
    """From the page's own colour to the accent; none has no fill. The square root keeps small counts apart."""
    if share <= 0:
        return "rgba(0,0,0,0)"
    part = 0.18 + 0.82 * share**0.5
    fill = _mixed(part, theme)
    # Between light and dark lies a band on which no ink can be read: shades go past it.
    while contrast(fill, text_on(fill)) < MIN_CONTRAST and part < 1:
        part = min(1.0, part + 0.02)
        fill = _mixed(part, theme)
    return fill


def _mixed(part: float, theme: Theme) -> str:
    channels = (
        round(int(theme.paper[at : at + 2], 16) * (1 - part) + int(theme.accent[at : at + 2], 16) * part)
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{value:02x}" for value in channels)


def _series(
    name: str,
    counts: Mapping[str, int],
    categories: Sequence[str],
    names: Sequence[str],
    theme: Theme,
    *,
    hatched: bool,
) -> Trace:
    hovers = [
        f"<b>{label}</b>{line(name, counts.get(category, 0), share)}"
        for category, label, share in zip(categories, names, _shares(counts, categories), strict=True)
    ]
    return {
        "name": literal(name),
        "marker": paint(theme, hatched=hatched),
        "customdata": list(categories),
        "hovertext": hovers,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _categories(series: Series) -> list[str]:
    return list(dict.fromkeys(category for counts in series.values() for category in counts))


def _names(categories: Iterable[str], labels: Mapping[str, str] | None, *, width: int = 18) -> list[str]:
    """What stands at the axis: long names in several lines, and no two alike."""
    wrapped = [textwrap.wrap((labels or {}).get(category, category), width) or ["not told"] for category in categories]
    names = ["<br>".join(map(literal, lines)) for lines in wrapped]
    return [name if names.index(name) == at else f"{name} ({at + 1})" for at, name in enumerate(names)]


def _shares(counts: Mapping[str, int], categories: Sequence[str]) -> list[float]:
    whole = sum(counts.values())
    return [counts.get(category, 0) / whole if whole else 0.0 for category in categories]


def _largest(series: Series, categories: Sequence[str]) -> float:
    return 100 * max((share for counts in series.values() for share in _shares(counts, categories)), default=0) or 1.0


def _share_axis(theme: Theme, most: float) -> dict[str, Any]:
    return {
        "range": [0, number(most)],
        "ticksuffix": " %",
        "nticks": 5,
        "gridcolor": theme.grid,
        "zeroline": True,
        "zerolinecolor": theme.rule,
        "tickfont": {"size": 11, "color": theme.muted},
        "fixedrange": True,
        "automargin": True,
    }


def _category_axis(theme: Theme, names: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "category",
        "tickmode": "array",
        "tickvals": list(names),
        "ticktext": list(names),
        "showgrid": False,
        "zeroline": False,
        "tickfont": {"size": 12, "color": theme.ink},
        "fixedrange": True,
        "automargin": True,
    }
