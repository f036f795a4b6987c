"""The daily bill of WeChat Pay and money in fen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.money import InvalidAmount, fen_of, yuan_of
from integrations.payments.wechat.bill import BillBroken, read_bill

HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"


def line(out_trade_no: str, *, total: str = "0.00", refunded: str = "0.00", fee: str = "0.00000") -> str:
    state, refund = ("REFUND", "SUCCESS") if refunded != "0.00" else ("SUCCESS", "")
    values = [
        "2026-03-01 09:30:00", "wx0", "19", "0", "", f"42{out_trade_no}", out_trade_no, "o", "NATIVE", state, "OTHERS",
        "CNY", total, "0.00", "0", "R" if refund else "0", refunded, "0.00", "ORIGINAL" if refund else "", refund,
        "物业费, 一季度", "", fee, "0.60%", total, refunded, "",
    ]  # fmt: skip
    return ",".join(f"`{value}" for value in values)


def bill(*lines: str, totals: str, mark: str = "\ufeff", end: str = "\r\n") -> bytes:
    return (mark + end.join([HEAD, *lines, TOTALS, totals]) + end).encode()


PAID, BACK = line("A-1", total="120.50", fee="0.72000"), line("A-1", refunded="20.50", fee="-0.12000")
RIGHT = "`2.0,`120.50,`20.50,`0.0,`0.60,`120.50,`20.50"


def test_rows_and_totals_are_read_and_agree() -> None:
    read = read_bill(bill(PAID, BACK, totals=RIGHT))
    paid, back = read.rows
    assert (paid.out_trade_no, paid.settled, paid.state, str(paid.fee)) == ("A-1", 12050, "SUCCESS", "0.72000")
    assert (back.refunded, back.refund_state, back.at.isoformat()) == (2050, "SUCCESS", "2026-03-01T09:30:00+08:00")
    assert (read.settled, read.refunded, read.total, str(read.fee)) == (12050, 2050, 12050, "0.60")


def test_an_empty_day_and_bare_newlines_are_read() -> None:
    assert read_bill(bill(totals="`0.0,`0.00,`0.00,`0.0,`0.00,`0.00,`0.00", mark="", end="\n")).rows == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff", "UTF-8"),
        (b"", "totals"),
        (b"a,b\n`1,`2\n", "totals"),
        (b"a\nb\nc\nd", "columns"),
        (bill(PAID, totals="`2.0,`120.50,`0.00,`0.0,`0.72,`120.50,`0.00"), "2.0"),
        (bill(PAID, totals="`1.0,`120.51,`0.00,`0.0,`0.72,`120.50,`0.00"), "settled"),
        (bill(PAID, totals="`1.0,`120.50,`0.01,`0.0,`0.72,`120.50,`0.00"), "refunded"),
        (bill(PAID, totals="`1.0,`120.50,`0.00,`0.0,`0.73,`120.50,`0.00"), "fee"),
        (bill(PAID, totals="`sNaN,`120.50,`0.00,`0.0,`0.72,`120.50,`0.00"), "totals"),
        (bill(PAID, totals="`1.0,`120.50,`0.00,`0.0,`Infinity,`120.50,`0.00"), "totals"),
        (bill(PAID.replace("0.72000", "sNaN"), totals=RIGHT), "line 2"),
        (bill(PAID, totals="`1.0,`x,`0.00,`0.0,`0.72,`120.50,`0.00"), "totals"),
        (bill(PAID.replace("120.50", "120.505"), totals=RIGHT), "line 2"),
        (bill(PAID.replace("2026-03", "2026-13"), totals=RIGHT), "line 2"),
        (bill(PAID, "`broken", totals=RIGHT), "line 3"),
        (bill(PAID[1:], totals=RIGHT), "line 2"),
    ],
)
def test_a_broken_bill_is_refused_by_name(content: bytes, said: str) -> None:
    with pytest.raises(BillBroken, match=said):
        read_bill(content)


@given(st.integers(-(10**13), 10**13))
def test_yuan_and_fen_are_the_same_money(fen: int) -> None:
    assert fen_of(yuan_of(fen)) == fen


@pytest.mark.parametrize("yuan", ["", " 1", "1.005", "1e3", "+1", ".5", "1.", "NaN", "１", "1,000.00", "9" * 20])
def test_what_is_not_an_amount_is_refused(yuan: str) -> None:
    with pytest.raises(InvalidAmount):
        fen_of(yuan)
    assert fen_of("1.50000") == 150
