"""Tokens are counted exactly where the vocabulary is known, and never so that a count is taken for more than it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.generate.counting import Count, count_messages, count_tokens
from workbench.core.generate.providers.calls import Message

JAPANESE = "お誕生日おめでとう"


@pytest.mark.parametrize(
    ("text", "newer", "older"),
    [
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        (JAPANESE, 8, 9),
        ("tiktoken is great!", 6, 6),
        ("", 0, 0),
    ],
)
def test_counts_are_those_that_openai_publishes(text: str, newer: int, older: int) -> None:
    """After OpenAI's cookbook, "How to count tokens with tiktoken", which compares these very texts."""
    assert count_tokens(text, "gpt-4o") == Count(newer, True)
    assert count_tokens(text, "gpt-4") == Count(older, True)


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4.1", "gpt-4.1-nano", "gpt-4.5-preview", "gpt-5", "gpt-5-mini",
        "gpt-oss:20b", "o1", "o3", "o3-mini", "o4-mini-2025-04-16", "chatgpt-4o-latest",
        "ft:gpt-4.1-mini-2025-04-14:acme:music:abc123", "ft:gpt-4o-2024-08-06:acme::x",
        "ft:o4-mini-2025-04-16:acme::x",
    ],
)  # fmt: skip
def test_newer_models_share_a_vocabulary_that_is_known(model: str) -> None:
    assert count_tokens(JAPANESE, model) == Count(8, True)


@pytest.mark.parametrize(
    "model", ["gpt-4", "gpt-4-0613", "gpt-4-turbo", "gpt-3.5-turbo", "ft:gpt-3.5-turbo-0125:acme::x"]
)
def test_older_models_have_another(model: str) -> None:
    assert count_tokens(JAPANESE, model) == Count(9, True)


@pytest.mark.parametrize(
    "model",
    [None, "", "llama3.1:8b", "mistral-large", "openai/gpt-4o", "my-gpt-4", "o3x", "claude", "ft:llama:acme::x"],
)
def test_any_other_model_gets_an_estimate(model: str | None) -> None:
    assert count_tokens(JAPANESE, model) == Count(8, False)


def test_what_looks_like_a_special_token_is_text() -> None:
    assert count_tokens("<|endoftext|>", "gpt-4o").tokens > 1
    assert count_tokens("a<|im_start|>b", "gpt-4").tokens > 3


def test_half_a_character_is_counted_like_any_other() -> None:
    assert 0 < count_tokens("a\ud800b", "gpt-4o").tokens < 6


@pytest.mark.parametrize("text", ["la ", "{", "♭", "日本"])
def test_a_megabyte_is_counted_in_pieces_and_said_to_be_estimated(text: str) -> None:
    tokens, exact = count_tokens(text * (1_000_000 // len(text)), "gpt-4o")
    assert 50_000 < tokens < 4_000_000
    assert not exact


def test_pieces_add_up() -> None:
    line = "A theme of eight bars in F major. "
    few, many = count_tokens(line * 1_000, "gpt-4o"), count_tokens(line * 4_000, "gpt-4o")
    assert few.exact
    assert many.tokens == pytest.approx(4 * few.tokens, rel=0.001)


@given(st.text(max_size=60))
def test_no_text_has_more_tokens_than_bytes(text: str) -> None:
    tokens, exact = count_tokens(text, "o3")
    assert exact
    assert bool(tokens) == bool(text)
    assert tokens <= len(text.encode())


def test_a_conversation_costs_four_tokens_a_message_and_three_at_the_end() -> None:
    assert count_messages([], "gpt-4o") == Count(3, True)
    said = [Message("system", "2 + 2 = 4"), Message("user", JAPANESE), Message("assistant", "")]
    assert count_messages(said, "gpt-4o") == Count(7 + 8 + 0 + 3 * 4 + 3, True)
    assert count_messages(said, "llama3.1") == Count(30, False)


def test_a_count_says_what_it_is() -> None:
    assert str(Count(1234, True)) == "1,234 tokens"
    assert str(Count(1234, False)) == "about 1,234 tokens"
    assert f"{count_tokens('2 + 2 = 4', 'gpt-4o')}" == "7 tokens"
