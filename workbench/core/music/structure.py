"""The MusicStructure: a JSON plan of a piece, as AIRIA writes it and with this workbench's additions.

JSON is camelCase, Python snake_case. Lengths in ``rhythm``, ``chordBeats`` and ``harmonicRhythm`` are in quarters.
These models hold types, ranges and closed vocabularies; whether the parts agree with each other is for ``core.checks``.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from workbench.core.music.cadences import CadenceType
from workbench.core.music.degrees import MAX_DEGREE, DegreeValue, parse_degree
from workbench.core.music.keys import Key, parse_key
from workbench.core.music.meters import TimeSignature
from workbench.core.music.motifs import Transformation
from workbench.core.music.numerals import MAX_FIGURE

SCHEMA_VERSION = 1
MAX_SECTIONS = 32
MAX_SECTION_MEASURES = 1000
MAX_PHRASES = 200
MAX_CHORDS = 2000
MAX_NOTES = 4000
MIN_LENGTH = 1 / 32
"""In quarters: a 128th note. Anything shorter would be rounded to nothing."""

Dynamics = Literal["pp", "p", "mp", "mf", "f", "ff"]
HarmonicFunction = Literal["tension", "release", "ambiguity"]


def _key_name(text: str) -> str:
    return parse_key(text).name


def _degree(value: DegreeValue) -> DegreeValue:
    parse_degree(value)
    return value


KeyName = Annotated[str, Field(max_length=32), AfterValidator(_key_name)]
DegreeItem = Annotated[
    Annotated[int, Field(ge=-MAX_DEGREE, le=MAX_DEGREE, strict=True)] | Annotated[str, Field(max_length=6)],
    AfterValidator(_degree),
]
Length = Annotated[float, Field(ge=MIN_LENGTH, le=64, allow_inf_nan=False)]
Numeral = Annotated[str, Field(min_length=1, max_length=MAX_FIGURE)]
Text = Annotated[str, Field(max_length=4000)]
Name = Annotated[str, Field(max_length=120)]


class Model(BaseModel):
    """What every part of a structure shares: frozen, closed, camelCase outside."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Motif(Model):
    """A cell: scale degrees (0 a rest) and their lengths in quarters, one for one."""

    degrees: tuple[DegreeItem, ...] = Field(max_length=MAX_NOTES)
    rhythm: tuple[Length, ...] = Field(max_length=MAX_NOTES)


class SectionMelody(Model):
    """The motifs that a section's tune grows from."""

    motifs: tuple[Motif, ...] = Field(default=(), max_length=64)


class MotifUse(Model):
    """Which motif a phrase uses (a leitmotif's tag, or ``m1`` for the section's first motif) and what is done to it."""

    ref: Name
    transformation: Transformation | None = None


class Phrase(Model):
    """A phrase: its job in the form, its length in bars, its harmony and, where written out, its tune."""

    label: Name | None = None
    role: Name | None = None
    measures: int = Field(ge=1, le=MAX_SECTION_MEASURES, strict=True)
    cadence: CadenceType | None = None
    chords: tuple[Numeral, ...] | None = Field(default=None, min_length=1, max_length=MAX_CHORDS)
    chord_beats: tuple[Length, ...] | None = Field(default=None, min_length=1, max_length=MAX_CHORDS)
    motif: MotifUse | None = None
    melody: Motif | None = None


class Section(Model):
    """A section in its local key. Where phrases carry chords or tunes, those are the truth."""

    name: Name
    role: Name | None = None
    key: KeyName
    measures: int = Field(ge=1, le=MAX_SECTION_MEASURES, strict=True)
    chord_progression: tuple[Numeral, ...] = Field(min_length=1, max_length=MAX_CHORDS)
    harmonic_rhythm: tuple[Length, ...] | None = Field(default=None, min_length=1, max_length=MAX_CHORDS)
    melody: SectionMelody | None = None
    dynamics: Dynamics | None = None
    texture: Name | None = None
    cadence: CadenceType | None = None
    harmonic_functions: tuple[HarmonicFunction, ...] | None = Field(default=None, max_length=MAX_CHORDS)
    phrases: tuple[Phrase, ...] | None = Field(default=None, min_length=1, max_length=MAX_PHRASES)

    @property
    def tonality(self) -> Key:
        """The local key."""
        return parse_key(self.key)

    @property
    def motifs(self) -> tuple[Motif, ...]:
        """The section's motifs, none when it has no melody."""
        return self.melody.motifs if self.melody else ()


class Leitmotif(Model):
    """A named motif with a meaning."""

    tag: Name
    degrees: tuple[DegreeItem, ...] = Field(max_length=MAX_NOTES)
    rhythm: tuple[Length, ...] = Field(max_length=MAX_NOTES)
    meaning: Text | None = None
    transformations: tuple[Transformation, ...] | None = Field(default=None, max_length=64)


class Humanize(Model):
    """How the performance departs from the page."""

    rubato: Literal["none", "subtle", "expressive"] = "subtle"
    velocity_curve: Literal["flat", "phrase"] = "phrase"
    peak_boost: float = Field(default=0.2, ge=0, le=0.6, allow_inf_nan=False)
    phrase_end_softness: float = Field(default=0.3, ge=0, le=0.8, allow_inf_nan=False)


class MusicStructure(Model):
    """A plan of a whole piece."""

    schema_version: int | None = Field(default=None, ge=1, le=SCHEMA_VERSION, strict=True)
    title: Name | None = None
    key: KeyName
    tempo: float = Field(ge=40, le=220, allow_inf_nan=False)
    time_signature: TimeSignature
    form: Name
    period: Literal["baroque", "classical", "romantic", "modern"] | None = None
    sections: tuple[Section, ...] = Field(min_length=1, max_length=MAX_SECTIONS)
    leitmotifs: tuple[Leitmotif, ...] | None = Field(default=None, max_length=64)
    humanize: Humanize | None = None
    instrumentation: Text | None = None
    character: Text | None = None
    reasoning: Text | None = None

    @property
    def tonality(self) -> Key:
        """The home key."""
        return parse_key(self.key)

    @property
    def measures(self) -> int:
        """Bars in the whole piece, counted from phrases where a section has them."""
        return sum(section_measures(section) for section in self.sections)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object: camelCase, without what was never said; whole numbers without a decimal point."""
        plain: dict[str, Any] = _plain(self.model_dump(by_alias=True, exclude_none=True, mode="json"))
        return plain

    def to_json(self, *, indent: int | None = 2) -> str:
        """The JSON text, ending in a newline when indented."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)
        return text + "\n" if indent else text


PERFORMANCE_SEED = 0
"""The seed that every piece is performed with."""


def piece_id(structure: MusicStructure) -> str:
    """The id of a structure as it is performed, the same wherever and whenever: 16 hexadecimal digits."""
    text = f"{PERFORMANCE_SEED}\n{structure.to_json(indent=None)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def section_measures(section: Section) -> int:
    """Bars in a section: its phrases' where it has them, since those are the truth."""
    return sum(phrase.measures for phrase in section.phrases) if section.phrases else section.measures


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind is dict:
        return {key: item if type(item) is str else _plain(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) in _AS_IT_IS else _plain(item) for item in value]
    return value


_AS_IT_IS = frozenset({int, str})
