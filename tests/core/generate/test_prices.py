"""What a call costs, as far as the table knows; a wrong price would be worse than none."""

from __future__ import annotations

from datetime import date

import pytest

from workbench.core.generate.prices import Price, cost_of, price_of, price_table
from workbench.core.generate.providers.calls import Tokens

TABLE, READ = price_table()


def test_the_table_tells_the_day_on_which_it_was_written() -> None:
    assert date(2025, 1, 1) < date.fromisoformat(READ) <= date.today()


@pytest.mark.parametrize("name", TABLE)
def test_every_row_can_be_a_price(name: str) -> None:
    price = TABLE[name]
    assert 0 < price.into < price.out < 1000
    assert price_of(name) == price


@pytest.mark.parametrize("name", [name for name in TABLE if name.startswith("ft:")])
def test_a_tuned_model_costs_more_than_its_base(name: str) -> None:
    base = TABLE[name.removeprefix("ft:")]
    assert TABLE[name].into > base.into
    assert TABLE[name].out > base.out


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("gpt-4.1", "gpt-4.1"),
        ("gpt-4.1-mini", "gpt-4.1-mini"),
        ("gpt-4.1-nano-2025-04-14", "gpt-4.1-nano"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("o3-2025-04-16", "o3"),
        ("ft:gpt-4.1-2025-04-14:acme::abc123", "ft:gpt-4.1"),
        ("ft:gpt-4.1-mini-2025-04-14:acme:music:abc123", "ft:gpt-4.1-mini"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc:ckpt-step-80", "ft:gpt-4o-mini"),
    ],
)
def test_the_longest_listed_beginning_counts(model: str, row: str) -> None:
    assert price_of(model) == TABLE[row]


@pytest.mark.parametrize(
    "model",
    [
        None, "", "llama3.1:8b", "gpt", "gpt-4", "gpt-4-turbo", "gpt-4.15", "gpt-5.1", "gpt-4oo", "GPT-4o", "o3-pro",
        "o3-mini", "gpt-5-pro", "gpt-4o-audio-preview", "gpt-4o-realtime-preview", "gpt-4.1-mini-extra",
        "openai/gpt-4o", "ft:o4-mini-2025-04-16:acme::x", "ft:gpt-3.5-turbo:acme::x", "gpt-4o ",
    ],
)  # fmt: skip
def test_a_model_that_is_not_listed_has_no_price(model: str | None) -> None:
    assert price_of(model) is None
    assert cost_of(model, Tokens(1000, 1000)) is None


def test_prices_are_for_a_million_tokens_in_and_out() -> None:
    assert TABLE["gpt-4.1"] == Price(2.0, 8.0)
    assert cost_of("gpt-4.1", Tokens(1_000_000, 0)) == pytest.approx(2.0)
    assert cost_of("gpt-4.1", Tokens(0, 1_000_000)) == pytest.approx(8.0)
    assert cost_of("gpt-4.1", Tokens(3_000, 1_500)) == pytest.approx(0.018)
    assert cost_of("gpt-4.1", Tokens()) == 0.0


def test_calls_add_up_and_one_estimate_makes_the_sum_one() -> None:
    told, counted = Tokens(3_000, 1_500), Tokens(1_000, 500, exact=False)
    assert told + told == Tokens(6_000, 3_000)
    assert told + counted == Tokens(4_000, 2_000, exact=False)
    parts = (cost_of("o3", told) or 0) + (cost_of("o3", counted) or 0)
    assert cost_of("o3", told + counted) == pytest.approx(parts)


@pytest.mark.parametrize(
    "url", ["http://localhost:11434/v1", "https://openai.com.evil.example/v1", "https://gateway.example/openai.com"]
)
def test_a_server_of_ones_own_has_no_list_price(url: str) -> None:
    assert cost_of("gpt-4.1", Tokens(1000, 1000), url) is None
    assert cost_of("gpt-4.1", Tokens(1000, 1000), "https://api.openai.com/v1") is not None
    assert cost_of("gpt-4.1", Tokens(1000, 1000), "https://mine.openai.azure.com/openai/v1") is not None
