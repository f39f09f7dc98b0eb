"""OpenAI's rules for strict structured output, and a small validator of exactly that part of JSON Schema.

After OpenAI's guide "Structured Outputs" (supported schemas), independent of anything in ``workbench``. A level is an
object or an array inside another one; what ``$ref`` points to counts where it is used, a recursion only once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_PROPERTIES, MAX_LEVELS, MAX_ENUM_VALUES, MAX_NAMES = 5_000, 10, 1_000, 120_000
MANY_ENUM_VALUES, MAX_ENUM_TEXT = 250, 15_000
TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
# fmt: off
REFUSED = [
    "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies",
    "default", "prefixItems", "additionalItems", "contains", "minContains", "maxContains", "uniqueItems",
    "propertyNames", "minProperties", "maxProperties", "unevaluatedItems", "unevaluatedProperties",
]
REFUSED_WHEN_FINE_TUNED = [
    "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "multipleOf", "minItems", "maxItems",
    "patternProperties",
]
# fmt: on
_ABOVE = 60
"""Keys and names on the way down; deeper schemas are refused for their levels without being read to the end."""

Context = tuple[str, ...]
Schema = Mapping[str, Any]


def problems(schema: Any, *, fine_tuned: bool = False) -> list[str]:
    """Everything that a strict endpoint refuses in a schema, as it words it; empty when it may be used.

    ``fine_tuned`` adds the keywords that fine-tuned models do not support.
    """
    if not isinstance(schema, Mapping):
        return [f"{schema!r} is not of type 'object', 'boolean'."]
    reading = _Reading(schema, REFUSED + REFUSED_WHEN_FINE_TUNED * fine_tuned)
    found = [*reading.root(), *reading.node(schema, ())]
    return [*found, *reading.totals()]


class _Reading:
    """One pass over a schema, with what is counted on the way."""

    def __init__(self, schema: Schema, refused: list[str]) -> None:
        self.schema = schema
        self.refused = refused
        self.properties = self.enum_values = self.names = 0

    def root(self) -> Iterator[str]:
        top = [key for key in ("anyOf", "oneOf", "allOf", "enum", "not") if key in self.schema]
        kind = self.schema.get("type")
        if top:
            yield f"schema must have type 'object' and not have {top[0]!r} at the top level."
        elif kind != "object":
            shown = "None" if kind is None else f'"{kind}"' if isinstance(kind, str) else repr(kind)
            yield f"schema must be a JSON Schema of 'type: \"object\"', got 'type: {shown}'."

    def totals(self) -> Iterator[str]:
        if self.properties > MAX_PROPERTIES:
            yield f"Too many properties: {self.properties} in all, at most {MAX_PROPERTIES} are allowed."
        if self.enum_values > MAX_ENUM_VALUES:
            yield f"Too many enum values: {self.enum_values} in all, at most {MAX_ENUM_VALUES} are allowed."
        if self.names > MAX_NAMES:
            yield f"The names and enum values are {self.names} characters long, at most {MAX_NAMES} are allowed."
        levels = _levels(self.schema, self.schema, frozenset())
        if levels > MAX_LEVELS:
            yield f"The schema is nested {levels} levels deep, at most {MAX_LEVELS} are allowed."

    def node(self, node: Any, context: Context) -> Iterator[str]:
        where = f"In context={context!r}, "
        if len(context) > _ABOVE:
            return
        if not isinstance(node, Mapping):
            yield f"{where}{node!r} is not a schema: 'true', 'false' and lists are not permitted."
            return
        yield from (f"{where}'{key}' is not permitted." for key in self.refused if key in node)
        if "$ref" in node:
            yield from (where + text for text in self._reference(node))
        elif "type" in node:
            yield from (where + text for text in self._type(node))
        elif not ({"anyOf", "enum", "const"} & set(node)) and context:
            yield f"{where}schema must have a 'type' key."
        yield from (where + text for text in self._values(node))
        yield from self._below(node, context)

    def _below(self, node: Schema, context: Context) -> Iterator[str]:
        for group in ("$defs", "definitions", "properties", "patternProperties"):
            for name, inner in _mapping(node.get(group)).items():
                self.names += len(name)
                self.properties += group == "properties"
                yield from self.node(inner, (*context, group, name))
        if isinstance(node.get("items"), Mapping):
            yield from self.node(node["items"], (*context, "items"))
        branches = node.get("anyOf", [])
        if not isinstance(branches, list) or ("anyOf" in node and not branches):
            yield f"In context={context!r}, 'anyOf' must be a list of schemas."
            return
        for number, inner in enumerate(branches):
            yield from self.node(inner, (*context, "anyOf", str(number)))

    def _reference(self, node: Schema) -> Iterator[str]:
        beside = sorted(set(node) - {"$ref", "$defs", "definitions"})
        if beside:
            yield f"$ref cannot have keywords {{{', '.join(map(repr, beside))}}}."
        if pointed(self.schema, node["$ref"]) is None:
            yield f"reference to component '{node['$ref']}' which was not found in the schema."

    def _type(self, node: Schema) -> Iterator[str]:
        kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
        if not kinds or any(kind not in TYPES for kind in kinds):
            yield f"{node['type']!r} is not valid under any of the given schemas."
        if "object" in kinds:
            yield from self._object(node)
        if "array" in kinds and not isinstance(node.get("items"), Mapping):
            yield "array schema missing items." if "items" not in node else "'items' must be one schema (no tuples)."
        if node.get("format") is not None and node["format"] not in FORMATS:
            yield f"{node['format']!r} is not a valid format."

    def _object(self, node: Schema) -> Iterator[str]:
        if node.get("additionalProperties") is not False:
            yield "'additionalProperties' is required to be supplied and to be false."
        if not isinstance(node.get("properties"), Mapping):
            yield "object schema missing properties."
            return
        required = node.get("required")
        names = required if isinstance(required, list) else []
        words = "'required' is required to be supplied and to be an array including every key in properties."
        missing = [name for name in node["properties"] if name not in names]
        extra = [name for name in names if name not in node["properties"]]
        if missing:
            yield f"{words} Missing '{missing[0]}'."
        if extra:
            yield f"{words} Extra required key '{extra[0]}' supplied."

    def _values(self, node: Schema) -> Iterator[str]:
        self.names += len(node["const"]) if isinstance(node.get("const"), str) else 0
        if "enum" not in node:
            return
        if not isinstance(node["enum"], list) or not node["enum"]:
            yield "'enum' must be a list of at least one value."
            return
        self.enum_values += len(node["enum"])
        text = sum(len(value) for value in node["enum"] if isinstance(value, str))
        self.names += text
        if len(node["enum"]) > MANY_ENUM_VALUES and text > MAX_ENUM_TEXT:
            yield f"the values of one enum are {text} characters long, at most {MAX_ENUM_TEXT} are allowed."


def _mapping(value: Any) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _levels(node: Any, root: Schema, inside: frozenset[str]) -> int:
    """Objects and arrays on the longest way down; stops soon after there are too many."""
    if not isinstance(node, Mapping) or len(inside) > _ABOVE:
        return 0
    reference = node.get("$ref")
    if isinstance(reference, str):
        if reference in inside:
            return 0
        return _levels(pointed(root, reference), root, inside | {reference})
    kinds = node["type"] if isinstance(node.get("type"), list) else [node.get("type")]
    own = int("object" in kinds or "array" in kinds)
    deeper = inside | {f"level {len(inside)}"}
    below = [*_mapping(node.get("properties")).values(), *_mapping(node.get("patternProperties")).values()]
    longest = max((_levels(inner, root, deeper) for inner in [*below, node.get("items")]), default=0)
    branches = node["anyOf"] if isinstance(node.get("anyOf"), list) else []
    return max(own + longest, *(own + _levels(inner, root, deeper) for inner in branches), 0)


def pointed(root: Schema, reference: Any) -> Schema | None:
    """What a ``$ref`` inside the same schema points to; None when there is no such place."""
    if not isinstance(reference, str) or not re.match(r"#(/|$)", reference):
        return None
    node: Any = root
    for part in reference[1:].split("/")[1:]:
        node = _mapping(node).get(part.replace("~1", "/").replace("~0", "~"))
    return node if isinstance(node, Mapping) else None


def resolved(root: Schema, node: Schema) -> Schema:
    """A node, or what its ``$ref`` leads to.

    Raises:
        ValueError: it leads nowhere or in a circle.
    """
    seen: set[str] = set()
    while "$ref" in node:
        target = pointed(root, node["$ref"])
        if target is None or node["$ref"] in seen:
            raise ValueError(f"{node['$ref']} leads nowhere")
        seen.add(node["$ref"])
        node = target
    return node


def conforms(schema: Schema, value: Any) -> list[str]:
    """Where a value departs from a schema of the strict subset; empty when it obeys."""
    return list(departures(schema, schema, value, "$"))


def departures(root: Schema, node: Schema, value: Any, path: str) -> Iterator[str]:
    """Where a value departs from one node of a schema; ``path`` is the value's place as it is named."""
    node = resolved(root, node)
    if "anyOf" in node and all(any(departures(root, inner, value, path)) for inner in node["anyOf"]):
        yield f"{path}: {_shown(value)} fits none of {len(node['anyOf'])} schemas"
    kinds = node.get("type", list(TYPES))
    if not any(_is(value, kind) for kind in (kinds if isinstance(kinds, list) else [kinds])):
        yield f"{path}: {_shown(value)} is not of type {kinds}"
        return
    if "enum" in node and not any(_same(value, item) for item in node["enum"]):
        yield f"{path}: {_shown(value)} is none of {node['enum']!r}"
    if "const" in node and not _same(value, node["const"]):
        yield f"{path}: {_shown(value)} is not {node['const']!r}"
    if isinstance(value, Mapping):
        yield from _object_departures(root, node, value, path)
    elif isinstance(value, list):
        yield from _size(node, "Items", len(value), path)
        for number, item in enumerate(value if isinstance(node.get("items"), Mapping) else []):
            yield from departures(root, node["items"], item, f"{path}[{number}]")
    elif isinstance(value, str):
        yield from _size(node, "Length", len(value), path)
        if "pattern" in node and not re.search(node["pattern"], value):
            yield f"{path}: {_shown(value)} does not match {node['pattern']}"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_departures(node, value, path)


