"""The strict-schema rules: a good schema passes, and every rule has a case that breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from strict_schema import REFUSED, REFUSED_WHEN_FINE_TUNED, conforms, problems

TEXT = {"type": "string"}


def record(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def many(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = TEXT
    for _ in range(levels):
        inner = record(a=inner)
    return inner


GOOD = {
    **record(
        key={"type": "string", "enum": ["C major", "a minor"], "description": "The home key."},
        tempo={"type": "number", "minimum": 40, "maximum": 220},
        title={"anyOf": [TEXT, {"type": "null"}]},
        period={"type": ["string", "null"]},
        sections=many({"$ref": "#/$defs/section"}),
    ),
    "$defs": {
        "section": record(
            name=TEXT,
            degrees=many({"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^[#b]-?[0-9]+$"}]}),
            inner={"anyOf": [{"$ref": "#/$defs/section"}, {"type": "null"}]},
        )
    },
}


def test_a_good_schema_passes() -> None:
    assert problems(GOOD) == []


def test_a_fine_tuned_model_refuses_the_bounds_in_the_same_schema() -> None:
    degree = "('$defs', 'section', 'properties', 'degrees', 'items', 'anyOf', '1')"
    assert problems(GOOD, fine_tuned=True) == [
        f"In context={degree}, 'pattern' is not permitted.",
        "In context=('properties', 'tempo'), 'minimum' is not permitted.",
        "In context=('properties', 'tempo'), 'maximum' is not permitted.",
    ]


@pytest.mark.parametrize("keyword", REFUSED)
def test_no_model_takes(keyword: str) -> None:
    (found,) = problems(record(a={**TEXT, keyword: []}))
    assert found == f"In context=('properties', 'a'), '{keyword}' is not permitted."


@pytest.mark.parametrize("keyword", REFUSED_WHEN_FINE_TUNED)
def test_only_fine_tuned_models_refuse(keyword: str) -> None:
    value: Any = {"format": "date", "patternProperties": {}}.get(keyword, 1)
    schema = record(a={**TEXT, keyword: value})
    assert problems(schema) == []
    assert problems(schema, fine_tuned=True) == [f"In context=('properties', 'a'), '{keyword}' is not permitted."]


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (many(TEXT), "got 'type: \"array\"'"),
        ({"$defs": {}}, "got 'type: None'"),
        ({"anyOf": [record(a=TEXT)]}, "'anyOf' at the top level"),
        ([], "is not of type 'object'"),
        ({**record(a=TEXT, b=TEXT), "required": ["a"]}, "In context=(), 'required' is required to be supplied"),
        ({**record(a=TEXT, b=TEXT), "required": ["a"]}, "Missing 'b'"),
        ({**record(a=TEXT), "required": ["a", "c"]}, "Extra required key 'c'"),
        (record(a={**record(b=TEXT), "required": None}), "In context=('properties', 'a'), 'required'"),
        ({**record(a=TEXT), "additionalProperties": True}, "'additionalProperties' is required to be supplied"),
        (record(a={"type": "object", "properties": {}, "required": []}), "'additionalProperties' is required"),
        (record(a={"type": "object", "additionalProperties": TEXT}), "'additionalProperties' is required"),
        (record(a={"type": "object", "additionalProperties": False}), "object schema missing properties"),
        (record(a={"type": ["object", "null"], "properties": {}}), "'additionalProperties' is required"),
        (record(a={"type": "array"}), "array schema missing items"),
        (record(a=many([TEXT, TEXT])), "no tuples"),
        (record(a=many(True)), "no tuples"),
        (record(a=True), "is not a schema"),
        (record(a={}), "schema must have a 'type' key"),
        (record(a={"type": "text"}), "'text' is not valid"),
        (record(a={"type": "string", "format": "uri"}), "'uri' is not a valid format"),
        (record(a={"type": "string", "enum": []}), "at least one value"),
        (record(a={"anyOf": []}), "'anyOf' must be a list"),
        (record(a={"anyOf": [TEXT, {"type": "array"}]}), "('properties', 'a', 'anyOf', '1'), array schema missing"),
        (record(a={"$ref": "#/$defs/nowhere"}), "'#/$defs/nowhere' which was not found"),
        (record(a={"$ref": "other.json"}), "'other.json' which was not found"),
        (record(a={"$ref": "#", "description": "again"}), "$ref cannot have keywords {'description'}"),
        ({**record(a=TEXT), "$defs": {"x": {"type": "object"}}}, "In context=('$defs', 'x'), 'additional"),
        (record(**{f"p{n}": TEXT for n in range(5_001)}), "Too many properties: 5001"),
        (record(a={"type": "integer", "enum": list(range(600))}, b={"enum": list(range(401))}), "Too many enum values"),
        (record(a={"type": "string", "enum": [f"{n:060}" for n in range(251)]}), "values of one enum are 15060"),
        (record(**{f"{n:0130}": TEXT for n in range(1_000)}), "names and enum values are 130000 characters"),
        (nested(11), "nested 11 levels deep"),
        (nested(3_000), "levels deep"),
    ],
)
def test_a_strict_endpoint_refuses(schema: Any, words: str) -> None:
    assert any(words in text for text in problems(schema)), problems(schema)


def test_ten_levels_are_allowed_and_a_recursion_counts_once() -> None:
    assert problems(nested(10)) == []
    assert problems(record(again={"anyOf": [{"$ref": "#"}, {"type": "null"}]})) == []


def test_what_a_reference_leads_to_counts_where_it_is_used() -> None:
    deep = {**record(a=record(b=record(c={"$ref": "#/$defs/x"}))), "$defs": {"x": nested(8)}}
    assert any("nested 11 levels" in text for text in problems(deep))


PIECE: dict[str, Any] = {
    "key": "C major",
    "tempo": 90,
    "title": None,
    "period": "classical",
    "sections": [{"name": "A", "degrees": [1, "#4"], "inner": {"name": "B", "degrees": [], "inner": None}}],
}


def test_a_value_that_obeys() -> None:
    assert conforms(GOOD, PIECE) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "D major"}, "$.key: 'D major' is none of"),
        ({"tempo": 30}, "$.tempo: 30 is out of range"),
        ({"tempo": True}, "$.tempo: True is not of type number"),
        ({"tempo": float("nan")}, "$.tempo: nan is not of type number"),
        ({"title": 4}, "$.title: 4 fits none of 2 schemas"),
        ({"period": []}, "$.period: [] is not of type"),
        ({"more": 1}, "$.more is not in the schema"),
        ({"sections": {}}, "$.sections: {} is not of type array"),
        ({"sections": [{"name": "A", "degrees": []}]}, "$.sections[0].inner is missing"),
        ({"sections": [{"name": "A", "degrees": ["4"], "inner": None}]}, "$.sections[0].degrees[0]: '4' fits none"),
    ],
)
def test_a_value_that_departs(change: dict[str, Any], words: str) -> None:
    (found,) = conforms(GOOD, PIECE | change)
    assert found.startswith(words)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, 2.0, 2.5),
        ({"type": "boolean"}, True, 1),
        ({"enum": [1]}, 1.0, True),
        ({"const": [{"a": 1}]}, [{"a": 1}], [{"a": False}]),
        ({"type": "number", "exclusiveMinimum": 0}, 0.1, 0),
        ({"type": "number", "exclusiveMaximum": 1}, 0.9, 1),
        ({"type": "number", "multipleOf": 0.1}, 0.3, 0.35),
        ({"type": "string", "minLength": 2, "maxLength": 3}, "ab", "abcd"),
        ({"type": "array", "items": TEXT, "minItems": 1}, ["a"], []),
        ({"type": "array", "items": TEXT, "maxItems": 1}, ["a"], ["a", "b"]),
        ({**record(), "patternProperties": {"^x": TEXT}}, {"x1": "a"}, {"y1": "a"}),
        ({**record(), "patternProperties": {"^x": TEXT}}, {"x1": "a"}, {"x1": 1}),
    ],
)
def test_a_bound(schema: dict[str, Any], good: Any, bad: Any) -> None:
    assert conforms(schema, good) == []
    assert len(conforms(schema, bad)) == 1


def test_a_circle_of_references_is_no_schema() -> None:
    schema = {**record(a={"$ref": "#/$defs/a"}), "$defs": {"a": {"$ref": "#/$defs/a"}}}
    with pytest.raises(ValueError, match="leads nowhere"):
        conforms(schema, {"a": 1})
