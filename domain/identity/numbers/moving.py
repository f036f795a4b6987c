"""Moving a lost number: asked for by those who keep the person, confirmed by whoever holds the new number.

Nobody who asks learns whether the new number has an account: it is told a code either way, and only its holder, who has
proven to be that, is told that somebody signs in by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, insert, select, update

from domain.identity.accounts.service import phone_index
from domain.identity.allowances import spend
from domain.identity.authenticators.service import drop
from domain.identity.errors import WrongCode
from domain.identity.keeping import kept, standing_of, ways_of
from domain.identity.models import Account
from domain.identity.numbers.errors import MoveIncomplete, NoMove, NumberInUse
from domain.identity.numbers.models import NumberMove
from domain.identity.numbers.rules import MOVE_LIFE, Proof, vouched
from domain.identity.numbers.service import close_move, locked_account, number_of, take, tell
from domain.identity.policies import KEEPERS, holds
from domain.identity.ports import Vault
from domain.identity.rules import MOVES_PER_ACCOUNT, SIGN_IN_PER_CLIENT, Purpose, normalise_phone, remark
from domain.identity.sessions.chain import end_every_session
from domain.identity.sessions.codes import Sought, send_code, try_code, use_code
from domain.kernel.errors import DomainError, Forbidden, NotFound, Unauthenticated
from domain.kernel.uow import AnyRow, UnitOfWork


@dataclass(frozen=True, slots=True)
class Request:
    """What a keeper asks for. proof: what the person showed; note: in words, without numbers, kept for good."""

    account_id: int
    phone: str
    proof: Proof
    note: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A move that waits for its confirmation. others_needed: the person is something that none who asked keeps."""

    expires_at: datetime
    others_needed: bool


async def ask(uow: UnitOfWork, *, vault: Vault, request: Request, client: str, language: str) -> Asked:
    """Ask to move the person's number: a code goes to the new one, the old one is told.

    Asked by another keeper for the same number, it is the word of both. Another number replaces an open move.
    Raises InvalidPhone, InvalidText, NumbersInWords, OwnRole, NotFound (out of sight), Forbidden (a keeper of none of
    the places through which they see the person), Limited.
    """
    number, note = normalise_phone(request.phone), remark(request.note, field="note")
    ways = await ways_of(uow, request.account_id)
    if not any(holds(uow.actor, KEEPERS, way.place) for way in ways) or uow.actor.account_id is None:
        raise Forbidden
    await spend(uow, MOVES_PER_ACCOUNT, vault.index("rate_limit.account", str(uow.actor.account_id)))
    await send_code(uow, vault=vault, sought=Sought(number, Purpose.MOVE_TO), client=client, language=language)
    account = await locked_account(uow, request.account_id)
    move = await _joined(uow, account.id, phone_index(vault, number), uow.actor.account_id)
    if move is None:
        move = await _opened(uow, account.id, phone_index(vault, number), uow.actor.account_id)
        old = await number_of(vault, account)
        tell(uow, vault=vault, account=account, phone=old, what="move_asked")
    where, homes = kept(uow.actor, ways)
    said = {"proof": str(request.proof), "note": note}
    uow.record("account.move_asked", "Account", account.id, where=where, homes=homes, details=said)
    return Asked(move.expires_at, not await _is_vouched(uow, account.id, move.vouchers))


async def _joined(uow: UnitOfWork, account_id: int, index: bytes, keeper: int) -> AnyRow | None:
    """The account's open move to this number with the keeper's word added, if there is one."""
    # ``array_remove`` first: whose word it is already gives it once.
    words = func.array_append(func.array_remove(NumberMove.vouchers, keeper), keeper)
    joined = await uow.session.execute(
        update(NumberMove)
        .where(NumberMove.account_id == account_id, NumberMove.phone_index == index)
        .where(NumberMove.closed_at.is_(None), NumberMove.expires_at > uow.now)
        .values(vouchers=words)
        .returning(NumberMove.expires_at, NumberMove.vouchers)
    )
    return joined.first()


async def _opened(uow: UnitOfWork, account_id: int, index: bytes, keeper: int) -> AnyRow:
    await close_move(uow, account_id, "replaced")
    row = {
        "account_id": account_id,
        "phone_index": index,
        "vouchers": [keeper],
        "asked_at": uow.now,
        "expires_at": uow.now + MOVE_LIFE,
    }
    made = insert(NumberMove).values(row).returning(NumberMove.expires_at, NumberMove.vouchers)
    return (await uow.session.execute(made)).one()


