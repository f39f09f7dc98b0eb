"""The phrase plan: what a piece is made of, in lanes over its bars.

Lanes from the top: sections coloured by key, phrase brackets, Roman numerals coloured by function, cadences, motifs,
and the tension of the harmony. The y axis is in pixels, so that lanes keep their heights.

Every trace's ``meta`` names its ``lane``. Boxes (``meta.role`` is ``"span"``) carry ``customdata``
``[start, end, index]`` in quarters, for a click to seek or loop. Text traces carry ``meta.detail``
``[least, most]``: the zoom, in pixels a quarter, from which and below which they are to be seen (``most`` may be null).
A still figure shows those that suit ``width``; a player that zooms switches ``visible`` by the same rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from workbench.core.music.cadences import CADENCES, CadenceType
from workbench.core.music.keys import Key
from workbench.core.music.meters import DIVISIONS
from workbench.core.music.numerals import Function, chord_names
from workbench.core.music.score import PhraseSpan, Score
from workbench.core.music.structure import MusicStructure
from workbench.core.render.colors import (
    Theme,
    function_color,
    key_color,
    key_edge,
    oklch,
    text_on,
    theme_of,
    with_alpha,
)
from workbench.core.render.labels import (
    TRANSFORMATION_SIGNS,
    fitting,
    literal,
    numeral_text,
    pretty_pitch,
    thinned,
)
from workbench.core.render.lanes import Trace, boxes, lengths, line, middles, texts
from workbench.core.render.time_axis import (
    NUMERAL_FONT,
    PLOT_WIDTH,
    FigureJson,
    base_layout,
    figure,
    number,
    place,
    time_axis,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

_LANES = (("Sections", 30), ("Phrases", 36), ("Harmony", 34), ("Cadences", 22), ("Motifs", 24), ("Tension", 50))
_GAP = 5
_TOP, _BOTTOM = 30, 6
_FUNCTION_NAMES: dict[Function, str] = {"T": "tonic", "S": "subdominant", "D": "dominant"}
_CADENCE_SIGNS = {
    "PAC": "circle",
    "IAC": "circle-open-dot",
    "HC": "circle-open",
    "DC": "diamond-open",
    "PC": "square",
    "PICARDY": "star",
}


def phrase_plan(structure: MusicStructure, *, score: Score | None = None, dark: bool = False) -> go.Figure:
    """The phrase plan of a structure as a plotly figure.

    Args:
        structure: the piece; realized first when ``score`` is not given.
        score: the structure's score, where it is at hand.
        dark: whether the figure lies on a dark page.
    """
    if score is None:
        from workbench.core.compose import realize

        score = realize(structure)
    return figure(phrase_plan_json(score, dark=dark))


def phrase_plan_json(score: Score, *, dark: bool = False, width: float = PLOT_WIDTH) -> FigureJson:
    """The phrase plan as plain JSON; ``width`` is the time axis's length in pixels."""
    theme = theme_of(dark)
    scale = width / max(score.quarters, 1)
    lanes = [lane for lane in _LANES if lane[0] != "Motifs" or any(phrase.motif for phrase in score.phrases)]
    height = sum(size for _, size in lanes) + _GAP * (len(lanes) - 1)
    floors: dict[str, tuple[float, float]] = {}
    at = float(height)
    for name, size in lanes:
        floors[name] = (at - size, float(size))
        at -= size + _GAP
    traces = _sections(score, theme, *floors["Sections"], scale)
    traces += _phrases(score, theme, *floors["Phrases"], scale)
    traces += _harmony(score, theme, *floors["Harmony"], scale)
    traces += _cadences(score, theme, *floors["Cadences"], scale)
    if "Motifs" in floors:
        traces += _motifs(score, theme, *floors["Motifs"], scale)
    traces += _tension(score, theme, *floors["Tension"])
    layout = base_layout(score, theme, height=height + _TOP + _BOTTOM, top=_TOP, bottom=_BOTTOM)
    layout["xaxis"] = time_axis(score, theme, side="top", width=width)
    layout["yaxis"] = {
        "range": [0, height],
        "fixedrange": True,
        "showgrid": False,
        "zeroline": False,
        "tickmode": "array",
        "tickvals": [number(floor + size / 2) for floor, size in floors.values()],
        "ticktext": [_lane_title(name, dark) for name in floors],
        "ticks": "",
        "tickfont": {"size": 12, "color": theme.muted},
    }
    return {"data": traces, "layout": layout}


def _lane_title(name: str, dark: bool) -> str:
    if name != "Harmony":
        return name
    letters = " ".join(f'<span style="color:{function_color(f, dark=dark)}"><b>{f}</b></span>' for f in _FUNCTION_NAMES)
    return f"{name}<br>{letters}"


