"""Prompt templates: read, change, see the exact messages and their tokens, compare versions, save a new one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import streamlit as st

from workbench.core.compose import plan
from workbench.core.errors import TemplateError, WorkbenchError
from workbench.core.generate.counting import count_messages, count_tokens
from workbench.core.generate.prompt import build_prompt
from workbench.core.generate.sandbox import MAX_SOURCE
from workbench.core.generate.templates import (
    COMMON,
    DEFAULT,
    PARTS,
    Template,
    all_templates,
    choose_template,
    difference,
    find_template,
    read_parts,
    save_version,
)
from workbench.core.library.drafts import drop_draft, load_draft, save_draft
from workbench.core.music.request import Request
from workbench.views.details import plain, quiet
from workbench.views.engine import database, jobs, settings, usual
from workbench.views.textbox import textbox
from workbench.views.visits import this_visit

ABOUT = {
    "system": "The first message: who the model is, the contract, the musical demands.",
    "request": "What was asked for.",
    "plan": "The section plan that the piece is composed under.",
    "example": "The question of each example; its answer is the example's JSON.",
    "retry": "What is said when an answer has errors.",
    "editor": "What is said when a draft is to be improved.",
}
EXTRA = {"example": ("request_part", "plan_part"), "retry": ("findings",), "editor": ("findings", "draft")}


def _in_order(known: dict[str, Template]) -> list[str]:
    """The labels, the usual template's newest version first, then the newest of each name."""
    labels = list(known)[::-1]
    with suppress(TemplateError):  # the usual one may be gone
        labels.sort(key=find_template(usual().template, known.values()).label.__ne__)
    return labels


@st.fragment
def prompts_tab(request: Request, seed: int) -> None:
    """The editor of templates, with a preview for the request on the page and the plan of its seed."""
    known = {each.label: each for each in all_templates(database())}
    labels = _in_order(known)
    if st.session_state.get("saved_template") in known:
        st.session_state.prompt_template = st.session_state.saved_template  # before its box is drawn
        st.toast(f"Saved as {st.session_state.pop('saved_template')}.")
    left, right = st.columns([5, 4], gap="large")
    with left:
        chosen = st.selectbox("Template and version", labels, key="prompt_template", persist_state="page")
        template = known[chosen or labels[0]]
        _usual(template)
        changed = _editor(template)
        problem = _problem_of(changed)
        _saving(template, changed, problem)
    with right:
        _preview(request, seed, changed, readable=not problem)
    _versions(template, changed, known)


def _usual(template: Template) -> None:
    """What is new in a version, and whether it is the one that everybody's pieces are asked for with."""
    known = all_templates(database())
    own = find_template(usual().template, known).label == template.label
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(quiet(plain(template.note) + (" The usual one here." if own else "")), width="stretch")
        if not own and settings().model_template == DEFAULT:
            words = "Make it the usual one"
            if st.button(words, key="usual_template", type="tertiary", help="For everybody here and for the HTTP API."):
                choose_template(database(), template.label)
                st.rerun()


def _editor(template: Template) -> Template:
    """The parts as they are being changed; kept as a draft."""
    name = f"template:{template.label}"
    visit = this_visit()
    version = st.session_state.setdefault(f"{name}/version", 0)
    draft = load_draft(database(), visit.visitor, name) or {}
    part = st.radio("Part", PARTS, horizontal=True, key="prompt_part", persist_state="page") or "system"
    names = ", ".join((*COMMON, *EXTRA.get(part, ())))
    st.markdown(quiet(f"{ABOUT[part]} It may use: {names}."))

    def typed(text: str) -> None:
        save_draft(database(), visit.visitor, name, draft | {part: text})

    text = textbox(
        f"The part “{part}”", str(draft.get(part, template.parts[part])), key=f"part_{template.label}_{part}",
        version=version, rows=18, most=MAX_SOURCE, code=True, on_typed=typed,
    )  # fmt: skip
    parts = {each: str(draft.get(each, template.parts[each])) for each in PARTS} | {part: text}
    return Template(template.name, template.version, parts, template.note)


