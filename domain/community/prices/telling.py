"""What somebody is told when a price they wait for is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from domain.identity.models import Account
from domain.kernel.money import yuan_of
from domain.kernel.uow import UnitOfWork

TITLES: Final = {"zh-CN": "{goods}降价了", "en": "{goods} got cheaper"}
BODIES: Final = {
    "zh-CN": "{day} 每500克 {price} 元，低于您设置的 {below} 元",
    "en": "¥{price} for 500 g on {day}, below the ¥{below} you wait for",
}


@dataclass(frozen=True, slots=True)
class Words:
    """A push in its account's language. It passes through other companies: goods and prices, nothing about people."""

    account_id: int
    title: str
    body: str
    link: str


async def words_for(uow: UnitOfWork, said: dict[str, Any]) -> Words | None:
    """The words for a ``PriceAlertReached``; None when the account may not sign in any more."""
    found = await uow.session.execute(
        select(Account.language).where(Account.id == said["account_id"], Account.disabled_at.is_(None))
    )
    language = found.scalar()
    if language is None:
        return None
    spoken = language if language in TITLES else "en"
    prices = {"price": yuan_of(said["fen"]), "below": yuan_of(said["below_fen"]), "day": said["on_day"]}
    return Words(
        said["account_id"],
        TITLES[spoken].format(goods=said["goods"]),
        BODIES[spoken].format(**prices),
        f"zhian://prices/{said['market_id']}",
    )
