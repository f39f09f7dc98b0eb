"""What a recipe would hold, while one writes it."""

from __future__ import annotations

import streamlit as st

from workbench.core.datasets.building.preview import Preview, preview
from workbench.core.datasets.costs import estimate
from workbench.core.datasets.recipes import Recipe, read_recipe
from workbench.core.errors import InvalidInputError
from workbench.core.library.curation import revision
from workbench.core.music.forms import FORMS
from workbench.views.details import plain, quiet
from workbench.views.engine import database

EPOCHS = 3
MAX_BARS = 12
TITLES = {"form": "Form", "period": "Period", "mode": "Mode", "mood": "Mood"}


def recipe_preview(recipe: Recipe) -> None:
    """The preview of a recipe."""
    try:
        found = _preview(database().name, revision(database()), recipe.to_json())
    except InvalidInputError as problem:
        st.warning(f"{problem.message} {problem.hint}", icon=":material/edit:")
        return
    with st.container(border=True, key="recipe_preview"):
        _heading(found)
        if found.rows:
            _warnings(recipe, found)
            _shares(found)
            _costs(recipe, found)
    if found.example is not None:
        with st.expander("The first row, as it would be", icon=":material/visibility:", key="recipe_first_row"):
            for message in found.example.prompt:
                st.markdown(quiet(message.role))
                st.code(message.content, language=None, wrap_lines=True, height=220)
            st.markdown(quiet("answer"))
            st.code(found.example.answer, language="json", wrap_lines=True, height=220)


@st.cache_data(show_spinner=False, max_entries=64, ttl=600)
def _preview(name: str, revision: int, recipe: str) -> Preview:  # noqa: ARG001 - they say which library, and as of when
    import json

    return preview(database(), read_recipe(json.loads(recipe)))


def _heading(found: Preview) -> None:
    about = "" if found.exact else "about "
    splits = " · ".join(f"{about}{count:,} {split}" for split, count in found.splits.items())
    st.markdown(f"**{about.capitalize()}{found.rows:,} rows** from {found.pieces:,} pieces")
    st.markdown(quiet(splits if found.rows else "The recipe lets no piece through: widen its filters."))
    if found.exact and found.rows:
        st.markdown(quiet("Variants that would come out worse than their piece are left out as they are made."))


def _warnings(recipe: Recipe, found: Preview) -> None:
    if found.barred:
        what = "block the build" if recipe.faults == "block" else "are left out"
        st.markdown(
            f":orange-badge[rights] {found.barred:,} of the pieces may not be used for "
            f"{recipe.use.replace('_', ' ')}; they {what}."
        )
    for split, count in found.splits.items():
        if getattr(recipe.split, split) and count < 10:
            st.markdown(f":orange-badge[short] The {split} split has {count}; OpenAI takes no file with under 10 rows.")
    for words, count in sorted(found.left_out.items()):
        st.markdown(quiet(f"Left out: {count:,} {plain(words)}"))


def _shares(found: Preview) -> None:
    """How many rows there are of each form, period, mode and mood, as small tables."""
    for name, title in TITLES.items():
        counts = found.counts.get(name)
        if not counts:
            continue
        whole = sum(counts.values()) or 1
        said = [
            f"{FORMS[value].title.partition(' (')[0] if value in FORMS else value} **{100 * count / whole:.0f} %**"
            for value, count in counts.most_common(MAX_BARS)
        ]
        st.markdown(f"{quiet(title)}  {' · '.join(said)}")


def _costs(recipe: Recipe, found: Preview) -> None:
    method = "dpo" if recipe.kind == "pair" else "supervised"
    about = "" if found.exactly_counted else ", estimated"
    st.markdown(quiet(f"About {found.tokens:,} tokens to train on{about}"))
    for each in estimate(found.tokens, EPOCHS, False, model=recipe.model, method=method)[:3]:
        st.markdown(f"{plain(each.provider)}: {plain(each.words)}")
