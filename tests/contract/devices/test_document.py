"""docs/devices.md says what the code does: its examples are accepted and its vocabularies are complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from domain.security.devices.observation import Observation
from integrations.devices import registry, vocabulary
from tests.contract.devices.schemas import validator
from tests.unit.devices.samples import read

TEXT = (Path(__file__).parents[3] / "docs" / "devices.md").read_text()


def test_its_examples_are_accepted() -> None:
    found = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
    found += [json.loads(line) for line in re.findall(r"-d '(\{.*\})'", TEXT)]
    found += [json.loads(line) for line in re.findall(r"^`(\{.*\})`$", TEXT, re.MULTILINE)]
    assert len(found) >= 4
    for message in found:
        validator(message["type"]).validate(message)
        assert all(isinstance(record, Observation) for record in read("zhian", message))


@pytest.mark.parametrize(
    "words",
    [
        vocabulary.DECISIONS, vocabulary.REASONS, vocabulary.METHODS, vocabulary.HEALTH_CODES, vocabulary.USER_TYPES,
        vocabulary.DOOR_STATES, vocabulary.PLATE_COLORS, vocabulary.VEHICLE_TYPES, vocabulary.VEHICLE_LISTS,
        vocabulary.TAG_KINDS, vocabulary.CAMERA_EVENTS, vocabulary.TARGETS, vocabulary.ALARMS, vocabulary.SWITCHES,
        vocabulary.MEASURES, frozenset(registry._PARSERS),
    ],
)  # fmt: skip
def test_it_names_every_word_of_a_vocabulary(words: frozenset[str]) -> None:
    named = set(re.findall(r"[a-z0-9_]+", TEXT))
    assert words <= named
