"""What a model can do: known from its name where that tells, else found out from what its endpoint refuses.

The first guess is the best of everything. Each refusal takes one thing away, and what was learned is kept for the next
call, so an endpoint that nobody here has heard of is asked at most a few times too often.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Literal

Output = Literal["schema", "json", "text"]
_REASONING = re.compile(r"(ft:)?(o[134](-|$)|gpt-5)")
_JSON_ONLY = re.compile(r"(ft:)?(gpt-4-(turbo|1106|0125)|gpt-3\.5)")
_TEXT_ONLY = re.compile(r"(ft:)?gpt-4($|-0)")


@dataclass(frozen=True)
class Profile:
    """What a model can do.

    ``output`` is the strictest form of answer: held to a schema, any JSON, or plain text. ``limit`` names the parameter
    that bounds an answer's tokens; ``renamed`` says that its other name was tried. ``streaming`` and ``counted`` say
    whether it streams and then tells its usage.
    """

    output: Output = "schema"
    streaming: bool = True
    counted: bool = True
    temperature: bool = True
    seed: bool = True
    limit: Literal["max_completion_tokens", "max_tokens"] | None = "max_tokens"
    renamed: bool = False


def first_guess(base_url: str | None, model: str) -> Profile:
    """What a model can do as far as its name and address tell."""
    profile = Profile()
    if base_url is None or "openai.com" in base_url or "azure.com" in base_url:
        profile = replace(profile, limit="max_completion_tokens")
    if _REASONING.match(model):
        profile = replace(profile, temperature=False, limit="max_completion_tokens")
    if _JSON_ONLY.match(model):
        return replace(profile, output="json")
    return replace(profile, output="text") if _TEXT_ONLY.match(model) else profile


def after_refusal(profile: Profile, message: str, param: str | None) -> tuple[Profile, str] | None:
    """What to try when an endpoint refuses a call, and a note on it; None where nothing can be taken away."""
    said = f"{param or ''} {message}".lower()

    def about(*words: str) -> bool:
        return any(re.search(rf"(?<![a-z]){word}", said) for word in words)  # an upstream is no stream

    if profile.output != "text" and about("response_format", "json_schema", "json_object", "structured output"):
        lower: Output = "json" if profile.output == "schema" else "text"
        return replace(profile, output=lower), f"asked without a {'schema' if lower == 'json' else 'JSON mode'}"
    if profile.temperature and about("temperature"):
        return replace(profile, temperature=False), "asked without a temperature"
    if about("max_completion_tokens", "max_tokens") and profile.limit is not None:
        other = "max_completion_tokens" if profile.limit == "max_tokens" else "max_tokens"
        wants_other = f"use '{other}'" in said or (param == profile.limit and other in said.replace(profile.limit, ""))
        if not profile.renamed and (wants_other or profile.limit == "max_completion_tokens"):
            return replace(profile, limit=other, renamed=True), f"asked with {other}"  # type: ignore[arg-type]
        return replace(profile, limit=None), "asked without a limit"
    if profile.counted and about("stream_options", "include_usage"):
        return replace(profile, counted=False), "asked without a count"
    if profile.streaming and about("stream"):
        return replace(profile, streaming=False), "asked without streaming"
    if profile.seed and about("seed"):
        return replace(profile, seed=False), "asked without a seed"
    return None


class Profiles:
    """What was learned about models, by address and id."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Profile] = {}
        self._lock = threading.Lock()

    def of(self, base_url: str | None, model: str) -> Profile:
        """What is known of a model, or the first guess."""
        with self._lock:
            return self._known.get((base_url or "", model)) or first_guess(base_url, model)

    def learn(self, base_url: str | None, model: str, profile: Profile) -> None:
        """Keep what a refusal has taught."""
        with self._lock:
            self._known[base_url or "", model] = profile
            if len(self._known) > 2000:
                self._known.pop(next(iter(self._known)))
