"""Telling people of alerts: who, once per cause, and what became of the push."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.identity.models import Account, Household, RoleGrant
from domain.kernel.actor import Role
from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork
from domain.security.alerts.models import Alert
from domain.security.notifications.events import NotificationWritten
from domain.security.notifications.models import Notification
from domain.security.notifications.ports import Push
from domain.security.notifications.rules import cause_of, is_urgent, words_of

STAFF = (Role.PROPERTY_STAFF, Role.PROPERTY_MANAGER)
POLICE = (Role.COMMUNITY_POLICE,)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notification on its way out: the push, and the key that makes handing it over twice the same as once."""

    notification_id: int
    push: Push
    key: str


def _holders(alert: Alert, roles: tuple[Role, ...]) -> Select[int]:
    over: ColumnElement[bool] = RoleGrant.area_id.in_(
        (alert.county_id, alert.town_id, alert.community_id, alert.compound_id)
    )
    return select(RoleGrant.account_id).where(over, RoleGrant.role.in_(roles), RoleGrant.revoked_at.is_(None))


def _members(home_id: int) -> Select[int]:
    return select(Household.account_id).where(Household.home_id == home_id, Household.ended_at.is_(None))


def audience(alert: Alert) -> Select[int] | None:
    """The accounts ``alert`` names as its audience: members of its home, staff and police of the areas above it.

    None when it names nobody. Disabled accounts are left out.
    """
    groups = []
    if "home" in alert.audience and alert.home_id is not None:
        groups.append(_members(alert.home_id))
    if "staff" in alert.audience:
        groups.append(_holders(alert, STAFF))
    if "police" in alert.audience:
        groups.append(_holders(alert, POLICE))
    if not groups:
        return None
    told = or_(*(Account.id.in_(group) for group in groups))
    return select(Account.id).where(told, Account.disabled_at.is_(None)).order_by(Account.id)


async def notify(uow: UnitOfWork, *, compound_id: int, alert_id: int, change: str) -> int:
    """Write one notification per account in the alert's audience that has not been told of this cause yet.

    ``change``: "raised" or "risen". Returns how many were written; each is pushed after the commit.
    """
    found = await uow.session.execute(select(Alert).where(Alert.compound_id == compound_id, Alert.id == alert_id))
    alert = found.scalar_one_or_none()
    if alert is None:
        raise NotFound
    accounts = audience(alert)
    if accounts is None:
        return 0
    told = (await uow.session.execute(accounts)).scalars().all()
    if not told:
        return 0
    cause = cause_of(change, alert.severity)
    where = {c: getattr(alert, c) for c in ("county_id", "town_id", "community_id", "compound_id")}
    rows = [where | {"alert_id": alert_id, "account_id": a, "cause": cause, "created_at": uow.now} for a in told]
    written = await uow.session.execute(
        insert(Notification).values(rows).on_conflict_do_nothing().returning(Notification.id)
    )
    ids = written.scalars().all()
    for notification_id in ids:
        uow.emit(NotificationWritten(notification_id), compound_id=compound_id)
    return len(ids)


async def prepare_push(uow: UnitOfWork, *, compound_id: int, notification_id: int) -> Delivery | None:
    """The push of a notification, in its account's language; None when it has been delivered."""
    found = await uow.session.execute(
        select(
            Notification.account_id,
            Notification.cause,
            Notification.delivered_at,
            Alert.id.label("alert_id"),
            Alert.kind,
            Alert.severity,
            Alert.place,
            Account.language,
        )
        .join(Alert, (Alert.compound_id == Notification.compound_id) & (Alert.id == Notification.alert_id))
        .join(Account, Account.id == Notification.account_id)
        .where(Notification.compound_id == compound_id, Notification.id == notification_id)
    )
    row = found.one_or_none()
    if row is None:
        raise NotFound
    if row.delivered_at is not None:
        return None
    title, body = words_of(
        kind=row.kind, severity=row.severity, place=row.place, cause=row.cause, language=row.language
    )
    push = Push(
        account_id=row.account_id,
        title=title,
        body=body,
        collapse=f"alert-{compound_id}-{row.alert_id}",
        urgent=is_urgent(row.severity),
        link=f"zhian://alerts/{compound_id}/{row.alert_id}",
    )
    return Delivery(notification_id, push, key=f"notification-{compound_id}-{notification_id}")


async def record_push(uow: UnitOfWork, *, compound_id: int, notification_id: int, receipt: str) -> bool:
    """The provider took the push. False: that was known already."""
    marked = await uow.session.execute(
        update(Notification)
        .where(
            Notification.compound_id == compound_id,
            Notification.id == notification_id,
            Notification.delivered_at.is_(None),
        )
        .values(delivered_at=uow.now, receipt=receipt)
        .returning(Notification.id)
        .execution_options(synchronize_session=False)
    )
    return marked.first() is not None
