"""Rows from files of others: word for word what they say, with the request that stands in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_rows import rows, written

from workbench.core.datasets.files.foreign import request_in, row_of_line
from workbench.core.datasets.files.formats import FORMATS, json_line
from workbench.core.datasets.rows import Row, row_from
from workbench.core.errors import InvalidInputError
from workbench.core.generate.intake import request_of
from workbench.core.generate.providers.calls import Message
from workbench.core.library.rights import own_rights, read_rights
from workbench.core.music.reading import read_request

RIGHTS = own_rights("Ann", "her own studies")


def taken(value: Any, *, name: str = "studies.jsonl", line: int = 7) -> Row:
    return row_of_line(value, name=name, line=line, rights=RIGHTS)


def asked(*texts: str) -> Any:
    return request_in([Message("user", text) for text in texts])


@pytest.mark.parametrize("name", FORMATS)
def test_our_own_rows_come_back_as_they_were(name: str) -> None:
    back = [taken(json.loads(line)) for line in written(name).splitlines()]
    assert len(back) == 12
    for row, before in zip(back, rows(FORMATS[name].kind), strict=True):
        assert (row.kind, row.prompt, row.answer, row.rejected) == (
            before.kind, before.prompt, before.answer, before.rejected
        )  # fmt: skip
        silent = {field: value for field, value in before.request.items() if field not in ("id", "seed")}
        assert dict(row.request) == silent
        assert json_line(row, name) == json_line(before, name)


def test_a_row_says_where_it_is_from_and_whose_it_is() -> None:
    row = taken(json.loads(written("trl-sft").splitlines()[0]), name="Ann's ~studies.jsonl", line=31)
    assert row.key == "import/Ann-s-studies.jsonl/31"
    assert row.source == {"kind": "import", "id": row.key, "file": "Ann's ~studies.jsonl", "line": 31}
    assert read_rights(dict(row.rights)) == RIGHTS
    assert (row.changes, row.shown) == ((), ())
    assert row_from(json.loads(row.to_json())) == row


def test_without_a_request_it_is_what_somebody_would_have_asked_for() -> None:
    answer = rows()[0].answer
    value = {"messages": [{"role": "user", "content": "A walk."}, {"role": "assistant", "content": answer}]}
    row = taken(value)
    assert row.request == request_of(rows()[0].structure).to_dict()
    assert row.prompt == (Message("user", "A walk."),)


def test_an_answer_is_kept_word_for_word_even_where_it_is_no_music() -> None:
    value = {
        "messages": [
            {"role": "user", "content": 'Request: {"form": "ABA"}'},
            {"role": "assistant", "content": ' {"key" :1}\n'},
        ]
    }
    assert taken(value).answer == ' {"key" :1}\n'


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"text": "a"}, "Line 7 is in no format"),
        (["messages"], "Line 7 is in no format"),
        ({"messages": []}, "Line 7: messages is empty"),
        ({"messages": [{"role": "user", "content": "a"}]}, "Line 7: The last message"),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            "Line 7: The input is not JSON",
        ),
    ],
)
def test_a_line_that_holds_no_row_is_refused_with_its_number(value: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as refused:
        taken(value)
    assert refused.value.hint


# the request in a prompt


def test_a_request_is_read_where_our_prompt_writes_it() -> None:
    wanted = read_request({"form": "rondo", "brief": 'Request: {"form": "ABA"}'})
    assert asked(f"Request: {wanted.to_json()}\nIn their own words: {wanted.brief}\n\nThe plan") == wanted
    assert asked('Please.\nRequest:\n{\n  "form": "rondo"\n}\nThank you {') == read_request({"form": "rondo"})


def test_a_message_may_be_the_request_itself() -> None:
    assert asked(' {"musicForm": "rondo", "bpm": 90}') == read_request({"form": "rondo", "tempo": 90})


def test_only_the_last_question_counts() -> None:
    assert asked('Request: {"form": "rondo"}', 'Request: {"form": "ABA"}').form == "ABA"
    assert asked('Request: {"form": "rondo"}', "Go on.") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Request: ",
        "Request: {",
        'Request: {"form": 1}',
        'Request: {"unknown": 1}',
        'Request: {"form": "ABA", "form": "rondo"}',
        "Request: " + "{" * 100_000,
        "Request: " + '{"a":' * 5_000,
        'Request: {"valence": NaN}',
        "{" * 100_000,
    ],
)
def test_what_is_no_request_is_none(text: str) -> None:
    assert asked(text) is None


@given(st.text(alphabet='{}[]":, \nRequest:formABA0\ud800', max_size=60))
def test_any_text_has_a_request_or_none(text: str) -> None:
    asked(text)
    asked("Request: {" + text)
