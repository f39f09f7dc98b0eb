"""Formats: what each writes, what each refuses, and how a line's format is told."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_rows import rows

from workbench.core.datasets.faults import Fault
from workbench.core.datasets.files.formats import FORMATS, RowFormat, detect, file_faults, format_of, json_line
from workbench.core.datasets.files.message_rules import MAX_MESSAGES
from workbench.core.datasets.rows import Row
from workbench.core.errors import InvalidInputError
from workbench.core.generate.providers.calls import Message

EVERY = tuple(FORMATS.values())
ANSWER = [{"role": "assistant", "content": "{}"}]
ASKED = [{"role": "user", "content": "A walk"}]
SOUND: dict[str, dict[str, Any]] = {
    "openai-chat": {"messages": ASKED + ANSWER},
    "openai-dpo": {
        "input": {"messages": ASKED, "tools": [], "parallel_tool_calls": True},
        "preferred_output": ANSWER,
        "non_preferred_output": [{"role": "assistant", "content": "[]"}],
    },
    "trl-sft": {"prompt": ASKED, "completion": ANSWER},
    "trl-dpo": {"prompt": ASKED, "chosen": ANSWER, "rejected": [{"role": "assistant", "content": "[]"}]},
}
by_name = pytest.mark.parametrize("form", EVERY, ids=lambda form: form.name)


def said(name: str, value: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault.check, fault.severity) for fault in FORMATS[name].check(value)]


def changed(name: str, **members: Any) -> dict[str, Any]:
    return copy.deepcopy(SOUND[name]) | members


def chat(*messages: dict[str, Any]) -> list[Fault]:
    return FORMATS["openai-chat"].check({"messages": list(messages)})


def test_there_are_four_formats_and_each_explains_itself() -> None:
    assert list(FORMATS) == ["openai-chat", "openai-dpo", "trl-sft", "trl-dpo"]
    assert [form.kind for form in EVERY] == ["chat", "pair", "chat", "pair"]
    assert all(form.title and form.explanation.endswith(".") for form in EVERY)


@by_name
def test_what_is_written_breaks_no_rule_and_says_what_the_row_says(form: RowFormat) -> None:
    for row in rows(form.kind):
        value = json.loads(json_line(row, form.name))
        assert detect(value) == form.name
        assert form.check(value) == []
        assert form.read(value) == (row.prompt, row.answer, row.rejected)


@by_name
def test_a_line_is_compact_and_keeps_its_letters(form: RowFormat) -> None:
    row = rows(form.kind)[0]
    row = replace(row, prompt=(Message("user", "Für Élise ♭"),))
    line = json_line(row, form.name)
    assert "Für Élise ♭" in line
    assert "\n" not in line
    assert line == json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":"))


def test_examples_in_a_prompt_are_shown_and_not_learned() -> None:
    row = rows()[0]
    assert [message.role for message in row.prompt] == ["system", "user", "assistant", "user"]
    messages = FORMATS["openai-chat"].write(row)["messages"]
    assert [message.get("weight") for message in messages] == [None, None, 0, None, None]


@by_name
def test_a_row_of_the_other_kind_cannot_be_written(form: RowFormat) -> None:
    other: Row = rows("pair" if form.kind == "chat" else "chat")[0]
    with pytest.raises(InvalidInputError, match=form.name) as refused:
        json_line(other, form.name)
    assert form.name not in refused.value.hint


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInputError, match="openai-chat") as refused:
        format_of("alpaca")
    assert refused.value.field == "format"


@pytest.mark.parametrize("name", SOUND)
def test_a_format_is_told_by_its_members(name: str) -> None:
    assert FORMATS[name].check(SOUND[name]) == []
    assert detect(SOUND[name]) == name


@pytest.mark.parametrize("value", [{}, {"text": "a"}, {"prompt": ASKED}, [], "messages", None, 3])
def test_other_values_are_in_no_format(value: object) -> None:
    assert detect(value) is None


@pytest.mark.parametrize(
    ("name", "members", "fault"),
    [
        ("openai-chat", {"messages": []}, ("format.messages", "error")),
        ("openai-chat", {"messages": "hello"}, ("format.messages", "error")),
        ("openai-chat", {"messages": ["hello"]}, ("format.messages", "error")),
        ("openai-chat", {"messages": ASKED}, ("format.last", "error")),
        ("openai-chat", {"messages": ANSWER}, ("format.last", "error")),
        ("openai-chat", {"tools": [{"type": "function"}]}, ("format.tools", "error")),
        ("openai-chat", {"parallel_tool_calls": 1}, ("format.tools", "error")),
        ("openai-chat", {"id": 7}, ("format.members", "error")),
        ("openai-chat", {"messages": ASKED * MAX_MESSAGES + ANSWER}, ("format.messages", "error")),
        ("openai-dpo", {"input": ASKED}, ("format.members", "error")),
        ("openai-dpo", {"input": {}}, ("format.members", "error")),
        ("openai-dpo", {"input": {"messages": ASKED + ANSWER}}, ("format.last", "error")),
        ("openai-dpo", {"input": {"messages": ASKED, "model": "x"}}, ("format.members", "error")),
        ("openai-dpo", {"preferred_output": ANSWER * 2}, ("format.answer", "error")),
        ("openai-dpo", {"preferred_output": ASKED}, ("format.answer", "error")),
        ("openai-dpo", {"preferred_output": ANSWER[0]}, ("format.messages", "error")),
        ("openai-dpo", {"non_preferred_output": ANSWER}, ("format.pair", "error")),
        ("openai-dpo", {"rank": 1}, ("format.members", "error")),
        ("trl-sft", {"prompt": "A walk"}, ("format.messages", "error")),
        ("trl-sft", {"prompt": ASKED + ANSWER}, ("format.last", "error")),
        ("trl-sft", {"completion": []}, ("format.messages", "error")),
        ("trl-sft", {"source": "web"}, ("format.members", "warning")),
        ("trl-dpo", {"chosen": ASKED + ANSWER}, ("format.answer", "error")),
        ("trl-dpo", {"rejected": ANSWER}, ("format.pair", "error")),
    ],
)
def test_a_line_that_breaks_one_rule_is_told_that_one(name: str, members: Any, fault: tuple[str, str]) -> None:
    assert said(name, changed(name, **members)) == [fault]


@pytest.mark.parametrize(("name", "member"), [(name, member) for name in SOUND for member in SOUND[name]])
def test_a_missing_member_is_named(name: str, member: str) -> None:
    value = changed(name)
    del value[member]
    assert member in "".join(fault.message for fault in FORMATS[name].check(value) if fault.severity == "error")


@pytest.mark.parametrize(
    ("message", "check"),
    [
        ({"role": "robot", "content": "x"}, "format.role"),
        ({"role": "developer", "content": "x"}, "format.role"),
        ({"role": ["user"], "content": "x"}, "format.role"),
        ({"content": "x"}, "format.role"),
        ({"role": "user"}, "format.content"),
        ({"role": "user", "content": None}, "format.content"),
        ({"role": "user", "content": [{"type": "text", "text": "x"}]}, "format.content"),
        ({"role": "user", "content": " \n"}, "format.content"),
        ({"role": "user", "content": "a\0b"}, "format.content"),
        ({"role": "user", "content": "x", "name": "ann"}, "format.members"),
        ({"role": "user", "content": "x", "weight": 0}, "format.weight"),
        ({"role": "assistant", "content": "x", "weight": 2}, "format.weight"),
        ({"role": "assistant", "content": "x", "weight": True}, "format.weight"),
        ({"role": "assistant", "content": "x", "weight": 0.0}, "format.weight"),
    ],
)
def test_a_message_that_is_none_is_told_with_its_place(message: dict[str, Any], check: str) -> None:
    found = chat(ASKED[0], message, *ASKED, *ANSWER)
    assert [fault.check for fault in found] == [check]
    assert "messages[1]" in found[0].message


def test_only_the_last_answer_is_meant_to_be_learned() -> None:
    assert [fault.severity for fault in chat(*ASKED, *ANSWER, *ASKED, *ANSWER)] == ["warning"]
    assert chat(*ASKED, {**ANSWER[0], "weight": 0}, *ASKED, {**ANSWER[0], "weight": 1}) == []
    assert [fault.message for fault in chat(*ASKED, {**ANSWER[0], "weight": 0})] == ["The answer weighs 0."]


def test_weights_belong_to_openai_alone() -> None:
    answer = [{**ANSWER[0], "weight": 1}]
    assert said("trl-sft", changed("trl-sft", completion=answer)) == [("format.members", "error")]
    assert said("openai-dpo", changed("openai-dpo", preferred_output=answer)) == [("format.members", "error")]


def test_a_file_has_its_own_rules() -> None:
    openai, trl = FORMATS["openai-chat"], FORMATS["trl-sft"]
    assert [fault.check for fault in file_faults(openai, rows=9, size=512_000_001, name="rows.json")] == [
        "file.rows", "file.size", "file.name",
    ]  # fmt: skip
    assert file_faults(openai, rows=10, size=512_000_000, name="rows.jsonl") == []
    assert file_faults(openai, rows=10, size=1) == []
    assert file_faults(trl, rows=1, size=10**10, name="rows.json") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["user", "assistant", "system"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "messages", "weight", "tools", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted({name for value in SOUND.values() for name in value})), JSON))
def test_any_object_gets_faults_or_can_be_read(value: dict[str, Any]) -> None:
    for form in EVERY:
        if not any(fault.severity == "error" for fault in form.check(value)):
            prompt, answer, _ = form.read(value)
            assert prompt[-1].content
            assert answer
