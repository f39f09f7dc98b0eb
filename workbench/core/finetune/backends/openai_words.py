"""What a hosted service's refusals and failures mean, in plain words with what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workbench.core.errors import (
    ModelBrokeOffError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelUnreachableError,
)
from workbench.core.generate.secrecy import Scrub

MAX_SAID = 400
NOT_AVAILABLE = "training_not_available"

Told = tuple[str, str, str, Callable[..., ModelError]]


def explained(problem: Exception, scrub: Scrub, timeout: float) -> ModelError:
    """An error of the ``openai`` client as one of ours, without a secret in it."""
    message, hint, kind, error = _words(problem, timeout)
    return error(scrub(message), hint=hint, kind=kind)


def failure_words(error: Any, scrub: Scrub) -> tuple[str, str]:
    """Why a job failed and what to do, from its ``error`` object, which may lack anything."""
    code, param = str(getattr(error, "code", None) or ""), str(getattr(error, "param", None) or "")
    said = scrub(str(getattr(error, "message", None) or "")).strip()[:MAX_SAID]
    for file in ("training", "validation"):
        if f"{file}_file" in (param, code.removeprefix("invalid_")):
            return (
                f"The endpoint cannot use the {file} file. {said}".strip(),
                "Correct the rows that it names, and start anew.",
            )
    if "quota" in code or "billing" in code:
        return f"The endpoint's quota is used up. {said}".strip(), "Check plan and billing there, then try again."
    why = said or "The endpoint does not say why."
    return f"The training failed. {why}", "Try again: the files need not be uploaded again."


def is_lasting(problem: Exception) -> bool:
    """Whether a call was refused for good: the endpoint has no such thing, or does not give it."""
    return getattr(problem, "status_code", None) in (400, 403, 404, 405, 501)


def _words(problem: Exception, timeout: float) -> Told:
    import openai

    if isinstance(problem, openai.APITimeoutError):
        return (
            f"The endpoint did not answer within {timeout:g} seconds.", "Try again, or raise WORKBENCH_MODEL_TIMEOUT.",
            "timeout", ModelUnreachableError,
        )  # fmt: skip
    if isinstance(problem, openai.APIStatusError):
        return _status_words(problem)
    if isinstance(problem, openai.APIConnectionError):
        return (
            "The endpoint cannot be reached.", "Check that it runs, and OPENAI_BASE_URL.", "connection",
            ModelUnreachableError,
        )  # fmt: skip
    return "What came back is no answer.", "Check OPENAI_BASE_URL.", "no-answer", ModelBrokeOffError


def _status_words(problem: Any) -> Told:
    status, code, param = int(problem.status_code), str(problem.code or ""), str(problem.param or "")
    said = str(getattr(problem, "message", "") or problem).removeprefix(f"Error code: {status} - ")[:MAX_SAID]
    kind = f"http-{status}"
    if code == NOT_AVAILABLE:
        return (
            "The endpoint takes no training jobs from this account; the uploaded files are kept.",
            "Train open weights with the backend local, or set OPENAI_BASE_URL to another endpoint that trains.",
            "training-not-available", ModelRefusedError,
        )  # fmt: skip
    if status == 401:
        return "The endpoint refuses the key.", "Check OPENAI_API_KEY.", kind, ModelRefusedError
    if status == 403:
        hint = "Ask whoever keeps the key for the right to fine-tune, or train with the backend local."
        return "The key may not be used for this.", hint, kind, ModelRefusedError
    if "model" in (param, code.partition("_")[0]):
        hint = "Choose one of the models that it lists."
        return f"The endpoint does not train this model. It says: {said}", hint, kind, ModelRefusedError
    if status in (404, 405, 501):
        hint = "Check OPENAI_BASE_URL: jobs and files are known only where they were made."
        return f"The endpoint does not know this job, or cannot do this. It says: {said}", hint, kind, ModelRefusedError
    if status == 429:
        if "quota" in code or "quota" in said.lower():
            return "The endpoint's quota is used up.", "Check plan and billing there.", kind, ModelBusyError
        return "The endpoint is busy: too many requests.", "Try again in a minute.", kind, ModelBusyError
    if status >= 500:
        return f"The endpoint fails ({status}).", "Try again in a moment.", kind, ModelUnreachableError
    hint = "Correct what it names, and start anew."
    return f"The endpoint refuses the call ({status}). It says: {said}", hint, kind, ModelRefusedError
