"""States, sums and faults of runs, and what a run would take, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from workbench.core.experiments.offers import Offer, Share
from workbench.core.experiments.runs import STATES, Run
from workbench.core.experiments.specification import Limits, read_specification
from workbench.core.generate.providers import Tokens
from workbench.views.compare.offering import cells_words, start_words, takes_words
from workbench.views.compare.run_words import fault_words, left_words, progress_words, spent_words, state_badge
from workbench.views.compare.specification_words import limits_words, variant_words

NOW = datetime(2026, 11, 3, tzinfo=UTC)
RUN = Run(
    "r", "first", 2, {"limits": {"budget_usd": None}}, "", None, {}, "running", "", 24, 10, 1, 0.0, 0, 0, 75.0, (),
    "ada · 1234", "", NOW, NOW, None,
)  # fmt: skip
SHARE = Share("base", "openai", "m", "", 9, Tokens(1, 1), 0.25, True, None)
OFFER = Offer(9, 1, 18, (SHARE, SHARE), (), (), None)
SPECIFICATION = read_specification(
    {"name": "x", "requests": {"grid": {"form": ["ABA"]}}, "variants": [{"name": "a"}], "limits": {"budget_usd": 2}}
)


def test_each_state_has_words_of_its_own() -> None:
    assert len({state_badge(replace(RUN, state=state)) for state in STATES}) == len(STATES)
    assert "odd" in state_badge(replace(RUN, state="odd"))


def test_progress_money_and_time() -> None:
    assert progress_words(RUN) == "10 of 24 cells, 1 failed"
    assert left_words(RUN) == "about 1 min 15 s left"
    assert left_words(replace(RUN, state="paused")) == ""
    assert spent_words(RUN) == ""
    assert spent_words(replace(RUN, spent=1.5)) == r"\$1.50 spent"
    assert spent_words(replace(RUN, specification={"limits": {"budget_usd": 3}})) == r"\$0.00 spent of \$3.00"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("http-429", "3 failed: the endpoint was asked too often."),
        ("http-503", "3 failed: the endpoint had an error."),
        ("connection", "3 failed: the endpoint could not be reached."),
        ("new-one", "3 failed: new-one."),
    ],
)
def test_faults_are_sentences(fault: str, words: str) -> None:
    assert fault_words(fault, 3) == words


def test_the_button_names_what_it_spends() -> None:
    assert cells_words(OFFER) == "9 requests × 2 variants × 1 seed = 18 cells"
    assert start_words(OFFER) == "Start and spend about $0.50"
    unknown = replace(OFFER, shares=(SHARE, replace(SHARE, usd=None)))
    assert start_words(unknown) == "Start, though the price is not known"
    told = takes_words(SPECIFICATION, replace(OFFER, seconds=90.0))
    assert told[0].startswith("About $0.50 for first answers")
    assert told[1] == "It rests before it spends more than $2.00."
    assert "1 min 30 s" in told[2]
    assert takes_words(SPECIFICATION, replace(OFFER, shares=(replace(SHARE, may_cost=False),))) == []


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ({"provider": "rules", "editor": True}, "the rules"),
        (
            {"variant": "base", "examples": 1, "temperature": None, "batch": True},
            "the base model, the usual template, 1 example shown, its own temperature, asked again up to 2 times, "
            "in batches",
        ),
        (
            {"model": "m", "endpoint": "http://localhost:1/v1", "reasks": 0, "ban_held_out": False},
            "m, at http://localhost:1/v1, the usual template, temperature 0.8, asked once, "
            "may be shown what it is tested on",
        ),
    ],
)  # fmt: skip
def test_a_variant_in_words(variant: dict[str, Any], words: str) -> None:
    told = {"name": "x", "requests": {"grid": {"form": ["ABA"]}}, "variants": [{"name": "a"} | variant]}
    assert ", ".join(variant_words(read_specification(told).variants[0])) == words


def test_limits_in_words() -> None:
    assert limits_words(Limits(budget_usd=0.0, tokens_per_minute=5000)) == (
        "8 calls at the same time, 5,000 tokens a minute, $0.00"
    )
