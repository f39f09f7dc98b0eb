"""Figures of ``core.render`` as still SVG: one drawing for the light and the dark page, with nothing to load or run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape, unescape
from typing import Any

from workbench.core.render.time_axis import FigureJson

_MARKUP = re.compile(r"<[^<>]*>")
_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|rgba?\([0-9., ]+\)")
_NOTHING = "rgba(0,0,0,0)"
_ANCHORS = {"left": "end", "right": "start"}
"""Where a text stands that plotly puts to the left, or right, of its point."""


class Palette:
    """The colours of drawings: each pair of a light and a dark one has a class, whose rules ``css`` gives."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], int] = {}

    def name(self, prefix: str, light: str, dark: str) -> str:
        """The class for filling (``f``) or drawing lines (``s``) with a colour.

        Raises:
            ValueError: it is no colour.
        """
        for each in (light, dark):
            if not _COLOR.fullmatch(each):
                raise ValueError(f"{each[:40]!r} is no colour")
        return f"{prefix}{self._pairs.setdefault((light, dark), len(self._pairs))}"

    def css(self) -> str:
        """The rules of every class that was named."""
        rules = [[f".f{at}{{fill:{c[k]}}}.s{at}{{stroke:{c[k]}}}" for c, at in self._pairs.items()] for k in (0, 1)]
        return f"{''.join(rules[0])}@media(prefers-color-scheme:dark){{{''.join(rules[1])}}}"


