"""The published JSON Schemas, as validators and as sources of messages."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

FOLDER = Path(__file__).parents[3] / "docs" / "schemas" / "devices"
SCHEMAS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}

_formats = FormatChecker(formats=[])


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value) is not None


@cache
def validator(kind: str) -> Draft202012Validator:
    """The validator of a kind's schema; "$" means the end of the text, as in the standard's regular expressions."""
    strict = json.loads(json.dumps(SCHEMAS[kind]), object_hook=_end_of_text)
    return Draft202012Validator(strict, format_checker=_formats)


def _end_of_text(node: dict[str, Any]) -> dict[str, Any]:
    if isinstance(node.get("pattern"), str):
        node["pattern"] = re.sub(r"\$$", r"\\Z", node["pattern"])
    return node


@cache
def messages(kind: str) -> st.SearchStrategy[Any]:
    """Messages that a kind's schema allows."""
    return values(SCHEMAS[kind])


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema allows, as far as its keywords are the ones our schemas use."""
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return st.none() | st.booleans() | st.text(max_size=5)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_of_type(kind, schema) for kind in kinds])


def _of_type(kind: str, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if kind == "null":
        return st.none()
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(low, high)
    if kind == "number":
        return st.integers(low, high) | st.floats(low, high)
    if kind == "string":
        return _strings(schema)
    if kind == "array":
        return st.lists(values(schema["items"]), min_size=schema.get("minItems", 0), max_size=4)
    return _objects(schema)


def _strings(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
    if schema.get("format") == "date-time":
        zones = st.sampled_from(["Z", "+08:00", "-03:30"])
        moments = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31))  # noqa: DTZ001 - the zone is written after
        return st.builds(lambda moment, zone: moment.isoformat() + zone, moments, zones)
    if "pattern" in schema:
        return st.from_regex(re.sub(r"\$$", r"\\Z", schema["pattern"])).filter(lambda text: least <= len(text) <= most)
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=min(most, 20))


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties = {name: values(inner) for name, inner in schema.get("properties", {}).items()}
    required = set(schema.get("required", []))
    made = st.fixed_dictionaries(
        {name: inner for name, inner in properties.items() if name in required},
        optional={name: inner for name, inner in properties.items() if name not in required},
    )
    if "anyOf" in schema:
        chosen = sorted(properties)
        needed = st.sampled_from(chosen).flatmap(
            lambda name: st.fixed_dictionaries({name: properties[name].filter(lambda value: value is not None)})
        )
        made = st.builds(lambda base, one: base | one, made, needed)
    return made
