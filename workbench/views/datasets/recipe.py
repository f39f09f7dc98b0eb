"""The recipe: what a dataset is made from and how, beside what it would hold now; built at a click."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from workbench.core.checks import PROFILES
from workbench.core.datasets.building.builds import builds
from workbench.core.datasets.building.saved_recipes import forget_recipe, save_recipe, saved_recipes
from workbench.core.datasets.recipes import MAX_SEED, MOODS, STARTER, Recipe, read_recipe
from workbench.core.datasets.versions import Version, versions
from workbench.core.errors import InvalidInputError
from workbench.core.generate.templates import all_templates
from workbench.core.library.drafts import load_draft, save_draft
from workbench.core.library.rights import USES
from workbench.core.music.forms import FORM_IDS, FORMS, PERIODS
from workbench.core.music.reading import parse_json
from workbench.views.curators import curator
from workbench.views.datasets.recipe_preview import recipe_preview
from workbench.views.datasets.running import BUILD, builder
from workbench.views.details import quiet
from workbench.views.engine import database
from workbench.views.visits import this_visit

DRAFT = "dataset recipe"
ORIGINS = {
    "built-in": "Built in", "import": "Imported", "take": "Kept generations", "edit": "Edits of curators",
    "decision": "Decisions of curators", "rating": "Blind ratings",
}  # fmt: skip
KINDS = {"chat": "One answer (supervised)", "pair": "Chosen and rejected (DPO)"}
FAULTS = {"block": "Make no version", "leave-out": "Leave them out"}
MAX_QUOTAS = 12
MAX_FILE = 200_000


def recipe_editor(version: Version | None) -> None:
    """The editor and, beside it, what the recipe would hold."""
    if "recipe_name" not in st.session_state:
        _fill(_kept() or STARTER)
    left, right = st.columns([6, 5], gap="large")
    with left:
        _loading(version)
        problem, recipe = None, None
        try:
            recipe = read_recipe(_edited())
        except InvalidInputError as found:
            problem = found
        if recipe is not None:
            _keep(recipe)
    with right:
        if recipe is None:
            st.warning(f"{problem.message} {problem.hint}" if problem else "", icon=":material/edit:")
            return
        _building(recipe)
        recipe_preview(recipe)


def _building(recipe: Recipe) -> None:
    busy = any(each.state == "running" for each in builds(database()))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Build", type="primary", icon=":material/construction:", disabled=busy, key="recipe_build"):
            save_recipe(database(), recipe, curator=curator())
            st.query_params[BUILD] = builder().begin(recipe, curator=curator())
            st.rerun()
        if st.button("Save the recipe", icon=":material/save:", key="recipe_save"):
            save_recipe(database(), recipe, curator=curator())
            st.toast(f"{recipe.name} is saved.")
    if busy:
        st.markdown(quiet("Something is being built; one at a time."))


# --- from and to the widgets -----------------------------------------------------------------------------------------


def _kept() -> Recipe | None:
    """The recipe that this person was writing."""
    draft = load_draft(database(), this_visit().visitor, DRAFT)
    try:
        return read_recipe(draft) if draft else None
    except InvalidInputError:
        return None


def _keep(recipe: Recipe) -> None:
    if recipe != st.session_state.get("recipe_kept"):
        st.session_state.recipe_kept = recipe
        save_draft(database(), this_visit().visitor, DRAFT, recipe.to_dict())


def _fill(recipe: Recipe) -> None:
    """Set the widgets to a recipe; before they are drawn."""
    state, wanted = st.session_state, recipe.sources
    state.recipe_name, state.recipe_kind, state.recipe_seed = recipe.name, recipe.kind, recipe.seed
    state.recipe_library, state.recipe_words = wanted.examples, wanted.words
    for name in ("forms", "periods", "modes", "moods", "origins", "versions"):
        state[f"recipe_{name}"] = list(getattr(wanted, name))
    for name in ("keys", "tempos", "everywhere"):
        state[f"recipe_{name}"] = getattr(recipe.augmentation, name)
    state.recipe_variants = recipe.augmentation.moods
    state.recipe_validation, state.recipe_test = (
        round(100 * share, 1) for share in (recipe.split.validation, recipe.split.test)
    )
    state.recipe_template, state.recipe_system, state.recipe_examples = (
        recipe.template, recipe.system, recipe.examples,
    )  # fmt: skip
    state.recipe_use, state.recipe_profile, state.recipe_model = recipe.use, recipe.profile, recipe.model
    state.recipe_tokens, state.recipe_faults = recipe.max_tokens, recipe.faults
    state.recipe_quotas = [quota.model_dump() for quota in recipe.quotas]
    for at, quota in enumerate(state.recipe_quotas):
        for name, value in quota.items():
            state[f"recipe_quota_{name}_{at}"] = value


def _loading(version: Version | None) -> None:
    """Recipes to begin from: the starter's, the shown version's, saved ones, a file."""
    saved = saved_recipes(database())
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Load", icon=":material/folder_open:"):
            st.button("The starter's", key="recipe_load_starter", on_click=lambda: _fill(STARTER), width="stretch")
            if version is not None and "imported" not in version.recipe:
                st.button(
                    "The shown version's", key="recipe_load_version", width="stretch",
                    on_click=lambda: _fill(read_recipe(dict(version.recipe))),
                )  # fmt: skip
            for name, recipe in saved.items():
                with st.container(horizontal=True):
                    st.button(
                        name, key=f"recipe_load_{name}", on_click=lambda recipe=recipe: _fill(recipe), width="stretch"
                    )
                    st.button(
                        "Forget", key=f"recipe_forget_{name}", type="tertiary",
                        on_click=lambda name=name: forget_recipe(database(), name),
                    )  # fmt: skip
            file = st.file_uploader("From a file", type=["json"], key="recipe_file", max_upload_size=1)
            st.button("Load the file", key="recipe_file_go", disabled=file is None, on_click=lambda: _from_file(file))
        st.markdown(quiet("The same recipe on the same library gives the same version."))
    told = st.session_state.pop("recipe_told", None)
    if told:
        st.error(told)


def _from_file(file: Any) -> None:
    try:
        if file.size > MAX_FILE:
            raise InvalidInputError("The file is too long for a recipe.", hint="Give one from the workbench.")
        _fill(read_recipe(parse_json(file.getvalue())))
    except InvalidInputError as problem:
        st.session_state.recipe_told = f"{problem.message} {problem.hint}"


def _edited() -> dict[str, Any]:
    """The widgets, and what they say as a recipe."""
    name_at, kind_at = st.columns(2)
    name = name_at.text_input("Name", key="recipe_name", max_chars=80)
    kind = kind_at.selectbox("Rows", list(KINDS), key="recipe_kind", format_func=lambda name: KINDS[name])
    made = {
        "name": name.strip(), "kind": kind, "sources": _sources(), "augmentation": _augmentation(),
        "split": _split(), "quotas": _quotas(), **_prompt(), **_terms(),
    }  # fmt: skip
    with st.expander("As JSON", icon=":material/data_object:", key="recipe_json"):
        st.markdown(quiet("For `python -m workbench dataset build --recipe FILE`."))
        st.code(json.dumps(made, ensure_ascii=False, indent=1), language="json")
    return made


def _sources() -> dict[str, Any]:
    with st.expander("Pieces", icon=":material/library_music:", expanded=True, key="recipe_part_sources"):
        examples = st.toggle("The approved library", key="recipe_library")
        imported = {each.id: each.label for each in versions(database()) if "imported" in each.recipe}
        chosen = st.session_state.get("recipe_versions") or []
        options = list(dict.fromkeys([*imported, *chosen]))
        taken = st.multiselect(
            "Imported versions", options, key="recipe_versions", format_func=lambda id: imported.get(id, id),
            placeholder="None" if options else "None are imported",
        )  # fmt: skip
        left, right = st.columns(2)
        lists = {
            "forms": left.multiselect(
                "Forms", FORM_IDS, key="recipe_forms", placeholder="All",
                format_func=lambda name: FORMS[name].title.partition(" (")[0],
            ),
            "periods": right.multiselect(
                "Periods", PERIODS, key="recipe_periods", placeholder="All", format_func=str.capitalize
            ),
            "modes": left.multiselect("Modes", ["major", "minor"], key="recipe_modes", placeholder="Both"),
            "moods": right.multiselect("Moods", MOODS, key="recipe_moods", placeholder="All"),
            "origins": left.multiselect(
                "Origins", list(ORIGINS), key="recipe_origins", placeholder="All",
                format_func=lambda name: ORIGINS.get(name, name),
            ),
        }  # fmt: skip
        words = right.text_input("Words", key="recipe_words", max_chars=200)
    return {"examples": examples, "versions": taken, "words": words, **lists}


def _augmentation() -> dict[str, Any]:
    with st.expander("Variants", icon=":material/shuffle:", expanded=True, key="recipe_part_augmentation"):
        keys = st.number_input(
            "In other keys", 0, 11, step=1, key="recipe_keys", help="Transposed, with all that is said of the key."
        )
        left, right = st.columns(2)
        tempos = left.number_input(
            "At other tempos", 0, 4, step=1, key="recipe_tempos", help="The request's mood follows the tempo."
        )
        moods = right.number_input(
            "In other moods", 0, 4, step=1, key="recipe_variants",
            help="Softer or louder, slower or faster; never other notes. The request says so.",
        )  # fmt: skip
        everywhere = st.toggle("Also in validation and test", key="recipe_everywhere")
    return {"keys": keys, "tempos": tempos, "moods": moods, "everywhere": everywhere}


def _split() -> dict[str, float]:
    with st.expander("Splits", icon=":material/call_split:", expanded=True, key="recipe_part_split"):
        left, right = st.columns(2)
        validation = left.number_input("Validation, %", 0.0, 90.0, step=5.0, key="recipe_validation")
        test = right.number_input("Test, %", 0.0, 90.0, step=5.0, key="recipe_test")
        train = round(100 - validation - test, 6)
        st.markdown(
            quiet(f"Training: {train:g} %. What is nearly the same, or made from one piece, stays on one side.")
        )
    return {"train": train / 100, "validation": validation / 100, "test": test / 100}


def _quotas() -> list[dict[str, Any]]:
    state = st.session_state
    known: list[dict[str, Any]] = state.setdefault("recipe_quotas", [])
    with st.expander(f"Quotas ({len(known)})", icon=":material/straighten:", key="recipe_part_quotas"):
        st.markdown(quiet("At most so many rows of a kind; originals go before variants."))
        found = []
        for at in range(len(known)):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                form = st.selectbox(
                    "Form", ["", *FORM_IDS], key=f"recipe_quota_form_{at}", width=150,
                    format_func=lambda name: FORMS[name].title.partition(" (")[0] if name else "Any",
                )  # fmt: skip
                period = st.selectbox(
                    "Period", ["", *PERIODS], key=f"recipe_quota_period_{at}", width=130,
                    format_func=lambda name: name.capitalize() or "Any",
                )  # fmt: skip
                mode = st.selectbox(
                    "Mode", ["", "major", "minor"], key=f"recipe_quota_mode_{at}", width=110,
                    format_func=lambda name: name or "Any",
                )  # fmt: skip
                most = st.number_input("At most", 0, 1_000_000, step=10, key=f"recipe_quota_most_{at}", width=110)
                st.button(
                    "Remove", key=f"recipe_quota_remove_{at}", type="tertiary", on_click=lambda at=at: _drop_quota(at)
                )
            found.append({"form": form or "", "period": period or "", "mode": mode or "", "most": int(most or 0)})
        st.button(
            "Add a quota", icon=":material/add:", key="recipe_quota_add", disabled=len(known) >= MAX_QUOTAS,
            on_click=_add_quota,
        )  # fmt: skip
    return found


def _add_quota() -> None:
    state = st.session_state
    at = len(state.recipe_quotas)
    state.recipe_quotas = [*state.recipe_quotas, {}]
    for name, value in (("form", ""), ("period", ""), ("mode", ""), ("most", 100)):
        state[f"recipe_quota_{name}_{at}"] = value


def _drop_quota(at: int) -> None:
    """Take one away; those after it move up."""
    state = st.session_state
    for place in range(at, len(state.recipe_quotas) - 1):
        for name in ("form", "period", "mode", "most"):
            state[f"recipe_quota_{name}_{place}"] = state[f"recipe_quota_{name}_{place + 1}"]
    state.recipe_quotas = state.recipe_quotas[:-1]


def _prompt() -> dict[str, Any]:
    with st.expander("Prompt", icon=":material/chat:", key="recipe_part_prompt"):
        labels = [each.label for each in all_templates(database())]
        names = list(dict.fromkeys([*(label.partition("@")[0] for label in labels), *labels]))
        current = st.session_state.recipe_template
        template = st.selectbox(
            "Template", list(dict.fromkeys([*names, current])), key="recipe_template",
            help="A name alone is its newest version.",
        )  # fmt: skip
        system = st.toggle("With the system part", key="recipe_system")
        examples = st.number_input(
            "Few-shot examples", 0, 3, step=1, key="recipe_examples",
            help="Chosen as generation chooses them, from the training side alone.",
        )  # fmt: skip
    return {"template": template, "system": system, "examples": examples}


def _terms() -> dict[str, Any]:
    with st.expander("Terms", icon=":material/gavel:", key="recipe_part_terms"):
        left, right = st.columns(2)
        use = left.selectbox(
            "Rights must allow", USES, key="recipe_use", format_func=lambda name: name.replace("_", " ")
        )
        profile = right.selectbox(
            "Checked as", ["", *PROFILES], key="recipe_profile",
            format_func=lambda name: PROFILES[name].title if name else "Each piece's own period",
        )  # fmt: skip
        model = left.text_input("Model to be trained", key="recipe_model", max_chars=80)
        tokens = right.number_input(
            "Longest row, tokens", 0, 10_000_000, step=1000, key="recipe_tokens", help="0 is the model's own limit."
        )
        faults = left.radio(
            "Rows with errors", list(FAULTS), key="recipe_faults", format_func=lambda name: FAULTS[name]
        )
        seed = right.number_input("Seed", 0, MAX_SEED, step=1, key="recipe_seed")
    return {
        "use": use, "profile": profile or "", "model": model.strip(), "max_tokens": int(tokens or 0), "faults": faults,
        "seed": int(seed or 0),
    }  # fmt: skip
