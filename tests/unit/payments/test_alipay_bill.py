"""The daily bill of Alipay: read whole, held against its own totals, and refused by name when it is broken."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.payments.alipay.bill import DETAILS, HEAD, BillBroken, read_bill


def line(number: str, kind: str, yuan: str, refund: str = "") -> str:
    values = [
        f"42{number}\t", f"{number}\t", kind, "物业费", "2026-03-01 09:00:00", "2026-03-01 09:30:00", "\t", "\t", "",
        "", "(*例)", yuan, yuan, *["0.00"] * 5, "", "0.00", "0.00", f"{refund}\t", "-0.01", "0.00", "",
    ]  # fmt: skip
    return ",".join(values)


PAID, BACK = line("A-1", "交易", "120.50"), line("A-1", "退款", "-20.50", "R-1")
TOTALS = (
    "#交易合计：1笔，商家实收共120.50元，商家优惠共0.00元",
    "#退款合计：1笔，商家实收退款共-20.50元，商家优惠退款共0.00元",
)


def bill(*rows: str, totals: tuple[str, ...] = TOTALS, head: str = ",".join(HEAD)) -> str:
    return "\r\n".join(["#支付宝业务明细查询", head, *rows, *totals, ""])


def packed(text: str, *names: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name in names or (f"2088_20260301_{DETAILS}", "2088_20260301_业务明细(汇总).csv"):
            archive.writestr(name, text.encode("gbk"))
    return content.getvalue()


def changed(content: bytes, at: int, value: int) -> bytes:
    return content[:at] + bytes([value]) + content[at + 1 :]


GOOD = packed(bill(PAID, BACK), DETAILS)
STREAM = 30 + len(DETAILS.encode())  # behind the member's own head
DIRECTORY = GOOD.index(b"PK\x01\x02")


def test_payments_and_refunds_are_read() -> None:
    paid, back = read_bill(packed(bill(PAID, BACK)))
    assert (paid.trade_no, paid.out_trade_no, paid.total, paid.refund_no) == ("42A-1", "A-1", 12050, "")
    assert (back.total, back.refund_no, back.at.isoformat()) == (2050, "R-1", "2026-03-01T09:30:00+08:00")


def test_a_full_refund_without_a_number_of_its_own_has_the_trades() -> None:
    whole = line("A-1", "退款", "-120.50")
    totals = (TOTALS[0], TOTALS[1].replace("20.50", "120.50"))
    assert read_bill(packed(bill(PAID, whole, totals=totals)))[1].refund_no == "A-1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ZIP"),
        (b"PK\x03\x04", "ZIP"),
        (changed(GOOD, STREAM, 0xFF), "ZIP"),  # no such block of deflate
        (changed(GOOD, STREAM + 9, 0), "ZIP"),
        (changed(GOOD, DIRECTORY + 8, 1), "ZIP"),  # encrypted
        (changed(GOOD, DIRECTORY + 8, 0x20), "ZIP"),  # a patch of another file
        (changed(GOOD, len(GOOD) - 3, 0xFF), "ZIP"),  # offsets before the file's begin
        (GOOD[:-1], "ZIP"),
        (packed(bill(PAID, BACK), method=zipfile.ZIP_LZMA), "packed"),
        (packed(bill(PAID, BACK), method=zipfile.ZIP_BZIP2), "packed"),
        (packed(bill(PAID.replace("物业费", "费" * 140_000), BACK)), "CSV"),
        (packed(bill(PAID, BACK), "other.csv"), "one file"),
        (packed(bill(PAID, BACK), f"a{DETAILS}", f"b{DETAILS}"), "one file"),
        (packed(bill(PAID, BACK), *(f"{n}{DETAILS if n == 0 else ''}" for n in range(17))), "one file"),
        (packed("#nothing"), "without rows"),
        (packed(bill(PAID, head="支付宝交易号,商户订单号")), "columns"),
        (packed(bill(PAID)), "退款"),
        (packed(bill(PAID, PAID, BACK)), "交易"),
        (packed(bill(PAID, BACK, totals=TOTALS[:1])), "totals"),
        (packed(bill(PAID, BACK, totals=(TOTALS[0].replace("120.50", "1.2.3"), TOTALS[1]))), "totals"),
        (packed(bill(PAID, BACK.replace("-20.50", "-20.505"))), "row 3"),
        (packed(bill(PAID, BACK.replace("-20.50", "20.50"))), "row 3 is neither"),
        (packed(bill(PAID.replace("交易", "转账"), BACK)), "row 2 is neither"),
        (packed(bill(PAID + ",1", BACK)), "row 2"),
        (packed(bill(PAID.replace("2026-03", "2026-13"), BACK)), "row 2"),
    ],
)
def test_a_broken_bill_is_refused_by_name(content: bytes, said: str) -> None:
    with pytest.raises(BillBroken, match=said):
        read_bill(content)


def test_text_that_is_not_gbk_and_names_in_gbk() -> None:
    name = f"2088_{DETAILS}"
    placeholder = "x" * len(name.encode("gbk"))
    content = packed(bill(PAID, BACK), placeholder).replace(placeholder.encode(), name.encode("gbk"))
    assert len(read_bill(content)) == 2
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr(name, b"\xff\xff\xff")
    with pytest.raises(BillBroken, match="GBK"):
        read_bill(broken.getvalue())


@given(
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]).map(
        lambda method: packed(bill(PAID, BACK), method=method)
    ),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4),
    st.integers(0, 200).map(lambda cut: max(0, cut - 150)),
)
def test_whatever_bytes_change_it_is_a_bill_or_a_broken_one(
    content: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    broken = bytearray(content[: len(content) - cut])
    for at, value in changes:
        broken[at % len(broken)] ^= value
    try:
        rows = read_bill(bytes(broken))
    except BillBroken:
        return
    assert [(row.out_trade_no, row.received) for row in rows] == [("A-1", 12050), ("A-1", 2050)]
