"""What there is to read about a piece: its engraved score, the facts in words, its structure as JSON."""

from __future__ import annotations

import re

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.library.takes import Take
from workbench.core.music.cadences import CADENCES
from workbench.core.music.forms import FORMS
from workbench.views.pieces import Piece
from workbench.views.visits import origin_of

SHEET = 960
"""The width of a page of the score in pixels, where there is room for it."""

_SVG_HEAD = re.compile(r"<svg\b[^>]*>")
_PAPER = '<rect width="100%" height="100%" style="fill:#fffefa;stroke:none"/>'


def score_pages(piece: Piece, *, key: str = "page") -> None:
    """The engraved score, one page at a time, engraved when it is first looked at."""
    try:
        with st.skeleton(height=420):
            pages = piece.pages()
    except WorkbenchError as problem:
        st.warning(f"The score is missing: {problem.message} {problem.hint}", icon=":material/music_off:")
        return
    number = st.pagination(len(pages), key=f"{key}_{piece.id}") if len(pages) > 1 else 1
    with st.container(horizontal_alignment="center"):
        # An image runs no scripts, whatever a piece's texts have brought into the SVG.
        st.image(on_paper(pages[number - 1]), width=SHEET, alt=f"Score, page {number} of {len(pages)}")


def on_paper(svg: str) -> str:
    """The SVG with paper behind its ink, so that it can be read on a dark page too."""
    return _SVG_HEAD.sub(lambda head: head[0] + _PAPER, svg, count=1)


def facts(piece: Piece, take: Take) -> None:
    """The piece in words: what it is, and a table of its sections."""
    structure, score = piece.structure, piece.score
    form = FORMS.get(structure.form)
    players = list(dict.fromkeys(voice.instrument.name for voice in score.voices))
    rows = {
        "Form": form.title if form else structure.form,
        "Key": structure.tonality.pretty,
        "Tempo": f"{structure.tempo:g} quarter notes a minute, in {structure.time_signature}",
        "Length": f"{score.measures} bars, {clock(piece.performance.seconds)}, {len(score):,} notes",
        "Players": ", ".join(players),
        "Period": (structure.period or "").capitalize(),
        "Character": structure.character or "",
        "Made from": origin_of(take).removeprefix("opened from "),
    }
    grid = st.grid(2, min_column_width=480, gap="large")
    with grid.cell():
        known = [(quiet(name), plain(text)) for name, text in rows.items() if text]
        st.markdown(_table(known[0], known[1:]))
        if structure.reasoning:
            st.markdown(quiet(plain(structure.reasoning)))
    sections = [
        (
            f"{plain(span.name)}, {span.first_measure}–{span.first_measure + span.measures - 1}",
            span.key.pretty,
            ", ".join(filter(None, (plain(span.texture), span.dynamics))),
            CADENCES[span.cadence].symbol if span.cadence else "",
        )
        for span in score.sections
    ]
    with grid.cell():
        st.markdown(_table(("Section, bars", "Key", "Texture", "Close"), sections))
        names = dict.fromkeys(CADENCES[span.cadence] for span in score.sections if span.cadence)
        st.markdown(quiet(", ".join(f"{cadence.symbol} {cadence.name}" for cadence in names)))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table (``st.table`` would load pandas, half a second on the first page)."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def clock(seconds: float) -> str:
    """Seconds as ``m:ss``."""
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def quiet(text: str) -> str:
    """Markdown for words that stand back, yet are dark enough to read (Streamlit's captions are not)."""
    return f":gray[{text}]"


def plain(text: str) -> str:
    """A text from a file as Markdown that shows it letter by letter."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|$~:])", r"\\\1", " ".join(text.split()))
