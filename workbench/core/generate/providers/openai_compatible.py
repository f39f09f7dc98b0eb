"""Any endpoint that speaks OpenAI's protocol: OpenAI, Azure, Ollama, vLLM, llama.cpp, LM Studio, gateways.

One bound holds the whole answer, retries included, so a server that trickles or hangs is left in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import date
from time import perf_counter
from typing import Any

from workbench.core.errors import (
    ModelBrokeOffError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelUnreachableError,
)
from workbench.core.generate.providers.calls import Answer, Call, ModelInfo, OnText, Tokens
from workbench.core.generate.providers.endpoints import Endpoint, Endpoints, Place, place_of
from workbench.core.generate.providers.profiles import Profile, Profiles, after_refusal
from workbench.core.generate.providers.registry import provider
from workbench.core.generate.providers.talking import Refusal, Reported, Unreached
from workbench.core.generate.secrecy import FINE_TUNED, Scrub, scrubber
from workbench.core.generate.wire import SCHEMA_NAME
from workbench.core.music.reading import MAX_BYTES
from workbench.core.settings import Settings

MAX_TRIES = 12
"""Calls to one answer while its endpoint refuses one parameter after another."""
MOST_MODELS = 2000

_profiles = Profiles()


class _Writing:
    """An answer as it comes in."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self._pieces: list[str] = []
        self._length = 0
        self.began = perf_counter()
        self.first: float | None = None
        self.finish = ""
        self.refusal = ""
        self.usage: dict[str, Any] = {}

    def take(self, told: Mapping[str, Any]) -> None:
        """Take up a part of the answer, or the whole of it, as far as it is what it should be."""
        usage, choices = told.get("usage"), told.get("choices")
        if isinstance(usage, dict):
            self.usage = usage
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict):
                continue
            said = choice.get("delta") or choice.get("message")
            about = said if isinstance(said, dict) else {}
            self.add(about.get("content"))
            self.refusal += _text(about.get("refusal"))
            self.finish = _text(choice.get("finish_reason")) or self.finish

    def add(self, piece: Any) -> None:
        if piece and isinstance(piece, str):
            if self.first is None:
                self.first = perf_counter() - self.began
            self._pieces.append(piece)
            self._length += len(piece)
            self._on_text(piece)

    @property
    def too_long(self) -> bool:
        return self._length > MAX_BYTES

    @property
    def text(self) -> str:
        return "".join(self._pieces)


