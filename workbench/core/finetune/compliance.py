"""Format compliance: how many held-out requests a model answers with a structure that needs no repair.

Each answer is looked at as it came, with the eyes of generation itself: ``sanitize`` says whether anything had to be
mended. No grammar holds the model meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Any

from workbench.core.checks import check
from workbench.core.compose.replan import plan_of
from workbench.core.datasets.review.audits import error_rate
from workbench.core.datasets.rows import Row, plain_messages
from workbench.core.errors import (
    InvalidInputError,
    ModelBrokeOffError,
    ModelBusyError,
    ModelError,
    ModelRefusedError,
    ModelUnreachableError,
    WorkbenchError,
)
from workbench.core.generate.counting import count_tokens
from workbench.core.generate.providers.calls import Answer, Message, Tokens
from workbench.core.generate.sanitize import sanitize
from workbench.core.music.reading import parse_json
from workbench.core.music.request import Request

if TYPE_CHECKING:
    from openai import OpenAI

ROWS = 50
"""Requests that are asked where nobody says how many."""
TOLD = 8
"""Failures whose reasons are kept."""
CONNECT_SECONDS = 10.0
Ask = Callable[[Sequence[Message]], str | Answer]
"""Asks a model; the text of its answer, or all that is known of it.

Raises ``ModelBrokeOffError`` where the model answered with nothing that could be an answer, which counts against it,
and another ``ModelError`` where it could not be asked, which ends the measurement.
"""


@dataclass(frozen=True)
class Failure:
    """A held-out row whose answer would have to be repaired, and the first reason, in words."""

    row: str
    reason: str


@dataclass(frozen=True)
class Compliance:
    """How many of the rows that were asked got an answer that is strict JSON, that fits the schema before any repair
    (its parts agree, too), and in which the checks find no error besides. Each count is part of the one before.

    ``tokens`` were written in ``seconds``; ``exact`` is False where they were counted here and not told by the model.
    ``failures`` are the first answers that do not fit.
    """

    rows: int
    json: int
    fits: int
    valid: int
    tokens: int
    exact: bool
    seconds: float
    failures: tuple[Failure, ...] = ()

    @property
    def rate(self) -> float:
        """The share that fits the schema before any repair, 0 to 1."""
        return self.fits / self.rows if self.rows else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the rate lies with 95 % confidence, were all such requests asked (Clopper and Pearson 1934)."""
        found = error_rate(self.fits, self.rows)
        return found.low, found.high

    @property
    def words(self) -> str:
        """The rate in words: ``45 of 50 fit the schema before any repair: 90 % (95 % interval 78 to 97 %)``."""
        low, high = self.interval
        said = f"{self.fits} of {self.rows} fit the schema before any repair: {100 * self.rate:.0f} %"
        return f"{said} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, with the rate and its interval for those who only read."""
        low, high = self.interval
        return {
            **asdict(self), "failures": [asdict(each) for each in self.failures], "rate": self.rate, "low": low,
            "high": high,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Compliance:
        """What ``to_dict`` made.

        Raises:
            InvalidInputError: it is something else.
        """
        try:
            values = {field.name: data[field.name] for field in fields(cls)}
            failures = tuple(Failure(str(each["row"]), str(each["reason"])) for each in values["failures"])
            found = cls(**{**values, "failures": failures, "seconds": float(values["seconds"])})
        except (KeyError, TypeError, ValueError):
            found = None
        if found is None or not found.is_sound:
            raise InvalidInputError("This is no format compliance.", hint="Measure it again.")
        return found

    @property
    def is_sound(self) -> bool:
        """Whether the counts can be those of a measurement."""
        counts = (self.rows, self.json, self.fits, self.valid, self.tokens)
        if any(type(count) is not int for count in counts) or type(self.exact) is not bool:
            return False
        return self.rows >= self.json >= self.fits >= self.valid >= 0 <= self.tokens and 0 <= self.seconds < math.inf


def measure(
    ask: Ask, rows: Iterable[Row], *, most: int = ROWS, told: Callable[[int, int], None] = lambda *_: None,
    clock: Callable[[], float] = perf_counter,
) -> Compliance:  # fmt: skip
    """Ask a model what the rows ask, one after the other, and look at each answer.

    The rows have to be ones that it was not trained on. ``told`` hears after each how many are asked and how many fit;
    what it raises ends the measurement.

    Raises:
        InvalidInputError: there is no row.
        ModelError: the model cannot be asked.
    """
    asked = strict = fits = valid = 0
    tokens, seconds = Tokens(), 0.0
    failures: list[Failure] = []
    for row in islice(rows, most):
        began = clock()
        answer, problem = _answered(ask, row)
        seconds += clock() - began
        tokens += answer.tokens
        looked = _looked(answer.text, row, problem)
        asked += 1
        strict += looked.json
        fits += looked.fits
        valid += looked.valid
        if not looked.fits and len(failures) < TOLD:
            failures.append(Failure(row.key, looked.reason))
        told(asked, fits)
    if not asked:
        raise InvalidInputError("There is no held-out row to ask.", hint="Build a version with a test split.")
    return Compliance(asked, strict, fits, valid, tokens.out, tokens.exact, round(seconds, 3), tuple(failures))


@dataclass(frozen=True)
class _Looked:
    json: bool
    fits: bool
    valid: bool
    reason: str


def _answered(ask: Ask, row: Row) -> tuple[Answer, str]:
    """The answer and, where it broke off, what is said of that."""
    try:
        said = ask(row.prompt)
    except ModelBrokeOffError as problem:
        said, why = problem.partial, problem.message
    else:
        why = ""
    if isinstance(said, Answer):
        return said, "It was cut off for its length." if said.finish == "length" else ""
    return Answer(said, tokens=Tokens(0, count_tokens(said).tokens, exact=False)), why


def _looked(text: str, row: Row, problem: str) -> _Looked:
    strict = _is_json(text)
    request = Request.model_validate(dict(row.request))
    try:
        found = sanitize(text, request=request)
    except WorkbenchError as refused:
        return _Looked(strict, False, False, problem or refused.message)
    if not found.valid_before_repair:
        return _Looked(strict, False, False, problem or found.repairs[0].why)
    form = plan_of(row.structure, request, seed=0)
    profile = found.structure.period or form.manner.period
    report = check(found.structure, request=request, plan=form, profile=profile)
    return _Looked(True, True, not report.counts["error"], "")


def _is_json(text: str) -> bool:
    """Whether it is one strict JSON object and nothing else."""
    try:
        return isinstance(parse_json(text), dict)
    except InvalidInputError:
        return False


class Endpoint:
    """Asks an endpoint that speaks OpenAI's protocol; to be closed in the end."""

    def __init__(self, client: OpenAI, model: str, max_tokens: int, timeout: float) -> None:
        self._client, self._model, self._max_tokens, self._timeout = client, model, max_tokens, timeout

    def __call__(self, messages: Sequence[Message]) -> Answer:
        """Ask for the likeliest answer, with no schema or grammar to hold the model.

        Raises:
            ModelError: there is no answer.
        """
        import openai

        began = perf_counter()
        try:
            asked: Any = plain_messages(messages)
            said = self._client.chat.completions.create(
                model=self._model, messages=asked, temperature=0, max_tokens=self._max_tokens
            )
            choice = said.choices[0]
            text, finish, usage = choice.message.content or "", str(choice.finish_reason or "stop"), said.usage
        except openai.OpenAIError as problem:
            raise _explained(problem, self._timeout) from None
        except (AttributeError, IndexError, TypeError, ValueError):
            raise ModelBrokeOffError("What came back is no answer.", kind="no-answer", hint="Try again.") from None
        return Answer(text, finish, _tokens(usage, text), perf_counter() - began)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def endpoint_asker(
    base_url: str, model: str, *, api_key: str | None = None, max_tokens: int = 4096, timeout: float = 180.0
) -> Endpoint:
    """Something that asks a model at an endpoint; ``timeout`` is in seconds, for one answer."""
    import httpx2
    from openai import DefaultHttpxClient, OpenAI

    client = OpenAI(
        api_key=api_key or "none",  # servers of one's own want none, the package one
        base_url=base_url, timeout=httpx2.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)), max_retries=2,
        http_client=DefaultHttpxClient(follow_redirects=False),
    )  # fmt: skip
    return Endpoint(client, model, max_tokens, timeout)