def _sections(score: Score, theme: Theme, floor: float, size: float, scale: float) -> list[Trace]:
    fills = [key_color(span.key, dark=theme.dark) for span in score.sections]
    hovers = [
        f"<b>{literal(span.name)}</b> in {span.key.pretty}<br>{_bars(span.first_measure, span.measures)}"
        + "".join(f"<br>{literal(word)}" for word in (span.role.replace("-", " "), span.texture, span.dynamics) if word)
        + (f"<br>closes with a {CADENCES[span.cadence].name}" if span.cadence else "")
        for span in score.sections
    ]
    box = boxes("sections", score.sections, floor + size / 2, size, fills, hovers)
    box["marker"]["line"] = {"width": 1, "color": [key_edge(span.key, dark=theme.dark) for span in score.sections]}
    wordings = [
        (f"{span.name} · {span.key.pretty}", f"{span.name} · {_short_key(span.key)}", span.name, span.name[:1])
        for span in score.sections
    ]
    labels = fitting(zip(lengths(score.sections), wordings, strict=True), size=13)
    inks = [text_on(fill) for fill in fills]
    return [box, *texts("sections", labels, middles(score.sections), floor + size / 2, inks, scale, 13)]


def _phrases(score: Score, theme: Theme, floor: float, size: float, scale: float) -> list[Trace]:
    hovers = [
        f"<b>Phrase {literal(span.label) or index + 1}</b>" + (f", {literal(span.role)}" if span.role else "")
        + f"<br>{_bars(span.first_measure, span.measures)}"
        + (f"<br>closes with a {CADENCES[span.cadence].name}" if span.cadence else "")
        for index, span in enumerate(score.phrases)
    ]  # fmt: skip
    fills = [theme.shade if index % 2 == 0 else "rgba(0,0,0,0)" for index in range(len(score.phrases))]
    box = boxes("phrases", score.phrases, floor + size / 2, size, fills, hovers)
    inset = min(2.0 / scale, 0.25)
    xs: list[float | None] = []
    ys: list[float | None] = []
    for span in score.phrases:
        start, end = number(span.start / DIVISIONS + inset), number(span.end / DIVISIONS - inset)
        xs += [start, start, end, end, None]
        ys += [floor + size - 9, floor + size - 2, floor + size - 2, floor + size - 9, None]
    bracket = line("phrases", xs, ys, theme.muted, 1.5)
    # A role that says no more than the lane's name is left out.
    roles = ["" if span.role == "phrase" else span.role for span in score.phrases]
    wordings = [
        (f"{span.label}  {role}".strip(), role, span.label, span.label[:1])
        for span, role in zip(score.phrases, roles, strict=True)
    ]
    labels = fitting(zip(lengths(score.phrases), wordings, strict=True))
    inks = [theme.ink] * len(score.phrases)
    return [box, bracket, *texts("phrases", labels, middles(score.phrases), floor + 12, inks, scale, 12)]


def _harmony(score: Score, theme: Theme, floor: float, size: float, scale: float) -> list[Trace]:
    spans = score.chords
    figures = [numeral_text(span.numeral) for span in spans]
    inks = [function_color(span.chord.function, dark=theme.dark) for span in spans]
    hovers = [
        f"<b>{text}</b> in {span.key.pretty}<br>{_FUNCTION_NAMES[span.chord.function]} · "
        f"{' '.join(pretty_pitch(name) for name in chord_names(span.chord, span.key))}"
        f"<br>bar {place(score, span.start)} · tension {span.chord.tension:.2f}"
        for span, text in zip(spans, figures, strict=True)
    ]
    strip = boxes("harmony", spans, floor + 4, 7, inks, hovers)
    strip["marker"]["line"] = {"width": 0.5, "color": theme.paper}
    # The strip is thin, so the words above it answer the pointer as well.
    catch = boxes("harmony", spans, floor + 8 + (size - 8) / 2, size - 8, ["rgba(0,0,0,0)"] * len(spans), hovers)
    ends = {phrase.end for phrase in score.phrases}
    starts = {phrase.start for phrase in score.phrases}
    importance = [
        3.0 * (span.end in ends)
        + 2.0 * (span.start in starts)
        + (before is None or before != span.numeral) * 1.0
        + 0.5 * (span.start % score.meter.bar == 0)
        for before, span in zip([None, *(span.numeral for span in spans)], spans, strict=False)
    ]
    labels = thinned(middles(spans), figures, importance, size=14)
    return [strip, catch, *texts("harmony", labels, middles(spans), floor + 21, inks, scale, 14, font=NUMERAL_FONT)]


