"""Any endpoint that speaks OpenAI's protocol: OpenAI, Azure, Ollama, vLLM, llama.cpp, LM Studio, gateways.

The ``openai`` package does the talking: retries with ``Retry-After`` and connection limits are its own. One bound
holds the whole answer, retries included, so a server that trickles or hangs is left in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
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
from workbench.core.generate.secrecy import FINE_TUNED, scrubber
from workbench.core.generate.wire import SCHEMA_NAME
from workbench.core.music.reading import MAX_BYTES
from workbench.core.settings import Settings

MAX_TRIES = 12
"""Calls to one answer while its endpoint refuses one parameter after another."""

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
        self.usage: Any = None

    def add(self, piece: str | None) -> None:
        if piece:
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
                        except _bad_request() as problem:
                            learned = after_refusal(profile, str(problem), getattr(problem, "param", None))
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
        """One question; the number of times that the package asked again by itself."""
        arguments = _arguments(call, model, profile)
        raw = await endpoint.client.chat.completions.with_raw_response.create(**arguments)
        if not profile.streaming:
            whole = raw.parse()
            choice = (getattr(whole, "choices", None) or [None])[0]
            if choice is not None:
                writing.add(choice.message.content)
                writing.refusal = getattr(choice.message, "refusal", None) or ""
                writing.finish = choice.finish_reason or ""
            writing.usage = getattr(whole, "usage", None)
            return int(raw.retries_taken)
        async with raw.parse() as stream:
            async for chunk in stream:
                writing.usage = getattr(chunk, "usage", None) or writing.usage
                for choice in getattr(chunk, "choices", None) or ():
                    writing.add(choice.delta.content)
                    writing.refusal += getattr(choice.delta, "refusal", None) or ""
                    writing.finish = choice.finish_reason or writing.finish
                if writing.too_long:
                    raise ValueError("too long")
        return int(raw.retries_taken)

    def _finished(self, call: Call, writing: _Writing, notes: tuple[str, ...]) -> Answer:
        scrub = scrubber(self._settings, call.secret)
        text = scrub(writing.text)
        if writing.refusal or writing.finish == "content_filter":
            said = f": {scrub(writing.refusal)[:200]}" if writing.refusal else "."
            raise ModelRefusedError(
                f"The model declined{said}", kind="declined", partial=text, hint="Change the words."
            )
        if not text.strip():
            raise ModelBrokeOffError("The answer was empty.", kind="empty", hint="Try again, or choose another model.")
        if not writing.finish:
            raise ModelBrokeOffError(
                "The answer broke off.", kind="broke-off", partial=text, hint="Try again in a moment."
            )
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
            return ModelBrokeOffError(
                "The answer does not end: it is longer than a megabyte.", kind="too-long", hint="Choose another model."
            )
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
                async for row in self._endpoints.at(place).client.models.list():
                    found.append(
                        ModelInfo(str(row.id), _day(getattr(row, "shutdown_date", None)), str(row.owned_by or ""))
                    )
                    if len(found) >= 2000:
                        break
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


def _arguments(call: Call, model: str, profile: Profile) -> dict[str, Any]:
    # Plain JSON goes as it is: the package would look through every part of it, which takes as long as all else.
    plain: dict[str, Any] = {"messages": [message.to_dict() for message in call.messages]}
    arguments: dict[str, Any] = {"model": model, "messages": [], "stream": profile.streaming, "extra_body": plain}
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
        plain["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif profile.output == "json":
        plain["response_format"] = {"type": "json_object"}
    return arguments


def _bad_request() -> tuple[type[Exception], ...]:
    from openai import BadRequestError, UnprocessableEntityError

    return (BadRequestError, UnprocessableEntityError)


def _tokens(usage: Any, call: Call, text: str) -> Tokens:
    """What the endpoint says it took; counted here where it says nothing."""
    into, out = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
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
    import openai

    if isinstance(problem, openai.APITimeoutError | TimeoutError):
        return (
            f"The model did not finish within {timeout:g} seconds.", "Try again, or raise WORKBENCH_MODEL_TIMEOUT.",
            "timeout", ModelUnreachableError,
        )  # fmt: skip
    if isinstance(problem, openai.APIStatusError):
        return _status_words(problem, model, place)
    if isinstance(problem, openai.APIResponseValidationError):
        return "What came back is no answer.", f"Check {place.where}.", "no-answer", ModelBrokeOffError
    if isinstance(problem, openai.APIConnectionError):
        return (
            "The endpoint cannot be reached.", f"Check that it runs, and {place.where}.", "connection",
            ModelUnreachableError,
        )  # fmt: skip
    if isinstance(problem, openai.APIError):
        return f"The endpoint reports: {str(problem)[:200]}.", "Try again.", "broke-off", ModelBrokeOffError
    return (
        "The answer broke off." if "httpx" in type(problem).__module__ else "What came back is no answer.",
        "Try again in a moment.", "broke-off", ModelBrokeOffError,
    )  # fmt: skip


def _status_words(problem: Any, model: str, place: Place) -> Told:
    status, code = int(problem.status_code), str(problem.code or "")
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
    said = str(getattr(problem, "message", "") or problem)[:240]
    return (
        f"The endpoint refuses the call ({status}): {said}",
        "Choose another model or template.",
        kind,
        ModelRefusedError,
    )
