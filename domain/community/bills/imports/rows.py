"""A row of a file of bills, understood. Pure.

Columns are called as in Alipay's published models for property and utility bills (``bill_entry_id``, ``acct_period``,
``cost_type``, ``bill_key`` …), or as offices call them in Chinese.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from domain.community.bills.accounts import normalise_number
from domain.community.bills.errors import InvalidAccountNumber
from domain.community.bills.imports.faults import Fault, Wrong
from domain.community.bills.kinds import TITLES, BillKind
from domain.community.bills.periods import InvalidPeriod, Period, month_of
from domain.community.payments.charges import MOST_FEN
from domain.kernel.money import InvalidAmount, fen_of

MOST_TEXT: Final = 80

ALIASES: Final[Mapping[str, str]] = {
    "bill_entry_id": "bill_entry_id", "账单编号": "bill_entry_id", "账单号": "bill_entry_id",
    "cost_type": "cost_type", "费用类型": "cost_type", "类别": "cost_type", "费用": "cost_type",
    "acct_period": "acct_period", "账期": "acct_period", "归属账期": "acct_period",
    "bill_entry_amount": "bill_entry_amount", "金额": "bill_entry_amount", "应缴金额": "bill_entry_amount",
    "bill_fines": "bill_fines", "滞纳金": "bill_fines", "违约金": "bill_fines",
    "deadline": "deadline", "缴费截止日": "deadline", "截止日期": "deadline",
    "room_address": "room_address", "房屋地址": "room_address", "地址": "room_address", "房号": "room_address",
    "building": "building", "楼栋": "building",
    "unit": "unit", "单元": "unit",
    "door": "door", "门牌": "door", "室号": "door",
    "bill_key": "bill_key", "户号": "bill_key",
    "remark_str": "remark_str", "备注": "remark_str", "说明": "remark_str",
}  # fmt: skip
"""Head of a column, in lower case -> its name in the format."""
NEEDED: Final = ("bill_entry_id", "cost_type", "acct_period", "bill_entry_amount", "deadline")
_KINDS: Final = {
    "water": BillKind.WATER, "水费": BillKind.WATER, "水": BillKind.WATER,
    "electric": BillKind.ELECTRICITY, "electricity": BillKind.ELECTRICITY, "电费": BillKind.ELECTRICITY,
    "电": BillKind.ELECTRICITY,
    "gas": BillKind.GAS, "燃气费": BillKind.GAS, "燃气": BillKind.GAS, "煤气费": BillKind.GAS,
    "property": BillKind.PROPERTY, "property_fee": BillKind.PROPERTY, "物业费": BillKind.PROPERTY,
    "物业管理费": BillKind.PROPERTY,
}  # fmt: skip

Address = tuple[str, str, str]
"""Building, unit and door as they stand in the estate."""


@dataclass(frozen=True, slots=True)
class FileBill:
    """A bill as a file tells it. address, account: whose it is; at least one is given, for utilities the account."""

    entry_id: str
    kind: BillKind
    period: Period
    amount_fen: int
    late_fen: int
    deadline: date
    address: Address | None
    account: str | None
    title: str


def columns_of(head: Iterable[str]) -> dict[str, int] | list[str]:
    """Where each known column of a head stands; or the names of those that are missing."""
    found: dict[str, int] = {}
    for place, text in enumerate(head):
        name = ALIASES.get(text.strip().lower())
        if name is not None:
            found.setdefault(name, place)
    missing = [name for name in NEEDED if name not in found]
    whose = {"room_address", "bill_key"} & found.keys() or {"building", "door"} <= found.keys()
    return found if not missing and whose else [*missing, *(() if whose else ("room_address",))]


class _Bad(Exception):
    """A cell that is not understood."""

    def __init__(self, fault: Fault, column: str) -> None:
        self.wrong = Wrong(fault, column)
        super().__init__(column)


def understood(columns: Mapping[str, int], cells: Sequence[str]) -> FileBill | Wrong:
    """The bill in a row, or the first thing that is wrong with it."""

    def cell(name: str, *, needed: bool = False) -> str:
        place = columns.get(name)
        text = cells[place].strip() if place is not None and place < len(cells) else ""
        if needed and not text:
            raise _Bad(Fault.MISSING, name)
        if len(text) > MOST_TEXT or not text.isprintable():
            raise _Bad(Fault.BAD_TEXT, name)
        return text

    try:
        kind = _KINDS.get(cell("cost_type", needed=True).lower())
        if kind is None:
            raise _Bad(Fault.BAD_KIND, "cost_type")
        account = _account(cell("bill_key", needed=kind.utility))
        address = _address(cell("building"), cell("unit"), cell("door"), cell("room_address"))
        if address is None and account is None:
            raise _Bad(Fault.MISSING, "room_address")
        amount = _fen(cell("bill_entry_amount", needed=True), "bill_entry_amount", least=1)
        return FileBill(
            cell("bill_entry_id", needed=True),
            kind,
            _period(cell("acct_period", needed=True)),
            amount,
            _fen(cell("bill_fines") or "0", "bill_fines", least=0, most=MOST_FEN - amount),
            _day(cell("deadline", needed=True)),
            address,
            account,
            cell("remark_str") or TITLES[kind],
        )
    except _Bad as bad:
        return bad.wrong


def _account(text: str) -> str | None:
    try:
        return normalise_number(text) if text else None
    except InvalidAccountNumber:
        raise _Bad(Fault.BAD_ACCOUNT, "bill_key") from None


def _address(building: str, unit: str, door: str, whole: str) -> Address | None:
    if building and door:
        return building, unit, door
    parts = [part.strip() for part in whole.replace("-", "/").split("/")]
    if not whole:
        return None
    if len(parts) == 2:
        return parts[0], "", parts[1]
    if len(parts) != 3 or not all(parts):
        raise _Bad(Fault.UNKNOWN_HOME, "room_address")
    return parts[0], parts[1], parts[2]


def _period(text: str) -> Period:
    try:
        return month_of(text, field=None)
    except InvalidPeriod:
        raise _Bad(Fault.BAD_PERIOD, "acct_period") from None


def _fen(text: str, column: str, *, least: int, most: int = MOST_FEN) -> int:
    try:
        fen = fen_of(text.replace(",", "").removeprefix("¥").removeprefix("￥").strip())
    except InvalidAmount:
        raise _Bad(Fault.BAD_AMOUNT, column) from None
    if not least <= fen <= most:
        raise _Bad(Fault.BAD_AMOUNT, column)
    return fen


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.replace("/", "-").removesuffix(" 00:00:00"))
    except ValueError:
        raise _Bad(Fault.BAD_DATE, "deadline") from None
