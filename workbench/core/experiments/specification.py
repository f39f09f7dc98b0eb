"""The specification of an experiment: requests times variants times seeds, what is measured, and within which limits.

The same specification asks the same cells; whatever decides a result is in it, and nothing of the environment but where
the models of the settings answer.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from workbench.core.datasets.recipes import MOODS, Name, Part
from workbench.core.datasets.rows import Split
from workbench.core.errors import InvalidInputError
from workbench.core.finetune.models import read_endpoint
from workbench.core.generate.rollout import AT_ONCE
from workbench.core.music.forms import FORMS
from workbench.core.music.meters import TimeSignature
from workbench.core.music.moods import WORDS, mood_word
from workbench.core.music.reading import explain, parse_json
from workbench.core.music.request import MAX_DURATION, MIN_DURATION, Period, Request
from workbench.core.music.structure import KeyName

MAX_VARIANTS, MAX_SEEDS, MAX_REQUESTS, MAX_LEVELS = 20, 100, 100_000, 60
MAX_CELLS = 1_000_000
USUAL_CELLS = 20_000
MAX_MODEL_SEED = 2**31 - 1
"""Models take no larger seed."""
_HINT = "Correct the specification."


def _is_form(text: str) -> str:
    if text not in FORMS:
        raise ValueError(f"a form is one of {', '.join(FORMS)}")
    return text


def _endpoint(text: str) -> str:
    try:
        return read_endpoint(text)
    except InvalidInputError as problem:
        raise ValueError(problem.message.rstrip(".")) from None


Form = Annotated[str, AfterValidator(_is_form)]
Seconds = Annotated[float, Field(ge=MIN_DURATION, le=MAX_DURATION, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=0, le=MAX_MODEL_SEED, strict=True)]


class Mood(Part):
    """A place on the plane of moods; a word, such as ``calm``, stands for the middle of its field."""

    valence: float = Field(ge=-1, le=1, allow_inf_nan=False)
    arousal: float = Field(ge=0, le=1, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _of_a_word(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in MOODS:
            raise ValueError(f"a mood is one of {', '.join(MOODS)}, or a valence and an arousal")
        row, column = next((at, words.index(value)) for at, words in enumerate(WORDS) if value in words)
        return {"valence": round((column + 0.5) / 1.5 - 1, 4), "arousal": round(1 - (row + 0.5) / 3, 4)}

    @property
    def word(self) -> str:
        """The word that it was said with, or could have been; empty where there is none."""
        word = mood_word(self.valence, self.arousal)
        return word if Mood.model_validate(word) == self else ""


class Grid(Part):
    """Every combination of what is listed; what is not listed the planner decides."""

    form: tuple[Form, ...] = Field(default=(), max_length=MAX_LEVELS)
    period: tuple[Period, ...] = Field(default=(), max_length=MAX_LEVELS)
    mood: tuple[Mood, ...] = Field(default=(), max_length=MAX_LEVELS)
    key: tuple[KeyName, ...] = Field(default=(), max_length=MAX_LEVELS)
    time_signature: tuple[TimeSignature, ...] = Field(default=(), max_length=MAX_LEVELS)
    duration: tuple[Seconds, ...] = Field(default=(), max_length=MAX_LEVELS)

    @model_validator(mode="after")
    def _sound(self) -> Grid:
        for name, levels in self.levels.items():
            if len(set(levels)) < len(levels):
                raise ValueError(f"{name} lists the same twice")
        if not self.levels:
            raise ValueError(f"the grid is empty: list values of {', '.join(type(self).model_fields)}")
        return self

    @property
    def levels(self) -> dict[str, tuple[Any, ...]]:
        """What is listed, by its name."""
        listed = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: levels for name, levels in listed.items() if levels}

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return math.prod(len(levels) for levels in self.levels.values())


class Requests(Part):
    """Where the requests come from: a split of a dataset, a list, or a grid; one of them.

    ``dataset`` is a version's id, its name, or its name and number. At most ``most`` are taken: of a split a sample, of
    a list the first, of a grid a balanced fraction; ``seed`` decides which.
    """

    dataset: Annotated[str, Field(max_length=200)] = ""
    split: Split = "test"
    listed: tuple[Request, ...] | None = Field(default=None, max_length=MAX_REQUESTS, alias="list")
    grid: Grid | None = None
    most: int | None = Field(default=None, ge=1, le=MAX_REQUESTS, strict=True)
    seed: Whole = 0

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    @field_validator("dataset")
    @classmethod
    def _stripped(cls, value: str) -> str:
        return value.strip()

    @field_serializer("listed")
    def _plain(self, value: tuple[Request, ...] | None) -> list[dict[str, Any]] | None:
        return None if value is None else [each.to_dict() for each in value]

    @model_validator(mode="after")
    def _one_of_them(self) -> Requests:
        given = [bool(self.dataset), self.listed is not None, self.grid is not None]
        if sum(given) != 1:
            raise ValueError("requests come from a dataset, a list or a grid: name one of them")
        if self.listed is not None and not self.listed:
            raise ValueError("the list holds no request")
        return self

    @property
    def at_most(self) -> int | None:
        """How many there can be; None where only the dataset knows."""
        if self.dataset:
            return self.most
        there = len(self.listed) if self.listed is not None else self.grid.size if self.grid else 0
        return min(there, self.most or there)


class Variant(Part):
    """Who answers, and how it is asked. Without provider, model, registered and endpoint the server's switch decides.

    ``registered`` is a tuned model by its id or name; ``endpoint`` is where ``model`` answers, if not where the
    settings say, and no key is sent there that the settings do not have for it. ``variant`` chooses the settings' base
    or fine-tuned model, or says which kind the one at the endpoint is. Without ``template`` and ``examples`` a tuned
    model is asked as it was trained, others as usual. ``reasks`` count for models that are not tuned: a tuned one is
    asked once. ``ban_held_out`` keeps examples from being shown that are in the test split, or are the very piece asked
    for. With ``batch`` first questions go to a hosted service in batches: for half the price, within a day.
    """

    name: Name
    provider: Literal["", "rules", "adapt", "openai"] = ""
    model: Annotated[str, Field(max_length=400)] = ""
    registered: Annotated[str, Field(max_length=120)] = ""
    endpoint: Annotated[str, Field(max_length=500), AfterValidator(_endpoint)] = ""
    variant: Literal["", "base", "ft"] = ""
    template: Annotated[str, Field(max_length=80)] = ""
    examples: int | None = Field(default=None, ge=0, le=3, strict=True)
    temperature: float | None = Field(default=0.8, ge=0, le=2, allow_inf_nan=False)
    editor: bool = False
    reasks: int = Field(default=2, ge=0, le=5, strict=True)
    ban_held_out: bool = True
    batch: bool = False

    @field_validator("model", "registered", "template")
    @classmethod
    def _visible(cls, value: str, about: ValidationInfo) -> str:
        if not value.isprintable():
            raise ValueError(f"the {about.field_name} holds a character that cannot be seen")
        return value.strip()

    @model_validator(mode="after")
    def _fits(self) -> Variant:
        if self.provider in AT_ONCE:
            for name in ("model", "registered", "endpoint", "variant", "template"):
                if getattr(self, name):
                    raise ValueError(f"{self.name!r} is made by {self.provider}, which takes no {name}")
            if self.batch:
                raise ValueError(f"{self.name!r} is made by {self.provider}, which asks nothing in batches")
        elif self.registered and (self.model or self.endpoint or self.variant == "base"):
            raise ValueError(f"{self.name!r} is a registered model: leave out model, endpoint and variant")
        elif self.endpoint and not self.model:
            raise ValueError(f"{self.name!r} has an endpoint: name the model that answers there")
        elif self.model and self.variant and not self.endpoint:
            raise ValueError(f"{self.name!r} names its model: leave out variant")
        return self

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return self.model_dump(mode="json")

    @property
    def asks_a_model(self) -> bool:
        """Whether a model may be asked: all but the rules and adapting do."""
        return self.provider not in AT_ONCE

    @property
    def may_cost(self) -> bool:
        """Whether a price may be known: an endpoint of one's own has none."""
        return self.asks_a_model and not self.endpoint