class OpenAICompatible:
    """The endpoint of the settings, and those of models that have one of their own."""

    name = "openai"
    needs_model = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._endpoints = Endpoints(settings)

    async def answer(self, call: Call, on_text: OnText) -> Answer:
        """Ask, leaving out what the endpoint refuses.

        Raises:
            ModelError: there is no answer.
        """
        if not call.model:
            raise ModelRefusedError(
                "No model is named.", kind="no-model", hint="Set WORKBENCH_MODEL_BASE, or choose a model."
            )
        model, place = call.model, place_of(call.endpoint, self._settings)
        notes: list[str] = []
        writing = _Writing(on_text)
        try:
            endpoint = self._endpoints.at(place)
            async with endpoint.turns:
                writing.began = perf_counter()
                async with asyncio.timeout(call.timeout):
                    for _ in range(MAX_TRIES):
                        profile = _profiles.of(place.url, model)
                        try:
                            retried = await self._ask(endpoint, call, model, profile, writing)
                        except Refusal as problem:
                            bad = problem.status in (400, 422)
                            learned = after_refusal(profile, str(problem), problem.param) if bad else None
                            if learned is None or writing.text:
                                raise
                            _profiles.learn(place.url, model, learned[0])
                            notes.append(learned[1])
                            continue
                        if retried:
                            notes.append(f"tried again {retried} time{'s' if retried > 1 else ''}")
                        return self._finished(call, writing, tuple(notes))
            raise ModelRefusedError(
                "The endpoint refuses one parameter after another.", kind="http-400", hint="Choose another model."
            )
        except ModelError:
            raise
        except Exception as problem:
            raise self._explained(problem, call, writing, place) from None

    async def _ask(self, endpoint: Endpoint, call: Call, model: str, profile: Profile, writing: _Writing) -> int:
        """One question; the number of times that it was asked again."""
        async with await endpoint.line.ask("chat/completions", _arguments(call, model, profile)) as reply:
            if not profile.streaming:
                writing.take(await reply.whole())
                return reply.tries
            async for told in reply.events():
                writing.take(told)
                if writing.too_long:
                    raise ValueError("too long")
            return reply.tries

    def _finished(self, call: Call, writing: _Writing, notes: tuple[str, ...]) -> Answer:
        text = whole_text(writing.text, writing.refusal, writing.finish, scrubber(self._settings, call.secret))
        return Answer(
            text,
            writing.finish,
            _tokens(writing.usage, call, text),
            perf_counter() - writing.began,
            writing.first,
            notes,
        )

    def _explained(self, problem: Exception, call: Call, writing: _Writing, place: Place) -> ModelError:
        scrub = scrubber(self._settings, call.secret)
        partial = scrub(writing.text)
        if writing.too_long:
            return _too_long()
        model = FINE_TUNED if call.fine_tuned else call.model
        message, hint, kind, error = _words(problem, str(model), call.timeout, place)
        if partial and kind == "connection":
            message, hint, kind, error = (
                "The answer broke off.",
                "Try again in a moment.",
                "broke-off",
                ModelBrokeOffError,
            )
        return error(scrub(message), hint=hint, kind=kind, partial=partial)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the settings' endpoint lists, by name.

        Raises:
            ModelError: it does not answer, or has no list.
        """
        found: list[ModelInfo] = []
        place = place_of("", self._settings)
        try:
            async with asyncio.timeout(20):
                async with await self._endpoints.at(place).line.ask("models") as reply:
                    rows = (await reply.whole()).get("data")
            for row in rows[:MOST_MODELS] if isinstance(rows, list) else ():
                if isinstance(row, dict) and row.get("id"):
                    found.append(
                        ModelInfo(str(row["id"]), _day(row.get("shutdown_date")), str(row.get("owned_by") or ""))
                    )
        except ModelError:
            raise
        except Exception as problem:
            message, hint, kind, error = _words(problem, "", 20, place)
            raise error(scrubber(self._settings)(message), hint=hint, kind=kind) from None
        return tuple(sorted(found, key=lambda each: each.id))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._endpoints.close()


@provider("openai")
def openai(settings: Settings) -> OpenAICompatible:
    """Any endpoint that speaks OpenAI's protocol: OPENAI_BASE_URL says which, OPENAI_API_KEY opens it."""
    return OpenAICompatible(settings)


def whole_text(text: str, refusal: str, finish: str, scrub: Scrub) -> str:
    """An answer's text, without secrets.

    Raises:
        ModelError: it is none: the model declined, or said nothing, too much, or not all.
    """
    if len(text) > MAX_BYTES:
        raise _too_long()
    text = scrub(text)
    if refusal or finish == "content_filter":
        said = f": {scrub(refusal)[:200]}" if refusal else "."
        raise ModelRefusedError(f"The model declined{said}", kind="declined", partial=text, hint="Change the words.")
    if not text.strip():
        raise ModelBrokeOffError("The answer was empty.", kind="empty", hint="Try again, or choose another model.")
    if not finish:
        raise ModelBrokeOffError("The answer broke off.", kind="broke-off", partial=text, hint="Try again in a moment.")
    return text


def whole_body(call: Call, settings: Settings) -> dict[str, Any]:
    """The JSON object that asks for an answer in one piece, as the endpoint is known to want it by now."""
    assert call.model is not None
    profile = replace(_profiles.of(place_of(call.endpoint, settings).url, call.model), streaming=False)
    arguments = _arguments(call, call.model, profile)
    return {name: value for name, value in arguments.items() if name != "stream"}


