"""Changing a piece: keep what is good and regenerate the rest, change a section by hand, transpose, name, send on."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import streamlit as st

from workbench.core.compose.edits import transpose, with_cadence, with_key, with_motif
from workbench.core.compose.locks import Lock
from workbench.core.errors import WorkbenchError
from workbench.core.generate.generation import Kept
from workbench.core.generate.live import Order
from workbench.core.library.curation import submit_take
from workbench.core.library.takes import Take, is_submitted, name_take, send_to_curators
from workbench.core.music.cadences import CADENCES, CadenceType
from workbench.core.music.keys import ALL_KEYS, parse_key
from workbench.core.music.request import Request
from workbench.core.music.structure import Motif, MusicStructure, Phrase, Section
from workbench.views.curators import curator
from workbench.views.details import plain, quiet
from workbench.views.engine import database, jobs
from workbench.views.links import read_degrees, read_rhythm
from workbench.views.pieces import Piece
from workbench.views.player import come_into_sight
from workbench.views.request_form import new_seed
from workbench.views.runs import begin_watching, open_run, shown_runs
from workbench.views.takes_strip import edited_take, piece_title, show_take
from workbench.views.variants import AT_ONCE, NEW, RULES, how, name_of
from workbench.views.visits import this_visit


@st.fragment
def change_tab(piece: Piece, take: Take) -> None:
    """All that can be done with a piece; each of it makes a new take and leaves this one as it is."""
    left, right = st.columns(2, gap="large")
    with left:
        _regenerating(piece, take)
    with right:
        _by_hand(piece, take)
        _whole(piece, take)
        _sending(take)


# --- keep and regenerate ---------------------------------------------------------------------------------------------


def _regenerating(piece: Piece, take: Take) -> None:
    st.subheader("Keep what is good", anchor=False)
    st.markdown(quiet("Choose what stays, section by section or phrase by phrase. The rest is written anew."))
    structure = piece.structure
    # What was kept for this piece stays chosen: one regenerates the rest until it is good, too.
    kept: dict[str, set[Lock]] = st.session_state.setdefault("kept", {})
    before = kept.get(take.parent_id or "", set()) if take.change == "regenerated" else set()
    locks: set[Lock] = set()
    for index, section in enumerate(structure.sections):
        locks |= _section_locks(piece, index, section, before)
    everything = all((index, None) in locks for index in range(len(structure.sections)))
    variant = (this_visit().draft.get("variants") or [dict(NEW) | {"writer": RULES}])[0]
    st.markdown(quiet(f"Written by: {plain(name_of(variant))} (chosen in the form)."))
    if st.button(
        "Regenerate the rest", type="primary", icon=":material/autorenew:", disabled=everything, key="regenerate"
    ):
        kept[take.id] = locks
        seed = new_seed()
        order = Order(
            take.request or Request(),
            how(variant, seed),
            name_of(variant),
            Kept(structure, frozenset(locks)),
            take.id or None,
        )
        try:
            batch = jobs().start([order], this_visit().visitor)
        except WorkbenchError as problem:
            st.error(f"{problem.message} {problem.hint}")
            return
        if variant.get("writer") in AT_ONCE:
            jobs().wait(jobs().batch(batch)[0].id, 30)
            run = shown_runs(batch)[0]
            if run.structure is not None and not run.running:
                open_run(run)
                come_into_sight()
                st.rerun()
        begin_watching(batch)
        come_into_sight()
        st.rerun()


def _section_locks(piece: Piece, index: int, section: Section, before: set[Lock]) -> set[Lock]:
    """The locks of one section: the whole of it, or some of its phrases; at first those of ``before``."""
    key = f"lock_{piece.id}_{index}"
    phrases = section.phrases or ()
    with st.container(border=True, gap="small", key=f"{key}_box"):
        whole = st.checkbox(
            f"Keep {plain(section.name)} ({section.tonality.pretty}, {section.measures} bars)",
            (index, None) in before,
            key=key,
            persist_state="page",
        )
        chosen: set[Lock] = set()
        if not whole and len(phrases) > 1:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(quiet("or its phrases"))
                for number, phrase in enumerate(phrases):
                    words = plain(phrase_words(phrase, number))
                    if st.checkbox(words, (index, number) in before, key=f"{key}_{number}", persist_state="page"):
                        chosen.add((index, number))
    return {(index, None)} if whole else chosen


def phrase_words(phrase: Phrase, number: int) -> str:
    """A phrase in a few words: ``a antecedent, HC``."""
    name = f"{phrase.label or number + 1} {phrase.role or ''}".strip()
    return f"{name}, {CADENCES[phrase.cadence].symbol}" if phrase.cadence else name


# --- by hand ---------------------------------------------------------------------------------------------------------


def _by_hand(piece: Piece, take: Take) -> None:
    st.subheader("Change a section", anchor=False)
    structure = piece.structure
    names = [f"{number + 1}. {section.name}" for number, section in enumerate(structure.sections)]
    # It stays chosen while one changes a section in several ways, each of which makes another piece.
    chosen = st.selectbox(
        "Section", range(len(names)), format_func=lambda number: names[number], key=f"edit_section_{len(names)}"
    )
    index = chosen or 0
    section = structure.sections[index]
    tag = f"{piece.id}_{index}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keys = [key.name for key in ALL_KEYS]
        key = st.selectbox(
            "Key",
            keys,
            index=keys.index(section.key),
            format_func=lambda name: parse_key(name).pretty,
            key=f"edit_key_{tag}",
        )
        _change("Change the key", key != section.key, f"key_{tag}", take, lambda: with_key(structure, index, str(key)))
    phrases = section.phrases or ()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        where = len(phrases) - 1
        if len(phrases) > 1:
            where = st.selectbox(
                "Phrase", range(len(phrases)), index=len(phrases) - 1, key=f"edit_phrase_{tag}",
                format_func=lambda number: phrase_words(phrases[number], number),
            ) or 0  # fmt: skip
        own = phrases[where].cadence if phrases else section.cadence
        kinds = list(get_args(CadenceType))
        cadence = st.selectbox(
            "Close", kinds, index=kinds.index(own) if own in kinds else None, key=f"edit_cadence_{tag}_{where}",
            format_func=lambda name: f"{CADENCES[name].symbol} {CADENCES[name].name}",
        )  # fmt: skip
        _change(
            "Change the close", cadence is not None and cadence != own, f"cadence_{tag}", take,
            lambda: with_cadence(structure, index, cadence, where if phrases else None),
        )  # fmt: skip
    _motif(structure, section, index, tag, take)


def _motif(structure: MusicStructure, section: Section, index: int, tag: str, take: Take) -> None:
    first = section.motifs[0] if section.motifs else None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        degrees = st.text_input(
            "Motif", " ".join(map(str, first.degrees)) if first else "", key=f"edit_degrees_{tag}", max_chars=200,
            help="Scale degrees: 1 is the tonic, 8 its octave, 0 a rest, #4 raised.",
        )  # fmt: skip
        rhythm = st.text_input(
            "Its lengths", " ".join(f"{value:g}" for value in first.rhythm) if first else "", key=f"edit_rhythm_{tag}",
            max_chars=200, help="In quarter notes, one for each degree.",
        )  # fmt: skip

        def changed() -> MusicStructure:
            return with_motif(structure, index, Motif(degrees=read_degrees(degrees), rhythm=read_rhythm(rhythm)))

        same = first is not None and (degrees.split(), rhythm.split()) == (
            list(map(str, first.degrees)), [f"{value:g}" for value in first.rhythm],
        )  # fmt: skip
        _change("Change the motif", bool(degrees.strip()) and not same, f"motif_{tag}", take, changed)


def _change(
    words: str, ready: bool, key: str, take: Take, change: Callable[[], MusicStructure], say: str = "edited"
) -> None:
    """A button that makes a new take of a changed structure."""
    if st.button(words, key=f"do_{key}", disabled=not ready):
        try:
            edited_take(change(), take, say)
        except (WorkbenchError, ValueError) as problem:
            hint = getattr(problem, "hint", "")
            st.error(plain(f"{getattr(problem, 'message', problem)} {hint}"))
        else:
            st.rerun()


# --- the whole piece -------------------------------------------------------------------------------------------------


def _whole(piece: Piece, take: Take) -> None:
    st.subheader("The whole piece", anchor=False)
    structure = piece.structure
    home = structure.tonality
    keys = [key.name for key in ALL_KEYS if key.mode == home.mode]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = st.selectbox(
            "Duplicate in", keys, index=keys.index(structure.key), key=f"transpose_{piece.id}",
            format_func=lambda name: parse_key(name).pretty,
        )  # fmt: skip
        same = key == structure.key

        def duplicated() -> MusicStructure:
            made = transpose(structure, str(key))
            title = f"{piece_title(structure, take.name)} (copy)"[:120] if same else _titled(made, structure)
            return made.model_copy(update={"title": title})

        _change("Duplicate", True, f"duplicate_{piece.id}", take, duplicated, "duplicated" if same else "transposed")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of this take",
            take.name or "",
            key=f"name_{piece.id}",
            max_chars=120,
            placeholder=piece_title(structure),
        )
        if st.button("Name it", key=f"do_name_{piece.id}", disabled=name.strip() == (take.name or "")):
            visit = this_visit()
            try:
                named = name_take(database(), visit.keep(take), name)
            except WorkbenchError as problem:
                st.error(f"{problem.message} {problem.hint}")
            else:
                visit.replace(named)
                show_take(named)
                st.rerun()


def _titled(made: MusicStructure, before: MusicStructure) -> str | None:
    """The title with the new key in place of the old one."""
    return before.title and before.title.replace(before.tonality.pretty, made.tonality.pretty)


def _sending(take: Take) -> None:
    st.subheader("For the curators", anchor=False)
    visit = this_visit()
    own = visit.find(take.piece_id) or take  # the take on the page may have been shown before it was kept
    sent = bool(own.id) and is_submitted(database(), own)
    note = st.text_input("What is good about it", key=f"send_note_{take.piece_id}", max_chars=400)
    if st.button("Send to curators", icon=":material/send:", key=f"send_{take.piece_id}", disabled=sent):
        try:
            kept = visit.keep(take)
            submit_take(database(), kept, curator=curator(), note=note)
            send_to_curators(database(), kept, visit.visitor, note)
        except WorkbenchError as problem:
            st.error(f"{problem.message} {problem.hint}")
        else:
            st.rerun()
    if sent:
        st.markdown(quiet("It is in their queue."))
