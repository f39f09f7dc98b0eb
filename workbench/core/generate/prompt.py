"""The exact messages that a model gets: system, examples, request and plan, each from its own part of a template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.core.checks import PROFILES, Finding
from workbench.core.checks.profiles import families_of
from workbench.core.compose import FormPlan, plan
from workbench.core.generate.providers.calls import Message
from workbench.core.generate.sandbox import fill
from workbench.core.generate.templates import Template
from workbench.core.generate.wire import wire_text
from workbench.core.library.examples import Example
from workbench.core.music.keys import Mode
from workbench.core.music.moods import mood_word
from workbench.core.music.request import Request

MAX_FINDINGS = 12
MAX_QUOTED = 24_000
"""Characters of an answer that are quoted back when it is asked for again."""

_SILENT = ("id", "seed")
CHORDS: dict[Mode, tuple[str, ...]] = {
    "major": (
        "I", "I6", "ii", "ii6", "ii65", "iii", "IV", "IV6", "V", "V6", "V7", "V65", "V43", "V42", "vi", "viio6",
        "Cad64", "V7/V", "V65/V", "V7/ii", "V7/IV", "V7/vi", "iv", "N6", "Ger65", "bVI", "bIII", "Imaj7", "IVmaj7",
        "I[add6]", "bVII",
    ),
    "minor": (
        "i", "i6", "iio6", "iiø65", "III", "iv", "iv6", "V", "V6", "V7", "V65", "V43", "V42", "VI", "VI6", "VII",
        "viio6", "viio7", "Cad64", "V7/III", "V7/iv", "V7/V", "N6", "Ger65", "It6", "I", "IV", "i7",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """A conversation to send, and the examples that stand in it, by id."""

    messages: tuple[Message, ...]
    template: str
    examples: tuple[str, ...] = ()


def build_prompt(
    request: Request, form: FormPlan, template: Template, *, examples: Sequence[Example] = (), kept: str = "",
    system: bool = True,
) -> Prompt:  # fmt: skip
    """The messages for a request under a plan; training data may leave the system part out.

    Raises:
        TemplateError: a part of the template cannot be filled.
    """
    values = values_for(request, form, kept)
    messages = [Message("system", fill(template.parts["system"], values, "system"))] if system else []
    for example in examples:
        own = plan(example.request, seed=0) if example.request.section_plan else _plan_of(example)
        question = _question(values_for(example.request, own), template, part="example")
        messages += [Message("user", question), Message("assistant", wire_text(example.structure))]
    messages.append(Message("user", _question(values, template)))
    return Prompt(tuple(messages), template.label, tuple(example.id for example in examples))


def ask_again(
    prompt: Prompt, answer: str, findings: Sequence[Mapping[str, Any]], request: Request, form: FormPlan,
    template: Template, *, kept: str = "",
) -> tuple[Message, ...]:  # fmt: skip
    """The conversation so far, with what is wrong with the answer.

    Raises:
        TemplateError: the part cannot be filled.
    """
    values = values_for(request, form, kept) | {"findings": list(findings)[:MAX_FINDINGS]}
    said = answer if len(answer) <= MAX_QUOTED else answer[:MAX_QUOTED] + " …"
    before = (Message("assistant", said),) if said.strip() else ()
    return (*prompt.messages, *before, Message("user", fill(template.parts["retry"], values, "retry")))


def ask_editor(
    request: Request, form: FormPlan, draft: str, findings: Sequence[Mapping[str, Any]], template: Template,
    *, kept: str = "",
) -> tuple[Message, ...]:  # fmt: skip
    """A second model call that improves a draft under the plan.

    Raises:
        TemplateError: the part cannot be filled.
    """
    values = values_for(request, form, kept)
    system = fill(template.parts["system"], values, "system")
    question = _question(values, template)
    values = values | {"findings": list(findings)[:MAX_FINDINGS], "draft": draft}
    return (
        Message("system", system),
        Message("user", question + "\n\n" + fill(template.parts["editor"], values, "editor")),
    )


def values_for(request: Request, form: FormPlan, kept: str = "") -> dict[str, Any]:
    """What every part of a template may name."""
    asked = request.model_copy(update=dict.fromkeys(_SILENT))
    modes = dict.fromkeys(section.key.mode for section in form.sections)
    period = form.manner.period
    return {
        "request": request.model_dump(mode="json"),
        "request_json": asked.to_json(),
        "mood": mood_word(request.valence, request.arousal),
        "plan": _plain(form.to_dict()),
        "bar_quarters": _plain(form.manner.meter.bar_quarters),
        "chords": [{"mode": mode, "figures": list(style_chords(period, mode))} for mode in modes],
        "profile": period,
        "kept": kept,
    }


def style_chords(period: str, mode: Mode) -> tuple[str, ...]:
    """The commonest numerals that a period's profile allows in a mode."""
    allowed = PROFILES[period].families
    return tuple(figure for figure in CHORDS[mode] if families_of(figure, mode) <= allowed)


def finding_values(finding: Finding) -> dict[str, Any]:
    """A finding as a template sees it."""
    return {"measure": finding.measure, "message": finding.message, "hint": finding.hint, "check": finding.check}


def _question(values: dict[str, Any], template: Template, *, part: str = "") -> str:
    asked = fill(template.parts["request"], values, "request")
    planned = fill(template.parts["plan"], values, "plan")
    if not part:
        return f"{asked}\n\n{planned}"
    return fill(template.parts[part], values | {"request_part": asked, "plan_part": planned}, part)


def _plan_of(example: Example) -> FormPlan:
    from workbench.core.compose.replan import plan_of

    return plan_of(example.structure, example.request, seed=0)


def _plain(value: Any) -> Any:
    """Whole numbers without a decimal point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