async def _is_vouched(uow: UnitOfWork, account_id: int, keepers: Sequence[int]) -> bool:
    """Whether the word of ``keepers``, as they stand now, is enough."""
    working = select(Account.id).where(Account.id.in_(keepers), Account.disabled_at.is_(None)).order_by(Account.id)
    found = [await standing_of(uow, keeper) for keeper in (await uow.session.execute(working)).scalars().all()]
    return vouched(await standing_of(uow, account_id), found)


async def confirm(uow: UnitOfWork, *, vault: Vault, phone: str, code: str, client: str) -> DomainError | None:
    """Whoever holds the new number confirms the move: all sign-ins of the account end, its authenticator is forgotten,
    and the old number is told.

    Returns WrongCode (the attempt counts), NoMove, MoveIncomplete or NumberInUse. Raises InvalidPhone, Limited.
    """
    number = normalise_phone(phone)
    if client:
        await spend(uow, SIGN_IN_PER_CLIENT, vault.index("rate_limit.client", client))
    code_id = await try_code(uow, vault=vault, sought=Sought(number, Purpose.MOVE_TO), code=code)
    if code_id is None:
        return WrongCode(field="code")
    await use_code(uow, code_id)
    index = phone_index(vault, number)
    found = (await uow.session.execute(_open(uow, index))).first()
    if found is None:
        return NoMove(field="phone")
    account = await locked_account(uow, found.account_id)
    # Read again after the lock: it may just have been refused, replaced or joined.
    move = (await uow.session.execute(_open(uow, index, account.id).with_for_update())).first()
    if move is None:
        return NoMove(field="phone")
    if not await _is_vouched(uow, account.id, move.vouchers):
        return MoveIncomplete()
    return await _move(uow, vault, account, number, account_id=account.id)


def _open(uow: UnitOfWork, index: bytes, account_id: int | None = None) -> Select[int, list[int]]:
    """Open moves to the number, of one account or all; the latest first."""
    query = select(NumberMove.account_id, NumberMove.vouchers).where(
        NumberMove.phone_index == index, NumberMove.closed_at.is_(None), NumberMove.expires_at > uow.now
    )
    if account_id is not None:
        query = query.where(NumberMove.account_id == account_id)
    return query.order_by(NumberMove.id.desc()).limit(1)


async def _move(
    uow: UnitOfWork, vault: Vault, account: AnyRow, number: str, *, account_id: int | None
) -> DomainError | None:
    """``account_id``: whose act it is; None: the actor's."""
    old = await number_of(vault, account)
    if not await take(uow, vault=vault, account_id=account.id, phone=number):
        await close_move(uow, account.id, "in_use")
        return NumberInUse(field="phone")
    await close_move(uow, account.id, "moved")
    await drop(uow, account.id)
    await end_every_session(uow, account.id, reason="number_moved")
    standing = await standing_of(uow, account.id)
    where = next(iter((*standing.homes, *(place for _, place in standing.roles))), None)
    uow.record("account.number_moved", "Account", account.id, where=where, account_id=account_id)
    tell(uow, vault=vault, account=account, phone=old, what="moved")
    return None


async def move_at_once(uow: UnitOfWork, *, vault: Vault, old: str, new: str) -> DomainError | None:
    """Move a number on the word of whoever runs the deployment, for those nobody stands above. For the command line.

    Returns NumberInUse. Raises InvalidPhone, NotFound.
    """
    number = normalise_phone(new)
    holder = select(Account.id).where(Account.phone_index == phone_index(vault, normalise_phone(old)))
    account_id = (await uow.session.execute(holder)).scalar()
    if account_id is None:
        raise NotFound
    return await _move(uow, vault, await locked_account(uow, account_id), number, account_id=None)


async def refuse(uow: UnitOfWork) -> bool:
    """The account's holder does not want it moved; False: nobody has asked to. Raises Unauthenticated."""
    if uow.actor.account_id is None:
        raise Unauthenticated
    refused = await close_move(uow, uow.actor.account_id, "refused")
    if refused:
        uow.record("account.move_refused", "Account", uow.actor.account_id)
    return refused
