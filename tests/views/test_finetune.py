"""The words of the Fine-tune screen, its draft, and who goes on with trainings after a restart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from workbench.core.finetune.durations import Duration
from workbench.core.finetune.models import TunedModel, register
from workbench.core.finetune.offers import Offer, Price
from workbench.core.finetune.rollback import step_back
from workbench.core.finetune.rollout import promote, retire, state
from workbench.core.finetune.training import Event
from workbench.core.finetune.wishes import Wish, read_wish
from workbench.core.library.database import Database
from workbench.views.finetune.draft import USUAL, _sound
from workbench.views.finetune.lineage import settings_words
from workbench.views.finetune.offering import offer_rows
from workbench.views.finetune.progress import steps_of
from workbench.views.finetune.standing import answers_words, back_words, base_words, change_words
from workbench.views.finetune.wording import seconds_words, start_words


def an_offer(*prices: float | None, uploads: bool = True, **more: Any) -> Offer:
    found = tuple(Price("Somewhere", usd, "as said") for usd in prices)
    told: dict[str, Any] = {
        "wish": Wish(backend="openai", model="m", version="v", epochs=2), "method": "supervised", "dataset": "d 1",
        "dataset_hash": "0" * 64, "rows": 40, "held_out": 10, "tokens": 1000, "exact": True, "longest": 90,
        "limit": 4096, "prices": found, "duration": Duration(None, "Nobody knows."), "until": "2027-01-14",
        "licence": "MIT", "rights": "commercial_training", "uploads": uploads, "place": "https://example.org/v1",
        "against": (), "warnings": (),
    }  # fmt: skip
    return Offer(**told | more)


@pytest.mark.parametrize(
    ("prices", "uploads", "words"),
    [
        ((3.2,), True, "Start and spend about $3.20"),
        ((0.0, 3.2, None), True, "Start and spend about $3.20"),
        ((12.0, 3.2), True, "Start and spend about $3.20 to $12.00"),
        ((0.002,), True, "Start and spend under $0.01"),
        ((), True, "Start, though the price is not known"),
        ((None, 0.0), True, "Start, though the price is not known"),
        ((0.0,), False, "Start training"),
    ],
)
def test_the_button_names_what_it_spends(prices: tuple[float | None, ...], uploads: bool, words: str) -> None:
    assert start_words(an_offer(*prices, uploads=uploads)) == words


def test_an_offer_says_all_that_has_to_be_known_before() -> None:
    told = dict(offer_rows(an_offer(3.2)))
    assert told["Rows"] == "40 to train on, 10 to measure by"
    assert "2,000 in 2 epochs" in told["Tokens"]
    assert "4,096" in told["Longest row"]
    assert "2027" in told["Shutdown"]
    assert told["Rows go"] == "up to `https://example.org/v1`"
    assert "this machine" in dict(offer_rows(an_offer(0.0, uploads=False)))["Rows go"]


@pytest.mark.parametrize(
    ("messages", "steps"),
    [
        (["Created fine-tuning job: ftjob-1", "Step 3/90: training loss=1.20", "Checkpoint created at step 3"], 90),
        (["The training begins: 55 rows, 250 steps.", "Checkpoint after step 25."], 250),
        (["Step 3 of 12"], 12),
        (["Step 3/0"], None),
        (["Checkpoint after step 25.", "Stopped after step 26, as asked."], None),
        ([], None),
    ],
)
def test_the_number_of_steps_is_read_from_what_the_backend_tells(messages: list[str], steps: int | None) -> None:
    assert steps_of([Event(str(at), datetime.now(UTC), "info", each) for at, each in enumerate(messages)]) == steps


@pytest.mark.parametrize(("seconds", "words"), [(12.4, "12 s"), (725, "12 min 5 s"), (12_000, "3 h 20 min")])
def test_times_in_words(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words


def test_settings_that_say_nothing_are_left_out() -> None:
    plan = read_wish({"backend": "local", "model": "m", "version": "v", "steps": 240, "lora": False}).to_dict()
    assert settings_words(plan) == "240 steps, validation rows, all weights"


def test_a_draft_of_another_time_leaves_nothing_that_a_widget_cannot_take() -> None:
    kept = {
        "epochs": -1, "beta": "much", "rank": 2.5, "steps": 10**9, "seed": True, "lora": "yes", "name": "x" * 900,
        "unknown": 1, "model openai": "loop", "model local": 7, "batch_size": 8, "learning_rate": 2, "held_out": False,
        "launch": None,
    }  # fmt: skip
    found = _sound(kept)
    assert found == {"model openai": "loop", "batch_size": 8, "learning_rate": 2.0, "held_out": False}
    assert set(_sound(dict(USUAL))) == set(USUAL)


# --- who answers -----------------------------------------------------------------------------------------------------


def a_model(database: Database, name: str) -> TunedModel:
    return register(
        database,
        name=name,
        model=f"ft:{name}",
        endpoint="http://127.0.0.1:1/v1",
        base="b",
        licence="MIT",
        curator="ada",
    )


def test_who_answers_and_what_rolling_back_would_do(database: Database) -> None:
    assert base_words("m", "rules") == "The rules"
    assert answers_words(state(database), "The rules").endswith("The rules answer.")
    assert answers_words(state(database), base_words("m*", "openai")).endswith(r"The base model m\* answers.")
    first, second = a_model(database, "First"), a_model(database, "Second")
    known = {each.id: each for each in (first, second)}
    promote(database, first.id, "live", curator="ada · 1", override="It is the only one.")
    change = promote(database, second.id, "canary", curator="ada · 1", share=0.25)
    told = answers_words(state(database), "The rules")
    assert "**First** answers" in told
    assert "**Second** answers 25 % of the requests" in told
    assert change_words(change, known) == "made Second the canary (25 %)"
    back = step_back(database)
    assert back is not None
    assert back_words(back, known) == "Undoes that ada made Second the canary (25 %). Then First answers."
    retire(database, first.id, curator="ada · 1")
    back = step_back(database)
    assert back is not None
    assert back_words(back, known) == (
        "Undoes that ada retired First. Then First answers, and Second 25 % of the requests."
    )
