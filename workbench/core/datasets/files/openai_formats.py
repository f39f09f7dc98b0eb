"""OpenAI's formats for supervised and preference fine-tuning.

Source of the rules: OpenAI's guides to supervised fine-tuning and to direct preference optimization.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.datasets.faults import Fault
from workbench.core.datasets.files.message_rules import (
    message_faults,
    missing_members,
    one_answer,
    open_prompt,
    read_messages,
    tool_faults,
    unknown_members,
)
from workbench.core.datasets.files.row_formats import FileRules, RowFormat, Spoken, row_format
from workbench.core.datasets.rows import Row, plain_messages

RULES = FileRules(least_rows=10, most_bytes=512_000_000, suffix=".jsonl")


@row_format("openai-chat")
class OpenAIChat(RowFormat):
    """A conversation whose last message is the answer to learn; earlier answers, as in examples, weigh nothing."""

    title = "OpenAI chat"
    kind = "chat"
    marks = frozenset({"messages"})
    rules = RULES

    def write(self, row: Row) -> dict[str, Any]:
        """The row's messages; the examples' answers are shown, not learned."""
        messages: list[dict[str, Any]] = [
            {**each, "weight": 0} if each["role"] == "assistant" else each for each in plain_messages(row.prompt)
        ]
        return {"messages": [*messages, {"role": "assistant", "content": row.answer}]}

    def check(self, value: Mapping[str, Any]) -> list[Fault]:
        """What breaks the rules of a supervised row."""
        found = unknown_members(value, ("messages", "tools", "parallel_tool_calls"))
        found += tool_faults(value)
        broken = missing_members(value, ("messages",)) or message_faults(value["messages"], "messages", weights=True)
        return found + (broken or _turns(value["messages"]))

    def read(self, value: Mapping[str, Any]) -> Spoken:
        """The conversation, parted before its last message."""
        *prompt, answer = read_messages(value["messages"])
        return Spoken(tuple(prompt), answer.content)


@row_format("openai-dpo")
class OpenAIPairs(RowFormat):
    """A conversation with the answer that is preferred and the one that is not."""

    title = "OpenAI preference pairs (DPO)"
    kind = "pair"
    marks = frozenset({"preferred_output", "non_preferred_output"})
    rules = RULES

    def write(self, row: Row) -> dict[str, Any]:
        """The row's prompt and its two answers."""
        return {
            "input": {"messages": plain_messages(row.prompt), "tools": [], "parallel_tool_calls": True},
            "preferred_output": [{"role": "assistant", "content": row.answer}],
            "non_preferred_output": [{"role": "assistant", "content": row.rejected}],
        }

    def check(self, value: Mapping[str, Any]) -> list[Fault]:
        """What breaks the rules of a preference row."""
        needed = ("input", "preferred_output", "non_preferred_output")
        found = unknown_members(value, needed) + missing_members(value, needed)
        if "input" in value:
            found += _input(value["input"])
        for name in needed[1:]:
            if name in value:
                found += one_answer(value[name], name)
        return found or same_answers(self.read(value))

    def read(self, value: Mapping[str, Any]) -> Spoken:
        """The prompt and both answers."""
        answers = [value[name][0]["content"] for name in ("preferred_output", "non_preferred_output")]
        return Spoken(read_messages(value["input"]["messages"]), *answers)


def same_answers(said: Spoken) -> list[Fault]:
    """A fault where a pair's two answers are one."""
    if said.answer != said.rejected:
        return []
    message, hint = "The preferred and the rejected answer are the same.", "A pair has to say which is better."
    return [Fault("format.pair", "error", message, hint)]


def _input(value: object) -> list[Fault]:
    if not isinstance(value, Mapping):
        return [Fault("format.members", "error", "input is no object.", "Write the messages inside it.")]
    found = unknown_members(value, ("messages", "tools", "parallel_tool_calls"), "input.")
    found += tool_faults(value)
    if "messages" not in value:
        return [*found, Fault("format.members", "error", "Missing: input.messages.", "Add what is missing.")]
    return found + open_prompt(value["messages"], "input.messages")


def _turns(messages: list[dict[str, Any]]) -> list[Fault]:
    """What is wrong with the order of sound messages, and with what is learned of them."""
    last = messages[-1]
    if last["role"] != "assistant":
        return [Fault("format.last", "error", "The last message is not the assistant's.", "End with the answer.")]
    found: list[Fault] = []
    if not any(message["role"] == "user" for message in messages):
        found.append(Fault("format.last", "error", "No message is the user's.", "Put the question before the answer."))
    if last.get("weight", 1) == 0:
        found.append(Fault("format.weight", "error", "The answer weighs 0.", "Nothing is learned from it: write 1."))
    if any(message["role"] == "assistant" and message.get("weight", 1) for message in messages[:-1]):
        hint = 'Write "weight": 0 where only the last answer is meant.'
        found.append(Fault("format.weight", "warning", "Answers before the last one are learned, too.", hint))
    return found
