"""What clients may ask, names of served models, and text that comes in pieces: all of it without a model."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InputTooLargeError, InvalidInputError
from workbench.core.finetune.serving.asked import ANY_OBJECT, MAX_BODY, Asked, read_asked
from workbench.core.finetune.serving.offers import Offer, offers_of, vllm_command
from workbench.core.finetune.serving.writing import Decoder, Stops
from workbench.core.generate.secrecy import is_fine_tuned
from workbench.core.settings import Settings

PLAIN = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def read(**more: Any) -> Asked:
    return read_asked(json.dumps({**PLAIN, **more}).encode())


def test_a_whole_question_is_read() -> None:
    asked = read(
        messages=[
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        ],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        max_tokens=5, max_completion_tokens=7, temperature=0, top_p=0.5, seed=-3, stop="\n", stream=True,
        stream_options={"include_usage": True}, n=1, logit_bias={"1": 2}, tools=[],
    )  # fmt: skip
    said = ({"role": "system", "content": "be brief"}, {"role": "user", "content": "ab"})
    assert asked == Asked("m", said, {"type": "object"}, 7, 0.0, 0.5, -3, ("\n",), True, True)
    assert read() == Asked("m", ({"role": "user", "content": "hello"},))
    assert read(response_format={"type": "json_object"}).schema == ANY_OBJECT
    assert read(response_format={"type": "text"}).schema is None


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"model": 3}, "model"),
        ({"n": 2}, "n"),
        ({"n": True}, "n"),
        ({"messages": []}, "messages"),
        ({"messages": ["hello"]}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": True}, "top_p"),
        ({"seed": 2**63}, "seed"),
        ({"stop": [""]}, "stop"),
        ({"stop": {"a": 1}}, "stop"),
        ({"stream": 1}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": True}}}, "response_format"),
    ],
)
def test_what_is_known_has_to_be_right(more: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(**more)
    assert refused.value.field == field
    assert field in refused.value.message


def test_too_long_and_too_deep_bodies_are_not_parsed() -> None:
    for body in (b'"' + b"x" * MAX_BODY, b'{"a":' * 100 + b"1" + b"}" * 100):
        with pytest.raises(InputTooLargeError):
            read_asked(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = (
    "model", "messages", "n", "max_tokens", "temperature", "top_p", "seed", "stop", "stream", "stream_options",
    "response_format",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(MEMBERS), json_values))
def test_foreign_values_are_read_or_refused(more: dict[str, Any]) -> None:
    with suppress(InvalidInputError):
        assert isinstance(read(**more), Asked)


@given(st.binary(max_size=60))
def test_foreign_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        read_asked(body)


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    folder = tmp_path / "t7f3" / "merged"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"max_position_embeddings": 4096}')
    (folder / "model.safetensors").write_bytes(b"0")
    return folder


def test_a_tuned_model_has_a_name_that_is_kept_secret(merged: Path) -> None:
    for source in (merged, merged.parent):
        (offer,) = offers_of([str(source)])
        assert offer == Offer("ft:t7f3", str(merged))
        assert is_fine_tuned(offer.name, Settings())
    assert offers_of([str(merged), "Qwen/Qwen3-0.6B"], ["mine"])[1] == Offer("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B")


def test_what_cannot_be_served_is_refused_by_name(merged: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for sources, names, words in (
        ([str(tmp_path / "empty")], [], "holds no whole model"),
        ([str(tmp_path / "gone")], [], "There is no model"),
        (["../gone"], [], "There is no model"),
        (["a b"], [], "There is no model"),
        ([str(merged)], ["two words"], "cannot name a model"),
        ([str(merged)], ["one", "two"], "more names than models"),
        ([str(merged), str(merged)], [], "Two models are called ft:t7f3"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            offers_of(sources, names)


def test_the_vllm_command_is_quoted_for_a_shell() -> None:
    import shlex

    folder = "/models/it's mine; rm -rf"
    words = shlex.split(vllm_command(Offer("ft:1", folder), "::1", 8600))
    assert words == ["vllm", "serve", folder, "--served-model-name", "ft:1", "--host", "::1", "--port", "8600"]


def by_bytes(tokens: list[int]) -> str:
    return bytes(tokens).decode("utf-8", "replace")


@given(st.text(max_size=30), st.randoms(use_true_random=False))
def test_characters_are_told_whole(text: str, cuts: Any) -> None:
    tokens, decoder, told = list(text.encode()), Decoder(by_bytes), []
    while tokens:
        size = cuts.randint(1, 3)
        told.append(decoder.add(tokens[:size]))
        del tokens[:size]
    if "\ufffd" not in text:
        assert not any("\ufffd" in piece for piece in told)
    assert "".join(told) + decoder.end() == text


def test_half_a_character_does_not_hold_the_rest_back_for_ever() -> None:
    decoder = Decoder(by_bytes)
    told = [decoder.add([0x80]) for _ in range(200)]
    assert sum(map(bool, told)) >= 2
    assert "".join(told) + decoder.end() == "\ufffd" * 200


@given(st.lists(st.text("ab", max_size=4), max_size=12), st.lists(st.text("ab", min_size=1, max_size=3), max_size=3))
def test_an_answer_ends_before_its_stop(pieces: list[str], stops: list[str]) -> None:
    watch, told = Stops(stops), ""
    for piece in pieces:
        told += watch.add(piece)
        if watch.found:
            break
    whole = "".join(pieces)
    if watch.found:
        assert whole.startswith(told)
        assert any(whole[len(told) :].startswith(stop) for stop in stops)
        assert not any(stop in told for stop in stops)
    else:
        assert told + watch.end() == whole
        assert not any(stop in whole for stop in stops)
