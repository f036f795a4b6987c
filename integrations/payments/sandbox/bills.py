"""The daily bills, in the form each vendor gives out."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from domain.community.payments.ports import Vendor
from domain.kernel.money import yuan_of
from integrations.payments.alipay.bill import HEAD as ALIPAY_HEAD
from integrations.payments.alipay.signing import CHINA
from integrations.payments.sandbox.book import Book, Refund, Trade
from integrations.payments.sandbox.keys import MCHID, SELLER_ID

WECHAT_HEAD: Final = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_TOTALS: Final = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
RATE: Final = Decimal("0.006")


def _fee(fen: int) -> Decimal:
    return (Decimal(fen) / 100 * RATE).quantize(Decimal("0.00001"))


def _of_day(book: Book, vendor: Vendor, day: date) -> list[tuple[datetime, Trade, Refund | None]]:
    """Payments and refunds that arrived on ``day`` in China, in order."""
    found: list[tuple[datetime, Trade, Refund | None]] = []
    for trade in book:
        if trade.vendor is vendor and trade.paid_at is not None:
            found.append((trade.paid_at, trade, None))
            found += [(each.done_at, trade, each) for each in trade.refunds.values() if each.done_at is not None]
    return sorted((each for each in found if each[0].astimezone(CHINA).date() == day), key=lambda each: each[0])


def wechat_bill(book: Book, day: date) -> bytes | None:
    """Type ALL, not compressed; None for a day without trades."""
    rows = _of_day(book, Vendor.WECHAT, day)
    if not rows:
        return None
    lines, settled, refunded, fees = [], 0, 0, Decimal()
    for at, trade, refund in rows:
        paid, back = (trade.total, 0) if refund is None else (0, refund.amount)
        fee = _fee(paid) - _fee(back)
        settled, refunded, fees = settled + paid, refunded + back, fees + fee
        lines.append(_wechat_line(at, trade, refund, paid=paid, back=back, fee=fee))
    totals = [f"{len(rows)}.0", yuan_of(settled), yuan_of(refunded), "0.0", f"{fees}", yuan_of(settled)]
    ended = _backticked([*totals, yuan_of(refunded)])
    return ("\ufeff" + "\r\n".join([WECHAT_HEAD, *lines, WECHAT_TOTALS, ended]) + "\r\n").encode()


def _wechat_line(at: datetime, trade: Trade, refund: Refund | None, *, paid: int, back: int, fee: Decimal) -> str:
    state = "SUCCESS" if refund is None else "REFUND"
    given = ("0", "0", "", "") if refund is None else (refund.refund_id, refund.out_refund_no, "ORIGINAL", "SUCCESS")
    number, ours, kind, done = given
    values = [
        f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}", trade.appid, MCHID, "0", "", trade.trade_no, trade.out_trade_no,
        trade.payer, trade.kind.upper(), state, "OTHERS", "CNY", yuan_of(paid), "0.00", number, ours, yuan_of(back),
        "0.00", kind, done, trade.title, "", f"{fee}", "0.60%", yuan_of(paid), yuan_of(back), "",
    ]  # fmt: skip
    return _backticked(values)


def _backticked(values: list[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def alipay_bill(book: Book, day: date) -> bytes | None:
    """Type trade: a ZIP of two CSV files in GBK; None for a day without trades."""
    rows = _of_day(book, Vendor.ALIPAY, day)
    if not rows:
        return None
    lines = [_alipay_line(at, trade, refund) for at, trade, refund in rows]
    paid = [trade.total for _, trade, refund in rows if refund is None]
    back = [refund.amount for _, _, refund in rows if refund is not None]
    text = [
        "#支付宝业务明细查询",
        f"#账号：[{SELLER_ID}0156]",
        f"#起始日期：[{day:%Y年%m月%d日} 00:00:00]   终止日期：[{day:%Y年%m月%d日} 24:00:00]",
        "#-----------------------------------------业务明细列表----------------------------------------",
        ",".join(ALIPAY_HEAD),
        *lines,
        "#-----------------------------------------业务明细列表结束------------------------------------",
        f"#交易合计：{len(paid)}笔，商家实收共{yuan_of(sum(paid))}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{yuan_of(-sum(back))}元，商家优惠退款共0.00元",
        f"#导出时间：[{day:%Y年%m月%d日} 23:59:59]",
    ]
    stem = f"{SELLER_ID}0156_{day:%Y%m%d}_业务明细"
    return _packed({f"{stem}.csv": "\r\n".join(text) + "\r\n", f"{stem}(汇总).csv": "#支付宝业务汇总查询\r\n"})


def _packed(files: dict[str, str]) -> bytes:
    """A ZIP with names in GBK that does not say so, as the vendor's: Python can only write UTF-8 there."""
    packed, names = io.BytesIO(), {}
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, text) in enumerate(files.items()):
            raw = name.encode("gbk")
            names[raw] = f"{number}".rjust(len(raw), "~").encode()
            archive.writestr(names[raw].decode(), text.encode("gbk", "replace"))
    content = packed.getvalue()
    for raw, placeholder in names.items():
        content = content.replace(placeholder, raw)
    return content


def _alipay_line(at: datetime, trade: Trade, refund: Refund | None) -> str:
    fen, number = (trade.total, "") if refund is None else (-refund.amount, refund.out_refund_no)
    fee = _fee(abs(fen)).quantize(Decimal("0.01")) * (-1 if refund is None else 1)
    times = [f"{each.astimezone(CHINA):%Y-%m-%d %H:%M:%S}" for each in (trade.opened_at, at)]
    values = [
        f"{trade.trade_no}\t", f"{trade.out_trade_no}\t", "交易" if refund is None else "退款",
        trade.title.replace(",", "，").replace("\n", " "), *times, "\t", "\t", "", "", "示例(*例)", yuan_of(fen),
        yuan_of(fen), "0.00", "0.00", "0.00", "0.00", "0.00", "", "0.00", "0.00", f"{number}\t", f"{fee}", "0.00", "",
    ]  # fmt: skip
    return ",".join(values)
