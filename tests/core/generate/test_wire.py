"""What a model is asked to write: a schema that strict endpoints take, and music that loses nothing by it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from strict_schema import conforms, problems

from tests.core.generate.answers import mended
from workbench.core.compose import compose, plan, realize
from workbench.core.generate import sanitize
from workbench.core.generate.wire import SCHEMA_NAME, lean_schema, planned_schema, wire_schema, wire_text
from workbench.core.library.examples import load_examples
from workbench.core.music.forms import FORM_IDS, PERIODS
from workbench.core.music.keys import ALL_KEYS
from workbench.core.music.meters import TIME_SIGNATURES
from workbench.core.music.request import Request
from workbench.core.music.structure import MusicStructure

SCHEMA = wire_schema()
FORBIDDEN = {
    "default", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains",
    "minProperties", "maxProperties", "patternProperties", "propertyNames", "prefixItems", "unevaluatedProperties",
    "unevaluatedItems", "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "$ref",
    "$defs", "const",
}  # fmt: skip
UNASKED = {"schemaVersion", "harmonicRhythm", "harmonicFunctions"}
"""Fields of the format that follow from what a model writes, or that nobody needs from one."""
KEYS = [key.name for key in ALL_KEYS]


@lru_cache(maxsize=30)
def composed(number: int) -> MusicStructure:
    """One of thirty pieces in all forms, periods, meters and many keys."""
    request = Request(
        form=FORM_IDS[number % len(FORM_IDS)], period=PERIODS[number % len(PERIODS)],
        time_signature=TIME_SIGNATURES[number * 3 % len(TIME_SIGNATURES)], key=KEYS[number * 7 % len(KEYS)],
        duration=30, seed=number,
    )  # fmt: skip
    return compose(request)


every_piece = pytest.mark.parametrize("number", range(30))


def nodes(schema: Mapping[str, Any], level: int = 0) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Every schema inside a schema, with the number of objects and lists around it, its own included."""
    level += schema.get("type") in {"object", "array"}
    yield schema, level
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for each in [*inner, schema["items"]] if "items" in schema else inner:
        yield from nodes(each, level)


