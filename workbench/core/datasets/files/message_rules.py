"""The rules for messages that all formats share: a list of roles and texts, with nothing in them that nobody reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.core.datasets.faults import Fault, Severity
from workbench.core.generate.providers.calls import Message

ROLES = ("system", "user", "assistant")
MAX_MESSAGES = 1_000
MAX_NAMED = 5
_MEMBERS = frozenset({"role", "content"})


def message_faults(messages: object, where: str, *, weights: bool = False) -> list[Fault]:
    """What is wrong with a list of messages that stands at ``where``; ``weights`` says whether answers may have one."""
    if not isinstance(messages, list):
        return [_fault("format.messages", f"{where} is not a list of messages.", "Write it in square brackets.")]
    if not messages:
        return [_fault("format.messages", f"{where} is empty.", "Add the messages.")]
    if len(messages) > MAX_MESSAGES:
        count = f"{len(messages):,} messages; at most {MAX_MESSAGES:,} are read"
        return [_fault("format.messages", f"{where} has {count}.", "Split the conversation.")]
    found: list[Fault] = []
    for number, message in enumerate(messages):
        found += _message(message, f"{where}[{number}]", weights=weights)
    return found


def one_answer(messages: object, where: str) -> list[Fault]:
    """What is wrong with a list that has to hold the answer and nothing else."""
    found = message_faults(messages, where)
    if found or not isinstance(messages, list):
        return found
    if len(messages) != 1 or messages[0]["role"] != "assistant":
        return [_fault("format.answer", f"{where} is not one assistant message.", "Write the answer alone there.")]
    return []


def open_prompt(messages: object, where: str) -> list[Fault]:
    """What is wrong with messages that have to end where the model answers."""
    found = message_faults(messages, where)
    if not found and isinstance(messages, list) and messages[-1]["role"] != "user":
        found.append(
            _fault("format.last", f"{where} does not end with the user's message.", "End it with the question.")
        )
    return found


def unknown_members(
    value: Mapping[str, Any], known: Iterable[str], where: str = "", severity: Severity = "error"
) -> list[Fault]:
    """A fault that names the members of an object that its format does not have."""
    odd = [name for name in value if name not in known]
    if not odd:
        return []
    named = ", ".join(f"{where}{name[:40]}" for name in odd[:MAX_NAMED])
    named += f" and {len(odd) - MAX_NAMED} more" if len(odd) > MAX_NAMED else ""
    return [Fault("format.members", severity, f"Not in this format: {named}.", "Take out what nobody reads.")]


def missing_members(value: Mapping[str, Any], needed: Iterable[str]) -> list[Fault]:
    """A fault that names the members that an object lacks."""
    absent = [name for name in needed if name not in value]
    return [_fault("format.members", f"Missing: {', '.join(absent)}.", "Add what is missing.")] if absent else []


def tool_faults(value: Mapping[str, Any]) -> Iterator[Fault]:
    """What is wrong with the tools beside a conversation: they may be named, but there are none in these rows."""
    if value.get("tools", []) != []:
        yield _fault("format.tools", "The row offers tools.", "Leave them out: the answer is the music itself.")
    if not isinstance(value.get("parallel_tool_calls", True), bool):
        yield _fault("format.tools", "parallel_tool_calls is neither true nor false.", "Leave it out.")


def read_messages(messages: Iterable[Mapping[str, Any]]) -> tuple[Message, ...]:
    """Messages in which nothing is wrong."""
    return tuple(Message(each["role"], each["content"]) for each in messages)


def _fault(check: str, message: str, hint: str) -> Fault:
    return Fault(check, "error", message, hint)


def _message(message: object, where: str, *, weights: bool) -> list[Fault]:
    if not isinstance(message, Mapping):
        return [_fault("format.messages", f"{where} is no message.", "Write an object with role and content.")]
    role, content = message.get("role"), message.get("content")
    found: list[Fault] = []
    if role not in ROLES:
        shown = repr(role)[:40] if isinstance(role, str) else "no text" if "role" in message else "missing"
        found.append(_fault("format.role", f"{where}.role is {shown}.", f"It is one of {', '.join(ROLES)}."))
    if not isinstance(content, str):
        found.append(_fault("format.content", f"{where}.content is no text.", "Write one text in quotation marks."))
    elif not content.strip():
        found.append(_fault("format.content", f"{where}.content is empty.", "Write the text, or take the row out."))
    elif "\0" in content:
        found.append(_fault("format.content", f"{where}.content holds a NUL character.", "Take it out."))
    if not message.keys() <= _MEMBERS:
        known = _MEMBERS | {"weight"} if weights else _MEMBERS
        found += unknown_members(message, known, f"{where}.")
        if weights and "weight" in message:
            found += _weight(message, where)
    return found


def _weight(message: Mapping[str, Any], where: str) -> Iterator[Fault]:
    weight = message["weight"]
    if message.get("role") != "assistant":
        yield _fault("format.weight", f"{where} has a weight but is no answer.", "Only the assistant's messages have.")
    elif type(weight) is not int or weight not in (0, 1):
        yield _fault("format.weight", f"{where}.weight is neither 0 nor 1.", "Write 0 or 1, or leave it out.")
