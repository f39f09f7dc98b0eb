"""What a model is asked to write: the MusicStructure as the smallest common JSON schema, and as compact text.

Strict endpoints want closed objects with every member required (optional means nullable); fine-tuned ones refuse
lengths, patterns and bounds besides. So the schema has none of these, and every limit is checked here afterwards. Its
order is the order in which a model decides: key and form, then the sections, in each its phrases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from workbench.core.compose.plan import FormPlan
from workbench.core.music.cadences import CadenceType
from workbench.core.music.forms import PERIODS
from workbench.core.music.keys import ALL_KEYS
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.motifs import Transformation
from workbench.core.music.structure import Dynamics, MusicStructure

SCHEMA_NAME = "MusicStructure"

_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_NUMBER: dict[str, Any] = {"type": "number"}


def _one_of(values: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


@lru_cache(maxsize=1)
def wire_schema() -> dict[str, Any]:
    """The JSON schema that is sent to a model; not to be changed by those who get it."""
    key = _one_of(tuple(each.name for each in ALL_KEYS))
    cadence = _or_null(_one_of(get_args(CadenceType)))
    notes = {"degrees": _list({"anyOf": [_WHOLE, _TEXT]}), "rhythm": _list(_NUMBER)}
    transformation = _one_of(get_args(Transformation))
    phrase = _object(
        label=_or_null(_TEXT),
        role=_or_null(_TEXT),
        measures=_WHOLE,
        cadence=cadence,
        motif=_or_null(_object(ref=_TEXT, transformation=_or_null(transformation))),
        chords=_or_null(_list(_TEXT)),
        chordBeats=_or_null(_list(_NUMBER)),
        melody=_or_null(_object(**notes)),
    )
    section = _object(
        name=_TEXT,
        role=_or_null(_TEXT),
        key=key,
        measures=_WHOLE,
        cadence=cadence,
        dynamics=_or_null(_one_of(get_args(Dynamics))),
        texture=_or_null(_TEXT),
        melody=_or_null(_object(motifs=_list(_object(**notes)))),
        phrases=_or_null(_list(phrase)),
        chordProgression=_list(_TEXT),
    )
    leitmotif = _object(tag=_TEXT, **notes, meaning=_or_null(_TEXT), transformations=_or_null(_list(transformation)))
    humanize = _object(
        rubato=_one_of(("none", "subtle", "expressive")),
        velocityCurve=_one_of(("flat", "phrase")),
        peakBoost=_NUMBER,
        phraseEndSoftness=_NUMBER,
    )
    return _object(
        key=key,
        tempo=_NUMBER,
        timeSignature=_one_of(TIME_SIGNATURES),
        form=_TEXT,
        period=_or_null(_one_of(PERIODS)),
        title=_or_null(_TEXT),
        character=_or_null(_TEXT),
        reasoning=_or_null(_TEXT),
        instrumentation=_or_null(_TEXT),
        leitmotifs=_or_null(_list(leitmotif)),
        sections=_list(section),
        humanize=_or_null(humanize),
    )


@lru_cache(maxsize=1)
def lean_schema() -> dict[str, Any]:
    """The same, where what may be null may be left out: so the rows are written that models are trained on here.

    Strict endpoints want all members required. A grammar that demands them of a model that never learned to write null
    drives it off its road.
    """
    found: dict[str, Any] = nulls_left_out(wire_schema())
    return found


def planned_schema(form: FormPlan) -> dict[str, Any]:
    """The lean schema of one plan: key, meter, tempo, form and period, and each section's and phrase's name, role, key,
    length and close are as planned, so that a grammar can hold an answer to them. What is composed stays free.

    It asks more of an endpoint than the smallest common schema: single values, and tuples (``prefixItems``).
    """
    whole, manner = lean_schema(), form.manner
    section = whole["properties"]["sections"]["items"]
    phrase = section["properties"]["phrases"]["anyOf"][0]["items"]
    sections = []
    for part in form.sections:
        phrases = [
            _pinned(phrase, label=each.label, role=each.role, measures=each.measures, cadence=each.cadence)
            for each in part.phrases
        ]
        fixed = {"name": part.name, "role": part.role, "key": part.key.name, "measures": part.measures}
        sections.append(_with(_pinned(section, **fixed, cadence=part.cadence), phrases=_tuple(phrases)))
    tempo = int(manner.tempo) if manner.tempo == int(manner.tempo) else manner.tempo
    head = {"key": manner.key.name, "tempo": tempo, "timeSignature": manner.meter.name, "form": form.form}
    return _with(_pinned(whole, **head, period=manner.period), sections=_tuple(sections))


def _pinned(schema: dict[str, Any], **values: Any) -> dict[str, Any]:
    """An object's schema with these members required and of these values; None leaves a member as it is."""
    fixed = {name: {"enum": [value]} for name, value in values.items() if value is not None}
    required = [name for name in schema["properties"] if name in schema["required"] or name in fixed]
    return _with(schema, **fixed) | {"required": required}


def _with(schema: dict[str, Any], **members: Any) -> dict[str, Any]:
    """An object's schema with other members in their places."""
    return schema | {"properties": schema["properties"] | members}


def _tuple(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items), "maxItems": len(items)}


def nulls_left_out(schema: Any) -> Any:
    """A JSON schema with every required member that may be null optional."""
    if not isinstance(schema, Mapping):
        return schema
    lax = dict(schema)
    for word in ("properties", "$defs", "definitions"):
        if isinstance(named := schema.get(word), Mapping):
            lax[word] = {name: nulls_left_out(member) for name, member in named.items()}
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if isinstance(several := schema.get(word), list):
            lax[word] = [nulls_left_out(each) for each in several]
    for word in ("items", "additionalProperties"):
        if word in schema:
            lax[word] = nulls_left_out(schema[word])
    members, required = schema.get("properties"), schema.get("required")
    if isinstance(members, Mapping) and isinstance(required, list):
        lax["required"] = [name for name in required if not _may_be_null(members.get(str(name)))]
    return lax


def _may_be_null(schema: Any) -> bool:
    if not isinstance(schema, Mapping):
        return False
    kinds, choices = schema.get("type"), schema.get("anyOf")
    if kinds == "null" or (isinstance(kinds, list) and "null" in kinds):
        return True
    return isinstance(choices, list) and any(map(_may_be_null, choices))


def wire_text(structure: MusicStructure) -> str:
    """A structure as a model should write it: compact, in the schema's order, without what is null."""
    return json.dumps(_ordered(structure.to_dict(), _order()), ensure_ascii=False, separators=(",", ":"))


_Order = dict[str, "_Order | None"]
"""The members of an object in their order, each with those of the objects inside it; None where there are none."""


@lru_cache(maxsize=1)
def _order() -> _Order:
    return _order_in(wire_schema()) or {}


def _order_in(schema: dict[str, Any]) -> _Order | None:
    schema = next((each for each in schema.get("anyOf", ()) if each.get("type") != "null"), schema)
    if "properties" in schema:
        return {name: _order_in(member) for name, member in schema["properties"].items()}
    return _order_in(schema["items"]) if "items" in schema else None


def _ordered(value: Any, order: _Order) -> Any:
    if isinstance(value, list):
        return [_ordered(item, order) for item in value]
    return {
        name: value[name] if inner is None else _ordered(value[name], inner)
        for name, inner in order.items()
        if name in value
    }
