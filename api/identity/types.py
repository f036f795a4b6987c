"""GraphQL types of identity: accounts, residents, roles, sign-ins, and the viewer."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.estate import loaders as estate_loaders
from api.estate.types import Area, Home, area_of, home
from api.identity import loaders
from api.looks import OF_LEAF
from api.nodes import Node, global_id
from api.paging import Connection, connection
from api.permissions import LEAVES, sees
from domain.identity import queries
from domain.identity.accounts.service import phone_place
from domain.identity.authenticators.queries import own_authenticator
from domain.identity.numbers.queries import own_move
from domain.identity.policies import Place, holds, place_of
from domain.kernel.actor import HomeRole, Role, Trust
from domain.kernel.paging import page_size
from domain.kernel.uow import AnyRow

strawberry.enum(Role, description="A role over an area. 在某区域内的角色。")
strawberry.enum(HomeRole, description="How a resident belongs to a home. 住户内身份。")
strawberry.enum(Trust, description="PHONE: proven by phone. OFFICE: verified by the property office. 认证级别。")


@strawberry.type(description="A person. 用户。")
class Account(Node):
    """An account as the caller may see it."""

    name: str
    person: strawberry.Private[queries.Person]

    @strawberry.field(description="Null unless it is one's own, or office or police serve the place. 手机号（受限）。")
    async def phone(self, info: Info) -> str | None:
        person, context = self.person, info.context
        own = person.id == context.actor.account_id
        if not sees(context.actor, "Account.phone", own=own, places=person.places):
            return None
        if not own:
            rule = LEAVES["Account.phone"]
            where = next(place for place in person.places if holds(context.actor, rule.others, place))
            context.looked_at(OF_LEAF["Account.phone"], "Account", person.id, where, person.homes)
        return await context.services.vault.open(person.phone_sealed, phone_place(person.id))


@strawberry.type(description="A resident's belonging to a home. 住户成员。")
class Household(Node):
    """One resident of one home."""

    role: HomeRole
    trust: Trust
    created_at: datetime
    ended_at: datetime | None
    row: strawberry.Private[AnyRow]
    place: strawberry.Private[Place]

    @strawberry.field(description="The home. 所在住户。")
    async def home(self, info: Info) -> Home | None:
        row = await info.context.loaders.one(estate_loaders.homes, self.row.home_id)
        return home(row) if row is not None else None

    @strawberry.field(description="The resident. 成员。")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.row.account_id)

    @strawberry.field(description="Lives alone; null when the caller may not know. 独居（受限）。")
    def lives_alone(self, info: Info) -> bool | None:
        return self.row.lives_alone if self._open(info, "Household.livesAlone") else None

    @strawberry.field(description="Is disabled; null when the caller may not know. 残障（受限）。")
    def disabled_person(self, info: Info) -> bool | None:
        return self.row.disabled_person if self._open(info, "Household.disabledPerson") else None

    def _open(self, info: Info, leaf: str) -> bool:
        actor, row = info.context.actor, self.row
        own = row.account_id == actor.account_id
        seen = sees(actor, leaf, own=own, places=(self.place,))
        if seen and not own:
            info.context.looked_at(OF_LEAF[leaf], "Household", row.id, row, (row.home_id,))
        return seen


@strawberry.type(description="A role held over an area. 角色授予。")
class RoleGrant(Node):
    """One grant."""

    role: Role
    granted_at: datetime
    revoked_at: datetime | None
    account_id: strawberry.Private[int]
    area_id: strawberry.Private[int]

    @strawberry.field(description="Over which area, if it is visible. 所辖区域（如可见）。")
    async def area(self, info: Info) -> Area | None:
        return await area_of(info, self.area_id)

    @strawberry.field(description="Who holds it, if visible. 持有人（如可见）。")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="A sign-in on one device of the viewer. 登录会话。")
class Session:
    """One session of the caller."""

    id: strawberry.ID
    client: str
    created_at: datetime
    expires_at: datetime
    current: bool


@strawberry.type(description="An authenticator app as second factor. 身份验证器（第二重验证）。")
class Authenticator:
    """Of the caller alone; neither its secret nor its codes are shown again."""

    confirmed_at: datetime
    recovery_codes_left: int


@strawberry.type(description="Somebody asked to move the caller's account to another number. 更换手机号申请。")
class AskedMove:
    """Of the caller alone; `refuseNumberMove` ends it."""

    asked_at: datetime
    expires_at: datetime


@strawberry.type(description="Who is signed in. 当前登录用户。")
class Viewer:
    """The caller."""

    @strawberry.field(description="The viewer's account. 当前账号。")
    async def account(self, info: Info) -> Account | None:
        account_id = info.context.actor.account_id
        return await account_of(info, account_id) if account_id is not None else None

    @strawberry.field(description="The roles held. 拥有的角色。")
    async def roles(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[RoleGrant]:
        context = info.context
        page = await queries.grant_page(
            context.read, context.actor, area_id=None, own=True, first=page_size(first), after=after
        )
        return connection(page, role_grant)

    @strawberry.field(description="The homes the viewer belongs to. 所属住户。")
    async def households(self, info: Info, first: int | None = None, after: str | None = None) -> Connection[Household]:
        context = info.context
        page = await queries.household_page(context.read, context.actor, own=True, first=page_size(first), after=after)
        return connection(page, household)

    @strawberry.field(
        description="Roles or homes take effect once an authenticator is confirmed. 绑定身份验证器后权限方可生效。"
    )
    def second_factor_required(self, info: Info) -> bool:
        return info.context.actor.lacks_second_factor

    @strawberry.field(description="The authenticator that signing in asks for, if any. 身份验证器（如有）。")
    async def authenticator(self, info: Info) -> Authenticator | None:
        found = await own_authenticator(info.context.read, info.context.actor)
        return (
            None
            if found is None
            else Authenticator(confirmed_at=found.confirmed_at, recovery_codes_left=found.codes_left)
        )

    @strawberry.field(description="An open move of one's number, to be refused. 待确认的换号申请（可拒绝）。")
    async def number_move(self, info: Info) -> AskedMove | None:
        found = await own_move(info.context.read, info.context.actor, info.context.now())
        return None if found is None else AskedMove(asked_at=found.asked_at, expires_at=found.expires_at)

    @strawberry.field(description="Sign-ins that still stand, newest first. 有效的登录会话。")
    async def sessions(self, info: Info) -> list[Session]:
        context = info.context
        rows = await queries.open_sessions(context.read, context.actor, context.now())
        return [session(row, context.actor.session_id) for row in rows]


def account(person: queries.Person) -> Account:
    """The GraphQL object of a person."""
    return Account(id=global_id("Account", person.id), name=person.name, person=person)


def household(row: AnyRow) -> Household:
    """The GraphQL object of a household row."""
    return Household(
        id=global_id("Household", row.id),
        role=HomeRole(row.role),
        trust=Trust(row.trust),
        created_at=row.created_at,
        ended_at=row.ended_at,
        row=row,
        place=place_of(row),
    )


def role_grant(row: AnyRow) -> RoleGrant:
    """The GraphQL object of a grant row."""
    return RoleGrant(
        id=global_id("RoleGrant", row.id),
        role=Role(row.role),
        granted_at=row.granted_at,
        revoked_at=row.revoked_at,
        account_id=row.account_id,
        area_id=row.area_id,
    )


def session(row: AnyRow, current: int | None) -> Session:
    """The GraphQL object of a session row; ``current`` is the caller's own session."""
    return Session(
        id=global_id("Session", row.id),
        client=row.client,
        created_at=row.created_at,
        expires_at=row.expires_at,
        current=row.id == current,
    )


async def account_of(info: Info, account_id: int) -> Account | None:
    """The account, read together with its siblings; None when the caller may not see it."""
    person = await info.context.loaders.one(loaders.people, account_id)
    return account(person) if person is not None else None
