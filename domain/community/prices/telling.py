"""What somebody is told when a price they wait for is reached."""

from __future__ import annotations

from typing import Any, Final

from domain.identity.telling import Words, spoken
from domain.kernel.money import yuan_of
from domain.kernel.uow import UnitOfWork

TITLES: Final = {"zh-CN": "{goods}降价了", "en": "{goods} got cheaper"}
BODIES: Final = {
    "zh-CN": "{day} 每500克 {price} 元，低于您设置的 {below} 元",
    "en": "¥{price} for 500 g on {day}, below the ¥{below} you wait for",
}


async def words_for(uow: UnitOfWork, said: dict[str, Any]) -> Words | None:
    """The words for a ``PriceAlertReached``; None when the account may not sign in any more."""
    language = await spoken(uow, said["account_id"])
    if language is None:
        return None
    prices = {"price": yuan_of(said["fen"]), "below": yuan_of(said["below_fen"]), "day": said["on_day"]}
    return Words(
        said["account_id"],
        TITLES[language].format(goods=said["goods"]),
        BODIES[language].format(**prices),
        link=f"zhian://prices/{said['market_id']}",
        collapse=f"price-{said['alert_id']}",
    )
