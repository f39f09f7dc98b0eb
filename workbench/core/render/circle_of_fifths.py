"""Keys on the circle of fifths, of one or two collections."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.core.music.keys import Key, parse_key
from workbench.core.render.colors import Theme, theme_of
from workbench.core.render.distribution_frame import Series, above, layout_of, line, paint, told
from workbench.core.render.labels import literal
from workbench.core.render.lanes import Trace
from workbench.core.render.time_axis import FigureJson, number

_HEIGHT = 420

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
            f"<b>{_key_names(spot)}</b>{line(name, places.get(spot, 0), shares[name].get(spot, 0))}" for spot in order
        ]
        traces.append(
            {
                "type": "barpolar",
                "name": literal(name),
                "theta": [number(30 * place + middle) for place, _ in order],
                "base": [_floor(minor) for _, minor in order],
                "r": [number(_DEPTH * shares[name].get(spot, 0) / longest) for spot in order],
                "width": [number(width)] * 24,
                "marker": paint(theme, hatched=at == 0 and len(series) == 2),
                "hovertext": hovers,
                "hovertemplate": "%{hovertext}<extra></extra>",
                "showlegend": len(series) == 2,
            }
        )
    traces += [_key_labels(theme, minor) for minor in (False, True)]
    layout = layout_of(theme, title, series, height=_HEIGHT - above(series))
    layout["polar"] = {
        "bgcolor": "rgba(0,0,0,0)",
        "angularaxis": {"rotation": 90, "direction": "clockwise", "visible": False},
        "radialaxis": {"range": [0, 1.1], "visible": False},
        "hole": 0,
    }
    layout["dragmode"] = False
    keys = {name: {_key_names(spot): n for spot, n in places.items()} for name, places in placed.items()}
    return told(traces, layout, title, keys, {})
