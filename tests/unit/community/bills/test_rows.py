"""Rows of files of bills: what is understood, and each thing that can be wrong by its code and column."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.community.bills.imports.faults import WORDS, Fault, Wrong, said
from domain.community.bills.imports.rows import FileBill, columns_of, understood
from domain.community.bills.kinds import BillKind

HEAD = ("账单编号", "类别", "账期", "金额", "滞纳金", "截止日期", "地址", "户号", "备注")
GOOD = ("B1", "水费", "2026-10", "12.30", "0.45", "2026-10-31", "1号楼/2/301", "3301 0020 0300", "阶梯一档")


def read(**changes: str) -> FileBill | Wrong:
    columns = columns_of(HEAD)
    assert isinstance(columns, dict)
    cells = dict(zip(HEAD, GOOD, strict=True)) | changes
    return understood(columns, [cells[name] for name in HEAD])


def test_a_row_is_a_bill() -> None:
    bill = read()
    assert isinstance(bill, FileBill)
    assert (bill.entry_id, bill.kind, bill.period.name, bill.amount_fen, bill.late_fen, bill.deadline) == (
        "B1",
        BillKind.WATER,
        "2026-10",
        1230,
        45,
        date(2026, 10, 31),
    )
    assert (bill.address, bill.account, bill.title) == (("1号楼", "2", "301"), "330100200300", "阶梯一档")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"账单编号": ""}, Wrong(Fault.MISSING, "bill_entry_id")),
        ({"类别": "停车"}, Wrong(Fault.BAD_KIND, "cost_type")),
        ({"户号": ""}, Wrong(Fault.MISSING, "bill_key")),
        ({"户号": "12"}, Wrong(Fault.BAD_ACCOUNT, "bill_key")),
        ({"地址": "1号楼"}, Wrong(Fault.UNKNOWN_HOME, "room_address")),
        ({"类别": "物业费", "户号": "", "地址": ""}, Wrong(Fault.MISSING, "room_address")),
        ({"账期": "十月"}, Wrong(Fault.BAD_PERIOD, "acct_period")),
        ({"金额": "12.345"}, Wrong(Fault.BAD_AMOUNT, "bill_entry_amount")),
        ({"金额": "0"}, Wrong(Fault.BAD_AMOUNT, "bill_entry_amount")),
        ({"金额": "-5"}, Wrong(Fault.BAD_AMOUNT, "bill_entry_amount")),
        ({"金额": "20000000.01"}, Wrong(Fault.BAD_AMOUNT, "bill_entry_amount")),
        ({"金额": "20000000", "滞纳金": "0.01"}, Wrong(Fault.BAD_AMOUNT, "bill_fines")),
        ({"滞纳金": "x"}, Wrong(Fault.BAD_AMOUNT, "bill_fines")),
        ({"截止日期": "31.10.2026"}, Wrong(Fault.BAD_DATE, "deadline")),
        ({"备注": "x" * 81}, Wrong(Fault.BAD_TEXT, "remark_str")),
        ({"备注": "a\x07b"}, Wrong(Fault.BAD_TEXT, "remark_str")),
    ],
)
def test_what_is_wrong_is_told_by_code_and_column(changes: dict[str, str], expected: Wrong) -> None:
    assert read(**changes) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"金额": "¥1,230.00"},
        {"截止日期": "20261031"},
        {"截止日期": "2026/10/31"},
        {"地址": ""},
        {"地址": "1号楼-2-301"},
        {"滞纳金": "", "备注": ""},
        {"类别": "WATER"},
    ],
)
def test_spellings_of_offices_are_understood(changes: dict[str, str]) -> None:
    assert isinstance(read(**changes), FileBill)


def test_a_head_must_name_what_a_bill_needs() -> None:
    assert columns_of(["账单编号", "类别", "账期", "金额"]) == ["deadline", "room_address"]
    assert columns_of(()) == [
        "bill_entry_id", "cost_type", "acct_period", "bill_entry_amount", "deadline", "room_address",
    ]  # fmt: skip
    assert isinstance(columns_of(["BILL_ENTRY_ID", "cost_type", "acct_period", "bill_entry_amount", "deadline",
                                  "building", "door"]), dict)  # fmt: skip


@given(st.lists(st.text(max_size=90), max_size=12))
def test_no_row_raises(cells: list[str]) -> None:
    columns = columns_of(HEAD)
    assert isinstance(columns, dict)
    assert isinstance(understood(columns, cells), FileBill | Wrong)


def test_every_fault_is_told_in_both_languages() -> None:
    assert WORDS.keys() == set(Fault)
    assert said("MISSING", "zh-CN") == "缺少必填项"
    assert said("OF_ANOTHER_VERSION", "en") == "OF_ANOTHER_VERSION"
