"""The structure player: phrase plan over piano roll on one time axis, with one playhead that the sound moves."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

import streamlit as st

from workbench.core.music.meters import DIVISIONS
from workbench.views.component import component
from workbench.views.pieces import Piece

PLOTLY_URL = f"/lib/plotly-{version('plotly')}.min.js"
_PLAYER = component("player", "sound.js", "drawing.js", "linking.js")


def player(piece: Piece, *, key: str = "player", link: dict[str, str] | None = None) -> None:
    """Draw the player of a piece. The same piece again leaves it as it is, playing or not.

    Players whose ``link`` names the same ``group`` show the same bar, and one of them is heard; ``side`` is what each
    is called (``A``).
    """
    data = data_of(piece, dark=is_dark(key)) | {"asked": st.session_state.get("asked", 0)}
    if link is not None:
        data |= {"link": link}
    _PLAYER(key=key, data=data, on_dark_change=lambda: _noted(key))


def come_into_sight() -> None:
    """Something new was asked for: the first player drawn next scrolls to where it can be seen."""
    st.session_state.asked = st.session_state.get("asked", 0) + 1


def growing_player(run: str, *, key: str) -> None:
    """Draw the player of a piece that is being written: it asks ``/live/RUN`` for each section by itself."""
    data = {"live": f"/live/{run}", "dark": is_dark(key), "asked": st.session_state.get("asked", 0)}
    _PLAYER(key=key, data=data, on_dark_change=lambda: _noted(key))


def data_of(piece: Piece, *, dark: bool) -> dict[str, Any]:
    """What the player needs to know of a piece, worked out once."""
    return piece.once(("player", dark), lambda: player_data(piece, dark=dark))


def is_dark(key: str = "player") -> bool:
    """Whether the page is dark: as the browser said, or as Streamlit believes while it has not."""
    told = (st.session_state.get(key) or {}).get("dark")
    if told is None:
        told = st.session_state.get("dark")
    return st.context.theme.type == "dark" if told is None else bool(told)


def _noted(key: str) -> None:
    """The browser has told the theme, which holds for every player; the rerun that follows draws it."""
    st.session_state.dark = (st.session_state.get(key) or {}).get("dark")


def player_data(piece: Piece, *, dark: bool) -> dict[str, Any]:
    """What the player needs to know: two figures as JSON text, times in seconds, places in quarters from 0."""
    from workbench.core.render.colors import voice_color
    from workbench.core.render.labels import numeral_text
    from workbench.core.render.phrase_plan import phrase_plan_json
    from workbench.core.render.piano_roll import piano_roll_json
    from workbench.core.render.time_axis import timeline

    score, performance = piece.score, piece.performance
    times = timeline(performance)
    return {
        "piece": piece.id,
        "dark": dark,
        "plotly": PLOTLY_URL,
        "plan": _text(phrase_plan_json(score, dark=dark)),
        "roll": _text(piano_roll_json(score, performance, dark=dark)),
        "grid": times["quarters"],
        "times": times["seconds"],
        "seconds": performance.seconds,
        "quarters": score.quarters,
        "measures": score.measures,
        "bar": score.meter.bar_quarters,
        "chords": [
            [span.start / DIVISIONS, span.end / DIVISIONS, numeral_text(span.numeral), span.key.pretty]
            for span in score.chords
        ],
        "phrases": [
            [
                span.start / DIVISIONS,
                span.end / DIVISIONS,
                " · ".join(filter(None, (score.sections[span.section].name, f"{span.label} {span.role}".strip()))),
            ]
            for span in score.phrases
        ],
        "voices": [
            {"name": voice.name, "color": voice_color(index, dark=dark), "url": f"/sound/{piece.id}/{index}.ogg"}
            for index, voice in enumerate(score.voices)
        ],
    }


def _text(figure: dict[str, Any]) -> str:
    return json.dumps(figure, ensure_ascii=False, separators=(",", ":"))
