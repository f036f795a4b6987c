"""The published schemas and the hand-written parser accept exactly the same messages."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain.security.devices.observation import EventKind, Observation
from integrations.devices.registry import parse_strictly
from integrations.devices.zhian.kinds import KINDS, TAG
from tests.contract.devices.schemas import SCHEMAS, messages, validator
from tests.unit.devices.samples import ZONE

KIND_NAMES = sorted(SCHEMAS)
RELAXED = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
REPLACEMENTS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.sampled_from(
        ["", " ", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "zz", "x" * 300, [], {}, [{}]]
    )
)


def accepted(message: Any) -> bool:
    """Whether the parser makes nothing but events of a message."""
    body = json.dumps(message).encode()
    records = parse_strictly("zhian", body, content_type="application/json", topic=None, timezone=ZONE)
    return all(isinstance(record, Observation) for record in records)


def test_there_is_a_schema_for_every_message() -> None:
    assert set(SCHEMAS) == {*KINDS, TAG.event.value}
    assert set(SCHEMAS) == {kind.value for kind in EventKind} - {"device_alarm"}


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_schema_is_one_and_names_what_the_parser_reads(kind: str) -> None:
    schema = SCHEMAS[kind]
    Draft202012Validator.check_schema(schema)
    data = schema["properties"]["data"]["properties"]
    if kind == "tag_read":
        assert set(data["reads"]["items"]["properties"]) == set(TAG.checks)
    else:
        assert set(data) == set(KINDS[kind].checks)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_its_example_is_accepted_by_both(kind: str) -> None:
    for example in SCHEMAS[kind]["examples"]:
        validator(kind).validate(example)
        assert accepted(example)


@pytest.mark.parametrize("kind", KIND_NAMES)
@given(data=st.data())
@RELAXED
def test_what_the_schema_allows_is_accepted(kind: str, data: st.DataObject) -> None:
    message = data.draw(messages(kind))
    assert validator(kind).is_valid(message)
    assert accepted(message)


@pytest.mark.parametrize("kind", KIND_NAMES)
@given(data=st.data())
@RELAXED
def test_both_judge_a_changed_message_alike(kind: str, data: st.DataObject) -> None:
    message = copy.deepcopy(data.draw(messages(kind)))
    for _ in range(data.draw(st.integers(1, 2))):
        change(message, data)
    if message.get("type") == kind:
        assert accepted(message) == validator(kind).is_valid(message)
    else:
        assert not accepted(message) or message.get("type") in SCHEMAS


def change(message: dict[str, Any], data: st.DataObject) -> None:
    """Replace, remove or invent one member somewhere in a message."""
    places: list[Any] = [message]
    for place in places:
        inner = place.values() if isinstance(place, dict) else place
        places += [value for value in inner if isinstance(value, dict | list) and value]
    place = data.draw(st.sampled_from(places))
    name = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
    if isinstance(place, dict) and data.draw(st.booleans()):
        del place[name]
    else:
        place[name] = data.draw(REPLACEMENTS)
