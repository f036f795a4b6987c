"""Root mutations of identity."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.identity import tokens, types
from api.identity.inputs import GrantRoleInput, InviteMemberInput
from api.identity.queries import read_grant, read_household
from api.nodes import row_id
from domain.identity.households import service as households
from domain.identity.roles import service as roles
from domain.identity.sessions import chain, keeping
from domain.identity.sessions import service as sessions
from domain.kernel.errors import NotFound

MAX_BIGINT = 2**63 - 1


@strawberry.type
class IdentityMutation:
    """Root mutations of identity."""

    @strawberry.mutation(description="Send a one-time code; known and unknown phones get the same answer. 发送验证码。")
    async def request_sign_in_code(self, info: Info, phone: str) -> tokens.SignInCodeSent:
        context = info.context
        async with context.uow() as uow:
            sent = await sessions.request_code(
                uow, vault=context.services.vault, phone=phone, client=context.client, language=context.language
            )
        return tokens.SignInCodeSent(expires_in=sent.expires_in, retry_after=sent.retry_after)

    @strawberry.mutation(description="Trade a code for tokens; with an authenticator, its code too. 用验证码登录。")
    async def sign_in(
        self, info: Info, phone: str, code: str, authenticator_code: str = "", client_name: str = ""
    ) -> tokens.Tokens:
        context = info.context
        async with context.uow() as uow:
            outcome = await sessions.sign_in(
                uow,
                vault=context.services.vault,
                phone=phone,
                code=code,
                authenticator_code=authenticator_code,
                client=context.client,
                client_name=client_name,
                language=context.language,
            )
        return tokens.issue(context, sessions.or_raise(outcome))

    @strawberry.mutation(description="Trade a refresh token for its successor. 刷新登录。")
    async def refresh_session(self, info: Info, refresh_token: str) -> tokens.Tokens:
        context = info.context
        async with context.uow() as uow:
            outcome = await chain.refresh(uow, vault=context.services.vault, token=refresh_token)
        return tokens.issue(context, sessions.or_raise(outcome))

    @strawberry.mutation(description="End this sign-in, one other of the viewer's, or all. 退出登录。")
    async def sign_out(self, info: Info, everywhere: bool = False, session: strawberry.ID | None = None) -> bool:
        other = row_id(session, "Session", field="session", most=MAX_BIGINT) if session is not None else None
        async with info.context.uow() as uow:
            await sessions.sign_out(uow, everywhere=everywhere, session_id=other)
        return True

    @strawberry.mutation(
        description="End all sign-ins of somebody in the caller's care; how many stood. `reason` is kept on record: no"
        " numbers of documents or phones. 强制退出某人的全部登录，返回结束的登录数；原因记入审计日志，勿填号码。"
    )
    async def end_sessions(self, info: Info, account: strawberry.ID, reason: str) -> int:
        account_id = row_id(account, "Account", field="account")
        async with info.context.uow() as uow:
            return await keeping.end_sessions(uow, account_id=account_id, reason=reason)

    @strawberry.mutation(description="Give a phone's holder a role over an area. 授予角色。")
    async def grant_role(self, info: Info, input: GrantRoleInput) -> types.RoleGrant:
        context = info.context
        async with context.uow() as uow:
            grant_id = await roles.grant_role(
                uow,
                vault=context.services.vault,
                phone=input.phone,
                name=input.name,
                role=input.role,
                area_id=row_id(input.area, "Area", field="area"),
            )
        return await _grant(info, grant_id)

    @strawberry.mutation(description="Take a role away, at once. 撤销角色。")
    async def revoke_role(self, info: Info, grant: strawberry.ID) -> types.RoleGrant:
        grant_id = row_id(grant, "RoleGrant", field="grant")
        async with info.context.uow() as uow:
            await roles.revoke_role(uow, grant_id=grant_id)
        return await _grant(info, grant_id)

    @strawberry.mutation(description="Bring somebody into a home. 邀请住户成员。")
    async def invite_member(self, info: Info, input: InviteMemberInput) -> types.Household:
        context = info.context
        async with context.uow() as uow:
            household_id = await households.invite_member(
                uow,
                vault=context.services.vault,
                home_id=row_id(input.home, "Home", field="home"),
                phone=input.phone,
                name=input.name,
                role=input.role,
            )
        return await _household(info, household_id)

    @strawberry.mutation(description="The property office vouches for a resident. 物业认证住户。")
    async def verify_household(self, info: Info, household: strawberry.ID) -> types.Household:
        household_id = row_id(household, "Household", field="household")
        async with info.context.uow() as uow:
            await households.verify_household(uow, household_id=household_id)
        return await _household(info, household_id)

    @strawberry.mutation(description="A resident leaves a home. 结束住户关系。")
    async def end_household(self, info: Info, household: strawberry.ID) -> types.Household:
        household_id = row_id(household, "Household", field="household")
        async with info.context.uow() as uow:
            await households.end_household(uow, household_id=household_id)
        return await _household(info, household_id)


async def _grant(info: Info, grant_id: int) -> types.RoleGrant:
    info.context.loaders.forget()
    found = await read_grant(info.context, str(grant_id))
    if found is None:
        raise NotFound
    return found


async def _household(info: Info, household_id: int) -> types.Household:
    info.context.loaders.forget()
    found = await read_household(info.context, str(household_id))
    if found is None:
        raise NotFound
    return found
