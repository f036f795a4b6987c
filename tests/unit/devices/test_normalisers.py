"""Plates, temperatures, times and loose values: one spelling each, and None for what was not measured."""

from __future__ import annotations

import base64
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations.devices import fields, instants, pictures
from integrations.devices.plates import plate
from integrations.devices.temperature import body_temperature
from tests.unit.devices.samples import PNG

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("sent", "number", "encrypted"),
    [
        ("浙F12345", "浙F12345", False),
        ("浙f·d12345", "浙FD12345", False),
        ("  浙F.1 2345 ", "浙F12345", False),
        ("浙Ｆ１２３４５", "浙F12345", False),
        ("粤Z1234港", "粤Z1234港", False),
        ("AB-123", "AB-123", False),
        ("_无_", None, False),
        ("无牌车", None, False),
        ("unknown", None, False),
        ("No Plate", None, False),
        ("", None, False),
        (None, None, False),
        ("1", None, False),
        ("浙F????5", None, False),
        ("q83vEjRWeJCrze8SNFZ4kKvN7xI=", None, True),
    ],
)
def test_plates(sent: Any, number: str | None, encrypted: bool) -> None:
    read = plate(sent)
    assert (read.number, read.encrypted) == (number, encrypted)
    assert read.raw == fields.text(sent)


@pytest.mark.parametrize(
    ("sent", "unit", "expected"),
    [
        (36.6, None, {"temperature_c": 36.6}),
        ("36.6", "celsius", {"temperature_c": 36.6}),
        (97.88, "fahrenheit", {"temperature_c": 36.6}),
        (309.75, "kelvin", {"temperature_c": 36.6}),
        (20, None, {"temperature_c": 20}),
        (45, None, {"temperature_c": 45}),
        (19.9, None, {"temperature_rejected": True}),
        (45.1, None, {"temperature_rejected": True}),
        (0, None, {}),
        (0.0, "fahrenheit", {}),
        (-1.0, None, {}),
        (None, None, {}),
        ("hot", None, {}),
        (True, None, {}),
        (10**400, None, {}),
    ],
)
def test_body_temperatures(sent: Any, unit: str | None, expected: dict[str, Any]) -> None:
    assert body_temperature(sent, unit) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-01-01T08:00:00+08:00", 1767225600),
        ("2026-01-01T08:00:00", 1767225600),
        ("20260101T080000", 1767225600),
        ("2026-01-01T00:00:00.123456789Z", 1767225600.123456),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("noon", None),
        ("2026-13-01T00:00:00Z", None),
        (5, None),
    ],
)
def test_instants(sent: Any, expected: float | None) -> None:
    moment = instants.instant(sent, SHANGHAI)
    assert (moment.timestamp() if moment else None) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (1767225600, 1767225600),
        (1767225600.5, 1767225600.5),
        (1767225600123, 1767225600.123),
        ("1767225600123", 1767225600.123),
        (1767225600123456, 1767225600.123456),
        (1767225600123456789, 1767225600.123456),
        (0, None),
        (-5, None),
        (10**30, None),
        (True, None),
        ("12a", None),
        (None, None),
    ],
)
def test_epochs_tell_their_unit_by_size(sent: Any, expected: float | None) -> None:
    moment = instants.epoch(sent)
    assert (moment.timestamp() if moment else None) == expected


@pytest.mark.parametrize(
    ("sent", "text", "whole", "number", "truth"),
    [
        (" a\x00b ", "ab", None, None, None),
        ("12", "12", 12, 12.0, None),
        (12, "12", 12, 12.0, None),
        (1, "1", 1, 1.0, True),
        ("0", "0", 0, 0.0, False),
        ("OFF", "OFF", None, None, False),
        (True, None, None, None, True),
        (1.0, None, 1, 1.0, True),
        (1.5, None, None, 1.5, None),
        ("-7", "-7", -7, -7.0, None),
        ("1_000", "1_000", None, None, None),
        ("nan", "nan", None, None, None),
        ("9" * 30, "9" * 30, None, 1e30, None),
        (2**70, None, None, float(2**70), None),
        ("", None, None, None, None),
        (None, None, None, None, None),
        ([1], None, None, None, None),
    ],
)
def test_loose_values(sent: Any, text: str | None, whole: int | None, number: float | None, truth: bool | None) -> None:
    assert (fields.text(sent), fields.whole(sent), fields.number(sent), fields.truth(sent)) == (
        text,
        whole,
        number,
        truth,
    )


def test_texts_are_cut_at_256_characters() -> None:
    assert fields.text("x" * 300) == "x" * 256


def test_the_first_of_repeated_objects_is_taken() -> None:
    assert fields.child({"a": [{"b": 1}, {"b": 2}]}, "a") == {"b": 1}
    assert fields.child({"a": [1]}, "a") == {}
    assert fields.children({"a": [{"b": 1}, 5]}, "a") == [{"b": 1}]


@pytest.mark.parametrize("content", [PNG, b"RIFF\x00\x00\x00\x00WEBPVP8 "])
def test_pictures_are_known_by_their_first_bytes(content: bytes) -> None:
    assert pictures.format_of(content)
    assert pictures.from_base64(base64.b64encode(content).decode()) == content


def test_what_is_no_picture_in_base64() -> None:
    assert pictures.from_base64(5) is None
    assert pictures.from_base64("A" * (4 * 2 * 1024 * 1024 + 5)) is None
    assert pictures.from_base64(base64.b64encode(b"plain text").decode()) is None
