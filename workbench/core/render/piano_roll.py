"""The piano roll: every note on the time axis that the phrase plan has, one colour a voice.

One bar trace a voice, so that a voice can be hidden; ``meta`` holds its number. Each note is one point, whose
``customdata`` is ``[phrase, measure, name, numeral, phrase label, velocity]``: the phrase counted from 0, the measure
from 1.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.core.music.meters import DIVISIONS
from workbench.core.music.pitches import pitch_name
from workbench.core.music.score import IntColumn, Performance, Score
from workbench.core.render.colors import Theme, key_edge, theme_of, voice_color, with_alpha
from workbench.core.render.labels import literal, numeral_text, pretty_pitch
from workbench.core.render.time_axis import PLOT_WIDTH, FigureJson, base_layout, figure, number, time_axis

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 380
_HOVER = (
    "<b>%{customdata[2]}</b>  %{meta.name}<br>bar %{customdata[1]} · %{customdata[3]}"
    "<br>phrase %{customdata[4]} · velocity %{customdata[5]}<extra></extra>"
)


def piano_roll(score: Score, performance: Performance | None = None, *, dark: bool = False) -> go.Figure:
    """The piano roll as a plotly figure, with a legend of the voices.

    Args:
        score: the notes, as written; the time axis is in quarters from 0.
        performance: gives velocities, shown as opacity; without it every note is equally strong.
        dark: whether it lies on a dark page.
    """
    data = piano_roll_json(score, performance, dark=dark)
    data["layout"]["showlegend"] = True
    return figure(data)


def piano_roll_json(
    score: Score, performance: Performance | None = None, *, dark: bool = False, width: float = PLOT_WIDTH
) -> FigureJson:
    """The piano roll as plain JSON; ``width`` is the time axis's length in pixels."""
    theme = theme_of(dark)
    velocity = performance.velocity if performance is not None else np.full(len(score), 80, np.int32)
    layout = base_layout(score, theme, height=HEIGHT, top=8, bottom=34)
    low, high = (int(score.midi.min()), int(score.midi.max())) if len(score) else (48, 72)
    low, high = min(low - 2, 54), max(high + 2, 66)
    octaves = [midi for midi in range(12, 128, 12) if low <= midi <= high]
    layout["xaxis"] = time_axis(score, theme, side="bottom", width=width)
    layout["xaxis"]["title"] = {"text": "bar", "font": {"size": 11, "color": theme.muted}, "standoff": 4}
    layout["yaxis"] = {
        "range": [low, high],
        "minallowed": low,
        "maxallowed": high,
        "tickmode": "array",
        "tickvals": octaves,
        "ticktext": [f"C{midi // 12 - 1}" for midi in octaves],
        "tickfont": {"size": 11, "color": theme.muted},
        "gridcolor": theme.grid,
        "zeroline": False,
        "fixedrange": False,
    }
    layout["shapes"] = _shading(score, theme)
    layout["legend"] = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": theme.muted}}
    return {"data": _voices(score, velocity, theme, width), "layout": layout}


def _voices(score: Score, velocity: IntColumn, theme: Theme, width: float) -> list[dict[str, Any]]:
    onset = np.round(score.onset / DIVISIONS, 4).tolist()
    duration = np.round(score.duration / DIVISIONS, 4).tolist()
    # From a whisper to full colour; the weakest still stands out from the page.
    opacity = np.round(np.clip(0.45 + (velocity - 35) / 120, 0.42, 1), 2).tolist()
    midi, fifths, voice = score.midi.tolist(), score.fifths.tolist(), score.voice.tolist()
    names = {pair: pretty_pitch(pitch_name(*pair)) for pair in set(zip(midi, fifths, strict=True))}
    chords = [f"{numeral_text(span.numeral)} in {span.key.pretty}" for span in score.chords]
    phrases = [literal(f"{span.label} ({span.role})" if span.role else span.label) for span in score.phrases]
    columns: list[tuple[list[Any], ...]] = [([], [], [], [], []) for _ in score.voices]
    scale = width / max(score.quarters, 1)
    measures = (score.onset // score.meter.bar + 1).tolist()
    for row in zip(
        onset,
        duration,
        midi,
        fifths,
        voice,
        score.phrase.tolist(),
        score.chord.tolist(),
        measures,
        velocity.tolist(),
        opacity,
        strict=True,
    ):
        base, length, height, spelling, part, phrase, chord, measure, strength, alpha = row
        bases, lengths, heights, alphas, facts = columns[part]
        bases.append(base)
        lengths.append(length)
        heights.append(height)
        alphas.append(alpha)
        facts.append(
            [
                phrase,
                measure,
                names[height, spelling],
                chords[chord] if 0 <= chord < len(chords) else "no chord",
                phrases[phrase] if 0 <= phrase < len(phrases) else "none",
                strength,
            ]
        )
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": part.name,
            "meta": {"voice": index, "name": part.name},
            "base": bases,
            "x": lengths,
            "y": heights,
            "width": 0.88,
            "marker": {
                "color": voice_color(index, dark=theme.dark),
                "opacity": alphas,
                # An outline keeps repeated notes apart, but would swallow notes of a few pixels.
                "line": {"width": 0.5 if lengths and median(lengths) * scale > 6 else 0, "color": theme.paper},
            },
            "customdata": facts,
            "hovertemplate": _HOVER,
        }
        for index, (part, (bases, lengths, heights, alphas, facts)) in enumerate(
            zip(score.voices, columns, strict=True)
        )
    ]


def _shading(score: Score, theme: Theme) -> list[dict[str, Any]]:
    shapes: list[dict[str, Any]] = [
        {
            "type": "rect",
            "layer": "below",
            "x0": number(phrase.start / DIVISIONS),
            "x1": number(phrase.end / DIVISIONS),
            "yref": "paper",
            "y0": 0,
            "y1": 1,
            "line": {"width": 0},
            "fillcolor": theme.shade,
        }
        for phrase in score.phrases[::2]
    ]
    for section in score.sections[1:]:
        at = number(section.start / DIVISIONS)
        color = with_alpha(key_edge(section.key, dark=theme.dark), 0.8)
        shapes.append(
            {
                "type": "line",
                "layer": "below",
                "x0": at,
                "x1": at,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"width": 1.5, "color": color, "dash": "dot"},
            }
        )
    return shapes
