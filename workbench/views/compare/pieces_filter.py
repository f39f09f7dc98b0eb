"""Which pieces to look at: those of one variant, or what two variants made of the same requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, get_args

import streamlit as st

from workbench.core.experiments.boards import Board
from workbench.core.experiments.elements import Element
from workbench.core.experiments.judging import FACETS
from workbench.core.experiments.reports.filters import MAX_TEXT, Choice, Filter
from workbench.core.experiments.reports.summary import HEADLINES
from workbench.core.experiments.reports.values import column_named
from workbench.views.compare.places import PAIR, wanted_pieces
from workbench.views.datasets.wording import value_words as level_words
from workbench.views.runs import OUTCOMES

EVERY, NOBODY = "Every variant", "Nobody"
CHOICES: Mapping[Choice, str] = {
    "": "All pairs", "only-a": "A yes, B no", "only-b": "B yes, A no", "differ": "They differ in …",
    "worst": "Worst regressions of B", "best": "Best gains of B",
}  # fmt: skip
PIECES = {"": "All", "yes": "With a piece", "no": "Failed"}
FIRST = ("valid-before-repair", "valid", *HEADLINES)
"""What pairs are chosen by, where nobody says."""
_RUN, _WAS = "pieces_run", "pieces_a_was"


def places_in_address() -> tuple[int, ...]:
    """The positions that the address names, one or two; none where it names something else."""
    parts = str(st.query_params.get(PAIR, "")).split("-")
    sound = len(parts) in (1, 2) and all(part.isdecimal() and part.isascii() and len(part) < 9 for part in parts)
    return tuple(map(int, parts)) if sound else ()


def chosen_filter(board: Board) -> Filter:
    """The filter from its widgets, which come filled as somebody was sent here.

    Raises:
        InvalidInputError: what was set together is no filter.
    """
    _prepare(board)
    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choice("A", "a", ["", *board.variants], {"": EVERY})
        _choice("B", "b", ["", *(each for each in board.variants if each != state.pieces_a)], {"": NOBODY})
        if paired := bool(state.pieces_a and state.pieces_b):
            _choice("Show", "choice", list(CHOICES), CHOICES)
        if paired and state.pieces_choice == "differ":
            _choice("Element", "element", list(get_args(Element)), {})
        else:
            titles = {name: column_named(name).title for name in board.metrics}
            _choice("Metric", "metric", _metrics(board, state.pieces_choice if paired else ""), titles)
        st.text_input(
            "Words", key="pieces_text", max_chars=MAX_TEXT, persist_state="session", on_change=_from_the_top,
            help="In the request, its brief or theme, the title, the model or the error.",
        )  # fmt: skip
        with st.popover("More", icon=":material/filter_list:"):
            _more(board, paired=paired)
    return _filter(paired=paired)


def why_empty(board: Board, filter: Filter) -> str:
    """What to do where a filter lets nothing in."""
    chosen = filter.choice in ("only-a", "only-b", "worst", "best")
    lacking = [
        name for name in (filter.a, filter.b)
        if chosen and board.frame.loc[board.frame["variant"] == name, filter.metric].isna().all()
    ]  # fmt: skip
    if lacking:
        title = column_named(filter.metric).title
        return (
            f"{' and '.join(lacking)}: no value of “{title}”, so nothing can be compared by it. Choose another metric."
        )
    if filter.choice == "differ":
        return f"{filter.a} and {filter.b} never differ in {filter.element}, as far as the other filters let through."
    return "Choose other filters."


def _filter(*, paired: bool) -> Filter:
    state = st.session_state
    facets = {name: tuple(state[f"pieces_{name}"]) for name in FACETS if state.get(f"pieces_{name}")}
    failed = {"yes": False, "no": True}.get(state.pieces_pieces)
    shared: dict[str, Any] = {
        "facets": facets, "failed": failed, "outcomes": tuple(state.pieces_outcomes), "text": state.pieces_text or "",
    }  # fmt: skip
    metric = state.get("pieces_metric") or ""
    if paired:
        choice: Choice = state.pieces_choice
        element = state.pieces_element if choice == "differ" else ""
        better = column_named(metric).better if metric else "higher"
        return Filter(
            a=state.pieces_a, b=state.pieces_b, choice=choice, metric=metric, element=element, better=better, **shared,
        )  # fmt: skip
    variants = (state.pieces_a,) if state.pieces_a else ()
    low, high = state.get("pieces_low"), state.get("pieces_high")
    return Filter(variants=variants, metric=metric, low=low, high=high, unknown=bool(state.pieces_unknown), **shared)


def _more(board: Board, *, paired: bool) -> None:
    for name in FACETS:
        levels = sorted(set(board.frame[name].tolist()) - {""})
        if len(levels) > 1:
            _several(name.capitalize(), name, levels, {each: level_words(name, each) for each in levels})
    outcomes = sorted(set(board.frame["outcome"].tolist()) - {""})
    _several("Outcome", "outcomes", outcomes, {name: words for name, (words, _) in OUTCOMES.items()})
    _choice("Pieces", "pieces", list(PIECES), PIECES)
    if not paired and st.session_state.pieces_metric:
        title = column_named(st.session_state.pieces_metric).title
        for label, key in ((f"{title} from", "pieces_low"), ("to", "pieces_high")):
            st.number_input(
                label, value=None, key=key, persist_state="session", on_change=_from_the_top,
                help="Yes is 1, no is 0; shares are numbers from 0 to 1.",
            )  # fmt: skip
        st.checkbox(
            "Only those without a value", key="pieces_unknown", persist_state="session", on_change=_from_the_top
        )
    st.button("Clear the filters", key="pieces_clear", on_click=lambda: _clear(board))


def _metrics(board: Board, choice: str) -> list[str]:
    """The metrics that pairs can be chosen by, those that matter first."""
    found = [
        name for name in dict.fromkeys((*FIRST, *board.metrics))
        if name in board.metrics and _fits(name, choice)
    ]  # fmt: skip
    return found or list(board.metrics)


def _fits(metric: str, choice: str) -> bool:
    column = column_named(metric)
    if choice in ("only-a", "only-b"):
        return column.kind == "rate"
    return choice not in ("worst", "best") or bool(column.better)


def _choice(label: str, name: str, options: list[Any], words: Mapping[Any, str]) -> None:
    key = f"pieces_{name}"
    if st.session_state.get(key) not in options:
        st.session_state[key] = options[0] if options else None
    st.selectbox(
        label, options, key=key, format_func=lambda each: words.get(each) or str(each), persist_state="session",
        on_change=_from_the_top,
    )  # fmt: skip


def _several(label: str, name: str, options: Collection[str], words: Mapping[str, str]) -> None:
    key = f"pieces_{name}"
    st.session_state[key] = [each for each in st.session_state.get(key) or () if each in options]
    st.multiselect(
        label, list(options), key=key, format_func=lambda each: words.get(each) or str(each), persist_state="session",
        on_change=_from_the_top,
    )  # fmt: skip


# How it is filled ----------------------------------------------------------------------------------------------------


def _prepare(board: Board) -> None:
    """Set what the widgets show first: of a new run, and as somebody was sent here."""
    state = st.session_state
    wanted = wanted_pieces()
    fresh = state.get(_RUN) != board.run.id or "pieces_a" not in state
    if fresh or wanted is not None:
        state[_RUN] = board.run.id
        kept = dict(st.query_params).get(PAIR)
        _clear(board)
        if wanted is not None:
            _fill(board, wanted)
        if kept is not None:
            st.query_params[PAIR] = kept
    if state.pieces_b and state.pieces_b == state.pieces_a:  # A was set to what B was: they change places
        was = state.get(_WAS)
        others = [each for each in board.variants if each != state.pieces_a]
        state.pieces_b = was if was in others else others[0] if others else ""
    elif state.pieces_b and not state.pieces_a:
        state.pieces_b = ""
    state[_WAS] = state.pieces_a


def _clear(board: Board) -> None:
    """The usual filter: the first two variants, or those of the pieces that the address names."""
    state, frame = st.session_state, board.frame
    named = [str(frame.at[at, "variant"]) for at in places_in_address() if at in frame.index]
    variants = named or list(board.variants[:2])
    state.pieces_a, state.pieces_b = variants[0], variants[1] if len(variants) > 1 else ""
    state.pieces_choice, state.pieces_element, state.pieces_pieces, state.pieces_text = "", "cadences", "", ""
    state.pieces_metric = _first_metric(board, variants)
    state.pieces_outcomes, state.pieces_low, state.pieces_high, state.pieces_unknown = [], None, None, False
    for name in FACETS:
        state[f"pieces_{name}"] = []
    _from_the_top()


def _first_metric(board: Board, variants: Collection[str]) -> str | None:
    """The first of the usual metrics that says something of all variants; else of any."""
    told = [board.frame[board.frame["variant"] == each] for each in variants]
    usual = [name for name in FIRST if name in board.metrics]
    telling = (name for name in usual if not any(frame[name].isna().all() for frame in told))
    return next(telling, usual[0] if usual else next(iter(board.metrics), None))


def _fill(board: Board, wanted: Mapping[str, Any]) -> None:
    """Set what is wanted: fields of a ``Filter``; what this run does not have is left as it is."""
    state = st.session_state
    sides = [wanted[name] for name in ("a", "b") if wanted.get(name)] or list(wanted.get("variants") or ())
    sides = [each for each in sides if each in board.variants]
    if len(sides) > 2 or not sides:
        sides = [""]
    state.pieces_a, state.pieces_b = sides[0], sides[1] if len(sides) > 1 else ""
    for name, known in (("choice", get_args(Choice)), ("element", get_args(Element)), ("metric", board.metrics)):
        if wanted.get(name) in known and wanted.get(name):
            state[f"pieces_{name}"] = wanted[name]
    for name in FACETS:
        levels = (wanted.get("facets") or {}).get(name) or ()
        state[f"pieces_{name}"] = [levels] if isinstance(levels, str) else list(levels)
    state.pieces_outcomes = list(wanted.get("outcomes") or ())
    state.pieces_text = str(wanted.get("text") or "")[:MAX_TEXT]
    state.pieces_pieces = {None: "", False: "yes", True: "no"}[wanted.get("failed")]
    state.pieces_low, state.pieces_high = wanted.get("low"), wanted.get("high")
    state.pieces_unknown = bool(wanted.get("unknown"))


def _from_the_top() -> None:
    """Show the first of what is let in now."""
    st.session_state.pieces_at = 1
    st.query_params.pop(PAIR, None)
