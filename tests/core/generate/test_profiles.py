"""What a model can do is guessed from its name and learned from refusals; a sequence of refusals always ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.core.generate.providers.profiles import Profile, Profiles, after_refusal, first_guess

OPENAI, AZURE, LOCAL = (
    "https://api.openai.com/v1",
    "https://music.openai.azure.com/openai/v1",
    "http://localhost:11434/v1",
)


# The first guess ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [None, OPENAI, AZURE])
def test_openai_s_own_endpoints_want_the_newer_limit(url: str | None) -> None:
    assert first_guess(url, "gpt-4.1") == Profile(limit="max_completion_tokens")


def test_others_are_asked_for_everything_in_the_older_words() -> None:
    assert first_guess(LOCAL, "llama3.1:8b") == Profile()
    assert Profile() == Profile("schema", True, True, True, True, "max_tokens")


@pytest.mark.parametrize(
    "model", ["o1", "o3", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5-mini", "ft:o4-mini:acme::x"]
)
@pytest.mark.parametrize("url", [None, LOCAL])
def test_reasoning_models_take_no_temperature(model: str, url: str | None) -> None:
    guess = first_guess(url, model)
    assert (guess.temperature, guess.limit, guess.output) == (False, "max_completion_tokens", "schema")


@pytest.mark.parametrize("model", ["gpt-4o", "olmo", "o3x", "ft:gpt-4.1:acme::x", "gpt-oss-120b"])
def test_others_do(model: str) -> None:
    assert first_guess(LOCAL, model).temperature


@pytest.mark.parametrize(
    ("model", "output"),
    [
        ("gpt-4o", "schema"), ("gpt-4.1-mini", "schema"), ("gpt-5", "schema"), ("llama3.1", "schema"),
        ("ft:gpt-4.1-mini-2025-04-14:acme::x", "schema"), ("gpt-4-turbo", "json"), ("gpt-4-1106-preview", "json"),
        ("gpt-4-0125-preview", "json"), ("gpt-3.5-turbo", "json"), ("ft:gpt-3.5-turbo-0125:acme::x", "json"),
        ("gpt-4", "text"), ("gpt-4-0613", "text"), ("ft:gpt-4-0613:acme::x", "text"),
    ],
)  # fmt: skip
def test_the_form_of_the_answer_is_known_from_the_name(model: str, output: str) -> None:
    assert first_guess(None, model).output == output


# Refusals -----------------------------------------------------------------------------------------------------------

OPEN = Profile(limit="max_completion_tokens")
JSON = Profile(output="json")
REFUSALS: list[tuple[Profile, str, str | None, dict[str, Any]]] = [
    (OPEN, "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model. Learn more "
     "about supported models at the Structured Outputs guide.", None, {"output": "json"}),
    (OPEN, "Invalid schema for response_format 'MusicStructure': In context=(), 'required' is required to be supplied.",
     "response_format", {"output": "json"}),
    (Profile(), "This response_format type is unavailable now", None, {"output": "json"}),
    (Profile(), "Structured output is not supported by this deployment", None, {"output": "json"}),
    (Profile(), "[{'type': 'extra_forbidden', 'loc': ('body', 'response_format'), 'msg': 'Extra inputs'}]", None,
     {"output": "json"}),
    (JSON, "Invalid parameter: 'response_format' of type 'json_object' is not supported with this model.",
     "response_format", {"output": "text"}),
    (OPEN, "Unsupported value: 'temperature' does not support 0.8 with this model. Only the default (1) value is "
     "supported.", "temperature", {"temperature": False}),
    (OPEN, "Unsupported parameter.", "temperature", {"temperature": False}),
    (Profile(), "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
     "instead.", "max_tokens", {"limit": "max_completion_tokens", "renamed": True}),
    (OPEN, "Unrecognized request argument supplied: max_completion_tokens", None,
     {"limit": "max_tokens", "renamed": True}),
    (OPEN, "max_completion_tokens: Extra inputs are not permitted", None, {"limit": "max_tokens", "renamed": True}),
    (Profile(), "max_tokens is too large: 24000. This model supports at most 16384 completion tokens, whereas you "
     "provided 24000.", "max_tokens", {"limit": None}),
    (Profile(), "max_tokens must be at most 8192", None, {"limit": None}),
    (OPEN, "Unrecognized request argument supplied: stream_options", None, {"counted": False}),
    (OPEN, "unknown field include_usage", None, {"counted": False}),
    (OPEN, "Your organization must be verified to stream this model.", "stream", {"streaming": False}),
    (OPEN, "Streaming is not supported", None, {"streaming": False}),
    (OPEN, "Unrecognized request argument supplied: seed", None, {"seed": False}),
    (Profile(), "[{'type': 'extra_forbidden', 'loc': ['body', 'seed'], 'msg': 'Extra inputs are not permitted'}]", None,
     {"seed": False}),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "message", "param", "changes"), REFUSALS)
def test_a_refusal_takes_away_what_it_names(
    profile: Profile, message: str, param: str | None, changes: dict[str, Any]
) -> None:
    learned = after_refusal(profile, message, param)
    assert learned is not None
    assert learned[0] == replace(profile, **changes)
    assert learned[1].startswith("asked with")


@pytest.mark.parametrize(
    "message",
    ["", "Invalid request.", "The model does not exist.", "You exceeded your current quota.", "Upstream request failed",
     "This model's maximum context length is 8192 tokens. Please reduce the length of the messages.",
     "'messages' must contain the word 'json' in some form"],
)  # fmt: skip
def test_where_nothing_is_named_nothing_is_taken_away(message: str) -> None:
    assert after_refusal(OPEN, message, None) is None
    assert after_refusal(Profile(), message, "messages") is None


BARE = Profile("text", False, False, False, False, None)


@pytest.mark.parametrize(("profile", "message", "param", "changes"), REFUSALS)
def test_where_nothing_is_left_to_take_it_is_over(
    profile: Profile, message: str, param: str | None, changes: dict[str, Any]
) -> None:
    assert after_refusal(BARE, message, param) is None


def test_neither_name_of_the_limit_is_tried_twice() -> None:
    newer = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    older = "Unrecognized request argument supplied: max_completion_tokens"
    limits = []
    profile = OPEN
    for message in (older, newer, older, newer):
        learned = after_refusal(profile, message, None)
        if learned is None:
            break
        profile = learned[0]
        limits.append(profile.limit)
    assert limits == ["max_tokens", None]


MESSAGES = st.sampled_from([message for _, message, _, _ in REFUSALS]) | st.lists(
    st.sampled_from(
        ["response_format", "json_schema", "temperature", "max_tokens", "max_completion_tokens", "use 'max_tokens'",
         "seed", "use 'max_completion_tokens'", "stream", "stream_options", "include_usage", "not", "Unsupported:"]
    ),
    max_size=4,
).map(" ".join)  # fmt: skip


@settings(max_examples=300)
@given(
    st.sampled_from([None, OPENAI, LOCAL]),
    st.sampled_from(["gpt-4o", "gpt-5", "gpt-4", "gpt-3.5-turbo", "llama3.1"]),
    st.lists(st.tuples(MESSAGES, st.sampled_from([None, "max_tokens", "stream", "seed"])), min_size=1, max_size=5),
)
def test_a_sequence_of_refusals_always_ends(url: str | None, model: str, said: list[tuple[str, str | None]]) -> None:
    profile, seen = first_guess(url, model), set()
    refusals = 0
    while True:
        found = [learned for message, param in said if (learned := after_refusal(profile, message, param)) is not None]
        if not found:
            break
        profile = found[0][0]
        refusals += 1
        assert profile not in seen
        assert refusals <= 8
        seen.add(profile)


@given(st.text(max_size=60), st.none() | st.text(max_size=10))
def test_any_message_is_understood_or_not(message: str, param: str | None) -> None:
    learned = after_refusal(Profile(), message, param)
    assert learned is None or learned[0] != Profile()


# What was learned ---------------------------------------------------------------------------------------------------


def test_what_was_learned_stays_with_the_model_and_its_address() -> None:
    profiles = Profiles()
    assert profiles.of(LOCAL, "m") == first_guess(LOCAL, "m")
    profiles.learn(LOCAL, "m", BARE)
    assert profiles.of(LOCAL, "m") == BARE
    assert profiles.of(LOCAL, "n") == first_guess(LOCAL, "n")
    assert profiles.of(None, "m") == first_guess(None, "m")
    assert Profiles().of(LOCAL, "m") == first_guess(LOCAL, "m")


def test_it_does_not_grow_for_ever() -> None:
    profiles = Profiles()
    for number in range(2_500):
        profiles.learn(LOCAL, f"m{number}", BARE)
    assert profiles.of(LOCAL, "m2499") == BARE
    assert profiles.of(LOCAL, "m0") == first_guess(LOCAL, "m0")