def _tokens(usage: Any, text: str) -> Tokens:
    into, out = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    if type(into) is int and type(out) is int and into >= 0 and out >= 0:
        return Tokens(min(into, 10**9), min(out, 10**9))
    return Tokens(0, count_tokens(text).tokens, exact=False)


def _explained(problem: Exception, timeout: float) -> ModelError:
    """An error for people; what the endpoint says itself is left out, since it may quote the key."""
    import openai

    if isinstance(problem, openai.APITimeoutError):
        return ModelUnreachableError(
            f"The model did not finish within {timeout:g} seconds.", hint="Wait longer, or ask for fewer tokens.",
            kind="timeout",
        )  # fmt: skip
    if isinstance(problem, openai.APIStatusError):
        status = int(problem.status_code)
        error = ModelUnreachableError if status >= 500 else ModelBusyError if status == 429 else ModelRefusedError
        said = {401: "refuses the key", 403: "refuses the key", 404: "does not know the model", 429: "is busy"}.get(
            status, "fails" if status >= 500 else "refuses the question"
        )
        return error(
            f"The endpoint {said} ({status}).", hint="Check its address, the model and the key.", kind=f"http-{status}"
        )
    if isinstance(problem, openai.APIConnectionError):
        return ModelUnreachableError(
            "The endpoint cannot be reached.", hint="Check that it runs, and its address.", kind="connection"
        )
    return ModelBrokeOffError("What came back is no answer.", kind="no-answer", hint="Try again.")
