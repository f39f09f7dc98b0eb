"""The report's own charts as still SVG: intervals on one axis, small ones for cells of a table, and distributions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from statistics import quantiles

from workbench.core.experiments.reports.summary import Column, in_percent
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import interval_words

Scale = tuple[float, float]
_WIDTH, _ROW, _LABEL, _VALUE = 760, 28, 190, 285
_BINS = 24


def scale_of(intervals: Sequence[Interval], column: Column) -> Scale | None:
    """The part of the axis that intervals need; None where there is nothing to draw. Shares stay within 0 to 1."""
    ends = [end for each in intervals for end in (each.value, each.low, each.high) if end is not None]
    ends = [end for end in ends if abs(end) < 1e15]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    room = (high - low) * 0.08 or abs(high) * 0.1 or 0.5
    low, high = low - room, high + room
    if in_percent(column):
        low, high = max(0.0, low), min(1.0, high)
    elif column.kind == "count":
        low = max(0.0, low)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def whisker(seen: Interval, scale: Scale | None) -> str:
    """An interval as a small drawing for a cell of a table, whose words stand beside it."""
    if scale is None or seen.value is None:
        return ""
    place = _place(seen.value, scale, 5, 110)
    line = ""
    if seen.low is not None and seen.high is not None:
        left, right = (_place(end, scale, 5, 110) for end in (seen.low, seen.high))
        line = f'<path class="bar" d="M{left:.1f} 7H{right:.1f}M{left:.1f} 4v6M{right:.1f} 4v6"/>'
    dot = f'<circle class="dot" cx="{place:.1f}" cy="7" r="3.5"/>'
    axis = '<path class="axis" d="M2 7H118"/>'
    return f'<svg class="whisker" viewBox="0 0 120 14" aria-hidden="true">{axis}{line}{dot}</svg>'


def intervals_chart(rows: Sequence[tuple[str, Interval]], column: Column) -> str:
    """Each row's value and interval on one axis, labelled with its name and in words."""
    scale = scale_of([seen for _, seen in rows], column)
    if scale is None:
        return ""
    height = _ROW * len(rows) + 34
    left, wide = _LABEL, _WIDTH - _LABEL - _VALUE
    bottom = _ROW * len(rows) + 8
    parts = []
    for at in _ticks(scale):
        x = _place(at, scale, left, wide)
        parts += [_line("axis", f"M{x:.1f} 4V{bottom}"), _word(x, bottom + 16, _tick(at, column), "middle", "muted")]
    told = []
    for number, (name, seen) in enumerate(rows):
        y = 18 + _ROW * number
        words = interval_words(seen, column.kind, column.unit)
        told.append(f"{name}: {words}.")
        parts.append(_word(left - 12, y + 4, _short(name, 26)))
        parts.append(_word(left + wide + 12, y + 4, words, "start", "muted"))
        if seen.value is None:
            continue
        x = _place(seen.value, scale, left, wide)
        if seen.low is not None and seen.high is not None:
            low, high = (_place(end, scale, left, wide) for end in (seen.low, seen.high))
            parts.append(_line("bar", f"M{low:.1f} {y}H{high:.1f}M{low:.1f} {y - 5}v10M{high:.1f} {y - 5}v10"))
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y}" r="5"/>')
    return _svg(_WIDTH, height, column.title, " ".join(told), parts)


def distribution_chart(values: Mapping[str, Sequence[float]], column: Column) -> str:
    """A histogram for each variant, one below the other on the same axis; empty where there are too few values."""
    kept = {name: [each for each in some if abs(each) < 1e15] for name, some in values.items()}
    kept = {name: some for name, some in kept.items() if len(some) > 1}
    if not kept:
        return ""
    low, high = min(map(min, kept.values())), max(map(max, kept.values()))
    if high <= low:
        return ""
    row = 62
    left, wide = _LABEL, _WIDTH - _LABEL - 20
    height = row * len(kept) + 30
    parts, told = [], []
    for at in _ticks((low, high)):
        x = _place(at, (low, high), left, wide)
        axis = _line("axis", f"M{x:.1f} 4V{row * len(kept)}")
        parts += [axis, _word(x, height - 12, _tick(at, column), "middle", "muted")]
    for number, (name, some) in enumerate(kept.items()):
        bins = [0] * _BINS
        for each in some:
            bins[min(_BINS - 1, int((each - low) / (high - low) * _BINS))] += 1
        floor, step, most = row * (number + 1) - 4, wide / _BINS, max(bins)
        for at, count in enumerate(bins):
            if count:
                tall = max(1.0, (row - 14) * count / most)
                box = f"M{left + at * step:.1f} {floor}v{-tall:.1f}h{step - 1:.1f}v{tall:.1f}z"
                parts.append(_line("fill", box))
        first, middle, third = (_tick(each, column) for each in quantiles(some, n=4, method="inclusive"))
        told.append(f"{name}: half of {len(some):,} values are from {first} to {third}, the median is {middle}.")
        parts.append(_word(left - 12, floor - 18, _short(name, 26)))
        parts.append(_word(left - 12, floor - 2, f"median {middle}", "end", "muted"))
    return _svg(_WIDTH, height, f"Distribution of {column.title}", " ".join(told), parts)


def _svg(width: float, height: float, title: str, description: str, parts: Sequence[str]) -> str:
    told = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    size = f'viewBox="0 0 {width:g} {height:g}"'
    return f'<svg class="chart" {size} role="img" xmlns="http://www.w3.org/2000/svg">{told}{"".join(parts)}</svg>'


def _word(x: float, y: float, words: str, anchor: str = "end", name: str = "ink") -> str:
    return f'<text class="{name}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _line(name: str, shape: str) -> str:
    return f'<path class="{name}" d="{shape}"/>'


def _place(value: float, scale: Scale, left: float, wide: float) -> float:
    low, high = scale
    return left + min(1.0, max(0.0, (value - low) / (high - low))) * wide


def _ticks(scale: Scale) -> list[float]:
    """Round numbers within the scale, four to nine of them where it is wide enough."""
    low, high = scale
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step = next((step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 6), step * 10)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _tick(value: float, column: Column) -> str:
    if in_percent(column):
        return f"{100 * value:.4g} %".replace("-", "−")
    return f"{value:.4g} {column.unit}".strip().replace("-", "−")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
