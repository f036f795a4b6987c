"""The vendors' book of trades and refunds: what was opened, paid, closed and given back.

Every change is appended to a journal, so that a sandbox that starts again still knows its trades.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import orjson

from domain.community.payments.ports import Vendor
from domain.kernel.clock import Clock

LIFE: Final = timedelta(hours=2)
MOST_REFUNDS: Final = 50


class Stage(StrEnum):
    """Where a trade stands; what was given back is in its refunds."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


class Refused(Exception):
    """The vendor says no. code: one of ours; each gateway has its own word for it."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or code


@dataclass(slots=True)
class Refund:
    """Money on its way back. Amount in fen; ``done_at`` is set once it has arrived. failed: ABNORMAL (the payer's bank
    does not take it; a person can still send it) or CLOSED (it will not be made, and its number is used up)."""

    out_refund_no: str
    refund_id: str
    amount: int
    asked_at: datetime
    reason: str = ""
    notify_url: str = ""
    done_at: datetime | None = None
    failed: str = ""


@dataclass(slots=True)
class Trade:
    """One trade. kind: how it is paid. terms: everything that was said when it was opened. handle: what a QR names.

    seen: whether a buyer has opened it; until then Alipay knows no such trade. ``total`` in fen.
    """

    vendor: Vendor
    out_trade_no: str
    kind: str
    total: int
    title: str
    notify_url: str
    terms: str
    opened_at: datetime
    expires_at: datetime
    handle: str = field(default_factory=lambda: secrets.token_hex(16))
    trade_no: str = ""
    appid: str = ""
    payer: str = ""
    seen: bool = False
    stage: Stage = Stage.OPEN
    paid_at: datetime | None = None
    closed_at: datetime | None = None
    refunds: dict[str, Refund] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        """Fen given back or on their way."""
        return sum(refund.amount for refund in self.refunds.values() if refund.failed != "CLOSED")


class Book:
    """All trades of one merchant at both vendors. refund_seconds: how long money is on its way back at WeChat Pay.
    short: the merchant's accounts hold too little to give anything back."""

    def __init__(self, journal: Path | None = None, *, clock: Clock, refund_seconds: float = 1.0) -> None:
        self._journal = journal
        self._clock = clock
        self._refund_seconds = refund_seconds
        self._trades: dict[tuple[Vendor, str], Trade] = {}
        self._serial = 0
        self.short = False
        for trade in _read(journal):
            self._trades[trade.vendor, trade.out_trade_no] = trade

    def __iter__(self) -> Iterator[Trade]:
        """Every trade, the oldest first."""
        return iter(sorted(self._trades.values(), key=lambda trade: trade.opened_at))

    def open(self, trade: Trade) -> Trade:
        """Open ``trade``, or give the one of that number if it was opened on the same terms.

        Raises Refused: PAID, CLOSED, or USED for other terms.
        """
        key = trade.vendor, trade.out_trade_no
        found = self._trades.get(key)
        if found is None:
            self._trades[key] = trade
            self._keep(trade)
            return trade
        self._expire(found)
        if found.stage is Stage.PAID:
            raise Refused("PAID")
        if found.stage is Stage.CLOSED:
            raise Refused("CLOSED")
        if found.terms != trade.terms:
            raise Refused("USED")
        return found

    def find(self, vendor: Vendor, *, out_trade_no: str = "", trade_no: str = "") -> Trade:
        """The trade of that number. Raises Refused: MISSING."""
        found = self._trades.get((vendor, out_trade_no)) if out_trade_no else None
        if found is None and trade_no:
            found = next((t for t in self._trades.values() if t.vendor is vendor and t.trade_no == trade_no), None)
        if found is None or (trade_no and found.trade_no != trade_no):
            raise Refused("MISSING")
        self._expire(found)
        return found

    def by_handle(self, handle: str) -> Trade:
        """The trade a QR or prepay id names. Raises Refused: MISSING."""
        for trade in self._trades.values():
            if secrets.compare_digest(trade.handle, handle):
                self._expire(trade)
                return trade
        raise Refused("MISSING")

    def see(self, trade: Trade) -> None:
        """A buyer opens the trade. Raises Refused: CLOSED, when it is too late."""
        if trade.stage is Stage.CLOSED:
            raise Refused("CLOSED")
        if not trade.seen:
            trade.seen, trade.trade_no = True, trade.trade_no or self._number(trade.vendor)
            self._keep(trade)

    def pay(self, trade: Trade, *, payer: str) -> None:
        """The buyer pays. Raises Refused: PAID or CLOSED."""
        self.see(trade)
        if trade.stage is Stage.PAID:
            raise Refused("PAID")
        trade.stage, trade.paid_at, trade.payer = Stage.PAID, self._clock(), trade.payer or payer
        self._keep(trade)

    def close(self, trade: Trade) -> None:
        """The merchant closes the trade; twice is once. Raises Refused: PAID."""
        if trade.stage is Stage.PAID:
            raise Refused("PAID")
        if trade.stage is Stage.OPEN:
            trade.stage, trade.closed_at = Stage.CLOSED, self._clock()
            self._keep(trade)

    def refund(self, trade: Trade, refund: Refund) -> tuple[Refund, bool]:
        """Give money back: the refund, and whether this call began it.

        Raises Refused: UNPAID, DIFFERENT for a number that stands for another amount, TOO_MUCH, TOO_MANY, SHORT.
        """
        if trade.stage is not Stage.PAID:
            raise Refused("UNPAID")
        found = trade.refunds.get(refund.out_refund_no)
        if found is not None:
            if found.amount != refund.amount:
                raise Refused("DIFFERENT")
            return found, False
        if refund.amount < 1 or trade.refunded + refund.amount > trade.total:
            raise Refused("TOO_MUCH")
        if len(trade.refunds) >= MOST_REFUNDS:
            raise Refused("TOO_MANY")
        if self.short:
            raise Refused("SHORT")
        trade.refunds[refund.out_refund_no] = refund
        refund.refund_id = refund.refund_id or self._number(trade.vendor)
        self._keep(trade)
        return refund, True

    def arrived(self) -> list[tuple[Trade, Refund]]:
        """Let money arrive that was on its way long enough; each refund is told once."""
        now, found = self._clock(), []
        since = now - timedelta(seconds=self._refund_seconds)
        for trade in self._trades.values():
            for refund in trade.refunds.values():
                if refund.done_at is None and not refund.failed and refund.asked_at <= since:
                    refund.done_at = now
                    self._keep(trade)
                    found.append((trade, refund))
        return found

    def fail(self, vendor: Vendor, out_refund_no: str, failed: str) -> tuple[Trade, Refund]:
        """A refund comes to nothing (ABNORMAL, CLOSED), or is sent after all (""). Raises Refused: MISSING."""
        trade, refund = self.refund_of(vendor, out_refund_no)
        refund.failed = failed
        self._keep(trade)
        return trade, refund

    def refund_of(self, vendor: Vendor, out_refund_no: str) -> tuple[Trade, Refund]:
        """A refund by its number. Raises Refused: MISSING."""
        for trade in self._trades.values():
            if trade.vendor is vendor and out_refund_no in trade.refunds:
                return trade, trade.refunds[out_refund_no]
        raise Refused("MISSING")

    def _expire(self, trade: Trade) -> None:
        if trade.stage is Stage.OPEN and trade.expires_at <= self._clock():
            trade.stage, trade.closed_at = Stage.CLOSED, trade.expires_at
            self._keep(trade)

    def _number(self, vendor: Vendor) -> str:
        """28 digits, as both vendors number."""
        self._serial += 1
        first = "4200" if vendor is Vendor.WECHAT else "2088"
        return f"{first}{self._clock():%Y%m%d}{secrets.randbelow(10**10):010d}{self._serial % 10**6:06d}"

    def _keep(self, trade: Trade) -> None:
        if self._journal is not None:
            with self._journal.open("ab") as file:
                file.write(orjson.dumps(asdict(trade)) + b"\n")


def _read(journal: Path | None) -> Iterator[Trade]:
    """The trades of a journal as they were last written; a line that was cut off by a crash is left out."""
    if journal is None or not journal.exists():
        return
    for line in journal.read_bytes().splitlines():
        try:
            said: dict[str, Any] = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        refunds = {number: Refund(**_timed(each)) for number, each in said.pop("refunds").items()}
        said = _timed(said) | {"vendor": Vendor(said["vendor"]), "stage": Stage(said["stage"])}
        yield Trade(**said, refunds=refunds)


def _timed(said: dict[str, Any]) -> dict[str, Any]:
    times = {name: datetime.fromisoformat(value) for name, value in said.items() if name.endswith("_at") and value}
    return said | times
