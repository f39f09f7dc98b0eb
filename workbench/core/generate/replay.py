"""Replaying a generation: the recorded answers go through today's pipeline once more, and no model is asked.

What comes out is compared with what came out then: so a trace proves itself, and a change of the sanitizer, the checks
or the refining shows what it would have done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from workbench.core.errors import ModelError, ModelRefusedError, ModelUnreachableError
from workbench.core.generate.generation import Generation, GenerationSettings, Workshop, read_kept
from workbench.core.generate.pipeline import generate
from workbench.core.generate.providers import Answer, Call, ModelInfo, Providers, Tokens
from workbench.core.generate.providers.calls import OnText
from workbench.core.generate.rollout import Circuits
from workbench.core.generate.secrecy import FINE_TUNED
from workbench.core.generate.trace import recorded_answers
from workbench.core.library.generations import GenerationRecord
from workbench.core.library.tuned import Rollout, Served
from workbench.core.music.request import Request
from workbench.core.settings import Settings


@dataclass(frozen=True)
class Replay:
    """What a replay came to; ``words`` say how it differs."""

    same: bool
    outcome: str
    words: str
    generation: Generation | None


class Recorded:
    """A provider that says again what was said, in the same order."""

    needs_model = True

    def __init__(self, name: str, calls: Sequence[dict[str, Any]]) -> None:
        self.name = name
        self._calls = [call for call in calls if call.get("provider") == name and "messages" in call]

    async def answer(self, call: Call, on_text: OnText) -> Answer:  # noqa: ARG002
        """The next recorded answer, or the next recorded error."""
        if not self._calls:
            raise ModelRefusedError("The recording has ended.", kind="recording-ended")
        said = self._calls.pop(0)
        error = said.get("error")
        if error:
            kind = str(error.get("kind", ""))
            raise _error_of(kind)(
                str(error.get("message", "")),
                hint=str(error.get("hint", "")),
                kind=kind,
                partial=str(said.get("raw") or ""),
            )
        text = str(said.get("raw") or "")
        on_text(text)
        told = said.get("tokens") or {}
        tokens = Tokens(int(told.get("in", 0)), int(told.get("out", 0)), bool(told.get("exact", True)))
        return Answer(text, str(said.get("finish") or "stop"), tokens)

    async def models(self) -> tuple[ModelInfo, ...]:
        """None."""
        return ()

    async def close(self) -> None:
        """Nothing to let go of."""


def replay(record: GenerationRecord, workshop: Workshop) -> Replay:
    """Run a kept generation again from its recording."""
    calls = recorded_answers(list(record.trace or ()))
    settings = _settings(record, calls)
    known = {field.name for field in fields(GenerationSettings)}
    kept = {name: value for name, value in dict(record.settings).items() if name in known}
    how = GenerationSettings(**kept | {name: tuple(kept.get(name, ())) for name in ("pinned", "banned")})
    request = Request.model_validate(dict(record.request))
    providers = Providers(settings)
    for name in {str(call.get("provider")) for call in calls} - {"rules"}:
        providers.put(Recorded(name, calls))
    rollout = _rollout(calls)
    apart = replace(
        workshop, settings=settings, providers=providers, circuits=Circuits(failures=10**6), rollout=lambda: rollout
    )
    how = replace(how, provider=_provider(calls, how), variant="", model=None)
    try:
        generation = asyncio.run(generate(request, how, apart, kept=read_kept(record.settings)))
    except (ModelError, ValueError) as problem:
        return Replay(False, "", str(problem), None)
    same_piece = generation.structure.to_dict() == dict(record.structure or {})
    if same_piece and generation.outcome == record.outcome:
        return Replay(True, generation.outcome, "", generation)
    words = f"{record.outcome} then, {generation.outcome} now" if generation.outcome != record.outcome else ""
    return Replay(
        False,
        generation.outcome,
        words or "the piece differs, as the sanitizer or the refining has changed",
        generation,
    )


def _settings(record: GenerationRecord, calls: Sequence[dict[str, Any]]) -> Settings:
    """The switch as it stood: which variants were asked, under names that say nothing."""
    own = any(call.get("variant") == "ft" and not call.get("registered") for call in calls)
    return Settings.model_construct(
        **Settings.model_construct().__dict__
        | {
            "model_base": "recorded-base",
            "model_ft": FINE_TUNED if own else None,
            "model_variant": _variant(calls),
            "provider": "adapt" if _adapted_behind(calls) else record.provider or "rules",
        }
    )


def _registered(calls: Sequence[dict[str, Any]]) -> list[str]:
    """The registry's models that were asked, in that order: a canary before the live one, where there were two."""
    asked = (str(call["registered"]) for call in calls if call.get("registered") and "messages" in call)
    return list(dict.fromkeys(asked))


def _rollout(calls: Sequence[dict[str, Any]]) -> Rollout:
    """The registry as it stood, with all requests for the canary."""
    served = [Served(id, FINE_TUNED, f"recorded {id}") for id in _registered(calls)]
    return Rollout(served[-1] if served else None, served[0] if len(served) > 1 else None, 1.0)


def _variant(calls: Sequence[dict[str, Any]]) -> Any:
    first = next((call for call in calls if "messages" in call), None)
    if first is None or first.get("variant") != "ft":
        return "base"
    return "canary" if len(_registered(calls)) > 1 else "ft"


def _adapted_behind(calls: Sequence[dict[str, Any]]) -> bool:
    """Whether an example was adapted where a registered model had failed."""
    return any(call.get("registered") for call in calls) and any(call.get("provider") == "adapt" for call in calls)


def _provider(calls: Sequence[dict[str, Any]], how: GenerationSettings) -> str:
    if _adapted_behind(calls):
        return ""
    asked = (str(call.get("provider")) for call in calls)
    return next((name for name in asked if name != "rules"), how.provider or "rules")


def _error_of(kind: str) -> type[ModelError]:
    from workbench.core.errors import ModelBrokeOffError, ModelBusyError

    if kind in {"timeout", "connection"} or kind.startswith("http-5"):
        return ModelUnreachableError
    if kind == "http-429":
        return ModelBusyError
    return ModelBrokeOffError if kind in {"empty", "broke-off", "no-answer"} else ModelRefusedError