class Limits(Part):
    """How fast, how much and for how much money. What is None is not limited; ``budget_usd`` is in US dollars."""

    concurrency: int = Field(default=8, ge=1, le=256, strict=True)
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000, strict=True)
    tokens_per_minute: int | None = Field(default=None, ge=1, le=1_000_000_000, strict=True)
    budget_usd: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)
    most_cells: int = Field(default=USUAL_CELLS, ge=1, le=MAX_CELLS, strict=True)


class Specification(Part):
    """An experiment. Without ``metrics`` all are taken."""

    name: Name
    requests: Requests
    variants: tuple[Variant, ...] = Field(min_length=1, max_length=MAX_VARIANTS)
    seeds: tuple[Whole, ...] = Field(default=(0,), min_length=1, max_length=MAX_SEEDS)
    metrics: tuple[Annotated[str, Field(max_length=80)], ...] = Field(default=(), max_length=200)
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _whole(self) -> Specification:
        for what, given in (
            ("variants are called", [each.name for each in self.variants]),
            ("seeds are", self.seeds),
            ("metrics are called", self.metrics),
        ):
            twice = next((each for at, each in enumerate(given) if each in given[:at]), None)
            if twice is not None:
                raise ValueError(f"two {what} {twice!r}")
        if self.limits.budget_usd == 0:
            paid = next((each.name for each in self.variants if each.may_cost), None)
            if paid is not None:
                raise ValueError(f"a budget of nothing cannot pay for {paid!r}")
        if (most := self.requests.at_most) is not None:
            refuse_too_many(most, self)
        return self

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return self.model_dump(mode="json", by_alias=True)

    def to_json(self) -> str:
        """Canonical JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """The hash of all that it says: 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def refuse_too_many(requests: int, specification: Specification) -> int:
    """How many cells so many requests make.

    Raises:
        ValueError: more than the limit.
    """
    variants, seeds = len(specification.variants), len(specification.seeds)
    cells, most = requests * variants * seeds, specification.limits.most_cells
    if cells > most:
        parts = ((requests, "request"), (variants, "variant"), (seeds, "seed"))
        told = " times ".join(f"{count:,} {name}{'' if count == 1 else 's'}" for count, name in parts)
        raise ValueError(f"{told} are {cells:,} cells; at most {most:,} are run")
    return cells


