"""The lines of a batch: a question each, and what came of it, in any order, or not at all.

Whatever an endpoint's file holds is read: a line that is no answer to one of the questions says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workbench.core.errors import ModelError
from workbench.core.experiments.heard import Said, said_of
from workbench.core.generate.counting import count_tokens
from workbench.core.generate.providers import Call, Tokens
from workbench.core.generate.providers.openai_compatible import whole_body, whole_text
from workbench.core.generate.secrecy import Scrub
from workbench.core.settings import Settings

_MOST = 10**9


@dataclass(frozen=True)
class Line:
    """What came of the question ``cell``: what was ``said``, or None and a short word for why not."""

    cell: str
    said: Said | None
    fault: str = ""


def written(call: Call, cell: str, settings: Settings) -> bytes:
    """The line that asks a question, with its end."""
    told = {"custom_id": cell, "method": "POST", "url": "/v1/chat/completions", "body": whole_body(call, settings)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def read_line(line: bytes, cells: Mapping[str, Any], model: str | None, scrub: Scrub) -> Line | None:
    """What a line tells of one of the cells, which have the tokens that their questions were counted at; else None."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not isinstance(cell := told.get("custom_id"), str) or cell not in cells:
        return None
    response = told.get("response")
    status = response.get("status_code") if isinstance(response, dict) else None
    if isinstance(response, dict) and status == 200 and not told.get("error"):
        said = _said(response.get("body"), cells[cell], model, scrub)
        return Line(cell, said, "" if said is not None else "no-answer")
    error = told.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    fault = f"http-{status}" if isinstance(status, int) else code if isinstance(code, str) else "no-answer"
    return Line(cell, None, scrub(fault)[:40])


def _said(body: Any, counted: Any, model: str | None, scrub: Scrub) -> Said | None:
    """The answer in a chat completion, good or bad; None where it is none."""
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or not isinstance(choice, dict):
        return None
    text, refusal, finish = (
        value if isinstance(value, str) else ""
        for value in (message.get("content"), message.get("refusal"), choice.get("finish_reason"))
    )
    tokens = _tokens(body.get("usage"), counted, text, model)
    try:
        return Said(whole_text(text, refusal, finish, scrub), finish[:40], tokens, batched=True)
    except ModelError as problem:
        return replace(said_of(problem, 0.0), tokens=tokens, batched=True)


def _tokens(usage: Any, counted: Any, text: str, model: str | None) -> Tokens:
    """What the endpoint says that it took; counted here where it says nothing."""
    told = [usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")]
    counts = [each for each in told if isinstance(each, int) and not isinstance(each, bool) and each >= 0]
    if len(counts) == 2:
        return Tokens(min(counts[0], _MOST), min(counts[1], _MOST))
    into = counted if isinstance(counted, int) else 0
    return Tokens(into, count_tokens(text, model).tokens, exact=False)
