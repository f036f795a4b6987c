"""From ``alert.raised`` to phones: the right people, once per cause, in their language."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Mapping, Sequence

import asyncpg
import pytest

import domain
from domain.kernel.outbox import DomainEvent
from domain.kernel.uow import Database
from domain.security.alerts.events import AlertRaised
from domain.security.alerts.models import AlertKind
from domain.security.notifications.events import NotificationWritten
from domain.security.notifications.ports import Push, PushPort
from domain.security.notifications.rules import LEVELS, OTHER, WORDS, words_of
from integrations.identity.sms import sent_messages
from integrations.messaging.push import OutboxPush
from tests.factories.vault import MemoryVault
from tests.workers.kit import (
    SYSTEM,
    HandClock,
    seed_account,
    seed_alert,
    seed_estate,
    seed_grant,
    seed_member,
    states,
)
from workers.handlers import handlers
from workers.handling import Handler
from workers.relay import Relay

MEMBER, MEMBER_2, MOVED_OUT, NEIGHBOUR = 101, 102, 103, 104
STAFF, MANAGER, OTHER_STAFF, FORMER_STAFF, DISABLED_STAFF = 201, 202, 203, 204, 205
POLICE, OTHER_POLICE, OPERATOR = 301, 302, 303


VAULT = MemoryVault()


class NoSms:
    async def send(self, *, phone: str, text: str, key: str) -> None:
        raise AssertionError("an alert sends no text messages")


class Phones:
    """A push provider: takes each key once; ``refuse`` times it first does not answer."""

    def __init__(self, refuse: int = 0) -> None:
        self.refuse = refuse
        self.taken: dict[str, Push] = {}

    async def push(self, push: Push, *, key: str) -> str:
        if self.refuse:
            self.refuse -= 1
            raise TimeoutError
        self.taken.setdefault(key, push)
        return f"receipt of {key}"

    @property
    def accounts(self) -> list[int]:
        return sorted(push.account_id for push in self.taken.values())


def table(push: PushPort) -> Mapping[str, Sequence[Handler]]:
    return handlers(push=push, sms=NoSms(), vault=VAULT)


@pytest.fixture
async def people(superuser: asyncpg.Connection) -> None:
    await seed_estate(superuser)
    for account in (MEMBER, MOVED_OUT, NEIGHBOUR, STAFF, MANAGER, OTHER_STAFF, FORMER_STAFF):
        await seed_account(superuser, account)
    for account in (POLICE, OTHER_POLICE, OPERATOR):
        await seed_account(superuser, account)
    await seed_account(superuser, MEMBER_2, language="en")
    await seed_account(superuser, DISABLED_STAFF, disabled=True)
    await seed_member(superuser, MEMBER, 11)
    await seed_member(superuser, MEMBER_2, 11)
    await seed_member(superuser, MOVED_OUT, 11, ended=True)
    await seed_member(superuser, NEIGHBOUR, 12)
    await seed_grant(superuser, STAFF, "property_staff", 4)
    await seed_grant(superuser, MANAGER, "property_manager", 4)
    await seed_grant(superuser, OTHER_STAFF, "property_staff", 5)
    await seed_grant(superuser, FORMER_STAFF, "property_staff", 4, revoked=True)
    await seed_grant(superuser, DISABLED_STAFF, "property_staff", 4)
    await seed_grant(superuser, POLICE, "community_police", 3)
    await seed_grant(superuser, OTHER_POLICE, "community_police", 6)
    await seed_grant(superuser, OPERATOR, "county_operator", 1)


async def raised(database: Database, alert_id: int, change: str = "raised") -> None:
    async with database.unit_of_work(SYSTEM) as uow:
        uow.emit(AlertRaised(alert_id=alert_id, change=change, compound_id=4), compound_id=4)


@pytest.mark.parametrize(
    ("audience", "told"),
    [
        (["home"], [MEMBER, MEMBER_2]),
        (["staff"], [STAFF, MANAGER]),
        (["police"], [POLICE]),
        (["home", "staff", "police"], [MEMBER, MEMBER_2, STAFF, MANAGER, POLICE]),
        ([], []),
    ],
)
@pytest.mark.usefixtures("people")
async def test_exactly_the_audience_is_told(
    database: Database, superuser: asyncpg.Connection, audience: list[str], told: list[int]
) -> None:
    phones = Phones()
    await raised(database, await seed_alert(superuser, audience=json.dumps(audience)))

    await Relay(database, table(phones)).drain()

    assert phones.accounts == told
    rows = await superuser.fetch("select account_id, delivered_at, receipt from notification order by account_id")
    assert [row["account_id"] for row in rows] == told
    assert all(row["delivered_at"] and row["receipt"].startswith("receipt of ") for row in rows)


@pytest.mark.usefixtures("people")
async def test_an_alert_of_no_home_tells_no_home(database: Database, superuser: asyncpg.Connection) -> None:
    phones = Phones()
    await raised(database, await seed_alert(superuser, audience='["home", "staff"]', home_id=None))

    await Relay(database, table(phones)).drain()

    assert phones.accounts == [STAFF, MANAGER]


@pytest.mark.usefixtures("people")
async def test_each_cause_is_told_once(database: Database, superuser: asyncpg.Connection) -> None:
    phones = Phones()
    relay = Relay(database, table(phones))
    alert_id = await seed_alert(superuser, audience='["police"]', severity=2)
    for _ in range(3):
        await raised(database, alert_id)
        await relay.drain()
    await superuser.execute("update alert set severity = 4 where id = $1", alert_id)
    await raised(database, alert_id, "risen")
    await raised(database, alert_id, "risen")
    await relay.drain()

    pushes = list(phones.taken.values())
    assert [(push.body, push.urgent) for push in pushes] == [("注意，1-101", False), ("级别升高：紧急，1-101", True)]
    assert len({push.collapse for push in pushes}) == 1
    assert pushes[0].link == f"zhian://alerts/4/{alert_id}"


@pytest.mark.usefixtures("people")
async def test_a_provider_that_does_not_answer_is_asked_again_until_each_is_told_once(
    database: Database, clock: HandClock, superuser: asyncpg.Connection
) -> None:
    phones = Phones(refuse=7)
    relay = Relay(database, table(phones))
    await raised(database, await seed_alert(superuser, audience='["home", "staff", "police"]'))

    for _ in range(4):
        await relay.drain()
        clock.forward(minutes=1)

    assert phones.accounts == [MEMBER, MEMBER_2, STAFF, MANAGER, POLICE]
    assert {state for state, _ in await states(database)} == {"done"}
    assert await superuser.fetchval("select count(*) from notification where delivered_at is not null") == 5


@pytest.mark.usefixtures("people")
async def test_a_delivered_notification_is_not_pushed_again(database: Database, superuser: asyncpg.Connection) -> None:
    phones = Phones()
    relay = Relay(database, table(phones))
    await raised(database, await seed_alert(superuser, audience='["police"]'))
    await relay.drain()
    phones.taken.clear()
    notification_id = await superuser.fetchval("select id from notification")

    async with database.unit_of_work(SYSTEM) as uow:
        uow.emit(NotificationWritten(notification_id), compound_id=4)
    await relay.drain()

    assert phones.taken == {}


def test_every_event_of_the_domain_has_a_row_in_the_table() -> None:
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        importlib.import_module(module.name)
    events = {event.name for event in DomainEvent.__subclasses__() if event.__module__.startswith("domain.")}

    assert events == set(table(Phones()))


async def test_an_alert_that_is_not_there_waits_for_repair(database: Database, superuser: asyncpg.Connection) -> None:
    await seed_estate(superuser)
    await raised(database, 999)

    await Relay(database, table(Phones())).drain()

    assert (await superuser.fetchval("select last_error from outbox_event")).startswith("NOT_FOUND at service.py:")


@pytest.mark.usefixtures("people")
async def test_the_local_adapter_keeps_pushes_sealed_and_once(
    database: Database, superuser: asyncpg.Connection
) -> None:
    port = OutboxPush(database, VAULT)
    await raised(database, await seed_alert(superuser, audience='["home"]', kind="fire", severity=4))
    await Relay(database, table(port)).drain()
    await port.push(Push(MEMBER, "t", "b", "c", True, "l"), key="again")
    await port.push(Push(MEMBER, "t", "b", "c", True, "l"), key="again")

    alert_id = await superuser.fetchval("select id from alert")
    kept = {(m.channel, m.address, m.body) for m in await sent_messages(database, VAULT)}
    assert kept == {
        ("push", "account:101", "t\nb\nl"),
        ("push", "account:101", f"火警\n紧急，1-101\nzhian://alerts/4/{alert_id}"),
        ("push", "account:102", f"Fire\nCritical, 1-101\nzhian://alerts/4/{alert_id}"),
    }
    assert await superuser.fetchval("select count(*) from sent_message") == 3
    sealed = await superuser.fetchval("select string_agg(body_sealed, ''::bytea) from sent_message")
    assert b"Fire" not in sealed


def test_every_kind_of_alert_has_its_words_in_both_languages() -> None:
    assert set(WORDS) == set(AlertKind)
    assert all(set(words) == set(LEVELS) for words in [*WORDS.values(), OTHER])


def test_words_without_place_and_of_unknown_kind_or_language() -> None:
    words = words_of(kind="meteor", severity=1, place="", cause="risen:1", language="fr")

    assert words == ("Security alert", "Raised to Notice")