def _object_departures(root: Schema, node: Schema, value: Schema, path: str) -> Iterator[str]:
    properties, patterns = _mapping(node.get("properties")), _mapping(node.get("patternProperties"))
    yield from (f"{path}.{name} is missing" for name in node.get("required", []) if name not in value)
    for name, item in value.items():
        schemas = [properties[name]] if name in properties else []
        schemas += [inner for pattern, inner in patterns.items() if re.search(pattern, name)]
        if not schemas and node.get("additionalProperties") is False:
            yield f"{path}.{name} is not in the schema"
        for inner in schemas:
            yield from departures(root, inner, item, f"{path}.{name}")


def _size(node: Schema, what: str, size: int, path: str) -> Iterator[str]:
    if size < node.get(f"min{what}", 0) or size > node.get(f"max{what}", size):
        yield f"{path}: a size of {size} is outside min{what} and max{what}"


def _number_departures(node: Schema, value: float, path: str) -> Iterator[str]:
    low, high = node.get("minimum", -math.inf), node.get("maximum", math.inf)
    above, below = node.get("exclusiveMinimum", -math.inf), node.get("exclusiveMaximum", math.inf)
    if not (low <= value <= high and above < value < below):
        yield f"{path}: {value} is out of range"
    step = node.get("multipleOf")
    if step and abs(value / step - round(value / step)) > 1e-9:
        yield f"{path}: {value} is no multiple of {step}"


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    match kind:
        case "integer":
            return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        case "number":
            return isinstance(value, int | float) and math.isfinite(value)
        case "null":
            return value is None
    classes = {"string": str, "object": Mapping, "array": list}
    return kind in classes and isinstance(value, classes[kind])


def _same(one: Any, other: Any) -> bool:
    """Equal in JSON: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
