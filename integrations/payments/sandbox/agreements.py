"""Alipay's book of agreements by which payments are taken, and what the one buyer of the sandbox has.

Every change is appended to a journal, as the book of trades does.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from domain.kernel.clock import Clock
from integrations.payments.sandbox.book import Refused

TEMP, NORMAL, STOP = "TEMP", "NORMAL", "STOP"
QUOTA: Final = 500_000
"""The most that Alipay takes at once without its customer, in fen."""


@dataclass(slots=True)
class Agreement:
    """number: the merchant's; agreement_no: Alipay's. status: TEMP until it is signed, NORMAL, then STOP."""

    number: str
    scene: str
    notify_url: str
    handle: str = field(default_factory=lambda: secrets.token_hex(16))
    agreement_no: str = ""
    status: str = TEMP
    signed_at: datetime | None = None
    ended_at: datetime | None = None


class AgreementBook:
    """All agreements. funds: fen that the buyer still has for payments that are taken; None = enough."""

    def __init__(self, journal: Path | None = None, *, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._agreements = {each.number: each for each in _read(journal)}
        self.funds: int | None = None

    def __iter__(self) -> Iterator[Agreement]:
        """Every agreement, the oldest first."""
        return iter(self._agreements.values())

    def open(self, new: Agreement) -> Agreement:
        """Begin ``new``, or give the one of that number that nobody has signed. Raises Refused: AGREED."""
        found = self._agreements.get(new.number)
        if found is None:
            self._agreements[new.number] = new
            self._keep(new)
            return new
        if found.status != TEMP:
            raise Refused("AGREED")
        return found

    def find(self, *, number: str = "", agreement_no: str = "") -> Agreement:
        """The agreement of the merchant's number, or else of Alipay's. Raises Refused: NO_AGREEMENT."""
        for each in self._agreements.values():
            if (number and each.number == number) or (
                not number and agreement_no and each.agreement_no == agreement_no
            ):
                return each
        raise Refused("NO_AGREEMENT")

    def by_handle(self, handle: str) -> Agreement:
        """The agreement that a page shows. Raises Refused: NO_AGREEMENT."""
        for each in self._agreements.values():
            if secrets.compare_digest(each.handle, handle):
                return each
        raise Refused("NO_AGREEMENT")

    def sign(self, agreement: Agreement) -> None:
        """The customer signs. Raises Refused: AGREED, also once it is over."""
        if agreement.status != TEMP:
            raise Refused("AGREED")
        now = self._clock()
        agreement.status, agreement.signed_at = NORMAL, now
        agreement.agreement_no = f"{now:%Y%m%d}{secrets.randbelow(10**12):012d}"
        self._keep(agreement)

    def end(self, agreement: Agreement) -> bool:
        """The customer or the merchant ends it: whether it was signed until now. Raises Refused: NO_AGREEMENT."""
        if agreement.status == TEMP:
            raise Refused("NO_AGREEMENT")
        began = agreement.status == NORMAL
        if began:
            agreement.status, agreement.ended_at = STOP, self._clock()
            self._keep(agreement)
        return began

    def take(self, agreement: Agreement, fen: int) -> None:
        """The customer's money, if there is enough. Raises Refused: NOT_AGREED, OVER_QUOTA, POOR."""
        if agreement.status != NORMAL:
            raise Refused("NOT_AGREED")
        if fen > QUOTA:
            raise Refused("OVER_QUOTA")
        if self.funds is not None:
            if fen > self.funds:
                raise Refused("POOR")
            self.funds -= fen

    def _keep(self, agreement: Agreement) -> None:
        if self._journal is not None:
            with self._journal.open("ab") as file:
                file.write(orjson.dumps(asdict(agreement)) + b"\n")


def _read(journal: Path | None) -> Iterator[Agreement]:
    """The agreements of a journal as they were last written; a line that was cut off by a crash is left out."""
    if journal is None or not journal.exists():
        return
    for line in journal.read_bytes().splitlines():
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        times = {name: datetime.fromisoformat(said[name]) for name in ("signed_at", "ended_at") if said[name]}
        yield Agreement(**(said | times))
