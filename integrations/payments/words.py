"""What both vendors share: China's time, lengths of texts, and from when a day's bill is there."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final

from domain.community.payments.ports import GatewayRefused
from integrations.payments.alipay.signing import CHINA

BILL_FROM: Final = time(10)


def cut(text: str, most: int) -> str:
    """``text`` on one line, in at most ``most`` bytes of UTF-8 and without half a character."""
    return " ".join(text.split()).encode()[:most].decode("utf-8", "ignore")


def when(value: object) -> datetime | None:
    """An instant: RFC 3339, or ``yyyy-MM-dd HH:mm:ss`` in China's time; None for anything else."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=CHINA)


def require_bill(day: date, now: datetime) -> None:
    """Raises GatewayRefused before ten o'clock of the day after ``day``: there is no bill yet."""
    if now < datetime.combine(day + timedelta(days=1), BILL_FROM, CHINA):
        raise GatewayRefused(reason="BILL_NOT_READY")
