"""Changing one's own number, and moving the lost number of somebody in one's care."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.identity.tokens import SignInCodeSent
from api.nodes import row_id
from domain.identity.numbers import changing, moving
from domain.identity.numbers.rules import Proof
from domain.identity.sessions.service import or_raise

strawberry.enum(
    Proof, description="What was shown in person; only the kind is kept. 当面出示的证件种类（不留存号码）。"
)


@strawberry.type(description="The move of a lost number, which its new holder has yet to confirm. 待确认的换号申请。")
class NumberMove:
    """An open move."""

    expires_at: datetime
    others_needed: bool = strawberry.field(
        description="The person lives or serves where the caller is no keeper: those there must ask too."
        " 此人在他处另有住户或职务，须由该处一并申请。"
    )


@strawberry.type
class NumberMutation:
    """Root mutations of numbers."""

    @strawberry.mutation(
        description="Send a code to one's number and one to the new one. 更换手机号：向新旧号码发送验证码。"
    )
    async def request_number_change(self, info: Info, phone: str) -> SignInCodeSent:
        context = info.context
        async with context.uow() as uow:
            sent = await changing.request_change(
                uow, vault=context.services.vault, phone=phone, client=context.client, language=context.language
            )
        return SignInCodeSent(expires_in=sent.expires_in, retry_after=sent.retry_after)

    @strawberry.mutation(
        description="Sign in by another number from now on, with both codes, and one of the"
        " authenticator where there is one; other sign-ins end."
        " 凭两个验证码更换登录手机号，其他登录全部退出。"
    )
    async def change_number(
        self, info: Info, phone: str, old_code: str, new_code: str, authenticator_code: str = ""
    ) -> bool:
        context, given = info.context, changing.Change(phone, old_code, new_code, authenticator_code)
        async with context.uow() as uow:
            outcome = await changing.change(uow, vault=context.services.vault, given=given, client=context.client)
        or_raise(outcome)
        return True

    @strawberry.mutation(
        description="Move a lost number of somebody in the caller's care, who has shown who they are; a code goes to"
        " the new number. `note`: no numbers. 为已核实身份的人更换遗失的手机号，验证码发往新号码；备注勿填号码。"
    )
    async def move_number(self, info: Info, account: strawberry.ID, phone: str, proof: Proof, note: str) -> NumberMove:
        context = info.context
        request = moving.Request(row_id(account, "Account", field="account"), phone, proof, note)
        async with context.uow() as uow:
            asked = await moving.ask(
                uow, vault=context.services.vault, request=request, client=context.client, language=context.language
            )
        return NumberMove(expires_at=asked.expires_at, others_needed=asked.others_needed)

    @strawberry.mutation(
        description="Whoever holds the new number confirms that an account moves to it; all its sign-ins end."
        " 新号码持有人凭验证码确认换号，该账号全部登录退出。"
    )
    async def confirm_number(self, info: Info, phone: str, code: str) -> bool:
        context = info.context
        async with context.uow() as uow:
            outcome = await moving.confirm(
                uow, vault=context.services.vault, phone=phone, code=code, client=context.client
            )
        or_raise(outcome)
        return True

    @strawberry.mutation(
        description="Refuse that one's number is moved; false: nobody asked to. 拒绝更换本人账号的手机号。"
    )
    async def refuse_number_move(self, info: Info) -> bool:
        async with info.context.uow() as uow:
            return await moving.refuse(uow)
