"""The conversational formats of TRL's trainers.

Source of the rules: TRL's documentation of dataset formats and ``trl.data_utils``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.core.datasets.faults import Fault
from workbench.core.datasets.files.message_rules import (
    missing_members,
    one_answer,
    open_prompt,
    read_messages,
    unknown_members,
)
from workbench.core.datasets.files.openai_formats import same_answers
from workbench.core.datasets.files.row_formats import FileRules, RowFormat, Spoken, row_format
from workbench.core.datasets.rows import Row, plain_messages


class _Parted(RowFormat):
    """A prompt and, each under its own name, one answer or two. Members beside them are columns that nobody reads."""

    answers: tuple[str, ...]
    rules = FileRules()

    def write(self, row: Row) -> dict[str, Any]:
        """The row's prompt and answers."""
        said = zip(self.answers, (row.answer, row.rejected), strict=False)
        return {
            "prompt": plain_messages(row.prompt),
            **{name: [{"role": "assistant", "content": content}] for name, content in said},
        }

    def check(self, value: Mapping[str, Any]) -> list[Fault]:
        """What breaks the rules of a line."""
        found = missing_members(value, ("prompt", *self.answers))
        if "prompt" in value:
            found += open_prompt(value["prompt"], "prompt")
        for name in self.answers:
            if name in value:
                found += one_answer(value[name], name)
        if not found and self.kind == "pair":
            found += same_answers(self.read(value))
        return found + unknown_members(value, ("prompt", *self.answers), severity="warning")

    def read(self, value: Mapping[str, Any]) -> Spoken:
        """The prompt and its answers."""
        return Spoken(read_messages(value["prompt"]), *(value[name][0]["content"] for name in self.answers))


@row_format("trl-sft")
class TRLCompletions(_Parted):
    """A prompt and its completion, both as messages; the loss is on the completion alone."""

    title = "TRL prompt and completion (SFT)"
    kind = "chat"
    marks = frozenset({"completion"})
    answers = ("completion",)


@row_format("trl-dpo")
class TRLPairs(_Parted):
    """A prompt with the chosen and the rejected answer, all as messages."""

    title = "TRL preference pairs (DPO)"
    kind = "pair"
    marks = frozenset({"chosen", "rejected"})
    answers = ("chosen", "rejected")
