"""Signing the ends of the chains: from then on nothing before them can be changed without the key."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, insert, select

from domain.identity.audit.models import AuditHead, AuditSignature
from domain.identity.audit.ports import HeadLog, HeadSigner
from domain.identity.audit.rules import Seal, sealed_text
from domain.kernel.uow import UnitOfWork


async def sign_heads(uow: UnitOfWork, *, signer: HeadSigner, log: HeadLog, limit: int) -> int:
    """Sign up to ``limit`` chains that have grown since they were signed last; how many were.

    They are written down outside first: a signature that is in the database is always there too.
    """
    signed = (
        select(func.coalesce(func.max(AuditSignature.sequence), 0))
        .where(AuditSignature.chain == AuditHead.chain)
        .scalar_subquery()
    )
    grown = (
        select(AuditHead.chain, AuditHead.sequence, AuditHead.hash)
        .where(AuditHead.sequence > signed)
        .order_by(AuditHead.chain)
        .limit(limit)
    )
    seals = []
    for chain, sequence, end in (await uow.session.execute(grown)).all():
        kid, signature = signer.sign(sealed_text(chain, sequence, end, uow.now))
        seals.append(Seal(chain, sequence, end, uow.now, kid, signature))
    if seals:
        await asyncio.to_thread(log.append, seals)
        rows = [
            {"chain": s.chain, "sequence": s.sequence, "hash": s.hash, "signed_at": s.signed_at}
            | {"kid": s.kid, "signature": s.signature}
            for s in seals
        ]
        await uow.session.execute(insert(AuditSignature), rows)
    return len(seals)
