"""Checks of one value of the contract. Written by hand because they run for every record of a batch.

A check takes the value and returns what is stored, or raises ``Unfit`` with what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

Check = Callable[[Any], Any]

_MOMENT: Final = re.compile(
    r"(?:19[7-9]\d|2[01]\d\d)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?"
    r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)",
    re.ASCII,
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\xa0]")
_TAG: Final = re.compile(r"[0-9A-Fa-f]{4,64}")


class Unfit(Exception):
    """A value that the contract does not allow; the message says what it allows."""


def moment(value: object) -> datetime:
    """ISO 8601 with seconds and offset, from 1970 to 2199."""
    if type(value) is str and _MOMENT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise Unfit("ISO 8601 with seconds and offset")


def moment_text(value: object) -> str:
    """A moment, kept as text in UTC."""
    return moment(value).astimezone(UTC).isoformat().replace("+00:00", "Z")


def flag(value: object) -> bool:
    """true or false."""
    if value is True or value is False:
        return value
    raise Unfit("true or false")


def tag(value: object) -> str:
    """A tag's id, 4 to 64 hexadecimal digits, in upper case."""
    if type(value) is str and _TAG.fullmatch(value):
        return value.upper()
    raise Unfit("4 to 64 hexadecimal digits")


def label(longest: int) -> Check:
    """Text of 1 to ``longest`` characters without control characters."""

    def check(value: object) -> str:
        if type(value) is str and 0 < len(value) <= longest and not _CONTROL.search(value) and not value.isspace():
            return value
        raise Unfit(f"text of 1 to {longest} characters")

    return check


def one_of(words: frozenset[str]) -> Check:
    """A word of a closed vocabulary."""

    def check(value: object) -> str:
        if type(value) is str and value in words:
            return value
        raise Unfit("one of " + ", ".join(sorted(words)))

    return check


def whole(least: int, most: int) -> Check:
    """A whole number in a range; 3.0 counts as 3, as in JSON Schema."""

    def check(value: object) -> int:
        if type(value) is int and least <= value <= most:
            return value
        if type(value) is float and value.is_integer() and least <= value <= most:
            return int(value)
        raise Unfit(f"a whole number from {least} to {most}")

    return check


def measure(least: float, most: float) -> Check:
    """A number in a range."""

    def check(value: object) -> float:
        if (type(value) is float or type(value) is int) and least <= value <= most:
            return value
        raise Unfit(f"a number from {least} to {most}")

    return check


def body_heat(value: object) -> float:
    """Any number from -1 to 500; the normaliser decides what is a body's temperature."""
    return float(measure(-1, 500)(value))


def plate_text(value: object) -> str:
    """Up to 32 characters; a blank one was not read."""
    if type(value) is str and len(value) <= 32 and not _CONTROL.search(value):
        return value
    raise Unfit("text of at most 32 characters")
