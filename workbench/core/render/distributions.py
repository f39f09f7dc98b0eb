"""How a collection of pieces is distributed: bars, a circle of fifths and a map, of one or two collections.

Every function takes ``series``: one or two collections by name, each with its counts (a count is of any kind: pieces,
chords, cadences). What is drawn are shares, so that collections of different sizes can be compared; counts stand in
the hover. The first of two is hatched and outlined, the second filled, so that they differ in more than colour.
Figures are plain JSON; ``layout.meta.description`` says in a sentence what a figure shows, for those who cannot see it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.core.music.keys import Key, parse_key
from workbench.core.render.colors import Theme, contrast, text_on, theme_of, with_alpha
from workbench.core.render.labels import literal, numeral_text
from workbench.core.render.lanes import Trace
from workbench.core.render.time_axis import FONT, FigureJson, number

Series = Mapping[str, Mapping[str, int]]
Table = Mapping[str, Mapping[tuple[str, str], int]]

_BAR, _PAIR = 24, 34
"""Pixels for a category in horizontal bars: with one series, with two."""
_LINE = 15
"""Pixels for a line of a name."""
_HISTOGRAM_HEIGHT, _CIRCLE_HEIGHT = 300, 420
_CELL, _HEAD = 38, 26
"""Pixels for a row of a map, and for the names over its columns."""
MIN_CONTRAST = 4.5
"""Of a number on its cell (WCAG 2.2, 1.4.3)."""
MAX_TOLD = 5
"""Categories that a description names."""
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
            "text": [_percent(share) for share in _shares(counts, categories)],
            "textposition": "outside",
            "cliponaxis": False,
            "textfont": {"size": 11, "color": theme.muted},
            **_series(name, counts, categories, names, theme, hatched=at == 0 and len(series) == 2),
        }
        for at, (name, counts) in enumerate(series.items())
    ]
    least = _PAIR if len(series) == 2 else _BAR
    height = sum(max(least, _LINE * (1 + name.count("<br>")) + 6) for name in names)
    layout = _layout(theme, title, series, height=height)
    # Room for the percentages at the ends of the longest bars.
    layout["xaxis"] = _share_axis(theme, 1.18 * _largest(series, categories)) | {"showticklabels": False}
    layout["yaxis"] = _category_axis(theme, names) | {"autorange": "reversed"}
    return _told(traces, layout, title, series, dict(zip(categories, names, strict=True)))


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
    layout = _layout(theme, title, series, height=_HISTOGRAM_HEIGHT - _top(series))
    layout["bargap"] = 0.12
    layout["xaxis"] = _category_axis(theme, names) | {
        "title": {"text": literal(unit), "standoff": 8, "font": {"size": 12}}
    }
    layout["yaxis"] = _share_axis(theme, 1.05 * _largest(series, categories))
    return _told(traces, layout, title, series, dict(zip(categories, names, strict=True)))


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


def circle_of_fifths(series: Series, title: str, *, dark: bool = False) -> FigureJson:
    """Keys (``C major``, ``a minor``) on the circle of fifths: C at the top, sharps clockwise, major outside.

    Keys that sound the same share a place. All bars have one scale, so the longest is the most frequent key. Names that
    are no key are left out.
    """
    theme = theme_of(dark)
    placed = {name: _placed(counts) for name, counts in series.items()}
    whole = {name: sum(places.values()) for name, places in placed.items()}
    shares = {name: {at: n / (whole[name] or 1) for at, n in places.items()} for name, places in placed.items()}
    longest = max((share for places in shares.values() for share in places.values()), default=0) or 1
    traces = [_ring(theme, minor) for minor in (False, True)]
    width = 26.0 / len(series)
    for at, (name, places) in enumerate(placed.items()):
        order = [(place, minor) for minor in (False, True) for place in range(12)]
        middle = (at - (len(series) - 1) / 2) * width
        hovers = [
            f"<b>{_key_names(spot)}</b>{_line(name, places.get(spot, 0), shares[name].get(spot, 0))}" for spot in order
        ]
        traces.append(
            {
                "type": "barpolar",
                "name": literal(name),
                "theta": [number(30 * place + middle) for place, _ in order],
                "base": [_floor(minor) for _, minor in order],
                "r": [number(_DEPTH * shares[name].get(spot, 0) / longest) for spot in order],
                "width": [number(width)] * 24,
                "marker": _paint(theme, hatched=at == 0 and len(series) == 2),
                "hovertext": hovers,
                "hovertemplate": "%{hovertext}<extra></extra>",
                "showlegend": len(series) == 2,
            }
        )
    traces += [_key_labels(theme, minor) for minor in (False, True)]
    layout = _layout(theme, title, series, height=_CIRCLE_HEIGHT - _top(series))
    layout["polar"] = {
        "bgcolor": "rgba(0,0,0,0)",
        "angularaxis": {"rotation": 90, "direction": "clockwise", "visible": False},
        "radialaxis": {"range": [0, 1.1], "visible": False},
        "hole": 0,
    }
    layout["dragmode"] = False
    keys = {name: {_key_names(spot): n for spot, n in places.items()} for name, places in placed.items()}
    return _told(traces, layout, title, keys, {})


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
            _line(name, counts.get((row, column), 0), counts.get((row, column), 0) / wholes[name])
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
    layout = _layout(theme, heading, {}, height=_CELL * len(rows) + _HEAD)
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
    drawn = _told(traces, layout, title, series, {})
    drawn["layout"]["meta"]["description"] += f" {holes} of {len(cells)} places are empty."
    return drawn


_FLOORS = (0.66, 0.24)
_DEPTH = 0.30
_MAJORS = ("C", "G", "D", "A", "E", "B", "F♯/G♭", "D♭", "A♭", "E♭", "B♭", "F")
_MINORS = ("a", "e", "b", "f♯", "c♯", "g♯", "d♯/e♭", "b♭", "f", "c", "g", "d")

Spot = tuple[int, bool]
"""A place on the circle, in fifths clockwise from the top, and whether it is in the ring of minor keys."""


def _placed(counts: Mapping[str, int]) -> dict[Spot, int]:
    places: dict[Spot, int] = {}
    for name, count in counts.items():
        key = _key(name)
        if key is not None:
            spot = (key.signature % 12, key.is_minor)
            places[spot] = places.get(spot, 0) + count
    return places


def _key(name: str) -> Key | None:
    try:
        return parse_key(name)
    except ValueError:
        return None


def _key_names(spot: Spot) -> str:
    place, minor = spot
    return f"{_MINORS[place]} minor" if minor else f"{_MAJORS[place]} major"


def _floor(minor: bool) -> float:
    return _FLOORS[minor]


def _ring(theme: Theme, minor: bool) -> Trace:
    return {
        "type": "barpolar",
        "theta": [30 * place for place in range(12)],
        "base": [_floor(minor)] * 12,
        "r": [_DEPTH] * 12,
        "width": [29] * 12,
        "marker": {"color": theme.faint, "line": {"width": 0}},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _key_labels(theme: Theme, minor: bool) -> Trace:
    return {
        "type": "scatterpolar",
        "mode": "text",
        "theta": [30 * place for place in range(12)],
        "r": [_floor(minor) + _DEPTH + 0.06] * 12,
        "text": list(_MINORS if minor else _MAJORS),
        "textfont": {"size": 11 if minor else 13, "color": theme.muted if minor else theme.ink},
        "hoverinfo": "skip",
        "showlegend": False,
        "cliponaxis": False,
    }


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


def _paint(theme: Theme, *, hatched: bool) -> dict[str, Any]:
    if not hatched:
        return {"color": theme.accent, "line": {"width": 1, "color": theme.accent}}
    return {
        "color": with_alpha(theme.muted, 0.12),
        "line": {"width": 1.2, "color": theme.muted},
        "pattern": {"shape": "/", "fgcolor": theme.muted, "bgcolor": "rgba(0,0,0,0)", "size": 6, "solidity": 0.25},
    }


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
        f"<b>{label}</b>{_line(name, counts.get(category, 0), share)}"
        for category, label, share in zip(categories, names, _shares(counts, categories), strict=True)
    ]
    return {
        "name": literal(name),
        "marker": _paint(theme, hatched=hatched),
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


def _line(name: str, count: int, share: float) -> str:
    return f"<br>{literal(name)}: {_percent(share)} ({count:,})"


def _percent(share: float) -> str:
    return "under 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f}".removesuffix(".0") + " %"


def _top(series: Mapping[str, object]) -> int:
    """Pixels above the plot: for the title and, with two series, the legend."""
    return 66 if len(series) == 2 else 40


def _layout(theme: Theme, title: str, series: Mapping[str, object], *, height: int) -> dict[str, Any]:
    top, bottom = _top(series), 12
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


def _told(
    traces: list[Trace], layout: dict[str, Any], title: str, series: Series, labels: Mapping[str, str]
) -> FigureJson:
    """The figure with what it says in words; a figure of nothing says so in its middle."""
    parts = []
    for name, counts in series.items():
        whole = sum(counts.values())
        first = sorted(counts, key=lambda category: -counts[category])[:MAX_TOLD]
        told = [
            f"{labels.get(category, category).replace('<br>', ' ')} {_percent(counts[category] / whole)}"
            for category in first
            if counts[category]
        ]
        parts.append(f"{name}, of {whole:,}: {', '.join(told)}." if told else f"{name}: none.")
    layout["meta"] = {"description": f"{title}. {' '.join(parts)}"}
    if not any(count for counts in series.values() for count in counts.values()):
        layout["annotations"] = [
            {"text": "Nothing to show.", "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
        ]
        layout["height"] = max(layout["height"], 140)
    return {"data": traces, "layout": layout}