def branch(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema without its null."""
    return next((each for each in schema.get("anyOf", ()) if each["type"] != "null"), schema)


def with_nulls(value: Any, schema: Mapping[str, Any]) -> Any:
    """A value as a strict endpoint makes a model write it: every member is there, those that say nothing are null."""
    schema = branch(schema)
    if isinstance(value, dict):
        return {name: with_nulls(value.get(name), inner) for name, inner in schema["properties"].items()}
    return [with_nulls(item, schema["items"]) for item in value] if isinstance(value, list) else value


# The schema ---------------------------------------------------------------------------------------------------------


def test_a_strict_endpoint_takes_it_also_for_a_fine_tuned_model() -> None:
    assert problems(SCHEMA) == []
    assert problems(SCHEMA, fine_tuned=True) == []


def test_every_object_is_closed_and_all_its_members_are_required() -> None:
    objects = [node for node, _ in nodes(SCHEMA) if node.get("type") == "object"]
    assert len(objects) >= 7
    for node in objects:
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])


def test_nothing_is_in_it_that_an_endpoint_refuses() -> None:
    for node, _ in nodes(SCHEMA):
        assert not FORBIDDEN & set(node)
        assert set(node) <= {"type", "properties", "required", "additionalProperties", "items", "enum", "anyOf"}


def test_it_stays_far_within_the_limits() -> None:
    every = list(nodes(SCHEMA))
    assert max(level for _, level in every) <= 10
    assert sum(len(node.get("properties", ())) for node, _ in every) < 5_000
    assert sum(len(node.get("enum", ())) for node, _ in every) < 1_000
    assert len(json.dumps(SCHEMA)) < 15_000


def test_what_may_be_missing_may_be_null() -> None:
    for node, _ in nodes(SCHEMA):
        if "anyOf" in node and {"type": "null"} in node["anyOf"]:
            assert len(node["anyOf"]) == 2


def test_its_name_is_one_that_endpoints_take() -> None:
    assert SCHEMA_NAME.isidentifier()
    assert len(SCHEMA_NAME) <= 64


def models(kind: Any) -> Iterator[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for each in get_args(kind):
        yield from models(each)


def unlike(model: type[BaseModel], schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Where the members of a schema are others than those of a model."""
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    schema = branch(schema)
    while schema["type"] == "array":
        schema = branch(schema["items"])
    members = schema["properties"]
    yield from (f"{path}/{name} is missing" for name in fields.keys() - members.keys() - UNASKED)
    yield from (f"{path}/{name} is new" for name in members.keys() - fields.keys())
    for name in fields.keys() & members.keys():
        for inner in models(fields[name].annotation):
            yield from unlike(inner, members[name], f"{path}/{name}")


def test_every_field_that_a_model_should_write_is_in_it() -> None:
    assert list(unlike(MusicStructure, SCHEMA)) == []


def test_a_model_decides_from_the_whole_to_the_part() -> None:
    names = list(SCHEMA["properties"])
    assert names.index("key") < names.index("form") < names.index("sections")
    assert names.index("leitmotifs") < names.index("sections")
    section = list(SCHEMA["properties"]["sections"]["items"]["properties"])
    assert section.index("measures") < section.index("melody") < section.index("phrases")
    assert section.index("phrases") < section.index("chordProgression")
    phrase = list(branch(SCHEMA["properties"]["sections"]["items"]["properties"]["phrases"])["items"]["properties"])
    assert phrase.index("measures") < phrase.index("chords") < phrase.index("chordBeats") < phrase.index("melody")


# The text -----------------------------------------------------------------------------------------------------------


@every_piece
def test_a_composed_piece_is_valid_as_it_stands(number: int) -> None:
    assert sanitize(wire_text(composed(number))).valid_before_repair


@every_piece
def test_no_note_is_lost_on_the_way(number: int) -> None:
    piece = composed(number)
    assert realize(sanitize(wire_text(piece)).structure).notes == realize(piece).notes


@every_piece
def test_members_stand_in_the_schema_s_order(number: int) -> None:
    def ordered(value: Any, schema: Mapping[str, Any]) -> bool:
        schema = branch(schema)
        if isinstance(value, dict):
            inner = schema["properties"]
            wanted = [name for name in inner if name in value]
            return list(value) == wanted and all(ordered(value[name], inner[name]) for name in wanted)
        return not isinstance(value, list) or all(ordered(item, schema["items"]) for item in value)

    assert ordered(json.loads(wire_text(composed(number))), SCHEMA)


@every_piece
def test_filling_in_nulls_obeys_the_schema_and_changes_nothing(number: int) -> None:
    text = wire_text(composed(number))
    filled = with_nulls(json.loads(text), SCHEMA)
    assert conforms(SCHEMA, filled) == []
    result = mended(json.dumps(filled, ensure_ascii=False))
    assert result.valid_before_repair
    assert result.structure == sanitize(text).structure


@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.id)
def test_an_example_loses_nothing_by_being_shown(example: Any) -> None:
    text = wire_text(example.structure)
    result = sanitize(text)
    assert result.valid_before_repair
    assert realize(result.structure).notes == realize(example.structure).notes
    assert conforms(SCHEMA, with_nulls(json.loads(text), SCHEMA)) == []


def test_the_text_is_compact_and_its_letters_are_plain() -> None:
    piece = composed(0).model_copy(update={"title": "Trübe Wölkchen, 雨"})
    text = wire_text(piece)
    assert "\n" not in text
    assert '": ' not in text
    assert "null" not in text
    assert "Trübe Wölkchen, 雨" in text
    assert text == wire_text(piece)


@every_piece
def test_a_planned_piece_fits_the_schema_of_its_plan_and_of_no_other(number: int) -> None:
    structure = composed(number)
    request = Request(
        form=structure.form, period=structure.period, time_signature=structure.time_signature, key=structure.key,
        duration=30, seed=number,
    )  # fmt: skip
    form = plan(request)
    written = json.loads(wire_text(compose(request)))
    fits = Draft202012Validator(planned_schema(form)).is_valid
    assert fits(written)
    assert [section["measures"] for section in written["sections"]] == [section.measures for section in form.sections]
    other = {"2/4": "3/4"}.get(structure.time_signature, "2/4")
    assert not fits(written | {"timeSignature": other})
    assert not fits(written | {"sections": written["sections"][:-1]})
    first, *rest = written["sections"]
    assert not fits(written | {"sections": [first | {"measures": first["measures"] + 1}, *rest]})
    assert not fits(written | {"sections": [first | {"phrases": first["phrases"][:-1]}, *rest]})
    assert fits(written | {"sections": [{k: v for k, v in first.items() if k != "phrases"}, *rest]})
    assert Draft202012Validator(lean_schema()).is_valid(written)


def test_the_lean_schema_leaves_out_what_may_be_null_and_nothing_else() -> None:
    lean = lean_schema()
    assert lean["required"] == ["key", "tempo", "timeSignature", "form", "sections"]
    assert lean["properties"].keys() == SCHEMA["properties"].keys()
    for number in range(8):
        value = json.loads(wire_text(composed(number)))
        assert conforms(lean, value) == []
        assert conforms(SCHEMA, value), "a strict schema wants every member"
