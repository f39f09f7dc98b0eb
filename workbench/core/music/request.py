"""A Request: what a person (or AIRIA) asks for. Reads snake_case, camelCase and AIRIA's own spellings."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, ConfigDict, Field, JsonValue, field_validator
from pydantic.alias_generators import to_camel

from workbench.core.music.forms import FORMS
from workbench.core.music.keys import Key, parse_key
from workbench.core.music.meters import TimeSignature
from workbench.core.music.structure import MAX_SECTIONS, DegreeItem, Humanize, KeyName, Length, Model, Name, Text

MIN_DURATION, MAX_DURATION = 20.0, 600.0
MAX_SEED = 2**63 - 1

Period = Literal["baroque", "classical", "romantic", "modern"]
Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_FORM_SPELLINGS = {
    "ternary": "ABA",
    "aba": "ABA",
    "theme and variations": "theme-variation",
    "theme-and-variations": "theme-variation",
    "theme_variation": "theme-variation",
    "variations": "theme-variation",
    "minuet": "minuet-trio",
    "minuet and trio": "minuet-trio",
    "minuet_trio": "minuet-trio",
    "rounded binary": "rounded-binary",
    "rounded_binary": "rounded-binary",
    "sonata-form": "sonata",
}


def _aliases(name: str, *more: str) -> AliasChoices:
    return AliasChoices(name, *dict.fromkeys((to_camel(name), *more)))


def _form(text: str) -> str:
    cleaned = text.strip()
    if not cleaned:
        raise ValueError("name a form, or leave it out")
    return _FORM_SPELLINGS.get(cleaned.lower(), cleaned.lower() if cleaned.lower() in FORMS else cleaned)


class SectionRequest(Model):
    """One section asked for by name, with as much about it as the person cares to say."""

    name: Name
    role: Name | None = None
    key: KeyName | None = None
    measures: Annotated[int, Field(ge=1, le=400, strict=True)] | None = None
    cadence: Literal["PAC", "IAC", "HC", "DC", "PC", "PICARDY"] | None = None
    texture: Name | None = None
    dynamics: Literal["pp", "p", "mp", "mf", "f", "ff"] | None = None
    returns: Name | None = None


class Request(Model):
    """A mood and a form, and whatever else is wished. Everything has a default or may be left to the planner.

    ``valence`` runs from -1 (dark) to 1 (bright), ``arousal`` from 0 (calm) to 1 (agitated), ``focus`` from 0
    (wandering) to 1 (concentrated on one motif). ``duration`` is in seconds. ``motif_seed`` holds scale degrees and
    ``rhythm_seed`` lengths in quarters. ``id`` names the files of a batch.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=None, validate_by_name=True, validate_by_alias=True
    )

    id: Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    valence: float = Field(default=0.3, ge=-1, le=1, allow_inf_nan=False)
    arousal: Unit = 0.4
    focus: Unit = 0.5
    motif_tags: tuple[Name, ...] = Field(default=(), max_length=32, validation_alias=_aliases("motif_tags"))
    duration: float = Field(
        default=90.0,
        ge=MIN_DURATION,
        le=MAX_DURATION,
        allow_inf_nan=False,
        validation_alias=_aliases("duration", "duration_seconds", "durationSeconds", "duration_sec", "durationSec"),
    )
    key: KeyName | None = Field(default=None, validation_alias=_aliases("key", "music_key", "musicKey"))
    tempo: float | None = Field(
        default=None, ge=40, le=220, allow_inf_nan=False, validation_alias=_aliases("tempo", "bpm")
    )
    time_signature: TimeSignature | None = Field(default=None, validation_alias=_aliases("time_signature", "meter"))
    form: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_form)] | None = Field(
        default=None, validation_alias=_aliases("form", "music_form", "musicForm")
    )
    period: Period | None = Field(default=None, validation_alias=_aliases("period", "music_period", "musicPeriod"))
    instrumentation: Text | None = None
    motif_seed: tuple[DegreeItem, ...] = Field(
        default=(),
        max_length=32,
        validation_alias=_aliases("motif_seed", "motif_seed_degrees", "motifSeedDegrees", "motif_degrees"),
    )
    rhythm_seed: tuple[Length, ...] = Field(
        default=(), max_length=32, validation_alias=_aliases("rhythm_seed", "motif_seed_rhythm", "motifSeedRhythm")
    )
    humanize: Humanize | None = None
    emotional_arc: JsonValue = Field(default=None, validation_alias=_aliases("emotional_arc"))
    section_plan: tuple[SectionRequest, ...] = Field(
        default=(), max_length=MAX_SECTIONS, validation_alias=_aliases("section_plan")
    )
    brief: Text | None = None
    seed: int | None = Field(default=None, ge=0, le=MAX_SEED, strict=True)
    confidence: Unit | None = None
    theme: Text | None = None
    genre_palette: tuple[Name, ...] = Field(default=(), max_length=32, validation_alias=_aliases("genre_palette"))
    primary_genre: Name | None = Field(default=None, validation_alias=_aliases("primary_genre"))
    timbre_arc: JsonValue = Field(default=None, validation_alias=_aliases("timbre_arc"))
    personality_axes: JsonValue = Field(default=None, validation_alias=_aliases("personality_axes"))

    @field_validator("period", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("section_plan", "motif_tags", "motif_seed", "rhythm_seed", "genre_palette", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return () if value is None else value

    @property
    def tonality(self) -> Key | None:
        """The key asked for, if any."""
        return parse_key(self.key) if self.key else None

    def to_dict(self) -> dict[str, Any]:
        """A JSON object with what differs from the defaults."""
        data: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return {name: int(v) if isinstance(v, float) and v.is_integer() else v for name, v in data.items()}

    def to_json(self) -> str:
        """Canonical JSON text: the same request is always the same text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def file_stem(text: str) -> str:
    """A safe file name made of an id or a title; ``piece`` when nothing is left."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80] or "piece"
