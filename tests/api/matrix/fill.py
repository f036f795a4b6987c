"""Fills every table in every place with rows whose texts are canaries, from the tables' own descriptions.

A new table is filled without a word here if its columns are called as elsewhere; one that cannot be filled fails, with
the database's own words.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from api.permissions import LEAVES
from api.security.keys import dated
from tests.api.matrix.cast import WORKING
from tests.api.matrix.reach import RULES
from tests.api.matrix.rows import Row, Seeded

GONE = {"retired_at", "ended_at", "removed_at", "revoked_at", "disabled_at"}
AREA_COLUMNS = {"county_id": 1, "town_id": 2, "community_id": 3, "compound_id": 4}
# What a word in a column may be, where not any word will do.
VALUES: dict[str, Any] = {
    "alert.kind": "smoke",
    "alert.severity": 3,
    "alert_change.change": "raised",
    "autopay.kinds": ["property"],
    "autopay_plan.state": "planned",
    "autopay.monthly_limit_fen": 2_000_000,
    "autopay.vendor": "alipay",
    "bill.kind": "property",
    "bill_import.format": "csv",
    "bill_import.state": "ready",
    "bill.lines": [],
    "bill.source": "office",
    "bill.state": "issued",
    "charge.kind": "property",
    "charge.state": "open",
    "charge.subject": "bill",
    "application.kind": "repair",
    "application.state": "submitted",
    "application_change.kind": "repair",
    "application_change.state": "submitted",
    "fee_rule.basis": "home",
    "fee_rule.kind": "property",
    "fee_rule.tiers": [{"up_to": None, "rate": 185_000}],
    "ingest_tally.channel": "http",
    "housekeeping_booking.state": "booked",
    "housekeeping_series.every": "week",
    "housekeeping_service.minutes": 60,
    "housekeeping_service.unit": "visit",
    "housekeeping_shift.closes": 1440,
    "housekeeping_shift.opens": 0,
    "housekeeping_shift.weekday": 1,
    "ledger_entry.credit": "income",
    "ledger_entry.debit": "receivable",
    "ledger_entry.kind": "opened",
    "ledger_entry.subject": "bill",
    "ledger_entry.subject_id": 1,
    "meter.kind": "water",
    "meter_reading.source": "manual",
    "meter_reading.state": "to_confirm",
    "outbox_event.state": "dead",
    "invoice_request.kind": "personal",
    "invoice_request.state": "asked",
    "prepaid_balance.balance_fen": 1_000,
    "payment_attempt.channel": "wechat_native",
    "payment_attempt.state": "closed",
    "payment_attempt.vendor": "wechat",
    "payment_notice.vendor": "wechat",
    "payment_order.state": "open",
    "reconciliation.vendor": "wechat",
    "reconciliation_item.state": "open",
    "reconciliation_item.vendor": "wechat",
    "refund.check_at": datetime(2026, 1, 1, tzinfo=UTC),
    "refund.state": "asked",
    "repair_item.kind": "part",
    "repair_item.quantity": 1,
    "repair_quotation.answered_at": datetime(2026, 1, 1, tzinfo=UTC),
    "repair_quotation.state": "refused",
    "repair_request.finish_by": datetime(2026, 1, 2, tzinfo=UTC),
    "repair_request.kind": "refrigerator",
    "repair_request.skill": "appliance",
    "repair_request.state": "assigned",
    "repair_request.taken_at": datetime(2026, 1, 1, tzinfo=UTC),
    "repair_worker.skills": ["appliance"],
    "sign_in_code.purpose": "sign_in",
}
# Numbers with a form of their own, each its own.
NUMBERED = {
    "payment_attempt.out_trade_no": "zt1_{:018}",
    "refund.out_refund_no": "zr1_{:018}",
    "autopay.number": "za1_{:018}",
}
# Columns that belong to another state than the one above: left empty.
EMPTY = {
    "autopay.closed_because",
    "invoice_request.invoice_number", "payment_attempt.launch", "payment_attempt.refused_because",
    "payment_attempt.transaction_id", "payment_order.closed_because", "refund.note", "refund.replaces_id",
    "repair_request.charge_id", "repair_request.warranty_of_id", "number_move.outcome",
}  # fmt: skip
TODAY = datetime.now(UTC).date()
VALUES |= {"price.on_day": TODAY, "market.latest_on": TODAY, "price_index.on_day": TODAY}
VALUES |= {"price.category": "vegetable", "market.source": "office"}
# The table an id points into, where the column's name does not say.
POINTS = {"sighting_id": "sighting", "event_id": "event", "alert_id": "alert", "raw_id": "raw_message"}
# Tables without a type of their own that are shown all the same: under which type's or leaf's rule.
SHOWN_AS = {
    "bill_import_row": "BillImport",
    "outbox_event": "DeadLetter",
    "alert_change": "Alert",
    "application_change": "Application",
    "picture": "Event.pictures",
    "price_index": "Market",
    "repair_item": "RepairRequest",
    "repair_quotation": "RepairRequest",
}
LOGS = {
    "alert_change", "application_change", "bill_import_row", "price_index", "repair_item", "repair_quotation",
}  # fmt: skip
"""Tables whose rows are shown, but not by an id of their own."""
NODE_OF = {node.lower(): node for node in RULES} | {name.replace("_", ""): node for name, node in SHOWN_AS.items()}
# Tables whose rows are of the account they name, wherever it lives or serves.
OWNED = {"price_alert", "upload"}
# Tables whose rows are of a home, and more of the account that made them.
SIGNED = {"autopay"}
# The column of the account whose work a row is; the row is theirs.
WORKER = "worker_account_id"
assert set(SHOWN_AS.values()) <= RULES.keys() | LEAVES.keys()


@dataclass(frozen=True)
class Spot:
    """Where a row is put: a compound, one of its homes or none.

    values: columns with a meaning of their own. words: canaries in them. hidden: it is shown to nobody.
    """

    compound: str
    home: str | None = None
    gone: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    hidden: bool = False

    @property
    def place(self) -> str:
        """The name of the home or else the compound."""
        return self.home or self.compound


@dataclass
class Filler:
    """Inserts as superuser. ``found``: rows by table and place, for what points to them."""

    connection: asyncpg.Connection
    seeded: Seeded
    found: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(900_000))

    async def insert(self, table: Table, spot: Spot) -> Row | None:
        """One row of ``table``; None when it is there already."""
        words = dict(spot.words)
        values: dict[str, Any] = {}
        for column in table.columns:
            value = self._value(column, spot, words)
            if value is not ...:
                values[column.name] = value
        names = ", ".join(f'"{name}"' for name in values)
        places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        statement = f"insert into {table.name} ({names}) values ({places}) on conflict do nothing returning *"
        try:
            made = await self.connection.fetchrow(statement, *values.values())
        except (asyncpg.PostgresError, asyncpg.DataError) as error:
            raise AssertionError(f"cannot fill {table.name}; give it a value in VALUES: {error}") from error
        if made is None:
            return None
        stored = dict(made)
        if not spot.gone:
            self.found.setdefault((table.name, spot.place), stored)
        shown_as = None if spot.hidden else NODE_OF.get(table.name.replace("_", ""))
        readable = shown_as in RULES and table.name not in LOGS
        audience = frozenset(spot.values.get("audience", ()))
        key, number = (key_of(table, stored) if readable else ""), stored.get("id")
        owner = self._owner(table.name, spot.place, stored)
        row = Row(table.name, shown_as, spot.place, key, number or 0, owner, spot.gone, audience, stored)
        return self.seeded.add(row, **words)

    def _owner(self, table: str, place: str, stored: dict[str, Any]) -> str | None:
        """Whose the row is by name: of whoever's work it, or the repair it belongs to, is; or of its account."""
        whole = stored if "repair_id" not in stored else self.found["repair_request", place]
        account = whole.get(WORKER, stored["account_id"] if table in OWNED | SIGNED else None)
        return next((name for name, number in self.seeded.accounts.items() if number == account), None)

    def _value(self, column: Column[Any], spot: Spot, words: dict[str, str]) -> Any:
        """The column's value; ``...`` leaves it to the database."""
        name, kind = column.name, column.type
        if spot.values.get(name, ...) is None:
            return None
        given = spot.values.get(name, VALUES.get(f"{column.table.name}.{name}"))
        if given is not None:
            return json.dumps(given) if isinstance(kind, JSONB) else given
        if (form := NUMBERED.get(f"{column.table.name}.{name}")) is not None:
            return form.format(next(self._numbers))
        if f"{column.table.name}.{name}" in EMPTY:
            return ...
        if name == "chain":
            return self.seeded.areas[spot.compound]
        if name in AREA_COLUMNS:
            return self.seeded.areas[spot.compound[: AREA_COLUMNS[name]]]
        if name == "home_id":
            return self.seeded.homes[spot.home] if spot.home else None
        if isinstance(kind, ARRAY):
            return [self.seeded.homes[spot.home]] if spot.home and name == "homes" else []
        if name in GONE:
            return self.seeded.now if spot.gone else None
        if name == "id" and not isinstance(kind, UUID):
            return ... if self._makes_ids(column) else next(self._numbers)
        if isinstance(kind, Integer) and name.endswith(("_id", "_by", "assigned_to")):
            return self._pointer(column, spot)
        if isinstance(kind, Text | JSONB | LargeBinary):
            return self._word(column, spot, words)
        if column.server_default is not None or (column.nullable and not column.primary_key):
            return ...
        if isinstance(kind, DateTime):
            soon = 5 * name.startswith("starts")  # some have moved in when the world is asked, minutes later
            return self.seeded.now + timedelta(days=name.startswith(("expires", "ends")), minutes=soon)
        return self._plain(kind)

    @staticmethod
    def _makes_ids(column: Column[Any]) -> bool:
        return column.identity is not None or column.server_default is not None or column.autoincrement is True

    def _pointer(self, column: Column[Any], spot: Spot) -> Any:
        name = column.name
        target = next(
            (key.column.table.name for key in column.foreign_keys), POINTS.get(name, name.removesuffix("_id"))
        )
        if name == WORKER:
            return self.seeded.accounts[WORKING.get(spot.compound, f"officer_{spot.compound}")]
        if target == "account" or name.endswith(("_by", "assigned_to")):
            who = f"resident_{spot.home}" if spot.home else f"officer_{spot.compound}"
            return self.seeded.accounts[who]
        for place in (spot.place, spot.compound, f"{spot.compound}/1"):
            if (stored := self.found.get((target, place))) is not None:
                return stored["id"]
        return None if column.nullable else next(self._numbers)

    def _word(self, column: Column[Any], spot: Spot, words: dict[str, str]) -> Any:
        canary = self.seeded.word(spot.place, column.table.name, column.name)
        digest = column.name == "sha256"
        if digest:
            canary = sha256(canary.encode()).hexdigest()
        words[column.name] = canary
        if isinstance(column.type, JSONB):
            return json.dumps({"note": canary})
        if isinstance(column.type, LargeBinary):
            return bytes.fromhex(canary) if digest else canary.encode()
        return canary

    def _plain(self, kind: Any) -> Any:
        if isinstance(kind, Boolean):
            return False
        if isinstance(kind, SmallInteger):
            return next(self._numbers) % 30_000
        if isinstance(kind, Integer | BigInteger):
            return next(self._numbers)
        if isinstance(kind, Date):
            return date(2026, 1, 1)
        return uuid.uuid4() if isinstance(kind, UUID) else ...


def key_of(table: Table, stored: dict[str, Any]) -> str:
    """What the global id of a row says after its type, by the table's primary key."""
    names = {column.name for column in table.primary_key.columns}
    if "at" in names:
        return dated(stored["compound_id"], stored["at"], stored["id"])
    if "id" not in names:
        return ".".join(str(stored[column.name]) for column in table.primary_key.columns)
    return f"{stored['compound_id']}.{stored['id']}" if "compound_id" in names else str(stored["id"])
