"""Who writes the piece, and how it is asked: one variant, or several to be heard side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.core.errors import WorkbenchError
from workbench.core.generate.generation import GenerationSettings
from workbench.core.generate.live import Order
from workbench.core.generate.providers import ModelInfo
from workbench.core.generate.rollout import AT_ONCE
from workbench.core.generate.secrecy import is_fine_tuned
from workbench.core.generate.templates import all_templates
from workbench.core.library.rollouts import watched
from workbench.core.library.tuned import Rollout
from workbench.core.music.request import Request
from workbench.core.settings import Settings
from workbench.views.details import quiet
from workbench.views.engine import database, jobs, settings
from workbench.views.engine import usual as usual_settings

MAX_VARIANTS = 4
SERVER, RULES, ADAPT, BASE, TUNED = "server", "rules", "adapt", "base", "ft"
MODEL = "model:"
ASK_AGAIN = 60.0
"""Seconds for which an endpoint's list of models is believed."""
PATIENCE = 1.2
"""Seconds that a page waits for that list, once; it goes on without, and has it the next time."""

NEW: dict[str, Any] = {"writer": None, "template": None, "examples": None, "temperature": 0.8, "editor": False}


class _Models:
    """The endpoint's models, asked for beside the page, so that a slow endpoint holds nobody up."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "models")
        self._asked: Future[tuple[ModelInfo, ...]] | None = None
        self._at = 0.0
        self._patience = PATIENCE
        self._known: tuple[ModelInfo, ...] = ()

    def known(self) -> tuple[tuple[ModelInfo, ...], str]:
        """The models as they were told last, and why there are none or no newer ones."""
        if self._asked is None or (self._asked.done() and time.monotonic() - self._at > ASK_AGAIN):
            self._at = time.monotonic()
            self._asked = self._pool.submit(jobs().models, "openai")
        try:
            found = self._asked.result(0.0 if self._known else self._patience)
        except NotYet:
            self._patience = 0.0
            return self._known, "" if self._known else "The endpoint has not told its models yet."
        except WorkbenchError as problem:
            return self._known, f"{problem.message} {problem.hint}"
        self._known = tuple(model for model in found if not is_fine_tuned(model.id, settings(), rollout().secret))
        return self._known, ""


@st.cache_resource(show_spinner=False)
def _models() -> _Models:
    return _Models()


def rollout() -> Rollout:
    """Which tuned models answer at the moment."""
    return watched(database())()


def connected() -> bool:
    """Whether a model can be reached: the environment names an endpoint or a key, or a tuned model has its own."""
    env, told = settings(), rollout()
    own = env.model_ft is not None and env.model_ft_url is not None
    return _listed() or own or any(each is not None and each.endpoint for each in (told.live, told.canary))


def _listed() -> bool:
    """Whether there is an endpoint that tells its models."""
    return settings().openai_api_key is not None or settings().openai_base_url is not None


def variants_form(draft: dict[str, Any]) -> list[dict[str, Any]]:
    """Draw the variants; what was chosen is kept in the draft."""
    variants: list[dict[str, Any]] = [dict(NEW) | dict(each) for each in draft.get("variants") or [NEW]][:MAX_VARIANTS]
    models: tuple[ModelInfo, ...] = ()
    problem = ""
    if _listed():
        models, problem = _models().known()
    elif not connected():
        problem = "Models join when OPENAI_API_KEY or OPENAI_BASE_URL is set."
    # Whoever was chosen stays on offer while the endpoint does not answer.
    chosen = [str(each["writer"]).removeprefix(MODEL) for each in variants if str(each["writer"]).startswith(MODEL)]
    options = _writers(models, chosen)
    generation = st.session_state.setdefault("variants_version", 0)
    kept: list[dict[str, Any]] = []
    for index, variant in enumerate(variants):
        with st.container(border=len(variants) > 1, gap="small"):
            kept.append(_variant(variant, index, options, len(variants), generation))
    if problem:
        st.markdown(quiet(problem))
    if len(variants) < MAX_VARIANTS:
        words = "Add a variant" if len(variants) > 1 else "Compare with a variant"
        st.button(words, icon=":material/add:", type="tertiary", key="add_variant", on_click=lambda: _add(draft))
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
    if writer not in AT_ONCE:
        with st.expander(f"How the model is asked{number}"):
            result |= _asked(variant, key)
    if count > 1:
        result["seed"] = st.number_input(
            f"Seed{number}", 0, 10**9, variant.get("seed"), 1, key=key("seed"), placeholder="The same for all",
            help="Another seed is another plan and another piece of the same request.",
        )  # fmt: skip
        st.button(
            "Remove", icon=":material/close:", type="tertiary", key=key("remove"), on_click=lambda: _remove(index)
        )
    return result


def _add(draft: dict[str, Any]) -> None:
    """One more, like the last."""
    draft["variants"] = [*draft["variants"], dict(draft["variants"][-1])]


def _remove(index: int) -> None:
    """A variant is to go; the others get new widgets, since each is known by its number."""
    st.session_state.variants_version = st.session_state.get("variants_version", 0) + 1
    st.session_state.variant_removed = index


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
    known = [example.id for example in jobs().workshop.examples()]
    pinned = st.multiselect(
        "Always show", known, [id for id in variant.get("pinned") or [] if id in known], key=key("pinned"),
        max_selections=3, placeholder="As the request asks", help="Examples that the prompt shows in any case.",
    )  # fmt: skip
    banned = st.multiselect(
        "Never show", known, [id for id in variant.get("banned") or [] if id in known], key=key("banned"),
        placeholder="None", help="Examples that the prompt never shows.",
    )  # fmt: skip
    return {
        "template": template, "examples": examples, "temperature": temperature, "editor": editor, "pinned": pinned,
        "banned": banned,
    }  # fmt: skip


def template_labels() -> list[str]:
    """Every template, in its newest version (``default``) and in each (``default@1``)."""
    known = all_templates(database())
    names = list(dict.fromkeys(each.name for each in known))
    return [*names, *(each.label for each in reversed(known))]


def orders_for(request: Request, variants: list[dict[str, Any]], seed: int) -> list[Order]:
    """One order for each variant: all with the same seed, but for those that have one of their own."""
    own = [seed if len(variants) < 2 or variant.get("seed") is None else int(variant["seed"]) for variant in variants]
    return [
        Order(request, how(variant, number), name_of(variant) + (f" · seed {number}" if number != seed else ""))
        for variant, number in zip(variants, own, strict=True)
    ]


def how(variant: dict[str, Any], seed: int) -> GenerationSettings:
    """The settings that a variant stands for."""
    writer = str(variant.get("writer") or SERVER)
    usual = replace(usual_settings(), seed=seed)
    changes: dict[str, Any] = {"temperature": variant["temperature"], "editor": bool(variant["editor"])}
    if variant.get("template"):
        changes["template"] = variant["template"]
    if variant.get("examples") is not None:
        changes["examples"] = variant["examples"]
    changes["prompted"] = bool(
        changes.get("template", usual.template) != usual.template
        or changes.get("examples", usual.examples) != usual.examples
        or variant.get("pinned")
    )
    changes |= {"pinned": tuple(variant.get("pinned") or ()), "banned": tuple(variant.get("banned") or ())}
    provider = settings().provider if settings().provider not in AT_ONCE else "openai"
    if writer in AT_ONCE:
        return replace(usual, provider=writer)
    if writer in {BASE, TUNED}:
        changes |= {"provider": provider, "variant": writer}
    elif writer.startswith(MODEL):
        changes |= {"provider": provider, "model": writer.removeprefix(MODEL)}
    return GenerationSettings(**usual.to_dict() | changes)


def name_of(variant: dict[str, Any]) -> str:
    """What a variant is called beside others: who writes, and what is unusual about how it is asked."""
    writer = str(variant.get("writer") or SERVER)
    who = {SERVER: "Server's choice", RULES: "Rules", ADAPT: "Adapted", BASE: "Base model", TUNED: "Fine-tuned model"}
    parts = [who.get(writer, writer.removeprefix(MODEL))]
    if writer != RULES:
        usual = usual_settings()
        if variant.get("template") not in {None, usual.template}:
            parts.append(str(variant["template"]))
        examples = variant.get("examples")
        if examples not in {None, usual.examples}:
            parts.append({0: "no examples", 1: "1 example"}.get(examples, f"{examples} examples"))
        if variant["temperature"] != NEW["temperature"]:
            parts.append(f"temperature {variant['temperature']:g}")
        if variant.get("editor"):
            parts.append("edited")
    return " · ".join(parts)


def _writers(models: Sequence[ModelInfo], chosen: Sequence[str] = ()) -> dict[str, str]:
    env, told = settings(), rollout()
    options: dict[str, str] = {}
    own = {RULES: "Rules", ADAPT: "An example, adapted"}
    if not connected():
        return own
    choice = _choice(env, told)
    if choice:
        options[SERVER] = f"Server's choice ({choice})"
    if env.model_ft or told.live or told.canary:
        options[TUNED] = "Fine-tuned model"
    for model in models:
        gone = f" · shuts down {model.shutdown:%-d %b %Y}" if model.shutdown else ""
        options[MODEL + model.id] = model.id + gone
    for model_id in filter(None, (env.model_base, *chosen)):
        if not is_fine_tuned(model_id, env, told.secret):
            options.setdefault(MODEL + model_id, model_id)
    return options | own if choice else own | options


def _choice(env: Settings, told: Rollout) -> str:
    """What the server would choose, in words; nothing where that is no model."""
    rest = {RULES: "rules", ADAPT: "an adapted example"}.get(env.provider, "base")
    tuned = told.live is not None or told.canary is not None
    if env.provider in AT_ONCE and (env.model_variant == "base" or not tuned):
        return ""
    if env.model_variant == "ft" or (told.live and told.canary is None and env.model_variant is None):
        return "the fine-tuned model"
    if told.live and told.canary and env.model_variant != "base":
        return "one of two fine-tuned models"
    if env.model_variant == "canary" or (told.canary and env.model_variant is None):
        return f"{rest} or fine-tuned"
    return "the base model"
