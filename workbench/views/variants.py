"""Who writes the piece, and how it is asked: one variant, or several to be heard side by side."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.generate.generation import GenerationSettings
from workbench.core.generate.live import Order
from workbench.core.generate.providers import ModelInfo
from workbench.core.generate.secrecy import is_fine_tuned
from workbench.core.generate.templates import all_templates
from workbench.core.music.request import Request
from workbench.views.details import quiet
from workbench.views.engine import database, jobs, settings
from workbench.views.engine import usual as usual_settings

MAX_VARIANTS = 4
SERVER, RULES, BASE, TUNED = "server", "rules", "base", "ft"
MODEL = "model:"
ASK_AGAIN = 60.0
"""Seconds for which an endpoint's list of models is believed."""
PATIENCE = 1.2
"""Seconds that a page waits for that list; it goes on without, and has it the next time."""

NEW: dict[str, Any] = {"writer": None, "template": None, "examples": None, "temperature": 0.8, "editor": False}


class _Models:
    """The endpoint's models, asked for beside the page, so that a slow endpoint holds nobody up."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "models")
        self._asked: Future[tuple[ModelInfo, ...]] | None = None
        self._at = 0.0

    def known(self) -> tuple[tuple[ModelInfo, ...], str]:
        """The models, and why there are none."""
        if self._asked is None or (self._asked.done() and time.monotonic() - self._at > ASK_AGAIN):
            self._at = time.monotonic()
            self._asked = self._pool.submit(jobs().models, "openai")
        try:
            found = self._asked.result(PATIENCE)
        except NotYet:
            return (), "The endpoint has not told its models yet."
        except WorkbenchError as problem:
            return (), f"{problem.message} {problem.hint}"
        return tuple(model for model in found if not is_fine_tuned(model.id, settings())), ""


@st.cache_resource(show_spinner=False)
def _models() -> _Models:
    return _Models()


def connected() -> bool:
    """Whether the environment names an endpoint or a key."""
    return settings().openai_api_key is not None or settings().openai_base_url is not None


def variants_form(draft: dict[str, Any]) -> list[dict[str, Any]]:
    """Draw the variants; what was chosen is kept in the draft."""
    variants: list[dict[str, Any]] = [dict(NEW) | dict(each) for each in draft.get("variants") or [NEW]][:MAX_VARIANTS]
    if not connected():
        st.markdown(quiet("Written by the rules. Models join when OPENAI_API_KEY or OPENAI_BASE_URL is set."))
        return [dict(NEW) | {"writer": RULES}]
    models, problem = _models().known()
    options = _writers(models)
    generation = st.session_state.setdefault("variants_version", 0)
    kept: list[dict[str, Any]] = []
    for index, variant in enumerate(variants):
        with st.container(border=len(variants) > 1, gap="small"):
            kept.append(_variant(variant, index, options, len(variants), generation))
    if problem:
        st.markdown(quiet(problem))
    if len(variants) < MAX_VARIANTS:
        words = "Add a variant" if len(variants) > 1 else "Compare with a variant"
        if st.button(words, icon=":material/add:", type="tertiary", key="add_variant"):
            draft["variants"] = [*kept, dict(kept[-1])]
            st.rerun(scope="fragment")
    draft["variants"] = kept
    return kept


def _variant(variant: dict[str, Any], index: int, options: dict[str, str], count: int, version: int) -> dict[str, Any]:
    """One variant: who writes and, for a model, how it is asked."""

    def key(name: str) -> str:
        return f"variant_{version}_{index}_{name}"

    names = list(options)
    writer = variant["writer"] if variant["writer"] in options else names[0]
    number = f" {index + 1}" if count > 1 else ""
    writer = st.selectbox(
        f"Written by{number}",
        names,
        index=names.index(writer),
        format_func=lambda name: options[name],
        key=key("writer"),
    )
    result = variant | {"writer": writer}
    if writer != RULES:
        with st.expander(f"How the model is asked{number}"):
            result |= _asked(variant, key)
    if count > 1 and st.button("Remove", icon=":material/close:", type="tertiary", key=key("remove")):
        st.session_state.variants_version = version + 1
        st.session_state.variant_removed = index
    return result


def _asked(variant: dict[str, Any], key: Any) -> dict[str, Any]:
    usual = usual_settings()
    labels = template_labels()
    wanted = variant["template"] or usual.template
    if wanted not in labels:
        labels = [wanted, *labels]
    template = st.selectbox("Template", labels, index=labels.index(wanted), key=key("template"))
    examples = st.slider(
        "Examples", 0, 3, usual.examples if variant["examples"] is None else variant["examples"], key=key("examples"),
        help="Pieces from the library, chosen by form, period and mood, that the prompt shows.",
    )  # fmt: skip
    temperature = st.slider(
        "Temperature", 0.0, 1.6, float(variant["temperature"]), 0.1, key=key("temperature"),
        help="0 is steady, 1 free, more is wild.",
    )  # fmt: skip
    editor = st.checkbox(
        "Let an editor improve the draft", bool(variant["editor"]), key=key("editor"),
        help="A second call. Its version is kept only when the findings are no worse.",
    )  # fmt: skip
    return {"template": template, "examples": examples, "temperature": temperature, "editor": editor}


def template_labels() -> list[str]:
    """Every template, in its newest version (``default``) and in each (``default@1``)."""
    known = all_templates(database())
    names = list(dict.fromkeys(each.name for each in known))
    return [*names, *(each.label for each in reversed(known))]


def orders_for(request: Request, variants: list[dict[str, Any]], seed: int) -> list[Order]:
    """One order for each variant, all with the same seed."""
    return [Order(request, how(variant, seed), name_of(variant)) for variant in variants]


def how(variant: dict[str, Any], seed: int) -> GenerationSettings:
    """The settings that a variant stands for."""
    writer = str(variant.get("writer") or SERVER)
    usual = replace(usual_settings(), seed=seed)
    changes: dict[str, Any] = {"temperature": variant["temperature"], "editor": bool(variant["editor"])}
    if variant.get("template"):
        changes["template"] = variant["template"]
    if variant.get("examples") is not None:
        changes["examples"] = variant["examples"]
    provider = settings().provider if settings().provider != RULES else "openai"
    if writer == RULES:
        return replace(usual, provider=RULES)
    if writer in {BASE, TUNED}:
        changes |= {"provider": provider, "variant": writer}
    elif writer.startswith(MODEL):
        changes |= {"provider": provider, "model": writer.removeprefix(MODEL)}
    return GenerationSettings(**usual.to_dict() | changes)


def name_of(variant: dict[str, Any]) -> str:
    """What a variant is called beside others: who writes, and what is unusual about how it is asked."""
    writer = str(variant.get("writer") or SERVER)
    who = {SERVER: "Server's choice", RULES: "Rules", BASE: "Base model", TUNED: "Fine-tuned model"}
    parts = [who.get(writer, writer.removeprefix(MODEL))]
    if writer != RULES:
        if variant.get("template"):
            parts.append(str(variant["template"]))
        if variant.get("examples") is not None:
            parts.append("no examples" if not variant["examples"] else f"{variant['examples']} examples")
        parts.append(f"temperature {variant['temperature']:g}")
        if variant.get("editor"):
            parts.append("edited")
    return " · ".join(parts)


def _writers(models: tuple[ModelInfo, ...]) -> dict[str, str]:
    env = settings()
    options: dict[str, str] = {}
    if env.provider != RULES:
        switched = {"ft": "the fine-tuned model", "canary": "base or fine-tuned"}.get(
            env.model_variant, "the base model"
        )
        options[SERVER] = f"Server's choice ({switched})"
    if env.model_ft:
        options[TUNED] = "Fine-tuned model"
    for model in models:
        gone = f" · shuts down {model.shutdown:%-d %b %Y}" if model.shutdown else ""
        options[MODEL + model.id] = model.id + gone
    if env.model_base and MODEL + env.model_base not in options:
        options[MODEL + env.model_base] = env.model_base
    return options | {RULES: "Rules"} if env.provider != RULES else {RULES: "Rules"} | options
