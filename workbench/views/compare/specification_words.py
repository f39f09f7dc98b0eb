"""A specification for people: what is asked, of whom, how often, and within which limits."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from workbench.core.datasets.costs import dollars
from workbench.core.experiments.runs import Run
from workbench.core.experiments.specification import Limits, Requests, Specification, Variant
from workbench.core.library.database import Database
from workbench.views.compare.form_values import seeds_text, values_of
from workbench.views.details import plain, quiet
from workbench.views.engine import database
from workbench.views.finetune.places import dataset_link
from workbench.views.finetune.wording import table

MOST = 12
_LEVELS = {
    "form": "forms", "period": "periods", "mood": "moods", "key": "keys", "time_signature": "meters",
    "duration": "lengths in seconds",
}  # fmt: skip
_PROVIDERS = {"rules": "the rules", "adapt": "an adapted example"}


def specification_words(run: Run) -> None:
    """What a run was ordered with."""
    found = run.ordered()
    st.markdown(
        table(
            [
                ("Requests", plain(requests_words(found, database()))),
                ("Seeds", plain(seeds_text(found.seeds))),
                ("Metrics", plain(", ".join(found.metrics)) if found.metrics else "all"),
                ("Limits", plain(limits_words(found.limits))),
            ]
        )
    )
    lines = [f"| {plain(each.name)} | {plain(', '.join(variant_words(each)))} |" for each in found.variants]
    st.markdown("| Variant | Asked |\n|---|---|\n" + "\n".join(lines))
    if run.version_id:
        dataset_link("The dataset", run.version_id)
    if run.own:
        st.markdown(quiet(f"Own metrics: {plain(', '.join(run.own))}"))


def requests_words(specification: Specification, database: Database) -> str:
    """Where the requests are from."""
    wanted = specification.requests
    return "".join((_from(specification, wanted, database), _part(wanted)))


def _from(specification: Specification, wanted: Requests, database: Database) -> str:
    if wanted.dataset:
        from workbench.core.datasets.versions import find_version

        version = find_version(database, wanted.dataset)
        return f"the {wanted.split} split of {version.label if version else wanted.dataset}"
    if wanted.listed is not None:
        return f"a list of {len(wanted.listed):,}"
    values = values_of(specification)
    told = []
    for name, words in _LEVELS.items():
        levels = [str(each) for each in values[name]]
        if levels:
            more = f" and {len(levels) - MOST} more" if len(levels) > MOST else ""
            told.append(f"{words}: {', '.join(levels[:MOST])}{more}")
    return f"every combination of {'; '.join(told)}"


def _part(wanted: Requests) -> str:
    return f"; at most {wanted.most:,} of them, by seed {wanted.seed}" if wanted.most else ""


def variant_words(variant: Variant) -> Iterator[str]:
    """Who answers, and how it is asked, part by part."""
    if variant.provider in _PROVIDERS:
        yield _PROVIDERS[variant.provider]
    elif variant.registered or variant.model:
        yield variant.registered or variant.model
    else:
        yield {"base": "the base model", "ft": "the fine-tuned model"}.get(variant.variant, "whoever answered then")
    if variant.endpoint:
        yield f"at {variant.endpoint}"
    if variant.asks_a_model:
        yield f"template {variant.template}" if variant.template else "the usual template"
        if variant.examples is not None:
            yield f"{variant.examples} example{'' if variant.examples == 1 else 's'} shown"
        yield "its own temperature" if variant.temperature is None else f"temperature {variant.temperature:g}"
        yield f"asked again up to {variant.reasks} times" if variant.reasks else "asked once"
        if variant.editor:
            yield "improved by the editor"
        if variant.batch:
            yield "in batches"
    if not variant.ban_held_out:
        yield "may be shown what it is tested on"


def limits_words(limits: Limits) -> str:
    """The limits that there are."""
    told = [f"{limits.concurrency} calls at the same time"]
    if limits.requests_per_minute:
        told.append(f"{limits.requests_per_minute:,} calls a minute")
    if limits.tokens_per_minute:
        told.append(f"{limits.tokens_per_minute:,} tokens a minute")
    if limits.budget_usd is not None:
        told.append(dollars(limits.budget_usd))
    return ", ".join(told)
