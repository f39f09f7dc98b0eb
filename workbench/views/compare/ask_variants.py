"""Who is asked, and how: the variants of a new run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.core.experiments.specification import MAX_VARIANTS
from workbench.core.finetune.models import models
from workbench.core.generate.templates import all_templates
from workbench.views.compare.draft import fill, key_of
from workbench.views.compare.form_values import KINDS, a_variant, free_name, new_id
from workbench.views.details import quiet
from workbench.views.engine import database, settings

TUNED = {"base": "a base model", "ft": "a fine-tuned model", "": "not said"}
_AT_ONCE = ("rules", "adapt")
_NEW = "base"


def ask_variants(held: dict[str, Any]) -> None:
    """The widgets; what they say goes into the form's values."""
    st.subheader("Variants", anchor=False)
    given: list[dict[str, Any]] = held["variants"]
    names = [str(each["name"]).strip() for each in given]
    for at, each in enumerate(given):
        with st.container(border=True, key=f"spec_variant_{each['id']}"):
            _variant(held, each, twice=names[at] in names[:at])
    st.button(
        "Add a variant", icon=":material/add:", key="spec_variant_add", disabled=len(given) >= MAX_VARIANTS,
        on_click=_add, args=(held,),
    )  # fmt: skip


def _variant(held: dict[str, Any], each: dict[str, Any], *, twice: bool) -> None:
    id = each["id"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        each["name"] = st.text_input("Name", key=fill(f"{id}_name", each["name"]), max_chars=80, width=220)
        each["kind"] = st.selectbox(
            "Who answers", list(KINDS), key=fill(f"{id}_kind", each["kind"]), format_func=KINDS.__getitem__, width=240
        )
        st.button(
            "Copy", icon=":material/content_copy:", key=f"spec_copy_{id}", type="tertiary", on_click=_copy,
            args=(held, id), disabled=len(held["variants"]) >= MAX_VARIANTS,
        )  # fmt: skip
        st.button(
            "Remove", icon=":material/delete:", key=f"spec_remove_{id}", type="tertiary", on_click=_remove,
            args=(held, id), disabled=len(held["variants"]) == 1,
        )  # fmt: skip
    if twice:
        st.markdown(":orange[:material/warning: Another variant has this name.]")
    _who(each)
    if each["kind"] != "rules":
        with st.expander("How it is asked", icon=":material/tune:", key=f"spec_how_{id}"):
            _how(each)


def _who(each: dict[str, Any]) -> None:
    """The fields that say who it is."""
    id, kind = each["id"], each["kind"]
    if kind == "registered":
        known = [model.name for model in models(database())]
        chosen = each["registered"] or None
        options = list(dict.fromkeys([*known, *([chosen] if chosen else [])]))
        each["registered"] = (
            st.selectbox(
                "Model", options, index=None, key=fill(f"{id}_registered", chosen),
                placeholder="Choose" if options else "None is registered yet",
            )
            or ""
        )  # fmt: skip
    if kind in ("model", "endpoint"):
        with st.grid(2, min_column_width=220, gap="small"):
            each["model"] = st.text_input("Model's id", key=fill(f"{id}_model", each["model"]), max_chars=400)
            if kind == "endpoint":
                each["endpoint"] = st.text_input(
                    "Address", key=fill(f"{id}_endpoint", each["endpoint"]), max_chars=500,
                    placeholder="http://localhost:8000/v1", help="Of anything that speaks OpenAI's protocol.",
                )  # fmt: skip
                each["variant"] = st.selectbox(
                    "It is", list(TUNED), key=fill(f"{id}_variant", each["variant"]), format_func=TUNED.__getitem__
                )
    here = {"base": settings().model_base, "ft": settings().model_ft}.get(kind)
    if here:
        st.markdown(quiet(f"Here that is `{here.replace('`', '')}`."))


def _how(each: dict[str, Any]) -> None:
    id = each["id"]
    if each["kind"] not in _AT_ONCE:
        labels = [one.label for one in all_templates(database())]
        names = dict.fromkeys([*(label.partition("@")[0] for label in labels), *labels])
        chosen = each["template"] or None
        with st.grid(2, min_column_width=200, gap="small"):
            each["template"] = (
                st.selectbox(
                    "Template", list(names | ({chosen: None} if chosen else {})), index=None,
                    key=fill(f"{id}_template", chosen), placeholder="As usual",
                    help="Left open, a tuned model is asked as it was trained. A name alone is its newest version.",
                )
                or ""
            )  # fmt: skip
            shown = st.number_input(
                "Examples shown", 0, 3, None, 1, key=fill(f"{id}_examples", each["examples"]), placeholder="As usual"
            )
            each["examples"] = None if shown is None else int(shown)
            each["temperature"] = st.number_input(
                "Temperature", 0.0, 2.0, None, 0.1, format="%g", key=fill(f"{id}_temperature", each["temperature"]),
                placeholder="The model's own",
            )  # fmt: skip
            again = st.number_input(
                "Asked again at most", 0, 5, step=1, key=fill(f"{id}_reasks", each["reasks"]),
                help="With what was found, where an answer has errors. A tuned model is asked once.",
            )  # fmt: skip
            each["reasks"] = int(again or 0)
        each["editor"] = st.toggle(
            "Improved by the editor afterwards", key=fill(f"{id}_editor", each["editor"]),
            help="A further call to a model, which looks at the findings.",
        )  # fmt: skip
        each["batch"] = st.toggle(
            "In batches", key=fill(f"{id}_batch", each["batch"]),
            help="First questions go to the hosted service in batches: for half the price, within a day.",
        )  # fmt: skip
    each["ban_held_out"] = st.toggle(
        "Never shown what it is tested on", key=fill(f"{id}_ban_held_out", each["ban_held_out"]),
        help="Examples that are in the test split, or are the very piece asked for, are left out.",
    )  # fmt: skip


def _add(held: dict[str, Any]) -> None:
    given = held["variants"]
    name = free_name("base", (str(each["name"]) for each in given))
    given.append(a_variant(new_id(given), _NEW, name))


def _copy(held: dict[str, Any], id: int) -> None:
    given = held["variants"]
    at = next(at for at, each in enumerate(given) if each["id"] == id)
    name = free_name(str(given[at]["name"]) or "variant", (str(each["name"]) for each in given))
    given.insert(at + 1, {**given[at], "id": new_id(given), "name": name})


def _remove(held: dict[str, Any], id: int) -> None:
    held["variants"] = [each for each in held["variants"] if each["id"] != id]
    for key in [key for key in st.session_state if str(key).startswith(key_of(f"{id}_"))]:
        del st.session_state[key]
