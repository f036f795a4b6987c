"""Scalars, ids and errors, without a database."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from graphql import GraphQLError
from hypothesis import given
from hypothesis import strategies as st

from api.errors import present
from api.nodes import global_id, parse_global_id, row_id
from api.scalars import DateTime
from domain.kernel.errors import Conflict, DomainError, Limited, NotFound

CHINA = timezone(timedelta(hours=8))


def test_an_instant_is_read_with_its_zone_and_written_in_utc() -> None:
    assert DateTime.parse_value is not None
    read = DateTime.parse_value("2026-01-31T08:00:00+08:00")
    assert read == datetime(2026, 1, 31, tzinfo=UTC)
    assert DateTime.serialize is not None
    assert DateTime.serialize(datetime(2026, 1, 31, 8, tzinfo=CHINA)) == "2026-01-31T00:00:00Z"


@pytest.mark.parametrize("value", ["2026-01-31T08:00:00", "2026-01-31", "yesterday", "", 7, None, True])
def test_an_instant_without_a_zone_is_refused(value: object) -> None:
    assert DateTime.parse_value is not None
    with pytest.raises(ValueError, match=r"."):
        DateTime.parse_value(value)


@given(st.text("ABCabc", min_size=1), st.text(min_size=1))
def test_a_global_id_is_read_back(type_name: str, rest: str) -> None:
    assert parse_global_id(global_id(type_name, rest)) == (type_name, rest)


@given(st.text())
def test_any_text_is_an_id_or_names_nothing(text: str) -> None:
    with suppress(NotFound):
        type_name, rest = parse_global_id(text)
        assert rest
        assert ":" not in type_name


def test_an_id_of_another_type_names_nothing() -> None:
    assert row_id(global_id("Area", 7), "Area") == 7
    with pytest.raises(NotFound) as error:
        row_id(global_id("Home", 7), "Area", field="area")
    assert error.value.field == "area"


def shaped(cause: Exception, language: str = "en") -> GraphQLError:
    error = GraphQLError(str(cause), path=["a"], original_error=cause)
    present(error, language=language)
    return error


def test_a_domain_error_keeps_its_code_kind_field_and_numbers() -> None:
    error = shaped(Limited(retry_after=7, field="phone"))
    assert error.message == "Too many attempts; try again in 7 seconds"
    assert error.extensions == {
        "code": "RATE_LIMITED",
        "kind": "limited",
        "field": "phone",
        "params": {"retry_after": 7},
        "retryAfter": 7,
    }
    assert shaped(Conflict(), "zh-CN").message == "当前状态不允许此操作"


def test_an_error_inside_an_error_is_found() -> None:
    inner = GraphQLError("x", original_error=NotFound())
    assert shaped(inner).extensions["code"] == "NOT_FOUND"


def test_shaping_twice_changes_nothing() -> None:
    error = shaped(RuntimeError("secret"))
    before = dict(error.formatted)
    present(error, language="zh-CN")
    assert dict(error.formatted) == before
    assert "secret" not in str(before)


def every(kind: type[DomainError]) -> list[type[DomainError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in every(below))]


def test_every_error_speaks_both_languages() -> None:
    import domain.identity.errors  # noqa: F401 - registers its errors

    for kind in every(DomainError):
        assert kind.messages.keys() >= {"zh-CN", "en"}, kind
        assert kind.code.isupper()
