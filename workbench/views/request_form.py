"""The request form: mood, form, period, duration, and under "More" whatever else a person wants to decide."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import streamlit as st

from workbench.core.errors import InvalidRequestError
from workbench.core.music.forms import FORMS, PERIODS
from workbench.core.music.keys import ALL_KEYS, parse_key
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.moods import WORDS
from workbench.core.music.reading import read_request
from workbench.core.music.request import MAX_DURATION, MIN_DURATION, Request
from workbench.views.component import component
from workbench.views.links import LONGEST_SEED, read_degrees, read_rhythm
from workbench.views.textbox import textbox

MAX_BRIEF = 2000
LEFT_OPEN = "Let the mood decide"
MOOD_DECIDES = "Mood decides"
INSTRUMENTS = (
    "piano",
    "string quartet",
    "harpsichord",
    "organ",
    "flute and harp",
    "violin and piano",
    "choir",
    "woodwinds",
)
_PAD = component("mood_pad")
_FIELDS = (
    "mood",
    "form",
    "period",
    "duration",
    "key",
    "tempo",
    "time_signature",
    "instrumentation",
    "focus",
    "motif",
    "rhythm",
    "seed",
)
_BRIEF = "brief"


def request_form(
    shown: Request | None, draft: dict[str, Any], writers: Callable[[], Any]
) -> tuple[Request, int | None, bool] | None:
    """Draw the form; when a button was pressed, the request, the seed if one was typed, and whether another is wanted.

    Args:
        shown: the request of the piece on the page, if it had one: compared with the form, and its first filling.
        draft: the form as this person left it, kept up to date here.
        writers: draws what says who writes, above the buttons.
    """
    _fill(draft if "mood" in draft else draft | _values(shown or Request()))
    brief = textbox(
        "In your words", st.session_state[_key("brief_start")], key=_key(_BRIEF), rows=3, most=MAX_BRIEF,
        placeholder="A walk home in the snow …  (any language; models read it)",
    )  # fmt: skip
    _pad()
    _select("Form", "form", tuple(FORMS), lambda name: FORMS[name].title)
    _select("Period", "period", PERIODS, str.capitalize)
    st.number_input("Duration in seconds", MIN_DURATION, MAX_DURATION, step=10.0, format="%.0f", key=_key("duration"))
    with st.expander("More"):
        errors = _more()
    writers()
    compose = st.button("Compose", type="primary", width="stretch", key="compose", disabled=bool(errors))
    another = st.button(
        "Another one",
        width="stretch",
        key="another",
        disabled=bool(errors),
    )
    draft.update({name: st.session_state.get(_key(name)) for name in _FIELDS if name != "mood"} | {"mood": _mood()})
    draft[_BRIEF] = brief
    if not (compose or another):
        return None
    try:
        return (
            read_request(_data() | ({_BRIEF: brief.strip()} if brief.strip() else {})),
            st.session_state[_key("seed")],
            another,
        )
    except InvalidRequestError as problem:
        st.error(f"{problem.message} {problem.hint}")
        return None


def refill(request: Request | None, draft: dict[str, Any]) -> None:
    """Set the form to a request; to be called before the form is drawn."""
    if request is None:
        return
    for name in (*_FIELDS, _BRIEF):
        draft.pop(name, None)
    draft.update(_values(request))
    st.session_state.form_version = st.session_state.get("form_version", 0) + 1


def new_seed() -> int:
    """A seed short enough to read in a link."""
    return random.SystemRandom().randint(1, LONGEST_SEED)


def _key(name: str) -> str:
    # A new version is a new set of widgets: their old values cannot linger.
    return f"request_{name}_{st.session_state.get('form_version', 0)}"


def _values(request: Request) -> dict[str, Any]:
    return {
        "mood": [request.valence, request.arousal],
        "form": request.form if request.form in FORMS else None,
        "period": request.period,
        "duration": request.duration,
        "key": request.key,
        "tempo": request.tempo,
        "time_signature": request.time_signature,
        "instrumentation": request.instrumentation,
        "focus": request.focus,
        "motif": " ".join(str(degree) for degree in request.motif_seed),
        "rhythm": " ".join(f"{length:g}" for length in request.rhythm_seed),
        "seed": None,
        _BRIEF: request.brief or "",
    }


def _fill(values: dict[str, Any]) -> None:
    for name in _FIELDS:
        if name != "mood":
            st.session_state.setdefault(_key(name), values.get(name))
    st.session_state.setdefault(_key("start"), values["mood"])
    st.session_state.setdefault(_key("brief_start"), values.get(_BRIEF) or "")


def _mood() -> list[float]:
    mood = (st.session_state.get(_key("mood")) or {}).get("mood")
    return list(mood) if mood else list(st.session_state[_key("start")])


def _pad() -> None:
    data = {"mood": _mood(), "words": WORDS, "version": st.session_state.get("form_version", 0)}
    _PAD(key=_key("mood"), data=data, on_mood_change=lambda: None)


def _select(label: str, name: str, options: tuple[str, ...], words: Any, left_open: str = LEFT_OPEN) -> None:
    st.selectbox(label, options, index=None, format_func=words, placeholder=left_open, key=_key(name))


def _more() -> list[InvalidRequestError]:
    with st.grid(2, min_column_width=110, gap="small"):
        _select("Key", "key", tuple(key.name for key in ALL_KEYS), lambda name: parse_key(name).pretty, MOOD_DECIDES)
        _select("Meter", "time_signature", TIME_SIGNATURES, str, MOOD_DECIDES)
        st.number_input(
            "Tempo",
            40.0,
            220.0,
            value=None,
            step=1.0,
            format="%.0f",
            placeholder="Any",
            key=_key("tempo"),
            help="Quarter notes a minute, 40 to 220.",
        )
        st.number_input(
            "Focus",
            0.0,
            1.0,
            step=0.1,
            format="%.2f",
            key=_key("focus"),
            help="From 0, which wanders, to 1, which keeps to one motif.",
        )
    chosen = st.session_state[_key("instrumentation")]
    options = INSTRUMENTS if chosen is None or chosen in INSTRUMENTS else (chosen, *INSTRUMENTS)
    st.selectbox(
        "Instruments",
        options,
        index=None,
        placeholder="Choose, or type your own",
        accept_new_options=True,
        key=_key("instrumentation"),
    )
    with st.grid(2, min_column_width=110, gap="small"):
        errors = [
            _typed(
                "Motif",
                "motif",
                "1 3 5 #4",
                "Scale degrees to begin with: 1 is the tonic, 8 its octave, 0 a rest, #4 raised.",
                read_degrees,
            ),
            _typed("Rhythm", "rhythm", "1 0.5 0.5 2", "The motif's lengths in quarter notes.", read_rhythm),
        ]
    for error in errors:
        if error is not None:
            st.error(f"{error.message} {error.hint}")
    st.number_input(
        "Seed",
        0,
        10**9,
        value=None,
        step=1,
        placeholder="A new one each time",
        key=_key("seed"),
        help="The same settings and seed always give the same piece.",
    )
    return [error for error in errors if error is not None]


def _typed(label: str, name: str, example: str, about: str, read: Any) -> InvalidRequestError | None:
    text = st.text_input(label, placeholder=example, key=_key(name), help=about, max_chars=200) or ""
    try:
        read(text)
    except InvalidRequestError as problem:
        return problem
    return None


def _data() -> dict[str, Any]:
    value = {name: st.session_state[_key(name)] for name in _FIELDS if name != "mood"}
    valence, arousal = _mood()
    data = {"valence": valence, "arousal": arousal}
    data |= {name: value[name] for name in ("form", "period", "duration", "key", "tempo", "time_signature", "focus")}
    data["instrumentation"] = (value["instrumentation"] or "").strip() or None
    data["motif_seed"] = read_degrees(value["motif"] or "")
    data["rhythm_seed"] = read_rhythm(value["rhythm"] or "")
    # An emptied number goes back to what it is when nobody says anything.
    return {name: item for name, item in data.items() if item is not None}
