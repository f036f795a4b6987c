"""The answers of sign-in: what was sent, and the tokens of a session."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Context
from domain.identity.sessions.chain import Refreshed
from domain.identity.sessions.service import SignedIn


@strawberry.type(description="A code is on its way, if the phone can be reached. 验证码已发送。")
class SignInCodeSent:
    """Seconds."""

    expires_in: int
    retry_after: int


@strawberry.type(description="Tokens of a sign-in. 登录令牌。")
class Tokens:
    """A short-lived access token and the refresh token that renews it once."""

    access_token: str
    expires_at: datetime
    refresh_token: str


def issue(context: Context, session: SignedIn | Refreshed) -> Tokens:
    """Tokens for a session that was started or continued."""
    token, expires_at = context.services.tokens.issue(
        account_id=session.account_id,
        session_id=session.session_id,
        token_version=session.token_version,
        now=context.now(),
    )
    return Tokens(access_token=token, expires_at=expires_at, refresh_token=session.refresh_token)
