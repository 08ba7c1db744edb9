"""Holds a value against a schema of the OpenAPI document: as much of JSON Schema as that document uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
FORMATS: dict[str, Any] = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}
WORDLESS = {"description", "default", "examples"}
KNOWN = {
    *("$ref", "type", "enum", "anyOf", "properties", "required", "additionalProperties", "minProperties", "items"),
    *("minItems", "maxItems", "minLength", "maxLength", "pattern", "format"),
}


def problems(document: dict[str, Any], schema: dict[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """What is wrong with the value, each with its place; an unknown keyword is an error of the document."""
    assert schema.keys() <= KNOWN | WORDLESS, schema.keys() - KNOWN
    if "$ref" in schema:
        yield from problems(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], value, at)
    if "anyOf" in schema and all(list(problems(document, one, value)) for one in schema["anyOf"]):
        yield f"{at}: none of the alternatives"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[kind]) for kind in kinds):
        yield f"{at}: {value!r} is no {kinds}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if isinstance(value, str):
        yield from _text(schema, value, at)
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at}: {len(value)} items"
        for number, one in enumerate(value):
            yield from problems(document, schema.get("items", {}), one, f"{at}/{number}")
    if isinstance(value, dict):
        yield from _object(document, schema, value, at)


def _text(schema: dict[str, Any], value: str, at: str) -> Iterator[str]:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{at}: {len(value)} letters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not fit {schema['pattern']}"
    if "format" in schema:
        FORMATS[schema["format"]](value)


def _object(document: dict[str, Any], schema: dict[str, Any], value: dict[str, Any], at: str) -> Iterator[str]:
    names = schema.get("properties", {})
    yield from (f"{at}/{name}: missing" for name in schema.get("required", []) if name not in value)
    if len(value) < schema.get("minProperties", 0):
        yield f"{at}: too few fields"
    for name, one in value.items():
        if name in names:
            yield from problems(document, names[name], one, f"{at}/{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{at}/{name}: unknown"
