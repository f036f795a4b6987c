"""Charges are told their kinds by the upgrade, and who agreed to bills goes on paying all of them."""

from __future__ import annotations

import asyncpg

from migrations import run
from tests.migrations.compound import AREAS, COMPOUND, PLACE

BEFORE = "0039"
ROWS = f"""
{COMPOUND}
insert into home (id, {AREAS}, building_id, unit, door)
  select n, {PLACE}, 1, '1', n::text from generate_series(1, 3) n;
insert into account (id, phone_index, phone_sealed, name) values (1, 'x', 'x', 'x');
insert into bill (id, {AREAS}, home_id, kind, source, source_key, title, period_from, period_to, amount_fen, deadline,
                  state, issued_at)
  select n, {PLACE}, 1, (array['water','property','gas','electricity'])[n], 'office', n::text, 'x', '2026-10-01',
         '2026-10-31', 900, '2026-11-30', 'issued', now()
  from generate_series(1, 4) n;
insert into charge ({AREAS}, home_id, subject, subject_id, amount_fen, title, state, opened_at, paid_at)
  select {PLACE}, 1, subject, id, 900, 'x', state, now(), paid_at
  from (values ('bill', 1, 'open', null::timestamptz), ('bill', 2, 'paid', now()), ('bill', 3, 'void', null),
               ('bill', 4, 'held', null), ('repair', 1, 'open', null), ('booking', 1, 'open', null))
       as c (subject, id, state, paid_at);
insert into autopay ({AREAS}, home_id, account_id, vendor, number, kinds, limit_fen, monthly_limit_fen, asked_at,
                     expires_at, check_at)
  select {PLACE}, id, 1, 'alipay', 'za4_00000' || id, kinds, 1, 1, now(), now(), now()
  from (values (1, array['bill']), (2, array['bill', 'repair']), (3, array['booking'])) as a (id, kinds);
"""
KINDS = "select kind from charge order by id"
AGREED = "select kinds from autopay order by home_id"


async def test_kinds_are_told_and_agreements_mean_what_they_meant(empty_database_url: str) -> None:
    await run.upgrade(empty_database_url, BEFORE)
    stored = await asyncpg.connect(empty_database_url)
    try:
        await stored.execute(ROWS)
        await run.upgrade(empty_database_url)
        kinds = [row["kind"] for row in await stored.fetch(KINDS)]
        assert kinds == ["water", "property", "gas", "electricity", "repair", "booking"]
        bills = {"property", "water", "electricity", "gas"}
        assert [set(row["kinds"]) for row in await stored.fetch(AGREED)] == [bills, bills | {"repair"}, {"booking"}]
    finally:
        await stored.close()
