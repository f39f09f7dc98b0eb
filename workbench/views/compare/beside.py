"""One piece of a run, or two side by side: seen, heard at the same place, and told apart in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.experiments.results import Result
from workbench.core.experiments.runs import Run, find_result
from workbench.core.music.moods import mood_word
from workbench.views.compare.beside_tabs import answers, differences, findings, requests, values
from workbench.views.compare.places import PAIR
from workbench.views.details import clock, plain, quiet
from workbench.views.engine import database
from workbench.views.pieces import Piece, shelf
from workbench.views.player import player
from workbench.views.runs import OUTCOMES
from workbench.views.takes_strip import piece_title

GROUP = "pieces"
"""What links the two players."""


class Side(NamedTuple):
    """One of the two, or the only one; ``piece`` is None where there is none to be heard, and ``lacks`` says why."""

    letter: str
    result: Result
    piece: Piece | None
    lacks: str = ""


def opened(run: Run, place: tuple[int, ...]) -> None:
    """Show the cells at one or two positions."""
    found = [find_result(database(), run.id, at) for at in place]
    results = [each for each in found if each is not None]
    if len(results) < len(place):
        st.warning("The address names a cell that has not ended, or is not in this run.", icon=":material/info:")
        st.button("Show the first of the list", key="pieces_first", on_click=lambda: st.query_params.pop(PAIR, None))
        return
    sides = [_side(letter, result) for letter, result in zip("AB", results, strict=False)]
    st.subheader(_asked(results), anchor=False)
    linked = all(side.piece is not None for side in sides) and len(sides) > 1
    for side, column in zip(sides, st.columns(len(sides), gap="medium"), strict=True):
        with column:
            _shown(side, alone=len(sides) == 1, linked=linked)
    if linked:
        st.markdown(quiet(_how(sides)))
    _tabs(run, sides)


def _side(letter: str, result: Result) -> Side:
    sample = result.sample
    if sample.structure is None:
        return Side(letter, result, None, sample.error or "No piece came out of it.")
    try:
        return Side(letter, result, shelf().put(sample.structure))
    except WorkbenchError as problem:
        return Side(letter, result, None, f"It cannot be made into music: {problem.message}")


def _asked(results: list[Result]) -> str:
    """What was asked, as a heading."""
    first = results[0]
    request, manner = first.sample.request, first.sample.form.manner
    facts = [manner.key.pretty, manner.meter.name]
    if request.valence is not None and request.arousal is not None:
        facts.append(mood_word(request.valence, request.arousal))
    parts = [first.request, *(each for each in facts if each not in first.request)]
    seeds = dict.fromkeys(each.seed for each in results)
    parts.append(f"seed {' and '.join(map(str, seeds))}")
    return plain(" · ".join(parts))


def _shown(side: Side, *, alone: bool, linked: bool) -> None:
    result, structure = side.result, side.result.sample.structure
    name = plain(result.variant)
    st.markdown(f"##### {name}" if alone else f"##### {side.letter}: {name}")
    words, color = OUTCOMES.get(result.sample.outcome, ("Failed", "red"))
    parts = [f":{color}-badge[{words if structure is not None else 'Failed'}]"]
    if structure is not None:
        parts.append(f"**{plain(piece_title(structure))}**")
    if structure is not None and side.piece is not None:
        facts = (
            structure.tonality.pretty, structure.time_signature, f"{structure.tempo:g} quarters a minute",
            f"{side.piece.score.measures} bars", clock(side.piece.performance.seconds),
        )  # fmt: skip
        parts.append(quiet(plain(" · ".join(facts))))
    st.markdown("  ".join(parts))
    if side.piece is None:
        st.error(f"There is nothing to hear: {plain(side.lacks)}", icon=":material/music_off:")
        return
    link = {"group": GROUP, "side": side.letter} if linked else None
    try:
        player(side.piece, key=f"beside_{side.letter.lower()}", link=link)
    except WorkbenchError as problem:
        st.error(f"{plain(problem.message)} {plain(problem.hint)}", icon=":material/music_off:")


def _how(sides: list[Side]) -> str:
    bars = [side.piece.score.measures for side in sides if side.piece is not None]
    told = "Both show the same bar. Hear A, Hear B, or X changes over at the bar that sounds; one of them is heard."
    if len(set(bars)) > 1:
        told += f" A has {bars[0]} bars and B {bars[1]}: the shorter one waits at its end."
    return told


def _tabs(run: Run, sides: list[Side]) -> None:
    results = [side.result for side in sides]
    bodies: dict[str, Callable[[], None]] = {
        "Findings": lambda: findings(results, [side.piece.id if side.piece else "" for side in sides]),
        "Values": lambda: values(results),
        "First answers": lambda: answers(results),
        "Request and cost": lambda: requests(run, results),
    }
    if len(sides) > 1:
        bodies = {"Differences": lambda: differences(results[0], results[1], GROUP)} | bodies
    key = "pieces_about" if len(sides) > 1 else "piece_about"
    for (_, body), tab in zip(bodies.items(), st.tabs(list(bodies), on_change="rerun", key=key), strict=True):
        if tab.open:
            with tab:
                body()
