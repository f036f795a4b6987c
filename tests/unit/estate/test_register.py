"""Rows of a register: what they name, and what is wrong with them."""

from __future__ import annotations

import pytest

from domain.estate.models import CompoundKind
from domain.estate.register.rules import Fault, Traits, Wrong, columns_of, read

HEAD = ("县", "镇", "社区", "小区", "类型", "时区", "楼栋", "单元", "门牌")
PATH = ("甲县", "乙镇", "丙社区", "丁苑")


def test_columns_go_by_either_name() -> None:
    assert columns_of(HEAD) == columns_of(
        ("County", "town", "community", "compound", "kind", "timezone", "building", "unit", "door")
    )
    assert columns_of(("镇", "社区")) == ["county"]


def test_a_row_names_all_it_stands_in_and_repeats_nothing() -> None:
    columns = columns_of(HEAD)
    assert isinstance(columns, dict)
    rows = [
        (*PATH, "封闭", "", "1栋", "1", "101"),
        (*PATH, "", "", "1栋", "1", "102"),
        (*PATH, "closed", "", "1栋", "1", "102"),
        ("甲县", "戊镇"),
    ]
    register, wrong = read(rows, columns)
    assert wrong == []
    assert list(register.areas) == [PATH[:1], PATH[:2], PATH[:3], PATH, ("甲县", "戊镇")]
    assert register.traits == {PATH: Traits(CompoundKind.CLOSED)}
    assert list(register.buildings) == [(PATH, "1栋")]
    assert list(register.homes) == [(PATH, "1栋", "1", "101"), (PATH, "1栋", "1", "102")]


@pytest.mark.parametrize(
    ("row", "column", "fault"),
    [
        (("", "乙镇"), "county", Fault.MISSING),
        (("甲县", "", "丙社区"), "town", Fault.MISSING),
        ((*PATH, "封闭", "", "", "1", "101"), "building", Fault.MISSING),
        ((*PATH, "", "", "1栋"), "kind", Fault.BAD_KIND),
        ((*PATH, "半开", "", "1栋"), "kind", Fault.BAD_KIND),
        ((*PATH, "封闭", "Asia/Nowhere"), "timezone", Fault.BAD_TIMEZONE),
        ((*PATH, "封闭", "../etc/passwd"), "timezone", Fault.BAD_TIMEZONE),
        (("甲" * 61,), "county", Fault.BAD_TEXT),
        (("甲\u202e县",), "county", Fault.BAD_TEXT),
    ],
)
def test_what_is_wrong_is_told_and_nothing_of_the_row_is_taken(row: tuple[str, ...], column: str, fault: Fault) -> None:
    columns = columns_of(HEAD)
    assert isinstance(columns, dict)
    register, wrong = read([row], columns)
    assert wrong == [Wrong(1, column, fault)]
    assert (register.areas, register.homes, register.traits) == ({}, {}, {})


def test_a_compound_is_of_one_kind() -> None:
    columns = columns_of(HEAD)
    assert isinstance(columns, dict)
    _, wrong = read([(*PATH, "封闭"), (*PATH, "开放")], columns)
    assert wrong == [Wrong(2, "kind", Fault.KIND_DIFFERS)]


def test_every_fault_speaks_both_languages() -> None:
    assert all(fault.words.keys() == {"zh-CN", "en"} for fault in Fault)
