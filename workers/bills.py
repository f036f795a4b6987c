"""Files of bills, worked through in batches beside everything else: a large file holds up no alert."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from typing import Final

from domain.community.bills.imports import work
from domain.community.bills.imports.errors import BadSheet, MissingColumns, TooManyRows
from domain.community.bills.imports.rows import columns_of
from domain.community.bills.imports.service import content_place
from domain.community.bills.imports.work import MOST_ROWS, Sheet, Work
from domain.identity.ports import KeyErased, Vault
from domain.kernel.actor import Scope, system_actor
from domain.kernel.errors import Invalid
from domain.kernel.uow import Database
from integrations.sheet_process import read_rows
from integrations.sheets import Unreadable
from workers.schedule import RETRY, everything

BATCH: Final = 2_000
KEPT: Final = 2
"""Files that are held as text between their batches."""


async def sheet_of(content: bytes, *, form: str) -> Sheet:
    """The file as text. Raises BadSheet, MissingColumns, TooManyRows."""
    try:
        rows = await read_rows(content, form=form, most=MOST_ROWS)
    except Unreadable:
        raise BadSheet from None
    except OverflowError:
        raise TooManyRows(most=MOST_ROWS) from None
    columns = columns_of(rows[0]) if rows else columns_of(())
    if isinstance(columns, list):
        raise MissingColumns(columns=", ".join(columns))
    return Sheet(columns, rows[1:])


class BillImports:
    """Works through imports, one batch at a time; several workers take several imports."""

    def __init__(self, database: Database, vault: Vault, *, batch: int = BATCH) -> None:
        self._database = database
        self._vault = vault
        self._batch = batch
        self._sheets: OrderedDict[int, Sheet] = OrderedDict()
        self._failed: dict[int, datetime] = {}

    async def drain(self) -> int:
        """Work until nothing waits; how many rows were worked."""
        total = 0
        while (done := await self.step()) is not None:
            total += done
        return total

    async def step(self) -> int | None:
        """One batch of the oldest import; how many rows, None when nothing waits.

        An import whose batch fails is left as it was for a minute, and the others go on: nobody waits for another's.
        """
        now = self._database.clock()
        self._failed = {number: until for number, until in self._failed.items() if until > now}
        found: Work | None = None
        try:
            async with self._database.unit_of_work(system_actor(await everything(self._database))) as uow:
                found = await work.next_work(uow, but=self._failed)
                if found is None:
                    return None
                if found.state == "applying":
                    return await work.apply_batch(uow, work=found, limit=self._batch)
                known = found.import_id in self._sheets
                sealed = None if known else await work.sealed_content(uow, found.import_id)
            return await self._check(found, sealed)
        except Exception:
            if found is not None:
                self._failed[found.import_id] = now + RETRY
            raise

    async def _check(self, found: Work, sealed: bytes | None) -> int:
        actor = system_actor(Scope(compounds=(found.compound_id,)))
        try:
            sheet = self._sheets.get(found.import_id) or await self._read(found, sealed)
        except Invalid as error:
            self._sheets.pop(found.import_id, None)
            async with self._database.unit_of_work(actor) as uow:
                said = f"{error.code}: {error.params.get('columns', '')}".removesuffix(": ")
                await work.fail(uow, import_id=found.import_id, fault=said)
            return 0
        await self._vault.ready((found.compound_id,))
        async with self._database.unit_of_work(actor) as uow:
            done = await work.check_batch(uow, vault=self._vault, work=found, sheet=sheet, limit=self._batch)
        if done < self._batch:
            self._sheets.pop(found.import_id, None)
        return done

    async def _read(self, found: Work, sealed: bytes | None) -> Sheet:
        """The file as text. Raises BadSheet, MissingColumns, TooManyRows."""
        if sealed is None:
            raise BadSheet
        try:
            content = await self._vault.open_bytes(sealed, content_place(found.import_id), area=found.compound_id)
        except (KeyErased, ValueError):
            raise BadSheet from None
        sheet = await sheet_of(content, form=found.format)
        self._sheets[found.import_id] = sheet
        while len(self._sheets) > KEPT:
            self._sheets.popitem(last=False)
        return sheet
