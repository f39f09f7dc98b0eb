"""Whatever comes in from outside is read, or refused in words: never a crash, never a hang."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.errors import InputTooLargeError, InvalidInputError, InvalidRequestError, InvalidStructureError
from workbench.core.music.reading import MAX_BYTES, MAX_DEPTH, json_depth, parse_json, read_request, read_structure
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

GOOD: dict[str, Any] = {
    "key": "C major",
    "tempo": 100,
    "timeSignature": "4/4",
    "form": "ABA",
    "sections": [{"name": "A", "key": "C major", "measures": 4, "chordProgression": ["I", "V", "I"]}],
}
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
request_names = st.sampled_from([*Request.model_fields, "bpm", "timeSignature", "motifTags", "request", "structure"])
structure_names = st.sampled_from(
    [*(field.alias or name for name, field in MusicStructure.model_fields.items()), "structure", "request"]
)


def refused(function: Any, *arguments: Any) -> InvalidInputError | None:
    """The error that a call was refused with, None when it was not; anything else is a failure."""
    caught = None
    try:
        function(*arguments)
    except InvalidInputError as error:
        caught = error
    if caught is not None:
        assert caught.message
        assert caught.hint
        assert len(str(caught)) < 1000
    return caught


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    refused(read_request, data)
    assert refused(read_structure, data) is not None


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    refused(read_request, text)
    assert refused(read_structure, text) is not None


@given(st.dictionaries(request_names, values, max_size=6))
def test_any_values_for_the_fields_of_a_request(data: dict[str, Any]) -> None:
    refused(read_request, data)
    refused(read_request, json.dumps(data))


@given(st.dictionaries(structure_names, values, max_size=4))
def test_any_values_for_the_fields_of_a_structure(data: dict[str, Any]) -> None:
    refused(read_structure, GOOD | data)
    refused(read_structure, json.dumps(GOOD | data))


@given(
    st.dictionaries(st.sampled_from(["name", "key", "measures", "phrases", "melody", "cadence"]), values, max_size=3)
)
def test_any_values_for_the_fields_of_a_section(data: dict[str, Any]) -> None:
    refused(read_structure, GOOD | {"sections": [GOOD["sections"][0] | data]})


@given(st.dictionaries(request_names, values, max_size=5))
def test_what_is_read_can_be_written_and_read_again(data: dict[str, Any]) -> None:
    try:
        request = read_request(json.dumps(data))
    except InvalidInputError:
        return
    assert read_request(request.to_json()) == request


@pytest.mark.parametrize("text", ['{"brief": "\\ud800"}', '{"emotional_arc": "\\uD800"}', '{"\\udfff": 1}'])
def test_half_a_character_is_refused(text: str) -> None:
    assert refused(read_request, text) is not None


def test_a_character_beyond_the_first_plane_is_read() -> None:
    assert read_request('{"brief": "\\ud83d\\ude00"}').brief == "😀"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_are_none_are_refused(text: str) -> None:
    for field in ("valence", "emotional_arc"):
        error = refused(read_request, f'{{"{field}": {text}}}')
        assert isinstance(error, InvalidRequestError)
        assert "number" in error.message


def test_a_key_given_twice_is_refused() -> None:
    error = refused(read_request, '{"tempo": 90, "tempo": 91}')
    assert error is not None
    assert "'tempo' stands twice" in error.message


def test_a_number_of_many_digits_is_refused_quickly() -> None:
    assert refused(read_request, f'{{"seed": {"1" * 900_000}}}') is not None


@pytest.mark.parametrize("brackets", ["[", '{"a":', '[{"a":'])
def test_deep_nesting_is_refused_before_it_is_parsed(brackets: str) -> None:
    started = time.perf_counter()
    for depth in (MAX_DEPTH + 1, 100_000):
        assert isinstance(refused(parse_json, brackets * depth), InputTooLargeError)
    assert time.perf_counter() - started < 20


def test_deep_objects_are_refused() -> None:
    data: dict[str, Any] = {}
    for _ in range(5000):
        data = {"a": data}
    assert refused(read_request, {"emotional_arc": data}) is not None


def test_brackets_in_text_do_not_count() -> None:
    assert json_depth(b'{"a": "[[[[{{{\\"[[[", "b": [1]}') == 2
    assert json_depth(b'{"a\\\\": [{"b": "\\\\\\"[["}]}') == 3
    assert json_depth(b"") == json_depth(b"]]") == 0


@pytest.mark.parametrize(
    "text", [b"[" * 1_000_000, b"[]" * 500_000, b'"[' * 500_000, b"[1,{2}]" * 140_000, b"\\" * 1_000_000]
)
def test_depth_of_a_megabyte_is_counted(text: bytes) -> None:
    json_depth(b"[]" * 20_000)  # numpy is loaded once
    started = time.process_time()
    json_depth(text)
    assert time.process_time() - started < 5  # no hang; how fast it is, is for make bench


def test_ten_megabytes_are_refused_before_they_are_parsed() -> None:
    started = time.perf_counter()
    error = refused(read_request, b'{"brief": "' + b"x" * 10_000_000 + b'"}')
    assert isinstance(error, InputTooLargeError)
    assert f"{MAX_BYTES:,}" in error.message
    assert time.perf_counter() - started < 20


def test_a_megabyte_of_small_things_is_refused_in_time() -> None:
    started = time.process_time()
    for text in (
        '{"motif_seed": [' + ",".join(["1"] * 490_000) + "]}",
        '{"section_plan": [' + ",".join(["{}"] * 320_000) + "]}",
        "{" + ",".join(f'"k{number}": 1' for number in range(70_000)) + "}",
    ):
        assert refused(read_request, text) is not None
    assert time.process_time() - started < 60


@pytest.mark.parametrize("text", ["[]", "null", "1", '"text"', "true"])
def test_what_is_no_object_is_told_so(text: str) -> None:
    for function in (read_request, read_structure):
        error = refused(function, text)
        assert error is not None
        assert "JSON object" in error.message


def test_a_byte_order_mark_is_no_trouble() -> None:
    assert read_request(b'\xef\xbb\xbf{"tempo": 90}').tempo == 90


def test_a_syntax_error_names_its_place() -> None:
    error = refused(read_structure, '{"key": "C major",\n  "tempo" 90}')
    assert isinstance(error, InvalidStructureError)
    assert "line 2, column 11" in error.message


def test_a_list_with_one_bad_item_is_one_mistake() -> None:
    error = refused(read_structure, GOOD | {"sections": [GOOD["sections"][0] | {"measures": 0}]})
    assert error is not None
    assert error.field == "/sections/0/measures"
    assert "more field" not in error.hint
