"""Event name -> handlers: everything that happens after a commit. An event nobody waits for is named with ()."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.community.housekeeping import telling as told_visits
from domain.community.housekeeping import visits as housekeeping
from domain.community.housekeeping.events import VisitDone, VisitRated, VisitTold
from domain.community.payments.autopay import telling as autopay
from domain.community.payments.autopay.events import AutopayTold
from domain.community.payments.events import ChargePaid, ChargeRefunded
from domain.community.prices import telling as prices
from domain.community.prices.events import PriceAlertReached
from domain.community.repairs import telling as repairs
from domain.community.repairs.events import RepairDone, RepairOverdue, RepairTold
from domain.community.repairs.following import charge_repair
from domain.identity.authenticators import telling
from domain.identity.events import AuthenticatorChanged, NumberTold, ResidentLeft, SignInCodeRequested
from domain.identity.numbers import telling as numbers
from domain.identity.numbers.handlers import tell_number
from domain.identity.ports import SmsPort, Vault
from domain.identity.sessions.handlers import send_code
from domain.identity.telling import Words
from domain.kernel.relay import Claimed
from domain.kernel.uow import UnitOfWork
from domain.security.alerts.events import AlertRaised
from domain.security.ebikes.leaving import retire_with_owner
from domain.security.notifications import service as notifications
from domain.security.notifications.events import NotificationWritten
from domain.security.notifications.ports import Push, PushPort
from domain.security.notifications.service import Delivery
from workers.handling import Handler, Inside, Outside, nothing_more


async def _notify(uow: UnitOfWork, event: Claimed) -> None:
    await notifications.notify(
        uow,
        compound_id=event.payload["compound_id"],
        alert_id=event.payload["alert_id"],
        change=event.payload["change"],
    )


def _deliver(push: PushPort) -> Outside[Delivery, str]:
    async def prepare(uow: UnitOfWork, event: Claimed) -> Delivery | None:
        return await notifications.prepare_push(
            uow, compound_id=_compound(event), notification_id=event.payload["notification_id"]
        )

    async def call(_: Claimed, delivery: Delivery, __: str) -> str:
        return await push.push(delivery.push, key=delivery.key)

    async def record(uow: UnitOfWork, event: Claimed, delivery: Delivery, receipt: str) -> None:
        await notifications.record_push(
            uow, compound_id=_compound(event), notification_id=delivery.notification_id, receipt=receipt
        )

    return Outside("push", prepare, call, record)


async def _charge(uow: UnitOfWork, event: Claimed) -> None:
    await charge_repair(uow, repair_id=event.payload["repair_id"])


async def _retire_ebikes(uow: UnitOfWork, event: Claimed) -> None:
    home_id, account_id = event.payload["home_id"], event.payload["account_id"]
    at = datetime.fromisoformat(event.payload["at"])
    await retire_with_owner(uow, home_id=home_id, account_id=account_id, at=at)


def _compound(event: Claimed) -> int:
    if event.compound_id is None:
        raise ValueError(f"{event.name} must name its compound")
    return event.compound_id


async def _charge_hours(uow: UnitOfWork, event: Claimed) -> None:
    await housekeeping.charge_hours(uow, booking_id=event.payload["booking_id"])


async def _count_stars(uow: UnitOfWork, event: Claimed) -> None:
    await housekeeping.count_stars(uow, worker_id=event.payload["worker_id"], stars=event.payload["stars"])


def _send_code(sms: SmsPort, vault: Vault) -> Outside[datetime, bool]:
    async def prepare(uow: UnitOfWork, event: Claimed) -> datetime | None:
        return uow.now if datetime.fromisoformat(event.payload["expires_at"]) > uow.now else None

    async def call(event: Claimed, now: datetime, _: str) -> bool:
        return await send_code(event.payload, vault=vault, sms=sms, now=now)

    return Outside("send_code", prepare, call, nothing_more)


def _tell_number(sms: SmsPort, vault: Vault) -> Outside[datetime, None]:
    async def prepare(uow: UnitOfWork, _: Claimed) -> datetime | None:
        return uow.now

    async def call(event: Claimed, _: datetime, __: str) -> None:
        await tell_number(event.payload, vault=vault, sms=sms)

    return Outside("tell_number", prepare, call, nothing_more)


async def _tell_late(uow: UnitOfWork, event: Claimed) -> None:
    await repairs.tell_late(uow, repair_id=event.payload["repair_id"], late=event.payload["late"])


def _say(
    push: PushPort, name: str, words_for: Callable[[UnitOfWork, dict[str, Any]], Awaitable[Words | None]]
) -> Outside[Words, str]:
    """Push the words that a slice has for its event."""

    async def prepare(uow: UnitOfWork, event: Claimed) -> Words | None:
        return await words_for(uow, event.payload)

    async def call(_: Claimed, words: Words, key: str) -> str:
        said = Push(words.account_id, words.title, words.body, words.collapse, urgent=False, link=words.link)
        return await push.push(said, key=key)

    return Outside(name, prepare, call, nothing_more)


def _push_authenticator(push: PushPort) -> Outside[telling.Words, str]:
    async def prepare(uow: UnitOfWork, event: Claimed) -> telling.Words | None:
        return await telling.words_for(uow, account_id=event.payload["account_id"], change=event.payload["change"])

    async def call(_: Claimed, words: telling.Words, key: str) -> str:
        said = Push(words.account_id, words.title, words.body, collapse=key, urgent=False, link="zhian://account")
        return await push.push(said, key=key)

    return Outside("push_authenticator", prepare, call, nothing_more)


def handlers(*, push: PushPort, sms: SmsPort, vault: Vault) -> Mapping[str, Sequence[Handler]]:
    """The table. A worker takes only events named here, so an older one leaves a newer version's events alone."""
    return {
        SignInCodeRequested.name: (_send_code(sms, vault),),
        AuthenticatorChanged.name: (_push_authenticator(push),),
        NumberTold.name: (_tell_number(sms, vault), _say(push, "push_number", numbers.words_for)),
        ResidentLeft.name: (Inside("retire_ebikes", _retire_ebikes, county_wide=True),),
        AlertRaised.name: (Inside("notify", _notify, county_wide=True),),
        NotificationWritten.name: (_deliver(push),),
        PriceAlertReached.name: (_say(push, "push_price", prices.words_for),),
        VisitDone.name: (Inside("charge_hours", _charge_hours),),
        VisitRated.name: (Inside("count_stars", _count_stars),),
        RepairDone.name: (Inside("charge", _charge),),
        RepairOverdue.name: (Inside("tell_late", _tell_late),),
        RepairTold.name: (_say(push, "push_repair", repairs.words_for),),
        VisitTold.name: (_say(push, "push_visit", told_visits.words_for),),
        AutopayTold.name: (_say(push, "push_autopay", autopay.words_for),),
        ChargePaid.name: (),
        ChargeRefunded.name: (),
    }