def _too_long() -> ModelBrokeOffError:
    return ModelBrokeOffError(
        "The answer does not end: it is longer than a megabyte.", kind="too-long", hint="Choose another model."
    )


def _arguments(call: Call, model: str, profile: Profile) -> dict[str, Any]:
    messages = [message.to_dict() for message in call.messages]
    arguments: dict[str, Any] = {"model": model, "messages": messages, "stream": profile.streaming}
    if profile.streaming and profile.counted:
        arguments["stream_options"] = {"include_usage": True}
    if call.temperature is not None and profile.temperature:
        arguments["temperature"] = call.temperature
    if call.seed is not None and profile.seed:
        arguments["seed"] = call.seed
    if call.max_tokens is not None and profile.limit:
        arguments[profile.limit] = call.max_tokens
    if call.schema is not None and profile.output == "schema":
        schema = {"name": SCHEMA_NAME, "strict": not call.lean, "schema": call.schema}
        arguments["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif profile.output == "json":
        arguments["response_format"] = {"type": "json_object"}
    return arguments


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _tokens(usage: Mapping[str, Any], call: Call, text: str) -> Tokens:
    """What the endpoint says it took; counted here where it says nothing."""
    into, out = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if isinstance(into, int) and isinstance(out, int) and into >= 0 and out >= 0:
        return Tokens(min(into, 10**9), min(out, 10**9))
    from workbench.core.generate.counting import count_messages, count_tokens

    return Tokens(count_messages(call.messages, call.model).tokens, count_tokens(text, call.model).tokens, exact=False)


def _day(value: Any) -> date | None:
    if isinstance(value, int | float):
        with suppress(ValueError, OverflowError, OSError):
            return date.fromtimestamp(value)
        return None
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


Told = tuple[str, str, str, Callable[..., ModelError]]


def _words(problem: Exception, model: str, timeout: float, place: Place) -> Told:
    """Message, hint, kind and type of an error, for a person who cannot see the call."""
    if isinstance(problem, TimeoutError):
        return (
            f"The model did not finish within {timeout:g} seconds.", "Try again, or raise WORKBENCH_MODEL_TIMEOUT.",
            "timeout", ModelUnreachableError,
        )  # fmt: skip
    if isinstance(problem, Refusal):
        return _status_words(problem, model, place)
    if isinstance(problem, Unreached | OSError) or "aiohttp" in type(problem).__module__:
        return (
            "The endpoint cannot be reached.", f"Check that it runs, and {place.where}.", "connection",
            ModelUnreachableError,
        )  # fmt: skip
    if isinstance(problem, Reported):
        return f"The endpoint reports: {str(problem)[:200]}.", "Try again.", "broke-off", ModelBrokeOffError
    return "What came back is no answer.", "Try again in a moment.", "broke-off", ModelBrokeOffError


def _status_words(problem: Refusal, model: str, place: Place) -> Told:
    status, code = problem.status, problem.code or ""
    kind = f"http-{status}"
    if status == 401:
        return "The endpoint refuses the key.", place.opens, kind, ModelRefusedError
    if status == 403:
        return (
            "The key may not use this model.",
            "Choose another model, or ask whoever keeps the key.",
            kind,
            ModelRefusedError,
        )
    if status == 404:
        return (
            f"The endpoint does not know the model {model[:80]}." if model else "The endpoint has no list of models.",
            f"Choose one of its models, and check {place.where}.", kind, ModelRefusedError,
        )  # fmt: skip
    if status == 429:
        if "quota" in code or "quota" in str(problem).lower():
            return "The endpoint's quota is used up.", "Check plan and billing there.", kind, ModelBusyError
        return "The endpoint is busy: too many requests.", "Try again in a minute.", kind, ModelBusyError
    if status >= 500:
        return f"The endpoint fails ({status}).", "Try again in a moment.", kind, ModelUnreachableError
    said = str(problem)[:240]
    return (
        f"The endpoint refuses the call ({status}): {said}",
        "Choose another model or template.",
        kind,
        ModelRefusedError,
    )
