"""A recipe: everything that decides what a dataset holds. The same recipe on the same library gives the same bytes."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from workbench.core.checks import PROFILES
from workbench.core.datasets.rows import Kind
from workbench.core.errors import InvalidInputError
from workbench.core.library.rights import USES
from workbench.core.music.moods import WORDS


def _plain_name(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("write a name in letters, digits and signs")
    return text.strip()


Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_plain_name)]
Word = Annotated[str, Field(max_length=120)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
MOODS = tuple(word for row in WORDS for word in row)
MAX_MOST = 1_000_000
MAX_SEED = 2**53 - 1
"""The largest whole number that a browser knows exactly."""


class Part(BaseModel):
    """What every part of a recipe shares: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sources(Part):
    """Which pieces rows are made from. Empty lists let everything through.

    ``versions`` are ids of other versions, such as imported files, whose rows are taken in; ``examples`` says whether
    the approved library is. ``origins`` are ``built-in``, ``import`` and ``take`` (a kept generation); of pairs
    ``edit``, ``decision`` and ``rating``.
    """

    examples: bool = True
    versions: tuple[Name, ...] = Field(default=(), max_length=20)
    forms: tuple[Word, ...] = Field(default=(), max_length=60)
    periods: tuple[Word, ...] = Field(default=(), max_length=60)
    modes: tuple[Literal["major", "minor"], ...] = Field(default=(), max_length=2)
    moods: tuple[Word, ...] = Field(default=(), max_length=60)
    origins: tuple[Word, ...] = Field(default=(), max_length=60)
    words: str = Field(default="", max_length=200)


class Quota(Part):
    """At most ``most`` rows of those that match; originals go before derived rows."""

    form: Word = ""
    period: Word = ""
    mode: Literal["", "major", "minor"] = ""
    most: int = Field(ge=0, le=MAX_MOST, strict=True)


class Augmentation(Part):
    """Pieces derived from each source: it in ``keys`` other keys, ``tempos`` other tempos, ``moods`` other moods.

    Each variant in tempo or mood is in one of the keys, too, so a source makes at most ``(1 + keys) * (1 + tempos +
    moods)`` rows. Only the training split is augmented unless ``everywhere``.
    """

    keys: int = Field(default=0, ge=0, le=11, strict=True)
    tempos: int = Field(default=0, ge=0, le=4, strict=True)
    moods: int = Field(default=0, ge=0, le=4, strict=True)
    everywhere: bool = False


class Ratios(Part):
    """How the pieces are split; shares of groups of related pieces, weighted by their sources."""

    train: Share = 0.8
    validation: Share = 0.1
    test: Share = 0.1

    @model_validator(mode="after")
    def _whole(self) -> Ratios:
        if abs(self.train + self.validation + self.test - 1) > 1e-6:
            raise ValueError("train, validation and test must add up to 1")
        if not self.train:
            raise ValueError("train must not be 0")
        return self


class Recipe(Part):
    """How a version is made.

    ``system`` and ``examples`` say whether each prompt has the system part, and how many few-shot examples. ``use`` is
    the use that the rights of every row must allow, ``profile`` whose keys and chords are allowed (each piece's own
    period where it is empty). ``model`` is whom the rows are counted for: tokens and price; ``max_tokens`` is the
    longest row, 0 for that model's own limit. ``faults`` says what happens to rows that may not be in a dataset:
    ``block`` makes no version, ``leave-out`` one without them.
    """

    name: Name = "dataset"
    kind: Kind = "chat"
    sources: Sources = Sources()
    quotas: tuple[Quota, ...] = Field(default=(), max_length=200)
    augmentation: Augmentation = Augmentation()
    split: Ratios = Ratios()
    seed: int = Field(default=0, ge=0, le=MAX_SEED, strict=True)
    template: Name = "default"
    system: bool = True
    examples: int = Field(default=0, ge=0, le=3, strict=True)
    use: str = "commercial_training"
    profile: str = ""
    model: Name = "gpt-4.1-mini"
    max_tokens: int = Field(default=0, ge=0, le=10_000_000, strict=True)
    faults: Literal["block", "leave-out"] = "block"

    @model_validator(mode="after")
    def _known(self) -> Recipe:
        if self.use not in USES:
            raise ValueError(f"use must be one of {', '.join(USES)}")
        if self.profile and self.profile not in PROFILES:
            raise ValueError(f"profile must be one of {', '.join(PROFILES)}")
        unknown = [word for word in self.sources.moods if word not in MOODS]
        if unknown:
            raise ValueError(f"moods must be among {', '.join(MOODS)}")
        if not self.sources.examples and not self.sources.versions:
            raise ValueError("sources must have the examples or a version")
        return self

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """Canonical JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


STARTER = Recipe(
    name="starter", augmentation=Augmentation(keys=11, tempos=1, moods=1),
    split=Ratios(train=0.5, validation=0.25, test=0.25),
)  # fmt: skip
"""What is built where nobody says anything else. It is for few pieces: OpenAI takes no file with under ten rows."""


def read_recipe(data: object) -> Recipe:
    """A recipe from JSON.

    Raises:
        InvalidInputError: not a recipe; the message names the first field that is wrong.
    """
    if not isinstance(data, dict):
        raise InvalidInputError("A recipe is a JSON object.", hint='Begin with {"name": "..."}.')
    try:
        return Recipe.model_validate(data)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        pointer = "".join(f"/{part}" for part in first["loc"])
        said = str(first["msg"]).removeprefix("Value error, ")
        raise InvalidInputError(
            f"The recipe cannot be used: {pointer.strip('/')[:80] or 'it'}: {said[:200]}.",
            hint="See: python -m workbench dataset build --help.", field=pointer,
        ) from None  # fmt: skip