def count_cells(specification: Specification, requests: int) -> int:
    """How many cells so many requests make; nothing is built for it.

    Raises:
        InvalidInputError: more than the specification's limit.
    """
    try:
        return refuse_too_many(requests, specification)
    except ValueError as problem:
        raise InvalidInputError(
            f"{problem}.", hint="Ask fewer requests with most, or raise limits.most_cells.", field="/limits/most_cells"
        ) from None


def read_specification(data: object, *, metrics: Callable[[], Collection[str]] | None = None) -> Specification:
    """A specification from JSON text or an object. ``metrics`` gives the names of those that there are.

    Raises:
        InvalidInputError: not a specification; the message names the first thing that is wrong.
        InputTooLargeError: over 1 MB of text, or 64 levels.
    """
    if isinstance(data, str | bytes):
        data = parse_json(data)
    if not isinstance(data, Mapping):
        raise InvalidInputError("A specification is a JSON object.", hint='Begin with {"name": "...".')
    try:
        found = Specification.model_validate(dict(data))
    except ValidationError as problem:
        raise _explained(problem) from None
    except RecursionError:
        raise InvalidInputError("The specification is nested too deeply.", hint="Close its brackets.") from None
    if metrics is not None and found.metrics:
        known = metrics()
        unknown = next((name for name in found.metrics if name not in known), None)
        if unknown is not None:
            raise InvalidInputError(
                f"There is no metric {unknown[:60]!r}.", hint=f"Choose among {', '.join(sorted(known))}."[:600],
                field="/metrics",
            )  # fmt: skip
    return found


def _explained(problem: ValidationError) -> InvalidInputError:
    """The first fault in one sentence."""
    first = problem.errors(include_url=False)[0]
    if first["type"] != "value_error":
        found = explain(problem)
        found.hint = found.hint or _HINT
        return found
    said = str(first["msg"]).removeprefix("Value error, ")
    pointer = "".join(f"/{str(part)[:60]}" for part in first["loc"])[:200]
    return InvalidInputError(f"{said[:1].upper()}{said[1:500]}.", hint=_HINT, field=pointer)
