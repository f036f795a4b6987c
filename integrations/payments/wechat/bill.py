"""The daily bill of WeChat Pay: what it says was paid and refunded, and its own totals.

Lines of values that each stand behind a backtick, without quoting: a product name may hold a comma, so a line is split
at comma and backtick. Amounts are yuan; fees have five places and are kept as Decimal. The last two lines are the
totals. Source: WeChat Pay merchant documentation, "下载账单"; a real bill of 45 rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation

from domain.kernel.money import InvalidAmount, fen_of

CHINA = timezone(timedelta(hours=8))
COLUMNS = {
    "at": "交易时间",
    "transaction_id": "微信订单号",
    "out_trade_no": "商户订单号",
    "trade_type": "交易类型",
    "state": "交易状态",
    "settled": "应结订单金额",
    "refund_id": "微信退款单号",
    "out_refund_no": "商户退款单号",
    "refunded": "退款金额",
    "refund_state": "退款状态",
    "fee": "手续费",
    "total": "订单金额",
}
TOTALS = ("总交易单数", "应结订单总金额", "退款总金额", "手续费总金额", "订单总金额")


class BillBroken(ValueError):
    """The file is not a bill, or its rows do not add up to its totals; says the line."""


@dataclass(frozen=True, slots=True)
class BillRow:
    """One payment or refund. Amounts in fen, ``fee`` in yuan."""

    at: datetime
    transaction_id: str
    out_trade_no: str
    trade_type: str
    state: str
    settled: int
    refund_id: str
    out_refund_no: str
    refunded: int
    refund_state: str
    fee: Decimal
    total: int


@dataclass(frozen=True, slots=True)
class Bill:
    """A day's rows; their sums are the bill's own totals. Amounts in fen, ``fee`` in yuan as the bill rounds it."""

    rows: tuple[BillRow, ...]
    settled: int
    refunded: int
    total: int
    fee: Decimal


def read_bill(content: bytes) -> Bill:
    """Read a bill of type ALL. Raises BillBroken; nothing is skipped."""
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise BillBroken("not UTF-8") from error
    lines = [line.rstrip("\r") for line in lines if line.strip()]
    if len(lines) < 3:
        raise BillBroken("no totals")
    head, totals_head = lines[0].split(","), lines[-2].split(",")
    missing = (set(COLUMNS.values()) - set(head)) | (set(TOTALS) - set(totals_head))
    if missing:
        raise BillBroken(f"without the columns {', '.join(sorted(missing))}")
    rows = tuple(_row(number, head, line) for number, line in enumerate(lines[1:-2], 2))
    bill = _totals(totals_head, lines[-1], rows)
    _add_up(bill)
    return bill


def _values(number: int, head: list[str], line: str) -> dict[str, str]:
    values = line.removeprefix("`").split(",`")
    if not line.startswith("`") or len(values) != len(head):
        raise BillBroken(f"line {number} has not {len(head)} values")
    return dict(zip(head, values, strict=True))


def _row(number: int, head: list[str], line: str) -> BillRow:
    said = _values(number, head, line)
    texts = {name: said[column] for name, column in COLUMNS.items()}
    try:
        at = datetime.strptime(texts["at"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        return BillRow(
            at=at,
            transaction_id=texts["transaction_id"],
            out_trade_no=texts["out_trade_no"],
            trade_type=texts["trade_type"],
            state=texts["state"],
            settled=fen_of(texts["settled"]),
            refund_id=texts["refund_id"],
            out_refund_no=texts["out_refund_no"],
            refunded=fen_of(texts["refunded"]),
            refund_state=texts["refund_state"],
            fee=_finite(texts["fee"]),
            total=fen_of(texts["total"]),
        )
    except (ValueError, InvalidAmount, InvalidOperation) as error:
        raise BillBroken(f"line {number} has no such time or amount") from error


def _finite(text: str) -> Decimal:
    """A number. Raises InvalidOperation, of NaN and infinities too: they do not add up."""
    number = Decimal(text)
    if not number.is_finite():
        raise InvalidOperation
    return number


def _totals(head: list[str], line: str, rows: tuple[BillRow, ...]) -> Bill:
    said = _values(len(rows) + 3, head, line)
    try:
        count = _finite(said["总交易单数"])
        settled, refunded, total = (fen_of(said[name]) for name in ("应结订单总金额", "退款总金额", "订单总金额"))
        fee = _finite(said["手续费总金额"])
    except (InvalidAmount, InvalidOperation) as error:
        raise BillBroken("the totals have no such amount") from error
    if count != len(rows):
        raise BillBroken(f"{len(rows)} rows, but the totals count {count}")
    return Bill(rows, settled, refunded, total, fee)


def _add_up(bill: Bill) -> None:
    for name in ("settled", "refunded", "total"):
        summed = sum(getattr(row, name) for row in bill.rows)
        if summed != getattr(bill, name):
            raise BillBroken(f"{name}: the rows make {summed} fen, the totals say {getattr(bill, name)}")
    summed_fee = sum((row.fee for row in bill.rows), Decimal())
    if summed_fee != bill.fee:
        raise BillBroken(f"fee: the rows make {summed_fee} yuan, the totals say {bill.fee}")