class Drawing:
    """A plotly figure's JSON, in its light and its dark version, drawn as SVG ``width`` pixels wide."""

    def __init__(self, light: FigureJson, dark: FigureJson, palette: Palette, *, width: float) -> None:
        self.light, self.dark, self.palette = light, dark, palette
        layout = light["layout"]
        margin = layout["margin"]
        self.width, self.height = width, float(layout["height"])
        self.left, self.top = float(margin["l"]), float(margin["t"])
        self.plot = width - self.left - float(margin["r"])
        self.tall = self.height - self.top - float(margin["b"])
        self._said: set[tuple[str, int, str]] = set()
        self._xs: tuple[float, float] = tuple(layout["xaxis"]["range"])
        self._ys: tuple[float, float] = tuple(layout["yaxis"]["range"])

    def svg(self, title: str, description: str) -> str:
        """The whole drawing; title and description are for those who cannot see it."""
        size = f'viewBox="0 0 {_n(self.width)} {_n(self.height)}"'
        told = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
        parts = "".join([*self._shapes(), *self._axes(), *self._traces()])
        return f'<svg {size} role="img" class="figure" xmlns="http://www.w3.org/2000/svg">{told}{parts}</svg>'

    def x(self, value: float) -> float:
        """Pixels from the left."""
        low, high = self._xs
        return self.left + (value - low) / ((high - low) or 1) * self.plot

    def y(self, value: float) -> float:
        """Pixels from the top."""
        low, high = self._ys
        return self.top + (high - value) / ((high - low) or 1) * self.tall

    def _fill(self, light: str, dark: str) -> str:
        return self.palette.name("f", light, dark)

    def _stroke(self, light: str, dark: str) -> str:
        return self.palette.name("s", light, dark)

    def _shapes(self) -> Iterator[str]:
        for one, other in zip(*(figure["layout"].get("shapes", ()) for figure in (self.light, self.dark)), strict=True):
            left, right = self.x(one["x0"]), self.x(one["x1"])
            if one["type"] == "rect":
                name = self._fill(one["fillcolor"], other["fillcolor"])
                yield _rect(name, left, self.top, right - left, self.tall)
            else:
                name = self._stroke(one["line"]["color"], other["line"]["color"])
                yield _path(name, [f"M{_n(left)} {_n(self.top)}v{_n(self.tall)}"], 1.5, dash="2 3")

    def _axes(self) -> Iterator[str]:
        axes = [(figure["layout"]["xaxis"], figure["layout"]["yaxis"]) for figure in (self.light, self.dark)]
        (x, y), (dark_x, dark_y) = axes
        grid = [f"M{_n(self.x(at))} {_n(self.top)}v{_n(self.tall)}" for at in x["tickvals"]]
        yield _path(self._stroke(x["gridcolor"], dark_x["gridcolor"]), grid, 1)
        if y.get("showgrid", True):
            lines = [f"M{_n(self.left)} {_n(self.y(at))}h{_n(self.plot)}" for at in y["tickvals"]]
            yield _path(self._stroke(y["gridcolor"], dark_y["gridcolor"]), lines, 1)
        name = self._fill(x["tickfont"]["color"], dark_x["tickfont"]["color"])
        base = self.top - 8 if x["side"] == "top" else self.top + self.tall + 16
        for at, word in zip(x["tickvals"], x["ticktext"], strict=True):
            yield _text(name, self.x(at), base, word, 11, "middle")
        name = self._fill(y["tickfont"]["color"], dark_y["tickfont"]["color"])
        for at, words in zip(y["tickvals"], y["ticktext"], strict=True):
            yield _text(name, self.left - 8, self.y(at) + 4, words.split("<br>")[0], 12, "end")

    def _traces(self) -> Iterator[str]:
        before: list[tuple[float, float]] = []
        for one, other in zip(self.light["data"], self.dark["data"], strict=True):
            if one.get("visible") is False:
                continue
            mode = one.get("mode")
            if one["type"] == "bar":
                yield from self._bars(one, other)
            elif mode == "markers":
                yield from self._markers(one, other)
            elif mode == "text":
                yield from self._texts(one, other)
            elif mode == "lines":
                yield from self._line(one, other, before)
                before = self._points(one)

    def _bars(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
        count = len(one["x"])
        fills = [self._fill(*pair) for pair in _both(one["marker"]["color"], other["marker"]["color"], count)]
        line = one["marker"]["line"]
        edges = [""] * count
        if line.get("color") and line["width"]:
            edges = [self._stroke(*pair) for pair in _both(line["color"], other["marker"]["line"]["color"], count)]
        strong = _each(one["marker"].get("opacity", 1), count)
        words = one.get("hovertext")
        half = self.tall * one["width"] / ((self._ys[1] - self._ys[0]) or 1) / 2
        shared: dict[tuple[str, str, float], list[str]] = {}
        for at, (base, length, height) in enumerate(zip(one["base"], one["x"], one["y"], strict=True)):
            left, wide = self.x(base), self.x(base + length) - self.x(base)
            if words is not None:
                told = _plain(words[at])
                place = (str(one["meta"]["lane"]), at, told)
                if place in self._said and one["marker"]["color"][at] == _NOTHING:
                    continue  # the words of the box before, for a pointer that misses it
                name = f"{fills[at]} {edges[at]}".strip()
                yield _rect(name, left, self.y(height) - half, wide, 2 * half, told)
                self._said.add(place)
            else:
                box = f"M{_n(left)} {_n(self.y(height) - half)}h{_n(wide)}v{_n(2 * half)}h{_n(-wide)}z"
                shared.setdefault((fills[at], edges[at], strong[at]), []).append(box)
        for (fill, edge, opacity), boxes in shared.items():
            name = f"{fill} {edge}".strip()
            yield _path(name, boxes, line["width"] if edge else None, opacity=opacity)

    def _line(
        self, one: Mapping[str, Any], other: Mapping[str, Any], before: list[tuple[float, float]]
    ) -> Iterator[str]:
        points = self._points(one)
        if one.get("fill") == "tonexty" and before and points:
            area = [*points, *reversed(before)]
            shape = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in area) + "z"
            yield _path(self._fill(one["fillcolor"], other["fillcolor"]), [shape], None)
        runs: list[list[str]] = [[]]
        at = 0
        for x in one["x"]:
            if x is None:
                runs.append([])
                continue
            where = points[at] if one["line"].get("shape") != "hv" else points[2 * at]
            if runs[-1] and one["line"].get("shape") == "hv":
                runs[-1].append(f"{_n(where[0])} {_n(points[2 * at - 1][1])}")
            runs[-1].append(f"{_n(where[0])} {_n(where[1])}")
            at += 1
        name = self._stroke(one["line"]["color"], other["line"]["color"])
        yield _path(f"{name} line", ["M" + "L".join(run) for run in runs if run], one["line"]["width"])

    def _points(self, trace: Mapping[str, Any]) -> list[tuple[float, float]]:
        """A line's points in pixels; steps have a corner between each two."""
        places = [
            (self.x(x), self.y(y)) for x, y in zip(trace["x"], trace["y"], strict=True) if x is not None
        ]  # fmt: skip
        if trace["line"].get("shape") != "hv":
            return places
        steps: list[tuple[float, float]] = []
        for x, y in places:
            if steps:
                steps.append((x, steps[-1][1]))
            steps.append((x, y))
        return steps

    def _markers(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
        marker, count = one["marker"], len(one["x"])
        colors = _both(marker["color"], other["marker"]["color"], count)
        words = one.get("text") or [""] * count
        radius = marker["size"] / 2
        for at, symbol in enumerate(_each(marker["symbol"], count)):
            fill, edge = self._fill(*colors[at]), self._stroke(*colors[at])
            x, y = self.x(one["x"][at]), self.y(one["y"][at])
            name = f"{edge} hollow" if "open" in symbol else f"{fill} {edge}"
            told = f"<title>{escape(_plain(words[at]))}</title>" if words[at] else ""
            yield f'<path class="{name}" stroke-width="1.5" d="{_symbol(symbol, x, y, radius)}">{told}</path>'

    def _texts(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
        count, font = len(one["x"]), one["textfont"]
        colors = _both(font["color"], other["textfont"]["color"], count)
        anchor = _ANCHORS.get(one["textposition"].rpartition(" ")[2], "middle")
        for at, words in enumerate(one["text"]):
            x, y = self.x(one["x"][at]), self.y(one["y"][at]) + font["size"] * 0.35
            yield _text(self._fill(*colors[at]), x, y, words, font["size"], anchor)


def _symbol(symbol: str, x: float, y: float, r: float) -> str:
    kind = symbol.partition("-")[0]
    if kind == "square":
        return f"M{_n(x - r)} {_n(y - r)}h{_n(2 * r)}v{_n(2 * r)}h{_n(-2 * r)}z"
    if kind in ("diamond", "star"):
        inner = "" if kind == "diamond" else f"M{_n(x - r)} {_n(y)}h{_n(2 * r)}M{_n(x)} {_n(y - r)}v{_n(2 * r)}"
        return f"M{_n(x)} {_n(y - r)}l{_n(r)} {_n(r)}l{_n(-r)} {_n(r)}l{_n(-r)} {_n(-r)}z{inner}"
    dot = f"M{_n(x)} {_n(y)}h0.1" if symbol.endswith("dot") else ""
    return f"M{_n(x - r)} {_n(y)}a{_n(r)} {_n(r)} 0 1 0 {_n(2 * r)} 0a{_n(r)} {_n(r)} 0 1 0 {_n(-2 * r)} 0z{dot}"


def _rect(name: str, x: float, y: float, width: float, height: float, words: str = "") -> str:
    told = f"<title>{escape(words)}</title>" if words else ""
    place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(max(0.0, width))}" height="{_n(max(0.0, height))}"'
    return f'<rect class="{name}" {place}>{told}</rect>'


def _path(
    name: str, shapes: Sequence[str], width: float | None, *, dash: str = "", opacity: float = 1
) -> str:  # fmt: skip
    if not shapes:
        return ""
    more = "" if width is None else f' stroke-width="{_n(width)}"'
    more += f' stroke-dasharray="{dash}"' if dash else ""
    more += f' opacity="{_n(opacity)}"' if opacity != 1 else ""
    return f'<path class="{name}"{more} d="{"".join(shapes)}"/>'


def _text(name: str, x: float, y: float, words: str, size: float, anchor: str) -> str:
    place = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}"'
    return f'<text class="{name}" {place}>{escape(_plain(words))}</text>'


def _plain(words: str) -> str:
    """Plotly's markup as plain text; what it escapes stands as it is."""
    return unescape(_MARKUP.sub("", words.replace("<br>", "\n")))


def _each(value: Any, count: int) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] * count


def _both(light: Any, dark: Any, count: int) -> list[tuple[str, str]]:
    return list(zip(_each(light, count), _each(dark, count), strict=True))


def _n(value: float) -> str:
    """The shortest number that is exact enough to draw with."""
    return f"{value:.1f}".removesuffix(".0") if value else "0"