def _cadences(score: Score, theme: Theme, floor: float, size: float, scale: float) -> list[Trace]:
    closes = list(_closes(score))
    inks = [theme.accent if CADENCES[cadence].strength >= 0.7 else theme.muted for _, cadence, _ in closes]
    ends = [number(end / DIVISIONS) for end, _, _ in closes]
    middle = floor + size / 2
    hovers = [
        f"<b>{CADENCES[cadence].name.capitalize()}</b><br>{CADENCES[cadence].meaning}<br>{where}"
        for _, cadence, where in closes
    ]
    trace: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": ends,
        "y": [middle] * len(closes),
        "meta": {"lane": "cadences", "role": "mark"},
        "customdata": [[max(0, number(end - score.meter.bar_quarters)), end] for end in ends],
        "marker": {
            "symbol": [_CADENCE_SIGNS[cadence] for _, cadence, _ in closes],
            "size": 9,
            "color": inks,
            "line": {"width": 1.5, "color": inks},
        },
        # The mark of the last barline lies half outside, and is to be seen whole.
        "cliponaxis": False,
        "text": hovers,
        "hovertemplate": "%{text}<extra></extra>",
    }
    words = [CADENCES[cadence].symbol for _, cadence, _ in closes]
    starts = [0.0, *ends]
    labels = fitting(
        ((end - start, (word,)) for start, end, word in zip(starts, ends, words, strict=False)), padding=26
    )
    # The words end just left of their mark.
    labels = [label._replace(text=label.text + "\u00a0" * 3) for label in labels]
    return [trace, *texts("cadences", labels, ends, middle, inks, scale, 11.5, position="middle left")]


def _closes(score: Score) -> Iterable[tuple[int, CadenceType, str]]:
    """Where each cadence falls: its end, its type, and in words."""
    seen = set()
    for phrase in score.phrases:
        if phrase.cadence:
            seen.add(phrase.end)
            yield (
                phrase.end,
                phrase.cadence,
                f"bar {phrase.first_measure + phrase.measures - 1}, phrase {literal(phrase.label)}",
            )
    for section in score.sections:
        if section.cadence and section.end not in seen:
            yield (
                section.end,
                section.cadence,
                f"bar {section.first_measure + section.measures - 1}, {literal(section.name)}",
            )


def _motifs(score: Score, theme: Theme, floor: float, size: float, scale: float) -> list[Trace]:
    spans = [phrase for phrase in score.phrases if phrase.motif]
    names = list(dict.fromkeys(span.motif for span in spans))
    hues = [oklch(0.40 if theme.dark else 0.91, 0.045, 40 + 137.5 * index) for index in range(len(names))]
    fills = [hues[names.index(span.motif)] for span in spans]
    hovers = [
        f"<b>Motif {literal(span.motif)}</b>"
        + (f", {span.transformation.replace('-', ' ')}" if span.transformation not in ("", "theme") else "")
        + f"<br>phrase {literal(span.label)}, {_bars(span.first_measure, span.measures)}"
        for span in spans
    ]
    box = boxes("motifs", spans, floor + size / 2, size - 4, fills, hovers)
    box["marker"]["line"] = {"width": 2, "color": theme.paper}
    labels = fitting(zip(lengths(spans), map(_motif_wordings, spans), strict=True), size=11.5)
    inks = [text_on(fill) for fill in fills]
    return [box, *texts("motifs", labels, middles(spans), floor + size / 2, inks, scale, 11.5)]


def _motif_wordings(span: PhraseSpan) -> tuple[str, ...]:
    sign = TRANSFORMATION_SIGNS.get(span.transformation, "")
    if not sign:
        return (span.motif,)
    words = span.transformation.replace("-", " ")
    return (f"{span.motif} {sign} {words}", f"{span.motif} {sign}", sign)


def _tension(score: Score, theme: Theme, floor: float, size: float) -> list[Trace]:
    spans = score.chords
    if not spans:
        return []
    room = size - 4
    xs = [number(span.start / DIVISIONS) for span in spans] + [number(spans[-1].end / DIVISIONS)]
    ys = [number(floor + room * span.chord.tension) for span in spans]
    color = theme.accent
    base = line("tension", [xs[0], xs[-1]], [floor, floor], theme.grid, 1)
    steps = line("tension", xs, [*ys, ys[-1]], with_alpha(color, 0.35), 1)
    steps["line"]["shape"] = "hv"
    steps |= {"fill": "tonexty", "fillcolor": with_alpha(color, 0.14)}
    # The eye follows the long line: the mean over two bars either side, sampled twice a bar.
    grid = np.arange(0, score.length + 1, max(1, score.meter.bar // 2))
    edges = np.array([span.start for span in spans] + [spans[-1].end], float)
    area = np.concatenate([[0.0], np.cumsum(np.diff(edges) * np.array([span.chord.tension for span in spans]))])
    low, high = (
        np.clip(grid - 1.5 * score.meter.bar, edges[0], edges[-1]),
        np.clip(grid + 1.5 * score.meter.bar, 0, edges[-1]),
    )
    mean = (np.interp(high, edges, area) - np.interp(low, edges, area)) / np.maximum(high - low, 1)
    curve = line(
        "tension",
        [number(value) for value in (grid / DIVISIONS).tolist()],
        [number(value) for value in (floor + room * mean).tolist()],
        color,
        2,
    )
    curve["line"]["shape"] = "spline"
    return [base, steps, curve]


def _bars(first: int, count: int) -> str:
    return f"bar {first}" if count == 1 else f"bars {first} to {first + count - 1}"


def _short_key(key: Key) -> str:
    """The tonic alone: ``B♭`` for the major key, ``b♭`` for the minor."""
    return key.pretty.split(" ")[0]
