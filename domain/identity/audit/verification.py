"""Walks every chain and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.identity.audit import reading
from domain.identity.audit.ports import HeadSigner
from domain.identity.audit.rules import Finding, Head, Seal, Walk, forged, line_of


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One chain. signed_to: the last number a good signature stands for; uncounted: findings beyond those named."""

    chain: int
    rows: int
    signed_to: int
    findings: tuple[Finding, ...]
    uncounted: int = 0


@dataclass(frozen=True, slots=True)
class Auditing:
    """What a verification works with: the application's engine, the auditor's, the keys, and signed ends kept
    elsewhere (``copies``)."""

    engine: AsyncEngine
    auditor: AsyncEngine
    signer: HeadSigner
    copies: Sequence[Seal] = ()

    async def chains(self, only: int | None = None) -> tuple[list[int], int]:
        """Every chain that is named anywhere, and how many rows there should be; ``only`` that one when given."""
        heads = await reading.heads(self.engine, only)
        if only is not None:
            return [only], sum(head.sequence for head in heads.values())
        sealed = {seal.chain for seal in [*self.copies, *await reading.seals(self.engine)]}
        named = {*heads, *sealed, *await reading.chains(self.auditor)}
        return sorted(named), sum(head.sequence for head in heads.values())

    async def check(self, chain: int, walked: Callable[[int], None] = lambda _: None) -> ChainReport:
        """Walk one chain. ``walked`` is told how many rows were read. Entries may be appended meanwhile."""
        good, bad = self._tried(chain, await reading.seals(self.engine, chain))
        walk = Walk(chain, least=await self._head(chain), seals=good)
        async for rows in reading.entries(self.auditor, chain):
            for row in rows:
                walk.see(row["sequence"], row["previous"], row["hash"], line_of(row))
            walked(len(rows))
        found = (*walk.end(await self._head(chain)), *map(forged, bad))
        return ChainReport(chain, walk.rows, walk.signed_to, found, walk.uncounted)

    async def _head(self, chain: int) -> Head | None:
        return (await reading.heads(self.engine, chain)).get(chain)

    def _tried(self, chain: int, stored: Sequence[Seal]) -> tuple[list[Seal], list[Seal]]:
        """Signed ends with good signatures and with others; a copy of one that was tried is left out."""
        different = {
            (seal.sequence, seal.hash, seal.signed_at, seal.kid, seal.signature): seal
            for seal in [*(copy for copy in self.copies if copy.chain == chain), *stored]
        }
        tried = [(self.signer.verifies(s.kid, s.text, s.signature), s) for s in different.values()]
        return [seal for fine, seal in tried if fine], [seal for fine, seal in tried if not fine]
