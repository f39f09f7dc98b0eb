"""The report's own charts as still SVG: intervals on one axis, small ones for cells of a table, and distributions.

Those of a whole line are drawn twice, wide and for narrow screens; the page shows one of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from statistics import quantiles

from workbench.core.experiments.reports.summary import Column, in_percent
from workbench.core.experiments.statistics.intervals import Interval
from workbench.core.experiments.statistics.words import interval_words

Scale = tuple[float, float]
_BINS = 24


@dataclass(frozen=True)
class _Frame:
    """Where things are in a chart: a row of ``row`` pixels has its words beside the drawing, or (``above``) over it."""

    width: int
    row: int
    left: int
    right: int
    above: int
    name: int

    @property
    def wide(self) -> int:
        """The pixels of the axis."""
        return self.width - self.left - self.right

    def words(self, y: float, name: str, words: str) -> list[str]:
        """A row's name and what is said of it; ``y`` is the middle of the row's drawing."""
        short = _short(name, self.name)
        if self.above:
            top = y - self.above
            return [_word(0, top, short, "start"), _word(self.width, top, words, "end", "muted")]
        return [
            _word(self.left - 12, y + 4, short), _word(self.width - self.right + 12, y + 4, words, "start", "muted")
        ]  # fmt: skip


_WIDE, _NARROW = _Frame(760, 28, 190, 285, 0, 26), _Frame(360, 52, 10, 26, 14, 14)
_SPREAD, _NARROW_SPREAD = _Frame(760, 62, 190, 20, 0, 26), _Frame(360, 84, 10, 20, 0, 20)


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
    return "".join(_intervals(rows, column, scale, frame) for frame in (_WIDE, _NARROW))


def _intervals(rows: Sequence[tuple[str, Interval]], column: Column, scale: Scale, frame: _Frame) -> str:
    bottom = frame.row * len(rows) + 8
    parts, told = list(_axis(scale, column, frame, bottom)), []
    for number, (name, seen) in enumerate(rows):
        y = frame.row * number + (34 if frame.above else 18)
        words = interval_words(seen, column.kind, column.unit)
        told.append(f"{name}: {words}.")
        parts += frame.words(y, name, words)
        if seen.value is None:
            continue
        x = _place(seen.value, scale, frame.left, frame.wide)
        if seen.low is not None and seen.high is not None:
            low, high = (_place(end, scale, frame.left, frame.wide) for end in (seen.low, seen.high))
            parts.append(_line("bar", f"M{low:.1f} {y}H{high:.1f}M{low:.1f} {y - 5}v10M{high:.1f} {y - 5}v10"))
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y}" r="5"/>')
    return _svg(frame, bottom + 26, column.title, " ".join(told), parts)


def _axis(scale: Scale, column: Column, frame: _Frame, bottom: float) -> Iterator[str]:
    """Lines at round numbers, fewer of them where there is little room."""
    ticks = _ticks(scale)
    for at in ticks if frame.width >= _WIDE.width else ticks[:: 1 + len(ticks) // 5]:
        x = _place(at, scale, frame.left, frame.wide)
        yield _line("axis", f"M{x:.1f} 4V{bottom}")
        yield _word(x, bottom + 16, _tick(at, column), "middle", "muted")


def distribution_chart(values: Mapping[str, Sequence[float]], column: Column) -> str:
    """A histogram for each variant, one below the other on the same axis; empty where there are too few values."""
    kept = {name: [each for each in some if abs(each) < 1e15] for name, some in values.items()}
    kept = {name: some for name, some in kept.items() if len(some) > 1}
    if not kept:
        return ""
    low, high = min(map(min, kept.values())), max(map(max, kept.values()))
    if high <= low:
        return ""
    return "".join(_spread(kept, column, (low, high), frame) for frame in (_SPREAD, _NARROW_SPREAD))


def _spread(kept: Mapping[str, Sequence[float]], column: Column, scale: Scale, frame: _Frame) -> str:
    low, high = scale
    narrow = frame.width < _SPREAD.width
    bottom = frame.row * len(kept)
    parts, told = list(_axis(scale, column, frame, bottom)), []
    for number, (name, some) in enumerate(kept.items()):
        bins = [0] * _BINS
        for each in some:
            bins[min(_BINS - 1, int((each - low) / (high - low) * _BINS))] += 1
        floor, step, most = frame.row * (number + 1) - 4, frame.wide / _BINS, max(bins)
        for at, count in enumerate(bins):
            if count:
                tall = max(1.0, (_SPREAD.row - 14) * count / most)
                box = f"M{frame.left + at * step:.1f} {floor}v{-tall:.1f}h{step - 1:.1f}v{tall:.1f}z"
                parts.append(_line("fill", box))
        first, middle, third = (_tick(each, column) for each in quantiles(some, n=4, method="inclusive"))
        told.append(f"{name}: half of {len(some):,} values are from {first} to {third}, the median is {middle}.")
        short, said = _short(name, frame.name), f"median {middle}"
        if narrow:
            top = frame.row * number + 22
            parts += [_word(0, top, short, "start"), _word(frame.width, top, said, "end", "muted")]
        else:
            parts += [
                _word(frame.left - 12, floor - 18, short),
                _word(frame.left - 12, floor - 2, said, "end", "muted"),
            ]
    return _svg(frame, bottom + 30, f"Distribution of {column.title}", " ".join(told), parts)


def _svg(frame: _Frame, height: float, title: str, description: str, parts: Sequence[str]) -> str:
    told = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    size, name = f'viewBox="0 0 {frame.width} {height:g}"', "chart" if frame.width >= _WIDE.width else "chart narrow"
    return f'<svg class="{name}" {size} role="img" xmlns="http://www.w3.org/2000/svg">{told}{"".join(parts)}</svg>'


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