def _problem_of(changed: Template) -> str:
    try:
        read_parts(changed.parts)
    except WorkbenchError as found:
        return f"{found.message} {found.hint}"
    return ""


def _saving(template: Template, changed: Template, problem: str) -> None:
    if changed.digest == template.digest:
        st.markdown(quiet("Change a part, and save it as a new version: versions are never overwritten."))
        return
    if problem:
        st.error(plain(problem))
    name = st.text_input("Name", template.name, key=f"save_name_{template.label}", max_chars=60)
    note = st.text_input("What is new", key=f"save_note_{template.label}", max_chars=200)
    with st.container(horizontal=True):
        if st.button(
            "Save as new version", type="primary", icon=":material/save:", disabled=bool(problem), key="save_template"
        ):
            visit = this_visit()
            try:
                saved = save_version(database(), name, changed.parts, note=note, visitor=visit.visitor)
            except WorkbenchError as found:
                st.error(plain(f"{found.message} {found.hint}"))
            else:
                drop_draft(database(), visit.visitor, f"template:{template.label}")
                st.session_state.saved_template = saved.label
                _renew(template)
                st.rerun()
        st.button("Undo my changes", icon=":material/undo:", key="undo_template", on_click=lambda: _undo(template))


def _undo(template: Template) -> None:
    drop_draft(database(), this_visit().visitor, f"template:{template.label}")
    _renew(template)


def _renew(template: Template) -> None:
    """Let the boxes of a template show its own text again."""
    name = f"template:{template.label}/version"
    st.session_state[name] = st.session_state.get(name, 0) + 1


def _preview(request: Request, seed: int, changed: Template, *, readable: bool) -> None:
    """The exact messages for the request on the page, with their tokens."""
    st.subheader("What the model reads", anchor=False)
    examples = st.slider("Examples", 0, 3, settings().model_examples, key="preview_examples", persist_state="page")
    if not readable:
        st.markdown(quiet("It is shown again when the template can be read."))
        return
    try:
        form = plan(request, seed=seed)
        picked = jobs().workshop.retrieve(request, form, replace(usual(), examples=examples))
        prompt = build_prompt(request, form, changed, examples=[each.example for each in picked])
    except WorkbenchError as problem:
        st.error(plain(f"{problem.message} {problem.hint}"))
        return
    model = settings().model_base
    st.markdown(f"**{count_messages(prompt.messages, model)}** in {len(prompt.messages)} messages")
    # The message that is being changed lies open.
    opened = 0 if st.session_state.get("prompt_part", "system") == "system" else len(prompt.messages) - 1
    for number, message in enumerate(prompt.messages):
        count = count_tokens(message.content, model)
        folded = st.expander(f"{message.role} · {count}", expanded=number == opened)
        with folded, st.container(height=340, border=False):
            st.code(message.content, language=None, wrap_lines=True)


def _versions(template: Template, changed: Template, known: dict[str, Template]) -> None:
    """What differs from another version, or from what is being changed."""
    others = [label for label in known if label != template.label]
    if changed.digest != template.digest:
        others = ["my changes", *others]
    if not others:
        return
    st.subheader("Compare versions", anchor=False)
    # Who begins to change a template sees the own changes first.
    other = st.selectbox(f"{template.label} beside", others, key=f"prompt_other_{template.label}_{others[0]}")
    if other == "my changes":
        pair = template, Template(f"{template.name} (changed)", template.version, changed.parts)
    else:  # what the newer one adds is marked as added
        pair = template, known[str(other)]
        pair = min(pair, key=lambda each: each.version), max(reversed(pair), key=lambda each: each.version)
    text = difference(*pair)
    if text:
        st.code(text, language="diff", wrap_lines=True)
    else:
        st.markdown(quiet("They say the same."))
