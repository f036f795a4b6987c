"""Root mutations of authenticators: the second factor of the caller's own account."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.nodes import row_id
from domain.identity.authenticators import issuing, resetting
from domain.identity.authenticators import service as authenticators
from domain.identity.sessions.service import or_raise


@strawberry.type(description="What goes into an authenticator app; shown once. 身份验证器绑定信息（仅显示一次）。")
class AuthenticatorEnrolment:
    """``uri``: for a QR code. ``secret``: the same to be typed. ``expires_in``: seconds to confirm it in.
    ``enrolment_code_needed``: confirming asks for an enrolment code too."""

    uri: str
    secret: str
    expires_in: int
    enrolment_code_needed: bool


@strawberry.type(description="Lets an official put an authenticator to use, once; shown once. 绑定码（仅显示一次）。")
class EnrolmentCode:
    """To be handed over in person, not to their number. ``expires_in``: seconds."""

    code: str
    expires_in: int


@strawberry.type(description="Codes that are each good once in place of the authenticator's; shown once. 恢复码。")
class RecoveryCodes:
    """Ten of them; earlier ones are no good any more."""

    codes: list[str]


@strawberry.type
class AuthenticatorMutation:
    """Root mutations of authenticators."""

    @strawberry.mutation(description="A secret for the viewer's authenticator app, to be confirmed. 绑定身份验证器。")
    async def enrol_authenticator(self, info: Info) -> AuthenticatorEnrolment:
        context = info.context
        async with context.uow() as uow:
            made = await authenticators.enrol(uow, vault=context.services.vault)
        return AuthenticatorEnrolment(
            uri=made.uri, secret=made.secret, expires_in=made.expires_in, enrolment_code_needed=made.code_needed
        )

    @strawberry.mutation(
        description="Put it to use by a code, and for officials an enrolment code; ends the viewer's other sign-ins."
        " 确认身份验证器；物业、公安和管理人员另需绑定码。"
    )
    async def confirm_authenticator(self, info: Info, code: str, enrolment_code: str = "") -> RecoveryCodes:
        context = info.context
        async with context.uow() as uow:
            outcome = await authenticators.confirm(
                uow, vault=context.services.vault, code=code, enrolment_code=enrolment_code
            )
        return RecoveryCodes(codes=list(or_raise(outcome)))

    @strawberry.mutation(description="Ten new recovery codes for a code of the authenticator. 更换恢复码。")
    async def renew_recovery_codes(self, info: Info, code: str) -> RecoveryCodes:
        context = info.context
        async with context.uow() as uow:
            outcome = await authenticators.renew_codes(uow, vault=context.services.vault, code=code)
        return RecoveryCodes(codes=list(or_raise(outcome)))

    @strawberry.mutation(description="Remove it by a code of it, or a recovery code. 解除绑定身份验证器。")
    async def remove_authenticator(self, info: Info, code: str) -> bool:
        context = info.context
        async with context.uow() as uow:
            outcome = await authenticators.remove(uow, vault=context.services.vault, code=code)
        or_raise(outcome)
        return True

    @strawberry.mutation(
        description="A code that somebody below the caller needs to put their first authenticator to use; an earlier"
        " one is good no longer. Hand it over in person. 为下级人员出示绑定码；请当面交付，勿发送至其手机号。"
    )
    async def issue_enrolment_code(self, info: Info, account: strawberry.ID) -> EnrolmentCode:
        context, account_id = info.context, row_id(account, "Account", field="account")
        async with context.uow() as uow:
            shown = await issuing.issue(uow, vault=context.services.vault, account_id=account_id)
        return EnrolmentCode(code=shown.code, expires_in=shown.expires_in)

    @strawberry.mutation(
        description="Take away the lost authenticator of somebody in the caller's care; all sign-ins end. `reason`"
        " is kept on record: no numbers. 重置他人遗失的身份验证器，其全部登录退出；原因记入审计日志，勿填号码。"
    )
    async def reset_authenticator(self, info: Info, account: strawberry.ID, reason: str) -> bool:
        account_id = row_id(account, "Account", field="account")
        async with info.context.uow() as uow:
            await resetting.reset(uow, account_id=account_id, reason=reason)
        return True
