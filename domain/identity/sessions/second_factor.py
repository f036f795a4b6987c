"""The authenticator beside a code by text message, where the account has one."""

from __future__ import annotations

from domain.identity.authenticators.errors import SecondFactorNeeded, WrongAuthenticatorCode
from domain.identity.authenticators.service import has_authenticator, is_right
from domain.identity.ports import Vault
from domain.kernel.errors import DomainError
from domain.kernel.uow import UnitOfWork


async def second_factor(uow: UnitOfWork, vault: Vault, account_id: int, given: str) -> DomainError | None:
    """Why the account's authenticator does not let somebody pass with ``given``, if it does not. Raises Limited.

    The caller holds the account locked, so that an authenticator confirmed at this moment is either asked for here, or
    ends this sign-in with all others.
    """
    if not await has_authenticator(uow, account_id):
        return None
    if not given.strip():
        return SecondFactorNeeded(field="authenticatorCode")
    if not await is_right(uow, vault=vault, account_id=account_id, code=given):
        return WrongAuthenticatorCode(field="authenticatorCode")
    return None
