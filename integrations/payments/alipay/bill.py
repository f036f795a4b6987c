"""The daily bill of Alipay ("业务明细"): what it says was paid and refunded, and its own totals.

A ZIP of CSV files in GBK. Comment lines begin with "#"; numbers that a spreadsheet would spoil end with a tab; refunds
stand with negative amounts. The counts and sums are in two comment lines behind the rows. Source: Alipay Open Platform,
"alipay.data.dataservice.bill.downloadurl.query", bill type trade.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.kernel.money import InvalidAmount, fen_of
from integrations.payments.alipay.signing import CHINA

HEAD: Final = (
    "支付宝交易号", "商户订单号", "业务类型", "商品名称", "创建时间", "完成时间", "门店编号", "门店名称", "操作员",
    "终端号", "对方账户", "订单金额（元）", "商家实收（元）", "支付宝红包（元）", "集分宝（元）", "支付宝优惠（元）",
    "商家优惠（元）", "券核销金额（元）", "券名称", "商家红包消费金额（元）", "卡消费金额（元）", "退款批次号/请求号",
    "服务费（元）", "分润（元）", "备注",
)  # fmt: skip
NEEDED: Final = frozenset((*HEAD[:3], "完成时间", "订单金额（元）", "商家实收（元）", "退款批次号/请求号"))
DETAILS: Final = "业务明细.csv"
MOST_BYTES: Final = 256 << 20
MOST_MEMBERS: Final = 16
METHODS: Final = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))  # LZMA takes what memory the file tells it to
NO_ZIP: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OverflowError, RuntimeError, ValueError)
"""What ``zipfile`` raises of broken archives: directories, offsets, streams, encryption, names."""
PAID, REFUNDED = "交易", "退款"
_TOTAL: Final = re.compile(r"#(交易|退款)合计：([0-9]+)笔，商家实收(?:退款)?共(-?[0-9.]+)元")


class BillBroken(ValueError):
    """The file is not a bill, or its rows do not add up to its totals; says the line."""


@dataclass(frozen=True, slots=True)
class BillRow:
    """One payment or refund. Amounts in fen, positive; ``refund_no`` is empty of a payment."""

    at: datetime
    trade_no: str
    out_trade_no: str
    refund_no: str
    total: int
    received: int


def read_bill(content: bytes) -> tuple[BillRow, ...]:
    """Read the ZIP of a day. Raises BillBroken; nothing is skipped."""
    try:
        lines = _details(content).decode("gbk").splitlines()
    except UnicodeDecodeError as error:
        raise BillBroken("not GBK") from error
    plain = [line for line in lines if line.strip() and not line.startswith("#")]
    if not plain:
        raise BillBroken("without rows")
    head = [name.strip() for name in plain[0].split(",")]
    if missing := NEEDED - set(head):
        raise BillBroken(f"without the columns {', '.join(sorted(missing))}")
    try:
        rows = tuple(_row(number, head, values) for number, values in enumerate(csv.reader(plain[1:]), 2))
    except csv.Error as error:
        raise BillBroken("not CSV") from error
    _add_up(rows, lines)
    return rows


def _details(content: bytes) -> bytes:
    """The one file of the archive that has the rows; a bomb is refused before it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content), metadata_encoding="gbk") as archive:
            members = archive.infolist()
            found = [member for member in members if member.filename.endswith(DETAILS)]
            if len(members) > MOST_MEMBERS or len(found) != 1 or found[0].file_size > MOST_BYTES:
                raise BillBroken("not one file of rows")
            if found[0].compress_type not in METHODS:
                raise BillBroken("packed in a way Alipay does not")
            with archive.open(found[0]) as file:
                read = file.read(MOST_BYTES + 1)
    except BillBroken:
        raise
    except NO_ZIP as error:
        raise BillBroken("not a ZIP") from error
    if len(read) > MOST_BYTES:
        raise BillBroken("too large")
    return read


def _row(number: int, head: list[str], values: list[str]) -> BillRow:
    if len(values) != len(head):
        raise BillBroken(f"row {number} has not {len(head)} values")
    said = {name: value.strip() for name, value in zip(head, values, strict=True)}
    kind = said["业务类型"]
    try:
        at = datetime.strptime(said["完成时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        total, received = fen_of(said["订单金额（元）"]), fen_of(said["商家实收（元）"])
    except (ValueError, InvalidAmount) as error:
        raise BillBroken(f"row {number} has no such time or amount") from error
    if (kind, total > 0) not in ((PAID, True), (REFUNDED, False)):
        raise BillBroken(f"row {number} is neither a payment nor a refund")
    refund_no = (said["退款批次号/请求号"] or said["商户订单号"]) if kind == REFUNDED else ""
    return BillRow(at, said["支付宝交易号"], said["商户订单号"], refund_no, abs(total), abs(received))


def _add_up(rows: tuple[BillRow, ...], lines: list[str]) -> None:
    told = {found[1]: (int(found[2]), found[3]) for line in lines if (found := _TOTAL.match(line))}
    for kind, of_kind in ((PAID, [r for r in rows if not r.refund_no]), (REFUNDED, [r for r in rows if r.refund_no])):
        count, summed = len(of_kind), sum(row.received for row in of_kind)
        if kind not in told:
            raise BillBroken("no totals")
        try:
            said = told[kind][0], abs(fen_of(told[kind][1]))
        except InvalidAmount as error:
            raise BillBroken("the totals have no such amount") from error
        if (count, summed) != said:
            raise BillBroken(f"{kind}: the rows make {count} and {summed} fen, the totals say {said[0]} and {said[1]}")
